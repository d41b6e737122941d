"""Radiographs from physics: one recipe and one seed give one scan with its truth, bit for bit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from screening.records import (
    CalibrationRef,
    Device,
    Gap,
    LineCalibration,
    Manifest,
    OperatingMode,
    Radiograph,
    Scan,
    ScanIdentity,
    file_scan_id,
    sha256_hex,
    utc_string,
)

from .cargo import CARGO_KINDS, Hold, add_cargo
from .carriers import add_carrier
from .containers import CONTAINER_LENGTHS_M, WIDTH_M, Container, add_container
from .hidden import add_hidden, add_object
from .scanner import Scanner, draw_scanner, expose
from .scene import FanGeometry, Region, Scene

__all__ = [
    "RADIOGRAPH_KINDS",
    "Composition",
    "RadiographRecipe",
    "compose",
    "container_boxes",
    "recipe_from_dict",
    "simulate_radiograph",
]

#: What a recipe can ask for.
RADIOGRAPH_KINDS = ("loaded", "empty", "dense", "shielded", "hidden")

#: Pixel pitch of a full-size picture along the motion, and its detector rows.
PITCH_M = 0.0091
N_ROW = 680

#: The loads a "loaded" recipe draws from: ordinary ones, not those opaque by nature.
ORDINARY_CARGO = ("boxes", "textiles", "bales", "lumps", "sheets", "tubes", "sacks", "half")

#: The day simulated traffic starts; each seed is one minute.
FIRST_DAY = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)


class RadiographRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to simulate.

    Attributes
    ----------
    kind : {"loaded", "empty", "dense", "shielded", "hidden"}
        An ordinary load; nothing; a load with a lead or steel pig in it; a load with a large steel
        block; an empty container with a small load hidden in it.
    cargo : str or None
        A key of ``CARGO_KINDS``; None draws one.
    scanner : str
        A key of ``SCANNER_KINDS``.
    length : {"20", "40", "45", "2x20"}
        Container length in feet, or two on one carrier.
    is_high_cube : bool
        2.896 m high instead of 2.591 m.
    carrier : {"rail", "road", "none"} or None
        What it stands on; None draws rail or road.
    lines_lost : float
        Lines that never arrive: a share below 1, else their number.
    declared_empty : bool or None
        What the manifest says; None: the truth of the kind.
    hidden_material : {"organic", "steel", "lead"}
        Material of a hidden load.
    hidden_mass_kg : float
        Its mass.
    scale : float
        Pixel size over that of a full picture: 4 gives a thumbnail of 170 rows.
    cut : {"none", "start", "end", "both"}
        Ends of the container outside the picture.
    has_calibration, has_reference : bool
        Whether the scan brings dark and air, and a reference detector.
    has_defects : bool
        Dead rows, failed and saturated pixels at the rates seen on real scanners.
    has_dropout : bool
        One module missing in packets of lines.
    calibration_age_s : int
        Age of the calibration at the scan.
    container_id, site, lane : str or None
        Carried into the identity.
    operating_mode : OperatingMode
        Carried into the identity.
    seed : int
        Used when :func:`simulate_radiograph` gets none.
    """

    kind: Literal["loaded", "empty", "dense", "shielded", "hidden"] = "loaded"
    cargo: str | None = None
    scanner: str = "dual"
    length: Literal["20", "40", "45", "2x20"] = "40"
    is_high_cube: bool = False
    carrier: Literal["rail", "road", "none"] | None = None
    lines_lost: float = 0.0
    declared_empty: bool | None = None
    hidden_material: Literal["organic", "steel", "lead"] = "steel"
    hidden_mass_kg: float = 10.0
    scale: float = 1.0
    cut: Literal["none", "start", "end", "both"] = "none"
    has_calibration: bool = True
    has_reference: bool = True
    has_defects: bool = True
    has_dropout: bool = False
    calibration_age_s: int = 600
    container_id: str | None = None
    site: str | None = "SIM"
    lane: str | None = None
    operating_mode: OperatingMode = OperatingMode.OPS
    seed: int = 0

    def __post_init__(self) -> None:
        if self.cargo is not None and self.cargo not in CARGO_KINDS:
            raise ValueError(f"cargo must be one of {', '.join(sorted(CARGO_KINDS))}, got {self.cargo!r}")
        if not 0.5 <= self.scale <= 16:
            raise ValueError(f"scale must be 0.5 to 16, got {self.scale!r}")
        if self.lines_lost < 0:
            raise ValueError(f"lines_lost must not be negative, got {self.lines_lost!r}")


