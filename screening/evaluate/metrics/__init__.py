"""Metrics as functions of arrays: each with the source of its formula, none with a data set inside."""

from __future__ import annotations

from .curves import Roc, auc, roc
from .exact import MIN_PARENTS, Interval, clopper_pearson, garwood
from .proportions import Proportion, Rate, proportion, rate
from .resampling import bootstrap_interval

__all__ = [
    "MIN_PARENTS",
    "Interval",
    "Proportion",
    "Rate",
    "Roc",
    "auc",
    "bootstrap_interval",
    "clopper_pearson",
    "garwood",
    "proportion",
    "rate",
    "roc",
]
