"""docs/seals.md holds the columns and words that are read."""

from __future__ import annotations

import re

import msgspec
import pytest

from screening.evaluate.programmes import run_records
from screening.evaluate.programmes.records import ContainerRun
from screening.records import Action, Level


@pytest.fixture
def page(repository):
    return (repository / "docs" / "seals.md").read_text(encoding="utf-8")


def test_the_examples_are_read_without_a_complaint(page, tmp_path):
    blocks = re.findall(r"^`([a-z-]+\.csv)`, one row.*?```csv\n(.*?)```", page, re.DOTALL | re.MULTILINE)
    assert [name for name, _ in blocks] == [
        "seal-trials.csv",
        "custody.csv",
        "expected.csv",
        "containers.csv",
    ]
    for name, text in blocks:
        (tmp_path / name).write_text(text, encoding="utf-8")
    part = run_records(tmp_path)
    (missing,) = part.left_out
    assert (missing.kind, missing.is_error) == ("no record", False)
    assert {one.section for one in part.figures} == {"seals", "programme"}


def test_the_words_are_those_that_are_allowed(page):
    (border,) = [one for one in msgspec.inspect.type_info(ContainerRun).fields if one.name == "border"]
    borders = next(one.values for one in border.type.types if hasattr(one, "values"))
    for column, words in (("action", Action), ("image", Level), ("border", borders)):
        (row,) = re.findall(rf"^\| [^|]*`{column}`[^|]*\| ([^|]*) \|$", page, re.MULTILINE)
        assert set(re.findall(r"`([A-Z_]+)`", row)) == {str(word) for word in words}
