"""Make trials, ask detectors, and note what each said."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec

from screening.errors import ScreeningError
from screening.evaluate.answering import ScanReader
from screening.evaluate.detectors import DetectorUnderTest
from screening.evaluate.detectors.checks import checked_answer, described, storable
from screening.records import Level, Occupancy, ReasonCode

from .events import can_answer, happened, is_hidden, is_untimed
from .image_scenarios import IndicatorScenario, MeasuredScenario
from .scenario import Scenario
from .schema import Plan
from .trials import Trial, make_trial, measured_samples

__all__ = ["OBSERVER", "TrialOutcome", "one_trial", "outcomes_of"]

#: Who looks at test objects in pictures: the picture is under test, not a detector.
OBSERVER = "picture"


class TrialOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one detector said in one trial.

    Attributes
    ----------
    scenario : int
        Index in the plan.
    point, index, seed : int
        Value of the sweep, number of the trial, and what it was made from.
    detector : str
        Whose answer.
    sample : str
        Of a measured trial: its id.
    level : str
        LOW, UNKNOWN or HIGH.
    codes : tuple of str
        Reasons.
    event : bool or None
        Whether the event happened; None: no answer.
    is_served : bool
        False where the detector leaves the scan out. One that leaves out every trial does not serve the
        scenario; of one that answers others they are trials without an answer.
    is_hidden : bool
        Nobody could see the object.
    is_made : bool
        False where the simulator refused: there was no scan to ask about.
    duration_s : float
        Exposure.
    error : str
        How the detector, or the reading of the scan, failed.
    parent : str
        Of a measured trial: what it was drawn from.
    """

    scenario: int
    point: int
    index: int
    seed: int
    detector: str
    sample: str = ""
    level: str = "UNKNOWN"
    codes: tuple[str, ...] = ()
    event: bool | None = None
    is_served: bool = True
    is_hidden: bool = False
    is_made: bool = True
    duration_s: float = 0.0
    error: str = ""
    parent: str = ""


def outcomes_of(
    plan: Plan,
    folder: Path,
    tested: Sequence[DetectorUnderTest],
    *,
    seed: int,
    is_short: bool,
    job: tuple[int, int, int, int],
) -> list[TrialOutcome]:
    """Make the trials of a job and ask every detector.

    Parameters
    ----------
    plan : Plan
        The plan.
    folder : Path
        Of the plan.
    tested : sequence of DetectorUnderTest
        Whom.
    seed : int
        Of the run.
    is_short : bool
        Pictures as thumbnails.
    job : tuple of int
        Index of the scenario, value of its sweep, first trial and one past the last.

    Returns
    -------
    list of TrialOutcome
        In the order of the trials.
    """
    k, point, start, stop = job
    scenario = plan.scenario[k]
    if isinstance(scenario, MeasuredScenario):
        return _measured_outcomes(scenario, k, folder, tested, stop)
    found: list[TrialOutcome] = []
    names = [OBSERVER] if isinstance(scenario, IndicatorScenario) else [one.name for one in tested]
    for index in range(start, stop):
        try:
            found += one_trial(scenario, index, seed, tested, number=k, point=point, is_short=is_short)
        except ScreeningError as error:  # an object that does not fit into its container, and the like
            unmade = TrialOutcome(
                scenario=k, point=point, index=index, seed=0, detector="", is_made=False, error=str(error)
            )
            found += [msgspec.structs.replace(unmade, detector=name) for name in names]
    return found


def one_trial(
    scenario: Scenario,
    index: int,
    seed: int,
    tested: Sequence[DetectorUnderTest],
    *,
    number: int = 0,
    point: int = 0,
    is_short: bool = False,
) -> list[TrialOutcome]:
    """Make a trial and ask every detector.

    Parameters
    ----------
    scenario : Scenario
        Any but a measured one.
    index, seed : int
        As in :func:`.trials.make_trial`.
    tested : sequence of DetectorUnderTest
        Whom.
    number, point : int
        Index of the scenario in its plan, and value of its sweep.
    is_short : bool
        Pictures as thumbnails.

    Returns
    -------
    list of TrialOutcome
        One for each detector; of a test object in a picture that of the observer alone.
    """
    trial = make_trial(scenario, index, seed, point=point, is_short=is_short)
    base = TrialOutcome(
        scenario=number,
        point=point,
        index=index,
        seed=trial.seed,
        detector=OBSERVER,
        duration_s=trial.duration_s,
        is_hidden=is_hidden(scenario, trial),
    )
    if isinstance(scenario, IndicatorScenario):
        from .indicators import is_seen

        seen = is_seen(trial.scan, trial.truth)
        return [msgspec.structs.replace(base, event=seen, level=Level.LOW.value)]
    return [_asked(detector, scenario, trial, base) for detector in tested]


def _measured_outcomes(
    scenario: MeasuredScenario, k: int, folder: Path, tested: Sequence[DetectorUnderTest], stop: int
) -> list[TrialOutcome]:
    reader = ScanReader(folder / scenario.folder)
    found: list[TrialOutcome] = []
    for index, sample in enumerate(measured_samples(scenario, folder)[0][:stop]):
        base = TrialOutcome(
            scenario=k, point=0, index=index, seed=0, detector="", sample=sample.id, parent=sample.parent
        )
        scan, _ = reader.read(sample)
        if isinstance(scan, ScreeningError):
            failed = msgspec.structs.replace(base, codes=(scan.reason,), error=f"reading: {scan}")
            found.extend(msgspec.structs.replace(failed, detector=one.name) for one in tested)
            continue
        trial = Trial(scan, 0, {}, required=sample.truth_nuclides)
        found.extend(_asked(detector, scenario, trial, base) for detector in tested)
    return found


def _asked(detector: DetectorUnderTest, scenario: Scenario, trial: Trial, base: TrialOutcome) -> TrialOutcome:
    """Ask a detector; whatever it does, the others are still measured."""
    named = msgspec.structs.replace(base, detector=detector.name)
    is_radiation = isinstance(trial.scan.payload, Occupancy)
    event = str(getattr(scenario, "event", ""))
    if not can_answer(detector, event, "radiation" if is_radiation else "radiograph"):
        return msgspec.structs.replace(named, is_served=False)
    try:
        answer, fault = checked_answer(detector.answer(trial.scan), trial.scan)
    except (Exception, SystemExit, GeneratorExit) as error:
        code = error.reason if isinstance(error, ScreeningError) else ReasonCode.MODEL_ERROR.value
        return msgspec.structs.replace(named, codes=(code,), error=described(error))
    if answer is None or is_untimed(scenario, answer):
        return msgspec.structs.replace(named, is_served=False)
    return msgspec.structs.replace(
        named,
        level=answer.level.value,
        codes=answer.codes,
        event=happened(scenario, answer, trial),
        error="" if fault is None else storable(f"{fault.kind}: {fault.text}"),
    )
