"""One file that carries a decision to another administration: its contents, written and read back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Annotated, Literal

import msgspec

from screening.clearance.keys import Signer
from screening.errors import IntegrityError
from screening.records import canonical_bytes, parse_strict, sha256_hex

from .failures import BundleError
from .stored_zip import Limits, decode_zip, encode_zip

__all__ = [
    "BUNDLE",
    "Contents",
    "DetachedSeal",
    "InclusionProof",
    "Manifest",
    "Member",
    "manifest_of",
    "pack",
    "unpack",
]

#: Schema of the manifest; its seal is a signature over this kind of content.
BUNDLE = "bundle/1"
_Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
_Count = Annotated[int, msgspec.Meta(ge=0, lt=1 << 53)]
_MANIFEST, _SEAL = "manifest.json", "manifest.json.sig"


class Member(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of a bundle.

    Attributes
    ----------
    name : str
        Its name.
    size : int
        Bytes.
    sha256 : str
        Their hash.
    """

    name: str
    size: _Count
    sha256: _Sha256


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a bundle holds.

    Attributes
    ----------
    schema : {"bundle/1"}
        Version of the format.
    made_at : str
        When it was put together, RFC 3339 UTC: the evidence is as of then.
    members : tuple of Member
        Every other file except the seal of the manifest, in the order of the bundle.
    """

    made_at: str
    members: tuple[Member, ...]
    schema: Literal["bundle/1"] = "bundle/1"


class DetachedSeal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A signature that stands apart from what it covers."""

    key_id: str
    signature: str


