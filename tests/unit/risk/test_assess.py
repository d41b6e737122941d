from __future__ import annotations

import math
from datetime import UTC, datetime

import msgspec
import numpy as np
import pytest

from screening.errors import FormatError, ModelError
from screening.records import (
    Analysis,
    CalibrationRef,
    ClockState,
    CountMeasurement,
    Finding,
    FlagModality,
    Gate,
    Level,
    OperatingMode,
    ReasonCode,
    ScanNote,
    canonical_bytes,
    content_id,
    parse_strict,
)
from screening.records import RiskFlag as Flag
from screening.risk import MODE_CODES, assess, has_valid_check_digit, level_of, unread_flag


def only(flags: tuple[Flag, ...]) -> Flag:
    (flag,) = flags
    return flag


def codes(flag: Flag) -> set[str]:
    return {reason.code for reason in flag.reasons}


def found(code: str, **more: object) -> Finding:
    return Finding(code=ReasonCode(code), text="found", **more)


def test_innocent_scans_are_low(
    make_occupancy, make_radiograph, make_radiation, make_picture, provenance
) -> None:
    for modality in ("RAD_GROSS", "RAD_SPECTRAL", "NEUTRON"):
        analysis = make_radiation(modality=FlagModality(modality))
        flag = only(assess(make_occupancy(), analysis, provenance))
        assert (flag.level, flag.reasons, flag.modality) == (Level.LOW, (), modality)
    flag = only(assess(make_radiograph(), make_picture(), provenance))
    assert (flag.level, flag.reasons) == (Level.LOW, ())


@pytest.mark.parametrize("code", sorted(set(ReasonCode) - {"IMG_MANIFEST_MISMATCH"}))
def test_no_finding_leaves_low(code, make_occupancy, make_radiation, provenance) -> None:
    flag = only(assess(make_occupancy(), make_radiation(found(code)), provenance))
    assert flag.level is not Level.LOW
    assert code in codes(flag)


def test_an_advisory_is_told_and_lowers_or_raises_nothing(make_radiograph, make_picture, provenance) -> None:
    flag = only(assess(make_radiograph(), make_picture(found("IMG_MANIFEST_MISMATCH")), provenance))
    assert (flag.level, codes(flag)) == (Level.LOW, {"IMG_MANIFEST_MISMATCH"})


def test_a_failed_gate_is_never_low_whatever_its_code(make_radiograph, make_picture, provenance) -> None:
    for code in ReasonCode:
        gate = Gate(name="g", passed=False, value="2", limit="1", code=code)
        flag = only(assess(make_radiograph(), make_picture(gates=(gate,)), provenance))
        assert flag.level is not Level.LOW, code
        assert flag.reasons[0].params == {"value": "2", "limit": "1"}


def test_a_note_with_a_reason_is_never_low(make_occupancy, make_radiation, provenance) -> None:
    for code in ReasonCode:
        scan = make_occupancy(notes=(ScanNote(text="seen", reason=code), ScanNote(text="a remark")))
        flag = only(assess(scan, make_radiation(), provenance))
        assert flag.level is not Level.LOW, code
        assert codes(flag) == {code}


@pytest.mark.parametrize("code", ["RAD_GAMMA_NSIGMA", "RAD_SPECTRAL_ANOMALY"])
@pytest.mark.parametrize("nuclide", ["RAD_NUCLIDE_NORM", "RAD_NUCLIDE_MEDICAL"])
def test_an_explained_alarm_is_unknown(code, nuclide, make_occupancy, make_radiation, provenance) -> None:
    analysis = make_radiation(found(code, is_explained=True), found(nuclide))
    assert only(assess(make_occupancy(), analysis, provenance)).level is Level.UNKNOWN


@pytest.mark.parametrize(
    "others",
    [(), ("Q_SPEED",), ("RAD_NUCLIDE_NORM", "RAD_NEUTRON"), ("RAD_NUCLIDE_MEDICAL", "RAD_NUCLIDE_SNM")],
)
def test_an_explanation_needs_an_innocent_nuclide_and_none_other(
    others, make_occupancy, make_radiation, provenance
) -> None:
    analysis = make_radiation(found("RAD_GAMMA_NSIGMA", is_explained=True), *map(found, others))
    flag = only(assess(make_occupancy(), analysis, provenance))
    assert flag.reasons[0].level is Level.HIGH
    assert flag.level is Level.HIGH


