"""Samples of measured spectra: what is kept, what is added, what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from screening.evaluate.thinning import (
    MOST_SHARE,
    CannotThinError,
    Spectrum,
    counts_in_window,
    static_scan,
    thin_gross,
    thin_subtracted,
)

EDGES = np.linspace(0.0, 3200.0, 1025)
CENTRE = 0.5 * (EDGES[1:] + EDGES[:-1])


def _source(total: float) -> np.ndarray:
    shape = np.exp(-0.5 * ((CENTRE - 662.0) / 25.0) ** 2) + 0.05 * (CENTRE < 480.0)
    return total * shape / shape.sum()


def _background(total: float, edges: np.ndarray = EDGES) -> np.ndarray:
    shape = np.exp(-0.5 * (edges[1:] + edges[:-1]) / 400.0) * np.diff(edges)
    return total * shape / shape.sum()


PARENT = Spectrum(np.round(_source(200_000.0) + _background(40_000.0)), EDGES, 100.0)
BACK = Spectrum(np.round(_background(400_000.0)), EDGES, 1000.0)
NET = counts_in_window(PARENT) - 0.1 * counts_in_window(BACK)


def test_counts_are_those_between_50_and_3000_kev():
    flat = Spectrum(np.ones(1024), EDGES, 1.0)
    assert counts_in_window(flat) == pytest.approx((3000.0 - 50.0) / 3200.0 * 1024)


@pytest.mark.parametrize("ratio", [0.3, 1.0, 3.0])
def test_a_gross_parent_gives_the_counts_and_the_ratio_asked_for(ratio):
    rng = np.random.default_rng(1)
    draws = [
        thin_gross(PARENT, BACK, net_counts=2000.0, signal_to_background=ratio, rng=rng) for _ in range(60)
    ]
    total = np.mean([counts_in_window(draw) for draw in draws])
    expected = 2000.0 * (1.0 + 1.0 / ratio)
    assert total == pytest.approx(expected, abs=5.0 * np.sqrt(expected / 60))
    # the background's rate over the live time is the measured one
    background = 2000.0 / ratio
    assert draws[0].live_time_s == pytest.approx(
        background / counts_in_window(BACK) * BACK.live_time_s, rel=0.02
    )
    assert all(np.array_equal(draw.counts, np.round(draw.counts)) for draw in draws)


def test_thinning_keeps_poisson_scatter_and_the_shape():
    rng = np.random.default_rng(2)
    draws = np.array(
        [
            thin_gross(PARENT, BACK, net_counts=8000.0, signal_to_background=None, rng=rng).counts
            for _ in range(400)
        ]
    )
    share = 8000.0 / NET
    mean = draws.mean(axis=0)
    strong = PARENT.counts > 200
    assert mean[strong] == pytest.approx(share * PARENT.counts[strong], rel=0.15)
    # binomial: the variance is that of a Poisson spectrum less the share that the parent fixes
    ratio = draws.var(axis=0, ddof=1)[strong].sum() / mean[strong].sum()
    assert ratio == pytest.approx(1.0 - share, abs=0.03)


def test_a_subtracted_parent_is_drawn_by_poisson_with_negatives_as_nothing():
    counts = _source(100_000.0)
    counts[900:] = -5.0
    parent = Spectrum(counts, EDGES, 50.0)
    rng = np.random.default_rng(3)
    draws = [
        thin_subtracted(parent, None, net_counts=5000.0, signal_to_background=None, rng=rng)
        for _ in range(200)
    ]
    totals = np.array([counts_in_window(draw) for draw in draws])
    assert totals.mean() == pytest.approx(5000.0, abs=5 * np.sqrt(5000 / 200))
    assert totals.var(ddof=1) == pytest.approx(5000.0, rel=0.35)
    assert all(draw.counts[900:].sum() == 0 for draw in draws)


def test_background_is_put_on_the_energy_scale_of_the_parent():
    shifted = np.linspace(-40.0, 3100.0, 1025)
    line = np.zeros(1024)
    line[np.searchsorted(shifted, 1461.0) - 1] = 100_000.0
    rng = np.random.default_rng(4)
    sample = thin_subtracted(
        Spectrum(_source(100_000.0), EDGES, 10.0),
        Spectrum(line, shifted, 500.0),
        net_counts=1000.0,
        signal_to_background=0.1,
        rng=rng,
    )
    near = np.abs(CENTRE - 1461.0) < 5.0
    assert sample.counts[near].sum() > 9_000
    assert sample.live_time_s == pytest.approx(50.0)


def test_the_largest_sample_is_a_tenth_of_its_parent():
    rng = np.random.default_rng(5)
    thin_gross(PARENT, BACK, net_counts=MOST_SHARE * NET, signal_to_background=None, rng=rng)
    with pytest.raises(CannotThinError, match="were asked of a parent") as refused:
        thin_gross(PARENT, BACK, net_counts=1.01 * MOST_SHARE * NET, signal_to_background=None, rng=rng)
    assert refused.value.kind == "parent too small"
    with pytest.raises(CannotThinError, match="were asked of a parent"):
        thin_subtracted(PARENT, BACK, net_counts=30_000.0, signal_to_background=1.0, rng=rng)


def test_what_cannot_be_reached_is_refused_by_name():
    rng = np.random.default_rng(6)
    with pytest.raises(CannotThinError, match="50 was asked") as refused:
        thin_gross(PARENT, BACK, net_counts=1000.0, signal_to_background=50.0, rng=rng)
    assert refused.value.kind == "signal to background out of reach"
    with pytest.raises(CannotThinError) as refused:
        thin_subtracted(PARENT, None, net_counts=1000.0, signal_to_background=1.0, rng=rng)
    assert refused.value.kind == "background missing"
    small = BACK._replace(counts=BACK.counts / 1000)
    with pytest.raises(CannotThinError) as refused:
        thin_subtracted(PARENT, small, net_counts=1000.0, signal_to_background=1.0, rng=rng)
    assert refused.value.kind == "background too small"


def test_a_scan_of_a_sample_holds_its_counts_and_background():
    scan = static_scan(PARENT, background=BACK, detector="NaI")
    assert scan.payload.spectra.sum() == scan.payload.gamma_counts.sum() == PARENT.counts.sum()
    assert scan.payload.background.gamma_cps[0] == pytest.approx(BACK.counts.sum() / 1000.0)
    assert scan.identity.scan_id != static_scan(BACK).identity.scan_id
    assert scan.identity.scan_id == static_scan(PARENT).identity.scan_id
