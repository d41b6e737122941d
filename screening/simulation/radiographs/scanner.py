"""A line scanner: from a scene to raw counts, with the faults real scanners show.

The rates of noise, defects and scatter are drawn for each scanner instance from the ranges measured
on real dual-energy container scans (docs/radiography.md); a picture then draws its own noise.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from screening.physics.attenuation import attenuation
from screening.radiography.curves import beam

from .scene import FanGeometry, Scene

__all__ = ["SCANNER_KINDS", "Counts", "Scanner", "draw_scanner", "expose", "transmission"]

#: Scanner kinds and the energies they record, the most penetrating first.
SCANNER_KINDS: dict[str, tuple[str, ...]] = {
    "dual": ("6MV", "4MV"),
    "single": ("6MV",),
    "linac-9": ("9MV",),
    "vacis-cs": ("Cs-137",),
    "vacis-co": ("Co-60",),
}

#: Material behind each name that scenes use.
SCENE_MATERIALS = {
    "organic": "wood",
    "aluminium": "aluminium",
    "steel": "steel",
    "lead": "lead",
    "uranium": "uranium",
}

MODULE_ROWS = 16
BLOCK_LINES = 10
SPECTRUM_BINS = 20


class Scanner(NamedTuple):
    """One scanner instance.

    Attributes
    ----------
    kind : str
        A key of :data:`SCANNER_KINDS`.
    energies : tuple of str
        What it records.
    source_distance_m, source_height_m : float
        Source to centre plane, and above the road or rail.
    air_counts : tuple of float
        Air signal of each energy, counts.
    gain, electronic_sigma : float
        Photon-transfer law var = s_e^2 + g mean, counts.
    line_sigma : float
        Noise common to a line (source pulses), relative.
    row_residue : float
        Spread of the gain from row to row and board to board, relative.
    calibration_error : float
        What of it the air calibration leaves, relative.
    dark_counts : float
        Dark signal; 0 if the device subtracts it.
    is_dark_subtracted : bool
        The device subtracts dark and clips at 0.
    scatter_floor : float
        Signal of an opaque place over air.
    energy_mixing : float
        Share of the high-energy beam in the low channel: brings the ratio of the logarithms down to
        what real scans show.
    n_dead_rows : int
        Dead rows at the bottom.
    dropout_row : int
        First row of a module that misses packets of lines, -1 for none.
    isolated_rate, saturated_rate : float
        Failed and saturated pixels over all pixels.
    """

    kind: str
    energies: tuple[str, ...]
    source_distance_m: float
    source_height_m: float
    air_counts: tuple[float, ...]
    gain: float
    electronic_sigma: float
    line_sigma: float
    row_residue: float
    calibration_error: float
    dark_counts: float
    is_dark_subtracted: bool
    scatter_floor: float
    energy_mixing: float
    n_dead_rows: int
    dropout_row: int
    isolated_rate: float
    saturated_rate: float


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
    """

    raw: NDArray[np.uint16]
    dark: NDArray[np.float32]
    air: NDArray[np.float32]
    reference: NDArray[np.float32]


