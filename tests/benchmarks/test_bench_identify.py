"""How long one identification takes, by class of detector."""

from __future__ import annotations

import time

import pytest

from screening.radiation.identify import Identifier
from screening.simulation.spectra import SpectrumRecipe, simulate_spectrum

#: Most CPU seconds one identification may take, and the margin a loaded machine is given.
LIMIT_S = 0.35
MARGIN = 2.0


@pytest.mark.parametrize("kind", ["hpge", "czt", "labr3", "nai", "csi"])
def test_identification(benchmark, kind: str) -> None:
    spectrum = simulate_spectrum(SpectrumRecipe(("Co-60",), 50_000.0, 2.0, kind), 1)
    identifier = Identifier(None)
    benchmark(identifier.identify, spectrum.counts, spectrum.edges_kev, spectrum.live_time_s)


def test_first_identification_stays_within_its_budget() -> None:
    spectrum = simulate_spectrum(SpectrumRecipe(("Co-60",), 50_000.0, 2.0, "hpge"), 1)
    times = []
    for _ in range(3):
        start = time.process_time()
        Identifier(None).identify(spectrum.counts, spectrum.edges_kev, spectrum.live_time_s)
        times.append(time.process_time() - start)
    assert min(times) < LIMIT_S * MARGIN
