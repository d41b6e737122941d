"""Clearance commands: show and verify what was signed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .record_files import read_record, read_records

if TYPE_CHECKING:
    from screening.clearance import KeyRing
    from screening.records import Acceptance, ClearanceDecision

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands of this module.

    Parameters
    ----------
    app : typer.Typer
        The clearance command line.
    """
    app.command()(show)
    app.command()(verify)


def show(
    path: Annotated[
        Path, typer.Argument(help="A decision or an acceptance, as JSON, or a bundle.", show_default=False)
    ],
) -> None:
    """Show a decision, an acceptance, or the decision of a bundle, without verifying it."""
    from screening.clearance.sharing import unpack
    from screening.errors import FormatError
    from screening.records import Acceptance, ClearanceDecision, parse_strict

    data = read_record(path)
    rows: dict[str, str] = {}
    is_exercise = False
    if _is_bundle(path, data):
        contents = unpack(data)
        data = contents.decision
        n_record = len(contents.flags) + len(contents.records)
        rows["bundle"] = (
            f"made at {contents.made_at}, {n_record} records, {len(contents.chain)} earlier decisions"
        )
    schema = _schema(data)
    if schema == "acceptance/1":
        rows |= _acceptance_rows(parse_strict(data, Acceptance))
    elif schema == "clearance/1":
        decision = parse_strict(data, ClearanceDecision)
        is_exercise = decision.is_exercise
        rows |= _decision_rows(decision)
    else:
        text = f"{path.name}: neither a decision nor an acceptance nor a bundle, but {schema or 'no record'}"
        raise FormatError(text, value=str(path))
    typer.echo("NOT VERIFIED: 'screening clearance verify' does that")
    if is_exercise:
        typer.echo("EXERCISE: never valid for cargo")
    for name, value in rows.items():
        typer.echo(f"{name:<13} {value}")


def _decision_rows(decision: ClearanceDecision) -> dict[str, str]:
    return {
        "container": decision.consignment.container_id,
        "decision": f"{decision.risk}, {decision.action}",
        "reasons": " ".join(decision.reason_codes) or "none",
        "decided": f"{decision.decided_at} by {decision.administration}",
        "valid": f"{decision.validity.not_before} to {decision.validity.expires}",
        "policy": f"{decision.policy.id} {decision.policy.version}",
        "evidence": " ".join(f"{flag.modality}={flag.level}" for flag in decision.flags) or "none",
        "steps": " ".join(f"{s.step}={'done' if s.done else 'not done'}" for s in decision.required_steps),
        "decision id": decision.decision_id,
    }


def _acceptance_rows(acceptance: Acceptance) -> dict[str, str]:
    import msgspec

    verified = msgspec.structs.asdict(acceptance.verified)
    return {
        "outcome": acceptance.outcome,
        "reasons": " ".join(acceptance.reasons) or "none",
        "verified": " ".join(f"{name}={'yes' if holds else 'no'}" for name, holds in verified.items()),
        "answered": f"{acceptance.at} by {acceptance.administration}",
        "decision id": acceptance.decision_id,
        "acceptance id": acceptance.acceptance_id,
    }


