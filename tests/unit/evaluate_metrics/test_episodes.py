from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from screening.evaluate.metrics.curves import roc
from screening.evaluate.metrics.episodes import (
    detection_score,
    episode_starts,
    episodes,
    n_episodes,
    occupancy_starts,
    overlaps,
    pareto_tail,
    pooled_starts,
    resampled_thresholds,
    threshold_at_rate,
    threshold_by_tail,
    threshold_from_counts,
    verified_threshold,
    verify,
)


def counted_by_hand(score, threshold, hold_intervals):
    """Walk through the run as an alarm panel would."""
    n, is_on, quiet = 0, False, 0
    for value in score:
        if value > threshold:
            n += not is_on
            is_on, quiet = True, 0
        elif is_on:
            quiet += 1
            is_on = quiet < hold_intervals
    return n


def test_an_episode_ends_after_five_seconds_below():
    score = np.zeros(200)
    score[[10, 60, 111]] = 1.0  # 49 intervals below between the first two, 50 between the next
    found = episodes(score, 0.5, 0.1)
    assert found.start_s == pytest.approx([1.0, 11.1])
    assert found.end_s == pytest.approx([6.1 + 5.0, 11.2 + 5.0])
    assert found.alarm_s == pytest.approx([1.1, 11.2])
    assert counted_by_hand(score, 0.5, 50) == 2


def test_a_score_at_the_threshold_does_not_alarm():
    assert episodes([1.0, 1.0], 1.0, 0.1).start_s.size == 0
    assert n_episodes(episode_starts([1.0, 1.0], 0.1), [1.0, 0.99]).tolist() == [[0, 1]]


def test_no_score_yet_is_no_alarm_and_no_number_is_refused():
    assert episodes([-np.inf, 3.0], 0.0, 0.1).start_s == pytest.approx([0.1])
    with pytest.raises(ValueError, match="1 of 2 scores are not a number"):
        episodes([np.nan, 3.0], 0.0, 0.1)
    with pytest.raises(ValueError, match="above 0"):
        episode_starts([1.0], 0.0)
    with pytest.raises(ValueError, match="n_interval"):
        episode_starts([[1.0]], 0.1)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(-8, 8), min_size=1, max_size=90), st.integers(1, 12))
def test_every_threshold_counts_as_the_alarm_panel_does(score, hold):
    values = np.array(score, dtype=float)
    thresholds = np.arange(-9.0, 9.5, 0.5)
    found = n_episodes(episode_starts(values, 0.1, hold_s=hold * 0.1), thresholds)[0]
    by_hand = [counted_by_hand(values, h, hold) for h in thresholds]
    assert found.tolist() == by_hand
    assert [episodes(values, h, 0.1, hold_s=hold * 0.1).start_s.size for h in thresholds] == by_hand


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.integers(-5, 5), min_size=20, max_size=90),
    st.integers(1, 12),
    st.floats(0.0, 5.0),
    st.floats(0.05, 4.0),
)
def test_one_number_tells_at_which_thresholds_a_pass_is_detected(score, hold, start, length):
    values = np.array(score, dtype=float)
    limit = detection_score(values, 0.1, start, start + length, hold_s=hold * 0.1)
    for h in np.arange(-6.0, 6.0, 0.5):
        found = episodes(values, h, 0.1, hold_s=hold * 0.1)
        assert overlaps(found, start, start + length) == (limit > h)


def test_detection_scores_of_many_passes_at_once():
    rng = np.random.default_rng(np.random.SeedSequence(3))
    passes = rng.normal(size=(4, 3, 200))
    found = detection_score(passes, 0.1, 8.0, 12.0)
    assert found.shape == (4, 3)
    assert found[2, 1] == detection_score(passes[2, 1], 0.1, 8.0, 12.0)
    assert detection_score(passes, 0.1, 40.0, 41.0).max() == -np.inf  # nothing was measured there
    with pytest.raises(ValueError, match="window"):
        detection_score(passes, 0.1, 2.0, 2.0)


def test_starts_below_the_lowest_threshold_are_left_out_without_harm():
    rng = np.random.default_rng(np.random.SeedSequence(4))
    score = rng.normal(size=5000)
    thresholds = np.linspace(1.5, 4.0, 40)
    kept = episode_starts(score, 0.1, lowest=1.5)
    assert kept.above.size < episode_starts(score, 0.1).above.size
    assert np.array_equal(n_episodes(kept, thresholds), n_episodes(episode_starts(score, 0.1), thresholds))


def background(n_run=60, n_interval=3000, seed=7):
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    return pooled_starts([episode_starts(rng.normal(size=n_interval), 0.1) for _ in range(n_run)])


def test_the_threshold_is_the_smallest_from_which_on_the_rate_is_kept():
    starts = background()  # 5 hours
    assert starts.hours.sum() == pytest.approx(5.0)
    found = threshold_at_rate(starts, 8.0, n_resample=300)
    assert n_episodes(starts, [found.value]).sum() == 40
    assert n_episodes(starts, [found.value - 1e-9]).sum() > 40
    above = starts.above[starts.above >= found.value]
    assert n_episodes(starts, above).sum(axis=0).max() <= 40
    assert found.low < found.value < found.high
    assert found.method == "bootstrap over 60 runs"


