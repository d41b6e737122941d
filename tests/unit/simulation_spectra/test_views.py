"""A source near by and photons from all around see another crystal than a distant source does."""

from __future__ import annotations

import numpy as np
import pytest

from screening.kernels.photons import transport_photons
from screening.physics.response import deposit_edges_kev, response
from screening.simulation.photons.detectors import DETECTORS, detector_setup
from screening.simulation.spectra import Crystal
from screening.simulation.spectra.views import AROUND, NEAR, NEAR_CM, any_response


@pytest.mark.parametrize("name", [*(f"{one}@near" for one in NEAR), *(f"{one}@around" for one in AROUND)])
def test_every_view_has_a_table(name: str) -> None:
    view, distant = any_response(name), response(name.split("@")[0])
    energy = np.array([59.5, 661.7, 1332.5])
    chance = view.total(energy)
    assert ((chance > 0.0) & (chance <= 1.0)).all()
    # Corners and sides: fewer photons of high energy are caught whole than of a beam along the axis. A flat
    # crystal, and a log seen from its broad side, are crossed on longer paths instead.
    if "2x4x16" not in name and "planar" not in name:
        assert view.peaks(energy)[1][2, 0] < distant.peaks(energy)[1][2, 0]


def test_the_table_is_what_the_transport_gives() -> None:
    setup = detector_setup(DETECTORS["csi-1cm3"], source="point", distance_cm=NEAR_CM)
    tally = transport_photons(setup, 356.0, deposit_edges_kev(356.0), n_histories=200_000, seed=3)
    view = any_response("csi-1cm3@near")
    assert view.peaks(np.array([356.0]))[1][0, 0] == pytest.approx(tally.peaks[0] / 200_000, rel=0.03)


def test_an_even_flux_crosses_a_quarter_of_the_surface() -> None:
    assert Crystal("csi-1cm3", "csi-1cm3", 0.0).around().face_area_cm2 == pytest.approx(1.5)


def test_views_of_a_mixed_crystal() -> None:
    crystal = Crystal("labr3-1.5x1.5", "labr3-3x3", 0.5)
    assert crystal.near() == Crystal("labr3-1.5x1.5@near", "labr3-3x3", 0.5)
    assert crystal.near().around() == Crystal("labr3-1.5x1.5@around", "labr3-3x3@around", 0.5)


@pytest.mark.parametrize("name", ["nai-3x3@near", "pvt-panel@around", "csi-1cm3@behind"])
def test_an_unknown_view_is_named(name: str) -> None:
    with pytest.raises(ValueError, match="unknown view"):
        any_response(name)
