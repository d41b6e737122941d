"""The bench on measured spectra thinned to wanted counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from screening.config import Settings
from screening.errors import FormatError
from screening.evaluate.identification import Correspondence, load_correspondence
from screening.evaluate.record import LeftOut, Part, Section
from screening.records import sha256_hex
from screening.work import Job

from .against import comparisons
from .figures import averages, fractions, share_of
from .plan import class_of
from .samples import RECIPE, MeasuredParent, ThinningPlan, make_samples, read_recipe
from .scored import Answers, Case, scored_replies
from .work import Reply, ask, detectors_of

__all__ = ["SECTION", "measured_jobs", "measured_part", "run_measured"]

SECTION = "identification-measured"

#: Counts and ratios of the measured section.
LEVELS = ThinningPlan(net_counts=(300.0, 1000.0, 3000.0, 10_000.0), signal_to_background=(0.3, 1.0, 3.0))


class _Asked(msgspec.Struct, frozen=True, kw_only=True):
    """One sample and its answers, as a job hands them back."""

    case: Case
    replies: tuple[Reply, ...]


class _Brought(msgspec.Struct, frozen=True, kw_only=True):
    """All of one parent."""

    asked: tuple[_Asked, ...]
    left_out: tuple[LeftOut, ...]


def measured_jobs(
    folder: Path,
    recipe: Path | None,
    detectors: list[str] | None,
    settings: Settings,
    *,
    n_draw: int,
    seed: int,
) -> tuple[list[Job], tuple[LeftOut, ...]]:
    """Return one job for each measured parent.

    Parameters
    ----------
    folder : Path
        Measured files.
    recipe : Path or None
        Their recipe; ``spectra.toml`` in the folder when None.
    detectors : list of str or None
        Names of the detectors.
    settings : Settings
        Handed to them.
    n_draw, seed : int
        Samples of each counts and ratio, and their seed.

    Returns
    -------
    jobs : list of Job
        One a parent.
    left_out : tuple of LeftOut
        Rows of the recipe that fit no file or label.
    """
    parents, left_out = read_recipe(folder, recipe)
    shared = {
        "folder": str(folder.resolve()),
        "plan": msgspec.to_builtins(msgspec.structs.replace(LEVELS, n_draw=n_draw, seed=seed)),
        "detectors": detectors,
        "settings": msgspec.to_builtins(settings),
    }
    jobs = []
    for number, parent in enumerate(parents):
        files = [parent.path, *([parent.background] if parent.background not in ("", "own") else [])]
        jobs.append(
            Job(
                f"measured {number:06d}",
                {"stage": "measured", "arguments": {"parent": msgspec.to_builtins(parent), **shared}},
                fingerprint=sha256_hex(b"".join((folder / name).read_bytes() for name in files)),
            )
        )
    return jobs, left_out


def run_measured(
    parent: dict[str, Any],
    folder: str,
    plan: dict[str, Any],
    detectors: list[str] | None,
    settings: dict[str, Any],
) -> bytes:
    """Make the samples of one measured parent and ask every detector. What a worker process does.

    Parameters
    ----------
    parent : dict
        A :class:`MeasuredParent` as plain values.
    folder : str
        Measured files.
    plan : dict
        A :class:`ThinningPlan` as plain values.
    detectors : list of str or None
        Names of the detectors.
    settings : dict
        Settings as plain values.

    Returns
    -------
    bytes
        JSON: samples with answers, and what could not be made.
    """
    tested = detectors_of(detectors, msgspec.convert(settings, Settings))
    thinning = msgspec.convert(plan, ThinningPlan)
    samples, left_out = make_samples(Path(folder), (msgspec.convert(parent, MeasuredParent),), thinning)
    asked = []
    for sample in samples:
        ratio = sample.signal_to_background
        if not sample.truth:
            level = f"{sample.net_counts:g} counts"
        else:
            level = f"{sample.net_counts:g} net counts, S/B {'as is' if ratio is None else f'{ratio:g}'}"
        case = Case(
            id=sample.id,
            parent=sample.parent,
            truth=sample.truth,
            truth_class=class_of(sample.truth),
            group=sample.group,
            level=level,
            net_counts=sample.net_counts,
            has_background=False,
        )
        asked.append(_Asked(case=case, replies=tuple(ask(detector, sample.scan, 0) for detector in tested)))
    return msgspec.json.encode(_Brought(asked=tuple(asked), left_out=tuple(left_out)))


def measured_part(
    values: list[bytes], left_out: tuple[LeftOut, ...], *, names: list[str], recipe: Path
) -> Part:
    """Return the figures on measured spectra.

    Parameters
    ----------
    values : list of bytes
        Of the jobs.
    left_out : tuple of LeftOut
        Of the recipe.
    names : list of str
        Detectors.
    recipe : Path
        The recipe, whose hash is noted.

    Returns
    -------
    Part
        One section. By parent everywhere: a nuclide has one or two parents, and no interval.
    """
    table = load_correspondence()
    answers: Answers = {}
    lost = list(left_out)
    for value in values:
        brought = msgspec.json.decode(value, type=_Brought)
        lost += brought.left_out
        for one in brought.asked:
            lost += scored_replies(one.case, one.replies, table, answers)
    figures = []
    for name in names:
        mine = answers.get(name, [])
        with_source = [one for one in mine if one.case.truth]
        empty = [one for one in mine if not one.case.truth]
        if with_source:
            figures += fractions(with_source, section=SECTION, detector=name)
            figures += averages(with_source, section=SECTION, detector=name)
        for stratum in sorted({one.case.level for one in with_source}):
            some = [one for one in with_source if one.case.level == stratum]
            figures += fractions(some, section=SECTION, detector=name, stratum=stratum)
        for parent in sorted({one.case.parent for one in with_source}):
            for level in sorted({one.case.level for one in with_source if one.case.parent == parent}):
                some = [one for one in with_source if (one.case.parent, one.case.level) == (parent, level)]
                stratum = f"{some[0].case.group} {'+'.join(some[0].case.truth)}, {level}"
                figures.append(
                    share_of(
                        some,
                        lambda one: one.is_correct,
                        section=SECTION,
                        metric="correct, by parent",
                        detector=name,
                        stratum=stratum,
                        better="higher",
                    )
                )
        if empty:
            figures.append(
                share_of(
                    empty,
                    lambda one: one.score.verdict == "wrong",
                    section=SECTION,
                    metric="false identification on background",
                    detector=name,
                    better="lower",
                )
            )
    return Part(
        sections=(_section(table),),
        figures=tuple(figures),
        comparisons=tuple(
            comparisons(answers, names[0], names[1:], {"": lambda one: bool(one.case.truth)}, section=SECTION)
            if answers
            else ()
        ),
        left_out=tuple(lost),
        data={"measured recipe": sha256_hex(recipe.read_bytes())},
    )


def _section(table: Correspondence) -> Section:
    return Section(
        id=SECTION,
        title="Identification of measured spectra, thinned",
        text=(
            "Samples of measured spectra: gross ones thinned binomially to at most a tenth, subtracted ones "
            "drawn by Poisson; background of the same instrument added, Poisson, to reach the ratio. No "
            "separate background is handed to the detectors.",
            f"Scored by table {table.version} of correspondence. Draws of one parent are alike: intervals go "
            "over parents, and there is none with fewer than five.",
        ),
        data="measured; development data, seen during development",
    )


def recipe_of(folder: Path, recipe: Path | None) -> Path:
    """Return where the recipe of a folder is.

    Parameters
    ----------
    folder : Path
        Measured files.
    recipe : Path or None
        Given by the caller.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    FormatError
        If there is none.
    """
    found = folder / RECIPE if recipe is None else recipe
    if not found.is_file():
        raise FormatError(f"{found.name}: no recipe of measured spectra", value=str(found))
    return found
