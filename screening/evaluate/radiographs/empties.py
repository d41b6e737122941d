"""Section "empties": is the container that is declared empty empty? (scoring.md 5)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import numpy as np

from screening.evaluate.metrics.proportions import proportion
from screening.evaluate.record import Curve, Figure, LeftOut, Part, Section, figure_of

from .asking import FALSE_ALARM_RATE, SECTION, Asked, asked_detectors
from .empty_scenes import EmptyRow
from .hidden_loads import MATERIALS
from .hidden_masses import MASS_AT, Hidden, bound_figures, found_figures, mass_curve, mass_figures
from .pictures import THUMBNAILS

__all__ = ["SECTION", "empties_part"]

#: What scoring.md asks of the sizes.
ASKED_EMPTIES, ASKED_LOADS, ASKED_PER_CELL = 2000, 2000, 100

#: Resamples of the mass.
N_RESAMPLE = 400

#: Scanner family and geometry that no training has seen.
UNSEEN = {"scanner": "portal", "geometry": "40 flat rack"}


def empties_part(
    validation: list[EmptyRow],
    test: list[EmptyRow],
    full: list[EmptyRow],
    loads: list[EmptyRow],
    names: list[str],
    *,
    seed: int,
    is_short: bool,
) -> Part:
    """Return the section.

    Parameters
    ----------
    validation, test : list of EmptyRow
        Empties of each split; those of the test with hidden loads.
    full : list of EmptyRow
        Empties at full size.
    loads : list of EmptyRow
        Ordinary loads declared empty.
    names : list of str
        Detectors.
    seed : int
        Of the bootstrap.
    is_short : bool
        Leaves the resampling of masses out.

    Returns
    -------
    Part
        False alarms, answers, detection, smallest hidden masses with the noise bound.
    """
    if not (validation and test and loads):
        return Part()
    asked, left = asked_detectors(validation, names)
    hidden = [(row, one) for row in test for one in row.hidden]
    fitting = [(row, one) for row, one in hidden if one.d_prime is not None]
    if len(fitting) < len(hidden):
        text = "so much of this material does not fit into the place, or the picture's edge cuts it off"
        left.append(
            LeftOut(kind="not made", where=SECTION, text=text, n=len(hidden) - len(fitting), is_error=False)
        )
    figures: list[Figure] = []
    curves: list[Curve] = []
    for one in asked:
        figures += _empty_figures(one, test)
        figures += _full_figures(one, full)
        figures += _load_figures(one, loads)
        figures += mass_figures(one, fitting, seed=seed, n_resample=0 if is_short else N_RESAMPLE)
        figures += found_figures(one, fitting, seed=seed)
    figures += bound_figures(fitting)
    curves += [mass_curve(material, asked, fitting) for material in MATERIALS]
    return Part(
        sections=(_section(validation, test, full, loads, fitting),),
        figures=tuple(figures),
        curves=tuple(curves),
        left_out=tuple(left),
    )


def _section(
    validation: list[EmptyRow],
    test: list[EmptyRow],
    full: list[EmptyRow],
    loads: list[EmptyRow],
    hidden: list[Hidden],
) -> Section:
    cells = Counter((one.material, one.place, one.mass_kg) for _, one in hidden)
    per_cell = float(np.median(list(cells.values()))) if cells else 0.0
    geometries = sorted({row.geometry for row in test})
    return Section(
        id=SECTION,
        title="Empty containers",
        text=(
            "A container is declared empty. A positive is a container with a load. A picture without "
            "an answer is "
            "UNKNOWN: a load in it counts as missed, an empty in it is no false alarm, and the share "
            "is printed "
            "with its reasons. The threshold is set on empties that were swept clean, and their false alarms "
            "are held against it; those with residue of the last load are a row apart.",
            "Ordinary loads and hidden loads are apart. A hidden load is a brick, a sheet or a tube of "
            "0.5 to 50 kg "
            "put by thickness into the picture of an empty. The smallest hidden mass is where a probit "
            "curve in the "
            f"logarithm of the mass reaches {100 * MASS_AT:g} %; where it is not reached within the "
            "masses tried, "
            "there is no number.",
            "The noise bound beside it is an ideal observer's, who knows the place, the load and the empty "
            f"container: the mass found with {100 * MASS_AT:g} % at {100 * FALSE_ALARM_RATE:g} % false "
            "alarms against "
            "photon and electronic noise alone. What lies between is structure, not noise.",
        ),
        data=(
            f"Simulated: {len(test)} empties of the test split ({ASKED_EMPTIES} are asked), "
            f"{len(validation)} of the "
            f"validation split, {len(geometries)} families of geometry past all scanner families, a "
            "quarter with "
            f"residue of the last load; {len(loads)} ordinary loads of every kind of cargo "
            f"({ASKED_LOADS} asked); "
            f"{len(hidden)} hidden loads, median {per_cell:g} a cell of material, place and mass "
            f"({ASKED_PER_CELL} asked). The {UNSEEN['scanner']} scanners and flat racks were in no "
            f"training. {THUMBNAILS} {len(full)} more empties at full size, for comparison."
        ),
    )


def _shares(
    rows: list[EmptyRow],
    one: Asked,
    metric: str,
    strata: dict[str, Callable[[EmptyRow], bool]],
    hit: Callable[[EmptyRow], bool],
    **more: object,
) -> list[Figure]:
    figures = []
    for stratum, is_in in strata.items():
        chosen = [hit(row) for row in rows if is_in(row)]
        if not chosen:
            continue
        extra = dict(more)
        extra["is_headline"] = bool(more.get("is_headline")) and not stratum
        figures.append(
            figure_of(
                proportion(chosen),
                section=SECTION,
                metric=metric,
                detector=one.name,
                stratum=stratum,
                **extra,  # type: ignore[arg-type]
            )
        )
    return figures


def _empty_figures(one: Asked, test: list[EmptyRow]) -> list[Figure]:
    swept = [row for row in test if not row.has_residue]
    strata: dict[str, Callable[[EmptyRow], bool]] = {"": lambda _row: True}
    for name in sorted({row.geometry for row in test}):
        strata[f"geometry: {name}"] = lambda row, name=name: row.geometry == name  # type: ignore[misc]
    for name in sorted({row.scanner for row in test}):
        strata[f"scanner: {name}"] = lambda row, name=name: row.scanner == name  # type: ignore[misc]
    note = (
        "its own call"
        if one.threshold is None
        else f"threshold {one.threshold:.4g}, set on swept empties of validation at "
        f"{100 * FALSE_ALARM_RATE:g} %"
    )
    figures = _shares(
        swept,
        one,
        "empties that alarm",
        strata,
        lambda row: one.call(row.answers) is True,
        better="lower",
        is_headline=True,
        note=f"{note}; swept clean; {100 * FALSE_ALARM_RATE:g} % aimed at",
    )
    figures += _shares(
        [row for row in test if row.has_residue],
        one,
        "empties that alarm",
        {"residue of the last load": lambda _row: True},
        lambda row: one.call(row.answers) is True,
        better="lower",
        note=note,
    )
    figures += _shares(
        test,
        one,
        "empties without an answer",
        strata,
        lambda row: one.call(row.answers) is None,
        better="lower",
        note="at most 2 % asked",
    )
    reasons = Counter(
        code
        for row in test
        for answer in [one.answer(row.answers)]
        if answer is not None and one.call(row.answers) is None
        for code in (answer.codes or ("no reason given",))
    )
    for code in sorted(reasons):
        hits = [
            one.call(row.answers) is None
            and (answer := one.answer(row.answers)) is not None
            and code in (answer.codes or ("no reason given",))
            for row in test
        ]
        figures.append(
            figure_of(
                proportion(hits),
                section=SECTION,
                metric="empties without an answer, by reason",
                detector=one.name,
                stratum=code,
                better="lower",
                note="one picture may have several reasons",
            )
        )
    verified = [(answer := one.answer(row.answers)) is not None and answer.level == "LOW" for row in test]
    if any(answer.level for row in test for answer in row.answers if answer.detector == one.detector):
        figures.append(
            figure_of(
                proportion(verified),
                section=SECTION,
                metric="empties verified (LOW)",
                detector=one.name,
                better="higher",
                note="score below threshold, picture usable, declared empty, nothing else found",
            )
        )
    return figures


def _full_figures(one: Asked, full: list[EmptyRow]) -> list[Figure]:
    """Return how empties at full size fare: whether what the thumbnails say carries over."""
    stratum: dict[str, Callable[[EmptyRow], bool]] = {"full size": lambda _row: True}
    figures = _shares(
        [row for row in full if not row.has_residue],
        one,
        "empties that alarm",
        stratum,
        lambda row: one.call(row.answers) is True,
        better="lower",
        note="swept clean",
    )
    figures += _shares(
        full,
        one,
        "empties without an answer",
        stratum,
        lambda row: one.call(row.answers) is None,
        better="lower",
    )
    return figures


def _load_figures(one: Asked, loads: list[EmptyRow]) -> list[Figure]:
    strata: dict[str, Callable[[EmptyRow], bool]] = {"": lambda _row: True}
    for name in sorted({row.scanner for row in loads}):
        strata[f"scanner: {name}"] = lambda row, name=name: row.scanner == name  # type: ignore[misc]
    figures = _shares(
        loads,
        one,
        "ordinary loads found",
        strata,
        lambda row: one.call(row.answers) is True,
        better="higher",
        is_headline=True,
        note="99.3 % asked",
    )
    figures += _shares(
        loads,
        one,
        "ordinary loads passed as LOW",
        {"": lambda _row: True},
        lambda row: (answer := one.answer(row.answers)) is not None and answer.level == "LOW",
        better="lower",
        note="declared empty; neither found nor held for another reason",
    )
    return figures
