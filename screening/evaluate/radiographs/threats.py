"""Section "threats": objects on pictures, scored as scoring.md 3 has it."""

from __future__ import annotations

from itertools import pairwise

import msgspec
import numpy as np
from numpy.typing import NDArray

from screening.evaluate.metrics.froc import (
    CONTAINER_FPR,
    container_scores,
    detected,
    detection_by,
    hidden_covered,
    summary,
)
from screening.evaluate.metrics.midpoints import midpoint_interval
from screening.evaluate.metrics.proportions import proportion
from screening.evaluate.metrics.resampling import Estimate, bootstrap
from screening.evaluate.metrics.sigmoid import fit_detection_curve
from screening.evaluate.record import Figure, LeftOut, Part, Section, figure_of

from .expected import detection_bound
from .pictures import PITCH_M, THUMBNAILS
from .scored import SECTION, Scored
from .threat_curves import MASS_BANDS, container_curve, contrast_curve, froc_curve, mass_curve

__all__ = ["threats_part"]

#: Bands of what the strata are by: peak areal density of the object and what stands before it, g/cm2.
CONTRAST_BANDS = (0.0, 10.0, 30.0, 100.0, np.inf)
BACKGROUND_BANDS = (0.0, 15.0, 40.0, 80.0, np.inf)

#: Name under which the matched filter is reported.
ORACLE = "matched filter"


def threats_part(scored: list[Scored], left_out: list[LeftOut], *, seed: int) -> Part:
    """Return the section.

    Parameters
    ----------
    scored : list of Scored
        Detectors.
    left_out : list of LeftOut
        What was not asked.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Part
        Figures, curves and what was left out; comparisons and exhibits come from elsewhere.
    """
    if not scored:
        return Part(left_out=tuple(left_out))
    figures: list[Figure] = []
    for one in scored:
        figures += _summary_figures(one, seed)
        figures += _claim_figures(one, seed)
        figures += _strata_figures(one, seed)
        figures += _place_figures(one, seed)
        figures += _mass_figures(one, seed)
    figures += _oracle_figures(scored[0], seed)
    hidden = hidden_covered(scored[0].test, seed=seed)
    figures.append(
        figure_of(
            hidden,
            section=SECTION,
            metric="hidden threats covered by a region that gates",
            detector="pipeline",
            better="higher",
            note="0.99 asked",
        )
    )
    curves = (froc_curve(scored), container_curve(scored), mass_curve(scored), contrast_curve(scored))
    return Part(
        sections=(_section(scored[0]),), figures=tuple(figures), curves=curves, left_out=tuple(left_out)
    )


def _section(one: Scored) -> Section:
    test, validation = one.test, one.validation
    seen = int((~test.truth_is_hidden).sum())
    return Section(
        id=SECTION,
        title="Threats on pictures",
        text=(
            "Free-response scoring: a candidate hits an object when its middle lies in the object's "
            "mask widened "
            "by 2 pixels and the areas are within a factor of 4 (objects of 32 pixels and more either way: "
            "intersection over union of boxes of 0.3). False alarms are counted on pictures without "
            "any threat.",
            "An object is hidden when less than half of it stands behind something that lets anything "
            "through: "
            "then it is not asked for but must lie in a region that the analysis calls opaque.",
            "Containers: the score is the highest of any candidate in it. The threshold of the "
            "operating claim is "
            f"set on the validation split, at {100 * CONTAINER_FPR:g} % of its clean containers.",
            "The matched filter knows the place, the shape and the background of each object of the "
            "scenes and "
            "meets photon and electronic noise alone, the smaller of that with and without the object: no "
            "detector passes it. It shows what noise allows, not what "
            "an unknown background does.",
        ),
        data=(
            f"Simulated: {len(test.scenes)} scenes of the test split, {test.picture_scene.size} pictures "
            f"({int(test.picture_is_clean.sum())} without a threat), {seen} threats that can be seen and "
            f"{test.truth_is_hidden.size - seen} hidden; {len(validation.scenes)} scenes of the "
            "validation split. "
            "All scanner families; ordinary cargo in three of four scenes, any kind in the fourth; 20 "
            "kinds of threat "
            "in turn. Each scene: with its threat, without, with a look-alike, and with threats "
            f"projected into the second. {THUMBNAILS}"
        ),
    )


