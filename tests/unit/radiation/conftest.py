"""Passes and identifiers that the tests of the radiation analysis share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from screening.records import (
    Background,
    Category,
    ModelRef,
    Occupancy,
    Scan,
    ScanIdentity,
)

START = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


class FakeIdentifier:
    """Answers as it is told, and keeps what it was asked."""

    def __init__(self, *nuclides: tuple[str, tuple[Category, ...]], **fields: Any) -> None:
        self.model = SimpleNamespace(ref=ModelRef(name="fake", sha256="0" * 64, card_sha256="1" * 64))
        self.asked: list[dict[str, Any]] = []
        self.answer = SimpleNamespace(
            nuclides=[
                SimpleNamespace(nuclide=name, categories=categories, confidence=0.95, net_counts=900.0)
                for name, categories in nuclides
            ],
            ood_score=1.0,
            ood_threshold=3.0,
            is_ood=False,
            resolution_662_percent=7.5,
            gain=1.0,
            findings=(),
            products={},
        )
        for name, value in fields.items():
            setattr(self.answer, name, value)

    def identify(self, counts: Any, edges_kev: Any, live_time_s: float, **kwargs: Any) -> Any:
        self.asked.append({"counts": counts, "edges_kev": edges_kev, "live_time_s": live_time_s, **kwargs})
        return self.answer


def a_background(**changes: Any) -> Background:
    fields: dict[str, Any] = {
        "gamma_cps": np.array([400.0, 410.0, 390.0, 400.0]),
        "live_time_s": 60.0,
        "neutron_cps": np.array([0.6, 0.6]),
        "t_end_utc": START - timedelta(seconds=5),
    }
    return Background(**(fields | changes))


def an_occupancy(n_interval: int = 40, seed: int = 1, **changes: Any) -> Occupancy:
    """A quiet pass of a four-panel portal at 0.2 s, with a shadow of a fifth."""
    rng = np.random.default_rng(seed)
    rate = np.array([400.0, 410.0, 390.0, 400.0]) * 0.2
    shadow = np.where((np.arange(n_interval) > 8) & (np.arange(n_interval) < n_interval - 4), 0.8, 1.0)
    n_second = max(1, n_interval // 5)
    fields: dict[str, Any] = {
        "kind": "occupancy",
        "interval_s": np.full(n_interval, 0.2),
        "t_s": np.arange(n_interval) * 0.2,
        "panel_ids": ("A1", "A2", "B1", "B2"),
        "gamma_counts": rng.poisson(shadow[:, None] * rate).astype(np.int64),
        "neutron_counts": rng.poisson(0.6, (n_second, 2)).astype(np.int64),
        "neutron_interval_s": np.ones(n_second),
        "background": a_background(),
        "n_prior": 5,
        "speed_m_s": 2.2,
    }
    return Occupancy(**(fields | changes))


def with_spectra(occupancy: Occupancy, n_channel: int = 64, **changes: Any) -> Occupancy:
    """The same pass with spectra that sum to its counts."""
    rng = np.random.default_rng(5)
    shape = np.exp(-np.arange(n_channel) / 12.0)
    spectra = rng.multinomial(occupancy.gamma_counts, shape / shape.sum()).astype(np.uint32)
    edges = np.linspace(0.0, 3000.0, n_channel + 1) * np.array([[1.0], [1.02], [0.98], [1.0]])
    background = occupancy.background
    if background is not None:
        expected = background.gamma_cps[:, None] * background.live_time_s * shape / shape.sum()
        background = a_background(
            gamma_cps=background.gamma_cps,
            t_end_utc=background.t_end_utc,
            spectra=np.round(expected),
            energy_edges_kev=edges,
        )
    fields = {name: getattr(occupancy, name) for name in occupancy.__struct_fields__}
    fields |= {"spectra": spectra, "energy_edges_kev": edges, "background": background}
    return Occupancy(**(fields | changes))


def a_scan(payload: Occupancy, **changes: Any) -> Scan:
    identity = ScanIdentity(scan_id="00000000-0000-8000-8000-000000000001", t_start_utc=START)
    return Scan(**({"identity": identity, "payload": payload} | changes))


@pytest.fixture
def make() -> SimpleNamespace:
    """Makers of passes, backgrounds, scans and identifiers."""
    makers: dict[str, Callable[..., Any]] = {
        "background": a_background,
        "occupancy": an_occupancy,
        "with_spectra": with_spectra,
        "scan": a_scan,
        "identifier": FakeIdentifier,
    }
    return SimpleNamespace(**makers, start=START)


@pytest.fixture
def analyse() -> Callable[..., Any]:
    """Analyse a pass; returns the analysis and, by modality, the codes it raises."""
    from screening.radiation import RadiationAnalyser, RadiationSettings

    def run(payload: Occupancy, identifier: Any = None, settings: Any = None, **scan: Any) -> Any:
        analyser = RadiationAnalyser(settings or RadiationSettings(), identifier)
        analysis = analyser.analyse(a_scan(payload, **scan))
        codes = {
            str(part.modality): {finding.code for finding in part.findings}
            | {gate.code for gate in part.gates if not gate.passed}
            for part in analysis.assessments
        }
        return analysis, codes

    return run
