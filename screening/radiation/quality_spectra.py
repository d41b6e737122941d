"""Gates on what counts and spectra are made of: dead bands, copied readings, swapped calibrations."""

from __future__ import annotations

import math
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ive

from screening.records import Background, Occupancy, ReasonCode

from .gross import log10_excess_p
from .occupancy import PassCounts
from .occupancy_spectra import valid_edges
from .quality import GateList
from .settings import RadiationSettings

__all__ = ["check_bands", "check_copies", "check_gain", "check_spectra"]

#: Probability below which a reading is not taken for chance.
_IMPROBABLE = 1e-6

#: Bands of equal background counts into which a crystal's spectrum is cut.
_N_BAND = 16

#: Two spectra with this many counts each are never equal channel by channel by chance.
_MULTI_COUNT = 20


def check_copies(gates: GateList, occupancy: Occupancy, counts: PassCounts) -> None:
    """Gate readings that repeat others: panels that are one, and stretches of the pass played again.

    Two Poisson counts of mean m are equal with probability exp(-2 m) I0(2 m) (Skellam, J. R. Stat.
    Soc. 109 (1946) 296).

    Parameters
    ----------
    gates : GateList
        Where the gates go.
    occupancy : Occupancy
        The pass.
    counts : PassCounts
        Its counts.
    """
    values = counts.counts
    n_copied = 0
    for first, second in combinations(range(counts.n_panel), 2):
        if not np.array_equal(values[:, first], values[:, second]):
            continue
        # The lowest of the two counts' own levels: a shadow makes equality likelier, a source does not.
        log_p = float(np.log(_equal_p(values[:, first])).sum())
        n_copied += log_p < math.log(_IMPROBABLE)
    gates.at_most("identical_panels", ReasonCode.Q_DETECTOR_DEAD, n_copied, 0)
    n_repeated = _repeated_spectra(occupancy, values) or _repeated_counts(values)
    gates.at_most("repeated_readings", ReasonCode.Q_DETECTOR_DEAD, n_repeated, 0)


def check_gain(
    gates: GateList, occupancy: Occupancy, background: Background | None, settings: RadiationSettings
) -> None:
    """Gate the energy calibration of each crystal against that of its background.

    Parameters
    ----------
    gates : GateList
        Where the gate goes.
    occupancy : Occupancy
        A pass with spectra.
    background : Background or None
        Its background; without one, or without calibrations on both sides, there is nothing to compare.
    settings : RadiationSettings
        Largest difference.
    """
    own = occupancy.energy_edges_kev
    other = None if background is None else background.energy_edges_kev
    if own is None or other is None or not (valid_edges(own) and valid_edges(other)):
        return
    if own.shape[0] != other.shape[0]:
        return
    # Crystals of the same channels are compared channel by channel, others by the range they cover.
    if own.shape == other.shape:
        middle = own.shape[1] // 2
        ratio = (own[:, -1] - own[:, middle]) / (other[:, -1] - other[:, middle])
        lower = (own[:, middle] - own[:, 0]) / (other[:, middle] - other[:, 0])
        ratio = np.concatenate([ratio, lower])
    else:
        ratio = (own[:, -1] - own[:, 0]) / (other[:, -1] - other[:, 0])
    gates.at_most(
        "background_gain_difference",
        ReasonCode.CAL_STALE,
        float(np.abs(ratio - 1.0).max()),
        settings.max_gain_difference,
    )


