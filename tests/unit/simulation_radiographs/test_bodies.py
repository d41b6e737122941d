"""Tubes, sheets, meshes, rotations and labelled objects, against sizes and chords worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from screening.radiography.curves import neg_log_of
from screening.simulation.radiographs.meshes import closed_mesh, extruded, turned
from screening.simulation.radiographs.scene import FanGeometry, Scene


def geometry(
    *, distance: float = 5.0, pitch: float = 0.01, skew: float = 0.0, is_mirrored: bool = False
) -> FanGeometry:
    y = pitch * (np.arange(round(0.8 / pitch)) + 0.5)
    return FanGeometry(
        source_distance_m=distance,
        source_height_m=1.0,
        row_z_m=1.4 - pitch * (np.arange(round(0.8 / pitch)) + 0.5),
        column_y_m=y[::-1].copy() if is_mirrored else y,
        pitch_m=(pitch, pitch),
        skew=skew,
    )


def turn(axis: int, angle: float) -> np.ndarray:
    c, s = np.cos(angle), np.sin(angle)
    matrix = np.eye(3)
    a, b = [k for k in range(3) if k != axis]
    matrix[a, a], matrix[a, b], matrix[b, a], matrix[b, b] = c, -s, s, c
    return matrix


def grams(scene: Scene) -> float:
    """Mass that a picture shows, from so far that no ray is oblique."""
    return float(scene.total().sum(dtype=np.float64)) * scene.geometry.pitch_m[0] ** 2 * 1e4


FAR = {"distance": 5_000.0, "pitch": 0.005}
CENTRE = (0.05, 0.4, 1.0)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_rotated_body_keeps_its_mass(axis: int) -> None:
    rotation = turn(axis, 0.6) @ turn((axis + 1) % 3, -0.4)
    scene = Scene(geometry(**FAR))
    scene.box("steel", 2.0, (0.0, 0.1), (0.35, 0.45), (0.85, 1.15), rotation=rotation)
    assert grams(scene) == pytest.approx(2.0 * 10 * 10 * 30, rel=2e-3)
    scene = Scene(geometry(**FAR))
    scene.cylinder("steel", 2.0, "xyz"[axis], CENTRE, 0.08, 0.3, rotation=rotation)
    assert grams(scene) == pytest.approx(2.0 * np.pi * 64 * 30, rel=2e-3)
    scene = Scene(geometry(**FAR))
    scene.ellipsoid("steel", 2.0, CENTRE, (0.05, 0.1, 0.2), rotation=rotation)
    assert grams(scene) == pytest.approx(2.0 * 4 / 3 * np.pi * 5 * 10 * 20, rel=2e-3)


def test_a_quarter_turn_changes_the_sides_of_a_box() -> None:
    one, other = Scene(geometry()), Scene(geometry())
    one.box("steel", 7.85, (-0.05, 0.05), (0.3, 0.5), (0.7, 1.3), rotation=turn(0, np.pi / 2))
    other.box("steel", 7.85, (-0.05, 0.05), (0.1, 0.7), (0.9, 1.1))
    difference = one.total() - other.total()
    # the faces fall between pixels in one of them alone
    assert np.abs(difference).max() < 0.3 * other.total().max()
    assert (np.abs(difference) > 1e-3).mean() < 0.05


def test_a_tube_has_the_mass_of_its_wall_whatever_its_direction() -> None:
    for end in ((0.0, 0.7, 1.0), (0.3, 0.4, 1.3), (0.0, 0.4, 1.35), (-0.2, 0.3, 0.9)):
        scene = Scene(geometry(**FAR))
        start = (0.0, 0.35, 1.0)
        scene.tube("steel", 7.85, start, end, 0.04, 0.036)
        length = float(np.linalg.norm(np.subtract(end, start))) * 100
        assert grams(scene) == pytest.approx(7.85 * np.pi * (4.0**2 - 3.6**2) * length, rel=0.02)
    with pytest.raises(ValueError, match="inner radius"):
        scene.tube("steel", 7.85, start, end, 0.04, 0.04)
    with pytest.raises(ValueError, match="two different ends"):
        scene.tube("steel", 7.85, start, start, 0.04)


def test_walls_of_trapezoidal_sheet_are_thicker_on_their_slopes() -> None:
    scene = Scene(geometry(pitch=0.002))
    scene.sheet(
        "steel", 7.85, (-0.02, 0.02), (0.0, 0.8), (0.7, 1.3), thickness_m=0.0018, period_m=0.278,
        depth_m=0.036, along="y",
    )  # fmt: skip
    level_row = scene.total()[200]
    slope = 1.0 / np.cos(np.arctan(0.036 / (0.48 * 0.278 / 2)))
    assert np.median(level_row[5:30]) == pytest.approx(0.18 * 7.85, rel=1e-3)
    assert np.median(level_row[45:60]) == pytest.approx(0.18 * 7.85 * slope, rel=1e-3)
    # joints neither gape nor overlap
    inner = level_row[2:-2]
    assert inner.min() > 0.179 * 7.85
    assert inner.max() < 0.181 * 7.85 * slope


@pytest.mark.parametrize(
    ("x", "y", "z", "along"),
    [
        ((-0.3, 0.3), (0.1, 0.7), (1.18, 1.22), "y"),
        ((-0.3, 0.3), (0.1, 0.7), (1.18, 1.22), "x"),
        ((-0.02, 0.02), (0.1, 0.7), (0.8, 1.2), "z"),
        ((-0.3, 0.3), (0.38, 0.42), (0.8, 1.2), "x"),
        ((-0.3, 0.3), (0.38, 0.42), (0.8, 1.2), "z"),
    ],
)
def test_sheets_of_every_orientation_have_the_mass_of_their_metal(x, y, z, along) -> None:
    scene = Scene(geometry(distance=50.0, pitch=0.002))
    assert scene.sheet("steel", 7.85, x, y, z, thickness_m=0.002, period_m=0.2, depth_m=0.03, along=along)
    extent = dict(zip("xyz", (x, y, z), strict=True))
    sides = sorted((high - low for low, high in extent.values()), reverse=True)[:2]
    unrolled = 0.52 + 0.48 * np.sqrt(1.0 + (0.03 / (0.48 * 0.1)) ** 2)
    assert grams(scene) == pytest.approx(7.85e6 * 0.002 * sides[0] * sides[1] * unrolled, rel=0.03)


def test_walls_look_as_on_real_scans_if_the_fan_is_skewed() -> None:
    """Measured: period of 34 lines, optical depth std 0.0085. Two walls of 1.8 mm are 0.15 deep at 6 MV."""
    pitch = 0.278 / 33.8
    spread, fundamental = [], []
    for skew in (0.0, 0.12, 0.2):
        shape = geometry(pitch=pitch, skew=skew)._replace(column_y_m=pitch * np.arange(1_014))
        scene = Scene(shape)
        for x in (-1.2, 1.2):
            scene.sheet(
                "steel", 7.85, (x - 0.02, x + 0.02), (-0.4, 9.0), (0.0, 2.0), thickness_m=0.0018,
                period_m=0.278, depth_m=0.036, along="y",
            )  # fmt: skip
        depth = scene.total()[48] * float(neg_log_of(0.01, "6MV")) / 0.01
        assert np.median(depth) == pytest.approx(0.155, abs=0.01)
        power = np.abs(np.fft.rfft(depth - depth.mean())) ** 2
        spread.append(depth.std())
        # 1,014 lines are 30 periods
        fundamental.append(power[28:33].sum() / power.sum())
    assert fundamental[0] < 0.01
    assert min(fundamental[1:]) > 0.2
    assert all(0.004 < one < 0.013 for one in spread)


def test_impossible_sheets_are_refused() -> None:
    scene = Scene(geometry())
    good = {"thickness_m": 0.002, "period_m": 0.2, "depth_m": 0.03, "along": "y"}
    for wrong, message in (
        ({"thickness_m": 0.0}, "thickness must be positive"),
        ({"period_m": -1.0}, "period must be positive"),
        ({"depth_m": -0.1}, "depth must not be negative"),
        ({"flat_share": 1.0}, "flat_share"),
        ({"along": "x"}, "across the normal"),
        ({"along": "q"}, "along must be"),
    ):
        with pytest.raises(ValueError, match=message):
            scene.sheet("steel", 7.85, (-0.02, 0.02), (0.0, 0.8), (0.7, 1.3), **(good | wrong))


def test_meshes_have_the_volume_of_their_outline() -> None:
    cone = turned([(0.1, -0.1), (0.05, 0.1)], n_side=48)
    assert cone.volume_m3 == pytest.approx(np.pi / 3 * 0.2 * (0.01 + 0.005 + 0.0025), rel=1e-6)
    angle = extruded([(0, 0), (0.2, 0), (0.2, 0.05), (0.05, 0.05), (0.05, 0.15), (0, 0.15)], 0.03)
    assert angle.volume_m3 == pytest.approx(0.03 * (0.2 * 0.05 + 0.05 * 0.1))
    clockwise = extruded([(0, 0.15), (0.05, 0.15), (0.05, 0.05), (0.2, 0.05), (0.2, 0), (0, 0)], 0.03)
    assert clockwise.volume_m3 == pytest.approx(angle.volume_m3)
    for mesh in (cone, angle, clockwise):
        scene = Scene(geometry(**FAR))
        scene.mesh("lead", 11.35, *mesh, centre=(0.0, 0.3, 1.0), rotation=turn(1, 0.5), scale=1.2)
        assert grams(scene) == pytest.approx(11.35e6 * mesh.volume_m3 * 1.2**3, rel=5e-3)


def test_meshes_that_are_not_closed_are_refused() -> None:
    corners = [(0.0, 0.0, 0.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)]
    faces = [(0, 2, 1), (0, 1, 3), (1, 2, 3), (2, 0, 3)]
    inside_out = closed_mesh(corners, [face[::-1] for face in faces])
    assert inside_out.volume_m3 == pytest.approx(1 / 6)
    for wrong, message in (
        (faces[:3], "four or more"),
        ([*faces[:3], (2, 0, 1)], "not closed"),
        ([*faces[:3], (0, 2, 3)], "not closed"),
        ([*faces[:3], (2, 0, 4)], "corners 0 to 3"),
    ):
        with pytest.raises(ValueError, match=message):
            closed_mesh(corners, wrong)
    with pytest.raises(ValueError, match="no volume"):
        closed_mesh(np.array(corners) * [1, 1, 0], faces)
    with pytest.raises(ValueError, match="cross itself"):
        extruded([(0, 0), (1, 1), (1, 0), (0, 1), (0.2, -0.5)], 0.1)
    with pytest.raises(ValueError, match="radii must be positive"):
        turned([(0.1, 0.0), (0.0, 1.0)])


def test_an_object_is_known_apart_from_what_hides_it() -> None:
    scene = Scene(geometry())
    scene.box("water", 1.0, (-0.3, 0.3), (0.0, 0.8), (0.6, 1.4))
    with scene.labelled("source", "pig") as pig:
        scene.cylinder("lead", 11.35, "z", CENTRE, 0.06, 0.12)
        scene.cylinder("lead", -11.35, "z", CENTRE, 0.02, 0.04)
        scene.ellipsoid("Co", 8.9, CENTRE, (0.01, 0.01, 0.01))
    with scene.labelled("elsewhere", "pig") as unseen:
        scene.box("lead", 11.35, (-0.1, 0.1), (5.0, 5.1), (0.9, 1.0))
    scene.box("steel", 7.85, (0.3, 0.31), (0.0, 0.8), (0.6, 1.4))
    assert scene.objects == (pig, unseen)
    assert (pig.label, pig.kind, pig.materials) == ("source", "pig", ("Co", "lead"))
    region = pig.region
    assert region is not None
    assert pig.areal_density.shape == (region.row1 - region.row0, region.col1 - region.col0)
    assert pig.areal_density.any(axis=1)[[0, -1]].all()
    planes = scene.areal_density
    alone = (planes["lead"] + planes["Co"])[region.row0 : region.row1, region.col0 : region.col1]
    np.testing.assert_allclose(pig.areal_density, alone, atol=1e-3)
    assert alone.sum() == pytest.approx((planes["lead"] + planes["Co"]).sum(), rel=1e-5)
    assert unseen.region is None
    assert unseen.areal_density.shape == (0, 0)
    assert unseen.materials == ()


def test_planes_are_traced_when_read_and_stay_what_they_were() -> None:
    scene = Scene(geometry())
    scene.box("steel", 7.85, (-0.1, 0.1), (0.2, 0.6), (0.8, 1.2))
    first = scene.areal_density["steel"]
    before = first.copy()
    scene.box("steel", -10.0, (-0.1, 0.1), (0.3, 0.5), (0.9, 1.1))
    assert (first == before).all()
    second = scene.areal_density["steel"]
    assert second.min() == 0.0
    # what was hollowed out too much can be filled again: clipping comes at the end
    scene.box("steel", 10.0, (-0.1, 0.1), (0.3, 0.5), (0.9, 1.1))
    np.testing.assert_allclose(scene.areal_density["steel"], before, atol=2e-4)
    with pytest.raises(ValueError, match="read-only"):
        second[0, 0] = 1.0


def test_between_lines_the_picture_is_moved() -> None:
    scene = Scene(geometry())
    scene.box("steel", 7.85, (-0.1, 0.1), (0.2, 0.3), (0.8, 1.2))
    names, later = scene.stack(1.0)
    assert names == ("steel",)
    np.testing.assert_allclose(later[0][:, :-1], scene.total()[:, 1:], atol=1e-4)
    half = scene.stack(0.5)[1][0]
    np.testing.assert_allclose(
        half[40, 18:32], (scene.total()[40, 18:32] + scene.total()[40, 19:33]) / 2, atol=1e-2
    )
    with pytest.raises(ValueError, match="line_shift"):
        scene.stack(1.5)


def test_a_mirrored_picture_is_the_other_way_round() -> None:
    pictures = []
    for is_mirrored in (False, True):
        scene = Scene(geometry(is_mirrored=is_mirrored))
        scene.box("steel", 7.85, (-0.1, 0.1), (0.12, 0.3), (0.8, 1.2))
        scene.mesh("lead", 11.0, *turned([(0.05, -0.05), (0.02, 0.08)]), centre=(0.0, 0.6, 1.0))
        pictures.append(scene.total())
        assert scene.geometry.column_of(0.125) == pytest.approx(67.5 if is_mirrored else 12.5)
    np.testing.assert_allclose(pictures[0], pictures[1][:, ::-1], atol=1e-3)


def test_columns_of_uneven_lines() -> None:
    g = geometry()._replace(column_y_m=np.array([0.0, 0.01, 0.03, 0.04]))
    assert g.column_of(0.02) == pytest.approx(2.0)
    assert g.column_of(0.04) == pytest.approx(3.5)
    assert g.column_of(-0.02) == pytest.approx(-1.5)
    assert g.column_of(0.06) == pytest.approx(5.5)


def test_a_skewed_fan_sees_far_things_aside() -> None:
    scene = Scene(geometry(skew=0.2))
    scene.box("steel", 7.85, (-0.51, -0.49), (0.35, 0.45), (0.9, 1.1))
    scene.box("steel", 7.85, (0.49, 0.51), (0.35, 0.45), (0.9, 1.1))
    row = scene.total()[40]
    columns = np.flatnonzero(row > 0.1)
    assert columns.min() == pytest.approx(scene.geometry.column_of(0.35, 0.5), abs=1)
    assert columns.max() + 1 == pytest.approx(scene.geometry.column_of(0.45, -0.5), abs=1)
    # the same mass as seen square on, by as many pixels
    deep, square = Scene(geometry(skew=0.2)), Scene(geometry())
    for one in (deep, square):
        one.box("wood", 0.5, (-0.3, 0.3), (0.2, 0.6), (0.9, 1.1))
    assert deep.total().sum() == pytest.approx(square.total().sum() * np.sqrt(1.04), rel=1e-3)
    assert deep.total().max() <= square.total().max() * np.sqrt(1.05)


def test_a_thin_floor_along_the_beam_keeps_its_mass() -> None:
    mass = []
    for shift in np.linspace(0.0, 0.01, 9):
        scene = Scene(geometry(distance=500.0))
        scene.box("steel", 7.85, (-0.5, 0.5), (0.2, 0.6), (0.998 + shift, 1.0 + shift))
        mass.append(grams(scene))
    assert np.ptp(mass) / np.mean(mass) < 0.03
    assert np.mean(mass) == pytest.approx(7.85 * 100 * 40 * 0.2, rel=0.02)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda s: s.box("unobtainium", 1.0, (0, 1), (0, 1), (0, 1)), "unknown material 'unobtainium'"),
        (lambda s: s.box("steel", 99.0, (0, 1), (0, 1), (0, 1)), "at most 23 g/cm3"),
        (lambda s: s.box("steel", np.nan, (0, 1), (0, 1), (0, 1)), "at most 23 g/cm3"),
        (lambda s: s.box("steel", 1.0, (1, 0), (0, 1), (0, 1)), "x must be a finite extent"),
        (lambda s: s.box("steel", 1.0, (0, 1), (0, np.inf), (0, 1)), "y must be a finite extent"),
        (lambda s: s.box("steel", 1.0, (-6, 1), (0, 1), (0, 1)), "where the source is"),
        (lambda s: s.box("steel", 1.0, (0, 1), (0, 1), (0, 1), profile=np.ones(3)), "profile needs shape"),
        (lambda s: s.box("steel", 1.0, (0, 1), (0, 1), (0, 1), rotation=2 * np.eye(3)), "orthonormal"),
        (lambda s: s.box("steel", 1.0, (0, 1), (0, 1), (0, 1), rotation=-np.eye(3)), "determinant 1"),
        (lambda s: s.cylinder("steel", 1.0, "w", CENTRE, 0.1, 0.1), "axis must be"),
        (lambda s: s.cylinder("steel", 1.0, "x", CENTRE, -0.1, 0.1), "radius must be positive"),
        (lambda s: s.cylinder("steel", 1.0, "x", CENTRE, 0.1, 0.0), "length must be positive"),
        (lambda s: s.ellipsoid("steel", 1.0, CENTRE, (0.1, 0.0, 0.1)), "half axis must be positive"),
        (lambda s: s.ellipsoid("steel", 1.0, (np.nan, 0.0, 0.0), (0.1, 0.1, 0.1)), "centre must be finite"),
    ],
)
def test_impossible_bodies_are_refused(call, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call(Scene(geometry()))
