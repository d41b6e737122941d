"""What is known of a simulated picture: boxes, objects with their masks, maps by pixel."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from screening.physics.attenuation import SYMBOLS

from .cargo import CARGO_KINDS
from .compositions import Composition, container_boxes
from .exposure import Counts
from .recipes import RadiographRecipe
from .scene import Scene, SceneObject
from .tracing import material_of

__all__ = ["MATERIAL_CLASSES", "material_class", "truth_of"]

#: Classes of materials that dual energy can hope to tell apart, in the order of the class planes.
MATERIAL_CLASSES = ("organic", "light-metal", "steel", "heavy")

#: Materials by class; all other materials are organic: light elements. Elements go by their number.
_LIGHT_METAL = {
    "aluminium", "aluminium-alloy", "magnesium", "silicon", "titanium", "glass", "window-glass", "silica",
    "concrete", "granite", "marble", "slate", "cement", "ceramics", "brick", "clay", "gypsum",
    "limestone", "bauxite", "sand", "borosilicate-glass", "alumina", "magnesia", "fibreglass",
    "plasterboard", "fertiliser-kcl", "potassium-chloride", "salt", "phosphate-rock", "cat-litter",
    "soil", "titanium-dioxide", "sulphur", "asphalt", "electronics", "bone", "fertiliser-npk",
    "lithium-battery",
}  # fmt: skip
_STEEL = {
    "steel", "iron", "stainless-steel", "cast-iron", "copper", "brass", "bronze", "zinc", "nickel",
    "iron-ore", "machinery", "vehicle",
}  # fmt: skip
_HEAVY = {
    "lead", "tungsten", "uranium", "plutonium", "tungsten-heavy-alloy", "tungsten-carbide", "gold",
    "platinum", "silver", "tin", "cadmium", "bismuth", "tantalum", "uranium-dioxide", "u3o8",
    "yellowcake", "lead-glass", "plutonium-dioxide", "thorium-dioxide", "lead-acid-battery",
    "cadmium-tungstate", "csi", "gadolinium-oxysulfide",
}  # fmt: skip

#: Last atomic number of the first three classes: neon, titanium and krypton.
_LAST_OF_CLASS = (10, 22, 36)

#: Total areal density at which less than a thousandth gets through at 6 MV: opaque, g/cm2.
OPAQUE_G_CM2 = 190.0

#: An object is there where it holds this much, g/cm2.
MASK_G_CM2 = 0.2


def material_class(material: str) -> int:
    """Return the class of a material.

    Parameters
    ----------
    material : str
        Name of the material, or symbol of an element.

    Returns
    -------
    int
        Index into :data:`MATERIAL_CLASSES`.

    Raises
    ------
    ValueError
        If the material is unknown.
    """
    material_of(material)
    if material in _HEAVY:
        return 3
    if material in _STEEL:
        return 2
    if material in SYMBOLS[1:]:
        return int(np.searchsorted(_LAST_OF_CLASS, SYMBOLS.index(material)))
    return 1 if material in _LIGHT_METAL else 0


def truth_of(
    recipe: RadiographRecipe, composition: Composition, counts: Counts, lost: NDArray[np.int64]
) -> dict[str, Any]:
    """Return all that is known of a picture.

    Parameters
    ----------
    recipe : RadiographRecipe
        What was asked for.
    composition : Composition
        The scene.
    counts : Counts
        What the scanner made of it.
    lost : ndarray of shape (n_lost,), int64
        Lost columns.

    Returns
    -------
    dict
        Plain values, and arrays by pixel at the top level; see
        :func:`screening.simulation.radiographs.simulate_radiograph`.
    """
    geometry = composition.scene.geometry
    area_cm2 = geometry.pitch_m[0] * geometry.pitch_m[1] * 1e4
    classes = _class_planes(composition.scene)
    total = classes.sum(axis=0)
    names = [name for name in composition.cargo if name]
    return {
        "kind": recipe.kind,
        "cargo": recipe.cargo,
        "cargo_names": list(composition.cargo),
        "hs_chapters": sorted({one for name in names for one in CARGO_KINDS[name].hs_chapters}),
        "goods": [CARGO_KINDS[name].goods[0] for name in names],
        "is_empty": recipe.kind == "empty" and not composition.objects,
        "carrier": composition.carrier,
        "containers": [c._asdict() for c in composition.containers],
        "boxes": container_boxes(composition),
        "regions": [{"kind": kind, **region._asdict()} for kind, region in composition.regions],
        "objects": [_describe(one, total, area_cm2) for one in composition.objects],
        "material_classes": list(MATERIAL_CLASSES),
        "areal_density_g_cm2": total,
        "cargo_areal_density_g_cm2": composition.cargo_areal_density,
        "class_areal_density_g_cm2": classes,
        "dominant_class": _dominant(classes),
        "object_index": _object_index(composition),
        "is_failed": counts.is_failed,
        "cargo_mass_kg": float(composition.cargo_areal_density.sum(dtype=np.float64) * area_cm2 / 1000.0),
        "goods_mass_kg": composition.cargo_mass_kg,
        "lost_columns": [int(column) for column in lost],
        "dead_rows": [int(row) for row in counts.dead_rows],
        "hot_rows": [int(row) for row in counts.hot_rows],
        "drifting_rows": [int(row) for row in counts.drifting_rows],
        "scanner": composition.scanner._asdict(),
    }


def _class_planes(scene: Scene) -> NDArray[np.float32]:
    planes = np.zeros((len(MATERIAL_CLASSES), *scene.geometry.shape), dtype=np.float32)
    for name, plane in scene.areal_density.items():
        planes[material_class(name)] += plane
    return planes


def _dominant(classes: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return 0 where there is nothing, else 1 + the class that holds the most."""
    best = np.argmax(classes, axis=0).astype(np.uint8) + np.uint8(1)
    return np.where(classes.sum(axis=0) > MASK_G_CM2, best, np.uint8(0))


