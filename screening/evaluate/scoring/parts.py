"""The part of a report that stored answers give."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from screening.evaluate.answers import Answers, AnswersHeader, StoredAnswer
from screening.evaluate.identification import Correspondence, load_correspondence
from screening.evaluate.labels import meant_column
from screening.evaluate.record import Curve, Figure, LeftOut, Part, Section

from . import alarms, calibrated, cost, levels, localisation, mass, nuclides
from .compared import comparisons
from .pictures import QUESTIONS, picture_figures
from .questions import Answered, Told

__all__ = ["MAX_NAMED", "part_of"]

#: So many samples of one kind of trouble are named one by one; the others are counted.
MAX_NAMED = 200

DATA = Section(id="data", title="Data", text=("What was measured on what, and what was left out.",))


def part_of(answers: Answers, *, table: Correspondence | None = None) -> Part:
    """Return all figures of stored answers.

    Parameters
    ----------
    answers : Answers
        The answers.
    table : Correspondence, optional
        What answers for what; the shipped one when omitted.

    Returns
    -------
    Part
        Sections, figures, curves, and what was left out.
    """
    header, table = answers.header, table or load_correspondence()
    told: list[Told] = [Told(_data_figures(answers), [])]
    by_detector = {detector.name: list[StoredAnswer]() for detector in header.detectors}
    for row in answers.rows:
        by_detector.setdefault(row.detector, []).append(row)
    all_given: dict[str, list[Answered]] = {}
    for name, rows in by_detector.items():
        given = [Answered(row.sample, row.answer, row.has_spectra) for row in rows if row.answer is not None]
        if not given:
            continue
        all_given[name] = given
        told.append(levels.level_figures(name, given))
        told.append(alarms.alarm_figures(name, given, table))
        told.append(nuclides.identification_figures(name, given, table))
        told.extend(picture_figures(name, given, question) for question in QUESTIONS)
        told.append(localisation.localisation_figures(name, given))
        told.append(mass.mass_figures(name, given))
        told.append(calibrated.calibration_figures(name, given, table))
        told.append(cost.cost_figures(name, rows))
    figures = [figure for item in told for figure in item.figures]
    present = {figure.section for figure in figures}
    known = (
        DATA,
        levels.SECTION,
        alarms.SECTION,
        nuclides.SECTION,
        *(question.section for question in QUESTIONS),
        localisation.SECTION,
        mass.SECTION,
        calibrated.SECTION,
        cost.SECTION,
    )
    return Part(
        sections=tuple(
            msgspec.structs.replace(section, data=_data_text(header))
            for section in known
            if section.id in present
        ),
        detectors=header.detectors,
        figures=tuple(figures),
        curves=tuple(_merged([curve for item in told for curve in item.curves])),
        comparisons=tuple(
            found for found in comparisons(header.detectors, all_given, table) if found.section in present
        ),
        left_out=tuple(_left_out(answers)),
        data={
            f"{header.data} labels": header.labels_sha256,
            **({f"{header.data} truth": header.truth_sha256} if header.truth_sha256 else {}),
        },
    )


def _data_text(header: AnswersHeader) -> str:
    return f"data set {header.data}, split {header.split}, labels sha256 {header.labels_sha256[:12]}"


def _data_figures(answers: Answers) -> list[Figure]:
    header = answers.header
    parents = {row.sample.parent for row in answers.rows}
    counts = [
        ("rows of the labels", "", header.n_rows),
        ("scans scored", "", header.n_scored),
        ("independent parents", "", len(parents)),
        *(("rows of other splits", split, n) for split, n in header.n_other_splits.items()),
    ]
    return [
        Figure(section=DATA.id, metric=metric, stratum=stratum, value=float(n), unit="", k=n, method="count")
        for metric, stratum, n in counts
    ]


def _merged(curves: Sequence[Curve]) -> list[Curve]:
    found: dict[tuple[str, str], Curve] = {}
    for curve in curves:
        key = curve.section, curve.title
        if key in found:
            series = (*found[key].series, *curve.series)
            found[key] = msgspec.structs.replace(found[key], series=series)
        else:
            found[key] = curve
    return list(found.values())


def _left_out(answers: Answers) -> list[LeftOut]:
    header = answers.header
    found = [
        LeftOut(kind=problem.kind, where=problem.where, text=problem.text) for problem in header.problems
    ]
    found.extend(header.leaks)
    found.extend(
        LeftOut(kind="other split", where=split, text=f"rows of split {split}", n=n, is_error=False)
        for split, n in header.n_other_splits.items()
    )
    found.extend(
        LeftOut(
            kind="ignored column",
            where=name,
            text="a column of the labels without a meaning here"
            + (f"; did you mean {meant!r}?" if (meant := meant_column(name)) else ""),
            is_error=False,
        )
        for name in header.ignored_columns
    )
    not_served = Counter(row.detector for row in answers.rows if row.answer is None and row.failure is None)
    found.extend(
        LeftOut(
            kind="another modality",
            where=name,
            text="scans of a modality that it does not serve",
            n=n,
            is_error=False,
        )
        for name, n in not_served.items()
    )
    n_answers = Counter({detector.name: 0 for detector in header.detectors})
    n_answers.update(row.detector for row in answers.rows)
    found.extend(
        LeftOut(
            kind="not asked",
            where=name,
            text=f"answers are stored for {n} of {header.n_scored} scans: the run did not end",
            n=header.n_scored - n,
        )
        for name, n in n_answers.items()
        if n < header.n_scored
    )
    failures = {}
    for row in answers.rows:
        if row.failure is not None:
            # A scan that cannot be read is one trouble, not one a detector.
            is_reading = row.failure.stage == "reading"
            where = row.sample.id if is_reading else f"{row.detector}: {row.sample.id}"
            failures[row.failure.kind, where] = LeftOut(
                kind=row.failure.kind, where=where, text=row.failure.text
            )
    return _shortened(found) + _shortened(list(failures.values()))


def _shortened(items: Sequence[LeftOut]) -> list[LeftOut]:
    """Return the first of each kind by name, and the others as one row with their number."""
    n_seen: Counter[str] = Counter()
    kept, more = [], dict[str, LeftOut]()
    for item in items:
        n_seen[item.kind] += 1
        if n_seen[item.kind] <= MAX_NAMED:
            kept.append(item)
        else:
            before = more.get(item.kind)
            more[item.kind] = LeftOut(
                kind=item.kind,
                where="further samples",
                text="named in the stored answers or the data set, not here",
                n=item.n + (before.n if before else 0),
                is_error=item.is_error or bool(before and before.is_error),
            )
    return kept + list(more.values())
