"""The page of the validation: every part, or what it lacks."""

from __future__ import annotations

import base64
import json
import sys
import types
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from screening.cli import app
from screening.errors import ConfigurationError, StoreError
from screening.simulation.validation.page import PARTS, PartReport, write_validation

DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture
def parts() -> Iterator[tuple[tuple[str, str], ...]]:
    module = types.ModuleType("sample_parts")

    def whole(data_dir: Path, out_dir: Path) -> PartReport:
        (out_dir / "dot.png").write_bytes(DOT)
        table = ("A table <b>", ("figure", "within"), [("noise", True), ("rails", False), ("floor", 0.12345)])
        return PartReport({"noise": 1.5}, (("dot.png", "a dot"),), (table,), ("said & done",))

    def plain(out_dir: Path, n: int = 3) -> dict[str, Any]:
        (out_dir / "other-dot.png").write_bytes(DOT)
        records = {"median": {"measured": 0.41, "simulated": 0.411}, "maximum": {"measured": 0.58}}
        return {"x": [1, 2], "dips": records, "pictures": ["other-dot.png"]}

    def lacking(data_dir: Path, out_dir: Path) -> PartReport:
        (data_dir / "absent.json").read_bytes()
        raise AssertionError

    for function in (whole, plain, lacking):
        setattr(module, function.__name__, function)
    sys.modules["sample_parts"] = module
    yield (
        ("Whole", "sample_parts:whole"),
        ("Plain", "sample_parts:plain"),
        ("Lacking", "sample_parts:lacking"),
    )
    del sys.modules["sample_parts"]


def test_a_page_holds_every_part(tmp_path: Path, parts: tuple[tuple[str, str], ...]) -> None:
    seen: list[tuple[int, int]] = []
    page = write_validation(
        tmp_path, tmp_path / "out", parts=parts, progress=lambda done, of: seen.append((done, of))
    )
    text = page.read_text(encoding="utf-8")
    assert seen[-1] == (3, 3)
    assert "data:image/png;base64," in text
    assert 'src="http' not in text
    assert "A table &lt;b&gt;" in text
    assert "said &amp; done" in text
    assert '<td class="no">no</td>' in text
    assert "0.1235" in text
    assert "not made: the measured data lack absent.json" in text
    numbers = json.loads((tmp_path / "out" / "validation.json").read_text(encoding="utf-8"))
    assert numbers["Whole"] == {"noise": 1.5}
    assert numbers["Plain"]["x"] == [1, 2]
    assert "<tr><td>median</td><td>0.41</td><td>0.411</td></tr>" in text
    assert "other dot" in text
    assert "absent.json" in numbers["Lacking"]["missing"]


def test_bad_folders_are_said(tmp_path: Path, parts: tuple[tuple[str, str], ...]) -> None:
    with pytest.raises(ConfigurationError, match="no such folder"):
        write_validation(tmp_path / "nowhere", tmp_path / "out", parts=parts)
    (tmp_path / "file").touch()
    with pytest.raises(StoreError, match="file"):
        write_validation(tmp_path, tmp_path / "file", parts=parts)


@pytest.mark.parametrize("target", [target for _, target in PARTS])
def test_the_parts_are_there(target: str) -> None:
    module, _, name = target.partition(":")
    assert callable(getattr(import_module(module), name))


def test_the_command_says_what_extra_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("screening.cli.simulate.find_spec", lambda name: None)
    for arguments, extra in (
        (["validation", "--shared", str(tmp_path), "--out", str(tmp_path)], "report"),
        (["likeness", str(tmp_path), str(tmp_path), "--out", str(tmp_path)], "train"),
    ):
        done = CliRunner().invoke(app, ["simulate", *arguments])
        assert isinstance(done.exception, ConfigurationError)
        assert f"screening[{extra}]" in str(done.exception)
