"""Clearance commands: show and verify what was signed."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

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


def show(path: Annotated[Path, typer.Argument(help="A decision, as JSON.", show_default=False)]) -> None:
    """Show a decision, without verifying it."""
    from screening.records import ClearanceDecision, parse_strict

    decision = parse_strict(path.read_bytes(), ClearanceDecision)
    typer.echo("NOT VERIFIED: 'screening clearance verify' does that")
    if decision.is_exercise:
        typer.echo("EXERCISE: never valid for cargo")
    rows = {
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
    for name, value in rows.items():
        typer.echo(f"{name:<12} {value}")


def verify(
    path: Annotated[Path, typer.Argument(help="A decision, as JSON, or a bundle.", show_default=False)],
    keys: Annotated[
        list[Path] | None, typer.Option(help="Public keys trusted here: files, or folders of .pub files.")
    ] = None,
    flags: Annotated[
        list[Path] | None, typer.Option(help="Sealed flags the decision names: files, or folders of .json.")
    ] = None,
    previous: Annotated[
        Path | None, typer.Option(help="The previous decision of the same container.")
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
    """Verify a decision, or a bundle with all its evidence. Exit status 3 if a check fails."""
    with path.open("rb") as file:
        is_bundle = file.read(2) == b"PK" or path.suffix == ".zip"
    if is_bundle:
        from .sharing import verify_bundle_file

        when = datetime.now(UTC) if at is None else at.replace(tzinfo=UTC)
        verify_bundle_file(
            path, keys=keys, trust=trust, config=config, policy=policy, at=when, as_json=as_json
        )
        return
    if keys is None:
        raise typer.BadParameter("a decision is verified with --keys")
    from screening.clearance import KeyRing, read_public_key, verify_decision

    ring = KeyRing(read_public_key(file) for file in _expand(keys, "*.pub"))
    report = verify_decision(
        path.read_bytes(),
        ring,
        at=datetime.now(UTC) if now else None,
        previous=previous.read_bytes() if previous is not None else None,
        flags=[file.read_bytes() for file in _expand(flags, "*.json")] if flags is not None else None,
        allow_exercise=exercise,
    )
    for check in report.checks:
        typer.echo(f"{'passed' if check.passed else 'FAILED'}  {check.name}: {check.text}")
    if flags is None:
        typer.echo("not checked  evidence: the flags were not given (--flags)")
    if not report.is_good or report.decision is None:
        typer.echo("NOT VALID")
        raise typer.Exit(3)
    decision = report.decision
    exercise_word = "EXERCISE, never valid for cargo: " if decision.is_exercise else ""
    typer.echo(f"{exercise_word}{decision.consignment.container_id}: {decision.risk}, {decision.action}")


def _expand(paths: list[Path], pattern: str) -> list[Path]:
    return [file for path in paths for file in (sorted(path.glob(pattern)) if path.is_dir() else [path])]
