"""What the loaded-or-empty model learns from: splits apart, the same maps for the same seed."""

from __future__ import annotations

import numpy as np

from screening.classifiers import load_model
from screening.radiography.empty import FEATURE_VERSION, MAP_SHAPE
from screening.simulation.radiographs.families import SCANNER_FAMILIES
from screening.training.empties_scenes import (
    TEST,
    TRAIN,
    UNSEEN_CONTAINER,
    UNSEEN_FAMILY,
    VALIDATION,
    Plan,
    draw_recipe,
    draw_set,
)

SMALL = Plan(9, ("gamma",), ("reefer",), (8.0,))


def test_one_family_and_one_type_are_in_the_test_alone() -> None:
    for plan in (TRAIN, VALIDATION):
        assert UNSEEN_FAMILY not in plan.families
        assert UNSEEN_CONTAINER not in plan.containers
    assert set(TEST.families) == set(SCANNER_FAMILIES)
    assert set(TEST.containers) == {*TRAIN.containers, UNSEEN_CONTAINER}
    assert len({plan.stream for plan in (TRAIN, VALIDATION, TEST)}) == 3


def test_recipes_cover_what_the_card_says() -> None:
    rng = np.random.default_rng(1)
    empties = [draw_recipe(TRAIN, rng, is_loaded=False, is_hidden=False) for _ in range(200)]
    assert {one.container for one in empties} == {"standard", "reefer", "open-top"}
    assert {one.length for one in empties} == {"20", "40", "45", "2x20"}
    assert 0.1 < np.mean([one.has_residue for one in empties]) < 0.4
    assert all(one.scanner in SCANNER_FAMILIES[str(one.family)].kinds for one in empties)
    hidden = [draw_recipe(TRAIN, rng, is_loaded=True, is_hidden=True) for _ in range(50)]
    # one hidden load is in one container: a second one would be an empty called loaded
    assert "2x20" not in {one.length for one in hidden}


def test_the_same_seed_gives_the_same_maps() -> None:
    first = draw_set(SMALL, 3, 2, 2, hidden_share=0.5)
    again = draw_set(SMALL, 3, 2, 2, hidden_share=0.5)
    assert first.maps.shape[1:] == (3, *MAP_SHAPE)
    assert first.maps.tobytes() == again.maps.tobytes()
    assert first.recipes == again.recipes
    assert first.is_loaded.tolist() == [one.kind != "empty" for one in first.recipes]
    other = draw_set(SMALL, 4, 2, 2, hidden_share=0.5)
    assert first.maps.tobytes() != other.maps[: len(first.maps)].tobytes()


def test_the_shipped_card_states_what_was_held_out_and_how_often_empties_alarm() -> None:
    card = load_model("empties").card
    assert card.feature_version == FEATURE_VERSION
    figures = {one.metric: one for one in card.performance}
    alarms = figures["false alarm rate on empties"]
    assert alarms.n >= 1000
    assert alarms.low <= alarms.value <= alarms.high
    assert any(UNSEEN_FAMILY in name for name in figures)
    assert any(UNSEEN_CONTAINER in name for name in figures)
