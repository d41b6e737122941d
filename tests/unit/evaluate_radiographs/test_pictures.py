"""Thumbnails of the bench: their noise is that of a mean, and all else of a scene is the same."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from scipy import ndimage

from screening.evaluate.radiographs.pictures import (
    BUILT,
    averaged,
    cargo_family,
    load_recipe,
    stream,
    take_picture,
    take_triple,
    thumbnail_scale,
)
from screening.radiography.planes import correct_plane
from screening.simulation.radiographs import RadiographRecipe
from screening.simulation.radiographs.cargo import CARGO_KINDS
from screening.simulation.radiographs.families import SCANNER_FAMILIES

RECIPE = RadiographRecipe(
    kind="loaded", cargo="boxes", scanner="single", family="rail-dual", length="20", scale=4.0, seed=9
)


def test_a_full_picture_has_the_scanner_it_was_drawn_with() -> None:
    scanner = take_picture(RECIPE).composition.scanner
    assert averaged(scanner, 1.0) == scanner
    assert averaged(scanner, 3.0).gain == pytest.approx(scanner.gain / 9.0)
    assert averaged(scanner, 4.0).line_sigma == pytest.approx(scanner.line_sigma / 2.0)


def test_the_noise_of_a_thumbnail_is_that_of_the_mean_of_what_it_covers() -> None:
    picture = take_picture(RECIPE)
    scanner = picture.composition.scanner
    plane = correct_plane(picture.scan.payload, 0)
    # away from edges, whose blur is no noise
    clear = ndimage.binary_erosion(picture.truth["areal_density_g_cm2"] < 1e-3, iterations=4)
    air = plane.is_live & clear
    rows = [r for r in range(air.shape[0]) if air[r].sum() > 60]
    assert len(rows) > 2
    found = np.median([plane.neg_log[r][air[r]].std() for r in rows])
    level = scanner.air_counts[0]
    law = np.sqrt(scanner.electronic_sigma**2 + scanner.gain * level) / level
    assert 0.0025 < law < 0.005
    assert found == pytest.approx(law, rel=0.25)


def test_the_three_pictures_of_a_scene_differ_where_the_object_is() -> None:
    recipe = msgspec.structs.replace(RECIPE, threats=("shells",))
    positive, negative, lookalike = take_triple(recipe)
    (one,) = positive.truth["objects"]
    differs = (positive.scan.payload.raw != negative.scan.payload.raw).any(axis=2)
    rows, columns = np.nonzero(differs)
    inside = (
        (rows >= one["row0"] - 3)
        & (rows < one["row1"] + 3)
        & (columns >= one["col0"] - 3)
        & (columns < one["col1"] + 3)
    )
    # scatter and afterglow reach further, by a count here and there
    assert inside.mean() > 0.5
    far = np.abs(positive.scan.payload.raw.astype(int) - negative.scan.payload.raw.astype(int)).max(axis=2)
    outside = np.ones(far.shape, dtype=bool)
    outside[max(one["row0"] - 3, 0) : one["row1"] + 3, max(one["col0"] - 3, 0) :] = False
    assert far[outside].max() <= 0.02 * positive.composition.scanner.air_counts[0]
    assert lookalike.truth["objects"][0]["kind"] == "lookalike"
    ids = {one.scan.identity.scan_id for one in (positive, negative, lookalike)}
    assert len(ids) == 3


def test_thumbnails_of_every_family_have_about_the_same_pitch() -> None:
    for family, ranges in SCANNER_FAMILIES.items():
        pitch = thumbnail_scale(family) * float(np.mean(ranges.pitch_m))
        assert pitch == pytest.approx(0.020, rel=0.01)


def test_loads_take_every_cargo_past_every_scanner() -> None:
    n = len(CARGO_KINDS)
    recipes = [load_recipe(1, 30, k) for k in range(3 * n)]
    assert {recipe.cargo for recipe in recipes[:n]} == set(CARGO_KINDS)
    assert {(recipe.family, recipe.scanner) for recipe in recipes} == set(BUILT)
    assert [r.scanner for r in recipes[:n]] != [r.scanner for r in recipes[n : 2 * n]]


def test_families_of_cargo_are_those_of_the_simulator() -> None:
    assert cargo_family("textiles") == "cartons"
    assert cargo_family("rolls") == "rounds"
    assert cargo_family("timber") == "long goods"


def test_streams_of_different_places_are_different() -> None:
    draws = {stream(1, *key).random() for key in ((1, 2), (2, 1), (1, 2, 0), (1,))}
    assert len(draws) == 4
    assert stream(1, 5).random() == stream(1, 5).random() != stream(2, 5).random()
