"""The one pipeline: a header, blocks, a trailer in; flags and measurements out. It does no I/O.

The three jobs (live acquisition, reanalysis, evaluation) differ only in what feeds it and in where
its results go.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import msgspec

from screening.errors import ModelError
from screening.records import (
    Analysis,
    Assessment,
    Block,
    Finding,
    FlagModality,
    Occupancy,
    ReasonCode,
    Scan,
    ScanBuilder,
    ScanHeader,
    ScanTrailer,
    ScreeningResult,
    split,
    worst,
)
from screening.risk import Provenance, assess

__all__ = ["Analyser", "Pipeline"]


class Analyser(Protocol):
    """What analyses one kind of payload."""

    def analyse(self, scan: Scan) -> Analysis:
        """Return findings and measurements of a scan, without a level.

        Parameters
        ----------
        scan : Scan
            A whole scan of the analyser's modality.

        Returns
        -------
        Analysis
            What was found.
        """
        ...


class Pipeline:
    """Analyse scans, one after the other.

    Parameters
    ----------
    radiation : Analyser
        For occupancies and spectra.
    radiography : Analyser
        For radiographs.
    provenance : Provenance
        Version, configuration and thresholds, as every flag names them.
    model_failures : mapping of str to ModelError, optional
        Models that could not be loaded, by flag modality: each flag of that modality says so.
    """

    def __init__(
        self,
        radiation: Analyser,
        radiography: Analyser,
        provenance: Provenance,
        model_failures: Mapping[FlagModality, ModelError] | None = None,
    ) -> None:
        self._radiation = radiation
        self._radiography = radiography
        self._provenance = provenance
        self._model_failures = dict(model_failures or {})
        self._builder: ScanBuilder | None = None

    def begin(self, header: ScanHeader) -> None:
        """Begin a scan.

        Parameters
        ----------
        header : ScanHeader
            What is known of it.

        Raises
        ------
        RuntimeError
            If the scan before has not ended.
        """
        if self._builder is not None:
            scan_id = self._builder.header.identity.scan_id
            raise RuntimeError(f"scan {scan_id} has not ended")
        self._builder = ScanBuilder(header)

    def feed(self, block: Block) -> None:
        """Take the next intervals or lines.

        Parameters
        ----------
        block : IntervalBlock or LineBlock
            The data.

        Raises
        ------
        RuntimeError
            If no scan has begun.
        """
        if self._builder is None:
            raise RuntimeError("no scan has begun")
        self._builder.add(block)

    def end(self, trailer: ScanTrailer) -> ScreeningResult:
        """End the scan and return its result.

        Parameters
        ----------
        trailer : ScanTrailer
            What is known at the end.

        Returns
        -------
        ScreeningResult
            Flags and measurements.

        Raises
        ------
        RuntimeError
            If no scan has begun.
        ValueError
            If the scan holds no data.
        """
        if self._builder is None:
            raise RuntimeError("no scan has begun")
        builder, self._builder = self._builder, None
        scan = builder.build(trailer)
        analyser = self._radiation if isinstance(scan.payload, Occupancy) else self._radiography
        analysis = self._with_model_failures(analyser.analyse(scan))
        flags = assess(scan, analysis, self._provenance)
        return ScreeningResult(
            scan_id=scan.identity.scan_id,
            modality=analysis.modality,
            level=worst(*(flag.level for flag in flags)),
            flags=flags,
            measurements=analysis.measurements,
            products=analysis.products,
        )

    def abandon(self) -> None:
        """Forget a scan that will not end, so that another can begin."""
        self._builder = None

    def screen(self, scan: Scan) -> ScreeningResult:
        """Analyse a whole scan.

        Parameters
        ----------
        scan : Scan
            The scan.

        Returns
        -------
        ScreeningResult
            Flags and measurements.
        """
        header, block, trailer = split(scan)
        self.begin(header)
        self.feed(block)
        return self.end(trailer)

    def _with_model_failures(self, analysis: Analysis) -> Analysis:
        if not any(a.modality in self._model_failures for a in analysis.assessments):
            return analysis
        assessments = tuple(self._say_model_failed(a) for a in analysis.assessments)
        return msgspec.structs.replace(analysis, assessments=assessments)

    def _say_model_failed(self, assessment: Assessment) -> Assessment:
        failure = self._model_failures.get(assessment.modality)
        if failure is None:
            return assessment
        finding = Finding(code=ReasonCode(failure.reason), text=str(failure))
        others = tuple(f for f in assessment.findings if f.code is not ReasonCode.MODEL_ERROR)
        return msgspec.structs.replace(assessment, findings=(*others, finding))
