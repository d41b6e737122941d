"""Section "opaque": what the analysis says it cannot see, against the truth (scoring.md 4)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from screening.evaluate.metrics.proportions import proportion
from screening.evaluate.metrics.resampling import bootstrap
from screening.evaluate.record import Figure, LeftOut, Part, Section, figure_of

from .opaque_scenes import INVARIANTS, MaskedRow, OpaqueRow
from .pictures import THUMBNAILS

__all__ = ["SECTION", "opaque_part"]

SECTION = "opaque"

DETECTOR = "pipeline"

#: Share of a hull from which on the place that hides the threat is more than the edge of a casting.
CLEARLY = 0.001


def opaque_part(rows: list[OpaqueRow], masked: list[MaskedRow], *, seed: int) -> Part:
    """Return the section.

    Parameters
    ----------
    rows : list of OpaqueRow
        Loads and empties.
    masked : list of MaskedRow
        Full-size pictures.
    seed : int
        Of the bootstrap.

    Returns
    -------
    Part
        Invariants with their counts, the opaque map, SHIELDED against the truth, masks.
    """
    if not rows:
        return Part()
    figures = [
        *_invariants(rows),
        *_map_figures(rows, seed),
        *_shielded_figures(rows),
        *_sphere_figures(rows, seed),
        *_mask_figures(masked, seed),
    ]
    n_empty = sum(row.cargo_kind == "empty" for row in rows)
    section = Section(
        id=SECTION,
        title="What cannot be seen",
        text=(
            "A pixel is opaque when the mean of what came through over 3 x 3 pixels is under 3 sigma. "
            "A picture is "
            "SHIELDED when the configured threat (a uranium sphere of 10 cm) could lie somewhere in a "
            "hull without "
            "showing.",
            "The truth is computed from the scene without noise: opaque pixels by the definition; and "
            "places where "
            "the sphere changes the mean over its disc by less than 3 sigma of photon and electronic "
            "noise. The "
            "texture of a load hides more than noise does, so that a picture may be SHIELDED with good "
            "reason where "
            "this truth says that nothing is hidden.",
            "Invariants: a shielded picture that has cargo added, pixels masked, lines lost or noise "
            "raised must "
            "stay shielded. A picture of the scatter floor alone must be shielded.",
        ),
        data=(
            f"Simulated: {len(rows) - n_empty} loads, every kind of cargo past every scanner family in "
            "turn, and "
            f"{n_empty} empties. {THUMBNAILS} Masks: {len(masked)} full-size loads."
        ),
    )
    lost = sum(not row.has_hull for row in rows)
    left = []
    if lost:
        text = "the analysis found no container: the whole picture was judged"
        left.append(LeftOut(kind="no hull", where=SECTION, text=text, n=lost, is_error=False))
    return Part(sections=(section,), figures=tuple(figures), left_out=tuple(left))


def _figure(hits: list[bool], metric: str, **more: str) -> Figure:
    return figure_of(proportion(hits), section=SECTION, metric=metric, detector=DETECTOR, **more)  # type: ignore[arg-type]


def _invariants(rows: list[OpaqueRow]) -> list[Figure]:
    figures = []
    for name in INVARIANTS:
        tried = [(row, one.holds) for row in rows for one in row.invariants if one.name == name]
        broken = [not holds for _, holds in tried]
        n_edge = sum(not holds and (row.hiding_in_hull or 0.0) < 0.5 for row, holds in tried)
        note = "0 asked"
        if any(broken):
            note += (
                f"; {n_edge} of {sum(broken)} by regions of which less than half lies within the true hull"
            )
        figures.append(_figure(broken, f"turned from SHIELDED to clear: {name}", better="lower", note=note))
    floor = [bool(row.floor_is_shielded) for row in rows if row.floor_is_shielded is not None]
    figures.append(_figure(floor, "pure floor called SHIELDED", better="higher", note="all asked"))
    return figures


def _total(counts: NDArray[np.float64]) -> dict[str, float]:
    """Return the pixels of all pictures that are opaque in truth, by the analysis, by both and by either."""
    true, said, both = (float(one) for one in counts.sum(axis=0))
    return {"n_true": true, "n_said": said, "n_both": both, "union": true + said - both}


def _ratio(bottom: str) -> Callable[[NDArray[np.float64]], float]:
    def _share(counts: NDArray[np.float64]) -> float:
        total = _total(counts)
        return total["n_both"] / total[bottom] if total[bottom] else float("nan")

    return _share


def _map_figures(rows: list[OpaqueRow], seed: int) -> list[Figure]:
    figures = []
    counts = np.array([[row.n_true, row.n_said, row.n_both] for row in rows], dtype=np.float64)
    families = np.array([row.scanner for row in rows])
    for metric, bottom in (
        ("opaque map, precision by pixel", "n_said"),
        ("opaque map, recall by pixel", "n_true"),
        ("opaque map, intersection over union", "union"),
    ):
        for stratum in ("", *np.unique(families)):
            chosen = counts if not stratum else counts[families == stratum]
            found = bootstrap(_ratio(bottom), chosen, seed=seed, n_resample=1000)
            figures.append(
                Figure(
                    section=SECTION,
                    metric=metric,
                    detector=DETECTOR,
                    stratum=f"scanner: {stratum}" if stratum else "",
                    value=found.value,
                    low=found.low,
                    high=found.high,
                    k=int(chosen[:, 2].sum()),
                    n=float(_total(chosen)[bottom]),
                    method=found.method.replace("parents", "pictures"),
                    better="higher",
                    is_headline=not stratum and "union" in bottom,
                )
            )
    return figures


def _shielded_figures(rows: list[OpaqueRow]) -> list[Figure]:
    classes: dict[str, Callable[[OpaqueRow], bool]] = {
        f"hides the threat in over {100 * CLEARLY:g} % of the hull": lambda row: row.hides_share >= CLEARLY,
        "hides the threat in less of the hull": lambda row: row.hides and row.hides_share < CLEARLY,
        "noise hides it nowhere": lambda row: not row.hides,
    }
    figures = []
    for kind in ("loads", "empties"):
        of_kind = [row for row in rows if (row.cargo_kind == "empty") == (kind == "empties")]
        for truth, is_true in classes.items():
            hits = [row.is_shielded for row in of_kind if is_true(row)]
            figures.append(
                _figure(
                    hits,
                    "pictures called SHIELDED",
                    stratum=f"{kind}: {truth}",
                    better="lower" if truth.startswith("noise") else "higher",
                    note="texture may still hide it" if truth.startswith("noise") and kind == "loads" else "",
                )
            )
    families = sorted({row.cargo for row in rows})
    figures += [
        _figure(
            [row.is_shielded for row in rows if row.cargo == family],
            "pictures called SHIELDED",
            stratum=f"cargo: {family}",
        )
        for family in families
    ]
    hidden = [row.is_shielded for row in rows if row.hides_share >= CLEARLY]
    figures.append(
        _figure(
            hidden,
            "SHIELDED where the configured threat can hide",
            better="higher",
            is_headline=True,  # type: ignore[arg-type]
        )
    )
    return figures


def _sphere_figures(rows: list[OpaqueRow], seed: int) -> list[Figure]:
    pairs = [(row.sample, one) for row in rows for one in row.spheres]

    def _of(metric: str, chosen: list[tuple[str, bool]], **more: str) -> Figure:
        found = proportion([hit for _, hit in chosen], [name for name, _ in chosen], seed=seed)
        return figure_of(found, section=SECTION, metric=metric, detector=DETECTOR, **more)  # type: ignore[arg-type]

    hidden = [(name, one) for name, one in pairs if one.visible < 0.5]
    blind = [(name, one) for name, one in pairs if one.is_blind]
    anywhere = [(name, one) for name, one in pairs if not one.is_blind]
    return [
        _of(
            "configured threat behind opaque cargo, covered by a region that gates",
            [(name, one.is_covered) for name, one in hidden],
            better="higher",
            is_headline=True,  # type: ignore[arg-type]
            note="less than half of its disc visible; 0.99 asked",
        ),
        _of(
            "configured threat where noise hides it, picture SHIELDED",
            [(name, one.is_shielded) for name, one in blind],
            better="higher",
            note="the picture with the threat in it",
        ),
        _of(
            "configured threat anywhere in a load, neither marked nor SHIELDED",
            [(name, not (one.is_marked or one.is_shielded)) for name, one in anywhere],
            better="lower",
            note="put at a random place of the hull",
        ),
    ]


def _mask_figures(masked: list[MaskedRow], seed: int) -> list[Figure]:
    if not masked:
        return []
    counts = np.array([[row.n_good, row.n_masked, row.n_failed, row.n_found] for row in masked], dtype=float)

    def _share(top: int, bottom: int) -> Callable[..., float]:
        return lambda part: float(part[:, top].sum() / part[:, bottom].sum())

    figures = []
    for metric, top, bottom, better, note in (
        ("good pixels masked on healthy full-size pictures", 1, 0, "lower", "at most 0.05 % asked"),
        ("failed pixels that are masked", 3, 2, "higher", ""),
    ):
        found = bootstrap(_share(top, bottom), counts, seed=seed, n_resample=1000)
        low, high, method = found.low, found.high, found.method
        figures.append(
            Figure(
                section=SECTION,
                metric=metric,
                detector=DETECTOR,
                value=found.value,
                low=low,
                high=high,
                k=int(counts[:, top].sum()),
                n=float(counts[:, bottom].sum()),
                method=method.replace("parents", "pictures"),
                better=better,  # type: ignore[arg-type]
                note=note,
            )
        )
    return figures
