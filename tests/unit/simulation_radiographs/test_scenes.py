"""The tracer against chords worked out by hand, and the scanner against its own laws."""

from __future__ import annotations

import numpy as np
import pytest

from screening.radiography.curves import neg_log_of
from screening.simulation.radiographs.exposure import expose, transmission
from screening.simulation.radiographs.scanner import Scanner, draw_scanner
from screening.simulation.radiographs.scene import FanGeometry, Scene


def geometry(n_row: int = 81, n_column: int = 60, *, distance: float = 5.0) -> FanGeometry:
    return FanGeometry(
        source_distance_m=distance,
        source_height_m=1.0,
        row_z_m=1.4 - 0.01 * np.arange(n_row),
        column_y_m=0.01 * np.arange(n_column),
        pitch_m=(0.01, 0.01),
    )


def test_box_seen_level_has_its_own_thickness() -> None:
    scene = Scene(geometry())
    scene.box("steel", 7.85, (-0.1, 0.1), (0.2, 0.4), (0.8, 1.2))
    plane = scene.areal_density["steel"]
    middle = 40  # the row at the height of the source
    assert plane[middle, 30] == pytest.approx(20 * 7.85, rel=1e-4)
    assert plane[middle, 5] == 0
    # a quarter of the line at its edge is covered by half a pixel
    assert plane[middle, 20] == pytest.approx(10 * 7.85, rel=1e-4)


def test_oblique_ray_through_a_plate_is_longer() -> None:
    scene = Scene(geometry())
    scene.box("steel", 1.0, (-0.5, 0.5), (0.0, 0.6), (1.2, 1.21))
    slope = 0.21 / 5.0
    row = 19  # looks at 1.21 m at the centre plane
    crossing_m = 0.01 / slope * np.sqrt(1 + slope**2)
    assert scene.areal_density["steel"][row, 30] == pytest.approx(100 * crossing_m, rel=1e-3)


@pytest.mark.parametrize(("axis", "expected_cm"), [("x", 50.0), ("y", 20.0), ("z", 20.0)])
def test_cylinder_through_its_middle(axis: str, expected_cm: float) -> None:
    scene = Scene(geometry())
    scene.cylinder("water", 1.0, axis, (0.0, 0.3, 1.0), 0.1, 0.5)
    assert scene.areal_density["water"][40, 30] == pytest.approx(expected_cm, rel=1e-3)


def test_ellipsoid_volume_is_kept() -> None:
    scene = Scene(geometry(distance=500.0))
    scene.ellipsoid("lead", 1.0, (0.0, 0.3, 1.0), (0.1, 0.15, 0.2))
    grams = float(scene.areal_density["lead"].sum()) * 1.0  # 1 cm2 a pixel
    assert grams == pytest.approx(4 / 3 * np.pi * 10 * 15 * 20, rel=0.01)


def test_hollowing_out_leaves_the_walls() -> None:
    scene = Scene(geometry())
    scene.box("steel", 7.85, (-0.1, 0.1), (0.2, 0.4), (0.8, 1.2))
    scene.box("steel", -7.85, (-0.09, 0.09), (0.2, 0.4), (0.81, 1.19))
    assert scene.areal_density["steel"][40, 30] == pytest.approx(2 * 7.85, rel=1e-3)


def test_near_edge_is_seen_higher_than_the_far_one() -> None:
    g = geometry()
    assert g.row_of(1.3, -1.2) < g.row_of(1.3, 0.0) < g.row_of(1.3, 1.2)
    assert g.row_of(1.0, -1.2) == pytest.approx(g.row_of(1.0, 1.2))


def test_bodies_outside_the_picture_change_nothing() -> None:
    scene = Scene(geometry())
    assert scene.box("steel", 7.85, (-0.1, 0.1), (5.0, 6.0), (0.8, 1.2)) is None
    assert scene.ellipsoid("steel", 7.85, (0.0, 0.3, 9.0), (0.1, 0.1, 0.1)) is None
    assert scene.areal_density == {}


def test_transmission_of_steel_follows_the_curve() -> None:
    scene = Scene(geometry())
    scene.box("steel", 7.85, (-0.1, 0.1), (0.1, 0.5), (0.8, 1.2))
    seen = -np.log(transmission(scene, "6MV")[40, 30])
    assert seen == pytest.approx(float(neg_log_of(157.0, "6MV")), rel=0.01)


def plain(scanner: Scanner) -> Scanner:
    return scanner._replace(
        line_sigma=0.0, row_residue=0.0, calibration_error=0.0, isolated_rate=0.0, saturated_rate=0.0,
        n_dead_rows=0, dead_rows=(), hot_rows=(), drifting_rows=(), dark_counts=0.0, is_dark_subtracted=False,
        afterglow=(), wobble_rows=0.0, endpoint_jitter=0.0, multiplicative_noise=0.0, adc_break=0.0,
    )  # fmt: skip


def test_air_noise_follows_the_photon_transfer_law() -> None:
    rng = np.random.default_rng(1)
    scanner = plain(draw_scanner("single", rng, n_row=81))
    raw = expose(Scene(geometry(n_column=600)), scanner, rng).raw[:, :, 0].astype(float)
    row = raw[40]
    expected = np.sqrt(scanner.electronic_sigma**2 + scanner.gain * row.mean())
    assert row.std() == pytest.approx(expected, rel=0.1)


def test_opaque_steel_leaves_the_scatter_floor() -> None:
    rng = np.random.default_rng(2)
    scanner = plain(draw_scanner("single", rng, n_row=81))
    scene = Scene(geometry())
    scene.box("steel", 7.85, (-1.0, 1.0), (-1.0, 2.0), (-2.0, 3.0))
    raw = expose(scene, scanner, rng).raw
    floor = float(raw.mean()) / scanner.air_counts[0]
    assert 0.3 * scanner.scatter_floor < floor < 1.5 * scanner.scatter_floor


def test_clipping_leaves_zeros_only_where_dark_is_subtracted() -> None:
    rng = np.random.default_rng(3)
    scene = Scene(geometry())
    scene.box("steel", 7.85, (-1.0, 1.0), (-1.0, 2.0), (-2.0, 3.0))
    clipped = plain(draw_scanner("single", rng, n_row=81))._replace(is_dark_subtracted=True)
    with_dark = clipped._replace(is_dark_subtracted=False, dark_counts=500.0)
    assert (expose(scene, clipped, np.random.default_rng(4)).raw == 0).mean() > 0.005
    assert (expose(scene, with_dark, np.random.default_rng(4)).raw == 0).mean() == 0


def test_unknown_scanner_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="scanner must be one of"):
        draw_scanner("tomograph", np.random.default_rng(0), n_row=10)
