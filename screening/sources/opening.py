"""Open stored scans by path: one file, or a folder of them in name order."""

from __future__ import annotations

from pathlib import Path, PurePosixPath, PureWindowsPath

from screening.errors import FormatError, ResourceLimitError
from screening.records import Background, Scan

from .protocol import Beside, ScanSource
from .registry import HEAD_BYTES, recognise_bytes

__all__ = [
    "MAX_FILE_BYTES",
    "open_background",
    "open_scan",
    "open_scans",
    "read_bytes",
    "recognise",
    "scan_files",
]

MAX_FILE_BYTES = 2 << 30
"""Largest file read, bytes."""

_COMPANION_SUFFIXES = {".toml", ".json", ".txt", ".md", ".log", ".tmp", ".py"}
_COMPANION_NAMES = {"labels.csv"}


def open_scan(path: str | Path) -> Scan:
    """Return the one scan of a file.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    Scan
        Its scan.

    Raises
    ------
    FormatError
        If it cannot be read, or holds more than one scan.
    """
    scans = open_scans(path)
    if len(scans) > 1:
        raise FormatError(f"{Path(path).name}: holds {len(scans)} scans; open_scans returns them all")
    return scans[0]


def open_scans(path: str | Path) -> list[Scan]:
    """Return all scans of a file, or of all files in a folder.

    Parameters
    ----------
    path : str or Path
        The file or folder.

    Returns
    -------
    list of Scan
        In file order; for a folder by file name.

    Raises
    ------
    FormatError
        If a file cannot be read; the message names it.
    UnrecognisedFormatError
        If no source recognises it; the message names what was tried.
    """
    path = Path(path)
    if path.is_dir():
        files = scan_files(path)
        if not files:
            raise FormatError(f"{path.resolve().name}: the folder holds no scans{_unsearched(path)}")
        return [scan for file in files for scan in open_scans(file)]
    source, data = _recognised(path)
    return source.read(data, name=path.name, beside=_beside(path))


def open_background(path: str | Path) -> Background:
    """Return a file's measurement as a background.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    Background
        Rates and spectra by panel, with the time it was taken.

    Raises
    ------
    FormatError
        If the file cannot be read, or cannot serve as a background.
    """
    path = Path(path)
    source, data = _recognised(path)
    return source.read_background(data, name=path.name, beside=_beside(path))


def recognise(path: str | Path) -> str:
    """Return the name of the source that reads a file.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    str
        "n42", "archive", ...

    Raises
    ------
    UnrecognisedFormatError
        If none does.
    """
    path = Path(path)
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise FormatError(f"{path.name}: {error.strerror or error}") from None
    if not head:
        raise FormatError(f"{path.name}: the file is empty")
    return recognise_bytes(head, path.name).name


def scan_files(folder: str | Path) -> list[Path]:
    """Return the files of a folder that may hold scans, by name.

    Parameters
    ----------
    folder : str or Path
        The folder; not searched below its first level.

    Returns
    -------
    list of Path
        Without hidden files, sidecars and the companions (``name.dark.npy``) they name, texts and
        tables of labels.
    """
    found = Path(folder).iterdir()
    files = sorted(item for item in found if item.is_file() and not item.name.startswith("."))
    stems = {item.stem for item in files if item.suffix == ".toml"}
    return [
        item
        for item in files
        if item.suffix.lower() not in _COMPANION_SUFFIXES
        and item.name not in _COMPANION_NAMES
        and not any(item.name.startswith(f"{stem}.") and item.stem != stem for stem in stems)
    ]


def read_bytes(path: Path, *, max_bytes: int = MAX_FILE_BYTES) -> bytes:
    """Return the bytes of a file.

    Parameters
    ----------
    path : Path
        The file.
    max_bytes : int
        Size limit, bytes.

    Returns
    -------
    bytes
        Its content.

    Raises
    ------
    FormatError
        If it cannot be read or is empty; one line that names it.
    ResourceLimitError
        If it is too large.
    """
    if path.is_dir():
        raise FormatError(f"{path.name}: is a folder")
    try:
        size = path.stat().st_size
        if size > max_bytes:
            raise ResourceLimitError(f"{path.name}: {size} bytes, the limit is {max_bytes}", value=size)
        data = path.read_bytes()
    except OSError as error:
        raise FormatError(f"{path.name}: {error.strerror or error}") from None
    if not data:
        raise FormatError(f"{path.name}: the file is empty")
    return data


def _unsearched(folder: Path) -> str:
    """Say which folders were not looked into; empty if there are none."""
    names = sorted(item.name for item in folder.iterdir() if item.is_dir() and not item.name.startswith("."))
    if not names:
        return ""
    some = ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")
    return f" of its own; what lies below it was not searched, name one of: {some}"


def _recognised(path: Path) -> tuple[ScanSource, bytes]:
    data = read_bytes(path)
    return recognise_bytes(data[:HEAD_BYTES], path.name), data


def _beside(path: Path) -> Beside:
    def beside(name: str) -> bytes | None:
        plain = name not in ("", ".", "..") and "\x00" not in name
        if not plain or PurePosixPath(name).name != name or PureWindowsPath(name).name != name:
            raise FormatError(f"{path.name}: {name!r} is not a plain file name", value=name)
        companion = path.parent / name
        return read_bytes(companion) if companion.is_file() else None

    return beside
