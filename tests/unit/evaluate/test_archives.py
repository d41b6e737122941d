from __future__ import annotations

import json

import msgspec
import numpy as np
import pytest

from screening.archive import write_scan
from screening.errors import ConfigurationError, FormatError
from screening.evaluate.archives import simulated_set
from screening.evaluate.dataset import read_dataset
from screening.evaluate.detectors.contract import ordinary_scans
from screening.evaluate.samples import TruthBox
from screening.evaluate.truths import decode_mask, encode_mask, write_truths


@pytest.fixture
def archive(tmp_path):
    quiet, source, picture = ordinary_scans()
    for name, scan, place in (("q", quiet, "2026/01"), ("s", source, "2026/02"), ("p", picture, "2026/02"),
                              ("again", quiet, "copies"), ("u", quiet, ".")):  # fmt: skip
        scan_id = "q" if name == "again" else name
        (tmp_path / place).mkdir(parents=True, exist_ok=True)
        identity = msgspec.structs.replace(scan.identity, scan_id=scan_id)
        write_scan(tmp_path / place / f"{name}.h5", msgspec.structs.replace(scan, identity=identity))
    return tmp_path


def kinds(data):
    return sorted((problem.kind, problem.where) for problem in data.problems)


def test_an_archive_is_labelled_by_identity(archive):
    (archive / "labels.csv").write_text(
        "scan_id,truth_nuclides,site\nq,none,north\ns,Cs-137,south\np,,\ngone,none,\ns,none,\n,none,\n"
    )
    data = read_dataset(archive)
    assert [(item.id, item.path, item.index, item.site) for item in data.samples] == [
        ("q", "2026/01/q.h5", 0, "north"),
        ("s", "2026/02/s.h5", 0, "south"),
        ("p", "2026/02/p.h5", 0, ""),
    ]
    assert kinds(data) == [
        ("duplicate scan", "copies/again.h5"),
        ("duplicate scan", "row 6"),
        ("invalid value", "labels.csv row 7"),
        ("missing scan", "gone"),
        ("scan without label", "u.h5#0"),
    ]
    assert data.n_rows == 6


def test_truth_of_pictures_is_read(archive):
    (archive / "labels.csv").write_text("scan_id\np\nq\ns\nu\n")
    mask = np.zeros((4, 5), dtype=bool)
    mask[1:3, 2:4] = True
    box = TruthBox(row0=10, col0=20, row1=14, col1=25, kind="weapon", visible=0.8, mask=encode_mask(mask))
    write_truths(archive, {"p": [box], "q": []})
    data = read_dataset(archive)
    assert data.samples[0].boxes == (box,)
    assert (decode_mask(box) == mask).all()
    assert data.samples[1].boxes == ()
    assert data.samples[2].boxes is None  # not named: not known
    assert len(data.truth_sha256) == 64
    assert json.loads((archive / "truth.json").read_text())["p"][0]["class"] == "weapon"


@pytest.mark.parametrize(
    ("box", "why"),
    [
        ({"row0": 0, "col0": 0, "row1": 0, "col1": 4}, "is none"),
        ({"row0": -1, "col0": 0, "row1": 3, "col1": 4}, "is none"),
        ({"row0": 0, "col0": 0, "row1": 2, "col1": 2, "visible": 1.5}, "is no share"),
        ({"row0": 0, "col0": 0, "row1": 2, "col1": 2, "mask": [1, 2]}, "runs of 3 pixels"),
        ({"row0": 0, "col0": 0, "row1": 2, "col1": 2, "mask": [4]}, "without a pixel"),
        ({"row0": 0, "col0": 0, "row1": 2, "col1": 2, "colour": "red"}, "colour"),
        ({"row0": 0}, "missing required field"),
    ],
)
def test_truth_that_is_none_is_named(archive, box, why):
    (archive / "labels.csv").write_text("scan_id\np\nq\ns\nu\n")
    (archive / "truth.json").write_text(json.dumps({"p": [box], "nobody": []}))
    data = read_dataset(archive)
    found = {problem.kind: problem.text for problem in data.problems}
    assert why in found["invalid value"]
    assert "nobody" in found["truth without sample"]
    assert data.samples[0].boxes is None


def test_truth_that_is_no_json_is_refused(archive):
    (archive / "labels.csv").write_text("scan_id\np\n")
    (archive / "truth.json").write_text("[1, 2")
    with pytest.raises(FormatError, match=r"truth\.json"):
        read_dataset(archive)


@pytest.mark.parametrize("first", [True, False])
def test_masks_keep_their_first_pixel(first):
    mask = np.array([[first, True], [False, False]])
    box = TruthBox(row0=0, col0=0, row1=2, col1=2, mask=encode_mask(mask))
    assert (decode_mask(box) == mask).all()


def test_a_simulated_set_is_made_by_name_and_taken_up_again(tmp_path):
    seen = []
    name = "simulated:occupancies/quiet?n=2&seed=3"
    folder = simulated_set(name, tmp_path, progress=lambda *step: seen.append(step))
    assert len(read_dataset(folder).samples) == 2
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    assert simulated_set(name, tmp_path) == folder
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before
    assert seen[-1] == (2, 2, folder.name)


def test_a_simulated_set_of_pictures_knows_its_objects(tmp_path):
    folder = simulated_set("simulated:radiographs/dense?n=1&seed=2", tmp_path)
    data = read_dataset(folder)
    assert data.problems == ()
    assert data.samples[0].boxes is not None


@pytest.mark.parametrize(
    "name",
    ["occupancies/quiet", "simulated:occupancies", "simulated:smells/any", "simulated:occupancies/quiet?m=3",
     "simulated:occupancies/quiet?n=x", "simulated:occupancies/quiet?n=0",
     "simulated:occupancies/no-such-one"],
)  # fmt: skip
def test_a_name_that_is_no_set_is_refused(tmp_path, name):
    with pytest.raises(ConfigurationError):
        simulated_set(name, tmp_path)
