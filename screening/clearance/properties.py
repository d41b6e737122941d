"""What must hold of a decision table, checked over every combination of its inputs.

The whole table is laid out as one array per answer, with one axis per input, so that a property is
a comparison of slices. Every policy that is loaded passes through here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache, partial
from itertools import pairwise, product
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from screening.errors import PolicyError
from screening.records import Action, CaseInputs, Level

from .table import Outcome, decide

__all__ = ["DOMAINS", "WholeTable", "broken_properties", "check_properties", "lay_out"]

_LEVELS = (Level.LOW, Level.UNKNOWN, Level.HIGH)
_ACTIONS = tuple(Action)
_CLEARED = (Action.CLEARED_FOR_DEPARTURE, Action.ACCEPT)

#: Every value of every input, in the order of the fields of CaseInputs; worse ones come later where
#: there is an order.
DOMAINS: dict[str, tuple[Any, ...]] = {
    "targeting": (*_LEVELS, None),
    "seal": ("VERIFIED", "UNVERIFIED", "FAULT", "BROKEN", None),
    "radiation": (*_LEVELS, None),
    "severe": (False, True),
    "adjudication": ("INNOCENT_MEASURED", "INNOCENT_PAPER", "INCONCLUSIVE", "ILLICIT", None),
    "image": ("LOW", "UNKNOWN", "HIGH", "SHIELDED", None),
    "destuff": ("CLEAN", "FOUND", None),
    "remeasured": ("LOW", "NOT_LOW", None),
    "transit": ("NOT_MOVED", "INTACT", "GAP", "TAMPER", None),
}

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


class WholeTable(NamedTuple):
    """A table laid out over all inputs.

    Attributes
    ----------
    risk : ndarray of int8
        Rank of the risk (LOW 0, UNKNOWN 1, HIGH 2), one axis per input of `DOMAINS`.
    action : ndarray of int8
        Index into the actions, of the same shape.
    """

    risk: NDArray[np.int8]
    action: NDArray[np.int8]


def lay_out(table: Callable[[CaseInputs], Outcome]) -> WholeTable:
    """Return a table's answers to every combination of inputs.

    Parameters
    ----------
    table : callable
        CaseInputs to Outcome.

    Returns
    -------
    WholeTable
        Its answers.
    """
    shape = tuple(len(values) for values in DOMAINS.values())
    risk = np.empty(shape, dtype=np.int8)
    action = np.empty(shape, dtype=np.int8)
    action_index = {member: i for i, member in enumerate(_ACTIONS)}
    for i, values in enumerate(product(*DOMAINS.values())):
        outcome = table(CaseInputs(**dict(zip(DOMAINS, values, strict=True))))
        risk.flat[i] = outcome.risk.rank
        action.flat[i] = action_index[outcome.action]
    return WholeTable(risk, action)


def broken_properties(whole: WholeTable) -> tuple[str, ...]:
    """Return the properties that a table breaks.

    Parameters
    ----------
    whole : WholeTable
        The table laid out.

    Returns
    -------
    tuple of str
        One line each, with an input that shows it; empty for a sound table.
    """
    found: list[str] = []
    require = partial(_note_if_broken, found, whole)
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
        Naming the properties and an input for each.
    """
    broken = broken_properties(lay_out(table))
    if broken:
        raise PolicyError("the decision table breaks: " + " | ".join(broken), value=broken)


def _note_if_broken(found: list[str], whole: WholeTable, name: str, holds: NDArray[np.bool_]) -> None:
    holds = np.broadcast_to(holds, whole.risk.shape)
    if not holds.all():
        found.append(f"{name}; for example {_described(int(np.argmin(holds)))}")


def _has(name: str, *values: Any) -> NDArray[np.bool_]:
    """Return where an input has one of some values, shaped to broadcast over the table."""
    axis = list(DOMAINS).index(name)
    shape = [1] * len(DOMAINS)
    shape[axis] = len(DOMAINS[name])
    return np.array([value in values for value in DOMAINS[name]]).reshape(shape)


def _is_action(whole: WholeTable, *actions: Action) -> NDArray[np.bool_]:
    return np.isin(whole.action, [_ACTIONS.index(action) for action in actions])


_Require = Callable[[str, "NDArray[np.bool_]"], None]


