"""The Cs-137 activity that would have alarmed: what a LOW answer of this lane is worth."""

from __future__ import annotations

import math

from .settings import LaneGeometry

__all__ = ["CS137_662_PER_DECAY", "counts_per_mbq", "detection_limit_mbq", "required_net_counts"]

#: 661.7 keV photons per decay of Cs-137 (with Ba-137m in equilibrium), ENSDF evaluation.
CS137_662_PER_DECAY = 0.851


def counts_per_mbq(geometry: LaneGeometry, *, n_panel: int, speed_m_s: float, window_s: float) -> float:
    """Return the counts of one window per MBq of Cs-137 that passes at the lane's centre.

    A point source at the height of the panels' centres moves along the lane, and the window is
    centred on its closest approach. Each panel is taken as a flat face A at distance r, seen under
    A r / (4 pi (r^2 + x^2)^1.5) of the full solid angle; the mean over a path of half length h is
    A / (4 pi r sqrt(r^2 + h^2)). No attenuation in cargo or air.

    Parameters
    ----------
    geometry : LaneGeometry
        Panels.
    n_panel : int
        How many count.
    speed_m_s : float
        Vehicle speed, m/s.
    window_s : float
        Window, seconds.

    Returns
    -------
    float
        Counts per MBq.
    """
    r = geometry.panel_distance_m
    half_path = 0.5 * speed_m_s * window_s
    share = geometry.panel_area_m2 / (4.0 * math.pi * r * math.hypot(r, half_path))
    return 1e6 * CS137_662_PER_DECAY * geometry.efficiency_662 * share * n_panel * window_s


def required_net_counts(background: float, suppression: float, n_sigma: float, z: float) -> float:
    """Return the mean source counts that alarm with a given probability.

    The threshold T = B + n sqrt(B) is set on the open background B, while the vehicle leaves only
    B (1 - s). The mean m that exceeds T with the probability of quantile z solves m - z sqrt(m) = T.

    Parameters
    ----------
    background : float
        Open background of the window, counts.
    suppression : float
        s, 0 to 1.
    n_sigma : float
        Threshold.
    z : float
        Quantile of the standard normal distribution for the detection probability.

    Returns
    -------
    float
        Counts.
    """
    threshold = background + n_sigma * math.sqrt(background)
    root = 0.5 * (z + math.sqrt(z * z + 4.0 * threshold))
    return root * root - background * (1.0 - suppression)


def detection_limit_mbq(
    geometry: LaneGeometry,
    *,
    background_cps: float,
    suppression: float,
    n_panel: int,
    speed_m_s: float,
    window_s: float,
    n_sigma: float,
    z: float,
) -> float | None:
    """Return the Cs-137 activity at the lane's centre that alarms, on the sum of all panels.

    Parameters
    ----------
    geometry : LaneGeometry
        Panels.
    background_cps : float
        Open background over the panels that count, counts/s.
    suppression : float
        Suppression of background, 0 to 1.
    n_panel : int
        Panels that count.
    speed_m_s : float
        Vehicle speed, m/s.
    window_s : float
        Alarm window, seconds.
    n_sigma : float
        Alarm threshold (it sets the lane's false alarm rate).
    z : float
        Normal quantile of the detection probability.

    Returns
    -------
    float or None
        MBq; None if an input is not finite or not positive.
    """
    values = (background_cps, speed_m_s, window_s, n_panel)
    if not all(math.isfinite(value) and value > 0 for value in values) or not 0 <= suppression <= 1:
        return None
    net = required_net_counts(background_cps * window_s, suppression, n_sigma, z)
    return net / counts_per_mbq(geometry, n_panel=n_panel, speed_m_s=speed_m_s, window_s=window_s)
