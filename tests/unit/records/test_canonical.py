from __future__ import annotations

import hashlib
import json
import uuid
from datetime import UTC, datetime, timedelta, timezone

import msgspec
import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from screening.errors import IntegrityError
from screening.records import (
    SealEvent,
    Targeting,
    canonical_bytes,
    content_id,
    decimal_string,
    file_scan_id,
    parse_canonical,
    parse_strict,
    sha256_hex,
    utc_string,
)

TARGETING = (
    b'{"administration":"CA","at":"2026-03-01T12:00:00.000Z","container_id":"CSQU3054383",'
    b'"level":"LOW","schema":"targeting/1","source":"s"}'
)


@pytest.mark.parametrize(
    ("document", "expected"),
    [
        ({}, b"{}"),
        ({"b": 1, "a": [True, False, None]}, b'{"a":[true,false,null],"b":1}'),
        ({"n": [0, -1, 2**53 - 1]}, b'{"n":[0,-1,9007199254740991]}'),
        # Section 3.2.2.2: controls escaped shortly or as lower-case \\u00xx, all else as it is.
        ({"s": '€$\x0f\nA\'B"\\\\"/'}, b'{"s":"\xe2\x82\xac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'),
        # Section 3.2.3: keys sorted by UTF-16 code units, where U+1F600 comes before U+FB33.
        (
            {"€": 1, "\r": 2, "\ufb33": 3, "1": 4, "😀": 5, "\x80": 6, "ö": 7},
            '{"\\r":2,"1":4,"\x80":6,"ö":7,"€":1,"😀":5,"\ufb33":3}'.encode(),
        ),
        ({"a": {"d": {}, "c": []}}, b'{"a":{"c":[],"d":{}}}'),
    ],
)
def test_known_forms(document, expected) -> None:
    assert canonical_bytes(document) == expected


JsonValue = str | int | bool | None | list | dict

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(document=st.dictionaries(st.text() | st.text('ab\\n"/ u1'), JSON, max_size=5))
def test_the_form_is_that_of_the_reference_encoder(document) -> None:
    assert canonical_bytes(document) == rfc8785.dumps(document)


@pytest.mark.parametrize("number", [2**53, -(2**53), 10**20])
def test_numbers_beyond_exact_doubles_are_refused(number) -> None:
    with pytest.raises(IntegrityError):
        canonical_bytes({"n": [1, number]})


def test_a_record_has_one_form() -> None:
    record = parse_strict(TARGETING, Targeting)
    assert canonical_bytes(record) == TARGETING
    assert content_id(record, without=()) == hashlib.sha256(TARGETING).hexdigest() == sha256_hex(TARGETING)
    assert b"source" not in canonical_bytes(record, without=("source",))


@pytest.mark.parametrize("value", [1.0, 0.5, float("nan"), float("inf"), [1, {"x": 2.5}], (3.0,)])
def test_floats_are_refused_wherever_they_are(value) -> None:
    with pytest.raises(IntegrityError, match="decimal strings"):
        canonical_bytes({"a": value})


@given(value=st.floats(), inside=JSON)
def test_no_float_hides_among_other_values(value, inside) -> None:
    for record in (
        {"a": inside, "b": [{"c": [inside, value]}]},
        Targeting(container_id="C", level="LOW", administration=value, source=str(inside), at="T"),  # type: ignore[arg-type]
    ):
        with pytest.raises(IntegrityError, match="decimal strings"):
            canonical_bytes(record)


# Their bytes in MessagePack hold those that mark floats and long integers.
@pytest.mark.parametrize("number", [0xCA, 0xCB, 0xCF, 0xD3, -0xCB, 0xCBCA, 0xCB00CB, 2**32, -(2**40), 2**50])
def test_integers_that_look_like_floats_within_are_written_as_they_are(number) -> None:
    assert canonical_bytes({"n": [number, "\u02cb"]}) == rfc8785.dumps({"n": [number, "\u02cb"]})
    assert canonical_bytes({"n": [number]}) == b'{"n":[%d]}' % number


@pytest.mark.parametrize("value", [2**53, -(2**53)])
def test_integers_that_not_every_reader_holds_are_refused(value) -> None:
    with pytest.raises(IntegrityError):
        canonical_bytes({"a": value})


@pytest.mark.parametrize(
    "data",
    [
        TARGETING.replace(b'"level":"LOW"', b'"level":"HIGH","level":"LOW"'),
        TARGETING.replace(b'"level":"LOW"', b'"level":"LOWER"'),
        TARGETING.replace(b'"level":"LOW"', b'"level":NaN'),
        TARGETING.replace(b'"level":"LOW"', b'"level":Infinity'),
        TARGETING.replace(b'"level":"LOW"', b'"level":"LOW","more":1'),
        TARGETING.replace(b'"level":"LOW",', b""),
        TARGETING.replace(b"targeting/1", b"targeting/2"),
        TARGETING.replace(b'"s"', b'"\xff"'),
        TARGETING[:-1],
        TARGETING + b"x",
        b"[" * 100_000,
        b"",
        b"null",
    ],
)
def test_what_others_sent_is_parsed_strictly(data) -> None:
    with pytest.raises(IntegrityError):
        parse_strict(data, Targeting)


