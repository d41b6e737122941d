"""Files are opened by what is in them; what cannot be read is told in one line."""

from __future__ import annotations

import io
import os
import shutil
from importlib.metadata import EntryPoint

import h5py
import numpy as np
import pytest
import tifffile

from screening.archive import write_scan
from screening.errors import (
    ConfigurationError,
    FormatError,
    ResourceLimitError,
    ScreeningError,
    UnrecognisedFormatError,
)
from screening.sources import (
    ScanSource,
    open_background,
    open_scan,
    open_scans,
    recognise,
    registered_sources,
    registry,
    scan_files,
)
from screening.sources.opening import read_bytes

N42 = b"""<N42InstrumentData><Measurement><Spectrum><RealTime>PT10S</RealTime><LiveTime>PT9S</LiveTime>
<Calibration Type="Energy" EnergyUnits="keV"><Equation Model="Polynomial"><Coefficients>0 300 1
</Coefficients></Equation></Calibration><ChannelData>1 2 3 4 5 6 7 8</ChannelData></Spectrum></Measurement>
</N42InstrumentData>"""

RPM = b"""GB,000350,000340,000360,000355,12-00-00.000
GS,000070,000068,000072,000071,12-00-09.000
GS,000071,000068,000072,000071,12-00-09.200
GX,000001,008400,12-00-09.300
"""

SIDECAR = b'modality = "radiograph"\nenergies = ["6MV"]\naxes = "row,column"\n'


def npy(array) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


def tiff(array) -> bytes:
    stream = io.BytesIO()
    tifffile.imwrite(stream, array)
    return stream.getvalue()


def test_builtins_are_registered_in_order():
    sources = registered_sources()
    assert [source.name for source in sources] == ["archive", "raw-array", "n42", "rpm-daily", "spectrum"]
    assert all(isinstance(source, ScanSource) for source in sources)


def test_each_kind_is_recognised_by_content_under_any_name(tmp_path):
    picture = np.arange(12, dtype=np.uint16).reshape(3, 4)
    files = {
        "n42": N42,
        "rpm-daily": RPM,
        "raw-array": npy(picture),
    }
    (tmp_path / "a.toml").write_bytes(SIDECAR)
    for kind, data in files.items():
        path = tmp_path / "a.bin"
        path.write_bytes(data)
        assert recognise(path) == kind
        scan = open_scan(path)
        assert scan.inputs[0].uri == "a.bin"
        archive = tmp_path / "b.dat"
        write_scan(archive, scan)
        assert recognise(archive) == "archive"
        assert open_scan(archive).identity == scan.identity
    (tmp_path / "a.bin").write_bytes(tiff(picture))
    np.testing.assert_array_equal(open_scan(tmp_path / "a.bin").payload.raw[:, :, 0], picture)


def test_same_bytes_same_scan_id_wherever_they_are(tmp_path):
    (tmp_path / "deep").mkdir()
    (tmp_path / "a.n42").write_bytes(N42)
    shutil.copy(tmp_path / "a.n42", tmp_path / "deep" / "other.xml")
    one, two = open_scan(tmp_path / "a.n42"), open_scan(tmp_path / "deep" / "other.xml")
    assert one.identity.scan_id == two.identity.scan_id
    assert one.identity.scan_id[14] == "8"


@pytest.mark.parametrize(
    ("name", "data", "match"),
    [
        ("cut.n42", N42[:200], r"^cut\.n42: not well-formed XML"),
        (
            "text.n42",
            b"this is only a text\n",
            r"^text\.n42: not recognised; tried archive, raw-array, n42, ",
        ),
        ("empty.n42", b"", r"^empty\.n42: the file is empty"),
        ("wide.n42", N42.decode().encode("utf-16"), r"^wide\.n42: UTF-16"),
        ("picture.tif", tiff(np.zeros((3, 4), np.uint16)), r"^picture\.tif: .*sidecar picture\.toml"),
        ("picture.npy", npy(np.zeros((3, 4), np.uint16)), r"^picture\.npy: .*sidecar picture\.toml"),
        ("page.html", b"<html><body>N</body></html>", r"^page\.html: not recognised"),
        ("noise", os.urandom(64).replace(b"$", b"x"), r"^noise: not recognised"),
    ],
)
def test_bad_files_are_told_in_one_line(tmp_path, name, data, match):
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(FormatError, match=match) as caught:
        open_scans(path)
    assert "\n" not in str(caught.value)
    assert str(tmp_path) not in str(caught.value)


def test_unrecognised_has_its_own_kind(tmp_path):
    (tmp_path / "x").write_bytes(b"????")
    with pytest.raises(UnrecognisedFormatError):
        open_scan(tmp_path / "x")


