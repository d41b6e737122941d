from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from screening.classifiers import parse_card, write_card
from screening.errors import ModelError


def card_fields(**changes: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "name": "thing",
        "version": "1",
        "description": 'says "yes" \\ no\nover two lines',
        "sha256": "0" * 64,
        "feature_version": "1",
        "inputs": {"spectrum": {"shape": ["batch", 128], "units": "counts"}},
        "outputs": {"probability": {"shape": ["batch", 2], "units": "1"}},
        "labels": ["a", "b"],
        "thresholds": {"report": 0.5, "per label": {"Co-60": 0.25, "Cs-137": 0.5}},
        "operating_point": "1 in 100",
        "training": {"recipe": "screening train thing", "seed": 1, "data": "simulated"},
        "performance": [
            {
                "metric": "recall",
                "value": 0.9,
                "low": 0.8,
                "high": 0.95,
                "confidence": 0.95,
                "n": 40,
                "data": "simulated test split",
            }
        ],
        "domain": "none",
        "known_failures": ["many", "x" * 120],
    }
    return {**fields, **changes}


def test_a_card_reads_back_as_it_was_written(tmp_path: Path) -> None:
    path = tmp_path / "card.toml"
    written = write_card(path, card_fields())
    assert parse_card(path.read_bytes(), name="card.toml") == written
    assert tomllib.loads(path.read_text())["thresholds"]["per label"]["Co-60"] == 0.25


@pytest.mark.parametrize(
    "text",
    ["", "name = 1", "name = [", "\x00", 'name = "x"\nsurprise = 1'],
)
def test_what_is_no_card_is_refused_by_name(text: str) -> None:
    with pytest.raises(ModelError, match=r"thing/card\.toml: not a model card"):
        parse_card(text.encode(), name="thing/card.toml")


def test_an_unknown_field_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "card.toml"
    write_card(path, card_fields())
    with pytest.raises(ModelError, match="unknown field"):
        parse_card(b"surprise = 1\n" + path.read_bytes(), name="card.toml")
