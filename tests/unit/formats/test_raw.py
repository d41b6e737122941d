"""Raw arrays with a sidecar."""

from __future__ import annotations

import io
from datetime import UTC, datetime

import numpy as np
import pytest
import tifffile

from screening.errors import FormatError, ResourceLimitError
from screening.formats.raw import read_raw, sidecar_name, sidecar_text
from screening.records import ReasonCode

RAW = np.arange(5 * 7 * 2, dtype=np.uint16).reshape(5, 7, 2)
SIDECAR = b'modality = "radiograph"\nenergies = ["6MV", "4MV"]\naxes = "row,column,energy"\n'


def npy(array) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def tiff(array, **options) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, array, **options)
    return stream.getvalue()


def read(array: bytes, sidecar: bytes | None = SIDECAR, *, name: str = "scan.npy", **beside: bytes):
    return read_raw(array, sidecar, name=name, beside=lambda file: beside.get(file.replace(".", "_")))


@pytest.mark.parametrize(
    "axes", ["row,column,energy", "energy,row,column", "column, row, energy", "energy,column,row"]
)
def test_any_order_of_axes(axes):
    order = [("row", "column", "energy").index(axis) for axis in axes.replace(" ", "").split(",")]
    sidecar = SIDECAR.replace(b"row,column,energy", axes.encode())
    scan = read(npy(RAW.transpose(order)), sidecar)
    np.testing.assert_array_equal(scan.payload.raw, RAW)
    assert scan.payload.energies == ("6MV", "4MV")
    assert any("air level is estimated" in note.text for note in scan.notes)
    assert [item.kind for item in scan.inputs] == ["scan", "sidecar"]


@pytest.mark.parametrize("dtype", ["<u2", ">u2", "<i4", ">u4", "<i8"])
def test_any_integer_that_holds_16_bit_counts(dtype):
    np.testing.assert_array_equal(read(npy(RAW.astype(dtype))).payload.raw, RAW)


def test_fortran_order():
    np.testing.assert_array_equal(read(npy(np.asfortranarray(RAW))).payload.raw, RAW)


def test_single_energy_in_two_axes():
    sidecar = b'modality = "radiograph"\nenergies = ["Cs-137"]\naxes = "row,column"\npitch_mm = [5, 4.5]\n'
    payload = read(npy(RAW[:, :, 0]), sidecar).payload
    assert payload.raw.shape == (5, 7, 1)
    assert payload.pitch_mm == (5.0, 4.5)


def test_tiff_of_planes_and_of_samples():
    planes = SIDECAR.replace(b"row,column,energy", b"energy,row,column")
    scan = read(tiff(RAW.transpose(2, 0, 1), photometric="minisblack"), planes, name="scan.tif")
    np.testing.assert_array_equal(scan.payload.raw, RAW)
    compressed = tiff(RAW.transpose(2, 0, 1), photometric="minisblack", compression="zlib")
    np.testing.assert_array_equal(read(compressed, planes, name="scan.tif").payload.raw, RAW)


def test_dark_air_reference_lost_and_everything_else():
    sidecar = SIDECAR + (
        b'dark = "d.npy"\nair = "a.npy"\nreference = "r.npy"\nlost = "l.npy"\nline_ids = "i.npy"\n'
        b'line_time_s = "t.npy"\nelectronic_sigma = 22.0\ngain = 11.0\nsaturation = 60000\n'
        b'scatter_floor = 8e-4\ncalibration_id = "C7"\ncalibration_made_at = "2026-11-21T07:00:00Z"\n'
        b'container_id = "CSQU3054383"\ndeclared_empty = true\nspeed_m_s = 0.4\nmotion = "reverse"\n'
        b't_start_utc = 2026-11-21T08:00:00Z\nsite = "S"\nlane = "X"\n[device]\nmake = "M"\n'
    )
    lost = np.zeros((7, 2), dtype=bool)
    lost[[2, 3], 0] = True
    dark, air = np.full((5, 2), 100.0), np.full((5, 7, 2), 50_000, dtype=np.uint16)
    scan = read(
        npy(RAW),
        sidecar,
        d_npy=npy(dark),
        a_npy=npy(air),
        r_npy=npy(np.ones((7, 2), np.float32)),
        l_npy=npy(lost),
        i_npy=npy(np.arange(7)),
        t_npy=npy(np.arange(7) * 0.1),
    )
    payload, identity = scan.payload, scan.identity
    assert payload.calibration.dark.shape == (5, 2)
    assert (payload.calibration.air == 50_000).all()
    assert payload.calibration.electronic_sigma == 22.0
    assert payload.calibration.ref.age_s == 3600
    assert payload.calibration.ref.id == "C7"
    assert payload.saturation == 60_000
    assert [(gap.index, gap.n_missing) for gap in payload.gaps] == [(2, 2)]
    assert payload.reference.dtype == np.float32
    assert payload.line_ids.tolist() == list(range(7))
    assert payload.motion == "reverse"
    assert identity.container_id == "CSQU3054383"
    assert identity.manifest.is_declared_empty is True
    assert identity.t_start_utc == datetime(2026, 11, 21, 8, tzinfo=UTC)
    assert identity.device.make == "M"
    assert len(scan.inputs) == 8
    assert scan.notes == ()


