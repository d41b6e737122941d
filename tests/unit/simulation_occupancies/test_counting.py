"""Counts drawn: as expected, nested for weaker sources, lost to dead time, spoilt by faults."""

from __future__ import annotations

import time
from itertools import pairwise

import msgspec
import numpy as np
import pytest

from screening.records import Level
from screening.simulation.occupancies import (
    BeamRecipe,
    CargoRecipe,
    NeighbourRecipe,
    OccupancyRecipe,
    RainRecipe,
    SourceRecipe,
    expected_pass,
    simulate_counts,
    simulate_occupancy,
    simulate_series,
    simulate_spectra,
    simulate_windows,
    street_source,
)
from screening.simulation.occupancies.batch import sqrt_edges_kev
from screening.simulation.occupancies.counting import Streams
from screening.simulation.occupancies.draw import beam_events
from screening.simulation.occupancies.electronics import Events, kept_share, pile_up
from screening.simulation.occupancies.motion import Motion
from screening.simulation.occupancies.neutrons import draw_neutrons, neutron_efficiency

SOURCE = SourceRecipe(label="Co-60", activity_mbq=1.0, position_m=8.0)


def test_batches_hold_what_scans_hold():
    recipe = OccupancyRecipe(sources=(SOURCE,), beams=(BeamRecipe(),), rain=RainRecipe())
    passes = simulate_counts(recipe, (3, 4))
    for k, seed in enumerate((3, 4)):
        scan, truth = simulate_occupancy(recipe, seed)
        np.testing.assert_array_equal(passes.counts[k], scan.payload.gamma_counts)
        np.testing.assert_array_equal(passes.background_cps[k], scan.payload.background.gamma_cps)
        assert passes.expected_nsigma[k] == pytest.approx(truth["expected_nsigma"], abs=1e-3)
    slow = msgspec.structs.replace(recipe, speed_m_s=1.0, seed=9)
    mixed = simulate_counts([recipe, slow])
    assert mixed.n_interval[0] < mixed.n_interval[1] == mixed.counts.shape[1]
    assert (mixed.counts[0, mixed.n_interval[0] :] == -1).all()


def test_batch_spectra_hold_what_scans_hold():
    recipe = OccupancyRecipe(portal="srpm", n_channel=1024, sources=(SOURCE,), speed_m_s=3.0)
    edges = np.array([60.0, 600.0, 1100.0, 1250.0, 1400.0, 2900.0])
    passes = simulate_spectra(recipe, (3,), edges_kev=edges, is_summed=False)
    scan, _ = simulate_occupancy(recipe, 3)
    payload = scan.payload
    middle = 0.5 * (payload.energy_edges_kev[:, 1:] + payload.energy_edges_kev[:, :-1])
    for panel in range(4):
        found = np.histogram(middle[panel], edges, weights=payload.spectra[:, panel].sum(axis=0))[0]
        # Channels that an edge cuts go one way or the other.
        np.testing.assert_allclose(passes.spectra[0, :, panel].sum(axis=0), found, atol=40)


def test_spectra_are_drawn_from_what_is_expected():
    recipe = OccupancyRecipe(portal="srpm", sources=(SOURCE,), speed_m_s=3.4, dead_time_s=0.0)
    edges = sqrt_edges_kev(24, 30.0)
    n = 60
    # One seed fixes the load's texture and the crystals, so the means are those of each seed.
    total = np.zeros(24)
    mean = np.zeros(24)
    for seed in range(n):
        passes = simulate_spectra(recipe, (seed,), edges_kev=edges)
        expected = expected_pass(recipe, seed, edges)
        total += passes.spectra[0, :, 0].sum(axis=0)
        mean += (expected.background + expected.source).sum(axis=(0, 1))
    assert (((total - mean) ** 2 / mean).sum()) < 24 + 5 * np.sqrt(2 * 24)
    assert total.sum() == pytest.approx(mean.sum(), rel=4.0 / np.sqrt(mean.sum()))


def test_events_of_an_interval_are_poisson():
    recipe = OccupancyRecipe(portal="srpm", suppression=0.0, background_cps=50.0, n_panel=2)
    counts = simulate_spectra(recipe, range(150), edges_kev=np.array([40.0, 2900.0])).spectra[..., 0, 0]
    mean, variance = counts.mean(), counts.var()
    # Each log differs in calibration, which adds next to nothing.
    assert variance / mean == pytest.approx(1.0, abs=5.0 * np.sqrt(2.0 / counts.size))


