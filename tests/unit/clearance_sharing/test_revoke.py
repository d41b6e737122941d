"""A revocation list only grows, and every decision that rests on what was revoked is named."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from screening.clearance import KeyRing, verify_sealed
from screening.clearance.sharing import (
    affected_by,
    contents_of,
    extend_list,
    make_revocation,
    read_list,
    unpack,
    verify_bundle,
    write_list,
)
from screening.clearance.sharing.bundle import pack
from screening.clearance.sharing.export import Attachments
from screening.errors import ConfigurationError, IntegrityError, StoreError
from screening.records import RevocationList, canonical_bytes, parse_strict, sha256_hex


def revoke(parts, what: Any, subject: str, reason: str = "test"):
    return make_revocation(what, subject, reason=reason, administration="US", at=parts.AT, signer=parts.US)


def extend(parts, known: RevocationList | None, *added: Any, **changes: Any) -> RevocationList:
    settings = {"administration": "US", "at": parts.AT, "next_update_s": 3600, "signer": parts.US, **changes}
    return extend_list(known, added, **settings)


def test_a_list_grows_and_keeps_its_first_entries(parts) -> None:
    first = extend(parts, None, revoke(parts, "MODEL", parts.MODEL, "first"))
    again = extend(
        parts, first, revoke(parts, "MODEL", parts.MODEL, "second"), revoke(parts, "CALIBRATION", "c")
    )
    assert [(one.what, one.reason) for one in again.revocations] == [
        ("MODEL", "first"),
        ("CALIBRATION", "test"),
    ]
    assert (first.number, again.number) == (1, 2)
    assert again.next_update == parts.text_of(parts.AT + timedelta(hours=1))
    for one in (again, *again.revocations):
        assert verify_sealed(one, KeyRing([parts.US.public])).key_id == parts.US.key_id


def test_a_list_is_not_extended_by_another_or_backwards(parts) -> None:
    known = extend(parts, None)
    with pytest.raises(ConfigurationError, match="that is the list of US"):
        extend(parts, known, administration="CA")
    with pytest.raises(ConfigurationError, match="the list so far"):
        extend(parts, known, at=parts.LEFT)


@pytest.mark.parametrize(
    ("what", "subject"),
    [
        ("MODEL", "identify"),
        ("MODEL", "A" * 64),
        ("KEY", "us"),
        ("CONTAINER", "CSQU3054384"),
        ("CONTAINER", ""),
        ("CALIBRATION", ""),
    ],
)
def test_what_is_mistyped_would_revoke_nothing(what: str, subject: str, parts) -> None:
    with pytest.raises(ConfigurationError):
        revoke(parts, what, subject)


def test_a_revocation_needs_its_reason(parts) -> None:
    with pytest.raises(ConfigurationError):
        revoke(parts, "CALIBRATION", "cal-9", " ")


def test_a_list_as_a_file(tmp_path: Path, parts) -> None:
    path = tmp_path / "us.json"
    assert read_list(path) is None
    made = extend(parts, None, revoke(parts, "KEY", parts.LANE.key_id))
    write_list(path, made)
    assert read_list(path) == made
    assert path.read_bytes() == canonical_bytes(made)
    assert [one.name for one in tmp_path.iterdir()] == ["us.json"]
    path.write_bytes(path.read_bytes() + b"\n")
    with pytest.raises(IntegrityError):
        read_list(path)


class Shelf:
    """A desk as far as sharing asks it: one container, its decision and the one before."""

    def __init__(self, parts: Any, site: Any) -> None:
        self.bodies = [canonical_bytes(one) for one in (*site.flags, *site.records, site.earlier())]
        self.body = canonical_bytes(site.decision())
        self.bodies.append(self.body)
        self.latest = site.decision().decision_id
        self.earlier = site.earlier().decision_id
        self.ledger = parts.ledger_of(self.body)
        self.parts, self.box = parts, parts.BOX

    def case(self, key: str) -> Any:
        return SimpleNamespace(decision_id=self.latest) if key == self.box else None

    def decision(self, decision_id: str) -> bytes | None:
        return {self.latest: self.body, self.earlier: self.bodies[-2]}.get(decision_id)

    def record(self, sha256: str) -> bytes | None:
        return next((one for one in self.bodies if sha256_hex(one) == sha256), None)

    def records_of(self, key: str) -> list[bytes]:
        return self.bodies if key == self.box else []

    def index_of(self, sha256: str) -> int | None:
        return 5

    def resting_on(self, subject: str) -> list[str]:
        return [self.earlier, self.latest] if subject in (self.parts.MODEL, self.parts.LANE.key_id) else []

    def head(self) -> Any:
        from screening.records import TreeHead

        return parse_strict(self.ledger[0], TreeHead)

    def inclusion(self, index: int, size: int | None = None) -> list[bytes]:
        from screening.clearance.sharing import InclusionProof

        return [bytes.fromhex(node) for node in parse_strict(self.ledger[1], InclusionProof).path]


def test_every_decision_that_rests_on_it_is_named(parts, site) -> None:
    desk = Shelf(parts, site)
    affected = affected_by(desk, revoke(parts, "MODEL", parts.MODEL))
    assert [(one.is_void, one.is_latest) for one in affected] == [(True, False), (True, True)]
    assert affected_by(desk, revoke(parts, "CALIBRATION", "another")) == []
    news = affected_by(desk, revoke(parts, "CONTAINER", parts.BOX))
    assert [one.decision.decision_id for one in news] == [desk.latest]
    assert affected_by(desk, revoke(parts, "CONTAINER", parts.OTHER_BOX)) == []


def test_a_decision_is_void_only_if_it_says_so_but_nothing_verifies_under_a_revoked_key(parts, site) -> None:
    from screening.records import Validity

    site.changes["validity"] = Validity(
        not_before=parts.text_of(parts.LEFT), expires=parts.text_of(parts.AT), void_on=("SEAL_BROKEN",)
    )
    desk = Shelf(parts, site)
    assert {one.is_void for one in affected_by(desk, revoke(parts, "MODEL", parts.MODEL))} == {False}
    assert {one.is_void for one in affected_by(desk, revoke(parts, "KEY", parts.LANE.key_id))} == {True}


def test_a_bundle_of_a_desk_holds_everything_it_has_on_the_container(parts, site) -> None:
    desk = Shelf(parts, site)
    attached = Attachments(
        policy=site.policy,
        policy_signature=parts.seal_over("policy/1", site.policy, parts.CA),
        cards=(parts.CARD,),
        keys=KeyRing(one.public for one in (parts.LANE, parts.GATE, parts.CA, parts.STRANGER)),
        evidence=(parts.SCAN,),
    )
    contents = contents_of(desk, desk.latest, parts.AT, attached)
    assert len(contents.keys) == 3, "only keys that something is sealed with"
    data = pack(contents, signer=parts.CA)
    assert verify_bundle(data, parts.make_trust(), parts.AT).is_good
    assert len(unpack(data).records) == len(site.records)
    other = contents_of(desk, desk.latest, parts.AT, attached._replace(policy=b"another"))
    assert (other.policy, other.policy_signature) == (None, None)


def test_what_a_desk_lacks_is_not_left_out_in_silence(parts, site) -> None:
    desk = Shelf(parts, site)
    with pytest.raises(StoreError, match="no decision"):
        contents_of(desk, "0" * 64, parts.AT)
    desk.bodies.remove(canonical_bytes(site.flags[0]))
    with pytest.raises(StoreError, match="flag"):
        contents_of(desk, desk.latest, parts.AT)
