"""How detectors turn deposited energy into signal: nominal widths and the yield of light.

The yields of light are those of photons, relative to 662 keV. They follow the shape of published curves but
were not digitised from them: take them as good to 3 %, which is also how much single crystals differ.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from .detector import ELECTRON_REST_KEV, REFERENCE_KEV, FwhmLaw

__all__ = ["FWHM_LAWS", "light_yield"]

#: Nominal FWHM by detector. NaI(Tl) and CsI(Tl): makers' typical 662 keV figures for the size (6.5 to 8 %
#: and 8 to 9 %), exponent of counting statistics. LaBr3(Ce): 2.8 % (Saint-Gobain, BrilLanCe 380 data sheet:
#: 2.6 to 3.0 %). HPGe: makers' typical 1.8 to 1.9 keV at 1332 keV and 0.8 to 0.9 keV at 122 keV. CdZnTe: 2 %
#: (coplanar or pixelated). PVT panels have no peaks; 22 % is of the order of the smearing of their edges.
FWHM_LAWS: dict[str, FwhmLaw] = {
    "nai-2x4x16": FwhmLaw(0.075, 0.5, 2.0),
    "nai-3x3": FwhmLaw(0.070, 0.5, 2.0),
    "nai-1.5x1.5": FwhmLaw(0.068, 0.5, 2.0),
    "csi-1cm3": FwhmLaw(0.085, 0.5, 4.0),
    "csi-3x3cm": FwhmLaw(0.075, 0.5, 3.0),
    "labr3-3x3": FwhmLaw(0.028, 0.5, 1.5),
    "labr3-1.5x1.5": FwhmLaw(0.028, 0.5, 1.5),
    "hpge-50": FwhmLaw(0.00212, 0.5, 0.60),
    "hpge-20": FwhmLaw(0.00200, 0.5, 0.55),
    "hpge-planar-small": FwhmLaw(0.00185, 0.5, 0.45),
    "czt-1cm3": FwhmLaw(0.020, 0.4, 4.0),
    "pvt-panel": FwhmLaw(0.22, 0.5, 8.0),
}

#: Relative yield by photon energy, keV, after these works. NaI(Tl): Mengesha et al., IEEE Trans. Nucl. Sci.
#: 45 (1998) 456; Khodyuk, Rodnyi and Dorenbos, J. Appl. Phys. 107 (2010) 113513 (with the dip above iodine's
#: K edge). CsI(Tl): Mengesha et al. 1998. LaBr3(Ce): Khodyuk and Dorenbos, J. Phys. Condens. Matter 22 (2010)
#: 485402 (with the step at lanthanum's K edge). CeBr3 is taken as LaBr3.
_CURVES: dict[str, tuple[tuple[float, float], ...]] = {
    "nai": (
        (10, 1.13), (15, 1.16), (20, 1.18), (30, 1.18), (33.1, 1.175), (33.3, 1.13), (45, 1.15), (60, 1.15),
        (80, 1.13), (100, 1.115), (150, 1.085), (200, 1.065), (300, 1.035), (400, 1.02), (REFERENCE_KEV, 1.0),
        (1000, 0.985), (1500, 0.975), (2600, 0.965), (10000, 0.955),
    ),
    "csi": (
        (10, 1.10), (15, 1.14), (20, 1.16), (30, 1.165), (33.1, 1.165), (36.1, 1.13), (45, 1.145), (60, 1.14),
        (80, 1.125), (100, 1.11), (150, 1.085), (200, 1.065), (300, 1.035), (400, 1.02), (REFERENCE_KEV, 1.0),
        (1000, 0.985), (1500, 0.975), (2600, 0.965), (10000, 0.955),
    ),
    "labr3": (
        (10, 0.86), (13.4, 0.88), (13.6, 0.87), (20, 0.91), (30, 0.94), (38.8, 0.955), (39.1, 0.93),
        (50, 0.95), (60, 0.96), (80, 0.97), (100, 0.977), (150, 0.987), (300, 0.997),
        (REFERENCE_KEV, 1.0), (10000, 1.0),
    ),
}  # fmt: skip
_CURVES["cebr3"] = _CURVES["labr3"]

#: Ends of the curves, keV, and semiconductors, which need none.
_RANGE_KEV, _IN_PROPORTION = (10.0, 10000.0), ("hpge", "czt")

#: Birks' constant of polystyrene and polyvinyltoluene, g/(MeV cm2): 0.0126 (Craun and Smith, Nucl. Instrum.
#: Methods 80 (1970) 239 give 0.009 to 0.013).
_BIRKS = 0.0126
#: Of polyvinyltoluene: moles of electrons in a gram and mean excitation energy, MeV (NIST ESTAR).
_PVT_ELECTRONS, _PVT_EXCITATION = 0.5414, 64.7e-6


def light_yield(crystal: str, energy_kev: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the light of a photon per keV, relative to 662 keV.

    Parameters
    ----------
    crystal : str
        Crystal material; semiconductors ("hpge", "czt") give 1.
    energy_kev : ndarray of shape (...), float64
        Energy, 10 to 10,000 keV.

    Returns
    -------
    ndarray of shape (...), float64
        Relative yield; straight in the logarithm of energy between the points of the published curve. For
        PVT Birks' law for one electron of that energy.

    Raises
    ------
    ValueError
        If the crystal is unknown, or an energy outside the curves.
    """
    if crystal not in (*_CURVES, *_IN_PROPORTION, "pvt"):
        raise ValueError(f"unknown crystal {crystal!r}; known: {', '.join((*_CURVES, *_IN_PROPORTION))}, pvt")
    outside = ~((energy_kev >= _RANGE_KEV[0]) & (energy_kev <= _RANGE_KEV[1]))
    if np.any(outside):
        value = float(np.atleast_1d(energy_kev)[np.atleast_1d(outside)][0])
        raise ValueError(
            f"energy {value:g} keV is outside the curves, {_RANGE_KEV[0]:g} to {_RANGE_KEV[1]:g} keV"
        )
    if crystal == "pvt":
        grid, light = _birks()
        return np.asarray(np.interp(np.log(energy_kev), grid, light))
    if crystal in _IN_PROPORTION:
        return np.ones(np.shape(energy_kev))
    curve = np.array(_CURVES[crystal])
    return np.asarray(np.interp(np.log(energy_kev), np.log(curve[:, 0]), curve[:, 1]))


@cache
def _birks() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Light per keV of electrons stopped in PVT: dL/dE = 1 / (1 + kB dE/dx), with Bethe's dE/dx."""
    energy = np.geomspace(1.0, 20000.0, 800)
    t = energy / ELECTRON_REST_KEV
    speed = 1 - 1 / (1 + t) ** 2
    reduced = (_PVT_EXCITATION * 1e3 / ELECTRON_REST_KEV) ** 2
    rest = 1 - speed + (t**2 / 8 - (2 * t + 1) * np.log(2)) / (1 + t) ** 2
    # 0.1535 MeV cm2/mol is 2 pi N r_e^2 m c^2 (Berger and Seltzer 1982).
    loss = 0.1535 * _PVT_ELECTRONS / speed * (np.log(t**2 * (t + 2) / (2 * reduced)) + rest)
    slope = 1 / (1 + _BIRKS * loss)
    whole = np.concatenate(
        [
            [energy[0] * slope[0]],
            energy[0] * slope[0] + np.cumsum(np.diff(energy) * (slope[1:] + slope[:-1]) / 2),
        ]
    )
    light = whole / energy
    return np.log(energy), light / np.interp(np.log(REFERENCE_KEV), np.log(energy), light)