@pytest.mark.parametrize("portal", ["rpm", "srpm"])
def test_weaker_sources_are_parts_of_stronger_ones(portal):
    recipe = OccupancyRecipe(portal=portal, sources=(SOURCE,), dead_time_s=0.0)
    scales = [0.3, 0.0, 0.03, 0.9]
    series = simulate_series(recipe, scales, 5)
    counts = series.counts
    order = np.argsort(scales)
    for weaker, stronger in pairwise(order):
        assert (counts[stronger] - counts[weaker]).min() >= 0
        if series.spectra is not None:
            more = series.spectra[stronger].astype(np.int64) - series.spectra[weaker]
            assert more.min() >= 0
    none = counts[1].sum()
    third = (counts[0].sum() - none) / (counts[3].sum() - none)
    assert third == pytest.approx(1.0 / 3.0, abs=0.02)
    bare = msgspec.structs.replace(recipe, sources=())
    if portal == "rpm":
        np.testing.assert_array_equal(counts[1], simulate_counts(bare, (5,)).counts[0])
    again = simulate_series(recipe, scales, 5)
    np.testing.assert_array_equal(counts, again.counts)
    for wrong in ([], [-1.0], [np.nan]):
        with pytest.raises(ValueError, match="factors from 0"):
            simulate_series(recipe, wrong, 5)


def test_energy_windows_of_plastic_add_up():
    edges = (28.0, 120.0, 400.0, 3400.0)
    recipe = OccupancyRecipe(sources=(msgspec.structs.replace(SOURCE, label="Am-241", activity_mbq=30.0),))
    seeds = range(60)
    windows = simulate_windows(recipe, edges, seeds)
    gross = simulate_counts(recipe, seeds)
    assert windows.counts.shape == (60, 45, 4, 3)
    total = gross.counts.sum()
    assert windows.counts.sum() == pytest.approx(total, abs=5.0 * np.sqrt(2.0 * total))
    background = windows.background_cps.sum(axis=(0, 1))
    assert background.sum() == pytest.approx(gross.background_cps.sum(), rel=0.01)
    # Americium fills the lowest window, and no other.
    passing = slice(25, 29)
    share = windows.counts[:, passing].sum(axis=(0, 1, 2)) / windows.counts[:, :5].sum(axis=(0, 1, 2))
    assert share[0] > share[1] + 0.2
    assert share[2] < 1.0
    lit = msgspec.structs.replace(
        recipe, background_cps=420.0, beams=(BeamRecipe(photons_per_pulse=6.0),), stuck_panel=0
    )
    counts = simulate_windows(lit, edges, (1,)).counts
    assert np.unique(counts[0, :, 0], axis=0).shape[0] == 1
    # Pulses are summed: they stand in the highest window.
    assert counts[0, 16:22, 1:, 2].mean() > 2.0 * counts[0, :5, 1:, 2].mean()
    for wrong in ((10.0, 100.0), (100.0, 50.0), (100.0,)):
        with pytest.raises(ValueError, match="rise from 28 keV"):
            simulate_windows(recipe, wrong, (1,))


def test_dead_time_laws():
    recipe = OccupancyRecipe(dead_time_s=2e-6)
    counts = np.array([[100_000, 0, 20_000, 10]])
    np.testing.assert_allclose(kept_share(recipe, counts), [[0.5, 1.0, 1 / 1.2, 1 / 1.0001]])
    collapsing = msgspec.structs.replace(recipe, is_paralysable=True)
    np.testing.assert_allclose(kept_share(collapsing, counts)[0, 0], np.exp(-1.0))
    shut = msgspec.structs.replace(recipe, overload_cps=2e5)
    np.testing.assert_allclose(kept_share(shut, counts), [[0.0, 1.0, 1 / 1.2, 1 / 1.0001]])


