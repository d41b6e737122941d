"""Seals as detectors under test: openings found, false tampers a trip, readings at each custody point."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec

from screening.evaluate.metrics.proportions import proportion, rate
from screening.evaluate.record import DetectorTested, Figure, LeftOut, Part, Section, figure_of

from .records import NOT_OPENED, CustodyRead, SealTrip
from .tables import CUSTODY, TRIALS, read_custody, read_trips
from .waiting import waiting_quantile

__all__ = ["SEALS", "run_seals", "seal_part"]

#: Section of the figures.
SEALS = "seals"

Item = TypeVar("Item")


def run_seals(folder: str | Path) -> Part:
    """Evaluate the seal trials of a folder.

    Parameters
    ----------
    folder : path-like
        With ``seal-trials.csv``, and ``custody.csv`` where readings are to be judged.

    Returns
    -------
    Part
        Figures of each model.

    Raises
    ------
    FormatError
        If a table cannot be read, or its columns are not those of its format.
    """
    root = Path(folder)
    trips = read_trips(root / TRIALS)
    reads = read_custody(root / CUSTODY) if (root / CUSTODY).exists() else None
    due = () if reads is None else reads.rows
    # a trip that could not be read is named once; its readings are no further errors
    unread = trips.left_out_keys - {(trip.trip, trip.seal) for trip in trips.rows}
    counted = [read for read in due if (read.trip, read.seal) not in unread]
    part = seal_part(trips.rows, counted)
    data = {f"{root.resolve().name}/{TRIALS}": trips.sha256}
    if reads is not None:
        data[f"{root.resolve().name}/{CUSTODY}"] = reads.sha256
    left_out = (*trips.left_out, *(() if reads is None else reads.left_out), *part.left_out)
    if n_lost := len(due) - len(counted):
        text = "readings of trips that could not be read: counted in no rate"
        left_out += (LeftOut(kind="trip left out", where=CUSTODY, text=text, n=n_lost, is_error=False),)
    return msgspec.structs.replace(part, left_out=left_out, data=data)


def seal_part(trips: Sequence[SealTrip], reads: Sequence[CustodyRead] = ()) -> Part:
    """Return what trips and readings say of each model of seal.

    Parameters
    ----------
    trips : sequence of SealTrip
        Trips with their truth.
    reads : sequence of CustodyRead
        Every reading that was to be made, made or not.

    Returns
    -------
    Part
        Figures: openings detected (by kind), false tampers a trip (by route and temperature), time from
        opening to report, readings by point, gaps, low batteries, faults, share of UNKNOWN.
    """
    known = [trip for trip in trips if trip.is_opened is not None]
    left_out: list[LeftOut] = []
    if len(known) < len(trips):
        left_out.append(
            LeftOut(
                kind="truth not known",
                where=TRIALS,
                text="trips whose opening_kind is empty: no openings and no false tampers are counted there",
                n=len(trips) - len(known),
                is_error=False,
            )
        )
    model_of = {(trip.trip, trip.seal): trip.model for trip in trips}
    strays = [read for read in reads if (read.trip, read.seal) not in model_of]
    left_out += [
        LeftOut(
            kind="unknown trip",
            where=f"{CUSTODY}: {read.trip}",
            text=f"a reading at {read.point} of seal {read.seal}, which made no such trip",
        )
        for read in strays
    ]
    figures: list[Figure] = []
    models = sorted({trip.model for trip in trips})
    for model in models:
        mine = [trip for trip in known if trip.model == model]
        figures += _openings([trip for trip in mine if trip.is_opened], model)
        figures += _false_tampers([trip for trip in mine if not trip.is_opened], model)
        figures += _states([trip for trip in trips if trip.model == model], model)
        figures += _readings([read for read in reads if model_of.get((read.trip, read.seal)) == model], model)
    return Part(
        sections=(
            Section(
                id=SEALS,
                title="Seals",
                text=(
                    "An opening is detected by the first report of tampering at or after it. A report before "
                    "an opening, or on a trip without one, is a false tamper; their rate is that of trips "
                    "without an opening, which are watched whole. A gap, a fault or a low battery is "
                    "UNKNOWN, which is a miss where something was opened; a gap is no opening detected.",
                    "Openings not reported when the trip ended are censored in the times to report.",
                ),
                data="trips and readings of the tables named in the provenance",
            ),
        ),
        detectors=tuple(DetectorTested(name=model, text="container security device") for model in models),
        figures=tuple(figures),
        left_out=tuple(left_out),
    )


def _openings(opened: list[SealTrip], model: str) -> list[Figure]:
    figures = []
    for stratum, some in _strata(opened, lambda trip: trip.opening_kind, "opened by "):
        share = proportion([trip.detected_at is not None for trip in some], _devices(some))
        figures.append(
            figure_of(
                share,
                section=SEALS,
                metric="openings detected",
                detector=model,
                stratum=stratum,
                better="higher",
                is_headline=not stratum,
            )
        )
    if not opened:
        return figures
    figures.append(
        figure_of(
            proportion([trip.n_false > 0 for trip in opened], _devices(opened)),
            section=SEALS,
            metric="opened trips with a false tamper before the opening",
            detector=model,
            better="lower",
        )
    )
    begins = [trip.opened_at or trip.departed_at for trip in opened]
    waits = [
        ((trip.detected_at or trip.arrived_at) - begin).total_seconds()
        for trip, begin in zip(opened, begins, strict=True)
    ]
    is_over = [trip.detected_at is not None for trip in opened]
    for q, name in (
        (0.5, "time from opening to report, median"),
        (0.95, "time from opening to report, 95 %"),
    ):
        found = waiting_quantile(waits, is_over, q, _devices(opened))
        figures.append(
            Figure(
                section=SEALS,
                metric=name,
                detector=model,
                value=found.value,
                low=found.low,
                high=found.high,
                n=float(len(opened)),
                unit="s",
                method=found.method,
                better="lower",
                note=f"{is_over.count(False)} not reported by the end of their trip",
            )
        )
    return figures


def _false_tampers(trips: list[SealTrip], model: str) -> list[Figure]:
    figures = []
    groups = [
        *_strata(trips, lambda trip: trip.route, "route "),
        *_strata(trips, lambda trip: trip.temperature, "temperature ")[1:],
    ]
    n_device = len({trip.seal for trip in trips})
    again = (
        f"{n_device} devices made {len(trips)} trips: one bad device can make the interval too narrow"
        if n_device < len(trips)
        else ""
    )
    for stratum, some in groups:
        if not some:
            continue
        figures.append(
            figure_of(
                rate(sum(trip.n_false for trip in some), float(len(some)), "trip"),
                section=SEALS,
                metric="false tampers",
                detector=model,
                stratum=stratum,
                better="lower",
                is_headline=not stratum,
                note=again,
            )
        )
        figures.append(
            figure_of(
                proportion([trip.n_false > 0 or trip.has_fault for trip in some], _devices(some)),
                section=SEALS,
                metric="trips with a false tamper or a fault",
                detector=model,
                stratum=stratum,
                better="lower",
            )
        )
    return figures


def _states(trips: list[SealTrip], model: str) -> list[Figure]:
    questions: tuple[tuple[str, Callable[[SealTrip], bool]], ...] = (
        ("trips with a gap of custody", lambda trip: trip.has_gap),
        ("trips with a low battery", lambda trip: trip.has_low_battery),
        ("trips with a fault", lambda trip: trip.has_fault),
        ("UNKNOWN", lambda trip: trip.is_unknown),
    )
    return [
        figure_of(
            proportion([is_so(trip) for trip in trips], _devices(trips)),
            section=SEALS,
            metric=metric,
            detector=model,
            better="lower",
        )
        for metric, is_so in questions
    ]


def _readings(reads: list[CustodyRead], model: str) -> list[Figure]:
    figures = []
    for stratum, some in _strata(reads, lambda read: read.point, "at "):
        if not some:
            continue
        # the readings of one device are not independent; each point sees most devices once
        share = proportion([read.read_at is not None for read in some], [read.seal for read in some])
        figures.append(
            figure_of(
                share,
                section=SEALS,
                metric="read rate",
                detector=model,
                stratum=stratum,
                better="higher",
                is_headline=not stratum,
            )
        )
    return figures


def _devices(trips: Sequence[SealTrip]) -> list[str]:
    return [trip.seal for trip in trips]


def _strata(items: list[Item], key: Callable[[Item], str], prefix: str) -> list[tuple[str, list[Item]]]:
    """Return all items, then those of each value of a key, where there are two values or more."""
    counts = Counter(key(item) for item in items)
    values = sorted(value for value in counts if value and value != NOT_OPENED)
    if len(counts) < 2:
        values = []
    return [("", items), *((f"{prefix}{value}", [i for i in items if key(i) == value]) for value in values)]
