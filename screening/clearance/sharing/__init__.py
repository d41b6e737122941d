"""Sharing: one file that carries a decision, and what another administration makes of it."""

from __future__ import annotations

from .bundle import BUNDLE, Contents, DetachedSeal, InclusionProof, Manifest, pack, unpack
from .checks import BundleCheck
from .failures import CONSEQUENCES, STRUCTURE, BundleError
from .stored_zip import Limits
from .trust import Revocations, Trust, read_trust, trust_of
from .verify import BundleReport, verify_bundle

__all__ = [
    "BUNDLE",
    "CONSEQUENCES",
    "STRUCTURE",
    "BundleCheck",
    "BundleError",
    "BundleReport",
    "Contents",
    "DetachedSeal",
    "InclusionProof",
    "Limits",
    "Manifest",
    "Revocations",
    "Trust",
    "pack",
    "read_trust",
    "trust_of",
    "unpack",
    "verify_bundle",
]