def test_a_hot_source_collapses_an_overloaded_portal():
    hot = SourceRecipe(label="Cs-137", activity_mbq=3e4, position_m=9.0)
    recipe = OccupancyRecipe(sources=(hot,), dead_time_s=2e-6, is_paralysable=True)
    counts = simulate_occupancy(recipe, 1)[0].payload.gamma_counts.sum(axis=1)
    beside = int(5 + 9.0 / 2.2 / 0.2)
    assert counts[beside] < 0.2 * counts.max()
    shut = simulate_occupancy(msgspec.structs.replace(recipe, overload_cps=1e5), 1)[0].payload
    assert shut.gamma_counts[beside].max() == 0


@pytest.mark.parametrize("n", [50_000, 400_000])
def test_piled_up_events_keep_their_energy(n):
    # Up to 4e6 a second: of n events a second exp(-n t) stand alone, and a pile has exp(n t) of them.
    rng = np.random.default_rng(1)
    cell = np.repeat([0, 1], [n, 10])
    events = Events(cell, np.full(cell.size, 100.0))
    joined = pile_up(events, 2, 0.1, rng)
    assert joined.energy_kev.sum() == pytest.approx(events.energy_kev.sum())
    left = (joined.cell == 0).sum()
    kept = np.exp(-n / 0.1 * 4e-7)
    assert left == pytest.approx(n * kept, abs=5.0 * np.sqrt(n * kept * (1.0 - kept)))
    # Piles are geometric: the share of one event alone, and of two.
    sizes = joined.energy_kev[joined.cell == 0] / 100.0
    for size in (1, 2):
        share = kept * (1.0 - kept) ** (size - 1)
        assert (np.rint(sizes) == size).mean() == pytest.approx(share, abs=5.0 * np.sqrt(share / left))
    quiet = Events(cell[-10:], np.ones(10))
    assert pile_up(quiet, 2, 0.1, rng) is quiet


def test_a_saturated_log_records_nothing():
    # Bare plutonium of a fifth of a kilogram once took 47 s of processor time.
    hot = SourceRecipe(label="WGPu", activity_mbq=2.3e6)
    recipe = OccupancyRecipe(portal="srpm", interval_s=0.1, n_channel=64, sources=(hot,))
    start = time.process_time()
    payload = simulate_occupancy(recipe, 1)[0].payload
    assert time.process_time() - start < 20.0
    beside = int(10 + 9.0 / 2.2 / 0.1)
    assert payload.gamma_counts[beside].max() == 0
    assert payload.live_time_s.min() == 1e-6
    # It comes back when the source is far away.
    assert payload.gamma_counts[-1].min() > 1000
    series = simulate_series(recipe, (1.0, 1e-4, 0.0), 1)
    assert series.counts[0, beside].max() == 0
    assert series.counts[1, beside].min() > 2 * series.counts[2, beside].max()
    assert (series.counts[0, -1] > series.counts[1, -1]).all()


def test_x_ray_pulses_are_one_count_each():
    recipe = OccupancyRecipe(suppression=0.0)
    beam = BeamRecipe(start_s=2.0, duration_s=2.0, pulses_per_s=300.0, photons_per_pulse=50.0)
    bare, lit = (
        simulate_occupancy(one, 2)[0].payload
        for one in (recipe, msgspec.structs.replace(recipe, beams=(beam,)))
    )
    more = lit.gamma_counts - bare.gamma_counts
    since = lit.t_s - lit.t_s[lit.n_prior]
    fired = (since >= 1.99) & (since < 3.99)
    assert more[fired].mean() == pytest.approx(300.0 * 0.2, rel=0.1)
    assert np.abs(more[~fired]).max() <= 2
    spectra = beam_events((beam,), since, 0.2, 4, np.random.default_rng(1))
    assert spectra.energy_kev.mean() == pytest.approx(50.0 * 220.0, rel=0.05)


def test_faults_of_panels():
    recipe = OccupancyRecipe(suppression=0.0)
    stuck = simulate_occupancy(msgspec.structs.replace(recipe, stuck_panel=1), 3)
    assert np.unique(stuck[0].payload.gamma_counts[:, 1]).size == 1
    assert stuck[1]["level_expected"] == Level.UNKNOWN
    low = simulate_occupancy(msgspec.structs.replace(recipe, panel_gains=(1.0, 0.8, 1.0, 1.0)), 3)
    share = low[0].payload.gamma_counts.sum(axis=0) / low[0].payload.background.gamma_cps
    # A gain 20 % low raises the threshold: fewer counts.
    assert share[1] < 0.985 * share[[0, 2, 3]].mean()
    assert low[1]["level_expected"] == Level.UNKNOWN
    held = simulate_occupancy(msgspec.structs.replace(recipe, stuck_s=20.0), 3)
    assert not held[0].payload.is_complete
    assert held[0].payload.n_interval >= simulate_occupancy(recipe, 3)[0].payload.n_interval + 99


