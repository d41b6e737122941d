"""Alarm episodes: counted, turned into thresholds and rates, and timed."""

from __future__ import annotations

from .episode_counts import (
    HOLD_S,
    Episodes,
    EpisodeStarts,
    detection_score,
    episode_starts,
    episodes,
    n_episodes,
    occupancy_starts,
    overlaps,
    pooled_starts,
)
from .false_alarms import (
    MIN_EPISODES,
    MIN_HEADLINE_EPISODES,
    ParetoTail,
    Verification,
    pareto_tail,
    resampled_thresholds,
    threshold_at_rate,
    threshold_by_tail,
    threshold_from_counts,
    verified_threshold,
    verify,
)
from .time_to_alarm import KaplanMeier, TimeToAlarm, kaplan_meier, median_interval, time_to_alarm

__all__ = [
    "HOLD_S",
    "MIN_EPISODES",
    "MIN_HEADLINE_EPISODES",
    "EpisodeStarts",
    "Episodes",
    "KaplanMeier",
    "ParetoTail",
    "TimeToAlarm",
    "Verification",
    "detection_score",
    "episode_starts",
    "episodes",
    "kaplan_meier",
    "median_interval",
    "n_episodes",
    "occupancy_starts",
    "overlaps",
    "pareto_tail",
    "pooled_starts",
    "resampled_thresholds",
    "threshold_at_rate",
    "threshold_by_tail",
    "threshold_from_counts",
    "time_to_alarm",
    "verified_threshold",
    "verify",
]
