"""Name the nuclides of one gamma spectrum.

Physics first: the spectrum is fitted with a free continuum, a measured background if there is one, and
nuclides behind shields, with the resolution, gain and offset found from the spectrum itself. A nuclide is
named when leaving it out costs enough and its lines stand there as peaks. The network only weighs the
confidence of what the fit found, and may say that the two disagree; it never adds a nuclide.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.classifiers import Model
from screening.errors import ModelError
from screening.physics import NAMED, NUCLIDES
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
from .identify_search import Settled, settle
from .nuclide_model import FEATURE_VERSION, network_features
from .resolution import find_peaks, fit_widths, resolution_candidates
from .spectrum import MeasuredSpectrum, live_range_kev, measured_spectrum, noise_excess
from .templates import LANTHANUM_R662

__all__ = ["Identification", "Identifier", "Opinion"]

#: Fewer counts than this are not looked at: nothing could be named at a false rate worth stating.
LEAST_COUNTS = 60

#: Most labels in one fit, and the least fall of chi-squared that lets one in.
MOST_LABELS = 7
LEAST_GAIN = 12.0

#: Largest squared residual of one bin that counts.
RESIDUAL_CAP = 25.0

#: Reduced chi-squared above which a spectrum fits nothing known, when no model card says otherwise.
OOD_THRESHOLD = 3.0

#: Confidence below which a label does not exist, when no model card says otherwise.
REPORTING_THRESHOLD = 0.5

#: Times its threshold at which the evidence of the fit stands whatever the network says, and the excess
#: (in standard deviations) beyond which more evidence adds no confidence.
PROVEN = 5.0
EXCESS_LIMIT = 12.0

NATURAL = ("K-40", "Ra-226", "Th-232")
NATURAL_KIN = frozenset({*NATURAL, "Th-228", "La-138", "Lu-176", "Ac-227", "Be-7"})

#: Labels the network may take for one another without disagreeing.
KIN = (
    frozenset({"HEU", "LEU", "DU"}),
    frozenset({"WGPu", "RGPu", "Am-241"}),
    frozenset({"Th-232", "Th-228", "U-233"}),
    frozenset({"annihilation", "Ga-68", "Rb-82", "Zr-89", "I-124", "Na-22", "Ru-106", "Kr-85", "Sr-85"}),
    frozenset({"Mo-99", "Tc-99m"}),
    frozenset({"Zr-95", "Nb-95"}),
    frozenset({"Ra-223", "Ac-227"}),
)

#: Share of the strongest named label's peak counts that another must have, unless it is nuclear material.
LEAST_SHARE_OF_PEAKS = 0.01

#: Share of all counts that 511 keV must make up before it is more than part of any background.
ANNIHILATION_SHARE = 0.03


class Opinion(NamedTuple):
    """What the fit and the network each think of one label the fit proposed.

    Attributes
    ----------
    label : str
        The label.
    excess : float
        Standard deviations of the fit's evidence above its threshold.
    network_logit : float
        Logit of the network's probability for the label or its kin; 0 without a network.
    confidence : float
        What they make together.
    """

    label: str
    excess: float
    network_logit: float
    confidence: float


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
        ``energy_kev`` (n_bin + 1,) bin edges, ``measured``, ``fitted`` and ``continuum`` (n_bin,) counts,
        and one ``component/<label>`` (n_bin,) for each label of the fit.
    opinions : tuple of Opinion
        Every label the fit proposed, named or not.
    """

    nuclides: tuple[NuclideMeasurement, ...] = ()
    ood_score: float = 0.0
    ood_threshold: float = OOD_THRESHOLD
    is_ood: bool = False
    resolution_662_percent: float | None = None
    gain: float | None = None
    findings: tuple[Finding, ...] = ()
    products: Mapping[str, NDArray[Any]] = MappingProxyType({})
    opinions: tuple[Opinion, ...] = ()

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
            # Plenty of counts, and none where a detector has them: a dead channel, not a spectrum.
            is_elsewhere = float(spectrum.cumulative[-1]) > 10 * LEAST_COUNTS
            limit = self._threshold("ood", OOD_THRESHOLD)
            return Identification(
                ood_score=RESIDUAL_CAP if is_elsewhere else 0.0, ood_threshold=limit, is_ood=is_elsewhere
            )
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
        belief = self._belief(spectrum, settled, (low, high))
        weighed = _without_natural_annihilation(problem, fit, evidence, reference is not None)
        weighed = _without_the_crystals_own(problem, weighed, reference is not None)
        proposed = _named(fit, weighed)
        opinions = [self._opinion(evidence[label], label, belief) for label in proposed]
        reporting = self._threshold("reporting", REPORTING_THRESHOLD)
        named = [
            _measurement(fit, label, opinion.confidence)
            for label, opinion in zip(proposed, opinions, strict=True)
            if opinion.confidence >= reporting
        ]
        score, limit = _misfit(problem, fit), self._threshold("ood", OOD_THRESHOLD)
        return Identification(
            nuclides=tuple(named),
            ood_score=score,
            ood_threshold=limit,
            is_ood=score > limit,
            resolution_662_percent=100.0 * settled.setting.r662 if is_measured else None,
            gain=settled.setting.gain,
            findings=self._disagreement(named, evidence, belief),
            products=_products(problem, fit),
            opinions=tuple(opinions),
        )

    def _threshold(self, name: str, default: float) -> float:
        return float(self.model.card.thresholds.get(name, default)) if self.model is not None else default

    def _belief(
        self, spectrum: MeasuredSpectrum, settled: Settled, range_kev: tuple[float, float]
    ) -> dict[str, float] | None:
        """Probabilities of the network by label; None without a network."""
        if self.model is None:
            return None
        card = self.model.card
        if card.feature_version != FEATURE_VERSION:
            raise ModelError(
                f"model {card.name} reads features {card.feature_version}, not {FEATURE_VERSION}",
                value=card.feature_version,
            )
        setting = settled.setting
        features = network_features(
            spectrum, setting.law, range_kev, gain=setting.gain, offset_kev=setting.offset_kev
        )
        answer = self.model.run(features=features[None, :])["probability"]
        if answer.shape != (1, len(card.labels)):
            raise ModelError(
                f"model {card.name} answered {answer.shape}, not (1, {len(card.labels)})", value=answer.shape
            )
        return dict(zip(card.labels, answer[0].astype(np.float64).tolist(), strict=True))

    def _opinion(self, proof: Evidence, label: int, belief: dict[str, float] | None) -> Opinion:
        """Evidence above the threshold, weighed with the network's opinion of the label or its kin."""
        name = _names()[label]
        excess = float(np.sqrt(proof.cost) - np.sqrt(threshold_of(name)))
        # What is in every background the network was taught to leave alone: it has no opinion of it.
        if belief is None or name in NATURAL_KIN:
            return Opinion(name, excess, 0.0, float(np.clip(0.5 + 0.49 * np.tanh(0.35 * excess), 0.5, 0.99)))
        network = _logit(_of_kin(name, belief))
        total = (
            self._threshold("confidence_bias", 0.0)
            + self._threshold("confidence_evidence", 0.3) * min(excess, EXCESS_LIMIT)
            + self._threshold("confidence_network", 0.3) * network
        )
        confidence = float(np.clip(1.0 / (1.0 + np.exp(-total)), 0.0, 0.999))
        # The network was never shown a real spectrum: it cannot take back what the fit proves outright.
        if proof.cost >= PROVEN * threshold_of(name):
            confidence = max(confidence, self._threshold("reporting", REPORTING_THRESHOLD))
        return Opinion(name, excess, network, confidence)

    def _disagreement(
        self, named: list[NuclideMeasurement], evidence: dict[int, Evidence], belief: dict[str, float] | None
    ) -> tuple[Finding, ...]:
        """Tell when the network is sure of something else than what the fit named on weak evidence."""
        if belief is None:
            return ()
        doubt = self._threshold("veto_doubt", 0.02)
        sure = self._threshold("veto_sure", 0.98)
        cost_of = {_names()[label]: proof.cost for label, proof in evidence.items()}
        others = {name: value for name, value in belief.items() if name not in NATURAL_KIN}
        favourite = max(others, key=lambda name: (others[name], name))
        for item in named:
            if item.nuclide in NATURAL_KIN or cost_of[item.nuclide] >= PROVEN * threshold_of(item.nuclide):
                continue
            is_doubted = _of_kin(item.nuclide, belief) < doubt
            is_other = others[favourite] > sure and favourite not in _kin(item.nuclide)
            if is_doubted and is_other and favourite not in {other.nuclide for other in named}:
                return (
                    Finding(
                        code=ReasonCode.MODEL_OOD,
                        text=f"the fit names {item.nuclide}, the network {favourite}: they disagree",
                        params={
                            "fit": item.nuclide,
                            "network": favourite,
                            "network_probability": decimal_string(others[favourite]),
                        },
                        evidence_ref="spectrum/SUM",
                    ),
                )
        return ()


