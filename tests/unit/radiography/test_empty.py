"""The explicit score of a load, on maps made by hand."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from screening.radiography.empty import MAP_SHAPE, excess_areal_density

ROWS, COLUMNS = MAP_SHAPE


def empty_map() -> NDArray[np.float32]:
    """Two walls, a roof band, and a floor that begins at four fifths of the height."""
    hull = np.zeros((3, ROWS, COLUMNS), dtype=np.float32)
    hull[0] = 3.0
    hull[0, :2] = 8.0
    hull[0, int(0.8 * ROWS) :] = 30.0
    return hull


def test_an_empty_container_scores_nothing() -> None:
    assert excess_areal_density(empty_map()) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("top", [0.1, 0.3, 0.48])
def test_a_load_that_reaches_over_half_the_height_counts(top: float) -> None:
    hull = empty_map()
    hull[0, int(top * ROWS) :] = 30.0
    assert excess_areal_density(hull) > 0.15


def test_a_short_load_counts_down_to_the_floor() -> None:
    hull = empty_map()
    low = hull.copy()
    low[0, int(0.6 * ROWS) : int(0.75 * ROWS), 60:120] += 20.0
    assert excess_areal_density(low) > 0.9


def test_more_load_never_scores_less_above_the_middle() -> None:
    hull = empty_map()
    before = excess_areal_density(hull)
    for density in (2.0, 5.0, 20.0, 100.0):
        hull[0, 10:30, 60:200] = 3.0 + density
        score = excess_areal_density(hull)
        assert score > before
        before = score


def test_a_floor_seen_as_a_band_and_the_machine_of_a_reefer_do_not_count() -> None:
    hull = empty_map()
    hull[0, int(0.55 * ROWS) :] = 20.0
    # beams of the carrier behind the band, and half a metre of machine at the front
    hull[0, int(0.6 * ROWS) :, ::9] = 120.0
    hull[0, :, :20] = 80.0
    assert excess_areal_density(hull) == pytest.approx(0.0, abs=1e-6)
