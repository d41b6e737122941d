"""The commands of the simulators, from arguments to files."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from screening.archive import read_scan
from screening.cli import app
from screening.errors import ConfigurationError
from screening.simulation import sets
from screening.simulation.radiographs.picture_mix import VARIANTS, MatchedRecipe


def run(*arguments: str) -> tuple[int, str, BaseException | None]:
    done = CliRunner().invoke(app, ["simulate", *arguments])
    return done.exit_code, done.output, done.exception


@pytest.mark.parametrize("name", ["occupancies", "radiographs"])
def test_presets_are_listed(name: str) -> None:
    status, text, _ = run(name, "--list")
    assert status == 0
    for preset, what in sets.set_kind(name).presets.items():
        assert preset in text
        assert what in text


@pytest.mark.parametrize("name", ["occupancies", "radiographs"])
def test_presets_are_documented(name: str, repository: Path) -> None:
    text = (repository / "docs" / "simulate.md").read_text(encoding="utf-8")
    for preset, what in sets.set_kind(name).presets.items():
        assert f"| `{preset}` | {what} |" in text


def test_an_unknown_preset_names_the_known_ones(tmp_path: Path) -> None:
    status, _, error = run("occupancies", "--preset", "loud", "--out", str(tmp_path / "x"))
    assert status != 0
    assert isinstance(error, ConfigurationError)
    assert "masking" in str(error)
    assert run("occupancies")[0] == 2, "a folder is needed"


def test_passes_are_written_by_several_processes(tmp_path: Path) -> None:
    status, text, _ = run(
        "occupancies",
        "--preset",
        "neutrons",
        "--n",
        "6",
        "--seed",
        "3",
        "--workers",
        "2",
        "--out",
        str(tmp_path),
    )
    assert status == 0
    assert "6 passes" in text
    with (tmp_path / "labels.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["has_neutrons"] for row in rows] == ["true", "false"] * 3
    assert json.loads((tmp_path / "pass-00000.json").read_text())["sources"][0]["neutrons_per_s"] > 0


@pytest.mark.parametrize("preset", ["threats", "injected"])
def test_scenes_come_in_threes(tmp_path: Path, preset: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = sets.set_kind("radiographs")
    from screening.simulation.radiographs import picture_set

    def small(preset: str, seed: int, index: int) -> MatchedRecipe:
        import msgspec

        drawn = kind.draw(preset, seed, index)
        scene = msgspec.structs.replace(drawn.recipe, scale=4.0)
        return msgspec.structs.replace(drawn, recipe=scene)

    monkeypatch.setattr(picture_set, "SET", kind._replace(draw=small))
    sets.write_set("radiographs", tmp_path, preset, 3, 5, has_maps=True)
    with (tmp_path / "labels.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["variant"] for row in rows] == list(VARIANTS)
    assert [row["has_threat"] for row in rows] == ["true", "false", "false"]
    assert len({row["parent"] for row in rows}) == 1
    assert len({row["scan_id"] for row in rows}) == 3
    raw = [read_scan(tmp_path / row["path"]).payload.raw.astype(int) for row in rows]
    maps = [np.load((tmp_path / row["path"]).with_suffix(".npz")) for row in rows]
    if preset == "injected":
        mask = maps[0]["injected_mask"]
        assert "injected_mask" not in maps[1]
        # the picture is touched where the object is, and nowhere else
        assert (raw[0] != raw[1])[mask].any()
        around = maps[0]["injected_areal_density_g_cm2"] == 0
        assert not (raw[0] != raw[1])[around].any()
    else:
        with_it, without = (maps[k]["areal_density_g_cm2"].astype(float) for k in (0, 1))
        truth = json.loads((tmp_path / "scan-00000.json").read_text())
        assert truth["objects"]
        assert (with_it - without).max() > 1.0


def test_every_cargo_and_every_family_is_covered() -> None:
    kind = sets.set_kind("radiographs")
    from screening.simulation.radiographs.cargo import CARGO_KINDS
    from screening.simulation.radiographs.families import SCANNER_FAMILIES
    from screening.simulation.radiographs.threats import THREATS

    n = len(CARGO_KINDS)
    assert {kind.draw("cargo", 1, i).cargo for i in range(n)} == set(CARGO_KINDS)
    assert {kind.draw("families", 1, i).family for i in range(40)} == set(SCANNER_FAMILIES)
    scenes = {kind.draw("threats", 1, 3 * i).recipe.threats[0] for i in range(len(THREATS))}
    assert scenes == set(THREATS)


def test_a_response_is_computed_by_the_command(tmp_path: Path) -> None:
    status, _, error = run("responses", "--detector", "Unobtainium", "--out", str(tmp_path))
    assert status != 0
    assert isinstance(error, ConfigurationError)
    assert "known" in str(error)
    from screening.simulation.photons.detectors import DETECTORS

    name = next(iter(DETECTORS))
    status, text, _ = run("responses", "--detector", name, "--histories", "1000", "--out", str(tmp_path))
    assert status == 0, text
    with np.load(tmp_path / "responses.npz") as found:
        assert all(key.startswith(f"{name}/") for key in found.files)
