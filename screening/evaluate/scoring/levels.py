"""Levels: how often there is an answer at all, and how often something passes that must not."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from screening.evaluate.detectors.answer import DetectorAnswer
from screening.evaluate.record import Better, Figure, Section
from screening.evaluate.samples import Sample
from screening.records import Level

from .questions import Answered, Told, share

__all__ = ["SECTION", "level_figures", "makes_no_claim", "no_claim"]

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
    not_low = [item for item in answers if item.sample.level not in (None, Level.LOW)]
    is_silent = makes_no_claim(answers, lambda a: a.level is not Level.UNKNOWN)
    if is_silent:
        metrics = ("answers UNKNOWN", *(("LOW where it must not be",) if not_low else ()))
        figures = [no_claim(section, metric, name, "gives no level", better="lower") for metric in metrics]
    else:
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
    if not_low and not is_silent:
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


def makes_no_claim(answers: Sequence[Answered], is_claim: Callable[[DetectorAnswer], bool]) -> bool:
    """Whether a detector makes a claim of one kind on no sample, and others on some.

    Parameters
    ----------
    answers : sequence of Answered
        Its answers to the samples it could be made on.
    is_claim : callable
        Whether an answer makes it.

    Returns
    -------
    bool
        An identifier has no alarm: it is not asked for one. False for a detector that failed or gave a reason
        on all of them, or says nothing at all: its silence is a miss on every sample.
    """
    if not answers or any(is_claim(answer) for _, answer, _ in answers):
        return False
    return any(not answer.codes and _says_anything(answer) for _, answer, _ in answers)


def _says_anything(answer: DetectorAnswer) -> bool:
    given = (getattr(answer, field) for field in answer.__struct_fields__ if field not in ("level", "codes"))
    return answer.level is not Level.UNKNOWN or any(value is not None for value in given)


def no_claim(
    section: str, metric: str, detector: str, what: str, *, better: Better, unit: str = ""
) -> Figure:
    """Return the headline figure of a claim that a detector never makes.

    Parameters
    ----------
    section, metric, detector : str
        Its key.
    what : str
        What the detector does not do.
    better : {"higher", "lower", ""}
        Which way would be good.
    unit : str
        Of the metric.

    Returns
    -------
    Figure
        Without a value.
    """
    return Figure(
        section=section,
        metric=metric,
        detector=detector,
        method="none: no claim",
        unit=unit,
        better=better,
        is_headline=True,
        note=f"{what} on any sample: neither a hit nor a miss",
    )


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
