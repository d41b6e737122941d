"""Figures as tables: rows of metric and stratum, a column for each detector."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from screening.evaluate.record import Comparison, DetectorTested, Figure

__all__ = ["Pivot", "Row", "better_ones", "by_section", "column_name", "columns_of", "pivot", "usual_method"]

#: Heads the column of figures that belong to the data and to no detector.
OF_THE_DATA = "data"


class Row(NamedTuple):
    """One line of a table.

    Attributes
    ----------
    metric, stratum, unit : str
        What it is, of which part of the data, in what.
    cells : dict of str to Figure
        By detector; "" for a figure of the data.
    """

    metric: str
    stratum: str
    unit: str
    cells: dict[str, Figure]


class Pivot(NamedTuple):
    """A table of figures.

    Attributes
    ----------
    detectors : tuple of str
        Columns, "" (the data) first.
    rows : tuple of Row
        Lines, those of one metric together.
    """

    detectors: tuple[str, ...]
    rows: tuple[Row, ...]


def pivot(figures: Iterable[Figure], detectors: Sequence[DetectorTested] = ()) -> Pivot:
    """Return figures of one section as a table.

    Parameters
    ----------
    figures : iterable of Figure
        Of one section.
    detectors : sequence of DetectorTested
        Give the order of the columns; others follow in the order they appear in.

    Returns
    -------
    Pivot
        Metrics and strata in the order they first appear in.
    """
    rows: dict[str, dict[tuple[str, str], Row]] = {}
    seen: dict[str, None] = {}
    for figure in figures:
        seen.setdefault(figure.detector)
        of_metric = rows.setdefault(figure.metric, {})
        key = (figure.stratum, figure.unit)
        if key not in of_metric:
            of_metric[key] = Row(figure.metric, figure.stratum, figure.unit, {})
        of_metric[key].cells[figure.detector] = figure
    known = ["", *(detector.name for detector in detectors)]
    columns = [name for name in known if name in seen] + [name for name in seen if name not in known]
    return Pivot(tuple(columns), tuple(row for of_metric in rows.values() for row in of_metric.values()))


def by_section(figures: Iterable[Figure]) -> dict[str, list[Figure]]:
    """Return figures by their section.

    Parameters
    ----------
    figures : iterable of Figure
        Of a report.

    Returns
    -------
    dict of str to list of Figure
        In the order of the figures.
    """
    found: dict[str, list[Figure]] = defaultdict(list)
    for figure in figures:
        found[figure.section].append(figure)
    return dict(found)


def better_ones(
    comparisons: Iterable[Comparison], detectors: Sequence[DetectorTested]
) -> set[tuple[str, str, str, str]]:
    """Return which figures may be set in bold.

    A detector stands out in a row when a comparison says that it is better than another of its tier,
    and none with a detector of its tier says anything else.

    Parameters
    ----------
    comparisons : iterable of Comparison
        Of a report.
    detectors : sequence of DetectorTested
        Their tiers; detectors of different tiers are not ranked against each other.

    Returns
    -------
    set of tuple of str
        Keys (section, metric, detector, stratum).
    """
    tier = {detector.name: detector.tier for detector in detectors}
    wins: set[tuple[str, str, str, str]] = set()
    other: set[tuple[str, str, str, str]] = set()
    for item in comparisons:
        if tier.get(item.a, "") != tier.get(item.b, ""):
            continue
        for name, verdict in ((item.a, "a is better"), (item.b, "b is better")):
            key = (item.section, item.metric, name, item.stratum)
            (wins if item.verdict == verdict else other).add(key)
    return wins - other


def columns_of(detectors: Sequence[str], *, at_most: int) -> list[tuple[str, ...]]:
    """Return columns in groups that fit on a page, as even as can be.

    Parameters
    ----------
    detectors : sequence of str
        Columns.
    at_most : int
        That fit.

    Returns
    -------
    list of tuple of str
        Groups, in order.
    """
    n_group = -(-len(detectors) // at_most) or 1
    size = -(-len(detectors) // n_group)
    return [tuple(detectors[i : i + size]) for i in range(0, max(1, len(detectors)), max(1, size))]


def column_name(detector: str) -> str:
    """Return the head of a column.

    Parameters
    ----------
    detector : str
        Its name; "" for figures of the data.

    Returns
    -------
    str
        The head.
    """
    return detector or OF_THE_DATA


def usual_method(figures: Iterable[Figure]) -> str:
    """Return how most of the intervals were made, said once above a table.

    Parameters
    ----------
    figures : iterable of Figure
        Of the table.

    Returns
    -------
    str
        The commonest method of those with an interval, or of all where none has one; the first of equals.
    """
    every = [figure for figure in figures if figure.method]
    counted = Counter(f.method for f in every if f.low is not None or f.high is not None)
    counted = counted or Counter(figure.method for figure in every)
    return max(counted, key=lambda method: counted[method]) if counted else ""
