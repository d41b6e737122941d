"""Every kind of damage, at every index of a small ledger, is found where it is and called what it is."""

from __future__ import annotations

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from screening.clearance import KeyRing, Signer
from screening.clearance.ledger import audit, check_against_heads, leaf_hash, sign_head
from screening.records import canonical_bytes, sha256_hex

N = 13
INDICES = range(N)


def found(ledger, keys, heads=()):
    report = audit(ledger, heads=heads, keys=keys)
    assert not report.is_good
    return report.first_bad, report.damages[-1].code


def is_decision(i: int) -> bool:
    return i % 3 == 2


def test_a_whole_ledger_is_good(grown, keys, head_of) -> None:
    for n in range(N + 1):
        ledger = grown(n)
        heads = [head_of(grown(m)) for m in range(n + 1)]
        report = audit(ledger, heads=heads, keys=keys)
        assert report.is_good, report.damages
        assert (report.n_entry, report.n_head, report.first_bad) == (n, n + 1, None)
        assert report.root == ledger.frontier.root.hex()
        assert report.n_decision == n // 3
        assert check_against_heads(ledger, heads, keys) == n + 1


@pytest.mark.parametrize("i", INDICES)
def test_a_deleted_entry(i, grown, keys, head_of) -> None:
    ledger = grown(N)
    del ledger.rows[i]
    assert found(ledger, keys) == (i, "MISSING" if i < N - 1 else "TRUNCATED")
    ledger.stated_size = N
    assert found(ledger, keys) == (i, "MISSING" if i < N - 1 else "TRUNCATED")
    ledger.stated_size = None
    ledger.renumber()
    assert found(ledger, keys) == (i, "MISSING" if i < N - 1 else "TRUNCATED")
    # Hashed anew, too: a head tells, and where a decision follows, its own place does.
    ledger.rebuild()
    head = head_of(grown(N))
    decisions_after = [j for j in range(i, N - 1) if is_decision(j + 1)]
    where, code = found(ledger, keys, [head])
    if is_decision(i) and any(is_decision(j) for j in range(i + 1, N)):
        assert code == "MISSING"
    assert (where, code) == ((min(decisions_after), "MISSING") if decisions_after else (N - 1, "ROLLED_BACK"))


@pytest.mark.parametrize("i", INDICES)
def test_an_edited_entry(i, grown, keys, head_of) -> None:
    ledger = grown(N)
    row = ledger.rows[i]
    body = row.body.replace(b"2026-03-01", b"2026-03-02", 1)
    assert body != row.body
    ledger.rows[i] = row._replace(body=body)
    assert found(ledger, keys) == (i, "EDITED")
    ledger.rows[i] = row._replace(body=body, sha256=sha256_hex(body))
    assert found(ledger, keys) == (i, "EDITED")
    ledger.rebuild()
    # Everything was hashed anew; the signature is left, and a decision's own identifier.
    assert found(ledger, keys) == (i, "EDITED" if is_decision(i) else "BAD_SIGNATURE")
    for spoiled in (row._replace(sha256="0" * 64), row._replace(kind="nothing/1")):
        ledger = grown(N)
        ledger.rows[i] = spoiled
        assert found(ledger, keys) == (i, "EDITED")


@pytest.mark.parametrize("i", INDICES)
def test_every_byte_of_an_entry_counts(i, grown, keys) -> None:
    ledger = grown(i + 1)
    row = ledger.rows[i]
    for at in range(0, len(row.body), 7):
        body = bytearray(row.body)
        body[at] ^= 1
        ledger.rows[i] = row._replace(body=bytes(body))
        ledger.rebuild()
        report = audit(ledger, keys=keys)
        assert report.first_bad == i
        assert report.damages[0].code in ("EDITED", "BAD_SIGNATURE")


def test_two_entries_that_changed_places(grown, keys) -> None:
    for i in INDICES:
        for j in range(i + 1, N):
            ledger = grown(N)
            ledger.rows[i], ledger.rows[j] = ledger.rows[j], ledger.rows[i]
            ledger.renumber()
            assert found(ledger, keys) == (i, "REORDERED")


def test_an_entry_that_was_moved(grown, keys) -> None:
    for i in INDICES:
        for j in INDICES:
            if i != j:
                ledger = grown(N)
                ledger.rows.insert(j, ledger.rows.pop(i))
                ledger.renumber()
                assert found(ledger, keys) == (min(i, j), "REORDERED")


