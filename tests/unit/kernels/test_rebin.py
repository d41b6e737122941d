"""Counts shared among new channels."""

from __future__ import annotations

import numpy as np
import pytest


def test_shares_by_overlap(engine):
    shared = engine.rebin(np.array([[4.0, 8.0]]), np.array([0.0, 2.0, 4.0]), np.array([0.0, 1.0, 3.0, 4.0]))
    assert shared.tolist() == [[2.0, 6.0, 4.0]]


def test_same_edges_give_the_same_counts_exactly(engine):
    rng = np.random.default_rng(5)
    counts = rng.random((3, 50))
    edges = np.cumsum(rng.random(51))
    np.testing.assert_array_equal(engine.rebin(counts, edges, edges), counts)


def test_counts_outside_are_left_out_and_empty_channels_hold_zero(engine):
    shared = engine.rebin(np.array([[3.0, 5.0]]), np.array([1.0, 2.0, 3.0]), np.array([-1.0, 0.0, 2.0, 2.5]))
    assert shared.tolist() == [[0.0, 3.0, 2.5]]


def test_apart_altogether(engine):
    assert engine.rebin(np.ones((1, 2)), np.array([0.0, 1.0, 2.0]), np.array([5.0, 6.0])).tolist() == [[0.0]]


def test_differences_may_be_negative(engine):
    assert engine.rebin(np.array([[-2.0]]), np.array([0.0, 1.0]), np.array([0.0, 0.5, 1.0])).tolist() == [
        [-1, -1]
    ]


def test_no_spectrum(engine):
    assert engine.rebin(np.empty((0, 2)), np.array([0.0, 1.0, 2.0]), np.array([0.0, 2.0])).shape == (0, 1)


EDGES = np.array([0.0, 1.0, 2.0])


@pytest.mark.parametrize(
    ("counts", "edges_in", "edges_out", "error"),
    [
        (np.ones((1, 2), "f4"), EDGES, EDGES, TypeError),
        (np.ones(2), EDGES, EDGES, ValueError),
        (np.ones((1, 3)), EDGES, EDGES, ValueError),
        (np.array([[np.nan, 1.0]]), EDGES, EDGES, ValueError),
        (np.ones((1, 2)), np.array([0.0, 1.0, 1.0]), EDGES, ValueError),
        (np.ones((1, 2)), EDGES[::-1].copy(), EDGES, ValueError),
        (np.ones((1, 2)), EDGES, np.array([0.0]), ValueError),
        (np.ones((1, 2)), EDGES, np.array([0.0, np.inf]), ValueError),
        (np.ones((1, 0)), np.array([0.0]), EDGES, ValueError),
        (np.ones((1, 1)), np.array([-1.7e308, 1.7e308]), EDGES, ValueError),
    ],
)
def test_wrong_arguments_are_refused(engine, counts, edges_in, edges_out, error):
    with pytest.raises(error):
        engine.rebin(counts, edges_in, edges_out)
