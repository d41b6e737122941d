"""Poisson regression on factors agrees with its NumPy twin, whatever it is given, and from four threads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from screening.kernels import fit_factors, log_ratios, reference_factors

SETTINGS = settings(max_examples=15, deadline=None, derandomize=True)


def drawn(seed, n_row=6, n_bin=37, n_factor=3, n_template=2, mean=3.0):
    """Counts of a mixture of peaked factors, some of them absent, and templates with a line each."""
    rng = np.random.default_rng(seed)
    place = np.arange(n_bin)
    centre = rng.uniform(0, n_bin, n_factor + n_template)[:, np.newaxis]
    width = rng.uniform(1.0, n_bin / 2 + 1, centre.shape)
    rows = np.exp(-0.5 * ((place - centre) / width) ** 2) + rng.uniform(0.0, 0.2, (centre.size, n_bin))
    rows = (rows / rows.sum(axis=1, keepdims=True)).astype(np.float32)
    basis, templates = rows[:n_factor], rows[n_factor:]
    amplitude = rng.gamma(0.7, mean * n_bin, (n_row, n_factor)) * (rng.random((n_row, n_factor)) < 0.7)
    spectra = rng.poisson(amplitude @ basis.astype(np.float64)).astype(np.float32)
    return spectra, basis, templates


@SETTINGS
@given(
    st.integers(0, 2**32 - 1),
    st.sampled_from([1, 15, 16, 37, 128]),
    st.integers(1, 5),
    st.sampled_from([0.05, 1.0, 30.0]),
)
def test_fit_factors(seed, n_bin, n_factor, mean):
    spectra, basis, templates = drawn(seed, n_bin=n_bin, n_factor=n_factor, mean=mean)
    for gate in (1e9, -1e9):
        options = {"templates": templates, "gate": gate, "tolerance": 1e-5, "max_steps": 200}
        ours = fit_factors(spectra, basis, **options)
        twin = reference_factors.fit_factors(spectra, basis, **options)
        assert (ours.n_step >= 0).all()
        assert (ours.amplitude >= 0).all()
        # The twin creeps towards bounds; ours may be the better fit by a little, never the worse.
        slack = 2e-3 + 2e-6 * spectra.sum(axis=1)
        assert (ours.deviance <= twin.deviance + slack).all()
        assert (ours.deviance >= twin.deviance - slack - 0.05).all()
        if gate < 0:
            np.testing.assert_allclose(ours.ratio**2, twin.ratio**2, atol=0.1)
        else:
            # Which factors are free decides the score; where one is nearly 0 the two may differ.
            clear = (ours.amplitude > 1e-2 * spectra.sum(axis=1, keepdims=True)).all(axis=1)
            np.testing.assert_allclose(ours.ratio[clear], twin.ratio[clear], atol=0.05)


@SETTINGS
@given(st.integers(0, 2**32 - 1), st.sampled_from([1, 16, 37]), st.sampled_from([0.05, 2.0, 200.0]))
def test_log_ratios(seed, n_bin, mean):
    rng = np.random.default_rng(seed)
    background = rng.gamma(1.0, mean, (5, n_bin)).astype(np.float32) + np.float32(1e-3)
    counts = rng.poisson(background).astype(np.uint16)
    templates = rng.gamma(0.5, mean, (3, n_bin)).astype(np.float32)
    levels = np.array([0.0, 0.1, 1.0, 30.0], np.float32)
    ours = log_ratios(counts, background, templates, levels)
    twin = reference_factors.log_ratios(counts, background, templates, levels)
    np.testing.assert_allclose(ours, twin, rtol=2e-6, atol=2e-6 * (1 + counts.sum()))


def test_likelihood_is_what_scipy_finds():
    from scipy.optimize import minimize

    spectra, basis, _ = drawn(3, n_row=4, mean=20.0)
    fit = fit_factors(spectra, basis, tolerance=1e-6)
    for row, deviance in zip(spectra.astype(float), fit.deviance, strict=True):

        def deviance_at(a, row=row):
            mean = np.maximum(a @ basis, 1e-9)
            return 2 * float(
                np.sum(np.where(row > 0, row * np.log(np.maximum(row, 1) / mean), 0) - row + mean)
            )

        found = minimize(deviance_at, np.full(3, row.sum() / 3 + 1), bounds=[(0, None)] * 3)
        assert deviance == pytest.approx(found.fun, abs=0.01)


def test_order_of_rows_changes_only_where_a_fit_starts():
    spectra, basis, templates = drawn(5, n_row=40, mean=10.0)
    forward = fit_factors(spectra, basis, templates=templates, tolerance=1e-5)
    backward = fit_factors(spectra[::-1].copy(), basis, templates=templates, tolerance=1e-5)
    np.testing.assert_allclose(forward.deviance, backward.deviance[::-1], atol=5e-3)


def test_empty_rows_and_none():
    basis = np.ones((2, 5), np.float32)
    spectra = np.array([[0] * 5, [3] * 5, [0] * 5, [1] * 5], np.float32)
    fit = fit_factors(spectra, basis, templates=np.eye(5, dtype=np.float32)[:1])
    assert (fit.n_step >= 0).all()
    np.testing.assert_allclose(fit.amplitude.sum(axis=1), [0, 3, 0, 1], atol=1e-4)
    assert fit_factors(spectra[:0], basis).deviance.shape == (0,)
    assert log_ratios(
        np.zeros((0, 5), np.uint16), np.ones((0, 5), np.float32), basis, np.ones(1, np.float32)
    ).shape == (0, 2, 1)


def test_too_few_steps_are_told():
    spectra, basis, _ = drawn(7, mean=50.0)
    fit = fit_factors(spectra[:1], basis, np.array([1e-6, 1e-6, 1.0]), tolerance=1e-9, max_steps=1)
    assert fit.n_step.tolist() == [-1]


def test_four_threads_at_once():
    spectra, basis, templates = drawn(11, n_row=300, n_bin=128)
    alone = fit_factors(spectra, basis, templates=templates)
    with ThreadPoolExecutor(4) as pool:
        together = [pool.submit(fit_factors, spectra, basis, templates=templates) for _ in range(4)]
        for one in together:
            for found, expected in zip(one.result(), alone, strict=True):
                np.testing.assert_array_equal(found, expected)


GOOD = drawn(1)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"spectra": GOOD[0].astype(float)}, TypeError),
        ({"basis": GOOD[1].astype(float)}, TypeError),
        ({"templates": GOOD[2].astype(float)}, TypeError),
        ({"spectra": GOOD[0][:, :5]}, ValueError),
        ({"spectra": -1 - GOOD[0]}, ValueError),
        ({"spectra": GOOD[0] * np.float32(np.nan)}, ValueError),
        ({"basis": GOOD[1] * 0}, ValueError),
        ({"basis": -GOOD[1]}, ValueError),
        ({"basis": GOOD[1][:0]}, ValueError),
        ({"basis": GOOD[1][0]}, ValueError),
        ({"templates": GOOD[2][:, :4].copy()}, ValueError),
        ({"start": np.zeros(3)}, ValueError),
        ({"start": np.ones(2)}, ValueError),
        ({"tolerance": 0.0}, ValueError),
        ({"max_steps": 0}, ValueError),
        ({"gate": float("nan")}, ValueError),
    ],
)
def test_wrong_arguments_of_fits_are_refused(change, error):
    arguments = {"spectra": GOOD[0], "basis": GOOD[1], "templates": GOOD[2], **change}
    with pytest.raises(error):
        fit_factors(**arguments)


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"counts": np.ones((2, 3))}, TypeError),
        ({"background": np.ones((2, 4), np.float32)}, ValueError),
        ({"background": np.zeros((2, 3), np.float32)}, ValueError),
        ({"templates": np.ones((2, 4), np.float32)}, ValueError),
        ({"templates": -np.ones((2, 3), np.float32)}, ValueError),
        ({"levels": np.ones((1, 1), np.float32)}, ValueError),
        ({"levels": np.full(1, np.inf, np.float32)}, ValueError),
    ],
)
def test_wrong_arguments_of_ratios_are_refused(change, error):
    arguments = {
        "counts": np.ones((2, 3), np.uint16),
        "background": np.ones((2, 3), np.float32),
        "templates": np.ones((1, 3), np.float32),
        "levels": np.ones(1, np.float32),
        **change,
    }
    with pytest.raises(error):
        log_ratios(**arguments)