def _summary_figures(one: Scored, seed: int) -> list[Figure]:
    found = summary(one.test, seed=seed)
    rows = [(f"found at {level:g} false alarms a picture", value) for level, value in found.llf.items()]
    rows += [
        ("area of the free-response curve up to 1 a picture", found.area),
        ("average precision", found.precision),
        ("area over containers", found.container_auc),
        (f"containers found at {100 * CONTAINER_FPR:g} % of clean ones", found.container_tpr),
    ]
    figures = [
        Figure(
            section=SECTION,
            metric=metric,
            detector=one.name,
            value=value.value,
            low=value.low,
            high=value.high,
            n=value.n,
            method=value.method,
            better="higher",
            is_headline=metric.startswith("found at 0.1 "),
            note=f"{value.n_clean} clean",
        )
        for metric, value in rows
    ]
    names = [row.scene for row, _ in one.test_rows]
    points = proportion([answer.points for _, answer in one.test_rows], names, seed=seed)
    figures.append(
        figure_of(points, section=SECTION, metric="pictures answered", detector=one.name, better="higher")
    )
    if one.n_unserved:
        text = f"not of {one.n_unserved} of {one.n_unserved + len(names)} pictures, which it does not serve"
        figures = [
            msgspec.structs.replace(figure, note=f"{figure.note}; {text}" if figure.note else text)
            for figure in figures
        ]
    return figures


def _claim_figures(one: Scored, seed: int) -> list[Figure]:
    """Return the operating claim, what look-alikes do, and what is held up by its level."""
    score, has_threat = container_scores(one.test)
    asked = one.test.container_state >= 0
    scene = np.array(one.test.scenes)[one.test.picture_scene[one.test.container_picture[asked]]]
    alarm = score >= one.threshold
    percent = f"{100 * CONTAINER_FPR:g} %"
    where = f"threshold {one.threshold:.4g}, set on validation at {percent} of clean containers"
    figures = [
        figure_of(
            proportion(alarm[has_threat], scene[has_threat].tolist(), seed=seed),
            section=SECTION,
            metric=f"containers with a threat that alarm (claim at {percent})",
            detector=one.name,
            better="higher",
            is_headline=True,
            note=f"{where}; 90 % asked",
        ),
        figure_of(
            proportion(alarm[~has_threat], scene[~has_threat].tolist(), seed=seed),
            section=SECTION,
            metric=f"clean containers that alarm (claim at {percent})",
            detector=one.name,
            better="lower",
            is_headline=True,
            note=f"{where}; at most {percent} asked",
        ),
    ]
    innocent = [
        (row.scene, max(answer.match["truth_score"], default=-np.inf) >= one.threshold)
        for row, answer in one.lookalikes
        if answer.match is not None
    ]
    if innocent:
        found = proportion([hit for _, hit in innocent], [name for name, _ in innocent], seed=seed)
        figures.append(
            figure_of(
                found,
                section=SECTION,
                metric="innocent look-alikes marked",
                detector=one.name,
                better="lower",
                note="each stands where a threat of its family stands in the matched picture",
            )
        )
    if any(answer.level for _, answer in one.test_rows):
        for has, better in ((True, "higher"), (False, "lower")):
            metric = f"pictures {'with' if has else 'without'} a threat not passed as LOW"
            chosen = [(row, answer) for row, answer in one.test_rows if bool(row.truths) == has]
            stays = [answer.level != "LOW" for _, answer in chosen]
            figures.append(
                figure_of(
                    proportion(stays, [row.scene for row, _ in chosen], seed=seed),
                    section=SECTION,
                    metric=metric,
                    detector=one.name,
                    better=better,  # type: ignore[arg-type]
                    note="HIGH or UNKNOWN, for whatever reason",
                )
            )
    return figures


def _strata_figures(one: Scored, seed: int) -> list[Figure]:
    pooled = one.test
    found, seen = detected(pooled, one.threshold), ~pooled.truth_is_hidden
    scenes = np.array(pooled.truth_scene)
    variant = np.array([row.variant for row, _ in one.test_rows])[pooled.truth_picture]
    parts: list[tuple[str, NDArray[np.bool_]]] = []
    for name, values in (
        ("class", pooled.truth_kind),
        ("scanner", pooled.picture_strata["scanner"][pooled.truth_picture]),
        ("cargo", pooled.picture_strata["cargo"][pooled.truth_picture]),
        ("made", np.where(variant == "with", "in the scene", "projected")),
    ):
        parts += [(f"{name}: {value}", values == value) for value in np.unique(values)]
    for name, values, bands in (
        ("peak", pooled.contrast_g_cm2, CONTRAST_BANDS),
        ("behind", pooled.background_g_cm2, BACKGROUND_BANDS),
    ):
        for low, high in pairwise(bands):
            text = f"over {low:g}" if np.isinf(high) else f"{low:g} to {high:g}"
            parts.append((f"{name}: {text} g/cm2", (values >= low) & (values < high)))
    return [
        figure_of(
            proportion(found[seen & chosen], scenes[seen & chosen].tolist(), seed=seed),
            section=SECTION,
            metric="threats found at the threshold of the claim",
            detector=one.name,
            stratum=stratum,
            better="higher",
        )
        for stratum, chosen in [("", np.ones(seen.size, dtype=bool)), *parts]
        if (seen & chosen).any()
    ]


