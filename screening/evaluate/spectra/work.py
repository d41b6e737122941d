"""What one job of the bench does: simulate some parents, ask every detector, and hand back the answers."""

from __future__ import annotations

import time
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np

from screening.config import Settings
from screening.errors import ConfigurationError, ScreeningError
from screening.evaluate.detectors import DetectorUnderTest, PipelineDetector, load_detectors
from screening.evaluate.detectors.checks import checked_answer, described, storable
from screening.evaluate.detectors.identification import PeakMatchDetector, TemplateFitDetector
from screening.evaluate.identification import load_correspondence
from screening.records import ReasonCode, Scan

from .oracle import likelihood_ratios, ranked, shape_ratios
from .parents import Parent, draw_sample, make_parent, other_sources
from .plan import BenchPlan, parent_plans

__all__ = [
    "DEFAULT_DETECTORS",
    "ORACLES",
    "ParentResult",
    "Reply",
    "ask",
    "detectors_of",
    "library_of",
    "run_parents",
]

#: Built-in detectors that identify; they are tested where none is named.
DEFAULT_DETECTORS: tuple[str, ...] = (
    PipelineDetector.name,
    PeakMatchDetector.name,
    TemplateFitDetector.name,
)

#: The oracles: whether each knows the scale of the background.
ORACLES: dict[str, bool] = {"oracle": True, "oracle-shape": False}

_OWN: dict[str, Any] = {
    kind.name: kind for kind in (PipelineDetector, PeakMatchDetector, TemplateFitDetector)
}


