"""Seals in transit from end to end: the worked example, and the commands of a yard and of a desk."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest

from screening.clearance import record_hash
from screening.clearance.opening import open_desk
from screening.clearance.settings import read_clearance_settings
from screening.clearance.transit.readings import seal_reading
from screening.evaluate.programmes import run_records
from screening.records import canonical_bytes

pytestmark = pytest.mark.timeout(120)


@pytest.fixture(scope="module")
def example(repository):
    """The worked example, as a module."""
    script = repository / "docs" / "examples" / "rail_journey.py"
    spec = importlib.util.spec_from_file_location("rail_journey", script)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    yield module
    del sys.modules[spec.name]


@pytest.fixture(scope="module")
def outcomes(example, tmp_path_factory):
    return example.journeys(example.Programme(tmp_path_factory.mktemp("journeys")))


@pytest.fixture
def programme(example, tmp_path):
    return example.Programme(tmp_path)


@pytest.fixture
def site(programme, tmp_path):
    path = tmp_path / "site.toml"
    path.write_text(
        '[clearance]\nadministration = "CA"\nkey_file = "canada.key"\ntrusted_keys = ["trusted"]\n'
        'policy = "ca.toml"\ndatabase = "site.sqlite"\n',
        encoding="utf-8",
    )
    return path


def screening(*arguments, **options):
    command = [sys.executable, "-m", "screening", "clearance", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, **options)


@contextlib.contextmanager
def gateway(site):
    """A gateway in a process of its own, and where it listens."""
    command = [
        sys.executable,
        "-m",
        "screening",
        "clearance",
        "gateway",
        "--config",
        str(site),
        "--port",
        "0",
    ]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    ) as process:
        try:
            words = process.stdout.readline().split()
            yield process, (words[2], int(words[4]))
        finally:
            process.kill()


def reading(programme, h, status="SEALED"):
    said = {"container_id": "CSQU3054383", "seal_id": "CSD-00417", "at": programme.text(h), "status": status}
    return json.dumps(said) + "\n"


def test_the_journey_as_planned_is_accepted_on_both_sides(outcomes):
    one = outcomes["as planned"]
    assert (one.departure.risk, one.departure.action) == ("LOW", "CLEARED_FOR_DEPARTURE")
    assert (one.arrival.risk, one.arrival.action) == ("LOW", "ACCEPT")
    assert one.on_the_way == ()  # five readings on the way, and none of them says anything new
    assert one.arrival.prev_hash == record_hash(one.departure)
    assert (one.judgement.outcome, one.judgement.reasons) == ("ACCEPT", ())
    assert [point.status for point in one.custody.points] == ["read"] * 7
    assert one.custody.gaps == ()


def test_a_missed_reading_point_is_unknown_and_re_examined(outcomes):
    one = outcomes["Edmonton did not read the seal"]
    assert (one.arrival.risk, one.arrival.action) == ("UNKNOWN", "REFER_NII")
    assert one.arrival.reason_codes == ("SEAL_GAP",)
    # told when the next point was read, or the silence had lasted too long: not at the border
    assert [(d.risk, d.stage) for d in one.on_the_way[:1]] == [("UNKNOWN", "ARRIVAL")]
    assert [(gap.kind, gap.place) for gap in one.custody.gaps] == [
        ("MISSED", "Edmonton"),
        ("SILENCE", "Prince George"),
    ]
    assert one.judgement.outcome == "RE_EXAMINE"


def test_a_tamper_is_high_although_it_comes_after_the_acceptance(outcomes):
    one = outcomes["a tamper is reported late"]
    assert (one.arrival.risk, one.arrival.action) == ("HIGH", "HOLD")
    assert one.judgement.outcome == "REJECT"
    assert [event.event for event in one.custody.breaches] == ["TAMPER"]


def test_a_new_seal_never_launders_a_moved_box(outcomes):
    one = outcomes["a new seal on the moved box"]
    assert one.arrival.risk == "UNKNOWN"
    assert one.arrival.action not in ("ACCEPT", "CLEARED_FOR_DEPARTURE", "RESEAL")
    assert one.judgement.outcome == "RE_EXAMINE"
    assert one.judgement.own.risk == "UNKNOWN"


def test_the_worked_example_runs_and_prints_every_journey(repository, outcomes):
    script = repository / "docs" / "examples" / "rail_journey.py"
    run = subprocess.run([sys.executable, "-W", "error", script], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert [line[3:] for line in run.stdout.splitlines() if line.startswith("== ")] == list(outcomes)


def test_signed_readings_reach_the_desk_over_tcp_and_make_a_timeline(programme, site, tmp_path):
    lines = tmp_path / "reader.jsonl"
    lines.write_text(reading(programme, 0, "CLOSED") + reading(programme, 1) + "noise\n", encoding="utf-8")
    key = tmp_path / "gateway-Prince-Rupert.key"
    signed = screening("gateway", "sign", lines, "--key", key, "--place", "Prince Rupert", "--reader", "1")
    assert signed.returncode == 1
    assert "line 3: not signed" in signed.stderr
    sealed = signed.stdout.encode()
    assert sealed.count(b"\n") == 2
    with gateway(site) as (process, address):
        with socket.create_connection(address, timeout=30) as peer, peer.makefile("rb") as answers:
            peer.sendall(sealed)
            found = [json.loads(answers.readline()) for _ in range(2)]
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=30) == 0
    assert [answer["status"] for answer in found] == ["ACCEPTED", "ACCEPTED"]

    shown = screening("custody", "csqu 305438 3", "--config", site, "--json")
    assert shown.returncode == 0, shown.stderr
    report = json.loads(shown.stdout)
    assert [(point["event"], point["status"]) for point in report["points"]] == [
        ("SEALED", "read"),
        ("READ", "read"),
    ]


def test_a_gateway_that_is_killed_has_lost_nothing_it_acknowledged(programme, site, example):
    kept = []
    for n in range(2):
        lines = [
            canonical_bytes(event)
            for event in programme._events([example.Readings(10 * n + i / 10, "Winnipeg") for i in range(40)])
        ]
        with (
            gateway(site) as (process, address),
            socket.create_connection(address, timeout=30) as peer,
            peer.makefile("rb") as answers,
        ):
            peer.sendall(b"\n".join(lines) + b"\n")
            for line in lines[: 5 + 10 * n]:
                assert json.loads(answers.readline())["status"] == "ACCEPTED"
                kept.append(line)
            process.kill()
            process.wait(timeout=30)
    with contextlib.closing(open_desk(read_clearance_settings(site))) as desk:
        held = desk.records_of("CSQU3054383")
    assert set(kept) <= set(held)
    assert len(held) == len(set(held))


def test_a_folder_of_files_is_taken_and_a_reading_of_another_place_refused(
    programme, site, example, tmp_path
):
    folder = tmp_path / "in"
    folder.mkdir()
    (good,) = programme._lines([example.Readings(18, "Prince George")])
    said = json.loads(reading(programme, 18))
    (stray,) = seal_reading(json.dumps(said).encode(), programme.gateways["Winnipeg"], place="Edmonton")
    future = {**said, "at": (datetime.now(UTC) + timedelta(hours=2)).isoformat()}
    (early,) = seal_reading(json.dumps(future).encode(), programme.gateways["Winnipeg"], place="Winnipeg")
    (folder / "good.jsonl").write_bytes(good + b"\n")
    (folder / "bad.jsonl").write_bytes(stray + b"\n" + early + b"\n")
    run = screening("gateway", "--config", site, "--folder", folder, "--once")
    assert run.returncode == 1
    assert run.stdout == "1 events taken, 1 files done, 1 refused\n"
    reasons = json.loads((folder / "refused" / "bad.jsonl.reason.json").read_bytes())
    assert [reason["failure"] for reason in reasons] == ["WRONG_LANE", "CLOCK"]


@pytest.mark.parametrize(
    "arguments",
    [
        ("gateway",),
        ("gateway", "--config", "site.toml"),
        ("gateway", "--config", "site.toml", "--port", "0", "--folder", "x"),
        ("gateway", "--config", "site.toml", "--port", "0", "--once"),
        ("gateway", "--config", "absent.toml", "--port", "0"),
    ],
)
def test_a_command_that_cannot_be_meant_is_refused(arguments, site, tmp_path):
    run = screening(*arguments, cwd=tmp_path)
    assert run.returncode == 2
    assert "Traceback" not in run.stderr


def test_custody_shows_a_gap_by_its_status(programme, site, example):
    with contextlib.closing(open_desk(read_clearance_settings(site))) as desk:
        programme._take(desk, programme._before_departure(), received=0.8)
        programme._take(desk, programme._events([example.Readings(66, "Winnipeg")]), received=66.1)
    run = screening("custody", "CSQU3054383", "--config", site)
    assert run.returncode == 3
    assert "GAP  MISSED: Edmonton: no reading by a trusted gateway" in run.stdout
    assert screening("custody", "MWCU6059784", "--config", site).returncode == 1


def test_measures_of_a_ledger_are_those_that_the_evaluation_finds(programme, site, example, tmp_path):
    with contextlib.closing(open_desk(read_clearance_settings(site))) as desk:
        programme._take(desk, programme._before_departure(), received=0.8)
        (departure,) = desk.decide_due(now=programme.at(1.0))
        rest = [example.Readings(h, place) for place, h in example.STOPS.items() if place != "Edmonton"]
        arrival = example.Readings(example.ARRIVAL, "Ranier")
        programme._take(desk, programme._events([*rest, arrival]), received=80.1)
        judged = programme._judge(desk, departure)
        programme._take(desk, [judged.acceptance], received=81.99)
    expected = tmp_path / "expected.csv"
    expected.write_text("container_id,list\nCSQU3054383,train 198\nMWCU6059784,train 198\n", encoding="utf-8")
    out = tmp_path / "tables"
    run = screening("measures", "--config", site, "--expected", expected, "--out", out, "--json")
    assert run.returncode == 0, run.stderr
    ours = {(one["metric"], one["stratum"]): one for one in json.loads(run.stdout)}
    part = run_records(out)
    theirs = {(one.metric, f"{one.detector}{one.stratum and ' '}{one.stratum}"): one for one in part.figures}
    assert ours["every step done", ""]["k"] == theirs["every step done", ""].k == 1
    assert ours["every step done", ""]["n"] == 2
    assert ours["arrival recorded", ""]["k"] == 1
    assert ours["time from arrival to decision, median", ""]["value"] == pytest.approx(7.0)
    assert ours["read rate", "not told at Edmonton"]["value"] == 0.0
    assert theirs["read rate", "not told at Edmonton"].value == 0.0
    assert ours["read rate", "not told"]["k"] == theirs["read rate", "not told"].k == 3
    assert ours["re-examinations avoided", ""]["n"] == theirs["re-examinations avoided", ""].n == 1
    shown = screening("measures", "--config", site, "--expected", expected)
    assert "every step done" in shown.stdout
    assert "1 of 2" in shown.stdout
