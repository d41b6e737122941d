"""The decision table over all 180,000 combinations of its inputs.

The properties are restated here, one state at a time and in plain words, apart from the array
comparisons that guard a policy at load: two ways to be wrong would have to agree.
"""

from __future__ import annotations

import importlib.util
from itertools import pairwise, product
from pathlib import Path

import pytest

from screening.clearance.properties import DOMAINS, check_properties
from screening.clearance.table import RULES, Outcome, decide
from screening.errors import PolicyError
from screening.records import Action, CaseInputs, Level

NAMES = tuple(DOMAINS)
RANK = {"LOW": 0, "UNKNOWN": 1, "HIGH": 2}
ENDS = ("HOLD", "CLEARED_FOR_DEPARTURE", "ACCEPT")
State = tuple


@pytest.fixture(scope="module")
def table() -> dict[State, Outcome]:
    return {
        state: decide(CaseInputs(**dict(zip(NAMES, state, strict=True))))
        for state in product(*DOMAINS.values())
    }


def changed(state: State, **changes: object) -> State:
    return tuple(changes.get(name, value) for name, value in zip(NAMES, state, strict=True))


def test_every_combination_is_answered(table) -> None:
    assert len(table) == 180_000
    assert {outcome.action for outcome in table.values()} == set(Action)
    assert {outcome.rule for outcome in table.values()} == {rule.name for rule in RULES}


def test_low_rests_on_evidence(table) -> None:
    for state, (risk, action, _) in table.items():
        assert (risk is Level.LOW) == (action in ("CLEARED_FOR_DEPARTURE", "ACCEPT")), state
        if risk is not Level.LOW:
            continue
        targeting, seal, radiation, severe, adjudication, image, destuff, remeasured, transit = state
        assert seal == "VERIFIED", state
        assert transit == ("NOT_MOVED" if action == "CLEARED_FOR_DEPARTURE" else "INTACT"), state
        assert destuff != "FOUND", state
        assert adjudication != "ILLICIT", state
        assert radiation is not None, state
        measured = adjudication == "INNOCENT_MEASURED" or (destuff == "CLEAN" and remeasured == "LOW")
        assert radiation == "LOW" or measured or adjudication == "INNOCENT_PAPER", state
        if radiation != "LOW" and (severe or image == "SHIELDED"):
            assert measured, state
        assert targeting == "LOW" or image == "LOW" or destuff == "CLEAN", state
        assert radiation == "LOW" or image == "LOW" or destuff == "CLEAN", state
        assert image in ("LOW", None) or destuff == "CLEAN", state


def test_bad_news_outranks_every_conclusion(table) -> None:
    for state, (risk, action, _) in table.items():
        _, seal, radiation, severe, adjudication, _, destuff, remeasured, transit = state
        is_bad = seal == "BROKEN" or transit == "TAMPER" or destuff == "FOUND" or adjudication == "ILLICIT"
        measured = adjudication == "INNOCENT_MEASURED" or (destuff == "CLEAN" and remeasured == "LOW")
        if is_bad or (severe and radiation == "HIGH" and not measured):
            assert (risk, action) == ("HIGH", "HOLD"), state
        else:
            assert action != "HOLD", state


def test_a_new_seal_never_makes_good_a_box_that_moved(table) -> None:
    for state, (_, action, _) in table.items():
        if action == "RESEAL":
            assert state[NAMES.index("transit")] == "NOT_MOVED", state


def test_emptying_a_box_explains_no_alarm(table) -> None:
    for state, (risk, action, _) in table.items():
        _, _, radiation, _, adjudication, _, destuff, remeasured, _ = state
        unexplained = adjudication in (None, "INCONCLUSIVE") and remeasured != "LOW"
        if radiation in ("UNKNOWN", "HIGH") and destuff == "CLEAN" and unexplained:
            assert risk != "LOW", state
            assert action in ("REFER_SECONDARY_RAD", "HOLD"), state


CHAINS = [
    ("targeting", ("LOW", "UNKNOWN", "HIGH")),
    ("targeting", ("UNKNOWN", None)),
    ("radiation", ("LOW", "UNKNOWN", "HIGH")),
    ("radiation", ("UNKNOWN", None)),
    ("severe", (False, True)),
    ("image", ("LOW", "UNKNOWN", "HIGH")),
    ("image", ("LOW", "SHIELDED")),
    ("seal", ("VERIFIED", "UNVERIFIED", "BROKEN")),
    ("seal", ("VERIFIED", "FAULT", "BROKEN")),
    ("seal", ("VERIFIED", None)),
    ("destuff", ("CLEAN", "FOUND")),
    ("adjudication", ("INNOCENT_MEASURED", "INCONCLUSIVE", "ILLICIT")),
    ("transit", ("INTACT", "GAP", "TAMPER")),
    ("transit", ("INTACT", None)),
    ("transit", ("NOT_MOVED", None)),
]


