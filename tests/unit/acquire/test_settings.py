"""Settings of the live service: complete, or refused with the reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from screening.acquire import read_acquire_settings
from screening.errors import ConfigurationError

GOOD = """
[radiation]
[acquire]
site = "PORT-1"
key_file = "keys/site.key"
trusted_keys = ["keys/gateway.pub"]
required = ["P1"]
[[acquire.lanes]]
name = "P1"
kind = "rpm"
port = 1600
"""


def _write(folder: Path, text: str) -> Path:
    path = folder / "site.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    settings, text = read_acquire_settings(_write(tmp_path, GOOD))
    assert text == GOOD
    assert Path(settings.spool) == tmp_path / "spool"
    assert settings.key_file == str(tmp_path / "keys/site.key")
    assert settings.trusted_keys == (str(tmp_path / "keys/gateway.pub"),)
    (lane,) = settings.lanes
    assert (lane.host, lane.modality, lane.identity_port) == ("127.0.0.1", "radiation", None)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('site = "PORT-1"', "", "site"),
        ('kind = "rpm"', 'kind = "modem"', "kind"),
        ("port = 1600", "port = 0", "port"),
        ("port = 1600", "port = 1600\ncolour = 1", "colour"),
        ('required = ["P1"]', 'required = ["P2"]', "P2"),
        ('site = "PORT-1"', 'site = "../etc"', "site"),
        ('name = "P1"', 'name = "a/b"', "name"),
        ("[acquire]", "[acquire", "line"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert old in GOOD
    with pytest.raises(ConfigurationError, match=message):
        read_acquire_settings(_write(tmp_path, GOOD.replace(old, new, 1)))


def test_a_file_without_the_table_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no \[acquire\] table"):
        read_acquire_settings(_write(tmp_path, "[radiation]\n"))


def test_two_lanes_of_one_name_are_refused(tmp_path: Path) -> None:
    twice = GOOD + '[[acquire.lanes]]\nname = "P1"\nkind = "n42"\nport = 1601\n'
    with pytest.raises(ConfigurationError, match="each once"):
        read_acquire_settings(_write(tmp_path, twice))


def test_a_missing_file_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"site\.toml: cannot be read"):
        read_acquire_settings(tmp_path / "site.toml")


@pytest.mark.parametrize(
    ("kind", "given", "limit_s"),
    [("rpm", "", 30.0), ("linestream", "", 30.0), ("n42", "", None), ("n42", "idle_timeout_s = 7.0", 7.0)],
)
def test_only_what_is_never_silent_has_a_limit_of_silence(
    tmp_path: Path, kind: str, given: str, limit_s: float | None
) -> None:
    text = GOOD.replace('kind = "rpm"', f'kind = "{kind}"\n{given}')
    settings, _ = read_acquire_settings(_write(tmp_path, text))
    assert settings.lanes[0].idle_limit_s == limit_s


@pytest.mark.parametrize(
    ("old", "new", "folder"),
    [
        ("", "", "decisions"),
        ('site = "PORT-1"', 'site = "PORT-1"\ndecisions = "out"', "out"),
        ('key_file = "keys/site.key"\n', "", None),
    ],
)
def test_who_decides_leaves_decisions_as_files(
    tmp_path: Path, old: str, new: str, folder: str | None
) -> None:
    settings, _ = read_acquire_settings(_write(tmp_path, GOOD.replace(old, new, 1)))
    assert settings.decisions == (None if folder is None else str(tmp_path / folder))
