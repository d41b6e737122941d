"""Hidden loads: the share found by mass, the smallest mass found, and what noise alone would allow."""

from __future__ import annotations

from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, stats

from screening.evaluate.metrics.proportions import proportion
from screening.evaluate.metrics.resampling import bootstrap_weighted
from screening.evaluate.metrics.sigmoid import fit_detection_curves
from screening.evaluate.record import Curve, Figure, Series, figure_of

from .asking import FALSE_ALARM_RATE, SECTION, Asked
from .empty_scenes import EmptyRow, HiddenRow
from .hidden_loads import MASSES_KG, MATERIALS, PLACES

__all__ = [
    "MASS_AT",
    "Hidden",
    "bound_figures",
    "found_figures",
    "mass_curve",
    "mass_figures",
    "noise_bound_kg",
]

#: Detection at which the smallest hidden mass is read.
MASS_AT = 0.9

#: Bounds of the masses that a noise bound is searched in, kg.
_LEAST_KG, _MOST_KG = 1e-6, 1e4

#: A hidden load with the empty container it was put into.
Hidden = tuple[EmptyRow, HiddenRow]


def noise_bound_kg(
    mass_kg: NDArray[np.float64], d_prime: NDArray[np.float64], *, rate: float, detection: float
) -> float | None:
    """Return the mass that an ideal observer would find, whom nothing but noise stands against.

    Parameters
    ----------
    mass_kg, d_prime : ndarray of shape (n,), float64
        Trials with their detectability.
    rate : float
        His false alarm rate.
    detection : float
        Share of the trials that must be found.

    Returns
    -------
    float or None
        The mass, kg, at which the mean over the trials of Phi(d' M / m - Phi^-1(1 - rate)) reaches
        `detection`: d' grows with the mass, in proportion while the load is thin. A trial of d' = 0 shows
        nothing at any mass; None where they are so many that the share is not reached up to 10 t.

    Raises
    ------
    ValueError
        If there are no trials, or a d' is negative or not a number.
    """
    if mass_kg.size == 0 or not (d_prime >= 0).all():
        raise ValueError(f"needs trials with d' of 0 or more, got {d_prime.tolist()}")
    per_kg = d_prime / mass_kg
    limit = stats.norm.isf(rate)

    def _short(log_mass: float) -> float:
        return float(np.mean(stats.norm.cdf(per_kg * np.exp(log_mass) - limit)) - detection)

    low, high = np.log(_LEAST_KG), np.log(_MOST_KG)
    if _short(high) < 0:
        return None
    return float(np.exp(optimize.brentq(_short, low, high)))


def _cells(
    fitting: list[Hidden],
) -> list[tuple[str, list[Hidden]]]:
    """Return the hidden loads by material, and by material and place."""
    cells = []
    for material in MATERIALS:
        chosen = [pair for pair in fitting if pair[1].material == material]
        cells.append((material, chosen))
        cells += [
            (f"{material}, {place}", [pair for pair in chosen if pair[1].place == place]) for place in PLACES
        ]
    return [(name, chosen) for name, chosen in cells if chosen]


