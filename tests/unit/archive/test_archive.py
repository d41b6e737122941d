"""The archive: every field survives, files of others are refused, golden files still open."""

from __future__ import annotations

import json
import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import h5py
import msgspec
import numpy as np
import pytest

from screening import archive
from screening.archive import (
    ARCHIVE_VERSION,
    archive_bytes,
    read_original,
    read_products,
    read_scan,
    read_untrusted,
    write_products,
    write_scan,
)
from screening.archive.layout import VERSION_ATTRIBUTE
from screening.errors import FormatError, IntegrityError, ResourceLimitError, StoreError
from screening.records import (
    Background,
    CalibrationRef,
    ClockState,
    Device,
    Gap,
    InputRef,
    LineCalibration,
    Manifest,
    Occupancy,
    OperatingMode,
    Radiograph,
    ReasonCode,
    Scan,
    ScanIdentity,
    ScanNote,
    TimeSource,
    sha256_hex,
)

ORIGINAL = b"original bytes"
ORIGINAL_SHA256 = sha256_hex(ORIGINAL)
GOLDEN = Path(__file__).resolve().parents[2] / "golden"


def identity(**fields) -> ScanIdentity:
    values = {
        "scan_id": "0192f0c0-aaaa-7bbb-8ccc-dddddddddddd",
        "site": "Häfen",
        "lane": "L1",
        "device": Device(make="M", model="P", serial="1", firmware="2", detector="NaI"),
        "container_id": "CSQU3054383",
        "id_source": "OCR",
        "ocr_confidence": 0.1 + 0.2,
        "operating_mode": OperatingMode.EXERCISE,
        "t_start_utc": datetime(2026, 11, 21, 8, 0, 0, 123456, tzinfo=UTC),
        "t_end_utc": datetime(2026, 11, 21, 8, 0, 9, tzinfo=UTC),
        "clock": ClockState(
            t_source=TimeSource.BACKDATED, source="NTP", offset_ms=-3, uncertainty_ms=9, is_synchronised=True
        ),
        "manifest": Manifest(is_declared_empty=False, goods=("7204", "8544"), gross_mass_kg=21_000.5),
    }
    return ScanIdentity(**{**values, **fields})


def occupancy_scan() -> Scan:
    # By arithmetic, not by a generator: the golden files must not depend on one.
    spectra = (np.arange(6 * 2 * 16).reshape(6, 2, 16) * 7 % 5).astype(np.uint32)
    counts = spectra.sum(axis=2).astype(np.int64)
    counts[3, 1] = -1
    payload = Occupancy(
        kind="occupancy",
        interval_s=np.array([0.2, 0.2, 0.2, np.nan, 0.2, 0.2]),
        t_s=np.array([0.0, 0.2, 0.4, 1.2, 1.4, 1.6]),
        panel_ids=("A1", "B/1"),
        gamma_counts=counts,
        live_time_s=np.where(counts < 0, np.nan, 0.19),
        spectra=spectra,
        energy_edges_kev=np.linspace([-12.5, 0.0], [3000.0, 2900.0], 17, axis=1),
        neutron_counts=np.array([[1], [0]]),
        neutron_interval_s=np.array([1.0, 1.0]),
        background=Background(
            gamma_cps=np.array([80.0, 81.5]),
            live_time_s=1.0,
            neutron_cps=np.array([2.1]),
            spectra=np.arange(32.0).reshape(2, 16) / 7.0,
            energy_edges_kev=np.linspace([0.0, 0.0], [3000.0, 3000.0], 17, axis=1),
            t_end_utc=datetime(2026, 11, 21, 7, 59, 58, tzinfo=UTC),
            origin="within-pass",
        ),
        is_occupied=np.array([False, True, True, True, True, False]),
        n_prior=1,
        speed_m_s=1.0 / 3.0,
        is_tampered=True,
        faults=("gamma background high",),
        device_alarms=("gamma",),
        is_complete=False,
        is_background_subtracted=True,
        gaps=(Gap(index=3, n_missing=3, cause="times"),),
    )
    return Scan(
        identity=identity(),
        payload=payload,
        inputs=(InputRef(kind="scan", uri="a.n42", n_bytes=14, sha256=ORIGINAL_SHA256),),
        notes=(ScanNote(text="a note"), ScanNote(text="ünd", reason=ReasonCode.CAL_STALE)),
    )


