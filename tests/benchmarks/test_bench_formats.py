"""Reading speed beside what a user would take today; run with ``--benchmark-only`` or by name."""

from __future__ import annotations

import sys
import time

import numpy as np
import pytest

from screening.formats.crc32c import crc32c
from screening.formats.linestream import (
    LineScanBegin,
    LineScanEnd,
    LineStreamReader,
    encode_end,
    encode_header,
    encode_line,
)
from screening.formats.n42 import read_n42

SCAN_ID = "0192f0c0-1111-7222-8333-444455556666"


def best_cpu_s(function, n_round: int = 7) -> float:
    """Return the least processor time of some calls: the machine may be busy with other things."""
    times = []
    for _ in range(n_round):
        start = time.process_time()
        function()
        times.append(time.process_time() - start)
    return min(times)


@pytest.mark.shared
def test_n42_reader_beside_specutils(benchmark, shared_data, capsys):
    """Ours reads into arrays and builds the scan; theirs parses and extracts nothing."""
    spec_utils = pytest.importorskip("SpecUtils")
    path = shared_data / "radiation/interspec/passthrough.n42"
    data = path.read_bytes()

    def ours():
        return read_n42(data, name=path.name)

    def theirs():
        spec_utils.SpecFile().loadFile(str(path), spec_utils.ParserType.Auto)

    benchmark(ours)
    mine, other = best_cpu_s(ours), best_cpu_s(theirs)
    with capsys.disabled():
        text = f"N42: ours {mine * 1e3:.0f} ms, SpecUtils {other * 1e3:.0f} ms, ratio {mine / other:.2f}"
        sys.stdout.write(f"\n{text}\n")


def test_line_stream_beside_a_scanner(benchmark, capsys):
    """A scanner sends 1,000 lines a second of two energies and 1,024 pixels."""
    rng = np.random.default_rng(1)
    lines = rng.integers(0, 60_000, (256, 2, 1024), dtype=np.uint16)
    frames = [encode_header(SCAN_ID, LineScanBegin(n_row=1024, energies=("6MV", "4MV")))]
    frames += [
        encode_line(SCAN_ID, column, energy, lines[column, energy], time_us=column)
        for column in range(len(lines))
        for energy in range(2)
    ]
    data = b"".join([*frames, encode_end(SCAN_ID, LineScanEnd(n_column=len(lines)))])

    def read():
        reader = LineStreamReader()
        for start in range(0, len(data), 1 << 16):
            reader.feed(data[start : start + (1 << 16)])

    benchmark(read)
    seconds = best_cpu_s(read)
    with capsys.disabled():
        sys.stdout.write(
            f"\nline stream: {len(lines) / seconds:.0f} lines/s of 2 x 1024 pixels on one core\n"
        )


def test_crc_of_a_line(benchmark):
    data = bytes(2068)
    assert benchmark(crc32c, data) == crc32c(data)
