"""What holds for any bytes and any scan, by hypothesis."""

from __future__ import annotations

import contextlib
import uuid
from datetime import UTC, datetime, timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from screening.errors import FormatError
from screening.formats.calibration import Calibration, channel_edges
from screening.formats.crc32c import crc32c
from screening.formats.linestream import (
    LineScanBegin,
    LineScanEnd,
    LineStreamReader,
    encode_end,
    encode_header,
    encode_line,
)
from screening.formats.n42 import read_n42, write_n42
from screening.formats.n42_write import counted_zeroes
from screening.formats.rpm import RpmReader, read_daily_file
from screening.formats.rpm_lines import MAX_LINE_BYTES
from screening.kernels import parse_counts
from screening.records import (
    LineBlock,
    Occupancy,
    Scan,
    ScanBuilder,
    ScanHeader,
    ScanIdentity,
    ScanTrailer,
)

SCAN_ID = str(uuid.UUID(int=77))
T0 = datetime(2026, 11, 21, tzinfo=UTC)


@given(st.binary(max_size=4000), st.integers(0, 4000))
def test_crc_does_not_depend_on_how_the_bytes_are_cut(data, cut):
    assert crc32c(data[:cut], data[cut:]) == crc32c(data)


@given(hnp.arrays(np.uint32, st.integers(1, 300), elements=st.sampled_from([0, 0, 0, 1, 2, 70, 2**32 - 1])))
def test_counted_zeroes_read_back(counts):
    text = counted_zeroes(counts).encode()
    np.testing.assert_array_equal(parse_counts(text, len(counts), counted_zeroes=True), counts)


@given(
    hnp.arrays(
        np.uint32,
        st.tuples(st.integers(2, 5), st.integers(1, 3), st.integers(2, 12)),
        elements=st.integers(0, 9),
    ),
    st.floats(0, 100),
    st.floats(1.5, 100),
)
@settings(max_examples=40)
def test_any_spectral_pass_survives_n42(spectra, offset, gain):
    n_interval, n_panel, n_channel = spectra.shape
    top = offset + gain * n_channel
    edges = np.tile(np.linspace(offset, max(top, 60.0 + offset), n_channel + 1), (n_panel, 1))
    payload = Occupancy(
        kind="occupancy",
        interval_s=np.full(n_interval, 0.25),
        t_s=np.arange(n_interval) * 0.25,
        panel_ids=tuple(f"p{j}" for j in range(n_panel)),
        gamma_counts=spectra.sum(axis=2).astype(np.int64),
        spectra=spectra,
        energy_edges_kev=edges,
        is_occupied=np.ones(n_interval, dtype=bool),
    )
    scan = Scan(identity=ScanIdentity(scan_id=SCAN_ID, t_start_utc=T0), payload=payload)
    (back,) = read_n42(write_n42(scan), name="x")
    np.testing.assert_array_equal(back.payload.spectra, spectra)
    np.testing.assert_array_equal(back.payload.energy_edges_kev, edges)
    assert back.payload.t_s.tolist() == payload.t_s.tolist()


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=9), st.integers(1, 200))
def test_edges_are_valid_or_absent(coefficients, n_channel):
    for kind in ("polynomial", "full-range-fraction", "edges", "points"):
        edges = channel_edges(Calibration(kind, tuple(coefficients)), n_channel)
        if edges is not None:
            assert edges.shape == (n_channel + 1,)
            assert np.isfinite(edges).all()
            assert (np.diff(edges) > 0).all()
            assert 50 <= edges[-1] <= 1e5


LINES = st.lists(
    st.one_of(
        st.sampled_from(
            [
                b"GB,000350,000340,000360,000355\r\n",
                b"NB,000010,000012,000009,000011\r\n",
                b"GS,000070,000068,000072,000071\r\n",
                b"GA,000170,000168,000172,000171\r\n",
                b"NS,000002,000001,000000,000003\r\n",
                b"SP,0.136,005.000,008.047\r\n",
                b"GX,000012,008400\r\n",
                b"TT,000000\r\n",
                b"TC,000000\r\n",
                b"GH,000001,000002,000003,000004\r\n",
                b"SG1,1,2,3,4,5\r\n",
                b"GS,0000x0,000068\r\n",
            ]
        ),
        st.binary(max_size=40),
    ),
    max_size=60,
)


def events_of(pieces: list[bytes]) -> list:
    reader = RpmReader(ScanIdentity(scan_id=""), new_scan_id=lambda t: "id")
    events = []
    for piece in pieces:
        events += reader.feed(piece, T0)
        assert len(reader._splitter._buffer) <= MAX_LINE_BYTES
    return events + reader.close()


def shape_of(events: list) -> list[tuple]:
    return [
        (type(event).__name__, getattr(event, "text", None), getattr(event, "fixed", {}).get("n_prior"))
        if not hasattr(event, "gamma_counts")
        else ("block", event.gamma_counts.tolist(), event.t_s.tolist())
        for event in events
    ]


