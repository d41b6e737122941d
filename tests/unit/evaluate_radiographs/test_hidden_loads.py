"""Hidden loads: they have the mass they are said to have, and lie where they are said to lie."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from screening.evaluate.radiographs.empty_scenes import EmptyRow, empty_scene
from screening.evaluate.radiographs.hidden_loads import (
    MASSES_KG,
    MATERIALS,
    PLACES,
    SHAPES,
    HiddenLoad,
    cells_of,
    hidden_shadow,
    space_of,
)
from screening.evaluate.radiographs.hidden_masses import noise_bound_kg
from screening.evaluate.radiographs.pictures import GEOMETRIES, empty_recipe
from screening.simulation.radiographs import RadiographRecipe, compose

SETTINGS = "{}"


def _composition(container: str = "standard", length: str = "20"):
    recipe = RadiographRecipe(kind="empty", container=container, length=length, scale=6.0, seed=5)
    return compose(recipe, np.random.default_rng(5))


def test_masses_are_five_a_decade_from_half_a_kilogram_to_fifty() -> None:
    assert MASSES_KG[0] == 0.5
    assert MASSES_KG[-1] == 50.0
    np.testing.assert_allclose(np.diff(np.log10(MASSES_KG)), 0.2, atol=5e-4)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("material", list(MATERIALS))
def test_a_hidden_load_has_its_mass(material: str, shape: str) -> None:
    scene = _composition()
    geometry, rng = scene.scene.geometry, np.random.default_rng(2)
    space = space_of("floor corner", scene.containers[0], rng)
    load = HiddenLoad(material, "floor corner", shape, 5.0)
    shadow = hidden_shadow(load, space, geometry, rng)
    assert shadow is not None
    grams = sum(float(plane.sum(dtype=np.float64)) for plane in shadow.planes.values())
    kg = grams * geometry.pitch_m[0] * geometry.pitch_m[1] * 10.0
    # seen off the centre plane it is magnified either way, by at most a tenth or two
    assert kg == pytest.approx(5.0, rel=0.45)


@pytest.mark.parametrize("place", PLACES)
def test_every_place_lies_within_its_container(place: str) -> None:
    composition = _composition("reefer" if place == "reefer unit" else "standard")
    box = composition.containers[0]
    for seed in range(20):
        space = space_of(place, box, np.random.default_rng(seed))
        assert all(low < high for low, high in zip(space.low, space.high, strict=True))
        assert -1.22 <= space.low[0] < space.high[0] <= 1.22
        assert box.y0_m <= space.low[1] < space.high[1] <= box.y1_m
        assert box.base_z_m <= space.low[2] < space.high[2] <= box.base_z_m + box.height_m


def test_under_the_floor_is_under_the_floor() -> None:
    box = _composition().containers[0]
    assert space_of("under floor", box, np.random.default_rng(1)).high[2] <= box.floor_z_m


def test_what_does_not_fit_is_none() -> None:
    composition = _composition()
    rng = np.random.default_rng(3)
    space = space_of("under floor", composition.containers[0], rng)
    load = HiddenLoad("organic", "under floor", "brick", 500.0)
    assert hidden_shadow(load, space, composition.scene.geometry, rng) is None


def test_an_unknown_place_is_named() -> None:
    with pytest.raises(ValueError, match="cellar"):
        space_of("cellar", _composition().containers[0], np.random.default_rng(1))


def test_only_a_reefer_hides_something_in_its_unit() -> None:
    assert ("lead", "reefer unit") in cells_of(_composition("reefer").containers[0])
    assert ("lead", "reefer unit") not in cells_of(_composition().containers[0])
    assert ("lead", "roof") not in cells_of(_composition("open-top", "40").containers[0])


def test_geometries_and_scanners_are_balanced() -> None:
    rows = [empty_recipe(1, 41, k) for k in range(130)]
    names = [name for name, _ in rows]
    assert len(set(names)) == len(GEOMETRIES) >= 8
    assert {names.count(name) for name in set(names)} == {13}
    assert len({recipe.family for _, recipe in rows}) == 5
    assert len({recipe.seed for _, recipe in rows}) == 130


def test_splits_share_no_picture() -> None:
    seeds = {key: {empty_recipe(1, key, k)[1].seed for k in range(50)} for key in (41, 42)}
    assert not seeds[41] & seeds[42]


def test_the_noise_bound_is_the_mass_at_which_an_ideal_observer_finds_ninety_percent() -> None:
    mass, d_prime = np.array([1.0, 2.0, 5.0]), np.array([10.0, 20.0, 50.0])
    found = noise_bound_kg(mass, d_prime, rate=0.007, detection=0.9)
    # d' is 10 a kilogram; 2.457 + 1.282 are asked for
    assert found == pytest.approx(0.3739, abs=2e-4)
    # with one in four that nothing shows, ninety percent are found nowhere, and seventy later
    blind = np.array([0.0, *d_prime])
    assert noise_bound_kg(np.array([1.0, *mass]), blind, rate=0.007, detection=0.9) is None
    assert noise_bound_kg(np.array([1.0, *mass]), blind, rate=0.007, detection=0.7) > noise_bound_kg(
        mass, d_prime, rate=0.007, detection=0.7
    )
    for bad in (np.full(3, -1.0), np.full(3, np.nan), np.zeros(0)):
        with pytest.raises(ValueError, match="d' of 0 or more"):
            noise_bound_kg(mass[: bad.size], bad, rate=0.007, detection=0.9)


def test_a_container_is_asked_about_with_and_without_its_hidden_loads() -> None:
    arguments = {"settings": SETTINGS, "detectors": ["pipeline"], "seed": 1, "split": "test"}
    index = next(k for k in range(60) if empty_recipe(1, 42, k)[1].family == "gamma")
    data = empty_scene(**arguments, index=index, n_hidden=3)
    row = msgspec.msgpack.decode(data, type=EmptyRow)
    assert [answer.detector for answer in row.answers] == ["pipeline"]
    assert len(row.hidden) == 3
    made = [one for one in row.hidden if one.d_prime is not None]
    assert made
    assert all(one.d_prime > 0 and len(one.answers) == 1 for one in made)
    again = msgspec.msgpack.decode(empty_scene(**arguments, index=index, n_hidden=3), type=EmptyRow)
    assert [one.d_prime for one in again.hidden] == [one.d_prime for one in row.hidden]
    assert [a.load_score for o in again.hidden for a in o.answers] == [
        a.load_score for o in row.hidden for a in o.answers
    ]