def _require_evidence_for_low(whole: WholeTable, require: _Require) -> None:
    not_low = whole.risk > 0
    measured_clean = _has("destuff", "CLEAN") & _has("remeasured", "LOW")
    require("LOW and only LOW is cleared", ~not_low == _is_action(whole, *_CLEARED))
    require("LOW needs a verified seal", not_low | _has("seal", "VERIFIED"))
    require(
        "departure is for a box that has not moved",
        ~_is_action(whole, Action.CLEARED_FOR_DEPARTURE) | _has("transit", "NOT_MOVED"),
    )
    require(
        "acceptance is for a box that arrived intact",
        ~_is_action(whole, Action.ACCEPT) | _has("transit", "INTACT"),
    )
    require("LOW needs radiation screening", not_low | ~_has("radiation", None))
    require(
        "a radiation alarm is resolved by its own evidence",
        not_low
        | _has("radiation", Level.LOW)
        | _has("adjudication", "INNOCENT_PAPER", "INNOCENT_MEASURED")
        | measured_clean,
    )
    require(
        "a severe alarm, or one behind a hiding place, is resolved by a measurement",
        not_low
        | _has("radiation", Level.LOW)
        | (_has("severe", False) & ~_has("image", "SHIELDED"))
        | _has("adjudication", "INNOCENT_MEASURED")
        | measured_clean,
    )
    require(
        "targeting that is not LOW is resolved by an image or by opening",
        not_low | _has("targeting", Level.LOW) | _has("image", "LOW") | _has("destuff", "CLEAN"),
    )
    require(
        "an alarm takes an image or opening, however it is explained",
        not_low | _has("radiation", Level.LOW) | _has("image", "LOW") | _has("destuff", "CLEAN"),
    )
    require(
        "an image that is not LOW is resolved by opening",
        not_low | _has("image", "LOW", None) | _has("destuff", "CLEAN"),
    )
    require(
        "a box that has moved is not made good by a new seal",
        ~_is_action(whole, Action.RESEAL) | _has("transit", "NOT_MOVED"),
    )


def _require_bad_news_to_hold(whole: WholeTable, require: _Require) -> None:
    bad = (
        _has("seal", "BROKEN")
        | _has("transit", "TAMPER")
        | _has("destuff", "FOUND")
        | _has("adjudication", "ILLICIT")
    )
    require("bad news holds", ~bad | ((whole.risk == Level.HIGH.rank) & _is_action(whole, Action.HOLD)))


def _where_worse_evidence_lowers(whole: WholeTable) -> list[str]:
    found = []
    for name, chains in _WORSENING.items():
        axis = list(DOMAINS).index(name)
        for chain in chains:
            for better, worse in pairwise(chain):
                i, j = (DOMAINS[name].index(value) for value in (better, worse))
                if (np.take(whole.risk, j, axis) < np.take(whole.risk, i, axis)).any():
                    found.append(f"worse {name} never lowers the risk; {better} to {worse}")
    return found


def _ends(whole: WholeTable) -> NDArray[np.bool_]:
    """Return where doing what the table demands, always with a good result, comes to an end."""
    ends = _is_action(whole, Action.HOLD, *_CLEARED).ravel()
    following = np.arange(whole.risk.size)
    for i, values in enumerate(product(*DOMAINS.values())):
        if not ends[i]:
            following[i] = _index(_done_well(values, _ACTIONS[whole.action.flat[i]]))
    state = np.arange(whole.risk.size)
    for _ in range(_MAX_STEPS):
        state = following[state]
    return np.asarray(ends[state]).reshape(whole.risk.shape)


def _done_well(values: tuple[Any, ...], action: Action) -> dict[str, Any]:
    """Return the inputs after an action that ended well."""
    after = dict(zip(DOMAINS, values, strict=True))
    if action is Action.REFER_SECONDARY_RAD:
        if after["radiation"] is None:
            after["radiation"] = Level.LOW
        elif after["destuff"] == "CLEAN":
            after["remeasured"] = "LOW"
        else:
            after["adjudication"] = "INNOCENT_MEASURED"
    elif action is Action.REFER_NII:
        is_wanted = after["targeting"] is not Level.LOW or after["radiation"] is not Level.LOW
        if after["image"] is not None or after["destuff"] == "CLEAN" or not is_wanted:
            # Examined and sealed again where it arrived: a new seal epoch.
            after["transit"], after["seal"] = "INTACT", "VERIFIED"
        after["image"] = "LOW"
    elif action is Action.REFER_DESTUFF:
        after["destuff"] = "CLEAN"
    elif action is Action.RESEAL:
        after["seal"] = "VERIFIED"
    return after


def _index(inputs: dict[str, Any]) -> int:
    index = 0
    for name, values in DOMAINS.items():
        index = index * len(values) + values.index(inputs[name])
    return index


def _described(flat: int) -> str:
    shape = tuple(len(values) for values in DOMAINS.values())
    values = {
        name: DOMAINS[name][int(i)] for name, i in zip(DOMAINS, np.unravel_index(flat, shape), strict=True)
    }
    return msgspec.json.encode(values).decode()
