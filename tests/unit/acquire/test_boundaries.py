"""Scans are found in a lane's bytes at the same places, however the bytes are cut."""

from __future__ import annotations

import itertools
import uuid

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from screening.acquire.boundaries import (
    Boundary,
    BoundaryFinder,
    LineStreamBoundaries,
    PortalBoundaries,
    StxBoundaries,
)
from screening.acquire.spool_format import Address, SpoolRecord
from screening.formats.linestream import (
    LineScanBegin,
    LineScanEnd,
    encode_end,
    encode_header,
    encode_heartbeat,
    encode_line,
)

PORTAL = (
    b"SG1,300,050,05,12,5.0\r\nGB,000410,000402,000399,000421\r\nNB,000003,000002,000004,000001\r\n"
    b"GS,000082,000080,000079,000084\r\nGS,000081,000083,000080,000082\r\nNS,000001,000000,000000,000001\r\n"
    b"SP,0.142,04.802,007.728\r\nGX,000001,000123\r\n"
    b"GB,000411,000402,000399,000421\r\nTT,000000\r\n"
    b"GA,000482,000480,000479,000484\r\nGX,000002,000123\r\n"
)


def _records(data: bytes, cuts: list[int]) -> list[SpoolRecord]:
    """Return DATA records that cut some bytes at given places; the offset is that of the first byte."""
    edges = [0, *sorted({cut for cut in cuts if 0 < cut < len(data)}), len(data)]
    return [
        SpoolRecord(Address(1, start), stop, 1, "P1", i, i, 1_000_000 * i, data[start:stop])
        for i, (start, stop) in enumerate(itertools.pairwise(edges))
    ]


