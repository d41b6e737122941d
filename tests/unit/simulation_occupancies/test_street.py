"""A run along a street: the mixture that was asked for, and a source passed in vacuum."""

from __future__ import annotations

import numpy as np
import pytest

from screening.simulation.occupancies import street_run, street_source
from screening.simulation.occupancies.batch import sqrt_edges_kev

EDGES = sqrt_edges_kev()


def test_same_seed_same_run():
    one, other = street_run(4, EDGES, duration_s=30.0), street_run(4, EDGES, duration_s=30.0)
    np.testing.assert_array_equal(one.counts, other.counts)
    assert one.counts.shape == (300, 128)
    assert not np.array_equal(street_run(5, EDGES, duration_s=30.0).counts, one.counts)


def test_amplitudes_spread_and_correlate_as_stated():
    runs = [street_run(seed, EDGES, duration_s=300.0, rate_cps=1000.0) for seed in range(30)]
    logarithms = np.concatenate([np.log(run.amplitude[:, :3]) for run in runs])
    within = np.concatenate(
        [np.log(run.amplitude[:, :3]) - np.log(run.amplitude[:, :3]).mean(0) for run in runs]
    )
    assert logarithms.shape == within.shape
    # 0.35, less what a run's own mean takes.
    assert within.std(axis=0) == pytest.approx(np.full(3, 0.35), abs=0.03)
    for run in runs[:5]:
        assert np.ptp(run.amplitude[:, 3]) == 0.0
        assert np.ptp(run.amplitude[:, 4]) == 0.0
        assert run.amplitude.sum(axis=1).mean() == pytest.approx(100.0)
        near = np.corrcoef(run.amplitude[:-1, 0], run.amplitude[1:, 0])[0, 1]
        # 0.5 m apart, with a length of 5 to 50 m.
        assert 0.85 < near < 1.0
    rates = [street_run(seed, EDGES, duration_s=1.0).amplitude.sum() for seed in range(200)]
    assert 300.0 <= min(rates) < max(rates) <= 2500.0
    counts, mean = runs[0].counts.sum(axis=0), (runs[0].amplitude @ runs[0].shape).sum(axis=0)
    assert ((counts - mean) ** 2 / mean).sum() < 128 + 5 * 16


def test_a_source_by_the_inverse_square():
    since = np.arange(-80, 80) * 0.1
    seen = street_source("Cs-137", EDGES, since).sum(axis=1)
    assert np.argmax(seen) in (79, 80)
    # At 5 m/s past 10 m: 2 s off is 45 degrees, and a face that looks across sees 2^-1.5.
    assert seen[99] / seen[79] == pytest.approx((1 + (9.75 / 10) ** 2) ** -1.5, rel=0.01)
    # All of it: A / (2 pi d v) of the decays.
    per_decay = street_source("Cs-137", EDGES, np.array([0.0]), speed_m_s=0.0, closest_m=100.0).sum()
    per_decay /= 1e5 * 0.0413 / (4 * np.pi * 1e4)
    whole = street_source("Cs-137", EDGES, np.arange(-4000, 4000) * 0.1).sum()
    assert whole == pytest.approx(1e6 * per_decay * 0.0413 / (2 * np.pi * 10 * 5), rel=0.01)


def test_bad_streets():
    with pytest.raises(ValueError, match="speed_m_s must be from 0 to 60"):
        street_run(1, EDGES, speed_m_s=-1.0)
    with pytest.raises(ValueError, match="unknown nuclide"):
        street_source("Xx-1", EDGES, np.zeros(1))
    with pytest.raises(ValueError, match="rate_cps"):
        street_run(1, EDGES, rate_cps=0.0)


def test_counts_never_wrap():
    with pytest.raises(ValueError, match="outside 0 to 65535"):
        street_run(1, np.array([50.0, 1000.0]), duration_s=10.0, interval_s=10.0, rate_cps=1e5)
