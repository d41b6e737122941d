"""The commands' functions write the same bytes again, and what the package ships."""

from __future__ import annotations

import numpy as np
import pytest

from screening.physics import RESPONSES, response
from screening.physics.scatter import SHIELDS, SURFACES
from screening.simulation.photons import write_responses, write_scatter
from screening.simulation.photons.detectors import DETECTORS
from screening.simulation.photons.responses import DEFAULT_HISTORIES, incident_energies_kev, run_seed
from screening.simulation.photons.scattering import THICKEST_G_CM2


def test_every_detector_has_a_table():
    assert set(DETECTORS) == set(RESPONSES)
    assert set(SHIELDS) == set(THICKEST_G_CM2)
    for name in RESPONSES:
        np.testing.assert_array_equal(response(name).incident_kev, incident_energies_kev(DETECTORS[name]))
        assert response(name).n_histories == DEFAULT_HISTORIES


def test_responses_are_repeatable(tmp_path):
    told = []
    first = write_responses(
        tmp_path / "a", ["czt-1cm3"], histories=500, progress=lambda *what: told.append(what)
    )
    second = write_responses(tmp_path / "b", ["czt-1cm3"], histories=500)
    other = write_responses(tmp_path / "c", ["czt-1cm3"], histories=500, seed=1)
    assert first.read_bytes() == second.read_bytes() != other.read_bytes()
    assert len(told) == incident_energies_kev(DETECTORS["czt-1cm3"]).size
    assert told[0] == ("czt-1cm3", 10.0, 500)
    with np.load(first) as table:
        assert table["czt-1cm3/continuum"].dtype == np.float16
        assert table["czt-1cm3/peaks"].shape == (len(told), 6)


def test_a_detector_alone_gets_the_numbers_it_has_among_others(tmp_path):
    alone = write_responses(tmp_path / "a", ["csi-1cm3"], histories=200)
    among = write_responses(tmp_path / "b", ["czt-1cm3", "csi-1cm3"], histories=200)
    with np.load(alone) as first, np.load(among) as second:
        for key in first.files:
            np.testing.assert_array_equal(first[key], second[key])


def test_one_shipped_row_is_made_again(repository):
    # The whole table takes minutes: one row of it, in full.
    from screening.kernels import transport_photons
    from screening.physics.response import deposit_edges_kev
    from screening.simulation.photons.detectors import detector_setup

    k, energy = 40, float(response("csi-1cm3").incident_kev[40])
    tally = transport_photons(
        detector_setup(DETECTORS["csi-1cm3"]),
        energy,
        deposit_edges_kev(energy),
        n_histories=DEFAULT_HISTORIES,
        seed=run_seed(20260, "csi-1cm3", k),
    )
    path = repository / "screening" / "physics" / "tables" / "responses.npz"
    with np.load(path) as table:
        np.testing.assert_array_equal(
            table["csi-1cm3/peaks"][k], (tally.peaks / DEFAULT_HISTORIES).astype("f4")
        )
        largest = tally.histogram.max()
        np.testing.assert_array_equal(
            table["csi-1cm3/continuum"][k],
            ((tally.histogram / DEFAULT_HISTORIES) / (largest / DEFAULT_HISTORIES)).astype("f2"),
        )


def test_one_shipped_row_of_scatter_is_made_again(repository):
    from screening.kernels import transport_photons
    from screening.physics.scatter import emerging_edges_kev
    from screening.simulation.photons import scattering

    with np.load(repository / "screening" / "physics" / "tables" / "scatter.npz") as table:
        j, k = 5, 20
        energy, areal = float(table["shell/lead/energy_kev"][k]), float(table["shell/lead/areal"][j])
        tally = transport_photons(
            scattering.shell_setup("lead", areal),
            energy,
            emerging_edges_kev(energy),
            n_histories=scattering.DEFAULT_HISTORIES,
            seed=run_seed(20260, "shell/lead", 1000 * j + k),
        )
        total = np.float32(tally.histogram.sum() / scattering.DEFAULT_HISTORIES)
        assert table["shell/lead/total"][j, k] == total
        np.testing.assert_array_equal(
            table["shell/lead/shape"][j, k], (tally.histogram / tally.histogram.max()).astype("f2")
        )


def test_scatter_is_repeatable(tmp_path):
    names = ["shell/lead", "surface/steel"]
    first = write_scatter(tmp_path / "a", names, histories=20)
    second = write_scatter(tmp_path / "b", names, histories=20)
    assert first.read_bytes() == second.read_bytes()


def test_unknown_names(tmp_path):
    with pytest.raises(ValueError, match="unknown detector 'geiger'; known: nai-2x4x16"):
        write_responses(tmp_path, ["geiger"])
    with pytest.raises(ValueError, match="unknown name 'shell/cheese'; known: shell/water"):
        write_scatter(tmp_path, ["shell/cheese"])
    assert {f"surface/{name}" for name in SURFACES} >= {"surface/soil"}


def test_tables_are_small(repository):
    folder = repository / "screening" / "physics" / "tables"
    assert (folder / "responses.npz").stat().st_size < 1_500_000
    assert (folder / "scatter.npz").stat().st_size < 700_000
