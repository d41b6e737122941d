"""What portals alarm on most: goods that radiate by nature, and patients, with their activities."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from screening.physics import MATERIALS
from screening.physics.decay import AVOGADRO

from .checks import check_range
from .conditions import CargoRecipe
from .recipe import SourceRecipe

__all__ = ["GOODS", "PATIENTS", "Good", "Patient", "bulk_load", "draw_patient", "potassium_bq_g"]


def potassium_bq_g(potassium_share: float) -> float:
    """Return the K-40 of what holds potassium.

    Parameters
    ----------
    potassium_share : float
        Mass of potassium over all mass, 0 to 1.

    Returns
    -------
    float
        Bq/g: ln 2 / T N_A a / M with T = 1.248e9 years, a = 1.17e-4 (atoms) and M = 39.098 (NNDC; IUPAC), so
        31.7 Bq in a gram of potassium.

    Raises
    ------
    ValueError
        If the share is outside its range.
    """
    check_range("potassium_share", potassium_share, 0.0, 1.0)
    decay = math.log(2.0) / (1.248e9 * 365.25 * 86400.0)
    return potassium_share * decay * AVOGADRO * 1.17e-4 / 39.0983


class Good(NamedTuple):
    """A kind of goods that radiates by nature.

    Attributes
    ----------
    material : str
        Material of :data:`screening.physics.MATERIALS`.
    potassium_share : float
        Potassium over all mass.
    ra226_bq_g, th232_bq_g : float
        The uranium series (by Ra-226) and the thorium series, in equilibrium, Bq/g.
    mass_t : tuple of float
        Lightest and heaviest usual load, tonnes.
    share : float
        How often it comes, relative to the others: our own guess at a seaport's traffic.
    goods : str
        HS heading.
    source : str
        Where the concentrations are from.
    """

    material: str
    potassium_share: float
    ra226_bq_g: float
    th232_bq_g: float
    mass_t: tuple[float, float]
    share: float
    goods: str
    source: str

    @property
    def bq_g(self) -> dict[str, float]:
        """Activity by label, Bq/g."""
        found = {
            "K-40": potassium_bq_g(self.potassium_share),
            "Ra-226": self.ra226_bq_g,
            "Th-232": self.th232_bq_g,
        }
        return {label: value for label, value in found.items() if value > 0.0}


_FORMULA = "potassium content by chemistry"
_FOOD = "potassium content: USDA FoodData Central"
_RP112 = (
    "typical of European Commission, Radiation Protection 112 (1999), table 1; potassium from Bq/g / 31.7"
)
_SRS49 = "within the ranges of IAEA Safety Reports Series 49 (2006)"
_UNSCEAR = "within the ranges of UNSCEAR 2008, annex B"

#: Goods by name. Where a source gives a range, a value inside it; loads vary by a factor of about 1.5 around
#: it.
GOODS: dict[str, Good] = {
    "potash": Good("fertiliser-kcl", 0.51, 0.0, 0.0, (18, 26), 10, "3104", _FORMULA + ", 97 % KCl"),
    "compound fertiliser": Good("fertiliser-npk", 0.125, 0.20, 0.02, (18, 26), 10, "3105", _UNSCEAR),
    "superphosphate": Good("phosphate-rock", 0.001, 0.80, 0.03, (18, 26), 3, "3103", _UNSCEAR),
    "phosphate rock": Good("phosphate-rock", 0.003, 1.50, 0.03, (18, 26), 2, "2510", _UNSCEAR),
    "zircon sand": Good("zircon-sand", 0.0, 3.0, 0.6, (20, 26), 3, "2615", _SRS49),
    "monazite": Good("monazite", 0.0, 25.0, 200.0, (0.1, 2), 0.3, "2612", _SRS49),
    "titanium ore": Good("iron-ore", 0.0, 0.10, 0.25, (20, 26), 2, "2614", _SRS49),
    "bauxite": Good("bauxite", 0.002, 0.30, 0.25, (20, 26), 2, "2606", _UNSCEAR),
    "tiles": Good("ceramics", 0.025, 0.08, 0.07, (18, 26), 14, "6907", _UNSCEAR),
    "sanitary ware": Good("ceramics", 0.022, 0.09, 0.07, (6, 14), 6, "6910", _UNSCEAR),
    "granite": Good("granite", 0.036, 0.08, 0.09, (18, 26), 12, "6802", _UNSCEAR),
    "slate": Good("slate", 0.025, 0.05, 0.06, (18, 26), 3, "6803", _UNSCEAR),
    "bricks": Good("brick", 0.021, 0.05, 0.05, (18, 26), 4, "6904", _RP112),
    "phosphogypsum board": Good("gypsum", 0.002, 0.39, 0.02, (14, 24), 1, "6809", _RP112),
    "cat litter": Good("cat-litter", 0.013, 0.07, 0.07, (12, 24), 6, "2508", _UNSCEAR + " (clays)"),
    "screen glass": Good("glass", 0.06, 0.01, 0.01, (10, 20), 1, "7011", "7 % K2O in panel glass"),
    "bananas": Good("banana", 0.0036, 0.0, 0.0, (18, 22), 6, "0803", _FOOD),
    "coffee": Good("coffee", 0.019, 0.0, 0.0, (16, 20), 6, "0901", _FOOD),
    "brazil nuts": Good("brazil-nuts", 0.0066, 0.05, 0.03, (12, 18), 1, "0801", _FOOD + "; radium: UNSCEAR"),
    "tobacco": Good("tobacco", 0.03, 0.0, 0.0, (8, 18), 3, "2401", "2 to 4 % potassium in cured leaf"),
    "thoriated rods": Good(
        "tungsten", 0.0, 0.0, 0.02 * 0.8788 * 4057.0, (0.05, 0.5), 1, "8101", "2 % ThO2; Th: 4.06 kBq/g"
    ),
}  # fmt: skip


def bulk_load(
    name: str, box_m: tuple[float, float], rng: np.random.Generator
) -> tuple[CargoRecipe, tuple[SourceRecipe, ...]]:
    """Draw a load of goods that radiates by nature, along the box.

    Parameters
    ----------
    name : str
        Key of :data:`GOODS`.
    box_m : tuple of float
        Front and rear of the box, metres behind the vehicle's front.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    cargo : CargoRecipe
        The load: its mass over the volume it fills.
    sources : tuple of SourceRecipe
        Its activity, spread along and across, which it absorbs itself.

    Raises
    ------
    ValueError
        If no such goods are known.
    """
    if name not in GOODS:
        raise ValueError(f"unknown goods {name!r}; known: {', '.join(GOODS)}")
    good = GOODS[name]
    mass_t = float(rng.uniform(*good.mass_t))
    front, rear = box_m
    length_m = (rear - front) * (0.97 if mass_t > 5.0 else 0.15)
    start_m = front + 0.01 + (rear - front - 0.02 - length_m) * (0.5 if mass_t > 5.0 else float(rng.random()))
    # As high as it is at its bulk density, between 0.4 and 2.3 m: heavy goods lie flat.
    half_width_m = 1.15
    height_m = mass_t / (MATERIALS[good.material].density_g_cm3 * 0.6 * length_m * 2.0 * half_width_m)
    height_m = float(np.clip(height_m, 0.4, 2.3))
    in_load = mass_t / (length_m * 2.0 * half_width_m * height_m)
    parts = np.linspace(front, rear, 31)
    filled = (0.5 * (parts[1:] + parts[:-1]) >= start_m) & (
        0.5 * (parts[1:] + parts[:-1]) <= start_m + length_m
    )
    if not filled.any():
        filled[int(np.argmin(np.abs(0.5 * (parts[1:] + parts[:-1]) - start_m - 0.5 * length_m)))] = True
    cargo = CargoRecipe(
        material=good.material,
        density_g_cm3=float(f"{in_load * filled.mean():.4g}"),
        profile=() if filled.all() else tuple(float(part) for part in filled),
        half_width_m=half_width_m,
        floor_m=1.2,
        top_m=round(1.2 + height_m, 3),
    )
    factor = float(np.exp(rng.normal(0.0, 0.4)))
    sources = tuple(
        SourceRecipe(
            label=label,
            activity_mbq=float(f"{bq_g * mass_t * factor:.4g}"),
            position_m=round(start_m + 0.5 * length_m, 3),
            spread_m=round(length_m, 3),
            height_m=round(1.2 + 0.5 * height_m, 3),
            is_bulk=True,
        )
        for label, bq_g in good.bq_g.items()
    )
    return cargo, sources


class Patient(NamedTuple):
    """A nuclide that patients carry out of a clinic.

    Attributes
    ----------
    activity_mbq : float
        Given to an adult, MBq.
    half_life_h : float
        Effective half-life in the body, hours: physical and biological together.
    after_h : tuple of float
        When patients travel, hours after.
    share : float
        How often, relative to the others.
    """

    activity_mbq: float
    half_life_h: float
    after_h: tuple[float, float]
    share: float


#: Patients by label: usual activities of adult procedures (Society of Nuclear Medicine procedure guidelines;
#: I-131 by the release limit of US NRC Regulatory Guide 8.39), effective half-lives rounded from ICRP
#: Publications 53 and 128. How often each comes is our own guess.
PATIENTS: dict[str, Patient] = {
    "Tc-99m": Patient(740.0, 5.0, (2.0, 40.0), 50.0),
    "F-18": Patient(370.0, 1.7, (1.5, 14.0), 14.0),
    "I-131": Patient(1200.0, 60.0, (24.0, 800.0), 12.0),
    "Tl-201": Patient(110.0, 56.0, (4.0, 500.0), 6.0),
    "I-123": Patient(185.0, 11.0, (4.0, 80.0), 5.0),
    "Ga-67": Patient(185.0, 50.0, (24.0, 400.0), 2.0),
    "In-111": Patient(185.0, 50.0, (12.0, 350.0), 3.0),
    "Lu-177": Patient(7400.0, 55.0, (24.0, 500.0), 3.0),
    "Ga-68": Patient(150.0, 1.1, (1.0, 7.0), 2.0),
    "Cu-64": Patient(148.0, 10.0, (2.0, 60.0), 1.0),
    "Zr-89": Patient(74.0, 70.0, (12.0, 400.0), 0.5),
    "Sm-153": Patient(2600.0, 30.0, (12.0, 200.0), 0.5),
    "Ra-223": Patient(4.0, 150.0, (2.0, 600.0), 0.5),
    "Rb-82": Patient(0.0004, 600.0, (24.0, 1000.0), 0.2),
}


def draw_patient(rng: np.random.Generator, label: str | None = None) -> SourceRecipe:
    """Draw a patient in the cab.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    label : str, optional
        Key of :data:`PATIENTS`; drawn by share when omitted.

    Returns
    -------
    SourceRecipe
        What is left of the activity, in 8 to 20 g/cm2 of tissue.

    Raises
    ------
    ValueError
        If no such patient is known.
    """
    if label is None:
        names = list(PATIENTS)
        share = np.array([PATIENTS[name].share for name in names])
        label = names[int(rng.choice(len(names), p=share / share.sum()))]
    elif label not in PATIENTS:
        raise ValueError(f"unknown patient {label!r}; known: {', '.join(PATIENTS)}")
    patient = PATIENTS[label]
    after_h = float(rng.uniform(*patient.after_h))
    left = patient.activity_mbq * 0.5 ** (after_h / patient.half_life_h) * float(np.exp(rng.normal(0.0, 0.3)))
    return SourceRecipe(
        label=label,
        activity_mbq=float(f"{left:.4g}"),
        position_m=round(float(rng.uniform(1.2, 2.0)), 2),
        across_m=float(rng.choice([-0.6, 0.0, 0.6])),
        height_m=1.9,
        shielding=(("tissue", float(rng.choice([8.0, 11.0, 14.0, 20.0]))),),
    )
