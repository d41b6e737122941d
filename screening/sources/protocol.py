"""What a source of stored scans promises. Third parties register theirs through entry points."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from screening.records import Background, Scan

__all__ = ["Beside", "ScanSource"]


class Beside(Protocol):
    """Gives a source the files that lie beside the one it reads (sidecars, dark and air pictures)."""

    def __call__(self, name: str, /) -> bytes | None:
        """Return the bytes of a file in the same folder.

        Parameters
        ----------
        name : str
            A plain file name; anything with a folder in it is refused.

        Returns
        -------
        bytes or None
            None if there is no such file.

        Raises
        ------
        FormatError
            If the name leaves the folder, or the file is too large.
        """
        ...


@runtime_checkable
class ScanSource(Protocol):
    """One kind of file that scans are read from.

    An implementation is a class without arguments, named in the entry point group
    ``screening.sources``. It keeps no state between calls. The tests of
    :mod:`screening.sources.contract` tell whether one keeps every promise made here.

    Attributes
    ----------
    name : str
        Short name for messages ("n42").
    priority : int
        Sources are asked in ascending order; those that recognise a signature come before those that
        go by weaker signs. Built-ins use 10 to 90.
    """

    name: str
    priority: int

    def recognises(self, head: bytes, name: str) -> bool:
        """Tell from its beginning whether a file is of this kind.

        Parameters
        ----------
        head : bytes
            The first 4,096 bytes, or fewer.
        name : str
            File name; content counts more.

        Returns
        -------
        bool
            True if this source should read it; its error then stands. Never raises.
        """
        ...

    def read(self, data: bytes, *, name: str, beside: Beside) -> list[Scan]:
        """Return the scans of a file.

        Parameters
        ----------
        data : bytes
            The whole file.
        name : str
            File name, without folder: it becomes part of the scans.
        beside : callable
            Access to the files in the same folder.

        Returns
        -------
        list of Scan
            At least one. The same bytes give the same scans, with the same identifiers.

        Raises
        ------
        FormatError
            One line that names the file and what is wrong with it; no other kind of exception.
        """
        ...

    def read_background(self, data: bytes, *, name: str, beside: Beside) -> Background:
        """Return a file's measurement as a background.

        Parameters
        ----------
        data : bytes
            The whole file.
        name : str
            File name.
        beside : callable
            Access to the files in the same folder.

        Returns
        -------
        Background
            Rates and spectra by panel.

        Raises
        ------
        FormatError
            If it cannot serve as one.
        """
        ...
