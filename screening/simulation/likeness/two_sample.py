"""The test "real or simulated": can a classifier of 64-pixel patches tell two sets of pictures apart.

0.5 says that it cannot; the aim for a simulator is an AUROC below 0.8 against real scans. Patches of one
picture never stand on both sides of a training, and a score is compared only with scores of the same fold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.errors import ConfigurationError
from screening.records import Radiograph

from .features import FEATURES, patch_features
from .pairs import PairCounts, count_pairs, pair_auroc, pair_interval, summed
from .patches import STRATA, balanced, cut_patches
from .planes import picture_planes
from .result import FeatureFinding, GroupFinding, NetworkFinding, PatchPlace, TwoSampleResult
from .structure import radial_spectrum

__all__ = ["two_sample"]

#: A stratum is compared from this many patches of each set on.
MIN_IN_STRATUM = 8

#: Patches of each set that are shown.
N_SHOWN = 6

GROUPS = tuple(dict.fromkeys(feature.group for feature in FEATURES))


class _Sample(NamedTuple):
    """Patches of both sets."""

    table: NDArray[np.float32]
    depth: NDArray[np.float16]
    stratum: NDArray[np.int64]
    parent: NDArray[np.int64]
    is_second: NDArray[np.bool_]
    places: list[PatchPlace]

    def taken(self, kept: NDArray[np.int64]) -> _Sample:
        places = [self.places[i] for i in kept]
        return _Sample(
            self.table[kept],
            self.depth[kept],
            self.stratum[kept],
            self.parent[kept],
            self.is_second[kept],
            places,
        )

    def pairs(self, score: NDArray[np.floating], fold: NDArray[np.int64]) -> PairCounts:
        return count_pairs(score, fold, self.parent, self.is_second)

    def with_interval(
        self, counts: PairCounts, rng: np.random.Generator
    ) -> tuple[float, float | None, float | None]:
        return pair_auroc(counts), *pair_interval(counts, self.parent, self.is_second, rng)


def two_sample(
    first: Iterable[tuple[str, Radiograph]],
    second: Iterable[tuple[str, Radiograph]],
    seed: int,
    *,
    parents: tuple[Mapping[str, str], Mapping[str, str]] | None = None,
    n_patch: int = 60,
    n_fold: int = 5,
    n_repeat: int = 3,
    n_permutation: int = 20,
    has_network: bool = False,
    progress: Callable[[int], None] | None = None,
) -> TwoSampleResult:
    """Ask whether a classifier can tell two sets of pictures apart.

    Parameters
    ----------
    first, second : iterable of (str, Radiograph)
        The sets, each picture with its name; read once, one picture at a time. Calibrations that came along
        are not used: air is each picture's own.
    seed : int
        Seed of patches, folds and bootstrap.
    parents : tuple of mapping of str to str, optional
        What pictures of the first and of the second set share, by name: pictures of one scene stay on one
        side of a training. Each picture its own if omitted.
    n_patch : int
        Most patches of one picture.
    n_fold, n_repeat : int
        Folds of a cross-validation, and how often it is drawn anew.
    n_permutation : int
        How often the test is repeated with the labels of parents shuffled: it says how far from 0.5 an AUROC
        of so few pictures lies by chance, training included, which no bootstrap of the scores can say. The
        interval is widened to that. 0 leaves it as it is.
    has_network : bool
        Also train a small convolutional network on the patches (PyTorch).
    progress : callable, optional
        Called with 1 after each picture and with more after each training.

    Returns
    -------
    TwoSampleResult
        The AUROC with its interval and what it keyed on.

    Raises
    ------
    ConfigurationError
        If a set has fewer than two parents, or no stratum holds enough patches of both.
    """
    from threadpoolctl import threadpool_limits

    # on tables this small threads wait for each other, many times longer than one of them works
    with threadpool_limits(1):
        return _two_sample(
            first,
            second,
            seed,
            parents or ({}, {}),
            _Effort(n_patch, n_fold, n_repeat, n_permutation, has_network),
            progress if progress is not None else lambda _: None,
        )


class _Effort(NamedTuple):
    n_patch: int
    n_fold: int
    n_repeat: int
    n_permutation: int
    has_network: bool


def _two_sample(
    first: Iterable[tuple[str, Radiograph]],
    second: Iterable[tuple[str, Radiograph]],
    seed: int,
    parents: tuple[Mapping[str, str], Mapping[str, str]],
    effort: _Effort,
    step: Callable[[int], None],
) -> TwoSampleResult:
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0x2A51]))
    sample, n_pictures, n_energy = _collected(first, second, parents, effort.n_patch, rng, step)
    kept = balanced(sample.stratum, sample.is_second, least=MIN_IN_STRATUM, rng=rng)
    n_parents = _n_parents(sample)
    if min(n_parents) < 2:
        raise ConfigurationError(
            f"each set needs patches of at least two pictures, got {n_parents[0]} and {n_parents[1]}",
            value=n_parents,
        )
    if kept.size == 0:
        raise ConfigurationError(
            f"no depth of cargo has {MIN_IN_STRATUM} patches of both sets: too few pictures, or too unlike",
            value=sample.stratum.size,
        )
    seen = np.unique(sample.stratum)
    sample = sample.taken(kept)
    strata = {name: i for i, name in enumerate(STRATA) if (sample.stratum == i).any()}
    usable = np.flatnonzero([_varies(column) for column in sample.table.T])
    folds = [_folds(sample, effort.n_fold, rng) for _ in range(effort.n_repeat)]
    scores = [_boosted(sample, usable, fold, seed, step) for fold in folds]
    runs = list(zip(scores, folds, strict=True))
    auroc, low, high = sample.with_interval(summed(sample.pairs(*run) for run in runs), rng)
    chance = _chance(sample, usable, effort, seed, rng, step)
    low, high = _widened(auroc, low, high, chance)
    network = None
    if effort.has_network:
        from .network import network_scores

        score = network_scores(sample.depth, sample.is_second, folds[0], seed, step)
        value, *ends = sample.with_interval(sample.pairs(score, folds[0]), rng)
        network = NetworkFinding(value, *_widened(value, ends[0], ends[1], chance))
    frequency, power = radial_spectrum(sample.depth[:, 0].astype(np.float32))
    logs = np.log10(np.maximum(power, 1e-12))
    telling = _most_telling(sample, runs)
    return TwoSampleResult(
        auroc=auroc,
        low=low,
        high=high,
        chance_sigma=chance,
        n_pictures=n_pictures,
        n_parents=n_parents,
        n_energies=n_energy,
        n_patches={name: int((sample.stratum == i).sum()) // 2 for name, i in strata.items()},
        left_out=tuple(name for i, name in enumerate(STRATA) if i in seen and name not in strata),
        auroc_by_stratum={
            name: pair_auroc(
                summed(sample.pairs(np.where(sample.stratum == i, s, np.nan), f) for s, f in runs)
            )
            for name, i in strata.items()
        },
        features=_single_features(sample, usable, rng),
        groups=_groups(sample, usable, folds[0], seed, step),
        network=network,
        frequency=tuple(float(f) for f in frequency),
        log_power=tuple(
            tuple(float(v) for v in logs[sample.is_second == which].mean(axis=0)) for which in (False, True)
        ),
        most_telling=tuple(tuple(sample.places[i] for i in side) for side in telling),
        pictures_of_most_telling=np.stack([sample.depth[side, 0].astype(np.float32) for side in telling]),
        seed=seed,
    )


def _collected(
    first: Iterable[tuple[str, Radiograph]],
    second: Iterable[tuple[str, Radiograph]],
    parents: tuple[Mapping[str, str], Mapping[str, str]],
    n_patch: int,
    rng: np.random.Generator,
    step: Callable[[int], None],
) -> tuple[_Sample, tuple[int, int], int]:
    """Return the patches of all pictures, how many pictures there are, and the energies all of them have."""
    number: dict[tuple[str, bool], int] = {}
    parts: list[_Sample] = []
    n_pictures = [0, 0]
    n_energy = 2
    for is_second, pictures in ((False, first), (True, second)):
        for name, picture in pictures:
            n_pictures[is_second] += 1
            n_energy = min(n_energy, picture.raw.shape[2])
            planes = picture_planes(picture.raw, is_lost=picture.is_lost, saturation=picture.saturation)
            cut = cut_patches(picture.raw, planes, min(2, picture.raw.shape[2]), n_patch, rng)
            n = cut.stratum.size
            parent = number.setdefault((parents[is_second].get(name, name), is_second), len(number))
            places = [PatchPlace(name, int(row), int(column)) for row, column in cut.corner]
            parts.append(
                _Sample(
                    patch_features(cut),
                    cut.depth.astype(np.float16),
                    cut.stratum,
                    np.full(n, parent),
                    np.full(n, is_second),
                    places,
                )
            )
            step(1)
    if 0 in n_pictures:
        raise ConfigurationError(
            f"both sets need pictures, got {n_pictures[0]} and {n_pictures[1]}", value=tuple(n_pictures)
        )
    table = np.concatenate([part.table for part in parts])
    if n_energy == 1:  # a figure of two energies would tell which set has them
        table[:, [feature.group == "energies" for feature in FEATURES]] = np.nan
    return (
        _Sample(
            table,
            np.concatenate([part.depth[:, :n_energy] for part in parts]),
            np.concatenate([part.stratum for part in parts]),
            np.concatenate([part.parent for part in parts]),
            np.concatenate([part.is_second for part in parts]),
            [place for part in parts for place in part.places],
        ),
        (n_pictures[0], n_pictures[1]),
        n_energy,
    )


def _n_parents(sample: _Sample) -> tuple[int, int]:
    first, second = (int(np.unique(sample.parent[sample.is_second == which]).size) for which in (False, True))
    return first, second


def _varies(column: NDArray[np.float32]) -> bool:
    known = column[np.isfinite(column)]
    return bool(known.size) and bool(known.min() < known.max())


def _folds(sample: _Sample, n_fold: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return the fold of each patch: parents dealt out, those of both sets alike."""
    sides = [np.unique(sample.parent[sample.is_second == which]) for which in (False, True)]
    n_fold = max(min(n_fold, *(side.size for side in sides)), 2)
    fold_of = np.zeros(int(sample.parent.max()) + 1, dtype=np.int64)
    for side in sides:
        fold_of[rng.permutation(side)] = np.arange(side.size) % n_fold
    return np.asarray(fold_of[sample.parent])


