"""Heads that a site exports by itself: where the first is written, and where no other may be.

A folder of heads that is not there, or holds none, looks the same when it was never used and when the
disk that it lies on is not mounted. Against the second nothing helps but to refuse.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from screening.clearance.keys import Signer
from screening.errors import ConfigurationError, StoreError
from screening.records import TreeHead

from .entries import LedgerError, LedgerReader
from .heads import read_heads, sign_head, write_head

__all__ = ["begin_heads", "export_head", "heads_of", "no_heads"]


def heads_of(folder: Path) -> tuple[TreeHead, ...]:
    """Return the heads in a folder that need not be there.

    Parameters
    ----------
    folder : Path
        The folder.

    Returns
    -------
    tuple of TreeHead
        As `read_heads` does; none where there is no folder.

    Raises
    ------
    ConfigurationError
        If the folder is there and cannot be read.
    LedgerError
        BAD_HEAD, if a file is no head.
    """
    try:
        folder.lstat()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise ConfigurationError(f"heads in {folder.name}: {error.strerror}", value=str(folder)) from None
    return read_heads(folder)


def no_heads(folder: Path, size: int) -> LedgerError:
    """Return what is said where a ledger that was begun has no exported head to be held against.

    Parameters
    ----------
    folder : Path
        The folder of heads.
    size : int
        Entries of the ledger.

    Returns
    -------
    LedgerError
        NO_HEADS.
    """
    what = "holds no head" if folder.is_dir() else "is not there"
    return LedgerError(
        f"heads: the folder {folder.name} {what}, and the ledger, with {size} entries, was begun before:"
        " nothing shows that it is not an older copy",
        "NO_HEADS",
    )


def begin_heads(
    folder: Path,
    reader: LedgerReader,
    *,
    has_signed: bool,
    ledger_id: str,
    signer: Signer,
    at: datetime,
) -> None:
    """Export the first head of a ledger that holds nothing yet, into a folder that holds none.

    Parameters
    ----------
    folder : Path
        The folder; made if its parent is there.
    reader : LedgerReader
        The ledger.
    has_signed : bool
        Whether a head of it was ever signed.
    ledger_id : str
        Its name.
    signer : Signer
        The site's key.
    at : datetime
        Now, aware.

    Raises
    ------
    LedgerError
        NO_HEADS, if the ledger was begun before: its heads are elsewhere.
    ConfigurationError
        If the folder cannot be made.
    """
    size = reader.size()
    if size or has_signed:
        raise no_heads(folder, size)
    try:
        write_head(folder, sign_head(reader, ledger_id=ledger_id, signer=signer, at=at))
    except StoreError as error:
        raise ConfigurationError(f"heads: {error}", value=str(folder)) from None


def export_head(folder: Path, head: TreeHead) -> Path:
    """Write a head to those before it.

    Parameters
    ----------
    folder : Path
        The folder. It is not made, and must hold an earlier head of the ledger: else it is not the folder
        that the ledger was held against, but the place where that was mounted.
    head : TreeHead
        A sealed head.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    StoreError
        If the folder is not there, holds no earlier head, or cannot be written.
    """
    try:
        is_there = any(path.name.startswith(f"{head.ledger_id}-") for path in folder.glob("*.head.json"))
    except OSError as error:
        raise StoreError(f"heads: {folder.name}: {error.strerror}", value=str(folder)) from None
    if not is_there:
        raise StoreError(
            f"heads: {folder.name} is not there, or holds none of the earlier heads: none was exported",
            value=str(folder),
        )
    return write_head(folder, head)
