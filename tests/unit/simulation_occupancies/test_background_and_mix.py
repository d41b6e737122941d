"""Backgrounds: suppressed by place and energy, drifting; and traffic with the dips that were measured."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from screening.simulation.occupancies import (
    CargoRecipe,
    NeighbourRecipe,
    OccupancyRecipe,
    RainRecipe,
    expected_pass,
    simulate_counts,
    simulate_occupancy,
)
from screening.simulation.occupancies.background import COMPONENTS, background_table, diurnal_radon, washout
from screening.simulation.occupancies.goods import (
    GOODS,
    PATIENTS,
    bulk_load,
    draw_patient,
    potassium_bq_g,
)
from screening.simulation.occupancies.mix import draw_recipe
from screening.simulation.occupancies.response import NODES_G_CM2, panel_response
from screening.simulation.occupancies.shadow import largest_dip


def test_the_largest_dip_by_hand():
    counts = np.full((20, 2), 50, dtype=np.int64)
    counts[8:13] = 30
    assert largest_dip(counts, 500.0, 0.2) == pytest.approx(0.4)
    assert largest_dip(np.stack([counts, counts]), np.array([500.0, 600.0]), 0.2) == pytest.approx([0.4, 0.5])
    # A maximum over noisy windows: a constant fifth reads more than that (domain figure: 27 % at 600
    # counts/s).
    noisy = np.random.default_rng(1).poisson(0.8 * 600.0 * 0.2, (400, 45, 1))
    assert np.median(largest_dip(noisy, 600.0, 0.2)) == pytest.approx(0.27, abs=0.015)
    with pytest.raises(ValueError, match="above 0"):
        largest_dip(counts, 0.0, 0.2)
    with pytest.raises(ValueError, match="5 intervals"):
        largest_dip(counts[:3], 500.0, 0.2)


def test_traffic_dips_as_deeply_as_was_measured():
    # A public log of 700 occupancies: median 41 %, 90th percentile 51 %, maximum 58 %.
    recipes = [draw_recipe("quiet", 1, index) for index in range(700)]
    passes = simulate_counts(recipes)
    dips = np.array(
        [
            largest_dip(counts[:n], rates.sum(), 0.2)
            for counts, n, rates in zip(passes.counts, passes.n_interval, passes.background_cps, strict=True)
        ]
    )
    assert np.median(dips) == pytest.approx(0.41, abs=0.02)
    assert np.quantile(dips, 0.9) == pytest.approx(0.51, abs=0.02)
    assert dips.max() == pytest.approx(0.58, abs=0.04)


def test_suppression_is_what_the_recipe_says_and_high_energies_keep_more():
    recipe = OccupancyRecipe(
        portal="srpm", suppression=0.4, box_m=(2.0, 48.0), vehicle_m=50.0, background_cps=300.0
    )
    edges = np.array([40.0, 150.0, 400.0, 1000.0, 2000.0, 2900.0])
    background = expected_pass(recipe, 3, edges).background.sum(axis=1)
    before, beside = background[0], background[55:70].mean(axis=0)
    assert 1.0 - beside.sum() / before.sum() == pytest.approx(0.4, abs=0.04)
    kept = beside / before
    # Thorium's 2615 keV gets through the load better than what lies below 1 MeV.
    assert kept[4] > kept[2] + 0.03
    assert (kept < 1.0).all()


@pytest.mark.parametrize("portal", ["rpm", "srpm"])
def test_a_load_lets_less_through_the_thicker_it_is(portal):
    table = background_table(panel_response(portal, 0.075), "steel")
    assert table.share.sum() == pytest.approx(1.0)
    for k, name in enumerate(COMPONENTS):
        kept = table.kept[k]
        assert kept[0] == pytest.approx(1.0, abs=1e-6), name
        assert (np.diff(kept) < 0.02).all(), name
        if name != "cosmic":
            # What is scattered down makes up for some of what is lost, and then no more.
            assert kept[np.searchsorted(NODES_G_CM2, 80.0)] < 0.3, name
    assert table.kept[COMPONENTS.index("cosmic"), 5] > 0.9


def test_rain_rises_and_decays_with_its_half_life():
    rain = RainRecipe(start_s=0.0, duration_s=1800.0, excess=0.4)
    times = np.array([-60.0, 0.0, 900.0, 1800.0, 3600.0, 5400.0])
    found = washout(rain, times)
    assert found[0] == found[1] == 0.0
    assert found[3] == pytest.approx(0.4 * 0.5)
    assert found[4] == pytest.approx(found[3] / 2)
    assert found[5] == pytest.approx(found[3] / 4)
    assert found[2] < found[3]
    assert not washout(None, times).any()


def test_rain_since_the_background_raises_the_pass():
    recipe = OccupancyRecipe(suppression=0.0, background_age_s=600.0)
    wet = msgspec.structs.replace(recipe, rain=RainRecipe(start_s=-600.0, excess=0.5))
    dry, damp = (simulate_occupancy(one, 4)[0].payload for one in (recipe, wet))
    expected = 1.0 + washout(wet.rain, np.array([4.0]))[0]
    assert damp.gamma_counts.sum() / dry.gamma_counts.sum() == pytest.approx(expected, abs=0.02)
    # It had not begun when the background was taken.
    np.testing.assert_array_equal(damp.background.gamma_cps, dry.background.gamma_cps)


def test_radon_by_the_hour():
    assert diurnal_radon(5.0) == pytest.approx(1.5)
    assert diurnal_radon(17.0) == pytest.approx(0.5)
    with pytest.raises(ValueError, match="0 to 24"):
        diurnal_radon(25.0)


def test_a_neighbour_is_seen_by_all_pillars_but_less_through_their_backs():
    recipe = OccupancyRecipe(suppression=0.0)
    other = NeighbourRecipe(label="Cs-137", activity_mbq=200.0, across_m=6.0, at_s=4.0)
    alone, beside = (
        simulate_occupancy(one, 5)[0].payload.gamma_counts
        for one in (recipe, msgspec.structs.replace(recipe, neighbours=(other,)))
    )
    more = (beside - alone).sum(axis=0)
    assert more.min() > 300
    far, near = more[:2].sum(), more[2:].sum()
    # 3.5 m through lead against 8.5 m open.
    assert 1.0 < near / far < 5.8


def test_potassium():
    # 31.7 Bq in a gram of potassium; KCl is 52.4 % potassium.
    assert potassium_bq_g(1.0) == pytest.approx(31.7, abs=0.1)
    with pytest.raises(ValueError, match="0 to 1"):
        potassium_bq_g(1.5)


@pytest.mark.parametrize("name", list(GOODS))
def test_each_good_makes_a_pass(name):
    rng = np.random.default_rng(3)
    cargo, sources = bulk_load(name, (4.3, 16.5), rng)
    volume_m3 = 12.2 * 2 * cargo.half_width_m * (cargo.top_m - cargo.floor_m)
    low, high = GOODS[name].mass_t
    assert 0.95 * low <= cargo.density_g_cm3 * volume_m3 <= 1.2 * high
    recipe = OccupancyRecipe(cargo=cargo, sources=sources)
    scan, truth = simulate_occupancy(recipe, 1)
    assert set(truth["categories"]) == {"norm"}
    assert scan.payload.gamma_counts.min() >= 0


def test_patients_decay():
    rng = np.random.default_rng(1)
    for label, patient in PATIENTS.items():
        found = [draw_patient(rng, label) for _ in range(20)]
        most = patient.activity_mbq * 0.5 ** (patient.after_h[0] / patient.half_life_h)
        assert max(one.activity_mbq for one in found) < most * 3.0
        assert min(one.activity_mbq for one in found) > 0.0
    with pytest.raises(ValueError, match="Tc-99m"):
        draw_patient(rng, "Xx-1")
    with pytest.raises(ValueError, match="bananas"):
        bulk_load("stone soup", (4.3, 16.5), rng)


def test_an_uneven_load_shades_unevenly():
    recipe = OccupancyRecipe(
        cargo=CargoRecipe(material="wood", density_g_cm3=0.2, profile=(1.0, 1.0, 0.0, 0.0)), suppression=0.3
    )
    counts = simulate_counts(recipe, range(40)).counts.sum(axis=(0, 2))
    at = (np.arange(counts.size) - 5 + 0.5) * 0.2 * 2.2
    front = counts[(at > 6.0) & (at < 9.0)].mean()
    rear = counts[(at > 12.0) & (at < 15.0)].mean()
    assert front < 0.85 * rear
