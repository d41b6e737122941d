"""The report of a scan that could not be analysed: UNKNOWN, with its reason, and never missing."""

from __future__ import annotations

from screening.errors import ScreeningError
from screening.records import FlagModality, InputRef, ReasonCode, ScreeningReport, UnreadInput
from screening.risk import Provenance, unread_flag

from .scan_entry import ScanEntry

__all__ = ["AnalysisTimeoutError", "unanswered_report"]

_MODALITIES = {
    "rpm": FlagModality.RAD_GROSS,
    "n42": FlagModality.RAD_SPECTRAL,
    "linestream": FlagModality.XRAY,
}


class AnalysisTimeoutError(ScreeningError):
    """An analysis that took longer than it may."""

    reason = "TIMEOUT"


def unanswered_report(
    entry: ScanEntry,
    error: ScreeningError,
    provenance: Provenance,
    *,
    inputs: tuple[InputRef, ...] = (),
    elapsed_ms: float = 0.0,
) -> ScreeningReport:
    """Return the report of a scan that could not be analysed.

    Parameters
    ----------
    entry : ScanEntry
        The scan.
    error : ScreeningError
        Why.
    provenance : Provenance
        What tried.
    inputs : tuple of InputRef
        The bytes as received, where they could be read.
    elapsed_ms : float
        Time spent, milliseconds.

    Returns
    -------
    ScreeningReport
        With one UNKNOWN flag of the modality that went without an answer.
    """
    flag = unread_flag(entry.identity(), error, provenance, modality=_MODALITIES[entry.kind], inputs=inputs)
    return ScreeningReport(
        path=f"spool:{entry.lane}:{entry.first.segment}:{entry.first.offset}",
        scan_id=entry.scan_id,
        modality=entry.modality,
        level=flag.level,
        flags=(flag,),
        elapsed_ms=elapsed_ms,
        error=UnreadInput(code=ReasonCode(error.reason), text=str(error)),
    )
