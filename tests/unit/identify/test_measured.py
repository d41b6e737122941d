"""The measured files at hand: what they are known to hold comes first, backgrounds name nothing severe."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from screening.classifiers import Model, load_model
from screening.radiation.identify import Identification, Identifier
from screening.records import Category
from screening.sources import open_background, open_scans

pytestmark = pytest.mark.shared

SEVERE = {Category.INDUSTRIAL, Category.MEDICAL, Category.NUCLEAR, Category.SNM}
RASE = "radiation/rase/VABCD_M001_{}.n42"


@pytest.fixture(scope="module")
def model() -> Model:
    return load_model("nuclides")


def _identify(path: Path, model: Model | None, background: Path | None = None) -> Identification:
    payload = open_scans(path)[-1].payload
    edges = np.linspace(-40.0, 3200.0, 6481)
    live = payload.live_time_s if payload.live_time_s is not None else payload.interval_s[:, None]
    counts = _summed(payload.spectra.sum(axis=0), payload.energy_edges_kev, edges)
    reference = None
    if background is not None:
        found = open_background(background)
        reference = (_summed(found.spectra, found.energy_edges_kev, edges), edges, found.live_time_s)
    if payload.n_panel == 1:
        counts, edges = payload.spectra[:, 0].sum(axis=0).astype(float), payload.energy_edges_kev[0]
    return Identifier(model).identify(counts, edges, float(live.mean(axis=1).sum()), background=reference)


def _summed(spectra: np.ndarray, panel_edges: np.ndarray, edges: np.ndarray) -> np.ndarray:
    total = np.zeros(edges.size - 1)
    for counts, own in zip(spectra, panel_edges, strict=True):
        total += np.diff(np.interp(edges, own, np.concatenate([[0.0], np.cumsum(counts)])))
    return total


@pytest.mark.parametrize(
    ("name", "nuclide"),
    [
        ("radiation/radiacode/Co60_a.xml", "Co-60"),
        ("radiation/radiacode/Ba133_a.xml", "Ba-133"),
        ("radiation/radiacode/data_am241.n42", "Am-241"),
        *[(RASE.format(x), f"{x[:2]}-{x[2:]}") for x in ("Co60", "Co57", "Ir192", "Am241", "Ra226", "Tl201")],
        (RASE.format("I131"), "I-131"),
    ],
)
def test_known_sources_come_first(shared_data, model, name: str, nuclide: str) -> None:
    found = _identify(shared_data / name, model)
    assert found.nuclides[0].nuclide == nuclide
    assert not found.is_ood
    assert not found.findings
    assert not [item.nuclide for item in found.nuclides if Category.SNM in item.categories]


@pytest.mark.parametrize("nuclide", ["Co60", "Ir192"])
def test_the_fit_alone_answers_too(shared_data, nuclide: str) -> None:
    found = _identify(shared_data / RASE.format(nuclide), None)
    assert found.nuclides[0].nuclide == f"{nuclide[:2]}-{nuclide[2:]}"


@pytest.mark.parametrize(
    "name", ["radiation/radiacode/bg.xml", RASE.format("Bgnd"), "radiation/becquerel/Alcatraz14.Spc"]
)
def test_backgrounds_name_nothing_severe(shared_data, model, name: str) -> None:
    found = _identify(shared_data / name, model)
    assert not [item.nuclide for item in found.nuclides if SEVERE & set(item.categories)]


@pytest.mark.parametrize("with_background", [True, False])
def test_the_portal_pass_is_cobalt(shared_data, model, with_background: bool) -> None:
    folder = shared_data / "radiation" / "interspec"
    background = folder / "background_20100317.n42" if with_background else None
    found = _identify(folder / "passthrough.n42", model, background)
    assert found.nuclides[0].nuclide == "Co-60"
    assert not found.is_ood
    assert not [item for item in found.nuclides if item.nuclide != "Co-60" and SEVERE & set(item.categories)]
