"""The command ``screening clearance decide``, as a site runs it."""

from __future__ import annotations

import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from screening.clearance import KeyRing, generate_key, read_public_key, verify_decision
from screening.cli import main
from screening.records import canonical_bytes

SITE = """
[clearance]
administration = "CA"
key_file = "site.key"
heads = "heads"
max_record_age_s = 31536000.0
[[clearance.sinks]]
name = "drop"
kind = "folder"
options = { folder = "out" }
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    (tmp_path / "site.toml").write_text(SITE)
    return tmp_path


@pytest.fixture
def run(site, capsys, monkeypatch):
    def call(*arguments: str) -> tuple[int, str, str]:
        command = ["screening", "clearance", "decide", "--config", str(site / "site.toml"), *arguments]
        monkeypatch.setattr(sys, "argv", command)
        status = main()
        said = capsys.readouterr()
        return status, said.out, said.err

    return call


def test_records_are_taken_and_what_is_due_is_decided(site, run, sealed_traffic) -> None:
    signer = generate_key(site / "site.key", "ops", kinds=("*",))
    records = site / "records"
    records.mkdir()
    make = sealed_traffic.Sealing(signer, now=datetime.now(UTC))
    for i, record in enumerate(make.clean()):
        (records / f"{i}.json").write_bytes(canonical_bytes(record))
    status, out, err = run(str(records))
    assert (status, out) == (0, "CSQU3054383: LOW, CLEARED_FOR_DEPARTURE\n")
    assert err == "4 records taken, 0 refused, 1 decisions\n"
    assert len(list((site / "heads").glob("*.head.json"))) == 2, "at the first start, and at the end"
    assert run(str(records)) == (0, "", "4 records taken, 0 refused, 0 decisions\n")

    broken = site / "broken.json"
    broken.write_bytes(canonical_bytes(make.event("BROKEN", age_s=0)))
    other = site / "other.json"
    other.write_bytes(broken.read_bytes().replace(b"BROKEN", b"READ"))
    status, out, err = run(str(broken), str(other), "--json")
    assert (status, "other.json: BAD_SIGNATURE" in err) == (1, True)
    report = verify_decision(out.strip().encode(), KeyRing([read_public_key(site / "site.key.pub")]))
    assert report.is_good
    assert report.decision is not None
    assert report.decision.risk == "HIGH"


def test_a_site_whose_ledger_was_put_back_decides_nothing(site, run, sealed_traffic) -> None:
    signer = generate_key(site / "site.key", "ops", kinds=("*",))
    assert run()[0] == 0
    shutil.copy(site / "clearance.sqlite", site / "old")
    make = sealed_traffic.Sealing(signer, now=datetime.now(UTC))
    (site / "a.json").write_bytes(canonical_bytes(make.event("BROKEN", age_s=0)))
    assert run(str(site / "a.json"))[0] == 0
    for left in site.glob("clearance.sqlite*"):
        left.unlink()
    shutil.copy(site / "old", site / "clearance.sqlite")
    status, out, err = run()
    assert (status, out) == (3, "")
    assert "entries" in err
    assert "Traceback" not in err


def test_settings_and_files_that_are_missing_are_named(site, run) -> None:
    status, _, err = run()
    assert (status, "site.key" in err) == (2, True)
    generate_key(site / "site.key", "ops", kinds=("*",))
    status, _, err = run(str(site / "nothing.json"))
    assert (status, "nothing.json" in err) == (2, True)


def test_revocation_lists_of_the_settings_count(site, run, sealed_traffic) -> None:
    signer = generate_key(site / "site.key", "ops", kinds=("*",))
    now = datetime.now(UTC)
    make = sealed_traffic.Sealing(signer, now=now)
    listing = msgspec.structs.replace(
        make.revocation("MODEL", sealed_traffic.MODEL, age_s=60), reason="drifts"
    )
    (site / "lists").mkdir()
    (site / "lists" / "one.json").write_bytes(canonical_bytes(signer.seal(listing)))
    (site / "site.toml").write_text(SITE.replace('heads = "heads"', 'revocations = ["lists"]'))
    (site / "records").mkdir()
    for i, record in enumerate(make.clean()):
        (site / "records" / f"{i}.json").write_bytes(canonical_bytes(record))
    status, out, _ = run(str(site / "records"))
    assert (status, out.startswith("CSQU3054383: UNKNOWN")) == (0, True)
