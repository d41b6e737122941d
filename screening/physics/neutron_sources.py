"""Neutrons that sources emit.

Emission rates per gram: D. Reilly et al., *Passive Nondestructive Assay of Nuclear Materials*, NUREG/CR-5550
(1991), tables 11-1 and 11-3; Cf-252 2.314e12 n/s/g; beryllium sources 2.2e6 (americium) and 1.7e6
(plutonium) n/s per curie.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .decay import activities
from .nuclides import members

__all__ = [
    "ALPHA_N_PER_GRAM",
    "BERYLLIUM_PER_DECAY",
    "FISSION_PER_GRAM",
    "neutron_emission",
    "neutrons_per_decay",
]

#: Neutrons of spontaneous fission, 1/s/g.
FISSION_PER_GRAM: dict[str, float] = {
    "Th-232": 6.0e-8, "U-232": 1.3, "U-233": 8.6e-4, "U-234": 5.02e-3, "U-235": 2.99e-4, "U-236": 5.49e-3,
    "U-238": 1.36e-2, "Np-237": 1.14e-4, "Pu-238": 2.59e3, "Pu-239": 2.18e-2, "Pu-240": 1.02e3,
    "Pu-241": 5.0e-2, "Pu-242": 1.72e3, "Am-241": 1.18, "Cm-242": 2.10e7, "Cm-244": 1.08e7,
    "Cf-252": 2.314e12,
}  # fmt: skip

#: Neutrons of (alpha, n) reactions in the oxide, 1/s/g.
ALPHA_N_PER_GRAM: dict[str, float] = {
    "Th-232": 2.2e-5, "U-232": 1.49e4, "U-233": 4.8, "U-234": 3.0, "U-235": 7.1e-4, "U-236": 2.4e-2,
    "U-238": 8.3e-5, "Np-237": 0.34, "Pu-238": 1.34e4, "Pu-239": 38.1, "Pu-240": 141.0, "Pu-241": 1.3,
    "Pu-242": 2.0, "Am-241": 2.69e3, "Cm-242": 3.76e6, "Cm-244": 7.73e4, "Cf-252": 6.0e5,
}  # fmt: skip

#: Neutrons per decay of beryllium sources: 2.2e6 and 1.7e6 per second and curie.
BERYLLIUM_PER_DECAY: dict[str, float] = {"Am-241": 2.2e6 / 3.7e10, "Pu-239": 1.7e6 / 3.7e10}


def neutron_emission(
    grams: Mapping[str, float], *, form: str = "metal", multiplication: float = 1.0
) -> float:
    """Return the neutrons that a material emits.

    Parameters
    ----------
    grams : mapping of str to float
        Mass of each nuclide, g.
    form : {"metal", "oxide", "beryllium"}
        Metal: spontaneous fission. Oxide: with (alpha, n) in oxygen. Beryllium: a neutron source of
        Am-241 or Pu-239.
    multiplication : float, default 1
        Leakage multiplication, 1 to 20: some 1.5 for a kilogram of plutonium.

    Returns
    -------
    float
        Neutrons per second.

    Raises
    ------
    ValueError
        If a nuclide, the form, a mass or the multiplication is not allowed.
    """
    if form not in ("metal", "oxide", "beryllium"):
        raise ValueError(f"form must be metal, oxide or beryllium, got {form!r}")
    if not 1.0 <= multiplication <= 20.0:
        raise ValueError(f"multiplication {multiplication:g} is outside the range 1 to 20")
    total = 0.0
    for name, mass in grams.items():
        if not (np.isfinite(mass) and mass >= 0.0):
            raise ValueError(f"mass of {name} is {mass:g} g; allowed: finite, 0 or more")
        if form == "beryllium":
            if name not in BERYLLIUM_PER_DECAY:
                known = ", ".join(BERYLLIUM_PER_DECAY)
                raise ValueError(f"no beryllium source of {name!r}; known: {known}")
            total += BERYLLIUM_PER_DECAY[name] * activities({name: mass}, unit="g")[name]
            continue
        if name not in FISSION_PER_GRAM:
            raise ValueError(f"no neutron emission of {name!r}; known: {', '.join(FISSION_PER_GRAM)}")
        total += mass * FISSION_PER_GRAM[name]
        total += mass * ALPHA_N_PER_GRAM[name] if form == "oxide" else 0.0
    return total * multiplication


def neutrons_per_decay(label: str) -> float:
    """Return the neutrons of spontaneous fission for each decay of a label.

    A becquerel of a material by mass is one of everything in it, daughters included: a gram of WGPu holds
    10.2 GBq, half of it Pu-241.

    Parameters
    ----------
    label : str
        Label of :data:`screening.physics.NUCLIDES`, or a nuclide of ICRP 107.

    Returns
    -------
    float
        Neutrons, without multiplication; 0 where no member is in :data:`FISSION_PER_GRAM`.

    Raises
    ------
    ValueError
        If no such label or nuclide is known.
    """
    total = 0.0
    for name, share in members(label).items():
        if name in FISSION_PER_GRAM:
            total += share * FISSION_PER_GRAM[name] / activities({name: 1.0}, unit="g")[name]
    return total
