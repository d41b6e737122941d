"""Failures of a labelled data set to look at: the spectrum or the picture, with what was said of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.errors import ScreeningError
from screening.records import Level, Occupancy, Radiograph, Scan

from .answering import ScanReader
from .answers import Answers, StoredAnswer
from .identification import Correspondence, Verdict, load_correspondence, score
from .metrics.matching import Outcome
from .record import Box, Exhibit, PictureView, SpectrumView
from .scoring import Answered
from .scoring.alarms import is_nuisance
from .scoring.localisation import matched

__all__ = ["failures_of", "spectrum_of"]

#: Exhibits of one kind of failure, and of all kinds, for one detector.
N_OF_KIND, N_OF_DETECTOR = 2, 8
N_BINS = 256
TOP_KEV = 3000.0
MAX_BOXES = 6


class _Kind(NamedTuple):
    section: str
    title: str
    is_failure: Callable[[StoredAnswer, Correspondence], bool]


def failures_of(
    answers: Answers, root: str | Path, *, table: Correspondence | None = None
) -> tuple[Exhibit, ...]:
    """Return some failures of each detector, the gravest kinds first.

    Parameters
    ----------
    answers : Answers
        The answers.
    root : path-like
        Folder of the data set; a sample whose scan cannot be read is shown without.
    table : Correspondence, optional
        What answers for what; the shipped one when omitted.

    Returns
    -------
    tuple of Exhibit
        At most two of one kind and eight of one detector, no parent twice.
    """
    rules = table or load_correspondence()
    reader = ScanReader(root)
    shown = []
    for detector in answers.header.detectors:
        rows = [row for row in answers.rows if row.detector == detector.name and row.answer is not None]
        seen: set[str] = set()
        for kind in _KINDS:
            chosen = [row for row in rows if kind.is_failure(row, rules) and row.sample.parent not in seen]
            for row in chosen[: min(N_OF_KIND, N_OF_DETECTOR - len(seen))]:
                seen.add(row.sample.parent)
                shown.append(_exhibit(row, kind, reader))
    return tuple(shown)


def spectrum_of(payload: Occupancy) -> SpectrumView | None:
    """Return the sum of a pass over its panels, with the background beside it.

    Parameters
    ----------
    payload : Occupancy
        The pass.

    Returns
    -------
    SpectrumView or None
        On one axis of energy up to 3 MeV; None without calibrated spectra.
    """
    if payload.spectra is None or payload.energy_edges_kev is None:
        return None
    edges = np.linspace(0.0, TOP_KEV, N_BINS + 1)
    counts = _on_axis(payload.spectra.sum(axis=0, dtype=np.float64), payload.energy_edges_kev, edges)
    background, model = payload.background, np.zeros(0)
    if background is not None and background.spectra is not None and background.energy_edges_kev is not None:
        scale = float(payload.interval_s.sum()) / background.live_time_s
        model = scale * _on_axis(background.spectra, background.energy_edges_kev, edges)
    return SpectrumView(
        energy_kev=tuple(edges.tolist()),
        counts=tuple(np.round(counts, 3).tolist()),
        model=tuple(np.round(model, 3).tolist()),
        model_name="background, same time" if model.size else "",
    )


def _on_axis(
    spectra: NDArray[np.float64], own: NDArray[np.float64], edges: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the sum of panels on one axis: counts are spread evenly over each channel."""
    total = np.zeros(edges.size - 1)
    for panel_edges, panel in zip(own, spectra, strict=True):
        running = np.concatenate([[0.0], np.cumsum(panel)])
        total += np.diff(np.interp(edges, panel_edges, running))
    return total


def _exhibit(row: StoredAnswer, kind: _Kind, reader: ScanReader) -> Exhibit:
    scan, _ = reader.read(row.sample)
    spectrum, picture, note = None, None, ""
    if isinstance(scan, ScreeningError):
        note = f"; the scan cannot be shown: {scan}"
    elif isinstance(scan.payload, Occupancy):
        spectrum = spectrum_of(scan.payload)
        note = "" if spectrum else "; the scan holds no calibrated spectrum"
    elif isinstance(scan.payload, Radiograph):
        picture = _picture(row, scan)
    return Exhibit(
        section=kind.section,
        detector=row.detector,
        sample=row.sample.id,
        title=f"{kind.title}: {row.sample.id}",
        text=f"{_truth(row)}; said: {_said(row)}{note}",
        spectrum=spectrum,
        picture=picture,
    )


def _picture(row: StoredAnswer, scan: Scan) -> PictureView:
    from .radiographs.exhibits import rendering

    png, step = rendering(scan)
    return PictureView(png=png, boxes=tuple(_boxes(row, step)))


