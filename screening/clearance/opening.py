"""Opening the desk that a site's settings describe."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from screening.errors import ConfigurationError
from screening.records import sha256_hex

from .key_files import load_signer, read_public_key
from .keys import KeyRing, PublicKey, Signer
from .ledger import begin_heads, check_against_heads, heads_of
from .policy import Policy, default_policy, load_policy
from .settings import ClearanceSettings

if TYPE_CHECKING:
    from .desk import Desk

__all__ = ["ledger_name", "load_keys", "load_site_policy", "open_desk", "revocation_files"]


def open_desk(settings: ClearanceSettings) -> Desk:
    """Open the desk of a site; its tables are made or brought up to date.

    Parameters
    ----------
    settings : ClearanceSettings
        The site.

    Returns
    -------
    Desk
        To be closed by the caller.

    Raises
    ------
    ConfigurationError
        If a key, policy or folder cannot be read, or the key is of the wrong scope.
    VerificationError
        If the policy's signature does not hold.
    PolicyError
        If the policy breaks a property.
    StoreError
        If the database cannot be opened, or is of a newer version.
    IntegrityError
        If the ledger is shorter than an exported head, or another, or was begun before and its exported
        heads are not there.
    """
    from .desk import Database, Desk, DeskRules, SinkWants

    signer = _signer(settings)
    keys = load_keys(settings.trusted_keys, signer)
    rules = DeskRules(
        administration=settings.administration,
        stage=settings.stage,
        required_lanes=settings.required_lanes,
        case_deadline_s=settings.case_deadline_s,
        max_clock_skew_s=settings.max_clock_skew_s,
        max_record_age_s=settings.max_record_age_s,
        models_allowed=settings.models_allowed,
        sinks=tuple(SinkWants(name=sink.name, kinds=sink.kinds) for sink in settings.sinks),
        ledger_id=settings.ledger_id or ledger_name(settings.administration),
    )
    policy = load_site_policy(settings, keys)
    heads = () if settings.heads is None else heads_of(Path(settings.heads))
    database = Database(settings.database)
    try:
        desk = Desk(database, signer=signer, keys=keys, policy=policy, rules=rules, heads=heads)
        if settings.heads is not None and not heads:
            _begin_heads(desk, Path(settings.heads), signer, keys)
        _take_revocations(desk, settings.revocations)
    except BaseException:
        database.close()
        raise
    return desk


def ledger_name(administration: str) -> str:
    """Return the name of an administration's ledger, where its settings give none.

    It is the same whenever a database is made: heads that were exported from a ledger which was wiped and
    begun anew are then heads of this one, and say so.

    Parameters
    ----------
    administration : str
        Who decides.

    Returns
    -------
    str
        The administration's name if it can be part of a file's; else what can of it, and a hash.
    """
    name = re.sub(r"[^A-Za-z0-9._-]+", "-", administration)[:64].strip("-._")
    if name == administration:
        return name
    return f"{name or 'ledger'}-{sha256_hex(administration.encode())[:12]}"


def load_keys(places: Iterable[str], signer: Signer | None = None) -> KeyRing:
    """Return the keys that a site trusts.

    Parameters
    ----------
    places : iterable of str
        Public keys: files, or folders of ``.pub`` files.
    signer : Signer or None
        The site's own key, always trusted.

    Returns
    -------
    KeyRing
        The keys.

    Raises
    ------
    ConfigurationError
        If a file cannot be read.
    """
    found: dict[str, PublicKey] = {}
    if signer is not None:
        found[signer.key_id] = signer.public
    for place in map(Path, places):
        for file in sorted(place.glob("*.pub")) if place.is_dir() else [place]:
            key = read_public_key(file)
            if signer is not None and key.key_id == signer.key_id:
                # The site's own key, among others in a folder: what it is for the site itself knows.
                key = msgspec.structs.replace(key, kinds=signer.public.kinds)
            found[key.key_id] = key
    return KeyRing(found.values())


def load_site_policy(settings: ClearanceSettings, keys: KeyRing) -> Policy:
    """Return the policy a site decides under.

    Parameters
    ----------
    settings : ClearanceSettings
        The site.
    keys : KeyRing
        The keys trusted to sign policies.

    Returns
    -------
    Policy
        The site's own, or the default. The key that signed it must be valid now: a signature tells no time
        of its own, so a policy is signed anew when its key expires.
    """
    if settings.policy is None:
        return default_policy()
    return load_policy(Path(settings.policy), keys, allow_exercise=settings.is_exercise, at=datetime.now(UTC))


def _signer(settings: ClearanceSettings) -> Signer:
    signer = load_signer(Path(settings.key_file))
    if (signer.scope == "exercise") != settings.is_exercise:
        said = str(settings.is_exercise).lower()
        raise ConfigurationError(
            f"key_file: {Path(settings.key_file).name} is a key of scope {signer.scope}, and the settings say"
            f" is_exercise = {said}",
            value=signer.key_id,
        )
    return signer


def _take_revocations(desk: Desk, places: Iterable[str]) -> None:
    """Take the site's revocation lists like any other record; those taken before are known."""
    files = revocation_files(places)
    try:
        bodies = [file.read_bytes() for file in files]
    except OSError as error:
        raise ConfigurationError(f"revocations: {Path(error.filename).name}: {error.strerror}") from None
    for file, taken in zip(files, desk.take(bodies) if bodies else [], strict=True):
        if taken.status == "REFUSED":
            raise ConfigurationError(
                f"revocations: {file.name}: {taken.failure}: {taken.text}", value=str(file)
            )


def revocation_files(places: Iterable[str]) -> list[Path]:
    """Return the files of revocation lists.

    Parameters
    ----------
    places : iterable of str
        Files, which need not be there, and folders of ``.json`` files.

    Returns
    -------
    list of Path
        In order of the places, and of their names in a folder.
    """
    return [
        file
        for place in map(Path, places)
        for file in (sorted(place.glob("*.json")) if place.is_dir() else [place])
    ]


def _begin_heads(desk: Desk, folder: Path, signer: Signer, keys: KeyRing) -> None:
    """Export the first head; a ledger that was begun before has some, or is not opened."""
    at = datetime.now(UTC)
    begun = desk.ledger.size() > 0 or desk.has_signed
    # Looked for again: another instance may have begun meanwhile, and wrote its head before any entry.
    heads = heads_of(folder) if begun else ()
    if heads:
        check_against_heads(desk.ledger, heads, keys, ledger_id=desk.ledger_id)
        return
    begin_heads(
        folder, desk.ledger, has_signed=desk.has_signed, ledger_id=desk.ledger_id, signer=signer, at=at
    )
