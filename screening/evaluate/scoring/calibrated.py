"""Calibration: whether stated probabilities come true."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from screening.evaluate.identification import Correspondence, Label
from screening.evaluate.metrics.calibration import (
    brier_interval,
    conformal_coverage,
    expected_calibration_error,
    reliability,
)
from screening.evaluate.metrics.resampling import Estimate, bootstrap
from screening.evaluate.record import Curve, Figure, Section, Series, figure_of

from .questions import Answered, Told, estimated

__all__ = ["SECTION", "calibration_figures"]

SECTION = Section(
    id="calibration",
    title="Calibration",
    text=(
        "Stated probabilities against what came true. Nuclides: one trial for each label with a confidence, "
        "true if the truth requires it or accepts it in its place; labels that are merely allowed beside the "
        "truth are left out. Loaded: the load score, read as a probability where it never leaves 0 to 1. "
        "The expected calibration error is never 0 in a finite sample: beside it stands what it would be by "
        "chance. A prediction set covers if it holds all that must be named.",
    ),
)
MIN_TRIALS = 20
NOMINAL = 0.95
#: Resamples of the calibration error, which is computed one resample after the other.
N_RESAMPLE_ERROR = 500


def calibration_figures(name: str, answers: Sequence[Answered], table: Correspondence) -> Told:
    """Return the calibration of one detector.

    Parameters
    ----------
    name : str
        The detector.
    answers : sequence of Answered
        Its answers.
    table : Correspondence
        What answers for what.

    Returns
    -------
    Told
        Figures of the section "calibration"; none with fewer than 20 trials.
    """
    figures: list[Figure] = []
    curves: list[Curve] = []
    for what, trials in (("nuclides", _nuclides(answers, table)), ("loaded", _loaded(answers))):
        if len(trials) < MIN_TRIALS:
            continue
        stated = np.array([p for p, _, _ in trials])
        truth = np.array([is_true for _, is_true, _ in trials])
        parents = [parent for _, _, parent in trials]
        error = expected_calibration_error(stated, truth)
        interval = _error_interval(stated, truth, parents)
        figures.append(
            Figure(
                section=SECTION.id,
                metric=f"{what}: expected calibration error",
                detector=name,
                value=error.value,
                low=interval.low if interval.low is None else max(interval.low, 0.0),
                high=interval.high,
                n=error.n,
                method=interval.method,
                better="lower",
                note=f"{error.by_chance:.3g} by chance; {error.n_bin} bins of equal mass",
            )
        )
        figures.append(
            estimated(
                brier_interval(stated, truth, parents),
                section=SECTION.id,
                metric=f"{what}: Brier score",
                detector=name,
                better="lower",
            )
        )
        curves.append(_diagram(name, what, stated, truth, parents))
    figures.extend(_sets(name, answers, table))
    return Told(figures, curves)


def _error_interval(
    stated: NDArray[np.float64], truth: NDArray[np.bool_], parents: Sequence[str]
) -> Estimate:
    """Return the interval of the calibration error over parents.

    It is reflected: resamples lie above the error, as the error of a sample lies above that of the detector.
    """

    def _error(p: NDArray[np.float64], is_true: NDArray[np.bool_]) -> float:
        return expected_calibration_error(p, is_true, n_draw=1).value

    return bootstrap(_error, [stated, truth], parents, n_resample=N_RESAMPLE_ERROR, method="reflected")


def _nuclides(answers: Sequence[Answered], table: Correspondence) -> list[tuple[float, bool, str]]:
    trials: list[tuple[float, bool, str]] = []
    for sample, answer, _ in answers:
        if sample.truth_nuclides is None or not answer.confidences:
            continue
        right, beside = set(sample.truth_nuclides), set(table.always_allowed)
        for label in sample.truth_nuclides:
            rule = table.label.get(label, Label())
            right.update(rule.accepts)
            beside.update(rule.partial, rule.allowed)
        trials.extend(
            (stated, label in right, sample.parent)
            for label, stated in answer.confidences.items()
            if label in right or label not in beside
        )
    return trials


def _loaded(answers: Sequence[Answered]) -> list[tuple[float, bool, str]]:
    trials = [
        (answer.load_score, not sample.is_empty, sample.parent)
        for sample, answer, _ in answers
        if sample.is_empty is not None and answer.load_score is not None
    ]
    return trials if all(0.0 <= stated <= 1.0 for stated, _, _ in trials) else []


def _diagram(
    name: str,
    what: str,
    stated: NDArray[np.float64],
    truth: NDArray[np.bool_],
    parents: list[str],
) -> Curve:
    found = reliability(stated, truth, parents)
    return Curve(
        section=SECTION.id,
        title=f"{what[:1].upper()}{what[1:]}: reliability",
        x_label="stated probability",
        y_label="share that came true",
        series=(
            Series(
                name=name,
                x=tuple(found.stated.tolist()),
                y=tuple(share.value for share in found.observed),
                low=tuple(share.low for share in found.observed),
                high=tuple(share.high for share in found.observed),
                style="points",
            ),
        ),
    )


def _sets(name: str, answers: Sequence[Answered], table: Correspondence) -> list[Figure]:
    holds, sizes, parents = [], [], []
    for sample, answer, _ in answers:
        if sample.truth_nuclides and answer.prediction_set is not None:
            named = set(answer.prediction_set)
            holds.append(
                all(
                    named & {label, *table.label.get(label, Label()).accepts}
                    for label in sample.truth_nuclides
                )
            )
            sizes.append(len(named))
            parents.append(sample.parent)
    if len(holds) < MIN_TRIALS:
        return []
    found = conformal_coverage(holds, sizes, parents, nominal=NOMINAL)
    return [
        figure_of(
            found.coverage,
            section=SECTION.id,
            metric="nuclides: truth within the prediction set",
            detector=name,
            note=f"against {NOMINAL:g} promised: {found.verdict}",
        ),
        estimated(
            found.mean_size,
            section=SECTION.id,
            metric="nuclides: labels in a prediction set",
            detector=name,
            unit="labels",
            better="lower",
        ),
    ]
