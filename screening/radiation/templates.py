"""Peak and continuum templates of every nuclide, at any resolution, on any axis.

A template is the set of full-energy peaks of one nuclide behind one shield in one crystal, each with the
width the resolution law gives. Continua are kept apart, because they depend on the surroundings of the
detector, which are not known: evidence for a nuclide comes from its peaks.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.special import erf

from screening.physics import (
    NAMED,
    NUCLIDES,
    FwhmLaw,
    attenuation,
    compton_continuum,
    full_energy_efficiency,
)
from screening.physics.detector import ELECTRON_REST_KEV, compton_edge_kev

from .resolution import SIGMA_PER_FWHM

__all__ = [
    "GERMANIUM_R662",
    "LANTHANUM_R662",
    "SHIELDS",
    "LineTable",
    "TemplateSet",
    "build_templates",
    "continuum_basis",
    "intrinsic_columns",
    "line_table",
    "nuclide_continua",
]

#: The shielding grid: material and areal density, g/cm2.
SHIELDS: tuple[tuple[str, float], ...] = (
    ("aluminium", 0.3),
    ("steel", 4.0),
    ("steel", 16.0),
    ("lead", 2.3),
    ("lead", 9.0),
    ("water", 20.0),
)

#: Crystals: two path lengths (cm) for each of the two families of response.
CRYSTALS: dict[str, tuple[tuple[str, float], ...]] = {
    "scintillator": (("nai", 1.0), ("nai", 6.0)),
    "germanium": (("hpge", 1.5), ("hpge", 6.0)),
}

#: Metal that absorbs its own lines, as (material, g/cm2).
SELF_ABSORPTION: dict[str, tuple[str, float]] = {
    "HEU": ("uranium", 4.0),
    "LEU": ("uranium", 4.0),
    "DU": ("uranium", 4.0),
    "WGPu": ("plutonium", 2.0),
    "RGPu": ("plutonium", 2.0),
}

#: Resolutions a lanthanum halide may have.
LANTHANUM_R662 = (0.02, 0.055)

#: In the place of the share of multiple scatters: photons scattered on the way to the crystal.
SCATTERED = -1.0

#: Resolutions below this are germanium's.
GERMANIUM_R662 = 0.009

#: Below this the window, the dead layer and the fluorescence of the crystal rule; such lines are kept apart.
LOW_ENERGY_KEV = 50.0

#: Lines of lanthanum halide crystals, seen from inside: the K shell that an electron capture leaves open
#: fills with 37.4 keV, alone where the 1436 keV gamma escapes and summed with it where it stays (the sums as
#: the light makes them); the 789 keV gamma sums with the beta spectrum above it, and the alphas of the Ac-227
#: series stand at 1.6 to 2.6 MeV electron equivalent (Quarati et al., NIM A 683 (2012) 46).
INTRINSIC_BETA_END_KEV = 255.0
INTRINSIC_GAMMAS = ((37.44, 0.25), (1440.0, 0.15), (1472.0, 0.85))
INTRINSIC_ALPHAS_KEV = (1680.0, 2520.0)


class LineTable(NamedTuple):
    """Every line of every label, and what each shield and crystal leaves of it.

    Attributes
    ----------
    names : tuple of str
        Labels.
    energy_kev : ndarray of shape (n_line,), float64
        Line energies, escape peaks included.
    owner : ndarray of shape (n_line,), int64
        Index of the label.
    part : ndarray of shape (n_line,), int64
        0 for the lines that prove the label; 1 for its low-energy lines, 2 and up for its impurities and
        daughters, each kept apart with an amplitude of its own.
    yield_ : ndarray of shape (n_line, n_variant), float64
        Relative counts in the peak, by shield and crystal.
    """

    names: tuple[str, ...]
    energy_kev: NDArray[np.float64]
    owner: NDArray[np.int64]
    part: NDArray[np.int64]
    yield_: NDArray[np.float64]


class TemplateSet(NamedTuple):
    """Templates on one axis at one resolution.

    Attributes
    ----------
    axis_kev : ndarray of shape (n_bin + 1,), float64
        Bin edges, keV.
    law : FwhmLaw
        Resolution.
    table : LineTable
        What the templates are made of.
    peaks : sparse matrix of shape (n_bin, n_label * n_variant)
        Peaks above ``LOW_ENERGY_KEV``, each column of unit sum over all energies.
    lines : sparse matrix of shape (n_bin, n_line)
        Single lines of unit area.
    norm : ndarray of shape (n_label * n_variant,), float64
        Sum of the yields behind a column.
    continua : dict
        Continua computed so far, by label and variant; shared by templates on the same axis, where a small
        change of resolution does not matter to them.
    kept : dict
        What was computed of these templates so far and is asked for again.
    """

    axis_kev: NDArray[np.float64]
    law: FwhmLaw
    table: LineTable
    peaks: Any
    lines: Any
    norm: NDArray[np.float64]
    continua: dict[tuple[int, int], list[NDArray[np.float64]]]
    kept: dict[Any, Any]

    @property
    def squares(self) -> Any:
        """Element by element, the square of `peaks`."""
        if "squares" not in self.kept:
            self.kept["squares"] = self.peaks.multiply(self.peaks).tocsc()
        return self.kept["squares"]

    def parts(self, label: int, variant: int) -> list[NDArray[np.float64]]:
        """Return the low-energy lines and the impurities of a label, each of unit sum.

        Parameters
        ----------
        label, variant : int
            Which nuclide, shield and crystal.

        Returns
        -------
        list of ndarray of shape (n_bin,), float64
            Counts in each bin; parts outside the axis are left out.
        """
        key = (label, variant)
        if key not in self.kept:
            mine = self.table.owner == label
            columns = []
            for part in range(1, int(self.table.part[mine].max(initial=0)) + 1):
                lines = np.flatnonzero(mine & (self.table.part == part))
                column = self.lines[:, lines] @ self.table.yield_[lines, variant]
                if column.sum() > 0:
                    columns.append(column / column.sum())
            self.kept[key] = columns
        found: list[NDArray[np.float64]] = self.kept[key]
        return found

    @property
    def n_variant(self) -> int:
        """Number of shields times crystals."""
        return int(self.table.yield_.shape[1])


@cache
def line_table(family: str) -> LineTable:
    """Return the lines of every label for one family of crystals.

    Parameters
    ----------
    family : {"scintillator", "germanium"}
        Family of crystals.

    Returns
    -------
    LineTable
        The lines; computed once.
    """
    named = [NUCLIDES[name] for name in NAMED]
    # One call for all lines: the attenuation lookups cost far more than the arithmetic.
    every = np.concatenate([nuclide.energy_kev for nuclide in named])
    reach = np.stack(
        [
            np.exp(-attenuation(material, every) * areal) * efficiency
            for material, areal in SHIELDS
            for efficiency in (full_energy_efficiency(every, c, d) for c, d in CRYSTALS[family])
        ],
        axis=1,
    )
    energies, owners, parts, yields = [], [], [], []
    start = 0
    for index, nuclide in enumerate(named):
        energy = nuclide.energy_kev
        amount = (
            _emitted(nuclide.name, energy, nuclide.intensity)[:, None] * reach[start : start + energy.size]
        )
        start += energy.size
        if nuclide.name == "La-138" and family == "scintillator":
            energy, amount, part = _intrinsic_lanthanum(reach.shape[1])
        else:
            roots = sorted({origin for origin in nuclide.origin if origin.endswith("*")})
            part = np.array([2 + roots.index(o) if o.endswith("*") else 0 for o in nuclide.origin])
            energy, amount, part = _with_escapes(energy, amount, part)
        is_low = (energy < LOW_ENERGY_KEV) & (part == 0)
        if amount[(part == 0) & ~is_low, 0].sum() >= 0.002 * amount[part == 0, 0].sum():
            part[is_low] = 1
        energies.append(energy)
        owners.append(np.full(energy.size, index))
        parts.append(part)
        yields.append(amount)
    return LineTable(
        NAMED, np.concatenate(energies), np.concatenate(owners), np.concatenate(parts), np.concatenate(yields)
    )


def _intrinsic_lanthanum(
    n_variant: int,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Lines, yields and parts of a lanthanum halide seen from inside; no shield changes them."""
    above = np.arange(0.0, INTRINSIC_BETA_END_KEV, 8.0)
    # The beta spectrum above the 789 keV gamma, as closely spaced lines.
    beta = (1.0 - above / INTRINSIC_BETA_END_KEV) ** 1.5
    gammas = np.array(INTRINSIC_GAMMAS)
    energy = np.concatenate([gammas[:, 0], 789.0 + above])
    amount = np.concatenate([gammas[:, 1], 0.9 * beta / beta.sum()])
    part = np.concatenate([[1], np.zeros(gammas.shape[0] - 1), np.full(beta.size, 2)])
    return energy, np.repeat(amount[:, None], n_variant, axis=1), part.astype(np.int64)


