from __future__ import annotations

import sys
from pathlib import Path

import pytest

from screening.clearance import generate_key
from screening.cli import main

TEXT = """\
id = "port"
version = "4"
max_flag_age_s = 3600
max_targeting_age_s = 7200
max_seal_reading_age_s = 1800
validity_s = 86400
"""


@pytest.fixture
def run(monkeypatch, capsys):
    def run(*words: object) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["screening", "clearance", "policy", *map(str, words)])
        status = main()
        out = capsys.readouterr()
        assert "Traceback" not in out.out + out.err
        return status, out.out + out.err

    return run


@pytest.fixture
def write(tmp_path):
    def write(more: str = "") -> Path:
        path = tmp_path / "policy.toml"
        path.write_text(TEXT + more)
        return path

    return write


def test_it_says_what_a_policy_is(run, write) -> None:
    status, text = run(write('required_steps = ["TARGETING", "SEAL", "RADIATION", "IMAGE"]'))
    assert status == 0
    assert "port 4" in text
    assert "asks for more under it" in text
    assert "its signature was not looked at" in text
    assert "as it is" in run(write())[1]


def test_it_signs_and_verifies(run, write, tmp_path) -> None:
    path = write()
    generate_key(tmp_path / "policy.key", "ops", kinds=("policy/1",))
    generate_key(tmp_path / "other.key", "ops", kinds=("policy/1",))
    assert run(path, "--sign", tmp_path / "policy.key")[0] == 0
    status, text = run(path, "--keys", tmp_path / "policy.key.pub")
    assert (status, "signature  verified" in text) == (0, True)
    status, text = run(path, "--keys", tmp_path / "other.key.pub")
    assert (status, "not trusted here" in text) == (3, True)
    write("norm_low = true")
    assert run(path, "--keys", tmp_path)[0] == 3


def test_an_exercise_key_verifies_no_policy(run, write, tmp_path) -> None:
    path = write()
    generate_key(tmp_path / "exercise.key", "exercise", kinds=("policy/1",))
    assert run(path, "--sign", tmp_path / "exercise.key")[0] == 0
    status, text = run(path, "--keys", tmp_path)
    assert (status, "exercises only" in text) == (3, True)


def test_it_names_every_property_that_a_policy_breaks(run, write, tmp_path) -> None:
    path = write('required_steps = ["TARGETING", "SEAL"]')
    generate_key(tmp_path / "policy.key", "ops", kinds=("policy/1",))
    status, text = run(path, "--sign", tmp_path / "policy.key")
    assert status == 3
    assert "LOW needs radiation screening; for example {" in text
    assert text.splitlines()[-1] == "REFUSED"
    assert len(text.splitlines()) > 3
    assert not (tmp_path / "policy.toml.sig").exists()


def test_what_is_misspelt_or_not_there_is_a_usage_error(run, write, tmp_path) -> None:
    assert run(write("norm_lwo = true"))[0] == 2
    assert run(tmp_path / "absent.toml")[0] == 2
