"""Whether a fitted nuclide may be named: its lines must be seen as peaks, and be its own.

A fit with free continua and shields explains much that is not there. So a nuclide is named only if
leaving it out costs enough, its strong lines stand out of everything else in the fit, and enough of that
evidence lies where no stronger nuclide has a line or a scatter feature.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.physics import NUCLIDES
from screening.physics.detector import ELECTRON_REST_KEV, compton_edge_kev
from screening.records import Category

from .identify_fit import Fit, Problem, gains, solve

__all__ = [
    "Evidence",
    "cost_of_leaving_out",
    "line_evidence",
    "merge_families",
    "prefer_rivals",
    "threshold_of",
]

#: Fall of chi-squared a label must bring to be named, by its most severe category.
THRESHOLDS = {
    Category.NORM: 16.0,
    Category.MEDICAL: 25.0,
    Category.INDUSTRIAL: 25.0,
    Category.NUCLEAR: 30.0,
    Category.SNM: 40.0,
}

#: Labels met so rarely that they need more; the others need nothing extra.
RARE = frozenset(
    [
        "Ag-110m",
        "Au-198",
        "Ba-140",
        "Be-7",
        "Bi-207",
        "Br-82",
        "Cd-109",
        "Ce-139",
        "Ce-144",
        "Co-58",
        "Cr-51",
        "Cu-67",
        "Eu-154",
        "Eu-155",
        "Fe-59",
        "Gd-153",
        "Hf-181",
        "Hg-203",
        "Ho-166m",
        "I-124",
        "Kr-85",
        "Lu-176",
        "Mo-99",
        "Na-24",
        "Nb-95",
        "Pd-103",
        "Pu-238",
        "Ra-223",
        "Rb-82",
        "Re-188",
        "Ru-106",
        "Sb-124",
        "Sb-125",
        "Sc-46",
        "Sm-153",
        "Sn-113",
        "Sr-85",
        "Ta-182",
        "Tm-170",
        "U-233",
        "Y-88",
        "Yb-169",
        "Zn-65",
        "Zr-89",
        "Zr-95",
        "Ac-227",
    ]
)
RARE_EXTRA = 14.0

#: Lines that must be seen, all of them, before a material of concern is named.
SIGNATURES_KEV: dict[str, tuple[float, ...]] = {
    "HEU": (185.7,),
    "LEU": (185.7, 1001.0),
    "DU": (1001.0,),
    "WGPu": (375.0, 413.7),
    "RGPu": (375.0, 413.7),
    "U-233": (440.5, 317.2),
    "Np-237": (312.0,),
    "Pu-238": (152.7, 766.4),
    "Cf-252": (846.8,),
}

#: What a label could be mistaken for: it is named only if it explains clearly more than each of these.
RIVALS: dict[str, tuple[str, ...]] = {
    "WGPu": ("Am-241", "I-131"),
    "RGPu": ("Am-241", "WGPu", "I-131"),
    "HEU": ("Ra-226", "Lu-177"),
    "LEU": ("HEU", "DU", "Ra-226"),
    "U-233": ("Th-228", "Th-232"),
    "Th-228": ("Th-232",),
    "Cu-67": ("HEU",),
    "Cr-51": ("Np-237",),
    "Lu-176": ("Np-237",),
    "Ga-68": ("annihilation",),
    "Rb-82": ("annihilation",),
    "Zr-89": ("annihilation",),
    "I-124": ("annihilation",),
    "Sr-85": ("annihilation",),
    "Kr-85": ("annihilation",),
    "Ru-106": ("annihilation",),
    "Co-58": ("Cf-252",),
}
RIVAL_MARGIN = 20.0

#: Labels whose lines are mostly the same: only one of each family is kept, then held against its rivals.
FAMILIES = (
    frozenset({"Th-232", "Th-228"}),
    frozenset({"HEU", "LEU"}),
    frozenset({"WGPu", "RGPu"}),
)

#: Share of the leading nuclide's evidence that any other must reach: templates are inexact by so much.
SHARE_OF_LEAD = 0.05


class Evidence(NamedTuple):
    """What speaks for one label.

    Attributes
    ----------
    cost : float
        Rise of chi-squared when the label is left out and the rest refitted.
    own_cost : float
        Squared significance of its lines that no stronger label accounts for.
    n_found : int
        Groups of lines seen as peaks.
    n_own : int
        Those of them that no stronger label accounts for.
    found_share : float
        Share of the expected evidence in groups that were found.
    is_main_found : bool
        The group with most expected evidence was found.
    has_signature : bool
        The lines without which the label is not named were found, or it has none.
    """

    cost: float
    own_cost: float
    n_found: int
    n_own: int
    found_share: float
    is_main_found: bool
    has_signature: bool = True


def threshold_of(label: str) -> float:
    """Return the fall of chi-squared at which a label may be named.

    Parameters
    ----------
    label : str
        The label.

    Returns
    -------
    float
        Threshold, before the share of the leading label is applied.
    """
    categories = NUCLIDES[label].categories
    # The least severe category counts for what is natural: Ra-226 must not hide behind a high threshold.
    threshold = (
        THRESHOLDS[Category.NORM] if Category.NORM in categories else max(THRESHOLDS[c] for c in categories)
    )
    return threshold + (RARE_EXTRA if label in RARE else 0.0)


def cost_of_leaving_out(problem: Problem, fit: Fit, variants: dict[int, tuple[int, ...]]) -> dict[int, float]:
    """Return what each label of a fit is worth.

    Parameters
    ----------
    problem : Problem
        What was fitted.
    fit : Fit
        The fit.
    variants : dict of int to tuple of int
        Shields of its labels.

    Returns
    -------
    dict of int to float
        Rise of chi-squared by label, at the variances of `fit`.
    """
    full = solve(problem, fit.labels, variants=variants, start=fit)
    costs = {}
    for label in fit.labels:
        rest = tuple(other for other in fit.labels if other != label)
        costs[label] = max(solve(problem, rest, variants=variants, start=fit).chi2 - full.chi2, 0.0)
    return costs


def prefer_rivals(problem: Problem, fit: Fit, variants: dict[int, tuple[int, ...]]) -> Fit:
    """Replace labels that a less severe or more common one explains nearly as well.

    Parameters
    ----------
    problem : Problem
        What was fitted.
    fit : Fit
        The fit.
    variants : dict of int to tuple of int
        Shields of its labels; rivals that are taken are added.

    Returns
    -------
    Fit
        The fit, with rivals in the place of labels they can stand for.
    """
    names = problem.templates.table.names
    every = tuple(range(problem.templates.n_variant))
    for label in fit.labels:
        rivals = [names.index(rival) for rival in RIVALS.get(names[label], ())]
        if names[label] not in RARE and not rivals:
            continue
        present = solve(problem, fit.labels, variants={**variants, label: every}, start=fit)
        rest = tuple(other for other in fit.labels if other != label)
        without = solve(problem, rest, variants=variants, start=fit)
        cost = without.chi2 - present.chi2
        if names[label] in RARE:
            rivals += _common_rivals(problem, without, label, cost)
        lacks = not line_evidence(problem, present, label, cost, ()).has_signature
        for rival in rivals:
            swapped = rest if rival in rest else (*rest, rival)
            trial = solve(problem, swapped, variants={**variants, rival: every}, start=fit)
            # A label without the line that tells it gives way to one that explains at least most.
            allowed = 0.3 * cost if lacks else RIVAL_MARGIN + SHARE_OF_LEAD * cost
            if trial.chi2 - present.chi2 < allowed:
                variants[rival] = every
                fit = trial
                break
    return fit


def _common_rivals(problem: Problem, without: Fit, label: int, cost: float) -> list[int]:
    """Labels met more often that would explain nearly as much, the best first."""
    names = problem.templates.table.names
    gain = gains(problem, without).max(axis=1)
    order = np.argsort(-gain, kind="stable")[:8]
    return [
        int(k)
        for k in order
        if k != label and names[k] not in RARE and k not in without.labels and gain[k] > 0.8 * cost
    ][:3]


def merge_families(problem: Problem, fit: Fit, variants: dict[int, tuple[int, ...]]) -> Fit:
    """Leave one label of each family of near-equal patterns in a fit, the one that entered first.

    Parameters
    ----------
    problem : Problem
        What was fitted.
    fit : Fit
        The fit.
    variants : dict of int to tuple of int
        Shields of its labels.

    Returns
    -------
    Fit
        The fit without the others; the same fit when there are none.
    """
    names = problem.templates.table.names
    labels = list(fit.labels)
    for family in FAMILIES:
        members = [label for label in labels if names[label] in family]
        for label in members[1:]:
            labels.remove(label)
    if len(labels) == len(fit.labels):
        return fit
    return solve(problem, tuple(labels), variants=variants, start=fit)


def line_evidence(problem: Problem, fit: Fit, label: int, cost: float, stronger: tuple[int, ...]) -> Evidence:
    """Look for a label's lines, group by group, in what the rest of the fit leaves.

    Parameters
    ----------
    problem : Problem
        What was fitted.
    fit : Fit
        The fit.
    label : int
        The label.
    cost : float
        Rise of chi-squared without it.
    stronger : tuple of int
        Labels that explain more of the spectrum.

    Returns
    -------
    Evidence
        What speaks for the label.
    """
    templates = problem.templates
    axis, law = templates.axis_kev, templates.law
    centre = 0.5 * (axis[1:] + axis[:-1])
    mine = (fit.owner == label) & fit.is_peak
    own = fit.columns[:, mine] @ fit.amplitude[mine]
    if own.sum() <= 0:
        return Evidence(cost, 0.0, 0, 0, 0.0, False)
    groups = _groups(problem, fit, label)
    if not groups:
        return Evidence(cost, 0.0, 0, 0, 0.0, False)
    left = problem.counts - fit.model + own
    taken = _taken_energies(problem, stronger)
    expected, seen, is_own, where = [], [], [], []
    for energy in groups:
        width = float(law.fwhm_kev(energy))
        window = np.abs(centre - energy) < 0.75 * width
        if not window.any():
            continue
        shape, weight = own[window], fit.weight[window]
        norm = float(weight @ shape**2)
        if norm <= 0:
            continue
        expected.append(norm)
        seen.append(float(weight @ (shape * left[window])) / norm)
        where.append(energy)
        is_own.append(not np.any(np.abs(taken[:, 0] - energy) < taken[:, 1] * width + taken[:, 2]))
    if not expected:
        return Evidence(cost, 0.0, 0, 0, 0.0, False)
    strength, ratio, exclusive = np.array(expected), np.array(seen), np.array(is_own)
    # A group is found if it stands there at least at 30 % of what the whole pattern predicts.
    found = (ratio > 0.3) & (ratio * np.sqrt(strength) > 2.0)
    sharp = np.array(where)[found & (ratio * np.sqrt(strength) > 2.5)]
    signature = SIGNATURES_KEV.get(templates.table.names[label], ())
    has_signature = all(np.any(np.abs(sharp - e) < 0.7 * law.fwhm_kev(e)) for e in signature)
    own_cost = float((np.minimum(ratio, 1.0) ** 2 * strength)[found & exclusive].sum())
    return Evidence(
        cost,
        own_cost,
        int(np.count_nonzero(found)),
        int(np.count_nonzero(found & exclusive)),
        float(strength[found].sum() / strength.sum()),
        bool(found[np.argmax(strength)]),
        has_signature,
    )


def _groups(problem: Problem, fit: Fit, label: int) -> list[float]:
    """Centres of a label's lines, those within one FWHM taken together, the strongest first."""
    templates = problem.templates
    table = templates.table
    lines = np.flatnonzero((table.owner == label) & (table.part == 0))
    inside = (table.energy_kev[lines] > templates.axis_kev[0]) & (
        table.energy_kev[lines] < templates.axis_kev[-1]
    )
    lines = lines[inside]
    if lines.size == 0:
        return []
    amplitude = fit.amplitude[(fit.owner == label) & fit.is_peak]
    n_variant = templates.n_variant
    # The mixture of shields the fit chose: yields weighted by amplitude over norm.
    chosen = table.yield_[lines] / templates.norm[label * n_variant : (label + 1) * n_variant]
    mixture = chosen.mean(axis=1) if amplitude.sum() <= 0 else chosen.max(axis=1)
    order = np.argsort(-mixture, kind="stable")
    centres: list[float] = []
    weights: list[float] = []
    for k in order[:40]:
        energy, amount = float(table.energy_kev[lines[k]]), float(mixture[k])
        width = float(templates.law.fwhm_kev(energy))
        near = [j for j, centre in enumerate(centres) if abs(centre - energy) < width]
        if near:
            j = near[0]
            centres[j] = (centres[j] * weights[j] + energy * amount) / (weights[j] + amount)
            weights[j] += amount
        else:
            centres.append(energy)
            weights.append(amount)
    return centres


def _taken_energies(problem: Problem, stronger: tuple[int, ...]) -> NDArray[np.float64]:
    """Where stronger labels put features of their own: (energy, reach in FWHM, reach in keV)."""
    table = problem.templates.table
    rows: list[tuple[float, float, float]] = [(-1e9, 0.0, 0.0)]
    for label in stronger:
        mine = np.flatnonzero(table.owner == label)
        amount = table.yield_[mine].max(axis=1)
        by_part = amount / amount.max()
        for k, share in zip(mine, by_part, strict=True):
            energy = float(table.energy_kev[k])
            rows.append((energy, 1.0, 0.0) if share > 0.003 else (energy, 0.4, 0.0))
            if share > 0.05 and energy > 60.0:
                edge = float(compton_edge_kev(energy))
                back = energy - edge
                rows.append((edge, 1.0, 0.0))
                rows.append((back, 0.6, 0.12 * back))
                if energy > 2 * ELECTRON_REST_KEV:
                    rows.append((ELECTRON_REST_KEV, 1.0, 0.0))
    return np.array(rows)
