"""Named materials: that they are what their formulae say, and that mixtures keep mass."""

from __future__ import annotations

import csv
from importlib.resources import files

import numpy as np
import pytest

from screening.physics import MATERIALS, MaterialData, attenuation, material_data, mixture
from screening.physics.materials import ATOMIC_MASS, SYMBOLS


def test_every_material_is_a_mixture_of_known_elements_with_a_source() -> None:
    assert len(MATERIALS) >= 160
    for name, material in MATERIALS.items():
        assert sum(fraction for _, fraction in material.composition) == pytest.approx(1.0), name
        assert all(symbol in SYMBOLS[1:] and fraction > 0 for symbol, fraction in material.composition), name
        assert 1e-3 < material.density_g_cm3 < 22.6, name
        assert np.isfinite(attenuation(name, [1.0, 30.0, 662.0, 20000.0])).all(), name
    with (files("screening.physics") / "tables" / "materials.csv").open(encoding="utf-8") as stream:
        assert all(row["source"] for row in csv.DictReader(stream))


def test_compositions_by_mass_are_complete_as_written() -> None:
    with (files("screening.physics") / "tables" / "materials.csv").open(encoding="utf-8") as stream:
        for row in csv.DictReader(stream):
            if row["basis"] == "mass":
                amounts = [float(word) for word in row["composition"].split()[1::2]]
                assert sum(amounts) == pytest.approx(1.0, abs=2e-3), row["name"]
            else:
                assert row["basis"] == "atoms", row["name"]


@pytest.mark.parametrize(
    ("name", "symbol", "share"),
    [
        ("water", "H", 0.1119),
        ("nai", "I", 0.8466),
        ("explosive-tnt-like", "N", 0.1850),
        ("uranium-dioxide", "U", 0.8815),
        ("fertiliser-kcl", "K", 0.5245),
        ("fertiliser-urea", "N", 0.4665),
        ("pvc", "Cl", 0.5673),
        ("borated-polyethylene", "B", 0.05),
        ("stainless-steel", "Cr", 0.19),
    ],
)
def test_shares_by_mass(name: str, symbol: str, share: float) -> None:
    assert dict(MATERIALS[name].composition)[symbol] == pytest.approx(share, abs=2e-4)


def test_known_coefficients_of_compounds() -> None:
    # NIST tables of mu/rho (Hubbell and Seltzer), cm2/g, total with coherent scattering.
    for name, energy_kev, expected in (
        ("water", 100.0, 0.1707),
        ("water", 1000.0, 0.07072),
        ("polyethylene", 500.0, 0.09947),
        ("bone", 60.0, 0.3148),
        ("muscle", 80.0, 0.1822),
        ("borosilicate-glass", 100.0, 0.1654),
        ("lead-glass", 200.0, 0.7861),
    ):
        assert float(attenuation(name, energy_kev)) == pytest.approx(expected, rel=0.012), name


def test_a_mixture_keeps_mass_and_adds_volumes() -> None:
    wet = mixture({"sand": 3.0, "water": 1.0})
    fractions = dict(wet.composition)
    assert sum(fractions.values()) == pytest.approx(1.0)
    assert fractions["H"] == pytest.approx(0.25 * 2 * 1.008 / 18.015, rel=1e-6)
    assert wet.density_g_cm3 == pytest.approx(4.0 / (3.0 / 1.60 + 1.0))
    assert mixture({"Fe": 1.0, "C": 1.0}, density_g_cm3=3.0).density_g_cm3 == 3.0
    nested = mixture({wet: 0.5, "lead": 0.5})
    assert dict(nested.composition)["Pb"] == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("fractions", "message"),
    [
        ({"sand": -0.1, "water": 1.0}, "mass fraction of 'sand' is -0.1"),
        ({"sand": float("nan")}, "mass fraction of 'sand' is nan"),
        ({"sand": 0.0}, "sum to 0"),
        ({"unobtainium": 1.0}, "unknown material 'unobtainium'"),
        ({"Fe": 1.0}, "density of the mixture is nan"),
    ],
)
def test_an_impossible_mixture_is_refused(fractions: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        mixture(fractions)


def test_data_given_directly_are_checked() -> None:
    with pytest.raises(ValueError, match="unknown element 'Xx'"):
        material_data(MaterialData(1.0, (("Xx", 1.0),)))
    with pytest.raises(ValueError, match="mass fraction of Fe is -1"):
        material_data(MaterialData(1.0, (("Fe", -1.0), ("C", 2.0))))
    assert material_data("lead") is MATERIALS["lead"]


def test_effective_atomic_numbers() -> None:
    assert MATERIALS["lead"].effective_z == pytest.approx(82.0)
    assert MATERIALS["water"].effective_z == pytest.approx(6.6, abs=0.1)
    assert set(ATOMIC_MASS) == set(SYMBOLS[1:])
