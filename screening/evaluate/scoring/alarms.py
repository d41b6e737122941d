"""Alarms: detection, nuisance and false alarms, which are three different things."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from screening.evaluate.identification import Correspondence, severity
from screening.evaluate.metrics.proportions import rate
from screening.evaluate.metrics.time_to_alarm import time_to_alarm
from screening.evaluate.record import Figure, Section, figure_of
from screening.evaluate.samples import Sample

from .levels import makes_no_claim, no_claim
from .questions import Answered, Scored, Told, roc_curve, scored, share

__all__ = ["NUISANCE", "SECTION", "alarm_figures", "alarm_scores", "is_nuisance"]

SECTION = Section(
    id="alarms",
    title="Alarms",
    text=(
        "Detection: alarms over passes with a source that is neither natural nor medical; no answer is a "
        "miss. Natural and medical loads are counted apart, as nuisance. False alarms: per occupancy without "
        "radioactive load, over those with an answer: silence of a rule that could not be applied earns "
        "nothing.",
    ),
)
DETECTED, FALSE = "alarm: sources detected", "alarm: false, per occupancy"
#: Truths up to this severity are a nuisance when they alarm, not a success.
NUISANCE = 1  # medical


def alarm_figures(name: str, answers: Sequence[Answered], table: Correspondence) -> Told:
    """Return the alarms of one detector.

    Parameters
    ----------
    name : str
        The detector.
    answers : sequence of Answered
        Its answers.
    table : Correspondence
        Categories of labels.

    Returns
    -------
    Told
        Figures of the section "alarms"; none where no truth is known.
    """
    known = _known(answers)
    if not known:
        return Told([], [])
    section = SECTION.id
    if makes_no_claim(known, lambda a: a.alarm is not None):
        return Told(
            [
                share(known, lambda a: a.alarm is not None, section=section, metric="alarm: answered",
                      detector=name, better="higher"),
                no_claim(section, DETECTED, name, "makes no alarm", better="higher"),
                no_claim(section, FALSE, name, "makes no alarm", better="lower", unit="1/occupancy"),
            ],
            [],
        )  # fmt: skip
    sources = [item for item in known if item.sample.has_source]
    nuisance = [item for item in sources if is_nuisance(item.sample, table)]
    threats = [item for item in sources if not is_nuisance(item.sample, table)]
    clean = [item for item in known if not item.sample.has_source and item.answer.alarm is not None]
    figures = [
        share(known, lambda a: a.alarm is not None, section=section, metric="alarm: answered", detector=name,
              better="higher"),
        share(threats, lambda a: a.alarm is True, section=section, metric=DETECTED,
              detector=name, better="higher", is_headline=True),
        share(nuisance, lambda a: a.alarm is True, section=section, metric="alarm: natural and medical",
              detector=name),
        _false_alarms(name, clean),
    ]  # fmt: skip
    strata: dict[str, list[Answered]] = {}
    for item in threats:
        strata.setdefault("; ".join(item.sample.truth_nuclides or ()) or "not named", []).append(item)
    figures.extend(
        share(items, lambda a: a.alarm is True, section=section, metric=DETECTED,
              detector=name, stratum=stratum, better="higher")
        for stratum, items in sorted(strata.items())
    )  # fmt: skip
    figures.extend(_times(name, threats))
    curve = roc_curve(alarm_scores(answers, table), section=section, metric="alarm", detector=name)
    return Told([*figures, *curve.figures], curve.curves)


def _false_alarms(name: str, clean: Sequence[Answered]) -> Figure:
    """Return the rate of false alarms; occupancies that share a parent are not independent."""
    metric = FALSE
    if len({sample.parent for sample, _, _ in clean}) == len(clean):
        return figure_of(
            rate(sum(a.alarm is True for _, a, _ in clean), float(len(clean)), "occupancy"),
            section=SECTION.id, metric=metric, detector=name, better="lower", is_headline=True,
        )  # fmt: skip
    # An occupancy alarms once or not at all, so that its rate is a share.
    found = share(
        clean, lambda a: a.alarm is True, section=SECTION.id, metric=metric, detector=name,
        better="lower", is_headline=True,
    )  # fmt: skip
    return msgspec.structs.replace(found, unit="1/occupancy")


def _times(name: str, threats: Sequence[Answered]) -> list[Figure]:
    """Return how soon sources alarm; a pass without an alarm or an answer counts as one that never did."""
    if not any(item.answer.alarm_time_s is not None for item in threats):
        return []
    never = float("inf")
    times = [
        never if a.alarm is not True or a.alarm_time_s is None else a.alarm_time_s for _, a, _ in threats
    ]
    found = time_to_alarm(times, parents=[sample.parent for sample, _, _ in threats])
    return [
        Figure(
            section=SECTION.id,
            metric="alarm: median time from the start of the pass",
            detector=name,
            value=found.median_s,
            low=found.low_s,
            high=found.high_s,
            n=found.n,
            unit="s",
            method=found.method,
            better="lower",
            note=f"{found.n_never} of {found.n} passes with a source never alarmed",
        )
    ]


def alarm_scores(answers: Sequence[Answered], table: Correspondence) -> Scored:
    """Return the alarm scores of passes with a source and of clean passes that were answered.

    Parameters
    ----------
    answers : sequence of Answered
        Answers of one detector.
    table : Correspondence
        Categories of labels.

    Returns
    -------
    Scored
        Natural and medical loads are left out.
    """
    known = _known(answers)
    asked = [
        item
        for item in known
        if (item.sample.has_source and not is_nuisance(item.sample, table))
        or (not item.sample.has_source and item.answer.alarm is not None)
    ]
    return scored(asked, lambda s: bool(s.has_source), lambda a: a.alarm_score)


def is_nuisance(sample: Sample, table: Correspondence) -> bool:
    """Whether an alarm on a sample is a nuisance.

    Parameters
    ----------
    sample : Sample
        The sample.
    table : Correspondence
        Categories of labels.

    Returns
    -------
    bool
        True where natural or medical sources, and no others, are there.
    """
    nuclides = sample.truth_nuclides
    return bool(nuclides) and all(severity(label, table) <= NUISANCE for label in nuclides or ())


def _known(answers: Sequence[Answered]) -> list[Answered]:
    return [
        item
        for item in answers
        if item.sample.modality != "radiograph" and item.sample.has_source is not None
    ]
