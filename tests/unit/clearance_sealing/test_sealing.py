"""Sealing within what a key is for, and the examples of docs/records.md."""

from __future__ import annotations

import json
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from screening.clearance import KeyRing, generate_key, read_public_key, verify_record
from screening.clearance.key_files import ROLES
from screening.clearance.sealing import OwnKey
from screening.cli import main
from screening.errors import FormatError
from screening.records import EVIDENCE, SEALED, SealEvent, canonical_bytes, parse_strict

EVENT = {
    "schema": "sealevent/1",
    "container_id": "CSQU3054383",
    "seal_id": "S1",
    "event": "READ",
    "at": "2026-03-01T10:30:00Z",
    "place": "Edmonton",
    "reader": "1",
}
READING = {name: value for name, value in EVENT.items() if name != "schema"}


@pytest.fixture
def run(monkeypatch, capsys, tmp_path):
    def run(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["screening", "clearance", *map(str, words)])
        monkeypatch.chdir(tmp_path)
        status = main()
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return status, said.out, said.err

    return run


def write(folder: Path, record: object, name: str = "record.json") -> Path:
    path = folder / name
    path.write_text(json.dumps(record, indent=1))
    return path


def examples(repository: Path) -> dict[str, dict]:
    text = (repository / "docs" / "records.md").read_text(encoding="utf-8")
    found = [json.loads(block) for block in re.findall(r"```json\n(.+?)```", text, re.DOTALL)]
    assert len({one["schema"] for one in found}) == len(found)
    return {one["schema"]: one for one in found}


def test_every_sealed_kind_has_an_example(repository) -> None:
    assert set(examples(repository)) == set(SEALED)


@pytest.mark.parametrize("kind", EVIDENCE)
def test_every_example_of_evidence_is_sealed_as_it_stands(kind, repository, run, tmp_path) -> None:
    role = next((one for one, kinds in ROLES.items() if kind in kinds), "administration")
    generate_key(tmp_path / "own.key", "ops", kinds=ROLES[role])
    path = write(tmp_path, examples(repository)[kind])
    status, out, err = run("seal", path, "--key", "own.key", "--out", "sealed.json")
    assert (status, out) == (0, ""), err
    sealed = (tmp_path / "sealed.json").read_bytes()
    verify_record(sealed, EVIDENCE[kind], KeyRing([read_public_key(tmp_path / "own.key.pub")]))
    status, out, _ = run("seal", path, "--key", "own.key")
    assert (status, out.encode()) == (0, sealed + b"\n")
    status, _, err = run("seal", path, "--key", "own.key", "--out", "sealed.json")
    assert (status, "sealed.json exists" in err) == (2, True)


@pytest.mark.parametrize("kind", sorted(set(SEALED) - set(EVIDENCE)))
def test_every_other_example_is_a_record_that_only_commands_seal(kind, repository, tmp_path) -> None:
    example = examples(repository)[kind]
    ids = {"clearance/1": "decision_id", "acceptance/1": "acceptance_id"}
    signer = generate_key(tmp_path / "own.key", "ops", kinds=("*",))
    if kind in ids:
        draft = msgspec.convert({**example, ids[kind]: ""}, SEALED[kind])
        sealed = signer.name_and_seal(draft)
    else:
        sealed = signer.seal(msgspec.convert(example, SEALED[kind]))
    verify_record(canonical_bytes(sealed), SEALED[kind], KeyRing([signer.public]))
    with pytest.raises(FormatError, match="no kind of evidence; there are advancedata/1"):
        OwnKey.load(tmp_path / "own.key").seal(json.dumps(example).encode())


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"schema": "sealevnt/1"}, "'sealevnt/1' is no kind of evidence; there are"),
        ({"schema": None}, "schema is missing"),
        ({"colour": "red"}, "unknown field `colour`"),
        ({"at": None}, "Expected `str`, got `null` - at `$.at`"),
        ({"at": "yesterday"}, "'yesterday' is no time"),
        ({"at": "2026-03-01T10:30:00"}, "is no time"),
        ({"event": "GONE"}, "Invalid enum value 'GONE' - at `$.event`"),
        ({"signature": "00"}, "sealed already"),
    ],
)
def test_what_is_wrong_with_a_record_is_named(changes, said, run, tmp_path) -> None:
    generate_key(tmp_path / "own.key", "ops")
    path = write(tmp_path, {**EVENT, **changes})
    status, out, err = run("seal", path, "--key", "own.key", "--out", "sealed.json")
    assert (status, out) == (1, "")
    assert "record.json" in err
    assert said in err
    assert not (tmp_path / "sealed.json").exists()


@pytest.mark.parametrize("text", ["", "[]", "{", '{"schema": "sealevent/1", "schema": "riskflag/1"}', "\xff"])
def test_what_is_no_record_is_bad_input(text, run, tmp_path) -> None:
    generate_key(tmp_path / "own.key", "ops")
    (tmp_path / "record.json").write_bytes(text.encode("latin-1"))
    status, _, err = run("seal", "record.json", "--key", "own.key")
    assert (status, "record.json: not a record" in err) == (1, True)


