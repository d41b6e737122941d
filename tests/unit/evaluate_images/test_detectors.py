"""The reference detectors for pictures, on simulated pictures and on pictures that cannot be used."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from screening.classifiers import load_model
from screening.config import Settings
from screening.evaluate.detectors import DetectorAnswer, DetectorUnderTest, PipelineDetector
from screening.evaluate.detectors.image_steps import Picture, attenuation_picture, blobs, box_interior
from screening.evaluate.detectors.images import (
    DarkBlobDetector,
    DualEnergyDetector,
    LocalContrastDetector,
    MeanAttenuationDetector,
)
from screening.evaluate.metrics.matching import Truth, match
from screening.records import Level, Scan
from screening.simulation.radiographs import RadiographRecipe, simulate_radiograph

POINTING = (DarkBlobDetector, LocalContrastDetector, DualEnergyDetector)
ALL = (*POINTING, MeanAttenuationDetector)
RECIPE = RadiographRecipe(kind="empty", scanner="dual", carrier="road", length="20", scale=3.0)


def made(seed: int, **fields: Any) -> tuple[Scan, dict[str, Any]]:
    return simulate_radiograph(msgspec.structs.replace(RECIPE, **fields), seed)


def changed(scan: Scan, **changes: Any) -> Scan:
    return msgspec.structs.replace(scan, payload=msgspec.structs.replace(scan.payload, **changes))


@pytest.fixture(scope="module")
def with_cask() -> tuple[Scan, dict[str, Any]]:
    return made(3, threats=("source-cask",))


def answered(kind: type, scan: Scan) -> DetectorAnswer:
    answer = kind(Settings()).answer(scan)
    assert isinstance(answer, DetectorAnswer)
    return answer


@pytest.mark.parametrize("kind", ALL)
def test_each_is_a_detector_and_repeats_itself(kind: type, with_cask: tuple[Scan, dict[str, Any]]) -> None:
    detector = kind(Settings())
    assert isinstance(detector, DetectorUnderTest)
    first, second = detector.answer(with_cask[0]), kind(Settings()).answer(with_cask[0])
    assert first == second
    assert first is not None
    assert first.level in (Level.LOW, Level.HIGH)


@pytest.mark.parametrize("kind", POINTING)
def test_candidates_lie_in_the_picture_and_the_highest_is_the_score(
    kind: type, with_cask: tuple[Scan, dict[str, Any]]
) -> None:
    scan, _ = with_cask
    answer = answered(kind, scan)
    assert answer.candidates
    n_row, n_column = scan.payload.raw.shape[:2]
    for one in answer.candidates:
        assert 0 <= one.row0 < one.row1 <= n_row
        assert 0 <= one.col0 < one.col1 <= n_column
    scores = [one.score for one in answer.candidates]
    assert scores == sorted(scores, reverse=True)
    assert answer.threat_score == scores[0]
    alarming = kind(Settings(), threshold=scores[0]).answer(scan)
    assert (alarming.has_threat, alarming.level) == (True, Level.HIGH)
    calm = kind(Settings(), threshold=scores[0] * 1.001).answer(scan)
    assert (calm.has_threat, calm.level) == (False, Level.LOW)


@pytest.mark.parametrize("kind", [DarkBlobDetector, LocalContrastDetector])
def test_a_cask_of_lead_in_an_empty_box_is_among_the_first_five(
    kind: type, with_cask: tuple[Scan, dict[str, Any]]
) -> None:
    scan, truth = with_cask
    (there,) = truth["objects"]
    window = slice(there["row0"], there["row1"]), slice(there["col0"], there["col1"])
    object_ = Truth(
        row0=there["row0"], col0=there["col0"], row1=there["row1"], col1=there["col1"],
        mask=truth["object_index"][window] == 1,
    )  # fmt: skip
    answer = answered(kind, scan)
    assert answer.candidates is not None
    assert match(answer.candidates[:5], [object_]).truth_score[0] > 0


def test_mean_attenuation_tells_heavy_loads_from_empty_boxes() -> None:
    empty = [answered(MeanAttenuationDetector, made(seed)[0]) for seed in (1, 2, 3)]
    loaded = [
        answered(MeanAttenuationDetector, made(seed, kind="loaded", cargo="sacks")[0]) for seed in (1, 2, 3)
    ]
    assert all(answer.is_loaded is False for answer in empty)
    assert all(answer.is_loaded is True for answer in loaded)
    assert {answer.level for answer in (*empty, *loaded)} == {Level.LOW}
    declared = answered(
        MeanAttenuationDetector, made(1, kind="loaded", cargo="sacks", declared_empty=True)[0]
    )
    assert (declared.level, declared.codes) == (Level.HIGH, ("IMG_NOT_EMPTY",))
    assert max(a.load_score or 0.0 for a in empty) < min(a.load_score or 0.0 for a in loaded)


@pytest.mark.parametrize("kind", ALL)
def test_pictures_that_cannot_be_used_are_unknown(kind: type, with_cask: tuple[Scan, dict[str, Any]]) -> None:
    scan, _ = with_cask
    raw = scan.payload.raw
    dark = changed(scan, raw=np.zeros_like(raw))
    no_air = changed(scan, raw=np.full_like(raw, 30), calibration=None)
    assert answered(kind, dark).level is Level.UNKNOWN
    assert answered(kind, no_air).level is Level.UNKNOWN
    air = np.full_like(raw, 50_000)
    nothing = changed(
        scan, raw=air - (np.arange(raw.shape[1]) % 7).astype(np.uint16)[:, None], calibration=None
    )
    assert answered(kind, nothing).level is Level.UNKNOWN  # no box


def test_two_energies_are_needed_for_a_ratio() -> None:
    scan, _ = made(3, scanner="single")
    assert DualEnergyDetector(Settings()).answer(scan) is None


def test_the_box_is_found_within_its_hull() -> None:
    for seed, carrier in ((5, "rail"), (6, "road")):
        scan, truth = made(seed, kind="loaded", cargo="boxes", carrier=carrier)
        picture = attenuation_picture(scan.payload, 0)
        assert picture is not None
        inside = box_interior(picture)
        assert inside is not None
        (hull,) = truth["boxes"]
        rows, columns = inside
        assert abs(rows.start * picture.block[0] - hull["row0"]) <= 6
        assert 0 <= columns.start * picture.block[1] - hull["col0"] <= 700 / scan.payload.pitch_mm[1]
        assert 0 <= hull["col1"] - columns.stop * picture.block[1] <= 700 / scan.payload.pitch_mm[1]


def test_attenuation_is_that_of_the_counts_and_finer_pixels_are_averaged() -> None:
    scan, _ = made(2, has_defects=False)
    radiograph = scan.payload
    picture = attenuation_picture(radiograph, 0)
    assert picture is not None
    assert picture.block == (1, 1)
    calibration, strength = radiograph.calibration, radiograph.reference[:, 0]
    dark = 0.0 if radiograph.is_dark_subtracted else calibration.dark[:, :1]
    open_beam = calibration.air[:, :1] - calibration.dark[:, :1]
    through = (radiograph.raw[:, :, 0] - dark) / open_beam / (strength / np.median(strength))
    bright = through > 0.1
    assert np.allclose(picture.neg_log[bright], -np.log(through[bright]), atol=1e-5)
    fine = attenuation_picture(msgspec.structs.replace(radiograph, pitch_mm=(4.0, 4.0)), 0)
    assert fine is not None
    assert fine.block == (2, 2)
    assert fine.pixel_mm == (8.0, 8.0)
    whole = picture.neg_log[: 2 * (picture.neg_log.shape[0] // 2), : 2 * (picture.neg_log.shape[1] // 2)]
    mean = -np.log(np.exp(-whole).reshape(whole.shape[0] // 2, 2, -1, 2).mean(axis=(1, 3)))
    got = fine.neg_log[: mean.shape[0], : mean.shape[1]]
    assert np.quantile(np.abs(got - mean)[mean < 2], 0.99) < 0.02


def test_blobs_are_found_at_their_size_and_sign() -> None:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:200, :300]
    values = rng.normal(0, 0.05, (200, 300))
    for row, column, radius, height in ((60, 60, 4.0, 1.0), (120, 200, 12.0, -1.0)):
        values += height * (np.hypot(y - row, x - column) <= radius)
    picture = Picture(values, np.full(values.shape, 0.05**2), values == values, (1, 1), (8.0, 8.0))
    found = blobs(
        picture.neg_log, picture.variance, (slice(0, 200), slice(0, 300)),
        scales_px=(2.0, 4.0, 8.0), min_score=2.5, n_most=2,
    )  # fmt: skip
    at = {one.sign: one for one in found}
    assert np.hypot(at[1].row - 60, at[1].column - 60) < 3
    assert np.hypot(at[-1].row - 120, at[-1].column - 200) < 6
    assert at[1].half_px < at[-1].half_px


@pytest.mark.parametrize(
    ("network", "explicit", "is_loaded"),
    [(0.0, 0.0, False), (0.0, 0.01, True), (0.001, 0.0, True)],
)
def test_the_pipeline_calls_a_box_loaded_where_the_product_does(
    monkeypatch: pytest.MonkeyPatch, network: float, explicit: float, is_loaded: bool
) -> None:
    detector = PipelineDetector(Settings())
    card = load_model("empties").card.thresholds
    scores = {
        "loaded_score": str(float(card["loaded"]) - 0.0005 + network),
        "excess_areal_density_g_cm2": str(float(card["excess_g_cm2"]) - 0.005 + explicit),
    }
    seen = detector._pipeline.screen(made(1)[0])
    flags = tuple(
        msgspec.structs.replace(flag, scores=msgspec.structs.replace(flag.scores, raw=scores))
        for flag in seen.flags
    )
    measured = msgspec.structs.replace(seen.measurements, empty_probability=0.4)
    monkeypatch.setattr(
        detector._pipeline,
        "screen",
        lambda scan: msgspec.structs.replace(seen, flags=flags, measurements=measured),
    )
    assert detector.answer(made(1)[0]).is_loaded is is_loaded
    silent = msgspec.structs.replace(measured, empty_probability=None)
    monkeypatch.setattr(
        detector._pipeline,
        "screen",
        lambda scan: msgspec.structs.replace(seen, flags=flags, measurements=silent),
    )
    assert detector.answer(made(1)[0]).is_loaded is None
