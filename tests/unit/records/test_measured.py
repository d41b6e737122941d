"""Records that hold arrays, and scans in pieces."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from screening.records import (
    Background,
    FlagModality,
    IntervalBlock,
    Level,
    LineBlock,
    LineCalibration,
    Occupancy,
    PixelState,
    Radiograph,
    RiskFlag,
    Scan,
    ScanBuilder,
    ScanHeader,
    ScanIdentity,
    ScanTrailer,
    split,
    worst,
)


def make_occupancy(**changes) -> Occupancy:
    fields = {
        "kind": "occupancy",
        "interval_s": np.full(3, 0.2),
        "t_s": np.arange(3) * 0.2,
        "panel_ids": ("A1", "A2"),
        "gamma_counts": np.arange(6, dtype=np.int64).reshape(3, 2),
        "spectra": np.ones((3, 2, 4), dtype=np.uint32),
        "energy_edges_kev": np.tile(np.arange(5.0), (2, 1)),
        "live_time_s": np.full((3, 2), 0.2),
        "background": Background(gamma_cps=np.array([1.0, 2.0]), live_time_s=10.0),
        **changes,
    }
    return Occupancy(**fields)


def make_radiograph(**changes) -> Radiograph:
    fields = {
        "raw": np.arange(40, dtype=np.uint16).reshape(4, 5, 2),
        "energies": ("6MV", "4MV"),
        "calibration": LineCalibration(
            dark=np.zeros((4, 2), dtype=np.float32),
            air=np.ones((4, 2), dtype=np.float32),
            electronic_sigma=20.0,
            gain=12.0,
        ),
        "line_ids": np.arange(5, dtype=np.int64),
        **changes,
    }
    return Radiograph(**fields)


def arrays_of(record):
    for name in record.__struct_fields__:
        value = getattr(record, name)
        if isinstance(value, np.ndarray):
            yield name, value
        elif hasattr(value, "__struct_fields__"):
            yield from arrays_of(value)


@pytest.mark.parametrize("make", [make_occupancy, make_radiograph])
def test_arrays_are_read_only_and_fields_frozen(make) -> None:
    record = make()
    names = [name for name, _ in arrays_of(record)]
    assert len(names) >= 4
    for _, array in arrays_of(record):
        with pytest.raises(ValueError, match="read-only"):
            array[...] = 0
    for name in record.__struct_fields__:
        with pytest.raises(AttributeError):
            setattr(record, name, None)


def test_the_caller_keeps_its_own_array() -> None:
    counts = np.zeros((3, 2), dtype=np.int64)
    make_occupancy(gamma_counts=counts)
    counts[0, 0] = 1
    assert counts.flags.writeable


@pytest.mark.parametrize(
    "changes",
    [
        {"gamma_counts": np.zeros((3, 1), dtype=np.int64)},
        {"t_s": np.zeros(2)},
        {"live_time_s": np.zeros((2, 2))},
        {"spectra": np.zeros((3, 2), dtype=np.uint32)},
        {"energy_edges_kev": np.zeros((2, 4))},
        {"neutron_counts": np.zeros((1, 1), dtype=np.int64)},
    ],
)
def test_an_occupancy_of_uneven_shape_is_refused(changes) -> None:
    with pytest.raises(ValueError, match=r"shape|together"):
        make_occupancy(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"raw": np.zeros((4, 5), dtype=np.uint16)},
        {"raw": np.zeros((4, 5, 2), dtype=np.int32)},
        {"energies": ("6MV",)},
        {"line_ids": np.arange(4)},
        {"is_lost": np.zeros(5, dtype=bool)},
        {"raw": np.zeros((3, 5, 2), dtype=np.uint16)},
    ],
)
def test_a_radiograph_of_uneven_shape_is_refused(changes) -> None:
    with pytest.raises(ValueError, match="shape"):
        make_radiograph(**changes)


def test_a_background_or_calibration_without_meaning_is_refused() -> None:
    with pytest.raises(ValueError, match="live_time_s"):
        Background(gamma_cps=np.array([1.0]), live_time_s=0.0)
    with pytest.raises(ValueError, match="positive"):
        LineCalibration(dark=np.zeros((4, 2)), air=np.ones((4, 2)), electronic_sigma=0.0, gain=1.0)


@pytest.mark.parametrize("make", [make_occupancy, make_radiograph])
def test_a_scan_in_one_piece_is_the_scan(make) -> None:
    scan = Scan(
        identity=ScanIdentity(scan_id="s", t_end_utc=datetime(2026, 3, 1, tzinfo=UTC)), payload=make()
    )
    header, block, trailer = split(scan)
    builder = ScanBuilder(header)
    builder.add(block)
    again = builder.build(trailer)
    assert again.identity == scan.identity
    for name in ("gamma_counts", "spectra") if scan.modality == "radiation" else ("raw", "line_ids"):
        assert np.array_equal(getattr(again.payload, name), getattr(scan.payload, name))


def test_lines_join_along_the_columns() -> None:
    header = ScanHeader(
        identity=ScanIdentity(scan_id="s"), modality="radiograph", fixed={"energies": ("6MV",)}
    )
    builder = ScanBuilder(header)
    for first in (0, 3):
        builder.add(
            LineBlock(
                raw=np.full((4, 3, 1), first, dtype=np.uint16),
                is_lost=np.zeros((3, 1), dtype=bool),
                line_ids=np.arange(first, first + 3),
                line_time_s=np.arange(3.0),
            )
        )
    payload = builder.build(ScanTrailer()).payload
    assert isinstance(payload, Radiograph)
    assert payload.raw.shape == (4, 6, 1)
    assert payload.line_ids is not None
    assert payload.line_ids.tolist() == list(range(6))


def test_a_scan_takes_blocks_of_its_own_kind_and_at_least_one() -> None:
    builder = ScanBuilder(ScanHeader(identity=ScanIdentity(scan_id="s"), modality="radiograph", fixed={}))
    with pytest.raises(ValueError, match="no data"):
        builder.build(ScanTrailer())
    block = IntervalBlock(
        t_s=np.zeros(1), interval_s=np.ones(1), gamma_counts=np.zeros((1, 1), dtype=np.int64)
    )
    with pytest.raises(TypeError, match="LineBlock"):
        builder.add(block)


def test_the_worst_level() -> None:
    assert worst(Level.LOW, Level.HIGH, Level.UNKNOWN) is Level.HIGH
    assert worst(Level.LOW) is Level.LOW
    assert worst() is Level.UNKNOWN


def test_a_flag_that_is_not_low_says_why() -> None:
    fields = dict.fromkeys(RiskFlag.__struct_fields__)
    fields.update(modality=FlagModality.XRAY, level=Level.UNKNOWN, reasons=(), schema="riskflag/1")
    with pytest.raises(ValueError, match="at least one reason"):
        RiskFlag(**fields)
    assert RiskFlag(**{**fields, "level": Level.LOW}).reasons == ()


def test_masked_pixels_are_unseen_and_censored_ones_are_not() -> None:
    unseen = PixelState.unseen()
    assert PixelState.LOST_LINE in unseen
    assert PixelState.REPAIRED in unseen
    assert PixelState.CENSORED not in unseen