def test_the_explanation_may_stand_in_another_assessment(make_occupancy, make_radiation, provenance) -> None:
    gross = make_radiation(found("RAD_GAMMA_NSIGMA", is_explained=True))
    spectral = make_radiation(found("RAD_NUCLIDE_NORM"), modality=FlagModality.RAD_SPECTRAL)
    both = msgspec.structs.replace(gross, assessments=gross.assessments + spectral.assessments)
    assert [f.level for f in assess(make_occupancy(), both, provenance)] == [Level.UNKNOWN, Level.UNKNOWN]
    neutron = make_radiation(found("RAD_NEUTRON"), modality=FlagModality.NEUTRON)
    three = msgspec.structs.replace(both, assessments=both.assessments + neutron.assessments)
    flags = assess(make_occupancy(), three, provenance)
    assert [f.level for f in flags] == [Level.HIGH, Level.UNKNOWN, Level.HIGH]


def test_a_severe_alarm_is_not_explained_away(make_occupancy, make_radiation, provenance) -> None:
    overload = found("RAD_GAMMA_NSIGMA", is_explained=True, is_severe=True)
    flag = only(assess(make_occupancy(), make_radiation(overload, found("RAD_NUCLIDE_NORM")), provenance))
    assert flag.level is Level.HIGH
    assert flag.is_severe


@pytest.mark.parametrize("code", ["RAD_NEUTRON", "RAD_NUCLIDE_SNM"])
def test_neutrons_and_snm_are_severe_by_themselves(code, make_occupancy, make_radiation, provenance) -> None:
    assert only(assess(make_occupancy(), make_radiation(found(code)), provenance)).is_severe


def test_high_stays_high_in_a_degraded_scan(make_occupancy, make_radiation, provenance) -> None:
    scan = make_occupancy(
        identity={"operating_mode": OperatingMode.TEST, "clock": ClockState(is_synchronised=False)},
        is_complete=False,
        faults=("detector A1 dead",),
        notes=(ScanNote(text="n", reason=ReasonCode.BKG_STALE),),
    )
    flag = only(assess(scan, make_radiation(found("RAD_NEUTRON")), provenance))
    assert flag.level is Level.HIGH
    assert {"MODE_NOT_OPS", "CLOCK_UNSYNC", "Q_OCCUPANCY", "Q_DETECTOR_DEAD", "BKG_STALE"} <= codes(flag)


def test_corrupt_bytes_leave_nothing_known(make_occupancy, make_radiation, provenance) -> None:
    scan = make_occupancy(notes=(ScanNote(text="torn", reason=ReasonCode.INPUT_CORRUPT),))
    flag = only(assess(scan, make_radiation(found("RAD_NEUTRON")), provenance))
    assert flag.level is Level.UNKNOWN
    assert flag.is_severe
    assert flag.reasons[0].level is Level.HIGH


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (OperatingMode.EXERCISE, {"MODE_NOT_OPS", "EXERCISE"}),
        (OperatingMode.TEST, {"MODE_NOT_OPS"}),
        (OperatingMode.OTHER, {"MODE_NOT_OPS"}),
        (OperatingMode.UNKNOWN, {"MODE_NOT_OPS"}),
    ],
)
def test_only_ops_clears(mode, expected, make_occupancy, make_radiation, provenance) -> None:
    flag = only(assess(make_occupancy(identity={"operating_mode": mode}), make_radiation(), provenance))
    assert (flag.level, codes(flag)) == (Level.UNKNOWN, expected)


def test_without_the_mode_a_flag_reads_as_it_would_have_in_ops(
    make_occupancy, make_radiation, provenance
) -> None:
    exercise = {"operating_mode": OperatingMode.EXERCISE}
    cases = [make_radiation(), make_radiation(gates=()), make_radiation(found("RAD_NEUTRON")),
             make_radiation(measured={"gamma": None}), make_radiation(found("RAD_NUCLIDE_NORM"))]  # fmt: skip
    for analysis in cases:
        played = only(assess(make_occupancy(identity=exercise), analysis, provenance))
        real = only(assess(make_occupancy(), analysis, provenance))
        assert level_of(played.reasons, set_aside=MODE_CODES) is real.level
        assert played.level is not Level.LOW


def test_clock_and_container_number(make_occupancy, make_radiation, provenance) -> None:
    def reasons_of(**identity):
        return codes(only(assess(make_occupancy(identity=identity), make_radiation(), provenance)))

    assert reasons_of(clock=ClockState(is_synchronised=False)) == {"CLOCK_UNSYNC"}
    assert reasons_of(clock=ClockState(is_synchronised=None)) == set()
    assert reasons_of(container_id="CSQU3054384") == {"ID_CHECKDIGIT"}
    assert reasons_of(container_id=None) == set()


