"""What of an archive folder is to be analysed: every file that may hold a scan, wherever it lies."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from screening.errors import FormatError, UnrecognisedFormatError
from screening.sources import recognise, scan_files

__all__ = ["ArchiveIndex", "IndexedFile", "index_archive"]

# What programs of this package leave beside scans. Anything else that cannot be read is reported as
# UNKNOWN: a scan whose bytes were destroyed must not vanish from the count.
OWN_SUFFIXES = frozenset(
    (".sqlite", ".sqlite-wal", ".sqlite-shm", ".lock", ".html", ".jsonl", ".part", ".partial", ".tmp", ".pem")
)
LABEL_FILES = frozenset(("labels.csv",))


class IndexedFile(NamedTuple):
    """One file to analyse.

    Attributes
    ----------
    path : str
        Relative to the archive, with forward slashes: the same on every machine.
    fingerprint : str
        Size and time of change; a file changed since is analysed again.
    """

    path: str
    fingerprint: str


class ArchiveIndex(NamedTuple):
    """The files of an archive.

    Attributes
    ----------
    files : tuple of IndexedFile
        To be analysed, by path.
    not_scans : tuple of str
        Left out: sidecars, notes and results of this package. What belongs to a scan beside it, its
        report or truth (``<name>.json``) and a table of labels, is not among them.
    """

    files: tuple[IndexedFile, ...]
    not_scans: tuple[str, ...]


def index_archive(folder: str | Path) -> ArchiveIndex:
    """Return the files of a folder and all folders below it.

    Parameters
    ----------
    folder : path-like
        The archive, or a single file.

    Returns
    -------
    ArchiveIndex
        Its files.

    Raises
    ------
    FormatError
        If it does not exist.
    """
    root = Path(folder)
    if root.is_file():
        return ArchiveIndex((IndexedFile(root.name, _fingerprint(root)),), ())
    if not root.is_dir():
        raise FormatError(f"{root}: no such file or folder", value=str(root))
    files: list[IndexedFile] = []
    not_scans: list[str] = []
    for directory in (root, *_folders(root)):
        candidates = set(scan_files(directory))
        scans: list[Path] = []
        others: list[Path] = []
        for path in sorted(item for item in directory.iterdir() if item.is_file()):
            is_scan = path in candidates and not _is_own(path)
            if is_scan or (path not in candidates and _is_recognised(path)):
                scans.append(path)
            else:
                others.append(path)
        files.extend(IndexedFile(path.relative_to(root).as_posix(), _fingerprint(path)) for path in scans)
        stems = {path.stem for path in scans}
        not_scans.extend(path.relative_to(root).as_posix() for path in others if not _tells_of(path, stems))
    return ArchiveIndex(tuple(sorted(files)), tuple(sorted(not_scans)))


def _folders(root: Path) -> list[Path]:
    # Hidden folders are other programs' business (version control, trash).
    return sorted(
        path
        for path in root.rglob("*")
        if path.is_dir() and not any(part.startswith(".") for part in path.relative_to(root).parts)
    )


def _is_own(path: Path) -> bool:
    return path.suffix.lower() in OWN_SUFFIXES or path.name in LABEL_FILES


def _tells_of(path: Path, stems: set[str]) -> bool:
    # A report or a truth beside its archive and a table of labels beside scans belong to what is
    # analysed: to count them as left out would hide, among many, the file that should not be.
    return bool(stems) and (path.name in LABEL_FILES or (path.suffix == ".json" and path.stem in stems))


def _is_recognised(path: Path) -> bool:
    # A portal's daily file may well be called .txt, which elsewhere is the suffix of a note.
    if path.suffix.lower() not in {".txt", ".log"} or path.name.startswith("."):
        return False
    try:
        recognise(path)
    except (UnrecognisedFormatError, FormatError):
        return False
    return True


def _fingerprint(path: Path) -> str:
    stat = path.stat()
    return f"{stat.st_size}:{stat.st_mtime_ns}"
