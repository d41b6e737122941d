"""Progress of long work: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable, Iterator

__all__ = ["progress_bar"]

_LINE_EVERY_S = 5.0


@contextlib.contextmanager
def progress_bar(label: str) -> Iterator[Callable[[int, int], None]]:
    """Show progress on standard error while the block runs.

    Parameters
    ----------
    label : str
        What is being done.

    Yields
    ------
    callable
        To be called with (done, of).
    """
    if sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task(label, total=None)
            yield lambda done, of: bar.update(task, completed=done, total=of)
        return
    said_at = time.monotonic()

    def say(done: int, of: int) -> None:
        nonlocal said_at
        now = time.monotonic()
        if done == of or now - said_at >= _LINE_EVERY_S:
            said_at = now
            sys.stderr.write(f"{label}: {done} of {of}\n")
            sys.stderr.flush()

    yield say
