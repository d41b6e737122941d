"""The same fault has the same exit status, whichever command meets it."""

from __future__ import annotations

import sys

import pytest

from screening.clearance import generate_key, sign_policy
from screening.cli import main

POLICY = """\
id = "port"
version = "4"
max_flag_age_s = 3600
max_targeting_age_s = 7200
max_seal_reading_age_s = 1800
validity_s = 86400
"""
WITH_A_KEY = (
    ("decide",),
    ("head", "--out", "heads"),
    ("custody", "CSQU3054383"),
    ("measures", "--expected", "expected.csv"),
    ("export", "CSQU3054383", "out.zip"),
    ("accept", "bundle.zip"),
    ("gateway", "--folder", "incoming", "--once"),
    ("revoke", "--model", "0" * 64, "--reason", "x", "--list", "list.json"),
)
WITH_A_POLICY = tuple(one for one in WITH_A_KEY if one[0] not in ("export", "revoke"))


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    site = generate_key(tmp_path / "site.key", "ops", kinds=("*",))
    (tmp_path / "expected.csv").write_text("container_id,list\n")
    (tmp_path / "bundle.zip").write_bytes(b"no bundle")
    (tmp_path / "policy.toml").write_text(POLICY)
    sign_policy(tmp_path / "policy.toml", site)

    def run(words: tuple[str, ...], **settings: str) -> tuple[int, str]:
        lines = {"administration": "CA", "key_file": "site.key", "policy": "policy.toml", **settings}
        text = "[clearance]\n" + "".join(f'{name} = "{value}"\n' for name, value in lines.items())
        (tmp_path / "site.toml").write_text(text)
        monkeypatch.setattr(sys, "argv", ["screening", "clearance", *words, "--config", "site.toml"])
        status = main()
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return status, said.out + said.err

    return run


@pytest.mark.parametrize("words", WITH_A_KEY, ids=lambda one: one[0])
def test_a_key_file(words, run, tmp_path) -> None:
    (tmp_path / "bad.key").write_text("{}")
    (tmp_path / "bad.key").chmod(0o600)
    status, said = run(words, key_file="bad.key")
    assert (status, "bad.key: not a private key file" in said) == (1, True)
    status, said = run(words, key_file="typo.key")
    assert (status, "typo.key: No such file" in said) == (2, True)


@pytest.mark.parametrize("words", WITH_A_POLICY, ids=lambda one: one[0])
def test_a_policy(words, run, tmp_path) -> None:
    status, said = run(words, policy="typo.toml")
    assert (status, "typo.toml: No such file" in said) == (2, True)
    with (tmp_path / "policy.toml").open("a") as file:
        file.write("# changed\n")
    status, said = run(words)
    assert (status, "the signature is not that of key" in said) == (3, True)


@pytest.mark.parametrize("words", WITH_A_KEY, ids=lambda one: one[0])
def test_a_database_of_an_unknown_kind(words, run) -> None:
    status, said = run(words, database="mysql://u:secret@h/c")
    assert (status, "no kind 'mysql'" in said, "secret" in said) == (2, True, False)


def test_files_that_are_not_there(run) -> None:
    for words in (("measures", "--expected", "typo.csv"), ("accept", "typo.csv"), ("decide", "typo.csv")):
        status, said = run(words)
        assert (status, "typo.csv" in said) == (2, True), said
