"""The records of a gross-count portal, by golden bytes written by hand."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import count

import numpy as np
import pytest

from screening.errors import FormatError
from screening.formats.rpm import (
    RpmReader,
    Status,
    encode_background,
    encode_end,
    encode_fault,
    encode_gamma,
    encode_neutron,
    encode_occupancy,
    encode_setup,
    encode_speed,
    encode_tamper,
    is_daily_file,
    live_scan_id,
    read_daily_file,
)
from screening.formats.rpm_lines import MAX_LINE_BYTES, LineSplitter, date_of_name, tagged
from screening.records import (
    Background,
    IntervalBlock,
    Occupancy,
    ReasonCode,
    ScanBuilder,
    ScanHeader,
    ScanIdentity,
    ScanTrailer,
    TimeSource,
)

T0 = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)

BACKGROUND = b"GB,000350,000340,000360,000355\r\nNB,000010,000012,000009,000011\r\n"
BURST = b"GS,000070,000068,000072,000071\r\n" * 6
END = b"SP,0.136,005.000,008.047\r\nGX,000012,008400\r\n"


class Portal:
    """Feeds a reader and sorts its events."""

    def __init__(self, **options):
        numbers = count(1)
        self.reader = RpmReader(
            ScanIdentity(scan_id="", site="S", lane="L1"),
            new_scan_id=lambda t: f"scan-{next(numbers)}",
            **options,
        )
        self.events = []

    def send(self, data: bytes, at_s: float, *, chunk: int | None = None):
        size = chunk or max(1, len(data))
        for piece in [data[start : start + size] for start in range(0, len(data), size)] or [b""]:
            self.events += self.reader.feed(piece, T0 + timedelta(seconds=at_s))
        return self

    def intervals(self, n: int, at_s: float, line: bytes = b"GS,000071,000069,000073,000070\r\n"):
        for i in range(n):
            self.send(line, at_s + 0.2 * i)
        return self

    def close(self):
        self.events += self.reader.close()
        return self

    def status(self, kind: str) -> list[Status]:
        return [event for event in self.events if isinstance(event, Status) and event.kind == kind]

    def scans(self):
        built, builder = [], None
        for event in self.events:
            if isinstance(event, ScanHeader):
                builder = ScanBuilder(event)
            elif isinstance(event, IntervalBlock):
                builder.add(event)
            elif isinstance(event, ScanTrailer):
                built.append(builder.build(event))
        return built

    def scan(self):
        (scan,) = self.scans()
        return scan


def reasons(scan) -> set[ReasonCode]:
    return {note.reason for note in scan.notes if note.reason is not None}


def whole_pass(portal: Portal, *, chunk: int | None = None) -> Portal:
    portal.send(BACKGROUND, 0.0, chunk=chunk).send(BURST, 3.0, chunk=chunk)
    portal.send(b"GS,000170,000168,000172,000171\r\n", 3.2, chunk=chunk)
    portal.send(b"NS,000002,000001,000000,000003\r\n", 3.25, chunk=chunk)
    portal.send(b"GA,000270,000268,000272,000271\r\n", 3.4, chunk=chunk)
    return portal.send(END, 3.5, chunk=chunk)


def test_golden_pass():
    portal = whole_pass(Portal())
    scan = portal.scan()
    payload = scan.payload
    assert scan.identity.scan_id == "scan-1"
    assert scan.identity.lane == "L1"
    assert scan.identity.clock.t_source is TimeSource.BACKDATED
    # The sixth interval of the burst ended when it arrived, at 3.0 s: the first began 1.2 s before.
    assert scan.identity.t_start_utc == T0 + timedelta(seconds=1.8)
    assert scan.identity.t_end_utc == T0 + timedelta(seconds=3.4)
    assert payload.n_prior == 5
    assert payload.t_s.tolist() == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0, 1.2, 1.4]
    assert payload.is_occupied.tolist() == [False] * 5 + [True] * 3
    assert payload.gamma_counts[5:].tolist() == [[70, 68, 72, 71], [170, 168, 172, 171], [270, 268, 272, 271]]
    assert payload.neutron_counts.tolist() == [[2, 1, 0, 3]]
    assert payload.background.gamma_cps.tolist() == [350, 340, 360, 355]
    assert payload.background.neutron_cps.tolist() == [2.0, 2.4, 1.8, 2.2]
    assert payload.background.t_end_utc == T0
    assert payload.background.origin == "portal"
    assert payload.speed_m_s == pytest.approx(2.2352)
    assert payload.device_alarms == ("gamma",)
    assert payload.is_complete
    assert not payload.is_tampered
    assert scan.notes == ()


@pytest.mark.parametrize("chunk", [1, 2, 3, 7, 64])
def test_any_segmentation_gives_the_same_scan(chunk):
    whole, cut = whole_pass(Portal()).scan(), whole_pass(Portal(), chunk=chunk).scan()
    np.testing.assert_array_equal(whole.payload.gamma_counts, cut.payload.gamma_counts)
    assert whole.identity == cut.identity
    assert whole.payload.speed_m_s == cut.payload.speed_m_s


@pytest.mark.parametrize("end", [b"\n", b"\r", b"\r\n"])
def test_line_ends(end):
    portal = Portal()
    for data, at_s in ((BACKGROUND, 0.0), (BURST, 3.0), (END, 3.2)):
        portal.send(data.replace(b"\r\n", end), at_s)
    assert portal.scan().payload.n_interval == 6


def test_merged_lines_are_taken_apart():
    merged = b"GS,000170,000168,000172,000171GS,000171,000168,000172,000171NS,000001,000000,000000,000000\r\n"
    portal = Portal().send(BACKGROUND, 0).send(BURST, 3.0).send(merged, 3.4).send(END, 3.5)
    payload = portal.scan().payload
    assert payload.gamma_counts[6:].tolist() == [[170, 168, 172, 171], [171, 168, 172, 171]]
    assert payload.neutron_counts.tolist() == [[1, 0, 0, 0]]


@pytest.mark.parametrize(
    ("line", "row"),
    [
        (b"GS,000170,0001x8,000172,000171\r\n", [170, -1, 172, 171]),
        (b"GS,000170,,000172,000171\r\n", [170, -1, 172, 171]),
        (b"GS,000170,000168\r\n", [170, 168, -1, -1]),
        (b"GS,-00170,000168,000172,000171\r\n", [-1, 168, 172, 171]),
        (b"GS\r\n", [-1, -1, -1, -1]),
        (b"GS,1,2,3,4,5\r\n", [-1, -1, -1, -1]),
        (b"GS,99999999999,000168,000172,000171\r\n", [-1, 168, 172, 171]),
        ("GS,٣,000168,000172,000171\r\n".encode(), [-1, 168, 172, 171]),
    ],
)
def test_a_bad_field_is_missing_and_nothing_more(line, row):
    portal = Portal().send(BACKGROUND, 0).send(BURST, 3.0).send(line, 3.2)
    portal.send(b"GS,000171,000168,000172,000171\r\n", 3.4).send(END, 3.5)
    scan = portal.scan()
    assert scan.payload.gamma_counts[6:].tolist() == [row, [171, 168, 172, 171]]
    assert reasons(scan) == {ReasonCode.INPUT_CORRUPT}


def test_garbage_is_told_and_passes():
    portal = Portal().send(BACKGROUND, 0).send(bytes(range(128, 256)) + b"\r\nhello\r\n", 1).send(BURST, 3)
    portal.send(END, 3.2)
    assert len(portal.status("garbage")) == 2
    assert portal.scan().notes == ()


def test_a_gigabyte_without_a_line_end_takes_no_memory():
    portal = Portal().send(BACKGROUND, 0)
    chunk = b"x" * (1 << 20)
    for _ in range(1024):
        portal.events += portal.reader.feed(chunk, T0)
        assert len(portal.reader._splitter._buffer) <= MAX_LINE_BYTES
    portal.send(b"\r\n", 1).send(BURST, 3).send(END, 3.2)
    assert len(portal.status("garbage")) == 1
    assert portal.scan().payload.n_interval == 6


def test_long_line_in_one_piece():
    splitter = LineSplitter()
    assert splitter.feed(b"a\n" + b"y" * 10_000_000 + b"\nb\n") == ["a", "b"]
    assert splitter.n_too_long == 1


def test_missing_end_then_new_background():
    portal = Portal().send(BACKGROUND, 0).send(BURST, 3).intervals(4, 3.2).send(BACKGROUND, 9)
    portal.send(BURST, 20).send(END, 20.1)
    first, second = portal.scans()
    assert not first.payload.is_complete
    assert ReasonCode.Q_OCCUPANCY in reasons(first)
    assert first.payload.n_interval == 10
    assert second.payload.is_complete
    assert second.payload.background.t_end_utc == T0 + timedelta(seconds=9)


def test_silence_ends_an_occupancy():
    portal = Portal().send(BACKGROUND, 0).send(BURST, 3).send(b"", 20)
    assert portal.scans() == []
    portal.send(b"", 34)
    assert not portal.scan().payload.is_complete


def test_stuck_occupancy_is_cut_and_memory_bounded():
    portal = Portal().send(BACKGROUND, 0).send(BURST, 3).intervals(6100, 3.2)
    first, second = portal.scans()
    assert first.payload.n_interval == second.payload.n_interval == 3000
    assert not first.payload.is_complete
    assert ReasonCode.Q_OCCUPANCY in reasons(first)
    assert second.payload.n_prior == 0
    assert len(portal.reader._open.pending) == 0


def test_connection_lost_in_the_middle_of_a_line():
    portal = Portal().send(BACKGROUND, 0).send(BURST + b"GS,0000", 3).close()
    scan = portal.scan()
    assert not scan.payload.is_complete
    assert scan.payload.n_interval == 6
    assert reasons(scan) == {ReasonCode.INPUT_CORRUPT, ReasonCode.Q_OCCUPANCY}


def test_no_speed_many_speeds_and_the_limit_of_speed():
    portal = Portal().send(BACKGROUND, 0).send(BURST, 3).send(b"GX,000001,002000\r\n", 3.2)
    assert portal.scan().payload.speed_m_s is None
    portal = Portal().send(BACKGROUND, 0).send(BURST, 3)
    for mph in (b"004.000", b"005.000", b"005.200", b"099.999", b"abc"):
        portal.send(b"SP,0.136," + mph + b",008.047\r\n", 3.1)
    scan = portal.send(b"GX,000001,002000\r\n", 3.2).scan()
    assert scan.payload.speed_m_s == pytest.approx(5 * 0.44704)
    assert any("limit" in note.text for note in scan.notes)


def test_speeds_that_disagree():
    portal = Portal().send(BACKGROUND, 0).send(BURST, 3)
    portal.send(b"SP,0.1,002.000,1\r\nSP,0.1,005.000,1\r\nGX,000001,002000\r\n", 3.2)
    assert reasons(portal.scan()) == {ReasonCode.Q_SPEED}


def test_burst_that_did_not_come():
    portal = Portal().send(BACKGROUND, 0).intervals(8, 3.0).send(END, 4.5)
    scan = portal.scan()
    assert scan.payload.n_prior == 0
    assert scan.identity.t_start_utc == T0 + timedelta(seconds=2.8)
    assert scan.payload.is_occupied.all()


def test_intervals_that_the_clock_misses():
    portal = Portal().send(BACKGROUND, 0).send(BURST, 3).intervals(20, 3.2).intervals(5, 14.0).send(END, 15)
    scan = portal.scan()
    assert ReasonCode.Q_OCCUPANCY in reasons(scan)
    assert any("fewer" in note.text for note in scan.notes)


def test_background_zero_and_missing():
    zero = Portal().send(b"GB,000000,000000,000000,000000\r\n", 0).send(BURST, 3).send(END, 3.2).scan()
    assert zero.payload.background is None
    assert reasons(zero) == {ReasonCode.BKG_MISSING}
    none = Portal().send(BURST, 3).send(END, 3.2).scan()
    assert none.payload.background is None
    assert reasons(none) == {ReasonCode.BKG_MISSING}
    dead = Portal().send(b"GB,000350,000000,000360,000355\r\n", 0).send(BURST, 3).send(END, 3.2).scan()
    assert reasons(dead) == {ReasonCode.Q_DETECTOR_DEAD}


def test_background_in_another_unit_is_noticed():
    portal = Portal().send(b"GB,001750,001700,001800,001775\r\n", 0).send(BURST, 3).send(END, 3.2)
    assert reasons(portal.scan()) == {ReasonCode.BKG_STALE}
    portal = Portal(gamma_background_s=5.0).send(b"GB,001750,001700,001800,001775\r\n", 0)
    scan = portal.send(BURST, 3).send(END, 3.2).scan()
    assert scan.notes == ()
    assert scan.payload.background.gamma_cps.tolist() == [350, 340, 360, 355]


def test_damaged_background_leaves_the_last_good_one():
    portal = Portal().send(BACKGROUND, 0).send(b"GB,000350,00x340,000360,000355\r\n", 5)
    assert portal.send(BURST, 8).send(END, 8.2).scan().payload.background.t_end_utc == T0


def test_two_panel_portal():
    portal = Portal(n_panel=2).send(b"GB,000350,000340,000000,000000\r\n", 0)
    scan = portal.send(b"GS,000070,000068,000000,000000\r\n" * 6, 3).send(END, 3.2).scan()
    assert scan.payload.panel_ids == ("p1", "p2")
    assert scan.payload.gamma_counts[0].tolist() == [70, 68]
    assert reasons(scan) == set()


def test_tamper_before_and_during():
    portal = Portal().send(BACKGROUND, 0).send(b"TT,000000\r\n", 1).send(BURST, 3).send(END, 3.2)
    portal.send(b"TC,000000\r\n", 4).send(BURST, 6).send(END, 6.2)
    portal.send(BURST, 8).send(b"TT\r\nTC\r\n", 8.1).send(END, 8.2)
    assert [scan.payload.is_tampered for scan in portal.scans()] == [True, False, True]
    assert len(portal.status("tamper-set")) == len(portal.status("tamper-cleared")) == 2


def test_background_faults_last_until_a_good_background():
    portal = Portal().send(BACKGROUND, 0).send(b"GL,000010,000340,000360,000355\r\n", 5)
    portal.send(BURST, 6).send(END, 6.2)
    portal.send(BACKGROUND, 10).send(BURST, 12).send(END, 12.2)
    first, second = portal.scans()
    assert first.payload.faults == ("gamma background low",)
    assert second.payload.faults == ()
    assert [s.text for s in portal.status("fault")] == ["gamma background low"]
    assert [s.text for s in portal.status("fault-cleared")] == ["gamma background low"]


def test_setup_inside_an_occupancy_and_counter_reset():
    portal = (
        Portal().send(BACKGROUND, 0).send(BURST, 3).send(b"SG2,15,00050,00900,1,2\r\n", 3.1).send(END, 3.2)
    )
    portal.send(BURST, 6).send(b"GX,000000,008400\r\n", 6.2)
    first, second = portal.scans()
    assert reasons(first) == {ReasonCode.Q_OCCUPANCY}
    assert second.payload.is_complete
    assert portal.status("setup")[0].text == "SG2,15,00050,00900,1,2"


def test_neutron_background_from_the_end_record_when_no_other_came():
    portal = Portal().send(b"GB,000350,000340,000360,000355\r\n", 0).send(BURST, 3)
    portal.send(b"NA,000002,000001,000000,000003\r\nGX,000001,008400\r\n", 3.2)
    payload = portal.scan().payload
    assert payload.background.neutron_cps.tolist() == [2.1] * 4
    assert payload.device_alarms == ("neutron",)


def test_end_without_an_occupancy_is_no_scan():
    portal = Portal().send(END, 1)
    assert portal.scans() == []
    assert len(portal.status("garbage")) == 1


def test_encoders_by_golden_bytes():
    background = Background(
        gamma_cps=np.array([350.0, 340.4]), live_time_s=1.0, neutron_cps=np.array([2.0, 2.4])
    )
    assert encode_background(background) == b"GB,000350,000340\r\nNB,000010,000012\r\n"
    assert encode_gamma([70, 68, 72, 71]) == b"GS,000070,000068,000072,000071\r\n"
    assert encode_gamma([1234567, -1], is_alarm=True) == b"GA,999999,000000\r\n"
    assert encode_neutron([2, 1]) == b"NS,000002,000001\r\n"
    assert encode_neutron([2, 1], is_alarm=True) == b"NA,000002,000001\r\n"
    assert encode_speed(2.2352) == b"SP,00.136,05.000,008.047\r\n"
    assert encode_speed(100.0) == b"SP,00.007,99.999,160.933\r\n"
    assert encode_end(12, 8.4) == b"GX,000012,008400\r\n"
    assert encode_tamper(is_set=True) == b"TT,000000\r\n"
    assert encode_tamper(is_set=False) == b"TC,000000\r\n"
    assert encode_fault("GH", [1, 2]) == b"GH,000001,000002\r\n"
    assert encode_setup("SG1", ["1", "2"]) == b"SG1,1,2\r\n"
    with pytest.raises(ValueError, match="GH, GL or NH"):
        encode_fault("GB", [1])


def test_emulated_occupancy_reads_back():
    rng = np.random.default_rng(3)
    n = 30
    payload = Occupancy(
        kind="occupancy",
        interval_s=np.full(n, 0.2),
        t_s=np.arange(n) / 5.0,
        panel_ids=("p1", "p2", "p3", "p4"),
        gamma_counts=rng.poisson(70, (n, 4)),
        neutron_counts=rng.poisson(2, (6, 4)),
        neutron_interval_s=np.ones(6),
        background=Background(gamma_cps=np.full(4, 350.0), live_time_s=1.0, neutron_cps=np.full(4, 2.0)),
        is_occupied=np.arange(n) >= 5,
        n_prior=5,
        speed_m_s=2.2352,
    )
    portal = Portal().send(encode_background(payload.background), 0)
    schedule = encode_occupancy(payload, 7)
    assert [t for t, _ in schedule] == sorted(t for t, _ in schedule)
    for at_s, line in schedule:
        portal.send(line, 2 + at_s)
    back = portal.scan()
    np.testing.assert_array_equal(back.payload.gamma_counts, payload.gamma_counts)
    np.testing.assert_array_equal(back.payload.neutron_counts, payload.neutron_counts)
    np.testing.assert_array_equal(back.payload.is_occupied, payload.is_occupied)
    assert back.identity.t_start_utc == T0 + timedelta(seconds=2)
    assert back.payload.speed_m_s == pytest.approx(2.2352, rel=1e-3)
    assert back.notes == ()


DAILY = b"""GB,000350,000340,000360,000355,23-59-50.000
NB,000010,000012,000009,000011,23-59-50.010
GS,000070,000068,000072,000071,23-59-58.000
GS,000070,000068,000072,000071,23-59-58.001
GS,000070,000068,000072,000071,23-59-58.002
GS,000070,000068,000072,000071,23-59-58.003
GS,000070,000068,000072,000071,23-59-58.004
GS,000170,000068,000072,000071,23-59-58.005
GS,000270,000068,000072,000071,23-59-58.200
SP,0.136,005.000,008.047,23-59-58.300
GX,000012,008400,23-59-58.400
GB,000350,000340,000360,000355,00-00-03.000
GS,000070,000068,000072,000071,00-00-09.000
GS,000071,000068,000072,000071,00-00-09.200
GX,000001,008400,00-00-09.300
"""


def test_daily_file_with_a_date_in_its_name():
    first, second = read_daily_file(DAILY, name="RPM8-2026-11-21.txt")
    assert first.identity.t_start_utc == datetime(2026, 11, 21, 23, 59, 56, 800000, tzinfo=UTC)
    assert first.payload.gamma_counts[:, 0].tolist() == [70] * 5 + [170, 270]
    assert first.payload.n_prior == 5
    assert second.identity.t_start_utc == datetime(2026, 11, 22, 0, 0, 8, 800000, tzinfo=UTC)
    assert second.payload.n_prior == 0
    assert second.payload.background.t_end_utc == datetime(2026, 11, 22, 0, 0, 3, tzinfo=UTC)
    assert first.identity.scan_id != second.identity.scan_id
    assert first.inputs[0].uri == "RPM8-2026-11-21.txt"
    assert is_daily_file(DAILY[:4096])


def test_daily_file_without_a_date():
    first, _ = read_daily_file(DAILY, name="lane1.txt")
    assert first.identity.t_start_utc is None
    assert first.payload.background.t_end_utc is None
    assert any("no date" in note.text for note in first.notes)


def test_daily_file_that_ends_inside_an_occupancy():
    scans = read_daily_file(DAILY[: DAILY.index(b"SP,")], name="20261121.txt")
    assert [scan.payload.is_complete for scan in scans] == [False]


def test_daily_file_without_an_occupancy():
    with pytest.raises(FormatError, match=r"^x\.txt: holds portal records but no occupancy"):
        read_daily_file(b"GB,000350,000340,000360,000355,23-59-50.000\n", name="x.txt")


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"GS,000070,000068\r\nGX,000001,0\r\n", True),
        (b"GB,Aa1,0,0,0,5\nGS,Aa1,1,0,0\n", False),
        (b"S1,NaI,SPM,1024\n", False),
        (b"some text\nGS,1,2\n", False),
        (b"", False),
        (b"\x00\x01", False),
    ],
)
def test_recognising_daily_files(head, expected):
    assert is_daily_file(head) is expected


def test_dates_of_names():
    assert str(date_of_name("RPM8_2026_11_21.txt")) == "2026-11-21"
    assert str(date_of_name("20261121-lane.csv")) == "2026-11-21"
    assert date_of_name("lane-12345678901.csv") is None
    assert date_of_name("2026-02-31.txt") is None


def test_tagged_keeps_text_before_the_first_tag():
    assert [line.tag for line in tagged("noise GS,1,2TT")] == ["", "GS", "TT"]


def test_live_ids_are_version_seven_and_ordered():
    first, second = live_scan_id(T0), live_scan_id(T0 + timedelta(seconds=1))
    assert first[14] == second[14] == "7"
    assert first[19] in "89ab"
    assert first < second


def test_reader_loads_no_kernels_or_models():
    code = (
        "import sys, screening.formats.rpm, screening.formats.linestream, screening.formats.n42stream\n"
        "bad = [m for m in sys.modules if m.split('.')[0] in ('onnxruntime', 'h5py', 'skimage', 'scipy')"
        " or m.startswith('screening.kernels') or m.startswith('lxml')]\n"
        "sys.exit(','.join(bad) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
