"""The comparison of simulated passes with measured dips: its numbers and its pictures."""

from __future__ import annotations

import numpy as np
import pytest

from screening.simulation.validation.passes import compare_dips, suppression_by_energy, validate_passes


def test_dips_are_compared_by_figure():
    found = compare_dips(60, 1, n_set=2)
    assert found.dips.shape == found.depths.shape == (60,)
    for name, figure in found.figures.items():
        assert figure["lowest_of_sets"] <= figure["simulated"] <= figure["highest_of_sets"], name
    assert found.figures["median"]["simulated"] == pytest.approx(float(np.median(found.dips)), abs=1e-4)
    with pytest.raises(ValueError, match="at least one pass"):
        compare_dips(0)


def test_high_energies_are_suppressed_less():
    kept_off = suppression_by_energy(np.array([200.0, 400.0, 2520.0, 2700.0]))
    assert kept_off[2] < kept_off[0] - 0.05


def test_pictures_are_written(tmp_path):
    pytest.importorskip("matplotlib")
    found = validate_passes(tmp_path / "out", n=30)
    assert sorted(entry.name for entry in (tmp_path / "out").iterdir()) == sorted(found["pictures"])
    assert found["dips"]["maximum"]["measured"] == 0.58
    assert len(found["suppression_by_energy"]) == 40