def test_tampering_is_high(make_occupancy, make_radiograph, make_radiation, make_picture, provenance) -> None:
    for flags in (
        assess(make_occupancy(is_tampered=True), make_radiation(), provenance),
        assess(make_radiograph(is_tampered=True), make_picture(), provenance),
    ):
        assert (only(flags).level, codes(only(flags))) == (Level.HIGH, {"DEVICE_TAMPER"})


@pytest.mark.parametrize(
    ("ref", "expected"),
    [
        (CalibrationRef(state="STALE"), "CAL_STALE"),
        (CalibrationRef(state="MISSING"), "CAL_MISSING"),
        (CalibrationRef(state="FAILED"), "CAL_MISSING"),
        (CalibrationRef(state="VALID", age_s=601, max_age_s=600), "CAL_STALE"),
    ],
)
def test_calibration_of_a_radiograph(ref, expected, make_radiograph, make_picture, provenance) -> None:
    flag = only(assess(make_radiograph(ref=ref), make_picture(), provenance))
    assert (flag.level, codes(flag)) == (Level.UNKNOWN, {expected})
    assert flag.calibration.state != "VALID"


def test_a_radiograph_without_calibration(make_radiograph, make_picture, provenance) -> None:
    flag = only(assess(make_radiograph(calibration=None), make_picture(), provenance))
    assert (flag.calibration.state, codes(flag)) == ("MISSING", {"CAL_MISSING"})


def test_spectra_without_energy_calibration(make_occupancy, make_radiation, provenance) -> None:
    spectra = np.ones((3, 1, 8), dtype=np.uint32)
    flag = only(assess(make_occupancy(spectra=spectra), make_radiation(), provenance))
    assert (flag.level, codes(flag)) == (Level.UNKNOWN, {"CAL_MISSING"})
    edges = np.arange(9.0)[None]
    flag = only(assess(make_occupancy(spectra=spectra, energy_edges_kev=edges), make_radiation(), provenance))
    assert flag.level is Level.LOW


UNTESTED = CountMeasurement(background_cps=None, max_cps=1.0, max_nsigma=None, alarm=None)
ALARMED = CountMeasurement(background_cps=1.0, max_cps=9.0, max_nsigma=9.0, alarm=True)
NOT_FINITE = CountMeasurement(background_cps=1.0, max_cps=9.0, max_nsigma=math.nan, alarm=False)


@pytest.mark.parametrize(
    ("modality", "measured", "level"),
    [
        ("RAD_GROSS", {"gamma": None}, "UNKNOWN"),
        ("RAD_GROSS", {"gamma": UNTESTED}, "UNKNOWN"),
        ("RAD_GROSS", {"gamma": NOT_FINITE}, "UNKNOWN"),
        ("RAD_GROSS", {"gamma": ALARMED}, "HIGH"),
        ("RAD_GROSS", {"detection_limit_mbq_cs137": None}, "UNKNOWN"),
        ("RAD_GROSS", {"detection_limit_mbq_cs137": math.inf}, "UNKNOWN"),
        ("RAD_SPECTRAL", {"detection_limit_mbq_cs137": None}, "UNKNOWN"),
        ("NEUTRON", {"neutron": None}, "UNKNOWN"),
        ("NEUTRON", {"neutron": ALARMED}, "HIGH"),
        ("SEAL", {}, "UNKNOWN"),
        ("XRAY", {}, "UNKNOWN"),
    ],
)
def test_silence_is_not_innocence(
    modality, measured, level, make_occupancy, make_radiation, provenance
) -> None:
    analysis = make_radiation(modality=FlagModality(modality), measured=measured)
    assert only(assess(make_occupancy(), analysis, provenance)).level == level


def test_a_spectrum_nothing_tested_is_unknown(make_occupancy, make_radiation, provenance) -> None:
    for ood in (None, "none"):
        analysis = make_radiation(
            modality=FlagModality.RAD_SPECTRAL, measured={"anomaly": None}, ood_score=ood
        )
        assert codes(only(assess(make_occupancy(), analysis, provenance))) == {"MODEL_ERROR"}


def test_a_spectrum_without_calibration_blames_no_model(make_occupancy, make_radiation, provenance) -> None:
    gate = Gate(name="energy_calibration", passed=False, value="0", limit="1", code=ReasonCode.CAL_MISSING)
    analysis = make_radiation(
        modality=FlagModality.RAD_SPECTRAL, measured={"anomaly": None}, ood_score=None, gates=(gate,)
    )
    flag = only(assess(make_occupancy(), analysis, provenance))
    assert codes(flag) == {"CAL_MISSING"}
    assert [reason.text for reason in flag.reasons] == ["energy calibration: missing"]


