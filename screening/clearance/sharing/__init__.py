"""Sharing: one file that carries a decision, and what another administration makes of it."""

from __future__ import annotations

from .accept import Judgement, accept
from .bundle import BUNDLE, Contents, DetachedSeal, InclusionProof, Manifest, pack, unpack
from .checks import BundleCheck
from .export import Attachments, contents_of, latest_decision
from .failures import CONSEQUENCES, STRUCTURE, BundleError
from .own import unusable_own_records
from .revoke import Affected, affected_by, extend_list, make_revocation, read_list, write_list
from .stored_zip import Limits
from .trust import Revocations, Trust, read_trust, trust_of
from .verify import BundleReport, verify_bundle

__all__ = [
    "BUNDLE",
    "CONSEQUENCES",
    "STRUCTURE",
    "Affected",
    "Attachments",
    "BundleCheck",
    "BundleError",
    "BundleReport",
    "Contents",
    "DetachedSeal",
    "InclusionProof",
    "Judgement",
    "Limits",
    "Manifest",
    "Revocations",
    "Trust",
    "accept",
    "affected_by",
    "contents_of",
    "extend_list",
    "latest_decision",
    "make_revocation",
    "pack",
    "read_list",
    "read_trust",
    "trust_of",
    "unpack",
    "unusable_own_records",
    "verify_bundle",
    "write_list",
]