@cache
def _names() -> tuple[str, ...]:
    return NAMED


@cache
def _handicap() -> NDArray[np.float64]:
    """Return what each label must bring beyond the others before it enters the fit."""
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
    """Labels whose evidence suffices, the most significant first."""
    named: list[int] = []
    lead = 0.0
    most = 0.0
    for label, proof in evidence.items():
        name = _names()[label]
        peaks = float(fit.part(label, peaks_only=True).sum())
        is_severe = bool({Category.SNM, Category.NUCLEAR} & set(NUCLIDES[name].categories))
        # Tails and sums of a strong source leave features of this size.
        if named and name not in NATURAL and not is_severe and peaks < LEAST_SHARE_OF_PEAKS * most:
            continue
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
        most = max(most, peaks)
    return named


def _without_natural_annihilation(
    problem: Problem, fit: Fit, evidence: dict[int, Evidence], has_background: bool
) -> dict[int, Evidence]:
    """Leave out a 511 keV line no stronger than cosmic rays and the thorium series make in any place."""
    label = _names().index("annihilation")
    if label not in evidence or has_background:
        return evidence
    if fit.part(label, peaks_only=True).sum() >= ANNIHILATION_SHARE * problem.counts.sum():
        return evidence
    return {other: proof for other, proof in evidence.items() if other != label}


