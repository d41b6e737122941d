"""Spectra from one set of energy channels to another."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from . import _spectra as _engine

__all__ = ["rebin"]

_MOST = 1e30


def rebin(
    counts: NDArray[np.float64], edges_in: NDArray[np.float64], edges_out: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Share the counts of each channel among new channels, by overlap.

    Counts are taken as spread evenly within a channel, and are conserved where the new channels cover
    the old ones. What lies outside the new channels is left out; a new channel outside the old ones
    holds 0.

    Parameters
    ----------
    counts : ndarray of shape (n, n_in), float64
        Counts by channel; finite, may be negative (differences).
    edges_in : ndarray of shape (n_in + 1,), float64
        Edges of those channels, keV, increasing.
    edges_out : ndarray of shape (n_out + 1,), float64
        Edges of the new channels, keV, increasing.

    Returns
    -------
    ndarray of shape (n, n_out), float64
        Counts by new channel.

    Raises
    ------
    TypeError
        If an array has another dtype.
    ValueError
        If a shape does not fit, edges do not increase, or a number is not finite or beyond 1e30.
    """
    for name, array in (("counts", counts), ("edges_in", edges_in), ("edges_out", edges_out)):
        if array.dtype != np.float64:
            raise TypeError(f"{name} needs dtype float64, got {array.dtype}")
        # The bound keeps every width and sum finite too.
        if not (np.abs(array) <= _MOST).all():
            raise ValueError(f"{name} must be finite, within {_MOST:g}")
    if counts.ndim != 2 or edges_in.shape != (counts.shape[1] + 1,):
        raise ValueError(
            "counts and edges_in need shapes (n, n_in) and (n_in + 1,), "
            f"got {counts.shape} and {edges_in.shape}"
        )
    for name, edges in (("edges_in", edges_in), ("edges_out", edges_out)):
        if edges.ndim != 1 or len(edges) < 2 or not (np.diff(edges) > 0).all():
            raise ValueError(f"{name} needs at least two edges, increasing, got {edges}")
    return _engine.rebin(
        np.ascontiguousarray(counts), np.ascontiguousarray(edges_in), np.ascontiguousarray(edges_out)
    )
