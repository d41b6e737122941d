"""Trainers are found by name, and a missing library is told in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from screening.errors import ConfigurationError
from screening.training import TRAINERS, registry, train


def test_an_unknown_trainer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no trainer for 'nothing'; known: empties, nuclides"):
        train("nothing", tmp_path, seed=1)


def test_the_models_that_ship_have_trainers() -> None:
    assert set(TRAINERS) == {"nuclides", "empties"}
    assert all(target.startswith("screening.training.") for target in TRAINERS.values())


def test_a_missing_library_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TRAINERS, "odd", "screening_no_such_library:train")
    with pytest.raises(
        ConfigurationError, match=r"needs screening_no_such_library: install screening\[train\]"
    ):
        train("odd", tmp_path, seed=1)


def test_the_trainer_gets_what_was_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {}

    def fake(out_dir, *, seed, quick, progress):
        seen.update(out_dir=out_dir, seed=seed, quick=quick)
        progress("half")
        return "card"

    lines: list[str] = []
    monkeypatch.setattr(registry, "import_module", lambda name: type("M", (), {"train": staticmethod(fake)}))
    assert train("nuclides", tmp_path / "new", seed=7, quick=True, progress=lines.append) == "card"
    assert seen == {"out_dir": tmp_path / "new", "seed": 7, "quick": True}
    assert (tmp_path / "new").is_dir()
    assert lines == ["half"]
