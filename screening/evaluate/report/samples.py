"""Samples to look at: spectra with the model, pictures with boxes and their labels."""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.evaluate.record import Box, Exhibit, PictureView, SpectrumView

from .html import Markup, join, tag
from .ink import BOX_PENS, INK
from .numbers import shortened_numbers
from .scales import scale_of
from .svg import Frame, frame_svg, path_of

__all__ = ["exhibit_html", "picture_html", "png_size", "spectrum_svg"]

SPECTRUM_HEIGHT = 230.0
COUNTS, MODEL = "#0067a5", "#c44601"
#: Bins drawn at most: more stand closer than a print can show.
DRAWN_BINS = 350
LABEL = 12.0
#: Kinds of boxes whose names do not say what they are.
EXPLAINED = {"ignored": " (neither a hit nor a false alarm)"}
LETTER = 0.6
#: How wide a picture stands on the page, beside another and alone.
SHOWN, SHOWN_WIDE = 480.0, 980.0


class _Frame(NamedTuple):
    x0: float
    y0: float
    x1: float
    y1: float

    def common(self, other: _Frame) -> float:
        """Return the area of both, in the units of the picture."""
        across = min(self.x1, other.x1) - max(self.x0, other.x0)
        down = min(self.y1, other.y1) - max(self.y0, other.y0)
        return max(0.0, across) * max(0.0, down)


def exhibit_html(exhibit: Exhibit) -> Markup:
    """Return one sample with what went wrong.

    Parameters
    ----------
    exhibit : Exhibit
        The sample.

    Returns
    -------
    Markup
        One ``<figure>``.
    """
    view: list[Markup] = []
    name = f"{exhibit.title}, sample {exhibit.sample}"
    if exhibit.spectrum is not None:
        view.append(spectrum_svg(exhibit.spectrum, name=name))
    if exhibit.picture is not None:
        view.append(picture_html(exhibit.picture, name=name))
    is_wide = exhibit.picture is not None and _is_wide(exhibit.picture)
    whose = f"{exhibit.detector}, {exhibit.sample}" if exhibit.detector else exhibit.sample
    caption = tag(
        "figcaption",
        tag("strong", exhibit.title),
        tag("span", whose, class_="whose"),
        tag("span", shortened_numbers(exhibit.text)) if exhibit.text else None,
    )
    return tag("figure", caption, *view, class_="exhibit wide" if is_wide else "exhibit")


def spectrum_svg(view: SpectrumView, *, name: str) -> Markup:
    """Return a spectrum as a picture: counts per keV on a logarithmic axis, as steps.

    Parameters
    ----------
    view : SpectrumView
        The spectrum.
    name : str
        What it is, for those who cannot see it.

    Returns
    -------
    Markup
        One ``<svg>`` with its legend, or a sentence where there is nothing to draw.
    """
    edges = np.asarray(view.energy_kev, dtype=np.float64)
    counts = np.asarray(view.counts, dtype=np.float64)
    if edges.shape != (counts.size + 1,) or counts.size == 0 or not (np.diff(edges) > 0.0).all():
        text = f"No spectrum is drawn: {edges.size} edges that must rise for {counts.size} bins."
        return tag("p", text, class_="trouble")
    lines: list[tuple[str, NDArray[np.float64], str, str | None]] = [("measured", counts, COUNTS, None)]
    if len(view.model) == counts.size:
        model = np.asarray(view.model, dtype=np.float64)
        lines.append((view.model_name or "model", model, MODEL, "5 2.5"))
    drawn = [(label, *_per_kev(edges, values), colour, dash) for label, values, colour, dash in lines]
    heights = np.concatenate([density[density > 0.0] for _, _, density, _, _ in drawn])
    if heights.size:  # one empty bin of a wide model must not stretch the axis over many decades
        heights = heights[heights >= heights.max() * 1e-6]
    frame = Frame(scale_of("linear", edges), scale_of("log", heights, n_tick=5), height=SPECTRUM_HEIGHT)
    pieces = []
    for i, (label, grid, density, colour, dash) in enumerate(drawn):
        x = frame.across(grid)
        y = frame.up(np.append(density, density[-1]))
        d = path_of(np.column_stack([x, y]), is_step=True)
        if i == 0:
            floor = f"V{frame.bottom:.0f}H{x[0]:.1f}Z"
            pieces.append(tag("path", d=d + floor, fill=colour, fill_opacity=0.12))
        pieces.append(tag("path", d=d, fill="none", stroke=colour, stroke_width=1.2, stroke_dasharray=dash))
        row = frame.top + 8.0 + 14.0 * i
        start = frame.right - 26.0 - LETTER * 11.0 * max(len(line[0]) for line in lines)
        pieces.append(
            tag(
                "path", d=f"M{start:.0f} {row:.0f}h20", stroke=colour, stroke_width=1.8, stroke_dasharray=dash
            )
        )
        pieces.append(tag("text", label, x=f"{start + 25:.0f}", y=f"{row + 4:.0f}", fill=INK, class_="halo"))
    return frame_svg(frame, "energy, keV", "counts per keV", join(*pieces), name=f"spectrum: {name}")


