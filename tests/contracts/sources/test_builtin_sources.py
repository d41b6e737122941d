"""Every built-in source, and a source of a third party, pass the contract."""

from __future__ import annotations

import io

import numpy as np
import pytest
import tifffile

from screening.archive import archive_bytes
from screening.formats.n42 import read_n42
from screening.records import Scan
from screening.sources import open_scan, recognise, registered_sources
from screening.sources.contract import check_source

N42 = b"""<N42InstrumentData><Measurement><Spectrum><RealTime>PT10S</RealTime><LiveTime>PT9S</LiveTime>
<Calibration Type="Energy" EnergyUnits="keV"><Equation Model="Polynomial"><Coefficients>0 300 1
</Coefficients></Equation></Calibration><ChannelData>1 2 3 4 5 6 7 8</ChannelData></Spectrum></Measurement>
</N42InstrumentData>"""

RPM = b"""GB,000350,000340,000360,000355,12-00-00.000
GS,000070,000068,000072,000071,12-00-09.000
GS,000071,000068,000072,000071,12-00-09.200
GX,000001,008400,12-00-09.300
"""

SPE = b"$SPEC_ID:\nx\n$MEAS_TIM:\n95 100\n$DATA:\n0 63\n" + b"".join(b"%8d\n" % (i % 7) for i in range(64))

SIDECAR = b'modality = "radiograph"\nenergies = ["6MV", "4MV"]\naxes = "row,column,energy"\n'


def arrays() -> dict[str, bytes]:
    raw = np.arange(5 * 7 * 2, dtype=np.uint16).reshape(5, 7, 2)
    array, picture = io.BytesIO(), io.BytesIO()
    np.save(array, raw)
    tifffile.imwrite(picture, raw, photometric="minisblack")
    return {"a.npy": array.getvalue(), "a.tif": picture.getvalue()}


def files(name: str) -> dict[str, bytes]:
    (scan,) = read_n42(N42, name="a.n42")
    return {
        "archive": {"a.h5": archive_bytes(scan)},
        "raw-array": arrays(),
        "n42": {"a.n42": N42},
        "rpm-daily": {"rpm-2026-11-21.txt": RPM},
        "spectrum": {"a.spe": SPE},
    }[name]


@pytest.mark.parametrize("source", registered_sources(), ids=lambda source: source.name)
def test_builtin_source_keeps_the_contract(source):
    check_source(source, valid=files(source.name), beside={"a.toml": SIDECAR})


PLUGIN = """
from screening.formats.n42 import read_background, read_n42

class MineSource:
    name = "mine"
    priority = 5

    def recognises(self, head, name):
        return head.startswith(b"MINE")

    def read(self, data, *, name, beside):
        return read_n42(data[4:].ljust(1), name=name)

    def read_background(self, data, *, name, beside):
        return read_background(data[4:].ljust(1), name=name)
"""


def test_an_installed_plugin_is_found_and_used(tmp_path, monkeypatch):
    (tmp_path / "mine_plugin.py").write_text(PLUGIN)
    info = tmp_path / "mine_plugin-1.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine-plugin\nVersion: 1\n")
    (info / "entry_points.txt").write_text("[screening.sources]\nmine = mine_plugin:MineSource\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    registered_sources.cache_clear()
    try:
        assert registered_sources()[0].name == "mine"
        (tmp_path / "a.mine").write_bytes(b"MINE" + N42)
        assert recognise(tmp_path / "a.mine") == "mine"
        assert open_scan(tmp_path / "a.mine").payload.gamma_counts.tolist() == [[36]]
    finally:
        registered_sources.cache_clear()


class Careless:
    """A source of a third party that breaks a promise."""

    name = "careless"
    priority = 50

    def recognises(self, head: bytes, name: str) -> bool:
        return head.startswith(b"MINE")

    def read(self, data: bytes, *, name: str, beside) -> list[Scan]:
        if b"~" in data:
            raise KeyError(name)
        return read_n42(data[4:], name=name)

    def read_background(self, data, *, name, beside):
        raise NotImplementedError


class Greedy(Careless):
    def recognises(self, head: bytes, name: str) -> bool:
        return True


def test_the_contract_finds_broken_promises():
    with pytest.raises(AssertionError, match="recognises says False to empty"):
        check_source(Greedy(), valid={"a.mine": b"MINE" + N42})
    with pytest.raises(AssertionError, match="an input has the hash of the bytes read"):
        check_source(Careless(), valid={"a.mine": b"MINE" + N42})