def _boxes(row: StoredAnswer, step: int) -> list[Box]:
    answer = row.answer
    candidates = () if answer is None else answer.candidates or ()
    kinds = ["ignored"] * len(candidates)
    drawn = []
    if row.sample.boxes is not None and answer is not None:
        (found,) = matched([Answered(row.sample, answer)])
        names = {Outcome.FALSE_ALARM: "false alarm", Outcome.HIT: "hit"}
        kinds = [names.get(Outcome(int(outcome)), "ignored") for outcome in found.outcome]
        for truth, best in zip(found.truths, found.truth_score.tolist(), strict=True):
            drawn.append(_box(truth, "truth" if best > -np.inf else "missed", truth.kind, step))
    order = sorted(range(len(candidates)), key=lambda i: -candidates[i].score)[:MAX_BOXES]
    drawn += [_box(candidates[i], kinds[i], f"{candidates[i].score:.3g}", step) for i in order]
    return drawn


def _box(place: object, kind: str, label: str, step: int) -> Box:
    corners = {name: getattr(place, name) / step for name in ("row0", "col0", "row1", "col1")}
    return Box(**corners, kind=kind, label=label)  # type: ignore[arg-type]


def _truth(row: StoredAnswer) -> str:
    sample = row.sample
    known = [f"level {sample.level.value}"] if sample.level is not None else []
    if sample.truth_nuclides is not None:
        known.append("; ".join(sample.truth_nuclides) or "no source")
    known += [
        word if value else f"not {word}"
        for word, value in (
            ("empty", sample.is_empty),
            ("dense", sample.has_dense),
            ("shielded", sample.is_shielded),
        )
        if value is not None
    ]
    if sample.has_threat is not None:
        known.append("a threat" if sample.has_threat else "no threat")
    return f"truth: {', '.join(known) or 'not known'}"


def _said(row: StoredAnswer) -> str:
    answer = row.answer
    if answer is None:
        return "nothing"
    words = [answer.level.value]
    if answer.alarm is not None:
        words.append("alarm" if answer.alarm else "no alarm")
    if answer.nuclides:
        words.append(" + ".join(answer.nuclides))
    if answer.is_loaded is not None:
        words.append("loaded" if answer.is_loaded else "empty")
    words += answer.codes
    if row.failure is not None:
        words.append(f"{row.failure.kind}: {row.failure.text}")
    return ", ".join(words)


def _is_low(row: StoredAnswer, table: Correspondence) -> bool:
    del table
    return (
        row.sample.level not in (None, Level.LOW) and row.answer is not None and row.answer.level is Level.LOW
    )


def _is_missed_source(row: StoredAnswer, table: Correspondence) -> bool:
    sample, answer = row.sample, row.answer
    return bool(
        answer is not None
        and sample.modality == "radiation"
        and sample.has_source
        and not is_nuisance(sample, table)
        and answer.alarm is False
    )


def _is_false_alarm(row: StoredAnswer, table: Correspondence) -> bool:
    del table
    return row.sample.has_source is False and row.answer is not None and row.answer.alarm is True


def _is_verdict(wanted: Verdict) -> Callable[[StoredAnswer, Correspondence], bool]:
    def _found(row: StoredAnswer, table: Correspondence) -> bool:
        truth, answer = row.sample.truth_nuclides, row.answer
        if truth is None or answer is None or answer.nuclides is None or not row.has_spectra:
            return False
        return score(answer.nuclides, truth, table).verdict is wanted

    return _found


def _is_load_wrong(row: StoredAnswer, table: Correspondence) -> bool:
    del table
    sample, answer = row.sample, row.answer
    return bool(
        answer is not None
        and sample.is_empty is not None
        and answer.is_loaded is not None
        and answer.is_loaded == sample.is_empty
    )


def _is_object_missed(row: StoredAnswer, table: Correspondence) -> bool:
    del table
    if not row.sample.boxes or row.answer is None or row.answer.candidates is None:
        return False
    (found,) = matched([Answered(row.sample, row.answer)])
    return any(
        not truth.is_hidden and best == -np.inf
        for truth, best in zip(found.truths, found.truth_score.tolist(), strict=True)
    )


_KINDS: Sequence[_Kind] = (
    _Kind("levels", "LOW where it must not be", _is_low),
    _Kind("alarms", "a source without an alarm", _is_missed_source),
    _Kind("alarms", "an alarm without a load", _is_false_alarm),
    _Kind("identification", "wrong nuclides", _is_verdict(Verdict.WRONG)),
    _Kind("identification", "nuclides missed", _is_verdict(Verdict.MISSED)),
    _Kind("loaded", "loaded and empty confused", _is_load_wrong),
    _Kind("localisation", "an object missed", _is_object_missed),
)
