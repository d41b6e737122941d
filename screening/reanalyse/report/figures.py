"""Spectra and count-rate profiles as inline SVG, drawn by matplotlib (extra ``report``)."""

from __future__ import annotations

import io
import re
from importlib import import_module
from typing import Any

import numpy as np
from numpy.typing import NDArray

from screening.errors import ConfigurationError
from screening.physics import nuclide
from screening.records import RadiationMeasurements

from .markup import Markup

__all__ = ["profile_figure", "require_matplotlib", "spectrum_figure"]

INK = "#22303c"
MUTED = "#6b7a86"
GRID = "#e4e9ed"
COUNTS = "#1f6fb4"
ALARM = "#a50026"
BACKGROUND = "#8a97a1"
UNNAMED = "#8d6e63"
# Okabe and Ito's colours without the yellow that vanishes on white; the order puts the most distinct first.
SERIES = ("#d55e00", "#009e73", "#cc79a7", "#0072b2", "#e69f00", "#56b4e9")
ENERGY_RANGE_KEV = (30.0, 3000.0)
DISPLAY_BINS = (96, 420)  # fewest and most; about 30 counts each between them, so that noise stays readable
LABELLED_LINES = 6
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")

STYLE = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": 8.5,
    "svg.fonttype": "none",
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.7,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "text.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.7,
    "path.simplify": True,
    "path.simplify_threshold": 0.2,
}


def require_matplotlib() -> Any:
    """Return matplotlib.

    Returns
    -------
    module
        matplotlib.

    Raises
    ------
    ConfigurationError
        If it is not installed.
    """
    try:
        return import_module("matplotlib")
    except ImportError:
        raise ConfigurationError(
            "reports need matplotlib: install screening with the extra 'report'", value="matplotlib"
        ) from None


def profile_figure(
    products: dict[str, NDArray[Any]], measurements: RadiationMeasurements | None, *, name: str
) -> Markup | None:
    """Return the count rate over the pass, with background and alarm threshold.

    Parameters
    ----------
    products : dict of str to ndarray
        ``t_s`` and ``rate_cps`` (k,); ``background_cps``, ``threshold_cps`` (scalars); the same with
        ``neutron_``.
    measurements : RadiationMeasurements or None
        Background rate, where the products hold none.
    name : str
        Unique in the page.

    Returns
    -------
    Markup or None
        None where there is nothing to draw.
    """
    t, rate = products.get("t_s"), products.get("rate_cps")
    if t is None or rate is None or len(t) < 2:
        return None
    neutron_t, neutron = products.get("neutron_t_s"), products.get("neutron_cps")
    has_neutrons = neutron_t is not None and neutron is not None and len(neutron_t) > 1
    gamma = measurements.gamma if measurements is not None else None
    background = _scalar(products.get("background_cps"), gamma.background_cps if gamma else None)
    threshold = _scalar(products.get("threshold_cps"), None)
    figure, axes = _figure(2 if has_neutrons else 1)
    _profile(axes[0], t, rate, background, threshold)
    axes[0].set_ylabel("gamma counts/s")
    if neutron_t is not None and neutron is not None and has_neutrons:
        measured = measurements.neutron if measurements is not None else None
        background = _scalar(
            products.get("neutron_background_cps"), measured.background_cps if measured else None
        )
        _profile(
            axes[1], neutron_t, neutron, background, _scalar(products.get("neutron_threshold_cps"), None)
        )
        axes[1].set_ylabel("neutrons/s")
        axes[1].yaxis.set_major_locator(import_module("matplotlib.ticker").MaxNLocator(3))
    axes[-1].set_xlabel("time, s")
    return _svg(figure, name, "Count rate over the pass, with background and alarm threshold")


