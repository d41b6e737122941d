from __future__ import annotations

import os
import re

import msgspec
import pytest

from screening.errors import FormatError
from screening.evaluate.dataset import COLUMNS, SPLITS, read_dataset
from screening.evaluate.labels import meant_column
from screening.records import Level


@pytest.fixture
def folder(tmp_path):
    for name in ("a.n42", "b.n42", "sub/c.npy"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"x")
    return tmp_path


def labels(folder, *lines):
    (folder / "labels.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return read_dataset(folder)


def test_rows_become_samples(folder):
    data = labels(
        folder,
        "path,modality,truth_nuclides,is_empty,level,split,parent",
        "a.n42,radiation,Cs-137; Co-60,,HIGH,test,run-1",
        "b.n42,radiation,none,,LOW,train,run-2",
        "sub/c.npy,radiograph,,false,,,",
    )
    first, second, third = data.samples
    assert first.truth_nuclides == ("Cs-137", "Co-60")
    assert (first.has_source, first.level, first.parent) == (True, Level.HIGH, "run-1")
    assert (second.truth_nuclides, second.has_source, second.split) == ((), False, "train")
    assert (third.truth_nuclides, third.has_source, third.is_empty, third.split) == (
        None,
        None,
        False,
        "test",
    )
    assert third.parent == third.id == "sub/c.npy#0"
    assert data.problems == ()


def kinds(data):
    return sorted((problem.kind, problem.where) for problem in data.problems)


def test_every_mismatch_is_named(folder):
    data = labels(
        folder,
        "path,truth_nuclides,split,is_empty,colour",
        "a.n42,Cs-137,test,,red",
        "gone.n42,none,test,,red",
        "a.n42,Co-60,test,,red",
        "b.n42,Unobtainium-1,test,,red",
        "b.n42,none,exam,,red",
        "b.n42,none,test,maybe,red",
        "b.n42,none",
    )
    assert [sample.path for sample in data.samples] == ["a.n42"]
    assert kinds(data) == [
        ("duplicate scan", "row 4"),
        ("invalid value", "labels.csv row 7"),
        ("invalid value", "labels.csv row 8"),
        ("missing scan", "row 3"),
        ("scan without label", "sub/c.npy"),
        ("unknown class", "labels.csv row 5"),
        ("unknown class", "labels.csv row 6"),
    ]
    assert data.ignored_columns == ("colour",)
    assert data.n_rows == 7


def test_maps_beside_a_scan_are_no_scans(folder):
    for name in ("a.npz", "other.npz"):
        (folder / name).write_bytes(b"x")
    data = labels(folder, "path", "a.n42", "b.n42", "sub/c.npy")
    assert kinds(data) == [("scan without label", "other.npz")]


def test_numbers_are_numbers(folder):
    data = labels(
        folder,
        "path,seed,cargo_mass_kg",
        "a.n42,-3,12.5",
        "b.n42,x,",
        "sub/c.npy,,-1",
    )
    assert [(item.seed, item.cargo_mass_kg) for item in data.samples] == [(-3, 12.5)]
    assert [problem.text for problem in data.problems] == [
        "seed 'x' is no number",
        "cargo_mass_kg '-1' is no mass",
    ]


def test_two_scans_of_one_file_are_not_duplicates(folder):
    data = labels(folder, "path,index", "a.n42,0", "a.n42,1", "b.n42,0", "sub/c.npy,0")
    assert [sample.id for sample in data.samples] == ["a.n42#0", "a.n42#1", "b.n42#0", "sub/c.npy#0"]
    assert data.problems == ()


def test_a_label_cannot_reach_out_of_its_folder(folder):
    outside = folder.parent / "outside.n42"
    outside.write_bytes(b"x")
    data = labels(folder, "path", "a.n42", "b.n42", "sub/c.npy", "../outside.n42")
    (outside,) = data.problems
    assert (outside.kind, outside.where) == ("missing scan", "row 5")
    assert outside.text == "../outside.n42: outside of the folder of the data set"


def test_what_stands_twice_is_named_with_both_rows(folder):
    data = labels(folder, "path,id", "a.n42,g", "a.n42,h", "b.n42,g", "sub/c.npy,")
    assert [(problem.kind, problem.where, problem.text) for problem in data.problems] == [
        ("duplicate scan", "row 3", "scan 0 of a.n42 is labelled in rows 2 and 3; the first counts"),
        ("duplicate id", "row 4", "the id 'g' stands in rows 2 and 4; the first counts"),
    ]


def test_a_row_is_named_by_the_line_it_begins_on(folder):
    data = labels(folder, "path,group", "", 'a.n42,"two', 'lines"', "", "b.n42,", "gone.n42,", "sub/c.npy,")
    assert data.samples[0].group == "two\nlines"
    assert [(problem.where, problem.text) for problem in data.problems] == [
        ("row 7", "gone.n42: no such file in the data set")
    ]


def test_truths_that_contradict_each_other_are_named_and_not_scored(folder):
    data = labels(
        folder,
        "path,truth_nuclides,has_source,is_empty",
        "a.n42,none,yes,true",
        "b.n42,Cs-137,false,",
        "sub/c.npy,none,no,",
    )
    assert [(item.truth_nuclides, item.has_source) for item in data.samples] == [
        (None, None),
        (None, None),
        ((), False),
    ]
    assert data.samples[0].is_empty is True
    assert [(problem.kind, problem.where) for problem in data.problems] == [
        ("contradiction", "labels.csv row 2"),
        ("contradiction", "labels.csv row 3"),
    ]
    assert "truth_nuclides 'none' and has_source 'yes'" in data.problems[0].text


def test_nuclides_are_read_as_those_of_replies_are(folder):
    data = labels(
        folder,
        "path,truth_nuclides",
        "a.n42,Th232; cs137;Cs-137",
        "b.n42,Cs-173",
        "sub/c.npy,Gizmo",
    )
    assert [item.truth_nuclides for item in data.samples] == [("Th-232", "Cs-137")]
    assert [problem.text for problem in data.problems] == [
        "nuclide 'Cs-173' is unknown (did you mean 'Cs-137'?): the whole row is left out",
        "nuclide 'Gizmo' is unknown: the whole row is left out",
    ]


@pytest.mark.parametrize(
    ("column", "meant"),
    [("is_emty", "is_empty"), ("isempty", "is_empty"), ("Level", "level"), ("lost_lines", ""), ("kind", "")],
)
def test_a_misspelled_column_is_told_with_the_one_it_resembles(folder, column, meant):
    assert labels(folder, f"path,{column}", "a.n42,").ignored_columns == (column,)
    assert meant_column(column) == meant


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("modality\nradiation\n", "no column 'path'"),
        ("path,path\na,b\n", "column path twice"),
        ("", "no column 'path'"),
        ('path\n"a\n', "line"),
    ],
)
def test_labels_that_cannot_be_read_are_refused(folder, text, why):
    (folder / "labels.csv").write_text(text, encoding="utf-8")
    with pytest.raises(FormatError, match=why):
        read_dataset(folder)