def _without_the_crystals_own(
    problem: Problem, evidence: dict[int, Evidence], has_background: bool
) -> dict[int, Evidence]:
    """Leave I-125 out where a lanthanum halide's own K shell makes the same line at 37 keV."""
    low, high = LANTHANUM_R662
    label = _names().index("I-125")
    if label not in evidence or has_background or not low <= problem.templates.law.r662 <= high:
        return evidence
    return {other: proof for other, proof in evidence.items() if other != label}


def _is_snm_proven(proof: Evidence, limit: float, has_others: bool) -> bool:
    """Two lines seen, or one that nothing else reported explains."""
    return proof.n_found >= 2 or (proof.n_own >= 1 and (has_others or proof.own_cost >= 2 * limit))


def _kin(name: str) -> frozenset[str]:
    return frozenset({name}).union(*(family for family in KIN if name in family))


def _of_kin(name: str, belief: dict[str, float]) -> float:
    return max(belief.get(other, 0.0) for other in _kin(name))


def _logit(probability: float) -> float:
    clipped = float(np.clip(probability, 1e-3, 1.0 - 1e-3))
    return float(np.log(clipped / (1.0 - clipped)))


def _measurement(fit: Fit, label: int, confidence: float) -> NuclideMeasurement:
    name = _names()[label]
    return NuclideMeasurement(
        nuclide=name,
        categories=NUCLIDES[name].categories,
        confidence=confidence,
        net_counts=float(fit.part(label).sum()),
    )


def _misfit(problem: Problem, fit: Fit) -> float:
    residual = (problem.counts - fit.model) ** 2 * fit.weight
    free = max(residual.size - int(np.count_nonzero(fit.amplitude > 0)), 8)
    # One bad bin, a spike of the electronics, is not a spectrum of another kind.
    return float(np.minimum(residual, RESIDUAL_CAP).sum() / free)


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
