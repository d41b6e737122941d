"""Find resolution, gain and offset of a spectrum by fitting it.

Calibrations in files are off by percents, and headers do not tell the resolution; both are found here
from the spectrum: resolutions voted for by the peaks, gains on a grid with a prior, then a coordinate
search with the nuclides that explain most.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.physics import FwhmLaw

from .identify_fit import Fit, Problem, add_best, bins_per_fwhm, pose, quick_gains, solve
from .spectrum import MeasuredSpectrum
from .templates import GERMANIUM_R662, build_templates, continuum_basis

__all__ = ["Setting", "Settled", "settle"]

#: Prior widths of the nuisance parameters.
GAIN_SIGMA = 0.012
OFFSET_SIGMA_KEV = 2.0
BEND_SIGMA_KEV = 2.5
EXPONENT_SIGMA = 0.08
RESOLUTION_SIGMA = 0.15

#: The prior weighs more where much is explained: templates are inexact by a share of it.
PRIOR_SHARE = 0.02

#: Widest gain error looked for: scintillators, germanium.
GAIN_SPAN = 0.035
GAIN_LIMIT = 0.05
GAIN_SPAN_GERMANIUM = 0.004
OFFSET_SPAN_KEV = 12.0
BEND_SPAN_KEV = 12.0


class Setting(NamedTuple):
    """What is not known of the detector.

    Attributes
    ----------
    r662 : float
        FWHM over energy at 662 keV.
    exponent : float
        Exponent of the width.
    gain, offset_kev, bend_kev : float
        Energy E stands in the file at ``(E - offset - bend * (E / 1 MeV)^2) / gain``.
    """

    r662: float
    exponent: float = 0.5
    gain: float = 1.0
    offset_kev: float = 0.0
    bend_kev: float = 0.0

    @property
    def law(self) -> FwhmLaw:
        """The width as a function of energy."""
        floor = 0.9 if self.r662 < GERMANIUM_R662 else 0.0
        return FwhmLaw(self.r662, self.exponent, floor)

    @property
    def penalty(self) -> float:
        """Twice the negative log prior."""
        return (
            ((self.gain - 1.0) / GAIN_SIGMA) ** 2
            + (self.offset_kev / OFFSET_SIGMA_KEV) ** 2
            + (self.bend_kev / BEND_SIGMA_KEV) ** 2
            + ((self.exponent - 0.5) / EXPONENT_SIGMA) ** 2
        )


class Settled(NamedTuple):
    """The best setting, and the fit that found it.

    Attributes
    ----------
    setting : Setting
        Resolution, gain and offset.
    problem : Problem
        The spectrum posed with them.
    fit : Fit
        The fit with the leading nuclides.
    variants : dict of int to tuple of int
        Shields of those nuclides.
    """

    setting: Setting
    problem: Problem
    fit: Fit
    variants: dict[int, tuple[int, ...]]


class _Bench:
    """Poses one spectrum at many settings on one axis."""

    def __init__(
        self,
        spectrum: MeasuredSpectrum,
        background: MeasuredSpectrum | None,
        excess: NDArray[np.float64],
        axis_kev: NDArray[np.float64],
        continuum_law: FwhmLaw,
    ) -> None:
        self.spectrum, self.background, self.excess, self.axis_kev = spectrum, background, excess, axis_kev
        self.continuum = continuum_basis(continuum_law, axis_kev)
        self._continua: dict[tuple[int, int], list[NDArray[np.float64]]] = {}
        self._law: FwhmLaw | None = None

    def pose(self, setting: Setting) -> Problem:
        law = setting.law
        if law != self._law:
            self.templates = build_templates(law, self.axis_kev, continua=self._continua)
            self._law = law
        return pose(
            self.spectrum, law, self.axis_kev, gain=setting.gain, offset_kev=setting.offset_kev,
            bend_kev=setting.bend_kev, background=self.background, templates=self.templates,
            continuum=self.continuum, excess=self.excess,
        )  # fmt: skip


def settle(
    spectrum: MeasuredSpectrum,
    candidates: list[float],
    range_kev: tuple[float, float],
    *,
    background: MeasuredSpectrum | None,
    excess: NDArray[np.float64],
    handicap: NDArray[np.float64],
    norm_labels: tuple[int, ...],
) -> Settled:
    """Find the setting that lets the nuclides explain the spectrum best.

    Parameters
    ----------
    spectrum : MeasuredSpectrum
        What is to be explained.
    candidates : list of float
        Resolutions at 662 keV to try.
    range_kev : tuple of float
        Lowest and highest energy, keV.
    background : MeasuredSpectrum or None
        A background measured apart.
    excess : ndarray of shape (n_channel,), float64
        Variance beyond Poisson, by channel.
    handicap : ndarray of shape (n_label,), float64
        What each nuclide has to bring beyond the others.
    norm_labels : tuple of int
        Labels of natural background, whose gains are taken together.

    Returns
    -------
    Settled
        The best setting and its fit.
    """
    benches = {}
    settled = {}
    for candidate in candidates:
        law = Setting(candidate).law
        benches[candidate] = _Bench(
            spectrum, background, excess, law.axis(*range_kev, bins_per_fwhm(candidate)), law
        )
        setting = _scan_gain(benches[candidate], Setting(candidate), handicap, norm_labels)
        settled[candidate] = _lead(benches[candidate], setting, handicap)
    best = candidates[0]
    if len(candidates) > 1:
        # Held against each other on one axis; germanium's would be needlessly fine for anything else.
        axis = Setting(max(min(candidates), 0.25 * max(candidates))).law.axis(
            *range_kev, bins_per_fwhm(candidate)
        )
        costs = {}
        for candidate, found in settled.items():
            bench = _Bench(spectrum, background, excess, axis, Setting(candidate).law)
            problem = bench.pose(found.setting)
            fit = solve(problem, found.fit.labels, variants=found.variants)
            fit = solve(problem, found.fit.labels, variants=found.variants, start=fit)
            costs[candidate] = fit.chi2 + found.setting.penalty
        best = min(costs, key=lambda candidate: (costs[candidate], candidate))
    return _refine(benches[best], settled[best], handicap)


def _scan_gain(
    bench: _Bench, setting: Setting, handicap: NDArray[np.float64], norm_labels: tuple[int, ...]
) -> Setting:
    is_germanium = setting.r662 < GERMANIUM_R662
    span = GAIN_SPAN_GERMANIUM if is_germanium else GAIN_SPAN
    step = 0.0006 if is_germanium else float(np.clip(0.4 * setting.r662, 0.008, 0.0175))
    n_step = int(span / step + 1e-6)
    offsets = (0.0,) if is_germanium else (0.0, -2.5, 2.5) if setting.r662 > 0.045 else (0.0, -2.0, 2.0)
    tried: list[tuple[float, Setting]] = []
    for offset_kev in offsets:
        for k in range(-n_step, n_step + 1):
            trial = setting._replace(gain=1.0 + k * step, offset_kev=offset_kev)
            gain = quick_gains(bench.pose(trial))
            natural = float(gain[list(norm_labels)].sum())
            tried.append((max(float((gain - handicap).max()), natural), trial))
    weight = 1.0 + PRIOR_SHARE * max(value for value, _ in tried)
    return max(tried, key=lambda item: item[0] - weight * item[1].penalty)[1]


def _lead(bench: _Bench, setting: Setting, handicap: NDArray[np.float64]) -> Settled:
    problem = bench.pose(setting)
    variants: dict[int, tuple[int, ...]] = {}
    fit = solve(problem, (), variants=variants)
    fit = solve(problem, (), variants=variants, start=fit)
    for _ in range(3):
        step = add_best(problem, fit, variants, handicap=handicap, least=20.0)
        if step is None:
            break
        fit = step[0]
    return Settled(setting, problem, fit, variants)


def _refine(bench: _Bench, settled: Settled, handicap: NDArray[np.float64]) -> Settled:
    """Coordinate search with the leading nuclides, then choose them again."""
    if not settled.fit.labels:
        return settled
    best, start = settled.setting, settled.fit

    first = settled.setting
    none = solve(settled.problem, (), variants={}, start=start).chi2
    weight = 1.0 + PRIOR_SHARE * max(none - settled.fit.chi2, 0.0)

    def cost(setting: Setting) -> float:
        fit = solve(bench.pose(setting), settled.fit.labels, variants=settled.variants, start=start)
        narrower = np.log(setting.r662 / first.r662) / RESOLUTION_SIGMA
        return float(fit.chi2 + weight * (setting.penalty + narrower**2))

    value = cost(best)
    is_germanium = best.r662 < GERMANIUM_R662
    for scale in (1.0, 0.5, 0.25):
        steps: list[tuple[str, float]] = [
            ("r662", 0.2 * scale * best.r662),
            ("gain", 0.15 * scale * best.r662),
        ]
        if not is_germanium:
            steps += [("offset_kev", 2.0 * scale), ("bend_kev", 3.0 * scale), ("exponent", 0.1 * scale)]
        if scale < 0.5 and is_germanium:
            break
        for name, step in steps:
            best, value = _along(cost, best, value, name, step)
    return _lead(bench, best, handicap)


def _along(
    cost: Callable[[Setting], float], best: Setting, value: float, name: str, step: float
) -> tuple[Setting, float]:
    """Walk along one parameter while it helps, three steps at most in either direction."""
    for sign in (1.0, -1.0):
        improved = False
        for _ in range(3):
            moved = float(getattr(best, name)) + sign * step
            if not _is_allowed(name, moved, best):
                break
            trial = best._replace(**{name: moved})
            trial_value = cost(trial)
            if trial_value >= value:
                break
            best, value, improved = trial, trial_value, True
        if improved:
            break
    return best, value


def _is_allowed(name: str, value: float, setting: Setting) -> bool:
    if name == "gain":
        return abs(value - 1.0) <= GAIN_LIMIT
    if name == "offset_kev":
        return abs(value) <= OFFSET_SPAN_KEV
    if name == "bend_kev":
        return abs(value) <= BEND_SPAN_KEV
    if name == "exponent":
        return 0.3 <= value <= 0.7
    is_germanium = setting.r662 < GERMANIUM_R662
    return 0.0012 <= value <= 0.18 and (value < GERMANIUM_R662) == is_germanium