def test_a_folder_without_labels_is_refused(tmp_path):
    with pytest.raises(FormatError, match=r"labels\.csv"):
        read_dataset(tmp_path)


def test_folders_with_labels_are_one_data_set(folder):
    for name in ("one", "two"):
        (folder / name).mkdir()
        (folder / name / "a.n42").write_bytes(name.encode())
        (folder / name / "labels.csv").write_text("path,parent\na.n42,\ngone.n42,run\n", encoding="utf-8")
    data = read_dataset(folder)
    assert [(item.id, item.path, item.parent) for item in data.samples] == [
        ("one/a.n42#0", "one/a.n42", "one/a.n42#0"),
        ("two/a.n42#0", "two/a.n42", "two/a.n42#0"),
    ]
    assert kinds(data) == [("missing scan", "one: row 3"), ("missing scan", "two: row 3")]
    assert data.n_rows == 4


def test_labels_in_another_encoding_are_refused(folder):
    (folder / "labels.csv").write_bytes("path\na.n42\nä".encode("latin-1"))
    with pytest.raises(FormatError, match="not UTF-8"):
        read_dataset(folder)


def test_the_documentation_names_every_column(repository):
    text = (repository / "docs" / "evaluate.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"`([a-z_]+)`", text))
    assert set(COLUMNS) <= documented
    assert set(SPLITS) <= documented


def test_names_and_numbers_that_none_can_be_are_told(folder):
    long = "x" * 300 + ".h5"
    data = labels(
        folder,
        "path,index,seed",
        "a.n42,,--5",
        f"a.n42,,{10**30}",
        f"a.n42,{10**30},",
        "a.n42,-1,",
        "b\0.n42,,",
        f"{long},,",
        "b.n42,7,-3",
    )
    assert [(sample.path, sample.index, sample.seed) for sample in data.samples] == [("b.n42", 7, -3)]
    assert [(p.kind, p.where) for p in data.problems if p.kind != "scan without label"] == [
        *(("invalid value", f"labels.csv row {number}") for number in range(2, 7)),
        ("missing scan", "row 7"),
    ]


@pytest.mark.parametrize("column", ["path", "scan_id"])
def test_a_file_whose_name_is_not_utf8_is_told(folder, column):
    (folder / os.fsdecode(b"\xff.n42")).write_bytes(b"x")
    data = labels(folder, column, "a.n42")
    strange = [problem for problem in data.problems if problem.where == "?.n42"]
    assert [problem.kind for problem in strange] == ["scan without label"]
    assert msgspec.json.encode(data)
