"""Tables of seals and programmes are read strictly; what does not fit is named."""

from __future__ import annotations

import pytest

from screening.errors import FormatError, StoreError
from screening.evaluate.programmes import run_programme, run_records, run_seals
from screening.evaluate.programmes.simulated import (
    simulate_programme,
    simulate_seal_trials,
    write_programme,
    write_seal_trials,
)
from screening.evaluate.programmes.tables import (
    read_containers,
    read_custody,
    read_expected,
    read_trips,
    write_table,
)
from screening.evaluate.record import Provenance, joined

TRIP = {
    "trip": "t1",
    "seal": "s1",
    "model": "m",
    "route": "rail",
    "temperature": "cold",
    "departed_at": "2026-01-05T06:00:00Z",
    "arrived_at": "2026-01-07T06:00:00Z",
    "opening_kind": "doors",
    "opened_at": "2026-01-06T06:00:00Z",
    "reports": "2026-01-06T06:02:00Z;2026-01-05T08:00:00+02:00",
    "has_gap": "false",
    "has_low_battery": "true",
    "has_fault": "false",
}


def write_rows(path, *rows):
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def test_what_is_written_is_read_back(tmp_path):
    seals = simulate_seal_trials(40, seed=3)
    write_seal_trials(tmp_path, seals)
    assert read_trips(tmp_path / "seal-trials.csv").rows == seals.trips
    assert read_custody(tmp_path / "custody.csv").rows == seals.reads
    record = simulate_programme(3, 20, seed=3)
    write_programme(tmp_path, record)
    assert read_expected(tmp_path / "expected.csv").rows == record.expected
    assert read_containers(tmp_path / "containers.csv").rows == record.containers
    with pytest.raises(ValueError, match="at least one row"):
        write_table(tmp_path / "x.csv", [])


def test_times_of_any_zone_are_one_time_and_reports_come_in_order(tmp_path):
    (trip,) = read_trips(write_rows(tmp_path / "seal-trials.csv", TRIP)).rows
    assert trip.reports[0] == trip.departed_at
    assert (trip.detected_at - trip.opened_at).total_seconds() == 120.0
    assert trip.n_false == 1
    assert trip.is_unknown is False


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"arrived_at": "2026-01-04T06:00:00Z"}, "lies before departed_at"),
        ({"departed_at": ""}, "departed_at is empty"),
        ({"departed_at": "2026-01-05T06:00:00"}, "has no zone"),
        ({"departed_at": "yesterday"}, "is no time of RFC 3339"),
        ({"departed_at": "0001-01-01T00:00:00+10:00"}, "lies outside of the calendar"),
        ({"opened_at": ""}, "does not go with opening_kind 'doors'"),
        ({"opening_kind": "none"}, "does not go with opening_kind 'none'"),
        ({"opened_at": "2026-02-06T06:00:00Z"}, "outside of the trip"),
        ({"reports": "2026-02-06T06:00:00Z"}, "outside of the trip"),
        ({"has_gap": "maybe"}, "has_gap 'maybe' is neither true nor false"),
        ({"seal": ""}, "seal is empty"),
    ],
)
def test_a_row_that_does_not_fit_is_left_out_by_name(tmp_path, change, said):
    good = {**TRIP, "trip": "t0"}
    table = read_trips(write_rows(tmp_path / "seal-trials.csv", good, {**TRIP, **change}))
    assert [trip.trip for trip in table.rows] == ["t0"]
    (left_out,) = table.left_out
    assert left_out.where == "seal-trials.csv line 3"
    assert said in left_out.text
    assert left_out.is_error


def test_columns_must_be_those_of_the_format(tmp_path):
    path = tmp_path / "seal-trials.csv"
    with pytest.raises(FormatError, match="no column 'seal'"):
        read_trips(write_rows(path, {k: v for k, v in TRIP.items() if k != "seal"}))
    with pytest.raises(FormatError, match="unknown column 'colour'"):
        read_trips(write_rows(path, {**TRIP, "colour": "red"}))
    path.write_text("trip,trip\n", encoding="utf-8")
    with pytest.raises(FormatError, match="column 'trip' twice"):
        read_trips(path)
    path.write_bytes(b"\xff")
    with pytest.raises(FormatError, match="not UTF-8"):
        read_trips(path)
    with pytest.raises(FormatError, match=r"custody\.csv"):
        read_custody(tmp_path / "custody.csv")


def test_doubles_and_ragged_rows_are_named(tmp_path):
    path = write_rows(tmp_path / "seal-trials.csv", TRIP, TRIP)
    path.write_text(path.read_text() + "a,b\n", encoding="utf-8")
    table = read_trips(path)
    assert len(table.rows) == 1
    assert [(one.kind, one.where) for one in table.left_out] == [
        ("duplicate id", "seal-trials.csv line 3"),
        ("invalid value", "seal-trials.csv line 4"),
    ]
    assert table.left_out[1].text == "2 cells under 13 columns"


