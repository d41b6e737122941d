"""How long the image analysis takes, beside reading the picture once."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from screening.radiography import RadiographAnalyser
from screening.radiography.planes import correct_plane
from screening.records import Radiograph, Scan
from screening.simulation.radiographs import RadiographRecipe, simulate_radiograph


@pytest.fixture(scope="module")
def dual() -> Scan:
    scan, _ = simulate_radiograph(RadiographRecipe(cargo="boxes", scanner="dual", carrier="rail"), 1)
    return scan


@pytest.fixture(scope="module")
def large(dual: Scan) -> Scan:
    """A single-energy picture of 1024 x 4096, made by repeating a simulated one."""
    radiograph = dual.payload
    assert isinstance(radiograph, Radiograph)
    raw = np.pad(radiograph.raw[:, :, :1], ((344, 0), (0, 0), (0, 0)), mode="edge")[:1024]
    raw = np.tile(raw, (1, 4, 1))[:, :4096]
    return Scan(identity=dual.identity, payload=Radiograph(raw=raw, energies=("6MV",)))


def test_bench_dual_energy_scan(benchmark: Any, dual: Scan) -> None:
    analyser = RadiographAnalyser()
    result = benchmark(analyser.analyse, dual)
    assert result.measurements.containers


def test_bench_large_single_energy_scan(benchmark: Any, large: Scan) -> None:
    analyser = RadiographAnalyser()
    assert benchmark(analyser.analyse, large).assessments


def test_bench_correction_alone(benchmark: Any, dual: Scan) -> None:
    assert isinstance(dual.payload, Radiograph)
    plane = benchmark(correct_plane, dual.payload, 0)
    assert plane.neg_log.shape == dual.payload.raw.shape[:2]


def test_bench_simulation(benchmark: Any) -> None:
    recipe = RadiographRecipe(cargo="boxes", scanner="dual", carrier="rail")
    scan, _ = benchmark(simulate_radiograph, recipe, 1)
    assert isinstance(scan.payload, Radiograph)