def draw_scanner(kind: str, rng: np.random.Generator, *, n_row: int, has_defects: bool = True) -> Scanner:
    """Draw a scanner instance.

    Parameters
    ----------
    kind : str
        A key of :data:`SCANNER_KINDS`.
    rng : numpy.random.Generator
        Its properties.
    n_row : int
        Detector rows.
    has_defects : bool, default True
        Dead rows, failed pixels and saturation at the rates seen.

    Returns
    -------
    Scanner
        The instance.

    Raises
    ------
    ValueError
        If the kind is unknown.
    """
    if kind not in SCANNER_KINDS:
        raise ValueError(f"scanner must be one of {', '.join(sorted(SCANNER_KINDS))}, got {kind!r}")
    energies = SCANNER_KINDS[kind]
    is_gamma = kind.startswith("vacis")
    air = rng.uniform(9000.0, 16000.0) if is_gamma else rng.uniform(45000.0, 56000.0)
    subtracts = bool(rng.random() < 0.5)
    return Scanner(
        kind=kind,
        energies=energies,
        source_distance_m=rng.uniform(4.5, 7.5),
        source_height_m=rng.uniform(1.3, 2.1),
        air_counts=(air, air * rng.uniform(0.98, 1.0))[: len(energies)],
        # photon counting keeps Poisson statistics; integrating detectors do not
        gain=rng.uniform(1.0, 1.4) if is_gamma else rng.uniform(9.0, 18.0),
        electronic_sigma=rng.uniform(2.0, 5.0) if is_gamma else rng.uniform(18.0, 32.0),
        line_sigma=rng.uniform(0.0002, 0.001) if is_gamma else rng.uniform(0.002, 0.007),
        row_residue=rng.uniform(0.015, 0.05),
        calibration_error=rng.uniform(0.0005, 0.002),
        dark_counts=0.0 if subtracts else rng.uniform(200.0, 900.0),
        is_dark_subtracted=subtracts,
        scatter_floor=rng.uniform(5e-4, 1.0e-3),
        energy_mixing=rng.uniform(0.1, 0.6),
        n_dead_rows=round(7 * n_row / 680) if has_defects else 0,
        dropout_row=-1,
        isolated_rate=rng.uniform(1e-5, 1.6e-4) if has_defects else 0.0,
        saturated_rate=rng.uniform(2e-4, 7e-4) if has_defects else 0.0,
    )


def transmission(scene: Scene, label: str, *, n_bins: int = SPECTRUM_BINS) -> NDArray[np.float32]:
    """Return the transmission of a scene, polychromatic, without scatter.

    Parameters
    ----------
    scene : Scene
        Areal densities by material.
    label : str
        Energy label of the beam.
    n_bins : int
        Bins of the spectrum.

    Returns
    -------
    ndarray of shape (n_row, n_column), float32
        1 in air.
    """
    spectrum = beam(label, n_bins)
    names = sorted(scene.areal_density)
    result = np.ones(scene.geometry.shape, dtype=np.float32)
    if not names:
        return result
    planes = [scene.areal_density[name] for name in names]
    is_covered = np.zeros(scene.geometry.shape, dtype=bool)
    for plane in planes:
        # hollowing out leaves rounding below zero
        np.maximum(plane, 0.0, out=plane)
        is_covered |= plane > 1e-6
    density = [plane[is_covered] for plane in planes]
    total = np.zeros(density[0].shape, dtype=np.float32)
    depth = np.empty_like(total)
    term = np.empty_like(total)
    coefficients = [attenuation(SCENE_MATERIALS[name], spectrum.energy_kev) for name in names]
    for k, weight in enumerate(spectrum.weight):
        np.multiply(density[0], np.float32(-coefficients[0][k]), out=depth)
        for plane, coefficient in zip(density[1:], coefficients[1:], strict=True):
            np.multiply(plane, np.float32(-coefficient[k]), out=term)
            depth += term
        np.exp(depth, out=term)
        term *= np.float32(weight)
        total += term
    result[is_covered] = total
    return result


