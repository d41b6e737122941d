"""N42 documents between STX and ETX."""

from __future__ import annotations

import pytest

from screening.formats.n42stream import N42StreamReader, encode


@pytest.mark.parametrize("chunk", [1, 2, 5, 1000])
def test_documents_by_any_segmentation(chunk):
    data = b"noise" + encode(b"<a/>") + b"\r\n" + encode(b"") + encode(b"<b>\xc3\xa9</b>")
    reader = N42StreamReader()
    found = [doc for i in range(0, len(data), chunk) for doc in reader.feed(data[i : i + chunk])]
    assert found == [b"<a/>", b"", b"<b>\xc3\xa9</b>"]
    assert reader.n_skipped == 7
    assert reader.n_dropped == 0


def test_a_document_cut_by_the_next():
    reader = N42StreamReader()
    assert reader.feed(b"\x02<half" + encode(b"<whole/>")) == [b"<whole/>"]
    assert reader.n_dropped == 1


def test_a_document_that_never_ends_is_dropped():
    reader = N42StreamReader(max_bytes=1000)
    reader.feed(b"\x02")
    for _ in range(100):
        assert reader.feed(b"x" * 100) == []
    assert reader.n_dropped == 1
    assert reader.feed(encode(b"<next/>")) == [b"<next/>"]


def test_half_a_document_at_the_end():
    reader = N42StreamReader()
    reader.feed(b"\x02<half")
    reader.close()
    assert reader.n_dropped == 1
    assert reader.feed(b">\x03") == []


def test_marks_cannot_be_in_a_document():
    with pytest.raises(ValueError, match="STX or ETX"):
        encode(b"a\x03")
