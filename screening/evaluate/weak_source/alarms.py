"""Alarms on background: floors, thresholds set and verified."""

from __future__ import annotations

from typing import Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from screening.errors import ScreeningError
from screening.evaluate.metrics.episodes import EpisodeStarts, n_episodes
from screening.evaluate.metrics.false_alarms import (
    Verification,
    pareto_tail,
    resampled_thresholds,
    threshold_at_rate,
    verified_threshold,
)
from screening.evaluate.metrics.proportions import garwood, proportion
from screening.evaluate.metrics.resampling import Estimate, clusters_of, interval_of, weight_blocks
from screening.work import Job

from .plan import packed, unpacked
from .runner import Runner
from .scale import Scale
from .scene import Track
from .watching import Failures

__all__ = ["Alarms", "UnseenRate", "alarms_of", "set_floors", "unseen_rate"]

#: Floors of stored scores: where validation background alarms so many times more often than allowed.
_FLOOR_FACTOR = 40.0


class Alarms(NamedTuple):
    """Alarms of one series on background.

    Attributes
    ----------
    threshold : Estimate
        Set on the threshold split.
    resampled : ndarray of shape (n_resample,), float64
        The threshold of each resample of its parents; the same parents for every series.
    verified : Verification
        On the verification split; holds the threshold that is used.
    starts, unseen : EpisodeStarts
        Where episodes start on both splits; hours are occupancies on the portal.
    is_by_occupancy : bool
        Whether an occupancy alarms or does not, and those of a shift are alike.
    """

    threshold: Estimate
    resampled: NDArray[np.float64]
    verified: Verification
    starts: EpisodeStarts
    unseen: EpisodeStarts
    is_by_occupancy: bool = False

    def on_unseen(self, threshold: float) -> UnseenRate:
        """Return the rate of alarms on the verification split.

        Parameters
        ----------
        threshold : float
            Any.

        Returns
        -------
        UnseenRate
            Per hour, or per occupancy.
        """
        return unseen_rate(self.unseen, threshold, is_by_occupancy=self.is_by_occupancy)


class UnseenRate(NamedTuple):
    """How often background alarms at a threshold that was set on other background.

    Attributes
    ----------
    k, n : int, float
        Alarms, and the hours or occupancies watched.
    low, high : float or None
        Interval of k / n; none with fewer than five shifts.
    method : str
        Of the interval.
    """

    k: int
    n: float
    low: float | None
    high: float | None
    method: str


def unseen_rate(unseen: EpisodeStarts, threshold: float, *, is_by_occupancy: bool) -> UnseenRate:
    """Return the rate of alarms on background that a threshold was not set on.

    Parameters
    ----------
    unseen : EpisodeStarts
        Of runs, or of shifts.
    threshold : float
        The threshold.
    is_by_occupancy : bool
        Whether `hours` are occupancies. Those of a shift share their site: alarms per shift were seen to
        vary 2.5 to 4 times more than Poisson's, so the interval is over shifts. Along a street the
        episodes of a run vary as Poisson's (0.98 to 1.25), and the interval is Garwood's.

    Returns
    -------
    UnseenRate
        The rate.
    """
    per_parent = n_episodes(unseen, [threshold])[:, 0]
    k, n = int(per_parent.sum()), float(unseen.hours.sum())
    if not is_by_occupancy:
        low, high = garwood(k)
        return UnseenRate(k, n, low / n, high / n, "garwood")
    size = unseen.hours.astype(np.int64)
    shift = np.repeat(np.arange(size.size), size)
    within = np.concatenate([np.arange(each) for each in size])
    share = proportion(within < per_parent[shift], parents=shift.tolist())
    return UnseenRate(k, n, share.low, share.high, share.method.replace("parents", "shifts"))


def set_floors(runner: Runner, track: Track, scale: Scale, names: list[str]) -> None:
    """Find below which scores nothing is stored, from the background of the validation.

    Parameters
    ----------
    runner : Runner
        Who does it; its folder receives ``floors.npz``.
    track : Track
        The track.
    scale : Scale
        How much background there is.
    names : list of str
        Series of scores.
    """
    path = runner.work_dir / "floors.npz"
    if path.is_file():
        return
    results = runner.run(
        "floors",
        "score_background",
        _background_jobs(runner, "validation", scale.n_validation, scale),
        "scores of the validation",
    )
    lowest = np.full(len(names), -np.inf)
    for k, starts in enumerate(_starts(list(results.values()), len(names))):
        if starts.above.size:  # none of a detector that fails
            found = threshold_at_rate(starts, _FLOOR_FACTOR * track.far, n_resample=1).value
            lowest[k] = -np.inf if found is None else found
    held = path.with_suffix(".part")
    held.write_bytes(packed(lowest=lowest))
    held.replace(path)


