"""From a scene to raw counts: the beam, its scatter, the detector's blur, noise and converter."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage, signal, special

from screening.kernels.transport import transmit
from screening.physics.attenuation import attenuation
from screening.physics.beams import Beam, beam

from .beams import BeamSettings, angle_sensitivity, endpoint_sensitivity, instance_beam, quantum_growth
from .defects import add_defects, dead_rows, row_drift
from .tracing import material_of

if TYPE_CHECKING:
    from .geometry import FanGeometry
    from .scanner import Scanner
    from .scene import Scene

__all__ = ["Counts", "expose", "transmission"]

#: Reference detector in open beam, counts, and its own noise.
REFERENCE_COUNTS, REFERENCE_SIGMA = 30_000.0, 0.0005

#: Parts of a row and of a line that a pixel is put together from.
APERTURE_PARTS = (2, 2)

#: Strength of a hot row's extra signal and noise, in electronic sigmas.
HOT_OFFSET, HOT_NOISE = 8.0, 6.0


class Counts(NamedTuple):
    """What a scanner recorded.

    Attributes
    ----------
    raw : ndarray of shape (n_row, n_column, n_energy), uint16
        Raw counts; memory is one plane after the other.
    dark, air : ndarray of shape (n_row, n_energy), float32
        Calibration as the scanner would have taken it.
    reference : ndarray of shape (n_column, n_energy), float32
        Reference detector, counts.
    line_time_s : ndarray of shape (n_column,), float64
        When each line began; evenly spaced.
    line_position_m : ndarray of shape (n_column,), float64
        Where each line is along the motion, as an encoder tells; unevenly spaced if the speed varied.
    dead_rows, hot_rows, drifting_rows : tuple of int
        Truth of the faulty rows.
    is_failed : ndarray of shape (n_row, n_column, n_energy), bool
        Truth of the pixels that tell nothing: dead, dropped out, failed, or saturated.
    """

    raw: NDArray[np.uint16]
    dark: NDArray[np.float32]
    air: NDArray[np.float32]
    reference: NDArray[np.float32]
    line_time_s: NDArray[np.float64]
    line_position_m: NDArray[np.float64]
    dead_rows: tuple[int, ...]
    hot_rows: tuple[int, ...]
    drifting_rows: tuple[int, ...]
    is_failed: NDArray[np.bool_]


def transmission(scene: Scene, label: str, *, n_bins: int = 60) -> NDArray[np.float32]:
    """Return the transmission of a scene in the nominal beam of a label, without scatter.

    Parameters
    ----------
    scene : Scene
        Areal densities by material.
    label : str
        Energy label of the beam.
    n_bins : int, default 60
        Bins of the spectrum.

    Returns
    -------
    ndarray of shape (n_row, n_column), float32
        1 in air.
    """
    names, planes = scene.stack()
    spectrum = beam(label, n_bins)
    return transmit(planes, mu_cm2_g=_coefficients(names, spectrum), weight=spectrum.weight)


def expose(
    scene: Scene,
    scanner: Scanner,
    rng: np.random.Generator,
    *,
    parts: tuple[int, int] = APERTURE_PARTS,
) -> Counts:
    """Take a picture of a scene.

    The signal is built in the order in which it arises: transmission of each energy at the place of its
    pulse; sway of the detector; blur of focal spot and aperture; the endpoint's jitter; scatter of the
    open beam; strength of the pulse; afterglow of the lines before; gain and its drift; noise; dark; the
    converter; faults.

    Parameters
    ----------
    scene : Scene
        What is in the beam.
    scanner : Scanner
        The instrument.
    rng : numpy.random.Generator
        Noise and defects of this picture.
    parts : tuple of int, default (2, 2)
        Parts of a row and of a line whose transmissions are averaged. Within a part it is the thickness that
        is averaged, which shows an edge within it too dark.

    Returns
    -------
    Counts
        The picture and its calibration.

    Raises
    ------
    ValueError
        If the parts are not positive, or those of a line do not fit the second energy's delay.
    """
    n_row, n_column = scene.geometry.shape
    n_energy = len(scanner.energies)
    gain_rows = _row_pattern(n_row, scanner, rng)
    fan = _fan_profile(scene.geometry)
    dark_rows = scanner.dark_counts * (1.0 + 0.05 * rng.standard_normal(n_row))
    hot = [row for row in scanner.hot_rows if row < n_row]
    if not scanner.is_dark_subtracted:
        dark_rows[hot] += HOT_OFFSET * scanner.electronic_sigma
    pulses = 1.0 + scanner.line_sigma * rng.standard_normal((n_column, n_energy))
    jitter = scanner.endpoint_jitter * rng.standard_normal((n_column, n_energy))
    sway = _sway(scanner, n_column, rng)
    drift = row_drift(scanner, n_row, n_column, rng)
    drifting = [row for row in scanner.drifting_rows if row < n_row]

    planes = _through(scene, scanner, parts)
    angle = _fan_angle_degrees(scene.geometry) * (1.0 if scanner.is_aimed_down else -1.0)
    planes = [_seen(plane, scanner, k, sway, angle, jitter[:, k]) for k, plane in enumerate(planes)]
    if n_energy == 2 and scanner.energy_mixing > 0:
        planes[1] = (1 - scanner.energy_mixing) * planes[1] + np.float32(scanner.energy_mixing) * planes[0]
    surplus = [_surplus(plane, scanner, k) for k, plane in enumerate(planes)]
    for k, plane in enumerate(planes):
        plane += _veil(plane, scanner, k)
        plane *= pulses[:, k].astype(np.float32)
    _add_afterglow(planes, scanner)

    raw = np.empty((n_energy, n_row, n_column), dtype=np.uint16)
    air = np.empty((n_row, n_energy), dtype=np.float32)
    for k, plane in enumerate(planes):
        level = scanner.air_counts[k] * gain_rows * fan
        plane *= level.astype(np.float32)[:, None]
        plane[drifting] *= drift
        surplus[k] *= level.astype(np.float32)[:, None]
        _add_noise(plane, surplus[k], scanner, hot, rng)
        plane += dark_rows.astype(np.float32)[:, None]
        raw[k] = _converted(plane, scanner)
        error = 1.0 + scanner.calibration_error * rng.standard_normal(n_row)
        air[:, k] = level * error + dark_rows
    is_failed = add_defects(raw, scanner, rng)
    dark = np.repeat(dark_rows.astype(np.float32)[:, None], n_energy, axis=1)
    monitor = REFERENCE_COUNTS * pulses * (1.0 + REFERENCE_SIGMA * rng.standard_normal(pulses.shape))
    return Counts(
        raw=np.moveaxis(raw, 0, 2),
        dark=dark,
        air=air,
        reference=monitor.astype(np.float32),
        line_time_s=np.arange(n_column) / scanner.line_rate_hz,
        line_position_m=scene.geometry.column_y_m - scene.geometry.column_y_m[0],
        dead_rows=dead_rows(scanner, n_row),
        hot_rows=tuple(hot),
        drifting_rows=tuple(drifting),
        is_failed=np.moveaxis(is_failed, 0, 2),
    )


def _coefficients(names: tuple[str, ...], spectrum: Beam) -> NDArray[np.float64]:
    """Return the coefficients of each material in each bin, cm2/g."""
    mu = [attenuation(material_of(name), spectrum.energy_kev) for name in names]
    return np.reshape(mu, (len(names), spectrum.weight.size)).astype(np.float64)


def _beam_settings(scanner: Scanner, k: int) -> BeamSettings:
    return (
        scanner.energies[k],
        scanner.endpoint_mv[k],
        scanner.tungsten_g_cm2,
        scanner.steel_g_cm2,
        scanner.detector,
        scanner.detector_depth_cm,
    )


def _through(scene: Scene, scanner: Scanner, parts: tuple[int, int]) -> list[NDArray[np.float32]]:
    """Return the transmission of each energy at the place of its pulse, the mean over parts of a pixel.

    A delay of whole parts of a line makes the parts of the second energy those of the first, of this line
    or the next, so that all energies share what is traced.
    """
    n_row, n_line = parts
    delays = [scanner.interlace_lines * n_line * k for k in range(len(scanner.energies))]
    if min(parts) < 1 or any(delay != int(delay) or delay > n_line for delay in delays):
        raise ValueError(
            f"parts must be positive, and of a line as many as make {scanner.interlace_lines:g} lines whole "
            f"parts, got {parts!r}"
        )
    beams = [instance_beam(*_beam_settings(scanner, k)) for k in range(len(scanner.energies))]
    materials = scene.materials
    coefficients = [_coefficients(materials, spectrum) for spectrum in beams]
    seen = [np.zeros(scene.geometry.shape, dtype=np.float32) for _ in beams]
    for i in range(n_row):
        for j in range(n_line):
            _, planes = scene.stack((j + 0.5) / n_line - 0.5, (i + 0.5) / n_row - 0.5, parts)
            for plane, spectrum, mu, delay in zip(seen, beams, coefficients, delays, strict=True):
                part = transmit(planes, mu_cm2_g=mu, weight=spectrum.weight)
                if j >= delay:
                    plane += part
                else:
                    plane[:, :-1] += part[:, 1:]
                    plane[:, -1] += part[:, -1]
    for plane in seen:
        plane /= np.float32(n_row * n_line)
    return seen


def _seen(
    plane: NDArray[np.float32],
    scanner: Scanner,
    k: int,
    sway: NDArray[np.float64],
    angle_degrees: NDArray[np.float64],
    jitter: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Return a transmission as the detector sees it, without scatter: moved, blurred, of its own spectrum.

    The spectrum of the middle of the fan is corrected for the angle of a row, and for the endpoint of a
    line, by what either changes behind 60 g/cm2 of steel.
    """
    if scanner.wobble_rows > 0:
        plane = _shifted(plane, sway)
    for axis, sigma in enumerate(scanner.blur_px):
        plane = ndimage.correlate1d(plane, _blur(sigma), axis=axis, mode="nearest")
    settings = _beam_settings(scanner, k)
    per_row = -angle_sensitivity(settings) * angle_degrees
    per_line = -endpoint_sensitivity(settings) * jitter
    if per_row.any() or per_line.any():
        # T^(1 - change), the first terms: a strong pulse sees deeper, the soft side of the fan less deep
        change = per_row.astype(np.float32)[:, None] + per_line.astype(np.float32)
        plane *= 1.0 - change * np.log(np.maximum(plane, np.float32(1e-12)))
    return plane


