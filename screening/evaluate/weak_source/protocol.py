"""Detectors of sources in a series of spectra: what the bench asks of them, and what it gives them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

__all__ = ["Context", "SeriesDetector", "is_series_detector"]


class Context(NamedTuple):
    """What a detector may know besides background.

    Attributes
    ----------
    track : str
        "street" or "portal".
    edges_kev : ndarray of shape (n_bin + 1,), float64
        Axis of the spectra.
    interval_s : float
        Length of an interval, seconds.
    templates : dict of str to ndarray of shape (n_shielding, n_bin), float32
        Spectra of each nuclide at the closest approach, of unit sum: for informed detectors alone.
    merit : callable
        From a score function (counts of a series to its scores) to a number, higher is better: the share of
        the validation passes it detects at a false alarm rate on the validation background. For all
        choices; each detector may ask it `n_trial` times.
    n_trial : int
        How many settings a detector may try: the same for each.
    seed : int
        For whatever is random in learning.
    """

    track: str
    edges_kev: NDArray[np.float64]
    interval_s: float
    templates: dict[str, NDArray[np.float32]]
    merit: Callable[[Callable[[NDArray[np.uint16]], NDArray[np.float64]]], float]
    n_trial: int
    seed: int


@runtime_checkable
class SeriesDetector(Protocol):
    """A detector that gives each interval of a series of spectra a score.

    Registered like any other detector, through the entry points ``screening.detectors``: whatever has
    `fit` and `score` is one. These attributes are optional: ``tier`` ("blind" when missing; "informed" for
    one that uses the templates), ``version``, ``text``, and ``lead_s`` (10 when missing): of passes the
    detector is shown only so many seconds before the first score that counts; more costs time.

    One with ``arrays()`` and ``restore(arrays)`` is learned once and handed to the other processes as
    arrays; one without is learned again in each.
    """

    name: str

    def fit(
        self,
        train: Sequence[NDArray[np.uint16]],
        validation: Sequence[NDArray[np.uint16]],
        context: Context,
    ) -> Any:
        """Learn.

        Parameters
        ----------
        train : sequence of ndarray of shape (n_interval, n_bin), uint16
            Series of background; of a portal, each a vehicle with open background before it.
        validation : sequence of ndarray of shape (n_interval, n_bin), uint16
            Series of background for choices and calibration.
        context : Context
            What else may be used.

        Returns
        -------
        object
            Not used.
        """
        ...

    def score(self, counts: NDArray[np.uint16]) -> NDArray[np.float64]:
        """Give each interval a score.

        Parameters
        ----------
        counts : ndarray of shape (n_interval, n_bin), uint16
            One series; not to be changed.

        Returns
        -------
        ndarray of shape (n_interval,), float64
            Higher is more alarming, from what was counted up to the end of that interval and nothing later;
            -inf where there is no score yet.
        """
        ...


def is_series_detector(candidate: object) -> bool:
    """Return whether an object is a detector of series.

    Parameters
    ----------
    candidate : object
        What an entry point gave.

    Returns
    -------
    bool
        True if it has a name, `fit` and `score`.
    """
    return isinstance(candidate, SeriesDetector)
