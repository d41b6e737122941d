"""Threats and look-alikes: what they weigh, where they hide, and scenes that differ in them alone."""

from __future__ import annotations

import numpy as np
import pytest

from screening.records import Radiograph
from screening.simulation.radiographs import (
    RadiographRecipe,
    compose,
    compose_pair,
    simulate_pair,
    simulate_radiograph,
)
from screening.simulation.radiographs.containers import Container
from screening.simulation.radiographs.geometry import FanGeometry
from screening.simulation.radiographs.lookalikes import LOOKALIKES
from screening.simulation.radiographs.placing import place_assembly
from screening.simulation.radiographs.scene import Scene
from screening.simulation.radiographs.shapes import about_z, assemble, moved, put, random_rotation
from screening.simulation.radiographs.solids import block, disc, rod
from screening.simulation.radiographs.stashes import STASHES, add_stash
from screening.simulation.radiographs.threats import THREATS, draw_lookalike, draw_threat, threat_family
from screening.simulation.radiographs.truth import MATERIAL_CLASSES, material_class

#: Masses that published descriptions of such objects allow, kg.
MASS_KG = {
    "source-pig": (5, 250),
    "source-cask": (150, 2_500),
    "radiography-camera": (8, 35),
    "snm-sphere": (0.4, 18),
    "snm-cylinder": (0.5, 30),
    "snm-shielded": (3, 120),
    "rifle": (2.2, 7),
    "rifle-bundle": (8, 95),
    "pistol": (0.4, 1.8),
    "pistols": (2, 20),
    "blades": (0.1, 9),
    "shells": (2, 260),
    "explosive-charge": (15, 260),
    "narcotics-brick": (0.4, 2),
    "narcotics-bag": (4, 130),
    "narcotics-pallet": (80, 1_000),
    "cash": (0.8, 150),
    "person-standing": (45, 110),
    "person-sitting": (45, 110),
    "person-lying": (45, 110),
}


def far_view(size: float, pitch: float) -> FanGeometry:
    n = int(size / pitch)
    return FanGeometry(
        source_distance_m=3_000.0,
        source_height_m=0.0,
        row_z_m=size / 2 - (np.arange(n, dtype=np.float64) + 0.5) * pitch,
        column_y_m=(np.arange(n, dtype=np.float64) + 0.5) * pitch - size / 2,
        pitch_m=(pitch, pitch),
    )


@pytest.mark.parametrize("name", sorted({*THREATS, *LOOKALIKES}))
def test_objects_weigh_what_they_do_and_are_never_negative(name: str) -> None:
    for seed in range(3):
        one = draw_threat(name, np.random.default_rng(seed))
        again = draw_threat(name, np.random.default_rng(seed))
        assert one.mass_kg == again.mass_kg
        low, high = MASS_KG.get(name, (0.5, 500.0))
        assert low < one.mass_kg < high
        size = max(one.size_m)
        scene = Scene(far_view(1.6 * size + 0.1, max(size / 150.0, 0.0015)))
        found = put(scene, one, (0.0, 0.0, 0.0), random_rotation(np.random.default_rng(seed)))
        area = scene.geometry.pitch_m[0] ** 2 * 1e4
        seen = float(scene.total().sum(dtype=np.float64)) * area / 1000.0
        # hollows take away what is there: what is seen is what the parts add up to
        assert seen == pytest.approx(one.mass_kg, rel=0.04)
        names, stack = scene.stack()
        assert stack.min() > -0.3, f"{name} hollows out more than there is of {names}"
        assert found.region is not None
        assert one.kind == ("lookalike" if name in LOOKALIKES else one.kind)


def test_people_are_made_of_tissue_and_bone() -> None:
    person = draw_threat("person-standing", np.random.default_rng(1))
    assert 1.5 < person.size_m[2] < 2.0
    assert person.kind == "person"
    assert {part.material for part in person.parts} >= {"soft-tissue", "bone"}
    assert draw_threat("person-lying", np.random.default_rng(1)).size_m[1] == pytest.approx(person.size_m[2])
    assert draw_threat("person-sitting", np.random.default_rng(1)).size_m[2] < 1.2


def test_every_threat_has_an_innocent_counterpart_of_its_family() -> None:
    rng = np.random.default_rng(3)
    for name in THREATS:
        other = draw_lookalike(name, rng)
        assert other.kind == "lookalike"
        assert threat_family(other.label) == threat_family(name)
    with pytest.raises(ValueError, match="got 'ghost'"):
        threat_family("ghost")


