"""Conversion keeps raw channels bit for bit, and refuses rather than drops."""

from __future__ import annotations

import io
import re

import msgspec
import numpy as np
import pytest

from screening.archive import read_original, write_scan
from screening.errors import FormatError, StoreError
from screening.records import Gap, LineCalibration, Occupancy, Radiograph, Scan, ScanIdentity
from screening.sources import open_scan
from screening.sources.convert import convert
from screening.sources.describe import describe


def npy(array) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def radiograph(**fields) -> Scan:
    raw = (np.arange(5 * 9 * 2).reshape(5, 9, 2) * 911 % 65_536).astype(np.uint16)
    lost = np.zeros((9, 2), dtype=bool)
    lost[4, 0] = True
    values = {
        "raw": np.where(lost[None], 0, raw).astype(np.uint16),
        "energies": ("6MV", "4MV"),
        "calibration": LineCalibration(
            dark=np.full((5, 2), 99.5, np.float32),
            air=np.full((5, 2), 50_000.25, np.float32),
            electronic_sigma=21.0,
            gain=9.5,
        ),
        "reference": np.linspace(0.9, 1.1, 18, dtype=np.float32).reshape(9, 2),
        "line_ids": np.arange(9),
        "line_time_s": np.where(np.arange(9) == 4, np.nan, np.arange(9) * 1e-3),
        "is_lost": lost,
        "pitch_mm": (5.0, 4.0),
        "speed_m_s": 0.41,
        "gaps": (Gap(index=4, n_missing=1, cause="line ids"),),
        "motion": "forward",
    }
    identity = ScanIdentity(scan_id="0192f0c0-aaaa-7bbb-8ccc-000000000003", container_id="CSQU3054383")
    return Scan(identity=identity, payload=Radiograph(**{**values, **fields}))


def occupancy(**fields) -> Scan:
    spectra = (np.arange(4 * 2 * 8).reshape(4, 2, 8) % 5).astype(np.uint32)
    values = {
        "kind": "occupancy",
        "interval_s": np.full(4, 0.2),
        "t_s": np.arange(4) / 5,
        "panel_ids": ("a", "b"),
        "gamma_counts": spectra.sum(axis=2).astype(np.int64),
        "spectra": spectra,
        "live_time_s": np.full((4, 2), 0.1875),
        "energy_edges_kev": np.tile(np.linspace(0, 3000, 9), (2, 1)),
        "is_occupied": np.ones(4, dtype=bool),
    }
    identity = ScanIdentity(scan_id="0192f0c0-aaaa-7bbb-8ccc-000000000004")
    return Scan(identity=identity, payload=Occupancy(**{**values, **fields}))


def stored(tmp_path, scan: Scan):
    path = tmp_path / "in.h5"
    write_scan(path, scan)
    return path


def test_radiograph_to_raw_array_and_back(tmp_path):
    source = stored(tmp_path, radiograph())
    written = convert(source, tmp_path / "out.npy")
    assert sorted(path.name for path in written) == [
        "out.air.npy",
        "out.dark.npy",
        "out.line_ids.npy",
        "out.line_time_s.npy",
        "out.lost.npy",
        "out.npy",
        "out.reference.npy",
        "out.toml",
    ]
    back = open_scan(tmp_path / "out.npy")
    before = radiograph().payload
    np.testing.assert_array_equal(back.payload.raw, before.raw)
    np.testing.assert_array_equal(np.load(tmp_path / "out.npy"), before.raw)
    np.testing.assert_array_equal(back.payload.is_lost, before.is_lost)
    np.testing.assert_array_equal(back.payload.calibration.air, before.calibration.air)
    assert back.identity.container_id == "CSQU3054383"


def test_occupancy_to_n42_and_back(tmp_path):
    source = stored(tmp_path, occupancy())
    assert convert(source, tmp_path / "out.n42") == [tmp_path / "out.n42"]
    np.testing.assert_array_equal(
        open_scan(tmp_path / "out.n42").payload.spectra, occupancy().payload.spectra
    )