@pytest.mark.parametrize("i", range(N + 1))
def test_an_inserted_entry(i, grown, make_event, keys) -> None:
    ledger = grown(N)
    stranger = make_event(100)
    for body in (canonical_bytes(stranger), ledger.rows[0].body, ledger.rows[3].body):
        ledger = grown(N)
        row = ledger.rows[0]._replace(body=body, sha256=sha256_hex(body))
        ledger.rows.insert(i, row)
        ledger.renumber()
        where, code = found(ledger, keys)
        assert code == ("INSERTED" if i < N else "EDITED")
        # A copy put before its original looks like it; the first entry out of place is one further on.
        assert i <= where <= i + 1
    ledger = grown(N)
    ledger.rows.append(ledger.rows[0]._replace(index=i))
    assert found(ledger, keys)[0] in (i, i + 1)


@pytest.mark.parametrize("n", INDICES)
def test_a_truncated_ledger(n, grown, keys, head_of) -> None:
    ledger = grown(N)
    del ledger.rows[n:]
    assert found(ledger, keys) == (n, "TRUNCATED")
    ledger.stated_size = N
    assert found(ledger, keys) == (n, "TRUNCATED")


@pytest.mark.parametrize("n", INDICES)
def test_a_ledger_rolled_back_to_a_backup(n, grown, keys, head_of) -> None:
    backup = grown(n)
    assert audit(backup, heads=[head_of(grown(n))], keys=keys).is_good
    later = [head_of(grown(m)) for m in (n + 1, N)]
    assert found(backup, keys, later) == (n, "ROLLED_BACK")


@pytest.mark.parametrize("n", INDICES)
def test_a_ledger_that_went_on_from_a_backup(n, grown, keys, head_of, make_event) -> None:
    heads = [head_of(grown(m)) for m in (*range(0, N, 2), N)]
    ledger = grown(n)
    for k in range(N):
        ledger.append(make_event(200 + k))
    report = audit(ledger, heads=heads, keys=keys)
    forked = [damage for damage in report.damages if damage.code == "FORKED"]
    # The last head that fits says from where on it may differ.
    assert report.first_bad == n - n % 2
    assert len(forked) == sum(head.size > n for head in heads)
    assert report.n_head == sum(head.size <= n for head in heads)


def test_a_stored_hash_that_was_changed_or_lost(grown, keys) -> None:
    for level, index in grown(N).nodes:
        ledger = grown(N)
        ledger.nodes[level, index] = b"\x00" * 32
        assert found(ledger, keys) == (index << level, "EDITED")
        ledger = grown(N)
        del ledger.nodes[level, index]
        assert found(ledger, keys)[0] == index << level


def with_rows_hashed_alone(ledger):
    """Renumber the rows, each with its own hash, as where that is a column of the row."""
    ledger.renumber()
    ledger.nodes = {place: value for place, value in ledger.nodes.items() if place[0]}
    ledger.nodes.update({(0, row.index): leaf_hash(row.body) for row in ledger.rows})
    return ledger


def test_rows_that_took_their_hashes_with_them_are_still_missed(grown, keys, make_event) -> None:
    for i in range(N - 2):
        ledger = grown(N)
        del ledger.rows[i]
        where, code = found(with_rows_hashed_alone(ledger), keys)
        # Which of a pair is gone, only a decision's own place tells.
        assert code == "MISSING"
        assert where in (i - 1, i, i + 1)
        ledger = grown(N)
        body = canonical_bytes(make_event(100))
        ledger.rows.insert(i, ledger.rows[0]._replace(body=body, sha256=sha256_hex(body)))
        # A decision pushed on to the second place of a pair says so before the hash over the pair is read.
        assert found(with_rows_hashed_alone(ledger), keys) == (
            i + (is_decision(i) and i % 2 == 0),
            "INSERTED",
        )
        for j in range(i + 1, N - 1):
            if not is_decision(i) and not is_decision(j):
                ledger = grown(N)
                ledger.rows[i], ledger.rows[j] = ledger.rows[j], ledger.rows[i]
                assert found(with_rows_hashed_alone(ledger), keys) == (i, "REORDERED")


