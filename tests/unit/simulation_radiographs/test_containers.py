"""Containers and carriers against ISO dimensions and the figures measured on real walls."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from screening.radiography.curves import neg_log_of
from screening.simulation.radiographs import RadiographRecipe, compose, simulate_radiograph
from screening.simulation.radiographs.carriers import (
    CARRIER_KINDS,
    add_carrier,
    carrier_reach_m,
    draw_base_height_m,
)
from screening.simulation.radiographs.containers import (
    CONTAINER_LENGTHS_M,
    CONTAINER_TYPES,
    Container,
    add_container,
)
from screening.simulation.radiographs.geometry import FanGeometry
from screening.simulation.radiographs.parts import corrugation
from screening.simulation.radiographs.scene import Scene

PITCH = (0.0066, 0.00822)


def view(
    y: tuple[float, float], *, distance: float = 6.0, scale: float = 1.0, skew: float = 0.0
) -> FanGeometry:
    pitch = (PITCH[0] * scale, PITCH[1] * scale)
    rows, columns = int(4.6 / pitch[0]), int((y[1] - y[0]) / pitch[1])
    return FanGeometry(
        source_distance_m=distance,
        source_height_m=1.7,
        row_z_m=4.4 - (np.arange(rows, dtype=np.float64) + 0.5) * pitch[0],
        column_y_m=y[0] + (np.arange(columns, dtype=np.float64) + 0.5) * pitch[1],
        pitch_m=pitch,
        skew=skew,
    )


def wall(wall_mm: float, skew: float, seed: int = 4) -> NDArray[np.float64]:
    """Return -ln T at 6 MV along the middle of an empty box, between its posts, level with the source."""
    container = Container(0.0, 12.192, 2.591, 0.8, wall_mm=wall_mm)
    scene = Scene(view((2.0, 10.0), skew=skew))
    add_container(scene, container, np.random.default_rng(seed))
    row = int((4.4 - 1.9) / PITCH[0])
    return neg_log_of(scene.total()[row], "6MV")


def test_two_sheets_of_steel_are_what_the_corrugation_says(shared_data: Path) -> None:
    text = (shared_data / "xray" / "real_scan_statistics.json").read_text(encoding="utf-8")
    real = json.loads(text)["wall_corrugation"]
    # what varies within a row needs no open beam to be known: it agrees with sheets of 1.6 to 2 mm
    stds = [
        float(np.std(wall(mm, skew, seed))) for mm in (1.6, 2.0) for skew in (0.0, 0.08) for seed in (1, 2, 3)
    ]
    assert min(stds) < 1.1 * real["optical_depth_std"]
    assert max(stds) > 0.9 * real["optical_depth_std"]
    assert np.median(stds) == pytest.approx(real["optical_depth_std"], rel=0.35)
    # the depth needs the open beam of the same row, and 0.037 is less than one sheet of 1.6 mm takes
    one_sheet = float(neg_log_of([0.16 * 7.85], "6MV")[0])
    assert real["wall_optical_depth_median"] < 0.6 * one_sheet
    assert 2.0 * one_sheet < np.median(wall(1.6, 0.05)) < 2.6 * one_sheet


def test_a_skewed_fan_tells_the_flanks_apart(shared_data: Path) -> None:
    text = (shared_data / "xray" / "real_scan_statistics.json").read_text(encoding="utf-8")
    period = json.loads(text)["wall_corrugation"]["period_columns"]
    columns = 0.278 / PITCH[1]
    assert columns == pytest.approx(period, rel=0.01)
    y = np.arange(4096, dtype=np.float64) * PITCH[1]
    power = {}
    for skew in (0.0, 0.08):
        profile = corrugation(y, 0.278, skew)
        spectrum = np.abs(np.fft.rfft((profile - profile.mean()) * np.hanning(y.size))) ** 2
        frequency = np.fft.rfftfreq(y.size)
        near = [spectrum[np.abs(frequency - k / columns) < 0.1 / columns].sum() for k in (1, 2)]
        power[skew] = near[0] / near[1]
    # square to the motion the pattern repeats every half period, as both flanks are alike
    assert power[0.0] < 0.02
    assert power[0.08] > 0.2


@pytest.mark.parametrize("kind", CONTAINER_TYPES)
@pytest.mark.parametrize("length", ["20", "40", "45"])
def test_every_type_keeps_within_its_outline(kind: str, length: str) -> None:
    container = Container(0.0, CONTAINER_LENGTHS_M[length], 2.591, 1.2, kind=kind)
    # far away, so that perspective does not lift the near rail above the box
    scene = Scene(view((-1.0, container.length_m + 1.0), distance=400.0, scale=2.0))
    add_container(scene, container, np.random.default_rng(1))
    total = scene.total()
    rows, columns = np.nonzero(total > 0.01)
    geometry = scene.geometry
    top, bottom = geometry.row_z_m[rows.min()], geometry.row_z_m[rows.max()]
    assert bottom > container.base_z_m - 0.03
    assert top < container.base_z_m + container.height_m + 0.03
    assert top > container.base_z_m + container.height_m - 0.06
    along = geometry.column_y_m[columns]
    assert along.min() == pytest.approx(0.0, abs=0.03)
    assert along.max() == pytest.approx(container.length_m, abs=0.03)
    hold = container.hold
    assert container.y0_m < hold.y0_m < hold.y1_m < container.y1_m
    assert container.base_z_m < hold.z0_m < hold.z1_m < container.base_z_m + container.height_m
    area = geometry.pitch_m[0] * geometry.pitch_m[1] * 1e4
    mass = float(total.sum()) * area / 1000.0
    # tare of a 20 ft box 2.2 t, of a 45 ft reefer 5 t; a tank of 20 ft 3.5 t and 25 t of liquid
    low, high = (1_200, 62_000) if kind == "tank" else (1_300, 7_500)
    assert low < mass < high


def test_a_dry_box_weighs_what_it_should() -> None:
    for length, tare in (("20", 2_200.0), ("40", 3_700.0)):
        container = Container(0.0, CONTAINER_LENGTHS_M[length], 2.591, 1.2, wall_mm=1.6)
        scene = Scene(view((-0.5, container.length_m + 0.5), distance=400.0, scale=2.0))
        add_container(scene, container, np.random.default_rng(1))
        area = scene.geometry.pitch_m[0] * scene.geometry.pitch_m[1] * 1e4
        # plates seen along their length are drawn lighter than they are: they hide part of a line only
        assert float(scene.total().sum()) * area / 1000.0 == pytest.approx(tare, rel=0.35)


def test_near_and_far_rail_are_as_far_apart_as_in_real_scans(shared_data: Path) -> None:
    text = (shared_data / "xray" / "real_scan_statistics.json").read_text(encoding="utf-8")
    low, high = json.loads(text)["geometry"]["top_rails_separated_by_rows"]
    apart = []
    recipe = RadiographRecipe(kind="empty", carrier="rail", scale=8.0)
    for seed in range(12):
        made = compose(recipe, np.random.default_rng(seed))
        scanner, box = made.scanner, made.containers[0]
        top = box.base_z_m + box.height_m - scanner.source_height_m
        d, pitch = scanner.source_distance_m, made.scene.geometry.pitch_m[0] / recipe.scale
        apart.append(top * d * (1 / (d - 1.219) - 1 / (d + 1.219)) / pitch)
    # drawn about what was measured, and beyond it
    assert min(apart) < low
    assert max(apart) > high
    assert low < np.median(apart) * 1.15
    assert high > np.median(apart) / 1.15


@pytest.mark.parametrize("kind", CARRIER_KINDS)
@pytest.mark.parametrize("direction", [1, -1])
def test_carriers_stand_below_their_load(kind: str, direction: int) -> None:
    rng = np.random.default_rng(3)
    base = draw_base_height_m(kind, rng)
    container = Container(0.0, 12.192, 2.591, base)
    reach = carrier_reach_m(kind)
    scene = Scene(view((-5.0, 17.2), scale=4.0))
    add_carrier(scene, kind, (container,), rng, direction=direction)
    total = scene.total()
    if kind == "none":
        assert total.max() == 0
        return
    geometry = scene.geometry
    above = geometry.row_z_m > base + 1.1
    inside = (geometry.column_y_m > 0.2) & (geometry.column_y_m < 12.0)
    assert total[np.ix_(above, inside)].max() == 0, "the box's own place is free"
    front = (geometry.column_y_m < -0.9) if direction > 0 else (geometry.column_y_m > 13.1)
    # a cab stands before the box, on the side it drives to
    assert (total[np.ix_(above, front)].max() > 0) == (reach[0] > 0)
    assert total.min() >= 0


def test_what_recipes_can_ask_for_is_in_the_picture() -> None:
    plain: dict[str, Any] = {"kind": "empty", "scale": 6.0, "skew": 0.0}
    _, stacked = simulate_radiograph(RadiographRecipe(**plain, carrier="double-stack", length="2x20"), 1)
    assert len(stacked["boxes"]) == 3
    _, between = simulate_radiograph(RadiographRecipe(**plain, neighbours="both", carrier="rail"), 1)
    assert [box["complete"] for box in between["boxes"]] == [False, True, False]
    _, cab = simulate_radiograph(RadiographRecipe(**plain, carrier="road-cab", mirrored=False), 1)
    _, turned = simulate_radiograph(RadiographRecipe(**plain, carrier="road-cab", mirrored=True), 1)
    width = cab["areal_density_g_cm2"].shape[1]
    first, other = cab["boxes"][0], turned["boxes"][0]
    assert first["col0"] > width - first["col1"], "the cab comes first"
    assert other["col0"] < width - other["col1"]
    np.testing.assert_allclose(
        cab["areal_density_g_cm2"][:, ::-1], turned["areal_density_g_cm2"], rtol=0.05, atol=0.6
    )
    made = [
        compose(RadiographRecipe(kind="empty", scale=8.0, **fields), np.random.default_rng(2)).scanner.skew
        for fields in ({}, {"family": "rail-dual"}, {"skew": 0.1})
    ]
    assert made[0] == 0.0
    assert made[1] != 0.0
    assert made[2] == 0.1
    _, clean = simulate_radiograph(RadiographRecipe(**plain), 5)
    _, littered = simulate_radiograph(RadiographRecipe(**plain, has_residue=True), 5)
    assert littered["areal_density_g_cm2"].sum() > clean["areal_density_g_cm2"].sum()


def test_impossible_containers_and_carriers_are_refused() -> None:
    scene = Scene(view((0.0, 5.0), scale=8.0))
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="got 'crate'"):
        add_container(scene, Container(0.0, 6.0, 2.6, 1.0, kind="crate"), rng)
    with pytest.raises(ValueError, match="3 to 17 m"):
        add_container(scene, Container(0.0, 60.0, 2.6, 1.0), rng)
    with pytest.raises(ValueError, match="got 'barge'"):
        add_carrier(scene, "barge", (Container(0.0, 6.0, 2.6, 1.0),), rng)
    wrong: tuple[tuple[str, Any], ...] = (
        ("carrier", "barge"),
        ("container", "crate"),
        ("family", "toy"),
        ("scanner", "camera"),
        ("cargo", "gold"),
        ("cargoes", ("boxes", "gold")),
        ("threats", ("ghost",)),
    )
    for field, value in wrong:
        shown = value[-1] if isinstance(value, tuple) else value
        with pytest.raises(ValueError, match=f"one of .*got '{shown}'"):
            RadiographRecipe(**{field: value})
    with pytest.raises(ValueError, match=r"skew must be -0\.3 to 0\.3, got 1"):
        RadiographRecipe(skew=1.0)
    with pytest.raises(ValueError, match="occlusion must be 0 to 1, got 2"):
        RadiographRecipe(occlusion=2.0)
    with pytest.raises(ValueError, match="tank container has no hold"):
        RadiographRecipe(container="tank", threats=("cash",))
    with pytest.raises(ValueError, match="not as 'vacis-co'"):
        RadiographRecipe(family="rail-dual", scanner="vacis-co")