def _fitted_kg(
    weight: NDArray[np.int64], mass: NDArray[np.float64], found: NDArray[np.bool_], base: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Return the mass at 90 % detection, kg, of each row of weights; not a number where it is not reached.

    Weights are multiplicities of shape (n_resample, n); chance is the weighted share of `base`.
    """
    levels = np.unique(mass)
    if levels.size < 3:
        return np.full(len(weight), np.nan)
    at = (mass[:, np.newaxis] == levels).astype(np.int64)
    chance = weight @ base / weight.sum(axis=1)
    is_asked = chance < MASS_AT
    value = fit_detection_curves(
        levels,
        weight @ (at * found[:, np.newaxis]),
        weight @ at,
        chance=np.where(is_asked, chance, 0.0),
        cover=None,
    ).mda(MASS_AT)
    is_within = is_asked & (value >= MASSES_KG[0]) & (value <= MASSES_KG[-1])
    return np.where(is_within, value, np.nan)


def mass_figures(one: Asked, fitting: list[Hidden], *, seed: int, n_resample: int) -> list[Figure]:
    """Return the smallest hidden masses by material and place.

    Parameters
    ----------
    one : Asked
        The detector.
    fitting : list of Hidden
        Hidden loads that were made.
    seed, n_resample : int
        Of the bootstrap over containers; 0 resamples give no interval.

    Returns
    -------
    list of Figure
        Mass at 90 % detection by a probit curve in ln mass. Chance is the share of the same containers that
        alarm without a load.
    """
    figures = []
    for stratum, cell in _cells(fitting):
        mass = np.array([hidden.mass_kg for _, hidden in cell])
        found = np.array([one.call(hidden.answers) is True for _, hidden in cell], dtype=bool)
        base = np.array([one.call(row.answers) is True for row, _ in cell], dtype=bool)
        hosts = [row.sample for row, _ in cell]
        fitted = partial(_fitted_kg, mass=mass, found=found, base=base)
        value = float(fitted(np.ones((1, mass.size), dtype=np.int64))[0])
        low = high = None
        method = "probit in ln mass"
        if n_resample and np.isfinite(value):
            estimate = bootstrap_weighted(fitted, mass.size, hosts, seed=seed, n_resample=n_resample)
            low, high = estimate.low, estimate.high
            method += f"; {estimate.method}"
            if estimate.n_undefined:
                method += f", {estimate.n_undefined} of {n_resample} without a number"
        top = mass == MASSES_KG[-1]
        figures.append(
            Figure(
                section=SECTION,
                metric=f"smallest hidden mass ({100 * MASS_AT:g} % found)",
                detector=one.name,
                stratum=stratum,
                value=value if np.isfinite(value) else None,
                low=low,
                high=high,
                n=len(cell),
                unit="kg",
                method=method,
                better="lower",
                note=(
                    f"{int(found[top].sum())} of {int(top.sum())} found at {MASSES_KG[-1]:g} kg; "
                    f"{100 * base.mean():.1f} % alarm without a load"
                    + (
                        ""
                        if np.isfinite(value)
                        else f"; not reached within {MASSES_KG[0]:g} to {MASSES_KG[-1]:g} kg"
                    )
                ),
            )
        )
    return figures


def found_figures(one: Asked, fitting: list[Hidden], *, seed: int) -> list[Figure]:
    """Return the share found by material and mass, and what is passed as LOW with a load in it.

    Parameters
    ----------
    one : Asked
        The detector.
    fitting : list of Hidden
        Hidden loads that were made.
    seed : int
        Of the bootstrap over containers.

    Returns
    -------
    list of Figure
        Shares.
    """
    figures = []
    for material in MATERIALS:
        for mass in MASSES_KG:
            chosen = [p for p in fitting if p[1].material == material and p[1].mass_kg == mass]
            if not chosen:
                continue
            found = proportion(
                [one.call(hidden.answers) is True for _, hidden in chosen],
                [row.sample for row, _ in chosen],
                seed=seed,
            )
            figures.append(
                figure_of(
                    found,
                    section=SECTION,
                    metric="hidden loads found",
                    detector=one.name,
                    stratum=f"{material}, {mass:.3g} kg",
                    better="higher",
                )
            )
    levels = [(one.answer(hidden.answers), row.sample) for row, hidden in fitting]
    if any(answer is not None and answer.level for answer, _ in levels):
        passed = proportion(
            [answer is not None and answer.level == "LOW" for answer, _ in levels],
            [name for _, name in levels],
            seed=seed,
        )
        figures.append(
            figure_of(
                passed,
                section=SECTION,
                metric="hidden loads passed as LOW",
                detector=one.name,
                better="lower",
                note="all materials, places and masses; the rest is found, or UNKNOWN for another reason",
            )
        )
    return figures


def bound_figures(fitting: list[Hidden]) -> list[Figure]:
    """Return the masses that noise alone would allow, by material and place.

    Parameters
    ----------
    fitting : list of Hidden
        Hidden loads that were made.

    Returns
    -------
    list of Figure
        Mass at 90 % detection of an ideal observer.
    """
    figures = []
    for stratum, cell in _cells(fitting):
        kept = [(row, hidden) for row, hidden in cell if hidden.d_prime is not None]
        if not kept:
            continue
        mass = np.array([hidden.mass_kg for _, hidden in kept])
        d_prime = np.array([hidden.d_prime for _, hidden in kept], dtype=np.float64)
        n_blind = int((d_prime == 0).sum())
        figures.append(
            Figure(
                section=SECTION,
                metric=f"smallest hidden mass ({100 * MASS_AT:g} % found)",
                detector="noise bound",
                stratum=stratum,
                value=noise_bound_kg(mass, d_prime, rate=FALSE_ALARM_RATE, detection=MASS_AT),
                n=len(kept),
                unit="kg",
                method="matched filter, d' in proportion to the mass",
                note="known place, load and container; nothing but noise"
                + (f"; {n_blind} of {len(kept)} lie where no signal comes through" if n_blind else ""),
            )
        )
    return figures


def mass_curve(material: str, asked: list[Asked], fitting: list[Hidden]) -> Curve:
    """Return the share found against the mass.

    Parameters
    ----------
    material : str
        Of the loads.
    asked : list of Asked
        Detectors.
    fitting : list of Hidden
        Hidden loads that were made.

    Returns
    -------
    Curve
        One series for each detector, all places together.
    """
    series = []
    cell = [(row, hidden) for row, hidden in fitting if hidden.material == material]
    for one in asked:
        x, shares = [], []
        for mass in MASSES_KG:
            hits = [one.call(hidden.answers) is True for _, hidden in cell if hidden.mass_kg == mass]
            if hits:
                x.append(mass)
                shares.append(proportion(hits, [r.sample for r, h in cell if h.mass_kg == mass]))
        series.append(
            Series(
                name=one.name,
                x=tuple(x),
                y=tuple(share.value for share in shares),
                low=tuple(share.low for share in shares),
                high=tuple(share.high for share in shares),
                style="points",
            )
        )
    return Curve(
        section=SECTION,
        title=f"Hidden loads found by their mass: {material}",
        x_label="mass, kg",
        y_label="share found, all places",
        x_scale="log",
        series=tuple(series),
    )