class InclusionProof(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """That a decision is an entry of a ledger.

    Attributes
    ----------
    schema : {"inclusion/1"}
        Version of this file.
    index : int
        Which entry.
    size : int
        Entries of the ledger under the head.
    path : tuple of str
        Hashes from the leaf's sibling to the root (RFC 6962), hexadecimal.
    """

    index: _Count
    size: _Count
    path: tuple[_Sha256, ...]
    schema: Literal["inclusion/1"] = "inclusion/1"


class Contents(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a bundle carries, as bytes: nothing in here has been verified.

    Collections come in the order of their hashes (keys: of their identifiers), whatever order they
    were given in.

    Attributes
    ----------
    made_at : str
        When it was put together, RFC 3339 UTC.
    decision : bytes
        The sealed decision.
    flags : tuple of bytes
        The flags it names.
    records : tuple of bytes
        Every other sealed record of the case.
    chain : tuple of bytes
        Earlier decisions of the container.
    policy, policy_signature : bytes or None
        The policy file of the decision and its detached signature.
    cards : tuple of bytes
        Cards of the models behind the flags.
    keys : tuple of bytes
        Public keys, for a person to compare. They are never trusted.
    head : bytes or None
        A signed tree head of the ledger.
    inclusion : bytes or None
        That the decision is in the ledger under that head.
    evidence : tuple of bytes
        Files that signed records name by their hash: scans, pictures, N42.
    seal : bytes or None
        The sender's signature over the manifest; :func:`pack` makes it.
    """

    made_at: str
    decision: bytes
    flags: tuple[bytes, ...] = ()
    records: tuple[bytes, ...] = ()
    chain: tuple[bytes, ...] = ()
    policy: bytes | None = None
    policy_signature: bytes | None = None
    cards: tuple[bytes, ...] = ()
    keys: tuple[bytes, ...] = ()
    head: bytes | None = None
    inclusion: bytes | None = None
    evidence: tuple[bytes, ...] = ()
    seal: bytes | None = None


def _key_name(data: bytes) -> str:
    try:
        key_id = msgspec.json.decode(data)["key_id"]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, KeyError, TypeError):
        raise BundleError("a key without an identifier", "WRONG_NAME", value=data[:64]) from None
    if not isinstance(key_id, str) or re.fullmatch(r"(ops|exercise)-[0-9a-f]{32}", key_id) is None:
        raise BundleError("a key without an identifier", "WRONG_NAME", value=key_id)
    return key_id


_SINGLE = {
    "decision.json": "decision",
    "head.json": "head",
    "inclusion.json": "inclusion",
    "policy.toml": "policy",
    "policy.toml.sig": "policy_signature",
}
#: Folder, suffix and name of what comes in numbers.
_MANY: dict[str, tuple[str, str, Callable[[bytes], str]]] = {
    "flags": ("flags", ".json", sha256_hex),
    "records": ("records", ".json", sha256_hex),
    "chain": ("chain", ".json", sha256_hex),
    "cards": ("cards", ".toml", sha256_hex),
    "keys": ("keys", ".pub", _key_name),
    "evidence": ("evidence", "", sha256_hex),
}


def pack(contents: Contents, *, signer: Signer | None = None) -> bytes:
    """Write a bundle.

    Parameters
    ----------
    contents : Contents
        What it carries.
    signer : Signer or None
        The sender, who seals the manifest: that the evidence is complete as of `made_at` is the
        sender's word. None keeps the seal that the contents have; without one a bundle is never accepted.

    Returns
    -------
    bytes
        The file; the same contents give the same bytes.

    Raises
    ------
    BundleError
        If a key file among them has no identifier, or two members have one name.
    """
    manifest = manifest_of(contents)
    seal = contents.seal
    if signer is not None:
        seal = canonical_bytes(DetachedSeal(key_id=signer.key_id, signature=signer.sign(BUNDLE, manifest)))
    sealed = [(_SEAL, seal)] if seal is not None else []
    return encode_zip([(_MANIFEST, manifest), *sealed, *_members(contents)])


def manifest_of(contents: Contents) -> bytes:
    """Return the manifest of a bundle: what the sender's seal covers.

    Parameters
    ----------
    contents : Contents
        What the bundle carries.

    Returns
    -------
    bytes
        Canonical JSON.
    """
    listed = tuple(
        Member(name=name, size=len(data), sha256=sha256_hex(data)) for name, data in _members(contents)
    )
    return canonical_bytes(Manifest(made_at=contents.made_at, members=listed))


def unpack(data: bytes, limits: Limits | None = None) -> Contents:
    """Read a bundle: its structure, not the truth of what it says.

    Parameters
    ----------
    data : bytes
        The file.
    limits : Limits or None
        The budget; None for the default.

    Returns
    -------
    Contents
        What it carries. Written again, it is the same bytes.

    Raises
    ------
    BundleError
        If it is not a bundle as :func:`pack` writes it, with the failure.
    """
    limits = limits or Limits()
    members = decode_zip(data, limits)
    found = dict(members)
    if _MANIFEST not in found:
        raise BundleError("no manifest", "MANIFEST_MISSING")
    for name, content in members:
        if not name.startswith("evidence/") and len(content) > limits.n_record_bytes:
            raise BundleError(f"{name} has {len(content)} bytes", "TOO_LARGE", value=name)
    manifest = _parse_manifest(found[_MANIFEST])
    fields = _fields(members)
    if "decision" not in fields:
        raise BundleError("no decision", "DECISION_MISSING")
    contents = msgspec.convert({"made_at": manifest.made_at, **fields}, Contents)
    listed = [(member.name, member.size, member.sha256) for member in manifest.members]
    actual = [
        (name, len(content), sha256_hex(content))
        for name, content in members
        if name not in (_MANIFEST, _SEAL)
    ]
    if sorted(listed) != sorted(actual):
        first = min(set(listed) ^ set(actual), default=("", 0, ""))[0]
        raise BundleError(f"manifest and members differ, first at {first}", "MANIFEST_MISMATCH", value=first)
    in_order = [_MANIFEST, *([_SEAL] if contents.seal else []), *(name for name, _ in _members(contents))]
    if [name for name, _ in members] != in_order:
        raise BundleError("the members are not in their order", "ORDER")
    if pack(contents) != data:
        raise BundleError("written again, the bundle is not the same", "NOT_CANONICAL_BUNDLE")
    return contents


def _members(contents: Contents) -> list[tuple[str, bytes]]:
    """Return every member but manifest and seal, in their order: that of their names."""
    members = [
        (name, content)
        for name, field in _SINGLE.items()
        if (content := getattr(contents, field)) is not None
    ]
    for field, (folder, suffix, name_of) in _MANY.items():
        held: Iterable[bytes] = getattr(contents, field)
        members += [(f"{folder}/{name_of(content)}{suffix}", content) for content in held]
    members.sort()
    for (name, _), (following, _) in pairwise(members):
        if name == following:
            raise BundleError(f"{name} is there twice", "DUPLICATE_NAME", value=name)
    return members


def _fields(members: list[tuple[str, bytes]]) -> dict[str, bytes | list[bytes]]:
    """Return the members by the field of the contents that holds them."""
    single: dict[str, bytes] = {}
    many: dict[str, list[bytes]] = {}
    for name, content in members:
        if name == _MANIFEST:
            continue
        if name == _SEAL:
            single["seal"] = content
        elif name in _SINGLE:
            single[_SINGLE[name]] = content
        else:
            folder, _, last = name.partition("/")
            if folder not in _MANY or not last:
                raise BundleError(f"no member of a bundle is named {name}", "BAD_NAME", value=name)
            _, suffix, name_of = _MANY[folder]
            if last != name_of(content) + suffix:
                raise BundleError(f"{name} is not what its name says", "WRONG_NAME", value=name)
            many.setdefault(folder, []).append(content)
    return {**single, **many}


def _parse_manifest(data: bytes) -> Manifest:
    try:
        manifest = parse_strict(data, Manifest)
        if canonical_bytes(manifest) == data:
            return manifest
    except IntegrityError as error:
        raise BundleError(f"manifest: {error}", "MANIFEST_MALFORMED") from None
    raise BundleError("the manifest is not in its canonical form", "MANIFEST_MALFORMED")
