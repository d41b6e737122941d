"""A line scanner: what an instance is, and how one is drawn from its family.

Every instance has its own beam, noise, gains, faults and way of moving; a picture then draws its own
noise (:mod:`.exposure`). The ranges are in :mod:`.families`.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .families import DEFAULT_FAMILY, SCANNER_FAMILIES, SCANNER_KINDS, Range, ScannerFamily

__all__ = [
    "SCANNER_FAMILIES",
    "SCANNER_KINDS",
    "Scanner",
    "draw_line_positions",
    "draw_scanner",
]

#: Rows that the numbers of faulty rows in a family refer to.
NOMINAL_ROWS = 680

#: Scatter floor of the low energy over that of the high one. Of the pixels below 100 counts, the real scans
#: clip 1 to 5 % to zero in the high channel and 9 to 24 % in the low one: with normal noise, floors of 0.44
#: to 0.6 of each other.
LOW_FLOOR = (0.42, 0.65)


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
        Photon-transfer law var = s_e^2 + g m + (c m)^2, counts; g is that of open beam, see
        :func:`.beams.quantum_growth`.
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
        Signal of an opaque place over air, first energy.
    energy_mixing : float
        Share of the high-energy beam in the low channel.
    n_dead_rows : int
        Dead rows at the bottom.
    dropout_row : int
        First row of a module that misses packets of lines, -1 for none.
    isolated_rate, saturated_rate : float
        Failed and saturated pixels over all pixels.
    family : str
        A key of :data:`SCANNER_FAMILIES`.
    pitch_m : tuple of float
        (row, column) pixel pitch at the centre plane that its detector and usual speed give.
    endpoint_mv : tuple of float
        Effective endpoint of each energy; 0 for gamma lines.
    tungsten_g_cm2, steel_g_cm2 : float
        Filtration of the beam.
    endpoint_jitter : float
        From pulse to pulse, relative.
    multiplicative_noise : float
        c of the photon-transfer law.
    low_floor : float
        Scatter floor of the low energy over that of the high one.
    veil_radius : float
        Reach of the scatter over the picture's height.
    afterglow : tuple of (float, float)
        Share of the signal that comes late, and its time constant in lines.
    blur_px : tuple of float
        Standard deviation of focal spot and aperture along rows' and lines' direction (row, column), pixels.
    board_rows : int
        Channels of a detector board.
    dead_rows, hot_rows, drifting_rows : tuple of int
        Faulty rows, besides the dead ones at the bottom.
    drift : float
        By how much the gain of a drifting row changes within a picture, relative.
    interlace_lines : float
        How far the second energy's pulse comes after its line, in lines.
    wobble_rows, wobble_lines : float
        Amplitude of the detector's sway, rows, and its period, lines.
    speed_ripple, ripple_lines : float
        Amplitude of the variation of speed, relative, and its period, lines.
    line_rate_hz : float
        Lines per second of each energy.
    is_mirrored : bool
        The far end of the container comes first.
    adc_step, adc_break : float
        Counts between codes of the converter above `adc_break` counts; 1 below.
    adc_mismatch : float
        Error of gain of the upper range, relative.
    detector : str
        Scintillator.
    detector_depth_cm : float
        Its length along the beam.
    is_aimed_down : bool
        The electrons go towards the lower end of the fan, so that its upper end is the softer one.
    skew : float
        Tangent of the angle between the fan and the plane across the motion, for ``FanGeometry.skew``.
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
    family: str
    pitch_m: tuple[float, float]
    endpoint_mv: tuple[float, ...]
    tungsten_g_cm2: float
    steel_g_cm2: float
    endpoint_jitter: float
    multiplicative_noise: float
    low_floor: float
    veil_radius: float
    afterglow: tuple[tuple[float, float], ...]
    blur_px: tuple[float, float]
    board_rows: int
    dead_rows: tuple[int, ...]
    hot_rows: tuple[int, ...]
    drifting_rows: tuple[int, ...]
    drift: float
    interlace_lines: float
    wobble_rows: float
    wobble_lines: float
    speed_ripple: float
    ripple_lines: float
    line_rate_hz: float
    is_mirrored: bool
    adc_step: float
    adc_break: float
    adc_mismatch: float
    detector: str
    detector_depth_cm: float
    is_aimed_down: bool
    skew: float


def draw_scanner(
    kind: str,
    rng: np.random.Generator,
    *,
    n_row: int,
    family: str | None = None,
    has_defects: bool = True,
) -> Scanner:
    """Draw a scanner instance.

    Parameters
    ----------
    kind : str
        A key of :data:`SCANNER_KINDS`.
    rng : numpy.random.Generator
        Its properties.
    n_row : int
        Detector rows.
    family : str, optional
        A key of :data:`SCANNER_FAMILIES` that is built as this kind; the usual one when omitted.
    has_defects : bool, default True
        Dead, hot and drifting rows, failed pixels and saturation at the rates seen.

    Returns
    -------
    Scanner
        The instance.

    Raises
    ------
    ValueError
        If the kind or the family is unknown, or the family is not built as this kind.
    """
    if kind not in SCANNER_KINDS:
        raise ValueError(f"scanner must be one of {', '.join(sorted(SCANNER_KINDS))}, got {kind!r}")
    name = DEFAULT_FAMILY[kind] if family is None else family
    if name not in SCANNER_FAMILIES:
        raise ValueError(f"family must be one of {', '.join(sorted(SCANNER_FAMILIES))}, got {name!r}")
    f = SCANNER_FAMILIES[name]
    if kind not in f.kinds:
        raise ValueError(f"family {name} is built as {', '.join(f.kinds)}, not as {kind!r}")
    energies = SCANNER_KINDS[kind]
    is_dual = len(energies) == 2
    air = _uniform(rng, f.air_counts)
    subtracts = bool(rng.random() < f.dark_subtracted_share)
    row_pitch = _uniform(rng, f.pitch_m)
    rows = _draw_rows(f, rng, n_row) if has_defects else ((), (), ())
    has_step = bool(rng.random() < f.adc_step_share)
    return Scanner(
        kind=kind,
        energies=energies,
        source_distance_m=_uniform(rng, f.source_distance_m),
        source_height_m=_uniform(rng, f.source_height_m),
        air_counts=(air, air * rng.uniform(0.98, 1.0))[: len(energies)],
        gain=_uniform(rng, f.gain),
        electronic_sigma=_uniform(rng, f.electronic_sigma),
        line_sigma=_log_uniform(rng, f.line_sigma),
        row_residue=_uniform(rng, f.row_residue),
        calibration_error=rng.uniform(0.0005, 0.002),
        dark_counts=0.0 if subtracts else rng.uniform(200.0, 900.0),
        is_dark_subtracted=subtracts,
        scatter_floor=_log_uniform(rng, f.scatter_floor),
        energy_mixing=rng.uniform(0.0, 0.08) if is_dual else 0.0,
        n_dead_rows=round(rng.integers(*f.n_dead_bottom, endpoint=True) * n_row / NOMINAL_ROWS)
        if has_defects
        else 0,
        dropout_row=-1,
        isolated_rate=_uniform(rng, f.isolated_rate) if has_defects else 0.0,
        saturated_rate=_uniform(rng, f.saturated_rate) if has_defects else 0.0,
        family=name,
        pitch_m=(row_pitch, row_pitch * _uniform(rng, f.aspect)),
        endpoint_mv=_draw_endpoints(energies, f, rng),
        tungsten_g_cm2=_uniform(rng, f.tungsten_g_cm2),
        steel_g_cm2=_uniform(rng, f.steel_g_cm2),
        endpoint_jitter=_uniform(rng, f.endpoint_jitter),
        multiplicative_noise=_uniform(rng, f.multiplicative_noise),
        low_floor=rng.uniform(*LOW_FLOOR),
        veil_radius=rng.uniform(0.1, 0.35),
        afterglow=_draw_afterglow(f, rng),
        blur_px=(_uniform(rng, f.blur_px), _uniform(rng, f.blur_px)),
        board_rows=int(rng.choice(f.board_rows)),
        dead_rows=rows[0],
        hot_rows=rows[1],
        drifting_rows=rows[2],
        drift=rng.uniform(0.005, 0.04),
        interlace_lines=0.5 if is_dual else 0.0,
        wobble_rows=_uniform(rng, f.wobble_rows),
        wobble_lines=rng.uniform(60.0, 400.0),
        speed_ripple=_uniform(rng, f.speed_ripple),
        ripple_lines=rng.uniform(150.0, 900.0),
        line_rate_hz=rng.uniform(40.0, 160.0),
        is_mirrored=bool(rng.random() < f.mirrored_share),
        adc_step=float(rng.choice([2.0, 4.0, 8.0])) if has_step else 1.0,
        adc_break=float(rng.choice([4096.0, 8192.0, 16384.0])) if has_step else 0.0,
        adc_mismatch=rng.uniform(-0.003, 0.003) if has_step else 0.0,
        detector=str(rng.choice(f.detectors)),
        detector_depth_cm=_uniform(rng, f.detector_depth_cm),
        is_aimed_down=bool(rng.random() < 0.5),
        skew=_uniform(rng, f.skew) * float(rng.choice([-1.0, 1.0])),
    )


def draw_line_positions(
    scanner: Scanner, n_column: int, y0_m: float, pitch_m: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return where the lines of a picture are, the speed varying as the instance's does.

    Parameters
    ----------
    scanner : Scanner
        The instance.
    n_column : int
        Lines.
    y0_m : float
        Where the picture begins along the motion.
    pitch_m : float
        Mean distance of two lines.
    rng : numpy.random.Generator
        Phase and slow change of the speed.

    Returns
    -------
    ndarray of shape (n_column,), float64
        Middle of each line, m, for ``FanGeometry.column_y_m``; falling if the instance is mirrored. Lines
        come at a constant rate, so their time tells nothing of the speed and an encoder does.

    Raises
    ------
    ValueError
        If the number of lines or the pitch is not positive.
    """
    if n_column < 1 or not pitch_m > 0:
        raise ValueError(f"needs one line or more and a positive pitch, got {n_column} and {pitch_m!r} m")
    line = np.arange(n_column, dtype=np.float64)
    phase, trend = rng.uniform(0.0, 2.0 * np.pi), rng.uniform(-0.5, 0.5)
    speed = 1.0 + scanner.speed_ripple * (
        np.sin(2.0 * np.pi * line / scanner.ripple_lines + phase) + trend * (2.0 * line / n_column - 1.0)
    )
    step = pitch_m * speed / speed.mean()
    position = y0_m + np.cumsum(step) - step / 2.0
    return np.asarray(position[::-1].copy() if scanner.is_mirrored else position)