def test_what_speaks_of_a_row_that_cannot_be_read_is_no_error_of_its_own(tmp_path):
    bad = {**TRIP, "trip": "t2", "seal": "s2", "reports": "soon"}
    write_rows(tmp_path / "seal-trials.csv", TRIP, bad)
    reads = [("t1", "s1"), ("t2", "s2"), ("t2", "s2"), ("t3", "s3")]
    rows = [
        {"trip": trip, "seal": seal, "point": f"gate {k}", "read_at": ""}
        for k, (trip, seal) in enumerate(reads)
    ]
    write_rows(tmp_path / "custody.csv", *rows)
    part = run_seals(tmp_path)
    assert [(one.kind, one.n, one.is_error) for one in part.left_out] == [
        ("invalid value", 1, True),
        ("unknown trip", 1, True),
        ("trip left out", 2, False),
    ]
    assert "'soon' is no time of RFC 3339" in part.left_out[0].text
    assert "s3" in part.left_out[1].text


def test_a_container_whose_record_cannot_be_read_is_told_from_one_without(tmp_path):
    record = simulate_programme(1, 6, seed=1)
    write_programme(tmp_path, record)
    path = tmp_path / "containers.csv"
    header, first, _, *rest = path.read_text().splitlines()
    number = first.split(",")[0]
    path.write_text("\n".join([header, first + ",more", *rest]) + "\n", encoding="utf-8")
    left_out = {one.kind: one for one in run_programme(tmp_path).left_out}
    assert left_out["invalid value"].is_error
    assert left_out["record left out"].text.endswith(number)
    assert left_out["no record"].n == 1
    assert number not in left_out["no record"].text


def test_rows_are_named_by_the_line_they_begin_on(tmp_path):
    path = write_rows(
        tmp_path / "seal-trials.csv", {**TRIP, "route": '"rail\nand road"'}, {**TRIP, "trip": ""}
    )
    table = read_trips(path)
    assert table.rows[0].route == "rail\nand road"
    assert [one.where for one in table.left_out] == ["seal-trials.csv line 4"]


def test_a_table_that_cannot_be_written_leaves_the_old_one(tmp_path, monkeypatch):
    seals = simulate_seal_trials(3, seed=3)
    write_seal_trials(tmp_path, seals)
    before = (tmp_path / "seal-trials.csv").read_bytes()

    def _full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("screening.evaluate.whole_files.os.fsync", _full)
    with pytest.raises(StoreError, match="No space left"):
        write_seal_trials(tmp_path, simulate_seal_trials(3, seed=4))
    assert (tmp_path / "seal-trials.csv").read_bytes() == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["custody.csv", "seal-trials.csv"]


def test_levels_actions_and_outcomes_are_closed_lists(tmp_path):
    record = simulate_programme(1, 6, seed=1)
    write_programme(tmp_path, record)
    path = tmp_path / "containers.csv"
    text = path.read_text()
    header, first, *rest = text.splitlines()
    for old, new, said in (
        ("CLEARED_FOR_DEPARTURE", "WAVED_THROUGH", "action 'WAVED_THROUGH' is none of"),
        ("RE_EXAMINE", "SHRUG", "border 'SHRUG' is none of"),
        ("LOW", "MEDIUM", "is none of LOW, UNKNOWN, HIGH"),
    ):
        row = first.replace(f",{old}", f",{new}", 1)
        assert row != first
        path.write_text("\n".join([header, row, *rest]) + "\n", encoding="utf-8")
        (left_out,) = read_containers(path).left_out
        assert said in left_out.text


def test_a_folder_gives_whatever_it_holds(tmp_path):
    with pytest.raises(FormatError, match="no records"):
        run_records(tmp_path)
    write_seal_trials(tmp_path, simulate_seal_trials(30, seed=1))
    assert run_records(tmp_path) == run_seals(tmp_path)
    record = simulate_programme(5, 8, seed=1)
    write_programme(tmp_path, record)
    both = run_records(tmp_path, as_of=record.as_of)
    assert [section.id for section in both.sections] == ["seals", "programme"]
    assert both.figures[-1] == run_programme(tmp_path, as_of=record.as_of).figures[-1]
    again = run_records(tmp_path, as_of=record.as_of, name="north")
    assert [section.id for section in again.sections] == ["seals-north", "programme-north"]
    joined([both, again], title="two folders", provenance=Provenance(version="0"))
    (tmp_path / "expected.csv").unlink()
    with pytest.raises(FormatError, match=r"expected\.csv"):
        run_records(tmp_path)
