"""Name the nuclides of one gamma spectrum.

Physics first: the spectrum is fitted with a free continuum, a measured background if there is one, and
nuclides behind shields, with the resolution, gain and offset found from the spectrum itself. A nuclide is
named when leaving it out costs enough and its lines stand there as peaks. The network only weighs the
confidence of what the fit found, and may say that the two disagree; it never adds a nuclide.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.classifiers import Model
from screening.physics import NUCLIDES
from screening.records import Category, Finding, NuclideMeasurement, ReasonCode, decimal_string

from .identify_evidence import (
    SHARE_OF_LEAD,
    Evidence,
    cost_of_leaving_out,
    line_evidence,
    merge_families,
    prefer_rivals,
    threshold_of,
)
from .identify_fit import Fit, Problem, add_best, solve
from .identify_search import Setting, Settled, settle
from .resolution import find_peaks, fit_widths, resolution_candidates
from .spectrum import MeasuredSpectrum, live_range_kev, measured_spectrum, noise_excess

__all__ = ["Identification", "Identifier"]

#: Fewer counts than this are not looked at: nothing could be named at a false rate worth stating.
LEAST_COUNTS = 60

#: Most labels in one fit, and the least fall of chi-squared that lets one in.
MOST_LABELS = 7
LEAST_GAIN = 12.0

#: Reduced chi-squared above which a spectrum fits nothing known, when no model card says otherwise.
OOD_THRESHOLD = 3.0

NATURAL = ("K-40", "Ra-226", "Th-232")


class Identification(NamedTuple):
    """The answer for one spectrum.

    Attributes
    ----------
    nuclides : tuple of NuclideMeasurement
        Named nuclides, most significant first; empty: none could be named.
    ood_score, ood_threshold : float
        How badly the best fit describes the spectrum (reduced chi-squared with systematic errors), and the
        score above which it fits nothing known.
    is_ood : bool
        Whether the score is above the threshold.
    resolution_662_percent : float or None
        FWHM at 662 keV estimated from the spectrum, percent; None if there was too little to tell.
    gain : float or None
        Fitted gain over the file's calibration.
    findings : tuple of Finding
        What else the caller must account for.
    products : dict of str to ndarray
        ``energy_kev`` (n_bin + 1,) bin edges, ``measured``, ``fitted`` and ``continuum`` (n_bin,) counts, and one
        ``component/<label>`` (n_bin,) for each label of the fit.
    """

    nuclides: tuple[NuclideMeasurement, ...] = ()
    ood_score: float = 0.0
    ood_threshold: float = OOD_THRESHOLD
    is_ood: bool = False
    resolution_662_percent: float | None = None
    gain: float | None = None
    findings: tuple[Finding, ...] = ()
    products: dict[str, NDArray[Any]] = {}

    @property
    def reasons(self) -> tuple[Finding, ...]:
        """The findings."""
        return self.findings


class Identifier:
    """Name the nuclides of spectra.

    Parameters
    ----------
    model : Model or None
        The network; None leaves the fit alone to answer.

    Attributes
    ----------
    model : Model or None
        The network.
    """

    def __init__(self, model: Model | None) -> None:
        self.model = model

    def identify(
        self,
        counts: NDArray[np.float64],
        edges_kev: NDArray[np.float64],
        live_time_s: float,
        *,
        background: tuple[NDArray[np.float64], NDArray[np.float64], float] | None = None,
        is_background_subtracted: bool = False,
    ) -> Identification:
        """Name the nuclides of one spectrum.

        Parameters
        ----------
        counts : ndarray of shape (n_channel,), float64
            Counts; several crystals are summed in energy by the caller.
        edges_kev : ndarray of shape (n_channel + 1,), float64
            Channel edges, keV.
        live_time_s : float
            Live time, seconds.
        background : tuple of (counts, edges_kev, live_time_s), optional
            Background measured apart.
        is_background_subtracted : bool, default False
            The counts are differences: no background is fitted.

        Returns
        -------
        Identification
            The answer. Too few counts give an empty one.

        Raises
        ------
        ValueError
            If the spectrum or the background is malformed; the message names the value.
        """
        spectrum = measured_spectrum(counts, edges_kev, live_time_s)
        reference = None
        if background is not None and not is_background_subtracted:
            reference = measured_spectrum(*background)
            reference = reference if reference.cumulative[-1] > 0 else None
        low, high = live_range_kev(spectrum)
        inside = spectrum.on_axis(np.array([low, high]))[0]
        if inside < LEAST_COUNTS:
            return Identification()
        settled, is_measured = _settled(spectrum, reference, (low, high))
        problem, fit, variants = settled.problem, settled.fit, dict(settled.variants)
        while len(fit.labels) < MOST_LABELS:
            step = add_best(problem, fit, variants, handicap=_handicap(), least=LEAST_GAIN)
            if step is None:
                break
            fit = step[0]
        for label in fit.labels[:2]:
            variants[label] = tuple(range(problem.templates.n_variant))
        fit = solve(problem, fit.labels, variants=variants, start=fit)
        fit, evidence = _weigh(problem, fit, variants)
        named = _named(fit, evidence)
        score = _misfit(problem, fit)
        measurements = tuple(self._measurement(label, fit, evidence[label], named) for label in named)
        return Identification(
            nuclides=measurements,
            ood_score=score,
            ood_threshold=OOD_THRESHOLD,
            is_ood=score > OOD_THRESHOLD,
            resolution_662_percent=100.0 * settled.setting.r662 if is_measured else None,
            gain=settled.setting.gain,
            products=_products(problem, fit),
        )

    def _measurement(
        self, label: int, fit: Fit, evidence: Evidence, named: list[int]
    ) -> NuclideMeasurement:
        name = _names()[label]
        return NuclideMeasurement(
            nuclide=name,
            categories=NUCLIDES[name].categories,
            confidence=_confidence(evidence, threshold_of(name)),
            net_counts=float(fit.part(label).sum()),
        )


@cache
def _names() -> tuple[str, ...]:
    return tuple(NUCLIDES)


@cache
def _handicap() -> NDArray[np.float64]:
    """What each label must bring beyond the others before it enters the fit."""
    values = np.array([0.5 * (threshold_of(name) - 16.0) for name in _names()])
    values.flags.writeable = False
    return values


def _settled(
    spectrum: MeasuredSpectrum, background: MeasuredSpectrum | None, range_kev: tuple[float, float]
) -> tuple[Settled, bool]:
    peaks = fit_widths(spectrum, find_peaks(spectrum, *range_kev))
    at = int(np.clip(np.searchsorted(spectrum.edges_kev, 662.0), 1, spectrum.counts.size))
    channel_kev = float(spectrum.edges_kev[at] - spectrum.edges_kev[at - 1])
    candidates, is_measured = resolution_candidates(peaks, channel_kev)
    settled = settle(
        spectrum,
        candidates,
        range_kev,
        background=background,
        excess=noise_excess(spectrum),
        handicap=_handicap(),
        norm_labels=tuple(_names().index(name) for name in NATURAL),
    )
    return settled, is_measured


def _weigh(
    problem: Problem, fit: Fit, variants: dict[int, tuple[int, ...]]
) -> tuple[Fit, dict[int, Evidence]]:
    """Drop labels that are worth nothing beside the others, then weigh those that stay."""
    fit = merge_families(problem, fit, variants)
    while fit.labels:
        costs = cost_of_leaving_out(problem, fit, variants)
        worst = min(costs, key=lambda label: (costs[label], label))
        if costs[worst] >= LEAST_GAIN:
            break
        rest = tuple(label for label in fit.labels if label != worst)
        fit = solve(problem, rest, variants=variants, start=fit)
    if not fit.labels:
        return fit, {}
    swapped = prefer_rivals(problem, fit, variants)
    if swapped.labels != fit.labels:
        fit = swapped
        costs = cost_of_leaving_out(problem, fit, variants)
    # Ranked by what each explains alone: two labels that share lines make each other look dispensable.
    alone = solve(problem, (), variants=variants, start=fit).chi2
    solo = {
        label: alone - solve(problem, (label,), variants=variants, start=fit).chi2 for label in fit.labels
    }
    ranked = sorted(fit.labels, key=lambda label: (-solo[label], label))
    evidence = {
        label: line_evidence(problem, fit, label, costs[label], tuple(ranked[:place]))
        for place, label in enumerate(ranked)
    }
    return fit, evidence


def _named(fit: Fit, evidence: dict[int, Evidence]) -> list[int]:
    if not evidence:
        return []
    named: list[int] = []
    lead = 0.0
    for label in evidence:
        proof = evidence[label]
        name = _names()[label]
        limit = threshold_of(name)
        is_norm = NUCLIDES[name].categories == (Category.NORM,)
        share = SHARE_OF_LEAD if not is_norm else 0.3 * SHARE_OF_LEAD
        if proof.cost < max(limit, share * lead) or not proof.is_main_found or not proof.has_signature:
            continue
        if proof.found_share < (0.6 if proof.n_found < 2 else 0.45):
            continue
        if named and name not in NATURAL and proof.own_cost < max(0.5 * limit, 0.5 * share * lead):
            continue
        if Category.SNM in NUCLIDES[name].categories and not _is_snm_proven(proof, limit, bool(named)):
            continue
        named.append(label)
        lead = max(lead, proof.cost)
    return named


def _is_snm_proven(proof: Evidence, limit: float, has_others: bool) -> bool:
    """Two lines seen, or one that nothing else reported explains."""
    return proof.n_found >= 2 or (proof.n_own >= 1 and (has_others or proof.own_cost >= 2 * limit))


def _confidence(proof: Evidence, limit: float) -> float:
    """Map evidence to 0.5 at the threshold, and towards 1 with the square root of chi-squared above it."""
    excess = np.sqrt(proof.cost) - np.sqrt(limit)
    return float(np.clip(0.5 + 0.49 * np.tanh(0.35 * excess + 0.02), 0.5, 0.99))


def _misfit(problem: Problem, fit: Fit) -> float:
    residual = (problem.counts - fit.model) ** 2 * fit.weight
    free = max(residual.size - int(np.count_nonzero(fit.amplitude > 0)), 8)
    # One bad bin, a spike of the electronics, is not a spectrum of another kind.
    return float(np.minimum(residual, 25.0).sum() / free)


def _products(problem: Problem, fit: Fit) -> dict[str, NDArray[Any]]:
    products: dict[str, NDArray[Any]] = {
        "energy_kev": problem.templates.axis_kev,
        "measured": problem.counts,
        "fitted": fit.model,
        "continuum": fit.part(-1),
    }
    for label in fit.labels:
        products[f"component/{_names()[label]}"] = fit.part(label)
    return products