@pytest.mark.parametrize(("name", "chain"), CHAINS)
def test_worse_evidence_never_lowers_the_risk(name, chain, table) -> None:
    for better, worse in pairwise(chain):
        for state, outcome in table.items():
            if state[NAMES.index(name)] == better:
                after = table[changed(state, **{name: worse})]
                assert RANK[after.risk] >= RANK[outcome.risk], (state, worse)


def done_well(state: State, action: str) -> State:
    seen = dict(zip(NAMES, state, strict=True))
    if action == "RESEAL":
        return changed(state, seal="VERIFIED")
    if action == "REFER_DESTUFF":
        return changed(state, destuff="CLEAN")
    if action == "REFER_SECONDARY_RAD":
        if seen["radiation"] is None:
            return changed(state, radiation=Level.LOW)
        if seen["destuff"] == "CLEAN":
            return changed(state, remeasured="LOW")
        return changed(state, adjudication="INNOCENT_MEASURED")
    assert action == "REFER_NII"
    is_first_image = seen["image"] is None and seen["destuff"] != "CLEAN"
    if is_first_image and (seen["targeting"] != "LOW" or seen["radiation"] != "LOW"):
        return changed(state, image="LOW")
    return changed(state, image="LOW", transit="INTACT", seal="VERIFIED")


def test_what_is_demanded_leads_to_an_end(table) -> None:
    n_steps = 0
    for start in table:
        state, seen = start, []
        while (action := table[state].action) not in ENDS:
            assert state not in seen, start
            seen.append(state)
            state = done_well(state, action)
        n_steps = max(n_steps, len(seen))
    assert n_steps <= 5


@pytest.mark.shared
def test_the_reference_decides_the_same(table, shared_data: Path) -> None:
    path = shared_data.parent / "examples" / "decision_table.py"
    spec = importlib.util.spec_from_file_location("reference_decision_table", path)
    assert spec is not None
    assert spec.loader is not None
    reference = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(reference)
    assert reference.NAMES == NAMES
    assert [set(domain) for domain in reference.DOMAINS] == [set(domain) for domain in DOMAINS.values()]
    for state, outcome in table.items():
        assert reference.decide(*state) == (outcome.risk, outcome.action), state


def test_the_guard_passes_the_shipped_table() -> None:
    check_properties()


def clears_without_radiation(seen: CaseInputs) -> Outcome:
    if seen.radiation is None and seen.seal == "VERIFIED" and seen.transit == "NOT_MOVED":
        return Outcome(Level.LOW, Action.CLEARED_FOR_DEPARTURE, "x")
    return decide(seen)


def trusts_paper(seen: CaseInputs) -> Outcome:
    if seen.adjudication == "INNOCENT_PAPER":
        return decide(CaseInputs(**{**{n: getattr(seen, n) for n in NAMES}, "severe": False}))
    return decide(seen)


def forgives_a_broken_seal(seen: CaseInputs) -> Outcome:
    return Outcome(Level.UNKNOWN, Action.REFER_NII, "x") if seen.seal == "BROKEN" else decide(seen)


def goes_round_in_circles(seen: CaseInputs) -> Outcome:
    outcome = decide(seen)
    if outcome.action is Action.CLEARED_FOR_DEPARTURE:
        return Outcome(Level.UNKNOWN, Action.RESEAL, "x")
    return outcome


def reseals_after_moving(seen: CaseInputs) -> Outcome:
    if decide(seen).action is Action.REFER_NII and seen.transit == "GAP":
        return Outcome(Level.UNKNOWN, Action.RESEAL, "x")
    return decide(seen)


def prefers_a_worse_picture(seen: CaseInputs) -> Outcome:
    outcome = decide(seen)
    if seen.image == "HIGH" and outcome.action is Action.REFER_DESTUFF:
        return Outcome(Level.UNKNOWN, Action.REFER_DESTUFF, "x")
    return outcome


def asks_for_no_image(seen: CaseInputs) -> Outcome:
    outcome = decide(seen)
    is_explained = seen.adjudication == "INNOCENT_MEASURED" and seen.targeting == "LOW"
    if (
        outcome.rule == "image missing"
        and is_explained
        and seen.transit == "NOT_MOVED"
        and seen.seal == "VERIFIED"
    ):
        return Outcome(Level.LOW, Action.CLEARED_FOR_DEPARTURE, "x")
    return outcome


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        (asks_for_no_image, "an alarm takes an image or opening"),
        (clears_without_radiation, "LOW needs radiation screening"),
        (trusts_paper, "resolved by a measurement"),
        (forgives_a_broken_seal, "bad news holds"),
        (goes_round_in_circles, "ends in a few steps"),
        (reseals_after_moving, "not made good by a new seal"),
        (prefers_a_worse_picture, "worse image never lowers the risk"),
    ],
)
def test_the_guard_refuses_a_spoiled_table(table, complaint) -> None:
    with pytest.raises(PolicyError, match=complaint):
        check_properties(table)
