"""The tables written from a ledger, read by the evaluation: the same figures by two programs."""

from __future__ import annotations

from datetime import datetime
from random import Random

import pytest

from screening.clearance.measures import (
    Expected,
    SealTruth,
    container_runs,
    programme_measures,
    read_expected,
    read_ledger,
    read_truths,
    seal_measures,
    seal_trips,
    write_tables,
)
from screening.errors import FormatError
from screening.evaluate.programmes import run_records
from screening.records import Journey, JourneyPoint, utc_string

LETTERS = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", (n for n in range(10, 39) if n % 11), strict=True))


def container(k: int) -> str:
    head = f"MSKU{k:06d}"
    values = [LETTERS[c] if c.isalpha() else int(c) for c in head]
    return f"{head}{sum(v << i for i, v in enumerate(values)) % 11 % 10}"


@pytest.fixture
def programme(make, at):
    """Eighty containers of six trains, with everything that can be missing missing somewhere."""
    rng, records, expected, truths = Random(11), [], [], {}
    for k in range(80):
        number, name = container(k), f"train {k % 6}"
        expected.append(Expected(number, name))
        if rng.random() < 0.05:
            continue  # announced, and never came
        h = rng.uniform(0, 40)
        levels = ("LOW", "LOW", "LOW", "UNKNOWN", "HIGH")
        if rng.random() < 0.95:
            records.append(make.targeting(number, h - 20, rng.choice(levels)))
        if rng.random() < 0.9:
            records.append(make.targeting(number, h - 19, rng.choice(levels), "US"))
        records.append(make.crossing(number, h))
        if rng.random() < 0.95:
            records.append(make.flag(number, h + 0.5, level=rng.choice(levels)))
        if rng.random() < 0.5:
            records.append(make.flag(number, h + 1, "XRAY", rng.choice(levels)))
        if rng.random() < 0.3:
            action = rng.choice(("REFER_NII", "REFER_SECONDARY_RAD", "REFER_DESTUFF", "HOLD"))
            records.append(make.decision(number, h + 1.5, action))
        cleared = make.decision(number, h + 2 + rng.expovariate(0.5), "CLEARED_FOR_DEPARTURE")
        records.append(cleared)
        records.append(make.seal(number, h + 1, place="A", seal=f"S{k}"))
        records.append(
            Journey(
                container_id=number,
                seal_id=f"S{k}",
                origin="A",
                destination="D",
                departs_at=str(utc_string(at(h + 2))),
                arrives_before=str(utc_string(at(h + 90))),
                administration="CA",
                at=str(utc_string(at(h))),
                points=(JourneyPoint(place="B"), JourneyPoint(place="C")),
            )
        )
        records += [
            make.seal(number, h + t, "READ", place, seal=f"S{k}")
            for t, place in ((20, "B"), (40, "C"))
            if rng.random() < 0.9
        ]
        kind = rng.choice(("none", "none", "doors", ""))
        opened = h + 30 if kind == "doors" else None
        if (opened is not None and rng.random() < 0.8) or rng.random() < 0.1:
            records.append(make.seal(number, h + 31, "TAMPER", seal=f"S{k}"))
        truths[number, f"S{k}"] = SealTruth(
            container_id=number,
            seal=f"S{k}",
            model=f"maker {k % 2}",
            opening_kind=kind,
            opened_at=None if opened is None else at(opened),
        )
        records.append(make.seal(number, h + 60, "ARRIVED", "D", seal=f"S{k}"))
        if rng.random() < 0.9:
            records.append(make.acceptance(cleared, h + 61, rng.choice(("ACCEPT", "ACCEPT", "RE_EXAMINE"))))
    rng.shuffle(records)
    return records, expected, truths


def test_both_programs_give_the_same_figures(programme, ledger_of, at, tmp_path):
    records, expected, truths = programme
    now: datetime = at(500)
    read = read_ledger(ledger_of(records)).records
    runs = container_runs(read, expected, administration="CA")
    trips, reads = seal_trips(read, now=now, truths=truths)
    write_tables(tmp_path, expected=expected, runs=runs, trips=trips, reads=reads)

    part = run_records(tmp_path, as_of=now)
    assert [one for one in part.left_out if one.is_error] == []
    theirs = {(one.metric, one.detector, one.stratum): one for one in part.figures}

    measures = programme_measures(expected, runs, now=now)
    compared = {one.metric for one in measures}
    n_compared = 0
    for one in measures:
        other = theirs.get((one.metric, "", one.stratum))
        if other is None:
            continue
        n_compared += 1
        assert one.value == pytest.approx(other.value), one
        assert one.n == other.n, one
        if one.k is not None:
            assert one.k == other.k
        if other.method == "clopper-pearson":
            assert (one.low, one.high) == pytest.approx((other.low, other.high))
    assert compared - {metric for metric, _, _ in theirs} == {
        "arrival recorded",
        "held",
        "time from arrival to decision, 90 %",
        "containers recorded and not announced",
    }
    assert {metric for metric, detector, _ in theirs if not detector} <= compared
    assert n_compared > 40

    for one in seal_measures(trips, reads):
        model, _, point = one.stratum.partition(" at ")
        other = theirs[one.metric, model, f"at {point}" if point else ""]
        assert one.value == pytest.approx(other.value), one
        assert other.value is not None
        if other.method == "clopper-pearson":
            assert (one.low, one.high) == pytest.approx((other.low, other.high))


def test_tables_that_are_read_back(tmp_path):
    path = tmp_path / "expected.csv"
    path.write_text("list,container_id\nvessel 1,CSQU 305438 3\n", encoding="utf-8")
    assert read_expected(path) == (Expected("CSQU3054383", "vessel 1"),)
    truths = tmp_path / "seals.csv"
    truths.write_text(
        "container_id,seal,model,route,temperature,opening_kind,opened_at\n"
        "CSQU3054383,S1,m,rail,cold,doors,2026-03-01T06:00:00Z\nCSQU3054383,S2,,,,none,\n",
        encoding="utf-8",
    )
    assert [one.opening_kind for one in read_truths(truths).values()] == ["doors", "none"]


@pytest.mark.parametrize(
    "text",
    [
        "", "container_id\nA\n", "container_id,list,more\nA,b,c\n", "container_id,list\nA\n",
        "container_id,list\nCSQU3054383,\n", "container_id,list\nCSQU3054383,v\nCSQU3054383,v\n",
        'container_id,list\n"CSQU3054383,v\n', "container_id,list\nCSQU3054383,v,w\n",
    ],
)  # fmt: skip
def test_a_list_that_does_not_fit_is_refused(text, tmp_path):
    path = tmp_path / "expected.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(FormatError):
        read_expected(path)


@pytest.mark.parametrize("cells", ["doors,", "none,2026-03-01T06:00:00Z", "doors,yesterday", ",soon"])
def test_a_truth_whose_time_does_not_go_with_its_kind_is_refused(cells, tmp_path):
    path = tmp_path / "seals.csv"
    path.write_text(
        f"container_id,seal,model,route,temperature,opening_kind,opened_at\nCSQU3054383,S1,m,,,{cells}\n",
        encoding="utf-8",
    )
    with pytest.raises(FormatError):
        read_truths(path)