def _boosted(
    sample: _Sample,
    columns: NDArray[np.int64],
    fold: NDArray[np.int64],
    seed: int,
    step: Callable[[int], None],
) -> NDArray[np.float64]:
    """Return out-of-fold scores of boosted trees; higher means more like the second set."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    score = np.full(fold.size, np.nan)
    table = sample.table[:, columns]
    for k in np.unique(fold):
        train, test = fold != k, fold == k
        target = sample.is_second[train]
        share = float(target.mean())
        if not 0.0 < share < 1.0:  # balancing may leave one set of a training without patches
            continue
        model = HistGradientBoostingClassifier(
            max_iter=60,
            learning_rate=0.12,
            max_leaf_nodes=8,
            min_samples_leaf=10,
            l2_regularization=1.0,
            early_stopping=False,
            random_state=seed % 2**31,
        )
        weight = np.where(target, 0.5 / share, 0.5 / (1.0 - share))
        model.fit(table[train], target, sample_weight=weight)
        score[test] = model.decision_function(table[test])
        step(1)
    return score


def _chance(
    sample: _Sample,
    usable: NDArray[np.int64],
    effort: _Effort,
    seed: int,
    rng: np.random.Generator,
    step: Callable[[int], None],
) -> float | None:
    """Return the spread of the AUROC about 0.5 when the labels of parents mean nothing."""
    if effort.n_permutation == 0:
        return None
    known, first_patch = np.unique(sample.parent, return_index=True)
    label = np.zeros(int(known.max()) + 1, dtype=bool)
    values = []
    for _ in range(effort.n_permutation):
        label[known] = rng.permutation(sample.is_second[first_patch])
        shuffled = sample._replace(is_second=label[sample.parent])
        fold = _folds(shuffled, effort.n_fold, rng)
        score = _boosted(shuffled, usable, fold, seed, step)
        values.append(pair_auroc(shuffled.pairs(score, fold)))
    return float(np.sqrt(np.nanmean((np.array(values) - 0.5) ** 2)))


def _widened(
    auroc: float, low: float | None, high: float | None, chance: float | None
) -> tuple[float | None, float | None]:
    """Return an interval no narrower than chance has it; chance shrinks as sqrt(A (1 - A)) does."""
    if low is None or high is None or chance is None:
        return low, high
    half = 1.96 * chance * 2.0 * np.sqrt(auroc * (1.0 - auroc))
    return max(min(low, auroc - half), 0.0), min(max(high, auroc + half), 1.0)


def _groups(
    sample: _Sample,
    usable: NDArray[np.int64],
    fold: NDArray[np.int64],
    seed: int,
    step: Callable[[int], None],
) -> tuple[GroupFinding, ...]:
    """Return what each group of figures separates by itself."""
    found = []
    for group in GROUPS:
        columns = np.array([i for i in usable if FEATURES[i].group == group], dtype=np.int64)
        if columns.size:
            score = _boosted(sample, columns, fold, seed, step)
            found.append(GroupFinding(group, pair_auroc(sample.pairs(score, fold))))
    return tuple(sorted(found, key=lambda finding: -finding.auroc))


def _single_features(
    sample: _Sample, usable: NDArray[np.int64], rng: np.random.Generator
) -> tuple[FeatureFinding, ...]:
    """Return what each figure alone separates; like is compared with like, within strata."""
    found = []
    for index in usable:
        column = sample.table[:, index].astype(np.float64)
        halves = [column[(sample.is_second == which) & np.isfinite(column)] for which in (False, True)]
        if not (halves[0].size and halves[1].size):
            continue
        auroc, low, high = sample.with_interval(sample.pairs(column, sample.stratum), rng)
        if np.isfinite(auroc):
            medians = [float(np.median(half)) for half in halves]
            name, group, text = FEATURES[index]
            found.append(FeatureFinding(name, group, text, auroc, low, high, medians[0], medians[1]))
    return tuple(sorted(found, key=lambda finding: -abs(finding.auroc - 0.5)))


def _most_telling(
    sample: _Sample, runs: list[tuple[NDArray[np.float64], NDArray[np.int64]]]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return patches of the first set that look least like the second, and the reverse, equally many."""
    rank = np.zeros(sample.parent.size)
    for score, fold in runs:
        for k in np.unique(fold):
            of = np.flatnonzero((fold == k) & np.isfinite(score))
            rank[of] += np.argsort(np.argsort(score[of], kind="stable"), kind="stable") / max(of.size - 1, 1)
    order = np.argsort(rank, kind="stable")
    first, second = order[~sample.is_second[order]], order[sample.is_second[order]][::-1]
    n = min(N_SHOWN, first.size, second.size)
    return first[:n], second[:n]
