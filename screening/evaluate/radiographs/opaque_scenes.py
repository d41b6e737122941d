"""Pictures that ask what the analysis cannot see: loads, what is done to them, and the truth of it."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from screening.config import Settings
from screening.radiography import RadiographAnalyser
from screening.records import Analysis, ContainerBox, PixelState, Radiograph, ReasonCode, Scan
from screening.simulation.radiographs.geometry import Region
from screening.simulation.radiographs.injection import inject, prepare_target, shadow_of
from screening.simulation.radiographs.shadows import Shadow
from screening.simulation.radiographs.shapes import assemble
from screening.simulation.radiographs.solids import spheroid

from .expected import URANIUM_G_CM3, expected_signal, opaque_truth, share_within, sphere_hides
from .pictures import Picture, cargo_family, empty_recipe, load_recipe, stream, take_picture

__all__ = [
    "INVARIANTS",
    "Invariant",
    "MaskedRow",
    "OpaqueRow",
    "SphereRow",
    "masked_scene",
    "opaque_scene",
]

#: What is done to a shielded picture that must leave it shielded.
INVARIANTS = ("cargo added", "pixels masked by hand", "lines lost", "noise raised")

#: Most configured threats put into one picture where nothing gets through, and anywhere in it.
N_BLIND, N_ANYWHERE = 2, 1

#: Cargo added: steel in a window of the hull, g/cm2.
ADDED_G_CM2 = (5.0, 80.0)


class Invariant(msgspec.Struct, frozen=True, kw_only=True):
    """One change to a shielded picture.

    Attributes
    ----------
    name : str
        One of :data:`INVARIANTS`.
    holds : bool
        It is still shielded.
    """

    name: str
    holds: bool


class SphereRow(msgspec.Struct, frozen=True, kw_only=True):
    """The configured threat put into a load.

    Attributes
    ----------
    is_blind : bool
        Put where the truth is that it cannot be seen; else anywhere in the hull.
    visible : float
        Share of its disc before which nothing opaque stands.
    is_covered : bool
        At least half of its disc lies in a region that gates.
    is_shielded, is_marked : bool
        The picture is shielded; a dense body is marked at its place.
    """

    is_blind: bool
    visible: float
    is_covered: bool
    is_shielded: bool
    is_marked: bool


class OpaqueRow(msgspec.Struct, frozen=True, kw_only=True):
    """One picture of the section.

    Attributes
    ----------
    sample, scanner, cargo, cargo_kind : str
        Its name, family of scanners, family and kind of cargo ("empty" for none).
    n_live : int
        Live pixels within the true hulls.
    n_true, n_said, n_both : int
        Of those, opaque in truth, by the analysis, and by both.
    is_shielded : bool
        By the analysis.
    hides : bool
        In truth: somewhere in a hull the configured threat would not show for the noise alone.
    hides_share : float
        Share of the hulls' pixels where its centre could be.
    has_hull : bool
        The analysis found a container.
    invariants : tuple of Invariant
        What was done to it.
    spheres : tuple of SphereRow
        Configured threats put into it.
    floor_is_shielded : bool or None
        The same container showing nothing but its floor is shielded; None if not tried.
    hiding_in_hull : float or None
        Of the regions that could hide the threat by the analysis, the largest share that lies within the
        true hulls; None without a region. Under one half: nothing but edges, castings and what is outside.
    """

    sample: str
    scanner: str
    cargo: str
    cargo_kind: str
    n_live: int
    n_true: int
    n_said: int
    n_both: int
    is_shielded: bool
    hides: bool
    hides_share: float
    has_hull: bool
    invariants: tuple[Invariant, ...]
    spheres: tuple[SphereRow, ...]
    floor_is_shielded: bool | None = None
    hiding_in_hull: float | None = None


class MaskedRow(msgspec.Struct, frozen=True, kw_only=True):
    """Masked pixels of one healthy full-size picture.

    Attributes
    ----------
    sample, scanner : str
        Its name and family of scanners.
    n_good : int
        Pixels that in truth measure, all energies.
    n_masked : int
        Of those, masked.
    n_failed, n_found : int
        Pixels that in truth tell nothing, and how many of them are masked.
    """

    sample: str
    scanner: str
    n_good: int
    n_masked: int
    n_failed: int
    n_found: int


class _Seen(NamedTuple):
    analysis: Analysis
    is_shielded: bool
    hiding: NDArray[np.bool_]
    opaque: NDArray[np.bool_]


@lru_cache(maxsize=2)
def _analyser(settings: str) -> RadiographAnalyser:
    return RadiographAnalyser(msgspec.json.decode(settings, type=Settings).radiography)


def _see(settings: str, scan: Scan) -> _Seen:
    analysis = _analyser(settings).analyse(scan)
    codes = {finding.code for one in analysis.assessments for finding in one.findings}
    shape = _payload(scan).raw.shape[:2]
    none = np.zeros(shape, dtype=np.uint8)
    return _Seen(
        analysis,
        ReasonCode.IMG_SHIELDED in codes,
        analysis.products.get("hiding", none) > 0,
        analysis.products.get("opaque", none) > 0,
    )


def opaque_scene(*, settings: str, seed: int, index: int, is_empty: bool) -> bytes:
    """Make one picture and ask what of it cannot be seen: one job of the bench.

    Parameters
    ----------
    settings : str
        Settings as JSON.
    seed, index : int
        Of the bench; which picture.
    is_empty : bool
        An empty container instead of a load.

    Returns
    -------
    bytes
        OpaqueRow, msgpack.
    """
    recipe = empty_recipe(seed, 31, index)[1] if is_empty else load_recipe(seed, 30, index)
    picture = take_picture(recipe)
    rng = stream(seed, 32, int(is_empty), index)
    scan, scanner = picture.scan, picture.composition.scanner
    expected = expected_signal(_payload(scan), picture.composition.scene.areal_density, scanner)
    truth = opaque_truth(expected)
    boxes = _true_boxes(picture)
    in_hull = np.zeros(truth.shape, dtype=bool)
    for box in boxes:
        in_hull[box.row0 : box.row1, box.col0 : box.col1] = True
    diameter = _analyser(settings).settings.threat_diameter_mm / 1000.0
    pitch = picture.composition.scene.geometry.pitch_m
    centres = sphere_hides(expected, scanner, boxes, pitch, diameter)
    seen = _see(settings, scan)
    live = in_hull & ~picture.truth["is_failed"][:, :, 0]
    invariants: list[Invariant] = []
    if seen.is_shielded:
        changed = {
            "cargo added": _with_cargo(picture, boxes, rng),
            "pixels masked by hand": _with_masked(scan, rng),
            "lines lost": _with_lost(scan, rng),
            "noise raised": _with_noise(scan, rng),
        }
        invariants = [
            Invariant(name=name, holds=_see(settings, one).is_shielded) for name, one in changed.items()
        ]
    spheres = _spheres(settings, picture, centres, truth, boxes, diameter, rng)
    names = [name for name in picture.composition.cargo if name]
    row = OpaqueRow(
        sample=f"{'empty' if is_empty else 'load'}-{index:04d}",
        scanner=str(recipe.family),
        cargo=cargo_family(names[0]) if names else "empty",
        cargo_kind=names[0] if names else "empty",
        n_live=int(live.sum()),
        n_true=int((truth & live).sum()),
        n_said=int((seen.opaque & live).sum()),
        n_both=int((truth & seen.opaque & live).sum()),
        is_shielded=seen.is_shielded,
        hides=bool(centres.any()),
        hides_share=float(centres[in_hull].mean()) if in_hull.any() else 0.0,
        has_hull=bool(seen.analysis.measurements.containers),  # type: ignore[union-attr]
        invariants=tuple(invariants),
        spheres=tuple(spheres),
        floor_is_shielded=_see(settings, _only_floor(picture, boxes, rng)).is_shielded,
        hiding_in_hull=share_within(seen.hiding, in_hull),
    )
    return msgspec.msgpack.encode(row)


def masked_scene(*, settings: str, seed: int, index: int) -> bytes:
    """Count the pixels masked as failures on a healthy full-size picture: one job of the bench.

    Parameters
    ----------
    settings : str
        Settings as JSON.
    seed, index : int
        Of the bench; which picture.

    Returns
    -------
    bytes
        MaskedRow, msgpack.
    """
    recipe = load_recipe(seed, 33, index, scale=1.0)
    picture = take_picture(recipe)
    seen = _see(settings, picture.scan)
    state = seen.analysis.products["mask"]
    masked = (state & int(PixelState.unseen())) != 0
    failed = picture.truth["is_failed"]
    row = MaskedRow(
        sample=f"full-{index:04d}",
        scanner=str(recipe.family),
        n_good=int((~failed).sum()),
        n_masked=int((masked & ~failed).sum()),
        n_failed=int(failed.sum()),
        n_found=int((masked & failed).sum()),
    )
    return msgspec.msgpack.encode(row)


def _payload(scan: Scan) -> Radiograph:
    if not isinstance(scan.payload, Radiograph):
        raise TypeError(f"a radiograph was expected, got {scan.modality}")
    return scan.payload


def _true_boxes(picture: Picture) -> tuple[ContainerBox, ...]:
    return tuple(ContainerBox(**box) for box in picture.truth["boxes"])


def _with_payload(scan: Scan, **fields: object) -> Scan:
    return msgspec.structs.replace(scan, payload=msgspec.structs.replace(_payload(scan), **fields))


def _with_cargo(picture: Picture, boxes: tuple[ContainerBox, ...], rng: np.random.Generator) -> Scan:
    """Add a slab of steel somewhere in a hull."""
    box = boxes[int(rng.integers(len(boxes)))]
    size = [max(int(rng.uniform(0.1, 0.6) * n), 3) for n in (box.row1 - box.row0, box.col1 - box.col0)]
    row = int(rng.integers(box.row0, max(box.row1 - size[0], box.row0 + 1)))
    column = int(rng.integers(box.col0, max(box.col1 - size[1], box.col0 + 1)))
    slab = np.full(size, rng.uniform(*ADDED_G_CM2), dtype=np.float32)
    target = prepare_target(_payload(picture.scan))
    made = inject(target, Shadow("steel", "cargo", row, column, {"steel": slab}), rng)
    return msgspec.structs.replace(picture.scan, payload=made.radiograph)


def _with_masked(scan: Scan, rng: np.random.Generator) -> Scan:
    """Mask patches and single pixels: saturated readings are taken for no measurement."""
    payload = _payload(scan)
    raw = payload.raw.copy()
    n_row, n_column = raw.shape[:2]
    for _ in range(int(rng.integers(3, 12))):
        high, wide = int(rng.integers(1, 12)), int(rng.integers(1, 12))
        row, column = int(rng.integers(0, n_row)), int(rng.integers(0, n_column))
        raw[row : row + high, column : column + wide] = payload.saturation
    raw[rng.random((n_row, n_column)) < rng.uniform(0.001, 0.01)] = payload.saturation
    return _with_payload(scan, raw=raw)


def _with_lost(scan: Scan, rng: np.random.Generator) -> Scan:
    """Lose a few lines."""
    payload = _payload(scan)
    raw = payload.raw.copy()
    lost = np.zeros((raw.shape[1], raw.shape[2]), dtype=bool)
    for _ in range(int(rng.integers(1, 4))):
        start = int(rng.integers(0, raw.shape[1]))
        lost[start : start + int(rng.integers(1, 6))] = True
    raw[:, lost[:, 0], :] = 0
    return _with_payload(scan, raw=raw, is_lost=lost)


def _with_noise(scan: Scan, rng: np.random.Generator) -> Scan:
    """Add electronic noise, and let the calibration say so."""
    payload = _payload(scan)
    calibration = payload.calibration
    if calibration is None:
        raise ValueError("the pictures of the bench have a calibration")
    more = rng.uniform(0.5, 3.0) * calibration.electronic_sigma
    noise = more * rng.standard_normal(payload.raw.shape, dtype=np.float32)
    raw = np.clip(np.rint(payload.raw + noise), 0, payload.saturation - 1).astype(np.uint16)
    raw = np.where(payload.raw >= payload.saturation, payload.raw, raw)
    sigma = float(np.hypot(calibration.electronic_sigma, more))
    return _with_payload(
        scan, raw=raw, calibration=msgspec.structs.replace(calibration, electronic_sigma=sigma)
    )


def _only_floor(picture: Picture, boxes: tuple[ContainerBox, ...], rng: np.random.Generator) -> Scan:
    """Let every hull show its scatter floor and noise alone."""
    payload, scanner = _payload(picture.scan), picture.composition.scanner
    calibration = payload.calibration
    if calibration is None:
        raise ValueError("the pictures of the bench have a calibration")
    raw = payload.raw.copy()
    for box in boxes:
        rows, columns = slice(box.row0, box.row1), slice(box.col0, box.col1)
        for k in range(raw.shape[2]):
            open_beam = calibration.air[rows, k] - calibration.dark[rows, k]
            floor = scanner.scatter_floor * (scanner.low_floor if k else 1.0) * open_beam[:, None]
            sigma = np.sqrt(scanner.electronic_sigma**2 + scanner.gain * floor)
            shape = raw[rows, columns, k].shape
            counts = floor + sigma * rng.standard_normal(shape) + calibration.dark[rows, k][:, None]
            raw[rows, columns, k] = np.clip(np.rint(counts), 0, payload.saturation - 1).astype(np.uint16)
    return _with_payload(picture.scan, raw=raw)


def _spheres(
    settings: str,
    picture: Picture,
    centres: NDArray[np.bool_],
    opaque: NDArray[np.bool_],
    boxes: tuple[ContainerBox, ...],
    diameter_m: float,
    rng: np.random.Generator,
) -> list[SphereRow]:
    """Put the configured threat where it cannot be seen, and anywhere."""
    geometry = picture.composition.scene.geometry
    radius = diameter_m / 2.0
    sphere = assemble(
        "uranium-sphere", "threat", [spheroid("uranium", URANIUM_G_CM3, (0.0, 0.0, 0.0), (radius,) * 3)]
    )
    target = prepare_target(_payload(picture.scan))
    blind = np.argwhere(centres)
    places = [(True, blind[int(rng.integers(len(blind)))]) for _ in range(N_BLIND) if len(blind)]
    reach = [int(np.ceil(radius / pitch)) for pitch in geometry.pitch_m]
    for _ in range(N_ANYWHERE):
        box = boxes[int(rng.integers(len(boxes)))]
        row = int(rng.integers(box.row0 + reach[0], max(box.row1 - reach[0], box.row0 + reach[0] + 1)))
        column = int(rng.integers(box.col0 + reach[1], max(box.col1 - reach[1], box.col0 + reach[1] + 1)))
        places.append((False, np.array([row, column])))
    rows = []
    for is_blind, (row, column) in places:
        at = (0.0, float(geometry.column_y_m[column]), float(geometry.row_z_m[row]))
        try:
            made = inject(target, shadow_of(sphere, geometry, at), rng)
        except ValueError:  # at the very edge: it lies outside
            continue
        if not made.mask.any():
            continue
        window = Region(*(made.truth[name] for name in Region._fields))
        area = (slice(window.row0, window.row1), slice(window.col0, window.col1))
        seen = _see(settings, msgspec.structs.replace(picture.scan, payload=made.radiograph))
        rows.append(
            SphereRow(
                is_blind=is_blind,
                visible=float(1.0 - opaque[area][made.mask].mean()),
                is_covered=bool(seen.is_shielded and seen.hiding[area][made.mask].mean() >= 0.5),
                is_shielded=seen.is_shielded,
                is_marked=_is_marked(seen.analysis, row, column),
            )
        )
    return rows


def _is_marked(analysis: Analysis, row: int, column: int) -> bool:
    regions = analysis.measurements.regions  # type: ignore[union-attr]
    return any(
        one.row0 <= row < one.row1 and one.col0 <= column < one.col1 and one.kind.value in ("dense", "threat")
        for one in regions
    )
