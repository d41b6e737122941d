"""Figures of a picture: what was put in comes out, without any truth."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from screening.simulation.likeness import picture_statistics
from screening.simulation.likeness.air import AirBand, find_air
from screening.simulation.likeness.structure import (
    corrugation,
    opaque_runs,
    radial_spectrum,
    rail_separation,
    spectrum_slope,
)
from screening.simulation.likeness.zeros import dead_rows, sort_zeros

_spec = importlib.util.spec_from_file_location("synthetic", Path(__file__).with_name("synthetic.py"))
assert _spec is not None
assert _spec.loader is not None
made = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(made)

LARGE = (300, 700)


def test_noise_of_open_beam_and_the_photon_transfer_law() -> None:
    for gain, sigma, line, residue in ((9.0, 18.0, 0.002, 0.015), (17.0, 30.0, 0.006, 0.045)):
        picture = made.synthetic(
            1, gain=gain, sigma=sigma, line=line, residue=residue, shape=LARGE, dark=300.0
        )
        dark = np.full((LARGE[0], 2), 300.0, dtype=np.float32)
        found = picture_statistics(picture.raw, dark=dark)
        assert found.air_counts == pytest.approx(made.AIR, rel=0.02)
        assert found.air_sigma == pytest.approx(np.hypot((gain / made.AIR) ** 0.5, line), rel=0.05)
        assert found.line_sigma == pytest.approx(line, rel=0.12)
        assert found.row_residue == pytest.approx(residue, rel=0.35)
        assert found.gain == pytest.approx(gain, rel=0.05)
        assert found.electronic_sigma == pytest.approx(sigma, rel=0.12)
        assert found.floor_counts == pytest.approx(made.AIR * (8e-4 + np.exp(-9.0)), rel=0.1)
        assert found.dynamic_range == pytest.approx(made.AIR / found.floor_counts, rel=0.05)


def test_clipping_at_zero_does_not_hide_the_electronic_noise() -> None:
    found = picture_statistics(made.synthetic(2, sigma=28.0, shape=LARGE).raw)
    assert found.clipped_zeros[0] > 0.001
    assert found.electronic_sigma == pytest.approx(28.0, rel=0.25)


def test_an_unknown_dark_leaves_the_floor_unsaid() -> None:
    found = picture_statistics(made.synthetic(3, dark=400.0).raw)
    assert (found.floor_counts, found.dynamic_range, found.electronic_sigma) == (None, None, None)
    assert found.air_counts == pytest.approx(made.AIR, rel=0.05)


def test_ratio_of_the_logarithms_by_depth() -> None:
    found = picture_statistics(made.synthetic(4, ratio=1.12, shape=LARGE).raw)
    low, median, high = found.log_ratio["0.5-1.5"]
    assert low < median < high
    assert median == pytest.approx(1.12, abs=0.02)
    assert picture_statistics(made.synthetic(4, energies=1).raw).log_ratio == {}


def test_zeros_of_every_kind_are_told_apart() -> None:
    rng = np.random.default_rng(5)
    raw = made.synthetic(5, sigma=5.0, floor=2e-3).raw.copy()
    n_row, n_column, _ = raw.shape
    packets = np.arange(n_column) // 10 % 2 == 0
    raw[60:76, packets, 0] = 0
    raw[60:76, ~packets, 1] = 0
    bright = np.flatnonzero(raw[:30, :, 0].ravel() > 1000)
    places = rng.choice(bright, 15, replace=False)
    raw[places // n_column, places % n_column, 0] = 0
    raw[-7:] = 0
    raw[3, 5, 0] = 65535
    found = picture_statistics(raw)
    n_live = (n_row - 7) * n_column
    assert (found.dead_rows, found.dead_rows_at_bottom) == (7, 7)
    assert found.packet_zeros[0] == pytest.approx(16 * packets.sum() / n_live, rel=0.02)
    assert found.packet_antiphase == 1.0
    assert found.isolated_zeros == (pytest.approx(15 / n_live), 0.0)
    assert found.zeros_live_rows[0] == pytest.approx(
        found.packet_zeros[0] + found.isolated_zeros[0] + found.clipped_zeros[0]
    )
    assert found.saturated[0] == pytest.approx(1 / n_live)
    kinds = sort_zeros(raw[:, :, 0], dead_rows(raw))
    assert kinds.is_packet[60:76, packets].all()


def test_open_beam_is_found_at_the_top_or_at_the_ends() -> None:
    signal = np.full((200, 300), 40_000.0, dtype=np.float32)
    live = np.ones(signal.shape, dtype=bool)
    signal[30:, :] *= 0.3
    assert find_air(signal, live) == AirBand(0, 27, 0, 300)  # the whole width, clear of the edge
    signal[:] = 40_000.0
    signal[:, 50:] *= 0.3
    assert find_air(signal, live) == AirBand(0, 100, 0, 47)
    signal[:] = 40_000.0 * 0.3
    signal[::2] = 40_000.0
    assert find_air(np.where(live, signal, 0), live) is None


def test_spectra_know_noise_from_structure() -> None:
    rng = np.random.default_rng(6)
    noise = rng.standard_normal((20, 64, 64)).astype(np.float32)
    frequency, power = radial_spectrum(noise)
    assert power.mean() == pytest.approx(1.0, rel=0.05)
    assert np.median(spectrum_slope(frequency, power)) == pytest.approx(0.0, abs=0.25)
    # a random walk in two directions falls by the square of the frequency at least
    walk = np.cumsum(np.cumsum(noise, axis=1), axis=2)
    assert np.median(spectrum_slope(*radial_spectrum(walk))) < -1.8


def test_runs_of_opaque_places() -> None:
    is_opaque = np.zeros((4, 50), dtype=bool)
    assert opaque_runs(is_opaque) is None
    is_opaque[0, 5:45] = True
    is_opaque[1, :3] = True
    is_opaque[2, 48:] = True
    assert opaque_runs(is_opaque) == (40.0, 40.0)


def test_corrugation_and_rails() -> None:
    rng = np.random.default_rng(7)
    n_row, n_column = 400, 1200
    depth = np.full((n_row, n_column), 2.0, dtype=np.float32)
    depth[:40] = 0.0
    depth[40:140] = 0.04 + 0.0085 * 2**0.5 * np.sin(2 * np.pi * np.arange(n_column) / 33.8)
    depth[40:44] = depth[150:154] = 1.0
    depth[140:150] = 0.3
    depth[154:300] = 0.35
    depth = depth + 0.015 * rng.standard_normal(depth.shape).astype(np.float32)
    live = np.ones(depth.shape, dtype=bool)
    walls = corrugation(depth, live)
    assert walls is not None
    period, sigma, level = walls
    assert period == pytest.approx(33.8, rel=0.05)
    assert sigma == pytest.approx(0.0085, rel=0.2)
    assert level == pytest.approx(0.04, abs=0.005)
    assert rail_separation(depth, live) == pytest.approx(110, abs=3)
    assert corrugation(np.full_like(depth, 2.0), live) is None
    assert rail_separation(np.zeros_like(depth), live) is None


def test_bad_pictures_are_refused() -> None:
    raw = np.zeros((80, 80, 1), dtype=np.uint16)
    for wrong in (raw.astype(np.float32), raw[:, :, 0], raw[:20]):
        with pytest.raises(ValueError, match="a picture is uint16"):
            picture_statistics(wrong)
    with pytest.raises(ValueError, match="dark needs shape"):
        picture_statistics(raw, dark=np.zeros((80, 2), dtype=np.float32))
    with pytest.raises(ValueError, match="air must be finite"):
        picture_statistics(raw, air=np.full((80, 1), np.nan, dtype=np.float32))
    with pytest.raises(ValueError, match="is_lost needs shape"):
        picture_statistics(raw, is_lost=np.zeros((2, 1), dtype=bool))


def test_a_picture_of_nothing_has_figures_too() -> None:
    found = picture_statistics(np.zeros((80, 80, 2), dtype=np.uint16))
    assert found.dead_rows == 80
    assert found.air_counts is None
    assert found.saturated == (0.0, 0.0)
    assert picture_statistics(np.full((80, 80, 1), 30_000, dtype=np.uint16)).dead_rows == 80
