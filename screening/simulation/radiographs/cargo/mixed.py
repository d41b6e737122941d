"""Containers that hold several kinds of goods, or are filled over part of their length."""

from __future__ import annotations

import itertools

import numpy as np

from screening.simulation.radiographs.hold import Hold, Load

from .registry import CARGO_KINDS, cargo_type

__all__: list[str] = []


def _simple_kinds(hold: Hold) -> list[str]:
    """Return the kinds that fill any dry box of this length, in a fixed order."""
    long_only = ("cars", "van") if hold.length_m < 5.6 else ()
    apart = ("mixed", "half", "flexitank", *long_only)
    return sorted(k for k, kind in CARGO_KINDS.items() if k not in apart and kind.container == "standard")


def _put(load: Load, kind: str, hold: Hold, max_mass_kg: float, rng: np.random.Generator) -> None:
    part = load.part(hold, max_mass_kg)
    CARGO_KINDS[kind].fill(part, rng)
    load.mass_kg += part.mass_kg


@cargo_type("mixed", ("84", "94", "39"), ("consolidated cargo", "groupage", "said to contain: various"))
def _mixed(load: Load, rng: np.random.Generator) -> None:
    """Groupage: several consignments, one behind the other, of unequal length."""
    hold = load.hold
    number = int(rng.integers(2, 6))
    cuts = np.sort(rng.uniform(0.12, 0.88, number - 1))
    edges = hold.y0_m + hold.length_m * np.concatenate([[0.0], cuts, [1.0]])
    for y0, y1 in itertools.pairwise(edges):
        if y1 - y0 < 1.0:
            continue
        part = hold._replace(y0_m=float(y0), y1_m=float(y1) - 0.06)
        kinds = [
            k
            for k in _simple_kinds(part)
            if part.length_m > 3.2 or k not in ("sheets", "slabs", "tubes", "rebar", "logs")
        ]
        share = load.max_mass_kg * part.length_m / hold.length_m
        _put(load, str(rng.choice(kinds)), part, share, rng)


@cargo_type("half", ("84", "39", "94"), ("part load", "samples", "returned goods"))
def _half(load: Load, rng: np.random.Generator) -> None:
    """Fill a container over part of its length, braced with timber."""
    hold = load.hold
    share = max(rng.uniform(0.15, 0.6) * hold.length_m, min(2.6, hold.length_m))
    is_front = rng.random() < 0.7
    start = hold.y0_m if is_front else hold.y1_m - share
    part = hold._replace(y0_m=start, y1_m=start + share)
    kinds = [k for k in _simple_kinds(part) if part.length_m > 4.0 or k not in ("sheets", "slabs")]
    _put(load, str(rng.choice(kinds)), part, load.max_mass_kg, rng)
    brace = part.y1_m + 0.02 if is_front else part.y0_m - 0.12
    if hold.y0_m < brace < hold.y1_m - 0.1 and rng.random() < 0.6:
        for z in (0.3, 1.0):
            load.box("wood", 0.55, (-1.13, 1.13), (brace, brace + 0.1), (hold.z0_m + z, hold.z0_m + z + 0.1))
        for x in (-0.8, 0.7):
            load.box("wood", 0.55, (x, x + 0.1), (brace, brace + 0.1), (hold.z0_m, hold.z0_m + 1.3))
