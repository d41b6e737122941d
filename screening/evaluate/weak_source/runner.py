"""A stage of a bench: a ledger of jobs, done in processes, that a killed run goes on with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from screening.errors import ScreeningError
from screening.work import Job, Ledger, Progress, run_jobs

__all__ = ["Runner"]

_DEADLINE_S = 3600.0


class Runner(NamedTuple):
    """Who does the jobs of a bench.

    Attributes
    ----------
    work_dir : Path
        Folder with a ledger for each stage.
    identity : dict of str to str
        What the bench is: ledgers of another are refused.
    workers : int
        Processes.
    progress : callable or None
        Called with jobs done, of all of the stage, and what is done.
    """

    work_dir: Path
    identity: dict[str, str]
    workers: int
    progress: Callable[[int, int, str], None] | None

    def run(self, stage: str, function: str, jobs: list[Job], text: str) -> dict[str, bytes]:
        """Do the jobs of a stage.

        Parameters
        ----------
        stage : str
            Its ledger.
        function : str
            Of :mod:`screening.evaluate.weak_source.jobs`.
        jobs : list of Job
            The jobs.
        text : str
            What is done, for people.

        Returns
        -------
        dict of str to bytes
            Results by key.

        Raises
        ------
        ScreeningError
            If a job has none.
        """
        results, failures = self.attempt(stage, function, jobs, text)
        if failures:
            key, why = next(iter(failures.items()))
            raise ScreeningError(f"{stage} {key} of the weak-source bench failed: {why}", value=key)
        return results

    def attempt(
        self, stage: str, function: str, jobs: list[Job], text: str
    ) -> tuple[dict[str, bytes], dict[str, str]]:
        """Do the jobs of a stage, some of which may fail.

        Parameters
        ----------
        stage : str
            Its ledger.
        function : str
            Of :mod:`screening.evaluate.weak_source.jobs`.
        jobs : list of Job
            The jobs.
        text : str
            What is done, for people.

        Returns
        -------
        results : dict of str to bytes
            By key.
        failures : dict of str to str
            Why a job has none, by key.
        """

        def _tell(state: Progress) -> None:
            if self.progress is not None:
                self.progress(state.counts.done + state.counts.failed, state.counts.total, text)

        with Ledger(self.work_dir / f"{stage}.sqlite", self.identity) as ledger:
            ledger.add(jobs)
            run_jobs(
                ledger,
                f"screening.evaluate.weak_source.jobs:{function}",
                workers=self.workers,
                deadline_s=_DEADLINE_S,
                progress=_tell,
            )
            keys = {job.key for job in jobs}
            failures = {found.key: found.error for found in ledger.failures() if found.key in keys}
            return {found.key: found.value for found in ledger.results() if found.key in keys}, failures
