"""The command ``screening clearance decide``, as a site runs it."""

from __future__ import annotations

import shutil
import sqlite3
import sys
from contextlib import closing
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
    (tmp_path / "out").mkdir()
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


@pytest.mark.parametrize("damage", ["evidence", "decision"])
def test_an_edited_record_is_said_and_the_other_cases_are_decided(
    site, run, sealed_traffic, monkeypatch, capsys, damage
) -> None:
    signer = generate_key(site / "site.key", "ops", kinds=("*",))
    make = sealed_traffic.Sealing(signer, now=datetime.now(UTC))
    (site / "records").mkdir()
    for i, record in enumerate(make.clean()):
        (site / "records" / f"{i}.json").write_bytes(canonical_bytes(record))
    assert run(str(site / "records"))[0] == 0
    # The very last entry is looked at whenever a desk is opened: let it be another.
    last = sealed_traffic.Sealing(signer, sealed_traffic.container(8), now=datetime.now(UTC))
    (site / "last.json").write_bytes(canonical_bytes(last.event("BROKEN", age_s=0)))
    assert run(str(site / "last.json"))[0] == 0
    kind = "clearance/1" if damage == "decision" else "sealevent/1"
    with closing(sqlite3.connect(site / "clearance.sqlite")) as connection, connection:
        (sha256,) = connection.execute(
            "SELECT sha256 FROM records WHERE kind = ? AND case_key = 'CSQU3054383'", (kind,)
        ).fetchone()
        connection.execute(
            "UPDATE records SET body = CAST(replace(body, 'CSQU3054383', 'CSQU3054390') AS BLOB)"
            " WHERE sha256 = ?",
            (sha256,),
        )
    # What is handed out under a hash is what the hash names, or nothing.
    config = ["--config", str(site / "site.toml")]
    (site / "expected.csv").write_text("container_id,list\nCSQU3054383,T1\n")
    for command in (
        ["export", "CSQU3054383", str(site / "b.zip"), *config],
        ["measures", "--expected", str(site / "expected.csv"), *config],
    ):
        monkeypatch.setattr(sys, "argv", ["screening", "clearance", *command])
        assert main() == 3
        assert sha256 in capsys.readouterr().err
    assert not (site / "b.zip").exists()

    other = sealed_traffic.Sealing(signer, sealed_traffic.container(7), now=datetime.now(UTC))
    for i, record in enumerate((make.event("READ", age_s=0), other.event("BROKEN", age_s=0))):
        (site / f"more-{i}.json").write_bytes(canonical_bytes(record))
    status, out, err = run(str(site / "more-0.json"), str(site / "more-1.json"))
    assert status == 3
    assert f"{sealed_traffic.container(7)}: HIGH" in out
    assert "CSQU3054383: cannot be weighed: " in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("options", "text"),
    [({"kind": "pigeon"}, "no kind 'pigeon'"), ({"kind": "folder", "folder": "nowhere"}, "nowhere")],
)
def test_a_sink_that_cannot_be_is_refused_before_anything_is_decided(site, run, options, text) -> None:
    generate_key(site / "site.key", "ops", kinds=("*",))
    said = SITE.replace('kind = "folder"', f'kind = "{options["kind"]}"')
    (site / "site.toml").write_text(said.replace('"out"', f'"{options.get("folder", "out")}"'))
    status, out, err = run()
    assert (status, out) == (2, "")
    assert text in err


def test_open_cases_are_printed_with_what_is_missing_and_until_when(site, run, sealed_traffic) -> None:
    signer = generate_key(site / "site.key", "ops", kinds=("*",))
    now = datetime.now(UTC)
    make = sealed_traffic.Sealing(signer, now=now)
    wrong = sealed_traffic.Sealing(signer, "CSQU3054384", now=now)
    (site / "read.json").write_bytes(canonical_bytes(make.event("READ", age_s=0)))
    (site / "wrong.json").write_bytes(canonical_bytes(wrong.event("READ", age_s=0)))
    status, out, _ = run(str(site / "read.json"), str(site / "wrong.json"))
    assert status == 0
    good, bad = sorted(out.splitlines(), key=lambda line: line[:11])
    assert good.startswith(
        "CSQU3054383: open, missing TARGETING, SEAL, RADIATION; decided on what there is at: "
    )
    until = datetime.fromisoformat(good.rsplit(" ", 1)[1])
    assert 800 < (until - now).total_seconds() < 1000
    assert bad.startswith("CSQU3054384: open, ")
    assert bad.endswith("(no valid container number: its check digit is wrong)")
    (site / "broken.json").write_bytes(canonical_bytes(wrong.event("BROKEN", age_s=0)))
    _, out, _ = run(str(site / "broken.json"))
    (line,) = [one for one in out.splitlines() if one.startswith("CSQU3054384")]
    assert ": HIGH, " in line
    assert line.endswith("its check digit is wrong)")
    assert run("--json")[1] == ""


def test_lanes_that_have_not_reported_are_named(site, run, sealed_traffic) -> None:
    signer = generate_key(site / "site.key", "ops", kinds=("*",))
    make = sealed_traffic.Sealing(signer, now=datetime.now(UTC))
    lanes = 'required_lanes = ["far", "near"]\n[[clearance.sinks]]'
    (site / "site.toml").write_text(SITE.replace("[[clearance.sinks]]", lanes))
    (site / "read.json").write_bytes(canonical_bytes(make.event("READ", age_s=0)))
    assert "open, missing lane far, lane near; " in run(str(site / "read.json"))[1]
