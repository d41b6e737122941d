from __future__ import annotations

import numpy as np
import pytest

from screening.errors import ModelUnverifiedError
from screening.pipeline import Pipeline
from screening.records import (
    Analysis,
    Assessment,
    CountMeasurement,
    FlagModality,
    IntervalBlock,
    Level,
    Occupancy,
    RadiationMeasurements,
    ReasonCode,
    Scan,
    ScanHeader,
    ScanIdentity,
    ScanTrailer,
)
from screening.risk import Provenance

PROVENANCE = Provenance(version="0", kernel_isa="baseline", config_sha256="0" * 64, threshold_sha256="0" * 64)


class Recorder:
    """An analyser that keeps what it was given and finds nothing."""

    def __init__(self) -> None:
        self.scans: list[Scan] = []

    def analyse(self, scan: Scan) -> Analysis:
        self.scans.append(scan)
        measured = CountMeasurement(background_cps=1.0, max_cps=1.0, max_nsigma=0.0, alarm=False)
        return Analysis(
            modality="radiation",
            assessments=(
                Assessment(modality=FlagModality.RAD_GROSS),
                Assessment(modality=FlagModality.RAD_SPECTRAL),
            ),
            measurements=RadiationMeasurements(gamma=measured),
        )


def block(start: int, n: int) -> IntervalBlock:
    return IntervalBlock(
        t_s=np.arange(start, start + n) * 0.2,
        interval_s=np.full(n, 0.2),
        gamma_counts=np.full((n, 2), 7, dtype=np.int64),
    )


def header() -> ScanHeader:
    return ScanHeader(
        identity=ScanIdentity(scan_id="scan-1"),
        modality="radiation",
        fixed={"kind": "occupancy", "panel_ids": ("1", "2")},
    )


def test_blocks_become_the_scan_that_was_sent() -> None:
    recorder = Recorder()
    pipeline = Pipeline(recorder, recorder, PROVENANCE)
    pipeline.begin(header())
    for start in (0, 5, 10):
        pipeline.feed(block(start, 5))
    pipeline.end(ScanTrailer(fixed={"speed_m_s": 2.0}))
    payload = recorder.scans[0].payload
    assert isinstance(payload, Occupancy)
    assert payload.n_interval == 15
    assert payload.speed_m_s == 2.0
    np.testing.assert_allclose(payload.t_s, np.arange(15) * 0.2)


def test_screen_is_begin_feed_end() -> None:
    recorder = Recorder()
    pipeline = Pipeline(recorder, recorder, PROVENANCE)
    pipeline.begin(header())
    pipeline.feed(block(0, 8))
    fed = pipeline.end(ScanTrailer())
    assert pipeline.screen(recorder.scans[0]).flags == fed.flags


def test_a_model_that_did_not_load_is_said_on_its_flag_alone() -> None:
    failure = ModelUnverifiedError("model nuclides/model.onnx: sha256 is not the card's")
    pipeline = Pipeline(Recorder(), Recorder(), PROVENANCE, {FlagModality.RAD_SPECTRAL: failure})
    pipeline.begin(header())
    pipeline.feed(block(0, 8))
    result = pipeline.end(ScanTrailer())
    by_modality = {flag.modality: flag for flag in result.flags}
    spectral = by_modality[FlagModality.RAD_SPECTRAL]
    assert spectral.level is Level.UNKNOWN
    assert ReasonCode.MODEL_UNVERIFIED in {r.code for r in spectral.reasons}
    gross = by_modality[FlagModality.RAD_GROSS]
    assert not [r for r in gross.reasons if r.code.startswith("MODEL")]


def test_a_scan_cannot_begin_within_another() -> None:
    pipeline = Pipeline(Recorder(), Recorder(), PROVENANCE)
    pipeline.begin(header())
    with pytest.raises(RuntimeError, match="scan-1 has not ended"):
        pipeline.begin(header())
    pipeline.abandon()
    pipeline.begin(header())


def test_an_empty_scan_is_refused() -> None:
    pipeline = Pipeline(Recorder(), Recorder(), PROVENANCE)
    with pytest.raises(RuntimeError, match="no scan has begun"):
        pipeline.feed(block(0, 1))
    pipeline.begin(header())
    with pytest.raises(ValueError, match="holds no data"):
        pipeline.end(ScanTrailer())
