"""What the spool asks of the operating system, in one place, so that tests can make it fail."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Protocol

__all__ = ["DiskFiles", "SegmentFiles"]


class SegmentFiles(Protocol):
    """What the spool asks of the operating system; tests make it fail."""

    def create(self, path: Path) -> int:
        """Create a file that must not exist.

        Parameters
        ----------
        path : Path
            The file.

        Returns
        -------
        int
            Its descriptor.
        """
        ...

    def write(self, fd: int, data: bytes | memoryview) -> int:
        """Write some of the data.

        Parameters
        ----------
        fd : int
            Descriptor.
        data : bytes
            What to write.

        Returns
        -------
        int
            How many bytes were taken.
        """
        ...

    def truncate(self, fd: int, size: int) -> None:
        """Cut a file.

        Parameters
        ----------
        fd : int
            Descriptor.
        size : int
            Bytes to keep.
        """
        ...

    def sync(self, fd: int) -> None:
        """Bring a file to the disk.

        Parameters
        ----------
        fd : int
            Descriptor.
        """
        ...

    def sync_folder(self, folder: Path) -> None:
        """Bring a folder's entries to the disk.

        Parameters
        ----------
        folder : Path
            The folder.
        """
        ...

    def close(self, fd: int) -> None:
        """Close a descriptor.

        Parameters
        ----------
        fd : int
            Descriptor.
        """
        ...


class DiskFiles:
    """The operating system itself."""

    def create(self, path: Path) -> int:
        """Create a file that must not exist; return its descriptor.

        Parameters
        ----------
        path : Path
            The file.

        Returns
        -------
        int
            Its descriptor.
        """
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
        return os.open(path, flags | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0), 0o644)

    def write(self, fd: int, data: bytes | memoryview) -> int:
        """Write some of the data.

        Parameters
        ----------
        fd : int
            Descriptor.
        data : bytes
            What to write.

        Returns
        -------
        int
            How many bytes were taken.
        """
        return os.write(fd, data)

    def truncate(self, fd: int, size: int) -> None:
        """Cut a file.

        Parameters
        ----------
        fd : int
            Descriptor.
        size : int
            Bytes to keep.
        """
        os.ftruncate(fd, size)

    def sync(self, fd: int) -> None:
        """Bring a file to the disk.

        Parameters
        ----------
        fd : int
            Descriptor.
        """
        os.fsync(fd)

    def sync_folder(self, folder: Path) -> None:
        """Bring a folder's entries to the disk, where the system can.

        Parameters
        ----------
        folder : Path
            The folder.
        """
        if os.name == "nt":  # a folder cannot be opened there
            return
        fd = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)

    def close(self, fd: int) -> None:
        """Close a descriptor.

        Parameters
        ----------
        fd : int
            Descriptor.
        """
        os.close(fd)
