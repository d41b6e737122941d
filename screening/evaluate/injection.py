"""A source added to measured background: counts of the place, the vehicle and the electronics stay real.

The source's spectrum is put into every panel in energy, not in channels, because crystals differ in gain; it
follows the pass of a point source at a constant speed, and only its own counts are drawn anew. What was added
is recorded as truth. Neutrons are not added, and the shadow of the vehicle that would carry the source is the
one that the measurement holds.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from screening.errors import FormatError
from screening.kernels import rebin
from screening.records import Occupancy, Scan, file_scan_id, sha256_hex

__all__ = [
    "Injection",
    "PassGeometry",
    "SourceSpectrum",
    "inject",
    "inject_into_background",
    "pass_weights_s",
    "simulated_source",
]


class SourceSpectrum(NamedTuple):
    """What one panel counts of a source.

    Attributes
    ----------
    label : str
        What it is, as it must be named.
    counts : ndarray of shape (n_channel,), float64
        Expected counts by channel, without background. Where an activity is asked for: counts a second and
        kBq at `reference_m`; otherwise only the shape matters.
    edges_kev : ndarray of shape (n_channel + 1,), float64
        Channel edges, keV.
    reference_m : float
        Distance of the source at which `counts` hold, m.
    """

    label: str
    counts: NDArray[np.float64]
    edges_kev: NDArray[np.float64]
    reference_m: float = 1.0


class PassGeometry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How the source moves past the panels.

    Attributes
    ----------
    speed_m_s : float or None
        Constant speed; None: the portal's own measurement of the pass.
    approach_m : float or tuple of float
        Closest distance to the panels, one for all or one for each.
    at_s : float or None
        When it is closest, seconds after the scan's start; None: the middle of the occupied intervals, or
        of all.
    """

    speed_m_s: float | None = None
    approach_m: float | tuple[float, ...] = 2.5
    at_s: float | None = None


class Injection(msgspec.Struct, frozen=True, kw_only=True):
    """What was added to a scan.

    Attributes
    ----------
    label : str
        The source.
    into : str
        Scan id of the measurement it was added to.
    activity_kbq : float or None
        Activity, where one was asked for.
    expected : tuple of float
        Expected counts by panel.
    drawn : tuple of int
        Counts added by panel.
    speed_m_s, at_s : float or None
        The pass; None for a source that stood still.
    approach_m : tuple of float
        Closest distance by panel; empty for a source that stood still.
    seed : int
        Of the draw.
    added_to : {"gross", "spectra"}
        What the counts were added to.
    """

    label: str
    into: str
    activity_kbq: float | None
    expected: tuple[float, ...]
    drawn: tuple[int, ...]
    speed_m_s: float | None
    at_s: float | None
    approach_m: tuple[float, ...]
    seed: int
    added_to: Literal["gross", "spectra"]


def pass_weights_s(
    t_s: NDArray[np.float64],
    interval_s: NDArray[np.float64],
    *,
    speed_m_s: float,
    approach_m: float,
    at_s: float,
) -> NDArray[np.float64]:
    """Return how much each interval sees of a point source that passes at constant speed.

    The inverse square of the distance, over that at the closest approach, integrated over the interval:
    with r^2 = r0^2 + v^2 (t - t0)^2 the integral of (r0 / r)^2 is (r0 / v) arctan(v (t - t0) / r0).

    Parameters
    ----------
    t_s, interval_s : ndarray of shape (n_interval,), float64
        Start and length of the intervals, seconds.
    speed_m_s, approach_m, at_s : float
        Speed, closest distance and its time.

    Returns
    -------
    ndarray of shape (n_interval,), float64
        Seconds at the closest approach that would give the same counts; over all time pi r0 / v.

    Raises
    ------
    ValueError
        If speed or distance is not positive and finite.
    """
    for name, value in (("speed_m_s", speed_m_s), ("approach_m", approach_m)):
        if not 0.0 < value < np.inf:
            raise ValueError(f"{name} must be positive and finite, got {value:g}")
    rate = speed_m_s / approach_m
    end = np.arctan(rate * (t_s + interval_s - at_s))
    return np.asarray((end - np.arctan(rate * (t_s - at_s))) / rate)


