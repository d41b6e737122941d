"""Templates: peaks where the lines are, at the width asked for, with the shields' effect."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.interpolate import BSpline

from screening.physics import NUCLIDES, FwhmLaw
from screening.radiation.templates import (
    SHIELDS,
    _cubic_splines,
    build_templates,
    continuum_basis,
    line_table,
    nuclide_continua,
)

NAMES = list(NUCLIDES)


@pytest.mark.parametrize("law", [FwhmLaw(0.0025, 0.5, 0.9), FwhmLaw(0.03), FwhmLaw(0.08)])
def test_a_single_line_is_a_gaussian_of_unit_area(law: FwhmLaw) -> None:
    axis = law.axis(30.0, 2900.0, 3.0)
    templates = build_templates(law, axis)
    label = NAMES.index("Mn-54")
    column = templates.peaks[:, label * templates.n_variant].toarray()[:, 0]
    centre = 0.5 * (axis[1:] + axis[:-1])
    mean = float(column @ centre)
    spread = float(np.sqrt(column @ (centre - mean) ** 2))
    assert column.sum() == pytest.approx(1.0, abs=1e-3)
    assert mean == pytest.approx(834.8, abs=0.3 * float(law.fwhm_kev(835.0)) / 3)
    assert spread * 2.3548 == pytest.approx(float(law.fwhm_kev(835.0)), rel=0.05)


def test_shields_take_low_lines_away() -> None:
    table = line_table("scintillator")
    mine = np.flatnonzero((table.owner == NAMES.index("Ba-133")) & (table.part == 0))
    at_81 = mine[np.argmin(np.abs(table.energy_kev[mine] - 81.0))]
    at_356 = mine[np.argmin(np.abs(table.energy_kev[mine] - 356.0))]
    bare = table.yield_[at_81, 0] / table.yield_[at_356, 0]
    lead = 2 * SHIELDS.index(("lead", 2.3))
    assert table.yield_[at_81, lead] / table.yield_[at_356, lead] < 0.05 * bare


def test_daughters_and_impurities_are_kept_apart() -> None:
    table = line_table("scintillator")
    plutonium = np.flatnonzero(table.owner == NAMES.index("WGPu"))
    am_line = plutonium[
        np.argmax(table.yield_[plutonium, 0] * (np.abs(table.energy_kev[plutonium] - 59.5) < 0.1))
    ]
    assert table.part[am_line] >= 2
    assert table.part[plutonium[np.argmin(np.abs(table.energy_kev[plutonium] - 413.7))]] == 0
    caesium = np.flatnonzero(table.owner == NAMES.index("Cs-137"))
    assert table.part[caesium[np.argmin(table.energy_kev[caesium])]] == 1


def test_the_continuum_follows_a_smooth_curve_and_not_a_peak() -> None:
    law = FwhmLaw(0.07)
    axis = law.axis(30.0, 2900.0, 3.0)
    centre = 0.5 * (axis[1:] + axis[:-1])
    basis = continuum_basis(law, axis)
    smooth = np.exp(-centre / 400.0) * np.diff(axis)
    left = smooth - basis @ np.linalg.lstsq(basis, smooth, rcond=None)[0]
    assert np.abs(left).max() < 0.02 * smooth.max()
    peak = build_templates(law, axis).peaks[:, NAMES.index("Mn-54") * 12].toarray()[:, 0]
    missed = peak - basis @ np.linalg.lstsq(basis, peak, rcond=None)[0]
    assert np.linalg.norm(missed) > 0.7 * np.linalg.norm(peak)


def test_splines_are_those_of_scipy() -> None:
    knots = np.array([0.0] * 4 + [1.0, 2.5, 3.0, 7.0] + [10.0] * 4)
    x = np.linspace(0.01, 9.99, 200)
    np.testing.assert_allclose(
        _cubic_splines(knots, x), BSpline.design_matrix(x, knots, 3).toarray(), atol=1e-14
    )


def test_continua_have_unit_sum_and_stay_below_the_line() -> None:
    law = FwhmLaw(0.07)
    templates = build_templates(law, law.axis(30.0, 2900.0, 3.0))
    centre = 0.5 * (templates.axis_kev[1:] + templates.axis_kev[:-1])
    shapes = nuclide_continua(templates, NAMES.index("Cs-137"), 0)
    assert len(shapes) == 3
    for shape in shapes:
        assert shape.sum() == pytest.approx(1.0)
        assert shape[centre > 662.0 + 80.0].sum() < 0.01
