"""The weak-source benchmark: how little of a source each detector finds, at one rate of false alarms.

Section 1 of the scoring definitions: tracks S (street) and P (portal), detectors blind and informed, and the
oracle that no detector can pass.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from screening.config import Settings
from screening.errors import ConfigurationError
from screening.evaluate.record import Part

from .protocol import Context, SeriesDetector
from .registry import BUILT_IN
from .scale import Form

__all__ = ["BUILT_IN", "Context", "SeriesDetector", "run_bench"]

#: What a bench leaves in its folder.
_FILES = (
    "*.sqlite",
    "*.sqlite-*",
    "*.sqlite.lock*",
    "learned-*.npz",
    "floors.npz",
    "floors.part",
    "plan.json",
    "part.json",
)


def run_bench(
    work_dir: Path,
    *,
    what: str = "street",
    detectors: list[str] | None = None,
    settings: Settings | None = None,
    is_short: bool = False,
    workers: int = 1,
    is_resumed: bool = True,
    seed: int = 1,
    progress: Callable[[int, int, str], None] | None = None,
    form: Form | None = None,
) -> Part:
    """Run the benchmark of one track, or go on with it.

    Parameters
    ----------
    work_dir : Path
        Folder of its own. It may be killed at any time: what is done is kept there.
    what : {"street", "portal"}
        Track.
    detectors : list of str or None
        Names of ours, of entry points, or ``"package.module:Class"``; None for all.
    settings : Settings, optional
        Handed to others' detectors.
    is_short : bool
        Few sources, a short background and an easier false alarm rate: shows that everything works.
    workers : int
        Processes; their number changes no figure.
    is_resumed : bool
        Go on with what the folder holds; otherwise it is emptied of what a bench left there.
    seed : int
        Of everything random.
    progress : callable, optional
        Called with pieces done, of all of the stage, and what is done.
    form : {"full", "tail", "short"}, optional
        "tail" sets thresholds by a generalised Pareto tail of 245 h (10,000 occupancies) instead of by a
        count over 815 h (30,000); by default "full", or "short" as `is_short` says.

    Returns
    -------
    Part
        Figures, also written to ``part.json`` in the folder.

    Raises
    ------
    ConfigurationError
        If the track or a detector is unknown, or the folder holds another bench.
    ScreeningError
        If a piece of work failed.
    """
    import msgspec

    from .analysis import reckon
    from .plan import Plan
    from .registry import chosen_names
    from .rows import part_of
    from .scale import scale_of
    from .stages import gather

    chosen: Form = form if form is not None else ("short" if is_short else "full")
    try:
        scale_of(what, chosen)
    except ValueError as error:
        raise ConfigurationError(str(error), value=what) from None
    if seed < 0 or workers < 1:
        raise ConfigurationError(
            f"seed from 0 and workers from 1 are needed, got {seed} and {workers}", value=seed
        )
    names, others = chosen_names(detectors, settings or Settings())
    work_dir = Path(work_dir)
    if not is_resumed and work_dir.is_dir():
        for pattern in _FILES:
            for path in work_dir.glob(pattern):
                path.unlink()
    plan = Plan(what=what, form=chosen, seed=seed, detectors=tuple(names), settings=settings or Settings())
    known = gather(work_dir, plan, workers=workers, progress=progress)
    part = part_of(known, reckon(known), others)
    (work_dir / "part.json").write_bytes(msgspec.json.format(msgspec.json.encode(part), indent=1))
    return part
