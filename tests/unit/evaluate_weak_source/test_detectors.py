"""Reference detectors: causal, calibrated, handed on as arrays, and able to see a source."""

from __future__ import annotations

import numpy as np
import pytest

from screening.evaluate.weak_source import jobs
from screening.evaluate.weak_source.bank import WINDOWS_S, learner_of, sliding_sums, spread_over
from screening.evaluate.weak_source.factorised import FactorTemplates, factorise
from screening.evaluate.weak_source.oracle import Oracle, _lagrange, oracle_for
from screening.evaluate.weak_source.protocol import is_series_detector
from screening.evaluate.weak_source.registry import BUILT_IN
from screening.evaluate.weak_source.watching import Failures, Scorer, frozen, pass_scores, scorer_of

NAMES = list(BUILT_IN)


@pytest.fixture(scope="module")
def fitted(street):
    train = [run.counts for runs in street.lesson.train for run in runs]
    validation = [run.counts for runs in street.lesson.validation for run in runs]
    found = {}
    for name, kind in BUILT_IN.items():
        found[name] = kind()
        found[name].fit(train, validation, street.lesson.context)
    return found


def test_sums_of_windows():
    counts = np.random.default_rng(1).poisson(3.0, (12, 4)).astype(np.uint16)
    expected = [counts[k : k + 5].sum(axis=0) for k in range(8)]
    for held in (counts, frozen(counts)):
        np.testing.assert_array_equal(sliding_sums(held, 5), expected)
        np.testing.assert_array_equal(sliding_sums(held, 5), expected)
    assert sliding_sums(counts[:3], 5).shape == (0, 4)
    counts[0] += 1  # what may be changed is not kept
    np.testing.assert_array_equal(sliding_sums(counts, 5)[0], counts[:5].sum(axis=0))


def test_settings_are_spread_over_all():
    assert spread_over((1, 2, 3), 5) == [1, 2, 3]
    assert spread_over(range(8), 2) == [2, 6]
    assert spread_over(range(8), 1) == [4]


def test_background_teaches_its_variation(street):
    train = [run.counts for runs in street.lesson.train for run in runs]
    learner = learner_of(train, 0.1)
    assert learner.share.sum() == pytest.approx(1.0)
    np.testing.assert_allclose(learner.directions @ learner.directions.T, np.eye(128), atol=1e-9)
    assert (np.diff(learner.values) <= 1e-15).all()
    # Poisson noise alone teaches no variation: a tenth of what the street shows.
    rng = np.random.default_rng(5)
    steady = [rng.poisson(80.0 * learner.share, (40_000, 128)).astype(np.uint16)]
    assert learner_of(steady, 0.1).values[0] < 0.3 * learner.values[0]


@pytest.mark.parametrize("name", NAMES)
def test_scores_rest_on_what_was_counted_before(fitted, street, name):
    detector = fitted[name]
    assert is_series_detector(detector)
    counts = street.lesson.validation[0][0].counts[:400]
    whole = detector.score(counts)
    assert whole.shape == (400,)
    assert not np.isnan(whole).any()
    assert np.isinf(whole[:4]).all()
    assert np.isfinite(whole[110:]).all()
    # Sums of single precision depend on how many rows are multiplied at once.
    np.testing.assert_allclose(detector.score(counts[:250]), whole[:250], rtol=0, atol=1e-3)
    later = counts.copy()
    later[250:] += 50
    np.testing.assert_array_equal(detector.score(later)[:250], whole[:250])
    assert detector.score(counts[:3]).tolist() == [-np.inf] * 3


@pytest.mark.parametrize("name", NAMES)
def test_what_was_learned_is_handed_on(fitted, street, name):
    other = BUILT_IN[name]()
    other.restore(fitted[name].arrays())
    counts = street.lesson.validation[1][0].counts[:300]
    np.testing.assert_array_equal(other.score(counts), fitted[name].score(counts))
    assert other.choice == fitted[name].choice
    assert other.tried == fitted[name].tried
    assert len(other.tried) == 1


