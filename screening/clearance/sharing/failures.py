"""The codes of everything that can be wrong with a bundle, and what each leads to."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from screening.errors import IntegrityError

__all__ = ["CONSEQUENCES", "STRUCTURE", "BundleError", "Consequence"]

Consequence = Literal["REJECT", "RE_EXAMINE"]

#: What is wrong with the file itself. All of these stop the reading, and lead to REJECT.
STRUCTURE: Mapping[str, str] = MappingProxyType(
    {
        "TOO_LARGE": "more bytes than the budget, in all or in one record",
        "TOO_MANY_MEMBERS": "more members than the budget",
        "NAME_TOO_LONG": "a member's name is longer than the budget",
        "BAD_NAME": "a name that no member of a bundle has: `..`, absolute, backslashes, another folder",
        "WRONG_NAME": "a member named by a hash or a key is not what its name says",
        "DUPLICATE_NAME": "two members of one name",
        "ORDER": "the members are not in their one order",
        "NOT_A_BUNDLE": "no zip file",
        "PREPENDED": "bytes before the first member",
        "APPENDED": "bytes after the end",
        "TRUNCATED": "the file ends too early",
        "ENCRYPTED": "an encrypted member",
        "COMPRESSED": "a compressed member",
        "ZIP64": "zip64 structures",
        "EXTRA_FIELD": "an extra field in a header",
        "COMMENT": "a comment",
        "CORRUPT": "a checksum does not fit its member",
        "DIRECTORY": "the directory at the end does not describe the members before it",
        "MANIFEST_MISSING": "no manifest",
        "MANIFEST_MALFORMED": "the manifest is no canonical `bundle/1`",
        "MANIFEST_MISMATCH": "the manifest does not list exactly the members there are",
        "DECISION_MISSING": "no decision",
        "NOT_CANONICAL_BUNDLE": "the file, written again, is not the same bytes",
    }
)

#: What each code leads to; nothing that has a code leads to ACCEPT.
CONSEQUENCES: Mapping[str, Consequence] = MappingProxyType(
    {
        **dict.fromkeys(STRUCTURE, "REJECT"),
        # A signature, an identifier or a key: the codes of VerificationError.
        "MALFORMED": "REJECT",
        "NOT_CANONICAL": "REJECT",
        "WRONG_ID": "REJECT",
        "UNSIGNED": "REJECT",
        "UNKNOWN_KEY": "REJECT",
        "EXERCISE_KEY": "REJECT",
        "WRONG_KIND": "REJECT",
        "WRONG_SCOPE": "REJECT",
        "WRONG_LANE": "REJECT",
        "WRONG_MODALITY": "REJECT",
        "WRONG_ADMINISTRATION": "REJECT",
        "REVOKED_KEY": "REJECT",
        "EXPIRED_KEY": "REJECT",
        "NOT_YET_VALID": "REJECT",
        "BAD_SIGNATURE": "REJECT",
        # What belongs together does not.
        "UNSEALED_BUNDLE": "RE_EXAMINE",
        "EXERCISE": "REJECT",
        "WRONG_OUTCOME": "REJECT",
        "WRONG_CONTAINER": "REJECT",
        "FROM_THE_FUTURE": "RE_EXAMINE",
        "FLAG_MISSING": "REJECT",
        "FLAG_CHANGED": "REJECT",
        "FLAG_NOT_NAMED": "REJECT",
        "CHAIN_MISSING": "REJECT",
        "CHAIN_BROKEN": "REJECT",
        "PROOF_MISSING": "RE_EXAMINE",
        "PROOF_MALFORMED": "REJECT",
        "PROOF_OF_ANOTHER_INDEX": "REJECT",
        "PROOF_OF_ANOTHER_HEAD": "REJECT",
        "PROOF_WRONG": "REJECT",
        "POLICY_CHANGED": "REJECT",
        "POLICY_INVALID": "REJECT",
        "KEY_NOT_USED": "REJECT",
        "CARD_NOT_USED": "REJECT",
        "EVIDENCE_NOT_NAMED": "REJECT",
        "CUSTODY_MISSING": "RE_EXAMINE",
        # Good bytes that do not hold, here and now.
        "EXPIRED": "RE_EXAMINE",
        "NOT_YET": "RE_EXAMINE",
        "VOID_SEAL_BROKEN": "RE_EXAMINE",
        "VOID_ROUTE_DEVIATION": "RE_EXAMINE",
        "VOID_NEW_INTEL": "RE_EXAMINE",
        "VOID_MODEL_REVOKED": "RE_EXAMINE",
        "VOID_CAL_REVOKED": "RE_EXAMINE",
        "MODEL_NOT_ALLOWED": "RE_EXAMINE",
        "CALIBRATION_NOT_VALID": "RE_EXAMINE",
        "REVOCATIONS_MISSING": "RE_EXAMINE",
        "REVOCATIONS_NOT_VERIFIED": "RE_EXAMINE",
        "REVOCATIONS_OLD": "RE_EXAMINE",
        # What the second administration makes of it.
        "HIGH_STANDS": "REJECT",
        "NOT_CLEARED": "RE_EXAMINE",
        "STALE_EVIDENCE": "RE_EXAMINE",
        "SEAL_NOT_VERIFIED": "RE_EXAMINE",
        "OWN_OUTCOME_NOT_LOW": "RE_EXAMINE",
        "POLICY_NOT_EQUIVALENT": "RE_EXAMINE",
    }
)


class BundleError(IntegrityError):
    """A file that is no bundle as this package writes it.

    Parameters
    ----------
    message : str
        One line for a person.
    failure : str
        One of :data:`STRUCTURE`.
    value : object, optional
        The value that offended.

    Attributes
    ----------
    failure : str
        What was wrong.
    """

    def __init__(self, message: str, failure: str, *, value: object = None) -> None:
        super().__init__(message, value=value)
        self.failure = failure