def expose(scene: Scene, scanner: Scanner, rng: np.random.Generator) -> Counts:
    """Take a picture of a scene.

    Parameters
    ----------
    scene : Scene
        What is in the beam.
    scanner : Scanner
        The instrument.
    rng : numpy.random.Generator
        Noise and defects of this picture.

    Returns
    -------
    Counts
        The picture and its calibration.
    """
    n_row, n_column = scene.geometry.shape
    n_energy = len(scanner.energies)
    raw = np.empty((n_energy, n_row, n_column), dtype=np.uint16)
    gain_rows = _row_pattern(n_row, scanner.row_residue, rng)
    fan = _fan_profile(scene.geometry)
    dark_rows = scanner.dark_counts * (1.0 + 0.05 * rng.standard_normal(n_row))
    planes = [transmission(scene, label) for label in scanner.energies]
    if n_energy == 2 and scanner.energy_mixing > 0:
        planes[1] = (1 - scanner.energy_mixing) * planes[1] + np.float32(scanner.energy_mixing) * planes[0]
    pulses = 1.0 + scanner.line_sigma * rng.standard_normal((n_column, n_energy))
    air = np.empty((n_row, n_energy), dtype=np.float32)
    for k in range(n_energy):
        level = scanner.air_counts[k] * gain_rows * fan
        # the floor is open beam scattered by the scene, smooth and stronger beside open places
        veil = scanner.scatter_floor * (0.7 + 0.6 * _smooth(planes[k]))
        signal = (planes[k] + veil) * (level[:, None] * pulses[None, :, k]).astype(np.float32)
        sigma = np.sqrt(np.float32(scanner.electronic_sigma**2) + np.float32(scanner.gain) * signal)
        signal += sigma * rng.standard_normal(signal.shape, dtype=np.float32)
        signal += dark_rows[:, None].astype(np.float32)
        if not scanner.is_dark_subtracted:
            signal = np.maximum(signal, 0.0)
        raw[k] = np.clip(np.rint(signal), 0, 65535).astype(np.uint16)
        error = 1.0 + scanner.calibration_error * rng.standard_normal(n_row)
        air[:, k] = level * error + dark_rows
    _add_defects(raw, scanner, rng)
    dark = np.repeat(dark_rows.astype(np.float32)[:, None], n_energy, axis=1)
    monitor = 30000.0 * pulses * (1.0 + 0.0005 * rng.standard_normal(pulses.shape))
    return Counts(np.moveaxis(raw, 0, 2), dark, air, monitor.astype(np.float32))


def _row_pattern(n_row: int, residue: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Return relative gains: a step per board of one module, a smaller spread within."""
    boards = np.repeat(rng.standard_normal(n_row // MODULE_ROWS + 1), MODULE_ROWS)[:n_row]
    return 1.0 + residue * (0.8 * boards + 0.6 * rng.standard_normal(n_row))


def _fan_profile(geometry: FanGeometry) -> NDArray[np.float64]:
    """Return the fall of intensity from the middle of the fan: distance, and the lobe of the beam."""
    slope = (geometry.row_z_m - geometry.source_height_m) / geometry.source_distance_m
    return np.asarray(1.0 / (1.0 + 0.25 * slope**2))


def _smooth(plane: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the picture as the room scatters it: blurred over about a fifth of its height."""
    step = max(plane.shape[0] // 48, 1)
    coarse = plane[::step, ::step]
    blurred = ndimage.gaussian_filter(coarse, 10.0, mode="nearest")
    return np.kron(blurred, np.ones((step, step), dtype=np.float32))[: plane.shape[0], : plane.shape[1]]


def _add_defects(raw: NDArray[np.uint16], scanner: Scanner, rng: np.random.Generator) -> None:
    n_energy, n_row, n_column = raw.shape
    for k in range(n_energy):
        for rate, value in ((scanner.isolated_rate, 0), (scanner.saturated_rate, 65535)):
            n = rng.poisson(rate * n_row * n_column)
            raw[k, rng.integers(0, n_row, n), rng.integers(0, n_column, n)] = value
    # a module that sends nothing, and dead rows, hold no failed pixels of their own
    if scanner.dropout_row >= 0:
        rows = slice(scanner.dropout_row, scanner.dropout_row + MODULE_ROWS)
        packet = (np.arange(n_column) // BLOCK_LINES) % 2
        for k in range(n_energy):
            raw[k, rows, packet == k % 2] = 0
    if scanner.n_dead_rows:
        raw[:, n_row - scanner.n_dead_rows :, :] = 0
