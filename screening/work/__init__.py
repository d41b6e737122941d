"""Long batches of independent jobs: a ledger that loses nothing, and a pool of workers that may die.

This layer knows nothing of scans. A job is a name and plain arguments for a function named
``"package.module:function"``; its result is bytes.
"""

from __future__ import annotations

from .ledger import Counts, Failure, Job, Ledger, Result
from .pool import Progress, run_jobs

__all__ = ["Counts", "Failure", "Job", "Ledger", "Progress", "Result", "run_jobs"]