def _sway(scanner: Scanner, n_column: int, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return how far each line looks off its row, rows: two modes of the boom."""
    line = np.arange(n_column)
    phase = rng.uniform(0.0, 2.0 * np.pi, 2)
    first = np.sin(2.0 * np.pi * line / scanner.wobble_lines + phase[0])
    second = np.sin(2.0 * np.pi * line * 2.7 / scanner.wobble_lines + phase[1])
    return np.asarray(scanner.wobble_rows * (0.8 * first + 0.2 * second))


def _shifted(plane: NDArray[np.float32], sway: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return each line moved by its own part of rows, linearly."""
    n_row, n_column = plane.shape
    whole = np.floor(sway).astype(np.int64)
    part = (sway - whole).astype(np.float32)
    columns = np.arange(n_column)
    above = np.clip(np.arange(n_row)[:, None] + whole, 0, n_row - 1)
    below = np.minimum(above + 1, n_row - 1)
    first = plane[above, columns]
    return np.asarray(first + part * (plane[below, columns] - first))


def _blur(sigma_px: float) -> NDArray[np.float64]:
    """Return the weights of a Gaussian integrated over pixels."""
    reach = max(int(np.ceil(3.0 * sigma_px)), 1)
    edges = (np.arange(-reach, reach + 2) - 0.5) / (max(sigma_px, 1e-6) * np.sqrt(2.0))
    weights = np.diff(special.erf(edges))
    return np.asarray(weights / weights.sum())


def _veil(plane: NDArray[np.float32], scanner: Scanner, k: int) -> NDArray[np.float32]:
    """Return the scatter: open beam thrown about by the scene, smooth, stronger beside open places."""
    floor = scanner.scatter_floor * (scanner.low_floor if k else 1.0)
    step = max(plane.shape[0] // 48, 1)
    coarse = plane[::step, ::step]
    sigma = max(scanner.veil_radius * plane.shape[0] / step, 0.5)
    blurred = ndimage.gaussian_filter(coarse, sigma, mode="nearest", truncate=2.5)
    smooth = _enlarged(blurred, step, plane.shape)
    return np.asarray(np.float32(floor) * (np.float32(0.7) + np.float32(0.6) * smooth))


def _enlarged(coarse: NDArray[np.float32], step: int, shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return every step-th pixel's picture at full size, bilinear, so that no edge shows."""
    result = coarse
    for axis, n in enumerate(shape):
        at = np.minimum(np.arange(n) / step, coarse.shape[axis] - 1)
        low = at.astype(np.int64)
        part = (at - low).astype(np.float32)
        first = np.take(result, low, axis=axis)
        second = np.take(result, np.minimum(low + 1, coarse.shape[axis] - 1), axis=axis)
        result = first + (part[:, None] if axis == 0 else part) * (second - first)
    return result


def _add_afterglow(planes: list[NDArray[np.float32]], scanner: Scanner) -> None:
    """Let part of each pulse's signal come with the pulses after it, whichever energy they are of."""
    if not scanner.afterglow:
        return
    n = len(planes)
    stream = planes[0] if n == 1 else np.stack(planes, axis=2).reshape(planes[0].shape[0], -1)
    late = np.zeros_like(stream)
    total = 0.0
    for share, lines in scanner.afterglow:
        keep = np.exp(-1.0 / (lines * n))
        gain = np.float32(share * (1.0 - keep))
        # the detector stood in the same light before the picture began
        start = stream[:, :1] * np.float32(share)
        # after the filter's delay of one pulse
        tail, _ = signal.lfilter(
            np.array([0.0, gain], dtype=np.float32),
            np.array([1.0, -keep], dtype=np.float32),
            stream,
            axis=1,
            zi=start,
        )
        late += tail
        total += share
    stream = stream * np.float32(1.0 - total) + late
    for k in range(n):
        planes[k] = np.ascontiguousarray(stream[:, k::n])


def _surplus(plane: NDArray[np.float32], scanner: Scanner, k: int) -> NDArray[np.float32]:
    """Return the transmission that would add the variance by which quanta behind cargo are larger."""
    depth, factor = quantum_growth(_beam_settings(scanner, k))
    through = np.maximum(plane, np.float32(1e-12))
    growth = np.interp(-np.log(through), depth, factor).astype(np.float32)
    return np.asarray(through * (growth - np.float32(1.0)))


def _add_noise(
    plane: NDArray[np.float32],
    surplus: NDArray[np.float32],
    scanner: Scanner,
    hot: list[int],
    rng: np.random.Generator,
) -> None:
    variance = np.float32(scanner.multiplicative_noise**2) * plane
    variance += np.float32(scanner.gain)
    variance *= plane
    variance += np.float32(scanner.gain) * surplus
    variance += np.float32(scanner.electronic_sigma**2)
    variance[hot] += np.float32((HOT_NOISE * scanner.electronic_sigma) ** 2)
    np.sqrt(variance, out=variance)
    variance *= rng.standard_normal(plane.shape, dtype=np.float32)
    plane += variance


def _converted(plane: NDArray[np.float32], scanner: Scanner) -> NDArray[np.uint16]:
    """Return whole counts: the converter's codes, coarser in its upper range, clipped to 16 bits."""
    if scanner.adc_break > 0:
        is_high = plane > np.float32(scanner.adc_break)
        upper = plane * np.float32((1.0 + scanner.adc_mismatch) / scanner.adc_step)
        np.rint(upper, out=upper)
        upper *= np.float32(scanner.adc_step)
        plane = np.where(is_high, upper, plane)
    return np.clip(np.rint(plane), 0, 65535).astype(np.uint16)


def _row_pattern(n_row: int, scanner: Scanner, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return relative gains: a step per detector board, a smaller spread within."""
    board = scanner.board_rows
    boards = np.repeat(rng.standard_normal(n_row // board + 1), board)[:n_row]
    return np.asarray(1.0 + scanner.row_residue * (0.8 * boards + 0.6 * rng.standard_normal(n_row)))


def _fan_angle_degrees(geometry: FanGeometry) -> NDArray[np.float64]:
    """Return the angle of each row above the middle of the fan."""
    slope = (geometry.row_z_m - geometry.source_height_m) / geometry.source_distance_m
    angle = np.degrees(np.arctan(slope))
    return np.asarray(angle - (angle[0] + angle[-1]) / 2.0)


def _fan_profile(geometry: FanGeometry) -> NDArray[np.float64]:
    """Return the fall of intensity from the middle of the fan: distance, and the lobe of the beam."""
    slope = (geometry.row_z_m - geometry.source_height_m) / geometry.source_distance_m
    return np.asarray(1.0 / (1.0 + 0.25 * slope**2))