def _stretches(finder: BoundaryFinder, data: bytes, cuts: list[int]) -> list[tuple[int, int, bool]]:
    """Return (first byte, byte behind the last, complete) of each scan, from the places alone."""
    found: list[Boundary] = [b for record in _records(data, cuts) for b in finder.feed(record)]
    assert [b.is_end for b in found] == [False, True] * (len(found) // 2)
    scans = []
    for begin, end in zip(found[::2], found[1::2], strict=True):
        start = begin.place.offset + begin.place.byte
        stop = end.place.offset + end.place.byte + 1
        assert (begin.at, end.at) == (start, stop)
        scans.append((start, stop, end.is_complete))
    return scans


CUTS = st.lists(st.integers(min_value=1, max_value=10_000), max_size=60)


@given(cuts=CUTS)
@settings(max_examples=80, deadline=None)
def test_portal_scans_do_not_depend_on_the_cuts(cuts: list[int]) -> None:
    scans = _stretches(PortalBoundaries(), PORTAL, cuts)
    pieces = [PORTAL[start:stop].strip() for start, stop, _ in scans]
    assert [piece[:9] for piece in pieces] == [b"GS,000082", b"GA,000482"]
    assert [piece[-16:] for piece in pieces] == [b"GX,000001,000123", b"GX,000002,000123"]
    assert all(complete for _, _, complete in scans)


def test_every_byte_for_itself_is_the_same() -> None:
    whole = _stretches(PortalBoundaries(), PORTAL, [])
    assert _stretches(PortalBoundaries(), PORTAL, list(range(len(PORTAL)))) == whole


def test_background_after_intervals_ends_a_scan_whose_gx_was_lost() -> None:
    data = PORTAL.replace(b"GX,000001,000123\r\n", b"")
    scans = _stretches(PortalBoundaries(), data, [])
    assert [complete for _, _, complete in scans] == [False, True]


def test_intervals_at_the_start_of_a_connection_are_no_beginning() -> None:
    finder = PortalBoundaries()
    (begin,) = finder.feed(_records(b"GS,000082,000080,000079,000084\r\n", [])[0])
    assert not begin.is_complete
    finder.reset()
    found = finder.feed(_records(PORTAL, [])[0])
    assert found[0].is_complete


def test_primer_keeps_what_outlasts_an_occupancy() -> None:
    finder = PortalBoundaries()
    finder.feed(_records(PORTAL, [])[0])
    lines = [line for _, line in finder.primer]
    assert sorted(line[:2] for line in lines) == [b"GB", b"NB", b"SG", b"TT"]
    assert b"GB,000411,000402,000399,000421\r\n" in lines
    finder.feed(_records(b"GH,009999,000402,000399,000421\r\n", [])[0])
    assert b"GH" in [line[:2] for _, line in finder.primer]
    finder.feed(_records(b"GB,000400,000402,000399,000421\r\nTC,000000\r\n", [])[0])
    assert sorted(line[:2] for _, line in finder.primer) == [b"GB", b"NB", b"SG", b"TC"]


def test_a_line_without_an_end_takes_no_memory() -> None:
    finder = PortalBoundaries()
    block = b"G" * (1 << 16)
    for i in range(200):
        assert finder.feed(SpoolRecord(Address(1, i << 16), 0, 1, "P1", i, i, i, block)) == []
    assert len(finder._part) <= 1 << 13
    tail = b"\r\n" + PORTAL
    found = finder.feed(SpoolRecord(Address(2, 0), 0, 1, "P1", 201, 1, 1, tail))
    assert [b.is_end for b in found] == [False, True, False, True]


DOCUMENTS = b"noise\x02<a>one</a>\x03between\x02<a>two</a>\x03\x02<a>cut\x02<a>three</a>\x03"


@given(cuts=CUTS)
@settings(max_examples=80, deadline=None)
def test_documents_do_not_depend_on_the_cuts(cuts: list[int]) -> None:
    scans = _stretches(StxBoundaries(), DOCUMENTS, [cut % len(DOCUMENTS) for cut in cuts])
    pieces = [(DOCUMENTS[start:stop], complete) for start, stop, complete in scans]
    assert pieces == [
        (b"\x02<a>one</a>\x03", True),
        (b"\x02<a>two</a>\x03", True),
        (b"\x02<a>cut", False),
        (b"\x02<a>three</a>\x03", True),
    ]


NAMES = [str(uuid.UUID(int=i + 1)) for i in range(2)]


def _scan_frames(name: str) -> bytes:
    frames = [encode_header(name, LineScanBegin(n_row=4, energies=("6MV",)))]
    pixels = np.arange(4, dtype=np.uint16)
    frames += [encode_line(name, i, 0, pixels, time_us=i) for i in range(3)]
    return b"".join([*frames, encode_end(name, LineScanEnd(n_column=3))])


SCANS = [_scan_frames(name) for name in NAMES]
HEARTBEAT = encode_heartbeat(temperature_c=20.0)
LINES = HEARTBEAT + SCANS[0] + HEARTBEAT + SCANS[1] + HEARTBEAT


@given(cuts=CUTS)
@settings(max_examples=80, deadline=None)
def test_line_scans_do_not_depend_on_the_cuts(cuts: list[int]) -> None:
    scans = _stretches(LineStreamBoundaries(), LINES, [cut % len(LINES) for cut in cuts])
    assert [LINES[start:stop] for start, stop, _ in scans] == SCANS


@given(cuts=CUTS, garbage=st.binary(min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_garbage_between_frames_never_makes_a_line_scan_narrower(cuts: list[int], garbage: bytes) -> None:
    data = garbage + SCANS[0] + garbage + SCANS[1] + garbage
    finder = LineStreamBoundaries()
    records = _records(data, [cut % len(data) for cut in cuts])
    found = [b for record in records for b in finder.feed(record)]
    assert [(b.is_end, b.device_scan) for b in found] == [
        (False, NAMES[0]),
        (True, NAMES[0]),
        (False, NAMES[1]),
        (True, NAMES[1]),
    ]
    starts = [len(garbage), 2 * len(garbage) + len(SCANS[0])]
    for i, start in enumerate(starts):
        begin, end = found[2 * i : 2 * i + 2]
        assert begin.place.offset + begin.place.byte <= start
        assert end.place.offset + end.place.byte + 1 >= start + len(SCANS[i])
