"""Seals: the figures recover what the generator put in, and their intervals cover it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np
import pytest

from screening.evaluate.programmes import (
    SealModel,
    run_seals,
    seal_part,
    simulate_seal_trials,
    write_seal_trials,
)
from screening.evaluate.programmes.records import CustodyRead, SealTrip
from screening.evaluate.record import Provenance, joined

DAY = datetime(2026, 1, 5, tzinfo=UTC)
MODEL = SealModel(
    name="m",
    detection={"doors": 0.95, "wall": 0.30},
    false_tampers_per_trip=0.2,
    temperature_factor={"cold": 2.0, "mild": 1.0},
    read_probability={"gate": 0.98, "border": 0.90},
    fault=0.0,
    report_delay_s=60.0,
)


def figure(part, metric, stratum=""):
    (found,) = [f for f in part.figures if (f.metric, f.stratum) == (metric, stratum)]
    return found


def trip(name, *, kind="none", opened_h=None, reports_h=(), **more):
    return SealTrip(
        trip=name,
        seal=more.pop("seal", name),
        model="m",
        departed_at=DAY,
        arrived_at=DAY + timedelta(hours=48),
        opening_kind=kind,
        opened_at=None if opened_h is None else DAY + timedelta(hours=opened_h),
        reports=tuple(DAY + timedelta(hours=h) for h in reports_h),
        **more,
    )


def test_intervals_cover_what_was_put_in():
    covered = {"doors": [], "wall": [], "cold": [], "mild": [], "gate": [], "border": []}
    for seed in range(120):
        part = seal_part(*simulate_seal_trials(120, seed=seed, models=(MODEL,)))
        for kind, p in MODEL.detection.items():
            one = figure(part, "openings detected", f"opened by {kind}")
            covered[kind].append(one.low <= p <= one.high)
        for temperature, factor in MODEL.temperature_factor.items():
            one = figure(part, "false tampers", f"temperature {temperature}")
            covered[temperature].append(one.low <= 0.2 * factor <= one.high)
        for point, p in MODEL.read_probability.items():
            one = figure(part, "read rate", f"at {point}")
            covered[point].append(one.low <= p <= one.high)
    # exact intervals cover 95 % and more; less three standard deviations of 120 experiments
    assert all(np.mean(hits) >= 0.89 for hits in covered.values()), {
        k: np.mean(v) for k, v in covered.items()
    }


def test_large_trials_come_close_to_the_truth():
    part = seal_part(*simulate_seal_trials(6000, seed=5, models=(MODEL,)))
    assert figure(part, "openings detected", "opened by doors").value == pytest.approx(0.95, abs=0.02)
    assert figure(part, "false tampers", "temperature cold").value == pytest.approx(0.4, abs=0.05)
    assert figure(part, "trips with a gap of custody").value == pytest.approx(MODEL.gap, abs=0.01)
    assert figure(part, "trips with a low battery").value == pytest.approx(MODEL.low_battery, abs=0.01)


def test_the_delay_of_reports_is_recovered_where_all_are_found():
    sure = msgspec.structs.replace(MODEL, detection={"doors": 1.0}, false_tampers_per_trip=0.0)
    part = seal_part(*simulate_seal_trials(3000, seed=6, models=(sure,)))
    median = figure(part, "time from opening to report, median")
    assert median.low <= 60.0 * np.log(2.0) + 1.0  # times are whole seconds
    assert median.high >= 60.0 * np.log(2.0) - 1.0
    assert figure(part, "time from opening to report, 95 %").value == pytest.approx(
        60.0 * np.log(20.0), rel=0.1
    )


def test_what_counts_as_what():
    trips = [
        trip("seen", kind="doors", opened_h=10.0, reports_h=(10.1,)),
        trip("early", kind="doors", opened_h=10.0, reports_h=(5.0,)),  # a false tamper, and a miss
        trip("missed", kind="doors", opened_h=24.0),
        trip("gap", kind="doors", opened_h=30.0, has_gap=True),  # UNKNOWN is a miss
        trip("quiet"),
        trip("false", reports_h=(1.0, 2.0)),
        trip("faulty", has_fault=True),
        trip("dark", kind="", reports_h=(3.0,)),  # nobody knows whether it was opened
    ]
    part = seal_part(trips)
    found = figure(part, "openings detected")
    assert (found.k, found.n) == (1, 4.0)
    assert figure(part, "opened trips with a false tamper before the opening").k == 1
    false = figure(part, "false tampers")
    assert (false.k, false.n, false.unit) == (2, 3.0, "1/trip")
    assert figure(part, "trips with a false tamper or a fault").k == 2
    assert figure(part, "UNKNOWN").k == 2
    assert figure(part, "time from opening to report, median").value is None
    assert "3 not reported" in figure(part, "time from opening to report, median").note
    (left_out,) = part.left_out
    assert (left_out.kind, left_out.n, left_out.is_error) == ("truth not known", 1, False)
    joined([part], title="t", provenance=Provenance(version="0"))


def test_readings_of_no_known_trip_are_named_and_not_counted():
    reads = [
        CustodyRead(trip="a", seal="a", point="gate", read_at=DAY),
        CustodyRead(trip="a", seal="b", point="gate", read_at=DAY),
    ]
    part = seal_part([trip("a")], reads)
    assert figure(part, "read rate").n == 1.0
    (left_out,) = part.left_out
    assert left_out.kind == "unknown trip"
    assert "seal b" in left_out.text


def test_devices_that_travel_again_are_one_parent(tmp_path):
    simulated = simulate_seal_trials(60, seed=1, models=(MODEL,), trips_per_device=20)
    write_seal_trials(tmp_path, simulated)
    part = run_seals(tmp_path)
    assert figure(part, "UNKNOWN").method == "none: 3 parents, 5 needed"
    assert "3 devices made" in figure(part, "false tampers").note
    assert set(part.data) == {f"{tmp_path.name}/seal-trials.csv", f"{tmp_path.name}/custody.csv"}


def test_a_seed_gives_one_set_of_trials():
    assert simulate_seal_trials(50, seed=4) == simulate_seal_trials(50, seed=4)
    assert simulate_seal_trials(50, seed=4) != simulate_seal_trials(50, seed=5)
    with pytest.raises(ValueError, match="no trials from 0"):
        simulate_seal_trials(0, seed=1)
