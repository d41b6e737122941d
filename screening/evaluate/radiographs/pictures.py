"""Simulated pictures of the bench: what each is made from, and the scene behind it.

Pictures are thumbnails of about 20 mm a pixel, so that thousands of scenes fit into minutes. Each pixel
stands for the mean of those of full size that it covers: noise of single pixels falls with the scale, noise
that a line or a row has in common with its root. What is smaller than a pixel is lost.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Literal, NamedTuple

import msgspec
import numpy as np

from screening.records import (
    CalibrationRef,
    Device,
    LineCalibration,
    Manifest,
    Radiograph,
    Scan,
    ScanIdentity,
    file_scan_id,
    sha256_hex,
    utc_string,
)
from screening.simulation.radiographs import Composition, RadiographRecipe, compose
from screening.simulation.radiographs.cargo import CARGO_KINDS
from screening.simulation.radiographs.exposure import expose
from screening.simulation.radiographs.families import SCANNER_FAMILIES
from screening.simulation.radiographs.picture_mix import draw_radiograph_recipe
from screening.simulation.radiographs.scanner import Scanner
from screening.simulation.radiographs.threats import THREATS
from screening.simulation.radiographs.truth import truth_of

__all__ = [
    "BUILT",
    "GEOMETRIES",
    "PITCH_M",
    "THUMBNAILS",
    "Picture",
    "averaged",
    "cargo_family",
    "empty_recipe",
    "load_recipe",
    "stream",
    "take_picture",
    "take_triple",
    "threat_recipe",
    "thumbnail_scale",
]

#: Row pitch that thumbnails have on average, m.
PITCH_M = 0.020

#: What must be said of them beside every figure.
THUMBNAILS = (
    f"Thumbnails of about {1000 * PITCH_M:g} mm a pixel, each with the noise of the mean of the full-size "
    "pixels it covers."
)

#: How far above the true scatter floor a calibration states it, as in the simulator's own pictures.
FLOOR_STATED = 1.15

#: When every picture was taken, and how old a calibration may be, s.
DAY, MAX_AGE_S = datetime(2026, 1, 5, 6, 0, tzinfo=UTC), 28800

#: Every scanner family as everything it is built as.
BUILT = tuple((family, kind) for family, ranges in SCANNER_FAMILIES.items() for kind in ranges.kinds)

#: Every so many scenes with a threat one is loaded with any kind of cargo; the rest are ordinary.
ANY_CARGO_EVERY = 4

#: Share of empties with dunnage, straps and sweepings of the last load.
RESIDUE_SHARE = 0.25

#: Families of geometry of empty containers: length, high cube, type. The last was in no training.
GEOMETRIES: dict[str, tuple[str, bool, str]] = {
    "20 standard": ("20", False, "standard"),
    "40 standard": ("40", False, "standard"),
    "40 high": ("40", True, "standard"),
    "45 high": ("45", True, "standard"),
    "2 x 20": ("2x20", False, "standard"),
    "20 reefer": ("20", False, "reefer"),
    "40 reefer high": ("40", True, "reefer"),
    "20 open top": ("20", False, "open-top"),
    "40 open top": ("40", False, "open-top"),
    "40 flat rack": ("40", False, "flat-rack"),
}

_CARRIERS = ("rail", "rail", "rail-well", "road", "road", "road-cab")


class Picture(NamedTuple):
    """A simulated picture.

    Attributes
    ----------
    scan : Scan
        As a healthy scanner sends it.
    truth : dict
        As the simulator tells it.
    composition : Composition
        The scene behind it.
    """

    scan: Scan
    truth: dict[str, Any]
    composition: Composition


def stream(seed: int, *key: int) -> np.random.Generator:
    """Return the random numbers of one place in the bench.

    Parameters
    ----------
    seed : int
        Of the bench.
    *key : int
        Which section, split, sample.

    Returns
    -------
    numpy.random.Generator
        Independent of that of any other key.
    """
    return np.random.default_rng(np.random.SeedSequence([seed, 0xEBA1, *key]))


def thumbnail_scale(family: str) -> float:
    """Return by how much the pixels of a family are enlarged.

    Parameters
    ----------
    family : str
        A key of ``SCANNER_FAMILIES``.

    Returns
    -------
    float
        Pixel size over that of its full picture.
    """
    return round(PITCH_M / float(np.mean(SCANNER_FAMILIES[family].pitch_m)), 2)


def cargo_family(cargo: str) -> str:
    """Return the family a kind of cargo belongs to.

    Parameters
    ----------
    cargo : str
        A key of ``CARGO_KINDS``.

    Returns
    -------
    str
        "bulk", "cartons", "rounds" and so on: as the simulator groups how they are loaded.
    """
    return CARGO_KINDS[cargo].fill.__module__.rpartition(".")[2].replace("_", " ")


def threat_recipe(seed: int, split: int, index: int) -> RadiographRecipe:
    """Draw a scene with a threat: the simulator's preset "threats", threats in turn.

    Parameters
    ----------
    seed, split, index : int
        Of the bench; which split; which scene.

    Returns
    -------
    RadiographRecipe
        Every fourth scene carries any of all kinds of cargo in turn, the others ordinary loads.
    """
    set_seed = int(stream(seed, 1, split).integers(0, 2**31))
    recipe = draw_radiograph_recipe("threats", set_seed, index)
    turn, rest = divmod(index, ANY_CARGO_EVERY)
    fields: dict[str, Any] = {"scale": thumbnail_scale(str(recipe.family)), "has_dropout": False}
    if rest == ANY_CARGO_EVERY - 1:
        kinds = sorted(name for name, kind in CARGO_KINDS.items() if kind.container != "tank")
        fields["cargo"] = kinds[turn % len(kinds)]
    # every threat meets every place in the cycle of four: four divides twenty
    shifted = (index + index // len(THREATS)) % len(THREATS)
    fields["threats"] = (list(THREATS)[shifted],)
    return msgspec.structs.replace(recipe, **fields)


def load_recipe(seed: int, key: int, index: int, *, scale: float | None = None) -> RadiographRecipe:
    """Draw a loaded container: every kind of cargo in turn past every scanner in turn.

    Parameters
    ----------
    seed, key, index : int
        Of the bench; which section; which picture.
    scale : float, optional
        Pixel size over that of a full picture; a thumbnail's when omitted.

    Returns
    -------
    RadiographRecipe
        The load.
    """
    rng = stream(seed, key, index)
    kinds = sorted(CARGO_KINDS)
    turn, which = divmod(index, len(kinds))
    family, scanner = BUILT[(5 * turn + which) % len(BUILT)]
    return RadiographRecipe(
        kind="loaded",
        cargo=kinds[which],
        family=family,
        scanner=scanner,
        length=str(rng.choice(["20", "40", "40", "45"])),  # type: ignore[arg-type]
        is_high_cube=bool(rng.random() < 0.5),
        carrier=str(rng.choice(_CARRIERS)),
        scale=thumbnail_scale(family) if scale is None else scale,
        seed=int(rng.integers(0, 2**31)),
    )


def empty_recipe(
    seed: int, key: int, index: int, *, geometry: str | None = None, scale: float | None = None
) -> tuple[str, RadiographRecipe]:
    """Draw an empty container: every geometry in turn past every scanner in turn.

    Parameters
    ----------
    seed, key, index : int
        Of the bench; which split; which container.
    geometry : str, optional
        A key of :data:`GEOMETRIES` instead of the one whose turn it is.
    scale : float, optional
        Pixel size over that of a full picture; a thumbnail's when omitted.

    Returns
    -------
    geometry : str
        Its family of geometry.
    recipe : RadiographRecipe
        The container.
    """
    rng = stream(seed, key, index)
    turn, which = divmod(index, len(GEOMETRIES))
    name = geometry or list(GEOMETRIES)[which]
    length, is_high, container = GEOMETRIES[name]
    family, scanner = BUILT[(7 * turn + which) % len(BUILT)]
    recipe = RadiographRecipe(
        kind="empty",
        family=family,
        scanner=scanner,
        length=length,  # type: ignore[arg-type]
        is_high_cube=is_high,
        container=container,
        carrier=str(rng.choice(_CARRIERS)),
        has_residue=bool(rng.random() < RESIDUE_SHARE),
        declared_empty=True,
        scale=thumbnail_scale(family) if scale is None else scale,
        seed=int(rng.integers(0, 2**31)),
    )
    return name, recipe


def averaged(scanner: Scanner, scale: float) -> Scanner:
    """Return a scanner whose pixels are the means of square blocks of an instance's.

    Parameters
    ----------
    scanner : Scanner
        The instance, as drawn for a full picture.
    scale : float
        Sides of the blocks, pixels.

    Returns
    -------
    Scanner
        Levels stay; the noise of pixels falls by `scale`, that of whole lines and rows by its root.
    """
    root = scale**0.5
    return scanner._replace(
        gain=scanner.gain / scale**2,
        electronic_sigma=scanner.electronic_sigma / scale,
        multiplicative_noise=scanner.multiplicative_noise / scale,
        line_sigma=scanner.line_sigma / root,
        endpoint_jitter=scanner.endpoint_jitter / root,
        calibration_error=scanner.calibration_error / root,
    )


def take_picture(recipe: RadiographRecipe) -> Picture:
    """Simulate a picture and keep its scene.

    Parameters
    ----------
    recipe : RadiographRecipe
        What to simulate, with its seed.

    Returns
    -------
    Picture
        At a scale of 1 the simulator's own picture of such a scene, else a thumbnail of it.
    """
    return _exposed(recipe, "with")


def take_triple(recipe: RadiographRecipe) -> tuple[Picture, Picture, Picture]:
    """Simulate a scene with its threat, without it, and with an innocent object in its place.

    Parameters
    ----------
    recipe : RadiographRecipe
        What to simulate, with a threat and its seed.

    Returns
    -------
    positive, negative, lookalike : Picture
        All exposed with the same noise.
    """
    return _exposed(recipe, "with"), _exposed(recipe, "without"), _exposed(recipe, "lookalike")


def _exposed(recipe: RadiographRecipe, variant: Literal["with", "without", "lookalike"]) -> Picture:
    scene_seed, noise_seed = np.random.SeedSequence([recipe.seed, 0xEBA1]).spawn(2)
    composition = compose(recipe, np.random.default_rng(scene_seed), variant=variant)
    scanner = averaged(composition.scanner, recipe.scale)
    composition = composition._replace(scanner=scanner)
    counts = expose(composition.scene, scanner, np.random.default_rng(noise_seed))
    pitch = composition.scene.geometry.pitch_m
    payload = Radiograph(
        raw=counts.raw,
        energies=scanner.energies,
        calibration=LineCalibration(
            dark=counts.dark,
            air=counts.air,
            electronic_sigma=scanner.electronic_sigma,
            gain=scanner.gain,
            scatter_floor=scanner.scatter_floor * FLOOR_STATED,
            ref=CalibrationRef(
                id=f"bench-air-{recipe.seed}",
                made_at=utc_string(DAY - timedelta(seconds=recipe.calibration_age_s)),
                age_s=recipe.calibration_age_s,
                max_age_s=MAX_AGE_S,
            ),
        ),
        reference=counts.reference,
        line_ids=np.arange(counts.raw.shape[1], dtype=np.int64),
        line_time_s=counts.line_time_s,
        pitch_mm=(1000.0 * pitch[0], 1000.0 * pitch[1]),
        speed_m_s=pitch[1] * scanner.line_rate_hz,
        is_dark_subtracted=scanner.is_dark_subtracted,
        motion="forward",
    )
    bare = recipe if variant == "with" else msgspec.structs.replace(recipe, threats=())
    digest = sha256_hex(msgspec.json.encode(bare) + (b"lookalike" if variant == "lookalike" else b""))
    is_empty = recipe.kind == "empty" and not composition.objects
    identity = ScanIdentity(
        scan_id=file_scan_id(digest, 0),
        site="BENCH",
        device=Device(make="simulated", model=f"line-scanner {recipe.scanner}", serial=str(recipe.seed)),
        operating_mode=recipe.operating_mode,
        t_start_utc=DAY,
        t_end_utc=DAY + timedelta(seconds=round(counts.raw.shape[1] / scanner.line_rate_hz, 3)),
        manifest=Manifest(
            is_declared_empty=is_empty if recipe.declared_empty is None else recipe.declared_empty
        ),
    )
    truth = truth_of(bare, composition, counts, np.empty(0, dtype=np.int64))
    return Picture(Scan(identity=identity, payload=payload), truth, composition)
