"""Threats in measured pictures: the base stays, positives and look-alikes come with their truth."""

from __future__ import annotations

import json
from importlib.resources import as_file, files
from pathlib import Path

import msgspec
import numpy as np
import pytest

from screening.errors import ConfigurationError
from screening.evaluate.dataset import read_dataset
from screening.evaluate.radiographs.measured import inject_scan, write_injected_set
from screening.evaluate.truths import decode_mask
from screening.records import Scan
from screening.simulation.radiographs import RadiographRecipe, simulate_radiograph
from screening.sources import open_scan

RECIPE = RadiographRecipe(
    kind="loaded", cargo="textiles", scanner="dual", family="rail-dual", length="20", scale=6.0, seed=11
)


@pytest.fixture(scope="module")
def base() -> Scan:
    return simulate_radiograph(RECIPE)[0]


def test_each_positive_comes_with_a_lookalike_and_the_base(base: Scan) -> None:
    made = inject_scan(base, 2, seed=1, threats=["source-pig"])
    assert [one.name for one in made] == ["base", "threat-0", "lookalike-0", "threat-1", "lookalike-1"]
    assert made[0].scan is base
    assert len({one.scan.identity.scan_id for one in made}) == 5
    assert [bool(one.truths) for one in made] == [False, True, True, True, True]
    assert [one.truths[0].is_ignored for one in made[1:]] == [False, True, False, True]
    assert made[1].threat == "source-pig"
    assert made[1].truths[0].kind == "source"


def test_the_threat_darkens_both_energies_where_its_truth_is(base: Scan) -> None:
    _, positive, _ = inject_scan(base, 1, seed=2, threats=["source-pig"])
    (box,) = positive.truths
    window = (slice(box.row0, box.row1), slice(box.col0, box.col1))
    mask = decode_mask(box)
    assert mask is not None
    before, after = (one.payload.raw[window].astype(float) for one in (base, positive.scan))
    for energy in range(2):
        assert after[..., energy][mask].mean() < 0.8 * before[..., energy][mask].mean()
    outside = np.ones(base.payload.raw.shape[:2], dtype=bool)
    outside[max(box.row0 - 2, 0) : box.row1 + 2, max(box.col0 - 2, 0) : box.col1 + 2] = False
    np.testing.assert_array_equal(positive.scan.payload.raw[outside], base.payload.raw[outside])


def test_a_picture_without_air_takes_threats_too(base: Scan) -> None:
    bare = msgspec.structs.replace(
        base, payload=msgspec.structs.replace(base.payload, calibration=None, reference=None)
    )
    made = inject_scan(bare, 1, seed=3, threats=["shells"])
    assert made[1].scan.payload.calibration is None
    assert (made[1].scan.payload.raw != bare.payload.raw).any()


def test_the_same_seed_gives_the_same_pictures(base: Scan) -> None:
    first, second, other = (inject_scan(base, 1, seed=seed)[1] for seed in (4, 4, 5))
    np.testing.assert_array_equal(first.scan.payload.raw, second.scan.payload.raw)
    assert first.scan.identity.scan_id == second.scan.identity.scan_id
    assert not np.array_equal(first.scan.payload.raw, other.scan.payload.raw)


def test_what_is_no_radiograph_is_named(base: Scan) -> None:
    with as_file(files("screening.data_samples")) as samples:
        occupancy = open_scan(samples / "occupancies" / "pass-00000.h5")
    with pytest.raises(ConfigurationError, match="radiographs"):
        inject_scan(occupancy, 1, seed=1)
    with pytest.raises(ConfigurationError, match="bazooka"):
        inject_scan(base, 1, seed=1, threats=["bazooka"])


def test_a_set_of_measured_pictures_reads_as_a_data_set(tmp_path: Path, base: Scan) -> None:
    from screening.archive import write_scan

    source = tmp_path / "traffic"
    source.mkdir()
    write_scan(source / "a.h5", base)
    out = tmp_path / "set"
    labels = write_injected_set([source], out, 1, seed=1, threats=["snm-shielded"])
    assert labels == out / "labels.csv"
    found = read_dataset(out)
    assert not found.problems
    assert [one.id for one in found.samples] == [
        "base-00000-base",
        "base-00000-threat-0",
        "base-00000-lookalike-0",
    ]
    assert {one.parent for one in found.samples} == {"base-00000"}
    assert [one.has_threat for one in found.samples] == [False, True, False]
    assert [len(one.boxes or ()) for one in found.samples] == [0, 1, 1]
    truth = json.loads((out / "truth.json").read_text())
    assert set(truth) == {one.id for one in found.samples}
    scan = open_scan(out / "base-00000-threat-0.h5")
    assert scan.payload.raw.shape == base.payload.raw.shape
    with pytest.raises(ConfigurationError, match="data set already"):
        write_injected_set([source], out, 1, seed=1)


def test_a_folder_without_pictures_is_named(tmp_path: Path, base: Scan) -> None:
    from screening.archive import write_scan

    source = tmp_path / "twice"
    source.mkdir()
    write_scan(source / "a.h5", base)
    write_scan(source / "b.h5", base)
    with pytest.raises(ConfigurationError, match="one scan"):
        write_injected_set([source], tmp_path / "out", 1, seed=1, threats=["shells"])
