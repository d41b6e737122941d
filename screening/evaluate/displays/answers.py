"""Answers beside the truth: how far a stated confidence can be believed, and what is taken for what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from screening.evaluate.metrics.calibration import Reliability, reliability

from .drawing import Display, draw_line, require_pyplot, style_of

__all__ = ["ConfusionDisplay", "ReliabilityDisplay"]


class ReliabilityDisplay(Display):
    """What came true against the probability stated for it.

    Parameters
    ----------
    diagram : Reliability
        Its numbers.
    name : str
        The detector.
    """

    def __init__(self, diagram: Reliability, *, name: str = "") -> None:
        self.diagram, self.name = diagram, name

    @classmethod
    def from_reliability(cls, diagram: Reliability, *, name: str = "") -> Self:
        """Return the display of a diagram.

        Parameters
        ----------
        diagram : Reliability
            From :func:`screening.evaluate.metrics.calibration.reliability`.
        name : str
            The detector.

        Returns
        -------
        ReliabilityDisplay
            Not drawn yet.
        """
        return cls(diagram, name=name)

    @classmethod
    def from_predictions(
        cls, stated: ArrayLike, truth: ArrayLike, *, n_bin: int = 10, name: str = ""
    ) -> Self:
        """Return the display of single answers, in bins of equal width.

        Parameters
        ----------
        stated : array-like of shape (n,), float64
            Probabilities.
        truth : array-like of shape (n,), bool
            What came true.
        n_bin : int
            Bins; empty ones are left out.
        name : str
            The detector.

        Returns
        -------
        ReliabilityDisplay
            Not drawn yet.
        """
        return cls(reliability(stated, truth, n_bin=n_bin), name=name)

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
        share, low, high = (
            np.array([np.nan if bound is None else bound for bound in bounds], dtype=np.float64)
            for bounds in zip(*((p.value, p.low, p.high) for p in self.diagram.observed), strict=True)
        )
        draw_line(ax, self.diagram.stated, share, low=low, high=high, kind="points", label=label, **style)
        ax.set(xlabel="probability stated", ylabel="share that came true", xlim=(0.0, 1.0), ylim=(0.0, 1.02))
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
        ax.set_xticks(range(len(self.answers)), self.answers, rotation=45, ha="right", fontsize=8)
        ax.set_yticks(range(len(self.truths)), self.truths, fontsize=8)
        ax.set(xlabel="answer", ylabel="truth")
        return self
