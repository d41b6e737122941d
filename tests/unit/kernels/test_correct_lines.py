"""Line correction: values, masks, the noise limit, and what can never come out."""

from __future__ import annotations

import math

import numpy as np
import pytest

from screening.kernels import UNSEEN_NEG_LOG, UNSEEN_VARIANCE, LineCorrection
from screening.records import PixelState

NOISE = {"electronic_sigma": 20.0, "gain": 12.0, "saturation": 65535}


def corrected(engine, raw, *, dark=600.0, air=50_600.0, **more):
    raw = np.atleast_2d(np.asarray(raw, np.uint16))
    n_row = len(raw)
    return engine.correct_lines(
        raw, dark=np.full(n_row, dark, "f4"), air=np.full(n_row, air, "f4"), **{**NOISE, **more}
    )


def test_air_reads_zero_and_a_tenth_reads_ln_ten(engine):
    result = corrected(engine, [50_600, 5_600])
    assert result.neg_log[0] == pytest.approx([0.0, math.log(10)], abs=1e-6)
    # 400 electronic + 12 x 5000 over 5000^2
    assert result.variance[0, 1] == pytest.approx((400 + 60_000) / 5_000**2, rel=1e-6)
    assert not result.state.any()


def test_source_strength_divides_out_by_column(engine):
    strength = np.array([0.5, 1.0, 2.0], "f4")
    raw = 600 + 20_000 * strength
    result = corrected(engine, raw, reference=strength)
    np.testing.assert_allclose(result.neg_log[0], math.log(2.5), atol=1e-6)


def test_signal_under_the_noise_limit_is_clipped_and_censored(engine):
    result = corrected(engine, [590, 619, 620, 621])
    assert result.state[0].tolist() == [PixelState.CENSORED, PixelState.CENSORED, 0, 0]
    assert result.neg_log[0, :3] == pytest.approx(math.log(50_000 / 20), abs=1e-6)
    assert result.variance[0, 0] == pytest.approx((400 + 12 * 20) / 400, rel=1e-6)


def test_raw_zero_is_left_for_its_own_classification(engine):
    assert corrected(engine, [0, 1]).state[0].tolist() == [0, PixelState.CENSORED]


@pytest.mark.parametrize(("saturation", "expected"), [(65535, [0, 16]), (65536, [0, 0]), (1, [16, 16])])
def test_saturation_is_inclusive(engine, saturation, expected):
    assert corrected(engine, [65534, 65535], saturation=saturation).state[0].tolist() == expected


@pytest.mark.parametrize(
    ("dark", "air"),
    [
        (600, 600), (600, 500), (600, 799), (math.nan, 5e4), (600, math.nan), (600, math.inf),
        (-math.inf, 5e4), (600, 2e6), (7e4, 2e5),
    ],
)  # fmt: skip
def test_row_that_measures_nothing_is_dead_and_reads_opaque(engine, dark, air):
    result = corrected(engine, [0, 700, 60_000], dark=dark, air=air)
    assert (result.state & PixelState.DEAD_ROW).all()
    assert (result.neg_log == np.float32(UNSEEN_NEG_LOG)).all()
    assert (result.variance == np.float32(UNSEEN_VARIANCE)).all()


@pytest.mark.parametrize("strength", [0.0, -1.0, math.nan, math.inf, 1e-45, 2e6])
def test_line_without_a_pulse_is_lost_and_its_neighbours_are_not(engine, strength):
    result = corrected(engine, [30_000] * 3, reference=[1.0, strength, 1.0])
    assert result.state[0].tolist() == [0, PixelState.LOST_LINE, 0]
    assert result.neg_log[0, 1] == np.float32(UNSEEN_NEG_LOG)
    assert result.neg_log[0, 0] == pytest.approx(math.log(50_000 / 29_400), abs=1e-6)


def test_weak_pulse_is_judged_by_row(engine):
    raw = np.full((2, 2), 610, np.uint16)
    result = engine.correct_lines(raw, dark=[600, 600], air=[50_600, 2_600], reference=[1.0, 0.05], **NOISE)
    # 0.05 of 2,000 counts is under ten electronic sigmas, 0.05 of 50,000 is not.
    assert (result.state & PixelState.LOST_LINE).tolist() == [[0, 0], [0, PixelState.LOST_LINE]]


