"""Polychromatic transport: areal densities to the transmission of a whole spectrum."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import _transport as _engine

__all__ = ["MAX_MATERIALS", "transmit"]

#: Largest number of materials in one call.
MAX_MATERIALS = 64


def transmit(
    planes: NDArray[np.float32],
    *,
    mu_cm2_g: ArrayLike,
    weight: ArrayLike,
    out: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Return sum over bins of weight exp(-sum over materials of mu areal density).

    Right to 1e-6 of its value (double precision inside, the exponential by a polynomial). A pixel without
    any material gets 1 whatever the weights sum to. Negative areal densities count as none; one that is not
    finite makes its pixel opaque, never clear.

    Parameters
    ----------
    planes : ndarray of shape (n_material, ...), float32
        Areal density of each material, g/cm2.
    mu_cm2_g : array_like of shape (n_material, n_bin), float64
        Mass attenuation coefficients, not negative.
    weight : array_like of shape (n_bin,), float64
        Share of the air signal of each bin; not negative.
    out : ndarray of shape (...), float32, or None
        Array to write, C-contiguous; None makes a new one.

    Returns
    -------
    ndarray of shape (...), float32
        Transmission.

    Raises
    ------
    TypeError
        If an array has another dtype.
    ValueError
        If a shape does not fit or a value is out of its range.
    """
    if planes.dtype != np.float32:
        raise TypeError(f"planes need dtype float32, got {planes.dtype}")
    if planes.ndim < 1 or len(planes) > MAX_MATERIALS:
        raise ValueError(f"planes need shape (n_material <= {MAX_MATERIALS}, ...), got {planes.shape}")
    mu = np.ascontiguousarray(mu_cm2_g, dtype=np.float64)
    shares = np.ascontiguousarray(weight, dtype=np.float64)
    if shares.ndim != 1 or shares.size == 0:
        raise ValueError(f"weight needs shape (n_bin,), got {shares.shape}")
    if mu.shape != (len(planes), shares.size):
        raise ValueError(f"mu_cm2_g needs shape ({len(planes)}, {shares.size}), got {mu.shape}")
    for name, values in (("mu_cm2_g", mu), ("weight", shares)):
        if not (np.isfinite(values).all() and (values >= 0).all()):
            raise ValueError(f"{name} must be finite and not negative")
    shape = planes.shape[1:]
    if out is None:
        out = np.empty(shape, dtype=np.float32)
    elif out.dtype != np.float32:
        raise TypeError(f"out needs dtype float32, got {out.dtype}")
    elif out.shape != shape or not (out.flags.c_contiguous and out.flags.writeable):
        raise ValueError(f"out needs to be writeable, C-contiguous, of shape {shape}, got {out.shape}")
    elif np.may_share_memory(planes, out):
        raise ValueError("planes and out must not share memory")
    if len(planes) == 0:
        out[...] = 1.0
    elif out.size:
        flat = np.ascontiguousarray(planes).reshape(len(planes), -1)
        _engine.transmit(flat, mu_cm2_g=mu, weight=shares, out=out.reshape(-1))
    return out
