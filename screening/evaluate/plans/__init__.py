"""Test plans: what is required of a detector, in which scenario, and whether counts show that it is met."""

from __future__ import annotations

from .execution import run_plan
from .planner import describe_plan, time_plan
from .reading import example_names, example_plan, parse_plan, read_plan
from .results import exit_status, verdict_table
from .schema import Plan
from .trials import Trial, replay_trial
from .verdicts import Judgement, judge_at_least, judge_at_most, judge_rate

__all__ = [
    "Judgement",
    "Plan",
    "Trial",
    "describe_plan",
    "example_names",
    "example_plan",
    "exit_status",
    "judge_at_least",
    "judge_at_most",
    "judge_rate",
    "parse_plan",
    "read_plan",
    "replay_trial",
    "run_plan",
    "time_plan",
    "verdict_table",
]
