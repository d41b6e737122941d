"""One file, one form: what it takes, and a code for everything else."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib

import msgspec
import pytest

from screening.clearance.sharing import BundleError, Contents, Limits, pack, unpack
from screening.clearance.sharing.stored_zip import decode_zip, encode_zip
from screening.records import sha256_hex

SMALL = Contents(made_at="2026-03-05T12:00:00.000Z", decision=b"{}", flags=(b"[1]", b"[2]"))


def failure_of(data: bytes, limits: Limits | None = None) -> str:
    with pytest.raises(BundleError) as caught:
        unpack(data, limits)
    return caught.value.failure


def foreign(members: list[tuple[str, bytes]], method: int = zipfile.ZIP_STORED) -> bytes:
    """The same members as another program writes them."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as file:
        for name, content in members:
            file.writestr(zipfile.ZipInfo(name), content, method)
    return out.getvalue()


def with_field(data: bytes, offset: int, layout: str, value: int) -> bytes:
    """A header field changed; the first local header is at 0."""
    changed = bytearray(data)
    struct.pack_into(layout, changed, offset, value)
    return bytes(changed)


def central(data: bytes) -> int:
    """Where the directory begins."""
    return struct.unpack_from("<I", data, len(data) - 6)[0]


def test_a_bundle_comes_back_as_it_was(site) -> None:
    contents = site.contents()
    data = pack(contents)
    back = unpack(data)
    assert {*back.flags} == {*contents.flags}
    assert (back.decision, back.policy, back.head, back.made_at) == (
        contents.decision, contents.policy, contents.head, contents.made_at,
    )  # fmt: skip
    assert pack(back) == data


def test_the_order_in_which_contents_are_given_makes_no_difference() -> None:
    turned = msgspec.structs.replace(SMALL, flags=SMALL.flags[::-1])
    assert pack(turned) == pack(SMALL)


