"""The line stream: golden bytes, lost, repeated, late and damaged lines."""

from __future__ import annotations

import struct
import uuid
from datetime import UTC, datetime

import numpy as np
import pytest

from screening.formats.lineframes import HEAD_BYTES, MAX_PAYLOAD_BYTES, FrameReader
from screening.formats.linestream import (
    LineScanBegin,
    LineScanEnd,
    LineStreamReader,
    Status,
    encode_ack,
    encode_calibration,
    encode_end,
    encode_event,
    encode_header,
    encode_heartbeat,
    encode_line,
)
from screening.records import (
    LineBlock,
    ReasonCode,
    ScanBuilder,
    ScanHeader,
    ScanIdentity,
    ScanTrailer,
    TimeSource,
)

SCAN_ID = "0192f0c0-1111-7222-8333-444455556666"
N_ROW, N_COLUMN, N_ENERGY = 12, 200, 2


def picture(n_column: int = N_COLUMN, n_row: int = N_ROW) -> np.ndarray:
    return np.random.default_rng(9).integers(1, 60_000, (n_row, n_column, N_ENERGY), dtype=np.uint16)


def begin(**fields) -> LineScanBegin:
    values = {
        "n_row": N_ROW,
        "energies": ("6MV", "4MV"),
        "has_reference": True,
        "electronic_sigma": 20.0,
        "gain": 12.0,
        "pitch_mm": (5.0, 4.0),
        "container_id": "CSQU3054383",
        "id_source": "OCR",
        "lane": "X1",
    }
    return LineScanBegin(**{**values, **fields})


def frames(image: np.ndarray, *, first: int = 0, scan_id: str = SCAN_ID, **fields) -> list[bytes]:
    """Return the frames of a scan: 3 of head, 2 for each column, 1 of end."""
    n_row, n_column, n_energy = image.shape
    sent = [
        encode_header(scan_id, begin(first_line_id=first, n_row=n_row, **fields)),
        encode_calibration(scan_id, "dark", np.full((n_row, n_energy), 100, np.float32)),
        encode_calibration(scan_id, "air", np.full((n_row, n_energy), 50_000, np.float32)),
    ]
    for column in range(n_column):
        sent += [
            encode_line(
                scan_id, first + column, e, image[:, column, e], time_us=1000 * column, reference=900.0 + e
            )
            for e in range(n_energy)
        ]
    return [*sent, encode_end(scan_id, LineScanEnd(n_column=n_column, speed_m_s=0.4, faults=("warm",)))]


def read(data: bytes, *, chunk: int = 1000, **options):
    reader = LineStreamReader(**options)
    events = []
    for start in range(0, len(data), chunk):
        events += reader.feed(data[start : start + chunk])
    return events + reader.close(), reader


def scans(events) -> list:
    built, builder = [], None
    for event in events:
        if isinstance(event, ScanHeader):
            builder = ScanBuilder(event)
        elif isinstance(event, LineBlock):
            builder.add(event)
        elif isinstance(event, ScanTrailer):
            built.append(builder.build(event))
    return built


def scan_of(sent: list[bytes], **options):
    events, _ = read(b"".join(sent), **options)
    (scan,) = scans(events)
    return scan


def reasons(scan) -> set[ReasonCode]:
    return {note.reason for note in scan.notes if note.reason is not None}


def test_golden_line_frame():
    frame = encode_line(
        SCAN_ID, 65537, 1, np.array([1, 513, 65535], np.uint16), time_us=7, reference=1.0, sequence=5
    )
    head = bytes.fromhex(
        "534c4e01"  # magic
        "01"
        "03"
        "0000"  # version, LINE, flags
        "05000000"  # sequence
        "0192f0c0111172228333444455556666"  # scan id
        "1a000000"  # 26 bytes of payload
    )
    payload = bytes.fromhex(
        "0100"
        "01"
        "00"  # line id modulo 65536, energy, reserved
        "0700000000000000"  # device time, microseconds
        "0000803f"  # reference 1.0
        "03000000"  # pixels
        "0100"
        "0102"
        "ffff"
    )
    assert frame[:32] == head
    assert frame[36:-4] == payload
    # CRC-32C of both parts, by an independent implementation.
    assert frame[32:36] == struct.pack("<I", bitwise_crc(head))
    assert frame[-4:] == struct.pack("<I", bitwise_crc(payload))


def bitwise_crc(data: bytes) -> int:
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            register = (register >> 1) ^ (0x82F63B78 if register & 1 else 0)
    return register ^ 0xFFFFFFFF


