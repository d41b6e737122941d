"""The part of a report that a bench makes: what was measured, on whom, and what was left out."""

from __future__ import annotations

from screening.evaluate.record import DetectorTested, LeftOut, Part, Section

from .analysis import Found
from .comparing import comparisons
from .figures import data_figures, detector_figures
from .gathered import Gathered
from .pictures import curves, drawn_detectors
from .plan import KNOWN, ORACLE
from .registry import BUILT_IN
from .wording import tier_of

__all__ = ["part_of"]

_TEXTS = {
    KNOWN: "likelihood ratio of the one source that is there beside factors of background: told which",
    ORACLE: "likelihood ratio with the true mean background, spectrum and pass: the ceiling",
}


def part_of(known: Gathered, found: Found, others: list[str]) -> Part:
    """Return the part of the report that a bench makes.

    Parameters
    ----------
    known : Gathered
        Scores and thresholds.
    found : Found
        What they say.
    others : list of str
        Detectors asked for that are of another kind.

    Returns
    -------
    Part
        Section, figures, curves, comparisons, what is left out.
    """
    known = known._replace(detectors=[name for name in known.detectors if name not in known.failures])
    section = _section(known, found)
    return Part(
        sections=(section,),
        detectors=tuple(_tested(known, name) for name in known.detectors),
        figures=(*data_figures(known, section.id), *detector_figures(known, found, section.id)),
        curves=tuple(curves(known, found, section.id)),
        comparisons=tuple(comparisons(known, found, section.id)),
        left_out=tuple(_left_out(known, found, others)),
        seeds={f"weak-source-{known.track.name}": known.plan.seed},
    )


def _section(known: Gathered, found: Found) -> Section:
    track, scale = known.track, known.scale
    unit = "occupancies" if track.is_by_occupancy else "h"
    exposure = next(iter(known.alarms.values()))
    set_on, seen_on = (float(starts.hours.sum()) for starts in (exposure.starts, exposure.unseen))
    rate = (
        f"1 in {1 / track.far:.0f} occupancies"
        if track.is_by_occupancy
        else (f"1 in {1 / track.far:g} h" if track.far <= 1 else f"{track.far:g} an hour")
    )
    how = "a generalised Pareto tail of" if scale.is_tail else "a count on"
    place = {
        "street": "5 m/s, closest approach 10 m, bare sources in vacuum, potassium, uranium, thorium, "
        "radon and cosmic rays along a street at 300 to 2,500 counts/s.",
        "portal": "2.2 m/s, closest approach 2.5 m, occupancies of 8 s by vehicles that shade the "
        "background, sources bare, behind 1 cm of steel and in 20 cm of water; uranium and plutonium of "
        "10 g/cm2; sites of 150 to 500 counts/s whose radon and ground drift within a shift.",
    }[track.name]
    text = [
        "One 2 x 4 x 16 inch NaI log, 7.5 % at 662 keV, 128 bins from 50 to 3,000 keV, every 0.1 s. " + place,
        f"False alarms allowed: {rate}, set by {how} {set_on:,.0f} {unit} of background without a source and "
        f"verified on {seen_on:,.0f} {unit} unseen. All detectors get the same counts; a weaker source is a "
        "part of the draw of a stronger one.",
        f"Detectable activity: {scale.n_pass} passes at each activity, ten activities a decade; the curve c "
        "+ (1 - c) Phi((ln A - m) / s) with c the share of passes without a source that alarm. Intervals: "
        f"{scale.n_resample} resamples of background and passes, the threshold set again in each.",
        "Blind detectors know background alone, informed ones the sources' spectra, the oracle also the mean "
        "background and the shape of the pass. Only detectors of one tier are compared; who is told which "
        "source is there is a reference.",
        "Sources: " + ", ".join(f"{k + 1} {stratum.name}" for k, stratum in enumerate(track.strata)) + ". "
        f"Detection curves are drawn of {', '.join(drawn_detectors(known, found))}"
        + (", sources bare; the figures hold all." if track.is_by_occupancy else "; the figures hold all."),
    ]
    if not scale.is_measure:
        text.insert(
            0, "Short form: it shows that everything works, and its figures are no measure of anything."
        )
    return Section(
        id=f"weak-source-{track.name}",
        title={"street": "Weak sources along a street", "portal": "Weak sources in a portal"}[track.name],
        text=tuple(text),
        data=f"simulated, seed {known.plan.seed}; training, validation, threshold, verification, pilot and "
        "test apart by seed",
    )


def _tested(known: Gathered, name: str) -> DetectorTested:
    text = _TEXTS.get(name, BUILT_IN[name].text if name in BUILT_IN else "")
    version = BUILT_IN[name].version if name in BUILT_IN else ("1" if name in _TEXTS else "")
    return DetectorTested(name=name, version=version, text=text, tier=tier_of(known, name))  # type: ignore[arg-type]


def _left_out(known: Gathered, found: Found, others: list[str]) -> list[LeftOut]:
    rows = [
        LeftOut(
            kind="not learned" if name in known.unlearned else "failed on background",
            where=name,
            text=why,
            is_error=True,
        )
        for name, why in known.failures.items()
    ]
    for stratum, passes in zip(known.track.strata, known.passes, strict=True):
        rows += [
            LeftOut(
                kind="failed on passes",
                where=f"{name}, {stratum.name}",
                text=f"failed {n} times, each a miss; first {why}",
                n=n,
                is_error=True,
            )
            for name, (n, why) in (passes.failed or {}).items()
        ]
    rows += [
        LeftOut(
            kind="not a detector of series",
            where=name,
            text=f"{name} answers scans; the weak-source bench asks for fit and score",
            is_error=False,
        )
        for name in others
    ]
    for detector, drawn in found.curves.items():
        for stratum, curve in zip(known.track.strata, drawn, strict=True):
            if not curve.fit.is_fitted:
                rows.append(
                    LeftOut(
                        kind="no detection curve",
                        where=f"{detector}, {stratum.name}",
                        text=f"no detectable activity: {curve.fit.outcome}; counted as a failure",
                        is_error=False,
                    )
                )
    return rows