def radiograph_scan(*, n_column: int = 30) -> Scan:
    column = np.arange(2.0 * n_column).reshape(n_column, 2)
    row = np.arange(24.0).reshape(12, 2)
    raw = np.arange(12 * n_column * 2).reshape(12, n_column, 2) * 40_503 % 65_536
    payload = Radiograph(
        raw=raw.astype(np.uint16),
        energies=("6MV", "4MV"),
        calibration=LineCalibration(
            dark=(90 + row / 3).astype(np.float32),
            air=(50_000 + row / 7).astype(np.float32),
            electronic_sigma=22.5,
            gain=11.1,
            scatter_floor=7e-4,
            ref=CalibrationRef(
                state="STALE", id="C", sha256="cd" * 32, made_at="2026-11-20T00:00:00Z", age_s=5
            ),
        ),
        reference=(1 + column / 1000).astype(np.float32),
        line_ids=np.arange(n_column) + 65_530,
        line_time_s=np.where(np.arange(n_column) == 4, np.nan, np.arange(n_column) * 1e-3),
        is_lost=np.arange(2 * n_column).reshape(n_column, 2) == 8,
        pitch_mm=(5.0, 4.25),
        speed_m_s=0.4,
        saturation=60_000,
        is_dark_subtracted=True,
        is_complete=False,
        is_tampered=True,
        faults=("warm",),
        gaps=(Gap(index=4, n_missing=1, cause="line ids"),),
        motion="reverse",
    )
    return Scan(identity=identity(manifest=None, t_end_utc=None), payload=payload)


def bare_scan() -> Scan:
    payload = Occupancy(
        kind="static",
        interval_s=np.array([1.0]),
        t_s=np.array([0.0]),
        panel_ids=("d",),
        gamma_counts=np.array([[7]]),
    )
    return Scan(identity=ScanIdentity(scan_id="0192f0c0-aaaa-7bbb-8ccc-000000000000"), payload=payload)


def assert_same(before, after, where: str = "scan") -> None:
    assert type(before) is type(after), where
    if isinstance(before, np.ndarray):
        assert before.dtype == after.dtype, where
        np.testing.assert_array_equal(before, after, err_msg=where)
        assert not after.flags.writeable, where
    elif isinstance(before, msgspec.Struct):
        for name in before.__struct_fields__:
            assert_same(getattr(before, name), getattr(after, name), f"{where}.{name}")
    else:
        assert before == after, where


SCANS = {"occupancy": occupancy_scan, "radiograph": radiograph_scan, "bare": bare_scan}


@pytest.mark.parametrize("kind", SCANS)
def test_every_field_survives(tmp_path, kind):
    scan = SCANS[kind]()
    path = tmp_path / "scan.h5"
    write_scan(path, scan)
    assert_same(scan, read_scan(path))
    assert_same(scan, read_untrusted(path.read_bytes(), name="scan.h5"))
    assert read_original(path) is None
    assert read_products(path) == {}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("kind", SCANS)
def test_same_scan_same_bytes(kind):
    assert archive_bytes(SCANS[kind]()) == archive_bytes(SCANS[kind]())


def test_original_and_products(tmp_path):
    path = tmp_path / "scan.h5"
    original = bytes(range(256)) * 300
    products = {"transmission": np.ones((3, 4), np.float32), "mask": np.zeros((3, 4), np.uint8)}
    write_scan(path, bare_scan(), original=original, products=products)
    assert read_original(path) == original
    found = read_products(path)
    assert sorted(found) == ["mask", "transmission"]
    np.testing.assert_array_equal(found["transmission"], products["transmission"])
    assert_same(bare_scan(), read_scan(path))


def test_products_alone(tmp_path):
    path = tmp_path / "p.h5"
    write_products(path, "some-id", {"spectrum": np.arange(5.0), "map": np.ones((2, 2))})
    np.testing.assert_array_equal(read_products(path)["spectrum"], np.arange(5.0))
    with h5py.File(path) as file:
        assert file["entry"].attrs["default"] == "data"
        assert file["entry/data"].attrs["signal"] == "map"
        assert file["entry/entry_identifier"][()] == b"some-id"
    with pytest.raises(FormatError, match=r"^p\.h5: not a scan archive"):
        read_scan(path)