def test_a_missing_field_and_missing_files_are_named(run, tmp_path) -> None:
    generate_key(tmp_path / "own.key", "ops")
    path = write(tmp_path, {name: value for name, value in EVENT.items() if name != "seal_id"})
    assert "missing required field `seal_id`" in run("seal", path, "--key", "own.key")[2]
    status, _, err = run("seal", "typo.json", "--key", "own.key")
    assert (status, "typo.json" in err) == (2, True)
    status, _, err = run("seal", path, "--key", "typo.key")
    assert (status, "typo.key" in err) == (2, True)
    (tmp_path / "own.key.pub").unlink()
    status, _, err = run("seal", path, "--key", "own.key")
    assert (status, "own.key.pub" in err) == (2, True)


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({"kinds": ("riskflag/1",)}, "does not seal sealevent/1: it is for riskflag/1"),
        ({"sites": ("Winnipeg",)}, "does not speak for that site and lane"),
        ({"lanes": ("2",)}, "does not speak for that site and lane"),
        ({"expires": datetime(2026, 2, 1, tzinfo=UTC)}, "expired"),
        ({"not_before": datetime(2026, 4, 1, tzinfo=UTC)}, "not valid before"),
    ],
)
def test_a_key_seals_only_what_its_public_half_allows(limits, said, run, tmp_path) -> None:
    generate_key(tmp_path / "own.key", "ops", **limits)
    status, out, err = run("seal", write(tmp_path, EVENT), "--key", "own.key")
    assert (status, out) == (3, "")
    assert "NOT SEALED" in err
    assert said in err


def test_an_exercise_key_seals_no_flag_of_cargo(repository, run, tmp_path) -> None:
    generate_key(tmp_path / "own.key", "exercise", kinds=("*",))
    path = write(tmp_path, examples(repository)["riskflag/1"])
    status, _, err = run("seal", path, "--key", "own.key")
    assert (status, "scope exercise" in err) == (3, True)


def test_an_identifier_that_is_stated_must_be_its_own(repository, run, tmp_path) -> None:
    generate_key(tmp_path / "own.key", "ops")
    path = write(tmp_path, {**examples(repository)["riskflag/1"], "flag_id": "0" * 64})
    status, _, err = run("seal", path, "--key", "own.key")
    assert (status, "flag_id is not the hash" in err) == (1, True)


def test_a_public_key_of_another_private_one_is_refused(run, tmp_path) -> None:
    generate_key(tmp_path / "own.key", "ops")
    generate_key(tmp_path / "other.key", "ops")
    (tmp_path / "other.key.pub").replace(tmp_path / "own.key.pub")
    status, _, err = run("seal", write(tmp_path, EVENT), "--key", "own.key")
    assert (status, "is not that of key" in err) == (1, True)


@pytest.mark.parametrize(
    ("limits", "words", "status", "said"),
    [
        ({"kinds": ("riskflag/1",)}, (), 3, "does not seal sealevent/1"),
        (
            {"sites": ("Winnipeg",)},
            ("--place", "Edmonton"),
            3,
            "speak for place 'Edmonton': Winnipeg",
        ),
        ({"lanes": ("2",)}, ("--reader", "1"), 3, "does not speak for reader '1': 2"),
        ({"sites": ("Winnipeg",)}, (), 1, "line 1: not signed"),
        ({"sites": ("Edmonton",)}, ("--place", "Edmonton"), 0, ""),
    ],
)
def test_a_gateway_signs_for_its_own_place_and_reader(limits, words, status, said, run, tmp_path) -> None:
    generate_key(tmp_path / "own.key", "ops", **limits)
    (tmp_path / "lines").write_text(json.dumps(READING) + "\n")
    found, out, err = run("gateway", "sign", "lines", "--key", "own.key", *words)
    assert found == status
    assert said in err
    assert bool(out) == (status == 0)


def test_what_a_gateway_signed_is_taken_as_records(run, tmp_path) -> None:
    generate_key(tmp_path / "site.key", "ops", kinds=("*",))
    (tmp_path / "site.toml").write_text(
        '[clearance]\nadministration = "CA"\nkey_file = "site.key"\nmax_record_age_s = 31536000.0\n'
    )
    (tmp_path / "lines").write_text(json.dumps({**READING, "at": datetime.now(UTC).isoformat()}) + "\n")
    status, out, _ = run("gateway", "sign", "lines", "--key", "site.key")
    assert status == 0
    parse_strict(out.strip().encode(), SealEvent)
    (tmp_path / "records").mkdir()
    (tmp_path / "records" / "signed.jsonl").write_text(out + out)
    (tmp_path / "records" / "one.json").write_text(out)
    (tmp_path / "records" / "notes.txt").write_text("not one")
    status, _, err = run("decide", "--config", "site.toml", "records")
    assert status == 0
    assert "skipped 1 that are no files of records: notes.txt" in err
    assert "3 records taken, 0 refused" in err
    (tmp_path / "bad.ndjson").write_text("{}\n\n" + out)
    status, _, err = run("decide", "--config", "site.toml", "bad.ndjson")
    assert (status, "bad.ndjson line 1: MALFORMED" in err) == (1, True)
    status, _, err = run("decide", "--config", "site.toml", "typo.json")
    assert (status, "typo.json: No such file" in err) == (2, True)


def test_a_policy_is_signed_only_with_a_key_for_policies(run, tmp_path) -> None:
    generate_key(tmp_path / "lane.key", "ops", kinds=ROLES["lane"])
    (tmp_path / "policy.toml").write_text(
        'id = "port"\nversion = "4"\nmax_flag_age_s = 3600\nmax_targeting_age_s = 7200\n'
        "max_seal_reading_age_s = 1800\nvalidity_s = 86400\n"
    )
    status, out, err = run("policy", "policy.toml", "--sign", "lane.key")
    assert (status, "does not seal policy/1" in out + err, "signed " in out) == (3, True, False)
    assert not (tmp_path / "policy.toml.sig").exists()


def test_keygen_names_the_kinds_there_are(run) -> None:
    status, _, err = run("keygen", "own.key", "--kind", "nonsense")
    assert status == 2
    assert all(kind in err for kind in (*SEALED, "policy/1"))
