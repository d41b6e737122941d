"""What is evaluated: anything that answers a scan. The built-in pipeline is one of them."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from typing import Protocol, runtime_checkable

import msgspec
import numpy as np

from screening.assembly import build_pipeline
from screening.config import Settings
from screening.errors import ConfigurationError, ScreeningError
from screening.records import (
    Level,
    Occupancy,
    RadiationMeasurements,
    RadiographMeasurements,
    ReasonCode,
    Scan,
)

__all__ = [
    "GROUP",
    "Candidate",
    "DetectorAnswer",
    "DetectorUnderTest",
    "GrossCountDetector",
    "PipelineDetector",
    "load_detectors",
]

GROUP = "screening.detectors"

ALARM_CODES = frozenset(
    (
        ReasonCode.RAD_GAMMA_NSIGMA,
        ReasonCode.RAD_NEUTRON,
        ReasonCode.RAD_SPECTRAL_ANOMALY,
        ReasonCode.RAD_NUCLIDE_SNM,
        ReasonCode.RAD_NUCLIDE_INDUSTRIAL,
        ReasonCode.RAD_NUCLIDE_MEDICAL,
    )
)


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """A place on a picture that a detector points at.

    Attributes
    ----------
    row0, col0, row1, col1 : int
        Box, half-open, in pixels of the input picture.
    score : float
        Higher is more likely an object.
    kind : str
        Its class, "" for any.
    view : int
        Index of the picture within the scan.
    """

    row0: int
    col0: int
    row1: int
    col1: int
    score: float
    kind: str = ""
    view: int = 0


class DetectorAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a detector says of one scan. None everywhere means: no answer to that question.

    Attributes
    ----------
    level : Level
        Its level; UNKNOWN counts as no answer.
    codes : tuple of str
        Reason codes.
    alarm : bool or None
        Whether it alarms.
    alarm_score : float or None
        What the alarm is decided by; higher is more alarming.
    nuclides : tuple of str or None
        Named labels; empty: none found. None: it does not identify.
    load_score : float or None
        Evidence of load in a container, higher is more; for the curve of loaded against empty.
    is_loaded : bool or None
        Its own call.
    has_dense, is_shielded : bool or None
        Its own calls.
    alarm_time_s : float or None
        Seconds from the start of the scan to its first alarm.
    confidences : dict of str to float or None
        Probability of labels (those named, and others it considered): for calibration.
    prediction_set : tuple of str or None
        A set of labels meant to hold the truth with a stated probability (conformal prediction).
    threat_score, has_threat : float or None, bool or None
        Evidence of a threat on the picture, higher is more; its own call.
    candidates : tuple of Candidate or None
        Places it points at; empty: none. None: it does not point.
    cargo_mass_kg, hideable_fraction : float or None
        As in the measurements of the pipeline.
    """

    level: Level
    codes: tuple[str, ...] = ()
    alarm: bool | None = None
    alarm_score: float | None = None
    nuclides: tuple[str, ...] | None = None
    load_score: float | None = None
    is_loaded: bool | None = None
    has_dense: bool | None = None
    is_shielded: bool | None = None
    alarm_time_s: float | None = None
    confidences: dict[str, float] | None = None
    prediction_set: tuple[str, ...] | None = None
    threat_score: float | None = None
    has_threat: bool | None = None
    candidates: tuple[Candidate, ...] | None = None
    cargo_mass_kg: float | None = None
    hideable_fraction: float | None = None


@runtime_checkable
class DetectorUnderTest(Protocol):
    """A detector.

    Entry points of the group ``screening.detectors`` name a class (or function) that takes the
    :class:`screening.config.Settings` and returns one.
    """

    name: str

    def answer(self, scan: Scan) -> DetectorAnswer | None:
        """Return what it says of a scan.

        Parameters
        ----------
        scan : Scan
            One scan.

        Returns
        -------
        DetectorAnswer or None
            None for a modality it does not serve: such scans are counted and not scored.
        """
        ...


class PipelineDetector:
    """The built-in pipeline, as it is used live and in batch.

    Parameters
    ----------
    settings : Settings
        Settings.
    """

    name = "pipeline"

    def __init__(self, settings: Settings) -> None:
        self._pipeline = build_pipeline(settings)

    def answer(self, scan: Scan) -> DetectorAnswer:
        """Screen a scan; see DetectorUnderTest.

        Parameters
        ----------
        scan : Scan
            Any scan.

        Returns
        -------
        DetectorAnswer
            What the pipeline says.
        """
        try:
            result = self._pipeline.screen(scan)
        except Exception:
            self._pipeline.abandon()
            raise
        codes = tuple(dict.fromkeys(reason.code for flag in result.flags for reason in flag.reasons))
        answer = DetectorAnswer(level=result.level, codes=tuple(code.value for code in codes))
        measured = result.measurements
        if isinstance(measured, RadiationMeasurements):
            return _with_radiation(answer, measured, frozenset(codes))
        return _with_radiograph(answer, measured, frozenset(codes))


