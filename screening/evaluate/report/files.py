"""A report on disk: the record itself, the page made of it, and its figures as tables for machines."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from screening.errors import FormatError, StoreError
from screening.evaluate.record import Evaluation, Figure
from screening.records import sha256_hex

from .page import evaluation_page
from .parquet import TABLES, has_parquet, parquet_tables

if TYPE_CHECKING:
    from .baseline import Changes

__all__ = ["encoded", "figures_csv", "parquet_notice", "read_report", "report_sha256", "write_report"]

REPORT = "report.json"
PAGE = "report.html"
CSV = "figures.csv"
CHANGES = "changes.json"
COLUMNS = Figure.__struct_fields__
#: A spreadsheet runs text that begins so; labels come from outside. OWASP, "CSV Injection".
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def encoded(evaluation: Evaluation) -> bytes:
    """Return the bytes of ``report.json``.

    Parameters
    ----------
    evaluation : Evaluation
        The report.

    Returns
    -------
    bytes
        UTF-8 JSON, a line for each row, the same for the same report.
    """
    return _lines(_as_stored(evaluation))


def report_sha256(evaluation: Evaluation) -> str:
    """Return the hash of ``report.json``, which the page carries.

    Parameters
    ----------
    evaluation : Evaluation
        The report.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    return sha256_hex(encoded(evaluation))


def write_report(out_dir: Path, evaluation: Evaluation, *, changes: Changes | None = None) -> tuple[str, ...]:
    """Write a report: ``report.json``, ``report.html``, ``figures.csv``, and Parquet where pyarrow is there.

    Each file is whole or not there, and ``report.json`` comes last. What an earlier report left and this
    one does not have is removed.

    Parameters
    ----------
    out_dir : Path
        Folder, made if needed.
    evaluation : Evaluation
        The report.
    changes : Changes, optional
        Since a baseline: a section of the page, and ``changes.json``.

    Returns
    -------
    tuple of str
        Names of the files written.

    Raises
    ------
    StoreError
        If a file cannot be written.
    """
    evaluation = _as_stored(evaluation)
    record = _lines(evaluation)
    files: dict[str, bytes] = {
        PAGE: evaluation_page(evaluation, changes=changes, report_sha256=sha256_hex(record)).encode(),
        CSV: figures_csv(evaluation).encode(),
    }
    if changes is not None:
        files[CHANGES] = msgspec.json.format(msgspec.json.encode(changes), indent=1) + b"\n"
    if has_parquet():
        files |= {f"{name}.parquet": data for name, data in parquet_tables(evaluation).items()}
    files[REPORT] = record
    stale = {CHANGES, *(f"{name}.parquet" for name in TABLES)} - set(files)
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            _write_part(out_dir / name, data)
        for name in files:
            _part(out_dir / name).replace(out_dir / name)
        for name in stale:
            (out_dir / name).unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(
            f"{out_dir}: report cannot be written ({error.strerror})", value=str(out_dir)
        ) from None
    return tuple(files)


def read_report(path: Path) -> Evaluation:
    """Read a report.

    Parameters
    ----------
    path : Path
        ``report.json``, or its folder.

    Returns
    -------
    Evaluation
        The report.

    Raises
    ------
    StoreError
        If it cannot be read.
    FormatError
        If it is no report, or one of another version.
    """
    file = path / REPORT if path.is_dir() else path
    try:
        data = file.read_bytes()
    except OSError as error:
        raise StoreError(f"{file.name}: cannot be read ({error.strerror})", value=str(file)) from None
    try:
        return msgspec.json.decode(data, type=Evaluation)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        schema = _schema_of(data)
        if schema is not None and schema != "evaluation/2":
            text = f"is {schema}; this version reads evaluation/2: run the evaluation again"
        else:
            text = f"no report: {error}"
        raise FormatError(f"{file.name}: {text}", value=file.name) from None


def parquet_notice() -> str:
    """Return what must be said where Parquet cannot be written.

    Returns
    -------
    str
        One line; empty where it can.
    """
    if has_parquet():
        return ""
    return (
        "Parquet is missing: pyarrow is not installed (extra 'report'); report.json and figures.csv hold all"
    )


def figures_csv(evaluation: Evaluation) -> str:
    """Return every figure as one line of CSV.

    Parameters
    ----------
    evaluation : Evaluation
        The report.

    Returns
    -------
    str
        With a head line. An apostrophe stands before text that a spreadsheet would run.
    """
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for figure in evaluation.figures:
        writer.writerow([_cell(getattr(figure, name)) for name in COLUMNS])
    return buffer.getvalue()


def _as_stored(evaluation: Evaluation) -> Evaluation:
    """Return a report as it comes back from its file: whole numbers as floats, what is no number as None."""
    return msgspec.json.decode(msgspec.json.encode(evaluation), type=Evaluation)


def _lines(evaluation: Evaluation) -> bytes:
    """Return JSON with each figure, curve and exhibit on a line: it stays small and can be compared."""
    encode = msgspec.json.encode
    fields = []
    for name in ("schema", *(name for name in evaluation.__struct_fields__ if name != "schema")):
        value = getattr(evaluation, name)
        rows = b",\n  ".join(map(encode, value)) if isinstance(value, tuple) else b""
        fields.append(encode(name) + b": " + (b"[\n  " + rows + b"\n ]" if rows else encode(value)))
    return b"{\n " + b",\n ".join(fields) + b"\n}\n"


def _cell(value: Any) -> Any:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str) and value.startswith(FORMULA):
        return f"'{value}"
    return "" if value is None else value


def _schema_of(data: bytes) -> str | None:
    try:
        found = msgspec.json.decode(data, type=dict[str, msgspec.Raw]).get("schema")
        return None if found is None else msgspec.json.decode(found, type=str)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _part(path: Path) -> Path:
    return path.with_name(path.name + ".part")


def _write_part(path: Path, data: bytes) -> None:
    with _part(path).open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
