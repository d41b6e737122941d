"""Where stored scans come from: files recognised by their content, behind one protocol."""

from .opening import open_background, open_scan, open_scans, recognise, scan_files
from .protocol import Beside, ScanSource
from .registry import registered_sources

__all__ = [
    "Beside",
    "ScanSource",
    "open_background",
    "open_scan",
    "open_scans",
    "recognise",
    "registered_sources",
    "scan_files",
]
