"""Closed-form detector response against known figures."""

from __future__ import annotations

import numpy as np
import pytest

from screening.physics import FwhmLaw, compton_continuum, full_energy_efficiency, klein_nishina_electron
from screening.physics.detector import compton_edge_kev


def test_fwhm_law_at_its_reference_and_its_root() -> None:
    law = FwhmLaw(0.07)
    assert float(law.fwhm_kev(661.657)) == pytest.approx(46.316, rel=1e-4)
    assert float(law.fwhm_kev(4 * 661.657)) == pytest.approx(2 * 46.316, rel=1e-4)
    germanium = FwhmLaw(0.0025, 0.5, 0.9)
    assert float(germanium.fwhm_kev(661.657)) == pytest.approx(0.0025 * 661.657, rel=1e-6)
    assert float(germanium.fwhm_kev(20.0)) > 0.85


@pytest.mark.parametrize("law", [FwhmLaw(0.0022, 0.5, 0.9), FwhmLaw(0.03), FwhmLaw(0.13, 0.4)])
def test_every_bin_of_the_axis_is_the_same_share_of_a_width(law: FwhmLaw) -> None:
    axis = law.axis(30.0, 2800.0, 3.0)
    assert axis[0] == pytest.approx(30.0)
    assert axis[-1] == pytest.approx(2800.0)
    centre = 0.5 * (axis[1:] + axis[:-1])
    share = np.diff(axis) / law.fwhm_kev(centre)
    # The resolution-aware axis is what the fit rests on: 2 % is far below any width error.
    np.testing.assert_allclose(share, share.mean(), rtol=0.02)
    assert share.mean() == pytest.approx(1 / 3.0, rel=0.05)


def test_three_inch_sodium_iodide() -> None:
    # Published intrinsic full-energy efficiencies of a 3 x 3 inch crystal (see the domain notes).
    found = full_energy_efficiency([356.0, 662.0, 1332.0, 2614.0], "nai", 7.62)
    np.testing.assert_allclose(found, [0.741, 0.423, 0.243, 0.139], rtol=0.08)


def test_compton_edge_and_the_end_of_the_electron_spectrum() -> None:
    assert float(compton_edge_kev(661.657)) == pytest.approx(477.3, abs=0.1)
    assert float(klein_nishina_electron(661.657, 478.0)) == 0.0
    assert float(klein_nishina_electron(661.657, 470.0)) > float(klein_nishina_electron(661.657, 200.0)) > 0


def test_continua_hold_one_count_below_the_line() -> None:
    edges = np.linspace(0.0, 2000.0, 2001)
    energy = np.array([300.0, 661.657, 1332.5])
    for fill in (0.0, 0.25, 1.0):
        shape = compton_continuum(edges, energy, fill=fill)
        np.testing.assert_allclose(shape.sum(axis=0), 1.0, rtol=0.02)
        for column, line in zip(shape.T, energy, strict=True):
            assert column[edges[:-1] > line].sum() == 0.0
