"""Radiographs for people: a small PNG of the transmission with vector boxes drawn over it.

The picture is a rendering; no analysis ever reads it. What was not measured is painted in a colour of
its own instead of being filled in, so that a hole in the data never looks like cargo or like air.
"""

from __future__ import annotations

import base64
import struct
import zlib
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.records import ContainerBox, ImageRegion, PixelState, RadiographMeasurements, RegionKind

from .markup import Markup, join, tag

__all__ = [
    "LETTERED_REGIONS",
    "REGION_COLOURS",
    "Picture",
    "density_picture",
    "png",
    "radiograph_picture",
    "region_letter",
]

REGION_COLOURS = {
    RegionKind.THREAT: "#a50026",
    RegionKind.DENSE: "#a50026",
    RegionKind.ANOMALY: "#7b3294",
    RegionKind.OPAQUE: "#b35806",
    RegionKind.LOAD: "#00695c",
    RegionKind.VEHICLE: "#546e7a",
}
HULL_COLOUR = "#1f6fb4"
UNSEEN_RGB = (242, 142, 43)
DARKEST_NEG_LOG = 7.3  # -ln T of the scatter floor of a 6 MV scanner, about 7e-4 of air: black
BRIGHTEST_NEG_LOG = 0.0
GREYS = 63  # more levels would only store noise
UNSEEN_INDEX = 255
FEW_REGIONS = 6
LETTERED_REGIONS = 8


class Picture(NamedTuple):
    """A picture as markup, and the numbers its caption needs."""

    svg: Markup
    unseen_fraction: float