BY_LINE = SIDECAR + b'reference = "r.npy"\nline_ids = "i.npy"\nline_time_s = "t.npy"\n'


def by_line(ids, sidecar: bytes = BY_LINE, **beside: bytes):
    columns = np.arange(1, 8)
    files = {"r_npy": npy(np.stack([columns, columns], axis=1)), "t_npy": npy(columns * 0.5)}
    return read(npy(RAW), sidecar, i_npy=npy(np.asarray(ids)), **files, **beside)


def test_lines_missing_by_their_ids_get_their_place_back():
    ids = np.array([10, 11, 12, 16, 17, 19, 20], dtype=np.uint32)
    scan = by_line(ids)
    payload, place = scan.payload, ids.astype(int) - 10
    absent = [3, 4, 5, 8]
    assert payload.raw.shape == (5, 11, 2)
    np.testing.assert_array_equal(payload.raw[:, place], RAW)
    assert not payload.raw[:, absent].any()
    assert np.flatnonzero(payload.is_lost.all(axis=1)).tolist() == absent
    assert payload.is_lost.sum() == 2 * len(absent)
    assert [(gap.index, gap.n_missing, gap.cause) for gap in payload.gaps] == [
        (3, 3, "line ids"),
        (8, 1, "line ids"),
    ]
    assert payload.line_ids.tolist() == list(range(10, 21))
    assert np.flatnonzero(np.isnan(payload.line_time_s)).tolist() == absent
    assert np.flatnonzero(np.isnan(payload.reference).all(axis=1)).tolist() == absent
    np.testing.assert_array_equal(payload.line_time_s[place], np.arange(1, 8) * 0.5)
    assert any(note.text == "4 lines are missing by their line ids" for note in scan.notes)


def test_every_second_line_kept_is_half_the_lines_lost():
    payload = by_line(np.arange(7) * 2).payload
    assert payload.raw.shape == (5, 13, 2)
    assert payload.is_lost[:, 0].tolist() == [False, True] * 6 + [False]
    assert len(payload.gaps) == 6


def test_lost_columns_and_missing_ids_are_told_apart():
    lost = np.zeros((7, 2), dtype=bool)
    lost[[1, 6], 1] = True
    payload = by_line([0, 1, 2, 3, 4, 5, 7], BY_LINE + b'lost = "l.npy"\n', l_npy=npy(lost)).payload
    assert [(gap.index, gap.n_missing, gap.cause) for gap in payload.gaps] == [
        (1, 1, "sidecar"),
        (6, 2, "line ids"),
    ]
    assert payload.is_lost[:, 0].nonzero()[0].tolist() == [6]
    assert payload.is_lost[:, 1].nonzero()[0].tolist() == [1, 6, 7]


def test_ids_without_a_gap_change_nothing():
    payload = by_line(np.arange(7) - 3).payload
    np.testing.assert_array_equal(payload.raw, RAW)
    assert payload.is_lost is None
    assert payload.gaps == ()


@pytest.mark.parametrize(
    ("ids", "match"),
    [
        (np.zeros(7, dtype=int), "do not increase: 0 is repeated at column 1"),
        ([0, 1, 2, 5, 4, 6, 7], "do not increase: 4 follows 5 at column 4"),
        (np.arange(7)[::-1].copy(), "do not increase: 5 follows 6"),
        (np.arange(7.0), "dtype float64 are not whole numbers"),
        (np.arange(7, dtype=np.uint64) + np.uint64(1 << 63), "not whole numbers of 64 bits"),
        (np.arange(7) * 5, "more than 3 of 4 lines are missing"),
        ([-(2**63), 0, 1, 2, 3, 4, 2**63 - 1], "more than 3 of 4 lines are missing"),
    ],
)
def test_line_ids_that_cannot_be(ids, match):
    with pytest.raises(FormatError, match=rf"^scan\.npy: .*{match}") as caught:
        by_line(ids)
    assert caught.value.reason == ReasonCode.INPUT_CORRUPT


def test_lines_by_their_ids_are_bounded(monkeypatch):
    from screening.formats import raw

    monkeypatch.setattr(raw, "MAX_PIXELS", RAW.size)
    assert by_line(np.arange(7)).payload.raw.shape == RAW.shape
    with pytest.raises(ResourceLimitError, match="8 lines by their ids"):
        by_line([0, 1, 2, 3, 4, 5, 7])


def test_air_without_dark_is_no_calibration():
    sidecar = SIDECAR + b'air = "a.npy"\n'
    scan = read(npy(RAW), sidecar, a_npy=npy(np.full((5, 2), 50_000.0)))
    assert scan.payload.calibration is None
    assert [note.reason for note in scan.notes] == [ReasonCode.CAL_MISSING]


def test_assumed_noise_constants_are_told():
    sidecar = SIDECAR + b'air = "a.npy"\nis_dark_subtracted = true\n'
    scan = read(npy(RAW), sidecar, a_npy=npy(np.full((5, 2), 50_000.0)))
    assert (scan.payload.calibration.dark == 0).all()
    assert ["typical" in note.text for note in scan.notes] == [True]


