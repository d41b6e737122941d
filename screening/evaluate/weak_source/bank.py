"""Scores over a bank of windows: sliding sums, and statistics made comparable between windows and rates."""

from __future__ import annotations

import weakref
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .protocol import Context

__all__ = ["WINDOWS_S", "BankDetector", "Learner", "Standard", "learner_of", "sliding_sums"]

#: The windows of every detector, seconds.
WINDOWS_S = (0.5, 1.0, 2.0, 4.0)

#: Counts are grouped by rate into so many parts for mean and spread of a statistic, and this share of windows
#: under background lies above the point that fixes its scale.
N_PART, _TAIL = 12, 1e-3

#: Score of that point: the normal quantile.
_TAIL_SCORE = 3.0902

#: Settings whose merits differ by less are alike: the first, which is the simplest, is taken.
_ALIKE = 0.01

#: Bin means below this share of all counts are taken as this.
_LEAST_SHARE = 1e-6

_LAST: dict[str, Any] = {}
_LAST_SUMS: dict[int, NDArray[np.float32]] = {}


def sliding_sums(counts: NDArray[np.uint16], width: int) -> NDArray[np.float32]:
    """Return the sums of the last `width` intervals.

    Detectors are asked one after the other for the same series, so the sums of the last one are kept; it
    must then be read-only.

    Parameters
    ----------
    counts : ndarray of shape (n_interval, n_bin), uint16
        Counts.
    width : int
        Intervals in a window.

    Returns
    -------
    ndarray of shape (max(n_interval - width + 1, 0), n_bin), float32
        Sums; the first is that of the first whole window.
    """
    known = _LAST.get("counts")
    if known is None or known() is not counts or counts.flags.writeable:
        running = np.zeros((counts.shape[0] + 1, counts.shape[1]), dtype=np.int32)
        np.cumsum(counts, axis=0, dtype=np.int32, out=running[1:])
        _LAST.update(counts=weakref.ref(counts), running=running)
        _LAST_SUMS.clear()
    if width not in _LAST_SUMS:
        running = _LAST["running"]
        before = running[: max(running.shape[0] - width, 0)]
        _LAST_SUMS[width] = (running[width:] - before).astype(np.float32)
    return _LAST_SUMS[width]


class Standard(NamedTuple):
    """How a statistic of each window becomes a score.

    Attributes
    ----------
    level : ndarray of shape (n_window, n_part), float64
        Logarithm of the counts in a window.
    mean, spread : ndarray of shape (n_window, n_part), float64
        Of the statistic under background, at that level.
    middle, scale : ndarray of shape (n_window,), float64
        Median of the standardised statistic, and what one unit of score is.
    """

    level: NDArray[np.float64]
    mean: NDArray[np.float64]
    spread: NDArray[np.float64]
    middle: NDArray[np.float64]
    scale: NDArray[np.float64]

    def scores(
        self, statistic: NDArray[np.float64], gross: NDArray[np.float64], window: int
    ) -> NDArray[np.float64]:
        """Return the scores of one window's statistic.

        Parameters
        ----------
        statistic : ndarray of shape (n,), float64
            The statistic.
        gross : ndarray of shape (n,), float64
            Counts in the window.
        window : int
            Which window.

        Returns
        -------
        ndarray of shape (n,), float64
            Scores: under background 0 in the middle, and above 3.09 once in a thousand.
        """
        at = np.log(np.maximum(gross, 1.0))
        mean = np.interp(at, self.level[window], self.mean[window])
        spread = np.interp(at, self.level[window], self.spread[window])
        standard = (statistic - mean) / spread
        return np.asarray((standard - self.middle[window]) / self.scale[window])


class Learner(NamedTuple):
    """What background teaches: windows of one length, their mean spectrum, and how they vary.

    Attributes
    ----------
    spectra : ndarray of shape (n_spectrum, n_bin), float32
        Windows of 2 s that do not overlap.
    share : ndarray of shape (n_bin,), float64
        Mean spectrum, of unit sum.
    values : ndarray of shape (n_bin,), float64
        Variance of spectra of unit sum beyond Poisson's along each direction, over Poisson's of one count,
        falling; where negative, 0.
    directions : ndarray of shape (n_bin, n_bin), float64
        The directions, in rows, of counts over the root of their means.
    """

    spectra: NDArray[np.float32]
    share: NDArray[np.float64]
    values: NDArray[np.float64]
    directions: NDArray[np.float64]


