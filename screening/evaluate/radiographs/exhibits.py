"""Failures to look at: threats that were missed and false alarms, as small pictures with boxes."""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from screening.evaluate.record import Box, Exhibit, PictureView
from screening.radiography.planes import correct_plane, most_penetrating
from screening.records import Radiograph, Scan

from .rows import AnswerRow, PictureRow, TruthRow
from .scored import SECTION, Scored
from .threat_scenes import one_picture

__all__ = ["HEIGHT_PX", "exhibits_of", "grey_png", "rendering"]

#: Highest picture, and widest, pixels.
HEIGHT_PX, WIDTH_PX = 300, 900

#: Exhibits of each kind for one detector.
N_MISSED, N_FALSE = 6, 6

#: -ln T that is drawn black, and grey levels: more would only store noise.
DARKEST, GREYS = 6.5, 64

#: Most false alarms drawn on one picture.
BOXES_DRAWN = 5


def exhibits_of(scored: list[Scored], *, seed: int, n_projected: int, n_each: int) -> list[Exhibit]:
    """Return failures of every detector, the plainest first.

    Parameters
    ----------
    scored : list of Scored
        Detectors with their matches.
    seed : int
        Of the bench: pictures are made again.
    n_projected : int
        Pictures with a projected threat of each scene.
    n_each : int
        Most of each kind for a detector.

    Returns
    -------
    list of Exhibit
        Missed threats with the highest areal density, and clean pictures with the highest scores; no scene
        twice for one detector and kind.
    """
    found: list[Exhibit] = []
    for one in scored:
        found += [
            _missed(one, *pair, seed, n_projected) for pair in _worst_missed(one, min(n_each, N_MISSED))
        ]
        found += [_false(one, *pair, seed, n_projected) for pair in _worst_false(one, min(n_each, N_FALSE))]
    return found