def test_masks_are_carried_and_only_unseen_ones_hide_the_value(engine):
    raw = np.full((2, 3), 5_600, np.uint16)
    result = engine.correct_lines(
        raw,
        dark=[600, 600],
        air=[50_600, 50_600],
        row_mask=np.array([0, PixelState.REPAIRED], "u1"),
        column_mask=np.array([0, PixelState.LOST_LINE, PixelState.CENSORED], "u1"),
        **NOISE,
    )
    assert result.state.tolist() == [[0, 8, 32], [64, 72, 96]]
    hidden = np.array([[False, True, False], [True, True, True]])
    assert ((result.neg_log == np.float32(UNSEEN_NEG_LOG)) == hidden).all()


def test_every_raw_count_is_within_the_promised_error(engine):
    raw = np.arange(65536, dtype=np.uint16).reshape(16, -1)
    dark = np.linspace(0, 900, 16, dtype="f4")
    air = (dark + np.linspace(20_000, 64_000, 16)).astype("f4")
    result = engine.correct_lines(raw, dark=dark, air=air, electronic_sigma=15.0, gain=9.0, saturation=65536)
    signal = np.maximum(raw.astype("f4") - dark[:, None], 15).astype("f8")
    exact = -np.log(signal / (air - dark).astype("f8")[:, None])
    assert np.abs(result.neg_log - exact).max() < 1e-6
    exact_variance = (225 + 9 * signal) / signal**2
    assert np.abs(result.variance / exact_variance - 1).max() < 1e-6


def test_out_is_written_and_returned(engine):
    raw = np.full((3, 5), 20_000, np.uint16)
    out = LineCorrection(np.full((3, 5), -9, "f4"), np.full((3, 5), -9, "f4"), np.full((3, 5), 9, "u1"))
    fresh = corrected(engine, raw)
    result = corrected(engine, raw, out=out)
    assert result.neg_log is out.neg_log
    for mine, other in zip(fresh, out, strict=True):
        np.testing.assert_array_equal(mine, other)


def test_read_only_and_strided_pictures_are_accepted_and_not_changed(engine):
    wide = np.arange(600, 600 + 64, dtype=np.uint16).reshape(4, 16)
    wide.flags.writeable = False
    view = wide[:, ::2]
    np.testing.assert_array_equal(corrected(engine, view).neg_log, corrected(engine, view.copy()).neg_log)


@pytest.mark.parametrize("shape", [(0, 4), (4, 0)])
def test_empty_picture(engine, shape):
    assert corrected(engine, np.empty(shape)).neg_log.shape == shape


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        ({"raw": np.zeros((2, 2), np.int32)}, TypeError, "uint16"),
        ({"raw": np.zeros(2, np.uint16)}, ValueError, r"\(n_row, n_column\)"),
        ({"dark": np.zeros(3, "f4")}, ValueError, "dark"),
        ({"air": np.zeros((2, 1), "f4")}, ValueError, "air"),
        ({"reference": np.zeros(2, "f4")}, ValueError, "reference"),
        ({"row_mask": np.zeros(2, bool)}, TypeError, "row_mask"),
        ({"column_mask": np.zeros(2, "u1")}, ValueError, "column_mask"),
        ({"electronic_sigma": 0.0}, ValueError, "electronic_sigma"),
        ({"electronic_sigma": math.nan}, ValueError, "electronic_sigma"),
        ({"gain": -1.0}, ValueError, "gain"),
        ({"saturation": 0}, ValueError, "saturation"),
        ({"saturation": 65537}, ValueError, "saturation"),
    ],
)
def test_wrong_arguments_are_named(engine, change, error, words):
    arguments = {
        "raw": np.zeros((2, 3), np.uint16),
        "dark": np.zeros(2, "f4"),
        "air": np.ones(2, "f4"),
        **NOISE,
    }
    arguments.update(change)
    with pytest.raises(error, match=words):
        engine.correct_lines(arguments.pop("raw"), **arguments)


@pytest.mark.parametrize(
    ("field", "array", "error"),
    [
        ("neg_log", np.zeros((2, 3), "f8"), TypeError),
        ("variance", np.zeros((3, 2), "f4"), ValueError),
        ("state", np.zeros((2, 6), "u1")[:, ::2], ValueError),
    ],
)
def test_out_that_does_not_fit_is_refused(engine, field, array, error):
    out = LineCorrection(np.zeros((2, 3), "f4"), np.zeros((2, 3), "f4"), np.zeros((2, 3), "u1"))
    with pytest.raises(error, match=field):
        corrected(engine, np.zeros((2, 3)), out=out._replace(**{field: array}))


def test_out_that_shares_memory_is_refused(engine):
    same = np.zeros((2, 3), "f4")
    out = LineCorrection(same, same, np.zeros((2, 3), "u1"))
    with pytest.raises(ValueError, match="share"):
        corrected(engine, np.zeros((2, 3)), out=out)
