"""Trainers are found by name, and a missing library is told in one line."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from screening.classifiers.card import parse_card
from screening.errors import ConfigurationError
from screening.training import TRAINERS, registry, train


def test_an_unknown_trainer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="no trainer for 'nothing'; known: empties, nuclides"):
        train("nothing", tmp_path, seed=1)


def test_the_models_that_ship_have_trainers() -> None:
    assert set(TRAINERS) == {"nuclides", "empties"}
    assert all(target.startswith("screening.training.") for target in TRAINERS.values())


@pytest.fixture
def _installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "LIBRARIES", ("json",))


def test_what_is_missing_is_told_before_anything_is_simulated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "LIBRARIES", ("json", "screening_no_such_library", "screening_nor_this"))
    monkeypatch.setattr(registry, "import_module", lambda name: pytest.fail("the trainer was begun"))
    with pytest.raises(
        ConfigurationError,
        match=r'needs screening_no_such_library, screening_nor_this: pip install "screening\[train\]"',
    ):
        train("empties", tmp_path / "new", seed=1)
    assert not (tmp_path / "new").exists()


def test_the_extra_installs_what_is_asked_for() -> None:
    project = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text(encoding="utf-8"))
    extra = project["project"]["optional-dependencies"]["train"]
    assert set(registry.LIBRARIES) <= {requirement.partition(">=")[0] for requirement in extra}


@pytest.mark.usefixtures("_installed")
def test_a_missing_library_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(TRAINERS, "odd", "screening_no_such_library:train")
    with pytest.raises(
        ConfigurationError, match=r'needs screening_no_such_library: pip install "screening\[train\]"'
    ):
        train("odd", tmp_path, seed=1)


@pytest.mark.usefixtures("_installed")
def test_the_trainer_gets_what_was_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    seen = {}

    def fake(out_dir, *, seed, quick, progress):
        seen.update(out_dir=out_dir, seed=seed, quick=quick)
        progress("half")
        return card

    shipped = Path(__file__).parents[3] / "models" / "nuclides"
    card = parse_card((shipped / "card.toml").read_bytes(), name="nuclides")
    lines: list[str] = []
    monkeypatch.setattr(registry, "import_module", lambda name: type("M", (), {"train": staticmethod(fake)}))
    assert train("nuclides", tmp_path / "new", seed=7, quick=True, progress=lines.append) is card
    assert seen == {"out_dir": tmp_path / "new", "seed": 7, "quick": True}
    assert (tmp_path / "new").is_dir()
    assert lines == ["half"]
    stated = (tmp_path / "new" / "trained_on.txt").read_text(encoding="utf-8")
    assert stated == (shipped / "trained_on.txt").read_text(encoding="utf-8")