def test_other_programs_open_a_bundle(site) -> None:
    with zipfile.ZipFile(io.BytesIO(pack(site.contents()))) as file:
        assert file.testzip() is None
        assert {one.compress_type for one in file.infolist()} == {zipfile.ZIP_STORED}
        assert {one.date_time for one in file.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        listed = json.loads(file.read("manifest.json"))["members"]
        assert [one["name"] for one in listed] == file.namelist()[1:]


def test_a_bundle_of_another_program_is_refused() -> None:
    members = decode_zip(pack(SMALL), Limits())
    assert failure_of(foreign(members)) in {"NOT_CANONICAL_BUNDLE", "DIRECTORY"}
    assert failure_of(foreign(members, zipfile.ZIP_DEFLATED)) == "COMPRESSED"


def test_a_deflated_bomb_is_refused_before_it_is_unpacked() -> None:
    bomb = foreign([("manifest.json", bytes(64 << 20))], zipfile.ZIP_DEFLATED)
    assert len(bomb) < 1 << 20
    assert failure_of(bomb) == "COMPRESSED"


DATA = pack(SMALL)
BODY = DATA[: central(DATA)]
NAMES = [name for name, _ in decode_zip(DATA, Limits())]
STRUCTURES = {
    "nothing": (b"", "NOT_A_BUNDLE"),
    "text": (b"a decision", "NOT_A_BUNDLE"),
    "an empty zip": (encode_zip([]), "NOT_A_BUNDLE"),
    "bytes before": (b"MZ" + DATA, "PREPENDED"),
    "bytes after": (DATA + b"\0", "APPENDED"),
    "a second zip after": (DATA + DATA, "APPENDED"),
    "cut in the directory": (DATA[:-30], "TRUNCATED"),
    "cut in the last record": (DATA[:-1], "TRUNCATED"),
    "cut in a member": (DATA[:60], "TRUNCATED"),
    "cut in a header": (DATA[:20], "TRUNCATED"),
    "no directory": (BODY, "TRUNCATED"),
    "a comment": (DATA[:-2] + b"\x04\0LOW!", "COMMENT"),
    "encrypted": (with_field(DATA, 6, "<H", 1), "ENCRYPTED"),
    "a data descriptor": (with_field(DATA, 6, "<H", 8), "NOT_CANONICAL_BUNDLE"),
    "names declared UTF-8": (with_field(DATA, 6, "<H", 0x800), "NOT_CANONICAL_BUNDLE"),
    "deflated by its header": (with_field(DATA, 8, "<H", 8), "COMPRESSED"),
    "another time": (with_field(DATA, 10, "<H", 1), "NOT_CANONICAL_BUNDLE"),
    "zip64 by version": (with_field(DATA, 4, "<H", 45), "ZIP64"),
    "zip64 by size": (with_field(DATA, 22, "<I", 0xFFFFFFFF), "ZIP64"),
    "zip64 by record": (BODY + b"PK\x06\x06" + DATA[len(BODY) :], "ZIP64"),
    "two sizes": (with_field(DATA, 18, "<I", 1), "COMPRESSED"),
    "a size beyond the file": (
        with_field(with_field(DATA, 18, "<I", 1 << 30), 22, "<I", 1 << 30), "TRUNCATED",
    ),
    "an extra field": (with_field(DATA, 28, "<H", 4), "EXTRA_FIELD"),
    "a checksum": (with_field(DATA, 14, "<I", 1), "CORRUPT"),
    "the directory names another": (DATA[:-40] + DATA[-40:].replace(b".json", b".jsou"), "DIRECTORY"),
    "the directory points elsewhere": (with_field(DATA, central(DATA) + 42, "<I", 7), "DIRECTORY"),
    "the directory counts less": (with_field(DATA, len(DATA) - 12, "<H", 1), "DIRECTORY"),
}  # fmt: skip


@pytest.mark.parametrize("name", STRUCTURES)
def test_a_structure_that_is_not_ours_is_refused(name: str) -> None:
    data, failure = STRUCTURES[name]
    assert failure_of(data) == failure


def manifest_for(members: list[tuple[str, bytes]]) -> bytes:
    listed = [{"name": n, "sha256": sha256_hex(c), "size": len(c)} for n, c in members]
    text = json.dumps({"made_at": SMALL.made_at, "members": listed, "schema": "bundle/1"}, sort_keys=True)
    return text.replace(" ", "").encode()


def zipped(*members: tuple[str, bytes]) -> bytes:
    return encode_zip([("manifest.json", manifest_for(list(members))), *members])


DECISION = ("decision.json", b"{}")
MEMBERS = {
    "parent folder": (zipped(DECISION, ("../decision.json", b"{}")), "BAD_NAME"),
    "parent folder within": (zipped(DECISION, ("flags/../x", b"{}")), "BAD_NAME"),
    "absolute": (zipped(DECISION, ("/etc/passwd", b"{}")), "BAD_NAME"),
    "backslashes": (zipped(DECISION, ("flags\\x", b"{}")), "BAD_NAME"),
    "a drive": (zipped(DECISION, ("C:x", b"{}")), "BAD_NAME"),
    "a NUL": (zipped(DECISION, ("flags/x\0.json", b"{}")), "BAD_NAME"),
    "no name": (zipped(DECISION, ("", b"{}")), "BAD_NAME"),
    "a folder": (zipped(DECISION, ("flags/", b"")), "BAD_NAME"),
    "another folder": (zipped(DECISION, ("more/x", b"{}")), "BAD_NAME"),
    "another file": (zipped(DECISION, ("readme", b"{}")), "BAD_NAME"),
    "a long name": (zipped(DECISION, ("flags/" + "a" * 400, b"{}")), "NAME_TOO_LONG"),
    "a wrong hash": (zipped(DECISION, (f"flags/{'0' * 64}.json", b"{}")), "WRONG_NAME"),
    "a key without identifier": (zipped(DECISION, ("keys/ops-0.pub", b"{}")), "WRONG_NAME"),
    "twice": (zipped(DECISION, DECISION), "DUPLICATE_NAME"),
    "no decision": (zipped(), "DECISION_MISSING"),
    "out of order": (zipped(*reversed(decode_zip(DATA, Limits())[1:])), "ORDER"),
    "no manifest": (encode_zip([DECISION]), "MANIFEST_MISSING"),
    "a manifest that is no JSON": (encode_zip([("manifest.json", b"{"), DECISION]), "MANIFEST_MALFORMED"),
    "a manifest with spaces": (
        encode_zip([("manifest.json", manifest_for([DECISION]) + b" "), DECISION]), "MANIFEST_MALFORMED",
    ),
    "a manifest with an unknown field": (
        encode_zip([("manifest.json", manifest_for([DECISION]).replace(b"{", b'{"a":1,', 1)), DECISION]),
        "MANIFEST_MALFORMED",
    ),
    "a manifest of another version": (
        encode_zip([("manifest.json", manifest_for([DECISION]).replace(b"bundle/1", b"bundle/2")), DECISION]),
        "MANIFEST_MALFORMED",
    ),
    "a member not listed": (encode_zip([("manifest.json", manifest_for([])), DECISION]), "MANIFEST_MISMATCH"),
    "a member listed that is not there": (
        encode_zip([("manifest.json", manifest_for([DECISION, ("head.json", b"")])), DECISION]),
        "MANIFEST_MISMATCH",
    ),
    "a hash edited": (
        encode_zip([("manifest.json", manifest_for([("decision.json", b"[]")])), DECISION]),
        "MANIFEST_MISMATCH",
    ),
    "listed out of order": (
        encode_zip([("manifest.json", manifest_for([("policy.toml", b""), DECISION])),
                    DECISION, ("policy.toml", b"")]),
        "NOT_CANONICAL_BUNDLE",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MEMBERS)
def test_members_that_do_not_belong_are_refused(name: str) -> None:
    data, failure = MEMBERS[name]
    assert failure_of(data) == failure


@pytest.mark.parametrize(
    ("limits", "failure"),
    [
        (Limits(n_bytes=1000), "TOO_LARGE"),
        (Limits(n_members=3), "TOO_MANY_MEMBERS"),
        (Limits(n_name=20), "NAME_TOO_LONG"),
        (Limits(n_record_bytes=100), "TOO_LARGE"),
    ],
)
def test_the_budget_of_a_bundle_is_kept(limits: Limits, failure: str) -> None:
    assert failure_of(DATA, limits) == failure


def test_two_members_that_share_bytes_are_refused() -> None:
    """The overlapping members of a bomb: every local header lies within the one before."""
    inner = encode_zip([("decision.json", b"{}")])
    data = encode_zip([("manifest.json", inner)])
    at = data.index(b"PK\x03\x04", 4)
    forged = with_field(data, central(data) + 42, "<I", at)
    assert failure_of(forged) == "DIRECTORY"


def test_a_member_may_hold_what_looks_like_a_zip(site) -> None:
    contents = site.contents(evidence=(DATA,))
    assert unpack(pack(contents)).evidence == (DATA,)


def test_the_checksum_is_that_of_the_zip_format() -> None:
    assert struct.unpack_from("<I", DATA, 14)[0] == zlib.crc32(decode_zip(DATA, Limits())[0][1])
    assert NAMES[0] == "manifest.json"
