"""The append-only log of everything sealed: a Merkle tree, its signed heads, and its audit."""

from __future__ import annotations

from .audit import AuditReport, audit
from .damage import Damage
from .entries import LedgerEntry, LedgerError, LedgerReader
from .exporting import begin_heads, export_head, heads_of, no_heads
from .heads import check_against_heads, read_heads, sign_head, verify_entry, write_head
from .merkle import (
    EMPTY_ROOT,
    Frontier,
    Node,
    consistency_path,
    inclusion_path,
    leaf_hash,
    node_hash,
    tree_root,
    verify_consistency,
    verify_inclusion,
)

__all__ = [
    "EMPTY_ROOT",
    "AuditReport",
    "Damage",
    "Frontier",
    "LedgerEntry",
    "LedgerError",
    "LedgerReader",
    "Node",
    "audit",
    "begin_heads",
    "check_against_heads",
    "consistency_path",
    "export_head",
    "heads_of",
    "inclusion_path",
    "leaf_hash",
    "no_heads",
    "node_hash",
    "read_heads",
    "sign_head",
    "tree_root",
    "verify_consistency",
    "verify_entry",
    "verify_inclusion",
    "write_head",
]