def test_hdf5_of_another_kind(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["data"] = np.ones(3)
    with pytest.raises(FormatError, match=r"^other\.h5: not a screening archive"):
        open_scan(tmp_path / "other.h5")


def test_missing_folder_and_unreadable(tmp_path):
    with pytest.raises(FormatError, match=r"^nowhere\.n42: No such file"):
        open_scan(tmp_path / "nowhere.n42")
    with pytest.raises(FormatError, match="the folder holds no scans"):
        open_scans(tmp_path)
    with pytest.raises(FormatError, match="is a folder"):
        open_background(tmp_path)


def test_size_limit(tmp_path):
    (tmp_path / "big").write_bytes(b"x" * 100)
    with pytest.raises(ResourceLimitError, match=r"^big: 100 bytes, the limit is 99"):
        read_bytes(tmp_path / "big", max_bytes=99)


def test_several_scans_in_one_file(tmp_path):
    spectrum = N42[N42.index(b"<Measurement>") : N42.index(b"</N42")]
    (tmp_path / "two.n42").write_bytes(b"<N42InstrumentData>" + spectrum * 2 + b"</N42InstrumentData>")
    assert len(open_scans(tmp_path / "two.n42")) == 2
    with pytest.raises(FormatError, match=r"^two\.n42: holds 2 scans"):
        open_scan(tmp_path / "two.n42")


def test_folder_in_name_order_without_companions(tmp_path):
    picture = npy(np.arange(12, dtype=np.uint16).reshape(3, 4))
    (tmp_path / "b.npy").write_bytes(picture)
    (tmp_path / "b.toml").write_bytes(SIDECAR + b'air = "b.air.npy"\nis_dark_subtracted = true\n')
    (tmp_path / "b.air.npy").write_bytes(npy(np.full((3, 1), 9.0)))
    (tmp_path / "a.n42").write_bytes(N42)
    (tmp_path / ".hidden").write_bytes(b"x")
    (tmp_path / "README.md").write_bytes(b"x")
    (tmp_path / "c").mkdir()
    assert [path.name for path in scan_files(tmp_path)] == ["a.n42", "b.npy"]
    assert [scan.modality for scan in open_scans(tmp_path)] == ["radiation", "radiograph"]


def test_a_folder_without_scans_says_what_was_not_searched(tmp_path):
    folder = tmp_path / "day"
    folder.mkdir()
    with pytest.raises(FormatError, match=r"^day: the folder holds no scans$"):
        open_scans(folder)
    (folder / "lane1").mkdir()
    (folder / "lane1" / "a.n42").write_bytes(N42)
    (folder / "labels.csv").write_bytes(b"file,label\n")
    (folder / "__init__.py").write_bytes(b"")
    with pytest.raises(FormatError, match=r"^day: .* was not searched, name one of: lane1$"):
        open_scans(folder)
    for name in ("lane2", "lane3", "lane4", ".hidden"):
        (folder / name).mkdir()
    with pytest.raises(FormatError, match=r"name one of: lane1, lane2, lane3, \.\.\.$"):
        open_scans(folder)


@pytest.mark.parametrize(
    "name", ["../secret.npy", "/etc/passwd", "a/b.npy", "..", "C:\\x.npy", "a\\b.npy", ""]
)
def test_a_sidecar_cannot_name_files_elsewhere(tmp_path, name):
    folder = tmp_path / "in"
    folder.mkdir()
    (tmp_path / "secret.npy").write_bytes(npy(np.full((3, 1), 9.0)))
    (folder / "b.npy").write_bytes(npy(np.arange(12, dtype=np.uint16).reshape(3, 4)))
    quoted = name.replace("\\", "\\\\")
    (folder / "b.toml").write_bytes(SIDECAR + f'dark = "{quoted}"\n'.encode())
    with pytest.raises(FormatError, match=r"^b\.npy: .* is not a plain file name"):
        open_scan(folder / "b.npy")


def test_backgrounds(tmp_path):
    (tmp_path / "b.n42").write_bytes(N42)
    background = open_background(tmp_path / "b.n42")
    assert background.gamma_cps.tolist() == [4.0]
    write_scan(tmp_path / "b.h5", open_scan(tmp_path / "b.n42"))
    again = open_background(tmp_path / "b.h5")
    assert again.gamma_cps.tolist() == [4.0]
    assert again.spectra.tolist() == background.spectra.tolist()
    assert again.live_time_s == background.live_time_s == 9
    (tmp_path / "day.txt").write_bytes(RPM)
    assert open_background(tmp_path / "day.txt").gamma_cps.tolist() == [350, 340, 360, 355]
    assert open_background(tmp_path / "day.txt").origin == "file"
    (tmp_path / "p.npy").write_bytes(npy(np.zeros((3, 4), np.uint16)))
    (tmp_path / "p.toml").write_bytes(SIDECAR)
    with pytest.raises(FormatError, match=r"^p\.npy: a radiograph is no background"):
        open_background(tmp_path / "p.npy")


def test_a_plugin_that_fails_is_named_with_its_cause():
    entry = EntryPoint("mine", "no_such_module:Source", registry.GROUP)
    with pytest.raises(
        ConfigurationError, match=r"source 'mine' \(no_such_module:Source\).*no_such_module"
    ) as caught:
        registry.load_source(entry)
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)
    with pytest.raises(ConfigurationError, match="lacks a part of ScanSource"):
        registry.load_source(EntryPoint("mine", "builtins:object", registry.GROUP))


def test_without_any_source_it_says_what_to_do(monkeypatch):
    monkeypatch.setattr(registry, "entry_points", lambda group: ())
    registry.registered_sources.cache_clear()
    try:
        with pytest.raises(ConfigurationError, match="install the package"):
            registry.registered_sources()
    finally:
        registry.registered_sources.cache_clear()


@pytest.mark.shared
def test_every_measured_file_opens(shared_data):
    names = []
    for path in sorted((shared_data / "radiation").glob("*/*")):
        try:
            scans = open_scans(path)
        except ScreeningError as error:
            pytest.fail(str(error))
        assert all(scan.modality == "radiation" for scan in scans)
        names.append(path.name)
    assert len(names) == 19
