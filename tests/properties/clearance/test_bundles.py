"""Whatever one byte of a bundle becomes, it is noticed; and nothing that is noticed is ever accepted."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from screening.clearance.sharing import STRUCTURE, BundleError, Contents, Limits, pack, unpack, verify_bundle
from screening.clearance.sharing.stored_zip import decode_zip, encode_zip
from screening.clearance.sharing.trust import Trust, read_trust
from screening.records import sha256_hex

GOLDEN = Path(__file__).resolve().parents[2] / "golden" / "bundle-1"
DATA = (GOLDEN / "bundle.zip").read_bytes()
AT = datetime(2026, 3, 5, 12, 30, tzinfo=UTC)
#: Public keys in a bundle are for a person to look at: what else their files say is nobody's word.
INFORMATIVE = "keys/"
STRIDE = 41


@pytest.fixture(scope="module")
def trust() -> Trust:
    return read_trust(GOLDEN / "trust")


def refused(data: bytes) -> str:
    try:
        unpack(data)
    except BundleError as error:
        return error.failure
    return ""


def test_every_byte_of_a_bundle_counts() -> None:
    """One value for each byte; all 255 are in tests/benchmarks/test_bench_bundles.py."""
    changed = bytearray(DATA)
    for at in range(len(changed)):
        changed[at] ^= 1 + at % 255
        assert refused(bytes(changed)) in STRUCTURE, at
        changed[at] = DATA[at]


def test_every_shorter_file_is_refused() -> None:
    assert {refused(DATA[:n]) for n in range(0, len(DATA), 7)} <= {"TRUNCATED", "NOT_A_BUNDLE"}


def mended(name: str, content: bytes) -> bytes:
    """The bundle with one member replaced, every checksum, hash and name set right, and the seal left out."""
    members = {n: c for n, c in decode_zip(DATA, Limits()) if not n.startswith("manifest")}
    del members[name]
    folder, _, last = name.partition("/")
    if last and folder != "keys":
        name = f"{folder}/{sha256_hex(content)}{Path(last).suffix}"
    members[name] = content
    listed = [{"name": n, "sha256": sha256_hex(c), "size": len(c)} for n, c in sorted(members.items())]
    stated = {"made_at": "2026-03-05T12:10:00.000Z", "members": listed, "schema": "bundle/1"}
    manifest = json.dumps(stated, sort_keys=True, separators=(",", ":")).encode()
    return encode_zip([("manifest.json", manifest), *sorted(members.items())])


def test_a_member_set_right_and_unchanged_is_found_without_a_seal_alone(trust: Trust) -> None:
    for name, content in decode_zip(DATA, Limits()):
        if not name.startswith("manifest"):
            assert verify_bundle(mended(name, content), trust, AT).codes == ("UNSEALED_BUNDLE",)


def test_a_byte_of_a_member_counts_when_all_checksums_are_set_right(trust: Trust) -> None:
    """Every 41st byte of every member; every byte is in tests/benchmarks/test_bench_bundles.py."""
    for name, content in decode_zip(DATA, Limits()):
        if name.startswith(("manifest", INFORMATIVE)):
            continue
        for at in range(len(name) % STRIDE, len(content), STRIDE):
            changed = content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]
            codes = verify_bundle(mended(name, changed), trust, AT).codes
            assert set(codes) - {"UNSEALED_BUNDLE"}, (name, at)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_refused_with_a_code(data: bytes) -> None:
    assert refused(data) in STRUCTURE


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_any_slice_put_anywhere_is_refused_with_a_code(data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(DATA)))
    part = DATA[start : start + data.draw(st.integers(1, 200))]
    at = data.draw(st.integers(0, len(DATA)))
    changed = DATA[:at] + part + DATA[at + data.draw(st.integers(0, 200)) :]
    assert changed == DATA or refused(changed) in STRUCTURE


MEMBERS = [n for n, _ in decode_zip(DATA, Limits()) if not n.startswith("manifest")]
LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(-(1 << 70), 1 << 70), st.floats(), st.text(max_size=8),
    st.sampled_from(["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59-23:59", "f" * 64, "LOW"]),
)  # fmt: skip
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=2), max_leaves=4)


@settings(max_examples=400, deadline=None)
@given(name=st.sampled_from(MEMBERS), value=VALUES, data=st.data())
def test_whatever_a_field_becomes_there_is_a_report(
    trust: Trust, name: str, value: object, data: st.DataObject
) -> None:
    """Nothing is signed for yet when it is parsed: no value may stop the verification itself."""
    content = dict(decode_zip(DATA, Limits()))[name]
    try:
        record = json.loads(content)
    except ValueError:
        changed = repr(value).encode()
    else:
        field = data.draw(st.sampled_from(sorted(record)))
        changed = json.dumps({**record, field: value}, sort_keys=True, separators=(",", ":")).encode()
    if name.startswith(INFORMATIVE):
        return
    codes = verify_bundle(mended(name, changed), trust, AT).codes
    assert codes != ("UNSEALED_BUNDLE",) or changed == content


_bodies = st.lists(st.binary(max_size=30), max_size=4, unique=True).map(tuple)


@settings(max_examples=100, deadline=None)
@given(decision=st.binary(max_size=30), flags=_bodies, records=_bodies, chain=_bodies, evidence=_bodies)
def test_whatever_is_packed_comes_back_and_opens_elsewhere(
    decision: bytes, flags: tuple[bytes, ...], records: tuple[bytes, ...], chain: tuple[bytes, ...],
    evidence: tuple[bytes, ...],
) -> None:  # fmt: skip
    given_ = Contents(
        made_at="2026-03-05T12:10:00.000Z", decision=decision, flags=flags, records=records, chain=chain,
        evidence=evidence,
    )  # fmt: skip
    data = pack(given_)
    back = unpack(data)
    assert (back.decision, {*back.flags}, {*back.records}) == (decision, {*flags}, {*records})
    assert ({*back.chain}, {*back.evidence}) == ({*chain}, {*evidence})
    assert pack(back) == data
    with zipfile.ZipFile(io.BytesIO(data)) as file:
        assert file.testzip() is None