@pytest.mark.parametrize("name", NAMES)
def test_windows_are_comparable_under_background(fitted, street, name):
    detector = fitted[name]
    if detector._standard is None:
        assert name == "nmf-templates"  # its ratios are standard normal numbers as they are
        return
    above = []
    for window, width in enumerate(detector._widths()):
        scores = []
        for runs in street.lesson.train:
            statistic, gross = detector._statistic(runs[0].counts, width)
            good = ~np.isnan(statistic)
            scores.append(detector._standard.scores(statistic[good], gross[good], window))
        values = np.concatenate(scores)
        above.append(float(np.mean(values > 3.0902)))
        assert abs(float(np.median(values))) < 0.05
    assert len(above) == len(WINDOWS_S)
    np.testing.assert_allclose(above, 1e-3, rtol=0.15)


@pytest.mark.parametrize("name", NAMES)
def test_a_strong_source_stands_out(fitted, street, name):
    scorer = scorer_of(fitted[name])
    one, stack = street.lesson.passes[1]  # Cs-137
    strong = (one.run.counts + np.random.default_rng(1).poisson(150.0 * one.source)).astype(np.uint16)
    without = pass_scores([scorer], one.run.counts, one.run, one.start_s, one.end_s)[0]
    with_it = pass_scores([scorer], strong, one.run, one.start_s, one.end_s)[0]
    assert with_it > without + 5
    weak = pass_scores([scorer], stack[-1], one.run, one.start_s, one.end_s)[0]
    assert without - 0.5 < weak < with_it


def test_a_source_that_was_told_is_the_one_that_scores(fitted, street):
    detector = fitted["nmf-templates"]
    assert isinstance(detector, FactorTemplates)
    for k in range(len(street.track.strata)):
        one, _ = street.lesson.passes[k]
        strong = (one.run.counts + np.random.default_rng(k).poisson(15.0 * one.source)).astype(np.uint16)
        each = detector.score_each(strong[: int(one.end_s * 10)]).max(axis=1)
        assert each.argmax() == k
        np.testing.assert_array_equal(
            detector.score(strong[:300]), detector.score_each(strong[:300]).max(axis=0)
        )


def test_two_libraries_do_not_share_scores(fitted, street):
    first = fitted["nmf-templates"]
    other = FactorTemplates()
    other.restore(first.arrays())
    other._known["templates"] = other._known["templates"][::-1].copy()
    counts = frozen(street.lesson.passes[1][1][-1])
    background = np.ones(counts.shape, np.float32)
    for k in (0, 2):
        np.testing.assert_array_equal(
            jobs._kept(first, k)(counts, background)[0], first.score_each(counts)[k]
        )
        np.testing.assert_array_equal(
            jobs._kept(other, k)(counts, background)[0], other.score_each(counts)[k]
        )
    assert not np.array_equal(first.score_each(counts), other.score_each(counts))


def test_failing_passes_are_misses(street):
    class Odd:
        name = "odd"

        def fit(self, train, validation, context):
            return None

        def score(self, counts):
            raise KeyError("energy")

    one, stack = street.lesson.passes[0]
    failed = Failures()
    arguments = (stack[0], one.run, one.start_s, one.end_s)
    held = np.ones(len(stack[0]))
    good = Scorer("good", lambda counts, background: held[np.newaxis, : len(counts)])
    np.testing.assert_array_equal(
        pass_scores([scorer_of(Odd()), good], *arguments, failed=failed), [-np.inf, 1.0]
    )
    assert failed.by_name == {"odd": (1, "KeyError: 'energy'")}
    assert held.min() == 1.0  # what a detector keeps stays as it is
    with pytest.raises(KeyError):
        pass_scores([scorer_of(Odd())], *arguments)


