"""A programme of screening: steps done of all announced, time to decide, referrals, agreement."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from screening.evaluate.metrics.proportions import proportion
from screening.evaluate.record import Figure, LeftOut, Part, Section, figure_of
from screening.records import Action, Level

from .agreement import cohen_kappa
from .records import ContainerRun, ExpectedContainer
from .tables import CONTAINERS, EXPECTED, read_containers, read_expected
from .waiting import waiting_quantile

__all__ = ["PROGRAMME", "programme_part", "run_programme"]

#: Section of the figures.
PROGRAMME = "programme"

_LEVELS = (Level.LOW, Level.UNKNOWN, Level.HIGH)

#: Actions that send a container to a further examination.
_REFERRALS = {
    "referred to secondary radiation screening": Action.REFER_SECONDARY_RAD,
    "referred to imaging": Action.REFER_NII,
    "referred to destuffing": Action.REFER_DESTUFF,
}


def run_programme(folder: str | Path, *, as_of: datetime | None = None) -> Part:
    """Evaluate the programme that a folder records.

    Parameters
    ----------
    folder : path-like
        With ``expected.csv`` and ``containers.csv``.
    as_of : datetime, optional
        When the record was closed, aware; the last time that stands in it when omitted.

    Returns
    -------
    Part
        Figures of the programme.

    Raises
    ------
    FormatError
        If a table cannot be read, or its columns are not those of its format.
    """
    root = Path(folder)
    expected, containers = read_expected(root / EXPECTED), read_containers(root / CONTAINERS)
    part = programme_part(expected.rows, containers.rows, as_of=as_of, unreadable=containers.left_out_keys)
    name = root.resolve().name
    return msgspec.structs.replace(
        part,
        left_out=(*expected.left_out, *containers.left_out, *part.left_out),
        data={f"{name}/{EXPECTED}": expected.sha256, f"{name}/{CONTAINERS}": containers.sha256},
    )


def programme_part(
    expected: Sequence[ExpectedContainer],
    containers: Sequence[ContainerRun],
    *,
    as_of: datetime | None = None,
    unreadable: Collection[tuple[str, str]] = (),
) -> Part:
    """Return what records of containers say of a programme.

    Parameters
    ----------
    expected : sequence of ExpectedContainer
        All that vessels and trains announced.
    containers : sequence of ContainerRun
        All that was recorded.
    as_of : datetime, optional
        When the record was closed; the last time in it when omitted.
    unreadable : collection of (str, str)
        Number and list of containers whose record could not be read: no step counts as done, and they are
        told apart from those without a record.

    Returns
    -------
    Part
        Share of announced containers with each step done, in all and by vessel or train; time from arrival
        to decision; referrals, destuffing, re-examinations avoided; agreement of the two targetings.

    Raises
    ------
    ValueError
        If `as_of` lies before a decision or an arrival.
    """
    times = [at for one in containers for at in (one.arrived_at, one.decided_at) if at is not None]
    if as_of is not None and times and as_of < max(times):
        raise ValueError(f"as_of {as_of.isoformat()} lies before {max(times).isoformat()} in the record")
    closed = as_of or (max(times) if times else None)
    announced = {(one.list, one.container_id) for one in expected}
    by_key = {(one.list, one.container_id): one for one in containers}
    left_out = [
        LeftOut(
            kind="not announced",
            where=f"{name}: {number}",
            text=f"{number} was recorded but is not on the list of {name}: counted in no share of steps",
        )
        for name, number in sorted(set(by_key) - announced)
    ]
    lost = {(name, number) for number, name in unreadable}
    for kind, said, missing in (
        ("no record", "announced and never recorded", sorted(announced - set(by_key) - lost)),
        ("record left out", "announced, the record cannot be read", sorted(announced & lost - set(by_key))),
    ):
        if missing:
            shown = ", ".join(number for _, number in missing[:10]) + (", ..." if len(missing) > 10 else "")
            left_out.append(
                LeftOut(
                    kind=kind,
                    where=CONTAINERS,
                    text=f"{said}, each step counted as not done: {shown}",
                    n=len(missing),
                    is_error=False,
                )
            )
    figures = [
        *_steps(sorted(announced), by_key),
        *_times(containers, closed),
        *_rates(containers),
    ]
    found, without = _agreement(containers)
    figures += found
    left_out += without
    return Part(
        sections=(
            Section(
                id=PROGRAMME,
                title="Programme",
                text=(
                    "Steps are counted over the announced list of each vessel or train: a container without "
                    "a record had no step done. Imaging is due where targeting or radiation is not LOW or is "
                    "missing. A step with the answer UNKNOWN is done.",
                    "Containers that were not decided when the record was closed are censored in the time to "
                    "decide, not dropped. Containers of one vessel or train are not independent: intervals "
                    "resample vessels and trains, and there is none with fewer than five.",
                ),
                data="" if closed is None else f"record closed at {closed.isoformat()}",
            ),
        ),
        figures=tuple(figures),
        left_out=tuple(left_out),
    )


def _steps(announced: list[tuple[str, str]], by_key: dict[tuple[str, str], ContainerRun]) -> list[Figure]:
    done: tuple[tuple[str, Callable[[ContainerRun], bool]], ...] = (
        ("targeted", lambda one: one.targeting is not None),
        ("sealed", lambda one: one.is_sealed),
        ("radiation screened", lambda one: one.radiation is not None),
    )
    figures = []
    for metric, is_done in done:
        with_step = {key for key, one in by_key.items() if is_done(one)}
        figures += _by_list(announced, metric, with_step.__contains__)
    due = [key for key in announced if key in by_key and _needs_image(by_key[key])]
    figures += _by_list(due, "imaged where due", lambda key: by_key[key].image is not None)

    def _complete(key: tuple[str, str]) -> bool:
        one = by_key.get(key)
        if one is None or not all(is_done(one) for _, is_done in done):
            return False
        return one.image is not None or not _needs_image(one)

    return [*figures, *_by_list(announced, "every step done", _complete)]


def _needs_image(one: ContainerRun) -> bool:
    return one.targeting is not Level.LOW or one.radiation is not Level.LOW


def _by_list(
    keys: list[tuple[str, str]], metric: str, is_done: Callable[[tuple[str, str]], bool]
) -> list[Figure]:
    figures = []
    names = sorted({name for name, _ in keys})
    groups = [("", keys)]
    if len(names) > 1:
        groups += [(name, [key for key in keys if key[0] == name]) for name in names]
    for stratum, some in groups:
        parents = [name for name, _ in some]
        # within one vessel each container is a trial of its own
        share = proportion([is_done(key) for key in some], None if stratum else parents)
        figures.append(
            figure_of(
                share,
                section=PROGRAMME,
                metric=metric,
                stratum=stratum,
                better="higher",
                is_headline=not stratum and metric == "every step done",
            )
        )
    return figures


def _times(containers: Sequence[ContainerRun], closed: datetime | None) -> list[Figure]:
    if closed is None:
        return []
    waits = [((one.decided_at or closed) - one.arrived_at).total_seconds() for one in containers]
    is_over = [one.decided_at is not None for one in containers]
    figures = []
    for q, metric in (
        (0.5, "time from arrival to decision, median"),
        (0.95, "time from arrival to decision, 95 %"),
    ):
        found = waiting_quantile(waits, is_over, q, [one.list for one in containers])
        figures.append(
            Figure(
                section=PROGRAMME,
                metric=metric,
                value=None if found.value is None else found.value / 3600.0,
                low=None if found.low is None else found.low / 3600.0,
                high=None if found.high is None else found.high / 3600.0,
                n=float(len(containers)),
                unit="h",
                method=found.method,
                better="lower",
                is_headline=q == 0.5,
                note=f"{is_over.count(False)} of {len(containers)} not decided yet",
            )
        )
    return figures


def _rates(containers: Sequence[ContainerRun]) -> list[Figure]:
    decided = [one for one in containers if one.action is not None]
    parents = [one.list for one in decided]
    figures = [
        figure_of(
            proportion([one.action is action for one in decided], parents), section=PROGRAMME, metric=metric
        )
        for metric, action in _REFERRALS.items()
    ]
    figures.append(
        figure_of(
            proportion([one.is_destuffed for one in containers], [one.list for one in containers]),
            section=PROGRAMME,
            metric="destuffed",
        )
    )
    crossed = [one for one in containers if one.border is not None]
    figures.append(
        figure_of(
            proportion([one.border == "ACCEPT" for one in crossed], [one.list for one in crossed]),
            section=PROGRAMME,
            metric="re-examinations avoided",
            better="higher",
            note="of containers that the other administration dealt with, those it accepted on the record",
        )
    )
    return figures


def _agreement(containers: Sequence[ContainerRun]) -> tuple[list[Figure], list[LeftOut]]:
    both = [one for one in containers if one.targeting is not None and one.targeting_other is not None]
    left_out = []
    if len(both) < len(containers):
        left_out.append(
            LeftOut(
                kind="one targeting missing",
                where=CONTAINERS,
                text="containers that only one administration, or neither, assessed: not in their agreement",
                n=len(containers) - len(both),
                is_error=False,
            )
        )
    if not both:
        return [], left_out
    index = {level: k for k, level in enumerate(_LEVELS)}
    parents = [one.list for one in both]
    found = cohen_kappa(
        [index[one.targeting] for one in both if one.targeting is not None],
        [index[one.targeting_other] for one in both if one.targeting_other is not None],
        len(_LEVELS),
        parents,
    )
    figures = [
        Figure(
            section=PROGRAMME,
            metric="agreement of targetings, Cohen's kappa",
            value=found.kappa.value,
            low=found.kappa.low,
            high=found.kappa.high,
            n=float(found.n),
            method=found.kappa.method,
            better="higher",
            is_headline=True,
        ),
        figure_of(
            proportion([one.targeting is one.targeting_other for one in both], parents),
            section=PROGRAMME,
            metric="same targeting",
            better="higher",
        ),
    ]
    totals = Counter((one.targeting, one.targeting_other) for one in both)
    figures += [
        Figure(
            section=PROGRAMME,
            metric="containers by both targetings",
            stratum=f"ours {a.value}, theirs {b.value}",
            value=float(totals[a, b]),
            k=totals[a, b],
            n=float(found.n),
            unit="containers",
            method="count",
        )
        for a in _LEVELS
        for b in _LEVELS
    ]
    return figures, left_out
