"""The counts of one pass, summed over the groups of panels that the alarm rule tests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from screening.errors import FormatError
from screening.records import Occupancy

from .settings import RadiationSettings

__all__ = ["MOST_COUNTS", "PassCounts", "covered_intervals", "group_panels", "prepare_pass", "sliding_sum"]

#: Shortest and longest interval that is believed, seconds (a static spectrum may take days).
_INTERVAL_RANGE_S = (1e-4, 1e7)

#: Readings above this are cut to it: no panel counts so much, and sums stay exact.
MOST_COUNTS = 1 << 40

#: Interval lengths within this share of their median are one cadence.
_REGULAR = 1e-3


@dataclass(frozen=True, slots=True)
class PassCounts:
    """Counts of one pass, ready for the alarm rule.

    Attributes
    ----------
    t_s : ndarray of shape (n_interval,), float64
        Start of each interval, seconds.
    interval_s : ndarray of shape (n_interval,), float64
        Real time of each interval, seconds.
    counts : ndarray of shape (n_interval, n_panel), int64
        Counts, 0 where a panel sent nothing.
    is_seen : ndarray of shape (n_interval, n_panel), bool
        Where a panel sent something.
    group_names : tuple of str, length n_group
        "SUM" first, then the pairs by their panels' names.
    groups : tuple of tuple of int
        Panels of each group.
    window : int
        Intervals in one alarm window.
    is_regular : bool
        One cadence, every panel seen throughout: the portal's rule applies as it stands.
    n_prior : int
        Leading intervals before the occupancy.
    """

    t_s: NDArray[np.float64]
    interval_s: NDArray[np.float64]
    counts: NDArray[np.int64]
    is_seen: NDArray[np.bool_]
    group_names: tuple[str, ...]
    groups: tuple[tuple[int, ...], ...]
    window: int
    is_regular: bool
    n_prior: int

    @property
    def n_interval(self) -> int:
        """Number of intervals."""
        return int(self.interval_s.shape[0])

    @property
    def n_panel(self) -> int:
        """Number of panels."""
        return int(self.counts.shape[1])

    @property
    def n_window(self) -> int:
        """Number of alarm windows; 0 if the pass is shorter than one."""
        return max(0, self.n_interval - self.window + 1)

    @property
    def panel_time_s(self) -> NDArray[np.float64]:
        """Time each panel was seen in each interval, seconds, shape (n_interval, n_panel)."""
        return self.interval_s[:, np.newaxis] * self.is_seen

    def group_sum(self, values: NDArray[np.generic]) -> NDArray[np.generic]:
        """Sum values by panel over each group.

        Parameters
        ----------
        values : ndarray of shape (n, n_panel)
            Values by panel.

        Returns
        -------
        ndarray of shape (n, n_group)
            Their sums.
        """
        return np.stack([values[:, list(members)].sum(axis=1) for members in self.groups], axis=1)


def group_panels(
    panel_ids: tuple[str, ...], pairs: tuple[tuple[int, ...], ...] | None
) -> tuple[tuple[str, ...], tuple[tuple[int, ...], ...]]:
    """Return the groups of panels that the alarm rule tests: the sum of all, and each pillar.

    Parameters
    ----------
    panel_ids : tuple of str
        Names of the panels.
    pairs : tuple of tuple of int, or None
        Panels that share a pillar; None pairs them in order.

    Returns
    -------
    names : tuple of str
        "SUM", then the names of a pillar's panels joined by "+".
    groups : tuple of tuple of int
        Panels of each group. A pillar that is the whole portal is not tested twice.

    Raises
    ------
    FormatError
        If a pair names a panel that is not there.
    """
    n_panel = len(panel_ids)
    everything = tuple(range(n_panel))
    if pairs is None:
        pairs = tuple(everything[i : i + 2] for i in range(0, n_panel, 2))
    groups = [everything]
    for pair in pairs:
        if any(not 0 <= panel < n_panel for panel in pair):
            raise FormatError(f"the settings pair panels {pair}, but there are {n_panel}", value=pair)
        if pair and set(pair) != set(everything):
            groups.append(tuple(pair))
    names = ("SUM", *("+".join(panel_ids[panel] for panel in group) for group in groups[1:]))
    return names, tuple(groups)


def prepare_pass(occupancy: Occupancy, settings: RadiationSettings) -> PassCounts:
    """Check the counts of a pass and group them.

    Parameters
    ----------
    occupancy : Occupancy
        A pass.
    settings : RadiationSettings
        Window and pairs.

    Returns
    -------
    PassCounts
        The counts.

    Raises
    ------
    FormatError
        If there is no panel or no interval, times are not finite, an interval lasts nothing or for ever, or
        neutron counts do not fit their intervals.
    """
    if occupancy.n_panel == 0 or occupancy.n_interval == 0:
        raise FormatError("the pass holds no counts", value=occupancy.gamma_counts.shape)
    interval_s = np.asarray(occupancy.interval_s, dtype=np.float64)
    t_s = np.asarray(occupancy.t_s, dtype=np.float64)
    if not (np.isfinite(interval_s).all() and np.isfinite(t_s).all()):
        raise FormatError("interval times are not finite", value=None)
    shortest, longest = _INTERVAL_RANGE_S
    if (interval_s < shortest).any() or (interval_s > longest).any():
        raise FormatError(
            f"an interval lasts {shortest:g} to {longest:g} s, "
            f"got {interval_s.min():g} to {interval_s.max():g} s",
            value=float(interval_s.min()),
        )
    if occupancy.neutron_counts is not None and occupancy.neutron_interval_s is not None:
        shape = occupancy.neutron_counts.shape
        if len(shape) != 2 or shape[:1] != occupancy.neutron_interval_s.shape:
            raise FormatError("neutron counts and their intervals do not fit together", value=shape)
    counts = np.asarray(occupancy.gamma_counts, dtype=np.int64)
    is_seen = counts >= 0
    names, groups = group_panels(occupancy.panel_ids, settings.panel_pairs)
    cadence = float(np.median(interval_s))
    is_regular = bool(is_seen.all() and (np.abs(interval_s - cadence) <= _REGULAR * cadence).all())
    return PassCounts(
        t_s=t_s,
        interval_s=interval_s,
        counts=np.where(is_seen, np.minimum(counts, MOST_COUNTS), 0),
        is_seen=is_seen,
        group_names=names,
        groups=groups,
        window=max(1, round(settings.window_s / cadence)),
        is_regular=is_regular,
        n_prior=occupancy.n_prior,
    )


def covered_intervals(starts: NDArray[np.bool_], window: int, n_interval: int) -> NDArray[np.bool_]:
    """Return the intervals that lie in any of the marked windows.

    Parameters
    ----------
    starts : ndarray of shape (n_window,), bool
        Marked windows, by their first interval.
    window : int
        Intervals in a window.
    n_interval : int
        Intervals of the pass.

    Returns
    -------
    ndarray of shape (n_interval,), bool
        True inside a marked window.
    """
    steps = np.zeros(n_interval + window + 1, dtype=np.int64)
    first = np.flatnonzero(starts)
    steps[first] += 1
    steps[first + window] -= 1
    return np.asarray(np.cumsum(steps)[:n_interval] > 0)


def sliding_sum(values: NDArray[np.generic], window: int) -> NDArray[np.float64]:
    """Sum consecutive rows.

    Parameters
    ----------
    values : ndarray of shape (n, k)
        Values.
    window : int
        Rows in one sum.

    Returns
    -------
    ndarray of shape (max(0, n - window + 1), k), float64
        Sums; row i covers rows i to i + window - 1. Counts below 2^53 stay exact.
    """
    n = values.shape[0]
    if n < window:
        return np.empty((0, values.shape[1]))
    total = np.zeros((n + 1, values.shape[1]))
    np.cumsum(values, axis=0, dtype=np.float64, out=total[1:])
    return total[window:] - total[:-window]
