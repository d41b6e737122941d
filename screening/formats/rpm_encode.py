"""Encode a gross-count portal's records, for emulators and tests; lines end in CR LF."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from screening.records import Background, Occupancy

__all__ = [
    "encode_background",
    "encode_end",
    "encode_fault",
    "encode_gamma",
    "encode_neutron",
    "encode_occupancy",
    "encode_setup",
    "encode_speed",
    "encode_tamper",
]

MPH_M_S = 0.44704
"""One mile per hour in m/s, exact."""

BEAM_SPACING_M = 0.3048
"""Distance between the two occupancy beams: transit time times speed, 1 foot."""


def _counts(tag: str, counts: Sequence[int] | NDArray[np.generic]) -> bytes:
    return (",".join([tag, *(f"{min(max(int(c), 0), 999_999):06d}" for c in counts)]) + "\r\n").encode(
        "ascii"
    )


def encode_gamma(counts: Sequence[int], *, is_alarm: bool = False) -> bytes:
    """Return a gamma interval of 0.2 s.

    Parameters
    ----------
    counts : sequence of int
        Counts of each panel.
    is_alarm : bool
        Whether the portal itself is in alarm.

    Returns
    -------
    bytes
        ``GS,...`` or ``GA,...``.
    """
    return _counts("GA" if is_alarm else "GS", counts)


def encode_neutron(counts: Sequence[int], *, is_alarm: bool = False) -> bytes:
    """Return a neutron interval of 1 s.

    Parameters
    ----------
    counts : sequence of int
        Counts of each panel.
    is_alarm : bool
        Whether the portal itself is in alarm.

    Returns
    -------
    bytes
        ``NS,...`` or ``NA,...``.
    """
    return _counts("NA" if is_alarm else "NS", counts)


def encode_background(background: Background) -> bytes:
    """Return the background records that a portal sends every 5 s.

    Parameters
    ----------
    background : Background
        Rates by panel.

    Returns
    -------
    bytes
        ``GB,...`` in counts per second and, with neutron detectors, ``NB,...`` in counts per 5 s.
    """
    lines = _counts("GB", np.rint(background.gamma_cps))
    if background.neutron_cps is not None:
        lines += _counts("NB", np.rint(background.neutron_cps * 5.0))
    return lines


def encode_fault(tag: str, counts: Sequence[int]) -> bytes:
    """Return a background fault.

    Parameters
    ----------
    tag : {"GH", "GL", "NH"}
        Gamma high, gamma low, neutron high.
    counts : sequence of int
        Counts of each panel.

    Returns
    -------
    bytes
        The record.

    Raises
    ------
    ValueError
        If the tag is not one of the three.
    """
    if tag not in ("GH", "GL", "NH"):
        raise ValueError(f"a fault is GH, GL or NH, got {tag!r}")
    return _counts(tag, counts)


def encode_speed(speed_m_s: float) -> bytes:
    """Return a speed record.

    Parameters
    ----------
    speed_m_s : float
        Speed, m/s.

    Returns
    -------
    bytes
        ``SP,transit_s,mph,km/h``; the portal saturates at 99.999 mph.
    """
    mph = min(speed_m_s / MPH_M_S, 99.999)
    transit_s = BEAM_SPACING_M / (mph * MPH_M_S) if mph > 0 else 99.999
    return f"SP,{min(transit_s, 99.999):06.3f},{mph:06.3f},{mph * 1.609344:07.3f}\r\n".encode("ascii")


def encode_end(occupancy: int, neutron_background_cps: float) -> bytes:
    """Return the end of an occupancy.

    Parameters
    ----------
    occupancy : int
        The portal's counter; it starts again during the day.
    neutron_background_cps : float
        Neutron background of all panels together, counts/s.

    Returns
    -------
    bytes
        ``GX,occupancy,background x1000``.
    """
    per_1000_s = min(round(neutron_background_cps * 1000), 999_999)
    return f"GX,{occupancy % 1_000_000:06d},{per_1000_s:06d}\r\n".encode("ascii")


def encode_tamper(*, is_set: bool) -> bytes:
    """Return a change of the tamper switch.

    Parameters
    ----------
    is_set : bool
        Set or cleared.

    Returns
    -------
    bytes
        ``TT`` or ``TC``.
    """
    return (b"TT" if is_set else b"TC") + b",000000\r\n"


def encode_setup(tag: str, values: Sequence[str]) -> bytes:
    """Return a set-up record.

    Parameters
    ----------
    tag : {"SG1", "SG2", "SG3", "SN1", "SN2"}
        Which one.
    values : sequence of str
        Its fields as they are on the wire.

    Returns
    -------
    bytes
        The record.
    """
    return (",".join([tag, *values]) + "\r\n").encode("ascii")


def encode_occupancy(payload: Occupancy, number: int) -> list[tuple[float, bytes]]:
    """Return what a portal sends for one occupancy, and when.

    Parameters
    ----------
    payload : Occupancy
        Gross counts in intervals of 0.2 s.
    number : int
        The portal's occupancy counter.

    Returns
    -------
    list of tuple of (float, bytes)
        Seconds after the start of the first interval, and the lines sent then. The intervals before
        the occupancy come in one burst with the first of it; without an end if the payload has none.
    """
    ends_s = payload.t_s + payload.interval_s
    burst_s = float(ends_s[min(payload.n_prior, payload.n_interval - 1)])
    sent: list[tuple[float, bytes]] = []
    is_alarm = "gamma" in payload.device_alarms
    for i in range(payload.n_interval):
        lines = encode_gamma(payload.gamma_counts[i].tolist(), is_alarm=is_alarm)
        sent.append((max(float(ends_s[i]), burst_s), lines))
    if payload.neutron_counts is not None and payload.neutron_interval_s is not None:
        is_neutron_alarm = "neutron" in payload.device_alarms
        for end_s, counts in zip(np.cumsum(payload.neutron_interval_s), payload.neutron_counts, strict=True):
            line = encode_neutron(counts.tolist(), is_alarm=is_neutron_alarm)
            sent.append((max(float(end_s), burst_s), line))
    last_s = max(t for t, _ in sent)
    if payload.speed_m_s:
        sent.append((last_s, encode_speed(payload.speed_m_s)))
    background = payload.background
    if payload.is_complete:
        rates = None if background is None else background.neutron_cps
        sent.append((last_s, encode_end(number, 0.0 if rates is None else float(rates.sum()))))
    return sorted(sent, key=lambda item: item[0])
