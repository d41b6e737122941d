"""Whether a container is loaded: the network and the explicit score, and what the manifest says."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.classifiers import Model
from screening.errors import ModelError
from screening.records import (
    ContainerBox,
    Finding,
    ImageRegion,
    Material,
    ModelRef,
    ReasonCode,
    RegionKind,
    decimal_string,
)

from .empty import FEATURE_VERSION, MAP_SHAPE, empty_baseline, excess_areal_density, hull_map

__all__ = ["LoadAnswer", "judge_load"]

#: Cells of the hull's map this much denser than the container itself are marked as load, g/cm2.
LOAD_EXCESS_G_CM2 = 6.0


class LoadAnswer(NamedTuple):
    """What was answered.

    Attributes
    ----------
    empty_probability : float or None
        The smallest over the containers; None if the picture cannot say.
    findings : tuple of Finding
        IMG_NOT_EMPTY, IMG_MANIFEST_MISMATCH, or why there is no answer.
    regions : tuple of ImageRegion
        Where the load of a container declared empty is.
    scores : dict of str to str
        Scores behind it.
    models : tuple of ModelRef
        The model that took part.
    """

    empty_probability: float | None = None
    findings: tuple[Finding, ...] = ()
    regions: tuple[ImageRegion, ...] = ()
    scores: dict[str, str] = {}  # noqa: RUF012  (never changed)
    models: tuple[ModelRef, ...] = ()


def judge_load(
    model: Model | None,
    density: NDArray[np.float32],
    variance: NDArray[np.float32],
    is_live: NDArray[np.bool_],
    boxes: tuple[ContainerBox, ...],
    *,
    declared_empty: bool | None,
    is_usable: bool,
) -> LoadAnswer:
    """Judge every container of a picture.

    A load is found when the network's or the explicit score reaches its threshold: either suffices, and
    neither can take the other's finding back. That a container is empty is said only of a picture
    that is usable: both ends in it, calibrated, all gates passed, nowhere to hide.

    Parameters
    ----------
    model : Model or None
        The loaded-or-empty model with its thresholds.
    density, variance : ndarray of shape (n_row, n_column), float32
        Areal density (g/cm2) and its variance.
    is_live : ndarray of shape (n_row, n_column), bool
        Pixels that measure.
    boxes : tuple of ContainerBox
        The containers.
    declared_empty : bool or None
        What the manifest says.
    is_usable : bool
        Whether emptiness may be said of this picture.

    Returns
    -------
    LoadAnswer
        The answer.

    Raises
    ------
    ModelError
        If there is no model, its features are of another version, or it fails.
    """
    if model is None:
        raise ModelError("no loaded-or-empty model: nothing can be said to be empty")
    if model.card.feature_version != FEATURE_VERSION:
        raise ModelError(
            f"model {model.card.name} reads features {model.card.feature_version!r}, "
            f"the analysis makes {FEATURE_VERSION!r}",
            value=model.card.feature_version,
        )
    maps = np.stack([hull_map(density, variance, is_live, box) for box in boxes])
    loaded = model.run(hull=maps)["loaded"].reshape(-1).astype(np.float64)
    excess = np.array([excess_areal_density(one) for one in maps])
    thresholds = model.card.thresholds
    reached = (loaded >= float(thresholds["loaded"])) | (excess >= float(thresholds["excess_g_cm2"]))
    scores = {
        "loaded_score": decimal_string(float(loaded.max())),
        "excess_areal_density_g_cm2": decimal_string(float(excess.max())),
    }
    probability: float | None = None
    if is_usable or reached.any():
        # the explicit score has found a load where the network has not: it is no longer "empty"
        agreed = np.where(reached, np.maximum(loaded, 0.5), loaded)
        probability = float(np.clip(1.0 - agreed.max(), 0.0, 1.0))
    findings: list[Finding] = []
    regions: tuple[ImageRegion, ...] = ()
    if declared_empty and reached.any():
        which = int(np.argmax(np.where(reached, excess, -np.inf)))
        regions = _load_regions(maps[which], boxes[which])
        findings.append(
            Finding(
                code=ReasonCode.IMG_NOT_EMPTY,
                text=f"declared empty, a load was found ({excess[which]:.2f} g/cm2 above an empty container)",
                params=dict(scores),
            )
        )
    if declared_empty is False and is_usable and not reached.any():
        findings.append(
            Finding(
                code=ReasonCode.IMG_MANIFEST_MISMATCH,
                text="declared loaded, looks empty",
                params=dict(scores),
            )
        )
    return LoadAnswer(probability, tuple(findings), regions, scores, (model.ref,))


def _load_regions(hull: NDArray[np.float32], box: ContainerBox) -> tuple[ImageRegion, ...]:
    """Return one box around the cells that are denser than the container itself."""
    excess = hull[0] - empty_baseline(hull[0])[:, None]
    margin = slice(4, -4)
    rows, columns = np.nonzero(excess[margin, margin] > LOAD_EXCESS_G_CM2)
    if rows.size == 0:
        return ()
    scale = ((box.row1 - box.row0) / MAP_SHAPE[0], (box.col1 - box.col0) / MAP_SHAPE[1])
    return (
        ImageRegion(
            kind=RegionKind.LOAD,
            row0=box.row0 + int((rows.min() + 4) * scale[0]),
            col0=box.col0 + int((columns.min() + 4) * scale[1]),
            row1=min(box.row0 + int((rows.max() + 5) * scale[0]) + 1, box.row1),
            col1=min(box.col0 + int((columns.max() + 5) * scale[1]) + 1, box.col1),
            score=1.0,
            areal_density_g_cm2=round(float(np.median(excess[margin, margin][rows, columns])), 2),
            material=Material.AMBIGUOUS,
            area_px=int(rows.size * scale[0] * scale[1]),
        ),
    )
