"""The identifier on simulated spectra of every class of detector, and on what is not a spectrum."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from screening.errors import ModelError
from screening.physics import NUCLIDES
from screening.radiation.identify import Identifier
from screening.radiation.nuclide_model import FEATURE_VERSION, N_FEATURE
from screening.records import Category, ReasonCode
from screening.simulation.spectra import SimulatedSpectrum, SpectrumRecipe, simulate_spectrum

SEVERE = {Category.INDUSTRIAL, Category.MEDICAL, Category.NUCLEAR, Category.SNM}


class _Network:
    """Stands for a loaded model that gives fixed probabilities."""

    def __init__(self, probabilities: dict[str, float], *, feature_version: str = FEATURE_VERSION) -> None:
        self.labels = tuple(NUCLIDES)
        self.values = np.array([[probabilities.get(name, 0.0) for name in self.labels]], dtype=np.float32)
        self.card = SimpleNamespace(
            name="nuclides", labels=self.labels, thresholds={}, feature_version=feature_version
        )

    def run(self, *, features):
        assert features.shape == (1, N_FEATURE)
        assert features.dtype == np.float32
        assert np.isfinite(features).all()
        return {"probability": self.values}


def _answer(spectrum: SimulatedSpectrum, model=None, **options):
    return Identifier(model).identify(
        spectrum.counts, spectrum.edges_kev, spectrum.live_time_s, background=spectrum.background, **options
    )


@pytest.mark.parametrize("kind", ["hpge", "czt", "labr3", "nai", "csi"])
@pytest.mark.parametrize("source", ["Cs-137", "Co-60", "Ba-133", "Ir-192"])
def test_strong_sources_come_first_on_every_class_of_detector(kind: str, source: str) -> None:
    found = _answer(simulate_spectrum(SpectrumRecipe((source,), 30_000.0, 5.0, kind), 21))
    assert [item.nuclide for item in found.nuclides][:1] == [source]
    assert found.nuclides[0].confidence > 0.5
    assert found.nuclides[0].net_counts > 0
    assert not found.is_ood


@pytest.mark.parametrize("kind", ["hpge", "labr3", "nai"])
@pytest.mark.parametrize("source", ["I-131", "Tc-99m", "Eu-152", "Th-232", "Ra-226"])
def test_medical_and_natural_sources(kind: str, source: str) -> None:
    recipe = SpectrumRecipe((source,), 40_000.0, 8.0, kind, calibration_error=0.5)
    found = _answer(simulate_spectrum(recipe, 5))
    assert source in [item.nuclide for item in found.nuclides]


@pytest.mark.parametrize("kind", ["hpge", "czt", "labr3", "nai", "csi"])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_backgrounds_name_nothing_but_nature(kind: str, seed: int) -> None:
    found = _answer(simulate_spectrum(SpectrumRecipe((), 15_000.0, 1.0, kind), seed))
    assert not [item for item in found.nuclides if SEVERE & set(item.categories)]


@pytest.mark.parametrize("seed", [1001, 1003, 1008])
def test_the_k_shell_of_lanthanum_is_no_iodine(seed: int) -> None:
    # These three were named I-125: after a capture of La-138 the crystal itself shows 37 keV.
    spectrum = simulate_spectrum(SpectrumRecipe((), 15_000.0, 1.0, "labr3"), seed)
    assert spectrum.background is None
    assert "I-125" not in [item.nuclide for item in _answer(spectrum).nuclides]


def test_iodine_is_named_where_no_crystal_makes_its_line() -> None:
    found = _answer(simulate_spectrum(SpectrumRecipe(("I-125",), 20_000.0, 6.0, "hpge"), 4))
    assert found.nuclides[0].nuclide == "I-125"


def test_positrons_alone_are_told_as_such() -> None:
    found = _answer(simulate_spectrum(SpectrumRecipe(("annihilation",), 20_000.0, 6.0, "nai"), 4))
    assert found.nuclides[0].nuclide == "annihilation"
    assert found.nuclides[0].categories == (Category.MEDICAL,)


def test_enriched_uranium_and_plutonium_are_named_with_germanium() -> None:
    for source, family in (("HEU", {"HEU", "LEU"}), ("WGPu", {"WGPu", "RGPu"})):
        spectrum = simulate_spectrum(SpectrumRecipe((source,), 60_000.0, 10.0, "hpge"), 12)
        named = {item.nuclide for item in _answer(spectrum).nuclides}
        # Plutonium behind its own americium may show nothing but americium: that must be named then.
        assert named & (family | ({"Am-241"} if source == "WGPu" else set())), source


def test_natural_sources_never_pass_for_special_nuclear_material() -> None:
    for seed in range(2):
        for source in ("Th-232", "Ra-226"):
            spectrum = simulate_spectrum(SpectrumRecipe((source,), 30_000.0, 5.0, "nai"), 100 + seed)
            assert not [i.nuclide for i in _answer(spectrum).nuclides if Category.SNM in i.categories]


def test_the_same_spectrum_gives_the_same_answer() -> None:
    spectrum = simulate_spectrum(SpectrumRecipe(("Cs-137",), 5_000.0, 1.0, "nai", has_background=True), 9)
    first, second = _answer(spectrum), _answer(spectrum)
    assert first.nuclides == second.nuclides
    assert (first.ood_score, first.gain, first.resolution_662_percent) == (
        second.ood_score,
        second.gain,
        second.resolution_662_percent,
    )
    for name in first.products:
        np.testing.assert_array_equal(first.products[name], second.products[name])


def test_gain_and_resolution_are_found() -> None:
    spectrum = simulate_spectrum(
        SpectrumRecipe(("Co-60",), 60_000.0, 10.0, "labr3", calibration_error=0.0), 3
    )
    edges = spectrum.edges_kev * 1.02
    found = Identifier(None).identify(spectrum.counts, edges, spectrum.live_time_s)
    assert found.nuclides[0].nuclide == "Co-60"
    centre = 1250.0
    assert found.gain is not None
    assert found.gain * centre * 1.02 == pytest.approx(centre, abs=25.0)
    assert found.resolution_662_percent == pytest.approx(100 * spectrum.detector.law.r662, rel=0.35)


def test_the_products_hold_the_fit() -> None:
    spectrum = simulate_spectrum(SpectrumRecipe(("Cs-137",), 20_000.0, 5.0, "nai"), 8)
    products = _answer(spectrum).products
    n_bin = products["measured"].size
    assert products["energy_kev"].shape == (n_bin + 1,)
    total = products["continuum"] + sum(v for k, v in products.items() if k.startswith("component/"))
    np.testing.assert_allclose(total, products["fitted"], rtol=1e-9, atol=1e-9)
    assert products["measured"].sum() <= spectrum.counts.sum() + 1e-6
    assert products["fitted"].sum() == pytest.approx(products["measured"].sum(), rel=0.05)
    assert "component/Cs-137" in products


@pytest.mark.parametrize("n_counts", [0, 5, 40])
def test_too_few_counts_name_nothing(n_counts: int) -> None:
    counts = np.zeros(1024)
    counts[np.random.default_rng(0).integers(50, 400, n_counts)] += 1
    found = Identifier(None).identify(counts, np.linspace(0, 3000, 1025), 1.0)
    assert found.nuclides == ()
    assert not found.is_ood


@pytest.mark.parametrize("channel", [0, 500])
def test_counts_in_one_channel_are_no_spectrum(channel: int) -> None:
    counts = np.zeros(1024)
    counts[channel] = 1e5
    found = Identifier(None).identify(counts, np.linspace(0, 3000, 1025), 1.0)
    assert found.nuclides == ()
    assert found.is_ood


@pytest.mark.parametrize(
    "edges",
    [
        np.linspace(0, 100, 257),
        np.linspace(600, 700, 257),
        np.geomspace(1, 3000, 257),
        np.linspace(-200, 9000, 257),
    ],
)
def test_odd_axes_are_answered(edges: np.ndarray) -> None:
    counts = np.random.default_rng(4).poisson(60.0, 256).astype(float)
    found = Identifier(None).identify(counts, edges, 1.0)
    assert np.isfinite(found.ood_score)
    assert all(np.isfinite(values).all() for values in found.products.values())


def test_malformed_input_is_refused() -> None:
    counts, edges = np.ones(1024), np.linspace(0.0, 3000.0, 1025)
    with pytest.raises(ValueError, match="must increase"):
        Identifier(None).identify(counts, edges[::-1], 1.0)
    with pytest.raises(ValueError, match="not finite"):
        Identifier(None).identify(np.full(1024, np.nan), edges, 1.0)
    with pytest.raises(ValueError, match="must increase"):
        Identifier(None).identify(counts, edges, 1.0, background=(counts, edges[::-1], 1.0))


def test_a_comb_of_unknown_lines_fits_nothing_known() -> None:
    edges = np.linspace(0.0, 3000.0, 4097)
    centre = 0.5 * (edges[1:] + edges[:-1])
    expected = 40.0 * np.exp(-centre / 600.0)
    for energy in range(200, 2900, 53):
        expected += 900.0 * np.exp(-0.5 * ((centre - energy - 0.37 * (energy % 7)) / 6.0) ** 2)
    found = Identifier(None).identify(np.random.default_rng(1).poisson(expected).astype(float), edges, 100.0)
    assert found.is_ood
    assert found.ood_score > found.ood_threshold


def test_the_network_weighs_in_and_names_nothing() -> None:
    spectrum = simulate_spectrum(SpectrumRecipe(("Cs-137",), 1_500.0, 1.0, "nai"), 31)
    alone = _answer(spectrum)
    assert [item.nuclide for item in alone.nuclides][:1] == ["Cs-137"]
    agreed = _answer(spectrum, _Network({"Cs-137": 0.999}))
    doubted = _answer(spectrum, _Network({"HEU": 0.999}))
    confidence = {o.label: o.confidence for o in agreed.opinions}["Cs-137"]
    assert confidence > {o.label: o.confidence for o in doubted.opinions}["Cs-137"]
    assert "HEU" not in [item.nuclide for item in doubted.nuclides]


def test_a_network_that_is_sure_of_something_else_is_told() -> None:
    # Enough counts to be named, too few to be beyond doubt.
    for net in (400.0, 600.0, 900.0, 1400.0):
        spectrum = simulate_spectrum(SpectrumRecipe(("Cs-137",), net, 0.6, "nai"), 31)
        found = _answer(spectrum, _Network({"Co-60": 0.999, "Cs-137": 0.005}))
        told = [finding for finding in found.findings if finding.code is ReasonCode.MODEL_OOD]
        if found.nuclides and told:
            assert "the network Co-60" in told[0].text
            break
        assert not told or found.nuclides
    agreed = _answer(spectrum, _Network({"Cs-137": 0.999}))
    assert not agreed.findings


def test_a_network_made_for_other_features_is_an_error() -> None:
    spectrum = simulate_spectrum(SpectrumRecipe(("Cs-137",), 5_000.0, 2.0, "nai"), 1)
    with pytest.raises(ModelError, match="reads features old"):
        _answer(spectrum, _Network({}, feature_version="old"))


def test_a_subtracted_spectrum_needs_no_background() -> None:
    spectrum = simulate_spectrum(SpectrumRecipe(("Co-60",), 40_000.0, 2.0, "labr3", has_background=True), 2)
    counts, _, live_time_s = spectrum.background
    difference = np.round(np.maximum(spectrum.counts - counts * spectrum.live_time_s / live_time_s, 0.0))
    found = Identifier(None).identify(
        difference, spectrum.edges_kev, spectrum.live_time_s, is_background_subtracted=True
    )
    assert found.nuclides[0].nuclide == "Co-60"
