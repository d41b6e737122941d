"""The decision table: one container's evidence in, a risk and an action out. First match wins.

The table reads levels and states only. How they come about from flags, seals and officers'
conclusions is in :mod:`screening.clearance.cases`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from screening.records import Action, CaseInputs, Level, worst

__all__ = ["DOMAINS", "RULES", "Outcome", "Rule", "decide"]

_LEVELS = (Level.LOW, Level.UNKNOWN, Level.HIGH)

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


class Outcome(NamedTuple):
    """What the table says.

    Attributes
    ----------
    risk : Level
        The risk that is left.
    action : Action
        What has to be done.
    rule : str
        Name of the rule that matched.
    """

    risk: Level
    action: Action
    rule: str


class _Evidence(NamedTuple):
    """The inputs, and what is left of radiation and contents once the later evidence is counted."""

    seen: CaseInputs
    radiation: Level
    contents: Level


class Rule(NamedTuple):
    """One row of the table.

    Attributes
    ----------
    name : str
        What the row is about.
    applies : callable
        Whether the row matches.
    risk : callable
        Risk under that row.
    action : Action
        What has to be done.
    """

    name: str
    applies: Callable[[_Evidence], bool]
    risk: Callable[[_Evidence], Level]
    action: Action


def _always(level: Level) -> Callable[[_Evidence], Level]:
    return lambda _: level


def _what_is_left(case: _Evidence) -> Level:
    return worst(case.radiation, case.contents)


def _at_least_unknown(case: _Evidence) -> Level:
    return worst(case.radiation, case.contents, Level.UNKNOWN)


def _is_open_to_secondary(case: _Evidence) -> bool:
    """Radiation is not explained, and a measurement that could explain it is still to be made."""
    seen = case.seen
    return case.radiation != Level.LOW and (
        seen.radiation is None or seen.adjudication is None or seen.destuff == "CLEAN"
    )


def _lacks_image(case: _Evidence) -> bool:
    seen = case.seen
    is_wanted = seen.targeting != Level.LOW or seen.radiation != Level.LOW
    return is_wanted and seen.image is None and seen.destuff != "CLEAN"


#: The table. Rows are tried in order.
RULES: tuple[Rule, ...] = (
    Rule(
        "seal broken or tampered with",
        lambda case: case.seen.seal == "BROKEN" or case.seen.transit == "TAMPER",
        _always(Level.HIGH),
        Action.HOLD,
    ),
    Rule(
        "something illicit found",
        lambda case: case.seen.destuff == "FOUND" or case.seen.adjudication == "ILLICIT",
        _always(Level.HIGH),
        Action.HOLD,
    ),
    Rule(
        "severe radiation not resolved",
        lambda case: case.seen.severe and case.radiation == Level.HIGH,
        _always(Level.HIGH),
        Action.HOLD,
    ),
    Rule("radiation to be measured", _is_open_to_secondary, _at_least_unknown, Action.REFER_SECONDARY_RAD),
    Rule("image missing", _lacks_image, _at_least_unknown, Action.REFER_NII),
    Rule(
        "not resolved without opening",
        lambda case: case.seen.destuff != "CLEAN" and _what_is_left(case) != Level.LOW,
        _what_is_left,
        Action.REFER_DESTUFF,
    ),
    Rule(
        "sealed and ready to leave",
        lambda case: case.seen.transit == "NOT_MOVED" and case.seen.seal == "VERIFIED",
        _always(Level.LOW),
        Action.CLEARED_FOR_DEPARTURE,
    ),
    Rule(
        "seal not verified before leaving",
        lambda case: case.seen.transit == "NOT_MOVED",
        _always(Level.UNKNOWN),
        Action.RESEAL,
    ),
    Rule(
        "arrived intact",
        lambda case: case.seen.transit == "INTACT" and case.seen.seal == "VERIFIED",
        _always(Level.LOW),
        Action.ACCEPT,
    ),
    # A box that has moved is examined, never made good by a new seal.
    Rule("transit not proven", lambda _: True, _always(Level.UNKNOWN), Action.REFER_NII),
)


def decide(inputs: CaseInputs) -> Outcome:
    """Return what follows from a container's evidence.

    Parameters
    ----------
    inputs : CaseInputs
        The evidence of the current seal epoch.

    Returns
    -------
    Outcome
        Risk, action, and the rule that matched.
    """
    case = _Evidence(inputs, _radiation_left(inputs), _contents_left(inputs))
    for rule in RULES:
        if rule.applies(case):
            return Outcome(rule.risk(case), rule.action, rule.name)
    raise AssertionError("the last rule matches everything")


def _radiation_left(seen: CaseInputs) -> Level:
    """Return the radiation risk after the secondary inspection of the flag.

    Paper resolves no severe alarm, and none behind which the picture shows a place to hide; a clean
    destuff resolves an alarm only together with a LOW measurement of the emptied goods.
    """
    if seen.radiation is None:
        return Level.UNKNOWN
    is_explained = (
        seen.adjudication == "INNOCENT_MEASURED"
        or (seen.adjudication == "INNOCENT_PAPER" and not seen.severe and seen.image != "SHIELDED")
        or (seen.destuff == "CLEAN" and seen.remeasured == "LOW")
    )
    return Level.LOW if is_explained else Level(seen.radiation)


def _contents_left(seen: CaseInputs) -> Level:
    """Return the risk of the contents: opening outweighs the picture, the picture outweighs targeting."""
    if seen.destuff == "CLEAN":
        return Level.LOW
    if seen.image == "SHIELDED":
        return Level.UNKNOWN
    if seen.image is not None:
        return Level(seen.image)
    return Level.UNKNOWN if seen.targeting is None else Level(seen.targeting)
