"""Samples: a spectrum with the model, a picture with its boxes."""

from __future__ import annotations

import io
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike

from screening.evaluate.record import Box, Exhibit, PictureView, SpectrumView
from screening.evaluate.report.ink import BOX_PENS

from .drawing import Display, require_pyplot

__all__ = ["PictureDisplay", "SpectrumDisplay"]


class SpectrumDisplay(Display):
    """A spectrum, with what the detector fitted.

    Parameters
    ----------
    view : SpectrumView
        Its numbers.
    title : str
        Above it.
    """

    def __init__(self, view: SpectrumView, *, title: str = "") -> None:
        self.view, self.title = view, title

    @classmethod
    def from_exhibit(cls, exhibit: Exhibit) -> Self:
        """Return the display of a sample of a report.

        Parameters
        ----------
        exhibit : Exhibit
            With a spectrum.

        Returns
        -------
        SpectrumDisplay
            Not drawn yet.

        Raises
        ------
        ValueError
            If it has none.
        """
        if exhibit.spectrum is None:
            raise ValueError(f"sample {exhibit.sample} has no spectrum")
        return cls(exhibit.spectrum, title=exhibit.title)

    @classmethod
    def from_counts(cls, energy_kev: ArrayLike, counts: ArrayLike, *, title: str = "") -> Self:
        """Return the display of counts.

        Parameters
        ----------
        energy_kev : array-like of shape (n + 1,), float64
            Edges of the bins.
        counts : array-like of shape (n,), float64
            Counts.
        title : str
            Above it.

        Returns
        -------
        SpectrumDisplay
            Not drawn yet.

        Raises
        ------
        ValueError
            If the edges do not fit.
        """
        edges, values = np.asarray(energy_kev, dtype=np.float64), np.asarray(counts, dtype=np.float64)
        if edges.shape != (values.size + 1,):
            raise ValueError(f"{edges.size} edges for {values.size} bins")
        view = SpectrumView(energy_kev=tuple(edges.tolist()), counts=tuple(values.tolist()))
        return cls(view, title=title)

    def plot(self, ax: Any | None = None) -> Self:
        """Draw it: counts per keV on a logarithmic axis.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where; new ones when omitted.

        Returns
        -------
        SpectrumDisplay
            Itself.
        """
        ax = self._on(ax)
        edges = np.asarray(self.view.energy_kev)
        width = np.diff(edges)
        counts = np.asarray(self.view.counts) / width
        ax.stairs(counts, edges, label="measured", color="#0067a5", linewidth=0.9)
        if self.view.model:
            model = np.asarray(self.view.model) / width
            name = self.view.model_name or "model"
            ax.stairs(model, edges, label=name, color="#c44601", linewidth=1.2, linestyle="--")
        ax.set_yscale("log", nonpositive="clip")
        positive = counts[counts > 0.0]
        if positive.size:
            ax.set_ylim(positive.min() * 0.5, positive.max() * 2.0)
        ax.set(xlabel="energy, keV", ylabel="counts per keV", title=self.title)
        ax.legend(frameon=False)
        return self


class PictureDisplay(Display):
    """A picture with truth and candidates.

    Parameters
    ----------
    view : PictureView
        Picture and boxes.
    title : str
        Above it.
    """

    def __init__(self, view: PictureView, *, title: str = "") -> None:
        self.view, self.title = view, title

    @classmethod
    def from_exhibit(cls, exhibit: Exhibit) -> Self:
        """Return the display of a sample of a report.

        Parameters
        ----------
        exhibit : Exhibit
            With a picture.

        Returns
        -------
        PictureDisplay
            Not drawn yet.

        Raises
        ------
        ValueError
            If it has none.
        """
        if exhibit.picture is None:
            raise ValueError(f"sample {exhibit.sample} has no picture")
        return cls(exhibit.picture, title=exhibit.title)

    def plot(self, ax: Any | None = None) -> Self:
        """Draw it.

        Parameters
        ----------
        ax : matplotlib Axes, optional
            Where; new ones when omitted.

        Returns
        -------
        PictureDisplay
            Itself.
        """
        ax = self._on(ax)
        pixels = require_pyplot().imread(io.BytesIO(self.view.png), format="png")
        ax.imshow(pixels, cmap="gray", vmin=0.0, vmax=1.0)
        for box in self.view.boxes:
            self._draw(ax, box)
        ax.set(title=self.title, xticks=[], yticks=[])
        return self

    def _draw(self, ax: Any, box: Box) -> None:
        pen = BOX_PENS[box.kind]
        dashes = (0, tuple(float(piece) for piece in pen.dash.split())) if pen.dash else "-"
        # Half-open boxes in pixels: the corner of pixel 0 stands at -0.5.
        corners = np.array([[box.col0, box.row0], [box.col1, box.row1]]) - 0.5
        (x0, y0), (x1, y1) = corners
        x, y = [x0, x1, x1, x0, x0], [y0, y0, y1, y1, y0]
        ax.plot(x, y, color="black", linewidth=2.6, alpha=0.6)
        ax.plot(x, y, color=pen.colour, linewidth=1.3, linestyle=dashes)
        label = f"{box.kind}: {box.label}" if box.label else box.kind
        shade = {"facecolor": "black", "alpha": 0.6, "edgecolor": "none", "pad": 1.0}
        ax.text(x0, y0 - 2, label, color=pen.colour, fontsize=8, va="bottom", bbox=shade, clip_on=True)
