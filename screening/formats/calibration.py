"""Energy calibrations as files give them, to channel edges in keV, or to nothing if they are not valid."""

from __future__ import annotations

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Calibration", "channel_edges"]

_MAX_COEFFICIENTS = 8
_TOP_EDGE_KEV = (50.0, 1e5)


class Calibration(NamedTuple):
    """One energy calibration.

    Attributes
    ----------
    kind : {"polynomial", "full-range-fraction", "edges", "points"}
        Meaning of `values`: coefficients in channel number; coefficients in channel / n_channel, the
        fifth multiplying 1 / (1 + 60 x); n_channel + 1 (or n_channel) edges; or channel positions and
        their energies, alternating.
    values : tuple of float
        In keV.
    deviations : tuple of tuple of float
        Pairs (predicted energy, what to add to it), keV; empty without them.
    """

    kind: Literal["polynomial", "full-range-fraction", "edges", "points"]
    values: tuple[float, ...]
    deviations: tuple[tuple[float, float], ...] = ()


def channel_edges(calibration: Calibration | None, n_channel: int) -> NDArray[np.float64] | None:
    """Return the energies of the channel edges.

    The energy at position i is that of the lower edge of channel i: the N42.42 schema says that the
    first channel starts at position 0.0.

    Parameters
    ----------
    calibration : Calibration or None
        What the file says.
    n_channel : int
        Number of channels.

    Returns
    -------
    ndarray of shape (n_channel + 1,), float64, or None
        Edges in keV, strictly increasing. None when there is no valid calibration: none given, not
        finite, not increasing, a placeholder (gain 0, or offset 0 and gain 1, where channel numbers
        would pose as energies), or a top edge outside 50 keV to 100 MeV.
    """
    if calibration is None or n_channel < 1:
        return None
    with np.errstate(all="ignore"):
        edges = _raw_edges(calibration, n_channel)
        if edges is not None and calibration.deviations:
            pairs = np.array(sorted(calibration.deviations))
            edges = edges + np.interp(edges, pairs[:, 0], pairs[:, 1])
    if edges is None or not np.isfinite(edges).all() or not (np.diff(edges) > 0).all():
        return None
    if not _TOP_EDGE_KEV[0] <= edges[-1] <= _TOP_EDGE_KEV[1]:
        return None
    return edges


def _raw_edges(calibration: Calibration, n_channel: int) -> NDArray[np.float64] | None:
    values = np.array(calibration.values, dtype=np.float64)
    position = np.arange(n_channel + 1, dtype=np.float64)
    if calibration.kind == "edges":
        if len(values) == n_channel and n_channel > 1:
            values = np.append(values, 2 * values[-1] - values[-2])
        return values if len(values) == n_channel + 1 else None
    if not 2 <= len(values) <= _MAX_COEFFICIENTS and calibration.kind != "points":
        return None
    if calibration.kind == "points":
        x, energy = values[0::2], values[1::2]
        if len(x) != len(energy) or len(x) < 2 or not (np.diff(x) > 0).all():
            return None
        gain = np.diff(energy) / np.diff(x)
        edges: NDArray[np.float64] = np.asarray(np.interp(position, x, energy), dtype=np.float64)
        before, after = position < x[0], position > x[-1]
        edges[before] = energy[0] + (position[before] - x[0]) * gain[0]
        edges[after] = energy[-1] + (position[after] - x[-1]) * gain[-1]
        return edges
    if not values[1:].any():
        return None
    if calibration.kind == "full-range-fraction":
        fraction = position / n_channel
        polynomial = np.asarray(np.polynomial.polynomial.polyval(fraction, values[:4]), dtype=np.float64)
        return polynomial + values[4] / (1.0 + 60.0 * fraction) if len(values) > 4 else polynomial
    if values[0] == 0.0 and values[1] == 1.0 and not values[2:].any():
        return None
    return np.asarray(np.polynomial.polynomial.polyval(position, values), dtype=np.float64)
