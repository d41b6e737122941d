"""The shipped tables are what their generator makes of its sources."""

from __future__ import annotations

import csv
import importlib.util
from importlib.resources import files

import numpy as np
import pytest

from screening.physics import NAMED, NUCLIDES, cascades, members
from screening.training.decay_tables import CASCADE_NUCLIDES, Scheme, Transition, cascades_of_scheme
from screening.training.labels import GROUPS
from screening.training.simulated_labels import MORE_GROUPS
from screening.training.tables import group_activities, nuclide_lines

TABLES = files("screening.physics") / "tables"
HAS_SOURCES = all(importlib.util.find_spec(name) is not None for name in ("actigamma", "radioactivedecay"))


def test_every_label_is_in_every_table() -> None:
    assert [group.name for group in (*GROUPS, *MORE_GROUPS)] == list(NUCLIDES)
    assert tuple(group.name for group in GROUPS) == NAMED
    for name in NUCLIDES:
        parts = members(name)
        assert parts
        assert all(share > 0.0 for share in parts.values())
    assert {name for name in CASCADE_NUCLIDES if not cascades(name)} == set()


def test_the_lines_of_a_label_come_from_its_members() -> None:
    for name, item in NUCLIDES.items():
        made = {"Fe-56(n,n')", "H-1(n,gamma)", "Be-9(alpha,n)"}
        origins = {origin.rstrip("*") for origin in item.origin} - made
        # a star stands for an impurity or daughter with all that follows it
        assert origins <= set(members(name)) | {
            root.rstrip("*") for root in item.origin if root.endswith("*")
        }


@pytest.mark.parametrize("name", ["Co-60", "HEU", "WGPu", "Th-232", "Am-Be", "U-series", "Sr-90", "Rn-222"])
def test_the_generator_makes_what_is_shipped(name: str) -> None:
    """Where the sources are not installed, the shipped rows are held to their own form alone."""
    with (TABLES / "lines.csv").open(encoding="utf-8") as stream:
        shipped = [row for row in csv.reader(stream) if row[0] == name]
    assert all(float(row[1]) >= 12.0 and float(row[2]) > 0.0 for row in shipped)
    if not HAS_SOURCES:
        return
    group = next(group for group in (*GROUPS, *MORE_GROUPS) if group.name == name)
    half_life_s, lines = nuclide_lines(group)
    assert shipped == [[name, f"{e:.2f}", f"{i:.4g}", origin] for e, i, origin in lines]
    assert half_life_s == pytest.approx(NUCLIDES[name].half_life_s, rel=1e-5)
    made = {nuclide: share for nuclide, share in group_activities(group).items() if share >= 1e-9}
    assert members(name) == pytest.approx(made, rel=1e-5)


def test_a_scheme_walked_by_hand() -> None:
    # 40 % of decays feed level 2, 60 % level 1; level 2 falls to 1 (3 of 4) or to the ground.
    scheme = Scheme(
        levels=[
            [],
            [Transition(0, 500.0, 0.9 / 1.25, 0.25, 0.2)],
            [Transition(1, 300.0, 0.3, 0.0, 0.0), Transition(0, 800.0, 0.1, 0.0, 0.0)],
        ],
        is_long=[False, False, False],
        positron=[0.0, 0.0, 0.0],
        k_capture=[0.0, 0.0, 0.0],
        k_kev=30.0,
        k_yield=0.9,
    )
    found = {energies: probability for probability, energies in cascades_of_scheme(scheme)}
    assert found == {
        (500.0, 300.0): pytest.approx(0.3 * 0.8),
        (300.0, 30.0): pytest.approx(0.3 * 0.8 * 0.2 * 0.9),
    }
    # the same with positrons, and with a level that lives long
    positron = scheme._replace(positron=[0.0, 0.5, 0.0])
    together = {energies: probability for probability, energies in cascades_of_scheme(positron)}
    assert together[(511.0, 511.0, 500.0)] == pytest.approx(0.5 * 0.8)
    slow = scheme._replace(is_long=[False, True, False])
    assert [energies for _, energies in cascades_of_scheme(slow)] == []
    # captures that feed the slow level: their x-ray is over when it decays
    assert cascades_of_scheme(slow._replace(k_capture=[0.0, 0.6, 0.0])) == []


def test_probabilities_are_shares() -> None:
    for name in CASCADE_NUCLIDES:
        total = sum(item.probability for item in cascades(name))
        assert 0.0 < total < 1.02, (name, total)
        for item in cascades(name):
            assert len(item.energy_kev) >= 2
            assert np.all(np.diff(item.energy_kev) <= 0)
