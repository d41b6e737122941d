"""Figures of a programme and of its seals, each with what it rests on and an exact interval."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any

import msgspec

from screening.records import Action, Level

from .intervals import Interval, exact_quantile, exact_rate, exact_share
from .runs import Expected, Run
from .trips import PointRead, Trip

__all__ = ["Measure", "programme_measures", "seal_measures"]

_LEVELS = (Level.LOW, Level.UNKNOWN, Level.HIGH)
_REFERRALS = {
    "referred to secondary radiation screening": Action.REFER_SECONDARY_RAD,
    "referred to imaging": Action.REFER_NII,
    "referred to destuffing": Action.REFER_DESTUFF,
    "held": Action.HOLD,
}


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """One figure.

    Attributes
    ----------
    metric, stratum : str
        What it is, and of which part; an empty stratum is the whole.
    value, low, high : float or None
        With its interval at 95 %; None: these records do not give it.
    k : int or None
        How many, of a share or a rate.
    n : int
        Of how many.
    unit : str
        "h", "a trip", or empty for a share.
    note : str
        What else is to be said.
    of : str
        What it is counted over: the heading that it stands under.
    """

    metric: str
    value: float | None
    low: float | None = None
    high: float | None = None
    k: int | None = None
    n: int = 0
    stratum: str = ""
    unit: str = ""
    note: str = ""
    of: str = ""

    def line(self) -> str:
        """Return the figure for a person.

        Returns
        -------
        str
            One line.
        """
        name = f"{self.metric}, {self.stratum}" if self.stratum else self.metric
        shown = "none" if self.value is None else f"{self.value:.4g}"
        if self.low is not None or self.high is not None:
            shown += f" [{_end(self.low)}, {_end(self.high)}]"
        if self.unit:
            shown += f" {self.unit}"
        counts = f"n = {self.n}" if self.k is None else f"{self.k} of {self.n}"
        return f"{name:<60} {shown:<32} {counts}{', ' if self.note else ''}{self.note}"


def programme_measures(
    expected: Sequence[Expected], runs: Sequence[Run], *, now: datetime
) -> tuple[Measure, ...]:
    """Return the figures of a programme.

    Parameters
    ----------
    expected : sequence of Expected
        All that vessels and trains announced: steps are counted over these.
    runs : sequence of Run
        What was done.
    now : datetime
        When the record was closed, aware.

    Returns
    -------
    tuple of Measure
        Steps done, in all and by vessel or train; time from arrival to decision; referrals and
        destuffing; re-examinations avoided; agreement of the two targetings.
    """
    announced = sorted({(one.list, one.container_id) for one in expected})
    by_key = {(run.list, run.container_id): run for run in runs}
    strays = len(set(by_key) - set(announced))
    figures = [
        *_under(f"of the {len(announced)} announced, recorded or not", _steps(announced, by_key)),
        *_under(
            f"of the {len(by_key)} recorded, {strays} of them not announced",
            [*_times(runs), *_rates(runs), *_agreement(runs)],
        ),
    ]
    figures.append(
        Measure(
            metric="containers recorded and not announced",
            value=float(strays),
            k=strays,
            n=len(by_key),
            note=f"counted in no share of steps; record closed at {now.isoformat()}",
            of=figures[-1].of,
        )
    )
    return tuple(figures)


def seal_measures(trips: Sequence[Trip], reads: Sequence[PointRead]) -> tuple[Measure, ...]:
    """Return the figures of seals as detectors, by model.

    Parameters
    ----------
    trips : sequence of Trip
        Those that have ended.
    reads : sequence of PointRead
        Every reading that was due.

    Returns
    -------
    tuple of Measure
        Openings detected, false tampers a trip, gaps, low batteries, faults, read rate in all and by
        point. Openings and false tampers are counted only where somebody told what happened.
    """
    figures: list[Measure] = []
    model_of = {(trip.trip, trip.seal): trip.model for trip in trips}
    for model in sorted({trip.model for trip in trips}):
        mine = [trip for trip in trips if trip.model == model]
        opened = [trip for trip in mine if trip.opened_at is not None]
        whole = [trip for trip in mine if trip.opening_kind == "none"]
        figures.append(_share("openings detected", [_is_detected(trip) for trip in opened], model))
        n_false = sum(len(trip.reports) for trip in whole)
        figures.append(
            _measure(
                "false tampers", exact_rate(n_false, len(whole)), n_false, len(whole), model, unit="a trip"
            )
        )
        figures += [
            _share("trips with a gap of custody", [trip.has_gap for trip in mine], model),
            _share("trips with a low battery", [trip.has_low_battery for trip in mine], model),
            _share("trips with a fault", [trip.has_fault for trip in mine], model),
        ]
        due = [read for read in reads if model_of.get((read.trip, read.seal)) == model]
        figures.append(_share("read rate", [read.read_at is not None for read in due], model))
        figures += [
            _share(
                "read rate",
                [read.read_at is not None for read in due if read.point == point],
                f"{model} at {point}",
            )
            for point in sorted({read.point for read in due})
        ]
    return tuple(_under("of the seals whose trips have ended", figures))


def _under(heading: str, figures: Iterable[Measure]) -> list[Measure]:
    return [msgspec.structs.replace(figure, of=heading) for figure in figures]


def _steps(announced: list[tuple[str, str]], by_key: dict[tuple[str, str], Run]) -> list[Measure]:
    done: tuple[tuple[str, Callable[[Run], bool]], ...] = (
        ("targeted", lambda run: run.targeting is not None),
        ("sealed", lambda run: run.is_sealed),
        ("radiation screened", lambda run: run.radiation is not None),
    )
    figures: list[Measure] = []
    for metric, is_done in done:
        figures += _by_list(announced, metric, by_key, is_done)
    came = [key for key in announced if key in by_key and by_key[key].arrived_at is not None]
    due = [key for key in came if by_key[key].needs_image]
    figures += _by_list(due, "imaged where due", by_key, lambda run: run.image is not None)
    figures += _by_list(announced, "arrival recorded", by_key, lambda run: run.has_arrived)

    def _complete(run: Run) -> bool:
        return all(is_done(run) for _, is_done in done) and (run.image is not None or not run.needs_image)

    return [*figures, *_by_list(announced, "every step done", by_key, _complete)]


def _by_list(
    keys: list[tuple[str, str]],
    metric: str,
    by_key: dict[tuple[str, str], Run],
    is_done: Callable[[Run], bool],
) -> list[Measure]:
    def _is(key: tuple[str, str]) -> bool:
        run = by_key.get(key)
        return run is not None and is_done(run)

    names = sorted({name for name, _ in keys})
    parts = [_share(metric, [_is(key) for key in keys])]
    if len(names) > 1:
        parts += [_share(metric, [_is(key) for key in keys if key[0] == name], name) for name in names]
    return parts


def _times(runs: Sequence[Run]) -> list[Measure]:
    waits = [
        math.inf if run.decided_at is None else (run.decided_at - run.arrived_at).total_seconds() / 3600.0
        for run in runs
        if run.arrived_at is not None
    ]
    n_waiting = sum(math.isinf(wait) for wait in waits)
    return [
        _measure(
            f"time from arrival to decision, {name}",
            exact_quantile(waits, q),
            None,
            len(waits),
            unit="h",
            note=f"{n_waiting} not decided yet, counted as longer than all others",
        )
        for q, name in ((0.5, "median"), (0.9, "90 %"), (0.95, "95 %"))
    ]


def _rates(runs: Sequence[Run]) -> list[Measure]:
    decided = [run for run in runs if run.action is not None and run.arrived_at is not None]
    came = [run for run in runs if run.arrived_at is not None]
    crossed = [run for run in came if run.border is not None]
    return [
        *(_share(metric, [run.action is action for run in decided]) for metric, action in _REFERRALS.items()),
        _share("destuffed", [run.is_destuffed for run in came]),
        _share("re-examinations avoided", [run.border == "ACCEPT" for run in crossed]),
    ]


def _agreement(runs: Sequence[Run]) -> list[Measure]:
    pairs = [
        (run.targeting, run.targeting_other)
        for run in runs
        if run.targeting is not None and run.targeting_other is not None and run.arrived_at is not None
    ]
    if not pairs:
        return []
    n, totals = len(pairs), Counter(pairs)
    rows, columns = Counter(a for a, _ in pairs), Counter(b for _, b in pairs)
    by_chance = sum(rows[level] * columns[level] for level in _LEVELS) / n**2
    agreed = sum(totals[level, level] for level in _LEVELS)
    kappa = (agreed / n - by_chance) / (1.0 - by_chance) if by_chance < 1.0 - 1e-12 else None
    note = "both always say the same" if kappa is None else "no interval: see screening evaluate"
    return [
        Measure(metric="agreement of targetings, Cohen's kappa", value=kappa, n=n, note=note),
        _share("same targeting", [a is b for a, b in pairs]),
        *(
            Measure(
                metric="containers by both targetings",
                stratum=f"ours {a.value}, theirs {b.value}",
                value=float(totals[a, b]),
                k=totals[a, b],
                n=n,
            )
            for a in _LEVELS
            for b in _LEVELS
        ),
    ]


def _is_detected(trip: Trip) -> bool:
    return trip.opened_at is not None and any(at >= trip.opened_at for at in trip.reports)


def _share(metric: str, outcomes: Iterable[bool], stratum: str = "") -> Measure:
    found = list(outcomes)
    k = sum(found)
    return _measure(metric, exact_share(k, len(found)), k, len(found), stratum)


def _measure(
    metric: str, interval: Interval, k: int | None, n: int, stratum: str = "", **said: Any
) -> Measure:
    value, low, high = interval
    return Measure(metric=metric, value=value, low=low, high=high, k=k, n=n, stratum=stratum, **said)


def _end(value: float | None) -> str:
    return "..." if value is None else f"{value:.4g}"
