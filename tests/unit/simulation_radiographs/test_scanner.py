"""Scanner instances against the laws they were drawn from, one effect at a time."""

from __future__ import annotations

import json

import numpy as np
import pytest

from screening.physics.attenuation import attenuation
from screening.radiography.curves import neg_log_of
from screening.simulation.radiographs.beams import endpoint_sensitivity, instance_beam, quantum_growth
from screening.simulation.radiographs.exposure import Counts, _beam_settings, expose
from screening.simulation.radiographs.scanner import (
    SCANNER_FAMILIES,
    SCANNER_KINDS,
    Scanner,
    draw_line_positions,
    draw_scanner,
)
from screening.simulation.radiographs.scene import FanGeometry, Scene

BUILT = [(name, kind) for name, family in SCANNER_FAMILIES.items() for kind in family.kinds]


def geometry(n_row: int = 96, n_column: int = 400, pitch: float = 0.008) -> FanGeometry:
    return FanGeometry(
        source_distance_m=6.0,
        source_height_m=1.0,
        row_z_m=1.0 + pitch * (n_row / 2 - 0.5 - np.arange(n_row)),
        column_y_m=pitch * (np.arange(n_column) + 0.5),
        pitch_m=(pitch, pitch),
    )


def steel(thickness_m: float, y: tuple[float, float] = (-1.0, 9.0), **size: int) -> Scene:
    scene = Scene(geometry(**size))
    scene.box("steel", 7.85, (-thickness_m / 2, thickness_m / 2), y, (-3.0, 5.0))
    return scene


def still(scanner: Scanner, **changes: object) -> Scanner:
    """Return an instance without noise, faults or motion, but for what a test is about."""
    quiet = scanner._replace(
        gain=0.0, electronic_sigma=1e-3, multiplicative_noise=0.0, line_sigma=0.0, row_residue=0.0,
        calibration_error=0.0, dark_counts=0.0, is_dark_subtracted=True, n_dead_rows=0, dropout_row=-1,
        isolated_rate=0.0, saturated_rate=0.0, endpoint_jitter=0.0, afterglow=(), blur_px=(0.0, 0.0),
        dead_rows=(), hot_rows=(), drifting_rows=(), wobble_rows=0.0, adc_break=0.0, energy_mixing=0.0,
        scatter_floor=0.0,
    )  # fmt: skip
    return quiet._replace(**changes)


def dual(seed: int = 1, **changes: object) -> Scanner:
    return still(draw_scanner("dual", np.random.default_rng(seed), n_row=96), **changes)


def signal(counts: Counts, k: int = 0) -> np.ndarray:
    return counts.raw[:, :, k].astype(float) - counts.dark[:, None, k]


def neg_log(counts: Counts, k: int = 0) -> np.ndarray:
    return -np.log(np.maximum(signal(counts, k), 0.5) / (counts.air - counts.dark)[:, None, k])


@pytest.mark.parametrize(("family", "kind"), BUILT)
def test_instances_lie_in_the_ranges_of_their_family(family: str, kind: str) -> None:
    f = SCANNER_FAMILIES[family]
    rng = np.random.default_rng(5)
    drawn = [draw_scanner(kind, rng, n_row=680, family=family) for _ in range(30)]
    for one in drawn:
        assert one.energies == SCANNER_KINDS[kind]
        for name in ("source_distance_m", "gain", "electronic_sigma", "line_sigma", "row_residue"):
            low, high = getattr(f, name)
            assert low * (1 - 1e-9) <= getattr(one, name) <= high * (1 + 1e-9)
        assert f.scatter_floor[0] * 0.999 <= one.scatter_floor <= f.scatter_floor[1] * 1.001
        assert f.afterglow[0] * 0.999 <= sum(share for share, _ in one.afterglow) <= f.afterglow[1] * 1.001
        assert f.n_dead_bottom[0] <= one.n_dead_rows <= f.n_dead_bottom[1]
        assert len({*one.dead_rows, *one.hot_rows, *one.drifting_rows}) == sum(
            map(len, (one.dead_rows, one.hot_rows, one.drifting_rows))
        )
        assert json.loads(json.dumps(one._asdict()))["kind"] == kind
        if len(one.energies) == 2:
            assert f.low_endpoint[0] <= one.endpoint_mv[1] / one.endpoint_mv[0] <= f.low_endpoint[1]
    assert len({one.gain for one in drawn}) == 30


