"""Curves as inline SVG: axes, ticks, lines, bands and a legend, all from the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from screening.evaluate.record import Curve, Series

from .html import Markup, join, tag
from .ink import GRID, INK, MUTED, Pen
from .scales import Scale, scale_of

__all__ = ["Frame", "curve_svg", "frame_svg", "mark_svg", "path_of", "points_of"]

WIDTH, HEIGHT = 420.0, 270.0
LEFT, RIGHT, TOP, BOTTOM = 56.0, 18.0, 10.0, 42.0
FONT = 11.0
LETTER = 0.56  #: mean width of a letter in heights
LEGEND_LINE = 16.0
FEW_POINTS = 12  #: so few points of a line are marked each, and have bars instead of a band
BAR_APART = 2.2
LINE = 1.8
THICK = (3.2, 1.4)  #: of the first and the last line: one that lies on another hides it not
N_MARK = 5  #: marks along a line, where it has no points of its own


class Frame:
    """The rectangle a curve is drawn in.

    Parameters
    ----------
    x, y : Scale
        Axes.
    height : float
        Of the whole picture without its legend.
    """

    def __init__(self, x: Scale, y: Scale, *, height: float = HEIGHT) -> None:
        self.x, self.y, self.height = x, y, height
        self.left, self.right = LEFT, WIDTH - RIGHT
        self.top, self.bottom = TOP, height - BOTTOM

    def across(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where values stand along x.

        Parameters
        ----------
        values : ndarray of float64
            Numbers.

        Returns
        -------
        ndarray of float64
            In the picture's units.
        """
        return self.left + (self.right - self.left) * self.x.place(values)

    def up(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return where values stand along y.

        Parameters
        ----------
        values : ndarray of float64
            Numbers.

        Returns
        -------
        ndarray of float64
            In the picture's units.
        """
        return self.bottom - (self.bottom - self.top) * self.y.place(values)


def curve_svg(curve: Curve, pens: Mapping[str, Pen]) -> Markup:
    """Return a curve as a picture.

    Parameters
    ----------
    curve : Curve
        Its numbers.
    pens : mapping of str to Pen
        For each name of a series.

    Returns
    -------
    Markup
        One ``<svg>``.
    """
    own = _own_pens(curve, pens)
    drawn = [(series, own[series.name], _arrays(series)) for series in curve.series]
    xs = np.concatenate([arrays[0] for _, _, arrays in drawn] or [np.empty(0)])
    ys = np.concatenate([array for _, _, arrays in drawn for array in arrays[1:]] or [np.empty(0)])
    frame = Frame(scale_of(curve.x_scale, xs), scale_of(curve.y_scale, ys))
    # Bars of several lines at one x stand beside each other, a little apart.
    shift = [BAR_APART * (i - 0.5 * (len(drawn) - 1)) for i in range(len(drawn))]
    marks = [_band(frame, *item, shift=by) for item, by in zip(drawn, shift, strict=True)]
    widths = np.linspace(*THICK, len(drawn)) if len(drawn) > 1 else [LINE]
    marks += [
        _line(frame, series, pen, arrays, width=float(width))
        for (series, pen, arrays), width in zip(drawn, widths, strict=True)
    ]
    legend, legend_height = _legend([(series, pen) for series, pen, _ in drawn])
    return frame_svg(
        frame,
        curve.x_label,
        curve.y_label,
        join(*marks, legend),
        more_height=legend_height,
        name=f"{curve.title}: {curve.y_label} against {curve.x_label}; "
        + ", ".join(series.name for series in curve.series),
    )


def _own_pens(curve: Curve, pens: Mapping[str, Pen]) -> dict[str, Pen]:
    """Return pens in which a line through someone's points is drawn as theirs, without marks."""
    found = {series.name: pens[series.name] for series in curve.series}
    for series in curve.series:
        for other in curve.series:
            is_of = series.name.startswith((f"{other.name},", f"{other.name} ", f"{other.name}:"))
            if is_of and series.style != "points" and other.style == "points":
                found[series.name] = pens[other.name]._replace(mark="")
    return found


def frame_svg(
    frame: Frame, x_label: str, y_label: str, content: Markup, *, more_height: float = 0.0, name: str
) -> Markup:
    """Return a picture with axes around its content.

    Parameters
    ----------
    frame : Frame
        The rectangle.
    x_label, y_label : str
        With units.
    content : Markup
        What is drawn in it.
    more_height : float
        Room below the axis.
    name : str
        What it shows, for those who cannot see it.

    Returns
    -------
    Markup
        One ``<svg>``.
    """
    middle = 0.5 * (frame.top + frame.bottom)
    return tag(
        "svg",
        _axes(frame),
        content,
        tag(
            "text",
            x_label,
            x=_n(0.5 * (frame.left + frame.right)),
            y=_n(frame.bottom + 33.0),
            text_anchor="middle",
            fill=INK,
        ),
        tag(
            "text",
            y_label,
            x=0,
            y=0,
            transform=f"translate(12 {_n(middle)}) rotate(-90)",
            text_anchor="middle",
            fill=INK,
            **_squeezed(y_label, frame.bottom - frame.top + 12.0),
        ),
        class_="plot",
        viewBox=f"0 0 {WIDTH:.0f} {frame.height + more_height:.0f}",
        role="img",
        aria_label=name,
    )


def points_of(x: NDArray[np.float64], y: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Return the pieces of a line between its gaps, without points that cannot be told apart.

    Parameters
    ----------
    x, y : ndarray of shape (n,), float64
        In the picture's units; NaN is a gap.

    Returns
    -------
    list of ndarray of shape (k, 2), float64
        Pieces. Of many points within one unit of x, the first, lowest, highest and last are kept.
    """
    known = np.isfinite(x) & np.isfinite(y)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], known.astype(np.int8), [0]])))
    pieces = []
    for first, end in zip(edges[::2], edges[1::2], strict=True):
        points = np.column_stack([x[first:end], y[first:end]])
        pieces.append(points if len(points) <= 300 else points[_kept(points)])
    return pieces


def path_of(points: NDArray[np.float64], *, is_step: bool = False) -> str:
    """Return a path through points.

    Parameters
    ----------
    points : ndarray of shape (k, 2), float64
        In the picture's units.
    is_step : bool
        Across, then up, instead of straight.

    Returns
    -------
    str
        The ``d`` of a path.
    """
    if not is_step:
        return "M" + "L".join(f"{_n(x)} {_n(y)}" for x, y in points)
    pieces = [f"M{_n(points[0, 0])} {_n(points[0, 1])}"]
    for (x, y), (_, before) in zip(points[1:], points[:-1], strict=True):
        pieces.append(f"H{_n(x)}" + ("" if _n(y) == _n(before) else f"V{_n(y)}"))
    return "".join(pieces)


def mark_svg(kind: str, x: float, y: float, colour: str, *, size: float = 3.2) -> Markup:
    """Return a mark.

    Parameters
    ----------
    kind : {"circle", "square", "triangle", "diamond", "down", "plus", "cross"}
        Its shape.
    x, y : float
        Its middle.
    colour : str
        Its colour.
    size : float
        Half its width.

    Returns
    -------
    Markup
        A path or a circle.
    """
    if kind == "circle":
        return tag("circle", cx=_n(x), cy=_n(y), r=_n(size * 0.9), fill=colour)
    if kind in ("plus", "cross"):
        s = size if kind == "plus" else size * 0.8
        arms = (
            f"M{_n(-s)} 0H{_n(s)}M0 {_n(-s)}V{_n(s)}"
            if kind == "plus"
            else f"M{-s} {-s}L{s} {s}M{-s} {s}L{s} {-s}"
        )
        return tag("path", d=arms, transform=f"translate({_n(x)} {_n(y)})", stroke=colour, stroke_width=1.5)
    corners = {
        "square": ((-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)),
        "triangle": ((0, -1.1), (1, 0.8), (-1, 0.8)),
        "down": ((0, 1.1), (1, -0.8), (-1, -0.8)),
        "diamond": ((0, -1.2), (1.1, 0), (0, 1.2), (-1.1, 0)),
    }[kind]
    d = "M" + "L".join(f"{_n(x + size * dx)} {_n(y + size * dy)}" for dx, dy in corners) + "Z"
    return tag("path", d=d, fill=colour)


def _axes(frame: Frame) -> Markup:
    pieces = [
        tag(
            "path",
            d=f"M{_n(frame.left)} {_n(frame.top)}V{_n(frame.bottom)}H{_n(frame.right)}",
            fill="none",
            stroke=MUTED,
            stroke_width=1,
        )
    ]
    xs = frame.across(np.array([tick.value for tick in frame.x.ticks]))
    for x, tick in zip(xs, frame.x.ticks, strict=True):
        if tick.label:
            pieces.append(_grid(f"M{_n(x)} {_n(frame.top)}V{_n(frame.bottom)}"))
            label = tag(
                "text", tick.label, x=_n(x), y=_n(frame.bottom + 16), text_anchor="middle", class_="tick"
            )
            pieces.append(label)
        length = 4 if tick.label else 2.5
        pieces.append(tag("path", d=f"M{_n(x)} {_n(frame.bottom)}v{length}", stroke=MUTED))
    ys = frame.up(np.array([tick.value for tick in frame.y.ticks]))
    for y, tick in zip(ys, frame.y.ticks, strict=True):
        if tick.label:
            pieces.append(_grid(f"M{_n(frame.left)} {_n(y)}H{_n(frame.right)}"))
            label = tag(
                "text", tick.label, x=_n(frame.left - 7), y=_n(y + 3.7), text_anchor="end", class_="tick"
            )
            pieces.append(label)
        length = 4 if tick.label else 2.5
        pieces.append(tag("path", d=f"M{_n(frame.left)} {_n(y)}h{-length}", stroke=MUTED))
    return join(*pieces)


def _squeezed(label: str, room: float) -> dict[str, str]:
    """Return attributes that make a long label fit."""
    if LETTER * FONT * len(label) <= room:
        return {}
    return {"textLength": f"{room:.0f}", "lengthAdjust": "spacingAndGlyphs"}


def _grid(d: str) -> Markup:
    return tag("path", d=d, stroke=GRID, stroke_width=0.8, fill="none")


def _arrays(series: Series) -> list[NDArray[np.float64]]:
    wanted = [series.x, series.y]
    if series.low and series.high:
        wanted += [series.low, series.high]
    arrays = [np.array([np.nan if v is None else v for v in values], dtype=np.float64) for values in wanted]
    return [np.where(np.isfinite(values), values, np.nan) for values in arrays]


def _band(
    frame: Frame, series: Series, pen: Pen, arrays: Sequence[NDArray[np.float64]], *, shift: float
) -> Markup:
    if len(arrays) < 4:
        return Markup("")
    x, low, high = frame.across(arrays[0]), frame.up(arrays[2]), frame.up(arrays[3])
    if series.style == "points" or x.size <= FEW_POINTS:
        bars = "".join(
            f"M{_n(a + shift)} {_n(b)}V{_n(c)}"
            for a, b, c in zip(x, low, high, strict=True)
            if np.isfinite(a + b + c)
        )
        return tag("path", d=bars, stroke=pen.colour, stroke_width=1.1, fill="none") if bars else Markup("")
    both = np.isfinite(low) & np.isfinite(high)
    lows = points_of(x, np.where(both, low, np.nan))
    highs = points_of(x, np.where(both, high, np.nan))
    is_step = series.style == "step"
    d = "".join(
        path_of(upper, is_step=is_step) + "L" + path_of(_stepped(lower, is_step=is_step)[::-1])[1:] + "Z"
        for lower, upper in zip(lows, highs, strict=True)
    )
    return tag("path", d=d, fill=pen.colour, fill_opacity=0.13) if d else Markup("")


def _stepped(points: NDArray[np.float64], *, is_step: bool) -> NDArray[np.float64]:
    """Return the corners of a step line, so that it can be walked backwards."""
    if not is_step or len(points) < 2:
        return points
    corners = np.column_stack([points[1:, 0], points[:-1, 1]])
    walked = np.empty((2 * len(points) - 1, 2))
    walked[::2], walked[1::2] = points, corners
    return walked


def _line(
    frame: Frame, series: Series, pen: Pen, arrays: Sequence[NDArray[np.float64]], *, width: float
) -> Markup:
    x, y = frame.across(arrays[0]), frame.up(arrays[1])
    known = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    if series.style == "points":
        return join(*(mark_svg(pen.mark, x[i], y[i], pen.colour) for i in known))
    is_step = series.style == "step"
    d = "".join(path_of(points, is_step=is_step) for points in points_of(x, y))
    if not d:
        return Markup("")
    line = tag(
        "path",
        d=d,
        fill="none",
        stroke=pen.colour,
        stroke_width=_n(width),
        stroke_dasharray=pen.dash or None,
        stroke_linejoin="round",
    )
    if not pen.mark:
        return line
    if known.size <= FEW_POINTS:
        return join(line, *(mark_svg(pen.mark, x[i], y[i], pen.colour) for i in known))
    # Few marks on each line, spread by its length on paper: they tell lines apart without colour.
    walked = np.concatenate([[0.0], np.cumsum(np.hypot(np.diff(x[known]), np.diff(y[known])))])
    wanted = np.linspace(0.08, 0.92, N_MARK) * walked[-1]
    chosen = dict.fromkeys(int(known[i]) for i in np.minimum(np.searchsorted(walked, wanted), len(known) - 1))
    return join(line, *(mark_svg(pen.mark, x[i], y[i], pen.colour, size=2.9) for i in chosen))


def _legend(entries: Sequence[tuple[Series, Pen]]) -> tuple[Markup, float]:
    if not entries:
        return Markup(""), 0.0
    x, y, pieces = LEFT, HEIGHT + 4.0, []
    for series, pen in entries:
        width = 46.0 + LETTER * FONT * len(series.name)
        if x > LEFT and x + width > WIDTH - RIGHT:
            x, y = LEFT, y + LEGEND_LINE
        if series.style != "points":
            pieces.append(
                tag(
                    "path",
                    d=f"M{_n(x)} {_n(y)}h24",
                    stroke=pen.colour,
                    stroke_width=LINE,
                    stroke_dasharray=pen.dash or None,
                    fill="none",
                )
            )
        if pen.mark:
            pieces.append(mark_svg(pen.mark, x + 12.0, y, pen.colour))
        pieces.append(tag("text", series.name, x=_n(x + 29.0), y=_n(y + 3.7), fill=INK))
        x += width
    return join(*pieces), y - HEIGHT + 10.0


def _kept(points: NDArray[np.float64]) -> NDArray[np.int64]:
    column = np.floor(points[:, 0]).astype(np.int64)
    starts = np.flatnonzero(np.concatenate([[True], np.diff(column) != 0]))
    ends = np.append(starts[1:], len(points))
    kept = {0, len(points) - 1}
    for first, end in zip(starts.tolist(), ends.tolist(), strict=True):
        y = points[first:end, 1]
        kept |= {first, end - 1, first + int(y.argmin()), first + int(y.argmax())}
    return np.array(sorted(kept), dtype=np.int64)


def _n(value: float) -> str:
    found = f"{value:.1f}"
    return found[:-2] if found.endswith(".0") else found