def _place_figures(one: Scored, seed: int) -> list[Figure]:
    """Return how far the middles of hits are from those of the objects."""
    errors, scenes = [], []
    for row, answer in one.test_rows:
        kept = answer.match
        if kept is None:
            continue
        for row0, col0, row1, col1, index in kept.boxes:
            if kept["outcome"][index] != 1 or kept["score"][index] < one.threshold:
                continue
            truth = row.truths[kept["truth_of"][index]]
            errors.append(
                0.5 * np.hypot(row0 + row1 - truth.row0 - truth.row1, col0 + col1 - truth.col0 - truth.col1)
            )
            scenes.append(row.scene)
    metric = "distance of a hit from the middle of the object, median"
    if not errors:
        return [
            Figure(
                section=SECTION, metric=metric, detector=one.name, unit="px", n=0, note="no hit to measure"
            )
        ]
    found = bootstrap(np.median, np.array(errors), scenes, seed=seed)
    return [
        Figure(
            section=SECTION,
            metric=metric,
            detector=one.name,
            value=found.value,
            low=found.low,
            high=found.high,
            n=len(errors),
            unit="px",
            method=found.method,
            better="lower",
            note=f"a pixel is about {1000 * PITCH_M:g} mm",
        )
    ]


def _mass_counts(one: Scored) -> tuple[list[float], list[int], list[int]]:
    bands = detection_by(one.test, one.test.mass_kg, MASS_BANDS, one.threshold)
    kept = [(low, high, share) for low, high, share in bands if share.n > 0]
    middle = [float(np.sqrt(low * high)) for low, high, _ in kept]
    return middle, [share.k for _, _, share in kept], [share.n for _, _, share in kept]


def _mass_interval(one: Scored, middle: list[float], seed: int) -> Estimate:
    """Return the mass found with 50 %, kg, with its interval over scenes."""
    mass_kg = one.test.mass_kg
    is_in = ~one.test.truth_is_hidden & (mass_kg >= MASS_BANDS[0]) & (mass_kg < MASS_BANDS[-1])
    band = np.searchsorted(MASS_BANDS, mass_kg[is_in], side="right")
    return midpoint_interval(
        middle,
        np.unique(band, return_inverse=True)[1],
        detected(one.test, one.threshold)[is_in],
        np.array(one.test.truth_scene)[is_in],
        reach=(middle[0], middle[-1]),
        seed=seed,
    )


def _mass_figures(one: Scored, seed: int) -> list[Figure]:
    mass, k, n = _mass_counts(one)
    metric = "mass of a threat found with 50 %"
    fit = fit_detection_curve(mass, k, n, chance=0.0, cover=None) if len(mass) > 2 else None
    value = fit.mda(0.5) if fit is not None else None
    inside = value is not None and mass[0] <= value <= mass[-1]
    why = "no fit" if fit is None else fit.outcome
    interval = _mass_interval(one, mass, seed) if inside else None
    method = "probit in ln mass over bands, all kinds together"
    return [
        Figure(
            section=SECTION,
            metric=metric,
            detector=one.name,
            value=value if inside else None,
            low=interval.low if interval is not None else None,
            high=interval.high if interval is not None else None,
            n=sum(n),
            unit="kg",
            method=f"{method}; {interval.method.replace('parents', 'scenes')}" if interval else method,
            better="lower",
            note=""
            if inside
            else f"not within {mass[0] if mass else 0:g} to {mass[-1] if mass else 0:g} kg ({why})",
        )
    ]


def _oracle_figures(one: Scored, seed: int) -> list[Figure]:
    pairs = [
        (row.scene, truth.d_prime)
        for row, _ in one.test_rows
        for truth in row.truths
        if truth.d_prime is not None and truth.visible >= 0.5
    ]
    if not pairs:
        return []
    scenes, d_prime = [name for name, _ in pairs], np.array([value for _, value in pairs])
    bound = detection_bound(d_prime, CONTAINER_FPR)
    reached = bootstrap(np.mean, bound, scenes, seed=seed)
    middle = bootstrap(np.median, d_prime, scenes, seed=seed)
    weak = proportion(d_prime < 3.0, scenes, seed=seed)
    about = "known place, shape and background, noise alone; threats of the scenes, not projected ones"
    return [
        Figure(
            section=SECTION,
            metric=f"containers with a threat that alarm (claim at {100 * CONTAINER_FPR:g} %)",
            detector=ORACLE,
            value=reached.value,
            low=reached.low,
            high=reached.high,
            n=len(pairs),
            method=reached.method,
            better="higher",
            is_headline=True,
            note=about,
        ),
        Figure(
            section=SECTION,
            metric="detectability d' of a threat, median",
            detector=ORACLE,
            value=middle.value,
            low=middle.low,
            high=middle.high,
            n=len(pairs),
            unit="sigma",
            method=middle.method,
            note=about,
        ),
        figure_of(
            weak,
            section=SECTION,
            metric="threats that noise alone hides (d' under 3)",
            detector=ORACLE,
            note=about,
        ),
    ]