class Reply(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a detector said of one spectrum.

    Attributes
    ----------
    detector : str
        Its name.
    level : int
        Which level of the parent.
    nuclides : tuple of str or None
        As it answered; None where it gave no answer at all.
    confidences : dict of str to float
        Where it stated any.
    codes : tuple of str
        Its reason codes.
    error : str
        What went wrong, if it failed.
    elapsed_s : float
        How long it took.
    """

    detector: str
    level: int
    nuclides: tuple[str, ...] | None = None
    confidences: dict[str, float] = {}
    codes: tuple[str, ...] = ()
    error: str = ""
    elapsed_s: float = 0.0


class ParentResult(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that was asked of one parent.

    Attributes
    ----------
    number : int
        Of the parent.
    replies : tuple of Reply
        By level, then detector.
    ranked : dict of str to tuple of tuple of (str, float)
        What each oracle would name at each level, with likelihood ratios.
    null : dict of str to tuple of float
        Largest likelihood ratios of spectra of the same background without a source, by oracle.
    scan_ids : tuple of str
        Of the spectra, by level: hashes of their counts.
    """

    number: int
    replies: tuple[Reply, ...]
    ranked: dict[str, tuple[tuple[tuple[str, float], ...], ...]]
    null: dict[str, tuple[float, ...]]
    scan_ids: tuple[str, ...]


def detectors_of(names: list[str] | None, settings: Settings) -> list[DetectorUnderTest]:
    """Return the detectors of a bench.

    Parameters
    ----------
    names : list of str or None
        Registered names; None for the built-in ones that identify.
    settings : Settings
        Handed to each.

    Returns
    -------
    list of DetectorUnderTest
        In the order of the names.

    Raises
    ------
    ConfigurationError
        If a name is given twice or not registered.
    """
    wanted = list(DEFAULT_DETECTORS) if names is None else names
    if len(set(wanted)) != len(wanted) or not wanted:
        raise ConfigurationError(f"detectors must be named, each once, got {wanted}", value=wanted)
    found: list[DetectorUnderTest] = []
    for name in wanted:
        found += [_OWN[name](settings)] if name in _OWN else load_detectors([name], settings)
    return found


def library_of(plan: BenchPlan) -> tuple[str, ...]:
    """Return the labels that the oracle chooses among: every source of the bench.

    Parameters
    ----------
    plan : BenchPlan
        The plan.

    Returns
    -------
    tuple of str
        Sorted.
    """
    return tuple(
        sorted({one for labels in plan.labels.values() for name in labels for one in name.split("+")})
    )


def ask(detector: DetectorUnderTest, scan: Scan, level: int) -> Reply:
    """Return what a detector says of a scan; whatever goes wrong is an answer too.

    Parameters
    ----------
    detector : DetectorUnderTest
        Any.
    scan : Scan
        A static spectrum.
    level : int
        Noted in the reply.

    Returns
    -------
    Reply
        The answer.
    """
    began = time.perf_counter()
    try:
        answer, fault = checked_answer(detector.answer(scan), scan)
    except (Exception, SystemExit, GeneratorExit) as error:  # the others are still measured
        code = error.reason if isinstance(error, ScreeningError) else ReasonCode.MODEL_ERROR.value
        return Reply(detector=detector.name, level=level, codes=(code,), error=described(error))
    if answer is None:
        return Reply(detector=detector.name, level=level, error="it does not serve spectra")
    if fault is not None and not fault.is_answer_kept:
        text = storable(f"{fault.kind}: {fault.text}")
        return Reply(detector=detector.name, level=level, codes=answer.codes, error=text)
    return Reply(
        detector=detector.name,
        level=level,
        nuclides=answer.nuclides,
        confidences=answer.confidences or {},
        codes=answer.codes,
        elapsed_s=time.perf_counter() - began,
    )


def run_parents(
    numbers: list[int], plan: dict[str, Any], detectors: list[str] | None, settings: dict[str, Any], seed: int
) -> bytes:
    """Simulate parents and ask every detector. What a worker process does.

    Parameters
    ----------
    numbers : list of int
        Which parents.
    plan : dict
        A :class:`BenchPlan` as plain values.
    detectors : list of str or None
        Their names.
    settings : dict
        Settings as plain values.
    seed : int
        Of the bench.

    Returns
    -------
    bytes
        A JSON list of :class:`ParentResult`.
    """
    bench = msgspec.convert(plan, BenchPlan)
    tested = _tested(None if detectors is None else tuple(detectors), msgspec.json.encode(settings))
    plans = {one.number: one for one in parent_plans(bench)}
    library = library_of(bench)
    return msgspec.json.encode(
        [_asked(make_parent(plans[number], seed), tested, library, bench) for number in numbers]
    )


@lru_cache(maxsize=2)
def _tested(names: tuple[str, ...] | None, settings: bytes) -> list[DetectorUnderTest]:
    """Return the detectors of one process, built once: a model takes longer to load than to ask."""
    chosen = msgspec.json.decode(settings, type=Settings)
    return detectors_of(None if names is None else list(names), chosen)


def _asked(
    parent: Parent, tested: list[DetectorUnderTest], library: tuple[str, ...], bench: BenchPlan
) -> ParentResult:
    replies, scan_ids = [], []
    order: dict[str, list[tuple[tuple[str, float], ...]]] = {name: [] for name in ORACLES}
    others = other_sources(parent, library)
    for level in range(len(parent.plan.levels)):
        sample = draw_sample(parent, level)
        scan_ids.append(sample.scan.identity.scan_id)
        replies += [ask(detector, sample.scan, level) for detector in tested]
        templates = others.copy()
        for name, part in zip(parent.plan.truth, sample.parts, strict=True):
            templates[library.index(name)] = part
        for name, is_known in ORACLES.items():
            found = ranked(sample.counts, sample.background, templates, library, is_scale_known=is_known)
            order[name].append(tuple(found))
    return ParentResult(
        number=parent.plan.number,
        replies=tuple(replies),
        ranked={name: tuple(found) for name, found in order.items()},
        null=_null(parent, others, library, bench),
        scan_ids=tuple(scan_ids),
    )


def _null(
    parent: Parent, others: np.ndarray[Any, np.dtype[np.float64]], library: tuple[str, ...], bench: BenchPlan
) -> dict[str, tuple[float, ...]]:
    """Return the oracles' largest ratios on the background alone, at the counts of the background levels."""
    harmless = set(load_correspondence().always_allowed)
    counted = [k for k, name in enumerate(library) if name not in harmless]
    rng = np.random.default_rng(parent.draws.spawn(1)[0])
    found: dict[str, list[float]] = {name: [] for name in ORACLES}
    for draw in range(bench.n_null):
        expected = parent.background * bench.background_counts[draw % len(bench.background_counts)]
        counts = rng.poisson(expected).astype(np.float64)
        for name, is_known in ORACLES.items():
            ratios = likelihood_ratios if is_known else shape_ratios
            found[name].append(float(ratios(counts, expected, others[counted])[0].max(initial=0.0)))
    return {name: tuple(values) for name, values in found.items()}
