"""Channel edges, and what is not a calibration."""

from __future__ import annotations

import numpy as np
import pytest

from screening.formats.calibration import Calibration, channel_edges
from screening.formats.measurements import duration_s, time_utc


def test_polynomial_gives_lower_edges():
    edges = channel_edges(Calibration("polynomial", (10.0, 3.0, 0.5)), 20)
    channel = np.arange(21.0)
    np.testing.assert_allclose(edges, 10 + 3 * channel + 0.5 * channel**2)


def test_full_range_fraction_with_its_low_energy_term():
    edges = channel_edges(Calibration("full-range-fraction", (0.0, 3000.0, 10.0, 0.0, -5.0)), 100)
    x = np.arange(101.0) / 100
    np.testing.assert_allclose(edges, 3000 * x + 10 * x**2 - 5 / (1 + 60 * x))


def test_points_extend_their_slopes():
    edges = channel_edges(Calibration("points", (1.0, 100.0, 3.0, 300.0)), 4)
    np.testing.assert_allclose(edges, [0, 100, 200, 300, 400])


def test_boundaries_with_or_without_the_last():
    np.testing.assert_allclose(channel_edges(Calibration("edges", (0.0, 50.0, 120.0)), 2), [0, 50, 120])
    np.testing.assert_allclose(channel_edges(Calibration("edges", (0.0, 50.0)), 2), [0, 50, 100])


@pytest.mark.parametrize(
    "calibration",
    [
        None,
        Calibration("polynomial", ()),
        Calibration("polynomial", (5.0,)),
        Calibration("polynomial", (0.0, 1.0)),
        Calibration("polynomial", (0.0, 1.0, 0.0)),
        Calibration("polynomial", (5.0, 0.0, 0.0)),
        Calibration("polynomial", (5.0, -3.0)),
        Calibration("polynomial", (5.0, 30.0, -0.9)),
        Calibration("polynomial", (float("nan"), 3.0)),
        Calibration("polynomial", (0.0, float("inf"))),
        Calibration("polynomial", (0.0, 1e-3)),
        Calibration("polynomial", (0.0, 1e7)),
        Calibration("polynomial", tuple(range(1, 12))),
        Calibration("edges", (0.0, 50.0, 40.0)),
        Calibration("edges", (0.0, 50.0, 120.0, 140.0, 150.0, 160.0)),
        Calibration("points", (0.0, 0.0)),
        Calibration("points", (0.0, 0.0, 0.0, 100.0)),
        Calibration("points", (0.0, 0.0, 4.0)),
        Calibration("polynomial", (0.0, 100.0), ((0.0, 0.0), (100.0, -500.0))),
    ],
)
def test_not_a_calibration(calibration):
    assert channel_edges(calibration, 30 if calibration is None or calibration.kind != "edges" else 2) is None


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("PT0.250S", 0.25),
        ("PT613S", 613),
        ("PT1H2M3.5S", 3723.5),
        ("P1DT1S", 86401),
        ("PT1.5E1S", 15),
        ("12.5", 12.5),
        (" PT2S ", 2),
    ],
)
def test_durations(text, seconds):
    assert duration_s(text) == seconds


@pytest.mark.parametrize("text", [None, "", "PT", "P", "abc", "-PT3S", "-5", "inf", "nan", "PT1..2S"])
def test_durations_that_say_nothing(text):
    assert np.isnan(duration_s(text))


def test_times():
    assert time_utc("2020-01-01T01:00:00+01:00")[0].isoformat() == "2020-01-01T00:00:00+00:00"
    assert time_utc("2020-01-01T00:00:00.1234567Z")[0].microsecond == 123456
    assert time_utc("2020-01-01T00:00:00") == (time_utc("2020-01-01T00:00:00Z")[0], False)
    for text in (
        None,
        "",
        "yesterday",
        "2020-13-01T00:00:00Z",
        "0001-01-01T00:00:00+10:00",
        "9999-12-31T23:59:59Z",
    ):
        assert time_utc(text) == (None, True)
