"""References that know spectra: comparison ratios, principal components, and a matched filter."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from .bank import BankDetector, Learner, sliding_sums
from .protocol import Context

__all__ = [
    "MatchedFilter",
    "PlainComponents",
    "PrincipalComponents",
    "RawComponents",
    "SpectralRatios",
]


class SpectralRatios(BankDetector):
    """Spectral comparison ratios with nuisance rejection, after Anderson, Pfund and others (2008).

    Each energy window i is compared with the first: alpha_i = c_1 - (b_1 / b_i) c_i, which is 0 on average
    for background of any rate. The statistic is alpha' Sigma^-1 alpha with Sigma = G P + G^2 V: noise, and
    how the shape of background varies, for G counts. Ways in which background varies so weigh little.
    """

    name: ClassVar[str] = "spectral-ratios"
    text: ClassVar[str] = "spectral comparison ratios with nuisance rejection"
    #: Energy windows, of equal counts in the mean background.
    settings: ClassVar[tuple[float, ...]] = (4, 6, 8, 12, 16, 24, 32, 48)

    def _learn(self, learner: Learner, setting: Any, context: Context) -> dict[str, NDArray[Any]]:
        del context
        n = int(setting)
        at = np.searchsorted(np.cumsum(learner.share), np.arange(1, n) / n)
        edges = np.unique(np.concatenate([[0], at + 1, [learner.share.size]]))
        member = np.zeros((edges.size - 1, learner.share.size))
        for k in range(edges.size - 1):
            member[k, edges[k] : edges[k + 1]] = 1.0
        share = member @ learner.share
        contrast = np.concatenate([np.ones((share.size - 1, 1)), -np.diag(share[0] / share[1:])], axis=1)
        shape = learner.directions * np.sqrt(learner.share)
        varied = (shape * learner.values[:, np.newaxis]).T @ shape
        poisson = contrast @ np.diag(share) @ contrast.T
        variation = contrast @ (member @ varied @ member.T) @ contrast.T
        values, vectors = linalg.eigh(variation, poisson)
        return {
            "project": (vectors.T @ contrast @ member).astype(np.float32),
            "variation": np.maximum(values, 0.0),
        }

    def _statistic(
        self, counts: NDArray[np.uint16], width: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        sums = sliding_sums(counts, width)
        gross = sums.sum(axis=1, dtype=np.float64)
        at = np.maximum(gross, 1.0)[:, np.newaxis]
        beta = (sums @ self._known["project"].T).astype(np.float64)
        distance = (beta * beta / (at + at * at * self._known["variation"])).sum(axis=1)
        # Wilson and Hilferty: the cube root of chi-squared is nearly normal.
        return np.cbrt(distance / self._known["variation"].size), gross


class PrincipalComponents(BankDetector):
    """What the principal components of background leave of a spectrum, in units of Poisson noise.

    Runkle and others (2006) and many since: x = (c - G b) / sqrt(G b), less its part in the subspace of the
    first components of such spectra of background; the statistic is the squared length of the rest.
    """

    name: ClassVar[str] = "pca"
    text: ClassVar[str] = "residual outside the principal components, Poisson-scaled"
    #: Components beyond the mean.
    settings: ClassVar[tuple[float, ...]] = (0, 1, 2, 3, 4, 6, 8, 12)

    def _learn(self, learner: Learner, setting: Any, context: Context) -> dict[str, NDArray[Any]]:
        del context
        inverse = 1.0 / np.sqrt(learner.share)
        return {
            "inverse": (inverse * inverse).astype(np.float32),
            "project": (learner.directions[: int(setting)] * inverse).astype(np.float32),
            "mean": learner.directions[: int(setting)] @ np.sqrt(learner.share),
        }

    def _statistic(
        self, counts: NDArray[np.uint16], width: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        sums = sliding_sums(counts, width)
        gross = sums.sum(axis=1, dtype=np.float64)
        at = np.maximum(gross, 1.0)
        length = ((sums * sums) @ self._known["inverse"]) / at - at
        root = np.sqrt(at)[:, np.newaxis]
        inside = (sums @ self._known["project"].T) / root - root * self._known["mean"]
        rest = length - (inside * inside).sum(axis=1)
        return np.cbrt(rest / (sums.shape[1] - self._known["mean"].size)), gross


class RawComponents(BankDetector):
    """Principal components of counts as they are, with one threshold for all rates.

    The plain form of the literature: spectra are projected on the first right singular vectors of training
    spectra, and the length of the rest, in counts, is the statistic. It grows with the rate, so that the
    threshold is set by the places where most is counted; the other detectors here are calibrated by rate.
    """

    name: ClassVar[str] = "pca-raw"
    text: ClassVar[str] = "residual of counts outside their singular vectors, one threshold for all rates"
    #: Singular vectors.
    settings: ClassVar[tuple[float, ...]] = (1, 2, 3, 4, 6, 8, 10, 12)
    n_part: ClassVar[int] = 1

    def _learn(self, learner: Learner, setting: Any, context: Context) -> dict[str, NDArray[Any]]:
        del context
        spectra = learner.spectra.astype(np.float64)
        _, vectors = np.linalg.eigh(spectra.T @ spectra)
        return {"directions": vectors[:, ::-1].T[: int(setting)].astype(np.float32)}

    def _statistic(
        self, counts: NDArray[np.uint16], width: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        sums = sliding_sums(counts, width)
        inside = sums @ self._known["directions"].T
        rest = sums - inside @ self._known["directions"]
        length = np.sqrt(np.einsum("ij,ij->i", rest, rest, dtype=np.float64))
        return length, sums.sum(axis=1, dtype=np.float64)


class PlainComponents(BankDetector):
    """Principal components without regard to Poisson noise.

    Spectra of unit sum less their mean, all bins alike; the statistic is the squared length outside the
    subspace, times the counts.
    """

    name: ClassVar[str] = "pca-unscaled"
    text: ClassVar[str] = "residual outside the principal components of spectra of unit sum, unscaled"
    #: Components beyond the mean.
    settings: ClassVar[tuple[float, ...]] = (0, 1, 2, 3, 4, 6, 8, 12)

    def _learn(self, learner: Learner, setting: Any, context: Context) -> dict[str, NDArray[Any]]:
        del context
        total = learner.spectra.sum(axis=1, keepdims=True, dtype=np.float64)
        shape = learner.spectra / total - learner.share
        _, vectors = np.linalg.eigh(shape.T @ (shape * total))
        directions = vectors[:, ::-1].T[: int(setting)]
        return {"share": learner.share.astype(np.float32), "directions": directions.astype(np.float32)}

    def _statistic(
        self, counts: NDArray[np.uint16], width: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        sums = sliding_sums(counts, width)
        gross = sums.sum(axis=1, dtype=np.float64)
        rest = sums - gross[:, np.newaxis].astype(np.float32) * self._known["share"]
        length = np.einsum("ij,ij->i", rest, rest)
        inside = rest @ self._known["directions"].T
        return np.cbrt((length - (inside * inside).sum(axis=1)) / np.maximum(gross, 1.0)), gross


class MatchedFilter(BankDetector):
    """A linear filter for each known source, whitened by Poisson noise and the variation of background.

    z = s' S^-1 x / sqrt(s' S^-1 s) with S = 1 + G sum(v_k d_k d_k') in the units of `PrincipalComponents`;
    the rate, which is the background's own affair, tells nothing. The largest over sources counts.
    """

    name: ClassVar[str] = "matched-filter"
    tier: ClassVar[str] = "informed"
    text: ClassVar[str] = "linear spectral filter for each source of the library, the largest"
    #: Directions of varying background that are allowed for.
    settings: ClassVar[tuple[float, ...]] = (0, 1, 2, 3, 4, 6, 8, 12)

    def _learn(self, learner: Learner, setting: Any, context: Context) -> dict[str, NDArray[Any]]:
        rows = np.concatenate(list(context.templates.values())).astype(np.float64)
        root = np.sqrt(learner.share)
        white = rows / root
        white -= np.outer(white @ root, root)
        directions = learner.directions[: int(setting)]
        return {
            "project": (np.concatenate([white, directions]) / root).astype(np.float32),
            "mean": np.concatenate([white, directions]) @ root,
            "cross": white @ directions.T,
            "norm": (white * white).sum(axis=1),
            "variation": learner.values[: int(setting)],
        }

    def _statistic(
        self, counts: NDArray[np.uint16], width: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        known = self._known
        sums = sliding_sums(counts, width)
        gross = sums.sum(axis=1, dtype=np.float64)
        at = np.maximum(gross, 1.0)[:, np.newaxis]
        root = np.sqrt(at)
        part = (sums @ known["project"].T) / root - root * known["mean"]
        n_template = known["norm"].size
        kept = at * known["variation"] / (1.0 + at * known["variation"])
        top = part[:, :n_template] - (kept * part[:, n_template:]) @ known["cross"].T
        bottom = known["norm"] - kept @ (known["cross"] ** 2).T
        return (top / np.sqrt(np.maximum(bottom, 1e-12))).max(axis=1), gross
