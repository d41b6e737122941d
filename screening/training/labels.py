"""Labels of the nuclide table: what is behind each, for :mod:`screening.training.tables`.

:data:`GROUPS` are the labels that identification names; their order and their lines are part of what the
shipped classifier has learned.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

__all__ = ["GROUPS", "Group", "single", "with_daughters"]

#: Lines around a fission neutron source in steel and hydrogen: inelastic scattering on Fe-56, capture by
#: hydrogen (IAEA prompt-gamma data), whose shares depend on what is near. No decay
#: data hold them; intensities are of the order met in practice.
NEUTRON_LINES = ((846.8, 1.0, "Fe-56(n,n')"), (2223.2, 0.6, "H-1(n,gamma)*"))


class Group(NamedTuple):
    """A label with the nuclides behind it.

    Attributes
    ----------
    name : str
        The label that is reported.
    categories : str
        Categories, separated by blanks.
    parents : dict of str to float
        Amounts at separation.
    unit : {"Bq", "g"}
        Unit of the amounts.
    age_y : float
        Age since separation, years: daughters grow in.
    stop : tuple of str
        Daughters left out with all that follows them.
    half_life_of : str
        The nuclide whose half-life the label has.
    note : str
        What a reader should know.
    companions : tuple of str
        Impurities and daughters whose share is not fixed: they and all that follows them come with the
        label and prove nothing. Their lines are marked with a star in the table.
    neutron_lines : tuple of (energy_kev, intensity, origin)
        Lines that the label's neutrons or alpha reactions make, which no decay data hold.
    is_without_decay_lines : bool
        Only `neutron_lines` are listed.
    """

    name: str
    categories: str
    parents: Mapping[str, float]
    unit: str = "Bq"
    age_y: float = 0.0
    stop: tuple[str, ...] = ()
    half_life_of: str = ""
    note: str = ""
    companions: tuple[str, ...] = ()
    neutron_lines: tuple[tuple[float, float, str], ...] = ()
    is_without_decay_lines: bool = False


def single(categories: str, *names: str) -> list[Group]:
    """Return labels of one nuclide each, alone.

    Parameters
    ----------
    categories : str
        Categories, separated by blanks.
    *names : str
        Nuclides.

    Returns
    -------
    list of Group
        One a nuclide.
    """
    return [Group(name, categories, {name: 1.0}, half_life_of=name) for name in names]


def with_daughters(categories: str, age_y: float, *names: str) -> list[Group]:
    """Return labels of one nuclide each, with the daughters grown in.

    Parameters
    ----------
    categories : str
        Categories, separated by blanks.
    age_y : float
        Age, years.
    *names : str
        Nuclides.

    Returns
    -------
    list of Group
        One a nuclide.
    """
    return [Group(name, categories, {name: 1.0}, "Bq", age_y, half_life_of=name) for name in names]


#: The labels that identification can name. Compositions of uranium and plutonium are typical public figures
#: (mass fractions; IAEA safeguards glossary and open literature), not those of any real material.
GROUPS: tuple[Group, ...] = (
    # Natural radioactivity
    *single("norm", "K-40", "Be-7", "La-138", "Lu-176"),
    Group(
        "Ra-226",
        "norm",
        {"Ra-226": 1.0},
        "Bq",
        20.0,
        half_life_of="Ra-226",
        note="in equilibrium with radon and its daughters; the gamma lines of the U-238 series in nature",
    ),
    Group("Th-232", "norm", {"Th-232": 1.0}, "Bq", 50.0, half_life_of="Th-232", note="with daughters"),
    Group(
        "Th-228",
        "norm",
        {"Th-228": 1.0},
        "Bq",
        0.1,
        half_life_of="Th-228",
        note="Th-232 series without Ac-228; also U-232 and its daughters",
    ),
    Group(
        "Ac-227",
        "norm",
        {"Ac-227": 1.0},
        "Bq",
        1.0,
        half_life_of="Ac-227",
        note="impurity of lanthanum halide crystals, as a source",
    ),
    # Special nuclear material
    Group(
        "HEU",
        "snm",
        {"U-235": 0.93, "U-238": 0.06, "U-234": 0.01, "U-232": 1e-10},
        "g",
        20.0,
        half_life_of="U-235",
        note="93 % U-235 with a trace of U-232",
        companions=("U-232",),
    ),
    Group(
        "LEU",
        "nuclear",
        {"U-235": 0.045, "U-238": 0.9546, "U-234": 0.0004},
        "g",
        5.0,
        half_life_of="U-235",
        note="4.5 % U-235",
    ),
    Group(
        "WGPu",
        "snm",
        {"Pu-238": 1.2e-4, "Pu-239": 0.938, "Pu-240": 0.058, "Pu-241": 3.5e-3, "Pu-242": 2e-4},
        "g",
        20.0,
        half_life_of="Pu-239",
        note="low-burn-up plutonium with Am-241 grown in",
        companions=("Am-241",),
    ),
    Group(
        "RGPu",
        "snm",
        {"Pu-238": 0.013, "Pu-239": 0.603, "Pu-240": 0.243, "Pu-241": 0.091, "Pu-242": 0.05},
        "g",
        10.0,
        half_life_of="Pu-239",
        note="high-burn-up plutonium with Am-241 grown in",
        companions=("Am-241",),
    ),
    Group(
        "U-233",
        "snm",
        {"U-233": 1.0, "U-232": 1e-6},
        "g",
        20.0,
        half_life_of="U-233",
        note="with 1 ppm of U-232",
        companions=("U-232",),
    ),
    Group(
        "Np-237",
        "snm nuclear",
        {"Np-237": 1.0},
        "Bq",
        1.0,
        ("U-233",),
        half_life_of="Np-237",
        note="with Pa-233",
    ),
    # Other nuclear material
    Group(
        "DU",
        "nuclear",
        {"U-238": 0.998, "U-235": 0.002},
        "g",
        5.0,
        half_life_of="U-238",
        note="depleted or natural uranium: Pa-234m, Th-234",
    ),
    *single("nuclear industrial", "Pu-238"),
    Group(
        "Cf-252",
        "nuclear industrial",
        {"Cf-252": 1.0},
        half_life_of="Cf-252",
        note="a fission neutron source: the lines its neutrons make nearby",
        neutron_lines=NEUTRON_LINES,
        is_without_decay_lines=True,
    ),
    # Industrial sources and contaminants
    *single(
        "industrial",
        "Am-241",
        "Ba-133",
        "Bi-207",
        "Cd-109",
        "Ce-139",
        "Co-57",
        "Co-58",
        "Co-60",
        "Cs-134",
        "Eu-152",
        "Eu-154",
        "Eu-155",
        "Fe-59",
        "Gd-153",
        "Hf-181",
        "Hg-203",
        "Ir-192",
        "Mn-54",
        "Na-22",
        "Na-24",
        "Nb-95",
        "Sb-124",
        "Sb-125",
        "Sc-46",
        "Se-75",
        "Ta-182",
        "Tm-170",
        "Y-88",
        "Yb-169",
        "Zn-65",
        "Br-82",
        "Kr-85",
    ),
    *with_daughters("industrial", 0.5, "Cs-137", "Ag-110m", "Ce-144", "Ru-106", "Sn-113", "Zr-95"),
    *with_daughters("industrial", 0.06, "Ba-140"),
    *single("industrial medical", "Au-198", "Sr-85", "Cr-51", "Ho-166m"),
    # Medical
    *single(
        "medical",
        "Ga-67",
        "I-123",
        "I-125",
        "I-131",
        "In-111",
        "Lu-177",
        "Sm-153",
        "Tc-99m",
        "Xe-133",
        "Pd-103",
        "Rb-82",
        "Ga-68",
        "Cu-67",
        "I-124",
        "Re-188",
    ),
    *with_daughters("medical", 0.01, "Mo-99", "Ra-223"),
    Group("Zr-89", "medical", {"Zr-89": 1.0, "Y-89m": 0.999}, half_life_of="Zr-89", note="with Y-89m"),
    Group(
        "Tl-201",
        "medical",
        {"Tl-201": 1.0, "Tl-202": 0.01, "Tl-200": 0.003},
        half_life_of="Tl-201",
        note="with its impurities Tl-200 and Tl-202",
        companions=("Tl-202", "Tl-200"),
    ),
    Group(
        "annihilation",
        "medical",
        {"F-18": 1.0},
        half_life_of="F-18",
        note="511 keV alone: F-18 or another positron emitter",
    ),
)
