from __future__ import annotations

from importlib.resources import as_file, files
from pathlib import Path

import pytest

import screening
from screening import assembly
from screening.assembly import analyse, build_pipeline
from screening.config import Settings, load_settings, settings_sha256
from screening.errors import ConfigurationError
from screening.records import Level, ReasonCode


@pytest.fixture(scope="module")
def sample() -> Path:
    with as_file(files("screening.data_samples").joinpath("occupancies", "pass-00000.h5")) as path:
        return path


def test_the_public_function_answers(sample: Path) -> None:
    (report,) = screening.analyse(sample)
    assert report.flags
    assert report.error is None


@pytest.mark.parametrize("where", ["open_scans", "screen"])
def test_a_defect_is_unknown_and_the_next_file_is_served(
    where: str, sample: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline = build_pipeline()

    def fail(*_: object) -> None:
        raise TypeError("nobody thought of this")

    with monkeypatch.context() as patched:
        patched.setattr(*((assembly, where, fail) if where == "open_scans" else (pipeline, where, fail)))
        (report,) = analyse(sample, pipeline=pipeline)
    assert report.level is Level.UNKNOWN
    assert report.error is not None
    assert report.error.code is ReasonCode.MODEL_ERROR
    assert "nobody thought of this" in report.error.text
    (after,) = analyse(sample, pipeline=pipeline)
    assert after.error is None


def test_a_background_that_cannot_be_read_is_said(sample: Path, tmp_path: Path) -> None:
    (tmp_path / "quiet.n42").write_text("no background\n")
    (report,) = analyse(sample, background=tmp_path / "quiet.n42")
    assert report.level is Level.UNKNOWN
    assert report.error is not None
    assert "quiet.n42" in report.error.text


def test_settings_are_hashed_by_what_changes_a_flag(tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text("[radiation]\nn_sigma = 4.0\n[acquire]\nsite = 'a'\n")
    first = load_settings(path)
    path.write_text("[radiation]\nn_sigma = 4.0\n[acquire]\nsite = 'b'\n")
    assert settings_sha256(load_settings(path)) == settings_sha256(first)
    assert settings_sha256(Settings()) != settings_sha256(first)


@pytest.mark.parametrize("text", ["[radiation]\nn_sigmas = 4\n", "radiation = 3\n", "[[[", "\xff"])
def test_settings_that_make_no_sense_are_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "site.toml"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(ConfigurationError, match=r"site\.toml"):
        load_settings(path)
