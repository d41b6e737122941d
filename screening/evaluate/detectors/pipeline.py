"""The built-in pipeline as a detector under test."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from screening import __version__
from screening.assembly import EMPTY_MODEL, NUCLIDE_MODEL, build_pipeline
from screening.classifiers import ModelCard, load_model
from screening.config import Settings, settings_sha256
from screening.errors import ModelError
from screening.records import (
    FlagModality,
    RadiationMeasurements,
    RadiographMeasurements,
    ReasonCode,
    RegionKind,
    RiskFlag,
    Scan,
)

from .answer import Candidate, DetectorAnswer

__all__ = ["ALARM_CODES", "OBJECT_CODES", "PipelineDetector"]

#: Reasons that are an alarm of the radiation analysis.
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
#: Reasons that point at an object on a picture.
OBJECT_CODES = frozenset((ReasonCode.IMG_THREAT, ReasonCode.IMG_ANOMALY, ReasonCode.IMG_DENSE))
_LOAD_SCORES = ("loaded_score", "excess_areal_density_g_cm2")
_OBJECT_KINDS = frozenset((RegionKind.THREAT, RegionKind.ANOMALY, RegionKind.DENSE))


class PipelineDetector:
    """The built-in pipeline, as it is used live and in batch.

    Parameters
    ----------
    settings : Settings
        Settings.
    """

    name = "pipeline"
    text = "the built-in pipeline, as it runs live and in batch"
    capabilities = frozenset(
        (
            "radiation",
            "radiograph",
            "alarm",
            "nuclides",
            "confidences",
            "loaded",
            "dense",
            "shielded",
            "threat",
            "candidates",
            "mass",
        )
    )

    def __init__(self, settings: Settings) -> None:
        self._pipeline = build_pipeline(settings)
        self.version = f"{__version__} {settings_sha256(settings)[:12]}"
        cards = _cards(settings)
        self.models = {name: card if isinstance(card, str) else card.sha256 for name, card in cards.items()}
        empties = cards[EMPTY_MODEL]
        self._load_limits: Mapping[str, Any] = {} if isinstance(empties, str) else empties.thresholds

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
        is_loaded = _has_load(result.flags, self._load_limits)
        return _with_radiograph(answer, measured, frozenset(codes), is_loaded=is_loaded)


def _cards(settings: Settings) -> dict[str, ModelCard | str]:
    """Return the card of each model, or why it is not used."""
    folder = None if settings.models.folder is None else Path(settings.models.folder)
    found: dict[str, ModelCard | str] = {}
    for name in (NUCLIDE_MODEL, EMPTY_MODEL):
        try:
            found[name] = load_model(name, folder=folder, allowed=settings.models.allowed).card
        except ModelError as error:  # the pipeline runs without it, and each of its flags says so
            found[name] = f"not used: {error}"
    return found


def _has_load(flags: Iterable[RiskFlag], limits: Mapping[str, Any]) -> bool | None:
    """Return the product's own call: a load is found where either score reaches its threshold.

    The probability in the measurements cannot tell it: the explicit score counts there as one half.
    """
    for flag in flags:
        loaded, excess = (flag.scores.raw.get(name) for name in _LOAD_SCORES)
        if flag.modality is FlagModality.XRAY and loaded is not None and excess is not None and limits:
            return float(loaded) >= float(limits["loaded"]) or float(excess) >= float(limits["excess_g_cm2"])
    return None


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
        confidences={found.nuclide: found.confidence for found in measured.nuclides},
    )


def _with_radiograph(
    answer: DetectorAnswer,
    measured: RadiographMeasurements,
    codes: frozenset[ReasonCode],
    *,
    is_loaded: bool | None,
) -> DetectorAnswer:
    empty = measured.empty_probability
    has_hull = bool(measured.containers)
    candidates = tuple(
        Candidate(
            row0=region.row0,
            col0=region.col0,
            row1=region.row1,
            col1=region.col1,
            score=region.score,
            kind=region.kind.value,
        )
        for region in measured.regions
        if region.kind in _OBJECT_KINDS
    )
    return msgspec.structs.replace(
        answer,
        load_score=None if empty is None else 1.0 - empty,
        # an empty box is one that the picture can say it of
        is_loaded=None if empty is None else is_loaded,
        has_dense=ReasonCode.IMG_DENSE in codes if has_hull else None,
        is_shielded=None if measured.hideable_fraction is None else ReasonCode.IMG_SHIELDED in codes,
        # Without a hull nothing was searched: pointing at nothing would be a claim.
        candidates=candidates if has_hull or candidates else None,
        threat_score=max((place.score for place in candidates), default=0.0) if has_hull else None,
        has_threat=bool(codes & OBJECT_CODES) if has_hull else None,
        cargo_mass_kg=measured.cargo_mass_kg,
        hideable_fraction=measured.hideable_fraction,
    )