def test_a_record_that_is_gone_from_under_its_entry(grown, keys) -> None:
    for i in INDICES:
        ledger = grown(N)
        ledger.rows[i] = ledger.rows[i]._replace(body=b"")
        assert found(ledger, keys) == (i, "MISSING")


def test_a_tail_cut_off_with_its_hashes_leaves_those_above(grown, keys) -> None:
    for n in range(1, N - 1):
        ledger = grown(N)
        del ledger.rows[n:]
        ledger.nodes = {place: value for place, value in ledger.nodes.items() if place[0] or place[1] < n}
        assert found(ledger, keys) == (n, "TRUNCATED")


def test_a_signature_by_nobody_known(grown, keys, ops) -> None:
    only_ops = KeyRing([ops.public])
    assert found(grown(N), only_ops) == (0, "BAD_SIGNATURE")
    assert audit(grown(0), keys=KeyRing()).is_good


def test_a_key_revoked_or_expired_since_does_not_damage_the_past(grown, keys, gateway, head_of) -> None:
    expired = msgspec.structs.replace(gateway.public, expires="2026-01-01T00:00:00Z")
    ring = KeyRing(
        [*(key for key in keys if key.key_id != gateway.key_id), expired], revoked=[gateway.key_id]
    )
    assert audit(grown(N), heads=[head_of(grown(N))], keys=ring).is_good


def test_a_decision_for_another_place_or_after_another_decision(grown, make_decision, keys) -> None:
    for index, code in ((5, "MISSING"), (1, "INSERTED"), (None, "INSERTED")):
        ledger = grown(2)
        ledger.append(make_decision("CSQU3054383", log_index=index, prev_hash=None))
        assert found(ledger, keys) == (2, code)
    first = sha256_hex(grown(3).rows[2].body)
    for prev_hash in (None, "0" * 64):
        ledger = grown(3)
        ledger.append(make_decision("CSQU3054383", log_index=3, prev_hash=prev_hash))
        assert found(ledger, keys) == (3, "BROKEN_CHAIN")
    ledger = grown(3)
    ledger.append(make_decision("MWCU6059784", log_index=3, prev_hash=first))
    assert found(ledger, keys) == (3, "BROKEN_CHAIN")


def test_exercises_have_chains_of_their_own(grown, make_decision, keys) -> None:
    exercise = Signer(Ed25519PrivateKey.from_private_bytes(b"e" * 32), "exercise")
    ledger = grown(3)
    ledger.append(make_decision("CSQU3054383", log_index=3, prev_hash=None, signer=exercise))
    first = sha256_hex(ledger.rows[2].body)
    ledger.append(make_decision("CSQU3054383", log_index=4, prev_hash=first))
    assert audit(ledger, keys=KeyRing([*keys, exercise.public])).is_good


def test_heads_that_do_not_count(grown, keys, ops, head_of, now) -> None:
    ledger = grown(N)
    stranger = Signer(Ed25519PrivateKey.from_private_bytes(b"s" * 32), "ops")
    good = head_of(ledger)
    forged = msgspec.structs.replace(good, size=N - 1)
    for heads in ([head_of(ledger, stranger)], [forged], [good, head_of(ledger, ledger_id="other")]):
        report = audit(ledger, heads=heads, keys=keys)
        assert [(damage.index, damage.code) for damage in report.damages] == [(None, "BAD_HEAD")]
    other = sign_head(grown(N + 1), ledger_id="other", signer=ops, at=now)
    assert audit(ledger, heads=[good, other], keys=keys, ledger_id="port-1").is_good


def test_what_is_appended_during_the_audit_is_no_damage(grown, keys, make_event) -> None:
    ledger = grown(4)
    read = ledger.entries

    def entries(start: int, stop: int):
        rows = read(start, stop)
        ledger.append(make_event(50 + ledger.size()))
        return rows

    ledger.entries = entries
    report = audit(ledger, keys=keys)
    assert report.is_good
    assert report.n_entry == 4


def test_the_audit_reads_in_pieces(grown, keys) -> None:
    ledger = grown(1200)
    read, lengths = ledger.entries, []

    def entries(start: int, stop: int):
        lengths.append(stop - start)
        return read(start, stop)

    ledger.entries = entries
    assert audit(ledger, keys=keys).n_entry == 1200
    assert max(lengths) <= 500
