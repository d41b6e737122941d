"""Metrics as functions of arrays: each with the source of its formula, none with a data set inside."""

from __future__ import annotations

from .proportions import (
    MIN_PARENTS,
    Interval,
    Proportion,
    Rate,
    Roc,
    auc,
    bootstrap_interval,
    clopper_pearson,
    garwood,
    proportion,
    rate,
    roc,
)

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