@pytest.mark.parametrize("products", [{"../x": np.ones(2)}, {"a": np.array(["text"])}, {"": np.ones(1)}])
def test_products_that_cannot_be_stored(tmp_path, products):
    with pytest.raises(FormatError, match="cannot be stored"):
        write_products(tmp_path / "p.h5", "i", products)
    assert list(tmp_path.iterdir()) == []


def test_viewers_find_the_picture_and_the_profile(tmp_path):
    path = tmp_path / "scan.h5"
    write_scan(path, radiograph_scan())
    with h5py.File(path) as file:
        entry = file[file.attrs["default"]]
        assert (file.attrs["NX_class"], entry.attrs["NX_class"]) == ("NXroot", "NXentry")
        data = entry[entry.attrs["default"]]
        assert data.attrs["NX_class"] == "NXdata"
        signal = data[data.attrs["signal"]]
        assert signal.shape == (2, 12, 30)  # one picture after the other
        np.testing.assert_array_equal(signal[1], radiograph_scan().payload.raw[:, :, 1])
        assert entry["start_time"][()] == b"2026-11-21T08:00:00.123Z"
    write_scan(path, occupancy_scan())
    with h5py.File(path) as file:
        data = file["entry"][file["entry"].attrs["default"]]
        assert data[data.attrs["signal"]].shape == (6, 2)
        assert data.attrs["axes"][0] == "t_s"


