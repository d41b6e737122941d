"""A measured pass through a portal of eight germanium crystals."""

from __future__ import annotations

import time

import msgspec
import numpy as np
import pytest

from screening.radiation import RadiationAnalyser, RadiationSettings
from screening.records import Category, Level, ReasonCode
from screening.risk import Provenance, assess
from screening.sources import open_background, open_scan

PROVENANCE = Provenance(version="0", kernel_isa="none", config_sha256="0" * 64, threshold_sha256="0" * 64)


@pytest.fixture(scope="module")
def measured(shared_data):
    return open_scan(shared_data / "radiation" / "interspec" / "passthrough.n42")


@pytest.fixture(scope="module")
def with_background(measured, shared_data):
    background = open_background(shared_data / "radiation" / "interspec" / "background_20100317.n42")
    payload = msgspec.structs.replace(measured.payload, background=background)
    return msgspec.structs.replace(measured, payload=payload)


def _codes(analysis):
    return {
        item.code
        for part in analysis.assessments
        for item in (*part.findings, *(gate for gate in part.gates if not gate.passed))
    }


@pytest.mark.shared
def test_with_a_background_of_two_months_later(make, with_background):
    identifier = make.identifier(("Co-60", (Category.INDUSTRIAL,)))
    analysis = RadiationAnalyser(RadiationSettings(), identifier).analyse(with_background)
    assert {ReasonCode.RAD_GAMMA_NSIGMA, ReasonCode.BKG_STALE} <= _codes(analysis)
    assert ReasonCode.BKG_MISSING not in _codes(analysis)
    gamma = analysis.measurements.gamma
    assert gamma.alarm is True
    assert gamma.background_cps == pytest.approx(778.7, rel=0.01)
    assert gamma.max_nsigma > 2000
    flags = assess(with_background, analysis, PROVENANCE)
    assert {flag.level for flag in flags} == {Level.HIGH}
    gates = {gate.name: gate for gate in analysis.assessments[0].gates}
    age = gates["background_newer_than_scan_s"]
    assert float(age.value) > 80 * 86400


@pytest.mark.shared
def test_without_a_background_by_contrast(make, measured):
    identifier = make.identifier(("Co-60", (Category.INDUSTRIAL,)))
    analysis = RadiationAnalyser(RadiationSettings(), identifier).analyse(measured)
    assert {ReasonCode.RAD_GAMMA_NSIGMA, ReasonCode.BKG_MISSING} <= _codes(analysis)
    assert ReasonCode.BKG_STALE not in _codes(analysis)
    gamma = analysis.measurements.gamma
    assert gamma.alarm is True
    assert gamma.max_nsigma is None
    assert gamma.contrast > 30
    assert all(flag.level is not Level.LOW for flag in assess(measured, analysis, PROVENANCE))
    asked = identifier.asked[0]
    assert asked["background"] is not None
    foreground = asked["counts"].sum() / asked["live_time_s"]
    background = asked["background"][0].sum() / asked["background"][2]
    assert foreground > 10 * background


@pytest.mark.shared
def test_crystals_sum_in_energy(make, with_background):
    identifier = make.identifier()
    RadiationAnalyser(RadiationSettings(), identifier).analyse(with_background)
    counts, edges = identifier.asked[0]["counts"], identifier.asked[0]["edges_kev"]
    centre = 0.5 * (edges[1:] + edges[:-1])
    for line in (1173.2, 1332.5):
        near = np.abs(centre - line) < 8.0
        peak = centre[near][np.argmax(np.convolve(counts, np.ones(7), mode="same")[near])]
        assert peak == pytest.approx(line, abs=2.0)


@pytest.mark.shared
def test_all_but_the_identification_is_quick(make, with_background):
    analyser = RadiationAnalyser(RadiationSettings(), make.identifier())
    analyser.analyse(with_background)
    spent = []
    for _ in range(3):
        start = time.process_time()
        analyser.analyse(with_background)
        spent.append(time.process_time() - start)
    assert min(spent) < 0.25