class Composition(NamedTuple):
    """A scene put together, before any exposure.

    Attributes
    ----------
    scene : Scene
        Areal densities.
    scanner : Scanner
        The instrument that will look at it.
    containers : tuple of Container
        What stands where.
    cargo_areal_density : ndarray of shape (n_row, n_column), float32
        g/cm2 of the load alone.
    regions : tuple of (str, Region)
        Objects with their kind.
    """

    scene: Scene
    scanner: Scanner
    containers: tuple[Container, ...]
    cargo_areal_density: NDArray[np.float32]
    regions: tuple[tuple[str, Region], ...]


def recipe_from_dict(fields: dict[str, Any]) -> RadiographRecipe:
    """Return a recipe from plain values, as presets and TOML hold them.

    Parameters
    ----------
    fields : dict
        Fields of :class:`RadiographRecipe`.

    Returns
    -------
    RadiographRecipe
        The recipe.

    Raises
    ------
    ValueError
        If a field is unknown or has a wrong value (msgspec's ValidationError is one).
    """
    return msgspec.convert(fields, RadiographRecipe)


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
        ``areal_density_g_cm2`` and ``cargo_areal_density_g_cm2`` (ndarray of shape (n_row, n_column),
        float32), ``cargo_mass_kg``, ``lost_columns``, ``scanner``.
    """
    seed = recipe.seed if seed is None else seed
    sequence = np.random.SeedSequence([seed, 0x5EED])
    scene_seed, noise_seed, loss_seed = sequence.spawn(3)
    composition = compose(recipe, np.random.default_rng(scene_seed))
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
    speed = 0.5
    scanner = composition.scanner
    pitch = composition.scene.geometry.pitch_m
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
        line_time_s=np.where(is_lost.all(axis=1), np.nan, np.arange(n_column) * pitch[1] / speed),
        is_lost=is_lost,
        pitch_mm=(round(pitch[0] * 1000, 3), round(pitch[1] * 1000, 3)),
        speed_m_s=speed,
        is_dark_subtracted=scanner.is_dark_subtracted,
        gaps=_gaps(lost),
        motion="forward",
    )
    digest = sha256_hex(msgspec.json.encode([msgspec.structs.replace(recipe, seed=0), seed]))
    is_empty = recipe.kind == "empty"
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
        t_end_utc=start + timedelta(seconds=round(n_column * pitch[1] / speed, 3)),
        manifest=Manifest(is_declared_empty=declared),
    )
    return Scan(identity=identity, payload=payload), _truth(recipe, composition, lost)


def compose(recipe: RadiographRecipe, rng: np.random.Generator) -> Composition:
    """Put the scene of a recipe together.

    Parameters
    ----------
    recipe : RadiographRecipe
        What to simulate.
    rng : numpy.random.Generator
        Everything random of the scene and of the scanner instance.

    Returns
    -------
    Composition
        The scene and its scanner.
    """
    n_row = max(round(N_ROW / recipe.scale), 40)
    scanner = draw_scanner(recipe.scanner, rng, n_row=n_row, has_defects=recipe.has_defects)
    if recipe.has_dropout:
        scanner = scanner._replace(dropout_row=int(rng.integers(n_row // 4, n_row // 2)))
    carrier = recipe.carrier or ("rail" if rng.random() < 0.5 else "road")
    height = 2.896 if recipe.is_high_cube else 2.591
    base = rng.uniform(1.08, 1.2) if carrier == "rail" else rng.uniform(1.15, 1.35)
    lengths = [6.058, 6.058] if recipe.length == "2x20" else [CONTAINER_LENGTHS_M[recipe.length]]
    containers = []
    y = 0.0
    for length in lengths:
        containers.append(
            Container(
                y0_m=y,
                length_m=length,
                height_m=height,
                base_z_m=base,
                wall_mm=rng.uniform(1.6, 2.1),
                corrugation_m=rng.uniform(0.26, 0.29),
            )
        )
        y += length + rng.uniform(0.1, 0.5)
    scene = Scene(_geometry(recipe, scanner, tuple(containers), n_row, rng))
    for container in containers:
        add_container(scene, container, rng)
    add_carrier(scene, carrier, tuple(containers), rng)
    before = _total(scene)
    regions = _fill(scene, recipe, containers, rng)
    return Composition(scene, scanner, tuple(containers), _total(scene) - before, tuple(regions))


def container_boxes(composition: Composition) -> list[dict[str, Any]]:
    """Return the true outer hull of every container, in pixels.

    Parameters
    ----------
    composition : Composition
        The scene.

    Returns
    -------
    list of dict
        ``row0``, ``col0``, ``row1``, ``col1`` (half-open) and ``complete``.
    """
    geometry = composition.scene.geometry
    n_row, n_column = geometry.shape
    side = WIDTH_M / 2
    boxes = []
    for c in composition.containers:
        rows = [geometry.row_of(z, x) for z in (c.base_z_m, c.base_z_m + c.height_m) for x in (-side, side)]
        col0, col1 = geometry.column_of(c.y0_m), geometry.column_of(c.y1_m)
        boxes.append(
            {
                "row0": max(round(min(rows)), 0),
                "col0": max(round(col0), 0),
                "row1": min(round(max(rows)), n_row),
                "col1": min(round(col1), n_column),
                "complete": bool(col0 >= 0 and col1 <= n_column),
            }
        )
    return boxes


def _fill(
    scene: Scene, recipe: RadiographRecipe, containers: list[Container], rng: np.random.Generator
) -> list[tuple[str, Region]]:
    regions: list[tuple[str, Region]] = []
    for index, c in enumerate(containers):
        hold = Hold(c.y0_m + 0.12, c.y1_m - 0.12, c.floor_z_m, c.ceiling_z_m - 0.08)
        if recipe.kind == "empty":
            continue
        if recipe.kind == "hidden":
            if index == 0:
                found = add_hidden(scene, recipe.hidden_material, recipe.hidden_mass_kg, hold, rng)
                regions += [("hidden", found)] if found else []
            continue
        # beside an object the load stays light, so that the object is what the picture is about
        choices = ORDINARY_CARGO if recipe.kind == "loaded" else ("textiles", "boxes")
        kind = recipe.cargo or str(rng.choice(choices))
        add_cargo(scene, kind, hold, rng)
        if recipe.kind in ("dense", "shielded") and index == 0:
            found = add_object(scene, recipe.kind, hold, rng)
            regions += [(recipe.kind, found)] if found else []
    return regions


def _geometry(
    recipe: RadiographRecipe,
    scanner: Scanner,
    containers: tuple[Container, ...],
    n_row: int,
    rng: np.random.Generator,
) -> FanGeometry:
    distance, source = scanner.source_distance_m, scanner.source_height_m
    top = max(c.base_z_m + c.height_m for c in containers)
    highest = source + (top - source) * distance / (distance - WIDTH_M / 2) + rng.uniform(0.12, 0.3)
    pitch_row = (highest + 0.15) / n_row
    pitch_column = PITCH_M * recipe.scale * rng.uniform(0.97, 1.03)
    y0, y1 = containers[0].y0_m, containers[-1].y1_m
    y0 += rng.uniform(0.5, 1.2) if recipe.cut in ("start", "both") else -rng.uniform(0.75, 1.0)
    y1 += -rng.uniform(0.5, 1.2) if recipe.cut in ("end", "both") else rng.uniform(0.75, 1.0)
    n_column = int((y1 - y0) / pitch_column)
    return FanGeometry(
        source_distance_m=distance,
        source_height_m=source,
        row_z_m=highest - (np.arange(n_row, dtype=np.float64) + 0.5) * pitch_row,
        column_y_m=y0 + (np.arange(n_column, dtype=np.float64) + 0.5) * pitch_column,
        pitch_m=(pitch_row, pitch_column),
    )


def _total(scene: Scene) -> NDArray[np.float32]:
    total = np.zeros(scene.geometry.shape, dtype=np.float32)
    for plane in scene.areal_density.values():
        total += plane
    return total


def _draw_lost(lines_lost: float, n_column: int, rng: np.random.Generator) -> NDArray[np.int64]:
    number = round(lines_lost * n_column) if lines_lost < 1 else int(lines_lost)
    number = min(number, n_column - 1)
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


def _truth(recipe: RadiographRecipe, composition: Composition, lost: NDArray[np.int64]) -> dict[str, Any]:
    geometry = composition.scene.geometry
    area_cm2 = geometry.pitch_m[0] * geometry.pitch_m[1] * 1e4
    return {
        "kind": recipe.kind,
        "cargo": recipe.cargo,
        "is_empty": recipe.kind == "empty",
        "boxes": container_boxes(composition),
        "regions": [{"kind": kind, **region._asdict()} for kind, region in composition.regions],
        "areal_density_g_cm2": _total(composition.scene),
        "cargo_areal_density_g_cm2": composition.cargo_areal_density,
        "cargo_mass_kg": float(composition.cargo_areal_density.sum(dtype=np.float64) * area_cm2 / 1000.0),
        "lost_columns": [int(column) for column in lost],
        "scanner": composition.scanner._asdict(),
    }
