"""Parse XML that came from elsewhere: no document types, no entities, no network, hard limits.

Files from instruments are plain elements, attributes and text. Everything else XML offers has been
used to attack readers, and none of it is needed here, so it is refused before the parser sees it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from screening.errors import FormatError, ResourceLimitError

if TYPE_CHECKING:
    from lxml import etree

__all__ = ["MAX_XML_BYTES", "child", "children", "local_name", "parse_xml", "text_of"]

MAX_XML_BYTES = 64 * 1024 * 1024
"""Default limit on a document's size, bytes."""

MAX_ELEMENTS = 1_000_000
"""Limit on tags, opening or closing: as a tree, a tag of four bytes takes over a hundred."""

_ENCODING = re.compile(rb"""^\s*<\?xml[^>]{0,200}?encoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_ENCODINGS = {b"utf-8", b"utf8", b"us-ascii", b"ascii", b"iso-8859-1", b"latin-1", b"windows-1252"}
_PLACE = re.compile(r" \(<string>, line \d+\)$")
_UTF8_MARK = b"\xef\xbb\xbf"
_WIDE_MARKS = (b"\xff\xfe", b"\xfe\xff", b"\x00\x00\xfe\xff")


def parse_xml(data: bytes, *, name: str, max_bytes: int = MAX_XML_BYTES) -> etree._Element:
    """Return the root element of a document.

    Parameters
    ----------
    data : bytes
        UTF-8, ASCII, Latin-1 or Windows-1252 XML.
    name : str
        Name of the file, for messages.
    max_bytes : int
        Size limit, bytes.

    Returns
    -------
    lxml.etree._Element
        The root; comments and processing instructions are dropped.

    Raises
    ------
    ResourceLimitError
        If the document is too large, too deep or has too many elements.
    FormatError
        If it is empty, in another encoding, has a document type, or is not well formed.
    """
    from lxml import etree

    _refuse_dangerous(data, name, max_bytes)
    # huge_tree stays off: libxml2 then stops at a depth of 256 and at 10 MB of text in one node.
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        attribute_defaults=False,
        huge_tree=False,
        recover=False,
        remove_comments=True,
        remove_pis=True,
        ns_clean=False,
        collect_ids=False,
    )
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        # lxml ends in the name of a file, which a document in memory has not.
        message = _PLACE.sub("", str(error).split("\n")[0])
        if "depth" in message or "huge" in message.lower():
            raise ResourceLimitError(f"{name}: XML exceeds a limit of the parser: {message}") from None
        raise FormatError(f"{name}: not well-formed XML: {message}", value=message) from None
    except ValueError as error:
        raise FormatError(f"{name}: not readable XML: {error}") from None
    if root is None:
        raise FormatError(f"{name}: the document has no root element")
    return root


def _refuse_dangerous(data: bytes, name: str, max_bytes: int) -> None:
    if len(data) > max_bytes:
        raise ResourceLimitError(f"{name}: {len(data)} bytes of XML, the limit is {max_bytes}")
    if not data.strip():
        raise FormatError(f"{name}: the file is empty", value=len(data))
    if data.startswith(_WIDE_MARKS) or b"\x00" in data:
        raise FormatError(f"{name}: UTF-16, UTF-32 or NUL bytes; only UTF-8 and ASCII XML is read")
    head = data[len(_UTF8_MARK) :] if data.startswith(_UTF8_MARK) else data
    declared = _ENCODING.match(head[:400])
    if declared and declared.group(1).lower() not in _ENCODINGS:
        encoding = declared.group(1).decode("ascii")
        raise FormatError(f"{name}: XML encoding {encoding} is not read", value=encoding)
    for marker in (b"<!DOCTYPE", b"<!ENTITY", b"<!doctype"):
        if marker in data:
            raise FormatError(f"{name}: document types and entities are refused ({marker.decode()} found)")
    n_tags = data.count(b"<")
    if n_tags > MAX_ELEMENTS:
        raise ResourceLimitError(f"{name}: {n_tags} tags, the limit is {MAX_ELEMENTS}", value=n_tags)


def local_name(element: etree._Element) -> str:
    """Return an element's name without its namespace.

    Parameters
    ----------
    element : lxml.etree._Element
        The element.

    Returns
    -------
    str
        Local name.
    """
    tag = str(element.tag)
    return tag.rpartition("}")[2]


def children(element: etree._Element, *names: str) -> list[etree._Element]:
    """Return the direct children of the given local names, in document order.

    Parameters
    ----------
    element : lxml.etree._Element
        Parent.
    *names : str
        Local names wanted.

    Returns
    -------
    list of lxml.etree._Element
        Matching children.
    """
    return [item for item in element if local_name(item) in names]


def child(element: etree._Element, name: str) -> etree._Element | None:
    """Return the first direct child of a local name.

    Parameters
    ----------
    element : lxml.etree._Element
        Parent.
    name : str
        Local name.

    Returns
    -------
    lxml.etree._Element or None
        The child; None without one.
    """
    for item in element:
        if local_name(item) == name:
            return item
    return None


def text_of(element: etree._Element, name: str) -> str | None:
    """Return the stripped text of the first direct child of a local name.

    Parameters
    ----------
    element : lxml.etree._Element
        Parent.
    name : str
        Local name of the child.

    Returns
    -------
    str or None
        Its text; None if there is no such child or it is blank.
    """
    item = child(element, name)
    if item is None or item.text is None:
        return None
    return item.text.strip() or None