def spectrum_figure(
    products: dict[str, NDArray[Any]], measurements: RadiationMeasurements | None, *, name: str
) -> Markup | None:
    """Return the spectrum with its background, the fitted components and the named peaks.

    Parameters
    ----------
    products : dict of str to ndarray
        ``energy_edges_kev`` (n + 1,), ``spectrum`` (n,) counts, and where there are any
        ``background_spectrum`` (n,), ``fit`` (n,), ``component/<label>`` (n,).
    measurements : RadiationMeasurements or None
        The nuclides whose peaks are named.
    name : str
        Unique in the page.

    Returns
    -------
    Markup or None
        None where there is nothing to draw.
    """
    edges, spectrum = products.get("energy_edges_kev"), products.get("spectrum")
    if edges is None or spectrum is None or edges.shape != (len(spectrum) + 1,):
        return None
    low, high = max(ENERGY_RANGE_KEV[0], float(edges[0])), min(ENERGY_RANGE_KEV[1], float(edges[-1]))
    if not high > low:
        return None
    n_bin = int(np.clip(np.nansum(spectrum) / 30, *DISPLAY_BINS))
    grid = np.linspace(np.sqrt(low), np.sqrt(high), min(n_bin, len(spectrum)) + 1) ** 2
    figure, (axis,) = _figure(1)
    measured = _per_kev(edges, spectrum, grid)
    shown = np.append(measured, measured[-1])
    axis.fill_between(grid, shown, step="post", color="#cfe0ef", lw=0)
    axis.step(grid, shown, where="post", color=COUNTS, lw=0.9, label="measured")
    components = {
        key.split("/", 1)[1]: value for key, value in products.items() if key.startswith("component/")
    }
    if "background_spectrum" in products:
        components.pop("background", None)
    named = [found.nuclide for found in measurements.nuclides] if measurements is not None else []
    colours = {label: SERIES[i % len(SERIES)] for i, label in enumerate(named)}
    # What the fit used and nobody named is one curve: a label in a legend would read like a finding.
    fitted = {label: values for label, values in components.items() if values.shape == spectrum.shape}
    unnamed = [values for label, values in fitted.items() if label not in named]
    curves = [
        ("background", products.get("background_spectrum"), BACKGROUND),
        ("everything else in the fit", np.sum(unnamed, axis=0) if unnamed else None, UNNAMED),
        ("fit", products.get("fit"), INK),
        *((label, fitted.get(label), colours[label]) for label in named[: len(SERIES)]),
    ]
    for label, values, colour in curves:
        if values is not None and values.shape == spectrum.shape:
            curve = _per_kev(edges, values, grid)
            curve = np.where(curve > 0, curve, np.nan)
            axis.step(grid, np.append(curve, curve[-1]), where="post", color=colour, lw=1.0, label=label)
    axis.set_yscale("log")
    axis.yaxis.set_major_formatter(_power)
    axis.yaxis.set_minor_formatter(import_module("matplotlib.ticker").NullFormatter())
    positive = measured[measured > 0]
    if positive.size:
        top = float(positive.max())
        bottom = max(float(np.quantile(positive, 0.02)) * 0.4, top * 1e-6)
        # Names of peaks stand upright above them: they need a third of the height.
        axis.set_ylim(bottom, top * (top / bottom) ** (0.42 if named else 0.2))
    axis.set_xlim(low, high)
    _name_peaks(axis, named, colours, measured, grid)
    axis.set_xlabel("energy, keV")
    axis.set_ylabel("counts per keV")
    axis.legend(frameon=False, fontsize=7.5, ncols=2, loc="upper right", handlelength=1.4, columnspacing=1.2)
    return _svg(figure, name, "Gamma spectrum with background, fitted components and named peaks")


def _figure(n_row: int) -> tuple[Any, list[Any]]:
    matplotlib = require_matplotlib()
    with matplotlib.rc_context(STYLE):
        figure = import_module("matplotlib.figure").Figure(figsize=(5.6, 2.75))
        # Placed by hand: an automatic layout draws everything twice to measure it.
        axes = [figure.add_axes((0.105, 0.155, 0.868, 0.825))]
        if n_row == 2:
            axes[0].set_position((0.105, 0.465, 0.868, 0.515))
            axes.append(figure.add_axes((0.105, 0.155, 0.868, 0.22), sharex=axes[0]))
            axes[0].tick_params(labelbottom=False)
        for axis in axes:
            axis.yaxis.set_label_coords(-0.09, 0.5)
    return figure, axes


def _profile(
    axis: Any, t: NDArray[Any], rate: NDArray[Any], background: float | None, threshold: float | None
) -> None:
    step = np.append(np.diff(t), np.median(np.diff(t)))
    times, rates = np.append(t, t[-1] + step[-1]), np.append(rate, rate[-1])
    axis.fill_between(times, rates, step="post", color="#cfe0ef", lw=0)
    axis.step(times, rates, where="post", color=COUNTS, lw=1.0)
    highest = float(np.nanmax(rate)) if np.isfinite(rate).any() else 1.0
    for level, colour, text, style in (
        (background, MUTED, "background", (0, (5, 3))),
        (threshold, ALARM, "alarm threshold", "-"),
    ):
        if level is not None:
            value = f"{level:,.0f}" if level >= 10 else f"{level:.2g}"
            axis.axhline(level, color=colour, lw=1.0, ls=style, label=f"{text} {value}")
    if threshold is not None:
        over = np.append(rate > threshold, rate[-1] > threshold)
        axis.fill_between(times, rates, threshold, where=over, step="post", color=ALARM, alpha=0.55, lw=0)
    axis.set_ylim(0, 1.32 * max(highest, threshold or 0.0, background or 0.0, 1e-9))
    if background is not None or threshold is not None:
        axis.legend(
            frameon=False, fontsize=7.5, ncols=2, loc="upper left", borderaxespad=0.2, handlelength=1.8
        )
    axis.set_xlim(times[0], times[-1])
    axis.yaxis.set_major_formatter(_short)


