"""Compare the answers of a run with those stored before: what changed, and in which way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

from screening.records import FlagModality, Level, RiskFlag, ScreeningReport

__all__ = ["Answer", "Change", "Comparison", "answers_of", "compare"]

Kind = Literal["same", "provenance", "scores", "reasons", "level", "new", "missing"]


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a flag says, apart from what made it.

    Attributes
    ----------
    level : Level
        Its level.
    codes : tuple of str
        Reason codes, sorted.
    scores : dict of str to str
        Named scores, decimal strings.
    flag_id : str or None
        The flag; None for an input that could not be analysed.
    """

    level: Level
    codes: tuple[str, ...]
    scores: dict[str, str]
    flag_id: str | None


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """One answer that is not what it was.

    Attributes
    ----------
    scan_id : str
        The scan.
    modality : str
        The flag's modality.
    kind : str
        "level", "reasons", "scores", "provenance" (the same answer by another version, model or
        configuration), "new" or "missing".
    before, after : Answer or None
        None where there is none.
    """

    scan_id: str
    modality: str
    kind: Kind
    before: Answer | None
    after: Answer | None


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """All changes, and how many answers are in each class.

    Attributes
    ----------
    counts : dict of str to int
        Answers by kind of change, "same" among them.
    lowered : int
        Answers that were not LOW and are LOW now: each one wants a person's eyes.
    changes : tuple of Change
        All but the same ones, the most severe kind first.
    """

    counts: dict[str, int]
    lowered: int
    changes: tuple[Change, ...]


SEVERITY: tuple[Kind, ...] = ("level", "missing", "reasons", "scores", "new", "provenance", "same")


def answers_of(flags: Iterable[RiskFlag]) -> dict[tuple[str, str], Answer]:
    """Return the answers of some flags by scan and modality.

    Parameters
    ----------
    flags : iterable of RiskFlag
        The flags; a later one of the same scan and modality takes the place of an earlier one.

    Returns
    -------
    dict of (str, str) to Answer
        By scan_id and modality.
    """
    return {
        (flag.scan_id, flag.modality.value): Answer(
            level=flag.level,
            codes=tuple(sorted({reason.code.value for reason in flag.reasons})),
            scores=dict(flag.scores.raw),
            flag_id=flag.flag_id,
        )
        for flag in flags
    }


def compare(
    before: Mapping[tuple[str, str], Answer],
    after: Mapping[tuple[str, str], Answer],
    reports: Iterable[ScreeningReport] = (),
) -> Comparison:
    """Return what changed between two sets of answers.

    Parameters
    ----------
    before, after : mapping of (str, str) to Answer
        Answers by scan and modality.
    reports : iterable of ScreeningReport
        The run's reports: a scan that could be read and not analysed says UNKNOWN for every
        modality it had an answer for before.

    Returns
    -------
    Comparison
        The changes.
    """
    found = dict(after)
    for report in reports:
        if report.error is not None and report.scan_id is not None:
            unread = Answer(level=report.level, codes=(report.error.code.value,), scores={}, flag_id=None)
            for modality in FlagModality:
                key = (report.scan_id, modality.value)
                if key in before:
                    found.setdefault(key, unread)
    changes = [
        Change(
            scan_id=key[0],
            modality=key[1],
            kind=_kind(before.get(key), found.get(key)),
            before=before.get(key),
            after=found.get(key),
        )
        for key in sorted({*before, *found})
    ]
    counts: dict[str, int] = {kind: sum(change.kind == kind for change in changes) for kind in SEVERITY}
    told = sorted((c for c in changes if c.kind != "same"), key=lambda c: SEVERITY.index(c.kind))
    return Comparison(counts=counts, lowered=sum(map(_is_lowered, changes)), changes=tuple(told))


def _kind(before: Answer | None, after: Answer | None) -> Kind:
    if before is None:
        return "new"
    if after is None:
        return "missing"
    if before.level is not after.level:
        return "level"
    if before.codes != after.codes:
        return "reasons"
    if before.scores != after.scores:
        return "scores"
    return "same" if before.flag_id == after.flag_id else "provenance"


def _is_lowered(change: Change) -> bool:
    before, after = change.before, change.after
    return before is not None and after is not None and after.level is Level.LOW is not before.level
