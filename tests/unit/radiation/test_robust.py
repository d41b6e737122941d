"""Whatever a file holds, the analysis answers: finite figures or none, and no silence about nonsense."""

from __future__ import annotations

import math
from datetime import timedelta

import msgspec
import numpy as np
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from screening.radiation import RadiationAnalyser, RadiationSettings
from screening.records import Background, Occupancy, Scan, ScanIdentity

COUNTS = st.sampled_from([-7, -1, 0, 1, 60, 80, 100, 5000, 10**6, 2**62])
SECONDS = st.sampled_from([0.0, 0.1, 0.2, 0.2, 0.2, 1.0, 1e-9, 1e9, math.nan, math.inf, -1.0])
RATES = st.sampled_from([0.0, 0.5, 400.0, 1e9, math.nan, math.inf, -3.0])
IDENTITY = ScanIdentity(scan_id="00000000-0000-8000-8000-000000000001")


@st.composite
def occupancies(draw):
    n, n_panel = draw(st.integers(0, 14)), draw(st.integers(0, 4))
    m = draw(st.integers(0, 5))
    background = None
    if draw(st.booleans()):
        background = Background(
            gamma_cps=draw(arrays(np.float64, draw(st.sampled_from([n_panel, n_panel, 2])), elements=RATES)),
            live_time_s=draw(st.sampled_from([1.0, 60.0, math.inf])),
            neutron_cps=draw(st.none() | arrays(np.float64, 2, elements=RATES)),
        )
    spectra = edges = None
    if draw(st.booleans()):
        spectra = draw(arrays(np.uint32, (n, n_panel, 20), elements=st.sampled_from([0, 3, 2**32 - 1])))
        edges = np.tile(np.linspace(0.0, 3000.0, 21), (n_panel, 1))
        edges = edges * draw(st.sampled_from([1.0, 0.01, math.nan, -1.0]))
    has_neutrons = draw(st.booleans())
    return Occupancy(
        kind=draw(st.sampled_from(["occupancy", "static"])),
        interval_s=draw(arrays(np.float64, n, elements=SECONDS)),
        t_s=np.arange(n) * 0.2,
        panel_ids=tuple(f"P{i}" for i in range(n_panel)),
        gamma_counts=draw(arrays(np.int64, (n, n_panel), elements=COUNTS)),
        live_time_s=draw(st.none() | arrays(np.float64, (n, n_panel), elements=SECONDS)),
        spectra=spectra,
        energy_edges_kev=edges,
        neutron_counts=draw(arrays(np.int64, (m, 2), elements=COUNTS)) if has_neutrons else None,
        neutron_interval_s=draw(arrays(np.float64, m, elements=SECONDS)) if has_neutrons else None,
        background=background,
        n_prior=draw(st.integers(0, 20)),
        speed_m_s=draw(st.sampled_from([None, 0.0, 2.0, math.nan, -4.0, 1e300])),
        is_background_subtracted=draw(st.booleans()),
    )


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(payload=occupancies(), policy=st.sampled_from(["unknown", "bound"]))
def test_any_values_are_answered(make, payload, policy):
    analyser = RadiationAnalyser(RadiationSettings(missing_speed=policy), make.identifier())
    analysis = analyser.analyse(Scan(identity=IDENTITY, payload=payload))
    plain = msgspec.to_builtins(analysis.measurements)
    assert all(math.isfinite(value) for value in _floats(plain))
    # No time of the scan is known, so its background cannot be fresh: something is always said.
    for part in analysis.assessments:
        assert part.findings or any(not gate.passed for gate in part.gates)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    seed=st.integers(0, 10_000),
    interval=st.integers(0, 39),
    panel=st.integers(0, 3),
    added=st.integers(1, 10**7),
)
def test_more_counts_never_turn_an_alarm_off(make, seed, interval, panel, added):
    quiet = make.occupancy(seed=seed)
    counts = quiet.gamma_counts.copy()
    counts[18:22] += 120
    more = counts.copy()
    more[interval, panel] += added
    analyser = RadiationAnalyser(RadiationSettings(), None)
    for values in (counts, more):
        scan = make.scan(make.occupancy(seed=seed, gamma_counts=values))
        assert analyser.analyse(scan).measurements.gamma.alarm is True


def test_a_background_far_away_in_time_does_not_overflow(make, analyse):
    background = make.background(t_end_utc=make.start - timedelta(days=3650))
    _, codes = analyse(make.occupancy(background=background))
    assert codes["RAD_GROSS"]


def test_a_flood_of_counts_is_an_alarm_and_no_crash(make, analyse):
    gamma = np.full((40, 4), 2**62)
    neutrons = np.full((8, 2), 2**62)
    analysis, _ = analyse(make.occupancy(gamma_counts=gamma, neutron_counts=neutrons))
    assert analysis.measurements.gamma.alarm is True
    assert analysis.measurements.neutron.alarm is True


def _floats(value):
    if isinstance(value, float):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _floats(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _floats(item)
