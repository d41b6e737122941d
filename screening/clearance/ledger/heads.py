"""Signed heads of a ledger: exported to another place, they show later what the ledger held then.

Whoever can write the ledger can also put an older copy of it back, and nothing inside the copy tells.
An exported head does: the ledger must still begin with the entries it was signed over.
"""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime
from pathlib import Path

import msgspec

from screening.clearance.keys import KeyRing, Signer, VerificationError
from screening.clearance.signatures import verify_sealed
from screening.errors import ConfigurationError, IntegrityError, StoreError
from screening.records import TreeHead, canonical_bytes, parse_strict, sha256_hex, utc_string

from .entries import LedgerError, LedgerReader, stale_node, stored_node
from .merkle import leaf_hash, tree_root, verify_inclusion

__all__ = [
    "check_against_heads",
    "check_head",
    "read_heads",
    "sign_head",
    "verify_entry",
    "without_revocations",
    "write_head",
]

_LEDGER_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def sign_head(reader: LedgerReader, *, ledger_id: str, signer: Signer, at: datetime) -> TreeHead:
    """Return the sealed head of a ledger as it is now.

    Parameters
    ----------
    reader : LedgerReader
        The ledger.
    ledger_id : str
        Which ledger it is.
    signer : Signer
        The key.
    at : datetime
        Now, aware.

    Returns
    -------
    TreeHead
        Its size and root, sealed.
    """
    size = reader.size()
    root = tree_root(size, reader.node).hex()
    return signer.seal(TreeHead(ledger_id=ledger_id, size=size, root=root, at=str(utc_string(at))))


def verify_entry(body: bytes, index: int, path: Sequence[bytes], head: TreeHead) -> bool:
    """Tell whether a record is in the ledger that a head speaks of.

    Parameters
    ----------
    body : bytes
        Canonical bytes of the record, with its signature.
    index : int
        Its place in the ledger.
    path : sequence of bytes
        The proof.
    head : TreeHead
        A head whose signature was verified; size and root are taken from it.

    Returns
    -------
    bool
        Whether the proof holds.
    """
    return verify_inclusion(leaf_hash(body), index, head.size, path, bytes.fromhex(head.root))


def write_head(folder: Path, head: TreeHead) -> Path:
    """Write a head into a folder, whole and on disk when this returns.

    Parameters
    ----------
    folder : Path
        The folder, on another machine or medium where it can be; made if its parent exists.
    head : TreeHead
        A sealed head.

    Returns
    -------
    Path
        The file. The same head again is the same file; no file is ever overwritten.

    Raises
    ------
    IntegrityError
        If the head is not sealed.
    ConfigurationError
        If the ledger's name cannot be part of a file name.
    StoreError
        If it cannot be written.
    """
    if head.signature is None:
        raise IntegrityError("a head is exported sealed or not at all", value=head.ledger_id)
    if not _LEDGER_ID.fullmatch(head.ledger_id):
        raise ConfigurationError(
            f"ledger {head.ledger_id!r}: letters, digits, '.', '_' and '-' alone", value=head.ledger_id
        )
    data = canonical_bytes(head)
    path = folder / f"{head.ledger_id}-{head.size:012d}-{sha256_hex(data)[:16]}.head.json"
    try:
        folder.mkdir(exist_ok=True)
        if not path.exists():
            _write_whole(path, data)
        elif path.read_bytes() != data:
            raise StoreError(f"{path.name} is there and is not this head", value=str(path))
        # Also where it was there: whoever wrote it may have failed before its name was on disk.
        _sync_folder(folder)
    except OSError as error:
        raise StoreError(f"{path.name}: {error.strerror}", value=str(path)) from error
    return path


def read_heads(folder: Path) -> tuple[TreeHead, ...]:
    """Return the heads in a folder; their signatures are verified where they are used.

    Parameters
    ----------
    folder : Path
        The folder.

    Returns
    -------
    tuple of TreeHead
        By ledger and size. A file that was only half written by an export is not among them.

    Raises
    ------
    ConfigurationError
        If the folder cannot be read: without it nothing can be compared.
    LedgerError
        BAD_HEAD, if a file is no head in its canonical form.
    """
    heads = []
    try:
        for path in sorted(folder.iterdir()):
            if path.name.endswith(".head.json"):
                heads.append(_parse_head(path))  # noqa: PERF401 - the error names the file
    except OSError as error:
        raise ConfigurationError(f"heads in {folder.name}: {error.strerror}", value=str(folder)) from None
    return tuple(sorted(heads, key=lambda head: (head.ledger_id, head.size, head.at)))


