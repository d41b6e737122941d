"""Scans and analyses that are innocent in every respect, for a test to spoil in one."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import pytest

from screening.records import (
    Analysis,
    AnomalyMeasurement,
    Assessment,
    Background,
    CalibrationRef,
    ClockState,
    ContainerBox,
    CountMeasurement,
    FlagModality,
    Gate,
    ImageQuality,
    InputRef,
    LineCalibration,
    Occupancy,
    RadiationMeasurements,
    Radiograph,
    RadiographMeasurements,
    ReasonCode,
    Scan,
    ScanIdentity,
)
from screening.risk import Provenance

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
PASSED = Gate(name="coverage", passed=True, value="1", limit="0.95", code=ReasonCode.Q_COVERAGE)


@pytest.fixture
def provenance() -> Provenance:
    return Provenance(
        version="0.1.0",
        kernel_isa="baseline",
        config_sha256="c" * 64,
        threshold_sha256="d" * 64,
        threshold_id="lane-1",
    )


@pytest.fixture
def make_identity() -> Callable[..., ScanIdentity]:
    def make(**changes: Any) -> ScanIdentity:
        identity = ScanIdentity(
            scan_id="0190a000-0000-7000-8000-000000000001",
            site="TEST",
            lane="1",
            container_id="CSQU3054383",
            id_source="OCR",
            ocr_confidence=0.995,
            t_start_utc=START,
            t_end_utc=START + timedelta(seconds=6),
            clock=ClockState(is_synchronised=True),
        )
        return msgspec.structs.replace(identity, **changes)

    return make


@pytest.fixture
def make_occupancy(make_identity: Callable[..., ScanIdentity]) -> Callable[..., Scan]:
    def make(*, identity: dict[str, Any] | None = None, notes: tuple = (), **changes: Any) -> Scan:
        payload = Occupancy(
            **{
                "kind": "occupancy",
                "interval_s": np.full(3, 0.2),
                "t_s": np.arange(3) * 0.2,
                "panel_ids": ("A1",),
                "gamma_counts": np.full((3, 1), 40, dtype=np.int64),
                "background": Background(
                    gamma_cps=np.array([200.0]), live_time_s=60.0, t_end_utc=START - timedelta(seconds=30)
                ),
                "speed_m_s": 2.2,
                **changes,
            }
        )
        return Scan(
            identity=make_identity(**(identity or {})),
            payload=payload,
            inputs=(InputRef(kind="scan", uri="pass.n42", n_bytes=3, sha256="e" * 64),),
            notes=notes,
        )

    return make


@pytest.fixture
def make_radiograph(make_identity: Callable[..., ScanIdentity]) -> Callable[..., Scan]:
    def make(*, ref: CalibrationRef | None = None, **changes: Any) -> Scan:
        calibration = LineCalibration(
            dark=np.zeros((4, 1), dtype=np.float32),
            air=np.full((4, 1), 6e4, dtype=np.float32),
            electronic_sigma=20.0,
            gain=12.0,
            ref=ref or CalibrationRef(id="air-7", age_s=60, max_age_s=600),
        )
        payload = Radiograph(
            **{
                "raw": np.zeros((4, 5, 1), dtype=np.uint16),
                "energies": ("6MV",),
                "calibration": calibration,
                **changes,
            }
        )
        return Scan(identity=make_identity(), payload=payload)

    return make


@pytest.fixture
def make_radiation() -> Callable[..., Analysis]:
    def make(
        *findings: Any,
        modality: FlagModality = FlagModality.RAD_GROSS,
        measured: dict | None = None,
        **own: Any,
    ) -> Analysis:
        counts = CountMeasurement(background_cps=200.0, max_cps=210.0, max_nsigma=1.5, alarm=False)
        measurements = RadiationMeasurements(
            gamma=counts,
            neutron=counts,
            detection_limit_mbq_cs137=0.5,
            anomaly=AnomalyMeasurement(score=0.1, threshold=1.0),
        )
        assessment = Assessment(
            **{
                "modality": modality,
                "findings": findings,
                "gates": (PASSED,),
                "scores": {"max_nsigma": "1.5"},
                "ood_score": "0.1",
                **own,
            }
        )
        return Analysis(
            modality="radiation",
            assessments=(assessment,),
            measurements=msgspec.structs.replace(measurements, **(measured or {})),
        )

    return make


@pytest.fixture
def make_picture() -> Callable[..., Analysis]:
    def make(*findings: Any, measured: dict | None = None, gates: tuple = (PASSED,)) -> Analysis:
        measurements = RadiographMeasurements(
            shape=(4, 5),
            containers=(ContainerBox(row0=0, col0=0, row1=4, col1=5, complete=True),),
            opaque_fraction=0.0,
            hideable_fraction=0.0,
            empty_probability=0.9,
            cargo_mass_kg=None,
            regions=(),
            quality=ImageQuality(
                air_sigma=0.01, dead_rows=(), lost_lines=2, saturated_fraction=0.000125, masked_fraction=0.0
            ),
        )
        assessment = Assessment(modality=FlagModality.XRAY, findings=findings, gates=gates)
        return Analysis(
            modality="radiograph",
            assessments=(assessment,),
            measurements=msgspec.structs.replace(measurements, **(measured or {})),
        )

    return make