def test_anything_to_an_archive_with_its_original(tmp_path):
    convert(stored(tmp_path, occupancy()), tmp_path / "a.n42")
    convert(tmp_path / "a.n42", tmp_path / "a.h5")
    assert read_original(tmp_path / "a.h5") == (tmp_path / "a.n42").read_bytes()


@pytest.mark.parametrize(
    ("scan", "target", "match"),
    [
        (radiograph(), "out.n42", "a radiograph cannot be written as N42"),
        (occupancy(), "out.npy", "an occupancy cannot be written as a raw array"),
        (occupancy(), "out.csv", "convert writes .h5, .n42 and .npy"),
        (
            occupancy(is_complete=False, is_occupied=np.array([True, True, True, False])),
            "out.n42",
            "N42 cannot hold is_complete; convert to .h5",
        ),
        (
            radiograph(is_tampered=True, faults=("x",)),
            "out.npy",
            "a raw array cannot hold is_tampered, faults",
        ),
    ],
)
def test_what_would_be_lost_is_refused_and_nothing_is_written(tmp_path, scan, target, match):
    source = stored(tmp_path, scan)
    with pytest.raises(FormatError, match=match):
        convert(source, tmp_path / target)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.h5"]


def test_target_that_cannot_be_written(tmp_path):
    source = stored(tmp_path, occupancy())
    with pytest.raises(StoreError, match=r"^out\.n42: cannot be written"):
        convert(source, tmp_path / "no" / "folder" / "out.n42")


@pytest.mark.parametrize(
    ("scan", "target", "existing"),
    [
        (occupancy(), "in.h5", "in.h5"),
        (occupancy(), "out.h5", "out.h5"),
        (occupancy(), "out.n42", "out.n42"),
        (radiograph(), "out.npy", "out.npy"),
        (radiograph(), "out.npy", "out.toml"),
        (radiograph(), "out.npy", "out.air.npy"),
    ],
)
def test_nothing_that_exists_is_written_over(tmp_path, scan, target, existing):
    source = stored(tmp_path, scan)
    if existing != source.name:
        (tmp_path / existing).write_bytes(b"kept")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(StoreError, match=rf"^{re.escape(existing)}: exists; name another file$"):
        convert(source, tmp_path / target)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_an_archive_of_an_archive_keeps_the_first_original(tmp_path):
    convert(stored(tmp_path, occupancy()), tmp_path / "a.n42")
    convert(tmp_path / "a.n42", tmp_path / "a.h5")
    convert(tmp_path / "a.h5", tmp_path / "b.h5")
    assert read_original(tmp_path / "b.h5") == (tmp_path / "a.n42").read_bytes()
    convert(tmp_path / "in.h5", tmp_path / "c.h5")
    assert read_original(tmp_path / "c.h5") is None


def test_describe_occupancy(tmp_path):
    counts = occupancy().payload.gamma_counts.copy()
    counts[1, 1] = -1
    source = stored(tmp_path, occupancy(gamma_counts=counts, live_time_s=np.full((4, 2), 0.19)))
    found = describe(source)
    assert found["source"] == "archive"
    (scan,) = found["scans"]
    assert scan["modality"] == "radiation"
    assert scan["n_channel"] == 8
    assert scan["n_missing"] == 1
    assert scan["energy_range_kev"] == [0.0, 3000.0]
    assert scan["gamma_counts"] == int(counts.clip(0).sum())
    assert scan["live_time_s"] == pytest.approx(0.76)
    assert msgspec.json.decode(msgspec.json.encode(found)) == found


def test_describe_radiograph_and_a_folder(tmp_path):
    stored(tmp_path, radiograph())
    found = describe(tmp_path)
    assert found["source"] is None
    (scan,) = found["scans"]
    assert scan["shape"] == [5, 9]
    assert scan["energies"] == ["6MV", "4MV"]
    assert scan["n_lost_lines"] == 1
    assert scan["calibration"] == "VALID"
    assert msgspec.json.decode(msgspec.json.encode(found)) == found