def learner_of(train: Sequence[NDArray[np.uint16]], interval_s: float) -> Learner:
    """Return what background teaches.

    Parameters
    ----------
    train : sequence of ndarray of shape (n_interval, n_bin), uint16
        Series.
    interval_s : float
        Interval, seconds.

    Returns
    -------
    Learner
        Mean and variation.
    """
    width = round(2.0 / interval_s)
    parts = []
    for counts in train:
        n = counts.shape[0] // width
        parts.append(counts[: n * width].reshape(n, width, -1).sum(axis=1))
    spectra = np.concatenate(parts).astype(np.float32)
    total = spectra.sum(axis=1, dtype=np.float64)
    spectra, total = spectra[total > 0], total[total > 0]
    share = np.maximum(spectra.sum(axis=0, dtype=np.float64) / total.sum(), _LEAST_SHARE)
    share /= share.sum()
    scaled = (spectra / total[:, np.newaxis] - share) / np.sqrt(share)
    covariance = scaled.T @ (scaled * total[:, np.newaxis]) / total.sum()
    # Poisson's part of (c / G - share) / sqrt(share), weighted by G: one over the mean of G.
    noise = total.size / total.sum()
    values, vectors = np.linalg.eigh(covariance)
    return Learner(spectra, share, np.maximum(values[::-1] - noise, 0.0), vectors[:, ::-1].T.copy())


