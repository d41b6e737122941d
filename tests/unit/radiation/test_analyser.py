"""What the analyser says of whole passes: alarms, gates, explanations, and never silence."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from screening.errors import ModelError
from screening.radiation import RadiationAnalyser, RadiationSettings
from screening.records import (
    Category,
    Finding,
    Gap,
    ReasonCode,
    ScanNote,
)

MEDICAL, NORM, INDUSTRIAL, SNM = Category.MEDICAL, Category.NORM, Category.INDUSTRIAL, Category.SNM


def _loud(make, **changes):
    """A pass with an excess of many sigma over a few intervals in the middle."""
    counts = make.occupancy().gamma_counts.copy()
    counts[18:23] += 300
    return make.occupancy(gamma_counts=counts, **changes)


def test_quiet_pass_raises_nothing(make, analyse):
    analysis, codes = analyse(make.occupancy())
    assert codes == {"RAD_GROSS": set(), "NEUTRON": set()}
    gamma = analysis.measurements.gamma
    assert gamma.alarm is False
    assert gamma.background_cps == pytest.approx(1600.0)
    assert analysis.measurements.neutron.alarm is False
    assert 0.01 < analysis.measurements.detection_limit_mbq_cs137 < 1.0
    names = [gate.name for gate in analysis.assessments[0].gates]
    assert {"background", "background_age_s", "coverage", "speed_m_s", "suppression"} <= set(names)


def test_quiet_pass_with_spectra_raises_nothing(make, analyse):
    identifier = make.identifier()
    analysis, codes = analyse(make.with_spectra(make.occupancy()), identifier)
    assert set(codes) == {"RAD_GROSS", "RAD_SPECTRAL", "NEUTRON"}
    assert not any(codes.values())
    assert analysis.measurements.anomaly.threshold == 3.0
    assert analysis.models == (identifier.model.ref,)


def test_alarm_carries_its_figures(make, analyse):
    analysis, codes = analyse(_loud(make))
    assert codes["RAD_GROSS"] == {ReasonCode.RAD_GAMMA_NSIGMA}
    finding = analysis.assessments[0].findings[0]
    assert float(finding.params["max_nsigma"]) == pytest.approx(
        analysis.measurements.gamma.max_nsigma, rel=1e-5
    )
    assert finding.params["n_sigma"] == "5"
    assert not finding.is_explained
    assert not finding.is_severe


@pytest.mark.parametrize(
    ("changes", "modality", "code"),
    [
        ({"background": None}, "RAD_GROSS", ReasonCode.BKG_MISSING),
        ({"background": None}, "NEUTRON", ReasonCode.BKG_MISSING),
        ({"speed_m_s": None}, "RAD_GROSS", ReasonCode.Q_SPEED),
        ({"speed_m_s": float("nan")}, "RAD_GROSS", ReasonCode.Q_SPEED),
        ({"speed_m_s": 40.0}, "RAD_GROSS", ReasonCode.Q_SPEED),
        ({"speed_m_s": 0.0}, "RAD_GROSS", ReasonCode.Q_COVERAGE),
        ({"is_complete": False}, "RAD_GROSS", ReasonCode.Q_OCCUPANCY),
        ({"is_tampered": True}, "RAD_GROSS", ReasonCode.DEVICE_TAMPER),
        ({"faults": ("gamma high",)}, "RAD_GROSS", ReasonCode.Q_DETECTOR_DEAD),
        ({"faults": ("neutron high",)}, "NEUTRON", ReasonCode.Q_DETECTOR_DEAD),
        ({"faults": ("detector A1 dead",)}, "NEUTRON", ReasonCode.Q_DETECTOR_DEAD),
        ({"gaps": (Gap(index=20, n_missing=4, cause="connection"),)}, "RAD_GROSS", ReasonCode.Q_COVERAGE),
        ({"is_occupied": np.zeros(40, dtype=bool)}, "RAD_GROSS", ReasonCode.Q_OCCUPANCY),
        ({"n_prior": 40}, "RAD_GROSS", ReasonCode.Q_OCCUPANCY),
        ({"interval_s": np.full(40, np.nan)}, "RAD_GROSS", ReasonCode.INPUT_CORRUPT),
        ({"interval_s": np.zeros(40)}, "NEUTRON", ReasonCode.INPUT_CORRUPT),
        ({"live_time_s": np.full((40, 4), 0.05)}, "RAD_GROSS", ReasonCode.Q_SATURATED),
        ({"live_time_s": np.full((40, 4), np.nan)}, "RAD_GROSS", ReasonCode.Q_SATURATED),
        ({"neutron_counts": np.zeros((3, 2), dtype=np.int64)}, "NEUTRON", ReasonCode.INPUT_CORRUPT),
    ],
)
def test_what_is_missing_or_wrong_is_told(make, analyse, changes, modality, code):
    _, codes = analyse(make.occupancy(**changes))
    assert code in codes[modality]


def test_times_that_jump_are_a_gap(make, analyse):
    t_s = np.arange(40) * 0.2
    t_s[20:] += 1.0
    _, codes = analyse(make.occupancy(t_s=t_s))
    assert codes["RAD_GROSS"] == {ReasonCode.Q_COVERAGE}


def test_stuck_beam(make, analyse):
    _, codes = analyse(make.occupancy(n_interval=1600))
    assert ReasonCode.Q_OCCUPANCY in codes["RAD_GROSS"]


@pytest.mark.parametrize(
    ("panels", "values", "code"),
    [
        ([2], -1, ReasonCode.Q_COVERAGE),
        ([2], 0, ReasonCode.Q_DETECTOR_DEAD),
        ([1], 77, ReasonCode.Q_DETECTOR_DEAD),
        ([0, 1, 2, 3], 3, ReasonCode.Q_SATURATED),
        ([0, 1], 2, ReasonCode.Q_SATURATED),
    ],
)
def test_panels_that_cannot_be_right(make, analyse, panels, values, code):
    counts = make.occupancy().gamma_counts.copy()
    counts[10:, panels] = values
    _, codes = analyse(make.occupancy(gamma_counts=counts))
    assert code in codes["RAD_GROSS"]


def test_collapse_after_an_alarm_is_severe(make, analyse):
    counts = make.occupancy().gamma_counts.copy()
    counts[12:17] += 5000
    counts[17:25] = 1
    analysis, codes = analyse(make.occupancy(gamma_counts=counts))
    assert {ReasonCode.RAD_GAMMA_NSIGMA, ReasonCode.Q_SATURATED} <= codes["RAD_GROSS"]
    assert analysis.assessments[0].findings[0].is_severe


def test_shadow_beyond_the_limit(make, analyse):
    counts = 79 + np.random.default_rng(3).integers(0, 5, (40, 4))
    counts[15:25] -= 53
    _, codes = analyse(make.occupancy(gamma_counts=counts))
    assert codes["RAD_GROSS"] == {ReasonCode.RAD_BASELINE_SUPPRESSED}


@pytest.mark.parametrize("seconds", [901, -3, -5_000_000])
def test_background_of_another_time_is_stale(make, analyse, seconds):
    background = make.background(t_end_utc=make.start - timedelta(seconds=seconds))
    _, codes = analyse(make.occupancy(background=background))
    assert codes["RAD_GROSS"] == {ReasonCode.BKG_STALE}
    assert codes["NEUTRON"] == {ReasonCode.BKG_STALE}


def test_portal_background_may_end_in_the_look_back(make, analyse):
    late = make.start + timedelta(seconds=1)
    _, codes = analyse(make.occupancy(background=make.background(t_end_utc=late)))
    assert codes["RAD_GROSS"] == set()
    _, codes = analyse(make.occupancy(background=make.background(t_end_utc=late, origin="file")))
    assert codes["RAD_GROSS"] == {ReasonCode.BKG_STALE}


def test_background_without_a_time_is_stale(make, analyse):
    _, codes = analyse(make.occupancy(background=make.background(t_end_utc=None)))
    assert codes["RAD_GROSS"] == {ReasonCode.BKG_STALE}


@pytest.mark.parametrize(
    ("rates", "code"),
    [
        (np.zeros(4), ReasonCode.BKG_MISSING),
        (np.array([400.0, np.nan, 400.0, 400.0]), ReasonCode.BKG_MISSING),
        (np.array([400.0, -1.0, 400.0, 400.0]), ReasonCode.BKG_MISSING),
        (np.array([800.0, 800.0]), ReasonCode.BKG_MISSING),
        (np.array([400.0, 0.0, 400.0, 400.0]), ReasonCode.Q_DETECTOR_DEAD),
        (np.array([400.0, 60.0, 400.0, 400.0]), ReasonCode.Q_DETECTOR_DEAD),
        (np.full(4, 30_000.0), ReasonCode.Q_SATURATED),
    ],
)
def test_background_health(make, analyse, rates, code):
    _, codes = analyse(make.occupancy(background=make.background(gamma_cps=rates)))
    assert code in codes["RAD_GROSS"]


def test_without_background_contrast_alarms_and_the_doubt_stays(make, analyse):
    t = np.arange(60)
    rate = 80.0 * (1.0 + 9.0 / (1.0 + ((t - 30) / 3.0) ** 2) ** 1.5)
    counts = np.random.default_rng(2).poisson(rate[:, None] * np.ones(4)).astype(np.int64)
    analysis, codes = analyse(make.occupancy(n_interval=60, gamma_counts=counts, background=None))
    assert {ReasonCode.RAD_GAMMA_NSIGMA, ReasonCode.BKG_MISSING} <= codes["RAD_GROSS"]
    gamma = analysis.measurements.gamma
    assert gamma.alarm is True
    assert gamma.max_nsigma is None
    assert gamma.contrast > 5
    assert analysis.measurements.detection_limit_mbq_cs137 is None


def test_without_background_quiet_is_no_answer(make, analyse):
    analysis, codes = analyse(make.occupancy(background=None))
    assert ReasonCode.BKG_MISSING in codes["RAD_GROSS"]
    assert analysis.measurements.gamma.alarm is None


def test_missing_speed_can_be_bounded_by_the_longest_vehicle(make, analyse):
    bounded = RadiationSettings(missing_speed="bound", max_speed_m_s=4.0)
    analysis, codes = analyse(make.occupancy(speed_m_s=None), settings=bounded)
    assert codes["RAD_GROSS"] == set()
    fast = analysis.measurements.detection_limit_mbq_cs137
    known, _ = analyse(make.occupancy(speed_m_s=2.2))
    assert fast > known.measurements.detection_limit_mbq_cs137


def test_detection_limit_above_the_sites_is_told(make, analyse):
    _, codes = analyse(make.occupancy(), settings=RadiationSettings(max_detection_limit_mbq=0.01))
    assert codes["RAD_GROSS"] == {ReasonCode.Q_COVERAGE}


@pytest.mark.parametrize(
    ("nuclides", "explained"),
    [
        ([("Tc-99m", (MEDICAL,))], True),
        ([("K-40", (NORM,)), ("Th-232", (NORM,))], True),
        ([("Tc-99m", (MEDICAL,)), ("Cs-137", (INDUSTRIAL,))], False),
        ([("Au-198", (INDUSTRIAL, MEDICAL))], False),
        ([("HEU", (SNM,))], False),
        ([("odd", ())], False),
        ([], False),
    ],
)
def test_explanations(make, analyse, nuclides, explained):
    identifier = make.identifier(*nuclides)
    analysis, _ = analyse(make.with_spectra(_loud(make)), identifier)
    alarm = analysis.assessments[0].findings[0]
    assert alarm.code is ReasonCode.RAD_GAMMA_NSIGMA
    assert alarm.is_explained is explained


def test_doubt_about_the_spectrum_explains_nothing(make, analyse):
    told = ("Tc-99m", (MEDICAL,))
    for fields in ({"is_ood": True}, {"ood_score": 9.0}, {"ood_score": float("nan")}):
        analysis, codes = analyse(make.with_spectra(_loud(make)), make.identifier(told, **fields))
        assert not analysis.assessments[0].findings[0].is_explained
        assert codes["RAD_SPECTRAL"] & {ReasonCode.MODEL_OOD, ReasonCode.MODEL_ERROR}


def test_neutrons_take_the_explanation_away(make, analyse):
    neutrons = np.zeros((8, 2), dtype=np.int64)
    neutrons[3:5] = 60
    loud = make.with_spectra(_loud(make, neutron_counts=neutrons))
    analysis, _ = analyse(loud, make.identifier(("K-40", (NORM,))))
    assert not analysis.assessments[0].findings[0].is_explained


def test_nuclides_become_findings_by_their_worst_category(make, analyse):
    told = [
        ("K-40", (NORM,)),
        ("Au-198", (INDUSTRIAL, MEDICAL)),
        ("Np-237", (SNM, Category.NUCLEAR)),
        ("DU", (Category.NUCLEAR,)),
    ]
    analysis, _ = analyse(make.with_spectra(_loud(make)), make.identifier(*told))
    found = analysis.assessments[1].findings
    assert [(finding.code, finding.params["nuclide"], finding.is_severe) for finding in found] == [
        (ReasonCode.RAD_NUCLIDE_SNM, "Np-237", True),
        (ReasonCode.RAD_NUCLIDE_INDUSTRIAL, "DU", False),
        (ReasonCode.RAD_NUCLIDE_INDUSTRIAL, "Au-198", False),
        (ReasonCode.RAD_NUCLIDE_NORM, "K-40", False),
    ]
    assert analysis.assessments[1].labels == ("K-40", "Au-198", "Np-237", "DU")


def test_norm_in_a_quiet_pass_is_background(make, analyse):
    analysis, codes = analyse(make.with_spectra(make.occupancy()), make.identifier(("K-40", (NORM,))))
    assert codes["RAD_SPECTRAL"] == set()
    assert analysis.measurements.nuclides[0].nuclide == "K-40"


def test_radium_is_norm_where_it_is_spread_and_a_source_where_it_is_not(make, analyse):
    radium = ("Ra-226", (NORM, INDUSTRIAL))
    _, codes = analyse(make.with_spectra(_loud(make)), make.identifier(radium))
    assert ReasonCode.RAD_NUCLIDE_INDUSTRIAL in codes["RAD_SPECTRAL"]
    counts = make.occupancy().gamma_counts.copy()
    counts[10:36] += 60
    analysis, codes = analyse(make.with_spectra(make.occupancy(gamma_counts=counts)), make.identifier(radium))
    assert codes["RAD_SPECTRAL"] == {ReasonCode.RAD_NUCLIDE_NORM}
    assert analysis.assessments[0].findings[0].is_explained


def test_no_identifier_is_a_model_error(make, analyse):
    _, codes = analyse(make.with_spectra(make.occupancy()), None)
    assert codes["RAD_SPECTRAL"] == {ReasonCode.MODEL_ERROR}
    without = make.identifier()
    without.model = None
    _, codes = analyse(make.with_spectra(make.occupancy()), without)
    assert codes["RAD_SPECTRAL"] == {ReasonCode.MODEL_ERROR}


@pytest.mark.parametrize("error", [ModelError("no answer"), ValueError("too few channels")])
def test_identifier_that_fails_is_a_model_error(make, analyse, error):
    identifier = make.identifier()

    def fail(*_, **__):
        raise error

    identifier.identify = fail
    _, codes = analyse(make.with_spectra(_loud(make)), identifier)
    assert codes["RAD_SPECTRAL"] == {ReasonCode.MODEL_ERROR}
    assert ReasonCode.RAD_GAMMA_NSIGMA in codes["RAD_GROSS"]


def test_findings_of_the_identifier_are_kept(make, analyse):
    own = Finding(code=ReasonCode.RAD_SPECTRAL_ANOMALY, text="radioactive, not identified")
    _, codes = analyse(make.with_spectra(make.occupancy()), make.identifier(findings=(own,)))
    assert codes["RAD_SPECTRAL"] == {ReasonCode.RAD_SPECTRAL_ANOMALY}


@pytest.mark.parametrize("broken", ["none", "nan", "falling", "short"])
def test_spectra_without_calibration_name_nothing(make, analyse, broken):
    occupancy = make.with_spectra(_loud(make))
    edges = occupancy.energy_edges_kev.copy()
    if broken == "none":
        edges = None
    elif broken == "nan":
        edges[1, 5] = np.nan
    elif broken == "falling":
        edges[0] = edges[0, ::-1]
    else:
        edges *= 1e-3
    changed = msgspec.structs.replace(occupancy, energy_edges_kev=edges)
    analysis, codes = analyse(changed, make.identifier(("Cs-137", (INDUSTRIAL,))))
    assert ReasonCode.CAL_MISSING in codes["RAD_SPECTRAL"]
    assert analysis.measurements.nuclides == ()


def test_spectra_that_hold_more_than_the_gross_counts(make, analyse):
    occupancy = make.with_spectra(make.occupancy())
    spectra = occupancy.spectra.copy()
    spectra[:, 1] *= 4
    _, codes = analyse(msgspec.structs.replace(occupancy, spectra=spectra), make.identifier())
    assert codes["RAD_SPECTRAL"] == {ReasonCode.Q_COVERAGE}


def test_notes_become_findings(make, analyse):
    notes = (
        ScanNote(text="a record was cut short", reason=ReasonCode.INPUT_CORRUPT),
        ScanNote(text="a second one", reason=ReasonCode.INPUT_CORRUPT),
        ScanNote(text="the portal is new"),
    )
    analysis, codes = analyse(make.occupancy(), notes=notes)
    assert codes["RAD_GROSS"] == {ReasonCode.INPUT_CORRUPT}
    assert analysis.assessments[0].findings[0].text == "a record was cut short; a second one"


def test_the_same_scan_twice_gives_the_same_analysis(make):
    scan = make.scan(make.with_spectra(_loud(make)))
    identifier = make.identifier(("Cs-137", (INDUSTRIAL,)))
    first, second = (RadiationAnalyser(RadiationSettings(), identifier).analyse(scan) for _ in range(2))
    assert msgspec.json.encode([first.assessments, first.measurements]) == msgspec.json.encode(
        [second.assessments, second.measurements]
    )
    for name, array in first.products.items():
        np.testing.assert_array_equal(array, second.products[name])


def test_a_radiograph_is_refused():
    class Other:
        payload = object()

    with pytest.raises(TypeError, match="Occupancy"):
        RadiationAnalyser(RadiationSettings(), None).analyse(Other())


_DOUBTS = {
    "no background": lambda o: {"background": None},
    "no neutron background": lambda o: {
        "background": msgspec.structs.replace(o.background, neutron_cps=None)
    },
    "no background time": lambda o: {"background": msgspec.structs.replace(o.background, t_end_utc=None)},
    "zero background": lambda o: {"background": msgspec.structs.replace(o.background, gamma_cps=np.zeros(4))},
    "no speed": lambda o: {"speed_m_s": None},
    "no end": lambda o: {"is_complete": False},
    "silent panel": lambda o: {"gamma_counts": np.where(np.arange(4) == 1, -1, o.gamma_counts)},
    "silent intervals": lambda o: {
        "gamma_counts": np.where((np.arange(o.n_interval) % 7 == 3)[:, None], -1, o.gamma_counts)
    },
    "no edges": lambda o: {"energy_edges_kev": None},
    "nan times": lambda o: {"t_s": np.full(o.n_interval, np.nan)},
    "lost readings": lambda o: {"neutron_counts": np.full_like(o.neutron_counts, -1)},
    "dead time": lambda o: {"live_time_s": np.zeros(o.gamma_counts.shape)},
}


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(doubts=st.sets(st.sampled_from(sorted(_DOUBTS)), min_size=1, max_size=5), seed=st.integers(0, 50))
def test_whatever_is_missing_something_is_said(make, doubts, seed):
    payload = make.with_spectra(make.occupancy(seed=seed))
    for doubt in sorted(doubts - ({"no background"} if len(doubts) > 1 else set())):
        payload = msgspec.structs.replace(payload, **_DOUBTS[doubt](payload))
    if "no background" in doubts:
        payload = msgspec.structs.replace(payload, background=None)
    analysis = RadiationAnalyser(RadiationSettings(), make.identifier()).analyse(make.scan(payload))
    raised = [
        item.code
        for part in analysis.assessments
        for item in (*part.findings, *(gate for gate in part.gates if not gate.passed))
    ]
    assert raised


@pytest.mark.parametrize(
    ("alarm", "code"), [("gamma", ReasonCode.RAD_GAMMA_NSIGMA), ("neutron", ReasonCode.RAD_NEUTRON)]
)
def test_the_devices_own_alarm_is_never_lost(make, analyse, alarm, code):
    quiet, _ = analyse(make.occupancy())
    assert code not in {f.code for a in quiet.assessments for f in a.findings}
    told, _ = analyse(make.occupancy(device_alarms=(alarm,)))
    found = [f for a in told.assessments for f in a.findings if f.code is code]
    assert [f.text for f in found] == [f"the device's own {alarm} alarm"]
    assert found[0].is_severe is (alarm == "neutron")