def check_bands(
    gates: GateList,
    occupancy: Occupancy,
    background: Background | None,
    settings: RadiationSettings,
) -> None:
    """Gate crystals that see nothing in a part of the spectrum where their background has counts.

    Each crystal's energies are cut into bands of equal background counts. Given the counts of pass and
    background together, the pass's are binomial; the vehicle may keep off all but `collapse_fraction`.

    Parameters
    ----------
    gates : GateList
        Where the gate goes.
    occupancy : Occupancy
        A pass with spectra.
    background : Background or None
        Its background.
    settings : RadiationSettings
        What is left of the background under a load.
    """
    edges = occupancy.energy_edges_kev
    if occupancy.spectra is None or not valid_edges(edges) or edges is None:
        return
    if background is None or background.spectra is None or not background.live_time_s > 0:
        return
    measured = np.asarray(background.spectra, dtype=np.float64)
    its_edges = background.energy_edges_kev
    if its_edges is None and measured.shape == (edges.shape[0], edges.shape[1] - 1):
        its_edges = edges
    if its_edges is None or not valid_edges(its_edges) or its_edges.shape[0] != edges.shape[0]:
        return
    if not np.isfinite(measured).all() or (measured < 0).any():
        return
    time_s = float(np.asarray(occupancy.interval_s, dtype=np.float64).sum())
    if not time_s > 0:
        return
    odds = settings.collapse_fraction * time_s / background.live_time_s
    lowest = 0.0
    for panel in range(edges.shape[0]):
        seen = np.zeros(occupancy.spectra.shape[2])
        for row in occupancy.spectra[:, panel]:
            seen += row
        before = np.concatenate([[0.0], np.cumsum(measured[panel])])
        now = np.concatenate([[0.0], np.cumsum(seen)])
        if before[-1] <= 0:
            continue
        # Bands end at channel edges: a channel is never shared out. Equal counts are for a band that
        # holds many, equal widths for the upper half, which holds few.
        n_channel = measured.shape[1]
        equal = np.searchsorted(before, np.linspace(0.0, before[-1], _N_BAND + 1))
        for cuts in (equal, np.arange(9) * n_channel // 8, np.arange(3) * n_channel // 2):
            chosen = np.unique(np.clip(cuts, 0, n_channel))
            inside = np.interp(its_edges[panel][chosen], edges[panel], now)
            # A deficit of the pass is an excess of its background.
            found = log10_excess_p(np.floor(np.diff(before[chosen])), np.floor(np.diff(inside)), 1.0 / odds)
            lowest = min(lowest, float(found.min(initial=0.0)))
    gates.at_least(
        "spectrum_log10_deficit",
        ReasonCode.Q_DETECTOR_DEAD,
        lowest,
        math.log10(_IMPROBABLE),
    )


def check_spectra(gates: GateList, occupancy: Occupancy, settings: RadiationSettings) -> None:
    """Apply the gates that hold spectra of a pass against their background.

    Parameters
    ----------
    gates : GateList
        Where the gates go.
    occupancy : Occupancy
        A pass with spectra.
    settings : RadiationSettings
        Limits.
    """
    check_gain(gates, occupancy, occupancy.background, settings)
    if not occupancy.is_background_subtracted:
        check_bands(gates, occupancy, occupancy.background, settings)


def _equal_p(mean: NDArray[np.generic]) -> NDArray[np.float64]:
    """Return the probability that two Poisson counts of a mean are equal; means are cut to 10^8."""
    return np.asarray(ive(0, 2.0 * np.minimum(mean.astype(np.float64), 1e8)))


def _repeated_spectra(occupancy: Occupancy, values: NDArray[np.int64]) -> int:
    """Return how many intervals repeat an earlier one's spectra, channel by channel."""
    spectra = occupancy.spectra
    if spectra is None:
        return 0
    by_counts: dict[bytes, list[int]] = {}
    n_repeated = 0
    for i, row in enumerate(np.ascontiguousarray(values)):
        if int(row.sum()) < _MULTI_COUNT:
            continue
        # Spectra can only be equal where their sums are: the cheap comparison first.
        known = by_counts.setdefault(row.tobytes(), [])
        if any(np.array_equal(spectra[i], spectra[j]) for j in known[:4]):
            n_repeated += 1
        else:
            known.append(i)
    return n_repeated


def _repeated_counts(values: NDArray[np.int64]) -> int:
    """Return how many stretches of counts, too long for chance, repeat an earlier one."""
    n = values.shape[0]
    log_q = float(np.log(_equal_p(np.quantile(values, 0.1, axis=0))).sum())
    if n < 2 or log_q >= 0:
        return 0
    length = math.ceil((math.log(_IMPROBABLE) - 2.0 * math.log(n)) / log_q)
    if length > n // 2:
        return 0
    rows = np.ascontiguousarray(values)
    seen: set[bytes] = set()
    n_repeated = 0
    for start in range(n - length + 1):
        key = rows[start : start + length].tobytes()
        n_repeated += key in seen
        seen.add(key)
    return n_repeated