@pytest.mark.parametrize(
    ("sidecar", "match"),
    [
        (None, r"^scan\.npy: a raw array needs the sidecar scan\.toml with modality, energies and axes"),
        (b"", r"^scan\.toml: .*modality"),
        (b"modality = ", r"^scan\.toml: "),
        (b"\xff", r"^scan\.toml: "),
        (SIDECAR.replace(b"radiograph", b"photo"), r"^scan\.toml: .*photo"),
        (SIDECAR.replace(b"6MV", b"red"), r"^scan\.toml: energies"),
        (SIDECAR.replace(b"row,column,energy", b"x,y"), r"^scan\.toml: axes"),
        (SIDECAR + b"colour = 1\n", r"^scan\.toml: .*colour"),
        (SIDECAR + b"t_start_utc = 2026-11-21T08:00:00\n", r"^scan\.toml: a time needs a zone"),
        (SIDECAR.replace(b', "4MV"', b""), r"^scan\.npy: shape \(5, 7, 2\)"),
        (SIDECAR + b'dark = "missing.npy"\n', r"^scan\.npy: the dark file missing\.npy"),
    ],
)
def test_sidecar_that_is_missing_or_wrong(sidecar, match):
    with pytest.raises(FormatError, match=match) as caught:
        read(npy(RAW), sidecar)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("data", "match"),
    [
        (npy(RAW.astype(np.uint8)), "rendering"),
        (npy(RAW.astype(np.float32)), "rendering"),
        (npy(RAW.astype(np.int32) - 5), "not 16-bit counts"),
        (npy(RAW.astype(np.int32) * 2000), "not 16-bit counts"),
        (npy(RAW[:, :, 0]), "2 axes"),
        (npy(RAW)[:-3], "do not hold"),
        (npy(RAW) + b"x", "do not hold"),
        (npy(RAW)[:40], "not a readable"),
        (b"\x93NUMPY\x01\x00\x0a\x00{'descr':1}", "not a readable"),
        (b"\x93NUMPY\x09\x00", "not a readable"),
        (npy(np.array(["text"])), "not counts"),
        (npy(np.zeros(3, dtype=[("a", "u2")])), "not counts"),
        (npy(RAW).replace(b"(5, 7, 2)", b"(9**9,2)"), "not a readable|do not hold"),
    ],
)
def test_arrays_that_are_not_raw_counts(data, match):
    with pytest.raises(FormatError, match=rf"^scan\.npy: .*({match})"):
        read(data)


def test_pickles_are_never_loaded(tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "owned"), "w"))

    stream = io.BytesIO()
    np.save(stream, np.array([Evil()], dtype=object), allow_pickle=True)
    with pytest.raises(FormatError, match="not counts"):
        read(stream.getvalue())
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    "data",
    [
        tiff(RAW[:, :, 0].astype(np.uint8)),
        tiff(RAW[:, :, 0].astype(np.float32)),
        tiff(RAW[:, :, 0])[:60],
        b"II*\x00" + bytes(20),
        b"II*\x00\xff\xff\xff\xff",
        b"MM\x00*" + b"\xff" * 60,
    ],
)
def test_bad_tiffs(data):
    sidecar = b'modality = "radiograph"\nenergies = ["6MV"]\naxes = "row,column"\n'
    with pytest.raises(FormatError, match=r"^scan\.tif: ") as caught:
        read(data, sidecar, name="scan.tif")
    assert "\n" not in str(caught.value)


def test_tiff_that_declares_more_than_it_holds():
    data = tiff(np.zeros((16, 16), np.uint16))
    at = data.index(b"\x01\x01\x03\x00") if b"\x01\x01\x03\x00" in data else data.index(b"\x01\x01\x04\x00")
    huge = bytearray(data)
    huge[at + 2 : at + 12] = b"\x04\x00\x01\x00\x00\x00\x00\x00\x00\x7f"
    sidecar = b'modality = "radiograph"\nenergies = ["6MV"]\naxes = "row,column"\n'
    with pytest.raises(FormatError, match=r"^bomb\.tif: "):
        read(bytes(huge), sidecar, name="bomb.tif")


def test_sidecar_text_reads_back():
    import tomllib

    values = {
        "modality": "radiograph",
        "energies": ("6MV",),
        "site": 'a "quoted" \\ näme\n',
        "gain": 1e-7,
        "none": None,
        "declared_empty": False,
        "t_start_utc": datetime(2026, 1, 2, tzinfo=UTC),
        "device": {"make": "M", "model": None},
    }
    back = tomllib.loads(sidecar_text(values))
    assert back["site"] == values["site"]
    assert back["gain"] == 1e-7
    assert back["declared_empty"] is False
    assert back["t_start_utc"] == values["t_start_utc"]
    assert back["device"] == {"make": "M"}
    assert "none" not in back


def test_sidecar_name():
    assert sidecar_name("scan.v1.npy") == "scan.v1.toml"