def test_measured_ranges_are_within_those_of_the_rail_family() -> None:
    f = SCANNER_FAMILIES["rail-dual"]
    assert f.line_sigma[0] <= 0.0023
    assert f.line_sigma[1] >= 0.007
    assert f.row_residue[0] <= 0.0147
    assert f.row_residue[1] >= 0.0489
    assert f.n_dead_bottom == (7, 7)


def test_families_and_kinds_are_refused_by_name() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(ValueError, match="scanner must be one of"):
        draw_scanner("tomograph", rng, n_row=10)
    with pytest.raises(ValueError, match="family must be one of"):
        draw_scanner("dual", rng, n_row=10, family="backscatter")
    with pytest.raises(ValueError, match="family gamma is built as"):
        draw_scanner("dual", rng, n_row=10, family="gamma")


def test_without_defects_nothing_is_faulty() -> None:
    one = draw_scanner("single-4", np.random.default_rng(3), n_row=680, has_defects=False)
    assert (one.n_dead_rows, one.dead_rows, one.hot_rows, one.drifting_rows) == (0, (), (), ())
    assert one.isolated_rate == one.saturated_rate == 0.0


@pytest.mark.parametrize("label", ["9MV", "6MV", "4MV"])
def test_a_nominal_instance_has_the_nominal_curve(label: str) -> None:
    beam = instance_beam(label, float(label[0]), 2.5, 0.0)
    scene = steel(0.10, n_column=8)
    scanner = still(
        draw_scanner("single", np.random.default_rng(0), n_row=96), energies=(label,), tungsten_g_cm2=2.5,
        endpoint_mv=(float(label[0]),), steel_g_cm2=0.0,
    )  # fmt: skip
    seen = neg_log(expose(scene, scanner, np.random.default_rng(0)))[48, 4]
    assert seen == pytest.approx(float(neg_log_of(78.5, label)), rel=0.03)
    assert beam.weight.sum() == pytest.approx(1.0)
    assert endpoint_sensitivity((label, float(label[0]), 2.5, 0.0, "cadmium-tungstate", 3.0)) < -0.2


def test_beams_out_of_range_are_refused() -> None:
    with pytest.raises(ValueError, match="endpoint must be 1 to 20 MV"):
        instance_beam("6MV", 0.5, 2.0, 0.0)
    with pytest.raises(ValueError, match="tungsten must be 0 to 100"):
        instance_beam("6MV", 6.0, -2.0, 0.0)
    for label in ("6MV", "Co-60"):
        with pytest.raises(ValueError, match="read-only"):
            instance_beam(label, 6.0, 2.0, 0.0).weight[0] = 1.0
    assert endpoint_sensitivity(("Co-60", 0.0, 2.0, 0.0, "nai", 5.0)) == 0.0


def test_noise_follows_the_photon_transfer_law_at_every_level() -> None:
    scanner = dual(gain=12.0, electronic_sigma=22.0, multiplicative_noise=0.004)
    for thickness in (0.01, 0.1, 0.2):
        plane = signal(expose(steel(thickness), scanner, np.random.default_rng(2)))[40:56]
        mean = plane.mean()
        spectrum = instance_beam(*_beam_settings(scanner, 0))
        behind = spectrum.weight * np.exp(
            -100.0 * thickness * 7.85 * attenuation("steel", spectrum.energy_kev)
        )
        larger = (behind @ spectrum.energy_kev) / behind.sum() / (spectrum.weight @ spectrum.energy_kev)
        law = 22.0**2 + 12.0 * larger * mean + (0.004 * mean) ** 2
        assert np.var(plane - plane.mean(axis=1, keepdims=True)) == pytest.approx(law, rel=0.06)


def test_quanta_are_larger_behind_cargo() -> None:
    depth, factor = quantum_growth(("6MV", 6.0, 2.5, 1.0, "cadmium-tungstate", 3.0))
    assert (np.diff(depth) > 0).all()
    assert (np.diff(factor) > 0).all()
    np.testing.assert_allclose(np.interp([0.0, 2.0, 6.0], depth, factor), [1.0, 1.4, 1.8], atol=0.05)
    assert quantum_growth(("Co-60", 0.0, 2.0, 0.0, "csi", 3.0))[1].tolist() == [1.0]
    with pytest.raises(ValueError, match="read-only"):
        factor[0] = 2.0


def test_a_line_is_common_to_its_rows_and_to_the_reference() -> None:
    counts = expose(Scene(geometry()), dual(line_sigma=0.006), np.random.default_rng(2))
    columns = signal(counts).mean(axis=0)
    relative = columns / columns.mean() - 1.0
    assert relative.std() == pytest.approx(0.006, rel=0.1)
    monitor = counts.reference[:, 0] / counts.reference[:, 0].mean() - 1.0
    assert np.corrcoef(relative, monitor)[0, 1] > 0.98