def test_thresholds_of_resamples_agree_with_a_grid_of_counts():
    starts = background(12, 800)
    grid = np.unique(starts.above)
    rng = np.random.default_rng(np.random.SeedSequence(11))
    weights = rng.multinomial(12, np.full(12, 1 / 12), 40)
    counts = n_episodes(starts, grid)
    by_grid = threshold_from_counts(grid, counts, starts.hours, 90.0, weights=weights)
    for row, h in zip(weights, by_grid, strict=True):
        runs = np.repeat(np.arange(12), row)
        allowed = np.floor(90.0 * starts.hours[runs].sum())
        kept = counts[runs].sum(axis=0) <= allowed
        assert kept[grid >= h].all()
        assert not kept[np.searchsorted(grid, h) - 1]
    one = threshold_from_counts(grid, counts, starts.hours, 90.0)
    assert one[0] == threshold_at_rate(starts, 90.0, n_resample=20).value


def test_resampled_thresholds_are_seeded_and_the_same_runs_for_every_detector():
    starts = background(20, 1000)
    first = resampled_thresholds(starts, 60.0, n_resample=50, seed=4)
    assert np.array_equal(first, resampled_thresholds(starts, 60.0, n_resample=50, seed=4))
    assert not np.array_equal(first, resampled_thresholds(starts, 60.0, n_resample=50, seed=5))
    moved = starts._replace(above=3.0 * starts.above, floor=3.0 * starts.floor)
    assert resampled_thresholds(moved, 60.0, n_resample=50, seed=4) == pytest.approx(3.0 * first)


def test_too_little_background_gives_no_threshold():
    found = threshold_at_rate(background(6, 600), 1 / 8, n_resample=20)
    assert found.value is None
    assert found.method == "none: no value"
    with pytest.raises(ValueError, match="rate"):
        threshold_at_rate(background(6, 600), 0.0, n_resample=20)
    assert np.isnan(threshold_from_counts([1.0, 2.0], [[5, 4]], [1.0], 2.0)[0])
    with pytest.raises(ValueError, match="rising"):
        threshold_from_counts([2.0, 1.0], [[5, 4]], [1.0], 2.0)


def test_thresholds_cover_the_true_one():
    # Independent scores: an episode starts with probability Q (1 - Q)^50, Q the chance of a score above h.
    rate = 12.0
    h = np.linspace(2.5, 4.5, 20001)
    q = stats.norm.sf(h)
    true = np.interp(-rate / 36000, -(q * (1 - q) ** 50), h)
    hits = []
    for seed in range(60):
        found = threshold_at_rate(background(40, 2000, seed=100 + seed), rate, n_resample=200)
        hits.append(found.low <= true <= found.high)
    assert 0.88 <= np.mean(hits) <= 0.99


def test_occupancies_alarm_once_or_not_at_all():
    starts = occupancy_starts(np.arange(1000.0))
    found = threshold_at_rate(starts, 1e-2, n_resample=100)
    assert found.value == 989.0
    assert (np.arange(1000.0) > found.value).sum() == 10


def test_pareto_law_agrees_with_scipy():
    for shape in (-0.3, 0.0, 0.25):
        peaks = stats.genpareto.rvs(shape, scale=2.0, size=400, random_state=5)
        starts = occupancy_starts(peaks)
        found = pareto_tail(starts, level=0.0)
        xi, _, scale = stats.genpareto.fit(peaks, floc=0)
        assert found.shape[0] == pytest.approx(xi, abs=2e-3)
        assert found.scale[0] == pytest.approx(scale, rel=2e-3)
        assert found.per_hour[0] == 1.0
        assert found.threshold(0.02)[0] == pytest.approx(stats.genpareto.isf(0.02, xi, scale=scale), rel=2e-3)
        assert np.isnan(found.threshold(1.5)[0])


def test_the_tail_extends_short_background_to_the_rate():
    starts = background(60, 3600, seed=21)
    found = threshold_by_tail(starts, 1.0, n_resample=200)
    q = 1.0 / 36000
    assert found.low < stats.norm.isf(q) < found.high
    assert found.method.startswith("generalised Pareto tail above ")
    assert threshold_by_tail(background(6, 60), 1.0, n_resample=20).value is None


def test_a_threshold_is_verified_on_unseen_background():
    starts = background(seed=31)
    set_on_other = threshold_at_rate(background(seed=30), 8.0, n_resample=50).value
    found = verify(starts, set_on_other, 8.0)
    assert found.verdict == "holds"
    assert found.low <= 8.0 <= found.high
    assert verify(starts, set_on_other + 3.0, 8.0).verdict == "too few"
    low = verify(starts, 2.0, 8.0)
    assert (low.verdict, low.is_inflated) == ("too many", False)
    raised = verified_threshold(starts, 2.0, 8.0)
    assert (raised.verdict, raised.is_inflated) == ("holds", True)
    assert raised.threshold > 2.0
    assert verified_threshold(starts, set_on_other, 8.0) == found


def test_starts_are_pooled_from_single_runs():
    with pytest.raises(ValueError, match="single runs"):
        pooled_starts([])
    with pytest.raises(ValueError, match="single runs"):
        pooled_starts([background(2, 100)])


def test_a_detector_that_never_scores_has_every_threshold():
    silent = pooled_starts([episode_starts(np.full(600, -np.inf), 0.1, run=k) for k in range(40)])
    assert threshold_at_rate(silent, 2.0, n_resample=10).value is None  # -inf is no number to report
    assert np.isneginf(resampled_thresholds(silent, 2.0, n_resample=10)).all()


def test_infinite_scores_are_alarms_at_every_threshold():
    score = np.r_[np.linspace(0.0, 1.0, 600), np.full(3, np.inf)]
    runs = pooled_starts([episode_starts(score, 0.1, run=k) for k in range(40)])
    assert threshold_at_rate(runs, 10.0, n_resample=10).value is None  # a run each is too many at any height
    curve = roc(np.array([np.inf, np.inf, 0.0]), np.array([True, False, False]))
    assert curve.tpr.tolist() == [0.0, 1.0, 1.0]
