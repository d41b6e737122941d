from __future__ import annotations

import base64
import re
import struct
import zlib

import numpy as np
import pytest

from screening.reanalyse.report.pictures import (
    GREYS,
    UNSEEN_INDEX,
    density_picture,
    png,
    radiograph_picture,
    region_letter,
)
from screening.records import ImageQuality, ImageRegion, PixelState, RadiographMeasurements, RegionKind


def decoded(data):
    """Return indices and palette of a palette PNG, checking every chunk's sum."""
    assert data.startswith(b"\x89PNG\r\n\x1a\n")
    chunks, at = {}, 8
    while at < len(data):
        (size,) = struct.unpack(">I", data[at : at + 4])
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + size]
        assert struct.unpack(">I", data[at + 8 + size : at + 12 + size])[0] == zlib.crc32(kind + body)
        chunks[kind] = body
        at += 12 + size
    n_column, n_row = struct.unpack(">II", chunks[b"IHDR"][:8])
    lines = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), dtype=np.uint8).reshape(n_row, n_column + 1)
    assert (lines[:, 0] == 0).all()
    return lines[:, 1:], np.frombuffer(chunks[b"PLTE"], dtype=np.uint8).reshape(-1, 3)


def embedded(svg):
    return decoded(base64.b64decode(re.search(r"base64,([^\"]+)", svg).group(1)))


def test_png_comes_back_as_it_went_in():
    indices = np.arange(12, dtype=np.uint8).reshape(3, 4)
    palette = np.arange(36, dtype=np.uint8).reshape(12, 3)
    found, colours = decoded(png(indices, palette))
    assert (found == indices).all()
    assert (colours == palette).all()


def test_dense_is_dark_and_air_is_white():
    transmission = np.ones((40, 60), dtype=np.float32)
    transmission[:, 30:] = 1e-4
    indices, colours = embedded(
        radiograph_picture({"transmission": transmission}, None, max_pixels=10**6).svg
    )
    brightness = colours[indices].sum(axis=2)
    assert (brightness[:, :30] == 765).all()
    assert (brightness[:, 30:] < 100).all()


@pytest.mark.parametrize(
    "state", [PixelState.DEAD_ROW, PixelState.LOST_LINE, PixelState.DROPOUT, PixelState.REPAIRED]
)
def test_what_was_not_measured_has_its_own_colour(state):
    mask = np.zeros((40, 60), dtype=np.uint8)
    mask[:, 20:24] = int(state)
    products = {"transmission": np.ones((40, 60), dtype=np.float32), "mask": mask}
    picture = radiograph_picture(products, None, max_pixels=10**6)
    indices, _ = embedded(picture.svg)
    assert (indices[:, 20:24] == UNSEEN_INDEX).all()
    assert (indices[:, :20] < GREYS).all()
    assert picture.unseen_fraction == pytest.approx(4 / 60)


def test_values_that_are_no_numbers_count_as_unseen():
    transmission = np.ones((10, 10), dtype=np.float32)
    transmission[0, 0] = np.nan
    indices, _ = embedded(radiograph_picture({"transmission": transmission}, None, max_pixels=10**6).svg)
    assert indices[0, 0] == UNSEEN_INDEX


def test_large_pictures_are_averaged_and_holes_survive_it():
    transmission = np.full((400, 600), 0.5, dtype=np.float32)
    mask = np.zeros((400, 600), dtype=np.uint8)
    mask[:, 96:104] = int(PixelState.LOST_LINE)
    indices, _ = embedded(
        radiograph_picture({"transmission": transmission, "mask": mask}, None, max_pixels=15_000).svg
    )
    assert indices.shape == (100, 150)
    assert (indices[:, 24:26] == UNSEEN_INDEX).all()
    assert np.unique(indices[:, :24]).size == 1


def test_boxes_stand_where_the_measurements_say():
    measured = RadiographMeasurements(
        shape=(100, 200),
        containers=(),
        opaque_fraction=None,
        hideable_fraction=None,
        empty_probability=None,
        cargo_mass_kg=None,
        regions=(ImageRegion(kind=RegionKind.DENSE, row0=10, col0=20, row1=30, col1=60, score=0.9),),
        quality=ImageQuality(
            air_sigma=None, dead_rows=(), lost_lines=0, saturated_fraction=0, masked_fraction=0
        ),
    )
    products = {"transmission": np.ones((100, 200), dtype=np.float32), "pitch_mm": np.array([8.0, 4.0])}
    svg = radiograph_picture(products, measured, max_pixels=10**6).svg
    assert '<rect x="20" y="20.0" width="40" height="40.0"' in svg
    assert ">A</text>" in svg
    assert 'viewBox="0 0 200 200.0"' in svg  # rows are twice as far apart as columns


@pytest.mark.parametrize("transmission", [None, np.ones(4), np.ones((0, 4)), np.ones((2, 2, 2, 2))])
def test_no_picture_without_a_map(transmission):
    products = {} if transmission is None else {"transmission": transmission}
    assert radiograph_picture(products, None, max_pixels=100) is None


def test_density_scale_ends_above_almost_all_pixels():
    density = np.full((50, 50), 63.0, dtype=np.float32)
    _, highest = density_picture({"areal_density_g_cm2": density}, max_pixels=10**6)
    assert highest == 70.0
    assert density_picture({"areal_density_g_cm2": np.full((5, 5), np.nan)}, max_pixels=100) is None


def test_regions_keep_distinct_letters():
    letters = [region_letter(i) for i in range(60)]
    assert letters[0] == "A"
    assert letters[26] == "A2"
    assert len(set(letters)) == 60
