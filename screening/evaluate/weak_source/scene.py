"""What a track gives to detectors: runs of background, and passes of a source at many activities."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

__all__ = ["INTERVAL_S", "Pass", "Run", "Stratum", "Track", "seed_of", "stacked_counts"]

#: All detectors get the same counts, at this base time, seconds.
INTERVAL_S = 0.1

#: Keys of the seeds of each split: none is in two.
SPLITS = {"train": 1, "validation": 2, "threshold": 3, "verification": 4, "pilot": 5, "test": 6}


class Stratum(NamedTuple):
    """A source as it is hidden.

    Attributes
    ----------
    nuclide : str
        Key of :data:`screening.physics.NUCLIDES`.
    shielding : str
        Name of the class of shielding; "" on a track that has none.
    """

    nuclide: str
    shielding: str = ""

    @property
    def name(self) -> str:
        """Nuclide and shielding in one word or two."""
        return f"{self.nuclide} {self.shielding}".strip()


class Run(NamedTuple):
    """Background without a source, as it was drawn and as it is expected.

    Attributes
    ----------
    counts : ndarray of shape (n_interval, n_bin), uint16
        Counts.
    background : ndarray of shape (n_interval, n_bin), float32
        Their means, for the oracle alone.
    first : int
        Interval from which scores count; what comes before is there to learn the background from.
    """

    counts: NDArray[np.uint16]
    background: NDArray[np.float32]
    first: int = 0


class Pass(NamedTuple):
    """A source passes.

    Attributes
    ----------
    run : Run
        The background of the pass.
    source : ndarray of shape (n_interval, n_bin), float64
        Expected counts for each unit of activity.
    start_s, end_s : float
        The window in which an episode is a detection, from the start of the run.
    """

    run: Run
    source: NDArray[np.float64]
    start_s: float
    end_s: float


class Track(Protocol):
    """A geometry, its backgrounds and its sources.

    Attributes
    ----------
    name : str
        "street" or "portal".
    edges_kev : ndarray of shape (n_bin + 1,), float64
        Axis of the spectra.
    strata : tuple of Stratum
        Sources.
    far : float
        False alarms allowed, per hour of background (street) or per occupancy (portal).
    is_by_occupancy : bool
        Whether `far` is per occupancy: then a run is one, and alarms or does not.
    """

    name: str
    edges_kev: NDArray[np.float64]
    strata: tuple[Stratum, ...]
    far: float
    is_by_occupancy: bool

    def background(self, seed: int) -> list[Run]:
        """Draw the background of one parent: a run along a street, or the occupancies of a shift.

        Parameters
        ----------
        seed : int
            Of the parent.

        Returns
        -------
        list of Run
            One run, or one for each occupancy.
        """
        ...

    def source_pass(self, stratum: Stratum, seed: int) -> Pass:
        """Draw the background of a pass, and reckon what a source adds.

        Parameters
        ----------
        stratum : Stratum
            The source.
        seed : int
            Of the pass.

        Returns
        -------
        Pass
            Activities in MBq.
        """
        ...

    def template(self, stratum: Stratum) -> NDArray[np.float64]:
        """Return the expected counts of one interval at the closest approach.

        Parameters
        ----------
        stratum : Stratum
            The source.

        Returns
        -------
        ndarray of shape (n_bin,), float64
            For each MBq.
        """
        ...

    def profile(self) -> NDArray[np.float64]:
        """Return the shape of a pass, interval by interval about the closest approach.

        Returns
        -------
        ndarray of shape (2 n + 1,), float64
            1 in the middle.
        """
        ...


def seed_of(seed: int, split: str, *keys: int) -> int:
    """Return the seed of one draw.

    Parameters
    ----------
    seed : int
        Of the bench.
    split : str
        A key of SPLITS.
    *keys : int
        Which draw of the split.

    Returns
    -------
    int
        63 bits.
    """
    state = np.random.SeedSequence([seed, SPLITS[split], *keys]).generate_state(1, np.uint64)
    return int(state[0] >> np.uint64(1))


def stacked_counts(
    one: Pass, activities: NDArray[np.float64], largest: float, seed: int
) -> NDArray[np.uint16]:
    """Draw a pass at several activities from one draw at the largest.

    Every event of the draw at the largest activity keeps a mark; a weaker source keeps the events whose mark
    is below its share. So all activities share the background and are parts of one draw, and a grid that is
    extended later leaves what was drawn as it was.

    Parameters
    ----------
    one : Pass
        The pass.
    activities : ndarray of shape (n_activity,), float64
        0 or more, none above `largest`.
    largest : float
        At which the source is drawn.
    seed : int
        Of the draw.

    Returns
    -------
    ndarray of shape (n_activity, n_interval, n_bin), uint16
        Counts of background and source.

    Raises
    ------
    ValueError
        If an activity is outside the range.
    """
    shares = np.asarray(activities, dtype=np.float64) / largest
    if not ((shares >= 0.0) & (shares <= 1.0)).all():
        raise ValueError(f"activities must be from 0 to {largest:g}, got {activities!r}")
    rng = np.random.default_rng(seed)
    drawn = rng.poisson(one.source * largest).ravel()
    cell = np.repeat(np.arange(drawn.size), drawn)
    marks = rng.random(cell.size)
    order = np.argsort(shares, kind="stable")
    level = np.searchsorted(shares[order], marks, side="right")
    counts = np.empty((shares.size, *one.source.shape), dtype=np.uint16)
    total = one.run.counts.astype(np.int64)
    most = np.iinfo(np.uint16).max
    for k, i in enumerate(order):
        total = total + np.bincount(cell[level == k], minlength=drawn.size).reshape(total.shape)
        counts[i] = np.minimum(total, most)
    return counts
