"""Figures, curves and comparisons as Parquet, where pyarrow is there (extra ``report``)."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from screening.evaluate.record import Comparison, Curve, Evaluation, Figure

__all__ = ["TABLES", "has_parquet", "parquet_tables"]

#: Tables written: one file each.
TABLES = ("figures", "curves", "comparisons")

_NUMBERS = {"value", "low", "high", "confidence", "n", "x", "y", "effect", "p", "p_holm"}
_COUNTS = {"k", "point"}
_FLAGS = {"is_headline"}
_CURVE_COLUMNS = ("section", "title", "series", "point", "x", "y", "low", "high")


def has_parquet() -> bool:
    """Return whether Parquet can be written.

    Returns
    -------
    bool
        False without pyarrow.
    """
    return find_spec("pyarrow") is not None


def parquet_tables(evaluation: Evaluation) -> dict[str, bytes]:
    """Return the numbers of a report as Parquet.

    Parameters
    ----------
    evaluation : Evaluation
        The report.

    Returns
    -------
    dict of str to bytes
        One file for each of `TABLES`; curves hold one row for each point.
    """
    figures = [_fields(figure) for figure in evaluation.figures]
    points = [point for curve in evaluation.curves for point in _points(curve)]
    comparisons = [_fields(item) for item in evaluation.comparisons]
    return {
        "figures": _table(Figure.__struct_fields__, figures),
        "curves": _table(_CURVE_COLUMNS, points),
        "comparisons": _table(Comparison.__struct_fields__, comparisons),
    }


def _fields(item: Figure | Comparison) -> tuple[Any, ...]:
    return tuple(getattr(item, name) for name in item.__struct_fields__)


def _points(curve: Curve) -> Iterator[tuple[Any, ...]]:
    for series in curve.series:
        low = series.low or (None,) * len(series.x)
        high = series.high or (None,) * len(series.x)
        for i, values in enumerate(zip(series.x, series.y, low, high, strict=True)):
            yield curve.section, curve.title, series.name, i, *values


def _table(columns: tuple[str, ...], rows: list[tuple[Any, ...]]) -> bytes:
    arrow = import_module("pyarrow")
    kinds = {
        **dict.fromkeys(columns, arrow.string()),
        **dict.fromkeys(_NUMBERS, arrow.float64()),
        **dict.fromkeys(_COUNTS, arrow.int64()),
        **dict.fromkeys(_FLAGS, arrow.bool_()),
    }
    schema = arrow.schema([arrow.field(name, kinds[name]) for name in columns])
    values = {name: [row[i] for row in rows] for i, name in enumerate(columns)}
    sink = arrow.BufferOutputStream()
    import_module("pyarrow.parquet").write_table(arrow.table(values, schema=schema), sink, compression="zstd")
    data: bytes = sink.getvalue().to_pybytes()
    return data
