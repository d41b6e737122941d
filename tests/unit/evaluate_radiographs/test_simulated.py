"""Sets of the simulator tell the evaluation where their objects stand."""

from __future__ import annotations

import shutil
from importlib.resources import as_file, files
from pathlib import Path

import numpy as np
import pytest

from screening.errors import FormatError
from screening.evaluate.dataset import read_dataset
from screening.evaluate.radiographs.simulated import write_set_truths
from screening.evaluate.truths import decode_mask


@pytest.fixture
def a_set(tmp_path: Path) -> Path:
    with as_file(files("screening.data_samples")) as samples:
        return Path(shutil.copytree(samples / "radiographs", tmp_path / "set"))


def test_objects_of_a_simulated_set_are_read_with_it(a_set: Path) -> None:
    assert write_set_truths(a_set).name == "truth.json"
    found = read_dataset(a_set)
    assert not found.problems
    boxes = {one.path: one.boxes for one in found.samples}
    assert [len(boxes[f"scan-{k:05d}.h5"] or ()) for k in range(8)] == [0, 0, 1, 1, 1, 0, 0, 0]
    (pig,) = boxes["scan-00004.h5"] or ()
    assert pig.kind == "source"
    assert (pig.row0, pig.row1) == (424, 477)
    assert pig.visible == pytest.approx(0.962, abs=0.001)
    assert not pig.is_ignored


def test_maps_give_objects_their_pixels(a_set: Path) -> None:
    index = np.zeros((680, 900), dtype=np.uint8)
    index[430:440, 100:105] = 1
    index[435, 105] = 1
    np.savez(a_set / "scan-00004.npz", object_index=index)
    write_set_truths(a_set)
    (pig,) = next(one.boxes for one in read_dataset(a_set).samples if one.path == "scan-00004.h5") or ()
    assert (pig.row0, pig.col0, pig.row1, pig.col1) == (430, 100, 440, 106)
    np.testing.assert_array_equal(decode_mask(pig), index[430:440, 100:106] == 1)


def test_a_picture_without_its_truth_file_is_named(a_set: Path) -> None:
    (a_set / "scan-00003.json").unlink()
    with pytest.raises(FormatError, match="scan-00003"):
        write_set_truths(a_set)
