"""Runs, passes and activities of both tracks."""

from __future__ import annotations

import numpy as np
import pytest

from screening.evaluate.weak_source.portal import PORTAL_NUCLIDES, PortalTrack
from screening.evaluate.weak_source.scene import INTERVAL_S, Pass, Run, Stratum, seed_of, stacked_counts
from screening.evaluate.weak_source.street import STREET_NUCLIDES, StreetTrack
from screening.physics import NUCLIDES


@pytest.fixture(scope="module")
def street_track():
    return StreetTrack()


@pytest.fixture(scope="module")
def portal_track():
    return PortalTrack(("Cs-137", "DU"), n_vehicle=3)


def test_sources_are_those_of_the_definitions(street_track):
    assert len(STREET_NUCLIDES) == 17
    assert len(PORTAL_NUCLIDES) == 15
    assert set(STREET_NUCLIDES) | set(PORTAL_NUCLIDES) <= set(NUCLIDES)
    assert [stratum.name for stratum in street_track.strata] == list(STREET_NUCLIDES)
    assert [s.name for s in PortalTrack(("DU",)).strata] == ["DU bare", "DU 1 cm steel", "DU 20 cm water"]
    assert street_track.far == pytest.approx(1 / 8)
    assert PortalTrack().far == pytest.approx(1e-3)


def test_no_seed_serves_two_splits():
    """The keys are those that the bench draws by."""
    n = range(12)
    keys = [("train", k) for k in n] + [("threshold", k) for k in n] + [("verification", k) for k in n]
    keys += [("validation", 0, k) for k in n] + [
        ("validation", j, i, k) for j in (1, 2) for i in n for k in n
    ]
    keys += [(split, j, i, k) for split in ("pilot", "test") for j in (0, 1) for i in n for k in n]
    seeds = [seed_of(1, *each) for each in keys]
    assert len(set(seeds)) == len(seeds)
    assert seed_of(1, "test", 0, 0, 5) == seed_of(1, "test", 0, 0, 5) != seed_of(2, "test", 0, 0, 5)


def test_street_run(street_track):
    (run,) = street_track.background(11)
    (again,) = street_track.background(11)
    np.testing.assert_array_equal(run.counts, again.counts)
    assert 120 <= run.counts.shape[0] * INTERVAL_S <= 600
    assert run.counts.dtype == np.uint16
    assert run.first == 0
    pull = (run.counts.sum() - run.background.sum()) / np.sqrt(run.background.sum())
    assert abs(pull) < 4


def test_street_pass_is_what_the_definition_says(street_track):
    one = street_track.source_pass(Stratum("Cs-137"), 7)
    closest_s = one.start_s + 4.0
    assert one.end_s - one.start_s == pytest.approx(4 * 10 / 5 + 4)
    total = one.source.sum(axis=1)
    middle_s = (total.argmax() + 0.5) * INTERVAL_S
    assert abs(middle_s - closest_s) < 0.11
    # 1/r^2 and the cosine on the face: at 2 r0 / v the closest approach's times 5^-1.5.
    far = total[total.argmax() + 40] / total.max()
    assert far == pytest.approx(5**-1.5, rel=0.06)
    # Outside what is drawn, the source adds little.
    assert total[: int((closest_s - 20) / INTERVAL_S)].sum() == 0
    np.testing.assert_allclose(
        one.source[total.argmax()] / total.max(),
        street_track.template(Stratum("Cs-137")) / street_track.template(Stratum("Cs-137")).sum(),
        atol=1e-9,
    )
    profile = street_track.profile()
    assert profile.size == 81
    assert profile[40] == profile.max() == 1.0
    np.testing.assert_allclose(profile, profile[::-1], rtol=1e-9)


def test_portal_shift_and_pass(portal_track):
    runs = portal_track.background(5)
    assert len(runs) == 3
    for run in runs:
        assert run.first == 160
        assert (run.counts.shape[0] - run.first) * INTERVAL_S == pytest.approx(10.0, abs=0.5)
        shaded, open_ = run.background[run.first + 40].sum(), run.background[0].sum()
        assert 0.4 < shaded / open_ < 0.99
    bare, steel, water = (
        portal_track.source_pass(Stratum("Cs-137", s), 5) for s in ("bare", "1 cm steel", "20 cm water")
    )
    np.testing.assert_array_equal(bare.run.counts, steel.run.counts)
    full = bare.source.sum()
    peak = slice(45, 56)
    # 1 cm of steel lets exp(-0.58) of the 662 keV line through unscattered, 20 cm of water exp(-1.72).
    whole = bare.source[:, peak].sum()
    assert np.exp(-0.58) < steel.source[:, peak].sum() / whole < 1.2 * np.exp(-0.58)
    assert np.exp(-1.72) < water.source[:, peak].sum() / whole < 1.6 * np.exp(-1.72)
    assert steel.source.sum() < full
    assert bare.run.first * INTERVAL_S <= bare.start_s < bare.end_s <= bare.run.counts.shape[0] * INTERVAL_S
    assert bare.source[: bare.run.first - 10].sum() == 0
    assert portal_track.profile()[portal_track.profile().size // 2] == 1.0


def test_a_pass_of_the_portal_is_never_cut():
    """The oracle adds up a whole pass: a source at the end of the vehicle must have left before the end."""
    track = PortalTrack(("Cs-137",), ("bare",), n_vehicle=1)
    half = track.profile().size // 2
    latest = 0
    for seed in range(40):
        total = track.source_pass(Stratum("Cs-137", "bare"), seed).source.sum(axis=1)
        assert total.size - 1 - total.argmax() >= half
        latest = max(latest, total.argmax())
    assert latest > 225  # with sources so late that 9 s would not do


def _pass(rng):
    run = Run(rng.poisson(2.0, (30, 8)).astype(np.uint16), np.full((30, 8), 2.0, np.float32))
    return Pass(run, rng.random((30, 8)), 0.0, 3.0)


def test_weaker_sources_are_parts_of_stronger_ones():
    one = _pass(np.random.default_rng(2))
    activities = np.array([0.0, 1.0, 3.0, 10.0])
    stack = stacked_counts(one, activities, 10.0, seed=4)
    np.testing.assert_array_equal(stack[0], one.run.counts)
    assert (np.diff(stack.astype(int), axis=0) >= 0).all()
    # A grid that is extended leaves what was drawn, in whatever order it is asked.
    more = stacked_counts(one, np.array([10.0, 0.3, 3.0]), 10.0, seed=4)
    np.testing.assert_array_equal(more[0], stack[3])
    np.testing.assert_array_equal(more[2], stack[2])
    assert (more[1] <= stack[1]).all()


def test_activities_are_poisson_of_their_means():
    one = _pass(np.random.default_rng(3))
    added = np.stack(
        [stacked_counts(one, np.array([2.0, 8.0]), 8.0, seed=k) - one.run.counts for k in range(400)]
    ).astype(float)
    total = added.sum(axis=(2, 3))
    mean = one.source.sum() * np.array([2.0, 8.0])
    np.testing.assert_allclose(total.mean(axis=0), mean, rtol=0.02)
    np.testing.assert_allclose(total.var(axis=0), mean, rtol=0.3)


def test_wrong_activities_are_named():
    one = _pass(np.random.default_rng(1))
    with pytest.raises(ValueError, match="from 0 to 2"):
        stacked_counts(one, np.array([3.0]), 2.0, seed=0)
