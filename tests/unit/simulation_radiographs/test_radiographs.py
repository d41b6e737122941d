"""Recipes: the same bytes for the same seed, truth that fits the picture, and sets on disk."""

from __future__ import annotations

import csv
import json
from datetime import datetime
from importlib.resources import as_file, files
from pathlib import Path

import msgspec
import numpy as np
import pytest

from screening.archive import read_scan
from screening.errors import ConfigurationError
from screening.records import Radiograph, Scan
from screening.simulation.radiographs import (
    RADIOGRAPH_KINDS,
    RadiographRecipe,
    compose,
    recipe_from_dict,
    simulate_pair,
    simulate_radiograph,
)
from screening.simulation.radiographs.cargo import CARGO_KINDS
from screening.simulation.radiographs.picture_set import RADIOGRAPH_PRESETS, draw_radiograph_recipe, write_set


def picture(scan: Scan) -> Radiograph:
    assert isinstance(scan.payload, Radiograph)
    return scan.payload


def test_same_seed_same_bytes_other_seed_other_bytes() -> None:
    recipe = RadiographRecipe(scale=4.0, cargo="boxes", lines_lost=0.02)
    first, _ = simulate_radiograph(recipe, 5)
    again, _ = simulate_radiograph(recipe, 5)
    other, _ = simulate_radiograph(recipe, 6)
    assert picture(first).raw.tobytes() == picture(again).raw.tobytes()
    assert first.identity == again.identity
    assert picture(first).raw.shape != picture(other).raw.shape or (
        picture(first).raw.tobytes() != picture(other).raw.tobytes()
    )
    assert first.identity.scan_id != other.identity.scan_id


def test_the_recipes_seed_is_used_when_none_is_given() -> None:
    recipe = RadiographRecipe(scale=4.0, kind="empty", seed=9)
    assert simulate_radiograph(recipe)[0].identity == simulate_radiograph(recipe, 9)[0].identity


