"""What the analyser asks of an identifier, and what it makes of the answer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from screening.errors import ModelError
from screening.records import (
    AnomalyMeasurement,
    Category,
    Finding,
    ModelRef,
    NuclideMeasurement,
    ReasonCode,
    decimal_string,
)

from .occupancy_spectra import PassSpectra

__all__ = [
    "IdentificationLike",
    "IdentifierLike",
    "NuclideLike",
    "SpectralAnswer",
    "identify",
    "is_innocent",
    "nuclide_findings",
]


class NuclideLike(Protocol):
    """One nuclide of an identification; fields as in :class:`screening.records.NuclideMeasurement`."""

    @property
    def nuclide(self) -> str:
        """Label."""

    @property
    def categories(self) -> tuple[Category, ...]:
        """All its categories."""

    @property
    def confidence(self) -> float:
        """0 to 1."""

    @property
    def net_counts(self) -> float:
        """Fitted counts above background."""


class IdentificationLike(Protocol):
    """The answer of an identifier for one spectrum."""

    @property
    def nuclides(self) -> Sequence[NuclideLike]:
        """Confident nuclides, most significant first."""

    @property
    def ood_score(self) -> float:
        """How badly the best fit describes the spectrum."""

    @property
    def ood_threshold(self) -> float:
        """Score above which the spectrum is out of distribution."""

    @property
    def is_ood(self) -> bool:
        """The spectrum is unlike all that the model knows."""

    @property
    def resolution_662_percent(self) -> float | None:
        """Estimated FWHM at 662 keV, percent."""

    @property
    def gain(self) -> float | None:
        """Fitted gain over the file's calibration."""

    @property
    def findings(self) -> Sequence[Finding]:
        """What the identifier found by itself."""

    @property
    def products(self) -> Mapping[str, NDArray[Any]]:
        """Fit and components."""


class IdentifierLike(Protocol):
    """Names the nuclides of a spectrum."""

    @property
    def model(self) -> Any:
        """The verified model, with its `ref`; None if it could not be loaded."""

    def identify(
        self,
        counts: NDArray[np.float64],
        edges_kev: NDArray[np.float64],
        live_time_s: float,
        *,
        background: tuple[NDArray[np.float64], NDArray[np.float64], float] | None = None,
        is_background_subtracted: bool = False,
    ) -> IdentificationLike:
        """Identify the nuclides of one spectrum.

        Parameters
        ----------
        counts : ndarray of shape (n_channel,), float64
            Counts.
        edges_kev : ndarray of shape (n_channel + 1,), float64
            Channel edges, keV.
        live_time_s : float
            Live time, seconds.
        background : tuple of (counts, edges_kev, live_time_s), or None
            Background measured apart.
        is_background_subtracted : bool
            The counts are differences.

        Returns
        -------
        IdentificationLike
            The answer.
        """
        ...


@dataclass(slots=True)
class SpectralAnswer:
    """What the spectrum of a pass told.

    Attributes
    ----------
    findings : list of Finding
        Findings.
    nuclides : tuple of NuclideMeasurement
        Nuclides named; empty where nothing could be.
    anomaly : AnomalyMeasurement or None
        Out-of-distribution score and threshold.
    resolution_662_percent, gain : float or None
        Estimated resolution and gain.
    models : tuple of ModelRef
        Models that took part.
    products : dict of str to ndarray
        Fit and components.
    is_answered : bool
        The spectrum was understood: a model answered, and it is in distribution.
    n_counts : float or None
        Counts of the foreground; None if there was no spectrum to look at.
    disagreement : float or None
        Relative difference between these and the gross counts; None without gross counts.
    """

    findings: list[Finding] = field(default_factory=list)
    nuclides: tuple[NuclideMeasurement, ...] = ()
    anomaly: AnomalyMeasurement | None = None
    resolution_662_percent: float | None = None
    gain: float | None = None
    models: tuple[ModelRef, ...] = ()
    products: dict[str, NDArray[Any]] = field(default_factory=dict)
    is_answered: bool = False
    n_counts: float | None = None
    disagreement: float | None = None


#: Most severe category first; each nuclide is reported under its most severe one, so that a nuclide
#: used in hospitals and in industry is never taken for a patient.
_CODES: tuple[tuple[Category, ReasonCode], ...] = (
    (Category.SNM, ReasonCode.RAD_NUCLIDE_SNM),
    (Category.NUCLEAR, ReasonCode.RAD_NUCLIDE_INDUSTRIAL),
    (Category.INDUSTRIAL, ReasonCode.RAD_NUCLIDE_INDUSTRIAL),
    (Category.MEDICAL, ReasonCode.RAD_NUCLIDE_MEDICAL),
    (Category.NORM, ReasonCode.RAD_NUCLIDE_NORM),
)
_INNOCENT = frozenset({Category.MEDICAL, Category.NORM})


