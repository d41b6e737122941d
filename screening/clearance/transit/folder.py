"""A folder that gateways drop files of sealed events into.

A writer writes under another name and renames to ``*.jsonl`` when it is done: what has that name is
whole. A file is renamed into ``taking/``, read, and moved to ``done/``, or to ``refused/`` with the
reason beside it. A file left in ``taking/`` by a crash is read again: an event counts once, whatever
happens.
"""

from __future__ import annotations

import logging
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from screening.errors import StoreError

from .lines import LineSplitter
from .taking import Answer, SeenTimes, Take, take_lines

__all__ = ["FilesTaken", "take_folder", "watch_folder"]

_log = logging.getLogger(__name__)
_PIECE = 64 << 10
_BATCH = 256
_N_REASON = 100
MAX_FILE_BYTES = 64 << 20
MAX_LINE_BYTES = 16 << 10


class FilesTaken(NamedTuple):
    """What came of the files of one look.

    Attributes
    ----------
    n_done, n_refused : int
        Files moved to ``done`` and to ``refused``.
    n_event : int
        Events that were new.
    """

    n_done: int
    n_refused: int
    n_event: int


def watch_folder(folder: Path, take: Take, *, stop: threading.Event, poll_s: float = 1.0) -> None:
    """Take whatever is dropped into a folder, until told to stop.

    Parameters
    ----------
    folder : Path
        The folder.
    take : callable
        Stores records; they are on disk when it returns.
    stop : threading.Event
        Set to stop.
    poll_s : float
        Time between two looks, seconds.

    Raises
    ------
    StoreError
        If the folder cannot be used, or somebody else watches it.
    """
    seen = SeenTimes()
    with _alone(folder):
        while not stop.is_set():
            try:
                _take_all(folder, take, seen)
            except Exception as error:  # the disk is full, say: the files stay, and are tried again
                _log.error("%s: %s; trying again", folder, error)
            stop.wait(poll_s)


def take_folder(folder: Path, take: Take) -> FilesTaken:
    """Take the files that lie in a folder now.

    Parameters
    ----------
    folder : Path
        The folder.
    take : callable
        Stores records; they are on disk when it returns. What it raises is passed on; the file at hand
        is then read again next time.

    Returns
    -------
    FilesTaken
        What came of them.

    Raises
    ------
    StoreError
        If the folder cannot be used, or somebody else watches it.
    """
    with _alone(folder):
        return _take_all(folder, take, SeenTimes())


def _take_all(folder: Path, take: Take, seen: SeenTimes) -> FilesTaken:
    taking = folder / "taking"
    for path in sorted(folder.glob("*.jsonl")):
        path.rename(_free(taking / path.name))
    n_done = n_refused = n_event = 0
    for path in sorted(taking.iterdir()):
        n_new, reasons = _take_file(path, take, seen)
        n_event += n_new
        if reasons:
            n_refused += 1
            target = _free(folder / "refused" / path.name)
            said = msgspec.json.format(msgspec.json.encode(reasons), indent=1)
            target.with_name(f"{target.name}.reason.json").write_bytes(said + b"\n")
            _log.warning("%s: refused, %s", path.name, reasons[0])
        else:
            n_done += 1
            target = _free(folder / "done" / path.name)
        path.rename(target)
    return FilesTaken(n_done, n_refused, n_event)


def _take_file(path: Path, take: Take, seen: SeenTimes) -> tuple[int, list[dict[str, object]]]:
    """Return how many events of a file were new, and the reasons against some of its lines."""
    said = path.lstat()
    if not stat.S_ISREG(said.st_mode):
        return 0, [{"failure": "NO_FILE", "text": "not a regular file"}]
    if said.st_size > MAX_FILE_BYTES:
        return 0, [{"failure": "TOO_LONG", "text": f"more than {MAX_FILE_BYTES >> 20} MiB"}]
    n_new = n_line = 0
    reasons: list[dict[str, object]] = []
    for lines in _batches(path):
        for answer in take_lines(lines, take, seen):
            n_line += 1
            n_new += answer.status == "ACCEPTED"
            if _is_refused(answer) and len(reasons) < _N_REASON:
                reasons.append({"line": n_line, **answer.as_dict()})
    if n_line == 0:
        reasons.append({"failure": "MALFORMED", "text": "no line in it"})
    return n_new, reasons


def _batches(path: Path) -> Iterator[list[bytes | None]]:
    splitter = LineSplitter(MAX_LINE_BYTES)
    waiting: list[bytes | None] = []
    fd = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    with os.fdopen(fd, "rb") as file:
        while data := file.read(_PIECE):
            waiting += _lines(splitter.feed(data))
            while len(waiting) >= _BATCH:
                yield waiting[:_BATCH]
                del waiting[:_BATCH]
    waiting += _lines(splitter.rest())  # a whole file may end without a line feed
    if waiting:
        yield waiting


def _lines(lines: list[bytes | None]) -> list[bytes | None]:
    ended = [None if line is None else line.removesuffix(b"\r") for line in lines]
    return [line for line in ended if line != b""]


def _is_refused(answer: Answer) -> bool:
    return answer.status not in ("ACCEPTED", "KNOWN")


def _free(path: Path) -> Path:
    """Return a path beside the one wished for that nothing has yet: a file of the same name is another."""
    found, n = path, 0
    while found.exists() or found.is_symlink():
        n += 1
        found = path.with_name(f"{path.stem}.{n}{path.suffix}")
    return found


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold a folder's lock: two watchers would take each other's half-read files for leftovers."""
    import fcntl

    try:
        for name in ("taking", "done", "refused"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        fd = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError(f"{folder}: cannot be used ({error.strerror})", value=str(folder)) from None
    try:
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StoreError(f"{folder}: another process watches it", value=str(folder)) from None
        yield
    finally:
        os.close(fd)
