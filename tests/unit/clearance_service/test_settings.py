"""Settings of a site's clearance: read strictly, with paths where the file lies."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from screening.clearance.desk import Database
from screening.clearance.settings import HttpSettings, is_loopback, read_clearance_settings
from screening.errors import ConfigurationError

HASH = "0" * 64


def _read(folder: Path, text: str):
    path = folder / "site.toml"
    path.write_text(text, encoding="utf-8")
    return read_clearance_settings(path)


def test_paths_are_taken_from_the_folder_of_the_file(tmp_path: Path) -> None:
    settings = _read(
        tmp_path,
        """
        [clearance]
        administration = "CA"
        key_file = "site.key"
        trusted_keys = ["trusted", "/etc/keys"]
        heads = "heads"
        [[clearance.sinks]]
        name = "drop"
        kind = "folder"
        options = { folder = "out", key_file = "drop.key", url = "https://x.example/a" }
        """,
    )
    assert settings.key_file == str(tmp_path / "site.key")
    assert settings.database == str(tmp_path / "clearance.sqlite")
    assert settings.trusted_keys == (str(tmp_path / "trusted"), "/etc/keys")
    assert settings.heads == str(tmp_path / "heads")
    assert settings.sinks[0].options == {
        "folder": str(tmp_path / "out"),
        "key_file": str(tmp_path / "drop.key"),
        "url": "https://x.example/a",
    }


def test_a_postgresql_url_is_no_path(tmp_path: Path) -> None:
    url = "postgresql://clearance@127.0.0.1/clearance"
    settings = _read(tmp_path, f'[clearance]\nadministration = "CA"\nkey_file = "k"\ndatabase = "{url}"\n')
    assert settings.database == url
    assert settings.is_postgresql


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no \\[clearance\\] table"),
        ("[clearance]\nadministration = 'CA'\n", "key_file"),
        ("[clearance]\nadministration = 'CA'\nkey_file = 'k'\nunknown = 1\n", "unknown"),
        ("[clearance]\nadministration = 'CA'\nkey_file = 'k'\ncase_deadline_s = 0\n", "case_deadline_s"),
        (
            "[clearance]\nadministration = 'CA'\nkey_file = 'k'\n[clearance.http]\nhost = '10.0.0.1'\n",
            "loopback",
        ),
        (
            "[clearance]\nadministration = 'CA'\nkey_file = 'k'\n[clearance.http]\ntls_key = 'k.pem'\n",
            "go together",
        ),
        (
            "[clearance]\nadministration = 'CA'\nkey_file = 'k'\n"
            "[[clearance.sinks]]\nname = 'a'\nkind = 'folder'\n"
            "[[clearance.sinks]]\nname = 'a'\nkind = 'n42'\n",
            "each once",
        ),
        (
            "[clearance]\nadministration = 'CA'\nkey_file = 'k'\n"
            f"[[clearance.http.tokens]]\nname = 'a'\nsha256 = '{HASH}'\nscopes = []\n",
            "no scope",
        ),
        (
            "[clearance]\nadministration = 'CA'\nkey_file = 'k'\n"
            f"[[clearance.http.tokens]]\nname = 'a'\nsha256 = '{HASH}'\nscopes = ['read']\n"
            "expires = '2030-01-01T00:00:00'\n",
            "zone",
        ),
        ("[clearance\n", "site.toml"),
    ],
)
def test_what_does_not_go_together_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        _read(tmp_path, text)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.toml"):
        read_clearance_settings(tmp_path / "none.toml")


@pytest.mark.parametrize(
    ("host", "expected"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True)]
    + [(host, False) for host in ("0.0.0.0", "::", "10.1.2.3", "localhost.example", "")],  # noqa: S104
)
def test_only_this_machine_is_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_sending_takes_a_token_except_on_loopback() -> None:
    assert not HttpSettings().is_token_needed_to_send
    assert HttpSettings(send_needs_token=True).is_token_needed_to_send
    open_to_all = HttpSettings(host="0.0.0.0", tls_certificate="c", tls_key="k")  # noqa: S104
    assert open_to_all.is_token_needed_to_send


@pytest.mark.parametrize("database", ["mysql://u:secret@h/c", "sqlite:///c.sqlite", "mysql+pymysql://h/c"])
def test_a_database_of_an_unknown_kind_is_refused_and_no_password_told(tmp_path: Path, database: str) -> None:
    text = f'[clearance]\nadministration = "CA"\nkey_file = "site.key"\ndatabase = "{database}"\n'
    kind = re.escape(repr(database.partition("://")[0]))
    with pytest.raises(
        ConfigurationError, match=f"no kind {kind}; give the path of a SQLite file"
    ) as refused:
        _read(tmp_path, text)
    with pytest.raises(ConfigurationError, match=kind) as refused_too:
        Database(database)
    assert "secret" not in str(refused.value) + str(refused_too.value)
    assert not [path for path in tmp_path.rglob("*") if "sqlite" in path.name]


def test_both_names_of_a_postgresql_address_are_one(tmp_path: Path) -> None:
    text = '[clearance]\nadministration = "CA"\nkey_file = "site.key"\ndatabase = "{}://h/c"\n'
    for kind in ("postgres", "postgresql", "postgresql+psycopg"):
        settings = _read(tmp_path, text.format(kind))
        assert (settings.is_postgresql, settings.database) == (True, f"{kind}://h/c")
