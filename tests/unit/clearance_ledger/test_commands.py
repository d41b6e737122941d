"""A site's ledger on the command line: exported heads, the audit, and a desk that refuses to sign."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from screening.clearance import KeyRing, generate_key, load_signer, read_public_key
from screening.clearance.desk.auditing import audit_site
from screening.clearance.ledger import LedgerError, read_heads
from screening.clearance.opening import open_desk
from screening.clearance.settings import read_clearance_settings
from screening.cli import app
from screening.errors import ConfigurationError, IntegrityError
from screening.records import SealEvent, canonical_bytes, utc_string

CONTAINER = "CSQU3054383"


class Site:
    """A folder with settings, keys and a database."""

    def __init__(self, folder: Path) -> None:
        self.config = folder / "site.toml"
        self.database = folder / "clearance.sqlite"
        self.heads = folder / "heads"
        self.signer = generate_key(folder / "site.key", "ops")
        self.config.write_text(
            '[clearance]\nadministration = "CA"\nledger_id = "port-1"\nkey_file = "site.key"\n'
            'heads = "heads"\n',
            encoding="utf-8",
        )

    def take(self, *numbers: int) -> None:
        at = str(utc_string(datetime.now(UTC)))
        with open_desk(read_clearance_settings(self.config)) as desk:
            for number in numbers:
                event = SealEvent(container_id=CONTAINER, seal_id=f"SEAL-{number}", event="READ", at=at)
                (taken,) = desk.take([canonical_bytes(self.signer.seal(event))])
                assert taken.status == "ACCEPTED"

    def run(self, command: str, *options: object) -> tuple[int, str]:
        done = CliRunner().invoke(
            app, ["clearance", command, "--config", str(self.config), *map(str, options)]
        )
        return done.exit_code, done.output

    def harm(self, statement: str, *values: object) -> None:
        with closing(sqlite3.connect(self.database)) as connection, connection:
            assert connection.execute(statement, values).rowcount > 0


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path)


def test_a_good_ledger(site: Site, tmp_path: Path) -> None:
    site.take(*range(5))
    status, told = site.run("head", "--out", site.heads)
    assert status == 0
    first, head = read_heads(site.heads)
    assert first.size == 0, "written at the very first start, before any entry"
    assert head.size == 5
    assert head.root in told
    site.take(5, 6)
    status, told = site.run("audit")
    assert status == 0, told
    assert told.startswith("entries   7, of which decisions 0\n")
    assert told.endswith("good\n")
    # The auditor needs the public key alone.
    (tmp_path / "site.key").unlink()
    assert site.run("audit", "--heads", site.heads)[0] == 0


@pytest.mark.parametrize(
    ("statement", "values", "told"),
    [
        ("DELETE FROM entries WHERE log_index = ?", (2,), "MISSING at entry 2"),
        ("DELETE FROM entries WHERE log_index >= ?", (4,), "TRUNCATED at entry 4"),
        ("DELETE FROM records WHERE sha256 = (SELECT sha256 FROM entries WHERE log_index = ?)", (3,),
         "MISSING at entry 3"),
        ("UPDATE records SET body = CAST(replace(body, 'READ', 'GAP') AS BLOB) WHERE sha256 ="
         " (SELECT sha256 FROM entries WHERE log_index = ?)", (1,), "EDITED at entry 1"),
        ("UPDATE nodes SET hash = zeroblob(32) WHERE level = ? AND node_index = 0", (2,),
         "EDITED at entry 0"),
        ("UPDATE ledger SET frontier = zeroblob(length(frontier)) WHERE id = ?", (1,),
         "EDITED at entry 6"),
    ],
)  # fmt: skip
def test_a_ledger_that_was_harmed(site: Site, statement: str, values: tuple[int, ...], told: str) -> None:
    site.take(*range(7))
    site.harm(statement, *values)
    status, output = site.run("audit")
    assert status == 3
    assert told in output
    assert f"NOT GOOD: first bad entry {told.rsplit(' ', 1)[1]}\n" in output


def test_a_ledger_put_back_from_a_backup_is_found_and_signs_nothing(site: Site, tmp_path: Path) -> None:
    site.take(*range(4))
    shutil.copy(site.database, tmp_path / "backup")
    site.take(4, 5)
    assert site.run("head", "--out", site.heads)[0] == 0
    shutil.copy(tmp_path / "backup", site.database)
    status, told = site.run("audit")
    assert status == 3
    assert "ROLLED_BACK at entry 4" in told
    with pytest.raises(LedgerError) as caught:
        site.take(6)
    assert caught.value.failure == "ROLLED_BACK"
    status, told = site.run("head", "--out", tmp_path / "other")
    assert status == 3
    assert told.startswith("NOT SIGNED: ")
    assert not (tmp_path / "other").exists()


def test_a_ledger_that_went_on_from_a_backup_is_found_and_signs_nothing(site: Site, tmp_path: Path) -> None:
    site.take(*range(4))
    shutil.copy(site.database, tmp_path / "backup")
    site.take(4, 5)
    site.run("head", "--out", site.heads)
    shutil.copy(tmp_path / "backup", site.database)
    settings = site.config.read_text()
    site.config.write_text(settings.replace('heads = "heads"\n', ""))
    site.take(*range(10, 20))
    site.config.write_text(settings)
    status, told = site.run("audit")
    assert status == 3
    assert "FORKED" in told
    with pytest.raises(LedgerError) as caught:
        site.take(30)
    assert caught.value.failure == "FORKED"


def test_a_ledger_that_was_wiped_and_begun_anew_signs_nothing(site: Site) -> None:
    site.take(*range(4))
    site.run("head", "--out", site.heads)
    for file in site.database.parent.glob("clearance.sqlite*"):
        file.unlink()
    with pytest.raises(LedgerError) as caught:
        site.take(5)
    assert caught.value.failure == "ROLLED_BACK"
    # Under another name, too: heads of other ledgers alone say that this is not the ledger that was.
    site.config.write_text(site.config.read_text().replace("port-1", "port-2"))
    for file in site.database.parent.glob("clearance.sqlite*"):
        file.unlink()
    with pytest.raises(IntegrityError, match="heads of other ledgers alone"):
        site.take(5)
    assert audit_site(read_clearance_settings(site.config)).damages[0].code == "BAD_HEAD"


def test_all_heads_that_a_database_keeps_are_looked_at(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Page by page: a head is kept for each size that anybody asked for."""
    monkeypatch.setattr("screening.clearance.desk.auditing._PAGE", 2)
    for number in range(5):
        site.take(number)
        assert site.run("head", "--out", tmp_path / "elsewhere")[0] == 0
    status, told = site.run("audit")
    assert (status, "heads     6 fit" in told) == (0, True)
    site.harm("UPDATE heads SET size = 9 WHERE size = 2")
    status, told = site.run("audit")
    assert status == 3
    assert "BAD_HEAD: a head over 2 entries is kept as" in told
    assert "heads     5 fit" in told


