"""Channel data of N42: what is read, and what is refused where."""

from __future__ import annotations

import numpy as np
import pytest

from screening.errors import FormatError, ResourceLimitError


@pytest.mark.parametrize(
    ("text", "counted", "expected"),
    [
        (b"1 2 3", False, [1, 2, 3]),
        (b"1 0 3", False, [1, 0, 3]),
        (b"\r\n\t 007\n0  5 \r\n", False, [7, 0, 5]),
        (b"0 3 4 0 1", True, [0, 0, 0, 4, 0]),
        (b"12.0 3. 4.000 0.0", False, [12, 3, 4, 0]),
        (b"0.0 2.0 5", True, [0, 0, 5]),
        (b"4294967295", False, [4294967295]),
        (b"00000000000000000000000000000001", False, [1]),
        (b"0 1048576", True, [0] * 1048576),
    ],
)
def test_what_is_read(engine, text, counted, expected):
    for n_channel in (None, len(expected)):
        counts = engine.parse_counts(text, n_channel, counted_zeroes=counted)
        assert counts.dtype == np.uint32
        np.testing.assert_array_equal(counts, expected)


@pytest.mark.parametrize(
    ("text", "counted", "position", "token"),
    [
        (b"1 -2 3", False, 2, b"-2"),
        (b"1 +2", False, 2, b"+2"),
        (b"1 two", False, 2, b"two"),
        (b"1 2,3", False, 2, b"2,3"),
        (b"1 2.5", False, 2, b"2.5"),
        (b"1 .0", False, 2, b".0"),
        (b"1 1e3", False, 2, b"1e3"),
        (b"1 2.0.0", False, 2, b"2.0.0"),
        (b"1 nan", False, 2, b"nan"),
        (b"1 2\x003", False, 2, b"2\x003"),
        (b"1 \xd9\xa1", False, 2, b"\xd9\xa1"),
        (b"1  4294967296", False, 3, b"4294967296"),
        (b"99999999999999999999999999999999", False, 0, b"99999999999999999999999999999999"),
        (b"99999999999999999999999999999999x", False, 0, b"99999999999999999999999999999999x"),
        (b"5 0", True, 2, b"0"),
        (b"5 0 \n", True, 2, b"0"),
        (b"5 0 0", True, 4, b"0"),
        (b"5 0 -3", True, 4, b"-3"),
        (b"5 0 x", True, 4, b"x"),
    ],
)
@pytest.mark.parametrize("n_channel", [None, 4])
def test_what_is_refused_names_its_place(engine, text, counted, position, token, n_channel):
    with pytest.raises(FormatError, match=rf"byte {position}$") as caught:
        engine.parse_counts(text, n_channel, counted_zeroes=counted)
    assert caught.value.value == token


@pytest.mark.parametrize(
    ("text", "position"), [(b"1 2 3 4 5", 8), (b"1 0 4", 2), (b"0 4 1", 4), (b"0 4294967295", 0)]
)
def test_channels_past_the_end(engine, text, position):
    with pytest.raises(FormatError, match=rf"more than 4 channels at byte {position}$"):
        engine.parse_counts(text, 4, counted_zeroes=b" 0 " in text or text.startswith(b"0"))


@pytest.mark.parametrize("text", [b"", b" \n", b"1 2 3", b"0 3"])
def test_fewer_channels_than_due(engine, text):
    with pytest.raises(FormatError, match="channels where 4 are due"):
        engine.parse_counts(text, 4, counted_zeroes=text == b"0 3")


@pytest.mark.parametrize("text", [b"", b" \t\r\n"])
def test_text_without_channels(engine, text):
    with pytest.raises(FormatError, match="0 channels"):
        engine.parse_counts(text, None, counted_zeroes=True)


def test_zeros_cannot_ask_for_memory(engine):
    with pytest.raises(ResourceLimitError, match="1048576"):
        engine.parse_counts(b"7 0 4294967295", None, counted_zeroes=True)


def test_out_is_overwritten_unless_promised_to_be_zero(engine):
    out = np.full(5, 9, np.uint32)
    assert engine.parse_counts(b"1 0 3 2", None, counted_zeroes=True, out=out) is out
    assert out.tolist() == [1, 0, 0, 0, 2]
    out = np.zeros(5, np.uint32)
    engine.parse_counts(b"1 0 3 2", 5, counted_zeroes=True, out=out, is_zeroed=True)
    assert out.tolist() == [1, 0, 0, 0, 2]


def test_row_of_a_larger_array(engine):
    spectra = np.zeros((2, 3), np.uint32)
    engine.parse_counts(b"7 8 9", 3, counted_zeroes=False, out=spectra[1], is_zeroed=True)
    assert spectra.tolist() == [[0, 0, 0], [7, 8, 9]]


@pytest.mark.parametrize(
    ("n_channel", "out", "error"),
    [
        (0, None, ValueError),
        (-1, None, ValueError),
        (1 << 21, None, ValueError),
        (3, np.zeros(2, np.uint32), ValueError),
        (3, np.zeros(3, np.int32), TypeError),
        (3, np.zeros(6, np.uint32)[::2], ValueError),
        (None, np.zeros(0, np.uint32), ValueError),
    ],
)
def test_wrong_arguments_are_refused(engine, n_channel, out, error):
    with pytest.raises(error):
        engine.parse_counts(b"1 2 3", n_channel, counted_zeroes=False, out=out)


def test_text_of_another_type_is_refused(engine):
    with pytest.raises(TypeError, match="bytes"):
        engine.parse_counts("1 2 3", 3, counted_zeroes=False)
