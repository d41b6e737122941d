"""The benches by name: whole, or in a short form that shows them at work."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Protocol

from screening.config import Settings
from screening.errors import ConfigurationError

from .record import Part

__all__ = ["PRESETS", "Bench", "bench"]

#: Preset: module of its bench, and what of it.
PRESETS = {
    "weak-source-street": ("screening.evaluate.weak_source", "street"),
    "weak-source-portal": ("screening.evaluate.weak_source", "portal"),
    "identification": ("screening.evaluate.spectra", "identification"),
    "radiograph": ("screening.evaluate.radiographs", "radiograph"),
}


class Bench(Protocol):
    """A bench: it makes its data from seeds, runs detectors and returns its part of the report."""

    def __call__(
        self,
        work_dir: Path,
        *,
        what: str,
        detectors: list[str] | None,
        settings: Settings,
        is_short: bool,
        workers: int,
        is_resumed: bool,
        seed: int,
        progress: Callable[[int, int, str], None] | None,
    ) -> Part:
        """Run the bench.

        Parameters
        ----------
        work_dir : Path
            Folder of its own, for scores that a resumed run goes on with.
        what : str
            Which of its presets.
        detectors : list of str or None
            Which; None for all that it can test.
        settings : Settings
            Handed to detectors.
        is_short : bool
            A form of under a minute on one core: it shows that everything works and its figures are
            marked as no measure.
        workers : int
            Processes; their number changes no figure.
        is_resumed : bool
            Go on with what `work_dir` holds of the same bench, form and seed.
        seed : int
            Of everything random.
        progress : callable or None
            Called with steps done, of all, and what is being done.

        Returns
        -------
        Part
            Sections, figures and what belongs to them.
        """
        ...


def bench(name: str) -> tuple[Bench, str]:
    """Return the bench of a preset.

    Parameters
    ----------
    name : str
        A key of PRESETS.

    Returns
    -------
    tuple of Bench and str
        The function, and what to ask it for.

    Raises
    ------
    ConfigurationError
        If there is no such preset.
    """
    if name not in PRESETS:
        raise ConfigurationError(f"no preset {name!r}; there are: {', '.join(PRESETS)}", value=name)
    module, what = PRESETS[name]
    found: Bench = import_module(module).run_bench
    return found, what