def test_replaces_a_file_in_one_step_and_leaves_nothing_on_failure(tmp_path, monkeypatch):
    path = tmp_path / "scan.h5"
    write_scan(path, bare_scan())
    before = path.read_bytes()

    def fail(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(StoreError, match=r"^scan\.h5: cannot be written: No space left on device"):
        write_scan(path, occupancy_scan())
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_data_and_folder_are_synced(tmp_path, monkeypatch):
    synced = []
    real = os.fsync

    def record(descriptor):
        synced.append(os.path.realpath(f"/proc/self/fd/{descriptor}"))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", record)
    write_scan(tmp_path / "scan.h5", bare_scan())
    assert len(synced) == 2
    assert synced[0].endswith(".tmp")
    assert synced[1] == str(tmp_path)


def foreign(tmp_path, fill, *, version=ARCHIVE_VERSION) -> bytes:
    path = tmp_path / "x.h5"
    with h5py.File(path, "w") as file:
        if version is not None:
            file.attrs[VERSION_ATTRIBUTE] = version
        fill(file)
    return path.read_bytes()


def _external_link(file):
    file.create_group("entry")["record"] = h5py.ExternalLink("/etc/passwd", "/")


def _soft_link(file):
    file.create_group("entry")["record"] = h5py.SoftLink("/entry/other")


def _external_data(file):
    entry = file.create_group("entry")
    entry["record"] = "{}"
    group = entry.create_group("measurement")
    group.create_dataset("raw", (16,), dtype="u1", external=[("/etc/passwd", 0, 16)])


def _virtual_data(file):
    layout = h5py.VirtualLayout(shape=(4,), dtype="i4")
    layout[:] = h5py.VirtualSource("other.h5", "data", shape=(4,))
    file.create_group("entry").create_virtual_dataset("record", layout)


def _object_data(file):
    file.create_group("entry").create_dataset("record", data=np.zeros(2, dtype=[("a", "u2")]))


def _bomb(file):
    group = file.create_group("entry").create_group("measurement")
    file["entry"]["record"] = "{}"
    group.create_dataset("raw", (1 << 36,), dtype="u1", chunks=(1 << 20,), compression="gzip")


def _no_entry(file):
    file["other"] = 1


def _bad_record(file):
    file.create_group("entry").create_group("measurement")
    file["entry"]["record"] = '{"identity": {}, "payload": {"$struct": "Occupancy"}}'


def _evil_record(file):
    file.create_group("entry").create_group("measurement")
    file["entry"]["record"] = '{"payload": {"$struct": "ScanIdentity", "scan_id": "x"}}'


@pytest.mark.parametrize(
    ("fill", "match"),
    [
        (_external_link, "links to elsewhere are refused"),
        (_soft_link, "links to elsewhere are refused"),
        (_external_data, "lie in another file"),
        (_virtual_data, "lie in another file"),
        (_object_data, "dtype"),
        (_bomb, "limit"),
        (_no_entry, "not a readable screening archive"),
        (_bad_record, "record is damaged"),
        (_evil_record, "record is damaged"),
    ],
)
def test_hostile_archives_are_refused(tmp_path, fill, match):
    data = foreign(tmp_path, fill)
    (tmp_path / "bad.h5").write_bytes(data)
    for read in (lambda: read_untrusted(data, name="bad.h5"), lambda: read_scan(tmp_path / "bad.h5")):
        with pytest.raises(FormatError, match=rf"^bad\.h5: .*{match}") as caught:
            read()
        assert "\n" not in str(caught.value)


def test_hdf5_of_another_kind(tmp_path):
    data = foreign(tmp_path, _no_entry, version=None)
    with pytest.raises(FormatError, match=r"^other\.h5: not a screening archive"):
        read_untrusted(data, name="other.h5")


def test_newer_version_is_named(tmp_path):
    newer = ARCHIVE_VERSION + 1
    data = foreign(tmp_path, _no_entry, version=newer)
    with pytest.raises(FormatError, match=rf"version {newer} is newer than .*{ARCHIVE_VERSION}"):
        read_untrusted(data, name="new.h5")


def test_too_many_objects(tmp_path, monkeypatch):
    from screening.archive import reading

    monkeypatch.setattr(reading, "_MAX_OBJECTS", 5)
    path = tmp_path / "many.h5"
    write_scan(path, occupancy_scan())
    with pytest.raises(ResourceLimitError, match=r"^many\.h5: more than 5 objects"):
        read_scan(path)


def test_arrays_of_another_dtype_are_refused(tmp_path):
    path = tmp_path / "scan.h5"
    shutil.copy(GOLDEN / "archive-v1-occupancy.h5", path)
    with h5py.File(path, "r+") as file:
        del file["entry/measurement/gamma_counts"]
        file["entry/measurement/gamma_counts"] = np.array([[np.nan]])
    with pytest.raises(FormatError, match=r"^scan\.h5: .*gamma_counts has the dtype float64"):
        read_scan(path)


def _one_count(file):
    file["entry/measurement/gamma_counts"][2, 1] += 1


def _another_dtype(file):
    spectra = file["entry/measurement/spectra"][()]
    del file["entry/measurement/spectra"]
    file["entry/measurement/spectra"] = spectra.astype(np.int32)


def _another_shape(file):
    spectra = file["entry/measurement/spectra"][()]
    del file["entry/measurement/spectra"]
    file["entry/measurement/spectra"] = spectra.reshape(2, 6, 16)


def _one_array_more(file):
    file["entry/measurement/more"] = np.zeros(3)


def _as_if_version_1(file):
    file.attrs[VERSION_ATTRIBUTE] = 1
    _one_count(file)


def _one_letter(file):
    record = file["entry/record"][()].decode()
    file["entry/record"][()] = record.replace("CSQU3054383", "CSQU3054384")


def _no_checksum(file):
    record = json.loads(file["entry/record"][()])
    del record["record_sha256"]
    file["entry/record"][()] = json.dumps(record)


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (_one_count, "the archive's arrays are not those that were written"),
        (_another_dtype, "the archive's arrays are not those that were written"),
        (_another_shape, "the archive's arrays are not those that were written"),
        (_one_array_more, "the archive's arrays are not those that were written"),
        (_as_if_version_1, "the archive's arrays are not those that were written"),
        (_one_letter, "the archive's record is not the one that was written"),
        (_no_checksum, "the archive's record is damaged: KeyError: 'record_sha256'"),
    ],
)
def test_what_was_changed_since_it_was_written_is_refused(tmp_path, change, match):
    path = tmp_path / "scan.h5"
    write_scan(path, occupancy_scan())
    with h5py.File(path, "r+") as file:
        change(file)
    for read in (lambda: read_untrusted(path.read_bytes(), name=path.name), lambda: read_scan(path)):
        with pytest.raises(FormatError, match=rf"^scan\.h5: {match}") as caught:
            read()
        assert caught.value.reason == ReasonCode.INPUT_CORRUPT


