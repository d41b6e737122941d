"""What each hull holds that is worth marking: dense bodies, and places where nothing can be seen."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from screening.records import (
    ContainerBox,
    Finding,
    ImageRegion,
    Material,
    ReasonCode,
    RegionKind,
    decimal_string,
)

from .curves import steel_equivalent
from .density import DenseRegion, dense_regions, lower_bound_g_cm2
from .levels import FLOOR_LIMIT
from .opaque import OPAQUE_SIGMAS, Floor, estimate_floor, hiding_regions, threat_contrast, visibility
from .planes import Plane
from .settings import RadiographySettings

__all__ = ["HullView", "look_into", "region_findings"]

#: Threat diameter in pixels when neither the scan nor a whole container tells the pitch.
DISC_PX_WITHOUT_PITCH = 12

#: Most hiding regions that are listed; the fraction counts them all.
MAX_REGIONS = 40


class HullView(NamedTuple):
    """What one hull shows.

    Attributes
    ----------
    box : ContainerBox
        The hull.
    opaque, hiding : ndarray of shape (n_box_row, n_box_column), bool
        Pixel classes inside it.
    n_live : int
        Pixels that measure.
    floor : Floor
        Scatter floor used.
    dense : tuple of DenseRegion
        Compact dense bodies.
    hidden : tuple of ImageRegion
        Hiding regions with their lower bounds, the largest first.
    """

    box: ContainerBox
    opaque: NDArray[np.bool_]
    hiding: NDArray[np.bool_]
    n_live: int
    floor: Floor
    dense: tuple[DenseRegion, ...]
    hidden: tuple[ImageRegion, ...]


def look_into(
    high: Plane,
    density: NDArray[np.float32] | None,
    box: ContainerBox,
    pitch_mm: tuple[float, float] | None,
    settings: RadiographySettings,
    *,
    is_container: bool = True,
) -> HullView:
    """Say what one hull shows and what it hides.

    Parameters
    ----------
    high : Plane
        The most penetrating energy: it decides what is opaque.
    density : ndarray of shape (n_row, n_column), float32, or None
        Areal density of the whole picture.
    box : ContainerBox
        The hull, or the whole picture where no container was found.
    pitch_mm : tuple of float or None
        Pixel pitch (row, column).
    settings : RadiographySettings
        The configured threat and dense bodies.
    is_container : bool, default True
        False for a picture without a container: dense bodies are not looked for.

    Returns
    -------
    HullView
        Its classes and regions.
    """
    levels = high.levels
    diameter = settings.threat_diameter_mm
    if pitch_mm is None:
        side = diameter / DISC_PX_WITHOUT_PITCH
        pitch_mm = (side, side)
    inside = (slice(box.row0, box.row1), slice(box.col0, box.col1))
    signal, live = high.signal[inside], high.is_live[inside]
    air = max(levels.air_counts, 1.0)
    floor = estimate_floor(
        signal,
        live,
        air_counts=air,
        calibrated=levels.scatter_floor,
        electronic_sigma=levels.electronic_sigma,
        gain=levels.gain,
        limit=FLOOR_LIMIT,
    )
    disc = (max(round(diameter / pitch_mm[0]), 1), max(round(diameter / pitch_mm[1]), 1))
    seen = visibility(
        signal,
        live,
        floor,
        electronic_sigma=levels.electronic_sigma,
        gain=levels.gain,
        contrast=threat_contrast(high.label, diameter),
        disc_px=disc,
    )
    hiding = hiding_regions(seen, pitch_mm, diameter)
    dense: tuple[DenseRegion, ...] = ()
    if density is not None and is_container:
        opaque = np.zeros(density.shape, dtype=bool)
        opaque[inside] = seen.opaque
        noise = np.sqrt((levels.electronic_sigma**2 + levels.gain * floor.counts) / 9.0 + floor.sigma**2)
        limit = float(steel_equivalent(-np.log(min(OPAQUE_SIGMAS * noise / air, 1.0)), high.label))
        dense = dense_regions(density, opaque, ~high.is_live, box, pitch_mm, settings, limit_g_cm2=limit)
    hidden = _hidden(hiding, signal, live, floor, box, high)
    return HullView(box, seen.opaque, hiding, int(live.sum()), floor, dense, hidden)


def region_findings(views: tuple[HullView, ...]) -> tuple[list[Finding], list[ImageRegion]]:
    """Return findings and marked regions of all hulls.

    Parameters
    ----------
    views : tuple of HullView
        What each hull shows.

    Returns
    -------
    findings : list of Finding
        IMG_DENSE and IMG_SHIELDED, each with the region that shows it.
    regions : list of ImageRegion
        Dense regions, then hiding ones.
    """
    dense = [_dense_region(item) for view in views for item in view.dense]
    hidden = [region for view in views for region in view.hidden]
    findings = []
    if dense:
        first = dense[0]
        worst = max(item.areal_density_g_cm2 for view in views for item in view.dense)
        bound = "over " if any(region.is_lower_bound for region in dense) else ""
        findings.append(
            Finding(
                code=ReasonCode.IMG_DENSE,
                text=f"{len(dense)} dense region(s), {bound}{worst:.0f} g/cm2 steel-equivalent",
                params={
                    "n": str(len(dense)),
                    "areal_density_g_cm2": decimal_string(worst, 4),
                    "row": str(first.row0),
                    "column": str(first.col0),
                },
                evidence_ref="regions/0",
            )
        )
    if any(view.hiding.any() for view in views):
        n_hiding = sum(int(view.hiding.sum()) for view in views)
        share = n_hiding / max(sum(view.hiding.size for view in views), 1)
        findings.append(
            Finding(
                code=ReasonCode.IMG_SHIELDED,
                text=f"{100 * share:.1f} % of the container could hide the configured threat unseen",
                params={"hideable_fraction": decimal_string(share, 4), "n": str(len(hidden))},
                evidence_ref=f"regions/{len(dense)}" if hidden else None,
            )
        )
    return findings, [*dense, *hidden]


def _dense_region(item: DenseRegion) -> ImageRegion:
    return ImageRegion(
        kind=RegionKind.DENSE,
        row0=item.row0,
        col0=item.col0,
        row1=item.row1,
        col1=item.col1,
        score=round(item.contrast_g_cm2 / (item.contrast_g_cm2 + 45.0), 4),
        areal_density_g_cm2=round(item.areal_density_g_cm2, 2),
        material=Material.AMBIGUOUS,
        area_px=item.area_px,
        is_lower_bound=item.opaque_fraction > 0.2,
    )


def _hidden(
    hiding: NDArray[np.bool_],
    signal: NDArray[np.float32],
    live: NDArray[np.bool_],
    floor: Floor,
    box: ContainerBox,
    high: Plane,
) -> tuple[ImageRegion, ...]:
    labels, n = ndimage.label(hiding)
    if n == 0:
        return ()
    sizes = np.bincount(labels.ravel(), minlength=n + 1)[1:]
    order = sorted(range(n), key=lambda k: (-int(sizes[k]), k))[:MAX_REGIONS]
    places = ndimage.find_objects(labels)
    regions = []
    for k in order:
        place = places[k]
        pixels = (labels[place] == k + 1) & live[place]
        bound = lower_bound_g_cm2(
            signal[place][pixels],
            floor,
            high.label,
            air_counts=max(high.levels.air_counts, 1.0),
            electronic_sigma=high.levels.electronic_sigma,
            gain=high.levels.gain,
        )
        regions.append(
            ImageRegion(
                kind=RegionKind.OPAQUE,
                row0=box.row0 + place[0].start,
                col0=box.col0 + place[1].start,
                row1=box.row0 + place[0].stop,
                col1=box.col0 + place[1].stop,
                score=1.0,
                areal_density_g_cm2=None if bound is None else round(bound, 2),
                material=Material.AMBIGUOUS,
                area_px=int(sizes[k]),
                is_lower_bound=True,
            )
        )
    return tuple(regions)
