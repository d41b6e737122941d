"""Clearance command: revoke what decisions rest on, and issue the list of what is revoked."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from screening.clearance import Signer
    from screening.clearance.desk import Desk
    from screening.clearance.settings import ClearanceSettings
    from screening.clearance.sharing import Affected
    from screening.records import Revocation, RevocationList

__all__ = ["register"]

_Config = Annotated[Path | None, typer.Option(help="Settings of the site, with a clearance table.")]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for a program.")]


def register(app: typer.Typer) -> None:
    """Add the command of this module.

    Parameters
    ----------
    app : typer.Typer
        The clearance command line.
    """
    app.command()(revoke)


def revoke(
    reason: Annotated[str | None, typer.Option(help="Why, one line.")] = None,
    model: Annotated[str | None, typer.Option(help="sha256 of a model.")] = None,
    calibration: Annotated[str | None, typer.Option(help="Identifier of a calibration.")] = None,
    key: Annotated[str | None, typer.Option(help="Identifier of a key.")] = None,
    container: Annotated[str | None, typer.Option(help="Container with new intelligence on it.")] = None,
    revocation_list: Annotated[
        Path | None, typer.Option("--list", help="The administration's list; made if it is not there.")
    ] = None,
    config: _Config = None,
    sign_with: Annotated[Path | None, typer.Option(help="The administration's private key.")] = None,
    administration: Annotated[str | None, typer.Option(help="Who revokes.")] = None,
    next_update_h: Annotated[int, typer.Option(help="Hours until the next list is due.", min=1)] = 24,
    renew: Annotated[
        bool,
        typer.Option("--renew", help="Revoke nothing: issue the list anew; the first one has no entry."),
    ] = False,
    as_json: _Json = False,
) -> None:
    """Revoke something, and list every decision that rests on it; what says so is void, and decided anew.

    With --renew nothing is revoked, and the list is issued anew, so that nobody finds it missing or overdue.
    """
    from screening.clearance import load_signer
    from screening.clearance.opening import open_desk
    from screening.clearance.settings import read_clearance_settings
    from screening.clearance.sharing import affected_by
    from screening.errors import ConfigurationError, StoreError
    from screening.records import canonical_bytes

    named = {"MODEL": model, "CALIBRATION": calibration, "KEY": key, "CONTAINER": container}
    given = [(what, subject) for what, subject in named.items() if subject is not None]
    settings = None if config is None else read_clearance_settings(config)
    key_file = sign_with or (Path(settings.key_file) if settings is not None else None)
    who = administration or (settings.administration if settings is not None else None)
    place = revocation_list or _list_of(settings, who)
    if len(given) != (0 if renew else 1):
        raise ConfigurationError("give one of --model, --calibration, --key, --container, or --renew alone")
    if not renew and reason is None:
        raise ConfigurationError("a revocation needs its --reason")
    if key_file is None or who is None or place is None:
        raise ConfigurationError("give --config, or --sign-with, --administration and --list")
    signer = load_signer(key_file)
    if renew:
        _print_list(_issue_list(place, [], who, signer, settings, next_update_h), place, as_json=as_json)
        return
    what, subject = given[0]
    made = _revoke_on_list(place, what, subject, reason or "", who, signer, settings, next_update_h)
    affected: list[Affected] = []
    now: dict[str, str] = {}
    if settings is not None:
        with open_desk(settings) as desk:
            affected = affected_by(desk, made)
            taken = desk.take([canonical_bytes(made)])[0]
            if taken.status == "REFUSED":
                raise StoreError(f"the desk refused it: {taken.failure}: {taken.text}", value=taken.failure)
            _decide_all(desk)
            now = {one.decision.consignment.container_id: _standing(desk, one) for one in affected}
    _print_affected(made, place, affected, now, as_json=as_json)


def _revoke_on_list(
    place: Path,
    what: Any,
    subject: str,
    reason: str,
    who: str,
    signer: Signer,
    settings: ClearanceSettings | None,
    next_update_h: int,
) -> Revocation:
    """Put a revocation on the list, and return it as the list holds it."""
    from screening.clearance.sharing import make_revocation

    at = datetime.now(UTC)
    made = make_revocation(what, subject, reason=reason, administration=who, at=at, signer=signer)
    extended = _issue_list(place, [made], who, signer, settings, next_update_h)
    return next(one for one in extended.revocations if (one.what, one.subject) == (what, subject))


def _issue_list(
    place: Path,
    added: list[Revocation],
    who: str,
    signer: Signer,
    settings: ClearanceSettings | None,
    next_update_h: int,
) -> RevocationList:
    """Write the next list of an administration, and return it."""
    from screening.clearance import KeyRing, verify_sealed
    from screening.clearance.opening import load_keys
    from screening.clearance.sharing import extend_list, read_list, write_list

    at = datetime.now(UTC)
    known = read_list(place)
    if known is not None:
        # Sealing anew what somebody else wrote would make it the administration's own.
        keys = KeyRing([signer.public]) if settings is None else load_keys(settings.trusted_keys, signer)
        verify_sealed(known, keys)
    extended = extend_list(
        known, added, administration=who, at=at, next_update_s=next_update_h * 3600, signer=signer
    )
    write_list(place, extended)
    return extended


def _print_list(made: RevocationList, place: Path, *, as_json: bool) -> None:
    if as_json:
        said = {"number": made.number, "n_revocation": len(made.revocations), "next_update": made.next_update}
        _print_json({"administration": made.administration, "list": str(place), **said})
        return
    typer.echo(
        f"{place}: list {made.number} of {made.administration}, {len(made.revocations)} entries, "
        f"next due {made.next_update}"
    )


def _decide_all(desk: Desk) -> None:
    for _ in range(10_000):
        if not desk.decide_due(limit=100) and not desk.n_due():
            return


def _standing(desk: Desk, one: Affected) -> str:
    case = desk.case(one.decision.consignment.container_id)
    return "nothing" if case is None else f"{case.risk}, {case.action}, decision {case.decision_id}"


def _print_affected(
    made: Revocation, place: Path, affected: list[Affected], now: dict[str, str], *, as_json: bool
) -> None:
    if as_json:
        rows = [
            {
                "decision_id": one.decision.decision_id,
                "container_id": one.decision.consignment.container_id,
                "risk": one.decision.risk.value,
                "action": one.decision.action.value,
                "is_void": one.is_void,
                "is_latest": one.is_latest,
                "now": now[one.decision.consignment.container_id],
            }
            for one in affected
        ]
        _print_json({"what": made.what, "subject": made.subject, "list": str(place), "affected": rows})
        return
    typer.echo(f"revoked {made.what} {made.subject}: {made.reason}; on the list {place}")
    for one in affected:
        decision = one.decision
        word = "VOID" if one.is_void else "rests on it"
        container = decision.consignment.container_id
        then = f"now {now[container]}" if one.is_latest else "superseded before"
        typer.echo(
            f"{word}  {container} {decision.decision_id[:12]} {decision.risk}, {decision.action}; {then}"
        )
    typer.echo(f"{len(affected)} decisions rest on it, {sum(one.is_void for one in affected)} are void")


def _list_of(settings: ClearanceSettings | None, who: str | None) -> Path | None:
    if settings is None or len(settings.revocations) != 1:
        return None
    place = Path(settings.revocations[0])
    name = re.sub(r"[^A-Za-z0-9._-]", "_", who or "")
    return place / f"{name}.json" if place.is_dir() else place


def _print_json(value: dict[str, Any]) -> None:
    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))