def test_an_audit_makes_no_database(site: Site) -> None:
    with pytest.raises(ConfigurationError, match="there is no database"):
        audit_site(read_clearance_settings(site.config))
    assert not site.database.exists()


def test_without_heads_the_audit_says_what_it_did_not_check(site: Site) -> None:
    site.config.write_text(site.config.read_text().replace('heads = "heads"\n', ""))
    site.take(1)
    status, told = site.run("audit")
    assert status == 0
    assert "not checked  rollback" in told


def test_a_key_is_made_for_what_it_is_for(tmp_path: Path) -> None:
    path = tmp_path / "lane.key"
    done = CliRunner().invoke(
        app,
        ["clearance", "keygen", str(path), "--kind", "riskflag/1", "--kind", "sealevent/1", "--site", "PORT",
         "--lane", "P1", "--holder", "lane 1", "--not-before", "2026-01-01", "--days", "30"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    key = read_public_key(tmp_path / "lane.key.pub")
    assert key == msgspec.structs.replace(
        load_signer(path).public,
        kinds=("riskflag/1", "sealevent/1"),
        sites=("PORT",),
        lanes=("P1",),
        holder="lane 1",
        not_before="2026-01-01T00:00:00.000Z",
        expires="2026-01-31T00:00:00.000Z",
    )
    assert len(KeyRing([key])) == 1
    stored = json.loads(path.read_bytes())
    assert set(stored) == {"key_id", "private_key", "scope", "schema"}


def test_a_key_that_could_never_be_used_is_not_made(tmp_path: Path) -> None:
    refused: list[Callable[[Path], object]] = [
        lambda path: generate_key(path, "ops", kinds=("riskflag/2",)),
        lambda path: generate_key(
            path, "ops", not_before=datetime(2026, 2, 1, tzinfo=UTC), expires=datetime(2026, 1, 1, tzinfo=UTC)
        ),
    ]
    for make in refused:
        with pytest.raises(ConfigurationError):
            make(tmp_path / "new.key")
    # A private key without its public half would be of no use, and could not be made again under its name.
    (tmp_path / "new.key.pub").write_bytes(b"other")
    with pytest.raises(ConfigurationError, match="never overwritten"):
        generate_key(tmp_path / "new.key", "ops")
    assert not (tmp_path / "new.key").exists()