class Tree(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    a: dict[str, JsonValue] | None = None
    b: tuple[Tree, ...] = ()
    c: JsonValue = None


class _Pairs(list):
    """An object as the pairs it is written with."""


def _written(value: object) -> str:
    if isinstance(value, _Pairs):
        return "{" + ",".join(f"{json.dumps(name)}:{_written(item)}" for name, item in value) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_written, value)) + "]"
    return json.dumps(value)


def _has_twice(value: object) -> bool:
    if isinstance(value, _Pairs):
        names = [name for name, _ in value]
        return len(set(names)) < len(names) or any(_has_twice(item) for _, item in value)
    return isinstance(value, list) and any(map(_has_twice, value))


ANY_PAIRS = st.recursive(
    st.none() | st.integers(-3, 3) | st.text("ab\\", max_size=2),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.lists(st.tuples(st.sampled_from("abc"), inner), max_size=4).map(_Pairs)
    ),
    max_leaves=10,
)


@given(pairs=st.lists(st.tuples(st.sampled_from("abc"), ANY_PAIRS), max_size=4).map(_Pairs))
def test_no_duplicate_key_survives_whether_or_not_the_rest_is_canonical(pairs) -> None:
    ordered = _Pairs(sorted(pairs, key=lambda pair: pair[0]))
    for written in (pairs, ordered):
        data = _written(written).encode()
        for kind in (Tree, dict):
            if _has_twice(written):
                with pytest.raises(IntegrityError):
                    parse_strict(data, kind)
            elif kind is dict:
                assert parse_strict(data, kind) == json.loads(data)


@given(tree=st.dictionaries(st.sampled_from(["a", "b", "c"]), JSON, max_size=3))
def test_one_key_more_is_refused_in_bytes_that_were_canonical(tree) -> None:
    data = canonical_bytes(tree)
    assert parse_strict(data, dict) == tree
    for key in tree:
        again = b"%b:%b," % (json.dumps(key).encode(), canonical_bytes({"x": tree[key]})[5:-1])
        with pytest.raises(IntegrityError, match="duplicate"):
            parse_strict(b"{" + again + data[1:], dict)


@pytest.mark.parametrize(
    "data",
    [
        TARGETING.replace(b":", b": "),
        TARGETING.replace(b'"level":"LOW"', b'"level":"HIGH","level":"LOW"'),
        TARGETING.replace(b"CSQU", b"CS\\u0051U"),
        TARGETING.replace(b'"s"', b'"\xc2\xb5Sv"'),
        TARGETING[:-1],
        b"",
    ],
)
def test_only_plain_canonical_bytes_are_taken_without_a_closer_look(data) -> None:
    assert parse_canonical(TARGETING, Targeting) == parse_strict(TARGETING, Targeting)
    assert parse_canonical(data, Targeting) is None


def test_duplicate_keys_are_refused_at_any_depth() -> None:
    event = b'{"container_id":"C","seal_id":"S","event":"READ","at":"T","place":{"a":1,"a":2}}'
    with pytest.raises(IntegrityError, match="duplicate"):
        parse_strict(event, SealEvent)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "none"), (float("nan"), "none"), (float("-inf"), "none"), (0.0, "0"), (-0.0, "0"),
        (12.5, "12.5"),
        (0.000125, "0.000125"), (-3.0, "-3"), (1e9, "1000000000"), (7, "7"), (1e-7, "0.0000001"),
        (0.1 + 0.2, "0.3"), (123456.7, "123457"),
    ],
)  # fmt: skip
def test_decimal_strings(value, expected) -> None:
    assert decimal_string(value) == expected


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12))
def test_decimal_strings_are_the_number_to_six_digits(value: float) -> None:
    text = decimal_string(value)
    assert "e" not in text.lower()
    assert float(text) == pytest.approx(value, rel=5e-6, abs=0)
    assert decimal_string(float(text)) == text


def test_times_are_utc_with_milliseconds() -> None:
    t = datetime(2010, 1, 24, 1, 8, 24, 78_900, tzinfo=timezone(timedelta(hours=1)))
    assert utc_string(t) == "2010-01-24T00:08:24.078Z"
    assert utc_string(datetime(2010, 1, 24, tzinfo=UTC)) == "2010-01-24T00:00:00.000Z"
    assert utc_string(None) is None
    with pytest.raises(ValueError, match="zone"):
        utc_string(datetime(2010, 1, 24))


def test_the_scan_id_of_a_file_is_a_uuid_of_version_8() -> None:
    one = uuid.UUID(file_scan_id("a" * 64))
    assert (one.version, one.variant) == (8, uuid.RFC_4122)
    assert file_scan_id("a" * 64) == str(one)
    assert len({file_scan_id("a" * 64, i) for i in range(100)} | {file_scan_id("b" * 64)}) == 101
