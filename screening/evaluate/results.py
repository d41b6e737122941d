"""The record evaluation/1: the figures of an evaluation, each with its trials, its interval and its data."""

from __future__ import annotations

import inspect
from typing import Any, Literal

import msgspec

from .dataset import Problem
from .metrics import Proportion, Rate

__all__ = [
    "AlarmFigures",
    "BinaryFigures",
    "DataUsed",
    "DetectorResult",
    "Evaluation",
    "Failure",
    "IdentificationFigures",
    "RocFigures",
    "evaluation_schema",
]


class DataUsed(msgspec.Struct, frozen=True, kw_only=True):
    """The data behind every figure of a report.

    Attributes
    ----------
    name : str
        Folder name.
    labels_sha256 : str
        Hash of the labels.
    split : str
        The split that was scored.
    n_rows : int
        Rows of the labels.
    n_scored : int
        Scans given to the detectors.
    n_other_splits : dict of str to int
        Rows left out because they belong to another split.
    n_parents : int
        Independent parents among the scored scans.
    problems : tuple of Problem
        What did not fit together.
    n_problems : dict of str to int
        Problems by class.
    ignored_columns : tuple of str
        Columns without a meaning here.
    """

    name: str
    labels_sha256: str
    split: str
    n_rows: int
    n_scored: int
    n_other_splits: dict[str, int]
    n_parents: int
    problems: tuple[Problem, ...]
    n_problems: dict[str, int]
    ignored_columns: tuple[str, ...]


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A scan a detector gave no answer to because it, or the reading of the scan, failed.

    Attributes
    ----------
    id : str
        The sample.
    stage : {"reading", "detector"}
        What failed.
    text : str
        One line.
    """

    id: str
    stage: Literal["reading", "detector"]
    text: str


class RocFigures(msgspec.Struct, frozen=True, kw_only=True):
    """A curve over the scans that have a score, with how many have none.

    Attributes
    ----------
    n_positive, n_negative, n_without_score : int
        Scans.
    auc : float
        Area.
    fpr, tpr : tuple of float
        Points.
    threshold : tuple of float or None
        Their thresholds; None at the first point, which no score reaches.
    """

    n_positive: int
    n_negative: int
    n_without_score: int
    auc: float
    fpr: tuple[float, ...]
    tpr: tuple[float, ...]
    threshold: tuple[float | None, ...]


class AlarmFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Alarms. No answer counts as no alarm where there is a source: as a miss.

    Attributes
    ----------
    answered : Proportion
        Scans with an answer.
    detection : Proportion
        Alarms over scans with a source that is neither natural nor medical.
    nuisance : Proportion
        Alarms over scans whose only sources are natural or medical.
    false_alarm : Rate
        Alarms per occupancy without radioactive load, among those with an answer: silence of a rule
        that could not be applied earns nothing.
    roc : RocFigures or None
        None where one of the classes is missing.
    """

    answered: Proportion
    detection: Proportion
    nuisance: Proportion
    false_alarm: Rate
    roc: RocFigures | None


class IdentificationFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Identification: every spectrum in one of four classes.

    Attributes
    ----------
    correspondence : str
        Version of the table of what answers for what.
    answered : Proportion
        Spectra with a source that got at least one label.
    correct, partial, wrong, missed : Proportion
        Over all spectra with a known truth.
    false_snm : Proportion
        Special nuclear material named outside the truth.
    precision, recall, f : float or None
        Averaged per spectrum.
    by_truth : dict of str to dict
        The four counts by truth.
    wrong_labels : dict of str to int
        Labels outside the truth, the commonest first.
    """

    correspondence: str
    answered: Proportion
    correct: Proportion
    partial: Proportion
    wrong: Proportion
    missed: Proportion
    false_snm: Proportion
    precision: float | None
    recall: float | None
    f: float | None
    by_truth: dict[str, dict[str, int]]
    wrong_labels: dict[str, int]


class BinaryFigures(msgspec.Struct, frozen=True, kw_only=True):
    """A yes or no question on radiographs. No answer counts as a miss.

    Attributes
    ----------
    answered : Proportion
        Scans with an answer.
    tpr, fpr : Proportion
        Over all positives; over the negatives with an answer.
    roc : RocFigures or None
        None without a score or without one of the classes.
    """

    answered: Proportion
    tpr: Proportion
    fpr: Proportion
    roc: RocFigures | None


class DetectorResult(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one detector.

    Attributes
    ----------
    name : str
        The detector.
    n_answers : int
        Scans it serves (it may serve one modality only).
    n_not_served : int
        Scans of another modality.
    failures : tuple of Failure
        Each is also an UNKNOWN answer.
    levels : dict of str to int
        Answers by level.
    unknown : Proportion
        Share of UNKNOWN: the complement of the answer rate.
    unknown_by_reason : dict of str to Proportion
        Among all answers, those UNKNOWN with this reason code.
    levels_by_truth : dict of str to dict
        Counts of answered levels by the level of the truth.
    levels_by_group : dict of str to dict
        Counts of answered levels by the group of the labels.
    false_low : Proportion
        LOW where the truth is not LOW.
    alarms : AlarmFigures or None
        None where the truth is not known.
    identification : IdentificationFigures or None
        Likewise.
    loaded, dense, shielded : BinaryFigures or None
        Likewise.
    """

    name: str
    n_answers: int
    n_not_served: int
    failures: tuple[Failure, ...]
    levels: dict[str, int]
    unknown: Proportion
    unknown_by_reason: dict[str, Proportion]
    levels_by_truth: dict[str, dict[str, int]]
    levels_by_group: dict[str, dict[str, int]]
    false_low: Proportion
    alarms: AlarmFigures | None
    identification: IdentificationFigures | None
    loaded: BinaryFigures | None
    dense: BinaryFigures | None
    shielded: BinaryFigures | None


class Evaluation(msgspec.Struct, frozen=True, kw_only=True):
    """A whole evaluation.

    Attributes
    ----------
    schema : {"evaluation/1"}
        Version of this record.
    version, config_sha256 : str
        What made it.
    data : DataUsed
        The data.
    detectors : tuple of DetectorResult
        One per detector.
    """

    version: str
    config_sha256: str
    data: DataUsed
    detectors: tuple[DetectorResult, ...]
    schema: Literal["evaluation/1"] = "evaluation/1"

    @property
    def exit_status(self) -> int:
        """0; 1 when the data do not fit together or something failed."""
        has_failed = any(detector.failures for detector in self.detectors)
        return 1 if self.data.problems or has_failed else 0


def evaluation_schema() -> dict[str, Any]:
    """Return the JSON Schema of ``report.json``.

    Returns
    -------
    dict
        JSON Schema 2020-12.
    """
    schema = msgspec.json.schema(Evaluation)
    for definition in schema.get("$defs", {}).values():
        if "description" in definition:  # interpreters differ in how they indent docstrings
            definition["description"] = inspect.cleandoc(definition["description"]).partition("\n")[0]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "evaluation/1", **schema}
