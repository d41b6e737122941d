"""What must hold of a decision table, checked over every combination of its inputs.

The whole table is laid out as one array per answer, with one axis per input, so that a property is
a comparison of slices. Every policy that is loaded passes through here, with the shipped table as the
floor under it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache, partial
from itertools import pairwise
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from screening.errors import PolicyError
from screening.records import Action, CaseInputs, Level

from .site_rules import SiteRule
from .table import DOMAINS, Outcome, decide
from .whole_table import WholeTable, base_table, combination, follow, has, is_action, lay_out, under_policy

__all__ = [
    "DOMAINS",
    "BrokenProperty",
    "WholeTable",
    "broken_properties",
    "check_properties",
    "check_under_policy",
    "keeps_to_the_floor",
    "lay_out",
]

_LEVELS = (Level.LOW, Level.UNKNOWN, Level.HIGH)
_CLEARED = (Action.CLEARED_FOR_DEPARTURE, Action.ACCEPT)

#: Evidence from good to bad, along which the risk may not fall.
_WORSENING: dict[str, tuple[tuple[Any, ...], ...]] = {
    "targeting": (_LEVELS, (Level.UNKNOWN, None)),
    "radiation": (_LEVELS, (Level.UNKNOWN, None)),
    "severe": ((False, True),),
    "image": (("LOW", "UNKNOWN", "HIGH"), ("LOW", "SHIELDED")),
    "seal": (("VERIFIED", "UNVERIFIED", "BROKEN"), ("VERIFIED", "FAULT", "BROKEN"), ("VERIFIED", None)),
    "destuff": (("CLEAN", "FOUND"),),
    "adjudication": (("INNOCENT_MEASURED", "INNOCENT_PAPER", "INCONCLUSIVE", "ILLICIT"),),
    "remeasured": (("LOW", "NOT_LOW"), ("LOW", None)),
    "transit": (("INTACT", "GAP", "TAMPER"), ("INTACT", None), ("NOT_MOVED", None)),
}

_MAX_STEPS = 5

_Require = Callable[[str, "NDArray[np.bool_]"], None]


class BrokenProperty(NamedTuple):
    """A property that a table breaks.

    Attributes
    ----------
    name : str
        The property.
    inputs : CaseInputs
        A combination at which it breaks.
    """

    name: str
    inputs: CaseInputs

    def __str__(self) -> str:
        return f"{self.name}; for example {msgspec.json.encode(self.inputs).decode()}"


def broken_properties(whole: WholeTable, *, base: WholeTable | None = None) -> tuple[BrokenProperty, ...]:
    """Return the properties that a table breaks.

    Parameters
    ----------
    whole : WholeTable
        The table laid out.
    base : WholeTable or None
        The table that is the floor under it; None: it is the floor itself.

    Returns
    -------
    tuple of BrokenProperty
        Each with a combination that shows it; empty for a sound table.
    """
    found: list[BrokenProperty] = []
    require = partial(_note_if_broken, found)
    if base is not None:
        _require_the_floor(whole, base, require)
    _require_evidence_for_low(whole, require)
    _require_bad_news_to_hold(whole, require)
    found += _where_worse_evidence_lowers(whole)
    require("what is demanded, done well, ends in a few steps", _ends(whole))
    return tuple(found)


@lru_cache(maxsize=4)
def check_properties(table: Callable[[CaseInputs], Outcome] = decide) -> None:
    """Refuse a table that breaks a property.

    Parameters
    ----------
    table : callable
        CaseInputs to Outcome.

    Raises
    ------
    PolicyError
        Naming the properties and a combination for each.
    """
    _refuse(broken_properties(base_table() if table is decide else lay_out(table)), "the decision table")


def check_under_policy(
    *,
    reads: Mapping[str, Mapping[Any, Any]],
    rules: Iterable[SiteRule],
    required_steps: Iterable[str],
    name: str,
) -> None:
    """Refuse a policy under which the table breaks a property, or falls below itself.

    Parameters
    ----------
    reads : mapping
        Input, value, value it is read as.
    rules : iterable of SiteRule
        The site's own rules.
    required_steps : iterable of str
        What has to be done of every container.
    name : str
        How a message names the policy.

    Raises
    ------
    PolicyError
        Naming the properties and a combination for each.
    """
    base = base_table()
    whole = under_policy(base, reads=reads, rules=rules, required_steps=required_steps)
    _refuse(broken_properties(whole, base=base), name)


def keeps_to_the_floor(inputs: CaseInputs, outcome: tuple[Level, Action]) -> bool:
    """Tell whether some policy could have answered so.

    Parameters
    ----------
    inputs : CaseInputs
        The evidence.
    outcome : tuple of (Level, Action)
        The answer.

    Returns
    -------
    bool
        Whether it gives no less risk than the table, clears only where the table does and for the same
        move, holds where the table holds, and seals no box anew that has moved.
    """
    risk, action = outcome
    base = decide(inputs)
    if risk == Level.LOW or action in _CLEARED:
        return (risk, action) == (base.risk, base.action)
    return (
        risk.rank >= base.risk.rank
        and (base.action is not Action.HOLD or action is Action.HOLD)
        and (action is not Action.RESEAL or inputs.transit == "NOT_MOVED")
    )


def _refuse(broken: tuple[BrokenProperty, ...], name: str) -> None:
    if broken:
        raise PolicyError(f"{name} breaks: " + " | ".join(map(str, broken)), value=broken)


def _note_if_broken(found: list[BrokenProperty], name: str, holds: NDArray[np.bool_]) -> None:
    if not holds.all():
        holds = np.broadcast_to(holds, tuple(len(values) for values in DOMAINS.values()))
        found.append(BrokenProperty(name, combination(int(np.argmin(holds)))))


def _require_the_floor(whole: WholeTable, base: WholeTable, require: _Require) -> None:
    require("LOW only where the table says LOW", (whole.risk > 0) | (base.risk == 0))
    require("a policy never gives less risk than the table", whole.risk >= base.risk)
    require(
        "what the table holds, a policy holds",
        ~is_action(base, Action.HOLD) | is_action(whole, Action.HOLD),
    )


def _require_evidence_for_low(whole: WholeTable, require: _Require) -> None:
    not_low = whole.risk > 0
    measured_clean = has("destuff", "CLEAN") & has("remeasured", "LOW")
    require("LOW and only LOW is cleared", ~not_low == is_action(whole, *_CLEARED))
    require("LOW needs a verified seal", not_low | has("seal", "VERIFIED"))
    require(
        "departure is for a box that has not moved",
        ~is_action(whole, Action.CLEARED_FOR_DEPARTURE) | has("transit", "NOT_MOVED"),
    )
    require(
        "acceptance is for a box that arrived intact",
        ~is_action(whole, Action.ACCEPT) | has("transit", "INTACT"),
    )
    require("LOW needs radiation screening", not_low | ~has("radiation", None))
    require(
        "a radiation alarm is resolved by its own evidence",
        not_low
        | has("radiation", Level.LOW)
        | has("adjudication", "INNOCENT_PAPER", "INNOCENT_MEASURED")
        | measured_clean,
    )
    require(
        "a severe alarm, or one behind a hiding place, is resolved by a measurement",
        not_low
        | has("radiation", Level.LOW)
        | (has("severe", False) & ~has("image", "SHIELDED"))
        | has("adjudication", "INNOCENT_MEASURED")
        | measured_clean,
    )
    require(
        "targeting that is not LOW is resolved by an image or by opening",
        not_low | has("targeting", Level.LOW) | has("image", "LOW") | has("destuff", "CLEAN"),
    )
    require(
        "an alarm takes an image or opening, however it is explained",
        not_low | has("radiation", Level.LOW) | has("image", "LOW") | has("destuff", "CLEAN"),
    )
    require(
        "an image that is not LOW is resolved by opening",
        not_low | has("image", "LOW", None) | has("destuff", "CLEAN"),
    )
    require(
        "a box that has moved is not made good by a new seal",
        ~is_action(whole, Action.RESEAL) | has("transit", "NOT_MOVED"),
    )


def _require_bad_news_to_hold(whole: WholeTable, require: _Require) -> None:
    bad = (
        has("seal", "BROKEN")
        | has("transit", "TAMPER")
        | has("destuff", "FOUND")
        | has("adjudication", "ILLICIT")
    )
    require("bad news holds", ~bad | ((whole.risk == Level.HIGH.rank) & is_action(whole, Action.HOLD)))


def _where_worse_evidence_lowers(whole: WholeTable) -> list[BrokenProperty]:
    found = []
    for axis, (name, chains) in enumerate((name, _WORSENING[name]) for name in DOMAINS):
        slices = np.moveaxis(whole.risk, axis, 0)
        for chain in chains:
            for better, worse in pairwise(chain):
                i, j = (DOMAINS[name].index(value) for value in (better, worse))
                falls = slices[j] < slices[i]
                if falls.any():
                    at = np.unravel_index(int(np.argmax(falls)), falls.shape)
                    place = np.ravel_multi_index((*at[:axis], j, *at[axis:]), whole.risk.shape)
                    words = " to ".join("missing" if v is None else str(v) for v in (better, worse))
                    found.append(
                        BrokenProperty(
                            f"worse {name} never lowers the risk, {words}", combination(int(place))
                        )
                    )
    return found


def _ends(whole: WholeTable) -> NDArray[np.bool_]:
    """Return where doing what the table demands, always with a good result, comes to an end."""
    ends = is_action(whole, Action.HOLD, *_CLEARED)
    following = follow(whole)
    state = following
    for _ in range(_MAX_STEPS - 1):
        state = following[state]
    return np.asarray(ends.ravel()[state]).reshape(whole.risk.shape)
