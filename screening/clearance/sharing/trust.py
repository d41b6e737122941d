"""What an administration itself trusts: its keys, its models, its revocation lists. Nothing else counts."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from screening.clearance.key_files import read_public_key
from screening.clearance.keys import KeyRing, PublicKey, VerificationError
from screening.clearance.seals import parse_time
from screening.clearance.settings import ClearanceSettings
from screening.clearance.signatures import verify_record
from screening.errors import ConfigurationError, IntegrityError
from screening.records import RevocationList, parse_strict

__all__ = ["Revocations", "Trust", "read_trust", "trust_of"]

_FUTURE = timedelta(minutes=5)


class Revocations(NamedTuple):
    """What revocation lists say at a time, and whether they can be relied on.

    Attributes
    ----------
    models, calibrations, keys, containers : frozenset of str
        Subjects revoked, of whatever list whose signature holds: an old revocation still counts.
    failure : str or None
        REVOCATIONS_MISSING, REVOCATIONS_NOT_VERIFIED or REVOCATIONS_OLD; None if the lists are good.
    text : str
        One line for a person.
    """

    models: frozenset[str] = frozenset()
    calibrations: frozenset[str] = frozenset()
    keys: frozenset[str] = frozenset()
    containers: frozenset[str] = frozenset()
    failure: str | None = None
    text: str = ""


class Trust(NamedTuple):
    """What somebody who verifies a bundle trusts.

    Attributes
    ----------
    keys : KeyRing
        Keys. Those in a bundle are never among them.
    models : frozenset of str
        sha256 of the models allowed here; a model that is not among them is not.
    revocation_lists : tuple of bytes
        Sealed lists, the newest of each administration at least.
    """

    keys: KeyRing
    models: frozenset[str] = frozenset()
    revocation_lists: tuple[bytes, ...] = ()

    def revocations(self, at: datetime, max_age_s: int) -> Revocations:
        """Return what has been revoked, and whether that is up to date.

        Parameters
        ----------
        at : datetime
            The time of asking, aware.
        max_age_s : int
            Age beyond which a list is no longer relied on, seconds.

        Returns
        -------
        Revocations
            The subjects, and what is wrong with the lists if anything is.
        """
        lists: list[RevocationList] = []
        problems: list[tuple[str, str]] = []
        for data in self.revocation_lists:
            try:
                lists.append(_verified(data, self.keys))
            except VerificationError as error:
                problems.append(("REVOCATIONS_NOT_VERIFIED", f"{error.failure}: {error}"))
        revoked = {
            what: frozenset(r.subject for one in lists for r in one.revocations if r.what == what)
            for what in ("MODEL", "CALIBRATION", "KEY", "CONTAINER")
        }
        for one in _newest(lists):
            if one.key_id in revoked["KEY"]:
                text = f"the list of {one.administration} is sealed by a revoked key"
                problems.append(("REVOCATIONS_NOT_VERIFIED", text))
            elif not _is_usable(self.keys.get(one.key_id or ""), at):
                text = f"the key of list {one.number} of {one.administration} is no longer valid"
                problems.append(("REVOCATIONS_NOT_VERIFIED", text))
            elif not _is_current(one, at, max_age_s):
                text = f"list {one.number} of {one.administration} is of {one.issued_at}"
                problems.append(("REVOCATIONS_OLD", f"{text}, next due {one.next_update}"))
        if not self.revocation_lists:
            problems.append(("REVOCATIONS_MISSING", "no revocation list"))
        failure, text = problems[0] if problems else (None, "")
        if failure is None:
            text = ", ".join(f"{one.administration} number {one.number}" for one in _newest(lists))
        return Revocations(
            revoked["MODEL"], revoked["CALIBRATION"], revoked["KEY"], revoked["CONTAINER"], failure, text
        )


def read_trust(folder: Path) -> Trust:
    """Return the trust kept in a folder.

    Parameters
    ----------
    folder : Path
        With ``keys/*.pub``, ``models.txt`` (one sha256 a line; # begins a remark) and
        ``revocations/*.json``. What is not there is not trusted.

    Returns
    -------
    Trust
        The trust.

    Raises
    ------
    ConfigurationError
        If there is no such folder, or a file of it cannot be read.
    FormatError
        If a file is no public key.
    """
    if not folder.is_dir():
        raise ConfigurationError(f"{folder.name}: no such folder", value=str(folder))
    listed = folder / "models.txt"
    return Trust(
        KeyRing(read_public_key(file) for file in sorted((folder / "keys").glob("*.pub"))),
        frozenset(_hashes(listed)) if listed.exists() else frozenset(),
        tuple(_read(file) for file in sorted((folder / "revocations").glob("*.json"))),
    )


def trust_of(settings: ClearanceSettings) -> Trust:
    """Return the trust of a site's settings.

    Parameters
    ----------
    settings : ClearanceSettings
        The settings; where they allow no model by name, no model is allowed here.

    Returns
    -------
    Trust
        The trust.

    Raises
    ------
    ConfigurationError
        If a file cannot be read.
    FormatError
        If a file is no public key.
    """
    return Trust(
        KeyRing(read_public_key(file) for file in _expanded(settings.trusted_keys, "*.pub")),
        frozenset(settings.models_allowed),
        tuple(_read(file) for file in _expanded(settings.revocations, "*.json")),
    )


def _verified(data: bytes, keys: KeyRing) -> RevocationList:
    """Return a list whose seal holds; its key must have been valid when it was issued."""
    try:
        issued = parse_time(parse_strict(data, RevocationList).issued_at)
        if issued is None:
            raise VerificationError("a revocation list without a time", "MALFORMED")
        return verify_record(data, RevocationList, keys, at=issued)
    except VerificationError:
        raise
    except IntegrityError as error:
        raise VerificationError(f"not a revocation list: {error}", "MALFORMED") from None


def _is_usable(key: PublicKey | None, at: datetime) -> bool:
    """Tell whether a list under a key can be relied on: whoever holds one that expired can date a list back.

    What such a list revokes stays revoked; that nothing else is revoked is no longer believed.
    """
    expires = None if key is None else parse_time(key.expires)
    return key is not None and (key.expires is None or (expires is not None and at < expires))


def _newest(lists: Iterable[RevocationList]) -> list[RevocationList]:
    newest: dict[str, RevocationList] = {}
    for one in lists:
        known = newest.get(one.administration)
        if known is None or one.number > known.number:
            newest[one.administration] = one
    return [newest[name] for name in sorted(newest)]


def _is_current(one: RevocationList, at: datetime, max_age_s: int) -> bool:
    issued, due = parse_time(one.issued_at), parse_time(one.next_update)
    if issued is None or due is None:
        return False
    return -_FUTURE <= at - issued <= timedelta(seconds=max_age_s) and at <= due


def _expanded(places: Iterable[str], pattern: str) -> list[Path]:
    paths = [Path(place) for place in places]
    return [file for path in paths for file in (sorted(path.glob(pattern)) if path.is_dir() else [path])]


def _hashes(path: Path) -> Iterable[str]:
    for line in _read(path).decode("utf-8", "replace").splitlines():
        text = line.partition("#")[0].strip()
        if text and re.fullmatch("[0-9a-f]{64}", text) is None:
            raise ConfigurationError(f"{path.name}: not a sha256: {text[:80]}", value=text)
        if text:
            yield text


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path.name}: {error.strerror}", value=str(path)) from None
