"""Threat image projection against the same scene simulated whole, and against plain multiplication."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from screening.radiography.curves import beam, neg_log_of
from screening.records import LineCalibration, Radiograph
from screening.simulation.radiographs import RadiographRecipe, simulate_radiograph
from screening.simulation.radiographs.beams import growth_behind
from screening.simulation.radiographs.exposure import transmission
from screening.simulation.radiographs.geometry import FanGeometry, Region
from screening.simulation.radiographs.injection import (
    Shadow,
    assumed_geometry,
    draw_injections,
    inject,
    prepare_target,
    shadow_of,
)
from screening.simulation.radiographs.scene import Scene
from screening.simulation.radiographs.threats import draw_threat

LABELS = ("6MV", "4MV")
FLOOR = 8e-4
GAIN, SIGMA, DARK = 10.0, 20.0, 400.0


def view(n_row: int = 120, n_column: int = 160) -> FanGeometry:
    return FanGeometry(
        source_distance_m=6.0,
        source_height_m=1.0,
        row_z_m=1.4 - 0.0066 * np.arange(n_row, dtype=np.float64),
        column_y_m=0.0084 * np.arange(n_column, dtype=np.float64),
        pitch_m=(0.0066, 0.0084),
    )


def scene_of(depth_g_cm2: float) -> Scene:
    scene = Scene(view())
    thick = depth_g_cm2 / 785.0
    scene.box("steel", 7.85, (-thick / 2, thick / 2), (-1.0, 3.0), (-1.0, 3.0))
    return scene


def picture_of(scene: Scene, seed: int) -> Radiograph:
    """Expose a scene with the nominal beams, a floor and the noise of quanta as large as there, no faults."""
    rng = np.random.default_rng(seed)
    n_row, n_column = scene.geometry.shape
    air = 50_000.0 * (1.0 + 0.03 * rng.standard_normal((n_row, 1)))
    pulses = 1.0 + 0.003 * rng.standard_normal((1, n_column))
    raw = np.empty((n_row, n_column, len(LABELS)), dtype=np.uint16)
    for k, label in enumerate(LABELS):
        through = transmission(scene, label, n_bins=60)
        signal = (through + FLOOR) * air * pulses
        surplus = through * air * (np.interp(-np.log(through), *growth_behind(beam(label), label)) - 1.0)
        signal = signal + np.sqrt(SIGMA**2 + GAIN * (signal + surplus)) * rng.standard_normal(signal.shape)
        raw[..., k] = np.clip(np.rint(signal + DARK), 0, 65534)
    levels = np.repeat(air, len(LABELS), axis=1).astype(np.float32)
    dark = np.full_like(levels, DARK)
    return Radiograph(
        raw=raw,
        energies=LABELS,
        calibration=LineCalibration(
            dark=dark, air=levels + dark, electronic_sigma=SIGMA, gain=GAIN, scatter_floor=FLOOR
        ),
        reference=np.repeat(30_000.0 * pulses.T, len(LABELS), axis=1).astype(np.float32),
    )


def depth_in(radiograph: Radiograph, window: Region, k: int) -> float:
    plane = prepare_target(radiograph).planes[k]
    rows, columns = slice(window.row0, window.row1), slice(window.col0, window.col1)
    through = np.exp(-plane.neg_log[rows, columns].astype(np.float64)).mean() - FLOOR
    return float(-np.log(through))


@pytest.mark.parametrize("k", [0, 1])
def test_behind_100_g_cm2_injection_is_right_and_multiplication_is_not(k: int) -> None:
    """Multiplied into a 6 MV picture, 20 g/cm2 of steel show by 31 % too much; 1 g/cm2 by 41, 40 by 27 %."""
    window = Region(40, 50, 80, 110)
    shape = (window.row1 - window.row0, window.col1 - window.col0)
    object_g_cm2 = np.float32(20.0)
    bare = scene_of(100.0)
    with_object = scene_of(120.0)
    without, full = picture_of(bare, 5), picture_of(with_object, 6)
    target = prepare_target(without)
    shadow = Shadow("plate", "threat", window.row0, window.col0, {"steel": np.full(shape, object_g_cm2)})
    injected = inject(target, shadow, np.random.default_rng(2))
    base = depth_in(without, window, k)
    right = depth_in(full, window, k) - base
    made = depth_in(injected.radiograph, window, k) - base
    plain = float(neg_log_of([float(object_g_cm2)], LABELS[k])[0])
    exact = float(np.diff(neg_log_of([100.0, 120.0], LABELS[k]))[0])
    assert right == pytest.approx(exact, rel=0.03), "the noise of the mean of 2,400 pixels"
    assert made == pytest.approx(exact, rel=0.03)
    overstated = plain / made - 1.0
    if k == 0:
        assert overstated == pytest.approx(0.31, abs=0.03)
    assert overstated > 0.2


def test_noise_is_that_of_the_darker_picture() -> None:
    scene = scene_of(40.0)
    without = picture_of(scene, 7)
    full = picture_of(scene_of(70.0), 8)
    target = prepare_target(without, scatter_floor=FLOOR)
    window = Region(5, 5, 115, 155)
    shape = (window.row1 - window.row0, window.col1 - window.col0)
    shadow = Shadow("block", "threat", 5, 5, {"steel": np.full(shape, np.float32(30.0))})
    injected = inject(target, shadow, np.random.default_rng(3))
    rows, columns = slice(10, 110), slice(10, 150)
    for k in (0, 1):
        got = injected.radiograph.raw[rows, columns, k].astype(np.float64)
        want = full.raw[rows, columns, k].astype(np.float64)
        assert got.mean() == pytest.approx(want.mean(), rel=0.03)
        # down each column: source strength and the profile of the fan are no noise
        scatter = [np.diff(one, axis=1).std() for one in (got, want)]
        assert scatter[0] == pytest.approx(scatter[1], rel=0.05)
        scaled = (without.raw[rows, columns, k].astype(np.float64) - 400.0).std()
        assert scaled > 0


def test_what_tells_nothing_stays() -> None:
    scan, _ = simulate_radiograph(
        RadiographRecipe(scale=4.0, cargo="boxes", has_dropout=True, lines_lost=9, carrier="rail"), 4
    )
    radiograph = scan.payload
    assert isinstance(radiograph, Radiograph)
    target = prepare_target(radiograph)
    shape = radiograph.raw.shape[:2]
    shadow = Shadow("all", "threat", 0, 0, {"lead": np.full(shape, np.float32(20.0))})
    injected = inject(target, shadow, np.random.default_rng(3))
    assert injected.radiograph.raw.dtype == np.uint16
    for k, plane in enumerate(target.planes):
        unseen = ~plane.is_live
        assert unseen.any()
        np.testing.assert_array_equal(injected.radiograph.raw[..., k][unseen], radiograph.raw[..., k][unseen])
        open_places = plane.is_live & (np.exp(-plane.neg_log) > 0.5)
        assert (injected.radiograph.raw[..., k][open_places] < radiograph.raw[..., k][open_places]).all()
        # the floor stays: nothing falls below what an opaque place shows, but for noise
        darkest = injected.radiograph.raw[..., k][plane.is_live].mean()
        assert darkest > 0
    assert msgspec.structs.replace(injected.radiograph, raw=radiograph.raw).energies == radiograph.energies


def test_moving_below_a_pixel_keeps_mass_and_moves_the_middle() -> None:
    without = picture_of(scene_of(10.0), 9)
    target = prepare_target(without)
    plane = np.zeros((9, 9), dtype=np.float32)
    plane[3:6, 3:6] = 12.0
    shadow = Shadow("dot", "threat", 50, 60, {"lead": plane})
    still = inject(target, shadow, np.random.default_rng(1))
    moved = inject(target, shadow, np.random.default_rng(1), shift=(0.25, 0.5))
    assert moved.areal_density.sum() == pytest.approx(still.areal_density.sum(), rel=1e-6)
    centre = [
        np.average(np.indices(one.areal_density.shape)[axis], weights=one.areal_density)
        for one in (still, moved)
        for axis in (0, 1)
    ]
    assert centre[2] - centre[0] == pytest.approx(0.25, abs=1e-5)
    assert centre[3] - centre[1] == pytest.approx(0.5, abs=1e-5)


def test_an_object_is_larger_near_the_source() -> None:
    geometry = view()
    sphere = draw_threat("snm-sphere", np.random.default_rng(2))
    near, far = (shadow_of(sphere, geometry, (x, 0.6, 1.0)) for x in (-1.1, 1.1))
    rows = [(one.planes[next(iter(one.planes))] > 1.0).any(axis=1).sum() for one in (near, far)]
    # across the motion it is magnified, by (6 + 1.1) / (6 - 1.1); along the motion it is not
    assert rows[0] / rows[1] == pytest.approx(7.1 / 4.9, abs=0.15)
    columns = [(one.planes[next(iter(one.planes))] > 1.0).any(axis=0).sum() for one in (near, far)]
    assert abs(int(columns[0]) - int(columns[1])) <= 1


def test_drawn_pairs_share_their_place_and_leave_the_picture_alone() -> None:
    scan, truth = simulate_radiograph(RadiographRecipe(scale=3.0, cargo="textiles"), 6)
    radiograph = scan.payload
    assert isinstance(radiograph, Radiograph)
    before = radiograph.raw.tobytes()
    box = truth["boxes"][0]
    where = Region(box["row0"], box["col0"], box["row1"], box["col1"])
    names = ("rifle-bundle", "source-pig", "narcotics-bag")
    pairs = draw_injections(radiograph, np.random.default_rng(8), 4, box=where, threats=names)
    again = draw_injections(radiograph, np.random.default_rng(8), 4, box=where, threats=names)
    assert radiograph.raw.tobytes() == before
    assert len(pairs) == 4
    for one, other in zip(pairs, again, strict=True):
        assert one.positive.radiograph.raw.tobytes() == other.positive.radiograph.raw.tobytes()
        assert one.negative is radiograph
        assert one.positive.truth["label"] in names
        assert one.lookalike.truth["kind"] == "lookalike"
        assert one.positive.truth["contrast"][0] > 0.01
        found = one.positive.truth
        changed = np.argwhere((one.positive.radiograph.raw != radiograph.raw).any(axis=2))
        assert changed[:, 0].min() >= found["row0"]
        assert changed[:, 0].max() < found["row1"]
        assert one.positive.mask.shape == (found["row1"] - found["row0"], found["col1"] - found["col0"])


def test_a_picture_without_calibration_takes_objects_too() -> None:
    scan, _ = simulate_radiograph(RadiographRecipe(scale=4.0, cargo="boxes", has_calibration=False), 3)
    radiograph = scan.payload
    assert isinstance(radiograph, Radiograph)
    (pair,) = draw_injections(radiograph, np.random.default_rng(1), 1, threats=["source-pig"])
    assert pair.positive.truth["contrast"][0] > 0.3
    assert assumed_geometry(radiograph).shape == radiograph.raw.shape[:2]


def test_bad_input_is_refused_by_name() -> None:
    without = picture_of(scene_of(10.0), 9)
    target = prepare_target(without)
    good = np.ones((4, 4), dtype=np.float32)
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="outside the picture"):
        inject(target, Shadow("far", "threat", 500, 0, {"lead": good}), rng)
    with pytest.raises(ValueError, match="not negative"):
        inject(target, Shadow("hole", "threat", 5, 5, {"lead": -good}), rng)
    with pytest.raises(ValueError, match="unknown material 'kryptonite'"):
        inject(target, Shadow("odd", "threat", 5, 5, {"kryptonite": good}), rng)
    with pytest.raises(ValueError, match="one shape"):
        inject(target, Shadow("odd", "threat", 5, 5, {"lead": good, "steel": good[:2]}), rng)
    with pytest.raises(ValueError, match="0 to 1 pixel"):
        inject(target, Shadow("odd", "threat", 5, 5, {"lead": good}), rng, shift=(2.0, 0.0))
    with pytest.raises(ValueError, match="scatter floor"):
        prepare_target(without, scatter_floor=0.3)
    with pytest.raises(ValueError, match="as many floors"):
        prepare_target(without, scatter_floor=[1e-3])
    with pytest.raises(ValueError, match="got 'doll'"):
        draw_injections(without, rng, 1, threats=["doll"])
    with pytest.raises(ValueError, match="one injection"):
        draw_injections(without, rng, 0)
    with pytest.raises(ValueError, match="fits into rows"):
        draw_injections(without, rng, 1, threats=["source-cask"], box=Region(0, 0, 10, 10))
