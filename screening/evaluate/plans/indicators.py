"""Image test objects, and an observer that says which of eight places holds one.

The observer knows shape and places, and points at the place whose pixels lie furthest below their
surroundings in the same rows. So "seen" needs no threshold: without any object it is right in one trial of
eight. Sizes are our own choice, not those of any standard.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from screening.records import (
    CalibrationRef,
    Device,
    LineCalibration,
    Radiograph,
    Scan,
    ScanIdentity,
    file_scan_id,
    sha256_hex,
    utc_string,
)

__all__ = ["N_PLACE", "indicator_scan", "is_seen", "observe"]

Indicator = Literal["penetration", "wire", "contrast"]

#: Places, their spacing and the margin of the plate beyond the outer ones, m.
N_PLACE, SPACING_M, MARGIN_M = 8, 0.2, 0.2

#: Height of the picture and of the plate, m; air on either side of the plate, m.
HEIGHT_M, PLATE_M, AIR_M = 1.0, 0.7, 0.3

#: The penetration block of lead: side and depth, m. 57 g/cm2 keep back nine tenths of a 6 MV beam.
BLOCK_M, BLOCK_DEPTH_M = 0.10, 0.05

#: A wire's length, and the side of a contrast step, m.
WIRE_M, STEP_M = 0.30, 0.10

STEEL_G_CM3, LEAD_G_CM3 = 7.85, 11.35

FIRST_DAY = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)


def indicator_scan(
    indicator: Indicator,
    seed: int,
    *,
    steel_cm: float,
    diameter_cm: float = 0.0,
    contrast: float = 0.0,
    scanner: str = "dual",
    family: str | None = None,
) -> tuple[Scan, dict[str, Any]]:
    """Take a picture of a test object at one of eight places before a plate of steel.

    Parameters
    ----------
    indicator : {"penetration", "wire", "contrast"}
        Block of lead behind the plate; steel wire upright before it; square step in the plate.
    seed : int
        Of the instance of the scanner, the place and the noise.
    steel_cm : float
        Thickness of the plate; 0 for none.
    diameter_cm : float
        Of the wire.
    contrast : float
        Thickness of the step over that of the plate.
    scanner, family : str, str or None
        Kind and family of the simulator.

    Returns
    -------
    scan : Scan
        The picture.
    truth : dict
        ``place`` (0 to 7), ``place_y_m`` (of all), ``width_m`` and ``height_m`` of the object,
        ``centre_z_m``, ``column_y_m`` and ``row_z_m`` of the pixels.

    Raises
    ------
    ValueError
        If the scanner or its family is unknown, or a size is out of range.
    """
    from screening.simulation.radiographs.exposure import expose
    from screening.simulation.radiographs.geometry import FanGeometry
    from screening.simulation.radiographs.scanner import draw_line_positions, draw_scanner
    from screening.simulation.radiographs.scene import Scene

    streams = np.random.SeedSequence([seed, 0x1D1C]).spawn(3)
    instance_rng, place_rng, noise_rng = (np.random.default_rng(stream) for stream in streams)
    one = draw_scanner(scanner, instance_rng, n_row=680, family=family)
    n_row = round(HEIGHT_M / one.pitch_m[0])
    # the rows of this part of the detector line: what failed elsewhere is out of the picture
    one = one._replace(skew=0.0, n_dead_rows=0, dropout_row=-1)
    width = 2.0 * MARGIN_M + SPACING_M * (N_PLACE - 1)
    n_column = round((width + 2.0 * AIR_M) / one.pitch_m[1])
    middle = one.source_height_m
    geometry = FanGeometry(
        source_distance_m=one.source_distance_m,
        source_height_m=middle,
        row_z_m=middle + 0.5 * HEIGHT_M - (np.arange(n_row, dtype=np.float64) + 0.5) * one.pitch_m[0],
        column_y_m=draw_line_positions(one, n_column, -AIR_M, one.pitch_m[1], instance_rng),
        pitch_m=one.pitch_m,
        skew=0.0,
    )
    scene = Scene(geometry)
    shift = float(place_rng.uniform(-0.5, 0.5)) * one.pitch_m[1]
    places = MARGIN_M + SPACING_M * np.arange(N_PLACE) + shift
    place = int(place_rng.integers(N_PLACE))
    y = float(places[place])
    depth = steel_cm / 100.0
    plate_z = (middle - 0.5 * PLATE_M, middle + 0.5 * PLATE_M)
    if depth > 0.0:
        scene.box("steel", STEEL_G_CM3, (0.0, depth), (0.0, width), plate_z)
    if indicator == "penetration":
        size = (BLOCK_M, BLOCK_M)
        z = (middle - 0.5 * BLOCK_M, middle + 0.5 * BLOCK_M)
        scene.box("lead", LEAD_G_CM3, (-BLOCK_DEPTH_M, 0.0), (y - 0.5 * BLOCK_M, y + 0.5 * BLOCK_M), z)
    elif indicator == "wire":
        size = (diameter_cm / 100.0, WIRE_M)
        scene.cylinder("steel", STEEL_G_CM3, "z", (-0.5 * size[0], y, middle), 0.5 * size[0], WIRE_M)
    else:
        size = (STEP_M, STEP_M)
        z = (middle - 0.5 * STEP_M, middle + 0.5 * STEP_M)
        scene.box("steel", STEEL_G_CM3, (-contrast * depth, 0.0), (y - 0.5 * STEP_M, y + 0.5 * STEP_M), z)
    counts = expose(scene, one, noise_rng)
    start = FIRST_DAY + timedelta(minutes=seed % 500_000)
    payload = Radiograph(
        raw=counts.raw,
        energies=one.energies,
        calibration=LineCalibration(
            dark=counts.dark,
            air=counts.air,
            electronic_sigma=round(one.electronic_sigma, 3),
            gain=round(one.gain, 3),
            scatter_floor=round(one.scatter_floor * 1.15, 7),
            ref=CalibrationRef(
                id=f"sim-air-{seed}",
                made_at=utc_string(start - timedelta(seconds=600)),
                age_s=600,
                max_age_s=28800,
            ),
        ),
        reference=counts.reference,
        line_ids=np.arange(n_column, dtype=np.int64),
        line_time_s=counts.line_time_s,
        is_lost=np.zeros((n_column, len(one.energies)), dtype=bool),
        pitch_mm=(round(one.pitch_m[0] * 1000, 3), round(one.pitch_m[1] * 1000, 3)),
        speed_m_s=round(one.pitch_m[1] * one.line_rate_hz, 4),
        is_dark_subtracted=one.is_dark_subtracted,
        motion="forward",
    )
    digest = sha256_hex(repr((indicator, seed, steel_cm, diameter_cm, contrast, scanner, family)).encode())
    identity = ScanIdentity(
        scan_id=file_scan_id(digest, 0),
        site="SIM",
        device=Device(make="simulated", model=f"line-scanner {scanner}", serial=f"SIM-{seed}"),
        t_start_utc=start,
        t_end_utc=start + timedelta(seconds=round(n_column / one.line_rate_hz, 3)),
    )
    truth = {
        "place": place,
        "place_y_m": places,
        "width_m": size[0],
        "height_m": size[1],
        "centre_z_m": middle,
        "column_y_m": geometry.column_y_m,
        "row_z_m": geometry.row_z_m,
    }
    return Scan(identity=identity, payload=payload), truth


def observe(
    transmission: NDArray[np.float64],
    is_live: NDArray[np.bool_],
    column_y_m: NDArray[np.float64],
    row_z_m: NDArray[np.float64],
    place_y_m: NDArray[np.float64],
    *,
    width_m: float,
    height_m: float,
    centre_z_m: float,
) -> tuple[int, NDArray[np.float64]]:
    """Return which place holds the object.

    Parameters
    ----------
    transmission : ndarray of shape (n_row, n_column), float64
        Corrected signal over that of air.
    is_live : ndarray of shape (n_row, n_column), bool
        Pixels that measure.
    column_y_m, row_z_m : ndarray of shape (n_column,) and (n_row,), float64
        Where they look.
    place_y_m : ndarray of shape (n_place,), float64
        Where an object may be.
    width_m, height_m, centre_z_m : float
        Of the object.

    Returns
    -------
    place : int
        Index of the darkest place against its surroundings.
    contrast : ndarray of shape (n_place,), float64
        Mean of the surroundings less that of the place, each pixel weighed by the part of it that the
        object covers, in the same rows; minus infinity where nothing measures.
    """
    rows = np.abs(row_z_m - centre_z_m) <= 0.5 * height_m
    pitch = float(np.median(np.abs(np.diff(column_y_m))))
    spacing = float(np.min(np.diff(place_y_m)))
    signal, live = transmission[rows], is_live[rows].astype(np.float64)
    found = np.full(place_y_m.size, -np.inf)
    for k, y in enumerate(place_y_m):
        low, high = column_y_m - 0.5 * pitch, column_y_m + 0.5 * pitch
        inside = np.clip(np.minimum(high, y + 0.5 * width_m) - np.maximum(low, y - 0.5 * width_m), 0.0, None)
        # half a pixel of blur on either side belongs to the object too; beyond it are the surroundings
        gap = np.abs(column_y_m - y)
        around = ((gap > 0.5 * width_m + 1.5 * pitch) & (gap < 0.5 * spacing)).astype(np.float64)
        weight, outside = live * inside, live * around
        if weight.sum() > 0.0 and outside.sum() > 0.0:
            # row by row, so that a row whose gain is off darkens both alike
            seen = weight.sum(axis=1)
            both = (seen > 0.0) & (outside.sum(axis=1) > 0.0)
            if not both.any():
                continue
            mean_in = (signal * weight).sum(axis=1)[both] / seen[both]
            mean_out = (signal * outside).sum(axis=1)[both] / outside.sum(axis=1)[both]
            found[k] = float(np.average(mean_out - mean_in, weights=seen[both]))
    return int(np.argmax(found)), found


def is_seen(scan: Scan, truth: dict[str, Any]) -> bool:
    """Tell whether the observer points at the right place.

    Parameters
    ----------
    scan : Scan
        A picture of :func:`indicator_scan`.
    truth : dict
        Its truth.

    Returns
    -------
    bool
        True if it does, in the most penetrating energy.

    Raises
    ------
    ValueError
        If the scan is no radiograph.
    """
    from screening.radiography.planes import correct_plane, most_penetrating

    payload = scan.payload
    if not isinstance(payload, Radiograph):
        raise ValueError(f"a picture is needed, got {payload.kind}")
    plane = correct_plane(payload, most_penetrating(payload.energies))
    levels = plane.levels
    open_beam = (levels.air - levels.dark).astype(np.float64)
    reference = np.ones(plane.signal.shape[1]) if levels.reference is None else levels.reference
    level = np.where(open_beam > 0.0, open_beam, np.inf)[:, None] * np.asarray(reference, np.float64)[None, :]
    is_live = plane.is_live & np.isfinite(level) & (level > 0.0)
    transmission = np.divide(plane.signal.astype(np.float64), level, out=np.zeros(level.shape), where=is_live)
    place, _ = observe(
        transmission,
        is_live,
        truth["column_y_m"],
        truth["row_z_m"],
        truth["place_y_m"],
        width_m=truth["width_m"],
        height_m=truth["height_m"],
        centre_z_m=truth["centre_z_m"],
    )
    return bool(place == truth["place"])
