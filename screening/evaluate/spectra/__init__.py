"""The identification bench: simulated spectra with oracles, measured ones thinned, the card made again."""

from __future__ import annotations

from .bench import run_bench
from .plan import FULL, SHORT, BenchPlan
from .samples import (
    MeasuredParent,
    ThinnedSample,
    ThinningPlan,
    make_samples,
    read_recipe,
    write_samples,
)

__all__ = [
    "FULL",
    "SHORT",
    "BenchPlan",
    "MeasuredParent",
    "ThinnedSample",
    "ThinningPlan",
    "make_samples",
    "read_recipe",
    "run_bench",
    "write_samples",
]
