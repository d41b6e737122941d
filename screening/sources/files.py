"""The built-in sources: each recognises one kind of file and hands its bytes to a format."""

from __future__ import annotations

import re
from pathlib import PurePath

from screening.records import Background, Scan

from .background import background_of_scans
from .protocol import Beside

__all__ = ["ArchiveSource", "N42Source", "RawArraySource", "RpmDailySource", "SpectrumSource"]

_TIFF_MARKS = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_NPY_MARK = b"\x93NUMPY"
_HDF5_MARK = b"\x89HDF\r\n\x1a\n"


class ArchiveSource:
    """The HDF5 archive; it is untrusted here, so HDF5 runs in isolation."""

    name = "archive"
    priority = 10

    def recognises(self, head: bytes, name: str) -> bool:
        """Tell by the HDF5 signature."""
        return head.startswith(_HDF5_MARK)

    def read(self, data: bytes, *, name: str, beside: Beside) -> list[Scan]:
        """Return the scan of an archive; see ScanSource."""
        from screening.archive import read_untrusted

        return [read_untrusted(data, name=name)]

    def read_background(self, data: bytes, *, name: str, beside: Beside) -> Background:
        """Return the scan's counts as a background; see ScanSource."""
        return background_of_scans(self.read(data, name=name, beside=beside), name=name)


class RawArraySource:
    """A .npy array or a 16-bit TIFF with a TOML sidecar."""

    name = "raw-array"
    priority = 20

    def recognises(self, head: bytes, name: str) -> bool:
        """Tell by the signatures of NPY and TIFF."""
        return head.startswith((_NPY_MARK, *_TIFF_MARKS))

    def read(self, data: bytes, *, name: str, beside: Beside) -> list[Scan]:
        """Return the radiograph; see ScanSource."""
        from screening.formats.raw import read_raw, sidecar_name

        return [read_raw(data, beside(sidecar_name(name)), name=name, beside=beside)]

    def read_background(self, data: bytes, *, name: str, beside: Beside) -> Background:
        """Refuse: a radiograph is no background; see ScanSource."""
        return background_of_scans(self.read(data, name=name, beside=beside), name=name)


class N42Source:
    """ANSI N42.42, 2006 and 2011/2012."""

    name = "n42"
    priority = 30

    def recognises(self, head: bytes, name: str) -> bool:
        """Tell by the root element; UTF-16 is recognised too, to be refused with its own message."""
        from screening.formats.n42 import is_n42

        return is_n42(head) or is_n42(head.replace(b"\x00", b""))

    def read(self, data: bytes, *, name: str, beside: Beside) -> list[Scan]:
        """Return the scans of a document; see ScanSource."""
        from screening.formats.n42 import read_n42

        return read_n42(data, name=name)

    def read_background(self, data: bytes, *, name: str, beside: Beside) -> Background:
        """Return its background measurements; see ScanSource."""
        from screening.formats.n42 import read_background

        return read_background(data, name=name)


class RpmDailySource:
    """Daily files of gross-count portals."""

    name = "rpm-daily"
    priority = 40

    def recognises(self, head: bytes, name: str) -> bool:
        """Tell by tagged lines that end in a time of day."""
        from screening.formats.rpm import is_daily_file

        return is_daily_file(head)

    def read(self, data: bytes, *, name: str, beside: Beside) -> list[Scan]:
        """Return the occupancies of a day; see ScanSource."""
        from screening.formats.rpm import read_daily_file

        return read_daily_file(data, name=name)

    def read_background(self, data: bytes, *, name: str, beside: Beside) -> Background:
        """Return the first occupancy's background; see ScanSource."""
        return background_of_scans(self.read(data, name=name, beside=beside), name=name)


# fmt: off
_SPECTRUM_SUFFIXES = frozenset((
    ".spe", ".spc", ".pcf", ".cnf", ".chn", ".mca", ".mcs", ".iec", ".gam", ".dat", ".dmp", ".lis", ".lzs",
    ".phd", ".tka", ".csv", ".asc", ".rcspg", ".u8", ".sal", ".ans", ".tracs",
))
# fmt: on
_SPECTRUM_MARK = re.compile(
    rb"\$SPEC_ID|\$DATE_MEA|\$MEAS_TIM|\$MCA_CAL|<ResultDataFile|PMCA SPECTRUM|S1, ?(?:NaI|HPGe)|Fields, RSP"
)


class SpectrumSource:
    """Every other spectrum format, through SandiaSpecUtils (extra ``formats``), in isolation."""

    name = "spectrum"
    priority = 90

    def recognises(self, head: bytes, name: str) -> bool:
        """Tell by known words, or by a known suffix where the content does not speak against it."""
        if _SPECTRUM_MARK.search(head):
            return True
        suffix = PurePath(name).suffix.lower()
        if suffix == ".n42":  # it would have been recognised by its root element
            return False
        if suffix in (".xml", ".gxml"):
            return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
        return suffix in _SPECTRUM_SUFFIXES

    def read(self, data: bytes, *, name: str, beside: Beside) -> list[Scan]:
        """Return the scans of a spectrum file; see ScanSource."""
        from screening.formats.spectra_files import read_spectrum_file

        return read_spectrum_file(data, name=name)

    def read_background(self, data: bytes, *, name: str, beside: Beside) -> Background:
        """Return its background measurements; see ScanSource."""
        from screening.formats.spectra_files import read_spectrum_background

        return read_spectrum_background(data, name=name)
