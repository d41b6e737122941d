"""Background as few non-negative spectra: deviance when blind, likelihood ratios of known sources."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from screening.kernels import fit_factors

from .bank import BankDetector, Learner, Standard, sliding_sums
from .protocol import Context

__all__ = ["FactorDeviance", "FactorTemplates", "factorise"]

#: Rounds of multiplicative updates, and spectra that are learned from at most.
_ROUNDS, _MOST_SPECTRA = 400, 6000

#: A fit ends when a step would gain less than this in ln L: a fortieth of a deviance's spread per thousand.
_TOLERANCE = 5e-3


def factorise(
    spectra: NDArray[np.float32], rank: int, *, seed: int, rounds: int = _ROUNDS
) -> NDArray[np.float32]:
    """Factorise counts into few non-negative spectra, most likely under Poisson noise.

    Multiplicative updates for the Kullback-Leibler divergence (Lee and Seung, Nature 401 (1999) 788), begun
    from the mean spectrum times random numbers.

    Parameters
    ----------
    spectra : ndarray of shape (n_spectrum, n_bin), float32
        Counts.
    rank : int
        Factors.
    seed : int
        Of the start, and of which spectra are taken when there are more than 6,000.
    rounds : int
        Updates of each side.

    Returns
    -------
    ndarray of shape (rank, n_bin), float32
        Factors of unit sum, all above 0.
    """
    rng = np.random.default_rng([seed, rank])
    if spectra.shape[0] > _MOST_SPECTRA:
        spectra = spectra[np.sort(rng.choice(spectra.shape[0], _MOST_SPECTRA, replace=False))]
    mean = spectra.mean(axis=0) + np.float32(1e-6)
    basis = (mean * rng.uniform(0.5, 1.5, (rank, mean.size))).astype(np.float32)
    basis /= basis.sum(axis=1, keepdims=True)
    total = spectra.sum(axis=1, keepdims=True)
    amplitude = (total / rank * rng.uniform(0.9, 1.1, (spectra.shape[0], rank))).astype(np.float32)
    least = np.float32(1e-9)
    for _ in range(rounds):
        ratio = spectra / np.maximum(amplitude @ basis, least)
        amplitude *= ratio @ basis.T
        ratio = spectra / np.maximum(amplitude @ basis, least)
        basis *= (amplitude.T @ ratio) / np.maximum(amplitude.sum(axis=0), least)[:, np.newaxis]
        np.maximum(basis, least, out=basis)
        scale = basis.sum(axis=1)
        basis /= scale[:, np.newaxis]
        amplitude *= scale
    return np.asarray(basis, dtype=np.float32)


class FactorDeviance(BankDetector):
    """Deviance of the best non-negative mixture of learned background spectra.

    Bilton and others, IEEE TNS 66 (2019) 827: spectra of background are factorised under Poisson noise, and
    what no mixture explains is an anomaly.
    """

    name: ClassVar[str] = "nmf"
    text: ClassVar[str] = "Poisson deviance from non-negative factors of background"
    #: Factors.
    settings: ClassVar[tuple[float, ...]] = (1, 2, 3, 4, 6, 8, 10, 12)

    def _learn(self, learner: Learner, setting: Any, context: Context) -> dict[str, NDArray[Any]]:
        return {"basis": factorise(learner.spectra, int(setting), seed=context.seed)}

    def _statistic(
        self, counts: NDArray[np.uint16], width: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        sums = sliding_sums(counts, width)
        fit = fit_factors(sums, self._known["basis"], tolerance=_TOLERANCE)
        return np.cbrt(fit.deviance / sums.shape[1]), sums.sum(axis=1, dtype=np.float64)


class FactorTemplates(BankDetector):
    """Likelihood ratio of learned background with and without a known source, the largest of a library.

    The signed root of the ratio is a standard normal number under background whatever the window and the
    rate, so it is compared as it is; that one of many templates may be large by chance is in the threshold.
    """

    name: ClassVar[str] = "nmf-templates"
    tier: ClassVar[str] = "informed"
    text: ClassVar[str] = "likelihood ratio of each source of the library beside factors of background"
    #: Factors.
    settings: ClassVar[tuple[float, ...]] = (1, 2, 3, 4, 6, 8, 10, 12)

    def _learn(self, learner: Learner, setting: Any, context: Context) -> dict[str, NDArray[Any]]:
        owner = [np.full(len(rows), k) for k, rows in enumerate(context.templates.values())]
        return {
            "basis": factorise(learner.spectra, int(setting), seed=context.seed),
            "templates": np.concatenate(list(context.templates.values())).astype(np.float32),
            "owner": np.concatenate(owner),  # rising
        }

    def score_each(self, counts: NDArray[np.uint16]) -> NDArray[np.float64]:
        """Give each interval a score for each nuclide of the library, as one who looks for it alone.

        Parameters
        ----------
        counts : ndarray of shape (n_interval, n_bin), uint16
            One series.

        Returns
        -------
        ndarray of shape (n_nuclide, n_interval), float64
            In the order of the library; the largest over windows and shieldings.
        """
        owner = self._known["owner"]
        edges = np.flatnonzero(np.diff(owner, prepend=-1))
        best = np.full((edges.size, counts.shape[0]), -np.inf)
        for width in self._widths():
            ratio = self._ratios(counts, width)
            if len(ratio):
                tail = best[:, counts.shape[0] - len(ratio) :]
                np.maximum(tail, np.maximum.reduceat(ratio, edges, axis=1).T, out=tail)
        return best

    def score(self, counts: NDArray[np.uint16]) -> NDArray[np.float64]:
        """Give each interval the largest score over the library; see SeriesDetector.

        Parameters
        ----------
        counts : ndarray of shape (n_interval, n_bin), uint16
            One series.

        Returns
        -------
        ndarray of shape (n_interval,), float64
            The largest.
        """
        best: NDArray[np.float64] = self.score_each(counts).max(axis=0)
        return best

    def _ratios(self, counts: NDArray[np.uint16], width: int) -> NDArray[np.float32]:
        sums = sliding_sums(counts, width)
        known = self._known
        return fit_factors(sums, known["basis"], templates=known["templates"], tolerance=_TOLERANCE).ratio

    def _statistic(
        self, counts: NDArray[np.uint16], width: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        return self._ratios(counts, width).max(axis=1), sliding_sums(counts, width).sum(axis=1)

    def _standardised(self, train: Any) -> Standard | None:
        del train
        return None
