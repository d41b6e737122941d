"""Detectors of a stranger: one works, one cannot learn, one fails at work, one is of another kind."""

from __future__ import annotations

import numpy as np


class Hottest:
    """Counts of the last second, from 400 keV up."""

    name = "hottest"
    tier = "blind"
    lead_s = 3.0

    def __init__(self, settings):
        self.settings = settings
        self.first = 0

    def fit(self, train, validation, context):
        self.first = int(np.searchsorted(context.edges_kev, 400.0))

    def score(self, counts):
        total = np.cumsum(counts[:, self.first :].sum(axis=1, dtype=np.float64))
        found = np.full(len(counts), -np.inf)
        found[9:] = total[9:] - np.concatenate([[0.0], total[:-10]])
        return found


class Unteachable(Hottest):
    """Cannot learn."""

    name = "unteachable"

    def fit(self, train, validation, context):
        raise RuntimeError("no lesson today")


class Fragile(Hottest):
    """Learns, then answers with numbers that are none."""

    name = "fragile"

    def score(self, counts):
        return np.full(len(counts), np.nan)


class Scanner:
    """Answers scans; no detector of series."""

    name = "scanner"

    def __init__(self, settings):
        self.settings = settings


class Startled(Hottest):
    """Fails on what is short, as passes are."""

    name = "startled"

    def score(self, counts):
        if len(counts) < 600:
            raise RuntimeError("that was quick")
        return super().score(counts)


class Twin(Hottest):
    """Has a name that is taken."""

    name = "pca"


def made(settings):
    """Return a detector: what an entry point that is no class does."""
    return Hottest(settings)
