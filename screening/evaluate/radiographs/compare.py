"""Detectors against each other, on the same pictures and the same containers."""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from screening.evaluate.metrics.comparison import Paired, holm, paired_bootstrap, paired_shares, verdict
from screening.evaluate.metrics.froc import CONTAINER_FPR, container_scores, detected, pool
from screening.evaluate.record import Comparison

from .asking import SECTION as EMPTIES
from .asking import Asked
from .empty_scenes import EmptyRow
from .rows import restored
from .scored import SECTION as THREATS
from .scored import Scored

__all__ = ["compare_empties", "compare_threats"]


def compare_threats(scored: list[Scored], *, seed: int) -> list[Comparison]:
    """Compare detectors of threats in pairs.

    Parameters
    ----------
    scored : list of Scored
        Detectors, on the same pictures.
    seed : int
        Of the bootstrap over scenes.

    Returns
    -------
    list of Comparison
        Threats found at each one's validated threshold, and the area under the curve over containers;
        corrected (Holm) within each metric.
    """
    shares, areas = [], []
    for first, second in combinations(scored, 2):
        a, b = _common(first, second)
        seen = ~a.test.truth_is_hidden
        scenes = np.array(a.test.truth_scene)[seen]
        found = [detected(one.test, one.threshold)[seen] for one in (a, b)]
        shares.append((a.name, b.name, paired_shares(found[0], found[1], scenes.tolist(), seed=seed), True))
        areas.append((a.name, b.name, _areas(a, b, seed), True))
    percent = f"{100 * CONTAINER_FPR:g} %"
    return [
        *_compared(
            THREATS, f"threats found, each at its threshold for {percent}", "difference of shares", shares
        ),
        *_compared(THREATS, "area over containers", "difference of areas", areas),
    ]


def compare_empties(
    asked: list[Asked], test: list[EmptyRow], loads: list[EmptyRow], *, seed: int
) -> list[Comparison]:
    """Compare detectors of loads in pairs.

    Parameters
    ----------
    asked : list of Asked
        Detectors with their calls.
    test, loads : list of EmptyRow
        Empties with their hidden loads, and ordinary loads.
    seed : int
        Of the bootstrap over containers.

    Returns
    -------
    list of Comparison
        Hidden loads found, ordinary loads found, empties without residue that alarm; corrected within each
        metric.
    """
    hidden = [(row.sample, one) for row in test for one in row.hidden if one.d_prime is not None]
    parents = [name for name, _ in hidden]
    swept = [row for row in test if not row.has_residue]
    rows: dict[str, list[tuple[str, str, Paired, bool]]] = {
        "hidden loads found": [],
        "ordinary loads found": [],
        "swept empties that alarm": [],
    }
    for a, b in combinations(asked, 2):
        found = [[one.call(h.answers) is True for _, h in hidden] for one in (a, b)]
        pair = paired_shares(found[0], found[1], parents, seed=seed)
        rows["hidden loads found"].append((a.name, b.name, pair, True))
        for metric, chosen, better in (
            ("ordinary loads found", loads, True),
            ("swept empties that alarm", swept, False),
        ):
            calls = [[one.call(row.answers) is True for row in chosen] for one in (a, b)]
            rows[metric].append((a.name, b.name, paired_shares(calls[0], calls[1]), better))
    return [
        one
        for metric, family in rows.items()
        for one in _compared(EMPTIES, metric, "difference of shares", family)
    ]


def _common(a: Scored, b: Scored) -> tuple[Scored, Scored]:
    """Return two detectors on the pictures that both serve."""
    shared = {row.sample for row, _ in a.test_rows} & {row.sample for row, _ in b.test_rows}
    both = []
    for one in (a, b):
        rows = [(row, answer) for row, answer in one.test_rows if row.sample in shared]
        both.append(one._replace(test=pool(restored(*pair) for pair in rows), test_rows=rows))
    return both[0], both[1]


def _areas(a: Scored, b: Scored, seed: int) -> Paired:
    """Compare areas over containers; all containers of a scene are drawn together."""
    scores, has_threat = zip(*(container_scores(one.test) for one in (a, b)), strict=True)
    positive = has_threat[0]
    if positive.all() or not positive.any():
        return Paired(effect=None, low=None, high=None, p=None, n=positive.size, test="none: one class alone")
    asked = a.test.container_state >= 0
    scene = a.test.picture_scene[a.test.container_picture[asked]]
    wins = [_wins(score[positive], score[~positive]) for score in scores]
    both = wins[0] - wins[1]

    def _difference(weight: NDArray[np.int64]) -> NDArray[np.float64]:
        with_threat, clean = weight[:, positive].astype(float), weight[:, ~positive].astype(float)
        total = with_threat.sum(axis=1) * clean.sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            difference: NDArray[np.float64] = ((with_threat @ both) * clean).sum(axis=1) / total
        return difference

    return paired_bootstrap(_difference, positive.size, scene, seed=seed)


def _wins(positive: NDArray[np.float64], negative: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return 1 where a positive scores above a negative, 0.5 where they tie."""
    above = (positive[:, None] > negative[None, :]).astype(np.float64)
    above += 0.5 * (positive[:, None] == negative[None, :])
    return above


def _compared(
    section: str, metric: str, effect_name: str, rows: list[tuple[str, str, Paired, bool]]
) -> list[Comparison]:
    corrected = holm([pair.p for _, _, pair, _ in rows])
    return [
        Comparison(
            section=section,
            metric=metric,
            a=a,
            b=b,
            effect=pair.effect,
            effect_name=effect_name,
            low=pair.low,
            high=pair.high,
            p=pair.p,
            p_holm=p,
            n=pair.n,
            test=pair.test.replace("parents", "scenes" if section == THREATS else "containers"),
            verdict=verdict(pair.effect, p, is_higher_better=better),
        )
        for (a, b, pair, better), p in zip(rows, corrected, strict=True)
    ]
