"""A folder that gateways drop files of sealed events into.

A writer writes under another name and renames to ``*.jsonl`` when it is done: what has that name is
whole. A file is renamed into ``taking/``, read, and moved to ``done/``, or to ``refused/`` with the
reason beside it. A file left in ``taking/`` by a crash is read again: an event counts once, whatever
happens. One that cannot be read stays in ``taking/`` and holds up no other.
"""

from __future__ import annotations

import io
import logging
import os
import stat
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from screening.errors import StoreError
from screening.records import sha256_hex

from .lines import LineSplitter
from .taking import Answer, SeenTimes, Take, take_lines

__all__ = ["FilesTaken", "take_folder", "watch_folder"]

_log = logging.getLogger(__name__)
_PIECE = 64 << 10
_BATCH = 256
_N_REASON = 100
_N_NAME = 200
_PLACES = ("taking", "done", "refused")
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


class _Held(NamedTuple):
    """The folder and those in it, by descriptor.

    Whoever may drop files here may also put a link where ``taking`` was: what is moved by descriptor never
    leaves the folder, and nothing from elsewhere is taken for a file that was dropped.
    """

    root: int
    taking: int
    done: int
    refused: int


class _UnreadableError(Exception):
    """A file that cannot be read now."""


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
    with _alone(folder) as held:
        while not stop.is_set():
            try:
                _take_all(held, take, seen)
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
    with _alone(folder) as held:
        return _take_all(held, take, SeenTimes())


def _take_all(held: _Held, take: Take, seen: SeenTimes) -> FilesTaken:
    for name in _names_in(held.root):
        if name.endswith(".jsonl"):
            with suppress(FileNotFoundError):  # whoever dropped it thought better of it
                _move(name, held.root, held.taking)
    n_done = n_refused = n_event = 0
    for name in _names_in(held.taking):
        try:
            n_new, reasons = _take_file(name, held.taking, take, seen)
        except _UnreadableError as error:  # it stays, and holds up no other
            _log.error("%s: cannot be read (%s); trying again", name, error)
            continue
        n_event += n_new
        if reasons:
            n_refused += 1
            _log.warning("%s: refused, %s", name, reasons[0])
            target = _free(name, held.refused)
            _write_reasons(f"{target}.reason.json", held.refused, reasons)
            os.rename(name, target, src_dir_fd=held.taking, dst_dir_fd=held.refused)
        else:
            n_done += 1
            _move(name, held.taking, held.done)
    return FilesTaken(n_done, n_refused, n_event)


def _take_file(name: str, taking: int, take: Take, seen: SeenTimes) -> tuple[int, list[dict[str, object]]]:
    """Return how many events of a file were new, and the reasons against some of its lines."""
    try:
        mode = os.lstat(name, dir_fd=taking).st_mode
    except OSError as error:
        raise _UnreadableError(error.strerror) from None
    if not stat.S_ISREG(mode):
        return 0, [{"failure": "NO_FILE", "text": "not a regular file"}]
    with _opened(name, taking) as file:
        if os.fstat(file.fileno()).st_size > MAX_FILE_BYTES:
            return 0, [{"failure": "TOO_LONG", "text": f"more than {MAX_FILE_BYTES >> 20} MiB"}]
        n_new = n_line = 0
        reasons: list[dict[str, object]] = []
        for lines in _batches(file):
            for answer in take_lines(lines, take, seen):
                n_line += 1
                n_new += answer.status == "ACCEPTED"
                if _is_refused(answer) and len(reasons) < _N_REASON:
                    reasons.append({"line": n_line, **answer.as_dict()})
    if n_line == 0:
        reasons.append({"failure": "MALFORMED", "text": "no line in it"})
    return n_new, reasons


def _opened(name: str, taking: int) -> io.FileIO:
    # Since it was looked at, the name may have become that of a link or a pipe.
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK
    try:
        return io.FileIO(os.open(name, flags, dir_fd=taking))
    except OSError as error:
        raise _UnreadableError(error.strerror) from None


def _batches(file: io.FileIO) -> Iterator[list[bytes | None]]:
    splitter = LineSplitter(MAX_LINE_BYTES)
    waiting: list[bytes | None] = []
    while data := _piece_of(file):
        waiting += _lines(splitter.feed(data))
        while len(waiting) >= _BATCH:
            yield waiting[:_BATCH]
            del waiting[:_BATCH]
    waiting += _lines(splitter.rest())  # a whole file may end without a line feed
    if waiting:
        yield waiting


def _piece_of(file: io.FileIO) -> bytes:
    try:
        return file.read(_PIECE) or b""
    except OSError as error:
        raise _UnreadableError(error.strerror) from None


def _lines(lines: list[bytes | None]) -> list[bytes | None]:
    ended = [None if line is None else line.removesuffix(b"\r") for line in lines]
    return [line for line in ended if line != b""]


def _is_refused(answer: Answer) -> bool:
    return answer.status not in ("ACCEPTED", "KNOWN")


def _names_in(folder: int) -> list[str]:
    return sorted(os.listdir(folder))


def _move(name: str, source: int, target: int) -> None:
    os.rename(name, _free(name, target), src_dir_fd=source, dst_dir_fd=target)


def _free(name: str, folder: int) -> str:
    """Return a name like the one wished for that nothing has yet: a file of the same name is another."""
    if len(os.fsencode(name)) > _N_NAME:  # no room for a number, or for the reason beside it
        name = f"{sha256_hex(os.fsencode(name))}.jsonl"
    stem, suffix = Path(name).stem, Path(name).suffix
    found, n = name, 0
    while _is_there(found, folder) or _is_there(f"{found}.reason.json", folder):
        n += 1
        found = f"{stem}.{n}{suffix}"
    return found


def _is_there(name: str, folder: int) -> bool:
    try:
        os.lstat(name, dir_fd=folder)
    except FileNotFoundError:
        return False
    return True


def _write_reasons(name: str, folder: int, reasons: list[dict[str, object]]) -> None:
    said = msgspec.json.format(msgspec.json.encode(reasons), indent=1)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    with os.fdopen(os.open(name, flags, 0o644, dir_fd=folder), "wb") as file:
        file.write(said + b"\n")


@contextmanager
def _alone(folder: Path) -> Iterator[_Held]:
    """Hold a folder's lock: two watchers would take each other's half-read files for leftovers."""
    import fcntl

    with ExitStack() as stack:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            root = _hold(stack, str(folder), os.O_RDONLY | os.O_DIRECTORY)
            for name in _PLACES:
                with suppress(FileExistsError):
                    os.mkdir(name, dir_fd=root)
            places = [
                _hold(stack, name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW, root) for name in _PLACES
            ]
            lock = _hold(stack, ".lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, root)
        except OSError as error:
            where = f"{folder}/{error.filename}" if error.filename in (*_PLACES, ".lock") else str(folder)
            raise StoreError(f"{where}: cannot be used ({error.strerror})", value=str(folder)) from None
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StoreError(f"{folder}: another process watches it", value=str(folder)) from None
        yield _Held(root, *places)


def _hold(stack: ExitStack, name: str, flags: int, root: int | None = None) -> int:
    fd = os.open(name, flags, 0o600, dir_fd=root)
    stack.callback(os.close, fd)
    return fd
