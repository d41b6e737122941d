"""Samples of wanted counts and signal to background, made of measured spectra.

A measured spectrum of many counts is a parent. What is drawn from it is as real as the parent: instrument,
scatter and calibration are the measured ones, and only the counting is made anew. Draws of one parent are not
independent; each sample names its parent, and intervals go over parents.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.errors import ScreeningError
from screening.kernels import rebin
from screening.records import (
    Background,
    Device,
    Occupancy,
    Scan,
    ScanIdentity,
    file_scan_id,
    sha256_hex,
)

__all__ = [
    "MOST_SHARE",
    "WINDOW_KEV",
    "CannotThinError",
    "Spectrum",
    "counts_in_window",
    "static_scan",
    "thin_gross",
    "thin_subtracted",
]

#: Range in which counts and signal to background are counted, keV (scoring.md, 2).
WINDOW_KEV = (50.0, 3000.0)

#: Largest share of a parent that one sample may hold: draws of more would repeat its own fluctuations.
MOST_SHARE = 0.1

#: When samples were "measured": any time, with the background a minute before.
_START = datetime(2026, 1, 1, tzinfo=UTC)


class CannotThinError(ScreeningError):
    """A sample that cannot be made of its parent.

    Parameters
    ----------
    kind : str
        Class of the reason: "parent too small", "background missing", "background too small",
        "signal to background out of reach", "no calibration".
    message : str
        One line for a person.

    Attributes
    ----------
    kind : str
        Class of the reason.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Spectrum(NamedTuple):
    """A spectrum on its own energy scale.

    Attributes
    ----------
    counts : ndarray of shape (n_channel,), float64
        Counts.
    edges_kev : ndarray of shape (n_channel + 1,), float64
        Channel edges, keV.
    live_time_s : float
        Live time, seconds.
    """

    counts: NDArray[np.float64]
    edges_kev: NDArray[np.float64]
    live_time_s: float


def counts_in_window(spectrum: Spectrum) -> float:
    """Return the counts of a spectrum between 50 and 3,000 keV.

    Parameters
    ----------
    spectrum : Spectrum
        Any spectrum.

    Returns
    -------
    float
        Counts; a channel across an end of the window counts by its part within.
    """
    window = np.array(WINDOW_KEV)
    return float(rebin(np.asarray(spectrum.counts)[np.newaxis], spectrum.edges_kev, window)[0, 0])


def thin_gross(
    parent: Spectrum,
    background: Spectrum | None,
    *,
    net_counts: float,
    signal_to_background: float | None,
    rng: np.random.Generator,
) -> Spectrum:
    """Draw a sample of a spectrum as it was measured, background and all.

    Counts are kept with the chance f = net counts asked over net counts of the parent, which makes of one
    Poisson spectrum another; then background is added to reach the ratio, as a Poisson draw of the
    measured one on the parent's energy scale (scoring.md, 2).

    Parameters
    ----------
    parent : Spectrum
        Gross counts.
    background : Spectrum or None
        The same place without the source; None for a parent that is itself a background.
    net_counts : float
        Counts asked for above the background, between 50 and 3,000 keV.
    signal_to_background : float or None
        Net over background counts; None adds nothing.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    Spectrum
        The sample; its live time is the share of the parent's, and what the added background took.

    Raises
    ------
    CannotThinError
        If the parent holds less than ten times the sample, or already more background than asked.
    """
    inside = 0.0
    if background is not None:
        inside = counts_in_window(background) * parent.live_time_s / background.live_time_s
    net = counts_in_window(parent) - inside
    share = _share(net_counts, net)
    kept = rng.binomial(np.maximum(np.round(parent.counts), 0.0).astype(np.int64), share).astype(np.float64)
    live_s = share * parent.live_time_s
    if background is None or signal_to_background is None:
        return Spectrum(kept, parent.edges_kev, live_s)
    missing = net_counts / signal_to_background - share * inside
    if missing < 0.0:
        raise CannotThinError(
            "signal to background out of reach",
            f"the parent itself stands at {net / inside:.3g}, {signal_to_background:g} was asked",
        )
    added, added_s = _drawn_background(background, parent.edges_kev, missing, rng)
    return Spectrum(kept + added, parent.edges_kev, live_s + added_s)


