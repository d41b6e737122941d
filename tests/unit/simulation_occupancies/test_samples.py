"""The passes that ship with the package: they open, and are what their labels say."""

from __future__ import annotations

import csv
import json
from importlib.resources import files

import pytest

from screening.archive import read_scan
from screening.radiation import RadiationAnalyser, RadiationSettings
from screening.simulation.occupancies.traffic import draw_recipe

SAMPLES = files("screening.data_samples").joinpath("occupancies")


def _rows():
    with SAMPLES.joinpath("labels.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_there_are_samples_and_they_are_small():
    found = [entry for entry in SAMPLES.iterdir() if entry.name.endswith(".h5")]
    assert sorted(entry.name for entry in found) == [row["path"] for row in _rows()]
    assert sum(len(entry.read_bytes()) for entry in SAMPLES.iterdir()) < 4_000_000


@pytest.mark.parametrize("row", _rows(), ids=lambda row: row["container_id"])
def test_a_sample_is_what_its_label_says(row):
    scan = read_scan(SAMPLES.joinpath(row["path"]))
    assert scan.identity.scan_id == row["scan_id"]
    assert scan.identity.container_id == row["container_id"]
    measured = RadiationAnalyser(RadiationSettings(), None).analyse(scan).measurements
    expected = float(row["expected_nsigma"])
    if abs(expected - 5.0) > 3.0:
        assert measured.gamma.alarm is (expected > 5.0)
    assert bool(measured.neutron.alarm) is (row["has_neutrons"] == "true")


def test_the_stated_command_makes_these_passes():
    # README.md beside the samples: --preset samples --n 46 --seed 1.
    for index, row in enumerate(_rows()):
        recipe = draw_recipe("samples", 1, index)
        assert (recipe.container_id, str(recipe.seed)) == (row["container_id"], row["seed"])
        truth = json.loads(SAMPLES.joinpath(row["path"].replace(".h5", ".json")).read_text(encoding="utf-8"))
        assert [source.label for source in recipe.sources] == truth["nuclides"]