def identify(
    identifier: IdentifierLike | None, spectra: PassSpectra, *, is_background_subtracted: bool
) -> SpectralAnswer:
    """Ask the identifier, and check its answer.

    Parameters
    ----------
    identifier : IdentifierLike or None
        The identifier; None if there is none.
    spectra : PassSpectra
        Foreground and background.
    is_background_subtracted : bool
        The counts are differences.

    Returns
    -------
    SpectralAnswer
        The answer; MODEL_ERROR among its findings if there is none to be had.
    """
    answer = SpectralAnswer()
    if identifier is None:
        answer.findings.append(_model_error("there is no model to identify nuclides with"))
        return answer
    if identifier.model is None:
        answer.findings.append(_model_error("the identification model could not be loaded"))
    else:
        answer.models = (identifier.model.ref,)
    back = spectra.background
    try:
        found = identifier.identify(
            spectra.foreground.counts,
            spectra.edges_kev,
            spectra.foreground.live_time_s,
            background=None if back is None else (back.counts, spectra.edges_kev, back.live_time_s),
            is_background_subtracted=is_background_subtracted,
        )
    except (ModelError, ValueError) as error:
        # A spectrum the identifier refuses is one it cannot speak of; the counts still stand.
        answer.findings.append(_model_error(f"the spectrum could not be identified: {error}"))
        return answer
    return _checked(answer, found)


def nuclide_findings(
    nuclides: Sequence[NuclideMeasurement], *, extent: float, is_norm_told: bool, is_natural: bool
) -> list[Finding]:
    """Return one finding for each nuclide, under its most severe category.

    Parameters
    ----------
    nuclides : sequence of NuclideMeasurement
        Nuclides named.
    extent : float
        Share of the pass at half the excess or more: NORM cargo is spread over the box.
    is_norm_told : bool
        Whether NORM is worth a finding: it is in every background, and only explains an alarm.
    is_natural : bool
        Whether a nuclide that is natural and industrial (Ra-226) is taken for natural here.

    Returns
    -------
    list of Finding
        Most severe first.
    """
    found: list[Finding] = []
    for category, code in _CODES:
        for item in nuclides:
            if _told_category(item.categories, is_natural=is_natural) is not category:
                continue
            if category is Category.NORM and not is_norm_told:
                continue
            found.append(
                Finding(
                    code=code,
                    text=f"{item.nuclide} ({category}), confidence {item.confidence:.2f}, "
                    f"{item.net_counts:.0f} counts above background",
                    params={
                        "nuclide": item.nuclide,
                        "confidence": decimal_string(item.confidence),
                        "net_counts": decimal_string(item.net_counts),
                        "extent": decimal_string(extent),
                    },
                    evidence_ref="spectrum/SUM",
                    is_severe=category is Category.SNM,
                )
            )
    return found


def is_innocent(nuclides: Sequence[NuclideMeasurement], *, is_natural: bool) -> bool:
    """Tell whether there are nuclides, and all of them are medical or NORM and nothing else.

    Parameters
    ----------
    nuclides : sequence of NuclideMeasurement
        Nuclides named.
    is_natural : bool
        As for :func:`nuclide_findings`.

    Returns
    -------
    bool
        False for none: what is not named is not explained.
    """
    told = [_told_category(item.categories, is_natural=is_natural) for item in nuclides]
    return bool(told) and all(category in _INNOCENT for category in told)


def _told_category(categories: tuple[Category, ...], *, is_natural: bool) -> Category:
    if is_natural and set(categories) == {Category.NORM, Category.INDUSTRIAL}:
        return Category.NORM
    for category, _ in _CODES:
        if category in categories:
            return category
    # A nuclide of no category is not known to be harmless.
    return Category.NUCLEAR


def _checked(answer: SpectralAnswer, found: IdentificationLike) -> SpectralAnswer:
    nuclides = []
    is_finite = math.isfinite(found.ood_score) and math.isfinite(found.ood_threshold)
    for item in found.nuclides:
        is_finite &= 0.0 <= item.confidence <= 1.0 and math.isfinite(item.net_counts)
        nuclides.append(
            NuclideMeasurement(
                nuclide=item.nuclide,
                categories=tuple(item.categories),
                confidence=float(item.confidence),
                net_counts=float(item.net_counts),
            )
        )
    answer.products = dict(found.products)
    answer.findings.extend(found.findings)
    if not is_finite:
        answer.findings.append(_model_error("the identification is not a finite number"))
        return answer
    answer.nuclides = tuple(nuclides)
    answer.anomaly = AnomalyMeasurement(score=float(found.ood_score), threshold=float(found.ood_threshold))
    answer.resolution_662_percent = _finite(found.resolution_662_percent)
    answer.gain = _finite(found.gain)
    if found.is_ood or found.ood_score > found.ood_threshold:
        answer.findings.append(
            Finding(
                code=ReasonCode.MODEL_OOD,
                text="the spectrum fits nothing known: "
                f"score {found.ood_score:.3g} against a threshold of {found.ood_threshold:.3g}",
                params={
                    "ood_score": decimal_string(found.ood_score),
                    "ood_threshold": decimal_string(found.ood_threshold),
                },
                evidence_ref="spectrum/SUM",
            )
        )
    answer.is_answered = not answer.findings
    return answer


def _finite(value: float | None) -> float | None:
    return float(value) if value is not None and math.isfinite(value) else None


def _model_error(text: str) -> Finding:
    return Finding(code=ReasonCode.MODEL_ERROR, text=text)
