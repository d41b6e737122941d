from __future__ import annotations

import csv
import hashlib
import json

import jsonschema
import msgspec
import pytest

from screening.config import Settings
from screening.errors import FormatError, StoreError
from screening.evaluate.record import Figure, evaluation_schema
from screening.evaluate.report import compare, files, parquet, provenance, read_report, stripped, write_report
from screening.evaluate.report.provenance import model_hashes

WRITTEN = ("report.html", "figures.csv", "report.json")
PARQUET = ("figures.parquet", "curves.parquet", "comparisons.parquet")


def test_a_report_is_read_as_it_was_written(evaluation, tmp_path):
    written = write_report(tmp_path, evaluation)
    assert set(WRITTEN) <= set(written)
    assert {path.name for path in tmp_path.iterdir()} == set(written)
    assert read_report(tmp_path) == evaluation
    assert read_report(tmp_path / "report.json") == evaluation
    jsonschema.validate(json.loads((tmp_path / "report.json").read_text()), evaluation_schema())


def test_the_same_report_gives_the_same_bytes(evaluation, tmp_path):
    names = write_report(tmp_path / "a", evaluation)
    assert write_report(tmp_path / "b", read_report(tmp_path / "a")) == names
    for name in names:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes(), name


def test_the_page_carries_the_hash_of_the_record(evaluation, tmp_path):
    write_report(tmp_path, evaluation)
    digest = hashlib.sha256((tmp_path / "report.json").read_bytes()).hexdigest()
    assert digest in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_every_figure_is_a_line_of_csv(evaluation, tmp_path):
    hostile = Figure(section="part-0", metric="=HYPERLINK(1)", value=-0.5, note='a,b\n"c"', is_headline=True)
    whole = msgspec.structs.replace(evaluation, figures=(*evaluation.figures, hostile))
    write_report(tmp_path, whole)
    with (tmp_path / "figures.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(whole.figures)
    for row, figure in zip(rows, whole.figures, strict=True):
        for name in ("value", "low", "high", "n"):
            value = getattr(figure, name)
            assert row[name] == "" if value is None else float(row[name]) == value
    assert rows[-1]["metric"] == "'=HYPERLINK(1)"
    assert rows[-1]["value"] == "-0.5"
    assert rows[-1]["is_headline"] == "true"
    assert rows[-1]["note"] == hostile.note


def test_parquet_holds_every_figure_curve_and_comparison(evaluation, tmp_path):
    arrow = pytest.importorskip("pyarrow.parquet")
    write_report(tmp_path, evaluation)
    figures = arrow.read_table(tmp_path / "figures.parquet").to_pylist()
    assert figures == [
        {name: getattr(f, name) for name in Figure.__struct_fields__} for f in evaluation.figures
    ]
    comparisons = arrow.read_table(tmp_path / "comparisons.parquet").to_pylist()
    assert [row["p"] for row in comparisons] == [item.p for item in evaluation.comparisons]
    points = arrow.read_table(tmp_path / "curves.parquet").to_pylist()
    stored = [
        (s.name, x, y)
        for curve in evaluation.curves
        for s in curve.series
        for x, y in zip(s.x, s.y, strict=True)
    ]
    assert [(row["series"], row["x"], row["y"]) for row in points] == stored


def test_without_pyarrow_nothing_old_is_left_to_be_taken_for_new(evaluation, tmp_path, monkeypatch):
    (tmp_path / "figures.parquet").write_bytes(b"old")
    (tmp_path / "changes.json").write_bytes(b"old")
    monkeypatch.setattr(files, "has_parquet", lambda: False)
    assert write_report(tmp_path, evaluation) == WRITTEN
    assert {path.name for path in tmp_path.iterdir()} == set(WRITTEN)
    assert "Parquet is missing: pyarrow is not installed" in files.parquet_notice()


def test_with_pyarrow_there_is_no_notice(monkeypatch):
    monkeypatch.setattr(files, "has_parquet", lambda: True)
    assert files.parquet_notice() == ""


def test_tables_of_parquet_are_named_once():
    assert {f"{name}.parquet" for name in parquet.TABLES} == set(PARQUET)


def test_changes_are_written_beside_the_report(evaluation, tmp_path):
    changes = compare(evaluation, evaluation)
    assert "changes.json" in write_report(tmp_path, evaluation, changes=changes)
    found = json.loads((tmp_path / "changes.json").read_text(encoding="utf-8"))
    assert len(found["headline"]) == sum(figure.is_headline for figure in evaluation.figures)
    assert "Changes since the baseline" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_a_folder_that_cannot_be_written_is_named(evaluation, tmp_path):
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(StoreError, match="taken"):
        write_report(tmp_path / "taken", evaluation)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "no report"),
        (b"{", "no report"),
        (b"[1]", "no report"),
        (b"\xff\xfe", "no report"),
        (b'{"schema": "evaluation/1"}', "is evaluation/1; this version reads evaluation/2"),
        (b'{"schema": "evaluation/2", "title": 3}', "no report"),
        (b"[" * 100_000, "no report"),
    ],
)
def test_what_is_no_report_is_named(data, said, tmp_path):
    (tmp_path / "report.json").write_bytes(data)
    with pytest.raises(FormatError, match=said):
        read_report(tmp_path)


def test_a_missing_report_is_named(tmp_path):
    with pytest.raises(StoreError, match=r"report\.json"):
        read_report(tmp_path)


def test_a_stripped_report_keeps_figures_alone_and_is_small(maker):
    whole = maker.made()
    small = stripped(whole)
    assert small.figures == whole.figures
    assert [*small.curves, *small.exhibits, *small.comparisons, *small.left_out] == []
    assert small.provenance.machine == {}
    headline = stripped(whole, is_headline_only=True)
    assert headline.figures == tuple(figure for figure in whole.figures if figure.is_headline)
    assert len(files.encoded(headline)) < 40_000
    assert compare(whole, small).exit_status == 0


def test_provenance_says_what_made_it_and_not_where():
    found = provenance(
        Settings(),
        ["screening", "evaluate", "/home/someone/data", "--out=/tmp/x", "--replay", "run /opt/p {in}"],
    )
    assert found.command == "screening evaluate data --out=x --replay run p {in}"
    assert set(found.machine) >= {
        "processor",
        "cores",
        "system",
        "Python",
        "kernels",
        "numpy",
        "scipy",
        "onnxruntime",
    }
    assert all(value and value != "not installed" for value in found.machine.values())
    assert len(found.config_sha256) == 64
    assert "/" not in found.command


def test_the_models_are_named_by_the_hash_of_their_bytes(repository):
    stored = {
        hashlib.sha256(path.read_bytes()).hexdigest() for path in (repository / "models").glob("*/model.onnx")
    }
    assert set(model_hashes().values()) == stored
    assert stored