def simulated_source(
    label: str,
    *,
    kind: str = "nai",
    seed: int = 0,
    edges_kev: NDArray[np.float64] | None = None,
) -> SourceSpectrum:
    """Return the simulated spectrum of a source behind a random shield, as one crystal sees it.

    Parameters
    ----------
    label : str
        Key of :data:`screening.physics.NUCLIDES`.
    kind : str
        Class of detector, see :data:`screening.simulation.spectra.DETECTOR_CLASSES`.
    seed : int
        Of instrument and shield.
    edges_kev : ndarray of shape (n_channel + 1,), float64, optional
        Axis to return it on; the instrument's own when omitted.

    Returns
    -------
    SourceSpectrum
        A shape of unit sum: scale it by net counts, it has no activity.

    Raises
    ------
    ValueError
        If label or class is unknown.
    """
    from screening.simulation.spectra import draw_detector, source_counts

    rng = np.random.default_rng(np.random.SeedSequence([seed, 0x17]))
    detector = draw_detector(rng, kind)
    counts = source_counts(detector, label, rng)
    edges = detector.edges_kev
    if edges_kev is not None:
        counts, edges = rebin(counts[np.newaxis], edges, edges_kev)[0], edges_kev
    return SourceSpectrum(label, counts / max(counts.sum(), 1e-300), edges)


def inject(
    scan: Scan,
    source: SourceSpectrum,
    *,
    seed: int,
    net_counts: float | None = None,
    activity_kbq: float | None = None,
    geometry: PassGeometry | None = None,
) -> tuple[Scan, Injection]:
    """Add a source to a measured pass or static spectrum.

    Parameters
    ----------
    scan : Scan
        Measured background: a pass of a vehicle without a source, or a static spectrum.
    source : SourceSpectrum
        The source.
    seed : int
        Of the Poisson draw.
    net_counts : float, optional
        Expected counts over all panels and intervals; this or the activity must be given.
    activity_kbq : float, optional
        Activity; the source's counts are then those of 1 kBq a second at its reference distance.
    geometry : PassGeometry, optional
        The pass; for a static spectrum the distance is `approach_m` and nothing moves.

    Returns
    -------
    scan : Scan
        The same scan with the source; it has an id of its own.
    injection : Injection
        What was added.

    Raises
    ------
    ValueError
        If not exactly one of counts and activity is given, or a number is out of range.
    FormatError
        If the scan is a radiograph, its counts are differences, or its spectra have no calibration.
    """
    payload = scan.payload
    if not isinstance(payload, Occupancy):
        raise FormatError("a source is added to counts, not to a radiograph", value=scan.modality)
    if payload.is_background_subtracted:
        raise FormatError("the counts are differences: nothing Poisson can be added to them")
    amount = net_counts if activity_kbq is None else activity_kbq
    if (net_counts is None) == (activity_kbq is None) or amount is None:
        raise ValueError("exactly one of net_counts and activity_kbq must be given")
    if not 0.0 <= amount < np.inf:
        raise ValueError(f"{'net_counts' if activity_kbq is None else 'activity_kbq'} is {amount:g}")
    shapes = _shapes(payload, source)
    place = geometry or PassGeometry()
    approach = _approaches(payload, place)
    weight, speed, at_s = _weights(payload, place, approach)
    if activity_kbq is None:
        total = float((weight.sum(axis=0) * shapes.sum(axis=1)).sum())
        if not total > 0.0:
            raise ValueError("no interval and panel of the scan would count the source")
        scale = np.full(approach.shape, amount / total)
    else:
        scale = activity_kbq * (source.reference_m / approach) ** 2
    seen = payload.gamma_counts >= 0
    rng = np.random.default_rng(np.random.SeedSequence(seed))
    mean = weight * scale * shapes.sum(axis=1)
    added = rng.poisson(mean) * seen
    channels = _channels(added, shapes, rng)
    injection = Injection(
        label=source.label,
        into=scan.identity.scan_id,
        activity_kbq=activity_kbq,
        expected=tuple(float(value) for value in mean.sum(axis=0)),
        drawn=tuple(int(value) for value in added.sum(axis=0)),
        speed_m_s=speed,
        at_s=at_s,
        approach_m=tuple(float(value) for value in approach) if payload.kind == "occupancy" else (),
        seed=seed,
        added_to="gross" if payload.spectra is None else "spectra",
    )
    return _with(scan, payload, channels, added, injection), injection


def inject_into_background(
    scans: list[Scan],
    source: SourceSpectrum,
    *,
    seed: int,
    net_counts: float,
    geometry: PassGeometry | None = None,
) -> list[tuple[Scan, Injection]]:
    """Add a source to each of many measurements, each with a draw of its own.

    Parameters
    ----------
    scans : list of Scan
        Measured backgrounds.
    source : SourceSpectrum
        The source.
    seed : int
        Of all draws.
    net_counts : float
        Expected counts in each.
    geometry : PassGeometry, optional
        The pass.

    Returns
    -------
    list of (Scan, Injection)
        In the order of the scans.
    """
    children = np.random.SeedSequence(seed).generate_state(max(len(scans), 1), np.uint32)
    return [
        inject(scan, source, seed=int(child), net_counts=net_counts, geometry=geometry)
        for scan, child in zip(scans, children[: len(scans)], strict=True)
    ]


