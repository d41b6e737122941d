"""The identification bench, as the presets run it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from screening.config import Settings
from screening.errors import ConfigurationError
from screening.evaluate.detectors import DetectorUnderTest, capabilities_of
from screening.evaluate.record import DetectorTested, LeftOut, Part

from .card import card_jobs, card_part
from .jobs import parent_jobs, run_all
from .measured import measured_jobs, measured_part, recipe_of
from .plan import FULL, SHORT, BenchPlan
from .simulated import simulated_part
from .work import ParentResult, detectors_of

__all__ = ["run_bench"]

_SHORT_NOTE = "Short form: it shows that everything works, and its figures are no measure."


def run_bench(
    work_dir: Path,
    *,
    what: str = "identification",
    detectors: list[str] | None = None,
    settings: Settings | None = None,
    is_short: bool = False,
    workers: int = 1,
    is_resumed: bool = False,
    seed: int = 1,
    progress: Callable[[int, int, str], None] | None = None,
    plan: BenchPlan | None = None,
    measured: Path | None = None,
    recipe: Path | None = None,
) -> Part:
    """Run the identification bench; see :class:`screening.evaluate.presets.Bench`.

    Parameters
    ----------
    work_dir : Path
        Folder of its own, for what a resumed run goes on with.
    what : str
        "identification".
    detectors : list of str or None
        Which, the first compared with the others; None for the built-in ones that identify.
    settings : Settings or None
        Handed to detectors; None for the defaults.
    is_short : bool
        A form of under a minute.
    workers : int
        Processes; their number changes no figure.
    is_resumed : bool
        Go on with what `work_dir` holds of the same bench, form and seed.
    seed : int
        Of everything random.
    progress : callable or None
        Called with jobs done, of all, and the job.
    plan : BenchPlan or None
        Another plan than the full or the short one.
    measured : Path or None
        Folder of measured spectra; without it there is no section on them.
    recipe : Path or None
        Their recipe; ``spectra.toml`` in the folder when None.

    Returns
    -------
    Part
        Sections on simulated spectra, the model card and measured ones.

    Raises
    ------
    ConfigurationError
        If `what` is another bench, a detector is unknown or none names nuclides, or the folder holds
        another run.
    FormatError
        If the recipe cannot be read.
    """
    if what != "identification":
        raise ConfigurationError(f"the bench of spectra is 'identification', got {what!r}", value=what)
    if seed < 0 or workers < 1:
        raise ConfigurationError(
            f"seed must not be negative and workers must be positive, got {seed} and {workers}",
            value=(seed, workers),
        )
    chosen = plan or (SHORT if is_short else FULL)
    site = settings or Settings()
    found_all = detectors_of(detectors, site)
    able = [one for one in found_all if _names_nuclides(one)]
    mute = tuple(
        LeftOut(
            kind="not tested",
            where=one.name,
            text=f"{one.name} says that it names no nuclides: it has no part in the identification bench",
            is_error=False,
        )
        for one in found_all
        if one not in able
    )
    if not able:
        raise ConfigurationError(
            f"none of {', '.join(one.name for one in found_all)} names nuclides", value=detectors
        )
    tested = [_tested(one) for one in able]
    if mute:
        detectors = [one.name for one in able]
    lost: tuple[LeftOut, ...] = ()
    jobs = parent_jobs(chosen, detectors, site, seed) + card_jobs(chosen, site)
    if measured is not None:
        recipe = recipe_of(measured, recipe)
        more, lost = measured_jobs(measured, recipe, detectors, site, n_draw=chosen.n_draw, seed=seed)
        jobs += more
    found = run_all(
        work_dir,
        jobs,
        plan=chosen,
        detectors=detectors,
        settings=site,
        seed=seed,
        workers=workers,
        is_resumed=is_resumed,
        progress=progress,
    )
    results = [
        result
        for value in found.values["parents"]
        for result in msgspec.json.decode(value, type=list[ParentResult])
    ]
    note = _SHORT_NOTE if chosen == SHORT else ""
    parts = [
        simulated_part(results, chosen, tested, site, seed=seed, note=note),
        card_part(found.values["card"], chosen, site, seed=seed),
    ]
    if measured is not None and recipe is not None:
        names = [one.name for one in tested]
        parts.append(measured_part(found.values["measured"], lost, names=names, recipe=recipe))
    return _together(parts, (*mute, *found.left_out))


def _together(parts: list[Part], left_out: tuple[LeftOut, ...]) -> Part:
    """Return one part of several."""
    return Part(
        sections=tuple(one for part in parts for one in part.sections),
        detectors=tuple({one.name: one for part in parts for one in part.detectors}.values()),
        figures=tuple(one for part in parts for one in part.figures),
        curves=tuple(one for part in parts for one in part.curves),
        comparisons=tuple(one for part in parts for one in part.comparisons),
        exhibits=tuple(one for part in parts for one in part.exhibits),
        left_out=(*(one for part in parts for one in part.left_out), *left_out),
        data={name: value for part in parts for name, value in part.data.items()},
        seeds={name: value for part in parts for name, value in part.seeds.items()},
    )


def _names_nuclides(detector: DetectorUnderTest) -> bool:
    stated = capabilities_of(detector)
    return stated is None or {"radiation", "nuclides"} <= stated


def _tested(detector: DetectorUnderTest) -> DetectorTested:
    return DetectorTested(
        name=detector.name,
        version=str(getattr(detector, "version", "")),
        text=str(getattr(detector, "text", "")),
        tier=getattr(detector, "tier", ""),
        models=dict(getattr(detector, "models", {})),
    )
