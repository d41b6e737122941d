"""The pictures of a scene with a threat, and every detector's answers to them.

A scene gives five pictures: with its threat; without it; with an innocent object of the threat's family in
its place; and the second one again with drawn threats projected into it. All share the goods, and all belong
to one scene, so that none of them counts as independent of the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from screening.config import Settings
from screening.evaluate.metrics.matching import Region as Place
from screening.evaluate.metrics.matching import Truth
from screening.radiography import RadiographAnalyser
from screening.records import Radiograph, Scan, file_scan_id, sha256_hex
from screening.simulation.radiographs.geometry import Region
from screening.simulation.radiographs.injection import Injected, draw_injections, prepare_target
from screening.simulation.radiographs.lookalikes import LOOKALIKES
from screening.simulation.radiographs.threats import THREATS

from .expected import expected_signal, object_d, opaque_truth
from .pictures import Picture, cargo_family, stream, take_picture, take_triple, threat_recipe
from .rows import PictureRow, TruthRow, answers_of, detectors_named, matched

__all__ = ["SPLITS", "Staged", "hull_places", "one_picture", "stage", "threat_scene"]

#: Splits by the key of their seeds.
SPLITS = {"validation": 1, "test": 2}


class Staged(NamedTuple):
    """One picture of a scene, ready to be answered.

    Attributes
    ----------
    variant : str
        "with", "without", "lookalike", "projected-0" and so on.
    scan : Scan
        The scan.
    truths : tuple of (TruthRow, mask)
        Objects with their pixels within their boxes.
    """

    variant: str
    scan: Scan
    truths: tuple[tuple[TruthRow, NDArray[np.bool_]], ...]


def stage(seed: int, split: str, index: int, n_projected: int) -> tuple[list[Staged], Picture]:
    """Make the pictures of one scene.

    Parameters
    ----------
    seed : int
        Of the bench.
    split : {"validation", "test"}
        Which split.
    index : int
        Which scene.
    n_projected : int
        Pictures with a projected threat.

    Returns
    -------
    staged : list of Staged
        All pictures, in a fixed order.
    negative : Picture
        The scene without a threat.
    """
    key = SPLITS[split]
    recipe = threat_recipe(seed, key, index)
    positive, negative, lookalike = take_triple(recipe)
    payload = _radiograph(negative.scan)
    planes = negative.composition.scene.areal_density
    expected = expected_signal(payload, planes, negative.composition.scanner)
    opaque = opaque_truth(expected)
    found = [
        Staged("with", positive.scan, tuple(_objects(positive.truth, opaque, positive, negative))),
        Staged("without", negative.scan, ()),
        Staged("lookalike", lookalike.scan, tuple(_objects(lookalike.truth, opaque))),
    ]
    for k, injected in enumerate(_projections(seed, key, index, negative, n_projected)):
        one = _projected_truth(injected, opaque, negative)
        salted = sha256_hex(f"{negative.scan.identity.scan_id} projected {k}".encode())
        identity = msgspec.structs.replace(negative.scan.identity, scan_id=file_scan_id(salted, 0))
        scan = msgspec.structs.replace(negative.scan, identity=identity, payload=injected.radiograph)
        found.append(Staged(f"projected-{k}", scan, () if one is None else (one,)))
    return found, negative


def one_picture(seed: int, split: str, index: int, variant: str, n_projected: int) -> Scan:
    """Make one picture of a scene again, without the others.

    Parameters
    ----------
    seed : int
        Of the bench.
    split : {"validation", "test"}
        Which split.
    index : int
        Which scene.
    variant : str
        "with", "without" or "projected-0" and so on.
    n_projected : int
        Pictures with a projected threat of the scene.

    Returns
    -------
    Scan
        The same picture as :func:`stage` gives.
    """
    key = SPLITS[split]
    recipe = threat_recipe(seed, key, index)
    bare = msgspec.structs.replace(recipe, threats=())
    if variant in ("with", "without"):
        return take_picture(recipe if variant == "with" else bare).scan
    negative = take_picture(bare)
    injected = _projections(seed, key, index, negative, n_projected)[int(variant.rpartition("-")[2])]
    return msgspec.structs.replace(negative.scan, payload=injected.radiograph)


def threat_scene(
    *, settings: str, detectors: list[str], seed: int, split: str, index: int, n_projected: int
) -> bytes:
    """Make a scene and have it answered: one job of the bench.

    Parameters
    ----------
    settings : str
        Settings as JSON.
    detectors : list of str
        Registered names.
    seed : int
        Of the bench.
    split : {"validation", "test"}
        Which split.
    index : int
        Which scene.
    n_projected : int
        Pictures with a projected threat.

    Returns
    -------
    bytes
        List of PictureRow, msgpack.
    """
    built = detectors_named(tuple(detectors), settings)
    staged, negative = stage(seed, split, index, n_projected)
    recipe = threat_recipe(seed, SPLITS[split], index)
    scene = f"{split}-{index:04d}"
    strata = {
        "scanner": str(recipe.family),
        "cargo": cargo_family(negative.composition.cargo[0] or str(recipe.cargo)),
    }
    hulls = hull_places(negative.truth)
    rows = []
    for one in staged:
        if one.variant != "without" and not one.truths:
            continue  # the object is not in the picture: counted by the caller as pictures that are missing
        truths = [_as_truth(row, mask) for row, mask in one.truths]
        opaque = _gating(one.scan, settings) if any(truth.is_hidden for truth in truths) else []
        # one that fails or names no place has found nothing: an empty list, and its share is reported
        answers = [
            matched(row, candidates, truths, containers=hulls, opaque=opaque) if row.serves else row
            for row, candidates in answers_of(built, detectors, one.scan)
        ]
        payload = _radiograph(one.scan)
        rows.append(
            PictureRow(
                sample=f"{scene}-{one.variant}",
                scene=scene,
                variant=one.variant.partition("-")[0],
                strata=strata,
                truths=tuple(row for row, _ in one.truths),
                answers=tuple(answers),
                n_mpx=payload.raw.shape[0] * payload.raw.shape[1] / 1e6,
            )
        )
    return msgspec.msgpack.encode(rows)


def hull_places(truth: dict[str, Any]) -> list[Place]:
    """Return the true hulls of a picture as places.

    Parameters
    ----------
    truth : dict
        Of the simulator.

    Returns
    -------
    list of Region
        From left to right.
    """
    return [Place(box["row0"], box["col0"], box["row1"], box["col1"]) for box in truth["boxes"]]


def _radiograph(scan: Scan) -> Radiograph:
    if not isinstance(scan.payload, Radiograph):
        raise TypeError(f"a radiograph was expected, got {scan.modality}")
    return scan.payload


def _as_truth(row: TruthRow, mask: NDArray[np.bool_]) -> Truth:
    return Truth(
        row0=row.row0,
        col0=row.col0,
        row1=row.row1,
        col1=row.col1,
        kind=row.kind,
        mask=mask,
        visible=row.visible,
        contrast_g_cm2=row.contrast_g_cm2,
        background_g_cm2=row.background_g_cm2,
        mass_kg=row.mass_kg,
    )


def _tight(mask: NDArray[np.bool_], row0: int, col0: int) -> tuple[Region, NDArray[np.bool_]]:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    inner = mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return (
        Region(
            row0 + int(rows[0]), col0 + int(columns[0]), row0 + int(rows[-1]) + 1, col0 + int(columns[-1]) + 1
        ),
        inner,
    )


def _visible(mask: NDArray[np.bool_], region: Region, opaque: NDArray[np.bool_]) -> float:
    behind = opaque[region.row0 : region.row1, region.col0 : region.col1]
    return float(1.0 - behind[mask].mean())


def _objects(
    truth: dict[str, Any],
    opaque: NDArray[np.bool_],
    positive: Picture | None = None,
    negative: Picture | None = None,
) -> Iterator[tuple[TruthRow, NDArray[np.bool_]]]:
    for k, one in enumerate(truth["objects"]):
        whole = truth["object_index"] == k + 1
        if not whole.any():
            continue
        region, mask = _tight(whole, 0, 0)
        d_prime = None
        if positive is not None and negative is not None:
            window = Region(one["row0"], one["col0"], one["row1"], one["col1"])
            d_prime = object_d(
                _radiograph(positive.scan),
                negative.composition.scene.areal_density,
                positive.composition.scene.areal_density,
                positive.composition.scanner,
                window,
            )
        known = THREATS.get(one["label"]) or LOOKALIKES.get(one["label"])
        row = TruthRow(
            **region._asdict(),
            label=one["label"],
            kind=known.family if known else one["kind"],
            visible=_visible(mask, region, opaque),
            contrast_g_cm2=one["peak_g_cm2"],
            background_g_cm2=one["behind_g_cm2"],
            mass_kg=one["mass_in_picture_kg"],
            n_pixel=int(mask.sum()),
            d_prime=d_prime,
        )
        yield row, mask


def _projections(seed: int, key: int, index: int, negative: Picture, n: int) -> list[Injected]:
    """Project threats into the picture without any, one each."""
    payload = _radiograph(negative.scan)
    rng = stream(seed, 2, key, index)
    box = negative.truth["boxes"][0]
    hold = Region(box["row0"], box["col0"], box["row1"], box["col1"])
    found: list[Injected] = []
    target = prepare_target(payload)
    names = list(THREATS)
    tries = 0
    while len(found) < n and tries < 5 * n:
        tries += 1
        name = str(rng.choice(names))
        try:
            pairs = draw_injections(
                payload,
                rng,
                1,
                box=hold,
                geometry=negative.composition.scene.geometry,
                threats=[name],
                target=target,
            )
        except ValueError:  # it does not fit into this box: another is drawn
            continue
        found.append(pairs[0].positive)
    return found


def _projected_truth(
    injected: Injected, opaque: NDArray[np.bool_], negative: Picture
) -> tuple[TruthRow, NDArray[np.bool_]] | None:
    said = injected.truth
    if not injected.mask.any():
        return None
    region, mask = _tight(injected.mask, said["row0"], said["col0"])
    window = (slice(region.row0, region.row1), slice(region.col0, region.col1))
    behind = negative.truth["areal_density_g_cm2"][window][mask]
    pitch = negative.composition.scene.geometry.pitch_m
    grams = float(injected.areal_density.sum(dtype=np.float64)) * pitch[0] * pitch[1] * 1e4
    row = TruthRow(
        **region._asdict(),
        label=said["label"],
        kind=THREATS[said["label"]].family,
        visible=_visible(mask, region, opaque),
        contrast_g_cm2=said["peak_g_cm2"],
        background_g_cm2=float(behind.mean()),
        mass_kg=grams / 1000.0,
        n_pixel=int(mask.sum()),
    )
    return row, mask


def _gating(scan: Scan, settings: str) -> list[Place]:
    """Return the regions by which the pipeline's analysis says that something could hide there."""
    analyser = RadiographAnalyser(msgspec.json.decode(settings, type=Settings).radiography)
    analysis = analyser.analyse(scan)
    hiding = analysis.products.get("hiding")
    if hiding is None or not hiding.any():
        return []
    region, mask = _tight(hiding > 0, 0, 0)
    return [Place(*region, mask)]