class BankDetector(ABC):
    """A detector that takes a statistic of each window of a bank and the largest score of all.

    What is tried in `fit` are `settings`, as many as each detector may; the validation decides.
    """

    name: ClassVar[str] = ""
    tier: ClassVar[str] = "blind"
    text: ClassVar[str] = ""
    version: ClassVar[str] = "1"
    lead_s: ClassVar[float] = WINDOWS_S[-1]
    settings: ClassVar[tuple[float | tuple[float, ...], ...]] = ()
    #: Parts by rate in which the statistic is calibrated; 1: not by rate.
    n_part: ClassVar[int] = N_PART

    def __init__(self) -> None:
        self.choice: float | tuple[float, ...] = ()
        self.tried: tuple[tuple[str, float], ...] = ()
        self._known: dict[str, NDArray[Any]] = {}
        self._standard: Standard | None = None
        self._interval_s = 0.1

    def fit(
        self,
        train: Sequence[NDArray[np.uint16]],
        validation: Sequence[NDArray[np.uint16]],
        context: Context,
    ) -> None:
        """Learn from background; see SeriesDetector.

        Parameters
        ----------
        train : sequence of ndarray of shape (n_interval, n_bin), uint16
            All that is learned from.
        validation : sequence of ndarray of shape (n_interval, n_bin), uint16
            Not used: the merit is reckoned on it.
        context : Context
            Its merit decides between settings.

        Raises
        ------
        ValueError
            If there is no background.
        """
        if not train:
            raise ValueError(f"{self.name} needs background to learn from, got none")
        del validation
        self._interval_s = context.interval_s
        learner = learner_of(train, context.interval_s)
        tried = []
        for setting in spread_over(self.settings, context.n_trial):
            self.choice, self._standard = setting, None
            self._known = self._learn(learner, setting, context)
            self._standard = self._standardised(train)
            tried.append((context.merit(self.score), setting, self._known, self._standard))
        most = max(each[0] for each in tried)
        # Settings stand with the simplest first; a hundredth is within the noise of the validation.
        chosen = next(each for each in tried if each[0] >= most - _ALIKE)
        _, self.choice, self._known, self._standard = chosen
        self.tried = tuple((str(each[1]), each[0]) for each in tried)

    def score(self, counts: NDArray[np.uint16]) -> NDArray[np.float64]:
        """Give each interval a score; see SeriesDetector.

        Parameters
        ----------
        counts : ndarray of shape (n_interval, n_bin), uint16
            One series.

        Returns
        -------
        ndarray of shape (n_interval,), float64
            The largest over the bank.
        """
        best = np.full(counts.shape[0], -np.inf)
        for window, width in enumerate(self._widths()):
            statistic, gross = self._statistic(counts, width)
            if statistic.size:
                values = statistic
                if self._standard is not None:
                    values = self._standard.scores(statistic, gross, window)
                tail = best[counts.shape[0] - statistic.size :]
                np.maximum(tail, np.where(np.isnan(values), -np.inf, values), out=tail)
        return best

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Return what was learned.

        Returns
        -------
        dict of str to ndarray
            For `restore`.
        """
        found = {f"known.{key}": value for key, value in self._known.items()}
        if self._standard is not None:
            found |= {f"standard.{key}": value for key, value in self._standard._asdict().items()}
        found["choice"] = np.atleast_1d(np.asarray(self.choice, dtype=np.float64))
        found["interval_s"] = np.array(self._interval_s)
        found["tried.name"] = np.array([name for name, _ in self.tried], dtype=np.str_)
        found["tried.merit"] = np.array([merit for _, merit in self.tried], dtype=np.float64)
        return found

    def restore(self, arrays: dict[str, NDArray[Any]]) -> None:
        """Take up what another process learned.

        Parameters
        ----------
        arrays : dict of str to ndarray
            From `arrays`.
        """
        self._known = {key[6:]: value for key, value in arrays.items() if key.startswith("known.")}
        standard = {key[9:]: value for key, value in arrays.items() if key.startswith("standard.")}
        self._standard = Standard(**standard) if standard else None
        chosen = arrays["choice"].tolist()
        self.choice = chosen[0] if len(chosen) == 1 else tuple(chosen)
        self._interval_s = float(arrays["interval_s"])
        self.tried = tuple(zip(arrays["tried.name"].tolist(), arrays["tried.merit"].tolist(), strict=True))

    @abstractmethod
    def _learn(self, learner: Learner, setting: Any, context: Context) -> dict[str, NDArray[Any]]:
        """Return what the statistic needs."""

    @abstractmethod
    def _statistic(
        self, counts: NDArray[np.uint16], width: int
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return statistic and gross counts of every whole window; not a number where there is none."""

    def _widths(self) -> list[int]:
        return [round(window_s / self._interval_s) for window_s in WINDOWS_S]

    def _standardised(self, train: Sequence[NDArray[np.uint16]]) -> Standard | None:
        """Fit mean, spread and tail of the statistic to background, by window and rate."""
        collected: list[tuple[list[NDArray[np.float64]], list[NDArray[np.float64]]]] = [
            ([], []) for _ in WINDOWS_S
        ]
        for counts in train:
            for window, width in enumerate(self._widths()):
                statistic, gross = self._statistic(counts, width)
                is_good = ~np.isnan(statistic)
                collected[window][0].append(statistic[is_good])
                collected[window][1].append(gross[is_good])
        level, mean, spread, middle, scale = [], [], [], [], []
        for statistics, grosses in collected:
            values, at = np.concatenate(statistics), np.log(np.maximum(np.concatenate(grosses), 1.0))
            parts = np.array_split(np.argsort(at, kind="stable"), self.n_part)
            level.append([float(at[part].mean()) for part in parts])
            mean.append([float(values[part].mean()) for part in parts])
            spread.append([max(float(values[part].std()), 1e-9) for part in parts])
            level[-1] = (np.array(level[-1]) + 1e-9 * np.arange(self.n_part)).tolist()
            z = (values - np.interp(at, level[-1], mean[-1])) / np.interp(at, level[-1], spread[-1])
            low, high = np.quantile(z, [0.5, 1.0 - _TAIL])
            middle.append(float(low))
            scale.append(max(float(high - low) / _TAIL_SCORE, 1e-9))
        return Standard(*(np.array(each) for each in (level, mean, spread, middle, scale)))


def spread_over(settings: Sequence[Any], n: int) -> list[Any]:
    """Return n of some settings, spread over all.

    Parameters
    ----------
    settings : sequence
        In their order.
    n : int
        How many.

    Returns
    -------
    list
        All, if there are no more than n.
    """
    if len(settings) <= n:
        return list(settings)
    return [settings[round((k + 0.5) * len(settings) / n - 0.5)] for k in range(n)]
