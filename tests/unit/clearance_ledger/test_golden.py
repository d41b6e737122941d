"""A ledger written by the first version, frozen: it must audit as good for ever."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from screening.clearance import KeyRing, read_public_key
from screening.clearance.ledger import (
    LedgerEntry,
    audit,
    check_against_heads,
    consistency_path,
    inclusion_path,
    read_heads,
    verify_consistency,
    verify_entry,
)
from screening.records import sha256_hex

N = 11


class FrozenLedger:
    def __init__(self, folder: Path) -> None:
        self.rows = [
            LedgerEntry(i, row["kind"], sha256_hex(row["body"].encode()), row["body"].encode())
            for i, row in enumerate(map(json.loads, (folder / "ledger-v1.jsonl").read_text().splitlines()))
        ]
        lines = (line.split() for line in (folder / "ledger-v1.nodes.txt").read_text().splitlines())
        self.nodes = {(int(level), int(index)): bytes.fromhex(value) for level, index, value in lines}

    def size(self) -> int:
        return len(self.rows)

    def entries(self, start: int, stop: int) -> list[LedgerEntry]:
        return self.rows[start:stop]

    def node(self, level: int, index: int) -> bytes:
        return self.nodes[level, index]


@pytest.fixture
def golden(repository: Path) -> Path:
    return repository / "tests" / "golden"


def test_the_frozen_ledger_is_good(golden: Path, tmp_path: Path) -> None:
    for name in ("ledger-v1-4.head.json", "ledger-v1-11.head.json"):
        shutil.copy(golden / name, tmp_path)
    heads = read_heads(tmp_path)
    assert [head.size for head in heads] == [4, N]
    keys = KeyRing(read_public_key(golden / f"ledger-v1-{name}.pub") for name in ("site", "gateway"))
    ledger = FrozenLedger(golden)
    report = audit(ledger, heads=heads, keys=keys, ledger_id="port-1")
    assert report.is_good, report.damages
    assert (report.n_entry, report.n_head, report.n_decision) == (N, 2, 3)
    assert check_against_heads(ledger, heads, keys, ledger_id="port-1") == 2
    first, last = heads
    path = consistency_path(first.size, last.size, ledger.node)
    assert verify_consistency(
        first.size, bytes.fromhex(first.root), last.size, bytes.fromhex(last.root), path
    )
    for row in ledger.rows:
        assert verify_entry(row.body, row.index, inclusion_path(row.index, N, ledger.node), last)
