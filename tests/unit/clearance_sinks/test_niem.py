"""Foreign codes: every code of ours has an entry, and nothing but operation ever clears."""

from __future__ import annotations

from typing import get_args, get_type_hints

import pytest

from screening.clearance.sinks import niem
from screening.clearance.sinks.sample_messages import sample_decision
from screening.records import (
    Action,
    Adjudication,
    CaseInputs,
    Level,
    OperatingMode,
    ReasonCode,
    SealEvent,
    SealState,
)
from screening.risk.levels import NIEM_OF_CODE

NOT_OPS = [mode for mode in OperatingMode if mode is not OperatingMode.OPS]
ALL_EVENTS = get_args(get_type_hints(SealEvent)["event"])
SEALS = (*get_args(get_args(get_type_hints(CaseInputs)["seal"])[0]), None)


def concluded(code: int, *nuclides: str) -> Adjudication:
    return Adjudication(
        officer_ref="o",
        flag_id="f",
        code=code,
        basis="MEASUREMENT",
        at="2026-03-01T12:00:00Z",
        nuclides=nuclides,
    )


@pytest.mark.parametrize(
    ("table", "codes", "words"),
    [
        (niem.THREAT_LEVEL, Level, {"High", "Low", "Unknown"}),
        (niem.OPERATING_MODE, OperatingMode, {"Ops", "Test", "Exercise", "Other", "Unknown"}),
        (niem.RESOLUTION, range(1, 12), None),
        (niem.ALARM_CATEGORY, ReasonCode, {"Gamma", "Neutron", "Isotope", None}),
        (niem.SEAL_INTACT, SEALS, {"Intact", "Broken", None}),
        (niem.SEAL_VERIFICATION, SEALS, {"verified", "unverified", "unknown"}),
        (niem.SEAL_CONDITION, SEALS, {"1", "4", "5", None}),
        (niem.SEAL_CONDITION_OF_EVENT, ALL_EVENTS, {"1", "2", "3", "4", "5", None}),
        (niem.PROCESSING_INDICATOR, Action, {"4", "5", "7", "8"}),
    ],
)  # fmt: skip
def test_every_code_is_mapped_and_none_besides(table, codes, words):
    assert set(table) == set(codes)
    if words is not None:
        assert set(table.values()) == words


def test_every_radiation_reason_but_suppression_is_an_alarm_and_no_other_reason_is():
    alarms = {code for code, word in niem.ALARM_CATEGORY.items() if word is not None}
    assert alarms == {code for code in ReasonCode if code.startswith("RAD_")} - {
        ReasonCode.RAD_BASELINE_SUPPRESSED
    }


def test_flags_carry_the_same_categories_that_are_exported():
    alarms = {code: word for code, word in NIEM_OF_CODE.items() if word in ("Gamma", "Neutron", "Isotope")}
    assert len(alarms) > 3
    assert alarms == {code: niem.ALARM_CATEGORY[code] for code in alarms}


@pytest.mark.parametrize("level", Level)
@pytest.mark.parametrize("mode", OperatingMode)
def test_low_is_said_in_operation_alone_and_high_always(level, mode):
    word = niem.threat_level(level, mode)
    assert (word == "Low") == (level is Level.LOW and mode is OperatingMode.OPS)
    assert (word == "High") == (level is Level.HIGH)
    assert word != "NoThreat"


@pytest.mark.parametrize("action", Action)
@pytest.mark.parametrize("mode", NOT_OPS)
def test_a_test_neither_releases_nor_detains(action, mode):
    assert niem.processing_indicator(action, mode) == "14"


def test_only_the_two_clearing_actions_let_a_box_go():
    letting_go = {action for action in Action if niem.processing_indicator(action) in ("4", "8")}
    assert letting_go == {Action.ACCEPT, Action.CLEARED_FOR_DEPARTURE}


@pytest.mark.parametrize("code", range(1, 12))
@pytest.mark.parametrize("mode", NOT_OPS)
def test_an_innocent_conclusion_of_a_test_resolves_nothing(code, mode):
    word = niem.inspection_resolution(concluded(code), mode)
    assert word == (niem.RESOLUTION[code] if code in (1, 2, 10) else "Other")


@pytest.mark.parametrize("nuclide", ["Pu-239", "WGPu", "HEU", "U-235", " U-233 "])
def test_an_illicit_finding_that_names_special_nuclear_material_says_so(nuclide):
    assert niem.inspection_resolution(concluded(1, "K-40", nuclide)) == "SNM"
    assert niem.inspection_resolution(concluded(4, nuclide)) == "NORM"


@pytest.mark.parametrize("code", [0, -1, 12, 99])
def test_a_code_nobody_knows_is_other(code):
    assert niem.inspection_resolution(concluded(code)) == "Other"


@pytest.mark.parametrize(
    ("seal", "reasons", "word"),
    [
        (SealState(intact=True), (), "Intact"),
        (SealState(intact=True), (ReasonCode.SEAL_BROKEN,), "Broken"),
        (SealState(intact=False), (ReasonCode.SEAL_ABSENT,), "Broken"),
        (SealState(), (ReasonCode.SEAL_ABSENT,), "Absent"),
        (SealState(), (), None),
    ],
)
def test_a_seal_is_intact_only_if_it_was_read(seal, reasons, word):
    assert niem.seal_intact(seal, reasons) == word


@pytest.mark.parametrize("event", ALL_EVENTS)
def test_each_seal_event_has_its_condition(event):
    made = SealEvent(container_id="CSQU3054383", seal_id="S", event=event, at="2026-03-01T12:00:00Z")
    assert niem.seal_condition(made) == niem.SEAL_CONDITION_OF_EVENT[event]


def test_fields_of_a_decision():
    inputs = CaseInputs(seal="VERIFIED")
    held = sample_decision(Level.HIGH, Action.HOLD, inputs=inputs, adjudications=(concluded(1), concluded(4)))
    assert niem.interchange_fields(held) == {
        "niem:ThreatLevelCode": "High",
        "niem:OperatingModeCode": "Ops",
        "niem:SealIntactCode": "Intact",
        "niem:SealVerificationCode": "verified",
        "niem:InspectionResolutionCode": "IllegalRadioactiveMaterialFound NORM",
        "edifact:7365": "7",
        "edifact:4517": "1",
    }
    drill = sample_decision(Level.LOW, Action.ACCEPT, is_exercise=True)
    fields = niem.interchange_fields(drill)
    assert (fields["niem:ThreatLevelCode"], fields["edifact:7365"]) == ("Unknown", "14")
    assert "edifact:4517" not in fields
