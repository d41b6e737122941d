"""What counts as success: from a detector's answer and the truth of a trial to yes, no or no answer."""

from __future__ import annotations

from typing import Any

import numpy as np

from screening.evaluate.detectors import DetectorAnswer, capabilities_of
from screening.evaluate.identification import Verdict, load_correspondence, score
from screening.records import Level, ReasonCode

from .portal_scenarios import SourceScenario
from .quantities import parse_quantity
from .scenario import Scenario
from .trials import Trial

__all__ = ["CAPABILITY", "can_answer", "happened", "is_hidden", "is_untimed"]

#: What a detector must be able to do for an event; what is not listed, every detector answers by its level.
CAPABILITY = {
    "alarm": "alarm",
    "alarm-within": "alarm",
    "neutron-alarm": "alarm",
    "identified": "nuclides",
    "loaded": "loaded",
    "dense": "dense",
    "shielded": "shielded",
    "threat": "threat",
    "object": "candidates",
}

#: An object of which less than this share can be seen is hidden, by the definition of scored pictures.
LEAST_VISIBLE = 0.5


def can_answer(detector: Any, event: str, modality: str) -> bool:
    """Tell whether a detector says that it answers an event's question.

    Parameters
    ----------
    detector : object
        A detector under test.
    event : str
        Of a scenario.
    modality : {"radiation", "radiograph"}
        Of its scans.

    Returns
    -------
    bool
        True too of one that does not say what it can.
    """
    stated = capabilities_of(detector)
    return stated is None or {modality, CAPABILITY.get(event, modality)} <= stated


def happened(scenario: Scenario, answer: DetectorAnswer, trial: Trial) -> bool | None:
    """Tell whether an answer is the event that a scenario counts.

    Parameters
    ----------
    scenario : Scenario
        Any but an indicator.
    answer : DetectorAnswer
        The answer.
    trial : Trial
        What is true.

    Returns
    -------
    bool or None
        None: no answer to the question, which counts as a miss.
    """
    event = str(getattr(scenario, "event", ""))
    if event == "high":
        return answer.level is Level.HIGH
    if event == "not-low":
        return answer.level is not Level.LOW
    if event == "alarm":
        return answer.alarm
    if event == "neutron-alarm":
        return None if answer.alarm is None else ReasonCode.RAD_NEUTRON.value in answer.codes
    if event == "alarm-within":
        return _within(scenario, answer, trial)
    if event == "identified":
        if answer.nuclides is None:
            return None
        found = score(answer.nuclides, trial.required or (), load_correspondence())
        return found.verdict is Verdict.CORRECT
    if event == "object":
        return _points_at(answer, trial)
    return {
        "loaded": answer.is_loaded,
        "dense": answer.has_dense,
        "shielded": answer.is_shielded,
        "threat": answer.has_threat,
    }[event]


def is_untimed(scenario: Scenario, answer: DetectorAnswer) -> bool:
    """Tell whether an alarm was asked for in time and the detector does not say when it came.

    Parameters
    ----------
    scenario : Scenario
        Its scenario.
    answer : DetectorAnswer
        The answer.

    Returns
    -------
    bool
        True: as if the detector had left the trial out.
    """
    is_asked = getattr(scenario, "event", "") == "alarm-within"
    return is_asked and answer.alarm is True and answer.alarm_time_s is None


def is_hidden(scenario: Scenario, trial: Trial) -> bool:
    """Tell whether the object of a trial cannot be seen by anyone: it is opaque where the object lies.

    Parameters
    ----------
    scenario : Scenario
        Its scenario.
    trial : Trial
        The trial.

    Returns
    -------
    bool
        True where an object is to be pointed at and less than half of it shows.
    """
    objects = trial.truth.get("objects", ())
    return getattr(scenario, "event", "") == "object" and all(
        one["visible_share"] < LEAST_VISIBLE for one in objects
    )


def _within(scenario: Scenario, answer: DetectorAnswer, trial: Trial) -> bool | None:
    if answer.alarm is not True:
        return answer.alarm
    if answer.alarm_time_s is None or trial.beside_s is None:
        return None
    if not isinstance(scenario, SourceScenario) or scenario.within is None:
        return None
    limit = trial.beside_s + parse_quantity(scenario.within, "time", name="within")
    return answer.alarm_time_s <= limit


def _points_at(answer: DetectorAnswer, trial: Trial) -> bool | None:
    if answer.candidates is None:
        return None
    from screening.evaluate.metrics.matching import Truth, match

    index = trial.truth["object_index"]
    truths = []
    for k, one in enumerate(trial.truth["objects"], start=1):
        window = index[one["row0"] : one["row1"], one["col0"] : one["col1"]] == k
        if window.any():
            truths.append(
                Truth(
                    row0=one["row0"],
                    col0=one["col0"],
                    row1=one["row1"],
                    col1=one["col1"],
                    mask=window,
                    visible=one["visible_share"],
                )
            )
    if not truths:
        return None
    found = match(answer.candidates, truths, by_kind=False)
    return bool(np.isfinite(found.truth_score).any())
