"""Quality gates of one pass: each is listed with its value and limit, passed or not."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.special import ive

from screening.records import FlagModality, Gate, Occupancy, ReasonCode, decimal_string

from .occupancy import PassCounts
from .settings import RadiationSettings

__all__ = [
    "GateList",
    "check_counts",
    "check_coverage",
    "check_device",
    "check_occupancy",
    "check_speed",
    "longest_run",
    "usable_live_times",
]

#: Expected number of runs of equal counts as long as the longest one, below which a panel is stuck.
_STUCK_EXPECTED = 1e-6


@dataclass
class GateList:
    """Collects gates in the order they are applied.

    Attributes
    ----------
    gates : list of Gate
        The gates so far.
    """

    gates: list[Gate] = field(default_factory=list)

    def add(
        self, name: str, code: ReasonCode, value: float | None, limit: float | None, passed: bool
    ) -> bool:
        """Append a gate.

        Parameters
        ----------
        name : str
            Its name.
        code : ReasonCode
            Code a failure raises.
        value, limit : float or None
            What was measured, and the limit; None where there is none.
        passed : bool
            Whether it passed; a value that is not a finite number never passes.

        Returns
        -------
        bool
            Whether it passed.
        """
        passed = bool(passed) and value is not None and math.isfinite(value)
        gate = Gate(
            name=name, passed=passed, value=decimal_string(value), limit=decimal_string(limit), code=code
        )
        self.gates.append(gate)
        return passed

    def at_most(self, name: str, code: ReasonCode, value: float | None, limit: float) -> bool:
        """Append a gate that passes up to its limit.

        Parameters
        ----------
        name : str
            Its name.
        code : ReasonCode
            Code a failure raises.
        value : float or None
            What was measured.
        limit : float
            Largest value that passes.

        Returns
        -------
        bool
            Whether it passed.
        """
        return self.add(name, code, value, limit, value is not None and value <= limit)

    def at_least(self, name: str, code: ReasonCode, value: float | None, limit: float) -> bool:
        """Append a gate that passes from its limit.

        Parameters
        ----------
        name : str
            Its name.
        code : ReasonCode
            Code a failure raises.
        value : float or None
            What was measured.
        limit : float
            Smallest value that passes.

        Returns
        -------
        bool
            Whether it passed.
        """
        return self.add(name, code, value, limit, value is not None and value >= limit)

    @property
    def failed(self) -> tuple[Gate, ...]:
        """The gates that failed."""
        return tuple(gate for gate in self.gates if not gate.passed)


def check_coverage(
    gates: GateList, occupancy: Occupancy, counts: PassCounts, settings: RadiationSettings
) -> None:
    """Gate what was never received: declared gaps, jumps in time, and panels that skipped intervals.

    Parameters
    ----------
    gates : GateList
        Where the gates go.
    occupancy : Occupancy
        The pass.
    counts : PassCounts
        Its counts.
    settings : RadiationSettings
        Limits.
    """
    cadence = float(np.median(counts.interval_s))
    declared = sum(max(0, gap.n_missing) for gap in occupancy.gaps)
    steps = np.diff(counts.t_s) - counts.interval_s[:-1]
    jumps = steps[steps > 0.5 * cadence]
    # The same loss may be declared and visible as a jump; the larger reading holds.
    n_lost = max(declared, round(float(jumps.sum()) / cadence))
    largest = max((gap.n_missing * cadence for gap in occupancy.gaps), default=0.0)
    largest = max(largest, float(jumps.max(initial=0.0)))
    n_seen = int(counts.is_seen.any(axis=1).sum())
    n_total = counts.n_interval + n_lost
    silent = float((~counts.is_seen).mean())
    seen = min(n_seen / n_total, 1.0 - silent)
    gates.at_least("coverage", ReasonCode.Q_COVERAGE, seen, 1.0 - settings.max_lost_fraction)
    gates.at_most("longest_gap_s", ReasonCode.Q_COVERAGE, largest, settings.max_gap_s)
    backwards = int((np.diff(counts.t_s) <= 0).sum())
    gates.at_most("times_out_of_order", ReasonCode.Q_COVERAGE, backwards, 0)
    gates.at_least("n_windows", ReasonCode.Q_COVERAGE, counts.n_window, 1)


def check_occupancy(
    gates: GateList, occupancy: Occupancy, counts: PassCounts, settings: RadiationSettings
) -> None:
    """Gate the occupancy itself: its end was received, and it is no stuck beam.

    Parameters
    ----------
    gates : GateList
        Where the gates go.
    occupancy : Occupancy
        The pass.
    counts : PassCounts
        Its counts.
    settings : RadiationSettings
        Limits.
    """
    gates.at_least("occupancy_complete", ReasonCode.Q_OCCUPANCY, float(occupancy.is_complete), 1)
    duration = float(counts.interval_s[counts.n_prior :].sum())
    gates.at_most("occupancy_s", ReasonCode.Q_OCCUPANCY, duration, settings.max_occupancy_s)
    occupied = occupancy.is_occupied
    if occupied is None or occupied.shape != counts.interval_s.shape:
        occupied = np.arange(counts.n_interval) >= counts.n_prior
    gates.at_least("occupied_intervals", ReasonCode.Q_OCCUPANCY, int(occupied.sum()), 1)
    speed = occupancy.speed_m_s
    if speed is not None and math.isfinite(speed) and speed > 0:
        length_m = speed * float(counts.interval_s[occupied].sum())
        gates.at_least("vehicle_m", ReasonCode.Q_OCCUPANCY, length_m, settings.min_vehicle_m)


def check_speed(
    gates: GateList, occupancy: Occupancy, counts: PassCounts, settings: RadiationSettings
) -> float | None:
    """Gate the speed and return the one the detection limit is computed for.

    Parameters
    ----------
    gates : GateList
        Where the gate goes.
    occupancy : Occupancy
        The pass.
    counts : PassCounts
        Its counts.
    settings : RadiationSettings
        Limits, and what to do without a speed.

    Returns
    -------
    float or None
        m/s; None if it is not known.
    """
    speed = occupancy.speed_m_s
    name = "speed_m_s"
    if speed is None and settings.missing_speed == "bound":
        duration = float(counts.interval_s[counts.n_prior :].sum())
        speed = settings.max_vehicle_m / duration if duration > 0 else None
        name = "speed_bound_m_s"
    if speed is None or not math.isfinite(speed):
        gates.add(name, ReasonCode.Q_SPEED, None, settings.max_speed_m_s, passed=False)
        return None
    if name == "speed_m_s":
        gates.at_least("speed_min_m_s", ReasonCode.Q_SPEED, speed, settings.min_speed_m_s)
    gates.at_most(name, ReasonCode.Q_SPEED, speed, settings.max_speed_m_s)
    return speed if speed > 0 else None


def check_counts(
    gates: GateList, occupancy: Occupancy, counts: PassCounts, settings: RadiationSettings
) -> bool:
    """Gate panels whose counts cannot be right: stuck, silent throughout, or overloaded.

    Parameters
    ----------
    gates : GateList
        Where the gates go.
    occupancy : Occupancy
        The pass.
    counts : PassCounts
        Its counts.
    settings : RadiationSettings
        Limits.

    Returns
    -------
    bool
        Whether a panel was overloaded.
    """
    expected = [_expected_runs(counts.counts[counts.is_seen[:, p], p]) for p in range(counts.n_panel)]
    gates.at_least("stuck_count", ReasonCode.Q_DETECTOR_DEAD, min(expected), _STUCK_EXPECTED)
    totals = counts.counts.sum(axis=0)
    n_silent = int((totals == 0).sum())
    gates.at_most("silent_panels", ReasonCode.Q_DETECTOR_DEAD, n_silent, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = counts.counts / counts.interval_s[:, np.newaxis]
    highest = float(rates.max(initial=0.0))
    is_fine = gates.at_most("panel_cps", ReasonCode.Q_SATURATED, highest, settings.overload_panel_cps)
    if occupancy.live_time_s is not None:
        share = np.asarray(occupancy.live_time_s) / counts.interval_s[:, np.newaxis]
        usable = usable_live_times(occupancy, counts)
        impossible = int((np.isfinite(share) & ~usable & counts.is_seen).sum())
        gates.at_most("impossible_live_times", ReasonCode.Q_COVERAGE, impossible, 0)
        # A live time of nothing is no measurement of dead time, so it is no overload either.
        seen = share[counts.is_seen & (usable | ~np.isfinite(share))]
        lowest = float(seen.min(initial=1.0)) if np.isfinite(seen).all() else math.nan
        is_fine &= gates.at_least(
            "lowest_live_fraction", ReasonCode.Q_SATURATED, lowest, settings.min_live_fraction
        )
    gates.at_most(
        "background_subtracted", ReasonCode.Q_COVERAGE, float(occupancy.is_background_subtracted), 0
    )
    return not is_fine


def usable_live_times(occupancy: Occupancy, counts: PassCounts) -> NDArray[np.bool_]:
    """Tell which live times can be one: above zero, and no longer than the real time.

    Parameters
    ----------
    occupancy : Occupancy
        The measurement.
    counts : PassCounts
        Its counts.

    Returns
    -------
    ndarray of shape (n_interval, n_panel), bool
        True where a live time is usable; clocks of 2 % and 20 ms are forgiven. All true where the device
        gives no live times.
    """
    if occupancy.live_time_s is None:
        return np.ones(counts.is_seen.shape, dtype=bool)
    live_s = np.asarray(occupancy.live_time_s, dtype=np.float64)
    return np.asarray((live_s > 0) & (live_s <= counts.interval_s[:, np.newaxis] * 1.02 + 0.02))


def check_device(gates: GateList, occupancy: Occupancy, modality: FlagModality) -> None:
    """Gate what the device says of itself: faults and the tamper switch.

    Parameters
    ----------
    gates : GateList
        Where the gates go.
    occupancy : Occupancy
        The pass.
    modality : FlagModality
        Neutron faults concern neutrons, gamma faults gammas, others both.
    """
    is_neutron = modality is FlagModality.NEUTRON
    faults = [fault for fault in occupancy.faults if _concerns(fault, neutron=is_neutron)]
    gates.at_most("device_faults", ReasonCode.Q_DETECTOR_DEAD, len(faults), 0)
    gates.at_most("tamper", ReasonCode.DEVICE_TAMPER, float(occupancy.is_tampered), 0)


def longest_run(values: NDArray[np.int64]) -> int:
    """Return the length of the longest run of equal values.

    Parameters
    ----------
    values : ndarray of shape (n,), int64
        Values.

    Returns
    -------
    int
        0 for no value.
    """
    if values.size == 0:
        return 0
    breaks = np.flatnonzero(np.diff(values) != 0) + 1
    edges = np.concatenate(([0], breaks, [values.size]))
    return int(np.diff(edges).max())


def _concerns(fault: str, *, neutron: bool) -> bool:
    text = fault.lower()
    if neutron:
        return "gamma" not in text
    return "neutron" not in text


def _expected_runs(values: NDArray[np.int64]) -> float:
    """Return how many runs as long as the longest one Poisson counts of this mean would show.

    Two Poisson counts of mean m are equal with probability exp(-2 m) I0(2 m) (Skellam, J. R. Stat.
    Soc. 109 (1946) 296); a run of r takes r - 1 of them.
    """
    run = longest_run(values)
    if run < 3:
        return float("inf") if values.size == 0 else float(values.size)
    equal = float(ive(0, 2.0 * float(values.mean())))
    return float(values.size * equal ** (run - 1))
