"""Answers beside the truth: how far a stated confidence can be believed, and what is taken for what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from screening.evaluate.metrics.proportions import clopper_pearson

from .drawing import Display, draw_line, require_pyplot, style_of

__all__ = ["ConfusionDisplay", "ReliabilityDisplay"]


class ReliabilityDisplay(Display):
    """Share of correct answers against the confidence they were given with.

    Parameters
    ----------
    confidence, share : ndarray of shape (n_bin,), float64
        Mean confidence and share correct of each bin.
    n_correct, n : ndarray of shape (n_bin,), int64
        Counts.
    name : str
        The detector.
    """

    def __init__(
        self,
        confidence: NDArray[np.float64],
        share: NDArray[np.float64],
        n_correct: NDArray[np.int64],
        n: NDArray[np.int64],
        *,
        name: str = "",
    ) -> None:
        self.confidence, self.share, self.n_correct, self.n, self.name = confidence, share, n_correct, n, name
        bounds = [clopper_pearson(int(k), int(m)) for k, m in zip(n_correct, n, strict=True)]
        self.low = np.array([bound.low for bound in bounds])
        self.high = np.array([bound.high for bound in bounds])

    @classmethod
    def from_predictions(
        cls, confidence: ArrayLike, is_correct: ArrayLike, *, n_bin: int = 10, name: str = ""
    ) -> Self:
        """Return the display of single answers, in bins of equal width; empty bins are left out.

        Parameters
        ----------
        confidence : array-like of shape (n,), float64
            0 to 1.
        is_correct : array-like of shape (n,), bool
            Whether the answer was right.
        n_bin : int
            Bins.
        name : str
            The detector.

        Returns
        -------
        ReliabilityDisplay
            Not drawn yet.

        Raises
        ------
        ValueError
            If shapes differ, or a confidence is no share.
        """
        stated, right = np.asarray(confidence, dtype=np.float64), np.asarray(is_correct, dtype=bool)
        if stated.shape != right.shape or stated.ndim != 1:
            raise ValueError(f"confidence {stated.shape} and is_correct {right.shape} need one shape (n,)")
        if not ((stated >= 0.0) & (stated <= 1.0)).all():
            raise ValueError("confidence must lie between 0 and 1")
        index = np.minimum((stated * n_bin).astype(np.int64), n_bin - 1)
        n = np.bincount(index, minlength=n_bin)
        k = np.bincount(index, weights=right, minlength=n_bin).astype(np.int64)
        mean = np.bincount(index, weights=stated, minlength=n_bin)
        there = n > 0
        return cls(mean[there] / n[there], k[there] / n[there], k[there], n[there], name=name)

    def plot(self, ax: Any | None = None) -> Self:
        """Draw it.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where; new ones when omitted.

        Returns
        -------
        ReliabilityDisplay
            Itself.
        """
        ax = self._on(ax)
        n_drawn = len(ax.get_legend_handles_labels()[0])
        if not n_drawn:
            ax.plot([0.0, 1.0], [0.0, 1.0], color="#8795a1", linewidth=0.9, linestyle="--")
        names = [str(i) for i in range(n_drawn + 1)]
        label = self.name or "answers"
        style = style_of(names[-1], names)
        draw_line(
            ax, self.confidence, self.share, low=self.low, high=self.high, kind="points", label=label, **style
        )
        ax.set(xlabel="confidence stated", ylabel="share correct", xlim=(0.0, 1.0), ylim=(0.0, 1.02))
        ax.legend(frameon=False)
        return self


class ConfusionDisplay(Display):
    """Answers by truth.

    Parameters
    ----------
    counts : ndarray of shape (n_truth, n_answer), int64
        How often.
    truths, answers : tuple of str
        Rows and columns.
    """

    def __init__(self, counts: NDArray[np.int64], truths: Sequence[str], answers: Sequence[str]) -> None:
        if counts.shape != (len(truths), len(answers)):
            raise ValueError(f"counts {counts.shape} for {len(truths)} truths and {len(answers)} answers")
        self.counts, self.truths, self.answers = counts, tuple(truths), tuple(answers)

    @classmethod
    def from_labels(cls, truth: Sequence[str], answer: Sequence[str]) -> Self:
        """Return the display of single answers.

        Parameters
        ----------
        truth, answer : sequence of str
            One each per sample.

        Returns
        -------
        ConfusionDisplay
            Labels in alphabetical order; answers that are never a truth come last.

        Raises
        ------
        ValueError
            If the lengths differ.
        """
        if len(truth) != len(answer):
            raise ValueError(f"{len(truth)} truths and {len(answer)} answers")
        truths = sorted(set(truth))
        answers = truths + sorted(set(answer) - set(truths))
        counts = np.zeros((len(truths), len(answers)), dtype=np.int64)
        row, column = ({name: i for i, name in enumerate(names)} for names in (truths, answers))
        for said, found in zip(truth, answer, strict=True):
            counts[row[said], column[found]] += 1
        return cls(counts, truths, answers)

    def plot(self, ax: Any | None = None) -> Self:
        """Draw it: shares of each truth as shades, counts as numbers.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where; new ones when omitted.

        Returns
        -------
        ConfusionDisplay
            Itself.
        """
        ax = self._on(ax)
        share = self.counts / np.maximum(1, self.counts.sum(axis=1, keepdims=True))
        ax.imshow(share, cmap=require_pyplot().get_cmap("Blues"), vmin=0.0, vmax=1.0, aspect="auto")
        for i, j in zip(*np.nonzero(self.counts), strict=True):
            colour = "white" if share[i, j] > 0.55 else "black"
            ax.text(j, i, str(self.counts[i, j]), ha="center", va="center", color=colour, fontsize=9)
        ax.set_xticks(range(len(self.answers)), self.answers, rotation=45, ha="right")
        ax.set_yticks(range(len(self.truths)), self.truths)
        ax.set(xlabel="answer", ylabel="truth")
        return self
