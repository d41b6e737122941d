"""The matches of many pictures as flat arrays, parts of them, and shares of the truths that are found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import msgspec
import numpy as np
from numpy.typing import NDArray

from .matching import Outcome, PictureMatch
from .proportions import Proportion, proportion

__all__ = ["Pooled", "detected", "detection_by", "hidden_covered", "pool", "select", "strata"]

#: Bands of contrast and of what lies around a truth, g/cm2.
CONTRAST_EDGES = (0.0, 10.0, 30.0, 100.0, np.inf)
BACKGROUND_EDGES = (0.0, 20.0, 60.0, 120.0, np.inf)


class Pooled(msgspec.Struct, frozen=True, kw_only=True):
    """Candidates, truths, pictures and containers of many pictures.

    Attributes
    ----------
    scenes : tuple of str
        Names of the scenes.
    picture_scene : ndarray of shape (n_picture,), int64
        Index of each picture's scene.
    picture_is_clean : ndarray of shape (n_picture,), bool
        Whether it holds no truth at all.
    picture_strata : dict of str to ndarray of shape (n_picture,), str
        "scanner", "cargo" and whatever else the matches name; "" where one does not.
    score : ndarray of shape (n_candidate,), float64
        Of candidates that are hits or false alarms; the others are gone.
    candidate_picture, candidate_truth : ndarray of shape (n_candidate,), int64
        Index of its picture, and of the truth it hit; -1 for a false alarm.
    truth_picture : ndarray of shape (n_truth,), int64
        Index of each truth's picture.
    truth_score : ndarray of shape (n_truth,), float64
        Score it was found with; -inf for a miss.
    truth_container : ndarray of shape (n_truth,), int64
        Index of the container it belongs to.
    truth_is_hidden, truth_is_covered : ndarray of shape (n_truth,), bool
        As in the matches.
    truth_kind : ndarray of shape (n_truth,), str
        Class.
    contrast_g_cm2, background_g_cm2, mass_kg : ndarray of shape (n_truth,), float64
        As in the truths.
    container_picture : ndarray of shape (n_container,), int64
        Index of each container's picture.
    container_score : ndarray of shape (n_container,), float64
        Highest score in it; -inf without a candidate.
    container_state : ndarray of shape (n_container,), int8
        1 with a threat that is asked for, 0 clean, -1 with other threats alone, such as hidden ones.
    """

    scenes: tuple[str, ...]
    picture_scene: NDArray[np.int64]
    picture_is_clean: NDArray[np.bool_]
    picture_strata: dict[str, NDArray[np.str_]]
    score: NDArray[np.float64]
    candidate_picture: NDArray[np.int64]
    candidate_truth: NDArray[np.int64]
    truth_picture: NDArray[np.int64]
    truth_score: NDArray[np.float64]
    truth_container: NDArray[np.int64]
    truth_is_hidden: NDArray[np.bool_]
    truth_is_covered: NDArray[np.bool_]
    truth_kind: NDArray[np.str_]
    contrast_g_cm2: NDArray[np.float64]
    background_g_cm2: NDArray[np.float64]
    mass_kg: NDArray[np.float64]
    container_picture: NDArray[np.int64]
    container_score: NDArray[np.float64]
    container_state: NDArray[np.int8]

    @property
    def truth_scene(self) -> list[str]:
        """Scene of each truth."""
        return [self.scenes[self.picture_scene[picture]] for picture in self.truth_picture]


def pool(matches: Iterable[PictureMatch]) -> Pooled:
    """Return the matches of many pictures as flat arrays.

    Parameters
    ----------
    matches : iterable of PictureMatch
        One of each picture, empty answers included: a picture without candidates counts as a picture.

    Returns
    -------
    Pooled
        The arrays.

    Raises
    ------
    ValueError
        If there is no picture, or one names no scene.
    """
    found = list(matches)
    if not found:
        raise ValueError("no pictures")
    if any(not item.scene for item in found):
        raise ValueError("every picture needs a scene: pictures of one scene are not independent")
    scenes = sorted({item.scene for item in found})
    index = {name: i for i, name in enumerate(scenes)}
    first_truth = np.cumsum([0, *(len(item.truths) for item in found)])
    first_container = np.cumsum([0, *(item.container_score.size for item in found)])
    counts = [np.isin(item.outcome, (Outcome.HIT, Outcome.FALSE_ALARM)) for item in found]
    truths = [truth for item in found for truth in item.truths]
    names = sorted({name for item in found for name in item.strata})

    def _spread(lengths: list[int]) -> NDArray[np.int64]:
        return np.repeat(np.arange(len(found), dtype=np.int64), lengths)

    return Pooled(
        scenes=tuple(scenes),
        picture_scene=np.array([index[item.scene] for item in found], dtype=np.int64),
        picture_is_clean=np.array([item.is_clean for item in found], dtype=bool),
        picture_strata={
            name: np.array([item.strata.get(name, "") for item in found], dtype=np.str_) for name in names
        },
        score=np.concatenate([item.score[is_in] for item, is_in in zip(found, counts, strict=True)]),
        candidate_picture=_spread([int(is_in.sum()) for is_in in counts]),
        candidate_truth=np.concatenate(
            [
                np.where(item.outcome[is_in] == Outcome.HIT, item.truth_of[is_in] + start, -1)
                for item, is_in, start in zip(found, counts, first_truth[:-1], strict=True)
            ]
        ),
        truth_picture=_spread([len(item.truths) for item in found]),
        truth_score=np.concatenate([item.truth_score for item in found]),
        truth_container=np.concatenate(
            [item.truth_container + start for item, start in zip(found, first_container[:-1], strict=True)]
        ),
        truth_is_hidden=np.array([truth.is_hidden for truth in truths], dtype=bool),
        truth_is_covered=np.concatenate([item.is_covered for item in found]),
        truth_kind=np.array([truth.kind for truth in truths], dtype=np.str_),
        contrast_g_cm2=np.array([truth.contrast_g_cm2 for truth in truths], dtype=np.float64),
        background_g_cm2=np.array([truth.background_g_cm2 for truth in truths], dtype=np.float64),
        mass_kg=np.array([truth.mass_kg for truth in truths], dtype=np.float64),
        container_picture=_spread([item.container_score.size for item in found]),
        container_score=np.concatenate([item.container_score for item in found]),
        container_state=np.concatenate([item.container_state for item in found]),
    )


def select(
    pooled: Pooled,
    *,
    pictures: NDArray[np.bool_] | None = None,
    truths: NDArray[np.bool_] | None = None,
) -> Pooled:
    """Return the part of the data that a stratum is about.

    Parameters
    ----------
    pooled : Pooled
        All of them.
    pictures : ndarray of shape (n_picture,), bool, optional
        Which pictures stay, with their candidates, truths and containers: a scanner, a cargo family.
    truths : ndarray of shape (n_truth,), bool, optional
        Which truths stay: a class, a band of contrast. Candidates that hit others go with them; false
        alarms and clean pictures stay. Containers of which no truth stays are asked about no more.

    Returns
    -------
    Pooled
        The part.

    Raises
    ------
    ValueError
        If a choice has another length, or leaves no picture.
    """
    keep_picture = _choice(pictures, pooled.picture_scene.size, "pictures")
    keep_truth = _choice(truths, pooled.truth_picture.size, "truths") & keep_picture[pooled.truth_picture]
    if not keep_picture.any():
        raise ValueError("the stratum holds no picture")
    new_picture = np.cumsum(keep_picture) - 1
    new_truth = np.cumsum(keep_truth) - 1
    is_hit = pooled.candidate_truth >= 0
    keep = keep_picture[pooled.candidate_picture].copy()
    keep[is_hit] &= keep_truth[pooled.candidate_truth[is_hit]]
    keep_container = keep_picture[pooled.container_picture]
    state = np.where(pooled.container_state == 0, 0, -1).astype(np.int8)
    state[pooled.truth_container[keep_truth & ~pooled.truth_is_hidden]] = 1
    new_container = np.cumsum(keep_container) - 1
    candidate_truth = pooled.candidate_truth[keep]
    return msgspec.structs.replace(
        pooled,
        picture_scene=pooled.picture_scene[keep_picture],
        picture_is_clean=pooled.picture_is_clean[keep_picture],
        picture_strata={name: value[keep_picture] for name, value in pooled.picture_strata.items()},
        score=pooled.score[keep],
        candidate_picture=new_picture[pooled.candidate_picture[keep]],
        candidate_truth=np.where(candidate_truth >= 0, new_truth[candidate_truth], -1),
        truth_picture=new_picture[pooled.truth_picture[keep_truth]],
        truth_score=pooled.truth_score[keep_truth],
        truth_container=new_container[pooled.truth_container[keep_truth]],
        truth_is_hidden=pooled.truth_is_hidden[keep_truth],
        truth_is_covered=pooled.truth_is_covered[keep_truth],
        truth_kind=pooled.truth_kind[keep_truth],
        contrast_g_cm2=pooled.contrast_g_cm2[keep_truth],
        background_g_cm2=pooled.background_g_cm2[keep_truth],
        mass_kg=pooled.mass_kg[keep_truth],
        container_picture=new_picture[pooled.container_picture[keep_container]],
        container_score=pooled.container_score[keep_container],
        container_state=state[keep_container],
    )


def strata(
    pooled: Pooled,
    *,
    contrast_edges: Sequence[float] = CONTRAST_EDGES,
    background_edges: Sequence[float] = BACKGROUND_EDGES,
) -> Iterator[tuple[str, Pooled]]:
    """Yield the parts of the data that results are broken down into.

    Parameters
    ----------
    pooled : Pooled
        All of them.
    contrast_edges, background_edges : sequence of float
        Bands of the truths' contrast and background, g/cm2, ascending, half-open.

    Yields
    ------
    tuple of str and Pooled
        "class pistol", "contrast 10 to 30 g/cm2", "behind 20 to 60 g/cm2", "scanner portal", "cargo tyres":
        every one that holds a truth that can be seen. Truths without the figure are in none of its bands.
    """
    seen = ~pooled.truth_is_hidden
    for kind in np.unique(pooled.truth_kind[seen]):
        if kind:
            yield f"class {kind}", select(pooled, truths=pooled.truth_kind == kind)
    for name, values, edges in (
        ("contrast", pooled.contrast_g_cm2, contrast_edges),
        ("behind", pooled.background_g_cm2, background_edges),
    ):
        for low, high in pairwise(edges):
            inside = (values >= low) & (values < high)
            if (inside & seen).any():
                upper = f"to {high:g}" if np.isfinite(high) else "and more"
                yield f"{name} {low:g} {upper} g/cm2", select(pooled, truths=inside)
    for name, of_picture in pooled.picture_strata.items():
        for value in np.unique(of_picture[pooled.truth_picture[seen]]):
            if value:
                yield f"{name} {value}", select(pooled, pictures=of_picture == value)


def detected(pooled: Pooled, threshold: float) -> NDArray[np.bool_]:
    """Return which truths are found at a threshold set elsewhere.

    Parameters
    ----------
    pooled : Pooled
        All pictures.
    threshold : float
        Scores at or above it count; from a validation split, never from these pictures.

    Returns
    -------
    ndarray of shape (n_truth,), bool
        Hidden truths are never found; leave them out of the denominator.
    """
    return np.asarray((pooled.truth_score >= threshold) & ~pooled.truth_is_hidden, dtype=bool)


def detection_by(
    pooled: Pooled, values: NDArray[np.float64], edges: Sequence[float], threshold: float, *, seed: int = 0
) -> list[tuple[float, float, Proportion]]:
    """Return the share found in bands of a figure of the truths: mass, contrast, background.

    Parameters
    ----------
    pooled : Pooled
        All pictures.
    values : ndarray of shape (n_truth,), float64
        The figure; truths where it is not a number are in no band.
    edges : sequence of float
        Ascending; bands are half-open.
    threshold : float
        As in :func:`detected`.
    seed : int
        Of the bootstrap.

    Returns
    -------
    list of tuple of float, float and Proportion
        Low and high edge, and the share with its interval over scenes.
    """
    found, seen = detected(pooled, threshold), ~pooled.truth_is_hidden
    scenes = np.array(pooled.truth_scene, dtype=np.str_)
    rows = []
    for low, high in pairwise(edges):
        inside = seen & (values >= low) & (values < high)
        rows.append((low, high, proportion(found[inside], scenes[inside].tolist(), seed=seed)))
    return rows


def hidden_covered(pooled: Pooled, *, seed: int = 0) -> Proportion:
    """Return the share of hidden truths that an opaque region that gates covers.

    Parameters
    ----------
    pooled : Pooled
        All pictures.
    seed : int
        Of the bootstrap over scenes.

    Returns
    -------
    Proportion
        At least 0.99 is asked.
    """
    hidden = pooled.truth_is_hidden
    scenes = np.array(pooled.truth_scene, dtype=np.str_)
    return proportion(pooled.truth_is_covered[hidden], scenes[hidden].tolist(), seed=seed)


def _choice(chosen: NDArray[np.bool_] | None, n: int, what: str) -> NDArray[np.bool_]:
    if chosen is None:
        return np.ones(n, dtype=bool)
    found = np.asarray(chosen)
    if found.shape != (n,) or found.dtype != bool:
        raise ValueError(f"a choice of {what} needs shape ({n},) and bool, got {found.shape} {found.dtype}")
    return found