def _emitted(name: str, energy: NDArray[np.float64], intensity: NDArray[np.float64]) -> NDArray[np.float64]:
    if name not in SELF_ABSORPTION:
        return intensity
    material, areal = SELF_ABSORPTION[name]
    depth = attenuation(material, energy) * areal
    return intensity * -np.expm1(-depth) / depth


def _with_escapes(
    energy: NDArray[np.float64], amount: NDArray[np.float64], part: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Add single and double escape peaks of lines well above the pair threshold."""
    high = np.flatnonzero(energy > 1500.0)
    if high.size == 0:
        return energy, amount, part
    share = 0.25 * np.clip((energy[high] - 1200.0) / 1400.0, 0.0, 1.0)[:, None]
    return (
        np.concatenate([energy, energy[high] - ELECTRON_REST_KEV, energy[high] - 2 * ELECTRON_REST_KEV]),
        np.concatenate([amount, amount[high] * share, amount[high] * 0.6 * share]),
        np.concatenate([part, part[high], part[high]]),
    )


def build_templates(
    law: FwhmLaw,
    axis_kev: NDArray[np.float64],
    *,
    continua: dict[tuple[int, int], list[NDArray[np.float64]]] | None = None,
) -> TemplateSet:
    """Return every template at a resolution.

    Parameters
    ----------
    law : FwhmLaw
        Resolution.
    axis_kev : ndarray of shape (n_bin + 1,), float64
        Bin edges, keV.
    continua : dict, optional
        Continua of templates on the same axis at nearly the same resolution.

    Returns
    -------
    TemplateSet
        The templates.
    """
    table = line_table("germanium" if law.r662 < GERMANIUM_R662 else "scintillator")
    lines = _line_matrix(law, axis_kev, table.energy_kev)
    n_label, n_variant = len(table.names), table.yield_.shape[1]
    high = np.flatnonzero(table.part == 0)
    amount = table.yield_[high]
    row = np.repeat(high, n_variant)
    column = (table.owner[high][:, None] * n_variant + np.arange(n_variant)).ravel()
    total = np.bincount(column, amount.ravel(), minlength=n_label * n_variant)
    norm: NDArray[np.float64] = np.maximum(total.astype(np.float64), 1e-300)
    mixing = sparse.csr_matrix(
        (amount.ravel() / norm[column], (row, column)), shape=(table.energy_kev.size, n_label * n_variant)
    )
    peaks = (lines @ mixing).tocsc()
    return TemplateSet(
        axis_kev,
        law,
        table,
        peaks,
        lines,
        norm,
        {} if continua is None else continua,
        {},
    )


def _line_matrix(law: FwhmLaw, axis_kev: NDArray[np.float64], energy_kev: NDArray[np.float64]) -> Any:
    sigma = law.fwhm_kev(energy_kev) * SIGMA_PER_FWHM
    first = np.searchsorted(axis_kev, energy_kev - 4.0 * sigma) - 1
    last = np.searchsorted(axis_kev, energy_kev + 4.0 * sigma)
    n_bin = axis_kev.size - 1
    first, last = np.clip(first, 0, n_bin), np.clip(last, 0, n_bin)
    length = last - first
    line = np.repeat(np.arange(energy_kev.size), length)
    start = np.concatenate([[0], np.cumsum(length)])[:-1]
    bins = np.arange(length.sum()) - np.repeat(start, length) + np.repeat(first, length)
    scale = 1.0 / (sigma[line] * np.sqrt(2.0))
    area = 0.5 * (
        erf((axis_kev[bins + 1] - energy_kev[line]) * scale)
        - erf((axis_kev[bins] - energy_kev[line]) * scale)
    )
    return sparse.csc_matrix((area, (bins, line)), shape=(n_bin, energy_kev.size))


def nuclide_continua(templates: TemplateSet, label: int, variant: int) -> list[NDArray[np.float64]]:
    """Return the continua that may go with a nuclide's peaks, each of unit sum.

    Compton scattering in a small and in a large crystal, and photons scattered before they reach it.

    Parameters
    ----------
    templates : TemplateSet
        Axis and resolution.
    label, variant : int
        Which nuclide, shield and crystal.

    Returns
    -------
    list of ndarray of shape (n_bin,), float64
        Counts in each bin; those outside the axis are left out.
    """
    key = (label, variant)
    if key not in templates.continua:
        shapes = [_continuum(templates, label, variant, fill) for fill in (0.15, 0.6, SCATTERED)]
        templates.continua[key] = [shape for shape in shapes if shape.any()]
    return templates.continua[key]


def _continuum(templates: TemplateSet, label: int, variant: int, fill: float) -> NDArray[np.float64]:
    table, axis = templates.table, templates.axis_kev
    mine = np.flatnonzero(
        (table.owner == label) & (table.energy_kev > (50.0 if fill == SCATTERED else 100.0))
    )
    shape = np.zeros(axis.size - 1)
    if mine.size == 0:
        return shape
    energy = table.energy_kev[mine]
    if fill == SCATTERED:
        # Photons scattered once on the way: from the backscatter energy up to the line.
        weight = table.yield_[mine, variant]
        strong = weight > 0.02 * weight.max()
        energy = energy[strong]
        back = energy - compton_edge_kev(energy)
        overlap = np.minimum(axis[1:, None], energy) - np.maximum(axis[:-1, None], back)
        shape = (np.maximum(overlap, 0.0) / (energy - back)) @ weight[strong]
    else:
        # Compton counts a peak count: the reciprocal of the peak's share, rising with energy.
        weight = table.yield_[mine, variant] * (energy / 300.0)
        strong = weight > 0.01 * weight.max()
        shape = compton_continuum(axis, energy[strong], fill=fill) @ weight[strong]
    width = np.diff(axis) / templates.law.fwhm_kev(0.5 * (axis[1:] + axis[:-1]))
    reach = int(np.ceil(1.5 / max(float(np.median(width)), 1e-3)))
    position = np.arange(-reach, reach + 1) * float(np.median(width))
    kernel = np.exp(-0.5 * (position / SIGMA_PER_FWHM) ** 2)
    padded = np.pad(shape, reach, mode="edge")
    shape = np.convolve(padded, kernel / kernel.sum(), mode="valid")
    total = shape.sum()
    return shape / total if total > 0 else shape


def intrinsic_columns(templates: TemplateSet) -> NDArray[np.float64]:
    """Return what a lanthanum halide crystal adds to any spectrum.

    Parameters
    ----------
    templates : TemplateSet
        Axis and resolution.

    Returns
    -------
    ndarray of shape (n_bin, n_column), float64
        La-138's sum line, the K shell's 37.4 keV by itself (where the gamma escapes: in small crystals it is
        the strongest line of any background), the beta spectrum above 789 keV, and alphas at any place from
        1.7 to 2.5 MeV (their light differs from crystal to crystal), each of unit sum; no column at
        resolutions that no lanthanum halide has.
    """
    n_bin = templates.axis_kev.size - 1
    if not LANTHANUM_R662[0] <= templates.law.r662 <= LANTHANUM_R662[1]:
        return np.zeros((n_bin, 0))
    table = templates.table
    mine = table.owner == table.names.index("La-138")
    columns = []
    for part in (0, 1, 2):
        lines = np.flatnonzero(mine & (table.part == part))
        columns.append(templates.lines[:, lines] @ table.yield_[lines, 0])
    wider = templates.law._replace(r662=1.3 * templates.law.r662)
    energy = np.arange(*INTRINSIC_ALPHAS_KEV, 0.9 * float(wider.fwhm_kev(2000.0)))
    columns += list(_line_matrix(wider, templates.axis_kev, energy).toarray().T)
    columns = [column / column.sum() for column in columns if column.sum() > 0.01]
    return np.stack(columns, axis=1) if columns else np.zeros((n_bin, 0))


def continuum_basis(
    law: FwhmLaw, axis_kev: NDArray[np.float64], *, stiffness: float = 3.5
) -> NDArray[np.float64]:
    """Return smooth, non-negative functions that together follow any continuum, and no peak.

    Cubic B-splines whose knots stand `stiffness` FWHM apart, and nowhere closer than 13 % of the energy.

    Parameters
    ----------
    law : FwhmLaw
        Resolution.
    axis_kev : ndarray of shape (n_bin + 1,), float64
        Bin edges, keV.
    stiffness : float, default 3.5
        Distance of the knots in FWHM.

    Returns
    -------
    ndarray of shape (n_bin, n_spline), float64
        Values at bin centres times the bin width: a density by energy.
    """
    low, high = float(axis_kev[0]), float(axis_kev[-1])
    knots = [low]
    while knots[-1] < high:
        knots.append(knots[-1] + max(stiffness * float(law.fwhm_kev(knots[-1])), 0.13 * knots[-1]))
    inner = low + (np.array(knots) - low) * (high - low) / (knots[-1] - low)
    padded = np.concatenate([[low] * 4, inner[1:-1], [high] * 4])
    centre = 0.5 * (axis_kev[1:] + axis_kev[:-1])
    return _cubic_splines(padded, centre) * np.diff(axis_kev)[:, None]


def _cubic_splines(knots: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Cubic B-splines by the recursion of de Boor (J. Approx. Theory 6 (1972) 50), (n_x, n_knot - 4)."""
    at = np.clip(np.searchsorted(knots, x, side="right") - 1, 3, knots.size - 5)
    # Only four splines differ from zero at any place: theirs alone are computed.
    local = np.zeros((x.size, 4))
    local[:, 0] = 1.0
    for degree in range(1, 4):
        carried = np.zeros(x.size)
        for k in range(degree):
            right = knots[at + k + 1]
            left = knots[at + k + 1 - degree]
            share = local[:, k] / (right - left)
            local[:, k] = carried + (right - x) * share
            carried = (x - left) * share
        local[:, degree] = carried
    basis = np.zeros((x.size, knots.size - 4))
    np.put_along_axis(basis, at[:, None] - 3 + np.arange(4), local, axis=1)
    return basis