@given(LINES, st.lists(st.integers(1, 50), min_size=1, max_size=20))
@settings(max_examples=80)
def test_portal_events_do_not_depend_on_segmentation_and_nothing_raises(lines, sizes):
    data = b"".join(lines)
    pieces, position = [], 0
    while position < len(data):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(data[position : position + size])
        position += size
    assert shape_of(events_of(pieces)) == shape_of(events_of([data]))


@given(LINES)
@settings(max_examples=80)
def test_portal_events_build_scans(lines):
    builder, intervals, n_scans = None, 0, 0
    for event in events_of(lines):
        if isinstance(event, ScanHeader):
            assert builder is None
            builder = ScanBuilder(event)
        elif isinstance(event, ScanTrailer):
            scan = builder.build(event)
            n_scans += 1
            assert scan.payload.n_interval > scan.payload.n_prior
            intervals += scan.payload.n_interval
            builder = None
        elif hasattr(event, "gamma_counts"):
            builder.add(event)
    assert builder is None
    text = b"".join(lines)
    if n_scans == 0:
        with contextlib.suppress(FormatError):
            read_daily_file(text, name="x")


@given(st.binary(max_size=300))
@settings(max_examples=150)
def test_any_bytes_after_an_n42_head_give_format_errors(data):
    messages = []
    for document in (b"<N42InstrumentData>" + data, data, b"<?xml version='1.0'?>" + data):
        try:
            read_n42(document, name="x.n42")
        except FormatError as error:
            messages.append(str(error))
    assert all(text.startswith("x.n42: ") and "\n" not in text for text in messages)


@st.composite
def damaged_streams(draw):
    n_column = draw(st.integers(1, 40))
    first = draw(st.sampled_from([0, 5, 65_520]))
    frames = [
        encode_line(SCAN_ID, first + column, 0, np.full(3, column + 1, np.uint16), time_us=column)
        for column in range(n_column)
    ]
    lost = draw(st.sets(st.integers(0, n_column - 1)))
    swaps = draw(st.permutations(range(min(n_column, 30))))
    order = [*swaps, *range(len(swaps), n_column)]
    repeated = draw(st.sets(st.integers(0, n_column - 1)))
    junk = draw(st.binary(max_size=60))
    body = []
    for i in order:
        if i not in lost:
            body += [frames[i]] * (2 if i in repeated else 1)
            body.append(junk if i % 7 == 3 else b"")
    begin = LineScanBegin(n_row=3, energies=("6MV",), first_line_id=first)
    data = b"".join(
        [encode_header(SCAN_ID, begin), *body, encode_end(SCAN_ID, LineScanEnd(n_column=n_column))]
    )
    return data, n_column, lost, draw(st.integers(1, 200))


@given(damaged_streams())
@settings(max_examples=80, deadline=None)
def test_columns_are_at_their_places_whatever_happened_on_the_way(stream):
    data, n_column, lost, chunk = stream
    reader = LineStreamReader()
    events = []
    for start in range(0, len(data), chunk):
        events += reader.feed(data[start : start + chunk])
    events += reader.close()
    if len(lost) == n_column:
        assert not any(isinstance(event, LineBlock) for event in events)
        return
    builder, scan = None, None
    for event in events:
        if isinstance(event, ScanHeader):
            builder = ScanBuilder(event)
        elif isinstance(event, LineBlock):
            builder.add(event)
        elif isinstance(event, ScanTrailer):
            scan = builder.build(event)
    expected = [0 if column in lost else column + 1 for column in range(n_column)]
    assert scan.payload.raw[0, :, 0].tolist() == expected
    assert np.flatnonzero(scan.payload.is_lost[:, 0]).tolist() == sorted(lost)
    assert sum(gap.n_missing for gap in scan.payload.gaps) == len(lost)


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(0, 3)), min_size=1, max_size=8))
def test_gaps_and_times_add_up(steps):
    t_s, gaps = [0.0], 0
    for _, missing in steps:
        t_s.append(t_s[-1] + 0.5 * (1 + missing))
        gaps += missing
    slices = "".join(
        f"<DetectorData><StartTime>{(T0 + timedelta(seconds=t)).isoformat()}</StartTime>"
        f"<SampleRealTime>PT0.5S</SampleRealTime><Occupied>1</Occupied><DetectorMeasurement>"
        f"<SpectrumMeasurement><Spectrum Detector='a'><LiveTime>PT0.5S</LiveTime>"
        f"<ChannelData>1 2</ChannelData>"
        f"</Spectrum></SpectrumMeasurement></DetectorMeasurement></DetectorData>"
        for t in t_s
    )
    data = f"<N42InstrumentData><Measurement>{slices}</Measurement></N42InstrumentData>".encode()
    (scan,) = read_n42(data, name="x")
    assert sum(gap.n_missing for gap in scan.payload.gaps) == gaps
    assert scan.payload.t_s.tolist() == t_s