def _name_peaks(
    axis: Any,
    named: list[str],
    colours: dict[str, str],
    measured: NDArray[np.float64],
    grid: NDArray[np.float64],
) -> None:
    taken: list[float] = []
    low, high = float(grid[0]), float(grid[-1])
    for label in named:
        for energy in _strong_lines(label)[:LABELLED_LINES]:
            # Two names closer than this would run into each other.
            if not low < energy < high or any(abs(energy - other) < 0.028 * (high - low) for other in taken):
                continue
            taken.append(energy)
            index = int(np.clip(np.searchsorted(grid, energy) - 1, 0, len(measured) - 1))
            height = float(measured[max(0, index - 2) : index + 3].max())
            if height <= 0:
                continue
            axis.annotate(
                f"{label} {energy:.0f}",
                (energy, height),
                xytext=(0, 13),
                textcoords="offset points",
                rotation=90,
                ha="center",
                va="bottom",
                fontsize=7,
                color=colours[label],
                arrowprops={"arrowstyle": "-", "color": colours[label], "lw": 0.7, "shrinkB": 2},
            )


def _strong_lines(label: str) -> list[float]:
    try:
        lines = nuclide(label).lines
    except ValueError:
        return []  # a group or a material: its members' peaks are not its own
    found = sorted(((intensity, energy) for energy, intensity in lines if energy >= 40.0), reverse=True)
    strongest = found[0][0] if found else 0.0
    return [energy for intensity, energy in found if intensity >= 0.08 * strongest]


def _per_kev(edges: NDArray[Any], counts: NDArray[Any], grid: NDArray[np.float64]) -> NDArray[np.float64]:
    cumulative = np.concatenate([[0.0], np.cumsum(np.nan_to_num(np.asarray(counts, dtype=np.float64)))])
    return np.asarray(np.diff(np.interp(grid, edges, cumulative)) / np.diff(grid), dtype=np.float64)


def _short(value: float, _position: int) -> str:
    return f"{value / 1000:g}k" if abs(value) >= 10_000 else f"{value:g}"


def _power(value: float, _position: int) -> str:
    # Written in plain text: mathematical type costs more time than the rest of the figure.
    exponent = round(np.log10(value)) if value > 0 else 0
    return {0: "1", 1: "10"}.get(exponent, "10" + str(exponent).translate(SUPERSCRIPTS))


def _scalar(value: NDArray[Any] | None, otherwise: float | None) -> float | None:
    if value is None or np.size(value) != 1:
        return otherwise
    number = float(np.reshape(value, ()))
    return number if np.isfinite(number) else otherwise


def _svg(figure: Any, name: str, title: str) -> Markup:
    matplotlib = require_matplotlib()
    stream = io.StringIO()
    canvas = import_module("matplotlib.backends.backend_svg").FigureCanvasSVG(figure)
    figure.patch.set_alpha(0)
    with matplotlib.rc_context({**STYLE, "svg.hashsalt": name}):
        canvas.print_svg(stream, metadata=dict.fromkeys(("Date", "Creator")))
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    # Several drawings share one page: every id carries the name of its drawing.
    text = re.sub(r'\bid="', f'id="{name}-', text)
    text = re.sub(r"url\(#", f"url(#{name}-", text)
    text = re.sub(r'xlink:href="#', f'xlink:href="#{name}-', text)
    text = re.sub(r"<svg ([^>]*?)\bwidth=\"[^\"]*\" height=\"[^\"]*\"|<svg ", r"<svg \1", text, count=1)
    text = re.sub(r'(<svg [^>]*?)\s(?:width|height)="[\d.]+pt"', r"\1", text)
    text = re.sub(r'(<svg [^>]*?)\s(?:width|height)="[\d.]+pt"', r"\1", text)
    return Markup(text.replace("<svg ", f'<svg class="figure" role="img" aria-label="{title}" ', 1).strip())
