"""What the network loses on a class of detector it was never trained on."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.radiation.identify import KIN, NATURAL_KIN
from screening.simulation.spectra import DETECTOR_CLASSES

from .nuclides import fit_network, predict
from .spectra_set import DRAWS_PER_DETECTOR, LABELS, FeatureSet, GeneratorSettings, make_features

__all__ = ["LeftOut", "leave_class_out"]


class LeftOut(NamedTuple):
    """Share of spectra whose strongest answer is right, with and without the class in training.

    Attributes
    ----------
    kind : str
        Class of detector left out, and tested on.
    known, unknown : tuple of (float, float, float)
        Share, and the 95 % interval by bootstrap over instruments: class in training, class left out.
    n_detector, n_spectrum : int
        Instruments and spectra tested.
    """

    kind: str
    known: tuple[float, float, float]
    unknown: tuple[float, float, float]
    n_detector: int
    n_spectrum: int


def leave_class_out(
    kind: str, *, seed: int, n_train: int = 700, n_test: int = 150, n_epoch: int = 24
) -> LeftOut:
    """Train with and without one class of detector, and test both networks on it.

    Parameters
    ----------
    kind : str
        Class to leave out.
    seed : int
        Seed of data and weights.
    n_train, n_test : int
        Instruments simulated for training (each time) and for the test.
    n_epoch : int
        Passes over the training set.

    Returns
    -------
    LeftOut
        How both did.
    """
    seeds = np.random.SeedSequence(seed).spawn(4)
    others = tuple(name for name in DETECTOR_CLASSES if name != kind)
    test = make_features(n_test, GeneratorSettings(kinds=(kind,)), seeds[2])
    shares = []
    for kinds, child in ((tuple(DETECTOR_CLASSES), seeds[0]), (others, seeds[1])):
        training = make_features(n_train, GeneratorSettings(kinds=kinds), child)
        trained = fit_network(training, test, n_epoch=n_epoch, seed=seed)
        shares.append(_share(predict(trained.network, test.features), test, seeds[3]))
    is_counted = _counted(test)
    return LeftOut(kind, shares[0], shares[1], n_test, int(np.count_nonzero(is_counted)))


def _counted(test: FeatureSet) -> NDArray[np.bool_]:
    """Spectra of exactly one source that is not natural."""
    natural = [LABELS.index(name) for name in NATURAL_KIN if name in LABELS]
    return np.asarray((test.truth.sum(axis=1) == 1) & (test.truth[:, natural].sum(axis=1) == 0))


def _share(
    probability: NDArray[np.float64], test: FeatureSet, seed: np.random.SeedSequence
) -> tuple[float, float, float]:
    natural = [LABELS.index(name) for name in NATURAL_KIN if name in LABELS]
    masked = probability.copy()
    masked[:, natural] = -1.0
    answer = masked.argmax(axis=1)
    truth = test.truth.argmax(axis=1)
    is_kin = np.array(
        [
            a == t or any(LABELS[a] in family and LABELS[t] in family for family in KIN)
            for a, t in zip(answer, truth, strict=True)
        ]
    )
    counted = _counted(test)
    right = (is_kin & counted).reshape(-1, DRAWS_PER_DETECTOR).sum(axis=1)
    total = counted.reshape(-1, DRAWS_PER_DETECTOR).sum(axis=1)
    rng = np.random.default_rng(seed)
    drawn = rng.integers(0, total.size, (2000, total.size))
    resampled = right[drawn].sum(axis=1) / np.maximum(total[drawn].sum(axis=1), 1)
    low, high = np.quantile(resampled, [0.025, 0.975])
    return float(right.sum() / max(total.sum(), 1)), float(low), float(high)