class GrossCountDetector:
    """A reference: the plain gross-count rule, (S - B) / sqrt(B) in sliding windows, one sum.

    It has no quality gates, no drift correction and no idea of energy: what the rest of the system
    adds must show against it.

    Parameters
    ----------
    settings : Settings
        Not used; every detector takes it.
    n_sigma : float
        Alarm threshold, standard deviations of the background's counts.
    window_s : float
        Length of the window, seconds.
    """

    name = "gross-counts"

    def __init__(self, settings: Settings, *, n_sigma: float = 6.0, window_s: float = 1.0) -> None:
        del settings
        self._n_sigma = n_sigma
        self._window_s = window_s

    def answer(self, scan: Scan) -> DetectorAnswer | None:
        """Apply the rule to an occupancy with a background; see DetectorUnderTest.

        Parameters
        ----------
        scan : Scan
            Any scan.

        Returns
        -------
        DetectorAnswer or None
            What the rule says; None of a scan it does not apply to.
        """
        payload = scan.payload
        if not isinstance(payload, Occupancy):
            return None
        background = payload.background
        if background is None or not float(background.gamma_cps.sum()) > 0:
            return DetectorAnswer(level=Level.UNKNOWN, codes=(ReasonCode.BKG_MISSING.value,))
        if (payload.gamma_counts < 0).any() or payload.n_interval == 0:
            return DetectorAnswer(level=Level.UNKNOWN, codes=(ReasonCode.Q_OCCUPANCY.value,))
        step_s = float(np.median(payload.interval_s))
        window = min(payload.n_interval, max(1, round(self._window_s / step_s)))
        ones = np.ones(window)
        expected = float(background.gamma_cps.sum()) * np.convolve(payload.interval_s, ones, mode="valid")
        counts = np.convolve(payload.gamma_counts.sum(axis=1).astype(np.float64), ones, mode="valid")
        highest = float(((counts - expected) / np.sqrt(expected)).max())
        alarm = highest > self._n_sigma
        return DetectorAnswer(
            level=Level.HIGH if alarm else Level.LOW,
            codes=(ReasonCode.RAD_GAMMA_NSIGMA.value,) if alarm else (),
            alarm=alarm,
            alarm_score=highest,
        )


def load_detectors(names: list[str] | None, settings: Settings) -> list[DetectorUnderTest]:
    """Return detectors by name, built-in ones through the same door as anyone's.

    Parameters
    ----------
    names : list of str or None
        Their entry points; None for all that are registered.
    settings : Settings
        Handed to each.

    Returns
    -------
    list of DetectorUnderTest
        In the order of the names.

    Raises
    ------
    ConfigurationError
        If a name is not registered, or a detector cannot be built; the message says why.
    """
    found: dict[str, EntryPoint] = {entry.name: entry for entry in entry_points(group=GROUP)}
    if not found:
        raise ConfigurationError(f"no entry points {GROUP}: install the package (pip install -e .)")
    wanted = sorted(found) if names is None else list(dict.fromkeys(names))
    unknown = [name for name in wanted if name not in found]
    if unknown:
        raise ConfigurationError(
            f"no detector {unknown[0]!r}; registered: {', '.join(sorted(found))}", value=unknown[0]
        )
    return [_built(found[name], settings) for name in wanted]


def _built(entry: EntryPoint, settings: Settings) -> DetectorUnderTest:
    try:
        detector = entry.load()(settings)
    except ScreeningError:
        raise
    except Exception as error:
        raise ConfigurationError(
            f"detector {entry.name} ({entry.value}) cannot be built: {type(error).__name__}: {error}",
            value=entry.value,
        ) from error
    if not isinstance(detector, DetectorUnderTest):
        raise ConfigurationError(
            f"detector {entry.name} ({entry.value}) has no name or answer", value=entry.value
        )
    return detector


def _with_radiation(
    answer: DetectorAnswer, measured: RadiationMeasurements, codes: frozenset[ReasonCode]
) -> DetectorAnswer:
    alarm: bool | None = bool(codes & ALARM_CODES)
    gamma = measured.gamma
    if not alarm and (gamma is None or gamma.alarm is None):
        alarm = None  # silence of a rule that could not be applied is not the absence of an alarm
    return msgspec.structs.replace(
        answer,
        alarm=alarm,
        alarm_score=gamma.max_nsigma if gamma is not None else None,
        nuclides=tuple(found.nuclide for found in measured.nuclides),
    )


def _with_radiograph(
    answer: DetectorAnswer, measured: RadiographMeasurements, codes: frozenset[ReasonCode]
) -> DetectorAnswer:
    empty = measured.empty_probability
    return msgspec.structs.replace(
        answer,
        load_score=None if empty is None else 1.0 - empty,
        is_loaded=None if empty is None else empty < 0.5,
        has_dense=ReasonCode.IMG_DENSE in codes if measured.containers else None,
        is_shielded=None if measured.hideable_fraction is None else ReasonCode.IMG_SHIELDED in codes,
    )
