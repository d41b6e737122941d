"""The records of a labelled data set: samples with their truth, and what does not fit together."""

from __future__ import annotations

from typing import Literal

import msgspec

from screening.records import Level

__all__ = ["SPLITS", "DataSet", "Problem", "ProblemKind", "Sample", "TruthBox"]

SPLITS = ("train", "validation", "threshold", "test")

ProblemKind = Literal[
    "missing scan",
    "scan without label",
    "duplicate id",
    "duplicate scan",
    "contradiction",
    "truth not known",
    "unknown class",
    "invalid value",
    "modality mismatch",
    "scan id mismatch",
    "truth without sample",
    "outside the picture",
]


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Something wrong with a data set.

    Attributes
    ----------
    kind : str
        Its class.
    where : str
        The line of the labels, or the file.
    text : str
        One line for a person.
    """

    kind: ProblemKind
    where: str
    text: str


class TruthBox(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """An object that is on a picture, as ``truth.json`` gives it.

    Attributes
    ----------
    row0, col0, row1, col1 : int
        Box, half-open, in pixels of the input picture.
    kind : str
        Its class ("class" in the file), "" for any.
    view : int
        Index of the picture within the scan.
    visible : float
        Share of its pixels that are not opaque, 0 to 1.
    peak_g_cm2 : float or None
        Peak areal density above the cargo, g/cm2.
    background_g_cm2 : float or None
        Areal density of what lies around it, g/cm2.
    mass_kg : float or None
        Its mass.
    mask : tuple of int
        Its pixels within the box: lengths of runs, row after row, the first of pixels outside the object.
        Empty: the whole box.
    is_ignored : bool
        Candidates here count as neither hit nor false alarm: look-alikes that are asked about elsewhere.
    """

    row0: int
    col0: int
    row1: int
    col1: int
    kind: str = msgspec.field(default="", name="class")
    view: int = 0
    visible: float = 1.0
    peak_g_cm2: float | None = None
    background_g_cm2: float | None = None
    mass_kg: float | None = None
    mask: tuple[int, ...] = ()
    is_ignored: bool = False


class Sample(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One labelled scan. None everywhere means: not known, not scored.

    Attributes
    ----------
    id, path : str
        Unique name; file relative to the folder.
    index : int
        Which scan of the file.
    modality : {"radiation", "radiograph"} or None
        As labelled.
    truth_nuclides : tuple of str or None
        Labels that must be named; empty for background.
    has_source, has_neutrons, is_empty, has_dense, is_shielded, has_threat : bool or None
        Truth.
    level : Level or None
        The level a perfect instrument would give.
    split : str
        train, validation, threshold or test.
    parent : str
        What draws share.
    group : str
        For a breakdown.
    site, scanner, cargo : str
        For breakdowns and splits; "" when not known.
    seed : int or None
        It was simulated from.
    scan_id : str
        Identity of the scan; "" when not labelled.
    cargo_mass_kg : float or None
        Mass of the load.
    boxes : tuple of TruthBox or None
        Objects on the picture; empty: none is there. None: not known.
    """

    id: str
    path: str
    index: int = 0
    modality: Literal["radiation", "radiograph"] | None = None
    truth_nuclides: tuple[str, ...] | None = None
    has_source: bool | None = None
    has_neutrons: bool | None = None
    is_empty: bool | None = None
    has_dense: bool | None = None
    is_shielded: bool | None = None
    has_threat: bool | None = None
    level: Level | None = None
    split: str = "test"
    parent: str = ""
    group: str = ""
    site: str = ""
    scanner: str = ""
    cargo: str = ""
    seed: int | None = None
    scan_id: str = ""
    cargo_mass_kg: float | None = None
    boxes: tuple[TruthBox, ...] | None = None


class DataSet(msgspec.Struct, frozen=True, kw_only=True):
    """A data set as read.

    Attributes
    ----------
    folder : str
        Where.
    labels_sha256 : str
        Hash of ``labels.csv``.
    samples : tuple of Sample
        The rows that can be scored, in order.
    n_rows : int
        Rows of the labels.
    problems : tuple of Problem
        What does not fit together.
    ignored_columns : tuple of str
        Columns without a meaning here.
    truth_sha256 : str
        Hash of ``truth.json``; "" without one.
    """

    folder: str
    labels_sha256: str
    samples: tuple[Sample, ...]
    n_rows: int
    problems: tuple[Problem, ...]
    ignored_columns: tuple[str, ...]
    truth_sha256: str = ""
