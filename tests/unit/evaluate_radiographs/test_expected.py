"""What noise allows: the matched filter, its bound, and the truth of what cannot be seen."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from scipy import stats

from screening.evaluate.radiographs.expected import (
    Expected,
    detection_bound,
    expected_signal,
    matched_filter,
    object_d,
    opaque_truth,
    separation,
    sphere_hides,
)
from screening.evaluate.radiographs.pictures import Picture, take_picture, take_triple
from screening.radiography.planes import correct_plane
from screening.records import ContainerBox
from screening.simulation.radiographs import RadiographRecipe
from screening.simulation.radiographs.geometry import Region

SMALL = RadiographRecipe(
    kind="loaded", cargo="boxes", scanner="single", family="rail-dual", length="20", scale=6.0, seed=3
)


@pytest.fixture(scope="module")
def loaded() -> Picture:
    return take_picture(SMALL)


def test_the_matched_filter_of_one_pixel_is_the_change_over_its_noise() -> None:
    assert matched_filter([100.0], [90.0], [25.0]) == pytest.approx(2.0)
    assert matched_filter(np.zeros(9), np.ones(9), np.ones(9)) == pytest.approx(3.0)


def test_the_bound_is_what_an_ideal_observer_measures() -> None:
    rng = np.random.default_rng(1)
    signal, sigma = np.array([3.0, -1.0, 2.0]), np.array([2.0, 1.0, 4.0])
    d = matched_filter(np.zeros(3), signal, sigma**2)
    template = signal / sigma**2
    noise = rng.normal(0.0, sigma, (200_000, 3))
    without, with_it = noise @ template, (noise + signal) @ template
    threshold = np.quantile(without, 1 - 0.06)
    assert detection_bound([d], 0.06)[0] == pytest.approx((with_it > threshold).mean(), abs=0.005)


def test_no_detector_passes_the_bound_behind_which_a_dense_object_takes_the_noise_too() -> None:
    open_beam, rest = np.full((1, 1, 4), 30.0), np.full((1, 1, 4), 6.0)
    floor = np.zeros(1)
    d = separation(
        Expected(open_beam.astype(np.float32), floor, (10.0 * open_beam).astype(np.float32)),
        Expected(rest.astype(np.float32), floor, (10.0 * rest).astype(np.float32)),
    )
    # alternatives of one spread each: the sum over the pixels is all there is to know
    rng = np.random.default_rng(2)
    without = rng.normal(open_beam, np.sqrt(10.0 * open_beam), (200_000, 1, 4)).sum(axis=(1, 2))
    with_it = rng.normal(rest, np.sqrt(10.0 * rest), (200_000, 1, 4)).sum(axis=(1, 2))
    for rate in (0.007, 0.06):
        found = (with_it < np.quantile(without, rate)).mean()
        assert found <= detection_bound([d], rate)[0] + 0.005
        assert found > detection_bound([d * np.sqrt(6.0 / 30.0)], rate)[0] + 0.05


def test_no_contrast_is_found_as_often_as_false_alarms_happen() -> None:
    assert detection_bound([0.0], 0.06)[0] == pytest.approx(0.06)
    with pytest.raises(ValueError, match=r"got 1\.5"):
        detection_bound([1.0], 1.5)


def test_the_scene_behind_a_picture_is_the_one_that_was_exposed(loaded: Picture) -> None:
    total = loaded.composition.scene.total()
    np.testing.assert_allclose(total, loaded.truth["areal_density_g_cm2"], rtol=1e-4, atol=1e-3)


def test_the_scenes_of_a_triple_are_those_of_its_pictures() -> None:
    recipe = msgspec.structs.replace(SMALL, threats=("source-pig",))
    positive, negative, _ = take_triple(recipe)
    for one in (positive, negative):
        np.testing.assert_allclose(
            one.composition.scene.total(), one.truth["areal_density_g_cm2"], rtol=1e-4, atol=1e-3
        )
    assert len(positive.truth["objects"]) == 1
    assert not negative.truth["objects"]


def test_the_expected_signal_is_what_the_scanner_measures_on_average(loaded: Picture) -> None:
    payload, scanner = loaded.scan.payload, loaded.composition.scanner
    expected = expected_signal(payload, loaded.composition.scene.areal_density, scanner)
    plane = correct_plane(payload, 0)
    assert expected.direct.shape == (1, *payload.raw.shape[:2])
    ratio = plane.signal[plane.is_live] / (expected.direct[0] + expected.floor[0])[plane.is_live]
    assert np.median(ratio) == pytest.approx(1.0, abs=0.02)
    air = expected.direct[0] > 0.98 * expected.direct[0].max()
    law = scanner.electronic_sigma**2 + scanner.gain * expected.direct[0][air].mean()
    assert expected.variance[0][air].mean() == pytest.approx(law, rel=0.03)


def test_a_picture_without_a_calibration_has_no_expected_signal(loaded: Picture) -> None:
    bare = msgspec.structs.replace(loaded.scan.payload, calibration=None)
    with pytest.raises(ValueError, match="calibration"):
        expected_signal(bare, loaded.composition.scene.areal_density, loaded.composition.scanner)


def test_d_prime_falls_behind_cargo_and_grows_with_the_object(loaded: Picture) -> None:
    planes = loaded.composition.scene.areal_density
    shape = loaded.truth["areal_density_g_cm2"].shape
    row, column = shape[0] // 2, shape[1] // 2
    region = Region(row, column, row + 6, column + 6)

    def _d(thick: float, cargo: float) -> float:
        steel = np.zeros(shape, dtype=np.float32)
        steel[row : row + 6, column : column + 6] = thick
        before = {**planes, "water": np.full(shape, cargo, dtype=np.float32)}
        after = {**before, "lead": steel}
        return object_d(loaded.scan.payload, before, after, loaded.composition.scanner, region)

    assert _d(2.0, 0.0) > _d(1.0, 0.0) > _d(1.0, 80.0) > _d(1.0, 300.0) > 0.0


def test_opaque_and_hiding_follow_what_stands_in_the_way(loaded: Picture) -> None:
    payload, scanner = loaded.scan.payload, loaded.composition.scanner
    shape = payload.raw.shape[:2]
    steel = np.zeros(shape, dtype=np.float32)
    steel[:, shape[1] // 2 :] = 260.0
    expected = expected_signal(payload, {"steel": steel}, scanner)
    opaque = opaque_truth(expected)
    # a column beside the edge belongs to both
    assert not opaque[:, : shape[1] // 2 - 1].any()
    assert opaque[:, shape[1] // 2 + 1 :].all()
    box = ContainerBox(row0=4, col0=4, row1=shape[0] - 4, col1=shape[1] - 4, complete=True)
    hides = sphere_hides(expected, scanner, (box,), (0.04, 0.04), 0.1)
    assert not hides[:, : shape[1] // 2 - 4].any()
    assert hides[8:-8, shape[1] // 2 + 4 : -8].all()
    assert not hides[:4].any()


def test_a_larger_threat_hides_in_fewer_places(loaded: Picture) -> None:
    payload, scanner = loaded.scan.payload, loaded.composition.scanner
    shape = payload.raw.shape[:2]
    steel = np.tile(np.linspace(0.0, 300.0, shape[1], dtype=np.float32), (shape[0], 1))
    expected = expected_signal(payload, {"steel": steel}, scanner)
    box = ContainerBox(row0=0, col0=0, row1=shape[0], col1=shape[1], complete=True)
    shares = [sphere_hides(expected, scanner, (box,), (0.02, 0.02), d).mean() for d in (0.04, 0.1, 0.2)]
    assert shares[0] > shares[1] > shares[2] > 0.0


def test_the_normal_quantile_of_the_bound_is_that_of_its_rate() -> None:
    d = float(stats.norm.isf(0.01))
    assert detection_bound([d], 0.01)[0] == pytest.approx(0.5)