def thin_subtracted(
    parent: Spectrum,
    background: Spectrum | None,
    *,
    net_counts: float,
    signal_to_background: float | None,
    rng: np.random.Generator,
) -> Spectrum:
    """Draw a sample of a spectrum whose background was taken off.

    Binomial thinning would be wrong: differences are no counts. So Poisson(k * parent), negatives set to 0,
    and a Poisson draw of the background on the parent's energy scale (scoring.md, 2).

    Parameters
    ----------
    parent : Spectrum
        Net counts.
    background : Spectrum or None
        Background of the same instrument; needed unless nothing is added.
    net_counts : float
        Counts asked for, between 50 and 3,000 keV.
    signal_to_background : float or None
        Net over background counts; None adds nothing.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    Spectrum
        The sample; its live time is what the added background took, or the share of the parent's.

    Raises
    ------
    CannotThinError
        If the parent holds less than ten times the sample, or a background is asked for and there is none.
    """
    positive = parent._replace(counts=np.maximum(parent.counts, 0.0))
    share = _share(net_counts, counts_in_window(positive))
    drawn = rng.poisson(share * positive.counts).astype(np.float64)
    if signal_to_background is None:
        return Spectrum(drawn, parent.edges_kev, share * parent.live_time_s)
    if background is None:
        raise CannotThinError("background missing", "a ratio is asked for, and the recipe has no background")
    added, added_s = _drawn_background(background, parent.edges_kev, net_counts / signal_to_background, rng)
    return Spectrum(drawn + added, parent.edges_kev, added_s)


def _share(asked: float, held: float) -> float:
    if not held > 0.0 or asked > MOST_SHARE * held * (1.0 + 1e-9):
        raise CannotThinError(
            "parent too small",
            f"{asked:g} net counts were asked of a parent of {held:.0f}: at most {MOST_SHARE:g} of it",
        )
    return asked / held


def _drawn_background(
    background: Spectrum, edges_kev: NDArray[np.float64], wanted: float, rng: np.random.Generator
) -> tuple[NDArray[np.float64], float]:
    held = counts_in_window(background)
    # More than was ever measured would draw its fluctuations again and again as if they were lines.
    if not held > 0.0 or wanted > held:
        raise CannotThinError(
            "background too small", f"{wanted:.0f} counts were asked of a background of {held:.0f}"
        )
    scale = wanted / held
    on_axis = rebin(np.maximum(background.counts, 0.0)[np.newaxis], background.edges_kev, edges_kev)[0]
    return rng.poisson(scale * on_axis).astype(np.float64), scale * background.live_time_s


def static_scan(
    spectrum: Spectrum,
    *,
    background: Spectrum | None = None,
    detector: str | None = None,
    is_background_subtracted: bool = False,
) -> Scan:
    """Return a spectrum as the scan of a static measurement.

    Parameters
    ----------
    spectrum : Spectrum
        Whole, not negative counts.
    background : Spectrum, optional
        A background measured apart, one minute before.
    detector : str, optional
        Kind of detector that the file would name.
    is_background_subtracted : bool
        The counts are differences.

    Returns
    -------
    Scan
        One interval, one panel; its id follows from the counts.
    """
    counts = spectrum.counts.astype(np.uint32)
    edges = np.ascontiguousarray(spectrum.edges_kev, dtype=np.float64)
    record = None
    if background is not None:
        record = Background(
            gamma_cps=np.array([background.counts.sum() / background.live_time_s]),
            live_time_s=background.live_time_s,
            spectra=background.counts[np.newaxis].astype(np.float64),
            energy_edges_kev=background.edges_kev[np.newaxis].astype(np.float64),
            t_end_utc=_START - timedelta(seconds=60),
            origin="file",
        )
    digest = sha256_hex(counts.tobytes() + edges.tobytes() + repr(spectrum.live_time_s).encode())
    return Scan(
        identity=ScanIdentity(
            scan_id=file_scan_id(digest),
            device=Device(detector=detector),
            t_start_utc=_START,
            t_end_utc=_START + timedelta(seconds=spectrum.live_time_s),
        ),
        payload=Occupancy(
            kind="static",
            interval_s=np.array([spectrum.live_time_s]),
            t_s=np.zeros(1),
            panel_ids=("1",),
            gamma_counts=np.array([[int(counts.sum(dtype=np.int64))]]),
            live_time_s=np.array([[spectrum.live_time_s]]),
            spectra=counts[np.newaxis, np.newaxis],
            energy_edges_kev=edges[np.newaxis],
            background=record,
            is_background_subtracted=is_background_subtracted,
        ),
    )