def png(indices: NDArray[np.uint8], palette: NDArray[np.uint8]) -> bytes:
    """Return a palette picture as PNG (ISO/IEC 15948).

    Parameters
    ----------
    indices : ndarray of shape (n_row, n_column), uint8
        Palette index of each pixel.
    palette : ndarray of shape (n_colour, 3), uint8
        Colours.

    Returns
    -------
    bytes
        The file.
    """
    n_row, n_column = indices.shape
    lines = np.zeros((n_row, n_column + 1), dtype=np.uint8)  # each line begins with its filter: none
    lines[:, 1:] = indices
    header = struct.pack(">IIBBBBB", n_column, n_row, 8, 3, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        _chunk(kind, data)
        for kind, data in (
            (b"IHDR", header),
            (b"PLTE", palette.tobytes()),
            (b"IDAT", zlib.compress(lines.tobytes(), 6)),
            (b"IEND", b""),
        )
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def radiograph_picture(
    products: dict[str, NDArray[Any]], measurements: RadiographMeasurements | None, *, max_pixels: int
) -> Picture | None:
    """Return the transmission picture with the hulls and regions drawn.

    Parameters
    ----------
    products : dict of str to ndarray
        ``transmission`` (n_row, n_column[, n_energy]), ``mask`` (n_row, n_column) of PixelState bits,
        ``pitch_mm`` (2,).
    measurements : RadiographMeasurements or None
        Hulls and regions.
    max_pixels : int
        Larger pictures are averaged down.

    Returns
    -------
    Picture or None
        None without a transmission map.
    """
    transmission = _plane(products.get("transmission"))
    if transmission is None:
        return None
    unseen = _unseen(products.get("mask"), transmission)
    with np.errstate(divide="ignore", invalid="ignore"):
        neg_log = -np.log(np.maximum(transmission, 1e-6))
    span = np.clip((neg_log - BRIGHTEST_NEG_LOG) / (DARKEST_NEG_LOG - BRIGHTEST_NEG_LOG), 0.0, 1.0)
    # Most cargo lies in the first third of the scale: a root gives it half of the greys.
    indices = _rendered(np.asarray(span**0.62, dtype=np.float32), unseen, max_pixels, levels=GREYS)
    ramp = np.linspace(1.0, 0.0, GREYS)
    # A faintly cold grey: the boxes' colours stay apart from it.
    colours = np.stack([18 + 237 * ramp, 24 + 231 * ramp, 33 + 222 * ramp], axis=1)
    aspect = _aspect(products)
    svg = _framed(
        indices, colours, transmission.shape, aspect, _boxes(measurements, transmission.shape, aspect)
    )
    return Picture(svg, float(unseen.mean()))


def density_picture(products: dict[str, NDArray[Any]], *, max_pixels: int) -> tuple[Markup, float] | None:
    """Return the areal density map in a perceptually even, colour-blind safe scale.

    Parameters
    ----------
    products : dict of str to ndarray
        ``areal_density_g_cm2`` (n_row, n_column), steel-equivalent; NaN where not measured.
    max_pixels : int
        Larger pictures are averaged down.

    Returns
    -------
    svg : Markup
        The picture and its scale.
    highest : float
        Areal density at the end of the scale, g/cm2.
    """
    density = _plane(products.get("areal_density_g_cm2"))
    if density is None or not np.isfinite(density).any():
        return None
    unseen = _unseen(products.get("mask"), density)
    seen = density[~unseen]
    if seen.size == 0:
        return None
    highest = float(np.clip(_round_up(float(np.quantile(seen, 0.998))), 20.0, 250.0))
    indices = _rendered(density / highest, unseen, max_pixels, levels=GREYS)
    svg = _framed(indices, 255.0 * _scale_colours(GREYS), density.shape, _aspect(products), Markup(""))
    return svg, highest


def region_letter(index: int) -> str:
    """Return the name of a region on the picture and in its table.

    Parameters
    ----------
    index : int
        Its place in the list of regions.

    Returns
    -------
    str
        A, B, ... Z, A2, B2, ...
    """
    letter = chr(ord("A") + index % 26)
    return letter if index < 26 else f"{letter}{index // 26 + 1}"


def scale_stops(n: int = 9) -> list[tuple[float, str]]:
    """Return the colour scale of the density map as stops of a gradient.

    Parameters
    ----------
    n : int
        How many.

    Returns
    -------
    list of (float, str)
        Position 0 to 1 and colour.
    """
    colours = np.rint(255 * _scale_colours(n)).astype(int)
    return [(i / (n - 1), "#{:02x}{:02x}{:02x}".format(*colour)) for i, colour in enumerate(colours)]


def _scale_colours(n: int) -> NDArray[np.float64]:
    # Light to dark through one turn of hue: readable in grey and with any colour vision.
    anchors = np.array(
        [
            (250, 250, 247),
            (222, 236, 228),
            (176, 216, 208),
            (116, 184, 190),
            (66, 144, 172),
            (48, 100, 148),
            (54, 58, 116),
            (52, 24, 76),
            (30, 6, 36),
        ],
        dtype=np.float64,
    )
    at = np.linspace(0.0, len(anchors) - 1, n)
    return np.stack([np.interp(at, np.arange(len(anchors)), anchors[:, c]) for c in range(3)], axis=1) / 255.0


def _plane(array: NDArray[Any] | None) -> NDArray[np.float32] | None:
    if array is None or array.ndim not in (2, 3) or 0 in array.shape:
        return None
    plane = array if array.ndim == 2 else array[:, :, 0]
    return np.asarray(plane, dtype=np.float32)


def _unseen(mask: NDArray[Any] | None, plane: NDArray[np.float32]) -> NDArray[np.bool_]:
    unseen = ~np.isfinite(plane)
    if mask is not None:
        bits = mask if mask.ndim == 2 else np.bitwise_or.reduce(mask, axis=2)
        if bits.shape == plane.shape:
            hidden = int(PixelState.unseen() & ~PixelState.SATURATED)
            unseen |= (bits.astype(np.uint8) & np.uint8(hidden)) != 0
    return unseen


def _rendered(
    span: NDArray[np.float32], unseen: NDArray[np.bool_], max_pixels: int, *, levels: int
) -> NDArray[np.uint8]:
    factor = max(1, int(np.ceil(np.sqrt(span.size / max_pixels))))
    weight = _block_sum((~unseen).astype(np.float32), factor)
    total = _block_sum(np.where(unseen, 0.0, np.clip(span, 0.0, 1.0)).astype(np.float32), factor)
    count = _block_sum(np.ones(span.shape, dtype=np.float32), factor)
    with np.errstate(invalid="ignore"):
        mean = np.where(weight > 0, total / np.maximum(weight, 1.0), 0.0)
    indices = np.rint(mean * (levels - 1)).astype(np.uint8)
    # Half a block unseen is shown as unseen: a hole must not vanish in the averaging.
    indices[weight <= 0.5 * count] = UNSEEN_INDEX
    return np.asarray(indices, dtype=np.uint8)


def _block_sum(array: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    if factor == 1:
        return array
    rows = np.add.reduceat(array, np.arange(0, array.shape[0], factor), axis=0)
    return np.asarray(np.add.reduceat(rows, np.arange(0, array.shape[1], factor), axis=1), dtype=np.float32)


def _framed(
    indices: NDArray[np.uint8],
    colours: NDArray[np.float64],
    shape: tuple[int, ...],
    aspect: float,
    overlay: Markup,
) -> Markup:
    palette = np.zeros((256, 3), dtype=np.uint8)
    palette[: len(colours)] = np.rint(colours).astype(np.uint8)
    palette[UNSEEN_INDEX] = UNSEEN_RGB
    data = base64.b64encode(png(indices, palette)).decode("ascii")
    n_row, n_column = shape[:2]
    image = tag(
        "image",
        href=f"data:image/png;base64,{data}",
        width=n_column,
        height=f"{n_row * aspect:.1f}",
        preserveAspectRatio="none",
    )
    return tag(
        "svg",
        image,
        overlay,
        viewBox=f"0 0 {n_column} {n_row * aspect:.1f}",
        class_="picture",
        role="img",
        xmlns="http://www.w3.org/2000/svg",
    )


def _aspect(products: dict[str, NDArray[Any]]) -> float:
    """Return the height of a pixel over its width; boxes are given in pixels of the input."""
    pitch = products.get("pitch_mm")
    if pitch is None or pitch.shape != (2,) or not np.all(pitch > 0):
        return 1.0
    return float(np.clip(pitch[0] / pitch[1], 0.25, 4.0))


def _boxes(measurements: RadiographMeasurements | None, shape: tuple[int, ...], aspect: float) -> Markup:
    if measurements is None:
        return Markup("")
    unit = shape[1] / 1000.0  # a thousandth of the width: lines and letters look alike in every picture
    hulls = [
        _rect(box, aspect, "none", HULL_COLOUR, 2 * unit, dashes=f"{9 * unit:.2f} {5 * unit:.2f}")
        for box in measurements.containers
    ]
    regions = measurements.regions
    size = (20 if len(regions) <= FEW_REGIONS else 13) * unit
    drawn = [
        # The most certain come first and their letters end on top.
        _region(region, region_letter(i) if i < LETTERED_REGIONS else None, aspect, unit, size)
        for i, region in reversed(list(enumerate(regions)))
    ]
    return join(*hulls, *drawn)


def _region(region: ImageRegion, letter: str | None, aspect: float, unit: float, size: float) -> Markup:
    colour = REGION_COLOURS[region.kind]
    box = _rect(region, aspect, colour, colour, 2.4 * unit)
    if letter is None:
        return box
    width = (0.72 * len(letter) + 0.5) * size
    # The letter stands above its box, or inside where the picture ends.
    row = region.row0 * aspect
    top = row - 1.25 * size if row >= 1.3 * size else row
    plate = tag(
        "rect", x=region.col0, y=f"{top:.1f}", width=f"{width:.1f}", height=f"{1.25 * size:.1f}", fill=colour
    )
    return tag(
        "g",
        box,
        plate,
        tag(
            "text",
            letter,
            x=f"{region.col0 + width / 2:.1f}",
            y=f"{top + 0.98 * size:.1f}",
            font_size=f"{size:.1f}",
            text_anchor="middle",
            fill="#ffffff",
            font_weight="700",
        ),
    )


def _rect(
    box: ImageRegion | ContainerBox,
    aspect: float,
    fill: str,
    stroke: str,
    width: float,
    *,
    dashes: str | None = None,
) -> Markup:
    return tag(
        "rect",
        x=box.col0,
        y=f"{box.row0 * aspect:.1f}",
        width=box.col1 - box.col0,
        height=f"{(box.row1 - box.row0) * aspect:.1f}",
        fill=fill,
        fill_opacity="0.08" if fill != "none" else None,
        stroke=stroke,
        stroke_width=f"{width:.2f}",
        stroke_dasharray=dashes,
    )


def _round_up(value: float) -> float:
    step = 10.0 if value > 40 else 5.0
    return float(np.ceil(value / step) * step)
