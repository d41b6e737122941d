"""The properties of a decision table and of a policy, at one combination at a time and in plain words.

Written apart from the array comparisons that guard a policy at load: two ways to be wrong would have to
agree. The properties are those of the reference table of this project, and, where `strict`, the few
that the guard asks beyond them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise, product
from typing import Any

from screening.clearance.properties import DOMAINS
from screening.clearance.table import decide
from screening.records import CaseInputs

NAMES = tuple(DOMAINS)
RANK = {"LOW": 0, "UNKNOWN": 1, "HIGH": 2}
CLEARED = ("CLEARED_FOR_DEPARTURE", "ACCEPT")
ENDS = ("HOLD", *CLEARED)
State = tuple[Any, ...]
Answer = tuple[str, str]
Table = Callable[[State], Answer]

CHAINS = (
    ("seal", ("VERIFIED", "UNVERIFIED", "BROKEN")),
    ("transit", ("INTACT", "GAP", "TAMPER")),
    ("destuff", ("CLEAN", "FOUND")),
    ("adjudication", ("INNOCENT_MEASURED", "INCONCLUSIVE", "ILLICIT")),
    ("targeting", ("LOW", "UNKNOWN", "HIGH")),
    ("radiation", ("LOW", "UNKNOWN", "HIGH")),
    ("image", ("LOW", "UNKNOWN", "HIGH")),
    ("transit", ("INTACT", None)),
    ("transit", ("NOT_MOVED", None)),
    ("seal", ("VERIFIED", None)),
    ("targeting", ("UNKNOWN", None)),
)
STRICT_CHAINS = (
    *CHAINS,
    ("severe", (False, True)),
    ("image", ("LOW", "SHIELDED")),
    ("seal", ("VERIFIED", "FAULT", "BROKEN")),
    ("adjudication", ("INNOCENT_MEASURED", "INNOCENT_PAPER", "INCONCLUSIVE")),
    ("remeasured", ("LOW", "NOT_LOW")),
    ("remeasured", ("LOW", None)),
    ("radiation", ("UNKNOWN", None)),
)


def base(state: State) -> Answer:
    outcome = decide(CaseInputs(**dict(zip(NAMES, state, strict=True))))
    return str(outcome.risk), str(outcome.action)


def changed(state: State, **changes: Any) -> State:
    return tuple(changes.get(name, value) for name, value in zip(NAMES, state, strict=True))


def is_resolved(s: dict[str, Any], *, by_measurement: bool = False) -> bool:
    if s["adjudication"] == "INNOCENT_MEASURED" or (s["destuff"] == "CLEAN" and s["remeasured"] == "LOW"):
        return True
    return s["adjudication"] == "INNOCENT_PAPER" and not by_measurement


def explains(s: dict[str, Any]) -> bool:
    """Whether the radiation finding is explained at all, as the reference counts it."""
    return is_resolved(s, by_measurement=s["severe"] or s["image"] == "SHIELDED")


def done_well(state: State, action: str) -> State:
    s = dict(zip(NAMES, state, strict=True))
    if action == "RESEAL":
        return changed(state, seal="VERIFIED")
    if action == "REFER_DESTUFF":
        return changed(state, destuff="CLEAN")
    if action == "REFER_SECONDARY_RAD":
        if s["radiation"] is None:
            return changed(state, radiation="LOW")
        if s["destuff"] == "CLEAN":
            return changed(state, remeasured="LOW")
        return changed(state, adjudication="INNOCENT_MEASURED")
    assert action == "REFER_NII"
    is_wanted = s["targeting"] != "LOW" or s["radiation"] != "LOW"
    if s["image"] is None and s["destuff"] != "CLEAN" and is_wanted:
        return changed(state, image="LOW")
    return changed(state, image="LOW", transit="INTACT", seal="VERIFIED")


def comes_to_an_end(table: Table, state: State) -> bool:
    for _ in range(6):
        action = table(state)[1]
        if action in ENDS:
            return True
        state = done_well(state, action)
    return False


def leading_to(table: Table, end: State) -> set[State]:
    """Every combination from which doing what is demanded leads through `end`."""
    found, fresh = {end}, [end]
    while fresh:
        state = fresh.pop()
        for before in _neighbours(state):
            action = table(before)[1]
            if before not in found and action not in ENDS and done_well(before, action) == state:
                found.add(before)
                fresh.append(before)
    return found


def _neighbours(state: State) -> Iterator[State]:
    for name in ("radiation", "remeasured", "adjudication", "destuff"):
        for value in DOMAINS[name]:
            yield changed(state, **{name: value})
    for image, transit, seal in product(*(DOMAINS[name] for name in ("image", "transit", "seal"))):
        yield changed(state, image=image, transit=transit, seal=seal)


def violations(table: Table, state: State, *, floor: Table | None = None, strict: bool = False) -> list[str]:
    """What is wrong with a table at a combination; `floor`: the table that it may not fall below."""
    return [
        *_of_the_answer(table(state), dict(zip(NAMES, state, strict=True)), strict=strict),
        *_of_the_chains(table, state, strict=strict),
        *([] if floor is None else _of_the_floor(table(state), floor(state))),
        *([] if comes_to_an_end(table, state) else ["no end"]),
    ]


def _of_the_floor(answer: Answer, floor: Answer) -> Iterator[str]:
    if RANK[answer[0]] < RANK[floor[0]]:
        yield "less risk than the table"
    if floor[1] == "HOLD" != answer[1]:
        yield "lets go what the table holds"


def _of_the_answer(answer: Answer, s: dict[str, Any], *, strict: bool) -> Iterator[str]:
    risk, action = answer
    if (risk == "LOW") != (action in CLEARED):
        yield "LOW and cleared are not the same"
    is_bad = s["seal"] == "BROKEN" or s["transit"] == "TAMPER"
    if strict:
        is_bad = is_bad or s["destuff"] == "FOUND" or s["adjudication"] == "ILLICIT"
        moves = {"CLEARED_FOR_DEPARTURE": "NOT_MOVED", "ACCEPT": "INTACT"}
        if action in moves and s["transit"] != moves[action]:
            yield "cleared for a move that was not made"
    if is_bad and answer != ("HIGH", "HOLD"):
        yield "bad news does not hold"
    if action == "RESEAL" and s["transit"] != "NOT_MOVED":
        yield "resealed after moving"
    if risk != "LOW":
        return
    is_opened = s["destuff"] == "CLEAN"
    if s["seal"] != "VERIFIED":
        yield "LOW without a seal"
    if s["transit"] != {"CLEARED_FOR_DEPARTURE": "NOT_MOVED", "ACCEPT": "INTACT"}.get(action):
        yield "LOW on the wrong move"
    if s["destuff"] == "FOUND" or s["adjudication"] == "ILLICIT":
        yield "LOW although something was found"
    if s["radiation"] is None:
        yield "LOW without radiation"
    if s["radiation"] != "LOW":
        is_explained = s["adjudication"] in ("INNOCENT_PAPER", "INNOCENT_MEASURED")
        if not is_explained and s["remeasured"] != "LOW":
            yield "LOW over an alarm"
        if s["severe"] and not is_resolved(s, by_measurement=True):
            yield "LOW over a severe alarm"
        if strict and not is_resolved(s, by_measurement=s["image"] == "SHIELDED"):
            yield "LOW over an alarm without its own evidence"
        if strict and s["image"] != "LOW" and not is_opened:
            yield "LOW over an alarm without an image"
    if s["targeting"] != "LOW" and s["image"] != "LOW" and not is_opened:
        yield "LOW over targeting"
    if not is_opened and s["image"] not in (None, "LOW"):
        yield "LOW over an image"


def _of_the_chains(table: Table, state: State, *, strict: bool) -> Iterator[str]:
    rank = RANK[table(state)[0]]
    for name, chain in STRICT_CHAINS if strict else CHAINS:
        value = state[NAMES.index(name)]
        for better, worse in pairwise(chain):
            if value == better and RANK[table(changed(state, **{name: worse}))[0]] < rank:
                yield f"{name} {worse} is better than {better}"
            if value == worse and RANK[table(changed(state, **{name: better}))[0]] > rank:
                yield f"{name} {worse} is better than {better}"
    # Radiation that is missing is never better than UNKNOWN radiation, unless that was resolved.
    i = NAMES.index("radiation")
    if state[i] in (None, "UNKNOWN"):
        missing, unknown = changed(state, radiation=None), changed(state, radiation="UNKNOWN")
        is_open = not explains(dict(zip(NAMES, unknown, strict=True)))
        if is_open and RANK[table(unknown)[0]] > RANK[table(missing)[0]]:
            yield "radiation missing is better than UNKNOWN"