def rendering(scan: Scan) -> tuple[bytes, int]:
    """Return a picture for people.

    Parameters
    ----------
    scan : Scan
        A radiograph.

    Returns
    -------
    png : bytes
        Grey levels of -ln T of the most penetrating energy, black at 6.5; pixels that do not measure white.
    step : int
        By how much it was reduced.
    """
    payload = scan.payload
    if not isinstance(payload, Radiograph):
        raise TypeError(f"a radiograph was expected, got {scan.modality}")
    plane = correct_plane(payload, most_penetrating(payload.energies))
    neg_log = np.where(plane.is_live, np.clip(plane.neg_log, 0.0, DARKEST), 0.0)
    n_row, n_column = neg_log.shape
    step = max(-(-n_row // HEIGHT_PX), -(-n_column // WIDTH_PX), 1)
    rows, columns = n_row // step, n_column // step
    mean = neg_log[: rows * step, : columns * step].reshape(rows, step, columns, step).mean(axis=(1, 3))
    level = np.rint((GREYS - 1) * (1.0 - np.sqrt(mean / DARKEST)))
    grey = np.rint(level * (255.0 / (GREYS - 1))).astype(np.uint8)
    return grey_png(grey), step


def grey_png(levels: NDArray[np.uint8]) -> bytes:
    """Return grey levels as PNG (ISO/IEC 15948).

    Parameters
    ----------
    levels : ndarray of shape (n_row, n_column), uint8
        0 is black.

    Returns
    -------
    bytes
        The file.
    """
    n_row, n_column = levels.shape
    lines = np.zeros((n_row, n_column + 1), dtype=np.uint8)  # each line begins with its filter: none
    lines[:, 1:] = levels
    head = struct.pack(">IIBBBBB", n_column, n_row, 8, 0, 0, 0, 0)
    parts = ((b"IHDR", head), (b"IDAT", zlib.compress(lines.tobytes(), 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in parts
    )


@lru_cache(maxsize=64)
def _rendered(seed: int, split: str, index: int, variant: str, n_projected: int) -> tuple[bytes, int]:
    return rendering(one_picture(seed, split, index, variant, n_projected))


def _worst_missed(one: Scored, n: int) -> list[tuple[PictureRow, AnswerRow]]:
    cases = []
    for row, answer in one.test_rows:
        if answer.match is None or not row.truths:
            continue
        missed = [
            truth.contrast_g_cm2
            for truth, score in zip(row.truths, answer.match["truth_score"], strict=True)
            if truth.visible >= 0.5 and not score >= one.threshold
        ]
        if missed:
            cases.append((max(missed), row, answer))
    return _one_a_scene(cases, n)


def _worst_false(one: Scored, n: int) -> list[tuple[PictureRow, AnswerRow]]:
    cases = [
        (max(answer.match["score"]), row, answer)
        for row, answer in one.test_rows
        if answer.match is not None
        and not row.truths
        and answer.match["score"]
        and max(answer.match["score"]) >= one.threshold
    ]
    return _one_a_scene(cases, n)


def _one_a_scene(
    cases: list[tuple[float, PictureRow, AnswerRow]], n: int
) -> list[tuple[PictureRow, AnswerRow]]:
    chosen: dict[str, tuple[PictureRow, AnswerRow]] = {}
    for _, row, answer in sorted(cases, key=lambda case: (-case[0], case[1].sample)):
        chosen.setdefault(row.scene, (row, answer))
        if len(chosen) == n:
            break
    return list(chosen.values())


def _boxes(one: Scored, row: PictureRow, answer: AnswerRow, step: int) -> tuple[Box, ...]:
    kept = answer.match
    if kept is None:
        return ()
    drawn = []
    for truth, score in zip(row.truths, kept["truth_score"], strict=True):
        hit = score >= one.threshold
        drawn.append(_box(truth, "truth" if hit else "missed", truth.label, step))
    for row0, col0, row1, col1, index in kept.boxes[:BOXES_DRAWN]:
        score = kept["score"][index]
        if score < one.threshold:
            continue
        kind = {0: "false alarm", 1: "hit"}.get(int(kept["outcome"][index]), "ignored")
        drawn.append(
            Box(
                row0=row0 / step,
                col0=col0 / step,
                row1=row1 / step,
                col1=col1 / step,
                kind=kind,  # type: ignore[arg-type]
                label=f"{score:.3g}",
            )
        )
    return tuple(drawn)


def _box(truth: TruthRow, kind: str, label: str, step: int) -> Box:
    return Box(
        row0=truth.row0 / step,
        col0=truth.col0 / step,
        row1=truth.row1 / step,
        col1=truth.col1 / step,
        kind=kind,  # type: ignore[arg-type]
        label=label,
    )


def _exhibit(
    one: Scored, row: PictureRow, answer: AnswerRow, seed: int, n_projected: int, title: str, text: str
) -> Exhibit:
    split, number, variant = row.sample.split("-", 2)
    png, step = _rendered(seed, split, int(number), variant, n_projected)
    return Exhibit(
        section=SECTION,
        detector=one.name,
        sample=row.sample,
        title=title,
        text=text,
        picture=PictureView(png=png, boxes=_boxes(one, row, answer, step)),
    )


def _about(row: PictureRow) -> str:
    return f"Scanner {row.strata['scanner']}, cargo {row.strata['cargo']}, picture {row.variant}."


def _missed(one: Scored, row: PictureRow, answer: AnswerRow, seed: int, n_projected: int) -> Exhibit:
    worst = max(
        (truth for truth in row.truths if truth.visible >= 0.5), key=lambda truth: truth.contrast_g_cm2
    )
    text = (
        f"{worst.label}: {worst.mass_kg:.3g} kg, {worst.n_pixel} pixels, peak "
        f"{worst.contrast_g_cm2:.3g} g/cm2 behind "
        f"{worst.background_g_cm2:.3g} g/cm2. {_about(row)}"
    )
    if worst.d_prime is not None:
        text += f" Matched filter: d' = {worst.d_prime:.0f}."
    if answer.level:
        text += f" The detector said {', '.join((answer.level, *answer.codes))}."
    return _exhibit(one, row, answer, seed, n_projected, f"missed: {worst.label}", text)


def _false(one: Scored, row: PictureRow, answer: AnswerRow, seed: int, n_projected: int) -> Exhibit:
    score = max(answer.match["score"]) if answer.match is not None else float("nan")
    n_above = sum(value >= one.threshold for value in (answer.match["score"] if answer.match else ()))
    text = f"{n_above} candidates above the threshold of {one.threshold:.3g}, the highest {score:.3g}. "
    text += _about(row)
    return _exhibit(one, row, answer, seed, n_projected, "false alarm on a picture without a threat", text)
