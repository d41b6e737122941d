"""What a job of the bench hands back: pictures with the answers to them, small enough to keep."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np

from screening.config import Settings
from screening.evaluate.detectors import Candidate, DetectorAnswer, DetectorUnderTest, load_detectors
from screening.evaluate.detectors.checks import checked_answer, described, storable
from screening.evaluate.metrics.matching import Boxed, PictureMatch, Truth, match
from screening.records import Scan

__all__ = [
    "AnswerRow",
    "MatchRow",
    "PictureRow",
    "TruthRow",
    "answers_of",
    "detectors_named",
    "matched",
    "restored",
]

#: Candidates of one picture whose boxes are kept, the highest scores first.
BOXES_KEPT = 60


class TruthRow(msgspec.Struct, frozen=True, kw_only=True):
    """An object on a picture.

    Attributes
    ----------
    row0, col0, row1, col1 : int
        Its box, half-open, pixels.
    label, kind : str
        What it is, and its family.
    visible : float
        Share of it before which nothing opaque stands.
    contrast_g_cm2, background_g_cm2, mass_kg : float
        Peak areal density, mean areal density of the rest there, mass within the picture.
    n_pixel : int
        Pixels it holds.
    d_prime : float or None
        Detectability by the matched filter; None where it was not computed.
    """

    row0: int
    col0: int
    row1: int
    col1: int
    label: str
    kind: str
    visible: float
    contrast_g_cm2: float
    background_g_cm2: float
    mass_kg: float
    n_pixel: int
    d_prime: float | None = None


class MatchRow(msgspec.Struct, frozen=True, kw_only=True):
    """A match of candidates and truths, as plain values.

    Attributes
    ----------
    arrays : dict of str to tuple of str and list
        Every array of a ``PictureMatch`` by its name: dtype and values.
    boxes : tuple of tuple
        Of the candidates with the highest scores: row0, col0, row1, col1, index of the candidate.
    """

    arrays: dict[str, tuple[str, list[Any]]]
    boxes: tuple[tuple[int, int, int, int, int], ...] = ()

    def __getitem__(self, name: str) -> list[Any]:
        return self.arrays[name][1]


class AnswerRow(msgspec.Struct, frozen=True, kw_only=True):
    """One detector's answer to one picture.

    Attributes
    ----------
    detector : str
        Whose.
    ms : float
        How long it took.
    level : str
        Its level; "" if it failed or does not serve pictures.
    codes : tuple of str
        Reason codes.
    error : str
        One line if it failed.
    serves : bool
        Whether it answers pictures at all.
    points : bool
        Whether it names places.
    load_score, is_loaded, is_shielded, has_dense : float or bool or None
        As in its answer.
    match : MatchRow or None
        Its candidates against the truths.
    """

    detector: str
    ms: float
    level: str = ""
    codes: tuple[str, ...] = ()
    error: str = ""
    serves: bool = True
    points: bool = False
    load_score: float | None = None
    is_loaded: bool | None = None
    is_shielded: bool | None = None
    has_dense: bool | None = None
    match: MatchRow | None = None


class PictureRow(msgspec.Struct, frozen=True, kw_only=True):
    """A picture with all answers to it.

    Attributes
    ----------
    sample, scene : str
        Its name, and that of what it was made from.
    variant : str
        "with", "without", "lookalike" or "projected".
    strata : dict of str to str
        Scanner family, cargo family.
    truths : tuple of TruthRow
        Threats; of a look-alike picture the look-alike.
    answers : tuple of AnswerRow
        One per detector.
    n_mpx : float
        Pixels, millions.
    """

    sample: str
    scene: str
    variant: str
    strata: dict[str, str] = {}
    truths: tuple[TruthRow, ...] = ()
    answers: tuple[AnswerRow, ...] = ()
    n_mpx: float = 0.0


@lru_cache(maxsize=4)
def detectors_named(names: tuple[str, ...], settings: str) -> tuple[DetectorUnderTest, ...]:
    """Build detectors once in a process.

    Parameters
    ----------
    names : tuple of str
        Registered names.
    settings : str
        Settings as JSON.

    Returns
    -------
    tuple of DetectorUnderTest
        In the order of the names.
    """
    return tuple(load_detectors(list(names), msgspec.json.decode(settings, type=Settings)))


def answers_of(
    detectors: Sequence[DetectorUnderTest], names: Sequence[str], scan: Scan
) -> list[tuple[AnswerRow, tuple[Candidate, ...]]]:
    """Ask every detector about a scan; one that fails is a result.

    Parameters
    ----------
    detectors : sequence of DetectorUnderTest
        Detectors.
    names : sequence of str
        Under which they are reported.
    scan : Scan
        The scan.

    Returns
    -------
    list of tuple of AnswerRow and tuple of Candidate
        One per detector; candidates are empty where it points at nothing.
    """
    found: list[tuple[AnswerRow, tuple[Candidate, ...]]] = []
    for name, detector in zip(names, detectors, strict=True):
        start = time.perf_counter()
        answer: DetectorAnswer | None = None
        error = ""
        try:
            answer, fault = checked_answer(detector.answer(scan), scan)
            if fault is not None and not fault.is_answer_kept:
                answer, error = None, storable(f"{fault.kind}: {fault.text}")
        except (Exception, SystemExit, GeneratorExit) as failure:
            error = described(failure)
        ms = 1000.0 * (time.perf_counter() - start)
        if answer is None:
            found.append((AnswerRow(detector=name, ms=ms, error=error, serves=bool(error)), ()))
            continue
        places = answer.candidates
        row = AnswerRow(
            detector=name,
            ms=ms,
            level=answer.level.value,
            codes=tuple(str(code) for code in answer.codes),
            error=error,
            points=places is not None,
            load_score=answer.load_score,
            is_loaded=answer.is_loaded,
            is_shielded=answer.is_shielded,
            has_dense=answer.has_dense,
        )
        found.append((row, places or ()))
    return found


def matched(
    row: AnswerRow,
    candidates: tuple[Candidate, ...],
    truths: Sequence[Truth],
    *,
    containers: Sequence[Boxed],
    opaque: Sequence[Boxed] = (),
) -> AnswerRow:
    """Set an answer's candidates against the truths.

    Parameters
    ----------
    row : AnswerRow
        The answer.
    candidates : tuple of Candidate
        Its candidates.
    truths : sequence of Truth
        What is there, with masks.
    containers : sequence of Boxed
        True hulls.
    opaque : sequence of Boxed
        Regions that gate.

    Returns
    -------
    AnswerRow
        With the match.
    """
    valid = tuple(one for one in candidates if one.row1 > one.row0 and one.col1 > one.col0)
    found = match(valid, truths, containers=containers, opaque=opaque, by_kind=False)
    best = np.argsort(-found.score, kind="stable")[:BOXES_KEPT]
    kept = MatchRow(
        arrays={
            name: (str(array.dtype), array.tolist())
            for name, array in msgspec.structs.asdict(found).items()
            if isinstance(array, np.ndarray)
        },
        boxes=tuple((valid[i].row0, valid[i].col0, valid[i].row1, valid[i].col1, int(i)) for i in best),
    )
    error = row.error or ("" if len(valid) == len(candidates) else "a candidate has an empty box")
    return msgspec.structs.replace(row, match=kept, error=error)


def restored(picture: PictureRow, answer: AnswerRow) -> PictureMatch:
    """Return a match as the metrics take it, masks left behind.

    Parameters
    ----------
    picture : PictureRow
        The picture.
    answer : AnswerRow
        An answer to it, with its match.

    Returns
    -------
    PictureMatch
        The match.

    Raises
    ------
    ValueError
        If the answer was not matched.
    """
    kept = answer.match
    if kept is None:
        raise ValueError(f"{answer.detector} was not matched on {picture.sample}")
    truths = tuple(
        Truth(
            row0=one.row0,
            col0=one.col0,
            row1=one.row1,
            col1=one.col1,
            kind=one.kind,
            visible=one.visible,
            contrast_g_cm2=one.contrast_g_cm2,
            background_g_cm2=one.background_g_cm2,
            mass_kg=one.mass_kg,
        )
        for one in picture.truths
    )
    arrays: dict[str, Any] = {name: np.array(values, dtype) for name, (dtype, values) in kept.arrays.items()}
    return PictureMatch(scene=picture.scene, truths=truths, strata=dict(picture.strata), **arrays)