@pytest.mark.parametrize("chunk", [1, 3, 50, 1000, 10**6])
def test_whole_scan_by_any_segmentation(chunk):
    image = picture()
    scan = scan_of(frames(image), chunk=chunk)
    payload = scan.payload
    np.testing.assert_array_equal(payload.raw, image)
    assert payload.gaps == ()
    assert not payload.is_lost.any()
    assert payload.line_ids.tolist() == list(range(N_COLUMN))
    np.testing.assert_allclose(payload.line_time_s, np.arange(N_COLUMN) * 1e-3)
    assert payload.reference[:, 1].tolist() == [901.0] * N_COLUMN
    assert payload.calibration.air[0, 0] == 50_000
    assert payload.calibration.gain == 12.0
    assert payload.pitch_mm == (5.0, 4.0)
    assert payload.speed_m_s == 0.4
    assert payload.faults == ("warm",)
    assert payload.is_complete
    assert scan.identity.scan_id == SCAN_ID
    assert scan.identity.container_id == "CSQU3054383"
    assert scan.identity.clock.t_source is TimeSource.HOST
    assert scan.notes == ()


def test_line_ids_wrap():
    image = picture()
    scan = scan_of(frames(image, first=65_436))
    np.testing.assert_array_equal(scan.payload.raw, image)
    assert scan.payload.line_ids[[0, -1]].tolist() == [65_436, 65_435 + N_COLUMN]


def test_scan_longer_than_the_line_id():
    image = picture(n_column=66_000, n_row=1)[:, :, :1]
    scan = scan_of(frames(image, energies=("6MV",)), chunk=1 << 16)
    np.testing.assert_array_equal(scan.payload.raw, image)


def test_lost_lines_are_empty_columns_at_their_place():
    image = picture()
    sent = frames(image)
    lost = {3 + 2 * 10, 3 + 2 * 10 + 1, 3 + 2 * 11, 3 + 2 * 11 + 1, 3 + 2 * 50, 3, 4}
    scan = scan_of([frame for i, frame in enumerate(sent) if i not in lost])
    expected = image.copy()
    expected[:, [0, 10, 11]] = 0
    expected[:, 50, 0] = 0
    np.testing.assert_array_equal(scan.payload.raw, expected)
    assert np.argwhere(scan.payload.is_lost).tolist() == [
        [0, 0],
        [0, 1],
        [10, 0],
        [10, 1],
        [11, 0],
        [11, 1],
        [50, 0],
    ]
    assert [(gap.index, gap.n_missing) for gap in scan.payload.gaps] == [(0, 1), (10, 2), (50, 1)]
    assert np.isnan(scan.payload.line_time_s[[0, 10, 11]]).all()
    assert np.isnan(scan.payload.reference[50, 0])


def test_lines_lost_at_the_end_are_counted():
    image = picture()
    sent = frames(image)
    scan = scan_of([*sent[:-21], sent[-1]])
    assert scan.payload.raw.shape[1] == N_COLUMN
    assert [(gap.index, gap.n_missing) for gap in scan.payload.gaps] == [(N_COLUMN - 10, 10)]


@pytest.mark.parametrize("rate", [1e-4, 1e-3, 1e-2, 0.1])
def test_random_loss_is_counted_exactly(rate):
    rng = np.random.default_rng(int(1 / rate))
    image = picture(n_column=4000, n_row=3)
    sent = frames(image, first=64_000)
    keep = rng.random(len(sent)) >= rate
    keep[[0, 1, 2, -1]] = True
    scan = scan_of([frame for frame, kept in zip(sent, keep, strict=True) if kept], chunk=4096)
    lost = ~keep[3:-1].reshape(-1, 2)
    np.testing.assert_array_equal(scan.payload.is_lost, lost)
    expected = np.where(lost[None], 0, image)
    np.testing.assert_array_equal(scan.payload.raw, expected)
    assert sum(gap.n_missing for gap in scan.payload.gaps) == int(lost.any(axis=1).sum())


def test_duplicates_are_dropped_and_counted():
    image = picture()
    sent = frames(image)
    scan = scan_of(
        [
            *sent[:30],
            *sent[25:30],
            *sent[30:],
        ]
    )
    np.testing.assert_array_equal(scan.payload.raw, image)
    assert [note.text for note in scan.notes] == ["5 lines came twice; the first was kept"]


