"""Time of simulated passes: with records, in batches, and beside plain ways of drawing the same."""

from __future__ import annotations

import math

import numpy as np
import pytest

from screening.simulation.occupancies import (
    CargoRecipe,
    OccupancyRecipe,
    SourceRecipe,
    expected_pass,
    simulate_counts,
    simulate_occupancy,
    simulate_spectra,
)
from screening.simulation.occupancies.batch import sqrt_edges_kev
from screening.simulation.occupancies.expected import fixed_part
from screening.simulation.occupancies.lane import panel_positions, rectangle_share
from screening.simulation.occupancies.mix import draw_recipe

SOURCE = SourceRecipe(label="Cs-137", activity_mbq=2.0, position_m=7.0)
#: 45 intervals of 0.2 s; 60 intervals of 0.1 s and 1024 channels.
GROSS = OccupancyRecipe(sources=(SOURCE,))
SPECTRA = OccupancyRecipe(portal="srpm", n_channel=1024, interval_s=0.1, vehicle_m=10.7, sources=(SOURCE,))
LOADED = CargoRecipe(material="paper", density_g_cm3=0.3)


def test_bench_gross_pass(benchmark):
    scan, _ = benchmark(simulate_occupancy, GROSS, 1)
    assert scan.payload.gamma_counts.shape == (45, 4)


def test_bench_gross_pass_behind_cargo(benchmark):
    recipe = OccupancyRecipe(sources=(SOURCE,), cargo=LOADED)
    scan, _ = benchmark(simulate_occupancy, recipe, 1)
    assert scan.payload.gamma_counts.shape == (45, 4)


@pytest.mark.parametrize("preset", ["quiet", "mixed", "quiet-spectra", "mixed-spectra"])
def test_bench_a_hundred_passes_of_traffic(benchmark, preset):
    recipes = [draw_recipe(preset, 1, index) for index in range(100)]
    for recipe in recipes:
        simulate_occupancy(recipe)
    benchmark.pedantic(lambda: [simulate_occupancy(recipe) for recipe in recipes], rounds=2)


def test_bench_a_hundred_gross_passes_without_records(benchmark):
    passes = benchmark(simulate_counts, GROSS, range(100))
    assert passes.counts.shape == (100, 45, 4)


def _plain_gross(seed: int, decays: float, alongs: np.ndarray, mean: np.ndarray) -> np.ndarray:
    """Draw counts interval by interval, as a script does: solid angle and Poisson number one at a time."""
    rng = np.random.default_rng(seed)
    panels = panel_positions(4)
    counts = np.zeros(mean.shape, dtype=np.int64)
    for i in range(mean.shape[0]):
        for p in range(4):
            d = abs(panels.across_m[p] - SOURCE.across_m)
            total = 0.0
            for along in alongs[i]:
                for sx in (1.0, -1.0):
                    for sy in (1.0, -1.0):
                        x = along + sx * 0.175
                        y = panels.height_m[p] - SOURCE.height_m + sy * 0.85
                        total += sx * sy * math.atan(x * y / (d * math.sqrt(x * x + y * y + d * d)))
            share = total / (4.0 * math.pi) / alongs.shape[1]
            counts[i, p] = rng.poisson(mean[i, p]) + rng.poisson(decays * share)
    return counts


def test_bench_gross_pass_drawn_one_by_one(benchmark):
    plan = fixed_part(GROSS)
    per_decay = float(plan.sources[0].table.above(28.0)[0])
    alongs = plan.along.reshape(45, 5) - SOURCE.position_m
    decays = SOURCE.activity_mbq * 1e6 * 0.2 * per_decay
    mean = np.full((45, 4), 84.0)
    counts = benchmark(_plain_gross, 1, decays, alongs, mean)
    share = rectangle_share(alongs, SOURCE.across_m, SOURCE.height_m, panel_positions(4)).mean(axis=1)
    expected = (mean + decays * share).sum()
    assert abs(counts.sum() - expected) < 5.0 * np.sqrt(expected)


def test_bench_spectroscopic_pass(benchmark):
    scan, _ = benchmark(simulate_occupancy, SPECTRA, 1)
    assert scan.payload.spectra.shape == (60, 4, 1024)


def test_bench_spectroscopic_passes_on_128_bins(benchmark):
    passes = benchmark(simulate_spectra, SPECTRA, range(20))
    assert passes.spectra.shape == (20, 60, 1, 128)


def test_bench_spectroscopic_pass_by_a_number_for_each_channel(benchmark):
    """The expected counts are at hand; only the Poisson numbers of background and source are timed."""
    expected = expected_pass(SPECTRA, 1, np.linspace(0.0, 3000.0, 1025))
    rng = np.random.default_rng(1)
    drawn = benchmark(
        lambda: (rng.poisson(expected.background) + rng.poisson(expected.source)).astype(np.uint32)
    )
    scan, _ = simulate_occupancy(SPECTRA, 1)
    assert drawn.shape == scan.payload.spectra.shape
    total = scan.payload.spectra.sum(dtype=np.int64)
    assert abs(float(drawn.sum()) - float(total)) < 7.0 * np.sqrt(2.0 * total)


def test_bench_track_p_axis(benchmark):
    """The axis of the weak-source benchmark, from the events of one pass."""
    passes = benchmark(simulate_spectra, SPECTRA, (1,), edges_kev=sqrt_edges_kev())
    assert passes.edges_kev.size == 129