def test_gain_has_steps_of_detector_boards() -> None:
    scanner = dual(row_residue=0.04, board_rows=16)
    air = Scene(geometry(n_column=4))
    rows = [signal(expose(air, scanner, np.random.default_rng(seed)))[:, 0] for seed in range(20)]
    gain = np.array(rows) / np.median(rows, axis=0)
    assert gain.std() == pytest.approx(0.04, rel=0.25)
    boards = gain.reshape(20, 6, 16).mean(axis=2)
    assert boards.std() == pytest.approx(0.8 * 0.04, rel=0.3)


def test_the_ratio_of_logarithms_is_that_of_real_scans() -> None:
    rng = np.random.default_rng(11)
    scanners = [draw_scanner("dual", rng, n_row=96) for _ in range(12)]
    for low, high in ((0.5, 1.5), (1.5, 3.0), (3.0, 5.0)):
        medians = []
        for scanner in scanners:
            scene = Scene(geometry(n_row=16, n_column=8))
            mean = 22.0 * (low + high) / 2
            scene.box("steel", 1.0, (-0.5 * mean / 100, 0.0), (-1.0, 9.0), (-3.0, 5.0))
            scene.box("wood", 1.0, (0.0, 0.5 * mean / 100), (-1.0, 9.0), (-3.0, 5.0))
            counts = expose(
                scene, still(scanner, scatter_floor=scanner.scatter_floor), np.random.default_rng(0)
            )
            medians.append(np.median(neg_log(counts, 1) / neg_log(counts, 0)))
        assert 1.05 < min(medians) < max(medians) < 1.13
        assert np.median(medians) == pytest.approx(1.09, abs=0.02)


def test_dynamic_range_of_the_rail_family() -> None:
    """Behind a metre of steel; real scans read 1,030 to 1,610, cargo that is nearly opaque included."""
    rng = np.random.default_rng(7)
    ranges = []
    for _ in range(10):
        scanner = draw_scanner("dual", rng, n_row=96)
        scene = steel(1.0, y=(1.6, 9.0))
        counts = expose(scene, still(scanner, scatter_floor=scanner.scatter_floor), np.random.default_rng(0))
        floor = np.median(signal(counts)[:, 220:300])
        ranges.append(scanner.air_counts[0] / floor)
        assert 0.4 < np.median(signal(counts, 1)[:, 220:300]) / floor < 0.9
    assert 1_100 < min(ranges) < max(ranges) < 2_500
    assert 1_300 < np.median(ranges) < 2_100


def test_scatter_is_stronger_beside_open_places() -> None:
    scanner = dual(scatter_floor=2e-3, veil_radius=0.3)
    row = signal(expose(steel(1.0, y=(0.8, 9.0)), scanner, np.random.default_rng(0)))[48]
    assert row[105] > 1.05 * row[-5]
    assert (np.diff(ndimage_mean(row[101:])) < 1.0).all()


def ndimage_mean(row: np.ndarray, n: int = 9) -> np.ndarray:
    return np.convolve(row, np.ones(n) / n, mode="valid")


def test_afterglow_decays_along_the_motion_and_keeps_the_air() -> None:
    scanner = dual(afterglow=((0.01, 3.0),), energies=("6MV",))
    counts = expose(steel(2.0, y=(0.8, 9.0)), scanner, np.random.default_rng(0))
    row = signal(counts)[48] / scanner.air_counts[0]
    fan = counts.air[48, 0] / scanner.air_counts[0]
    assert row[:95] == pytest.approx(np.full(95, fan), rel=1e-4)
    # columns 100, 103, 106 are opaque: what is there is light of the air before
    keep = np.exp(-1.0 / 3.0)
    np.testing.assert_allclose(row[[100, 103, 106]], 0.01 * fan * keep ** np.array([0, 3, 6]), atol=3e-5)


def test_the_second_energy_is_half_a_line_late() -> None:
    counts = expose(steel(0.1, y=(0.8, 9.0)), dual(), np.random.default_rng(0))
    high, low = neg_log(counts, 0)[48], neg_log(counts, 1)[48]
    assert high[99] < 0.01
    # half of line 99 lies behind the edge at the second pulse
    assert np.exp(-low[99]) == pytest.approx((1.0 + np.exp(-low[150])) / 2, rel=0.02)
    same = expose(steel(0.1, y=(0.8, 9.0)), dual(interlace_lines=0.0), np.random.default_rng(0))
    assert neg_log(same, 1)[48, 99] < 0.01


