"""Every kind of record that is sealed with a key, and what all of them have in common."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

from .clearance import Acceptance, ClearanceDecision, SealEvent
from .evidence import (
    AdvanceData,
    Conclusion,
    Crossing,
    Destuffing,
    IdentityRuling,
    Journey,
    Remeasurement,
    Revocation,
    RevocationList,
    SecondaryInspection,
    TargetingAssessment,
    TreeHead,
)
from .flag import RiskFlag

__all__ = ["EVIDENCE", "SEALED", "Evidence", "Sealed", "administration_of", "container_of", "stated_at"]

#: What joins a case.
Evidence: TypeAlias = (
    RiskFlag
    | SealEvent
    | TargetingAssessment
    | Conclusion
    | SecondaryInspection
    | Destuffing
    | Remeasurement
    | IdentityRuling
    | Crossing
    | Journey
    | AdvanceData
)
Sealed: TypeAlias = Evidence | ClearanceDecision | Acceptance | Revocation | RevocationList | TreeHead

#: Kinds of evidence by schema name.
EVIDENCE: Mapping[str, type[Evidence]] = MappingProxyType(
    {
        "advancedata/1": AdvanceData,
        "assessment/1": TargetingAssessment,
        "conclusion/1": Conclusion,
        "crossing/1": Crossing,
        "destuffing/1": Destuffing,
        "identityruling/1": IdentityRuling,
        "journey/1": Journey,
        "remeasurement/1": Remeasurement,
        "riskflag/1": RiskFlag,
        "sealevent/1": SealEvent,
        "secondary/1": SecondaryInspection,
    }
)

#: Every sealed kind by schema name.
SEALED: Mapping[str, type[Sealed]] = MappingProxyType(
    {
        **EVIDENCE,
        "acceptance/1": Acceptance,
        "clearance/1": ClearanceDecision,
        "revocation/1": Revocation,
        "revocationlist/1": RevocationList,
        "treehead/1": TreeHead,
    }
)


def container_of(record: Sealed) -> str | None:
    """Return the container a record speaks of.

    Parameters
    ----------
    record : Sealed
        The record.

    Returns
    -------
    str or None
        As the record writes it; None for a record that names none.
    """
    if isinstance(record, RiskFlag):
        return record.subject.container_id
    if isinstance(record, TargetingAssessment):
        return record.targeting.container_id
    if isinstance(record, ClearanceDecision):
        return record.consignment.container_id
    if isinstance(record, Revocation):
        return record.subject if record.what == "CONTAINER" else None
    if isinstance(record, Acceptance | RevocationList | TreeHead):
        return None
    return record.container_id


def stated_at(record: Sealed) -> str | None:
    """Return when a record was made, by its own word.

    Parameters
    ----------
    record : Sealed
        The record.

    Returns
    -------
    str or None
        RFC 3339 UTC as the record writes it; None if it gives no time.
    """
    if isinstance(record, RiskFlag):
        return record.created_at
    if isinstance(record, TargetingAssessment):
        return record.targeting.at
    if isinstance(record, Conclusion):
        return record.adjudication.at
    if isinstance(record, ClearanceDecision):
        return record.decided_at
    if isinstance(record, RevocationList):
        return record.issued_at
    return record.at


def administration_of(record: Sealed) -> str | None:
    """Return the administration in whose name a record speaks.

    Parameters
    ----------
    record : Sealed
        The record.

    Returns
    -------
    str or None
        As the record writes it; None for a kind that names none.
    """
    if isinstance(record, TargetingAssessment):
        return record.targeting.administration
    return getattr(record, "administration", None)