def picture_html(view: PictureView, *, name: str) -> Markup:
    """Return a picture with its boxes drawn on top.

    Parameters
    ----------
    view : PictureView
        The picture.
    name : str
        What it is, for those who cannot see it.

    Returns
    -------
    Markup
        The picture, boxes and labels; a sentence where the bytes are no PNG.
    """
    size = png_size(view.png)
    if size is None:
        return tag("p", f"No picture is shown: {len(view.png)} bytes that are no PNG.", class_="trouble")
    n_row, n_column = size
    shown = SHOWN_WIDE if _is_wide(view) else SHOWN
    zoom = shown / n_column
    data = base64.b64encode(view.png).decode("ascii")
    said = ", ".join(f"{kind} {n}" for kind, n in _counted(view.boxes))
    image = tag(
        "img",
        src=f"data:image/png;base64,{data}",
        width=n_column,
        height=n_row,
        alt=f"picture: {name}" + (f"; boxes: {said}" if said else ""),
        loading="lazy",
    )
    boxes = tag(
        "svg",
        *_boxes(view.boxes, zoom, shown, n_row * zoom),
        viewBox=f"0 0 {shown:.0f} {n_row * zoom:.1f}",
        preserveAspectRatio="none",
        aria_hidden="true",
    )
    return join(tag("div", image, boxes, class_="picture"), _key(view.boxes))


def png_size(data: bytes) -> tuple[int, int] | None:
    """Return rows and columns of a PNG.

    Parameters
    ----------
    data : bytes
        Its bytes.

    Returns
    -------
    tuple of int and int, or None
        None where these are no PNG (ISO/IEC 15948, 5.2 and 11.2.2).
    """
    if len(data) < 33 or data[:8] != b"\x89PNG\r\n\x1a\n" or data[12:16] != b"IHDR":
        return None
    n_column, n_row = struct.unpack(">II", data[16:24])
    return (n_row, n_column) if n_row and n_column else None


def _is_wide(view: PictureView) -> bool:
    size = png_size(view.png)
    return size is not None and (size[1] > 600 or size[1] > 2.6 * size[0])


def _per_kev(
    edges: NDArray[np.float64], counts: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return edges and counts per keV, neighbouring bins put together until a print can show them."""
    every = -(-counts.size // DRAWN_BINS)
    starts = np.arange(0, counts.size, every)
    summed = np.add.reduceat(np.nan_to_num(counts), starts)
    grid = np.append(edges[starts], edges[-1])
    return grid, summed / np.diff(grid)


def _counted(boxes: Iterable[Box]) -> list[tuple[str, int]]:
    kinds = [box.kind for box in boxes]
    return [(kind, kinds.count(kind)) for kind in BOX_PENS if kind in kinds]


def _boxes(boxes: Sequence[Box], zoom: float, width: float, height: float) -> list[Markup]:
    frames = [
        _Frame(
            min(box.col0, box.col1) * zoom,
            min(box.row0, box.row1) * zoom,
            max(box.col0, box.col1) * zoom,
            max(box.row0, box.row1) * zoom,
        )
        for box in boxes
    ]
    pieces, labels = [], list[_Frame]()
    for box, frame in zip(boxes, frames, strict=True):
        pen = BOX_PENS[box.kind]
        shape = {
            "x": f"{frame.x0:.1f}",
            "y": f"{frame.y0:.1f}",
            "width": f"{frame.x1 - frame.x0:.1f}",
            "height": f"{frame.y1 - frame.y0:.1f}",
            "fill": "none",
        }
        # Dark below, bright above: seen on white air and on black cargo, in colour or not.
        pieces.append(tag("rect", **shape, stroke="#000", stroke_width=4, stroke_opacity=0.65))
        dash = pen.dash or None
        pieces.append(tag("rect", **shape, stroke=pen.colour, stroke_width=2, stroke_dasharray=dash))
    for box, frame in zip(boxes, frames, strict=True):
        label = f"{box.kind}: {_score(box.label)}" if box.label else box.kind
        place = _free(LETTER * LABEL * len(label), frame, frames, labels, width, height)
        labels.append(place)
        where = {"x": f"{place.x0:.1f}", "y": f"{place.y1 - 2.0:.1f}"}
        colour = BOX_PENS[box.kind].colour
        pieces.append(tag("text", label, **where, fill=colour, font_size=LABEL, class_="box"))
    return pieces


def _score(label: str) -> str:
    """Return a label; a score with three digits, as all others on the picture."""
    try:
        value = float(label)
    except ValueError:
        return label
    if not np.isfinite(value):
        return label
    return f"{value:.0f}" if abs(value) >= 100.0 else f"{value:#.3g}"


def _free(
    size: float,
    frame: _Frame,
    frames: Sequence[_Frame],
    labels: Sequence[_Frame],
    width: float,
    height: float,
) -> _Frame:
    """Return where a label covers least: above its box or below it, from its left or to its right."""
    places = []
    for i in range(5):
        for top in (frame.y0 - LABEL * (i + 1) - 4.0, frame.y1 + LABEL * i + 3.0):
            for left in (frame.x0, frame.x1 - size):
                x = float(np.clip(left, 2.0, max(2.0, width - size - 2.0)))
                y = float(np.clip(top, 1.0, max(1.0, height - LABEL - 3.0)))
                places.append(_Frame(x, y, x + size, y + LABEL + 2.0))

    def _covered(place: _Frame) -> float:
        return sum(10.0 * place.common(other) for other in labels) + sum(place.common(f) for f in frames)

    return min(places, key=_covered)


def _key(boxes: Iterable[Box]) -> Markup | None:
    found = _counted(boxes)
    if not found:
        return None
    entries = [
        tag(
            "span",
            tag(
                "svg",
                tag("rect", x=1, y=1, width=20, height=10, fill="#444"),
                tag(
                    "rect",
                    x=2,
                    y=2,
                    width=18,
                    height=8,
                    fill="none",
                    stroke=BOX_PENS[kind].colour,
                    stroke_width=2,
                    stroke_dasharray=BOX_PENS[kind].dash or None,
                ),
                viewBox="0 0 22 12",
                width=22,
                height=12,
                aria_hidden="true",
            ),
            f" {kind} {n}{EXPLAINED.get(kind, '')}",
        )
        for kind, n in found
    ]
    return tag("div", *entries, class_="key")
