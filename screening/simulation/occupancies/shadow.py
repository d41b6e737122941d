"""The vehicle's shadow: which share of a panel's view of the background a vehicle fills, place by place."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter1d

__all__ = ["EMPTY_SHADE", "largest_dip", "shadow_profile"]

#: Steps per metre in which the shadow is drawn.
_STEPS_PER_M = 10

#: From a panel's face to the near side of a vehicle, metres: with it, cos^3 of the view weighs what lies
#: ahead.
_TO_VEHICLE_M = 1.25

#: Shade of a cab with its engine, of a bare chassis, and of an empty box of steel sheet: shares of the
#: background.
_CAB_SHADE, _CHASSIS_SHADE, EMPTY_SHADE = 0.20, 0.08, 0.12

#: Length of a cab, metres; load changes within a metre or so, by a twentieth.
_CAB_M, _TEXTURE_M, _TEXTURE = 2.6, 1.0, 0.05


def shadow_profile(
    along_m: NDArray[np.float64],
    *,
    vehicle_m: float,
    box_m: tuple[float, float],
    depth: float,
    rng: np.random.Generator,
    profile: NDArray[np.float64] | None = None,
    starts_m: tuple[float, ...] = (0.0,),
) -> NDArray[np.float64]:
    """Return the share of background that a vehicle keeps off the panels.

    Parameters
    ----------
    along_m : ndarray of shape (n,), float64
        Which part of the vehicle is in the portal's plane: metres behind its front.
    vehicle_m : float
        Length of the vehicle.
    box_m : tuple of float
        Front and rear of the container, metres behind the vehicle's front.
    depth : float
        Suppression by the loaded container, 0 to below 1; 0 takes the whole shadow away.
    rng : numpy.random.Generator
        For the texture of the load.
    profile : ndarray of shape (n_part,), float64, optional
        Suppression of equal parts of the box over `depth`; even when omitted.
    starts_m : tuple of float
        Where the vehicles of the occupancy begin.

    Returns
    -------
    ndarray of shape (n,), float64
        0 far from the vehicle; about `depth` beside the container; less at cab and chassis. It is the shade
        of each place, weighted with cos^3 of the angle under which a panel sees it.
    """
    end_m = starts_m[-1] + vehicle_m
    margin = 12.0
    grid = np.arange(-margin, end_m + margin, 1.0 / _STEPS_PER_M)
    texture = gaussian_filter1d(rng.standard_normal(grid.size), _TEXTURE_M * _STEPS_PER_M, mode="wrap")
    texture *= _TEXTURE / max(float(texture.std()), 1e-9)
    body = min(1.0, depth / 0.1)
    shade = np.zeros(grid.size)
    for start in starts_m:
        place = grid - start
        shade[(place >= 0) & (place <= vehicle_m)] = _CHASSIS_SHADE * body
        shade[(place >= 0) & (place <= min(_CAB_M, box_m[0]))] = _CAB_SHADE * body
        inside = (place >= box_m[0]) & (place <= min(box_m[1], vehicle_m))
        local = depth * (1.0 + texture[inside])
        if profile is not None and inside.any():
            share = (place[inside] - box_m[0]) / (box_m[1] - box_m[0])
            part = np.minimum((share * profile.size).astype(np.int64), profile.size - 1)
            local *= profile[part]
        shade[inside] = np.maximum(local, min(depth, EMPTY_SHADE))
    view = _view()
    shade = np.convolve(shade, view, mode="same")
    return np.asarray(np.clip(np.interp(along_m, grid, shade, left=0.0, right=0.0), 0.0, 0.95))


@lru_cache(maxsize=1)
def _view() -> NDArray[np.float64]:
    """Weights of what lies ahead and aside, of unit sum."""
    aside = np.arange(-5 * _STEPS_PER_M, 5 * _STEPS_PER_M + 1) / _STEPS_PER_M
    weight = (1.0 + (aside / _TO_VEHICLE_M) ** 2) ** -1.5
    return np.asarray(weight / weight.sum())


def largest_dip(
    counts: NDArray[np.int64], background_cps: NDArray[np.float64] | float, interval_s: float
) -> NDArray[np.float64]:
    """Return the largest dip of each pass below its background, as the measured distribution has it.

    S is the sum of all panels over a window of one second, taken at every interval of the pass that ends one;
    B is the measured background rate of all panels over the same second. The dip of a window is 1 - S / B,
    and the largest of the pass is the answer: a maximum over noisy windows, so it is larger than the deepest
    shade.

    Parameters
    ----------
    counts : ndarray of shape (..., n_interval, n_panel), int64
        Gross counts. Look-back and roll-off may be left in: they are not shaded.
    background_cps : float, or ndarray of shape (...)
        Measured background of all panels together, counts/s.
    interval_s : float
        Interval, seconds.

    Returns
    -------
    ndarray of shape (...), float64
        Largest dip.

    Raises
    ------
    ValueError
        If a pass is shorter than a window, or a background is not positive.
    """
    window = max(1, round(1.0 / interval_s))
    total = np.asarray(counts).sum(axis=-1)
    if total.shape[-1] < window:
        raise ValueError(f"a dip needs {window} intervals or more, got {total.shape[-1]}")
    background = np.asarray(background_cps, dtype=np.float64)
    if not np.all(background > 0):
        raise ValueError(f"a background must be above 0 counts/s, got {float(background.min()):g}")
    summed = np.cumsum(total, axis=-1, dtype=np.float64)
    summed = np.concatenate([np.zeros((*total.shape[:-1], 1)), summed], axis=-1)
    windows = summed[..., window:] - summed[..., :-window]
    return np.asarray(1.0 - windows.min(axis=-1) / (background * window * interval_s))
