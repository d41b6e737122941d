"""How a vehicle moves through a portal: constant speed, stop and go, braking, reversing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["Motion", "reversing", "stop_and_go"]

#: Acceleration and braking of a lorry in a queue, m/s2.
_ACCELERATION_M_S2 = 0.7


class Motion:
    """Distance travelled since the front reached the portal, in pieces of constant acceleration.

    Parameters
    ----------
    speed_m_s : float
        Speed until the front reaches the portal.
    changes : tuple of (float, float)
        Seconds, and the speed at their end, m/s. The last speed is kept.
    """

    def __init__(self, speed_m_s: float, changes: tuple[tuple[float, float], ...] = ()) -> None:
        self._steady_m_s = None if changes else speed_m_s
        if not changes:
            return
        durations = np.array([duration for duration, _ in changes])
        self._start_s = np.concatenate([[0.0], np.cumsum(durations)])
        self._speed = np.array([speed_m_s, *(speed for _, speed in changes)])
        moved = 0.5 * (self._speed[1:] + self._speed[:-1]) * durations
        self._start_m = np.concatenate([[0.0], np.cumsum(moved)])
        slope = np.divide(np.diff(self._speed), durations, out=np.zeros(durations.size), where=durations > 0)
        self._slope = np.concatenate([slope, [0.0]])

    def distance_m(self, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how far the front is past the portal's plane.

        Parameters
        ----------
        t_s : ndarray of shape (n,), float64
            Seconds after the front reached the portal; negative before.

        Returns
        -------
        ndarray of shape (n,), float64
            Metres; negative before.
        """
        if self._steady_m_s is not None:
            return np.asarray(self._steady_m_s * t_s)
        piece = np.clip(np.searchsorted(self._start_s, t_s, side="right") - 1, 0, self._start_s.size - 1)
        since = t_s - self._start_s[piece]
        inside = self._start_m[piece] + since * (self._speed[piece] + 0.5 * self._slope[piece] * since)
        return np.asarray(np.where(t_s < 0.0, self._speed[0] * t_s, inside))

    def leaves_s(self, length_m: float) -> float:
        """Return when the rear of a vehicle leaves the portal for good.

        Parameters
        ----------
        length_m : float
            Length of the vehicle, metres.

        Returns
        -------
        float
            Seconds after its front reached the portal.
        """
        if self._steady_m_s is not None:
            return length_m / self._steady_m_s
        if self._start_m[-1] <= length_m:
            return float(self._start_s[-1] + (length_m - self._start_m[-1]) / self._speed[-1])
        # It is past the portal when its speed last changes: find the last time its rear is in it.
        grid = np.linspace(0.0, self._start_s[-1], max(2, int(self._start_s[-1] * 50.0)))
        inside = self.distance_m(grid) <= length_m
        return float(grid[np.flatnonzero(inside)[-1]])

    def mean_speed_m_s(self, length_m: float) -> float:
        """Return length over time, as a portal that times the beam states it.

        Parameters
        ----------
        length_m : float
            Length of the vehicle, metres.

        Returns
        -------
        float
            Metres a second.
        """
        return length_m / self.leaves_s(length_m)


def stop_and_go(
    speed_m_s: float, stop_after_m: float, stand_s: float, speed_after_m_s: float | None = None
) -> tuple[tuple[float, float], ...]:
    """Return the motion of a vehicle that brakes, stands and goes on.

    Parameters
    ----------
    speed_m_s : float
        Speed before.
    stop_after_m : float
        Where its front stands, metres past the portal; at least the braking distance.
    stand_s : float
        How long it stands.
    speed_after_m_s : float, optional
        Speed after; as before when omitted.

    Returns
    -------
    tuple of (float, float)
        For `motion` of a recipe.

    Raises
    ------
    ValueError
        If it cannot stop so soon.
    """
    after = speed_m_s if speed_after_m_s is None else speed_after_m_s
    brake_s = speed_m_s / _ACCELERATION_M_S2
    rolled = stop_after_m - 0.5 * speed_m_s * brake_s
    if rolled < 0.0:
        raise ValueError(
            f"from {speed_m_s:g} m/s a vehicle stops after {0.5 * speed_m_s * brake_s:.2f} m at least, "
            f"not {stop_after_m:g} m"
        )
    return (
        (rolled / speed_m_s, speed_m_s),
        (brake_s, 0.0),
        (stand_s, 0.0),
        (after / _ACCELERATION_M_S2, after),
    )


def reversing(
    speed_m_s: float, stop_after_m: float, back_m: float, stand_s: float = 2.0
) -> tuple[tuple[float, float], ...]:
    """Return the motion of a vehicle that stops, goes back, stops and drives through.

    Parameters
    ----------
    speed_m_s : float
        Speed forwards.
    stop_after_m : float
        Where its front stands first, metres past the portal.
    back_m : float
        How far it goes back.
    stand_s : float
        How long it stands each time.

    Returns
    -------
    tuple of (float, float)
        For `motion` of a recipe.

    Raises
    ------
    ValueError
        As :func:`stop_and_go`, or if it goes back over nothing.
    """
    if not back_m > 0.0:
        raise ValueError(f"a vehicle goes back over more than 0 m, got {back_m:g}")
    first = stop_and_go(speed_m_s, stop_after_m, stand_s)[:3]
    # Back with the same acceleration: half the way faster and faster, half slower.
    ramp_s = (back_m / _ACCELERATION_M_S2) ** 0.5
    peak = _ACCELERATION_M_S2 * ramp_s
    back = ((ramp_s, -peak), (ramp_s, 0.0), (stand_s, 0.0))
    return (*first, *back, (speed_m_s / _ACCELERATION_M_S2, speed_m_s))
