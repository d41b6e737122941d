"""Score identified nuclides against the truth: correct, partial, wrong or missed, nothing else.

Every spectrum is in exactly one class, and no answer is a miss. Which label answers for which is data
(``correspondence.toml``), with a version of its own.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import NamedTuple

import msgspec

from screening.physics import NUCLIDES
from screening.records import Category

__all__ = ["Correspondence", "Label", "Score", "Verdict", "load_correspondence", "score", "severity"]

_ORDER = (Category.NORM, Category.MEDICAL, Category.INDUSTRIAL, Category.NUCLEAR, Category.SNM)


class Verdict(StrEnum):
    """The class of one spectrum."""

    CORRECT = "correct"
    PARTIAL = "partial"
    WRONG = "wrong"
    MISSED = "missed"


class Label(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may stand for one true label; see ``correspondence.toml``."""

    accepts: tuple[str, ...] = ()
    partial: tuple[str, ...] = ()
    allowed: tuple[str, ...] = ()


class Correspondence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The table of what answers for what.

    Attributes
    ----------
    version : str
        Printed with every figure.
    always_allowed : tuple of str
        Labels that are never wrong.
    category : dict of str to Category
        Of labels the nuclide tables do not hold.
    label : dict of str to Label
        By true label.
    """

    version: str
    always_allowed: tuple[str, ...]
    category: dict[str, Category]
    label: dict[str, Label]

    def knows(self, name: str) -> bool:
        """Whether a label has a meaning here.

        Parameters
        ----------
        name : str
            The label.

        Returns
        -------
        bool
            True if its category is known.
        """
        return name in NUCLIDES or name in self.category


class Score(NamedTuple):
    """The score of one spectrum.

    Attributes
    ----------
    verdict : Verdict
        Its class.
    is_false_snm : bool
        Special nuclear material was named outside what the truth allows.
    is_answered : bool
        At least one label was reported.
    precision, recall, f : float
        Over required and extra labels, as RASE averages them per spectrum: P = TP / (TP + FP),
        R = TP / (TP + FN), F = 2PR / (P + R); 1 where there was nothing to name and nothing was.
    extra : tuple of str
        Labels outside required and allowed.
    """

    verdict: Verdict
    is_false_snm: bool
    is_answered: bool
    precision: float
    recall: float
    f: float
    extra: tuple[str, ...]


@cache
def load_correspondence() -> Correspondence:
    """Return the table that is shipped.

    Returns
    -------
    Correspondence
        The table.
    """
    text = (files("screening.evaluate") / "correspondence.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text), Correspondence)


def severity(name: str, table: Correspondence) -> int:
    """Return how severe it is to name a label: norm 0, medical 1, industrial 2, nuclear 3, snm 4.

    Parameters
    ----------
    name : str
        The label.
    table : Correspondence
        Categories of labels outside the nuclide tables.

    Returns
    -------
    int
        Of its most severe category; a label nobody knows is as severe as any.
    """
    if name in NUCLIDES:
        return max(_ORDER.index(category) for category in NUCLIDES[name].categories)
    category = table.category.get(name)
    return len(_ORDER) - 1 if category is None else _ORDER.index(category)


def score(reported: Collection[str], required: Collection[str], table: Correspondence) -> Score:
    """Score one spectrum.

    Parameters
    ----------
    reported : collection of str
        Labels at or above the reporting threshold; empty: no answer, or nothing found.
    required : collection of str
        True labels; empty: background.
    table : Correspondence
        What answers for what.

    Returns
    -------
    Score
        Its class and figures.
    """
    named, wanted = set(reported), set(required)
    rules = {label: table.label.get(label, Label()) for label in wanted}
    matched = {label for label in wanted if named & {label, *rules[label].accepts}}
    partly = {label for label in wanted - matched if named & set(rules[label].partial)}
    fine = wanted | set(table.always_allowed)
    for rule in rules.values():
        fine.update(rule.accepts, rule.partial, rule.allowed)
    extra = named - fine
    true_severity = max((severity(label, table) for label in wanted), default=-1)
    is_severe = any(severity(label, table) > true_severity for label in extra)
    if not wanted:
        verdict = Verdict.WRONG if extra else Verdict.CORRECT
    elif is_severe:
        verdict = Verdict.WRONG
    elif matched == wanted and not extra:
        verdict = Verdict.CORRECT
    elif matched or (partly and not extra):
        verdict = Verdict.PARTIAL
    else:
        verdict = Verdict.WRONG if extra else Verdict.MISSED
    precision, recall, f = _rase(len(matched), len(extra), len(wanted - matched))
    return Score(
        verdict=verdict,
        is_false_snm=any(severity(label, table) == len(_ORDER) - 1 for label in extra),
        is_answered=bool(named),
        precision=precision,
        recall=recall,
        f=f,
        extra=tuple(sorted(extra)),
    )


def _rase(n_true: int, n_false: int, n_missing: int) -> tuple[float, float, float]:
    if n_true + n_false + n_missing == 0:
        return 1.0, 1.0, 1.0
    precision = n_true / (n_true + n_false) if n_true + n_false else 0.0
    recall = n_true / (n_true + n_missing) if n_true + n_missing else 0.0
    total = precision + recall
    return precision, recall, 2 * precision * recall / total if total else 0.0