def test_cut_series_score_like_whole_ones(fitted, street):
    one, stack = street.lesson.passes[0]
    for name in ("gross-counts", "pca", "spectral-ratios"):
        detector = fitted[name]
        cut = pass_scores([scorer_of(detector)], stack[2], one.run, one.start_s, one.end_s)[0]
        whole = detector.score(stack[2])[int((one.start_s - 5) / 0.1) : int(np.ceil(one.end_s / 0.1 - 1e-6))]
        assert cut == pytest.approx(whole.max(), abs=1e-3)


def test_factors_explain_what_they_were_made_of():
    rng = np.random.default_rng(8)
    truth = rng.gamma(0.5, 1.0, (2, 60)) + 0.01
    truth /= truth.sum(axis=1, keepdims=True)
    amplitude = rng.gamma(2.0, 400.0, (500, 2))
    spectra = rng.poisson(amplitude @ truth).astype(np.float32)
    deviance = {}
    for rank in (1, 2):
        basis = factorise(spectra, rank, seed=1, rounds=300)
        np.testing.assert_allclose(basis.sum(axis=1), 1.0, rtol=1e-4)
        np.testing.assert_array_equal(basis, factorise(spectra, rank, seed=1, rounds=300))
        assert basis.min() > 0
        from screening.kernels import fit_factors

        deviance[rank] = float(fit_factors(spectra, basis).deviance.mean())
    true = float(fit_factors(spectra, truth.astype(np.float32)).deviance.mean())
    assert deviance[2] < 1.01 * true < 0.7 * deviance[1]


def test_oracle_is_the_likelihood_ratio():
    rng = np.random.default_rng(4)
    profile = np.array([0.1, 0.4, 1.0, 0.4, 0.1])
    background = rng.gamma(3.0, 1.0, (40, 12)).astype(np.float32)
    counts = rng.poisson(background).astype(np.uint16)
    templates = rng.gamma(0.5, 1.0, (2, 12)).astype(np.float32)
    found = Oracle(templates, profile).score_each(counts, background)
    assert np.isinf(found[:, :4]).all()
    for k in range(2):
        for end in (4, 17, 39):
            part = slice(end - 4, end + 1)
            added = profile[:, None] * templates[k]
            expected = np.sum(counts[part] * np.log1p(added / background[part]) - added)
            assert found[k, end] == pytest.approx(expected, abs=0.05)
    np.testing.assert_array_equal(
        Oracle(templates, profile).score_each(counts, background, np.array([1])), found[1:]
    )
    assert np.isinf(Oracle(templates, profile).score_each(counts[:4], background[:4])).all()


def test_oracle_interpolates_logarithms_well():
    p = np.linspace(0.05, 1.0, 60)
    for x in (0.1, 1.0, 4.0):
        nodes = np.array([0.08, 0.35, 0.7, 1.0])
        assert np.abs(np.log1p(nodes * x) @ _lagrange(p) - np.log1p(p * x)).max() < 0.004 * (1 + x)


def test_oracle_is_designed_for_seven_sigma():
    profile, background = np.array([0.5, 1.0, 0.5]), np.full(10, 100.0)
    templates = np.ones((1, 10))
    oracle, activity = oracle_for(templates, profile, background)
    # sqrt(A^2 sum(p^2) sum(s^2 / b)) = 7.
    assert activity[0] == pytest.approx(7 / np.sqrt(1.5 * 0.1))
    np.testing.assert_allclose(oracle.templates, activity[0] * templates, rtol=1e-6)
    # Next to no background: ten counts are asked.
    _, few = oracle_for(templates, profile, np.full(10, 1e-9))
    assert few[0] * 20 == pytest.approx(10)


def test_a_detector_whose_answer_is_none_is_named(fitted):
    class Wrong:
        name = "wrong"

        def fit(self, train, validation, context):
            return None

        def score(self, counts):
            return np.zeros(3)

    with pytest.raises(ValueError, match="'wrong' must give 50 scores"):
        scorer_of(Wrong()).score(np.zeros((50, 128), np.uint16), np.ones((50, 128), np.float32))
