"""How vehicles move and what panels see of them: held to integrals done by hand."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from screening.kernels.photons import transport_photons
from screening.physics import attenuation, transmission
from screening.physics.response import response
from screening.simulation.occupancies import (
    CargoRecipe,
    OccupancyRecipe,
    SourceRecipe,
    reversing,
    simulate_occupancy,
    stop_and_go,
)
from screening.simulation.occupancies.emission import emitted
from screening.simulation.occupancies.expected import fixed_part
from screening.simulation.occupancies.lane import (
    FACE_M,
    Panels,
    aslant_gain,
    cargo_path,
    panel_positions,
    rectangle_share,
)
from screening.simulation.occupancies.motion import Motion
from screening.simulation.occupancies.response import panel_response
from screening.simulation.photons.detectors import DETECTORS, detector_setup

POINT = SourceRecipe(label="Cs-137", activity_mbq=2.0, position_m=10.0)


def test_constant_speed():
    motion = Motion(2.0)
    np.testing.assert_allclose(motion.distance_m(np.array([-1.0, 0.0, 3.0])), [-2.0, 0.0, 6.0])
    assert motion.leaves_s(17.0) == pytest.approx(8.5)


def test_stop_and_go_moves_as_far_as_its_speed_says():
    changes = stop_and_go(2.0, 6.0, 10.0, 1.0)
    motion = Motion(2.0, changes)
    times = np.linspace(0.0, 40.0, 40_001)
    moved = motion.distance_m(times)
    assert (np.diff(moved) >= -1e-9).all()
    stood = (times > changes[0][0] + changes[1][0] + 0.01) & (times < changes[0][0] + changes[1][0] + 9.99)
    np.testing.assert_allclose(moved[stood], 6.0, atol=1e-6)
    # The speed is what the change of place says, and never jumps.
    speed = np.gradient(moved, times)
    assert np.abs(np.diff(speed)).max() < 0.01
    assert speed[-2] == pytest.approx(1.0)
    end = motion.leaves_s(17.0)
    assert motion.distance_m(np.array([end]))[0] == pytest.approx(17.0, abs=0.05)


def test_a_reversing_vehicle_comes_back():
    motion = Motion(2.0, reversing(2.0, 8.0, 3.0))
    times = np.linspace(0.0, 60.0, 60_001)
    moved = motion.distance_m(times)
    back = np.flatnonzero(np.diff(moved) < -1e-9)
    assert moved[back[0]] - moved[back[-1] + 1] == pytest.approx(3.0, abs=0.01)
    assert moved[-1] > 20.0


def test_a_source_that_stands_is_counted_longer():
    recipe = OccupancyRecipe(sources=(POINT,), speed_m_s=2.0)
    standing = msgspec.structs.replace(recipe, motion=stop_and_go(2.0, 10.0, 20.0))
    one, _ = simulate_occupancy(recipe, 1)
    other, _ = simulate_occupancy(standing, 1)
    assert other.payload.n_interval > one.payload.n_interval + 95
    quiet = OccupancyRecipe().panel_background_cps * 0.2 * 4
    more = other.payload.gamma_counts.sum() - quiet * other.payload.n_interval
    assert more > 5 * (one.payload.gamma_counts.sum() - quiet * one.payload.n_interval)
    # What a portal that times the beam takes for speed.
    assert other.payload.speed_m_s == pytest.approx(
        17.0 / Motion(2.0, standing.motion).leaves_s(17.0), abs=1e-3
    )


def test_two_vehicles_in_one_occupancy():
    recipe = OccupancyRecipe(follower_gap_m=3.0, suppression=0.45, speed_m_s=2.0)
    scan, _ = simulate_occupancy(recipe, 2)
    payload = scan.payload
    seconds = payload.is_occupied.sum() * 0.2
    assert seconds == pytest.approx(37.0 / 2.0, abs=0.3)
    smooth = np.convolve(payload.gamma_counts.sum(axis=1), np.ones(10) / 10, mode="same")
    at = payload.t_s - payload.t_s[payload.n_prior]
    open_counts = 4 * recipe.panel_background_cps * 0.2
    # Two dips, and less of one where the gap and the second cab pass.
    for middle in (10.4 / 2.0, 30.4 / 2.0):
        assert smooth[np.argmin(np.abs(at - middle))] < 0.65 * open_counts
    assert smooth[np.argmin(np.abs(at - 18.5 / 2.0))] > 0.75 * open_counts


def test_rectangle_is_the_sum_of_its_parts_and_the_integral():
    whole = panel_positions(2)
    points = np.array([-3.0, 0.0, 0.1, 1.7])
    share = rectangle_share(points, 0.4, 2.1, whole)
    # Integrated from small faces.
    n = 200
    x = (np.arange(n) + 0.5) / n * 0.35 - 0.175
    y = (np.arange(n) + 0.5) / n * 1.7 - 0.85
    for k, point in enumerate(points):
        for panel in range(2):
            d = abs(whole.across_m[panel] - 0.4)
            r2 = d**2 + (x[:, None] + point) ** 2 + (y[None, :] + 1.8 - 2.1) ** 2
            numeric = (d / r2**1.5).sum() * (0.35 / n) * (1.7 / n) / (4 * np.pi)
            assert share[k, panel] == pytest.approx(numeric, rel=1e-4)


def test_lane_width_and_heights():
    wide = panel_positions(4, lane_m=6.0, heights_m=(0.8, 2.9))
    np.testing.assert_allclose(wide.across_m, [-3, -3, 3, 3])
    np.testing.assert_allclose(wide.height_m, [0.8, 2.9, 0.8, 2.9])
    near = simulate_occupancy(OccupancyRecipe(sources=(POINT,), lane_m=4.5), 1)[1]["expected_nsigma"]
    far = simulate_occupancy(OccupancyRecipe(sources=(POINT,), lane_m=6.0), 1)[1]["expected_nsigma"]
    assert near > 1.3 * far


def test_cargo_on_the_way():
    panels = panel_positions(2, heights_m=(2.0,))
    cargo = CargoRecipe(material="water", density_g_cm3=0.5, half_width_m=1.0, floor_m=1.0, top_m=3.0)
    box = ((4.0, 16.0),)
    straight = cargo_path(np.array([10.0]), (10.0, 0.0, 2.0), panels, cargo, box)
    np.testing.assert_allclose(straight, [[50.0, 50.0]])
    # 45 degrees: as long as it is wide, times the square root of two.
    slant = cargo_path(np.array([12.5]), (10.0, 0.0, 2.0), panels, cargo, box)
    np.testing.assert_allclose(slant, np.full((1, 2), 50.0 * np.sqrt(2.0)))
    # Out through the rear wall after 0.5 m of 10 m along, 2.5 m across.
    rear = cargo_path(np.array([25.5]), (15.5, 0.0, 2.0), panels, cargo, box)
    np.testing.assert_allclose(rear, np.full((1, 2), 50.0 * np.hypot(0.5, 0.125)))
    # A patient in the cab: nothing beside him, the load on the way back.
    cab = cargo_path(np.array([2.0, 12.0]), (2.0, 0.0, 2.0), panels, cargo, box)
    assert cab[0].max() == 0.0
    assert cab[1].min() > 10.0
    # All of the load in the front half.
    front = msgspec.structs.replace(cargo, profile=(2.0, 0.0))
    np.testing.assert_allclose(
        cargo_path(np.array([6.0, 14.0]), (np.array([6.0, 14.0]), 0.0, 2.0), panels, front, box),
        [[100.0, 100.0], [0.0, 0.0]],
        atol=0.1,
    )


def test_cargo_takes_the_direct_photons_and_gives_some_back():
    cargo = CargoRecipe(material="water", density_g_cm3=0.3, half_width_m=1.17)
    bare = OccupancyRecipe(portal="srpm", sources=(POINT,))
    behind = msgspec.structs.replace(bare, cargo=cargo)
    plans = [fixed_part(recipe) for recipe in (bare, behind)]
    sums = []
    for plan in plans:
        part = plan.sources[0]
        spectrum = part.weight.sum(axis=(0, 1)) @ part.table.spectra[part.rows]
        edges = plan.response.edges_kev
        peak = spectrum[(edges[:-1] > 600.0) & (edges[1:] < 720.0)].sum()
        sums.append((spectrum.sum(), peak))
    direct = float(transmission("water", 661.657, cargo.across_g_cm2 / 2))
    # The peak falls by the attenuation on slant paths, the sum by much less.
    assert 0.5 * direct < sums[1][1] / sums[0][1] < 1.05 * direct
    assert sums[1][0] / sums[0][0] > 3.0 * direct


def test_bulk_loads_absorb_themselves():
    cargo = CargoRecipe(material="fertiliser-kcl", density_g_cm3=0.35)
    bulk = SourceRecipe(label="K-40", activity_mbq=300.0, position_m=10.4, spread_m=11.6, is_bulk=True)
    thin = msgspec.structs.replace(cargo, density_g_cm3=0.001)
    recipe = OccupancyRecipe(sources=(bulk,), cargo=thin, suppression=0.0)
    seen = [fixed_part(msgspec.structs.replace(recipe, cargo=load)).sources[0] for load in (thin, cargo)]
    counts = [float((part.weight @ part.table.above(28.0)[part.rows]).sum()) for part in seen]
    assert 0.15 < counts[1] / counts[0] < 0.8


def test_faces_are_those_of_the_responses():
    # Chances are per photon that crosses the face: the solid angle must be of the same face.
    for portal, name in (("rpm", "pvt-panel"), ("srpm", "nai-2x4x16")):
        along, up = FACE_M[portal]
        assert along * up * 1e4 == pytest.approx(response(name).face_area_cm2, rel=1e-3)


def test_the_road_adds_low_energies_and_no_peak():
    log = panel_response("srpm", 0.075)
    bare, beside = (log.table("Cs-137", has_ground=ground).spectra[0] for ground in (False, True))
    peak = (log.edges_kev[:-1] > 600.0) & (log.edges_kev[1:] < 720.0)
    low = (log.edges_kev[:-1] > 100.0) & (log.edges_kev[1:] < 260.0)
    assert beside[peak].sum() == pytest.approx(bare[peak].sum(), rel=0.01)
    assert beside[low].sum() > 1.4 * bare[low].sum()
    assert 0.1 < beside.sum() / bare.sum() - 1.0 < 0.5


def test_hot_sources_are_taken_for_neutrons():
    hot = msgspec.structs.replace(POINT, activity_mbq=1e5)
    recipe = OccupancyRecipe(sources=(hot,), neutron_background_cps=0.1)
    counts = simulate_occupancy(recipe, 1)[0].payload.neutron_counts.sum(axis=1)
    assert counts[5] > 20 > counts[0]


def test_aslant_gain_is_that_of_the_monte_carlo():
    # An isotropic field against a perpendicular beam, 662 keV, per photon that crosses the face.
    edges = np.array([0.0, 662.0])
    seen = [
        transport_photons(
            detector_setup(DETECTORS["pvt-panel"], source=source), 661.657, edges, n_histories=150_000, seed=5
        ).n_scored
        for source in ("parallel", "isotropic")
    ]
    # Places from which a face of an isotropic field's photons come: cosines weighted with themselves.
    rng = np.random.default_rng(1)
    cosine, turn = np.sqrt(rng.random(4000)), 2 * np.pi * rng.random(4000)
    aside = np.sqrt(1.0 - cosine**2) / cosine
    panel = Panels(np.array([1.0]), np.zeros(1), FACE_M["rpm"])
    found = [
        aslant_gain(np.array([a * np.cos(t)]), 0.0, float(a * np.sin(t)), panel)[0, 0]
        for a, t in zip(aside, turn, strict=True)
    ]
    assert np.mean(found) == pytest.approx(seen[1] / seen[0], rel=0.03)


def test_smaller_panels_see_less():
    whole, part = (
        fixed_part(OccupancyRecipe(sources=(POINT,), face_m=face)).sources[0].weight.sum()
        for face in (None, (0.25, 0.77))
    )
    assert part / whole == pytest.approx(0.25 * 0.77 / (0.35 * 1.70), rel=0.1)
    with pytest.raises(ValueError, match=r"face_m must be from 0\.02"):
        OccupancyRecipe(face_m=(0.0, 1.0))


def test_a_sphere_of_metal_holds_back_its_own_photons():
    rng = np.random.default_rng(1)
    start, cosine = rng.random(200_000) ** (1.0 / 3.0), rng.uniform(-1.0, 1.0, 200_000)
    way_out = np.sqrt(1.0 - start**2 * (1.0 - cosine**2)) - start * cosine
    thin, solid = emitted("DU"), emitted("DU", (), 20.0)
    for line in (185.7, 1001.0):
        at = int(np.argmin(np.abs(thin.energy_kev - line)))
        depth = 20.0 * float(attenuation("uranium", thin.energy_kev[at]))
        share = np.exp(-depth * way_out).mean()
        assert solid.lines[at] / thin.lines[at] == pytest.approx(share, rel=0.02)
    assert emitted("DU", (), 1e-6).lines.sum() == pytest.approx(thin.lines.sum(), rel=1e-3)
    with pytest.raises(ValueError, match="Cs-137 is no nuclear metal"):
        emitted("Cs-137", (), 20.0)
    with pytest.raises(ValueError, match="radius_g_cm2 must be from 0 to 0, got 5"):
        SourceRecipe(label="Cs-137", activity_mbq=1.0, radius_g_cm2=5.0)
