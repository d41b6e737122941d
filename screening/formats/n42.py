"""ANSI N42.42 spectrum files, 2006 and 2011/2012, read with a hardened parser straight into arrays."""

from __future__ import annotations

from screening.errors import FormatError
from screening.records import Background, Scan

from .hardened_xml import MAX_XML_BYTES, local_name, parse_xml
from .measurements import Document
from .n42_2006 import document_2006
from .n42_2012 import document_2012
from .n42_write import write_n42
from .scans import background_of, scans_of

__all__ = ["is_n42", "read_background", "read_n42", "write_n42"]


def is_n42(head: bytes) -> bool:
    """Tell whether a file's first bytes look like N42.42.

    Parameters
    ----------
    head : bytes
        The first few thousand bytes.

    Returns
    -------
    bool
        True if a root element of either version begins in them.
    """
    return b"<" in head and (b"N42InstrumentData" in head or b"RadInstrumentData" in head)


def read_n42(data: bytes, *, name: str, max_bytes: int = MAX_XML_BYTES) -> list[Scan]:
    """Return the scans of an N42.42 document.

    Parameters
    ----------
    data : bytes
        The document.
    name : str
        File name, for messages and the input reference.
    max_bytes : int
        Limit on the document's size, bytes.

    Returns
    -------
    list of Scan
        A vehicle pass (many slices of the same detectors) as one occupancy; every other foreground
        measurement as a static scan.

    Raises
    ------
    ResourceLimitError
        If the document or its spectra exceed a limit.
    FormatError
        If it is not well-formed N42.42, uses document types or entities, or holds no gamma counts.
    """
    return scans_of(_document(data, name, max_bytes), data, name=name)


def read_background(data: bytes, *, name: str, max_bytes: int = MAX_XML_BYTES) -> Background:
    """Return an N42.42 document as a background.

    Parameters
    ----------
    data : bytes
        The document.
    name : str
        File name.
    max_bytes : int
        Limit on the document's size, bytes.

    Returns
    -------
    Background
        The sum of its background measurements; of all its measurements if it calls none background.

    Raises
    ------
    FormatError
        As :func:`read_n42`.
    """
    return background_of(_document(data, name, max_bytes), name=name)


def _document(data: bytes, name: str, max_bytes: int) -> Document:
    root = parse_xml(data, name=name, max_bytes=max_bytes)
    kind = local_name(root)
    if kind == "N42InstrumentData":
        return document_2006(root, name=name)
    if kind == "RadInstrumentData":
        return document_2012(root, name=name)
    raise FormatError(f"{name}: the root element is {kind}, which is not N42", value=kind)
