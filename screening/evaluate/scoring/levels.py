"""Levels: how often there is an answer at all, and how often something passes that must not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from screening.evaluate.record import Figure, Section
from screening.evaluate.samples import Sample
from screening.records import Level

from .questions import Answered, Told, share

__all__ = ["SECTION", "level_figures"]

SECTION = Section(
    id="levels",
    title="Levels and answer rates",
    text=(
        "UNKNOWN is no answer: a miss wherever something was to be found. Its share is printed by reason.",
        "LOW where it must not be is the one error that lets something pass.",
    ),
)


def level_figures(name: str, answers: Sequence[Answered]) -> Told:
    """Return the levels of one detector.

    Parameters
    ----------
    name : str
        The detector.
    answers : sequence of Answered
        Its answers; a failure is an UNKNOWN one.

    Returns
    -------
    Told
        Figures of the section "levels".
    """
    section = SECTION.id
    figures = [
        share(
            answers,
            lambda a: a.level is Level.UNKNOWN,
            section=section,
            metric="answers UNKNOWN",
            detector=name,
            better="lower",
            is_headline=True,
        )
    ]
    not_low = [item for item in answers if item.sample.level not in (None, Level.LOW)]
    if not_low:
        figures.append(
            share(
                not_low,
                lambda a: a.level is Level.LOW,
                section=section,
                metric="LOW where it must not be",
                detector=name,
                better="lower",
                is_headline=True,
            )
        )
    codes = sorted(
        {code for _, answer, _ in answers if answer.level is Level.UNKNOWN for code in answer.codes}
    )
    figures.extend(
        share(
            answers,
            lambda a, code=code: a.level is Level.UNKNOWN and code in a.codes,  # type: ignore[misc]
            section=section,
            metric="UNKNOWN by reason",
            detector=name,
            stratum=code,
        )
        for code in codes
    )
    figures.extend(_by(name, answers, "", lambda s: "all"))
    figures.extend(_by(name, answers, "true level ", lambda s: "" if s.level is None else s.level.value))
    for kind in ("group", "site", "scanner", "cargo"):
        figures.extend(_by(name, answers, f"{kind} ", lambda s, kind=kind: getattr(s, kind)))  # type: ignore[misc]
    return Told(figures, [])


def _by(name: str, answers: Sequence[Answered], prefix: str, key: Callable[[Sample], str]) -> list[Figure]:
    strata: dict[str, list[Answered]] = {}
    for item in answers:
        if value := key(item.sample):
            strata.setdefault(value, []).append(item)
    return [
        share(
            items,
            lambda a, level=level: a.level is level,  # type: ignore[misc]
            section=SECTION.id,
            metric=f"answers by level: {level.value}",
            detector=name,
            stratum=f"{prefix}{stratum}" if prefix else "",
        )
        for stratum, items in sorted(strata.items())
        for level in Level
    ]
