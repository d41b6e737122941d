"""Radiographs from physics: one recipe and one seed give one scan with its truth, bit for bit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from screening.records import (
    CalibrationRef,
    Device,
    Gap,
    LineCalibration,
    Manifest,
    Radiograph,
    Scan,
    ScanIdentity,
    file_scan_id,
    sha256_hex,
    utc_string,
)

from .compositions import Composition, Matched, compose, compose_pair, container_boxes
from .exposure import expose
from .recipes import ORDINARY_CARGO, RADIOGRAPH_KINDS, RadiographRecipe, recipe_from_dict
from .truth import truth_of

__all__ = [
    "ORDINARY_CARGO",
    "RADIOGRAPH_KINDS",
    "Composition",
    "Matched",
    "MatchedScans",
    "RadiographRecipe",
    "compose",
    "compose_pair",
    "container_boxes",
    "recipe_from_dict",
    "simulate_pair",
    "simulate_radiograph",
]

#: The day simulated traffic starts; each seed is one minute.
FIRST_DAY = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)


class MatchedScans(NamedTuple):
    """Scans of one scene with a threat, without it, and with an innocent object in its place.

    Attributes
    ----------
    positive, negative, lookalike : tuple of (Scan, dict)
        Each with its truth; all three exposed with the same noise.
    """

    positive: tuple[Scan, dict[str, Any]]
    negative: tuple[Scan, dict[str, Any]]
    lookalike: tuple[Scan, dict[str, Any]]


def simulate_radiograph(recipe: RadiographRecipe, seed: int | None = None) -> tuple[Scan, dict[str, Any]]:
    """Simulate one scan.

    Parameters
    ----------
    recipe : RadiographRecipe
        What to simulate.
    seed : int, optional
        Seed of everything random; the recipe's own when omitted.

    Returns
    -------
    scan : Scan
        The scan as a scanner would have sent it.
    truth : dict
        ``kind``, ``cargo``, ``is_empty``, ``boxes`` and ``regions`` (lists of dicts, half-open),
        ``cargo_mass_kg``, ``lost_columns``, ``scanner``; ``cargo_names`` of each container with
        ``hs_chapters`` and ``goods`` they are declared as, ``goods_mass_kg``, ``carrier``,
        ``containers``; ``objects`` (label, kind, window, materials, peak and mean areal density, what
        stands before them, their opaque and visible share); ``dead_rows``, ``hot_rows``,
        ``drifting_rows``. Arrays of shape (n_row, n_column): ``areal_density_g_cm2`` and
        ``cargo_areal_density_g_cm2``, float32; ``dominant_class``, uint8, 1 + index into
        ``material_classes``; ``object_index``, uint8, 1 + index into ``objects``. Beyond:
        ``class_areal_density_g_cm2`` of shape (4, n_row, n_column) and ``is_failed`` of shape
        (n_row, n_column, n_energy).
    """
    seed = recipe.seed if seed is None else seed
    composition = compose(recipe, np.random.default_rng(_seeds(seed)[0]))
    return _picture_of(recipe, seed, composition)


def simulate_pair(recipe: RadiographRecipe, seed: int | None = None) -> MatchedScans:
    """Simulate a scan with its threats, and its two matched negatives.

    Parameters
    ----------
    recipe : RadiographRecipe
        What to simulate, with threats.
    seed : int, optional
        Seed of everything random; the recipe's own when omitted.

    Returns
    -------
    MatchedScans
        The first is what :func:`simulate_radiograph` gives.

    Raises
    ------
    ValueError
        If the recipe holds no threats.
    """
    seed = recipe.seed if seed is None else seed
    if not recipe.threats:
        raise ValueError(f"a matched scene needs threats in its recipe, got {recipe.threats!r}")
    made = [
        compose(recipe, np.random.default_rng(_seeds(seed)[0]), variant=variant)
        for variant in ("with", "without", "lookalike")
    ]
    bare = msgspec.structs.replace(recipe, threats=())
    scans = [
        _picture_of(recipe, seed, made[0]),
        _picture_of(bare, seed, made[1]),
        _picture_of(bare, seed, made[2], salt="lookalike"),
    ]
    return MatchedScans(scans[0], scans[1], scans[2])


def _seeds(seed: int) -> list[np.random.SeedSequence]:
    return np.random.SeedSequence([seed, 0x5EED]).spawn(3)


def _picture_of(
    recipe: RadiographRecipe, seed: int, composition: Composition, salt: str = ""
) -> tuple[Scan, dict[str, Any]]:
    _, noise_seed, loss_seed = _seeds(seed)
    counts = expose(composition.scene, composition.scanner, np.random.default_rng(noise_seed))
    raw = counts.raw
    n_column = raw.shape[1]
    lost = _draw_lost(recipe.lines_lost, n_column, np.random.default_rng(loss_seed))
    is_lost = np.zeros((n_column, raw.shape[2]), dtype=bool)
    reference = counts.reference
    if lost.size:
        is_lost[lost] = True
        raw[:, lost, :] = 0
        reference[lost] = np.nan
    scanner = composition.scanner
    pitch = composition.scene.geometry.pitch_m
    speed = round(pitch[1] * scanner.line_rate_hz, 4)
    start = FIRST_DAY + timedelta(minutes=seed % 500_000)
    calibration = None
    if recipe.has_calibration:
        calibration = LineCalibration(
            dark=counts.dark,
            air=counts.air,
            electronic_sigma=round(scanner.electronic_sigma, 3),
            gain=round(scanner.gain, 3),
            scatter_floor=round(scanner.scatter_floor * 1.15, 7),
            ref=CalibrationRef(
                id=f"sim-air-{seed}",
                made_at=utc_string(start - timedelta(seconds=recipe.calibration_age_s)),
                age_s=recipe.calibration_age_s,
                max_age_s=28800,
            ),
        )
    payload = Radiograph(
        raw=raw,
        energies=scanner.energies,
        calibration=calibration,
        reference=reference if recipe.has_reference else None,
        line_ids=np.arange(n_column, dtype=np.int64),
        line_time_s=np.where(is_lost.all(axis=1), np.nan, counts.line_time_s),
        is_lost=is_lost,
        pitch_mm=(round(pitch[0] * 1000, 3), round(pitch[1] * 1000, 3)),
        speed_m_s=speed,
        is_dark_subtracted=scanner.is_dark_subtracted,
        gaps=_gaps(lost),
        motion="forward",
    )
    digest = sha256_hex(msgspec.json.encode([msgspec.structs.replace(recipe, seed=0), seed]) + salt.encode())
    is_empty = recipe.kind == "empty" and not composition.objects
    declared = is_empty if recipe.declared_empty is None else recipe.declared_empty
    identity = ScanIdentity(
        scan_id=file_scan_id(digest, 0),
        site=recipe.site,
        lane=recipe.lane,
        device=Device(make="simulated", model=f"line-scanner {recipe.scanner}", serial=f"SIM-{seed}"),
        container_id=recipe.container_id,
        id_source="MANUAL" if recipe.container_id else None,
        operating_mode=recipe.operating_mode,
        t_start_utc=start,
        t_end_utc=start + timedelta(seconds=round(n_column / scanner.line_rate_hz, 3)),
        manifest=Manifest(is_declared_empty=declared),
    )
    return Scan(identity=identity, payload=payload), truth_of(recipe, composition, counts, lost)


def _draw_lost(lines_lost: float, n_column: int, rng: np.random.Generator) -> NDArray[np.int64]:
    number = round(lines_lost * n_column) if lines_lost < 1 else int(lines_lost)
    if number >= n_column:
        raise ValueError(f"lines_lost must be below the picture's {n_column} lines, got {lines_lost!r}")
    if number == 0:
        return np.empty(0, dtype=np.int64)
    # lines are lost in bursts, as buffers overflow
    lost: set[int] = set()
    while len(lost) < number:
        start, burst = int(rng.integers(0, n_column)), int(rng.integers(1, 9))
        for column in range(start, min(start + burst, n_column)):
            if len(lost) < number:
                lost.add(column)
    return np.array(sorted(lost), dtype=np.int64)


def _gaps(lost: NDArray[np.int64]) -> tuple[Gap, ...]:
    if not lost.size:
        return ()
    runs = np.split(lost, np.flatnonzero(np.diff(lost) > 1) + 1)
    return tuple(Gap(index=int(run[0]), n_missing=int(run.size), cause="line ids") for run in runs)
