"""The record screening/1: the public answer for one scan."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from numpy.typing import NDArray

from .codes import Level, ReasonCode
from .findings import RadiationMeasurements, RadiographMeasurements
from .flag import RiskFlag

__all__ = ["ScreeningReport", "ScreeningResult", "UnreadInput"]


class UnreadInput(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Why an input could not be analysed.

    Attributes
    ----------
    code : ReasonCode
        Reason code.
    text : str
        One line that names the file and the reason.
    """

    code: ReasonCode
    text: str


class ScreeningReport(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of ``screening analyse --json``.

    Attributes
    ----------
    schema : {"screening/1"}
        Version of this record.
    path : str
        The input as the user named it.
    scan_id : str or None
        None when the bytes could not even be read.
    modality : {"radiation", "radiograph"} or None
        None when the input was not recognised.
    level : Level
        Worst level of the flags; UNKNOWN when there is none.
    flags : tuple of RiskFlag
        One per modality.
    elapsed_ms : float
        Wall time of reading and analysis, milliseconds.
    measurements : RadiationMeasurements or RadiographMeasurements or None
        Measurements; None when the input could not be analysed.
    error : UnreadInput or None
        Why it could not be analysed.
    """

    path: str
    scan_id: str | None
    modality: Literal["radiation", "radiograph"] | None
    level: Level
    flags: tuple[RiskFlag, ...]
    elapsed_ms: float
    measurements: Any = None
    error: UnreadInput | None = None
    schema: Literal["screening/1"] = "screening/1"


class ScreeningResult(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What the pipeline returns for one scan.

    Attributes
    ----------
    scan_id : str
        The scan.
    modality : {"radiation", "radiograph"}
        Which analysis ran.
    level : Level
        Worst level of the flags.
    flags : tuple of RiskFlag
        One per modality, unsigned.
    measurements : RadiationMeasurements or RadiographMeasurements
        For the public JSON.
    products : dict of str to ndarray
        Maps and spectra behind the answer.
    """

    scan_id: str
    modality: Literal["radiation", "radiograph"]
    level: Level
    flags: tuple[RiskFlag, ...]
    measurements: RadiationMeasurements | RadiographMeasurements
    products: dict[str, NDArray[Any]] = {}

    def report(self, path: str, elapsed_ms: float) -> ScreeningReport:
        """Return the public form of the result.

        Parameters
        ----------
        path : str
            The input as the user named it.
        elapsed_ms : float
            Wall time of reading and analysis, milliseconds.

        Returns
        -------
        ScreeningReport
            One line of ``screening analyse --json``.
        """
        return ScreeningReport(
            path=path,
            scan_id=self.scan_id,
            modality=self.modality,
            level=self.level,
            flags=self.flags,
            elapsed_ms=elapsed_ms,
            measurements=self.measurements,
        )
