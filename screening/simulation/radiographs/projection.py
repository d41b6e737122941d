"""Threat image projection: an object put into a picture that is there already, measured or simulated.

The object is added where it would have been in the beam, in thickness space: each energy's signal is
taken apart into what came through the scene and the scatter floor, which stays. What came through is
scaled by the transmission of the object *behind the local depth*: a beam that passed 100 g/cm2 of steel
is harder, and steel then takes less of it than in air. Multiplying a picture by the object's
transmission in air, the usual way (Rogers et al., 2016), overstates its contrast there by 27 % (40 g/cm2
of steel) to 41 % (1 g/cm2) at 6 MV (test). The noise that belongs to the darker picture is more than
the scaled noise of the brighter one; the missing variance is drawn and added. Pixels that tell nothing
(dead, dropped out, saturated, lost) stay as they are.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from screening.kernels.transport import transmit
from screening.physics.attenuation import attenuation
from screening.radiography.curves import MAX_AREAL_DENSITY_G_CM2, Beam, beam, steel_equivalent
from screening.radiography.levels import FLOOR_LIMIT
from screening.radiography.planes import Plane, correct_plane
from screening.records import Radiograph

from .beams import growth_behind
from .geometry import Region
from .shadows import Shadow
from .tracing import material_of

__all__ = ["Injected", "Target", "inject", "prepare_target"]

#: Window over which the local depth is averaged, pixels: beyond the noise, within an edge.
DEPTH_PX = 5

#: Pixels with less of the object than this are left as they are, g/cm2.
LEAST_G_CM2 = 1e-3

#: The object's mask: where it holds this much, g/cm2.
MASK_G_CM2 = 0.2


class Target(NamedTuple):
    """A picture made ready to take objects.

    Attributes
    ----------
    radiograph : Radiograph
        The picture.
    planes : tuple of Plane
        Each energy, corrected.
    floor : tuple of float
        Scatter floor of each energy over air.
    beams : tuple of Beam
        Spectrum of each energy as the detector weighs it.
    """

    radiograph: Radiograph
    planes: tuple[Plane, ...]
    floor: tuple[float, ...]
    beams: tuple[Beam, ...]


class Injected(NamedTuple):
    """A picture with an object in it, and the truth of that.

    Attributes
    ----------
    radiograph : Radiograph
        The picture.
    truth : dict
        ``label``, ``kind``, ``row0``, ``col0``, ``row1``, ``col1``, ``materials``, ``n_pixel``,
        ``peak_g_cm2``, ``contrast`` (mean rise of -ln T of each energy over its mask, floor included).
    mask : ndarray of shape (h, w), bool
        Where it is, in its window.
    areal_density : ndarray of shape (h, w), float32
        g/cm2 in its window.
    """

    radiograph: Radiograph
    truth: dict[str, Any]
    mask: NDArray[np.bool_]
    areal_density: NDArray[np.float32]


def prepare_target(
    radiograph: Radiograph,
    *,
    scatter_floor: Sequence[float] | float | None = None,
    beams: Sequence[Beam] | None = None,
) -> Target:
    """Correct a picture once for any number of objects.

    Parameters
    ----------
    radiograph : Radiograph
        The picture; without a calibration its levels are estimated from it.
    scatter_floor : float or sequence of float, optional
        Floor over air, for all energies or each; the calibration's when omitted, else what the darkest
        thousandth of the picture shows.
    beams : sequence of Beam, optional
        Spectrum of each energy; those of the labels when omitted.

    Returns
    -------
    Target
        The picture with its planes.

    Raises
    ------
    ValueError
        If there are not as many floors or beams as energies, a floor is outside 0 to 0.05, or an energy
        label is unknown and no beam is given.
    """
    n = len(radiograph.energies)
    planes = tuple(correct_plane(radiograph, k) for k in range(n))
    used = tuple(beams) if beams is not None else tuple(beam(label) for label in radiograph.energies)
    if scatter_floor is None:
        floors = tuple(_floor_of(plane) for plane in planes)
    elif isinstance(scatter_floor, (int, float)):
        floors = (float(scatter_floor),) * n
    else:
        floors = tuple(float(one) for one in scatter_floor)
    if len(floors) != n or len(used) != n:
        raise ValueError(f"{n} energies need as many floors and beams, got {len(floors)} and {len(used)}")
    for floor in floors:
        if not 0.0 <= floor <= 0.05:
            raise ValueError(f"scatter floor must be 0 to 0.05 of air, got {floor!r}")
    return Target(radiograph, planes, floors, used)


def inject(
    target: Target,
    shadow: Shadow,
    rng: np.random.Generator,
    *,
    shift: tuple[float, float] = (0.0, 0.0),
) -> Injected:
    """Put one object into a picture.

    Parameters
    ----------
    target : Target
        The picture.
    shadow : Shadow
        What the object puts in the way; parts outside the picture are cut.
    rng : numpy.random.Generator
        The missing noise.
    shift : tuple of float, default (0, 0)
        Moves the shadow by (rows, columns) below a pixel, each 0 to 1.

    Returns
    -------
    Injected
        A new picture; the target is unchanged.

    Raises
    ------
    ValueError
        If the shadow holds nothing within the picture, a plane has a wrong shape, negative or infinite
        values, or the shift is out of its range.
    """
    if not all(0.0 <= one <= 1.0 for one in shift):
        raise ValueError(f"shift must be 0 to 1 pixel, got {shift!r}")
    window, names, stack = _cut(target, shadow, shift)
    total = stack.sum(axis=0)
    if not total.size or total.max() < LEAST_G_CM2:
        raise ValueError(f"{shadow.label or 'the object'} lies outside the picture or holds nothing")
    rows, columns = slice(window.row0, window.row1), slice(window.col0, window.col1)
    raw = np.moveaxis(target.radiograph.raw, 2, 0).copy()
    mask = total > MASK_G_CM2
    contrasts = []
    for k, plane in enumerate(target.planes):
        local = _direct_mean(target, k, window)
        ratio = _ratio(target, k, names, stack, local)
        new, contrast = _darkened(target, k, window, ratio, local, rng)
        is_live = plane.is_live[rows, columns] & (total >= LEAST_G_CM2)
        patch = raw[k, rows, columns]
        patch[is_live] = new[is_live]
        contrasts.append(float(contrast[mask].mean()) if mask.any() else 0.0)
    truth = {
        "label": shadow.label,
        "kind": shadow.kind,
        **window._asdict(),
        "materials": sorted(names),
        "n_pixel": int(mask.sum()),
        "peak_g_cm2": float(total.max()),
        "contrast": contrasts,
    }
    picture = msgspec.structs.replace(target.radiograph, raw=np.moveaxis(raw, 0, 2))
    return Injected(picture, truth, mask, total)


def _floor_of(plane: Plane) -> float:
    """Return the calibrated floor, else the level of the darkest thousandth of live pixels."""
    if plane.levels.scatter_floor is not None:
        return float(min(plane.levels.scatter_floor, 0.05))
    air = plane.levels.air_counts
    if air <= 0.0 or not plane.is_live.any():
        return 0.0
    darkest = float(np.quantile(plane.signal[plane.is_live], 0.001)) / air
    return darkest if 0.0 < darkest < FLOOR_LIMIT else 0.0


def _cut(
    target: Target, shadow: Shadow, shift: tuple[float, float]
) -> tuple[Region, list[str], NDArray[np.float32]]:
    """Return the window within the picture, the materials, and their planes moved below a pixel."""
    n_row, n_column = target.radiograph.raw.shape[:2]
    names = [name for name, plane in shadow.planes.items() if plane.size]
    if not names:
        raise ValueError(f"{shadow.label or 'the object'} has no planes")
    shape = shadow.planes[names[0]].shape
    moved = []
    for name in names:
        material_of(name)
        plane = np.asarray(shadow.planes[name], dtype=np.float32)
        if plane.ndim != 2 or plane.shape != shape:
            raise ValueError(f"planes of one object need one shape {shape}, got {plane.shape} of {name}")
        if not np.isfinite(plane).all() or plane.min() < 0.0:
            raise ValueError(f"areal density of {name} must be finite and not negative")
        moved.append(_moved_by(plane, shift))
    height, width = moved[0].shape
    row0, col0 = max(shadow.row, 0), max(shadow.column, 0)
    row1, col1 = min(shadow.row + height, n_row), min(shadow.column + width, n_column)
    window = Region(row0, col0, max(row1, row0), max(col1, col0))
    rows = slice(row0 - shadow.row, window.row1 - shadow.row)
    columns = slice(col0 - shadow.column, window.col1 - shadow.column)
    return window, names, np.stack([plane[rows, columns] for plane in moved])


def _moved_by(plane: NDArray[np.float32], shift: tuple[float, float]) -> NDArray[np.float32]:
    """Move a plane by part of a pixel down and right: each pixel gives its share, so that mass is kept."""
    padded = np.zeros((plane.shape[0] + 1, plane.shape[1] + 1), dtype=np.float32)
    down, right = shift
    for i, a in ((0, 1.0 - down), (1, down)):
        for j, b in ((0, 1.0 - right), (1, right)):
            padded[i : i + plane.shape[0], j : j + plane.shape[1]] += np.float32(a * b) * plane
    return padded


def _open_beam(plane: Plane, window: Region) -> NDArray[np.float32]:
    """Return the open beam in a window, counts over dark: air of each row times strength of each line."""
    rows, columns = slice(window.row0, window.row1), slice(window.col0, window.col1)
    level = (plane.levels.air - plane.levels.dark)[rows, None].astype(np.float32)
    reference = plane.levels.reference
    if reference is None:
        return np.broadcast_to(level, (window.row1 - window.row0, window.col1 - window.col0))
    strength = np.where(np.isfinite(reference[columns]), reference[columns], 1.0).astype(np.float32)
    return np.asarray(level * strength[None, :])


def _direct_mean(target: Target, k: int, window: Region) -> NDArray[np.float32]:
    """Return the local mean of what came through the scene, over air, floor subtracted."""
    plane = target.planes[k]
    n_row, n_column = plane.state.shape
    pad = DEPTH_PX // 2
    wide = Region(
        max(window.row0 - pad, 0),
        max(window.col0 - pad, 0),
        min(window.row1 + pad, n_row),
        min(window.col1 + pad, n_column),
    )
    rows, columns = slice(wide.row0, wide.row1), slice(wide.col0, wide.col1)
    open_beam = np.maximum(_open_beam(plane, wide), 1.0)
    live = plane.is_live[rows, columns].astype(np.float32)
    through = np.where(live > 0, plane.signal[rows, columns] / open_beam - target.floor[k], 0.0)
    share = ndimage.uniform_filter(live, DEPTH_PX, mode="nearest")
    mean = ndimage.uniform_filter(through.astype(np.float32), DEPTH_PX, mode="nearest")
    mean = mean / np.maximum(share, 1e-3)
    inner = (
        slice(window.row0 - wide.row0, window.row1 - wide.row0),
        slice(window.col0 - wide.col0, window.col1 - wide.col0),
    )
    return np.asarray(mean[inner], dtype=np.float32)


def _ratio(
    target: Target,
    k: int,
    names: list[str],
    stack: NDArray[np.float32],
    local: NDArray[np.float32],
) -> NDArray[np.float32]:
    """Return by how much the object darkens what came through, the beam hardened by what lies there."""
    label, spectrum = target.radiograph.energies[k], target.beams[k]
    least = np.float32(np.exp(-30.0))
    depth = steel_equivalent(-np.log(np.maximum(local, least)), label)
    behind = np.clip(depth, 0.0, MAX_AREAL_DENSITY_G_CM2).astype(np.float32)
    coefficients = [attenuation(material_of(name), spectrum.energy_kev) for name in ("steel", *names)]
    alone = transmit(behind[None], mu_cm2_g=coefficients[:1], weight=spectrum.weight)
    both = transmit(np.concatenate([behind[None], stack]), mu_cm2_g=coefficients, weight=spectrum.weight)
    return np.asarray(np.clip(both / np.maximum(alone, np.finfo(np.float32).tiny), 0.0, 1.0))


def _darkened(
    target: Target,
    k: int,
    window: Region,
    ratio: NDArray[np.float32],
    local: NDArray[np.float32],
    rng: np.random.Generator,
) -> tuple[NDArray[np.uint16], NDArray[np.float32]]:
    """Return the raw counts with the object, and the rise of -ln T it is expected to make."""
    plane = target.planes[k]
    rows, columns = slice(window.row0, window.row1), slice(window.col0, window.col1)
    open_beam = _open_beam(plane, window)
    floor = target.floor[k] * open_beam
    signal = floor + ratio * (plane.signal[rows, columns] - floor)
    # scaled noise is too small by this: var = s_e^2 + g m at the new mean, less ratio^2 times the old; behind
    # more, quanta are larger
    least = np.float32(np.exp(-30.0))
    depth, factor = growth_behind(target.beams[k], target.radiograph.energies[k])
    before = np.interp(-np.log(np.maximum(local, least)), depth, factor)
    behind = np.interp(-np.log(np.maximum(local * ratio, least)), depth, factor)
    through = np.maximum(local, 0.0) * open_beam
    missing = through * ratio * (behind - ratio * before) + floor * (1.0 - ratio**2)
    missing *= plane.levels.gain
    missing += plane.levels.electronic_sigma**2 * (1.0 - ratio**2)
    sigma = np.sqrt(np.maximum(missing, 0.0)).astype(np.float32)
    signal = signal + sigma * rng.standard_normal(ratio.shape, dtype=np.float32)
    dark = np.where(np.isfinite(plane.levels.dark), plane.levels.dark, 0.0)[rows, None]
    top = target.radiograph.saturation - 1
    raw = np.clip(np.rint(signal + dark), 0, top).astype(np.uint16)
    was = np.maximum(local, 0.0) + target.floor[k]
    now = np.maximum(local, 0.0) * ratio + target.floor[k]
    tiny = np.float32(1e-9)
    return raw, np.asarray(np.log(np.maximum(was, tiny) / np.maximum(now, tiny)))
