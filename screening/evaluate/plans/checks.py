"""What the fields of a test plan must be: each complaint begins with the field's name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import Protocol

from screening.evaluate.metrics.planning import detection_plan, false_alarm_plan, rate_plan_hours
from screening.physics import MATERIALS

from .quantities import parse_quantity
from .sweeping import Swept, Values, sweep_kind, sweep_of

__all__ = [
    "Judged",
    "check_confidence",
    "check_judged",
    "check_material",
    "check_name",
    "check_scanner",
    "check_share",
    "check_showable",
    "check_values",
    "listed",
    "unknown",
]


#: Longer lists are not printed in a message.
_MOST_LISTED = 60


class Judged(Swept, Protocol):
    """A scenario, as far as it is judged; the fields are those of :class:`.schema.Scenario`."""

    @property
    def trials(self) -> int | None:
        """Trials."""

    @property
    def required(self) -> float | None:
        """Least probability."""

    @property
    def maximum(self) -> float | None:
        """Largest probability."""

    @property
    def maximum_unknown(self) -> float | None:
        """Largest share of UNKNOWN."""

    @property
    def limit(self) -> str | None:
        """Limit of a sweep."""


def check_judged(scenario: Judged) -> None:
    """Check that there is something to judge.

    Parameters
    ----------
    scenario : Judged
        Any but one of an empty lane or measured.

    Raises
    ------
    ValueError
        If trials or what is required is missing, or a limit stands without a sweep.
    """
    sweep = sweep_of(scenario)
    if scenario.trials is None:
        raise ValueError("trials: missing")
    if (scenario.required is None) == (scenario.maximum is None):
        raise ValueError("required: either a required or a maximum probability is needed")
    if sweep is not None and scenario.required is None:
        raise ValueError("required: a sweep is read at a required probability")
    if scenario.limit is not None:
        if sweep is None:
            raise ValueError("limit: goes with a list of values, and there is none")
        parse_quantity(scenario.limit, sweep_kind(sweep.name), name="limit")


def check_showable(scenario: Judged, confidence: float) -> None:
    """Check that the trials of a scenario can ever show what it requires.

    Parameters
    ----------
    scenario : Judged
        Any.
    confidence : float
        Of its bounds.

    Raises
    ------
    ValueError
        If not even trials without one failure could; the message names the smallest number that could.
    """
    hours = getattr(scenario, "hours", None)
    per_hour = getattr(scenario, "maximum_per_hour", None)
    if hours is not None and per_hour is not None:
        least = rate_plan_hours(per_hour, confidence=confidence)
        if hours < least * (1.0 - 1e-9):
            raise ValueError(
                f"hours: {hours:g} can never show {per_hour:g} an hour at {confidence:.0%} confidence; "
                f"the least is {least:.4g}, without any alarm"
            )
    if scenario.trials is None or sweep_of(scenario) is not None:
        return
    for name, plan_of in (
        ("required", detection_plan),
        ("maximum", false_alarm_plan),
        ("maximum_unknown", false_alarm_plan),
    ):
        asked = getattr(scenario, name)
        if asked is None:
            continue
        least_n = plan_of(asked, confidence=confidence).n
        if scenario.trials < least_n:
            raise ValueError(
                f"trials: {scenario.trials} can never show {name} = {asked:g} at {confidence:.0%} "
                f"confidence; the smallest number that could is {least_n}"
            )


def listed(value: Values | None) -> Sequence[str]:
    """Return a value as a list.

    Parameters
    ----------
    value : str or list of str or None
        One, several or none.

    Returns
    -------
    sequence of str
        Empty for None.
    """
    return [] if value is None else [value] if isinstance(value, str) else value


def check_values(name: str, value: Values | None, kind: str) -> None:
    """Check quantities.

    Parameters
    ----------
    name : str
        The field.
    value : str or list of str or None
        One, several or none.
    kind : str
        A key of :data:`.quantities.UNITS`.

    Raises
    ------
    ValueError
        If one is no quantity of that kind, or the list is empty.
    """
    if isinstance(value, list) and not value:
        raise ValueError(f"{name}: the list is empty")
    for text in listed(value):
        parse_quantity(text, kind, name=name)


def unknown(field: str, word: str, known: Iterable[str], *, where: str = "") -> str:
    """Return what to say of a word that is none of a list.

    Parameters
    ----------
    field : str
        The field.
    word : str
        What stands there.
    known : iterable of str
        What may stand there.
    where : str
        Where a list too long to be printed can be read.

    Returns
    -------
    str
        The words that come near it, and the list if it is short.
    """
    words = sorted(known)
    close = get_close_matches(word, words, n=2, cutoff=0.7)
    meant = f"; did you mean {' or '.join(map(repr, close))}?" if close else ""
    if len(words) > _MOST_LISTED:
        said = f"; none of {len(words)} names{' in ' + where if where else ''}"
        return f"{field}: {word!r} is unknown{meant or said}"
    return f"{field}: {word!r} is unknown{meant}{'' if meant else ';'} known: {', '.join(words)}"


def check_name(name: str, value: str) -> None:
    """Check a name.

    Parameters
    ----------
    name : str
        The field.
    value : str
        The value.

    Raises
    ------
    ValueError
        If it is empty, long or not printable.
    """
    if not value.strip() or len(value) > 100 or not value.isprintable():
        raise ValueError(f"{name}: 1 to 100 printable characters are allowed, got {value!r}")


def check_share(name: str, value: float) -> None:
    """Check a probability.

    Parameters
    ----------
    name : str
        The field.
    value : float
        The value.

    Raises
    ------
    ValueError
        If it is not above 0 and below 1.
    """
    if not 0.0 < value < 1.0:
        raise ValueError(f"{name}: above 0 and below 1 is allowed, got {value!r}")


def check_confidence(value: float) -> None:
    """Check a confidence.

    Parameters
    ----------
    value : float
        The value.

    Raises
    ------
    ValueError
        If it is not above 0.5 and below 1.
    """
    if not 0.5 < value < 1.0:
        raise ValueError(f"confidence: above 0.5 and below 1 is allowed, got {value!r}")


def check_material(name: str) -> None:
    """Check a material.

    Parameters
    ----------
    name : str
        Of the material.

    Raises
    ------
    ValueError
        If it is unknown.
    """
    if name not in MATERIALS:
        raise ValueError(unknown("material", name, MATERIALS, where="screening.physics.MATERIALS"))


def check_scanner(scanner: str, family: str | None) -> None:
    """Check a scanner and its family.

    Parameters
    ----------
    scanner, family : str, str or None
        Of the simulator.

    Raises
    ------
    ValueError
        If one is unknown, or the family is not built as this scanner.
    """
    from screening.simulation.radiographs.families import SCANNER_FAMILIES, SCANNER_KINDS

    if scanner not in SCANNER_KINDS:
        raise ValueError(unknown("scanner", scanner, SCANNER_KINDS))
    if family is not None:
        if family not in SCANNER_FAMILIES:
            raise ValueError(unknown("family", family, SCANNER_FAMILIES))
        if scanner not in SCANNER_FAMILIES[family].kinds:
            raise ValueError(
                f"family: {family!r} is built as {', '.join(SCANNER_FAMILIES[family].kinds)}, "
                f"not as {scanner!r}"
            )