def verify(
    path: Annotated[
        Path,
        typer.Argument(help="A decision or an acceptance, as JSON, or a bundle.", show_default=False),
    ],
    keys: Annotated[
        list[Path] | None, typer.Option(help="Public keys trusted here: files, or folders of .pub files.")
    ] = None,
    flags: Annotated[
        list[Path] | None,
        typer.Option(help="Sealed flags the decision names: files .json or .jsonl, or folders of them."),
    ] = None,
    previous: Annotated[
        Path | None, typer.Option(help="The previous decision of the same container.")
    ] = None,
    decision: Annotated[
        Path | None, typer.Option(help="For an acceptance: the decision it answers, or its bundle.")
    ] = None,
    exercise: Annotated[
        bool, typer.Option("--exercise", help="Look into a decision of an exercise (never valid for cargo).")
    ] = False,
    now: Annotated[bool, typer.Option("--now", help="A decision must hold at this moment, too.")] = False,
    trust: Annotated[
        Path | None, typer.Option(help="For a bundle: folder with keys/, models.txt and revocations/.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option(help="For a bundle: settings of the site, instead of --trust.")
    ] = None,
    policy: Annotated[
        Path | None, typer.Option(help="For a bundle: own signed policy, for its limits of age.")
    ] = None,
    at: Annotated[
        datetime | None,
        typer.Option(
            help="For a bundle: the time it is to hold at, UTC; now if not given.",
            formats=["%Y-%m-%dT%H:%M:%SZ"],
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="For a bundle: print one JSON object for a program.")
    ] = False,
) -> None:
    """Verify a decision, an acceptance, or a bundle with all its evidence. Exit status 3 if a check fails."""
    data = read_record(path)
    if _is_bundle(path, data):
        from .sharing import verify_bundle_file

        when = datetime.now(UTC) if at is None else at.replace(tzinfo=UTC)
        verify_bundle_file(
            path, keys=keys, trust=trust, config=config, policy=policy, at=when, as_json=as_json
        )
        return
    if keys is None:
        raise typer.BadParameter("a decision or an acceptance is verified with --keys")
    from screening.clearance import KeyRing, read_public_key, verify_decision

    ring = KeyRing(read_public_key(file) for file in _expand(keys, "*.pub"))
    if _schema(data) == "acceptance/1":
        answered = None if decision is None else _decision_of(decision)
        _verify_acceptance(data, ring, answered, allow_exercise=exercise)
        return
    report = verify_decision(
        data,
        ring,
        at=datetime.now(UTC) if now else None,
        previous=read_record(previous) if previous is not None else None,
        flags=[body.data for body in read_records(flags)] if flags is not None else None,
        allow_exercise=exercise,
    )
    for check in report.checks:
        typer.echo(f"{'passed' if check.passed else 'FAILED'}  {check.name}: {check.text}")
    if flags is None:
        typer.echo("not checked  evidence: the flags were not given (--flags)")
    if not report.is_good or report.decision is None:
        typer.echo("NOT VALID")
        raise typer.Exit(3)
    found = report.decision
    exercise_word = "EXERCISE, never valid for cargo: " if found.is_exercise else ""
    typer.echo(f"{exercise_word}{found.consignment.container_id}: {found.risk}, {found.action}")


def _verify_acceptance(data: bytes, keys: KeyRing, decision: bytes | None, *, allow_exercise: bool) -> None:
    from screening.clearance.verify import verify_acceptance

    report = verify_acceptance(data, keys, decision=decision, allow_exercise=allow_exercise)
    for check in report.checks:
        typer.echo(f"{'passed' if check.passed else 'FAILED'}  {check.name}: {check.text}")
    if decision is None:
        typer.echo("not checked  answer: the decision was not given (--decision)")
    if not report.is_good or report.acceptance is None:
        typer.echo("NOT VALID")
        raise typer.Exit(3)
    found = report.acceptance
    typer.echo(f"{found.outcome} by {found.administration}: decision {found.decision_id}")


def _decision_of(path: Path) -> bytes:
    from screening.clearance.sharing import unpack

    data = read_record(path)
    return unpack(data).decision if _is_bundle(path, data) else data


def _is_bundle(path: Path, data: bytes) -> bool:
    return data[:2] == b"PK" or path.suffix == ".zip"


def _schema(data: bytes) -> str | None:
    """Return the kind of record that some bytes say they are; None if they are no record."""
    from screening.errors import IntegrityError
    from screening.records import parse_strict

    try:
        schema = parse_strict(data, dict).get("schema")
    except IntegrityError:
        return None
    return schema if isinstance(schema, str) else None


def _expand(paths: list[Path], pattern: str) -> list[Path]:
    return [file for path in paths for file in (sorted(path.glob(pattern)) if path.is_dir() else [path])]