def test_rotations_and_rods() -> None:
    turn = random_rotation(np.random.default_rng(5))
    np.testing.assert_allclose(turn @ turn.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(turn) == pytest.approx(1.0)
    stick = rod("steel", 7.85, (0.0, 0.0, 0.0), (0.0, 2.0, 0.0), 0.01)
    np.testing.assert_allclose(stick.rotation @ [0.0, 0.0, 1.0], [0.0, 1.0, 0.0], atol=1e-12)
    np.testing.assert_allclose(stick.half_size_m, [0.01, 1.0, 0.01], atol=1e-9)
    (other,) = moved(
        [block("steel", 1.0, (0.0, 1.0, 0.0), (0.2, 0.4, 0.6))], (1.0, 0.0, 0.0), about_z(np.pi / 2)
    )
    np.testing.assert_allclose(other.centre, (0.0, 0.0, 0.0), atol=1e-12)
    np.testing.assert_allclose(other.half_size_m, [0.2, 0.1, 0.3], atol=1e-12)
    with pytest.raises(ValueError, match="two ends"):
        rod("steel", 7.85, (1.0, 1.0, 1.0), (1.0, 1.0, 1.0), 0.01)
    with pytest.raises(ValueError, match="got 'w'"):
        disc("steel", 7.85, "w", (0.0, 0.0, 0.0), 0.1, 0.1)
    with pytest.raises(ValueError, match="no parts"):
        assemble("nothing", "threat", [])


@pytest.mark.parametrize("name", sorted(STASHES))
def test_hiding_places_are_in_the_box(name: str) -> None:
    hold = Container(-6.0, 12.192, 2.591, -1.3).hold
    scene = Scene(far_view(13.0, 0.05))
    found = add_stash(scene, name, hold, np.random.default_rng(2))
    assert found.kind == "stash"
    rows, columns = np.nonzero(scene.total() > 0.01)
    assert scene.geometry.row_z_m[rows].min() > hold.z0_m - 0.06
    assert scene.geometry.row_z_m[rows].max() < hold.z1_m + 0.06
    assert scene.geometry.column_y_m[columns].min() > hold.y0_m - 0.06
    assert scene.geometry.column_y_m[columns].max() < hold.y1_m + 0.06
    with pytest.raises(ValueError, match="got 'cellar'"):
        add_stash(scene, "cellar", hold, np.random.default_rng(2))


def test_three_scenes_differ_in_the_object_alone() -> None:
    recipe = RadiographRecipe(
        cargo="boxes", threats=("rifle-bundle", "source-pig"), scale=4.0, carrier="rail"
    )
    made = compose_pair(recipe, 9)
    assert [one.label for one in made.positive.objects] == ["rifle-bundle", "source-pig"]
    assert made.negative.objects == ()
    assert [one.kind for one in made.lookalike.objects] == ["lookalike"] * 2
    assert made.positive.scanner == made.negative.scanner == made.lookalike.scanner
    for geometry in (made.negative.scene.geometry, made.lookalike.scene.geometry):
        np.testing.assert_array_equal(geometry.column_y_m, made.positive.scene.geometry.column_y_m)
    difference = made.positive.scene.total() - made.negative.scene.total()
    outside = np.ones_like(difference, dtype=bool)
    for one in made.positive.objects:
        region = one.region
        assert region is not None
        outside[region.row0 : region.row1, region.col0 : region.col1] = False
    assert np.abs(difference[outside]).max() < 1e-3
    assert difference.max() > 20
    with pytest.raises(ValueError, match="needs threats"):
        compose_pair(RadiographRecipe(cargo="boxes"), 9)


def test_scans_of_a_matched_scene_share_their_noise() -> None:
    recipe = RadiographRecipe(cargo="textiles", threats=("snm-shielded",), scale=4.0)
    made = simulate_pair(recipe, 3)
    alone, truth = simulate_radiograph(recipe, 3)
    with_it, without, other = (scan.payload for scan, _ in made)
    assert isinstance(with_it, Radiograph)
    assert isinstance(without, Radiograph)
    assert isinstance(other, Radiograph)
    assert isinstance(alone.payload, Radiograph)
    assert with_it.raw.tobytes() == alone.payload.raw.tobytes()
    assert len({scan.identity.scan_id for scan, _ in made}) == 3
    (found,) = truth["objects"]
    assert made.negative[1]["objects"] == []
    assert made.lookalike[1]["objects"][0]["kind"] == "lookalike"
    same = (with_it.raw == without.raw).mean()
    assert same > 0.5, "away from the object not even the noise differs"
    rows, columns = slice(found["row0"], found["row1"]), slice(found["col0"], found["col1"])
    assert with_it.raw[rows, columns].mean() < without.raw[rows, columns].mean()


def test_truth_by_pixel() -> None:
    recipe = RadiographRecipe(
        cargo="boxes", threats=("snm-shielded", "narcotics-bag"), scale=3.0, carrier="road", occlusion=0.2
    )
    scan, truth = simulate_radiograph(recipe, 2)
    assert isinstance(scan.payload, Radiograph)
    shape = scan.payload.raw.shape[:2]
    total, classes = truth["areal_density_g_cm2"], truth["class_areal_density_g_cm2"]
    assert classes.shape == (4, *shape)
    np.testing.assert_allclose(classes.sum(axis=0), total, rtol=1e-5, atol=1e-4)
    assert truth["is_failed"].shape == scan.payload.raw.shape
    dominant, index = truth["dominant_class"], truth["object_index"]
    assert dominant.dtype == index.dtype == np.uint8
    assert set(np.unique(dominant)) <= {0, 1, 2, 3, 4}
    assert tuple(truth["material_classes"]) == MATERIAL_CLASSES
    assert [one["label"] for one in truth["objects"]] == ["snm-shielded", "narcotics-bag"]
    for k, one in enumerate(truth["objects"]):
        window = index[one["row0"] : one["row1"], one["col0"] : one["col1"]]
        assert 0 < (window == k + 1).sum() <= one["n_pixel"]
        assert 0 <= one["opaque_share"] <= 1
        assert 0 <= one["visible_share"] <= 1
        assert one["peak_g_cm2"] > one["mean_g_cm2"] > 0
    heavy = truth["objects"][0]
    window = classes[3, heavy["row0"] : heavy["row1"], heavy["col0"] : heavy["col1"]]
    assert window.max() > 50
    assert truth["goods"] == ["general merchandise"]
    assert truth["hs_chapters"] == ["39", "84", "94", "95"]


def test_occlusion_chooses_how_much_is_before_an_object() -> None:
    behind = []
    for occlusion in (0.0, 1.0):
        recipe = RadiographRecipe(cargo="half", threats=("source-pig",), scale=4.0, occlusion=occlusion)
        pairs = [compose_pair(recipe, seed) for seed in range(3)]
        depth = []
        for pair in pairs:
            region = pair.positive.objects[0].region
            assert region is not None
            plane = pair.negative.scene.total()
            depth.append(plane[region.row0 : region.row1, region.col0 : region.col1].mean())
        behind.append(np.mean(depth))
    assert behind[1] > behind[0] + 5


def test_goods_make_room_for_what_is_put_among_them() -> None:
    hold = Container(-6.0, 12.192, 2.591, -1.3).hold
    scene = Scene(far_view(13.0, 0.02))
    scene.box("rice", 0.8, (-1.15, 1.15), (hold.y0_m, hold.y1_m), (hold.z0_m, hold.z1_m))
    goods = scene.areal_density
    lump = assemble("lump", "threat", [block("lead", 11.35, (0.0, 0.0, 0.0), (0.2, 0.2, 0.2))])
    found = place_assembly(scene, lump, hold, np.random.default_rng(1), goods, stands=True)
    region = found.region
    assert region is not None
    taken = goods["rice"] - scene.areal_density["rice"]
    # turned about its upright, 20 cm of it are 20 to 28 cm along the beam
    assert 0.8 * 19.0 < taken.max() < 0.8 * 29.0
    assert taken[region.row0 : region.row1, region.col0 : region.col1].sum() == pytest.approx(taken.sum())
    huge = assemble("huge", "threat", [block("lead", 11.35, (0.0, 0.0, 0.0), (9.0, 9.0, 9.0))])
    with pytest.raises(ValueError, match="does not fit"):
        place_assembly(scene, huge, hold, np.random.default_rng(1), goods, stands=True)


def test_threats_do_not_change_what_else_is_drawn() -> None:
    plain = compose(RadiographRecipe(cargo="bales", scale=6.0), np.random.default_rng(4))
    other = compose(RadiographRecipe(cargo="bales", scale=6.0, threats=("cash",)), np.random.default_rng(4))
    assert plain.containers == other.containers
    assert plain.cargo_mass_kg == other.cargo_mass_kg
    with pytest.raises(ValueError, match="got 'maybe'"):
        compose(RadiographRecipe(scale=8.0), np.random.default_rng(1), variant="maybe")  # type: ignore[arg-type]


def test_parts_that_are_not_turned_share_what_nobody_can_change() -> None:
    with pytest.raises(ValueError, match="read-only"):
        block("steel", 7.85, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)).rotation[0, 0] = 2.0


def test_materials_have_a_class() -> None:
    wanted = {
        "water": 0,
        "cocaine-like": 0,
        "aluminium": 1,
        "ceramics": 1,
        "steel": 2,
        "copper": 2,
        "lead": 3,
    }
    assert {name: material_class(name) for name in wanted} == wanted
    by_symbol = {"C": 0, "Al": 1, "Ti": 1, "Fe": 2, "Cu": 2, "Pb": 3, "U": 3}
    assert {name: material_class(name) for name in by_symbol} == by_symbol
    with pytest.raises(ValueError, match="unknown material 'unobtainium'"):
        material_class("unobtainium")
