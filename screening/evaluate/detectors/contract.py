"""Checks that every detector under test passes, built in or not; call them from your own tests.

    from screening.evaluate.detectors.contract import DetectorContract, check_detector

    def test_my_detector():
        check_detector(MyDetector(Settings()))

    class TestMyDetector(DetectorContract):
        def detector(self):
            return MyDetector(Settings())

Each check raises AssertionError with what was promised and what happened.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np

from screening.errors import ScreeningError
from screening.records import Background, Level, Occupancy, Radiograph, Scan, ScanIdentity

from .answer import DetectorAnswer
from .checks import checked_answer
from .protocol import CAPABILITIES, DetectorUnderTest, capabilities_of

__all__ = ["DetectorContract", "awkward_scans", "check_detector", "ordinary_scans"]

_ANSWERS = {
    "alarm": ("alarm",),
    "nuclides": ("nuclides",),
    "confidences": ("confidences",),
    "loaded": ("is_loaded", "load_score"),
    "dense": ("has_dense",),
    "shielded": ("is_shielded",),
    "threat": ("has_threat", "threat_score"),
    "candidates": ("candidates",),
    "mass": ("cargo_mass_kg",),
}
_WHEN = datetime(2026, 1, 1, 8, 0, tzinfo=UTC)


def check_detector(
    detector: DetectorUnderTest,
    *,
    scans: Sequence[Scan] | None = None,
    awkward: Sequence[Scan] | None = None,
) -> None:
    """Check that a detector keeps the promises of DetectorUnderTest.

    Parameters
    ----------
    detector : DetectorUnderTest
        The detector.
    scans : sequence of Scan, optional
        Scans that it must answer or decline; simulated ones of both modalities when omitted.
    awkward : sequence of Scan, optional
        Scans with something missing: it may raise an error of its own family or answer UNKNOWN, and
        must be as it was afterwards.

    Raises
    ------
    AssertionError
        If a promise is broken.
    """
    _check_itself(detector)
    ordinary = list(ordinary_scans() if scans is None else scans)
    first = [_answer(detector, scan) for scan in ordinary]
    _check_modalities(detector, ordinary, first)
    for scan, answer in zip(ordinary, first, strict=True):
        before = _bytes(scan)
        again = _answer(detector, scan)
        _require(
            again == answer, f"{_name(scan)}: the same scan gets the same answer, got {answer} and {again}"
        )
        _require(_bytes(scan) == before, f"{_name(scan)}: a scan is not changed")
    for scan in awkward_scans() if awkward is None else awkward:
        _check_awkward(detector, scan)
    for scan, answer in zip(ordinary, first, strict=True):
        _require(
            _answer(detector, scan) == answer,
            f"{_name(scan)}: a scan it could not answer leaves nothing behind",
        )


class DetectorContract(ABC):
    """The same checks one by one, for a test class; subclass it and give it a detector."""

    @abstractmethod
    def detector(self) -> DetectorUnderTest:
        """Return the detector.

        Returns
        -------
        DetectorUnderTest
            Built anew.
        """

    def scans(self) -> Sequence[Scan]:
        """Return scans that it must answer or decline.

        Returns
        -------
        sequence of Scan
            Simulated ones of both modalities.
        """
        return list(ordinary_scans())

    def test_it_says_what_it_is(self) -> None:
        """Name, version, tier, models and capabilities are what the protocol asks for."""
        _check_itself(self.detector())

    def test_it_keeps_the_whole_contract(self) -> None:
        """Keep every promise: answers are valid, repeatable, and change neither scans nor the detector."""
        check_detector(self.detector(), scans=self.scans())

    def test_two_of_a_kind_agree(self) -> None:
        """A detector built anew gives the same answers: nothing depends on what it saw before."""
        one, other = self.detector(), self.detector()
        for scan in reversed(self.scans()):
            _answer(one, scan)
        for scan in self.scans():
            _require(
                _answer(one, scan) == _answer(other, scan),
                f"{_name(scan)}: the answer does not depend on scans seen before",
            )


def ordinary_scans() -> Iterator[Scan]:
    """Yield small scans with nothing missing.

    Yields
    ------
    Scan
        A quiet pass, a pass with a source at 662 keV, and a loaded container in two energies.
    """
    yield _occupancy("quiet", 0.0)
    yield _occupancy("source", 3000.0)
    yield _radiograph("container")


def awkward_scans() -> Iterator[Scan]:
    """Yield scans with something missing.

    Yields
    ------
    Scan
        No background, no calibration, counts alone, a dead panel, a black picture.
    """
    pass_ = _occupancy("no background", 0.0)
    yield _changed(pass_, "no background", background=None)
    yield _changed(pass_, "no calibration", energy_edges_kev=None)
    yield _changed(pass_, "counts alone", spectra=None, energy_edges_kev=None)
    payload = pass_.payload
    if isinstance(payload, Occupancy):
        dead = payload.gamma_counts.copy()
        dead[:, 0] = -1
        yield _changed(pass_, "dead panel", gamma_counts=dead)
    picture = _radiograph("black")
    if isinstance(picture.payload, Radiograph):
        yield _changed(picture, "black picture", raw=np.zeros_like(picture.payload.raw))


def _check_itself(detector: Any) -> None:
    _require(isinstance(detector, DetectorUnderTest), "a detector has a name and answer(scan)")
    name = detector.name
    _require(isinstance(name, str) and bool(name.strip()) and name == name.strip(), "name is a text")
    _require("\n" not in name, "name is one line")
    for field in ("version", "text"):
        _require(isinstance(getattr(detector, field, ""), str), f"{field} is a text")
    tier = getattr(detector, "tier", "")
    _require(tier in ("", "blind", "informed", "oracle", "reference"), f"no tier {tier!r}")
    models = getattr(detector, "models", {})
    _require(
        isinstance(models, dict) and all(isinstance(item, str) for pair in models.items() for item in pair),
        "models maps names to sha256",
    )
    stated = capabilities_of(detector)
    if stated is not None:
        strange = sorted(stated - CAPABILITIES)
        _require(not strange, f"no capability {strange[0] if strange else ''!r}")


def _check_modalities(detector: Any, scans: Sequence[Scan], answers: Sequence[DetectorAnswer | None]) -> None:
    _require(any(answer is not None for answer in answers), "at least one modality is answered")
    stated = capabilities_of(detector)
    if stated is None:
        return
    for scan, answer in zip(scans, answers, strict=True):
        if stated & {"radiation", "radiograph"} and scan.modality not in stated:
            _require(answer is None, f"{_name(scan)}: a {scan.modality} scan is declined, as it says")
        if answer is None or not stated & set(_ANSWERS):
            continue  # it names modalities alone
        for capability, fields in _ANSWERS.items():
            given = [field for field in fields if getattr(answer, field) is not None]
            _require(
                capability in stated or not given,
                f"{_name(scan)}: {', '.join(given)} answered, and {capability} is none of its capabilities",
            )


def _check_awkward(detector: Any, scan: Scan) -> None:
    try:
        answer = detector.answer(scan)
    except ScreeningError:
        return
    except Exception as error:
        raise AssertionError(
            f"{_name(scan)}: an answer or an error of ScreeningError, got {error!r}"
        ) from error
    _valid(answer, scan)


def _answer(detector: Any, scan: Scan) -> DetectorAnswer | None:
    try:
        answer = detector.answer(scan)
    except Exception as error:
        raise AssertionError(f"{_name(scan)}: an answer is due, got {error!r}") from error
    return _valid(answer, scan)


def _valid(answer: Any, scan: Scan) -> DetectorAnswer | None:
    checked = checked_answer(answer, scan)
    fault = checked.fault
    _require(fault is None, f"{_name(scan)}: {fault.kind if fault else ''}: {fault.text if fault else ''}")
    if checked.answer is not None and checked.answer.level is Level.UNKNOWN:
        _require(
            checked.answer.alarm is not False or bool(checked.answer.codes) or bool(checked.answer.nuclides),
            f"{_name(scan)}: UNKNOWN says why: codes, or what was named",
        )
    return checked.answer


def _occupancy(name: str, source_cps: float) -> Scan:
    rng = np.random.default_rng(np.random.SeedSequence([len(name), 0xC0]))
    edges = np.linspace(0.0, 3000.0, 129)
    centre = 0.5 * (edges[1:] + edges[:-1])
    shape = np.exp(-centre / 400.0) + 0.02
    background = 400.0 * shape / shape.sum()
    peak = np.exp(-0.5 * ((centre - 661.7) / 22.0) ** 2)
    interval_s = np.full(40, 0.2)
    t_s = np.arange(40, dtype=np.float64) * 0.2
    strength = source_cps * np.exp(-0.5 * ((t_s - 4.0) / 0.8) ** 2)
    expected = (background + strength[:, None] * peak / peak.sum()) * 0.2
    spectra = rng.poisson(expected[:, None, :], size=(40, 2, 128)).astype(np.uint32)
    two_edges = np.vstack([edges, edges])
    return Scan(
        identity=ScanIdentity(scan_id=f"contract {name}", t_start_utc=_WHEN, t_end_utc=_WHEN),
        payload=Occupancy(
            kind="occupancy",
            interval_s=interval_s,
            t_s=t_s,
            panel_ids=("A", "B"),
            gamma_counts=spectra.sum(axis=2).astype(np.int64),
            live_time_s=np.full((40, 2), 0.2),
            spectra=spectra,
            energy_edges_kev=two_edges,
            background=Background(
                gamma_cps=np.full(2, background.sum()),
                live_time_s=300.0,
                spectra=rng.poisson(np.vstack([background, background]) * 300.0).astype(np.float64),
                energy_edges_kev=two_edges,
                t_end_utc=_WHEN,
            ),
            speed_m_s=2.0,
        ),
    )


def _radiograph(name: str) -> Scan:
    rng = np.random.default_rng(np.random.SeedSequence([len(name), 0xC1]))
    lines = np.ones((160, 400))
    lines[30:130, 40:360] = 0.55  # walls and a load
    lines[32:128, 43:357] = 0.8
    lines[90:128, 120:260] = 0.35
    raw = np.stack([lines * 40000.0, lines**0.93 * 36000.0], axis=2)
    noisy = rng.normal(raw, np.sqrt(12.0 * raw) + 20.0).clip(0.0, 65000.0)
    return Scan(
        identity=ScanIdentity(scan_id=f"contract {name}", t_start_utc=_WHEN, t_end_utc=_WHEN),
        payload=Radiograph(
            raw=noisy.round().astype(np.uint16), energies=("6MV", "4MV"), pitch_mm=(26.0, 18.0)
        ),
    )


def _changed(scan: Scan, name: str, **fields: Any) -> Scan:
    payload = msgspec.structs.replace(scan.payload, **fields)
    identity = msgspec.structs.replace(scan.identity, scan_id=f"contract {name}")
    return msgspec.structs.replace(scan, identity=identity, payload=payload)


def _bytes(scan: Scan) -> bytes:
    payload = scan.payload
    arrays = [getattr(payload, field) for field in payload.__struct_fields__]
    return b"".join(array.tobytes() for array in arrays if isinstance(array, np.ndarray))


def _name(scan: Scan) -> str:
    return scan.identity.scan_id


def _require(condition: bool, promise: str) -> None:
    if not condition:
        raise AssertionError(promise)