def test_reordered_lines_find_their_places():
    image = picture()
    sent = frames(image)
    lines = sent[3:-1]
    rng = np.random.default_rng(2)
    order = np.argsort(np.arange(len(lines)) + rng.uniform(0, 60, len(lines)))
    scan = scan_of([*sent[:3], *[lines[i] for i in order], sent[-1]])
    np.testing.assert_array_equal(scan.payload.raw, image)
    assert scan.payload.gaps == ()


def test_a_line_that_is_too_late_stays_lost():
    image = picture()
    sent = frames(image)
    late = sent.pop(3 + 2 * 20)
    sent.insert(-1, late)
    scan = scan_of(sent)
    assert [(gap.index, gap.n_missing) for gap in scan.payload.gaps] == [(20, 1)]
    assert any("too late" in note.text for note in scan.notes)


def test_memory_is_bounded_by_the_window():
    image = picture(n_column=2000, n_row=4)
    sent = frames(image)
    reader = LineStreamReader()
    for i, frame in enumerate(sent[:-1]):
        if i % 2 == 0 or i < 3:  # one energy never comes
            reader.feed(frame)
            assert reader._open is None or len(reader._open.pending) <= 66
            assert reader.frames.n_pending <= MAX_PAYLOAD_BYTES + HEAD_BYTES + 4


def test_damaged_pixels_are_a_lost_line():
    image = picture()
    sent = frames(image)
    broken = bytearray(sent[3 + 2 * 7])
    broken[60] ^= 1
    sent[3 + 2 * 7] = bytes(broken)
    events, _ = read(b"".join(sent))
    (scan,) = scans(events)
    assert np.argwhere(scan.payload.is_lost).tolist() == [[7, 0]]
    assert any(isinstance(event, Status) and event.kind == "damaged" for event in events)


def test_damaged_length_does_not_swallow_what_follows():
    image = picture()
    sent = frames(image)
    broken = bytearray(sent[3 + 2 * 7])
    broken[28:32] = b"\xff\xff\x0f\x00"
    sent[3 + 2 * 7] = bytes(broken)
    reader = LineStreamReader()
    events = reader.feed(b"".join(sent[:30]))
    # Recognised at once: the frames after it are already there.
    assert sum(event.raw.shape[1] for event in events if isinstance(event, LineBlock)) == 7
    events += reader.feed(b"".join(sent[30:])) + reader.close()
    (scan,) = scans(events)
    assert np.argwhere(scan.payload.is_lost).tolist() == [[7, 0]]


def test_garbage_between_frames_is_skipped():
    image = picture()
    sent = frames(image)
    junk = [b"", b"x", b"SLN", b"SLN\x01", b"SLN\x01" * 40, bytes(500), b"GET / HTTP/1.1\r\n\r\n"]
    data = b"".join(frame + junk[i % len(junk)] for i, frame in enumerate(sent))
    events, reader = read(data, chunk=17)
    (scan,) = scans(events)
    np.testing.assert_array_equal(scan.payload.raw, image)
    assert reader.frames.n_skipped == len(data) - sum(map(len, sent))


def test_bytes_lost_inside_a_frame():
    image = picture()
    sent = frames(image)
    sent[3 + 2 * 7] = sent[3 + 2 * 7][:50]
    scan = scan_of(sent)
    assert np.argwhere(scan.payload.is_lost).tolist() == [[7, 0]]
    # The same just before the connection ends: what stands behind the stump is still found.
    sent = frames(image)
    sent[-2] = sent[-2][:50]
    scan = scan_of(sent)
    assert scan.payload.is_complete
    assert np.argwhere(scan.payload.is_lost).tolist() == [[N_COLUMN - 1, 1]]


def test_a_gigabyte_of_garbage_takes_no_memory():
    reader = FrameReader()
    many_a_magic, none = b"SLN\x01garbage." * (1 << 16), b"garbage." * (1 << 17)
    for i in range(1024):
        assert reader.feed(none if i % 256 else many_a_magic) == []
        assert reader.n_pending < HEAD_BYTES
    assert reader.n_skipped > 1020 * len(none)


def test_half_a_line_at_disconnect():
    sent = frames(picture())
    data = b"".join(sent[:43]) + sent[43][:20]
    events, _ = read(data)
    (scan,) = scans(events)
    assert scan.payload.raw.shape[1] == 20
    assert not scan.payload.is_complete
    assert reasons(scan) == {ReasonCode.Q_COVERAGE}