@pytest.mark.parametrize(
    "measured",
    [
        {"containers": ()},
        {"hideable_fraction": None},
        {"opaque_fraction": None},
        {"hideable_fraction": math.nan},
    ],
)
def test_a_picture_that_shows_too_little_is_unknown(
    measured, make_radiograph, make_picture, provenance
) -> None:
    flag = only(assess(make_radiograph(), make_picture(measured=measured), provenance))
    assert (flag.level, codes(flag)) == (Level.UNKNOWN, {"Q_COVERAGE"})


def test_a_picture_with_a_place_to_hide_is_unknown(make_radiograph, make_picture, provenance) -> None:
    flag = only(assess(make_radiograph(), make_picture(measured={"hideable_fraction": 1e-6}), provenance))
    assert (flag.level, codes(flag)) == (Level.UNKNOWN, {"IMG_SHIELDED"})


def test_no_gate_at_all_is_unknown(make_occupancy, make_radiation, provenance) -> None:
    flag = only(assess(make_occupancy(), make_radiation(gates=()), provenance))
    assert (flag.level, codes(flag)) == (Level.UNKNOWN, {"Q_COVERAGE"})


def test_an_analysis_that_assessed_nothing(make_occupancy, make_radiation, provenance) -> None:
    silent = make_radiation()
    analysis = Analysis(modality="radiation", assessments=(), measurements=silent.measurements)
    assert only(assess(make_occupancy(), analysis, provenance)).level is Level.UNKNOWN


def test_the_flag_tells_what_it_rests_on(
    make_occupancy, make_radiation, make_radiograph, make_picture, provenance
) -> None:
    scan = make_occupancy()
    flag = only(assess(scan, make_radiation(), provenance))
    assert flag.inputs == scan.inputs
    assert flag.created_at == "2026-03-01T12:00:06.000Z"
    assert flag.background_age_s == 30
    assert flag.subject.ocr_confidence == "0.995"
    assert flag.subject.check_digit_ok
    assert (flag.quality.speed_m_s, flag.quality.coverage, flag.quality.lost_records) == ("2.2", "1", 0)
    assert flag.scores.threshold_id == "lane-1"
    picture = only(assess(make_radiograph(), make_picture(), provenance))
    assert (picture.quality.lost_lines, picture.quality.saturated) == (2, "0.000125")


def test_a_background_younger_than_the_scan_has_a_negative_age(
    make_occupancy, make_radiation, provenance
) -> None:
    scan = make_occupancy(identity={"t_start_utc": datetime(2026, 3, 1, 11, 59, tzinfo=UTC)})
    assert only(assess(scan, make_radiation(), provenance)).background_age_s == -30


def test_the_same_input_gives_the_same_bytes(make_occupancy, make_radiation, provenance) -> None:
    one = only(assess(make_occupancy(), make_radiation(found("RAD_NEUTRON")), provenance))
    two = only(assess(make_occupancy(), make_radiation(found("RAD_NEUTRON")), provenance))
    assert canonical_bytes(one) == canonical_bytes(two)
    assert one.flag_id == content_id(one, without=("flag_id", "key_id", "signature"))
    assert parse_strict(canonical_bytes(one), Flag) == one


def test_an_input_that_could_not_be_read(make_identity, provenance) -> None:
    for error, code in ((FormatError("x.n42: cut off"), "INPUT_CORRUPT"), (ModelError("m"), "MODEL_ERROR")):
        flag = unread_flag(make_identity(), error, provenance, modality=FlagModality.RAD_GROSS)
        assert (flag.level, codes(flag), flag.reasons[0].text) == (Level.UNKNOWN, {code}, str(error))
        assert flag.flag_id == content_id(flag, without=("flag_id", "key_id", "signature"))


@pytest.mark.parametrize(
    ("number", "fits"),
    [
        ("CSQU3054383", True), ("MWCU6059784", True), ("csqu 305438 3", True), ("CSQU3054384", False),
        ("CSQU305438", False), ("", False), ("CSQX3054383", False),
        ("ÇSQU3054383", False), ("CSQU305438٣", False),
    ],
)  # fmt: skip
def test_check_digit(number: str, fits: bool) -> None:
    assert has_valid_check_digit(number) is fits
