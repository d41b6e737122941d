"""Quality of one radiograph: figures, and the gates that make a verdict UNKNOWN."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.records import (
    ContainerBox,
    Gate,
    ImageQuality,
    PixelState,
    Radiograph,
    ReasonCode,
    decimal_string,
)

from .planes import Plane
from .settings import RadiographySettings

__all__ = ["AirFigures", "gates", "image_quality", "measure_air"]

MARGIN_PX = 10
MIN_AIR_PIXELS = 400

#: Largest departure of the air level from the calibration's, in -ln T.
MAX_AIR_LEVEL = 0.05


class AirFigures(NamedTuple):
    """Air of one picture, after correction.

    Attributes
    ----------
    sigma : float
        Relative noise of one pixel.
    level : float
        Median -ln T: 0 when the calibration fits.
    expected_sigma : float
        What the photon-transfer law allows.
    """

    sigma: float
    level: float
    expected_sigma: float


def measure_air(plane: Plane, boxes: tuple[ContainerBox, ...]) -> AirFigures | None:
    """Measure noise and level where the picture shows air.

    Parameters
    ----------
    plane : Plane
        A corrected picture.
    boxes : tuple of ContainerBox
        Containers in it.

    Returns
    -------
    AirFigures or None
        None without enough air in the picture.
    """
    n_row, n_column = plane.neg_log.shape
    region = np.zeros((n_row, n_column), dtype=bool)
    # above and beside the containers; below them are wheels, rails and the ground
    region[: int(0.6 * n_row)] = True
    for box in boxes:
        low, high = max(box.col0 - MARGIN_PX, 0), box.col1 + MARGIN_PX
        region[max(box.row0 - MARGIN_PX, 0) :, low:high] = False
    values = plane.neg_log[region & plane.is_live]
    if values.size < MIN_AIR_PIXELS:
        return None
    level = float(np.median(values))
    # what stands beside the container (wagon ends) is no air
    values = values[np.abs(values - level) < 0.2]
    if values.size < MIN_AIR_PIXELS:
        return None
    sigma = 1.4826 * float(np.median(np.abs(values - level)))
    levels = plane.levels
    air = levels.air_counts
    expected = float(np.sqrt(levels.electronic_sigma**2 + levels.gain * max(air, 0.0))) / max(air, 1e-9)
    return AirFigures(sigma, level, expected)


def image_quality(
    planes: tuple[Plane, ...], air: AirFigures | None, in_hull: NDArray[np.bool_]
) -> ImageQuality:
    """Return the quality figures of a scan.

    Parameters
    ----------
    planes : tuple of Plane
        All energies.
    air : AirFigures or None
        Air of the most penetrating one.
    in_hull : ndarray of shape (n_row, n_column), bool
        Pixels inside containers.

    Returns
    -------
    ImageQuality
        Dead rows and lost lines of any energy count; the saturated fraction is that of the hull.
    """
    dead: set[int] = set()
    lost = np.zeros(planes[0].state.shape[1], dtype=bool)
    saturated = masked = 0.0
    for plane in planes:
        columns_lost = ((plane.state & PixelState.LOST_LINE) != 0).all(axis=0)
        lost |= columns_lost
        is_dead = (plane.state & PixelState.DEAD_ROW) != 0
        received = ~columns_lost
        if received.any():
            rows_dead = is_dead[:, received].all(axis=1)
        else:
            rows_dead = np.zeros(is_dead.shape[0], dtype=bool)
        dead.update(int(row) for row in np.flatnonzero(rows_dead))
        usable = ~rows_dead[:, None] & received[None, :]
        failed = (plane.state & (PixelState.DROPOUT | PixelState.ISOLATED_ZERO | PixelState.DEAD_ROW)) != 0
        hot = (plane.state & PixelState.SATURATED) != 0
        number = max(int(usable.sum()), 1)
        masked = max(masked, float((failed & usable).sum()) / number)
        counted = usable & in_hull
        saturated = max(saturated, float((hot & counted).sum()) / max(int(counted.sum()), 1))
    return ImageQuality(
        air_sigma=None if air is None else air.sigma,
        dead_rows=tuple(sorted(dead)),
        lost_lines=int(lost.sum()),
        saturated_fraction=saturated,
        masked_fraction=masked,
    )


def gates(
    radiograph: Radiograph,
    boxes: tuple[ContainerBox, ...],
    quality: ImageQuality,
    air: AirFigures | None,
    settings: RadiographySettings,
) -> tuple[Gate, ...]:
    """Apply every gate.

    Parameters
    ----------
    radiograph : Radiograph
        The scan.
    boxes : tuple of ContainerBox
        Containers found.
    quality : ImageQuality
        Its figures.
    air : AirFigures or None
        Air of the most penetrating energy.
    settings : RadiographySettings
        Limits.

    Returns
    -------
    tuple of Gate
        Passed or not.
    """
    n_row, n_column, _ = radiograph.raw.shape
    n_whole = sum(box.complete for box in boxes)
    result = [
        _at_most(
            "lost_lines",
            quality.lost_lines / n_column,
            settings.max_lost_fraction,
            ReasonCode.Q_LINES_LOST,
        ),
        _at_most(
            "dead_rows",
            len(quality.dead_rows) / n_row,
            settings.max_dead_row_fraction,
            ReasonCode.Q_DETECTOR_DEAD,
        ),
        _at_most(
            "masked_pixels",
            quality.masked_fraction,
            settings.max_masked_fraction,
            ReasonCode.Q_DETECTOR_DEAD,
        ),
        _at_most(
            "saturated_pixels",
            quality.saturated_fraction,
            settings.max_saturated_fraction,
            ReasonCode.Q_SATURATED,
        ),
        Gate(
            name="scan_complete",
            passed=radiograph.is_complete,
            value=str(int(radiograph.is_complete)),
            limit="1",
            code=ReasonCode.Q_COVERAGE,
        ),
        Gate(
            name="containers_whole",
            passed=bool(boxes) and n_whole == len(boxes),
            value=str(n_whole),
            limit=str(max(len(boxes), 1)),
            code=ReasonCode.Q_COVERAGE,
        ),
    ]
    limit = settings.max_air_noise_ratio
    if air is None:
        result.append(_missing("air_noise", limit, ReasonCode.Q_COVERAGE))
    else:
        ratio = air.sigma / max(air.expected_sigma, 1e-12)
        result.append(_at_most("air_noise", ratio, limit, ReasonCode.CAL_STALE))
        result.append(_at_most("air_level", abs(air.level), MAX_AIR_LEVEL, ReasonCode.CAL_STALE))
    calibration = radiograph.calibration
    if calibration is not None:
        ref = calibration.ref
        if ref.state == "MISSING":
            result.append(_missing("calibration", 1.0, ReasonCode.CAL_MISSING))
        elif ref.state != "VALID":
            result.append(_missing("calibration", 1.0, ReasonCode.CAL_STALE))
        oldest = settings.max_calibration_age_s if ref.max_age_s is None else ref.max_age_s
        result.append(
            Gate(
                name="calibration_age",
                passed=ref.age_s is not None and 0 <= ref.age_s <= oldest,
                value="none" if ref.age_s is None else str(ref.age_s),
                limit=str(oldest),
                code=ReasonCode.CAL_STALE,
            )
        )
    return tuple(result)


def _at_most(name: str, value: float, limit: float, code: ReasonCode) -> Gate:
    return Gate(
        name=name,
        passed=bool(np.isfinite(value) and value <= limit),
        value=decimal_string(value) if np.isfinite(value) else "none",
        limit=decimal_string(limit),
        code=code,
    )


def _missing(name: str, limit: float, code: ReasonCode) -> Gate:
    return Gate(name=name, passed=False, value="none", limit=decimal_string(limit), code=code)