def test_a_thin_plate_along_the_beam_hides_only_its_own_part_of_a_line() -> None:
    scene = Scene(geometry(n_column=40))
    scene.box("steel", 7.85, (-1.0, 1.0), (0.162, 0.164), (-3.0, 5.0))
    seen = {
        n: np.exp(-neg_log(expose(scene, dual(), np.random.default_rng(0), parts=(1, n))))[48] for n in (2, 4)
    }
    # a quarter of line 20 is opaque
    assert seen[4][20] == pytest.approx(0.75, abs=0.01)
    assert seen[2][20] == pytest.approx(0.5, abs=0.01)
    with pytest.raises(ValueError, match=r"make 0\.5 lines whole parts"):
        expose(scene, dual(), np.random.default_rng(0), parts=(1, 1))


def test_sway_moves_edges_from_line_to_line() -> None:
    scene = Scene(geometry())
    scene.box("steel", 7.85, (-0.5, 0.5), (-1.0, 9.0), (-3.0, 1.0))
    edge = np.argmax(neg_log(expose(scene, dual(wobble_rows=3.0), np.random.default_rng(4))) > 1.0, axis=0)
    assert 3 <= np.ptp(edge) <= 7
    assert np.ptp(np.argmax(neg_log(expose(scene, dual(), np.random.default_rng(4))) > 1.0, axis=0)) == 0


def test_blur_keeps_the_mean_and_softens_edges() -> None:
    scene = steel(0.1, y=(0.8, 9.0))
    sharp, soft = (
        np.exp(-neg_log(expose(scene, dual(blur_px=(b, b)), np.random.default_rng(0))))[48]
        for b in (0.0, 0.8)
    )
    assert soft.sum() == pytest.approx(sharp.sum(), rel=1e-4)
    step = soft[90:110] - soft[110]
    width = np.interp(-0.84 * step[0], -step, np.arange(20)), np.interp(-0.16 * step[0], -step, np.arange(20))
    assert width[1] - width[0] == pytest.approx(2 * 0.8, abs=0.5)


def test_jitter_of_the_endpoint_shows_behind_steel_and_not_in_air() -> None:
    scanner = dual(endpoint_jitter=0.01)
    deep = neg_log(expose(steel(0.15), scanner, np.random.default_rng(3)))[40:56].mean(axis=0)
    air = neg_log(expose(Scene(geometry()), scanner, np.random.default_rng(3)))[40:56].mean(axis=0)
    slope = -endpoint_sensitivity(
        ("6MV", scanner.endpoint_mv[0], scanner.tungsten_g_cm2, scanner.steel_g_cm2, scanner.detector,
         scanner.detector_depth_cm)
    )  # fmt: skip
    assert deep.std() / deep.mean() == pytest.approx(slope * 0.01, rel=0.15)
    assert air.std() < 1e-4


def test_one_end_of_the_fan_is_softer() -> None:
    scene = steel(0.1, n_row=400)
    rows = {
        is_down: neg_log(expose(scene, dual(is_aimed_down=is_down), np.random.default_rng(0)))[:, 5]
        for is_down in (True, False)
    }
    degrees = np.degrees(np.arctan((scene.geometry.row_z_m[[0, -1]] - 1.0) / 6.0))
    ratio = np.log(rows[True] / rows[False])
    assert ratio[0] > 0.0 > ratio[-1]
    # the published beams soften as E^-0.0115 per degree, which is half a percent of -ln T behind steel
    per_degree = (ratio[0] - ratio[-1]) / 2.0 / (degrees[0] - degrees[1])
    assert 0.001 < per_degree < 0.01
    assert abs(ratio[200]) < 1e-3


def test_faulty_rows_are_what_the_truth_says() -> None:
    scanner = dual(dead_rows=(10,), hot_rows=(20,), drifting_rows=(30,), drift=0.2, n_dead_rows=3,
                   electronic_sigma=20.0)  # fmt: skip
    counts = expose(Scene(geometry()), scanner, np.random.default_rng(2))
    assert counts.dead_rows == (10, 93, 94, 95)
    assert (counts.hot_rows, counts.drifting_rows) == ((20,), (30,))
    assert not counts.raw[list(counts.dead_rows)].any()
    assert counts.is_failed[list(counts.dead_rows)].all()
    plane = signal(counts)
    assert plane[20].std() > 4 * plane[21].std()
    assert np.ptp(ndimage_mean(plane[30], 41)) > 0.05 * plane[30].mean()
    assert np.ptp(ndimage_mean(plane[31], 41)) < 0.002 * plane[31].mean()
    # a smaller picture has no such rows
    expose(Scene(geometry(n_row=8)), scanner._replace(n_dead_rows=1), np.random.default_rng(2))


