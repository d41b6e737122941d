"""The simulated training data: repeatable from a seed, with a truth that the spectrum can bear out."""

from __future__ import annotations

import numpy as np
import pytest

from screening.physics import NAMED
from screening.radiation.identify import Identifier
from screening.radiation.nuclide_model import N_FEATURE
from screening.training.nuclides_trial import Trial, _outcome, calibrate, clopper_pearson, figures, run_trials
from screening.training.spectra_set import (
    DRAWS_PER_DETECTOR,
    FREQUENT,
    LABELS,
    GeneratorSettings,
    make_features,
)
from screening.training.tables import GROUPS


def test_features_are_repeatable_finite_and_differ_by_seed() -> None:
    first = make_features(3, GeneratorSettings(), np.random.SeedSequence(5))
    again = make_features(3, GeneratorSettings(), np.random.SeedSequence(5))
    other = make_features(3, GeneratorSettings(), np.random.SeedSequence(6))
    assert first.features.shape == (3 * DRAWS_PER_DETECTOR, N_FEATURE)
    np.testing.assert_array_equal(first.features, again.features)
    np.testing.assert_array_equal(first.truth, again.truth)
    assert not np.array_equal(first.features, other.features)
    assert np.isfinite(first.features).all()
    assert np.abs(first.features).max() < 20.0
    assert 0.5 < first.truth.sum(axis=1).mean() < 1.5


def test_a_left_out_class_of_detector_is_not_drawn() -> None:
    settings = GeneratorSettings(kinds=("hpge",))
    only = make_features(2, settings, np.random.SeedSequence(1))
    # The first scalar is the logarithm of the resolution: germanium's is far below all others.
    assert (only.features[:, -4] < np.log(0.009 / 0.05) / 2.0).all()


def test_labels_are_those_of_the_table() -> None:
    assert NAMED == LABELS
    assert set(FREQUENT) <= set(LABELS)
    assert [group.name for group in GROUPS] == list(LABELS)


@pytest.mark.parametrize(
    ("k", "n", "low", "high"),
    [(20, 20, 0.8316, 1.0), (15, 20, 0.5090, 0.9134), (0, 60, 0.0, 0.0596), (59, 60, 0.9106, 0.9996)],
)
def test_clopper_pearson(k: int, n: int, low: float, high: float) -> None:
    assert clopper_pearson(k, n) == pytest.approx((low, high), abs=1e-3)
    # One-sided 95 % bounds printed in the scoring notes.
    if (k, n) == (20, 20):
        assert clopper_pearson(k, n, 0.90)[0] == pytest.approx(0.861, abs=1e-3)


@pytest.mark.parametrize(
    ("truth", "named", "outcome"),
    [
        ("Cs-137", ("Cs-137",), "correct"),
        ("Cs-137", ("K-40", "Cs-137", "Th-232"), "correct"),
        ("Cs-137", (), "missed"),
        ("Cs-137", ("K-40",), "missed"),
        ("Cs-137", ("Co-60",), "wrong"),
        ("Cs-137", ("Cs-137", "I-131"), "partial"),
        ("Cs-137", ("Cs-137", "HEU"), "wrong"),
        ("I-131", ("I-131", "Cs-137"), "wrong"),
        ("WGPu", ("Am-241",), "correct"),
        ("", (), "correct"),
        ("", ("K-40",), "correct"),
        ("", ("Tc-99m",), "wrong"),
    ],
)
def test_outcomes(truth: str, named: tuple[str, ...], outcome: str) -> None:
    assert _outcome(truth, named) == outcome


def test_calibration_learns_which_opinion_to_trust() -> None:
    rng = np.random.default_rng(0)
    trials = []
    for _ in range(300):
        right = bool(rng.random() < 0.6)
        logit = float(rng.normal(3.0 if right else -3.0, 2.0))
        trials.append(
            Trial("Cs-137", "nai", (), "missed", False, ((float(rng.uniform(0, 10)), logit, right),))
        )
    weights = calibrate(trials)
    assert weights["confidence_network"] > 0.5
    assert weights["confidence_network"] > 3 * weights["confidence_evidence"]
    assert calibrate(trials[:3]) == {
        "confidence_bias": 0.0,
        "confidence_evidence": 0.3,
        "confidence_network": 0.3,
    }


def test_trials_and_their_figures() -> None:
    trials = run_trials(Identifier(None), 8, 0.5, GeneratorSettings(), np.random.SeedSequence(3))
    assert len(trials) == 8
    assert {trial.truth == "" for trial in trials} == {True, False}
    rows = figures([t for t in trials if t.truth], [t for t in trials if not t.truth])
    for row in rows:
        assert 0.0 <= row["low"] <= row["value"] <= row["high"] <= 1.0
        assert row["n"] > 0
        assert "simulated" in row["data"]
