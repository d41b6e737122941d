"""Readings that lack, repeat or misstate what was measured never pass for a quiet pass."""

from __future__ import annotations

import numpy as np
import pytest

from screening.records import ReasonCode


def _failed(analysis, modality):
    part = next(part for part in analysis.assessments if str(part.modality) == modality)
    return {gate.name: gate.code for gate in part.gates if not gate.passed}


def test_a_cut_occupancy_is_shorter_than_a_vehicle(make, analyse):
    analysis, _ = analyse(make.occupancy(n_interval=15, speed_m_s=2.2))
    assert _failed(analysis, "RAD_GROSS") == {"vehicle_m": ReasonCode.Q_OCCUPANCY}
    assert _failed(analysis, "NEUTRON")["vehicle_m"] == ReasonCode.Q_OCCUPANCY


def test_neutron_detectors_that_vanish(make, analyse):
    analysis, _ = analyse(make.occupancy(neutron_counts=None, neutron_interval_s=None))
    assert _failed(analysis, "NEUTRON") == {"neutron_readings": ReasonCode.Q_COVERAGE}


@pytest.mark.parametrize("neutron_cps", [None, np.array([0.0, 0.0])])
def test_a_portal_without_neutron_detectors_is_not_asked_for_them(make, analyse, neutron_cps):
    background = make.background(neutron_cps=neutron_cps)
    analysis, _ = analyse(make.occupancy(neutron_counts=None, neutron_interval_s=None, background=background))
    assert [str(part.modality) for part in analysis.assessments] == ["RAD_GROSS"]


@pytest.mark.parametrize("live_time_s", [60.0, 1.0])
@pytest.mark.parametrize("dead", [[0], [0, 1]])
def test_dead_neutron_tubes(make, analyse, dead, live_time_s):
    counts = np.random.default_rng(4).poisson(6.0, (8, 2))
    background = make.background(neutron_cps=np.array([6.0, 6.0]), live_time_s=live_time_s)
    analysis, _ = analyse(make.occupancy(neutron_counts=counts, background=background))
    assert _failed(analysis, "NEUTRON") == {}
    counts[:, dead] = 0
    counts[0, dead] = 1  # one count does not make a live tube
    analysis, _ = analyse(make.occupancy(neutron_counts=counts, background=background))
    assert _failed(analysis, "NEUTRON")["neutron_dead_panels"] == ReasonCode.Q_DETECTOR_DEAD
    assert _failed(analysis, "NEUTRON")["neutron_log10_deficit"] == ReasonCode.Q_DETECTOR_DEAD


def test_tubes_that_only_count_little_together(make, analyse):
    background = make.background(neutron_cps=np.array([1.8, 1.8]))
    counts = np.zeros((8, 2), dtype=np.int64)
    counts[0] = 1
    analysis, _ = analyse(make.occupancy(neutron_counts=counts, background=background))
    assert _failed(analysis, "NEUTRON") == {"neutron_log10_deficit": ReasonCode.Q_DETECTOR_DEAD}


@pytest.mark.parametrize("seconds", [0.0, 0.3, 100.0])
def test_live_times_that_cannot_be(make, analyse, seconds):
    live_s = np.full((40, 4), 0.19)
    analysis, _ = analyse(make.occupancy(live_time_s=live_s))
    assert _failed(analysis, "RAD_GROSS") == {}
    live_s[12, 2] = seconds
    analysis, codes = analyse(make.occupancy(live_time_s=live_s))
    assert _failed(analysis, "RAD_GROSS") == {"impossible_live_times": ReasonCode.Q_COVERAGE}
    assert codes["RAD_GROSS"] == {ReasonCode.Q_COVERAGE}


def test_an_overloaded_panel_is_named_by_its_lowest_live_fraction(make, analyse):
    live_s = np.full((40, 4), 0.19)
    live_s[12, 2] = 0.01
    analysis, _ = analyse(make.occupancy(live_time_s=live_s))
    assert _failed(analysis, "RAD_GROSS") == {"lowest_live_fraction": ReasonCode.Q_SATURATED}


def test_differences_are_no_counts(make, analyse):
    analysis, codes = analyse(make.occupancy(is_background_subtracted=True))
    assert _failed(analysis, "RAD_GROSS") == {"background_subtracted": ReasonCode.Q_COVERAGE}
    assert codes["RAD_GROSS"] == {ReasonCode.Q_COVERAGE}


@pytest.mark.parametrize(("factor", "codes"), [(1.008, {}), (1.02, {"CAL_STALE"}), (0.9, {"CAL_STALE"})])
def test_a_crystal_calibrated_apart_from_its_background(make, analyse, factor, codes):
    occupancy = make.with_spectra(make.occupancy())
    edges = occupancy.energy_edges_kev.copy()
    edges[2] *= factor
    changed = _changed(occupancy, energy_edges_kev=edges)
    analysis, _ = analyse(changed, make.identifier())
    failed = _failed(analysis, "RAD_SPECTRAL")
    assert {str(code) for code in failed.values()} == set(codes)
    assert set(failed) <= {"background_gain_difference"}


@pytest.mark.parametrize("panels", [[0], [0, 1, 2, 3]])
def test_a_dead_part_of_the_spectrum(make, analyse, panels):
    occupancy = make.with_spectra(make.occupancy(n_interval=80))
    spectra = occupancy.spectra.copy()
    spectra[:, panels, 20:] = 0
    changed = _changed(occupancy, spectra=spectra)
    analysis, _ = analyse(changed, make.identifier())
    assert _failed(analysis, "RAD_SPECTRAL") == {"spectrum_log10_deficit": ReasonCode.Q_DETECTOR_DEAD}


def test_crystals_that_are_one(make, analyse):
    occupancy = make.occupancy()
    counts = occupancy.gamma_counts.copy()
    counts[:, 1] = counts[:, 0]
    analysis, _ = analyse(make.occupancy(gamma_counts=counts))
    assert _failed(analysis, "RAD_GROSS") == {"identical_panels": ReasonCode.Q_DETECTOR_DEAD}


def test_a_stretch_played_again(make, analyse):
    occupancy = make.occupancy()
    counts = occupancy.gamma_counts.copy()
    counts[20:24] = counts[10:14]
    analysis, _ = analyse(make.occupancy(gamma_counts=counts))
    assert _failed(analysis, "RAD_GROSS") == {"repeated_readings": ReasonCode.Q_DETECTOR_DEAD}


def test_a_spectrum_sent_twice(make, analyse):
    occupancy = make.with_spectra(make.occupancy())
    spectra, counts = occupancy.spectra.copy(), occupancy.gamma_counts.copy()
    spectra[30], counts[30] = spectra[12], counts[12]
    changed = _changed(occupancy, spectra=spectra, gamma_counts=counts)
    analysis, _ = analyse(changed, make.identifier())
    assert _failed(analysis, "RAD_GROSS") == {"repeated_readings": ReasonCode.Q_DETECTOR_DEAD}


def test_few_counts_may_be_equal(make, analyse):
    counts = np.random.default_rng(2).poisson(1.0, (60, 4))
    background = make.background(gamma_cps=np.full(4, 5.0), neutron_cps=None)
    analysis, _ = analyse(make.occupancy(n_interval=60, gamma_counts=counts, background=background))
    assert not {"identical_panels", "repeated_readings"} & set(_failed(analysis, "RAD_GROSS"))


def _changed(occupancy, **changes):
    fields = {name: getattr(occupancy, name) for name in occupancy.__struct_fields__}
    return type(occupancy)(**(fields | changes))
