"""Poisson regression on factors beside scikit-learn and NumPy; nothing here asserts a time.

``pytest tests/benchmarks/test_bench_factors.py --benchmark-only -s``
"""

from __future__ import annotations

import time

import numpy as np
import pytest

from screening.kernels import fit_factors, isa, log_ratios, reference_factors
from screening.simulation.occupancies import street_run, street_source
from screening.simulation.occupancies.batch import sqrt_edges_kev

WINDOW = 10


def timed(function):
    start = time.perf_counter()
    answer = function()
    return time.perf_counter() - start, answer


@pytest.fixture(scope="module")
def street():
    edges = sqrt_edges_kev()
    run = street_run(5, edges, duration_s=300.0, rate_cps=1000.0)
    summed = np.cumsum(run.counts, axis=0, dtype=np.int64)
    spectra = (summed[WINDOW:] - summed[:-WINDOW]).astype(np.float32)
    at = np.array([-0.05])
    templates = np.concatenate([street_source(label, edges, at) for label in ("Cs-137", "Co-60", "I-131")])
    return run, spectra, templates.astype(np.float32)


@pytest.mark.filterwarnings("ignore:Maximum number of iterations")
def test_fit_factors_beside_scikit_learn(street):
    from sklearn.decomposition import NMF

    run, spectra, templates = street
    basis = run.shape.astype(np.float32)
    model = NMF(
        n_components=len(basis),
        solver="mu",
        beta_loss="kullback-leibler",
        init="custom",
        max_iter=200,
        tol=1e-6,
    )
    model.components_ = basis
    model.n_components_, model.n_features_in_ = basis.shape
    ours, fit = timed(lambda: fit_factors(spectra, basis))
    tested, _ = timed(lambda: fit_factors(spectra, basis, templates=templates))
    theirs, amplitude = timed(lambda: model.transform(spectra))
    few = spectra[::60]
    plain, twin = timed(lambda: reference_factors.fit_factors(few, basis))
    mean = amplitude @ basis
    terms = np.where(spectra > 0, spectra * np.log(np.maximum(spectra, 1) / mean), 0) - spectra + mean
    assert np.all(fit.deviance <= 2 * terms.sum(axis=1) + 0.02)
    np.testing.assert_allclose(fit.deviance[::60], twin.deviance, atol=0.02)
    print(f"\nfit of {len(basis)} factors to {spectra.shape[1]} bins, a row [{isa()}]")  # noqa: T201
    for name, value, n in (
        ("this kernel", ours, len(spectra)),
        ("with three templates tested", tested, len(spectra)),
        ("scikit-learn, at most 200 rounds", theirs, len(spectra)),
        ("NumPy, multiplicative to the end", plain, len(few)),
    ):
        print(f"  {name:40s} {1e6 * value / n:10.2f} us")  # noqa: T201


def test_log_ratios_beside_numpy(street):
    run, _, templates = street
    mean = (run.amplitude @ run.shape).astype(np.float32)
    levels = np.array([0.1, 0.4, 0.7, 1.0], np.float32)
    ours, found = timed(lambda: log_ratios(run.counts, mean, 20 * templates, levels))
    theirs, twin = timed(lambda: reference_factors.log_ratios(run.counts, mean, 20 * templates, levels))
    np.testing.assert_allclose(found, twin, rtol=1e-4, atol=1e-3)
    n = len(mean)
    print(f"\n12 sums of 128 logarithms: {1e6 * ours / n:.2f} us, NumPy {1e6 * theirs / n:.2f} us")  # noqa: T201