def _shapes(payload: Occupancy, source: SourceSpectrum) -> NDArray[np.float64]:
    """Return the source by (panel, channel) on the panels' own energy scales; one channel without spectra."""
    counts = np.asarray(source.counts, dtype=np.float64)
    edges = np.asarray(source.edges_kev, dtype=np.float64)
    if edges.shape != (counts.size + 1,) or not (np.isfinite(counts).all() and (counts >= 0).all()):
        raise ValueError(
            f"a source needs counts (n,) of 0 or more and edges (n + 1,), got {counts.shape}, {edges.shape}"
        )
    if not counts.sum() > 0.0:
        raise ValueError(f"the source {source.label} has no counts")
    if payload.spectra is None:
        return np.full((payload.n_panel, 1), float(counts.sum()))
    if payload.energy_edges_kev is None:
        raise FormatError("the spectra have no energy calibration: a source cannot be put into them")
    return np.stack(
        [
            rebin(counts[np.newaxis], edges, np.asarray(own, dtype=np.float64))[0]
            for own in payload.energy_edges_kev
        ]
    )


def _approaches(payload: Occupancy, place: PassGeometry) -> NDArray[np.float64]:
    given = place.approach_m
    distances = np.full(payload.n_panel, given) if isinstance(given, float | int) else np.array(given)
    if distances.shape != (payload.n_panel,) or not ((distances > 0) & (distances < np.inf)).all():
        raise ValueError(f"{payload.n_panel} panels need as many positive distances, got {given}")
    return distances.astype(np.float64)


def _weights(
    payload: Occupancy, place: PassGeometry, approach: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float | None, float | None]:
    """Return seconds at the closest approach by (interval, panel), live time counted; speed; time."""
    interval = np.asarray(payload.interval_s, dtype=np.float64)
    live = np.ones((payload.n_interval, payload.n_panel))
    if payload.live_time_s is not None:
        share = np.asarray(payload.live_time_s) / interval[:, np.newaxis]
        live = np.where(np.isfinite(share) & (share > 0), np.minimum(share, 1.0), 1.0)
    live = live * (payload.gamma_counts >= 0)
    if payload.kind == "static":
        return interval[:, np.newaxis] * live, None, None
    speed = payload.speed_m_s if place.speed_m_s is None else place.speed_m_s
    if speed is None:
        raise ValueError("the pass has no measured speed: give one")
    at_s = _middle_s(payload) if place.at_s is None else place.at_s
    columns = [
        pass_weights_s(payload.t_s, interval, speed_m_s=speed, approach_m=float(distance), at_s=at_s)
        for distance in approach
    ]
    return np.stack(columns, axis=1) * live, float(speed), float(at_s)


def _middle_s(payload: Occupancy) -> float:
    inside = np.flatnonzero(payload.is_occupied) if payload.is_occupied is not None else np.zeros(0, np.int64)
    first, last = (inside[0], inside[-1]) if inside.size else (0, payload.n_interval - 1)
    return 0.5 * float(payload.t_s[first] + payload.t_s[last] + payload.interval_s[last])


def _channels(
    added: NDArray[np.int64], shapes: NDArray[np.float64], rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return interval, panel and channel of every count: Poisson in all, shared out by the shape."""
    interval, panel = np.nonzero(added)
    number = added[interval, panel]
    found = [np.zeros(0, np.int64)]
    for one, n in zip(panel, number, strict=True):
        cumulative = np.cumsum(shapes[one])
        place = np.searchsorted(cumulative, rng.random(n) * cumulative[-1], side="right")
        found.append(np.minimum(place, shapes.shape[1] - 1))
    return np.repeat(interval, number), np.repeat(panel, number), np.concatenate(found)


def _with(
    scan: Scan,
    payload: Occupancy,
    channels: tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]],
    added: NDArray[np.int64],
    injection: Injection,
) -> Scan:
    spectra = payload.spectra
    if spectra is not None:
        most = int(spectra.max(initial=0)) + int(added.max(initial=0))
        if most > np.iinfo(np.uint32).max:
            raise ValueError(f"up to {most} counts in one channel are more than a spectrum holds")
        spectra = spectra.copy()
        np.add.at(spectra, channels, np.uint32(1))
    mark = sha256_hex((scan.identity.scan_id + repr(injection)).encode())
    return msgspec.structs.replace(
        scan,
        identity=msgspec.structs.replace(scan.identity, scan_id=file_scan_id(mark)),
        payload=msgspec.structs.replace(payload, gamma_counts=payload.gamma_counts + added, spectra=spectra),
    )
