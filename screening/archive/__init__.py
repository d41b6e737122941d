"""The one format on disk: HDF5 with NeXus conventions, one file for each scan, versioned."""

from .layout import ARCHIVE_VERSION
from .reading import read_original, read_products, read_scan, read_untrusted
from .writing import archive_bytes, write_products, write_scan

__all__ = [
    "ARCHIVE_VERSION",
    "archive_bytes",
    "read_original",
    "read_products",
    "read_scan",
    "read_untrusted",
    "write_products",
    "write_scan",
]
