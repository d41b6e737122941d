"""From flags, seals and officers' conclusions to signed decisions."""

from __future__ import annotations

from .cases import WeighedCase, case_inputs, weigh
from .decisions import conclude, record_hash
from .identity import ContainerId, case_key, check_container_id, compare_container_ids, near_numbers
from .joining import Discrepancy, account_crossings, join_case
from .key_files import generate_exercise_key, generate_key, load_signer, read_public_key
from .keys import (
    KeyRing,
    PublicKey,
    Signer,
    VerificationError,
)
from .norm import NormExplanation, explain_norm
from .policy import Policy, default_policy, load_policy, sign_policy
from .properties import check_properties
from .signatures import verify_record, verify_sealed
from .table import RULES, Outcome, decide
from .verify import Check, DecisionReport, verify_decision

__all__ = [
    "RULES",
    "Check",
    "ContainerId",
    "DecisionReport",
    "Discrepancy",
    "KeyRing",
    "NormExplanation",
    "Outcome",
    "Policy",
    "PublicKey",
    "Signer",
    "VerificationError",
    "WeighedCase",
    "account_crossings",
    "case_inputs",
    "case_key",
    "check_container_id",
    "check_properties",
    "compare_container_ids",
    "conclude",
    "decide",
    "default_policy",
    "explain_norm",
    "generate_exercise_key",
    "generate_key",
    "join_case",
    "load_policy",
    "load_signer",
    "near_numbers",
    "read_public_key",
    "record_hash",
    "sign_policy",
    "verify_decision",
    "verify_record",
    "verify_sealed",
    "weigh",
]