@pytest.mark.parametrize("kind", RADIOGRAPH_KINDS)
def test_kinds_and_their_truth(kind: str) -> None:
    scan, truth = simulate_radiograph(RadiographRecipe(kind=kind, scale=4.0), 3)
    radiograph = picture(scan)
    assert truth["is_empty"] == (kind == "empty")
    assert (truth["cargo_mass_kg"] > 0) == (kind != "empty")
    assert truth["areal_density_g_cm2"].shape == radiograph.raw.shape[:2]
    assert scan.identity.manifest is not None
    assert scan.identity.manifest.is_declared_empty is (kind == "empty")
    (box,) = truth["boxes"]
    assert box["complete"]
    # beyond the hull to the left there is nothing but air at the height of its upper half
    upper = slice(box["row0"], (box["row0"] + box["row1"]) // 2)
    assert truth["areal_density_g_cm2"][upper, : box["col0"] - 1].max() == 0
    assert truth["areal_density_g_cm2"][upper, box["col0"] + 2 : box["col1"] - 2].min() > 0
    if kind in ("dense", "shielded", "hidden"):
        (region,) = truth["regions"]
        inside = truth["cargo_areal_density_g_cm2"][
            region["row0"] : region["row1"], region["col0"] : region["col1"]
        ]
        assert inside.max() > 60


@pytest.mark.parametrize("cargo", sorted(CARGO_KINDS))
def test_every_cargo_fits_a_container(cargo: str) -> None:
    _, truth = simulate_radiograph(RadiographRecipe(cargo=cargo, scale=8.0, scanner="single"), 11)
    # no heavier than a container may be, with room for the coarse pixels
    assert 100 < truth["cargo_mass_kg"] < 36_000


def test_two_containers_on_one_carrier() -> None:
    _, truth = simulate_radiograph(RadiographRecipe(length="2x20", scale=4.0, skew=0.0), 1)
    first, second = truth["boxes"]
    assert first["col1"] < second["col0"]


def test_lost_lines_are_zero_recorded_and_counted() -> None:
    scan, truth = simulate_radiograph(RadiographRecipe(scale=4.0, lines_lost=12), 2)
    radiograph = picture(scan)
    assert radiograph.is_lost is not None
    assert radiograph.reference is not None
    lost = np.flatnonzero(radiograph.is_lost.any(axis=1))
    assert list(lost) == truth["lost_columns"]
    assert lost.size == 12
    assert not radiograph.raw[:, lost].any()
    assert np.isnan(radiograph.reference[lost]).all()
    assert sum(gap.n_missing for gap in radiograph.gaps) == 12
    share, _ = simulate_radiograph(RadiographRecipe(scale=4.0, lines_lost=0.05), 2)
    n_column = picture(share).raw.shape[1]
    assert sum(gap.n_missing for gap in picture(share).gaps) == round(0.05 * n_column)


def test_cut_containers_are_not_complete() -> None:
    for cut in ("start", "end", "both"):
        _, truth = simulate_radiograph(RadiographRecipe(scale=4.0, cut=cut), 4)
        assert not truth["boxes"][0]["complete"]


def test_defects_are_where_real_scanners_have_them() -> None:
    scan, truth = simulate_radiograph(RadiographRecipe(kind="empty", scale=2.0, has_dropout=True), 8)
    raw = picture(scan).raw
    row = truth["scanner"]["dropout_row"]
    high, low = (raw[row : row + 16, :, k] == 0 for k in (0, 1))
    assert high.all(axis=0).mean() == pytest.approx(0.5, abs=0.05)
    assert not (high.all(axis=0) & low.all(axis=0)).any(), "the energies miss a module in turns"
    assert (raw[-truth["scanner"]["n_dead_rows"] :] == 0).all()


def test_recipes_from_plain_values() -> None:
    recipe = recipe_from_dict({"kind": "dense", "lines_lost": 0.03, "seed": 4, "declared_empty": False})
    assert recipe.kind == "dense"
    for wrong in ({"kind": "tomb"}, {"cargo": "gold"}, {"scale": 99.0}, {"lines_lost": -1.0}, {"colour": 1}):
        with pytest.raises(ValueError):  # noqa: PT011  (msgspec words it)
            recipe_from_dict(wrong)


def test_a_set_on_disk_and_its_labels(tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    labels = write_set(
        tmp_path, "samples", 3, 7, progress=lambda done, of: seen.append((done, of)), has_maps=True
    )
    assert seen == [(1, 3), (2, 3), (3, 3)]
    with labels.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["kind"] for row in rows] == ["empty", "loaded", "dense"]
    assert [row["level"] for row in rows] == ["LOW", "LOW", "HIGH"]
    assert [row["has_dense"] for row in rows] == ["false", "false", "true"]
    assert [row["is_shielded"] for row in rows] == ["false", "false", ""]
    for row in rows:
        scan = read_scan(tmp_path / row["path"])
        truth = json.loads((tmp_path / row["path"]).with_suffix(".json").read_text(encoding="utf-8"))
        assert scan.identity.scan_id == row["scan_id"] == truth["scan_id"]
        again, _ = simulate_radiograph(recipe_from_dict(truth["recipe"]))
        assert picture(again).raw.tobytes() == picture(scan).raw.tobytes()
        with np.load((tmp_path / row["path"]).with_suffix(".npz")) as maps:
            assert maps["areal_density_g_cm2"].shape == picture(scan).raw.shape[:2]


def test_an_interrupted_set_goes_on_and_another_is_refused(tmp_path: Path) -> None:
    write_set(tmp_path, "samples", 2, 7)
    before = (tmp_path / "scan-00000.h5").stat().st_mtime_ns
    (tmp_path / "scan-00001.json").unlink()
    first = (tmp_path / "labels.csv").read_bytes()
    write_set(tmp_path, "samples", 2, 7)
    assert (tmp_path / "scan-00000.h5").stat().st_mtime_ns == before
    assert (tmp_path / "labels.csv").read_bytes() == first
    with pytest.raises(ConfigurationError, match="belongs to preset"):
        write_set(tmp_path, "samples", 2, 8)
    with pytest.raises(ConfigurationError, match="at least one"):
        write_set(tmp_path, "samples", 0, 7)
    with pytest.raises(ConfigurationError, match="unknown preset"):
        write_set(tmp_path, "everything", 2, 7)


@pytest.mark.parametrize("preset", sorted(RADIOGRAPH_PRESETS))
def test_a_recipe_depends_on_its_index_alone(preset: str) -> None:
    assert draw_radiograph_recipe(preset, 1, 3) == draw_radiograph_recipe(preset, 1, 3)
    assert draw_radiograph_recipe(preset, 1, 3).seed != draw_radiograph_recipe(preset, 1, 4).seed
    assert msgspec.to_builtins(draw_radiograph_recipe(preset, 2, 0))


def test_a_calibration_says_when_it_was_made() -> None:
    scan, _ = simulate_radiograph(RadiographRecipe(scale=4.0, calibration_age_s=900), 5)
    calibration = picture(scan).calibration
    assert calibration is not None
    assert calibration.ref.age_s == 900
    assert calibration.ref.made_at is not None
    start = scan.identity.t_start_utc
    assert start is not None
    assert (start - datetime.fromisoformat(calibration.ref.made_at)).total_seconds() == 900


def test_the_samples_are_what_the_command_makes(tmp_path: Path) -> None:
    write_set(tmp_path, "samples", 1, 7)
    folder = files("screening.data_samples").joinpath("radiographs")
    with as_file(folder.joinpath("scan-00000.h5")) as path:
        carried = read_scan(path)
    made = read_scan(tmp_path / "scan-00000.h5")
    assert carried.identity == made.identity
    np.testing.assert_array_equal(picture(carried).raw, picture(made).raw)
    first, second = picture(carried).calibration, picture(made).calibration
    assert first is not None
    assert second is not None
    assert first.ref == second.ref
    assert first.ref.made_at is not None


def test_a_recipe_says_what_it_will_not_do() -> None:
    for fields in (
        {"lines_lost": float("inf")},
        {"hidden_mass_kg": 1e6},
        {"calibration_age_s": -1},
        {"seed": -1},
    ):
        ((name, value),) = fields.items()
        with pytest.raises(ValueError, match=f"{name} must.*got {value!r}"):
            RadiographRecipe(**fields)
    with pytest.raises(ValueError, match="lines_lost must be below"):
        simulate_radiograph(RadiographRecipe(scale=8.0, kind="empty", lines_lost=1e6))


def test_truth_of_the_scanner_is_that_of_the_picture() -> None:
    recipe = RadiographRecipe(scale=8.0, kind="empty", family="portal")
    made = compose(recipe, np.random.default_rng(3))
    assert made.scanner.source_distance_m == made.scene.geometry.source_distance_m
    assert made.scanner.source_height_m == made.scene.geometry.source_height_m


def test_objects_are_in_the_picture_of_a_cut_container() -> None:
    for seed in range(12):
        recipe = RadiographRecipe(
            scale=10.0, cargo="boxes", length="20", threats=("pistol",), occlusion=0.0, cut="both"
        )
        (one,) = compose(recipe, np.random.default_rng(seed)).objects
        assert one.region is not None
        assert one.region.row0 < one.region.row1
    for kind in ("dense", "shielded", "hidden"):
        recipe = RadiographRecipe(scale=10.0, kind=kind, length="20", cut="both", skew=0.2)
        assert all(compose(recipe, np.random.default_rng(seed)).objects for seed in range(12))
    recipe = RadiographRecipe(scale=10.0, threats=("false-wall",), length="20", cut="both")
    with pytest.raises(ValueError, match="false-wall lies in the end"):
        [compose(recipe, np.random.default_rng(seed)) for seed in range(12)]


def test_a_box_with_an_innocent_object_is_not_empty() -> None:
    recipe = RadiographRecipe(kind="empty", scale=8.0, length="20", threats=("pistol",))
    made = simulate_pair(recipe)
    assert [truth["is_empty"] for _, truth in made] == [False, True, False]
    declared = [scan.identity.manifest for scan, _ in made]
    assert [one is not None and one.is_declared_empty for one in declared] == [False, True, False]