def test_zeros_of_each_kind_come_at_their_own_rate() -> None:
    scanner = dual(
        isolated_rate=2e-3, saturated_rate=3e-3, dropout_row=32, electronic_sigma=20.0, scatter_floor=8e-4
    )
    counts = expose(steel(0.4, y=(1.6, 9.0)), scanner, np.random.default_rng(2))
    bright = counts.raw[:, :195]
    missing = [bright[32:48, :, k] == 0 for k in (0, 1)]
    packets = [one.all(axis=0) for one in missing]
    assert (packets[0] ^ packets[1]).all(), "the energies miss a module in turns"
    assert set(np.diff(np.flatnonzero(np.diff(packets[0].astype(int))))) == {10}
    rest = np.delete(bright[:, :, 0], slice(32, 48), axis=0)
    assert (rest == 0).mean() == pytest.approx(2e-3, rel=0.4)
    assert (counts.raw[:, :, 0] == 65535).mean() == pytest.approx(3e-3, rel=0.3)
    opaque = counts.raw[:32, 220:, 0]
    assert 0.02 < (opaque == 0).mean() < 0.35, "noise around the floor, clipped"
    assert counts.is_failed[:, :195][bright == 0].all()


def test_a_coarse_converter_skips_codes_above_its_break() -> None:
    scanner = dual(adc_step=8.0, adc_break=8192.0, adc_mismatch=0.002, gain=10.0)
    values = expose(steel(0.06, y=(0.8, 9.0)), scanner, np.random.default_rng(1)).raw[:, :, 0]
    assert set(np.unique(values[values > 8300] % 8)) == {0}
    low = expose(steel(0.2), scanner, np.random.default_rng(1)).raw[:, :, 0]
    assert len(set(np.unique(low[low < 8000] % 8))) == 8


def test_lines_are_where_the_speed_puts_them() -> None:
    scanner = dual(speed_ripple=0.05, ripple_lines=200.0, is_mirrored=False)
    y = draw_line_positions(scanner, 1_000, 2.0, 0.01, np.random.default_rng(1))
    step = np.diff(y)
    assert 0.005 < y[0] - 2.0 + 0.005 < 0.02
    assert y[-1] - y[0] == pytest.approx(9.99, rel=1e-3)
    assert 0.04 < np.ptp(step) / 2 / step.mean() < 0.08
    back = draw_line_positions(scanner._replace(is_mirrored=True), 1_000, 2.0, 0.01, np.random.default_rng(1))
    np.testing.assert_array_equal(back, y[::-1])
    even = draw_line_positions(
        dual(speed_ripple=0.0, is_mirrored=False), 10, 0.0, 0.1, np.random.default_rng(1)
    )
    np.testing.assert_allclose(even, 0.05 + 0.1 * np.arange(10))
    scene = Scene(geometry(n_column=10)._replace(column_y_m=back[:10]))
    counts = expose(scene, scanner, np.random.default_rng(1))
    np.testing.assert_allclose(counts.line_position_m, back[:10] - back[0])
    assert np.ptp(np.diff(counts.line_time_s)) < 1e-12
    with pytest.raises(ValueError, match="positive pitch"):
        draw_line_positions(scanner, 10, 0.0, 0.0, np.random.default_rng(1))


@pytest.mark.parametrize(("family", "kind"), BUILT)
def test_every_instance_takes_a_picture_the_same_each_time(family: str, kind: str) -> None:
    scanner = draw_scanner(kind, np.random.default_rng(9), n_row=96, family=family)
    scene = steel(0.05, y=(0.8, 9.0), n_column=120)
    first, again = (expose(scene, scanner, np.random.default_rng(4)) for _ in range(2))
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    n_energy = len(scanner.energies)
    assert first.raw.shape == first.is_failed.shape == (96, 120, n_energy)
    assert first.raw.dtype == np.uint16
    assert first.dark.shape == first.air.shape == (96, n_energy)
    assert first.reference.shape == (120, n_energy)
    other = expose(scene, scanner, np.random.default_rng(5))
    assert not np.array_equal(first.raw, other.raw)