def _uniform(rng: np.random.Generator, span: Range) -> float:
    return float(rng.uniform(*span))


def _log_uniform(rng: np.random.Generator, span: Range) -> float:
    return float(np.exp(rng.uniform(np.log(span[0]), np.log(span[1]))))


def _draw_endpoints(
    energies: tuple[str, ...], family: ScannerFamily, rng: np.random.Generator
) -> tuple[float, ...]:
    factor, low = _uniform(rng, family.endpoint), _uniform(rng, family.low_endpoint)
    if not energies[0].endswith("MV"):
        return (0.0,) * len(energies)
    first = float(energies[0].removesuffix("MV")) * factor
    return (first, first * low)[: len(energies)]


def _draw_afterglow(family: ScannerFamily, rng: np.random.Generator) -> tuple[tuple[float, float], ...]:
    """Draw one to three decays; the slower, the weaker, as phosphors have them."""
    n = int(rng.integers(1, 3, endpoint=True))
    total = _log_uniform(rng, family.afterglow)
    lines = np.sort([_log_uniform(rng, family.afterglow_lines) for _ in range(n)])
    share = lines**-1.0 * rng.uniform(0.5, 1.5, n)
    share *= total / share.sum()
    return tuple((float(a), float(t)) for a, t in zip(share, lines, strict=True))


def _draw_rows(family: ScannerFamily, rng: np.random.Generator, n_row: int) -> tuple[tuple[int, ...], ...]:
    """Draw dead, hot and drifting rows, each row in one list only."""
    spans = (family.n_dead, family.n_hot, family.n_drifting)
    numbers = [round(rng.integers(*span, endpoint=True) * n_row / NOMINAL_ROWS) for span in spans]
    rows = rng.permutation(n_row)[: sum(numbers)]
    ends = np.cumsum(numbers)
    parts = np.split(rows, ends[:-1])
    return tuple(tuple(sorted(int(row) for row in part)) for part in parts)
