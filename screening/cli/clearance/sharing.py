"""Clearance commands: export a decision, accept another administration's."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from .attached import files_of, with_cards
from .record_files import read_records, write_new

if TYPE_CHECKING:
    from screening.clearance import Policy, Signer
    from screening.clearance.settings import ClearanceSettings
    from screening.clearance.sharing import BundleReport, Judgement, Trust

__all__ = ["register", "verify_bundle_file"]

_Config = Annotated[Path | None, typer.Option(help="Settings of the site, with a clearance table.")]
_Trust = Annotated[
    Path | None, typer.Option(help="Folder with keys/*.pub, models.txt and revocations/*.json trusted here.")
]
_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object for a program.")]


def register(app: typer.Typer) -> None:
    """Add the commands of this module.

    Parameters
    ----------
    app : typer.Typer
        The clearance command line.
    """
    app.command()(export)
    app.command()(accept)


def export(
    subject: Annotated[str, typer.Argument(help="Container number, or identifier of a decision.")],
    out: Annotated[Path, typer.Argument(help="The bundle to write.")],
    config: Annotated[Path, typer.Option(help="Settings of the site, with a clearance table.")],
    card: Annotated[list[Path] | None, typer.Option(help="Cards of the models behind the flags.")] = None,
    evidence: Annotated[
        list[Path] | None, typer.Option(help="Files to send along: scans, pictures, N42; or folders.")
    ] = None,
    superseded: Annotated[
        bool, typer.Option("--superseded", help="Even if a later decision on the container exists.")
    ] = False,
) -> None:
    """Write one file that another administration can verify: decision, evidence, policy, proof."""
    from screening.clearance import load_signer
    from screening.clearance.opening import load_keys, open_desk
    from screening.clearance.settings import read_clearance_settings
    from screening.clearance.sharing import Attachments, contents_of, latest_decision, pack
    from screening.errors import ConfigurationError, StoreError
    from screening.records import ClearanceDecision, parse_strict

    settings = read_clearance_settings(config)
    if settings.is_exercise:
        raise ConfigurationError("EXERCISE: nothing of an exercise is shared", value=str(config))
    signer = load_signer(Path(settings.key_file))
    policy = None if settings.policy is None else Path(settings.policy)
    attached = Attachments(
        policy=None if policy is None else policy.read_bytes(),
        policy_signature=None if policy is None else policy.with_name(policy.name + ".sig").read_bytes(),
        keys=load_keys(settings.trusted_keys, signer),
        evidence=tuple(file.read_bytes() for file in files_of(evidence)),
    )
    with open_desk(settings) as desk:
        decision_id = latest_decision(desk, subject) or subject
        contents = contents_of(desk, decision_id, datetime.now(UTC), attached)
        contents = with_cards(contents, card or [])
        decision = parse_strict(contents.decision, ClearanceDecision)
        container = decision.consignment.container_id
        if not superseded and latest_decision(desk, container) != decision_id:
            raise StoreError(f"a later decision on {container} exists (--superseded)", value=decision_id)
    data = pack(contents, signer=signer)
    out.write_bytes(data)
    typer.echo(f"{out}: {container} {decision.risk}, {decision.action}; {len(data)} bytes")
    typer.echo(
        f"{len(contents.flags)} flags, {len(contents.records)} other records, "
        f"{len(contents.chain)} earlier decisions, {len(contents.evidence)} files"
    )


def verify_bundle_file(
    path: Path,
    *,
    keys: list[Path] | None,
    trust: Path | None,
    config: Path | None,
    policy: Path | None,
    at: datetime,
    as_json: bool,
) -> None:
    """Verify a bundle and print the report; exit status 3 if a check fails.

    Parameters
    ----------
    path : Path
        The bundle.
    keys : list of Path or None
        Public keys trusted here: files or folders; alone they leave models and revocations unchecked, and
        the report says so.
    trust : Path or None
        A folder of trust.
    config : Path or None
        Settings of a site.
    policy : Path or None
        The verifier's own signed policy, for its limits of age.
    at : datetime
        The time at which the decision is to hold.
    as_json : bool
        Print one JSON object.
    """
    from screening.clearance import load_policy
    from screening.clearance.sharing import verify_bundle

    settings = _settings(config)
    trusted = _trust(trust, settings, keys)
    own = load_policy(policy, trusted.keys, at=at) if policy is not None else None
    report = verify_bundle(_read(path), trusted, at, policy=own)
    if trust is None and settings is None:
        report = report.without("models", "revocations")
    if as_json:
        _print_json(report.as_json())
    else:
        _print_checks(report)
        decision = report.decision
        if report.is_good and decision is not None:
            left = ", ".join(one.name for one in report.not_checked)
            typer.echo(
                f"{decision.consignment.container_id}: {decision.risk}, {decision.action}"
                f"{f' (not checked: {left}; accept needs them)' if left else ''}"
            )
        else:
            typer.echo("NOT VALID")
    if not report.is_good:
        raise typer.Exit(3)


def accept(
    path: Annotated[Path, typer.Argument(help="The bundle.", show_default=False)],
    out: Annotated[
        Path | None,
        typer.Option(
            help="Where the sealed acceptance goes; beside the bundle if not given. Never overwrites."
        ),
    ] = None,
    config: _Config = None,
    trust: _Trust = None,
    policy: Annotated[Path | None, typer.Option(help="Own policy, signed.")] = None,
    sign_with: Annotated[Path | None, typer.Option(help="Own private key.")] = None,
    administration: Annotated[str | None, typer.Option(help="Who judges.")] = None,
    records: Annotated[
        list[Path] | None,
        typer.Option(
            help="Own sealed records on the container (the reading on arrival): files .json (one) or .jsonl "
            "(one a line), or folders of them."
        ),
    ] = None,
    stage: Annotated[
        Literal["DEPARTURE", "ARRIVAL"], typer.Option(help="Where the container is.")
    ] = "ARRIVAL",
    as_json: _Json = False,
) -> None:
    """Judge a bundle under one's own trust and policy, and seal the answer.

    Exit status 3 unless accepted; 1 if an own record cannot be used, and then nothing is judged.
    """
    from screening.clearance import load_signer
    from screening.clearance.sharing import accept as judge
    from screening.clearance.sharing import unusable_own_records
    from screening.errors import ConfigurationError
    from screening.records import canonical_bytes

    settings = _settings(config)
    key_file = sign_with or (Path(settings.key_file) if settings is not None else None)
    who = administration or (settings.administration if settings is not None else None)
    if key_file is None or who is None:
        raise ConfigurationError("give --config, or --sign-with and --administration")
    out = out or path.with_name(path.name + ".acceptance.json")
    if out.exists():
        raise ConfigurationError(f"{out} exists, and is not overwritten; give --out", value=str(out))
    own = read_records(records or [])
    signer = load_signer(key_file)
    trusted = _trust(trust, settings, None)
    data, at = _read(path), datetime.now(UTC)
    under = _policy(policy, settings, trusted, signer)
    bodies = [one.data for one in own]
    unusable = list(unusable_own_records(bodies, data, trusted, under, at))
    for i, code, text in unusable:
        typer.echo(f"{own[i].name}: {code}: {text}", err=True)
    if unusable:
        typer.echo("an own record cannot be used: nothing was judged", err=True)
        raise typer.Exit(1)
    judged = judge(data, trusted, under, signer, who, at, stage=stage, own_records=bodies)
    if judged.acceptance is not None:
        write_new(out, canonical_bytes(judged.acceptance))
    if as_json:
        _print_json(judged.as_json())
    else:
        _print_checks(judged.report)
        _print_judgement(judged)
        typer.echo(f"acceptance: {out}" if judged.acceptance is not None else "no decision to answer")
    if judged.outcome != "ACCEPT":
        raise typer.Exit(3)


def _print_checks(report: BundleReport) -> None:
    for check in report.checks:
        code = "" if check.code is None else f"{check.code}: "
        typer.echo(f"{'passed' if check.passed else 'FAILED'}  {check.name}: {code}{check.text}")
    for check in report.not_checked:
        typer.echo(f"not checked: {check.name}: {check.text}")


def _print_judgement(judged: Judgement) -> None:
    decision = judged.report.decision
    if decision is not None:
        typer.echo(f"theirs  {decision.administration}: {decision.risk}, {decision.action}")
    if judged.own is not None and judged.weighed is not None:
        codes = " ".join(judged.weighed.reason_codes) or "no reasons"
        typer.echo(f"own     {judged.own.risk}, {judged.own.action} ({judged.own.rule}; {codes})")
    for name, (theirs, own) in judged.differences.items():
        typer.echo(f"differs {name}: theirs {theirs}, own {own}")
    typer.echo(f"{judged.outcome} {' '.join(judged.reasons)}".rstrip())


def _settings(config: Path | None) -> ClearanceSettings | None:
    from screening.clearance.settings import read_clearance_settings

    return None if config is None else read_clearance_settings(config)


def _trust(folder: Path | None, settings: ClearanceSettings | None, keys: list[Path] | None) -> Trust:
    from screening.clearance.opening import load_keys
    from screening.clearance.sharing import Trust, read_trust, trust_of
    from screening.errors import ConfigurationError

    if folder is not None:
        return read_trust(folder)
    if settings is not None:
        return trust_of(settings)
    if keys is not None:
        return Trust(load_keys(str(place) for place in keys))
    raise ConfigurationError("whom to trust? give --trust or --config (keys in a bundle are never trusted)")


def _policy(path: Path | None, settings: ClearanceSettings | None, trust: Trust, signer: Signer) -> Policy:
    from screening.clearance import KeyRing, default_policy, load_policy

    keys = KeyRing([*trust.keys, signer.public])
    if path is None and settings is not None and settings.policy is not None:
        path = Path(settings.policy)
    return default_policy() if path is None else load_policy(path, keys, at=datetime.now(UTC))


def _read(path: Path) -> bytes:
    from screening.clearance.sharing import BundleError, Limits
    from screening.errors import ConfigurationError

    if not path.is_file():
        raise ConfigurationError(f"{path}: no such file", value=str(path))
    if path.stat().st_size > Limits().n_bytes:
        raise BundleError(f"{path.name}: more than {Limits().n_bytes} bytes", "TOO_LARGE", value=path.name)
    return path.read_bytes()


def _print_json(value: dict[str, Any]) -> None:
    import json

    typer.echo(json.dumps(value, indent=2, ensure_ascii=False))
