"""One process per folder: an advisory lock that the kernel drops when the process dies."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from types import TracebackType

from screening.errors import StoreError

__all__ = ["FolderLock"]


class FolderLock:
    """Hold a folder for one process.

    Parameters
    ----------
    folder : Path
        An existing folder.

    Raises
    ------
    StoreError
        If another process holds it.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / "lock"
        self._fd: int | None = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), 0o644)
        try:
            _lock(self._fd)
        except OSError:
            holder = os.read(self._fd, 32).decode(errors="replace").strip()
            os.close(self._fd)
            self._fd = None
            who = f" (process {holder})" if holder.isdigit() else ""
            raise StoreError(f"{folder} is in use by another process{who}", value=str(folder)) from None
        os.ftruncate(self._fd, 0)
        os.write(self._fd, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Give the folder back; a second call does nothing."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def __enter__(self) -> FolderLock:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()


if sys.platform == "win32":
    import msvcrt

    def _lock(fd: int) -> None:
        # One byte far behind the process number, so that others can still read that.
        os.lseek(fd, 1 << 20, os.SEEK_SET)
        msvcrt.locking(fd, msvcrt.LK_NBLCK, 1)
        os.lseek(fd, 0, os.SEEK_SET)

else:
    import fcntl

    def _lock(fd: int) -> None:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
