"""Lines come out the same however the stream was cut."""

from __future__ import annotations

import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from screening.clearance.transit.lines import LineSplitter


@given(st.lists(st.binary(max_size=12).map(lambda b: b.replace(b"\n", b"")), max_size=8), st.data())
def test_any_cut_gives_the_lines_of_the_whole(lines, data):
    stream = b"\n".join(lines)
    whole = LineSplitter(6)
    expected = whole.feed(stream) + whole.rest()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=10)))
    splitter, found = LineSplitter(6), []
    for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        found += splitter.feed(stream[start:end])
    assert found + splitter.rest() == expected
    assert expected == [line if len(line) <= 6 else None for line in stream.split(b"\n")][: len(expected)]


def test_byte_by_byte():
    splitter = LineSplitter(3)
    found = [line for byte in b"abc\nabcd\n\nxyz" for line in splitter.feed(bytes([byte]))]
    assert found == [b"abc", None, b""]
    assert splitter.is_partial
    assert splitter.rest() == [b"xyz"]
    assert not splitter.is_partial


def test_a_line_of_a_gibibyte_is_passed_over_in_bounded_memory():
    splitter, piece = LineSplitter(16 << 10), b"x" * (1 << 20)
    tracemalloc.start()
    for _ in range(1024):
        assert splitter.feed(piece) == []
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert splitter.feed(b"\nnext\n") == [None, b"next"]
    assert peak < 1 << 20
