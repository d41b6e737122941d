"""Photon transport: histories a second, beside its NumPy twin; run with ``pytest tests/benchmarks -s``.

Nothing here asserts a time; what is asserted is that the work compared is the same.
"""

from __future__ import annotations

import time

import numpy as np
import pytest

from screening.kernels import reference_photons as reference
from screening.kernels import transport_photons
from screening.physics import response
from screening.simulation.photons.detectors import DETECTORS, detector_setup

CASES = [
    ("nai-3x3", "point", 25.0, 661.657),
    ("nai-3x3", "parallel", 0.0, 661.657),
    ("nai-3x3", "parallel", 0.0, 2614.5),
    ("nai-2x4x16", "parallel", 0.0, 661.657),
    ("hpge-50", "parallel", 0.0, 661.657),
    ("pvt-panel", "parallel", 0.0, 661.657),
]


@pytest.mark.parametrize(("name", "source", "distance_cm", "energy"), CASES)
def test_transport_photons_beside_numpy(name, source, distance_cm, energy):
    setup = detector_setup(DETECTORS[name], source=source, distance_cm=distance_cm)
    edges = np.linspace(0, energy, 201)
    rates = []
    for _ in range(5):
        start = time.process_time()
        ours = transport_photons(setup, energy, edges, n_histories=400_000, seed=1)
        rates.append(400_000 / (time.process_time() - start))
    start = time.process_time()
    twin = reference.transport_photons(setup, energy, edges, n_histories=20_000, seed=1)
    slow = 20_000 / (time.process_time() - start)
    print(  # noqa: T201 - a benchmark's answer
        f"\n{name} {source} {energy:g} keV: {max(rates) / 1e6:.2f} M histories per CPU second (median "
        f"{np.median(rates) / 1e6:.2f}), NumPy {slow / 1e6:.3f} M/s, {max(rates) / slow:.0f} times faster"
    )
    share, other = ours.peaks[0] / 400_000, twin.peaks[0] / 20_000
    assert abs(share - other) < 5 * np.sqrt(max(share, 1e-4) / 20_000)


def test_response_lookup():
    detector = response("nai-3x3")
    energy, edges = np.linspace(30, 3000, 200), np.linspace(0, 3000, 1025)
    times = []
    for _ in range(10):
        start = time.process_time()
        found = detector.continuum(energy, edges)
        times.append(time.process_time() - start)
    print(f"\ncontinuum of 200 lines on 1,024 bins: {1e3 * min(times):.1f} ms")  # noqa: T201
    assert found.shape == (1024, 200)
