"""What a site's policy changes in the decision table, one container at a time.

Three things, in this order: the first of the site's own rules that fits the evidence answers instead
of the table; where none does, the table answers, reading some values as others; and an answer that
would let the container go is held back while a step that the site requires is not done. The same on
all combinations at once is in :mod:`screening.clearance.whole_table`; whether the result may be used
at all is asked in :mod:`screening.clearance.properties`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

import msgspec

from screening.records import Action, CaseInputs, Level

from .table import DOMAINS, Outcome, decide

__all__ = [
    "MISSING",
    "NEEDED",
    "STEPS",
    "SiteRule",
    "StepName",
    "decide_under",
    "is_step_done",
    "read_as",
    "value_of",
    "withheld",
]

StepName = Literal["TARGETING", "SEAL", "RADIATION", "IMAGE", "SECONDARY_RAD", "DESTUFF", "ARRIVAL"]

#: The steps in the order of the flow.
STEPS: tuple[StepName, ...] = (
    "TARGETING",
    "SEAL",
    "RADIATION",
    "IMAGE",
    "SECONDARY_RAD",
    "DESTUFF",
    "ARRIVAL",
)

#: The steps that the table itself rests on, with the input that tells of each, and its good value: left
#: out of a policy, their absence is not held against a container.
NEEDED: dict[StepName, tuple[str, Any]] = {
    "TARGETING": ("targeting", Level.LOW),
    "SEAL": ("seal", "VERIFIED"),
    "RADIATION": ("radiation", Level.LOW),
}

#: How a policy writes an input that is not there; TOML has no word for it.
MISSING = "MISSING"

_WORDS: dict[str, dict[str, Any]] = {
    name: {
        MISSING if value is None else str(value).lower() if isinstance(value, bool) else str(value): value
        for value in values
    }
    for name, values in DOMAINS.items()
}

#: What a site may require beyond the table, and where a container goes while it is not done. Sent in
#: this order. ARRIVAL is not among them: the table asks it of every box that has moved.
_REFERRALS: dict[StepName, Action] = {
    "SECONDARY_RAD": Action.REFER_SECONDARY_RAD,
    "IMAGE": Action.REFER_NII,
    "DESTUFF": Action.REFER_DESTUFF,
}


class SiteRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule of the site, tried before the table.

    Attributes
    ----------
    when : dict of str to tuple of str or bool
        For each input it looks at, the values that fit ("MISSING": not there). All have to fit; inputs
        that are not named may have any value.
    risk : Level
        Risk where it fits.
    action : Action
        What has to be done.
    name : str
        What a decision's report calls it.
    """

    when: dict[str, tuple[str | bool, ...]]
    risk: Level
    action: Action
    name: str = ""

    def __post_init__(self) -> None:
        if not self.when:
            raise ValueError("a rule needs at least one condition under 'when'")
        for name, words in self.when.items():
            if not words:
                raise ValueError(f"'when.{name}' names no value")
            for word in words:
                value_of(name, word)


def value_of(name: str, word: str | bool) -> Any:
    """Return the value of an input that a policy's word stands for.

    Parameters
    ----------
    name : str
        The input.
    word : str or bool
        The word; for `severe` true and false, also as strings.

    Returns
    -------
    object
        One of the input's values; None for "MISSING".

    Raises
    ------
    ValueError
        If there is no such input, or it has no such value.
    """
    words = _WORDS.get(name)
    if words is None:
        raise ValueError(f"unknown input '{name}'; there are {', '.join(DOMAINS)}")
    text = str(word).lower() if isinstance(word, bool) else word
    if text not in words:
        raise ValueError(f"'{text}' is no value of '{name}'; there are {', '.join(words)}")
    return words[text]