def without_revocations(keys: KeyRing) -> KeyRing:
    """Return the keys as they were before any was revoked.

    What is in a ledger was admitted when its key was good; that the key was revoked since does not
    mean that the ledger was damaged.

    Parameters
    ----------
    keys : KeyRing
        The keys.

    Returns
    -------
    KeyRing
        The same, none of them revoked.
    """
    return KeyRing(msgspec.structs.replace(key, is_revoked=False) for key in keys)


def check_head(head: TreeHead, keys: KeyRing) -> None:
    """Verify the signature of a head.

    Parameters
    ----------
    head : TreeHead
        The head.
    keys : KeyRing
        The keys trusted. A head under a key that expired or was revoked since still counts: it can only
        make a ledger refuse, and a thief of the key gains nothing by that.

    Raises
    ------
    LedgerError
        BAD_HEAD.
    """
    try:
        verify_sealed(head, without_revocations(keys), allow_exercise=True)
    except VerificationError as error:
        raise LedgerError(f"head over {head.size} entries: {error.failure}: {error}", "BAD_HEAD") from None


def check_against_heads(
    reader: LedgerReader, heads: Iterable[TreeHead], keys: KeyRing, *, ledger_id: str | None = None
) -> int:
    """Check, before anything is signed, that a ledger still holds what its exported heads were signed over.

    Reads O(log n) stored hashes for each head, and the last entry. The audit reads everything.

    Parameters
    ----------
    reader : LedgerReader
        The ledger.
    heads : iterable of TreeHead
        Heads exported before.
    keys : KeyRing
        The keys trusted.
    ledger_id : str or None
        The ledger's name, where it is known: heads of other ledgers in the same folder are passed over, but
        there must be one of this. None where all heads are of one ledger.

    Returns
    -------
    int
        Against how many heads it was checked.

    Raises
    ------
    LedgerError
        TRUNCATED if entries that its own nodes speak of are gone; ROLLED_BACK if it is shorter than a head;
        FORKED if a head was signed over other entries; EDITED if nodes or the last entry do not fit;
        BAD_HEAD if a head does not verify.
    """
    size = reader.size()
    _check_end(reader, size)
    checked: list[TreeHead] = []
    heads = list(heads)
    for head in sorted(heads, key=lambda head: head.size):
        if ledger_id is not None and head.ledger_id != ledger_id:
            continue
        check_head(head, keys)
        if checked and head.ledger_id != checked[0].ledger_id:
            raise LedgerError(f"heads of {head.ledger_id} and {checked[0].ledger_id}, one asked", "BAD_HEAD")
        if head.size > size:
            raise LedgerError(
                f"the ledger has {size} entries, a head of {head.at} was signed over {head.size}",
                "ROLLED_BACK",
                index=size,
            )
        if _root(reader, head.size) != bytes.fromhex(head.root):
            raise LedgerError(
                f"a head of {head.at} was signed over {head.size} entries that are not those of this ledger",
                "FORKED",
                index=checked[-1].size if checked else 0,
            )
        checked.append(head)
    if heads and not checked:
        # A ledger that was wiped and begun anew has another name.
        raise LedgerError(f"heads of other ledgers alone, none of {ledger_id}", "BAD_HEAD")
    return len(checked)


def _check_end(reader: LedgerReader, size: int) -> None:
    """Check that the ledger's own nodes end where its entries do."""
    last = list(reader.entries(size - 1, size)) if size else []
    if size and [entry.index for entry in last] != [size - 1]:
        raise LedgerError(f"entry {size - 1}, the last, is not there", "TRUNCATED", index=size - 1)
    if stale_node(reader, size) is not None:
        raise LedgerError(f"entry {size} was written and is not there", "TRUNCATED", index=size)
    if last and leaf_hash(last[0].body) != stored_node(reader, 0, size - 1):
        raise LedgerError(f"entry {size - 1} is not what was written", "EDITED", index=size - 1)
    _root(reader, size)


def _root(reader: LedgerReader, size: int) -> bytes:
    try:
        return tree_root(size, reader.node)
    except (LookupError, IntegrityError):
        raise LedgerError(f"stored hashes over the first {size} entries are missing", "EDITED") from None


def _parse_head(path: Path) -> TreeHead:
    data = path.read_bytes()
    try:
        head = parse_strict(data, TreeHead)
    except IntegrityError as error:
        raise LedgerError(f"{path.name}: {error}", "BAD_HEAD") from None
    if canonical_bytes(head) != data:
        raise LedgerError(f"{path.name} is not in canonical form", "BAD_HEAD")
    return head


def _write_whole(path: Path, data: bytes) -> None:
    """Write under another name first, so that no reader ever finds half a head."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(draft, flags, 0o444)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        # The name holds the hash of the content: what a race could replace is this very head.
        draft.replace(path)
    except BaseException:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # folders cannot be opened there; the system writes their entries through
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
