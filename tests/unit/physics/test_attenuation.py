"""Attenuation coefficients against values of the NIST tables, which the interpolation must not spoil."""

from __future__ import annotations

import numpy as np
import pytest

from screening.physics import MaterialData, attenuation, mixture, transmission
from screening.physics.attenuation import PROCESSES, SYMBOLS, _table


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


@pytest.mark.parametrize("symbol", ["H", "C", "Fe", "I", "W", "Pb", "U"])
def test_every_node_of_the_table_comes_back(symbol: str) -> None:
    table = _table()[SYMBOLS.index(symbol)]
    # The lower row of an edge has the edge's own energy and is met from below only.
    is_below = np.append(np.diff(table.energy_kev) == 0.0, False)
    nodes = table.energy_kev[~is_below]
    values = np.column_stack([table.value.sum(axis=1), table.value])
    for column, process in enumerate(("total", *PROCESSES)):
        found = attenuation(symbol, nodes, process=process)
        np.testing.assert_allclose(found, values[~is_below, column], rtol=1e-12, atol=0.0)
        edges = np.nextafter(table.energy_kev[is_below], 0.0)
        below = attenuation(symbol, edges, process=process)
        np.testing.assert_allclose(below, values[is_below, column], rtol=1e-9)
    if symbol in ("I", "W", "Pb", "U"):
        at_edge = attenuation(symbol, table.energy_kev[is_below])
        assert (at_edge > 1.05 * values[is_below, 0]).any()


def test_the_total_is_the_sum_of_the_processes_between_nodes_too() -> None:
    energy = np.geomspace(1.0, 20000.0, 5001)
    for symbol in ("O", "Fe", "U"):
        parts = sum(attenuation(symbol, energy, process=process) for process in PROCESSES)
        np.testing.assert_allclose(attenuation(symbol, energy), parts, rtol=1e-12)
    assert attenuation("Fe", []).shape == (0,)


def test_a_step_of_the_result_is_only_at_an_edge() -> None:
    energy = np.geomspace(10.0, 20000.0, 20001)
    step = np.abs(np.diff(np.log(attenuation("Pb", energy))))
    assert sorted(np.round(energy[1:][step > 0.02]).tolist()) == [13.0, 15.0, 16.0, 88.0]


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


@pytest.mark.parametrize("value", [-1e-9, float("nan"), float("inf")])
def test_an_impossible_layer_is_refused_with_its_value(value: float) -> None:
    with pytest.raises(ValueError, match=rf"areal density {value:g} g/cm2 is not allowed: finite and 0 or"):
        transmission("Fe", 662.0, [1.0, value])


def test_a_composition_serves_as_a_material() -> None:
    energy = np.geomspace(10.0, 10000.0, 50)
    half = mixture({"water": 1.0, "iron": 1.0})
    expected = 0.5 * attenuation("water", energy) + 0.5 * attenuation("Fe", energy)
    np.testing.assert_allclose(attenuation(half, energy), expected, rtol=1e-12)
    with pytest.raises(ValueError, match=r"mass fractions sum to 0\.9"):
        attenuation(MaterialData(1.0, (("Fe", 0.9),)), 100.0)


@pytest.mark.shared
def test_the_table_is_the_databases_own(shared_data) -> None:
    """Every element: each process exactly, and the total to the four digits it is printed with."""
    rows = np.genfromtxt(shared_data / "xcom" / "xcom.csv", delimiter=",", names=True)
    inside = (rows["energy_mev"] >= 1e-3) & (rows["energy_mev"] <= 20.0)
    for z in range(1, 101):
        mine = rows[inside & (rows["z"] == z)]
        table = _table()[z]
        np.testing.assert_allclose(table.energy_kev, mine["energy_mev"] * 1e3, rtol=1e-9)
        for column, process in enumerate(PROCESSES):
            np.testing.assert_allclose(table.value[:, column], mine[process], rtol=1e-7)
        is_below = np.append(np.diff(table.energy_kev) == 0.0, False)
        found = attenuation(SYMBOLS[z], table.energy_kev[~is_below])
        np.testing.assert_allclose(found, mine["total_with_coherent"][~is_below], rtol=1.1e-3)


@pytest.mark.shared
def test_iron_is_with_coherent_scattering(shared_data) -> None:
    rows = np.genfromtxt(shared_data / "xcom" / "xcom.csv", delimiter=",", names=True)
    for energy_kev, expected in ((1250.0, 0.05350), (6000.0, 0.03057)):
        row = rows[(rows["z"] == 26) & np.isclose(rows["energy_mev"], energy_kev / 1e3)][0]
        assert row["total_with_coherent"] == expected
        assert float(attenuation("Fe", energy_kev)) == pytest.approx(expected, rel=2e-4)
        without = attenuation("Fe", energy_kev) - attenuation("Fe", energy_kev, process="coherent")
        assert float(without) == pytest.approx(row["total_without_coherent"], rel=3e-4)
