"""What the emulated scanner sends is what the reader of the format understands."""

from __future__ import annotations

import uuid

import numpy as np
import pytest

from screening.formats.lineframes import FrameReader, LineScanBegin, MessageType
from screening.formats.linestream import LineStreamReader
from screening.records import Radiograph, Scan, ScanBuilder, ScanHeader, ScanTrailer
from screening.records.blocks import LineBlock
from screening.simulation.emulators import line_stream
from screening.simulation.radiographs import RadiographRecipe, simulate_radiograph

NAME = str(uuid.UUID(int=77))


def _read(data: bytes) -> Scan:
    reader = LineStreamReader()
    builder: ScanBuilder | None = None
    for event in reader.feed(data):
        if isinstance(event, ScanHeader):
            builder = ScanBuilder(event)
        elif isinstance(event, LineBlock):
            assert builder is not None
            builder.add(event)
        elif isinstance(event, ScanTrailer):
            assert builder is not None
            return builder.build(event)
    raise AssertionError("the scan did not end")


@pytest.mark.parametrize("scanner", ["dual", "vacis-co"])
def test_frames_read_back_as_the_scan(scanner: str) -> None:
    recipe = RadiographRecipe(scanner=scanner, scale=12.0, length="20", lines_lost=5, seed=4)
    scan, _ = simulate_radiograph(recipe)
    sent = scan.payload
    assert isinstance(sent, Radiograph)
    pieces = list(line_stream(scan, NAME, duplicate_every=9))
    times = [t_s for t_s, _ in pieces]
    assert times == sorted(times)
    read = _read(b"".join(data for _, data in pieces))
    payload = read.payload
    assert isinstance(payload, Radiograph)
    assert read.identity.scan_id == NAME
    np.testing.assert_array_equal(payload.raw, sent.raw)
    np.testing.assert_array_equal(payload.is_lost, sent.is_lost)
    assert payload.gaps == sent.gaps
    assert payload.energies == sent.energies
    assert payload.calibration is not None
    assert sent.calibration is not None
    np.testing.assert_array_equal(payload.calibration.dark, sent.calibration.dark)
    assert payload.calibration.gain == sent.calibration.gain
    assert payload.calibration.ref.age_s == pytest.approx(recipe.calibration_age_s, abs=2)


def test_lost_lines_are_not_sent_and_line_numbers_wrap() -> None:
    scan, truth = simulate_radiograph(
        RadiographRecipe(scanner="vacis-cs", scale=12.0, length="20", lines_lost=7, seed=4)
    )
    payload = scan.payload
    assert isinstance(payload, Radiograph)
    frames = FrameReader().feed(b"".join(data for _, data in line_stream(scan, NAME)))
    kinds = [frame.kind for frame in frames]
    n_column = payload.raw.shape[1]
    assert kinds.count(MessageType.LINE) == n_column - 7 == n_column - len(truth["lost_columns"])
    assert kinds[0] == MessageType.SCAN_BEGIN
    assert kinds[-1] == MessageType.SCAN_END
    begin = LineScanBegin(n_row=1, energies=("x",))
    assert begin.first_line_id == 0
    numbers = [int.from_bytes(f.payload[:2], "little") for f in frames if f.kind == MessageType.LINE]
    assert numbers[0] > numbers[-1]  # 16 bits: the scan went over their end
