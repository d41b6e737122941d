"""Time of the radiation analysis, identification apart."""

from __future__ import annotations

from types import SimpleNamespace

import msgspec
import numpy as np
import pytest

from screening.radiation import RadiationAnalyser, RadiationSettings
from screening.records import ModelRef, Occupancy, Scan, ScanIdentity
from screening.simulation.occupancies import OccupancyRecipe, SourceRecipe, simulate_occupancy


class _SilentIdentifier:
    """Answers at once, so that only what comes before it is timed."""

    model = SimpleNamespace(ref=ModelRef(name="silent", sha256="0" * 64, card_sha256="0" * 64))

    def identify(self, *_args: object, **_kwargs: object) -> SimpleNamespace:
        return SimpleNamespace(
            nuclides=(),
            ood_score=0.0,
            ood_threshold=1.0,
            is_ood=False,
            resolution_662_percent=None,
            gain=None,
            findings=(),
            products={},
        )


@pytest.fixture
def analyser() -> RadiationAnalyser:
    return RadiationAnalyser(RadiationSettings(), _SilentIdentifier())


@pytest.mark.parametrize("portal", ["rpm", "srpm"])
def test_bench_simulated_pass(benchmark, analyser, portal):
    source = SourceRecipe(label="Cs-137", activity_mbq=5.0)
    scan, _ = simulate_occupancy(OccupancyRecipe(portal=portal, sources=(source,)), 1)
    analysis = benchmark(analyser.analyse, scan)
    assert analysis.measurements.gamma.alarm is True


def test_bench_a_pass_of_eight_germanium_crystals(benchmark, analyser):
    """133 intervals x 8 crystals x 16,384 channels, 70 MB, all of it above background."""
    rng = np.random.default_rng(1)
    spectra = np.zeros((133, 8, 16384), dtype=np.uint32)
    spectra[:, :, 300:8000] = rng.poisson(0.05, (133, 8, 7700))
    gains = 0.187 * (1.0 + 0.002 * rng.standard_normal(8))
    payload = Occupancy(
        kind="occupancy",
        interval_s=np.full(133, 0.25),
        t_s=np.arange(133) * 0.25,
        panel_ids=tuple(f"A{i}" for i in range(8)),
        gamma_counts=spectra.sum(axis=2, dtype=np.int64),
        spectra=spectra,
        energy_edges_kev=np.arange(16385) * gains[:, None],
        speed_m_s=1.1,
    )
    background, _ = simulate_occupancy(OccupancyRecipe(portal="srpm", n_panel=8, background_cps=97.0), 1)
    payload = msgspec.structs.replace(payload, background=background.payload.background)
    scan = Scan(identity=ScanIdentity(scan_id="0"), payload=payload)
    analysis = benchmark(analyser.analyse, scan)
    assert analysis.measurements.gamma.alarm is True


def test_bench_simulate_a_spectroscopic_pass(benchmark):
    recipe = OccupancyRecipe(portal="srpm", sources=(SourceRecipe(label="Co-60", activity_mbq=3.0),))
    scan, _ = benchmark(simulate_occupancy, recipe, 1)
    assert scan.payload.spectra is not None
