"""The built-in sources: each recognises one kind of file and hands its bytes to a format."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from pathlib import PurePath

from screening.records import Background, Scan

from .background import background_of_scans
from .protocol import Beside

__all__ = [
    "ArchiveSource",
    "FileSource",
    "N42Source",
    "RawArraySource",
    "RpmDailySource",
    "SpectrumSource",
]

_TIFF_MARKS = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_NPY_MARK = b"\x93NUMPY"
_HDF5_MARK = b"\x89HDF\r\n\x1a\n"


class FileSource(ABC):
    """What the built-in sources share: the protocol, documented once.

    Attributes
    ----------
    name : str
        Short name.
    priority : int
        Place in the order in which sources are asked.
    """

    name = ""
    priority = 0

    def recognises(self, head: bytes, name: str) -> bool:
        """Tell from its beginning whether a file is of this kind.

        Parameters
        ----------
        head : bytes
            The first 4,096 bytes, or fewer.
        name : str
            File name.

        Returns
        -------
        bool
            Whether this source should read it.
        """
        return self._recognises(head, name)

    def read(self, data: bytes, *, name: str, beside: Beside) -> list[Scan]:
        """Return the scans of a file.

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
        list of Scan
            At least one.

        Raises
        ------
        FormatError
            One line that names the file and what is wrong with it.
        """
        return self._read(data, name, beside)

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
        return self._read_background(data, name, beside)

    @abstractmethod
    def _recognises(self, head: bytes, name: str) -> bool: ...

    @abstractmethod
    def _read(self, data: bytes, name: str, beside: Beside) -> list[Scan]: ...

    def _read_background(self, data: bytes, name: str, beside: Beside) -> Background:
        return background_of_scans(self._read(data, name, beside), name=name)


class ArchiveSource(FileSource):
    """The HDF5 archive; it is untrusted here, so HDF5 runs in isolation."""

    name = "archive"
    priority = 10

    def _recognises(self, head: bytes, name: str) -> bool:
        return head.startswith(_HDF5_MARK)

    def _read(self, data: bytes, name: str, beside: Beside) -> list[Scan]:
        from screening.archive import read_untrusted

        return [read_untrusted(data, name=name)]


class RawArraySource(FileSource):
    """A .npy array or a 16-bit TIFF with a TOML sidecar."""

    name = "raw-array"
    priority = 20

    def _recognises(self, head: bytes, name: str) -> bool:
        return head.startswith((_NPY_MARK, *_TIFF_MARKS))

    def _read(self, data: bytes, name: str, beside: Beside) -> list[Scan]:
        from screening.formats.raw import read_raw, sidecar_name

        return [read_raw(data, beside(sidecar_name(name)), name=name, beside=beside)]


class N42Source(FileSource):
    """ANSI N42.42, 2006 and 2011/2012."""

    name = "n42"
    priority = 30

    def _recognises(self, head: bytes, name: str) -> bool:
        from screening.formats.n42 import is_n42

        # UTF-16 is recognised too, to be refused with a message of its own.
        return is_n42(head) or is_n42(head.replace(b"\x00", b""))

    def _read(self, data: bytes, name: str, beside: Beside) -> list[Scan]:
        from screening.formats.n42 import read_n42

        return read_n42(data, name=name)

    def _read_background(self, data: bytes, name: str, beside: Beside) -> Background:
        from screening.formats.n42 import read_background

        return read_background(data, name=name)


class RpmDailySource(FileSource):
    """Daily files of gross-count portals."""

    name = "rpm-daily"
    priority = 40

    def _recognises(self, head: bytes, name: str) -> bool:
        from screening.formats.rpm import is_daily_file

        return is_daily_file(head)

    def _read(self, data: bytes, name: str, beside: Beside) -> list[Scan]:
        from screening.formats.rpm import read_daily_file

        return read_daily_file(data, name=name)


# fmt: off
_SPECTRUM_SUFFIXES = frozenset((
    ".spe", ".spc", ".pcf", ".cnf", ".chn", ".mca", ".mcs", ".iec", ".gam", ".dat", ".dmp", ".lis", ".lzs",
    ".phd", ".tka", ".csv", ".asc", ".rcspg", ".u8", ".sal", ".ans", ".tracs",
))
# fmt: on
_SPECTRUM_MARK = re.compile(
    rb"\$SPEC_ID|\$DATE_MEA|\$MEAS_TIM|\$MCA_CAL|<ResultDataFile|PMCA SPECTRUM|S1, ?(?:NaI|HPGe)|Fields, RSP"
)


class SpectrumSource(FileSource):
    """Every other spectrum format, through SandiaSpecUtils (extra ``formats``), in isolation.

    It goes by known words, else by a known suffix: a hundred formats have no common signature.
    """

    name = "spectrum"
    priority = 90

    def _recognises(self, head: bytes, name: str) -> bool:
        if _SPECTRUM_MARK.search(head):
            return True
        suffix = PurePath(name).suffix.lower()
        if suffix in (".xml", ".gxml"):
            return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
        return suffix in _SPECTRUM_SUFFIXES

    def _read(self, data: bytes, name: str, beside: Beside) -> list[Scan]:
        from screening.formats.spectra_files import read_spectrum_file

        return read_spectrum_file(data, name=name)

    def _read_background(self, data: bytes, name: str, beside: Beside) -> Background:
        from screening.formats.spectra_files import read_spectrum_background

        return read_spectrum_background(data, name=name)