def test_gain_moves_peaks_in_spectra():
    strong = msgspec.structs.replace(SOURCE, label="Cs-137", activity_mbq=20.0)
    recipe = OccupancyRecipe(
        portal="srpm", n_channel=1024, sources=(strong,), panel_gains=(0.8, 1.0, 1.0, 1.2)
    )
    payload = simulate_occupancy(recipe, 4)[0].payload
    for panel, gain in ((0, 0.8), (1, 1.0), (3, 1.2)):
        spectrum = payload.spectra[:, panel].sum(axis=0).astype(float)
        middle = 0.5 * (payload.energy_edges_kev[panel, 1:] + payload.energy_edges_kev[panel, :-1])
        near = np.abs(middle - 661.7 * gain) < 60.0 * gain
        assert np.average(middle[near], weights=spectrum[near] ** 2) == pytest.approx(661.7 * gain, rel=0.02)
    drifting = msgspec.structs.replace(recipe, panel_gains=(), gain_drift_per_s=0.01)
    moved = simulate_occupancy(drifting, 4)[0].payload
    still = simulate_occupancy(msgspec.structs.replace(recipe, panel_gains=()), 4)[0].payload
    at = np.arange(1024)
    peak = slice(190, 270)
    late = [np.average(at[peak], weights=p.spectra[:, :, peak].sum(axis=(0, 1))) for p in (moved, still)]
    assert late[0] > late[1] + 3.0


def test_the_ship_effect_comes_in_bursts():
    recipe = OccupancyRecipe(ship_effect=3.0, neutron_background_cps=2.0, vehicle_m=60.0, box_m=(1.0, 59.0))
    counts = []
    for seed in range(120):
        found, _ = draw_neutrons(recipe, Motion(2.2), 1.0, 29.0, Streams(seed).neutron)
        counts.append(found.sum(axis=1)[4:24])
    counts = np.concatenate(counts)
    assert counts.mean() == pytest.approx(3.0 * 8.0, rel=0.05)
    # Cascades of n neutrons, n^-2.4 up to 100, each counted with a chance of 0.02: of the excess, and of a
    # twentieth of the background.
    sizes = np.arange(1, 101)
    share = sizes**-2.4 / (sizes**-2.4).sum()
    in_bursts = (16.0 + 0.05 * 8.0) / 24.0
    expected = 1.0 + in_bursts * 0.02 * (share @ (sizes * (sizes - 1.0))) / (share @ sizes)
    assert expected > 1.05
    assert counts.var() / counts.mean() == pytest.approx(expected, abs=4.0 * np.sqrt(2.0 / counts.size))


def test_neutrons_behind_shields():
    bare = neutron_efficiency("Cf-252")
    # 2.5 counts/s and nanogram at 2 m in a thin moderator: some 7 to 10 % of what meets the face.
    assert 0.05 < bare < 0.11
    assert neutron_efficiency("Cf-252", (("polyethylene", 18.0),)) < 0.7 * bare
    assert neutron_efficiency("WGPu", (("lead", 23.0),)) == pytest.approx(neutron_efficiency("WGPu"), rel=0.4)
    assert neutron_efficiency("Cf-252", (("water", 20.0),)) == bare