def read_as(
    reads: Mapping[str, Mapping[str, str | bool]], required_steps: Iterable[str]
) -> dict[str, dict[Any, Any]]:
    """Return which values of which inputs the table reads as others.

    A step of `NEEDED` that is not required counts as done well where it is missing. No policy gets
    through with that; it is worked out so that the properties can say what it would let pass.

    Parameters
    ----------
    reads : mapping
        As the policy gives it: input, word, word.
    required_steps : iterable of str
        The steps the policy requires.

    Returns
    -------
    dict
        Input, value, value; inputs that are read as they are do not appear.
    """
    required = frozenset(required_steps)
    found: dict[str, dict[Any, Any]] = {
        name: {value_of(name, word): value_of(name, other) for word, other in changes.items()}
        for name, changes in reads.items()
    }
    for step, (name, good) in NEEDED.items():
        if step not in required:
            changes = found.setdefault(name, {})
            for value in DOMAINS[name]:
                if changes.get(value, value) is None:
                    changes[value] = good
    return {name: changes for name, changes in found.items() if changes}


def decide_under(
    inputs: CaseInputs,
    *,
    reads: Mapping[str, Mapping[Any, Any]],
    rules: Iterable[SiteRule],
    required_steps: Iterable[str],
) -> Outcome:
    """Return what follows from a container's evidence at a site.

    Parameters
    ----------
    inputs : CaseInputs
        The evidence of the current seal epoch.
    reads : mapping
        Values read as others, from `read_as`. The site's rules and the steps look at the evidence as it
        is.
    rules : iterable of SiteRule
        The site's own rules; the first that fits answers.
    required_steps : iterable of str
        What has to be done of every container.

    Returns
    -------
    Outcome
        Risk, action, and the rule that matched.
    """
    outcome = next(_answers(inputs, rules), None)
    if outcome is None:
        changed = {
            name: changes[value]
            for name, changes in reads.items()
            if (value := getattr(inputs, name)) in changes
        }
        outcome = decide(msgspec.structs.replace(inputs, **changed) if changed else inputs)
    if outcome.risk != Level.LOW and outcome.action is not Action.RESEAL:
        return outcome
    for step, action in withheld(required_steps):
        if not is_step_done(step, inputs):
            return Outcome(Level.UNKNOWN, action, f"the site requires {step}")
    return outcome


def _answers(inputs: CaseInputs, rules: Iterable[SiteRule]) -> Iterator[Outcome]:
    for number, rule in enumerate(rules, 1):
        if all(
            getattr(inputs, name) in [value_of(name, word) for word in words]
            for name, words in rule.when.items()
        ):
            yield Outcome(rule.risk, rule.action, rule.name or f"rule {number} of the site")


def withheld(required_steps: Iterable[str]) -> tuple[tuple[StepName, Action], ...]:
    """Return the steps that a site requires beyond the table, and where a container goes without them.

    Parameters
    ----------
    required_steps : iterable of str
        The steps the policy requires.

    Returns
    -------
    tuple of (str, Action)
        In the order in which they are asked for.
    """
    required = frozenset(required_steps)
    return tuple((step, action) for step, action in _REFERRALS.items() if step in required)


def is_step_done(step: StepName, inputs: CaseInputs, *, on_paper: bool = False) -> bool:
    """Tell whether a step is done; opening counts for more than an image.

    Parameters
    ----------
    step : str
        The step.
    inputs : CaseInputs
        The evidence.
    on_paper : bool
        Whether paper does for SECONDARY_RAD, as it does for the table where an alarm is not severe.

    Returns
    -------
    bool
        For SECONDARY_RAD: whether every alarm was resolved. Without an alarm there is nothing to
        resolve; without radiation screening nobody knows.
    """
    if step == "TARGETING":
        return inputs.targeting is not None
    if step == "SEAL":
        return inputs.seal == "VERIFIED"
    if step == "RADIATION":
        return inputs.radiation is not None
    if step == "IMAGE":
        return inputs.image is not None or inputs.destuff == "CLEAN"
    if step == "SECONDARY_RAD":
        is_remeasured = inputs.destuff == "CLEAN" and inputs.remeasured == "LOW"
        innocent = ("INNOCENT_MEASURED", "INNOCENT_PAPER") if on_paper else ("INNOCENT_MEASURED",)
        return inputs.radiation == Level.LOW or inputs.adjudication in innocent or is_remeasured
    if step == "DESTUFF":
        return inputs.destuff == "CLEAN"
    return inputs.transit == "INTACT"