def test_one_flipped_byte_is_told_or_changes_nothing(tmp_path):
    scan = radiograph_scan(n_column=60)
    data = archive_bytes(scan)
    path = tmp_path / "scan.h5"
    rng, n_refused = np.random.default_rng(7), 0
    for at in rng.integers(0, len(data), 300):
        damaged = bytearray(data)
        damaged[at] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        try:
            found = read_scan(path)
        except FormatError:
            n_refused += 1
        else:
            assert_same(scan, found)
    assert n_refused > 30


def test_products_that_were_changed(tmp_path):
    path = tmp_path / "p.h5"
    write_products(path, "some-id", {"maps/empty": np.zeros((3, 0)), "map": np.ones((2, 2))})
    assert sorted(read_products(path)) == ["map", "maps/empty"]
    with h5py.File(path, "r+") as file:
        file["entry/products/map"][0, 0] = 2
    with pytest.raises(FormatError, match=r"^p\.h5: the archive's products are not those that were written"):
        read_products(path)


def test_original_that_is_none_of_the_inputs(tmp_path):
    path = tmp_path / "scan.h5"
    with pytest.raises(FormatError, match="the original bytes are none of the scan's inputs"):
        write_scan(path, occupancy_scan(), original=b"others")
    assert list(tmp_path.iterdir()) == []
    write_scan(path, occupancy_scan(), original=ORIGINAL)
    assert read_original(path) == ORIGINAL
    with h5py.File(path, "r+") as file:
        del file["entry/original/data"], file["entry/original/sha256"]
        file["entry/original/data"] = np.frombuffer(b"others", dtype=np.uint8)
        file["entry/original/sha256"] = sha256_hex(b"others")
    with pytest.raises(FormatError, match=r"^scan\.h5: the original bytes are none of the scan's inputs"):
        read_original(path)


def test_version_below_the_first(tmp_path):
    with pytest.raises(FormatError, match=r"^old\.h5: archive version 0: there is none below 1"):
        read_untrusted(foreign(tmp_path, _no_entry, version=0), name="old.h5")


def test_original_that_was_changed(tmp_path):
    path = tmp_path / "scan.h5"
    write_scan(path, bare_scan(), original=b"as received")
    with h5py.File(path, "r+") as file:
        file["entry/original/data"][0] = 0
    with pytest.raises(IntegrityError, match="recorded hash"):
        read_original(path)


def test_damaged_archives_never_surprise():
    data = archive_bytes(radiograph_scan(n_column=200), original=b"x" * 5000)
    rng = np.random.default_rng(4)
    messages = []
    for i in range(40):
        damaged = bytearray(data)
        if i % 2:
            del damaged[int(rng.integers(len(damaged))) :]
        else:
            for at in rng.integers(0, len(damaged), 30):
                damaged[at] = int(rng.integers(256))
        try:
            read_untrusted(bytes(damaged), name="bad.h5")
        except FormatError as error:
            messages.append(str(error))
    assert len(messages) > 10
    assert all(text.startswith("bad.h5: ") and "\n" not in text for text in messages)


def test_missing_file():
    with pytest.raises(FormatError, match=r"^nowhere\.h5: No such file"):
        read_scan("nowhere.h5")


@pytest.mark.parametrize("version", range(1, ARCHIVE_VERSION + 1))
def test_golden_files_of_every_version_still_open(version):
    """They are committed; a missing one fails, and nothing ever writes one here."""
    radiograph, occupancy = radiograph_scan(), occupancy_scan()
    if version == 1:
        note = ScanNote(text="an archive of version 1: its arrays carry no checksum")
        inputs = (msgspec.structs.replace(occupancy.inputs[0], n_bytes=8, sha256="ab" * 32),)
        radiograph = msgspec.structs.replace(radiograph, notes=(*radiograph.notes, note))
        occupancy = msgspec.structs.replace(occupancy, inputs=inputs, notes=(*occupancy.notes, note))
    assert_same(radiograph, read_scan(GOLDEN / f"archive-v{version}-radiograph.h5"))
    assert_same(occupancy, read_scan(GOLDEN / f"archive-v{version}-occupancy.h5"))
    assert read_original(GOLDEN / f"archive-v{version}-occupancy.h5") == ORIGINAL


def test_public_names():
    assert all(hasattr(archive, name) for name in archive.__all__)
