"""A decision table laid out over every combination of its inputs, and under a site's policy.

One array per answer, with one axis per input of the table: 180,000 combinations. What a policy changes
is then a few slices, so that a policy is worked out over all of them in milliseconds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from itertools import product
from typing import Any, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray

from screening.records import Action, CaseInputs, Level

from .site_rules import SiteRule, StepName, value_of, withheld
from .table import DOMAINS, Outcome, decide

__all__ = [
    "ACTIONS",
    "SHAPE",
    "WholeTable",
    "base_table",
    "combination",
    "follow",
    "has",
    "is_action",
    "lay_out",
    "under_policy",
]

#: The actions in the order in which a laid-out table numbers them.
ACTIONS = tuple(Action)
#: One axis per input.
SHAPE = tuple(len(values) for values in DOMAINS.values())

_AXES = {name: axis for axis, name in enumerate(DOMAINS)}
_N_COMBINATION = int(np.prod(SHAPE))


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
    numbers = {(level, action): (level.rank, i) for level in Level for i, action in enumerate(ACTIONS)}
    names = tuple(DOMAINS)
    answers = (
        numbers[table(CaseInputs(**dict(zip(names, values, strict=True))))[:2]]
        for values in product(*DOMAINS.values())
    )
    laid_out = np.fromiter(answers, dtype=np.dtype((np.int8, 2)), count=_N_COMBINATION)
    risk, action = np.ascontiguousarray(laid_out.T)
    return WholeTable(risk.reshape(SHAPE), action.reshape(SHAPE))


@lru_cache(maxsize=1)
def base_table() -> WholeTable:
    """Return the shipped table laid out, which is the floor under every policy.

    Returns
    -------
    WholeTable
        Read-only; worked out once per process.
    """
    whole = _lay_out_by_reading(decide)
    for answers in whole:
        answers.setflags(write=False)
    return whole


class _NotGivenError(Exception):
    """A table asked for an input that is not laid down yet; its argument is the name."""


class _PartOfInputs:
    """Some inputs; asking for another one raises."""

    def __init__(self, known: dict[str, Any]) -> None:
        self.__dict__.update(known)

    def __getattr__(self, name: str) -> Any:
        raise _NotGivenError(name)


def _lay_out_by_reading(table: Callable[[CaseInputs], Outcome]) -> WholeTable:
    """Return a table's answers, asking it once for all combinations that differ only in what it never reads.

    A table that answers after reading some inputs gives that answer whatever the others are. The shipped
    table answers after so few that this takes a tenth of the time of `lay_out`, which gives the same.
    """
    n = len(ACTIONS)
    numbers = {(level, action): level.rank * n + i for level in Level for i, action in enumerate(ACTIONS)}
    answers = np.empty(SHAPE, dtype=np.int8)
    start: tuple[dict[str, Any], tuple[Any, ...]] = ({}, (slice(None),) * len(SHAPE))
    to_ask = [start]
    while to_ask:
        known, box = to_ask.pop()
        try:
            outcome = table(cast(CaseInputs, _PartOfInputs(known)))
        except _NotGivenError as asked:
            name = asked.args[0]
            axis = _AXES[name]
            to_ask += [
                ({**known, name: value}, (*box[:axis], i, *box[axis + 1 :]))
                for i, value in enumerate(DOMAINS[name])
            ]
        else:
            answers[box] = numbers[outcome[:2]]
    return WholeTable(answers // np.int8(n), answers % np.int8(n))


def under_policy(
    base: WholeTable,
    *,
    reads: Mapping[str, Mapping[Any, Any]],
    rules: Iterable[SiteRule],
    required_steps: Iterable[str],
) -> WholeTable:
    """Return a laid-out table as a policy changes it: :func:`.site_rules.decide_under` on all at once.

    Parameters
    ----------
    base : WholeTable
        The table.
    reads : mapping
        Input, value, value it is read as.
    rules : iterable of SiteRule
        The site's own rules.
    required_steps : iterable of str
        What has to be done of every container.

    Returns
    -------
    WholeTable
        A new table.
    """
    risk, action = base
    for name, changes in reads.items():
        values = DOMAINS[name]
        seen_as = [values.index(changes.get(value, value)) for value in values]
        risk, action = (np.take(answers, seen_as, _AXES[name]) for answers in (risk, action))
    risk, action = np.array(risk), np.array(action)
    for rule in reversed(tuple(rules)):
        where = np.ix_(*(_places(name, rule.when.get(name)) for name in DOMAINS))
        risk[where] = rule.risk.rank
        action[where] = ACTIONS.index(rule.action)
    steps = withheld(required_steps)
    if steps:
        would_go = (risk == Level.LOW.rank) | (action == ACTIONS.index(Action.RESEAL))
        for step, referral in reversed(steps):
            held = would_go & ~_done(step)
            risk[held] = Level.UNKNOWN.rank
            action[held] = ACTIONS.index(referral)
    return WholeTable(risk, action)


def _places(name: str, words: tuple[str | bool, ...] | None) -> list[int]:
    values = DOMAINS[name]
    if words is None:
        return list(range(len(values)))
    return sorted({values.index(value_of(name, word)) for word in words})


def _done(step: StepName) -> NDArray[np.bool_]:
    if step == "IMAGE":
        return ~has("image", None) | has("destuff", "CLEAN")
    if step == "SECONDARY_RAD":
        return (
            has("radiation", Level.LOW)
            | has("adjudication", "INNOCENT_MEASURED")
            | (has("destuff", "CLEAN") & has("remeasured", "LOW"))
        )
    return has("destuff", "CLEAN")


def has(name: str, *values: Any) -> NDArray[np.bool_]:
    """Return where an input has one of some values.

    Parameters
    ----------
    name : str
        The input.
    *values : object
        The values.

    Returns
    -------
    ndarray of bool
        Shaped to broadcast over the table.
    """
    shape = [1] * len(DOMAINS)
    shape[_AXES[name]] = len(DOMAINS[name])
    return np.array([value in values for value in DOMAINS[name]]).reshape(shape)


def is_action(whole: WholeTable, *actions: Action) -> NDArray[np.bool_]:
    """Return where a table demands one of some actions.

    Parameters
    ----------
    whole : WholeTable
        The table.
    *actions : Action
        The actions.

    Returns
    -------
    ndarray of bool
        Of the table's shape.
    """
    found: NDArray[np.bool_] = np.array([action in actions for action in ACTIONS])[whole.action]
    return found


def combination(flat: int) -> CaseInputs:
    """Return the inputs at a place of the table.

    Parameters
    ----------
    flat : int
        Place in the flattened table.

    Returns
    -------
    CaseInputs
        The inputs.
    """
    places = np.unravel_index(flat, SHAPE)
    return CaseInputs(**{name: DOMAINS[name][int(i)] for name, i in zip(DOMAINS, places, strict=True)})


def follow(whole: WholeTable) -> NDArray[np.int32]:
    """Return where each combination leads when what the table demands is done, with a good result.

    Parameters
    ----------
    whole : WholeTable
        The table.

    Returns
    -------
    ndarray of int32, shape (n_combination,)
        Place in the flattened table; a combination from which nothing is demanded leads to itself.
    """
    places = np.arange(_N_COMBINATION, dtype=np.int32)
    return _successors()[whole.action.ravel(), places]


@lru_cache(maxsize=1)
def _successors() -> NDArray[np.int32]:
    """Return, for each action, where each combination leads when it is done well."""
    is_wanted = ~has("targeting", Level.LOW) | ~has("radiation", Level.LOW)
    # A box that needs no picture, or has one, is examined and sealed again where it arrived: a new
    # seal epoch.
    is_new_epoch = ~has("image", None) | has("destuff", "CLEAN") | ~is_wanted
    moves: dict[Action, Any] = {
        Action.REFER_SECONDARY_RAD: np.where(
            has("radiation", None),
            _set("radiation", Level.LOW),
            np.where(
                has("destuff", "CLEAN"), _set("remeasured", "LOW"), _set("adjudication", "INNOCENT_MEASURED")
            ),
        ),
        Action.REFER_NII: _set("image", "LOW")
        + np.where(is_new_epoch, _set("transit", "INTACT") + _set("seal", "VERIFIED"), 0),
        Action.REFER_DESTUFF: _set("destuff", "CLEAN"),
        Action.RESEAL: _set("seal", "VERIFIED"),
    }
    here = np.arange(_N_COMBINATION, dtype=np.int32).reshape(SHAPE)
    after = np.stack([(here + moves.get(action, 0)).ravel() for action in ACTIONS]).astype(np.int32)
    after.setflags(write=False)
    return after


def _set(name: str, value: Any) -> NDArray[np.int32]:
    """Return how far a combination moves in the flattened table when an input is set to a value."""
    axis, values = _AXES[name], DOMAINS[name]
    stride = int(np.prod(SHAPE[axis + 1 :]))
    shape = [1] * len(DOMAINS)
    shape[axis] = len(values)
    return ((values.index(value) - np.arange(len(values), dtype=np.int32)) * stride).reshape(shape)
