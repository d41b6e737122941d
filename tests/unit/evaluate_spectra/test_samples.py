"""Recipes of measured spectra, and the data sets made after them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from screening.errors import ConfigurationError, FormatError, StoreError
from screening.evaluate.dataset import read_dataset
from screening.evaluate.spectra.samples import ThinningPlan, make_samples, read_recipe, write_samples
from screening.evaluate.thinning import Spectrum, counts_in_window, static_scan
from screening.formats.n42_write import write_n42
from screening.sources import open_scan

RECIPE = Path(__file__).with_name("measured_spectra.toml")
EDGES = np.linspace(0.0, 3100.0, 513)


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    centre = 0.5 * (EDGES[1:] + EDGES[:-1])
    back = 200_000.0 * np.exp(-centre / 500.0) / np.exp(-centre / 500.0).sum()
    line = 50_000.0 * np.exp(-0.5 * ((centre - 662.0) / 25.0) ** 2)
    line *= 50_000.0 / line.sum()
    for name, counts, live in (("bg", back, 1000.0), ("cs", line + 0.1 * back, 100.0), ("net", line, 100.0)):
        spectrum = Spectrum(rng.poisson(counts).astype(np.float64), EDGES, live)
        (tmp_path / f"{name}.n42").write_bytes(write_n42(static_scan(spectrum)))
    return tmp_path


def _recipe(folder, *rows):
    text = 'version = "1"\n' + "".join(f"[[spectrum]]\n{row}\n" for row in rows)
    (folder / "spectra.toml").write_text(text)


GROSS = 'path="cs.n42"\ntruth=["Cs-137"]\nkind="gross"\nbackground="bg.n42"\ngroup="NaI"'
NET = 'path="net.n42"\ntruth=["Cs-137"]\nkind="subtracted"\nbackground="bg.n42"\ngroup="NaI"'
BACK = 'path="bg.n42"\ntruth=[]\nkind="gross"\ngroup="NaI"'


def test_samples_carry_truth_parent_and_the_asked_counts(folder):
    _recipe(folder, GROSS, NET, BACK)
    parents, left_out = read_recipe(folder)
    plan = ThinningPlan(net_counts=(500.0, 2000.0), signal_to_background=(1.0, None), n_draw=3, seed=4)
    samples, missing = make_samples(folder, parents, plan)
    assert not left_out
    assert not missing
    assert Counter(sample.parent for sample in samples) == {"cs.n42": 12, "net.n42": 12, "bg.n42": 6}
    for sample in samples:
        counts = sample.scan.payload.spectra.sum()
        background = sample.net_counts if sample.signal_to_background else 0.0
        if sample.parent == "cs.n42" and not background:
            background = sample.net_counts * 0.4
        expected = sample.net_counts + background
        assert counts == pytest.approx(expected, rel=0.2)
    # a difference that nothing was added to is still one
    assert {s.scan.payload.is_background_subtracted for s in samples if s.parent == "net.n42"} == {
        True,
        False,
    }


def test_a_sample_does_not_depend_on_what_else_is_in_the_recipe(folder):
    plan = ThinningPlan(net_counts=(500.0,), signal_to_background=(1.0,), n_draw=2)
    _recipe(folder, GROSS)
    alone = make_samples(folder, read_recipe(folder)[0], plan)[0]
    _recipe(folder, NET, GROSS)
    both = make_samples(folder, read_recipe(folder)[0], plan)[0]
    assert [s.scan.identity.scan_id for s in alone] == [s.scan.identity.scan_id for s in both[2:]]
    assert len({s.scan.identity.scan_id for s in both}) == 4


def test_refusals_are_counted_by_name(folder):
    _recipe(
        folder,
        NET,
        'path="lost.n42"\ntruth=["Co-60"]\nkind="gross"',
        GROSS.replace("Cs-137", "Xx-1"),
        'path="../x.n42"\ntruth=[]\nkind="gross"',
    )
    parents, left_out = read_recipe(folder)
    assert [row.kind for row in left_out] == ["missing scan", "unknown class", "missing scan"]
    plan = ThinningPlan(net_counts=(500.0, 50_000.0), signal_to_background=(1.0,), n_draw=5)
    samples, missing = make_samples(folder, parents, plan)
    assert len(samples) == 5
    assert [(row.kind, row.n, row.is_error) for row in missing] == [("parent too small", 5, False)]
    assert "50000 net counts" in missing[0].where


def test_a_separate_background_comes_along_when_asked(folder):
    _recipe(folder, GROSS)
    plan = ThinningPlan(net_counts=(300.0,), signal_to_background=(1.0,), n_draw=1, has_background=True)
    (sample,), _ = make_samples(folder, read_recipe(folder)[0], plan)
    background = sample.scan.payload.background
    assert background.live_time_s == pytest.approx(10 * sample.scan.payload.live_time_s.sum())
    assert background.spectra.sum() == pytest.approx(200.0 * background.live_time_s, rel=0.3)


def test_written_samples_are_a_data_set(folder, tmp_path):
    _recipe(folder, GROSS, BACK)
    plan = ThinningPlan(net_counts=(500.0,), signal_to_background=(1.0,), n_draw=2, has_background=True)
    samples, _ = make_samples(folder, read_recipe(folder)[0], plan)
    out = tmp_path / "set"
    write_samples(out, samples)
    dataset = read_dataset(out)
    assert not dataset.problems
    assert [s.truth_nuclides for s in dataset.samples] == [("Cs-137",)] * 2 + [()] * 2
    assert [s.parent for s in dataset.samples] == ["cs.n42"] * 2 + ["bg.n42"] * 2
    again = open_scan(out / dataset.samples[0].path)
    np.testing.assert_array_equal(again.payload.spectra, samples[0].scan.payload.spectra)
    with pytest.raises(StoreError, match="folder of its own"):
        write_samples(out, samples)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("version = '2'", "version"),
        ("version = '1'\n[[spectrum]]\npath='a'\ntruth=[]\nkind='net'", "net"),
        ("version = '1'\n[[spectrum]]\npath='a'\ntruth=[]\nkind='gross'\ncolour='red'", "colour"),
        ("version = '1'\n" + "[[spectrum]]\npath='a'\ntruth=[]\nkind='gross'\n" * 2, "twice"),
        ("version = ", "spectra.toml"),
    ],
)
def test_a_bad_recipe_is_named(tmp_path, text, says):
    (tmp_path / "spectra.toml").write_text(text)
    with pytest.raises(FormatError, match=says):
        read_recipe(tmp_path)


@pytest.mark.parametrize("change", [{"net_counts": (0.0,)}, {"n_draw": 0}, {"signal_to_background": (-1.0,)}])
def test_a_bad_plan_is_refused(change):
    with pytest.raises(ConfigurationError):
        ThinningPlan(**change)


def test_the_recipe_of_the_shared_spectra_fits_them(shared_data):
    folder = shared_data / "radiation"
    parents, left_out = read_recipe(folder, RECIPE)
    assert not left_out
    plan = ThinningPlan(net_counts=(300.0, 3000.0), signal_to_background=(1.0,), n_draw=1)
    samples, missing = make_samples(folder, parents, plan)
    assert not [row for row in missing if row.is_error]
    assert {sample.parent for sample in samples} == {parent.name for parent in parents}
    for sample in samples:
        payload = sample.scan.payload
        spectrum = Spectrum(payload.spectra[0, 0].astype(float), payload.energy_edges_kev[0], 1.0)
        wanted = sample.net_counts * (2.0 if sample.truth else 1.0)
        assert counts_in_window(spectrum) == pytest.approx(wanted, abs=6 * np.sqrt(wanted))
