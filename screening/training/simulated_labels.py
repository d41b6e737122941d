"""Labels of the nuclide table that are simulated and looked up, and that identification does not name.

They follow those of :mod:`screening.training.labels` in the table. A label becomes one that is named only
with a classifier trained for it.
"""

from __future__ import annotations

from .labels import Group, single, with_daughters

__all__ = ["MORE_GROUPS"]

#: C-12 de-excitation after Be-9(alpha, n): photons per Am-241 decay. 2.2e6 neutrons per second and curie
#: (6.0e-5 a decay) with 0.575 photons of 4438.9 keV a neutron (Mowlavi and Koohi-Fayegh, Appl. Radiat.
#: Isot. 60 (2004) 959); capture by hydrogen of the moderator nearby, for which nearly all neutrons slow down.
_AM_BE_LINES = ((2223.2, 1.5e-5, "H-1(n,gamma)*"), (4438.9, 3.4e-5, "Be-9(alpha,n)"))
_PU_BE_LINES = ((2223.2, 1.1e-5, "H-1(n,gamma)*"), (4438.9, 2.6e-5, "Be-9(alpha,n)"))

#: Labels that are simulated and looked up, never reported. Each may belong to several categories.
MORE_GROUPS: tuple[Group, ...] = (
    # Special nuclear and other nuclear material
    Group("U-235", "snm nuclear", {"U-235": 1.0}, "Bq", 1.0, ("Pa-231",), "U-235", "with Th-231"),
    Group(
        "U-238",
        "nuclear norm",
        {"U-238": 1.0},
        "Bq",
        1.0,
        ("U-234",),
        "U-238",
        "aged: with Th-234 and Pa-234m",
    ),
    Group(
        "U-nat",
        "nuclear norm",
        {"U-238": 0.992742, "U-235": 0.007204, "U-234": 5.4e-5},
        "g",
        1.0,
        half_life_of="U-238",
        note="natural uranium a year after it was refined",
    ),
    Group(
        "U-series",
        "norm",
        {"U-238": 1.0, "U-235": 0.0461},
        "Bq",
        5e6,
        half_life_of="U-238",
        note="uranium ore: the series of U-238 and U-235 in equilibrium",
    ),
    Group(
        "U-recycled",
        "nuclear",
        {"U-238": 0.9545, "U-235": 0.04, "U-236": 0.005, "U-234": 5e-4, "U-232": 1e-9},
        "g",
        5.0,
        half_life_of="U-235",
        note="reprocessed uranium with U-236 and 1 ppb of U-232",
        companions=("U-232",),
    ),
    Group("U-232", "nuclear", {"U-232": 1.0}, "Bq", 10.0, half_life_of="U-232", note="with daughters"),
    *single("snm nuclear", "Pu-239", "Pu-240"),
    Group("Pu-241", "snm nuclear", {"Pu-241": 1.0}, "Bq", 1.0, ("Np-237",), "Pu-241", "with Am-241, U-237"),
    *single("nuclear", "Pu-242", "Np-239", "U-237", "Am-243", "Cm-242"),
    *single("nuclear industrial", "Cm-244"),
    Group(
        "Pa-231", "nuclear norm", {"Pa-231": 1.0}, "Bq", 10.0, half_life_of="Pa-231", note="with daughters"
    ),
    Group(
        "fission-products",
        "nuclear",
        {
            "Cs-137": 1.0,
            "Cs-134": 0.4,
            "Sr-90": 0.7,
            "Ru-106": 0.5,
            "Ce-144": 0.8,
            "Eu-154": 0.04,
            "Sb-125": 0.03,
            "Zr-95": 0.5,
        },
        "Bq",
        0.5,
        half_life_of="Cs-137",
        note="spent fuel, half a year after the stated amounts; typical ratios",
    ),
    # Neutron sources
    Group(
        "Am-Be",
        "industrial nuclear",
        {"Am-241": 1.0},
        half_life_of="Am-241",
        note="a neutron source: Am-241 with the 4439 keV line of carbon",
        neutron_lines=_AM_BE_LINES,
    ),
    Group(
        "Pu-Be",
        "industrial nuclear snm",
        {"Pu-239": 1.0},
        half_life_of="Pu-239",
        note="a neutron source: Pu-239 with the 4439 keV line of carbon",
        neutron_lines=_PU_BE_LINES,
    ),
    # Industry and contamination
    Group(
        "Sr-90", "industrial", {"Sr-90": 1.0}, "Bq", 0.2, half_life_of="Sr-90", note="Sr/Y-90: bremsstrahlung"
    ),
    *single("industrial medical", "P-32", "Y-90", "Sr-89"),
    *single("industrial", "Tl-204", "Pm-147", "Fe-55", "Po-210"),
    *single(
        "industrial",
        "Ag-108m",
        "Al-26",
        "As-76",
        "Ce-141",
        "Co-56",
        "Cs-136",
        "I-129",
        "I-133",
        "Ir-194",
        "K-42",
        "La-140",
        "Mo-93",
        "Nb-94",
        "Np-238",
        "Pm-149",
        "Ru-103",
        "Sb-122",
        "Sr-91",
        "Tb-160",
        "Te-121",
        "Ti-44",
        "V-48",
        "W-187",
        "Y-91",
        "Zn-69m",
    ),
    *with_daughters("industrial", 0.02, "Te-132"),
    # Medicine
    Group("F-18", "medical", {"F-18": 1.0}, half_life_of="F-18", note="511 keV alone"),
    *single("medical", "C-11", "N-13", "O-15", "Cu-64", "Sc-44", "Sc-47", "Ga-72", "As-74", "Br-76", "Y-86"),
    Group("Ge-68", "medical industrial", {"Ge-68": 1.0}, "Bq", 0.1, half_life_of="Ge-68", note="with Ga-68"),
    Group(
        "Sr-82",
        "medical",
        {"Sr-82": 1.0, "Sr-85": 0.5},
        "Bq",
        0.003,
        (),
        "Sr-82",
        "generator of Rb-82, with Sr-85",
    ),
    *single("medical", "Xe-127", "Xe-135", "Kr-81m", "I-122", "Ho-166", "Er-169", "Re-186", "Tb-161"),
    *single(
        "medical", "Tl-200", "Tl-202", "Pb-203", "Rb-81", "Ru-97", "Sn-117m", "Lu-177m", "In-113m", "In-114m"
    ),
    Group("Ac-225", "medical", {"Ac-225": 1.0}, "Bq", 0.01, half_life_of="Ac-225", note="with daughters"),
    Group(
        "Ra-224", "medical norm", {"Ra-224": 1.0}, "Bq", 0.003, half_life_of="Ra-224", note="with daughters"
    ),
    Group("Bi-213", "medical", {"Bi-213": 1.0}, "Bq", 1e-4, half_life_of="Bi-213", note="with daughters"),
    Group("At-211", "medical", {"At-211": 1.0}, "Bq", 1e-4, ("Bi-207",), "At-211", "with Po-211"),
    # Nature
    Group(
        "Rn-222",
        "norm",
        {"Rn-222": 1.0},
        "Bq",
        5e-4,
        ("Pb-210",),
        "Rn-222",
        "radon with its short-lived progeny",
    ),
    Group(
        "Rn-220",
        "norm",
        {"Rn-220": 1.0, "Pb-212": 1.0, "Bi-212": 1.0, "Tl-208": 0.3594},
        "Bq",
        0.0,
        (),
        "Rn-220",
        "thoron with its progeny",
    ),
    Group("Pb-210", "norm", {"Pb-210": 1.0}, "Bq", 1.0, half_life_of="Pb-210", note="with Bi-210 and Po-210"),
    *single("norm", "Pb-214", "Bi-214", "Pb-212", "Bi-212", "Tl-208", "Ac-228", "Bi-210", "Ra-228"),
    *single("norm nuclear", "Th-230", "Th-234", "Pa-234m", "Th-227"),
    *single("norm", "Cl-38", "Cl-39"),
)