def alarms_of(
    runner: Runner, track: Track, scale: Scale, owners: dict[str, str], seed: int
) -> tuple[dict[str, Alarms], dict[str, str]]:
    """Score background, set thresholds on a part of it and verify them on another.

    Parameters
    ----------
    runner : Runner
        Who does it.
    track : Track
        The track.
    scale : Scale
        How much background there is.
    owners : dict of str to str
        Series of scores, and the detector that gives each.
    seed : int
        Of the bootstrap: the same parents for every series.

    Returns
    -------
    alarms : dict of str to Alarms
        By series.
    failed : dict of str to str
        Detectors that failed, and why: with one fail all whose series it gives.

    Raises
    ------
    ScreeningError
        If background gives no series a threshold.
    """
    names = list(owners)
    jobs = [
        *_background_jobs(runner, "threshold", scale.n_threshold, scale),
        *_background_jobs(runner, "verification", scale.n_verification, scale),
    ]
    results = runner.run("background", "score_background", jobs, "scores of background")
    sets = {
        split: _starts([v for key, v in results.items() if key.startswith(split)], len(names))
        for split in ("threshold", "verification")
    }
    why = _failed(list(results.values()))
    failed = {_detector(name): why[owner] for name, owner in owners.items() if owner in why}
    found = {}
    for k, name in enumerate(names):
        if _detector(name) in failed:
            continue
        starts, unseen = sets["threshold"][k], sets["verification"][k]
        estimate, resampled = _threshold(starts, track.far, scale, seed)
        if estimate.value is None or not np.isfinite(estimate.value):
            failed[_detector(name)] = f"background gives {name} no threshold: {estimate.method}"
            continue
        if track.is_by_occupancy:
            verified = _verified_by_shift(unseen, estimate.value, track.far)
        else:
            verified = verified_threshold(unseen, estimate.value, track.far)
        found[name] = Alarms(estimate, resampled, verified, starts, unseen, track.is_by_occupancy)
    if not found:
        name, text = next(iter(failed.items()))
        raise ScreeningError(f"no detector has a threshold; {name}: {text}", value=name)
    return found, failed


def _detector(series: str) -> str:
    """Return whose a series is in the tables: "oracle@Cs-137" is the oracle's."""
    return series.partition("@")[0]


def _verified_by_shift(unseen: EpisodeStarts, threshold: float, far: float) -> Verification:
    """Return a threshold of the portal as verified, or raised to the next score at which it holds."""
    higher = np.unique(unseen.above[unseen.above > threshold])
    for raised in (threshold, *higher.tolist()):
        found = unseen_rate(unseen, raised, is_by_occupancy=True)
        if found.low is None or found.high is None or found.low <= far:
            break
    low, high = (np.nan if bound is None else bound for bound in (found.low, found.high))
    verdict: Literal["holds", "too many", "too few"] = "holds"
    if low > far or high < far:
        verdict = "too many" if low > far else "too few"
    return Verification(
        threshold=raised,
        n_episode=found.k,
        hours=found.n,
        rate_per_h=far,
        low=low,
        high=high,
        verdict=verdict,
        is_inflated=raised > threshold,
    )


def _background_jobs(runner: Runner, split: str, n: int, scale: Scale) -> list[Job]:
    size = scale.parents_per_job
    return [
        Job(
            f"{split} {first:06d}",
            {"work_dir": str(runner.work_dir), "split": split, "first": first, "stop": min(first + size, n)},
        )
        for first in range(0, n, size)
    ]


def _starts(pieces: list[bytes], n_series: int) -> list[EpisodeStarts]:
    """Return the starts of each series over all pieces, runs numbered on."""
    parts = [unpacked(piece) for piece in pieces]
    exposure = np.concatenate([part["exposure"] for part in parts])
    before = np.cumsum([0, *(part["exposure"].size for part in parts)])
    above = np.concatenate([part["above"] for part in parts])
    floor = np.concatenate([part["floor"] for part in parts])
    series = np.concatenate([part["series"] for part in parts])
    run = np.concatenate([part["run"] + at for part, at in zip(parts, before, strict=False)])
    return [
        EpisodeStarts(above[series == k], floor[series == k], run[series == k].astype(np.int64), exposure)
        for k in range(n_series)
    ]


def _failed(pieces: list[bytes]) -> dict[str, str]:
    """Return the detectors that failed on background, and why."""
    failed = Failures()
    for piece in pieces:
        failed.add(unpacked(piece)["failed"])
    return {name: f"failed on background, {n} times: {why}" for name, (n, why) in failed.by_name.items()}


def _threshold(
    starts: EpisodeStarts, far: float, scale: Scale, seed: int
) -> tuple[Estimate, NDArray[np.float64]]:
    """Return the threshold, counted or from a Pareto tail, with that of each resample of the parents."""
    clusters = clusters_of(None, starts.hours.size)
    if scale.is_tail:
        tail = pareto_tail(starts)
        value = float(tail.threshold(far)[0])
        resampled = np.concatenate(
            [
                pareto_tail(starts, level=tail.level, weights=weight).threshold(far)
                for weight in weight_blocks(clusters, scale.n_resample, seed=seed)
            ]
        )
    else:
        counted = threshold_at_rate(starts, far, n_resample=1).value
        value = np.nan if counted is None else counted
        resampled = resampled_thresholds(starts, far, n_resample=scale.n_resample, seed=seed)
    estimate = interval_of(value, resampled, clusters)
    how = f"generalised Pareto tail, {estimate.method}" if scale.is_tail else estimate.method
    return msgspec.structs.replace(estimate, method=f"{how} over {starts.hours.size} parents"), resampled
