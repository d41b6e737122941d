"""Simulated pictures beside figures measured on real ones. What does not match is in docs/radiography.md."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import ndimage

from screening.records import Radiograph
from screening.simulation.radiographs import RadiographRecipe, simulate_radiograph

pytestmark = pytest.mark.shared

CARGO = ("coils", "machinery", "rolls", "sacks")


@pytest.fixture(scope="module")
def real(shared_data: Path) -> dict[str, Any]:
    text = (shared_data / "xray" / "real_scan_statistics.json").read_text(encoding="utf-8")
    figures: dict[str, Any] = json.loads(text)
    return figures


@pytest.fixture(scope="module")
def simulated() -> list[dict[str, Any]]:
    """The same figures on loaded 40 ft containers on rail wagons, by the same recipes."""
    figures = []
    for seed, cargo in enumerate(CARGO):
        recipe = RadiographRecipe(cargo=cargo, scanner="dual", carrier="rail", has_dropout=True)
        scan, truth = simulate_radiograph(recipe, seed)
        radiograph = scan.payload
        assert isinstance(radiograph, Radiograph)
        assert radiograph.calibration is not None
        rows = slice(0, radiograph.raw.shape[0] - truth["scanner"]["n_dead_rows"])
        raw = radiograph.raw[rows]
        dark = radiograph.calibration.dark[rows, None, :]
        signal = raw - dark
        depth = -np.log(np.maximum(signal / (radiograph.calibration.air[rows, None, :] - dark), 1e-5))
        band = signal[: truth["boxes"][0]["row0"] - 12, :, 0]
        row_means = band.mean(axis=1)
        relative = band / row_means[:, None]
        smooth = ndimage.uniform_filter(signal[:, :, 0], 9)
        opaque = smooth < 100
        live = raw[:, :, 0] > 0
        figures.append(
            {
                "is_dark_subtracted": radiograph.is_dark_subtracted,
                "zeros": [(raw[:, :, k] == 0).mean() for k in (0, 1)],
                "saturated": (raw[:, :, 0] == 65535).mean(),
                "air_counts": band.mean(),
                "air_sigma": 1.4826 * np.median(np.abs(relative - np.median(relative))),
                "row_residue": row_means.std() / row_means.mean(),
                "floor_counts": np.median(signal[:, :, 0][opaque & live]),
                "range": band.mean() / np.median(signal[:, :, 0][opaque & live]),
                "ratio": {
                    name: np.median(
                        (depth[..., 1] / depth[..., 0])[(depth[..., 0] > low) & (depth[..., 0] < high)]
                    )
                    for name, low, high in (("0.5-1.5", 0.5, 1.5), ("1.5-3", 1.5, 3.0), ("3-5", 3.0, 5.0))
                },
            }
        )
    return figures


def span(values: list[float], tolerance: float) -> tuple[float, float]:
    return min(values) / tolerance, max(values) * tolerance


def test_air_level_and_noise(real: dict[str, Any], simulated: list[dict[str, Any]]) -> None:
    low, high = span([s["air_noise"]["mean_counts"] for s in real["scans"]], 1.15)
    assert all(low <= s["air_counts"] <= high for s in simulated)
    # noisier than the six scans by up to a quarter: the range drawn is wider on purpose
    low, high = span([s["air_noise"]["relative_sigma_total"] for s in real["scans"]], 1.25)
    assert all(low <= s["air_sigma"] <= high for s in simulated)


def test_gain_residue_from_row_to_row(real: dict[str, Any], simulated: list[dict[str, Any]]) -> None:
    low, high = span([s["air_noise"]["relative_row_gain_residual"] for s in real["scans"]], 2.0)
    assert all(low / 1.5 <= s["row_residue"] <= high for s in simulated)


def test_zeros_of_every_kind(real: dict[str, Any], simulated: list[dict[str, Any]]) -> None:
    low, high = span([s["high"]["zero_fraction_live_rows"] for s in real["scans"]], 1.2)
    assert all(low <= s["zeros"][0] <= high for s in simulated)
    # clipped noise adds to the module's share only where the device subtracts dark
    clipped = [s["zeros"][1] for s in simulated if s["is_dark_subtracted"]]
    module = real["zeros"]["module_dropout"]["pixel_fraction_per_channel"]
    assert clipped
    assert all(zeros > 1.02 * module for zeros in clipped)


def test_saturated_pixels(real: dict[str, Any], simulated: list[dict[str, Any]]) -> None:
    low, high = span([s["high"]["saturated_fraction"] for s in real["scans"]], 1.5)
    assert all(low <= s["saturated"] <= high for s in simulated)


def test_dynamic_range_and_floor(real: dict[str, Any], simulated: list[dict[str, Any]]) -> None:
    scans = [s["opaque_region"] for s in real["scans"] if "opaque_region" in s]
    low, high = span([s["dynamic_range_air_over_floor"] for s in scans], 2.0)
    assert all(low <= s["range"] <= high for s in simulated)
    low, high = span([s["median_counts"] for s in scans], 2.0)
    assert all(low <= s["floor_counts"] <= high for s in simulated)


def test_ratio_of_the_logarithms(real: dict[str, Any], simulated: list[dict[str, Any]]) -> None:
    for name in ("0.5-1.5", "1.5-3", "3-5"):
        medians = [s["log_ratio_low_over_high_by_depth"][name][1] for s in real["scans"]]
        low, high = min(medians) - 0.03, max(medians) + 0.03
        assert all(low <= s["ratio"][name] <= high for s in simulated), name
