"""How long one identification takes, by class of detector."""

from __future__ import annotations

import pytest

from screening.radiation.identify import Identifier
from screening.simulation.spectra import SpectrumRecipe, simulate_spectrum


@pytest.mark.parametrize("kind", ["hpge", "czt", "labr3", "nai", "csi"])
def test_identification(benchmark, kind: str) -> None:
    spectrum = simulate_spectrum(SpectrumRecipe(("Co-60",), 50_000.0, 2.0, kind), 1)
    identifier = Identifier(None)
    found = benchmark(identifier.identify, spectrum.counts, spectrum.edges_kev, spectrum.live_time_s)
    assert [item.nuclide for item in found.nuclides][:1] == ["Co-60"]
