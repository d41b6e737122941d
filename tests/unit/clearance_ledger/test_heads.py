from __future__ import annotations

import os

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from screening.clearance import KeyRing, Signer
from screening.clearance.ledger import (
    LedgerError,
    check_against_heads,
    inclusion_path,
    read_heads,
    verify_entry,
    write_head,
)
from screening.errors import ConfigurationError, IntegrityError, StoreError
from screening.records import canonical_bytes, parse_strict

N = 13


def failure_of(ledger, heads, keys, **options) -> tuple[str, int | None]:
    with pytest.raises(LedgerError) as caught:
        check_against_heads(ledger, heads, keys, **options)
    return caught.value.failure, caught.value.index


def test_a_head_is_written_whole_and_once(tmp_path, grown, head_of) -> None:
    head = head_of(grown(5))
    folder = tmp_path / "heads"
    path = write_head(folder, head)
    assert path.read_bytes() == canonical_bytes(head)
    before = path.stat().st_mtime_ns
    assert write_head(folder, head) == path
    assert path.stat().st_mtime_ns == before
    assert [file.name for file in folder.iterdir()] == [path.name]
    assert read_heads(folder) == (head,)
    if os.name != "nt":
        assert not path.stat().st_mode & 0o222


def test_a_file_of_that_name_with_other_content_is_left_alone(tmp_path, grown, head_of) -> None:
    head = head_of(grown(5))
    path = write_head(tmp_path, head)
    path.chmod(0o644)
    path.write_bytes(b"other")
    with pytest.raises(StoreError, match="is not this head"):
        write_head(tmp_path, head)
    assert path.read_bytes() == b"other"


def test_heads_come_by_ledger_and_size_and_half_written_ones_not_at_all(tmp_path, grown, head_of) -> None:
    heads = [head_of(grown(n), ledger_id=name) for name in ("a", "b") for n in (1, 4, 11)]
    for head in reversed(heads):
        write_head(tmp_path, head)
    (tmp_path / ".a-000000000012-0123.head.json.deadbeef.part").write_bytes(b'{"half')
    (tmp_path / "README").write_text("heads of the port")
    assert list(read_heads(tmp_path)) == heads


def test_what_is_no_head_is_named(tmp_path, grown, head_of) -> None:
    path = write_head(tmp_path, head_of(grown(5)))
    path.chmod(0o644)
    data = path.read_bytes()
    for spoiled in (b"", data[:-1], data + b"\n", data.replace(b'"size":5', b'"size":5,"size":5')):
        path.write_bytes(spoiled)
        with pytest.raises(LedgerError, match=path.name) as caught:
            read_heads(tmp_path)
        assert caught.value.failure == "BAD_HEAD"
    with pytest.raises(ConfigurationError, match="heads in missing"):
        read_heads(tmp_path / "missing")


def test_a_head_unsealed_or_of_a_ledger_with_a_path_for_a_name(tmp_path, grown, head_of) -> None:
    with pytest.raises(IntegrityError, match="sealed"):
        write_head(tmp_path, msgspec.structs.replace(head_of(grown(1)), signature=None))
    for name in ("../x", "", "a/b", ".hidden", "a" * 101):
        with pytest.raises(ConfigurationError, match="letters, digits"):
            write_head(tmp_path, head_of(grown(1), ledger_id=name))
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(StoreError):
        write_head(tmp_path / "no" / "such", head_of(grown(1)))


def test_a_head_over_the_same_ledger_fits_at_every_size(grown, head_of, keys) -> None:
    heads = [head_of(grown(n)) for n in range(N + 1)]
    assert check_against_heads(grown(N), heads, keys) == N + 1
    assert check_against_heads(grown(0), [], keys) == 0


@pytest.mark.parametrize("n", range(N))
def test_a_shorter_ledger_is_refused(n, grown, head_of, keys) -> None:
    head = head_of(grown(N))
    assert failure_of(grown(n), [head_of(grown(n)), head], keys) == ("ROLLED_BACK", n)
    cut = grown(N)
    del cut.rows[n:]
    assert failure_of(cut, [head], keys) == ("TRUNCATED", n)
    cut.stated_size = N
    assert failure_of(cut, [head], keys) == ("TRUNCATED", N - 1)


@pytest.mark.parametrize("n", range(N))
def test_a_ledger_with_another_past_is_refused(n, grown, head_of, keys, make_event) -> None:
    ledger = grown(n)
    for k in range(N):
        ledger.append(make_event(300 + k))
    heads = [head_of(grown(m)) for m in range(n, N + 1)]
    assert check_against_heads(ledger, heads[:1], keys) == 1
    for head in heads[1:]:
        assert failure_of(ledger, [head], keys) == ("FORKED", 0)
        assert failure_of(ledger, [head, heads[0]], keys) == ("FORKED", n)


def test_an_end_that_does_not_fit_its_nodes_is_refused(grown, keys) -> None:
    ledger = grown(N)
    ledger.rows[-1] = ledger.rows[-1]._replace(body=ledger.rows[0].body)
    assert failure_of(ledger, [], keys) == ("EDITED", N - 1)
    ledger = grown(N)
    del ledger.nodes[3, 0]
    assert failure_of(ledger, [], keys)[0] == "EDITED"


def test_heads_that_do_not_verify_are_refused(grown, head_of, keys, ops) -> None:
    ledger, stranger = grown(N), Signer(Ed25519PrivateKey.from_private_bytes(b"s" * 32), "ops")
    good = head_of(ledger)
    bad = [
        head_of(ledger, stranger),
        msgspec.structs.replace(good, size=3),
        msgspec.structs.replace(good, signature=None),
        msgspec.structs.replace(good, root="0" * 64),
    ]
    for head in bad:
        assert failure_of(ledger, [good, head], keys)[0] == "BAD_HEAD"
    other = head_of(grown(N), ledger_id="other")
    assert failure_of(ledger, [good, other], keys)[0] == "BAD_HEAD"
    assert check_against_heads(ledger, [good, other], keys, ledger_id="port-1") == 1
    assert check_against_heads(ledger, [good], KeyRing(keys, revoked=[ops.key_id])) == 1


def test_an_entry_that_is_appended_meanwhile_is_no_damage(grown, keys, make_event) -> None:
    ledger = grown(5)
    read = ledger.entries

    def entries(start: int, stop: int):
        rows = read(start, stop)
        ledger.append(make_event(77))
        return rows

    ledger.entries = entries
    assert check_against_heads(ledger, [], keys) == 0


def test_a_record_is_proved_by_a_head_and_its_path_alone(grown, head_of) -> None:
    ledger = grown(N)
    head = parse_strict(canonical_bytes(head_of(ledger)), type(head_of(ledger)))
    for row in ledger.rows:
        path = inclusion_path(row.index, N, ledger.node)
        assert verify_entry(row.body, row.index, path, head)
        assert not verify_entry(row.body + b" ", row.index, path, head)
        assert not verify_entry(row.body, row.index + 1, path, head)
