"""Sealed records from files, as the commands take them: one record a file, or one a line."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import typer

__all__ = ["Body", "read_record", "read_records", "write_new"]

_MAX_BYTES = 256 << 20
_ONE, _LINES = ".json", (".jsonl", ".ndjson")


class Body(NamedTuple):
    """A record's bytes, and where they came from.

    Attributes
    ----------
    name : str
        File, and line if the file has one record a line.
    data : bytes
        As they were sealed, or as whoever wrote them changed them.
    """

    name: str
    data: bytes


def read_records(paths: list[Path]) -> list[Body]:
    """Return the records of files and folders; what is skipped in a folder is said.

    A file ``.json`` is one record, with or without a line feed at its end; ``.jsonl`` and ``.ndjson``
    hold one record a line, empty lines aside.

    Parameters
    ----------
    paths : list of Path
        Files, or folders of them.

    Returns
    -------
    list of Body
        In the order of the paths; within a folder by name.

    Raises
    ------
    ConfigurationError
        If a path is not there or cannot be read, or a file that was named is of no such kind.
    """
    from screening.errors import ConfigurationError

    found: list[Body] = []
    for path in paths:
        try:
            if path.is_dir():
                files = sorted(path.iterdir())
                wanted = [file for file in files if file.is_file() and file.suffix in (_ONE, *_LINES)]
                _say_skipped(path, [file for file in files if file not in wanted])
            elif path.suffix in (_ONE, *_LINES) or not path.exists():
                wanted = [path]
            else:
                endings = f"{_ONE} (one record) or {', '.join(_LINES)} (one a line)"
                raise ConfigurationError(f"{path}: a file of records ends in {endings}", value=str(path))
            for file in wanted:
                found += _bodies(file)
        except OSError as error:
            raise ConfigurationError(f"{error.filename or path}: {error.strerror}", value=str(path)) from None
    return found


def read_record(path: Path) -> bytes:
    """Return the bytes of a file that holds one thing: a record, or a bundle.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    bytes
        Without the line feed that a command or an editor may have put at the end of a record.

    Raises
    ------
    ConfigurationError
        If it is not there or cannot be read.
    ResourceLimitError
        If it is larger than any bundle may be.
    """
    from screening.errors import ConfigurationError, ResourceLimitError

    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ResourceLimitError(f"{path}: more than {_MAX_BYTES} bytes", value=str(path))
        data = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}", value=str(path)) from None
    return data.removesuffix(b"\n") if data[:1] == b"{" else data


def write_new(path: Path, data: bytes) -> None:
    """Write a file that is not there yet.

    Parameters
    ----------
    path : Path
        The file.
    data : bytes
        Its contents.

    Raises
    ------
    ConfigurationError
        If it exists, or cannot be written.
    """
    from screening.errors import ConfigurationError

    try:
        with path.open("xb") as file:
            file.write(data)
    except FileExistsError:
        raise ConfigurationError(
            f"{path} exists, and is not overwritten; give --out", value=str(path)
        ) from None
    except OSError as error:
        raise ConfigurationError(f"{path}: {error.strerror}", value=str(path)) from None


def _bodies(file: Path) -> list[Body]:
    data = file.read_bytes()
    if file.suffix not in _LINES:
        return [Body(file.name, data.removesuffix(b"\n"))]
    lines = enumerate(data.split(b"\n"), 1)
    return [Body(f"{file.name} line {number}", line) for number, line in lines if line.strip()]


def _say_skipped(folder: Path, files: list[Path]) -> None:
    if files:
        names = ", ".join(file.name for file in files[:5]) + (", ..." if len(files) > 5 else "")
        typer.echo(f"{folder}: skipped {len(files)} that are no files of records: {names}", err=True)
