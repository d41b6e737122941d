"""What the bench computes: sizes of its two forms, the list of jobs, and the one door to all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from screening.work import Job

__all__ = ["FULL", "KINDS", "SHORT", "Sizes", "planned", "run_job"]


class Sizes(NamedTuple):
    """How many of everything.

    Attributes
    ----------
    n_validation, n_test : int
        Scenes with a threat.
    n_projected : int
        Threats projected into each.
    n_load, n_empty : int
        Loads and empties asked what cannot be seen in them.
    n_full : int
        Full-size pictures whose masks are counted.
    n_empty_validation, n_empty_test, n_empty_full : int
        Empty containers; the last at full size.
    n_host, n_hidden : int
        Of those of the test, how many hide loads; loads in each.
    n_ordinary : int
        Ordinary loads declared empty.
    card_share : float
        Of the model's own test split.
    n_quality : int
        Scanner families whose image quality is measured.
    """

    n_validation: int
    n_test: int
    n_projected: int
    n_load: int
    n_empty: int
    n_full: int
    n_empty_validation: int
    n_empty_test: int
    n_empty_full: int
    n_host: int
    n_hidden: int
    n_ordinary: int
    card_share: float
    n_quality: int


FULL = Sizes(100, 200, 1, 141, 50, 12, 300, 500, 40, 240, 10, 282, 1.0, 5)

#: A form that shows everything at work in under a minute of one core; its figures measure nothing.
SHORT = Sizes(2, 4, 1, 2, 1, 0, 10, 10, 0, 2, 6, 6, 0.01, 1)

#: Kinds of job by their part of the bench.
KINDS = ("threat", "opaque", "masked", "empty", "load", "card", "quality")


def planned(
    sizes: Sizes, *, settings: str, detectors: dict[str, list[str]], seed: int, card_seed: int
) -> list[Job]:
    """Return every job of the bench.

    Parameters
    ----------
    sizes : Sizes
        How many of everything.
    settings : str
        Settings as JSON.
    detectors : dict of str to list of str
        Registered names of those that name places ("candidates") and of those that tell loads from
        empties ("loaded").
    seed : int
        Of the bench.
    card_seed : int
        That the model was trained with.

    Returns
    -------
    list of Job
        Independent of each other; the key tells the kind.
    """
    from screening.simulation.radiographs.families import SCANNER_FAMILIES

    from .card_scenes import plan

    places = {"detectors": detectors["candidates"], "seed": seed}
    asked = {"detectors": detectors["loaded"], "seed": seed}
    groups: dict[str, list[dict[str, Any]]] = {}
    for split, n in (("validation", sizes.n_validation), ("test", sizes.n_test)):
        projected = sizes.n_projected if split == "test" else 0
        groups[f"threat/{split}"] = [
            {**places, "split": split, "index": k, "n_projected": projected} for k in range(n)
        ]
    for name, is_empty, n in (("load", False, sizes.n_load), ("empty", True, sizes.n_empty)):
        groups[f"opaque/{name}"] = [{"seed": seed, "index": k, "is_empty": is_empty} for k in range(n)]
    groups["masked"] = [{"seed": seed, "index": k} for k in range(sizes.n_full)]
    counts = {"validation": sizes.n_empty_validation, "test": sizes.n_empty_test, "full": sizes.n_empty_full}
    for split, n in counts.items():
        hosts = sizes.n_host if split == "test" else 0
        groups[f"empty/{split}"] = [
            {**asked, "split": split, "index": k, "n_hidden": sizes.n_hidden if k < hosts else 0}
            for k in range(n)
        ]
    groups["load"] = [{**asked, "index": k} for k in range(sizes.n_ordinary)]
    groups["card"] = list(plan(card_seed, sizes.card_share))
    families = sorted(SCANNER_FAMILIES)[: sizes.n_quality]
    is_short = sizes.n_quality < len(SCANNER_FAMILIES)
    groups["quality"] = [{"family": family, "seed": seed, "is_short": is_short} for family in families]
    return [
        Job(
            # jobs are done by their keys: the card first, then as far of every group as of any other
            f"{0 if name == 'card' else 1000 * k // len(group):04d}/{name}/{k:05d}",
            {"kind": name.partition("/")[0], "arguments": {"settings": settings, **arguments}},
        )
        for name, group in groups.items()
        for k, arguments in enumerate(group)
    ]


def run_job(*, kind: str, arguments: dict[str, Any]) -> bytes:
    """Do one job.

    Parameters
    ----------
    kind : str
        One of :data:`KINDS`.
    arguments : dict
        Of its function.

    Returns
    -------
    bytes
        What the function returns.

    Raises
    ------
    ValueError
        If the kind is unknown.
    """
    from .card_scenes import card_maps
    from .empty_scenes import empty_scene, load_scene
    from .opaque_scenes import masked_scene, opaque_scene
    from .threat_scenes import threat_scene

    functions: dict[str, Callable[..., bytes]] = dict(
        zip(
            KINDS,
            (threat_scene, opaque_scene, masked_scene, empty_scene, load_scene, card_maps, _quality),
            strict=True,
        )
    )
    if kind not in functions:
        raise ValueError(f"no job {kind!r}; there are: {', '.join(KINDS)}")
    return functions[kind](**arguments)


def _quality(*, settings: str, family: str, seed: int, is_short: bool) -> bytes:
    """Measure the image quality of a family with test objects; no detector takes part."""
    import msgspec

    from .test_objects import image_quality_part

    del settings
    return msgspec.msgpack.encode(image_quality_part(family, seed, is_short))
