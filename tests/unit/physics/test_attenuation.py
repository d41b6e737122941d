"""Attenuation coefficients against values of the NIST tables, which the interpolation must not spoil."""

from __future__ import annotations

import numpy as np
import pytest

from screening.physics import MATERIALS, attenuation, transmission
from screening.physics.attenuation import PROCESSES, SYMBOLS


@pytest.mark.parametrize(
    ("material", "energy_kev", "expected", "tolerance"),
    [
        ("Fe", 1250.0, 0.05350, 2e-4),
        ("Fe", 6000.0, 0.03057, 3e-4),
        ("Pb", 1000.0, 0.07102, 1e-3),
        ("lead", 661.657, 0.1101, 1e-2),
        ("water", 661.657, 0.0857, 5e-3),
        ("U", 100.0, 1.954, 2e-2),
        ("nai", 661.657, 0.0765, 2e-2),
    ],
)
def test_known_values(material: str, energy_kev: float, expected: float, tolerance: float) -> None:
    assert float(attenuation(material, energy_kev)) == pytest.approx(expected, rel=tolerance)


def test_an_absorption_edge_is_a_step_and_its_own_energy_lies_above() -> None:
    below, at, above = attenuation("Pb", [87.99, 88.0, 88.01])
    assert at / below > 3.5
    assert above == pytest.approx(at, rel=1e-3)


def test_processes_add_up_to_the_total() -> None:
    energy = np.geomspace(1.0, 20000.0, 400)
    for material in ("Fe", "csi", "concrete"):
        total = sum(attenuation(material, energy, process=name) for name in PROCESSES)
        # Each is interpolated on its own between the points of the table: they agree to its spacing.
        np.testing.assert_allclose(total, attenuation(material, energy), rtol=0.05)


def test_every_material_is_a_mixture_of_known_elements() -> None:
    assert len(MATERIALS) >= 20
    for name, material in MATERIALS.items():
        assert sum(fraction for _, fraction in material.composition) == pytest.approx(1.0), name
        assert all(symbol in SYMBOLS for symbol, _ in material.composition), name
        assert material.density_g_cm3 > 0
        assert np.isfinite(attenuation(name, [1.0, 30.0, 662.0, 20000.0])).all()


@pytest.mark.parametrize("energy_kev", [0.999, 20000.1, float("nan"), -5.0, float("inf")])
def test_an_energy_outside_the_table_is_refused_by_name(energy_kev: float) -> None:
    with pytest.raises(ValueError, match=r"keV is outside the table, 1 to 20000 keV") as caught:
        attenuation("Fe", [100.0, energy_kev])
    assert f"{energy_kev:g}" in str(caught.value)


def test_unknown_names_are_refused() -> None:
    with pytest.raises(ValueError, match="unknown material 'unobtainium'"):
        attenuation("unobtainium", 100.0)
    with pytest.raises(ValueError, match="unknown process 'magic'"):
        attenuation("Fe", 100.0, process="magic")


def test_transmission_is_beer_lambert() -> None:
    assert float(transmission("Fe", 1250.0, 20.0)) == pytest.approx(np.exp(-0.05350 * 20.0), rel=1e-3)
    assert float(transmission("Fe", 1250.0, 0.0)) == 1.0


@pytest.mark.shared
def test_the_table_is_the_databases_own(shared_data) -> None:
    from screening.training.tables import compact_attenuation

    z, energy_kev, coefficient = compact_attenuation(shared_data / "xcom" / "xcom.csv")
    total = coefficient.sum(axis=1)
    for element in (1, 13, 26, 53, 82, 92):
        mine = z == element
        energy = energy_kev[mine].astype(np.float64)
        # Away from doubled edge energies the lookup returns the very points of the table.
        single = np.concatenate([[True], np.diff(energy) > 0]) & np.concatenate([np.diff(energy) > 0, [True]])
        found = attenuation(SYMBOLS[element], np.round(energy[single], 5))
        np.testing.assert_allclose(found, total[mine][single], rtol=2e-4)