def _object_index(composition: Composition) -> NDArray[np.uint8]:
    """Return 0 where there is no object, else 1 + its index; of two, the one with more in the way."""
    index = np.zeros(composition.scene.geometry.shape, dtype=np.uint8)
    most = np.zeros(composition.scene.geometry.shape, dtype=np.float32)
    for k, one in enumerate(composition.objects[:254]):
        region = one.region
        if region is None:
            continue
        rows, columns = slice(region.row0, region.row1), slice(region.col0, region.col1)
        is_there = (one.areal_density > MASK_G_CM2) & (one.areal_density > most[rows, columns])
        index[rows, columns][is_there] = k + 1
        most[rows, columns][is_there] = one.areal_density[is_there]
    return index


def _describe(one: SceneObject, total: NDArray[np.float32], area_cm2: float) -> dict[str, Any]:
    region = one.region
    if region is None:
        raise ValueError(f"{one.label} is not in the picture")
    density = one.areal_density
    mask = density > MASK_G_CM2
    behind = total[region.row0 : region.row1, region.col0 : region.col1]
    covered = behind[mask]
    around = covered - density[mask]
    return {
        "label": one.label,
        "kind": one.kind,
        **region._asdict(),
        "materials": list(one.materials),
        "n_pixel": int(mask.sum()),
        "peak_g_cm2": float(density.max()),
        "mean_g_cm2": float(density[mask].mean()) if mask.any() else 0.0,
        "behind_g_cm2": float(around.mean()) if mask.any() else 0.0,
        "opaque_share": float((covered > OPAQUE_G_CM2).mean()) if mask.any() else 0.0,
        # seen only where what lies before it lets anything through
        "visible_share": float((around < OPAQUE_G_CM2).mean()) if mask.any() else 0.0,
        "mass_in_picture_kg": float(density.sum(dtype=np.float64) * area_cm2 / 1000.0),
    }
