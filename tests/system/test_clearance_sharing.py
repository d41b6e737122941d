"""Two machines: one clears and writes a bundle; the other has nothing but that bundle and its own trust."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from screening.clearance import (
    KeyRing,
    Signer,
    generate_key,
    load_signer,
    read_public_key,
    sign_policy,
    verify_record,
)
from screening.clearance.key_files import ROLES
from screening.clearance.opening import open_desk
from screening.clearance.settings import read_clearance_settings
from screening.records import (
    Acceptance,
    CalibrationRef,
    ClearanceDecision,
    Device,
    FlagClock,
    FlagModality,
    FlagPipeline,
    FlagQuality,
    FlagScores,
    Level,
    ModelRef,
    OperatingMode,
    RevocationList,
    RiskFlag,
    SealEvent,
    Subject,
    Targeting,
    TargetingAssessment,
    canonical_bytes,
    content_id,
    parse_strict,
    sha256_hex,
    utc_string,
)

BOX = "CSQU3054383"
MODEL, CARD = sha256_hex(b"model"), b'name = "identify"\n'
POLICY = """\
id = "{id}"
version = "1"
max_flag_age_s = 604800
max_targeting_age_s = 604800
max_seal_reading_age_s = 86400
validity_s = 604800
"""


def ago(minutes: float) -> str:
    return str(utc_string(datetime.now(UTC) - timedelta(minutes=minutes)))


def make_flag(modality: str, signer: Signer) -> RiskFlag:
    flag = RiskFlag(
        flag_id="",
        scan_id="scan-1",
        site="CAPRR",
        lane="1",
        device=Device(),
        operating_mode=OperatingMode.OPS,
        subject=Subject(container_id=BOX, id_source="OCR", check_digit_ok=True, ocr_confidence="0.99"),
        modality=FlagModality(modality),
        level=Level.LOW,
        is_severe=False,
        reasons=(),
        scores=FlagScores(),
        quality=FlagQuality(),
        calibration=CalibrationRef(id="cal-9", age_s=600, max_age_s=86400),
        background_age_s=30,
        clock=FlagClock(),
        pipeline=FlagPipeline(
            version="0.1.0",
            kernel_isa="baseline",
            models=(ModelRef(name="identify", sha256=MODEL, card_sha256=sha256_hex(CARD)),),
            config_sha256="c" * 64,
            threshold_sha256="d" * 64,
        ),
        inputs=(),
        created_at=ago(20),
    )
    named = content_id(flag, without=("flag_id", "key_id", "signature"))
    return signer.seal(msgspec.structs.replace(flag, flag_id=named))


def make_event(event: str, minutes: float, signer: Signer) -> bytes:
    made = SealEvent(container_id=BOX, seal_id="SEAL-1", event=event, at=ago(minutes), place="CAPRR")
    return canonical_bytes(signer.seal(made))


def run(folder: Path, *arguments: str, status: int = 0) -> str:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "screening", "clearance", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    return done.stdout


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """A site in the port of departure: it has cleared one container."""
    folder = tmp_path / "port"
    (folder / "trusted").mkdir(parents=True)
    (folder / "revocations").mkdir()
    (folder / "cards").mkdir()
    (folder / "cards" / "identify.toml").write_bytes(CARD)
    (folder / "scan.n42").write_bytes(b"N42")
    ca = generate_key(folder / "ca.key", "ops", kinds=ROLES["administration"])
    lane, gate = (
        generate_key(folder / f"{name}.key", "ops", kinds=ROLES[role])
        for name, role in (("lane", "lane"), ("gate", "gateway"))
    )
    for name in ("lane", "gate"):
        shutil.copy(folder / f"{name}.key.pub", folder / "trusted" / f"{name}.pub")
    (folder / "policy.toml").write_text(POLICY.format(id="ca"))
    sign_policy(folder / "policy.toml", ca)
    (folder / "site.toml").write_text(
        '[clearance]\nadministration = "CA"\nkey_file = "ca.key"\ndatabase = "desk.sqlite"\n'
        'trusted_keys = ["trusted"]\npolicy = "policy.toml"\nrevocations = ["revocations"]\n'
    )
    targeting = Targeting(
        container_id=BOX, level=Level.LOW, administration="CA", source="targeting", at=ago(60)
    )
    with open_desk(read_clearance_settings(folder / "site.toml")) as desk:
        taken = desk.take(
            [
                canonical_bytes(ca.seal(TargetingAssessment(targeting=targeting))),
                *(canonical_bytes(make_flag(modality, lane)) for modality in ("RAD_GROSS", "NEUTRON")),
                make_event("SEALED", 15, gate),
            ]
        )
        assert {one.status for one in taken} == {"ACCEPTED"}, taken
        decided = desk.decide_due()
        assert [one.action for one in decided] == ["CLEARED_FOR_DEPARTURE"]
    return folder


@pytest.fixture
def second(tmp_path: Path, first: Path) -> Path:
    """The machine at the border: keys and models that were agreed on beforehand, and nothing else."""
    folder = tmp_path / "border"
    (folder / "trust" / "keys").mkdir(parents=True)
    (folder / "trust" / "revocations").mkdir()
    us = generate_key(folder / "us.key", "ops", kinds=ROLES["administration"])
    gate = generate_key(folder / "gate.key", "ops")
    for name in ("ca", "lane", "gate"):
        shutil.copy(first / f"{name}.key.pub", folder / "trust" / "keys" / f"{name}.pub")
    shutil.copy(folder / "us.key.pub", folder / "trust" / "keys" / "us.pub")
    shutil.copy(folder / "gate.key.pub", folder / "trust" / "keys" / "border.pub")
    (folder / "trust" / "models.txt").write_text(f"# identify, agreed\n{MODEL}\n")
    (folder / "policy.toml").write_text(POLICY.format(id="us"))
    sign_policy(folder / "policy.toml", us)
    (folder / "arrived.json").write_bytes(make_event("ARRIVED", 0, gate))
    run(
        folder, "revoke", "--container", "MWCU6059784", "--reason", "new intelligence",
        "--sign-with", "us.key", "--administration", "US", "--list", "trust/revocations/us.json",
    )  # fmt: skip
    return folder


ACCEPT = (
    "accept", "bundle.zip", "--trust", "trust", "--policy", "policy.toml", "--sign-with", "us.key",
    "--administration", "US",
)  # fmt: skip


def test_a_second_machine_verifies_and_accepts(first: Path, second: Path) -> None:
    told = run(
        first,
        "export",
        BOX,
        "bundle.zip",
        "--config",
        "site.toml",
        "--card",
        "cards",
        "--evidence",
        "scan.n42",
    )
    assert "LOW, CLEARED_FOR_DEPARTURE" in told
    shutil.move(first / "bundle.zip", second / "bundle.zip")
    shutil.rmtree(first)

    told = run(second, "verify", "bundle.zip", "--trust", "trust", "--policy", "policy.toml")
    assert "FAILED" not in told
    assert told.splitlines()[-1] == f"{BOX}: LOW, CLEARED_FOR_DEPARTURE"

    assert "SEAL_NOT_VERIFIED" in run(second, *ACCEPT, status=3)
    told = run(second, *ACCEPT, "--records", "arrived.json", "--out", "accepted.json")
    assert "\nACCEPT\n" in told
    assert "theirs  CA: LOW, CLEARED_FOR_DEPARTURE" in told
    assert "own     LOW, ACCEPT" in told
    us = KeyRing([read_public_key(second / "us.key.pub")])
    record = verify_record((second / "accepted.json").read_bytes(), Acceptance, us)
    assert (record.outcome, record.administration) == ("ACCEPT", "US")

    data = bytearray((second / "bundle.zip").read_bytes())
    data[len(data) // 2] ^= 1
    (second / "bundle.zip").write_bytes(data)
    told = json.loads(run(second, "verify", "bundle.zip", "--trust", "trust", "--json", status=3))
    assert not told["is_good"]
    told = run(second, *ACCEPT, "--records", "arrived.json", "--out", "rejected.json", status=3)
    assert "REJECT" in told


def test_an_acceptance_is_never_overwritten(first: Path, second: Path) -> None:
    run(first, "export", BOX, str(second / "bundle.zip"), "--config", "site.toml")
    run(second, *ACCEPT, status=3)
    kept = (second / "bundle.zip.acceptance.json").read_bytes()
    said = run_error(second, *ACCEPT, "--records", "arrived.json", status=2)
    assert "bundle.zip.acceptance.json exists" in said
    assert "--out" in said
    assert (second / "bundle.zip.acceptance.json").read_bytes() == kept
    run(second, *ACCEPT, "--records", "arrived.json", "--out", "second.json")


def test_what_is_wrong_with_own_records_rejects_nobody(first: Path, second: Path) -> None:
    run(first, "export", BOX, str(second / "bundle.zip"), "--config", "site.toml")
    said = run_error(second, *ACCEPT, "--records", "arived.json", status=2)
    assert "arived.json" in said
    assert "No such file" in said
    arrived = (second / "arrived.json").read_bytes()
    stranger = generate_key(second / "stranger.key", "ops")
    other_box = parse_strict(arrived, SealEvent)
    gate = load_signer(second / "gate.key")
    spoiled = {
        "MALFORMED": b"{",
        "NOT_CANONICAL": arrived.replace(b",", b", ", 1),
        "UNKNOWN_KEY": make_event("ARRIVED", 0, stranger),
        "BAD_SIGNATURE": arrived.replace(b"ARRIVED", b"READ"),
        "WRONG_CONTAINER": canonical_bytes(
            gate.seal(msgspec.structs.replace(other_box, container_id="MWCU6059784"))
        ),
    }
    for code, data in spoiled.items():
        (second / "spoiled.json").write_bytes(data)
        said = run_error(second, *ACCEPT, "--records", "arrived.json", "--records", "spoiled.json", status=1)
        assert f"spoiled.json: {code}" in said
        assert "nothing was judged" in said
    assert not (second / "bundle.zip.acceptance.json").exists()


def test_own_records_are_read_from_lines_and_folders(first: Path, second: Path) -> None:
    run(first, "export", BOX, str(second / "bundle.zip"), "--config", "site.toml")
    arrived = (second / "arrived.json").read_bytes()
    (second / "own").mkdir()
    (second / "own" / "notes.txt").write_text("not a record")
    (second / "own" / "a.json").write_bytes(arrived + b"\n")
    (second / "lines.jsonl").write_bytes(arrived + b"\n\n" + arrived + b"\n")
    for i, place in enumerate(("own", "lines.jsonl")):
        told = run(second, *ACCEPT, "--records", place, "--out", f"{i}.acceptance.json")
        assert "\nACCEPT\n" in told
    said = run_error(second, *ACCEPT, "--records", "own", "--out", "again.json", status=0)
    assert "skipped 1" in said
    assert "notes.txt" in said
    assert "ends in .json" in run_error(
        second, *ACCEPT, "--records", "own/notes.txt", "--out", "no.json", status=2
    )


def test_acceptances_and_bundles_are_shown_and_acceptances_verified(first: Path, second: Path) -> None:
    run(first, "export", BOX, str(second / "bundle.zip"), "--config", "site.toml")
    shown = run(second, "show", "bundle.zip")
    assert "NOT VERIFIED" in shown
    assert "LOW, CLEARED_FOR_DEPARTURE" in shown
    assert "made at" in shown
    run(second, *ACCEPT, "--records", "arrived.json", "--out", "accepted.json")
    shown = run(second, "show", "accepted.json")
    assert "NOT VERIFIED" in shown
    assert re.search(r"^outcome +ACCEPT$", shown, re.MULTILINE)
    assert "by US" in shown

    verify = ("verify", "accepted.json", "--keys", "us.key.pub")
    told = run(second, *verify)
    assert "passed  record" in told
    assert "not checked  answer" in told
    with zipfile.ZipFile(second / "bundle.zip") as bundle:
        decision = bundle.read("decision.json")
    (second / "decision.json").write_bytes(decision + b"\n")
    for place in ("bundle.zip", "decision.json"):
        told = run(second, *verify, "--decision", place)
        assert "passed  answer" in told
        assert told.splitlines()[-1].startswith("ACCEPT by US: decision ")
    other = parse_strict(decision, ClearanceDecision)
    other = msgspec.structs.replace(other, stage="ARRIVAL")
    named = content_id(other, without=("decision_id", "key_id", "signature"))
    (second / "other.json").write_bytes(canonical_bytes(msgspec.structs.replace(other, decision_id=named)))
    (second / "changed.json").write_bytes(canonical_bytes(other))
    for place in ("other.json", "changed.json", "accepted.json"):
        told = run(second, *verify, "--decision", place, status=3)
        assert "FAILED  answer" in told
        assert told.splitlines()[-1] == "NOT VALID"
    accepted = (second / "accepted.json").read_bytes()
    (second / "accepted.json").write_bytes(accepted.replace(b'"ACCEPT"', b'"REJECT"'))
    assert "WRONG_ID" in run(second, *verify, status=3)
    (second / "accepted.json").write_bytes(accepted)
    told = run(second, "verify", "accepted.json", "--keys", "gate.key.pub", status=3)
    assert "UNKNOWN_KEY" in told
    assert "but sealevent/1" in run_error(second, "show", "arrived.json", status=1)
    assert "typo.json: No such file" in run_error(second, "show", "typo.json", status=2)
    assert "typo.json: No such file" in run_error(second, "verify", "typo.json", "--keys", "us.key", status=2)


def test_no_card_of_the_models_is_no_card(first: Path) -> None:
    (first / "cards" / "other.toml").write_text('name = "another"\n')
    export = ("export", BOX, "b.zip", "--config", "site.toml", "--card")
    assert "other.toml: not the card" in run_error(first, *export, "cards/other.toml", status=1)
    assert "no such file" in run_error(first, *export, "crads", status=2)
    assert not (first / "b.zip").exists()
    assert "other.toml" in run_error(first, *export, "cards", status=0)


def test_a_bundle_is_not_verified_with_the_keys_it_brings(first: Path, second: Path) -> None:
    run(first, "export", BOX, str(second / "bundle.zip"), "--config", "site.toml")
    for name in ("ca", "lane", "gate"):
        (second / "trust" / "keys" / f"{name}.pub").unlink()
    assert "UNKNOWN_KEY" in run(second, "verify", "bundle.zip", "--trust", "trust", status=3)
    assert "whom to trust?" in run_error(second, "verify", "bundle.zip", status=2)


def run_error(folder: Path, *arguments: str, status: int) -> str:
    done = subprocess.run(
        [sys.executable, "-P", "-m", "screening", "clearance", *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == status, done.stdout + done.stderr
    return done.stderr


def test_revoking_a_model_voids_what_rests_on_it(first: Path, second: Path) -> None:
    run(first, "export", BOX, str(second / "bundle.zip"), "--config", "site.toml")
    told = run(first, "revoke", "--model", MODEL, "--reason", "misses plutonium", "--config", "site.toml")
    assert f"VOID  {BOX}" in told
    assert "LOW, CLEARED_FOR_DEPARTURE; now UNKNOWN" in told
    assert "1 decisions rest on it, 1 are void" in told
    again = json.loads(
        run(first, "revoke", "--model", MODEL, "--reason", "again", "--config", "site.toml", "--json")
    )
    assert [one["is_latest"] for one in again["affected"]] == [False], "not what was decided since"
    held = parse_strict((first / "revocations" / "CA.json").read_bytes(), RevocationList)
    assert (held.number, [one.reason for one in held.revocations]) == (2, ["misses plutonium"])
    # The other administration gets the list, and examines the container again.
    shutil.copy(first / "revocations" / "CA.json", second / "trust" / "revocations" / "ca.json")
    told = run(second, *ACCEPT, "--records", "arrived.json", status=3)
    assert "RE_EXAMINE VOID_MODEL_REVOKED MODEL_NOT_ALLOWED" in told
    first_id = again["affected"][0]["decision_id"]
    assert "a later decision" in run_error(
        first, "export", first_id, "b.zip", "--config", "site.toml", status=1
    )
    run(first, "export", first_id, "b.zip", "--config", "site.toml", "--superseded")


def test_the_first_exchange_goes_as_it_is_written_down(first: Path, repository: Path) -> None:
    page = (repository / "docs" / "sharing.md").read_text()
    (block,) = re.findall(r"```sh\n(# Border: a key.*?)```", page, re.DOTALL)
    (first / "model.onnx").write_bytes(b"model")
    program = f'screening() {{ "{sys.executable}" -P -m screening "$@"; }}\nset -e\n'
    done = subprocess.run(
        ["bash", "-c", program + block],
        cwd=first.parent,
        capture_output=True,
        text=True,
        timeout=120,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\nACCEPT\n" in done.stdout
    assert "us.json: list 1 of US, 0 entries" in done.stdout
    by_keys, everything = done.stdout.split("bundle: ")[1:3]
    assert "not checked: revocations: no revocation list" in by_keys
    assert "(not checked: models, revocations; accept needs them)" in by_keys
    assert "NOT VALID" not in done.stdout
    assert "not checked" not in everything
    us = KeyRing([read_public_key(first.parent / "border" / "us.key.pub")])
    answer = verify_record((first.parent / "acceptance.json").read_bytes(), Acceptance, us)
    assert answer.outcome == "ACCEPT"
