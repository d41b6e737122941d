from __future__ import annotations

import re

import numpy as np
import pytest
from lxml import etree
from scipy import stats

from screening.evaluate.record import Box, Curve, PictureView, Series, SpectrumView
from screening.evaluate.report.ink import COLOURS, pens
from screening.evaluate.report.samples import picture_html, png_size, spectrum_svg
from screening.evaluate.report.scales import scale_of
from screening.evaluate.report.sections import curve_html
from screening.evaluate.report.svg import curve_svg, points_of


@pytest.mark.parametrize(
    ("kind", "values", "labels"),
    [
        ("linear", [0.0, 1.0], ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        ("linear", [3.0, 97.0], ["0", "20", "40", "60", "80", "100"]),
        ("linear", [-2.0, 3.0], ["-2", "-1", "0", "1", "2", "3"]),
        ("linear", [0.0, 0.0], ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        ("linear", [3.0, 3.0], ["0.0", "0.5", "1.0", "1.5", "2.0", "2.5", "3.0"]),
        ("linear", [-3.0, -3.0], ["-3.0", "-2.5", "-2.0", "-1.5", "-1.0", "-0.5", "0.0"]),
        ("log", [2.0, 700.0], ["10", "100"]),
        ("log", [1e-5, 0.1], ["10⁻⁵", "10⁻⁴", "0.001", "0.01", "0.1"]),
        ("log", [110.0, 800.0], ["100", "200", "500"]),
    ],
)
def test_ticks_are_round_numbers(kind, values, labels):
    scale = scale_of(kind, np.array(values))
    assert [tick.label for tick in scale.ticks if tick.label] == labels
    assert scale.low <= min(values)
    assert scale.high >= max(values)


def test_a_probit_axis_is_even_in_normal_deviates():
    scale = scale_of("probit", np.array([0.001, 0.9]))
    at = scale.place(np.array([0.01, 0.5, 0.9]))
    deviates = stats.norm.ppf([0.01, 0.5, 0.9])
    assert np.diff(at)[0] / np.diff(at)[1] == pytest.approx(np.diff(deviates)[0] / np.diff(deviates)[1])
    labels = [tick.label for tick in scale.ticks]
    assert labels[0] == "0.001"
    assert len(labels) <= 11


@pytest.mark.parametrize("kind", ["linear", "log", "probit"])
@pytest.mark.parametrize("values", [[], [0.3], [0.0, 0.0], [np.nan, 0.5]])
def test_an_axis_stands_on_any_numbers(kind, values):
    scale = scale_of(kind, np.array(values, dtype=float))
    assert scale.high > scale.low
    assert np.isfinite(scale.place(np.array([scale.low, scale.high]))).all()


def test_ends_are_zero_and_one_and_what_lies_beyond_stands_on_them():
    scale = scale_of("log", np.array([1.0, 1000.0]))
    assert scale.place(np.array([0.0, 1.0, 1000.0, 1e9])).tolist() == [0.0, 0.0, 1.0, 1.0]


def numbers(svg):
    return [float(number) for number in re.findall(r"-?\d+\.?\d*", svg)]


def test_a_curve_stands_where_its_numbers_say():
    curve = Curve(
        section="s",
        title="t",
        x_label="x",
        y_label="y",
        series=(Series(name="a", x=(0.0, 0.5, 1.0), y=(0.0, 1.0, 0.5)),),
    )
    root = etree.fromstring(curve_svg(curve, pens(["a"])))
    line = next(p.get("d") for p in root.iter("path") if p.get("stroke-width") == "1.8")
    x0, y0, x1, y1, x2, y2 = numbers(line)
    assert x1 == pytest.approx(0.5 * (x0 + x2), abs=0.1)
    assert y2 == pytest.approx(0.5 * (y0 + y1), abs=0.1)
    assert y0 > y1  # up is less on paper
    assert root.get("role") == "img"
    assert "a" in root.get("aria-label")


def test_a_gap_parts_a_line_and_a_long_line_keeps_its_extremes():
    x = np.linspace(0.0, 400.0, 50_001)
    y = np.sin(x)
    y[25_000] = 55.0
    y[30_000:30_010] = np.nan
    pieces = points_of(x, y)
    assert len(pieces) == 2
    assert sum(len(piece) for piece in pieces) < 1700
    assert pieces[0][:, 1].max() == 55.0
    assert pieces[0][0].tolist() == [x[0], y[0]]
    assert pieces[1][-1].tolist() == [x[-1], y[-1]]


def test_no_two_lines_of_a_page_are_drawn_alike():
    names = [str(i) for i in range(49)]
    drawn = pens(names)
    assert len(set(drawn.values())) == 49
    assert len({(pen.dash, pen.mark) for pen in list(drawn.values())[: len(COLOURS)]}) == len(COLOURS)


def luminance(colour):
    """Relative luminance after WCAG 2.2."""
    parts = (int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("colour", COLOURS)
def test_every_colour_is_seen_on_white(colour):
    assert 1.05 / (luminance(colour) + 0.05) >= 3.0


def test_a_fit_is_drawn_in_the_colour_of_its_points():
    points = Series(name="nmf", x=(1.0, 2.0), y=(0.1, 0.9), low=(0.0, 0.8), high=(0.2, 1.0), style="points")
    fit = Series(name="nmf, fit", x=(1.0, 2.0), y=(0.1, 0.9))
    curve = Curve(section="s", title="t", x_label="x", y_label="y", series=(points, fit))
    drawn = pens(["nmf", "nmf, fit"])
    svg = curve_svg(curve, drawn)
    assert svg.count("V") >= 2  # bars
    assert drawn["nmf"].colour in svg
    assert drawn["nmf, fit"].colour not in svg


def test_what_an_axis_cannot_show_is_counted():
    series = Series(name="a", x=(0.0, 0.1, 1.0), y=(0.0, 0.5, 1.0))
    curve = Curve(
        section="s", title="t", x_label="x", y_label="y", series=(series,), x_scale="log", y_scale="probit"
    )
    assert "3 coordinates that such an axis cannot show" in curve_html(curve, pens(["a"]))
    plain = Curve(section="s", title="t", x_label="x", y_label="y", series=(series,))
    assert "cannot show" not in curve_html(plain, pens(["a"]))


def test_a_spectrum_keeps_its_counts_when_bins_are_put_together():
    edges = np.linspace(0.0, 3000.0, 4097)
    view = SpectrumView(
        energy_kev=tuple(edges), counts=tuple(np.full(4096, 5.0)), model=tuple(np.full(4096, 4.0))
    )
    svg = spectrum_svg(view, name="n")
    assert len(svg) < 40_000
    etree.fromstring(svg)
    assert "model" in svg


@pytest.mark.parametrize(
    "view",
    [
        SpectrumView(energy_kev=(0.0, 1.0), counts=(1.0, 2.0)),
        SpectrumView(energy_kev=(0.0, 2.0, 1.0), counts=(1.0, 2.0)),
        SpectrumView(energy_kev=(), counts=()),
    ],
)
def test_a_spectrum_that_is_none_is_named(view):
    assert "No spectrum is drawn" in spectrum_svg(view, name="n")


def test_an_empty_spectrum_is_drawn_empty():
    etree.fromstring(spectrum_svg(SpectrumView(energy_kev=(0.0, 1.0, 2.0), counts=(0.0, 0.0)), name="n"))


def test_a_picture_carries_its_boxes_and_labels_that_do_not_cover_each_other(maker):
    png = maker.png(60, 120, np.random.default_rng(0))
    boxes = tuple(Box(row0=20, col0=30, row1=40, col1=60, kind="hit", label=f"steel {i}") for i in range(3))
    html = picture_html(PictureView(png=png, boxes=boxes), name="n")
    places = re.findall(r'<text x="([\d.]+)" y="([\d.]+)"[^>]*>hit: steel \d', html)
    assert len(set(places)) == 3
    assert html.count("<rect") == 6 + 2  # dark and bright for each, and the key
    assert 'alt="picture: n; boxes: hit 3"' in html
    assert png_size(png) == (60, 120)


def test_bytes_that_are_no_picture_are_not_put_into_the_page():
    html = picture_html(PictureView(png=b"<svg onload=alert(1)>"), name="n")
    assert "img" not in html
    assert "no PNG" in html


@pytest.mark.parametrize(
    ("kind", "values", "first", "last"),
    [
        ("probit", [0.0, 0.2, 0.5], "0", None),
        ("probit", [0.2, 0.5, 1.0], None, "1"),
        ("probit", [-0.1, 0.2, 1.2], "≤ 0", "≥ 1"),
        ("log", [0.0, 1.0, 100.0], "0", None),
    ],
)
def test_what_an_axis_cannot_show_stands_apart_at_a_labelled_end(kind, values, first, last):
    scale = scale_of(kind, np.array(values))
    place = scale.place(np.array(values))
    if first is not None:
        assert scale.ticks[0].label == first
        assert place[0] == 0.0
        assert place[1] > 0.05  # the lowest number that can be shown does not lie on the end
    if last is not None:
        assert scale.ticks[-1].label == last
        assert place[-1] == 1.0
        assert place[-2] < 0.95
    assert not {tick.label for tick in scale_of(kind, np.array([0.2, 0.5])).ticks} & {"0", "1", "≤ 0", "≥ 1"}


def test_a_line_on_another_does_not_hide_it():
    series = tuple(Series(name=name, x=(0.0, 1.0), y=(0.0, 1.0)) for name in "abc")
    curve = Curve(section="s", title="t", x_label="x", y_label="y", series=series)
    root = etree.fromstring(curve_svg(curve, pens("abc")))
    lines = [p for p in root.iter("path") if p.get("stroke-linejoin") == "round"]
    widths = [float(p.get("stroke-width")) for p in lines]
    assert widths == sorted(widths, reverse=True)
    assert widths[0] - widths[-1] >= 1.0
    assert all(p.get("stroke-dasharray") for p in lines[1:])


def test_scores_have_three_digits_and_ignored_boxes_are_explained(maker):
    boxes = (
        Box(row0=1, col0=1, row1=9, col1=9, kind="ignored", label="0.9"),
        Box(row0=1, col0=20, row1=9, col1=30, kind="hit", label="12345.678"),
        Box(row0=1, col0=40, row1=9, col1=50, kind="truth", label="lead, 2 kg"),
    )
    png = maker.png(40, 60, np.random.default_rng(0))
    drawn = picture_html(PictureView(png=png, boxes=boxes), name="n")
    for label in ("ignored: 0.900<", "hit: 12346<", "truth: lead, 2 kg<"):
        assert label in drawn
    assert "ignored 1 (neither a hit nor a false alarm)" in drawn
