from __future__ import annotations

import math

import pytest

from screening.evaluate.record import Comparison, DetectorTested, Figure
from screening.evaluate.report.numbers import figure_words, p_words, rounded, trials_words, unit_words
from screening.evaluate.report.tables import better_ones, columns_of, pivot, usual_method


@pytest.mark.parametrize(
    ("value", "spread", "expected"),
    [
        (0.95312, 0.0213, "0.953"),
        (0.95312, 0.00213, "0.9531"),
        (0.00102, 0.00085, "0.00102"),
        (12345.6, 350.0, "12346"),
        (12345.6, None, "12346"),
        (0.5, None, "0.5000"),
        (3.0, None, "3"),
        (0.0, None, "0"),
        (3.2e-6, 1.1e-6, "3.2e-06"),
        (-0.0001, 0.02, "0.000"),
        (-0.0431, 0.037, "-0.043"),
        (None, None, "none"),
        (math.nan, None, "none"),
        (math.inf, 1.0, "none"),
        (7.4e15, None, "7.400e+15"),
    ],
)
def test_a_number_has_the_digits_its_interval_allows(value, spread, expected):
    assert rounded(value, spread=spread) == expected


def test_value_and_bounds_share_their_decimals():
    words = figure_words(Figure(section="a", metric="m", value=0.9583, low=0.9, high=0.99, k=46, n=48))
    assert words == ("0.958", "[0.900, 0.990]", "46 of 48")
    words = figure_words(
        Figure(section="a", metric="m", value=0.0125, low=0.002, high=0.03, k=3, n=240, unit="1/hour")
    )
    assert words.trials == "3 in 240 hours"
    words = figure_words(Figure(section="a", metric="m", value=4.0, low=2.0, high=math.inf))
    assert words.interval == "at least 2"
    words = figure_words(Figure(section="a", metric="m", value=0.0, high=0.0369))
    assert words == ("0", "at most 0.03690", "")
    assert figure_words(Figure(section="a", metric="m", n=12)).trials == "n = 12"


def test_a_small_p_value_is_a_power_of_ten():
    assert [p_words(p) for p in (None, 0.0414, 0.0004, math.nan)] == ["", "0.041", "4.0e-04", ""]


def test_rows_of_a_metric_stand_together_and_columns_follow_the_detectors():
    figures = [
        Figure(section="s", metric="b", detector="y", value=1.0),
        Figure(section="s", metric="a", detector="x", value=1.0),
        Figure(section="s", metric="b", detector="x", stratum="t", value=1.0),
        Figure(section="s", metric="n", value=3.0),
    ]
    table = pivot(figures, (DetectorTested(name="x"), DetectorTested(name="y")))
    assert table.detectors == ("", "x", "y")
    assert [(row.metric, row.stratum) for row in table.rows] == [("b", ""), ("b", "t"), ("a", ""), ("n", "")]
    assert table.rows[0].cells["y"] is figures[0]


def test_columns_are_cut_into_even_groups():
    assert columns_of("abcdefg", at_most=6) == [("a", "b", "c", "d"), ("e", "f", "g")]
    assert columns_of("abc", at_most=6) == [("a", "b", "c")]
    assert columns_of("", at_most=6) == [()]


def compared(a, b, verdict, metric="m"):
    return Comparison(section="s", metric=metric, a=a, b=b, effect=0.1, verdict=verdict)


def test_bold_needs_a_comparison_within_the_tier_and_none_against_it():
    tiers = {"x": "blind", "y": "blind", "z": "blind", "o": "oracle"}
    detectors = [DetectorTested(name=name, tier=tier) for name, tier in tiers.items()]
    found = better_ones([compared("x", "y", "a is better"), compared("x", "o", "b is better")], detectors)
    assert found == {("s", "m", "x", "")}  # the oracle is no rival
    both = [compared("x", "y", "a is better"), compared("z", "x", "not distinguishable")]
    assert better_ones(both, detectors) == set()
    assert better_ones([compared("x", "y", "not tested")], detectors) == set()
    assert better_ones([compared("x", "y", "b is better")], detectors) == {("s", "m", "y", "")}


def test_the_usual_method_is_the_commonest():
    figures = [Figure(section="s", metric="m", method=method) for method in ("a", "b", "b", "")]
    assert usual_method(figures) == "b"
    assert usual_method([]) == ""


@pytest.mark.parametrize(
    ("unit", "metric", "said"),
    [
        ("kBq", "mda", ", kBq"),
        ("1/hour", "false alarms", ", per hour"),
        ("1/occupancy", "alarm: false, per occupancy", ""),
        ("", "share", ""),
    ],
)
def test_a_unit_is_said_once(unit, metric, said):
    assert unit_words(unit, metric) == said


@pytest.mark.parametrize(
    ("unit", "n", "said"),
    [
        ("1/occupancy", 21.0, "0 in 21 occupancies"),
        ("1/occupancy", 1.0, "0 in 1 occupancy"),
        ("1/h", 240.0, "0 in 240 h"),
        ("1/pass", 3.0, "0 in 3 passes"),
    ],
)
def test_trials_are_written_in_words(unit, n, said):
    assert trials_words(Figure(section="a", metric="m", value=0.0, k=0, n=n, unit=unit)) == said


def test_the_usual_method_is_one_of_an_interval():
    none = [Figure(section="a", metric=f"m{i}", value=1.0, method="none: 3 parents") for i in range(3)]
    exact = Figure(section="a", metric="m", value=0.5, low=0.4, high=0.6, method="clopper-pearson")
    assert usual_method([*none, exact]) == "clopper-pearson"
    assert usual_method(none) == "none: 3 parents"