def test_device_clock_that_says_anything():
    sent = frames(picture(), t_start_utc=datetime(9999, 12, 31, tzinfo=UTC))
    sent[4] = encode_line(SCAN_ID, 0, 1, picture()[:, 0, 1], time_us=2**64 - 1)
    scan = scan_of([*sent[:3], *sent[4:]])
    assert scan.identity.t_end_utc is None
    assert not scan.payload.gaps[1:]


def test_new_scan_without_an_end():
    image, other = picture(), str(uuid.uuid4())
    sent = frames(image)
    events, _ = read(b"".join([*sent[:-1], *frames(image, scan_id=other)]))
    first, second = scans(events)
    assert not first.payload.is_complete
    assert second.payload.is_complete
    assert second.identity.scan_id == other


def test_lines_of_no_scan_are_told_once():
    sent = frames(picture())
    events, _ = read(b"".join(sent[3:20]))
    assert [event.kind for event in events] == ["orphan"]


def test_scan_without_lines():
    sent = frames(picture())
    events, _ = read(b"".join([*sent[:3], sent[-1]]))
    assert [(event.kind, event.scan_id) for event in events] == [("empty-scan", SCAN_ID)]


def test_heartbeats_events_and_acknowledgements():
    image = picture()
    sent = frames(image)
    data = [
        encode_heartbeat(temperature_c=31.5, t_utc="2026-11-21T12:00:00Z"),
        *sent[:40],
        encode_event("data-lost", "link down", scan_id=SCAN_ID),
        encode_event("tamper", "door", scan_id=SCAN_ID),
        *sent[40:],
        encode_ack(SCAN_ID),
    ]
    events, _ = read(b"".join(data))
    status = [event for event in events if isinstance(event, Status)]
    assert [event.kind for event in status] == ["heartbeat", "event", "event", "ack"]
    assert status[0].values["temperature_c"] == 31.5
    assert status[-1].scan_id == SCAN_ID
    (scan,) = scans(events)
    assert scan.payload.is_tampered
    assert reasons(scan) == {ReasonCode.Q_LINES_LOST}


def test_more_columns_than_were_sent_is_corrupt():
    sent = frames(picture())
    sent[-1] = encode_end(SCAN_ID, LineScanEnd(n_column=100))
    assert reasons(scan_of(sent)) == {ReasonCode.INPUT_CORRUPT}


def test_aborted_scan_is_incomplete():
    sent = frames(picture())
    sent[-1] = encode_end(SCAN_ID, LineScanEnd(n_column=N_COLUMN, is_aborted=True))
    assert not scan_of(sent).payload.is_complete


@pytest.mark.parametrize(
    "payload",
    [b"", b"{}", b"[]", b"\xff", b'{"n_row":0,"energies":["6MV"]}', b'{"n_row":4,"energies":["6MV"],"x":1}'],
)
def test_damaged_begin_is_told_and_its_lines_are_orphans(payload):
    from screening.formats import lineframes

    sent = frames(picture())
    sent[0] = lineframes._frame(lineframes.MessageType.SCAN_BEGIN, SCAN_ID, 0, payload)
    events, _ = read(b"".join(sent))
    assert [event.kind for event in events] == ["damaged", "orphan", "orphan"]


def test_calibration_of_another_size_is_missing():
    sent = frames(picture())
    sent[2] = encode_calibration(SCAN_ID, "air", np.ones((3, 2), np.float32))
    scan = scan_of(sent)
    assert scan.payload.calibration is None
    assert reasons(scan) == {ReasonCode.CAL_MISSING}


def test_template_fills_what_the_scanner_does_not_say():
    template = ScanIdentity(scan_id="", site="Port", lane="L9")
    events, _ = read(b"".join(frames(picture(), lane=None)), identity_template=template)
    (scan,) = scans(events)
    assert (scan.identity.site, scan.identity.lane) == ("Port", "L9")


def test_a_long_gap_costs_no_memory():
    image = picture(n_column=2, n_row=1024)
    sent = frames(image)
    far = encode_line(SCAN_ID, 30_000, 0, image[:, 0, 0], time_us=0)
    events, _ = read(b"".join([*sent[:7], far, encode_end(SCAN_ID, LineScanEnd(n_column=30_001))]))
    blocks = [event for event in events if isinstance(event, LineBlock)]
    assert sum(block.raw.shape[1] for block in blocks) == 30_001
    empty = [block for block in blocks if block.is_lost.all()]
    assert all(block.raw.strides[1] == 0 for block in empty)
    assert len(empty) > 100
