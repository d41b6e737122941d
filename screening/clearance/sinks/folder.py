"""Drops records as files into a folder: whole or not at all, and each once."""

from __future__ import annotations

import contextlib
import os
import secrets
import time
from pathlib import Path

import msgspec

from screening.clearance.settings import SinkSettings
from screening.errors import ConfigurationError

from .sink import SinkContext, SinkError, SinkMessage, options_of

__all__ = ["FolderOptions", "FolderSink", "drop_file", "file_name", "opened_folder"]

_OLD_S = 3600.0


class FolderOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Arguments of a sink that writes files.

    Attributes
    ----------
    folder : str
        Where to; it must exist, so that a missing mount is noticed and not written over.
    """

    folder: str


class FolderSink:
    """Writes each record as it is, under its kind and key.

    Parameters
    ----------
    settings : SinkSettings
        Name, kinds and :class:`FolderOptions`.
    context : SinkContext
        Not needed.
    """

    def __init__(self, settings: SinkSettings, context: SinkContext) -> None:
        del context
        self.name, self.kinds = settings.name, settings.kinds
        self._folder = opened_folder(options_of(settings, FolderOptions).folder, self.name)

    def deliver(self, message: SinkMessage) -> None:
        """Write a record; see :class:`DecisionSink`.

        Parameters
        ----------
        message : SinkMessage
            The message.

        Raises
        ------
        SinkError
            If it could not be written.
        """
        drop_file(self._folder, file_name(message, "json"), message.body)


def file_name(message: SinkMessage, suffix: str) -> str:
    """Return the name of a message's file; the same key gives the same name.

    Parameters
    ----------
    message : SinkMessage
        The message.
    suffix : str
        Without the dot.

    Returns
    -------
    str
        "clearance-1.<key>.json".
    """
    return f"{message.kind.replace('/', '-')}.{message.key}.{suffix}"


def opened_folder(path: str, name: str) -> Path:
    """Return a sink's folder, without what a killed process left half written in it.

    Parameters
    ----------
    path : str
        The folder.
    name : str
        The sink, for messages.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ConfigurationError
        If it is none.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise ConfigurationError(f"sink {name}: {path} is no folder", value=path)
    for left in folder.glob(".*.part"):
        with contextlib.suppress(OSError):
            if time.time() - left.stat().st_mtime > _OLD_S:  # another process may be at work here
                left.unlink()
    return folder


def drop_file(folder: Path, name: str, data: bytes) -> None:
    """Put a file into a folder, on disk when this returns.

    Readers never see half a file: it is written under another name, fsynced and renamed, and then the
    folder is fsynced.

    Parameters
    ----------
    folder : Path
        Where to.
    name : str
        Its name; a file of that name and content is left as it is.
    data : bytes
        Its content.

    Raises
    ------
    SinkError
        To try again: if the system refused. What was written so far is removed; a descriptor whose
        fsync failed is never fsynced again.
    """
    final = folder / name
    # A name nobody can foresee, and never one that is there: in a folder that others write to, a link of
    # that name would lead the record anywhere.
    part = folder / f".{name}.{secrets.token_hex(8)}.part"
    try:
        if not _holds(final, data):
            try:
                with part.open("xb") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
                part.replace(final)
            finally:
                with contextlib.suppress(OSError):
                    part.unlink(missing_ok=True)
        # Also of a file that was there: its process may have died before this.
        _sync_folder(folder)
    except OSError as error:
        raise SinkError(
            f"{final.name}: {error.strerror or error}", is_retryable=True, value=str(folder)
        ) from error


def _holds(path: Path, data: bytes) -> bool:
    try:
        return path.stat().st_size == len(data) and path.read_bytes() == data
    except FileNotFoundError:
        return False


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":  # where a folder cannot be opened; the rename is in its journal
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
