"""Sources added to measured counts: how many, where, and nothing else changed."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from scipy.integrate import quad

from screening.errors import FormatError
from screening.evaluate.injection import (
    PassGeometry,
    SourceSpectrum,
    inject,
    inject_into_background,
    pass_weights_s,
    simulated_source,
)
from screening.evaluate.thinning import Spectrum, static_scan
from screening.records import Occupancy, Scan, ScanIdentity

N_INTERVAL, N_CHANNEL = 80, 256
#: Two crystals of which the second has a gain 20 % lower.
EDGES = np.stack([np.linspace(0.0, 3000.0, N_CHANNEL + 1), np.linspace(0.0, 3600.0, N_CHANNEL + 1)])
SOURCE = SourceSpectrum(
    "Cs-137", np.bincount([661], [100.0], minlength=3000).astype(float), np.arange(3001.0), reference_m=1.0
)


def _pass(*, has_spectra=True, speed=2.0, **changes):
    rng = np.random.default_rng(0)
    spectra = rng.poisson(0.5, (N_INTERVAL, 2, N_CHANNEL)).astype(np.uint32)
    payload = Occupancy(
        kind="occupancy",
        interval_s=np.full(N_INTERVAL, 0.1),
        t_s=0.1 * np.arange(N_INTERVAL),
        panel_ids=("A", "B"),
        gamma_counts=spectra.sum(axis=2).astype(np.int64),
        live_time_s=np.full((N_INTERVAL, 2), 0.1),
        spectra=spectra if has_spectra else None,
        energy_edges_kev=EDGES if has_spectra else None,
        speed_m_s=speed,
        is_occupied=np.arange(N_INTERVAL) >= 20,
    )
    return Scan(identity=ScanIdentity(scan_id="a"), payload=msgspec.structs.replace(payload, **changes))


def test_weights_are_the_integral_of_the_inverse_square():
    t, dt = np.array([0.0, 0.7, 3.0]), np.array([0.5, 0.1, 2.0])
    found = pass_weights_s(t, dt, speed_m_s=2.2, approach_m=2.5, at_s=1.0)
    for k in range(3):
        value, _ = quad(lambda s: 2.5**2 / (2.5**2 + 2.2**2 * (s - 1.0) ** 2), t[k], t[k] + dt[k])
        assert found[k] == pytest.approx(value, rel=1e-9)
    long = pass_weights_s(np.array([-1e6]), np.array([2e6]), speed_m_s=2.2, approach_m=2.5, at_s=0.0)
    assert long[0] == pytest.approx(np.pi * 2.5 / 2.2, rel=1e-5)


def test_only_the_sources_counts_are_added_and_they_lie_at_its_energy_in_every_panel():
    scan = _pass()
    after, truth = inject(scan, SOURCE, seed=1, net_counts=2000.0)
    added = after.payload.spectra.astype(np.int64) - scan.payload.spectra
    assert (added >= 0).all()
    assert added.sum(axis=(0, 2)).tolist() == list(truth.drawn)
    np.testing.assert_array_equal(after.payload.gamma_counts - scan.payload.gamma_counts, added.sum(axis=2))
    for panel in (0, 1):
        (channel,) = np.flatnonzero(added[:, panel].sum(axis=0))
        assert EDGES[panel, channel] <= 661.5 < EDGES[panel, channel + 1]
    assert sum(truth.expected) == pytest.approx(2000.0)
    assert sum(truth.drawn) == pytest.approx(2000.0, abs=5 * np.sqrt(2000))
    # closest in the middle of the occupied part
    assert truth.at_s == pytest.approx(5.0)
    profile = added.sum(axis=(1, 2))
    assert abs(np.average(np.arange(N_INTERVAL), weights=profile) * 0.1 - 4.9) < 0.3
    assert after.identity.scan_id != scan.identity.scan_id
    assert truth.into == "a"


def test_activity_and_distance_fix_the_counts():
    geometry = PassGeometry(speed_m_s=1.0, approach_m=(2.0, 4.0), at_s=4.0)
    _, truth = inject(_pass(), SOURCE, seed=2, activity_kbq=5.0, geometry=geometry)
    near = 100.0 * 5.0 / 4.0 * 2.0 * 2.0 * np.arctan(4.0 / 2.0)
    far = 100.0 * 5.0 / 16.0 * 4.0 * 2.0 * np.arctan(4.0 / 4.0)
    assert truth.expected == pytest.approx((near, far), rel=1e-9)
    assert truth.activity_kbq == 5.0


def test_many_draws_are_poisson():
    scan = _pass()
    totals = [
        sum(truth.drawn) for _, truth in inject_into_background([scan] * 300, SOURCE, seed=3, net_counts=50.0)
    ]
    assert np.mean(totals) == pytest.approx(50.0, abs=5 * np.sqrt(50 / 300))
    assert np.var(totals, ddof=1) == pytest.approx(50.0, rel=0.4)


def test_the_same_seed_gives_the_same_counts():
    first, second = (inject(_pass(), SOURCE, seed=4, net_counts=100.0) for _ in range(2))
    np.testing.assert_array_equal(first[0].payload.spectra, second[0].payload.spectra)
    assert first[1] == second[1]
    assert inject(_pass(), SOURCE, seed=5, net_counts=100.0)[1] != first[1]


def test_what_a_panel_did_not_count_it_does_not_count_of_the_source():
    scan = _pass()
    counts = scan.payload.gamma_counts.copy()
    counts[30:60, 0] = -1
    live = np.full((N_INTERVAL, 2), 0.1)
    live[:, 1] = 0.05
    after, truth = inject(
        _pass(gamma_counts=counts, live_time_s=live),
        SOURCE,
        seed=6,
        activity_kbq=20.0,
        geometry=PassGeometry(),
    )
    assert (after.payload.gamma_counts[30:60, 0] == -1).all()
    whole = inject(_pass(), SOURCE, seed=6, activity_kbq=20.0, geometry=PassGeometry())[1]
    assert truth.expected[1] == pytest.approx(0.5 * whole.expected[1])
    assert truth.expected[0] < 0.5 * whole.expected[0]


def test_a_gross_count_portal_gets_all_counts():
    after, truth = inject(_pass(has_spectra=False), SOURCE, seed=7, net_counts=300.0)
    assert after.payload.spectra is None
    assert truth.added_to == "gross"
    assert (after.payload.gamma_counts - _pass().payload.gamma_counts).sum() == sum(truth.drawn)


def test_a_static_spectrum_has_no_pass():
    scan = static_scan(Spectrum(np.ones(512), np.linspace(0, 3000, 513), 60.0))
    after, truth = inject(scan, SOURCE, seed=8, activity_kbq=1.0, geometry=PassGeometry(approach_m=2.0))
    assert truth.expected == pytest.approx((100.0 * 60.0 / 4.0,))
    assert truth.speed_m_s is None
    assert after.payload.spectra.sum() == 512 + sum(truth.drawn)


def test_a_simulated_source_has_its_line():
    source = simulated_source("Cs-137", kind="hpge", seed=3)
    centre = 0.5 * (source.edges_kev[1:] + source.edges_kev[:-1])
    assert source.counts.sum() == pytest.approx(1.0)
    assert abs(centre[np.argmax(np.where(centre > 400, source.counts, 0.0))] - 661.7) < 3.0
    on_axis = simulated_source("Cs-137", kind="hpge", seed=3, edges_kev=np.linspace(0.0, 1000.0, 101))
    assert on_axis.counts.shape == (100,)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({}, "exactly one"),
        ({"net_counts": 1.0, "activity_kbq": 1.0}, "exactly one"),
        ({"net_counts": -1.0}, "-1"),
        ({"net_counts": np.inf}, "inf"),
        ({"net_counts": 1.0, "geometry": PassGeometry(approach_m=0.0)}, "positive distances"),
        ({"net_counts": 1.0, "geometry": PassGeometry(approach_m=(1.0,))}, "2 panels"),
        ({"net_counts": 1.0, "geometry": PassGeometry(speed_m_s=0.0)}, "speed_m_s"),
    ],
)
def test_bad_numbers_are_named(arguments, says):
    with pytest.raises(ValueError, match=says):
        inject(_pass(), SOURCE, seed=0, **arguments)


def test_scans_that_nothing_can_be_added_to_are_refused():
    with pytest.raises(FormatError, match="calibration"):
        inject(_pass(energy_edges_kev=None), SOURCE, seed=0, net_counts=1.0)
    with pytest.raises(FormatError, match="differences"):
        inject(_pass(is_background_subtracted=True), SOURCE, seed=0, net_counts=1.0)
    with pytest.raises(ValueError, match="speed"):
        inject(_pass(speed=None), SOURCE, seed=0, net_counts=1.0)
    with pytest.raises(ValueError, match="no counts"):
        inject(_pass(), SOURCE._replace(counts=np.zeros(3000)), seed=0, net_counts=1.0)
    with pytest.raises(ValueError, match="edges"):
        inject(_pass(), SOURCE._replace(counts=np.ones(5)), seed=0, net_counts=1.0)


def test_a_source_in_a_measured_pass(shared_data):
    from screening.sources import open_scan

    scan = open_scan(shared_data / "radiation" / "interspec" / "passthrough.n42")
    source = simulated_source("Cs-137", kind="hpge", seed=1)
    after, truth = inject(scan, source, seed=1, net_counts=5000.0, geometry=PassGeometry(speed_m_s=2.2))
    added = after.payload.spectra.astype(np.int64) - scan.payload.spectra
    assert added.sum() == sum(truth.drawn)
    assert min(truth.drawn) > 300
