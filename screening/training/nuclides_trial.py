"""Run the whole identifier on simulated spectra and score it as identification is scored here."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.stats import beta

from screening.physics import NUCLIDES
from screening.radiation.identify import EXCESS_LIMIT, KIN, NATURAL_KIN, Identifier
from screening.records import Category
from screening.simulation.spectra import SpectrumRecipe, simulate_spectrum

from .spectra_set import FREQUENT, LABELS, GeneratorSettings

__all__ = ["Trial", "calibrate", "clopper_pearson", "figures", "run_trial", "run_trials"]

_SEVERITY = {
    Category.NORM: 0, Category.MEDICAL: 1, Category.INDUSTRIAL: 2, Category.NUCLEAR: 3, Category.SNM: 4
}  # fmt: skip


class Trial(NamedTuple):
    """One spectrum and its answer.

    Attributes
    ----------
    truth : str
        The label present; empty for background alone.
    kind : str
        Class of detector.
    named : tuple of str
        Labels reported.
    outcome : {"correct", "partial", "wrong", "missed"}
        As identification is scored.
    is_ood : bool
        Refused.
    opinions : tuple of (float, float, bool)
        For each label the fit proposed that is not natural: evidence excess, network logit, whether right.
    """

    truth: str
    kind: str
    named: tuple[str, ...]
    outcome: str
    is_ood: bool
    opinions: tuple[tuple[float, float, bool], ...]


def run_trials(
    identifier: Identifier,
    n_trial: int,
    background_share: float,
    settings: GeneratorSettings,
    seed: np.random.SeedSequence,
) -> list[Trial]:
    """Identify simulated spectra, each of another instrument.

    Parameters
    ----------
    identifier : Identifier
        What is tried.
    n_trial : int
        Spectra.
    background_share : float
        Share without a source.
    settings : GeneratorSettings
        How wide the simulator draws.
    seed : numpy.random.SeedSequence
        Seed.

    Returns
    -------
    list of Trial
        The answers.
    """
    return [run_trial(identifier, background_share, settings, child) for child in seed.spawn(n_trial)]


def run_trial(
    identifier: Identifier, background_share: float, settings: GeneratorSettings, seed: np.random.SeedSequence
) -> Trial:
    """Identify one simulated spectrum.

    Parameters
    ----------
    identifier : Identifier
        What is tried.
    background_share : float
        How likely there is no source.
    settings : GeneratorSettings
        How wide the simulator draws.
    seed : numpy.random.SeedSequence
        Of this spectrum alone.

    Returns
    -------
    Trial
        The answer.
    """
    draw, data = seed.spawn(2)
    rng = np.random.default_rng(draw)
    truth = ""
    if rng.random() >= background_share:
        pool = [name for name in (FREQUENT if rng.random() < 0.6 else LABELS) if name not in _UNTRIED]
        truth = str(pool[int(rng.integers(len(pool)))])
    recipe = SpectrumRecipe(
        sources=(truth,) if truth else (),
        net_counts=float(np.exp(rng.uniform(np.log(500.0), np.log(60_000.0)))),
        signal_to_background=float(np.exp(rng.uniform(np.log(0.3), np.log(10.0)))),
        kind=str(settings.kinds[int(rng.integers(len(settings.kinds)))]),
        has_background=bool(rng.random() < 0.4),
        calibration_error=settings.calibration_error,
        harshness=settings.harshness,
    )
    spectrum = simulate_spectrum(recipe, data)
    answer = identifier.identify(
        spectrum.counts, spectrum.edges_kev, spectrum.live_time_s, background=spectrum.background
    )
    named = tuple(item.nuclide for item in answer.nuclides)
    opinions = tuple(
        (min(opinion.excess, EXCESS_LIMIT), opinion.network_logit, _is_allowed(truth, opinion.label))
        for opinion in answer.opinions
        if opinion.label not in NATURAL_KIN
    )
    is_refused = answer.is_ood or bool(answer.findings)
    return Trial(truth, spectrum.detector.kind, named, _outcome(truth, named), is_refused, opinions)


#: In every background, or without a line of its own in the simulator.
_UNTRIED = frozenset({"La-138", "Cf-252", "K-40"})


def _accepted(truth: str) -> frozenset[str]:
    return frozenset({truth}).union(*(family for family in KIN if truth in family)) if truth else frozenset()


def _is_allowed(truth: str, label: str) -> bool:
    return label in NATURAL_KIN or label in _accepted(truth)


def _outcome(truth: str, named: tuple[str, ...]) -> str:
    extra = [name for name in named if not _is_allowed(truth, name)]
    if not truth:
        return "wrong" if extra else "correct"
    is_matched = any(name in _accepted(truth) for name in named)
    severity = _severity(truth)
    if not is_matched:
        return "wrong" if extra else "missed"
    if not extra:
        return "correct"
    return "wrong" if any(_severity(name) > severity for name in extra) else "partial"


def _severity(name: str) -> int:
    return max(_SEVERITY[category] for category in NUCLIDES[name].categories)


def calibrate(trials: list[Trial]) -> dict[str, float]:
    """Fit how evidence and network together tell right from wrong.

    Parameters
    ----------
    trials : list of Trial
        Calibration trials.

    Returns
    -------
    dict of str to float
        Thresholds for the card: bias and weights of a logistic model, the weights not negative.
    """
    rows = [opinion for trial in trials for opinion in trial.opinions]
    if len(rows) < 20 or len({row[2] for row in rows}) < 2:
        return {"confidence_bias": 0.0, "confidence_evidence": 0.3, "confidence_network": 0.3}
    design = np.array([[1.0, excess, logit] for excess, logit, _ in rows])
    right = np.array([row[2] for row in rows], dtype=np.float64)

    def _cost(weights: NDArray[np.float64]) -> float:
        score = design @ weights
        return float(np.sum(np.logaddexp(0.0, score) - right * score) + 0.5 * np.sum(weights**2))

    best = minimize(_cost, np.array([0.0, 0.3, 0.3]), bounds=[(-6.0, 1.0), (0.05, 2.0), (0.05, 2.0)])
    return dict(
        zip(
            ("confidence_bias", "confidence_evidence", "confidence_network"),
            (round(float(value), 4) for value in best.x),
            strict=True,
        )
    )


def figures(tested: list[Trial], benign: list[Trial]) -> tuple[dict[str, Any], ...]:
    """Return the figures of a card.

    Parameters
    ----------
    tested : list of Trial
        Trials with a source.
    benign : list of Trial
        Trials without one.

    Returns
    -------
    tuple of dict
        Fields of :class:`screening.classifiers.Performance`.
    """
    data = "simulated test split, wider generator settings, 500-60,000 net counts, S/B 0.3-10"
    common = [trial for trial in tested if trial.truth in FREQUENT]
    rows = [
        _share("correct, all labels drawn", [t.outcome == "correct" for t in tested], data),
        _share("correct, frequent labels", [t.outcome == "correct" for t in common], data),
        _share("wrong, frequent labels", [t.outcome == "wrong" for t in common], data),
        _share("answered, frequent labels", [bool(t.named) and not t.is_ood for t in common], data),
    ]
    rows += [
        _share(
            f"correct, frequent labels, {kind}",
            [t.outcome == "correct" for t in common if t.kind == kind],
            data,
        )
        for kind in sorted({t.kind for t in common})
    ]
    # LEU without its 1001 keV line is reported as HEU on purpose: that is not counted here.
    sources_not_snm = [t for t in tested if not any(_is_snm(name) for name in _accepted(t.truth))]
    backgrounds = "simulated backgrounds, wider generator settings"
    rows += [
        _share(
            "false SNM, no uranium or plutonium present",
            [any(_is_snm(n) for n in t.named) for t in sources_not_snm],
            data,
        ),
        _share("false identification on background", [t.outcome == "wrong" for t in benign], backgrounds),
        _share("false SNM on background", [any(_is_snm(n) for n in t.named) for t in benign], backgrounds),
        _share("refused as out of distribution", [t.is_ood for t in [*tested, *benign]], data),
    ]
    return tuple(row for row in rows if row["n"] > 0)


def _is_snm(name: str) -> bool:
    return bool(name) and Category.SNM in NUCLIDES[name].categories


def _share(metric: str, hits: list[bool], data: str) -> dict[str, Any]:
    n, k = len(hits), sum(hits)
    low, high = clopper_pearson(k, n)
    return {
        "metric": metric,
        "value": k / n if n else 0.0,
        "low": low,
        "high": high,
        "confidence": 0.95,
        "n": n,
        "data": data,
    }


def clopper_pearson(k: int, n: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the exact two-sided interval of a share (Clopper and Pearson, Biometrika 26 (1934) 404).

    Parameters
    ----------
    k, n : int
        Successes and trials.
    confidence : float, default 0.95
        Confidence.

    Returns
    -------
    low, high : float
        The interval; (0, 1) without trials.
    """
    if n == 0:
        return 0.0, 1.0
    tail = 0.5 * (1.0 - confidence)
    low = float(beta.ppf(tail, k, n - k + 1)) if k > 0 else 0.0
    high = float(beta.ppf(1.0 - tail, k + 1, n - k)) if k < n else 1.0
    return low, high