@pytest.mark.parametrize(
    ("make", "match"),
    [
        (lambda: SourceRecipe(label="Cs-137", activity_mbq=-1.0), r"0 to 1e\+12, got -1"),
        (lambda: SourceRecipe(label="Xx-1", activity_mbq=1.0), "unknown nuclide 'Xx-1'"),
        (lambda: SourceRecipe(label="Cs-137", activity_mbq=1.0, shielding=(("cheeze", 1.0),)), "cheeze"),
        (lambda: SourceRecipe(label="Cs-137", activity_mbq=1.0, shielding=(("lead", -1.0),)), "0 to 1000"),
        (lambda: SourceRecipe(label="Cs-137", activity_mbq=float("nan")), "got nan"),
        (lambda: OccupancyRecipe(speed_m_s=0.0), "speed_m_s must be from 0.05"),
        (lambda: OccupancyRecipe(motion=((5.0, 0.0),)), "never leaves"),
        (lambda: OccupancyRecipe(n_panel=3), "even number from 2 to 16"),
        (lambda: OccupancyRecipe(n_panel=0), "even number from 2 to 16"),
        (lambda: OccupancyRecipe(lane_m=1.0), "3 to 10, got 1"),
        (lambda: OccupancyRecipe(heights_m=(1.0,)), "needs 2 heights"),
        (lambda: OccupancyRecipe(sources=(SourceRecipe(label="K-40", activity_mbq=1.0, position_m=18.0),)),
         "position_m of K-40 must be from 0 to 17, got 18"),
        (lambda: OccupancyRecipe(
            sources=(SourceRecipe(label="K-40", activity_mbq=1.0, spread_m=30.0),)), "does not fit"),
        (lambda: OccupancyRecipe(sources=(SourceRecipe(label="K-40", activity_mbq=1.0, is_bulk=True),)),
         "needs a cargo"),
        (lambda: OccupancyRecipe(portal="xyz"), "unknown portal 'xyz'; known: rpm, srpm"),
        (lambda: OccupancyRecipe(
            lane_m=3.0, sources=(SourceRecipe(label="K-40", activity_mbq=1.0, across_m=1.5),)),
         "across_m of K-40 must be from -1.4 to 1.4, got 1.5"),
        (lambda: OccupancyRecipe(lane_m=3.0, cargo=CargoRecipe(half_width_m=1.5)), "0.1 to 1.4, got 1.5"),
        (lambda: OccupancyRecipe(vehicle_m=8.0, cargo=CargoRecipe()), "ends with the vehicle at 8 m"),
        (lambda: OccupancyRecipe(
            lane_m=10.0, neighbours=(NeighbourRecipe(label="Cs-137", activity_mbq=1.0, across_m=5.0),)),
         "must be from 5.1 to 100, got 5"),
        (lambda: simulate_occupancy(OccupancyRecipe(speed_m_s=0.1, gain_drift_per_s=-0.02)),
         "must be from 0.3 to 3, got -2.418"),
        (lambda: neutron_efficiency("Cf-252", (("lead", 500.0),)), "must be from 0 to 10, got 44"),
        (lambda: street_source("Cs-137", np.array([50.0, 100.0]), np.array([np.nan])), "since_s must be"),
        (lambda: street_source("Cs-137", np.array([100.0, 50.0]), np.zeros(1)), "two or more, rising"),
        (lambda: street_source("Cs-137", np.array([50.0, 100.0]), np.zeros(1), interval_s=-1.0), "got -1"),
        (lambda: OccupancyRecipe(suppression=1.0), "0 to 0.95"),
        (lambda: OccupancyRecipe(dead_panel=4), "0 to 3, got 4"),
        (lambda: OccupancyRecipe(panel_gains=(1.0,)), "needs 4 gains"),
        (lambda: OccupancyRecipe(box_m=(9.0, 3.0)), "rear behind it"),
        (lambda: NeighbourRecipe(label="Cs-137", activity_mbq=1.0, across_m=1.0), "3 to 100, got 1"),
        (lambda: RainRecipe(excess=-0.1), "0 to 5"),
        (lambda: BeamRecipe(pulses_per_s=-1.0), "0 to 100000"),
        (lambda: simulate_counts([]), "at least one pass"),
        (lambda: simulate_counts(OccupancyRecipe(portal="srpm")), "kind rpm is needed, got srpm"),
        (lambda: simulate_counts([OccupancyRecipe()], (1, 2)), "as many seeds, got 2"),
        (lambda: simulate_spectra(OccupancyRecipe(portal="srpm"), (1,), edges_kev=np.ones(3)), "rising"),
        (lambda: expected_pass(OccupancyRecipe(), 1), "srpm"),
        (lambda: sqrt_edges_kev(0), "a bin or more"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(make, match):
    with pytest.raises(ValueError, match=match):
        make()
