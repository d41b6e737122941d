"""Vehicles for the emulators: the same traffic for a portal and for a scanner, from one seed."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import count, islice
from typing import Any, Literal

import numpy as np

from screening.clearance import Signer
from screening.errors import ConfigurationError
from screening.records import Level, Manifest, SealEvent, Targeting, utc_string
from screening.simulation.occupancies import OccupancyRecipe, simulate_occupancy
from screening.simulation.occupancies.traffic import draw_recipe
from screening.simulation.presets import ContainerRecipe, demo_traffic
from screening.simulation.radiographs import recipe_from_dict, simulate_radiograph

from .traffic import Passage, Vehicle

__all__ = ["TRAFFIC", "portal_passages", "scanner_passages"]

#: The demonstration's containers, once; endless quiet or mixed traffic.
TRAFFIC = ("demo", "quiet", "mixed")

_GATEWAY = "exercise gateway"


def portal_passages(
    traffic: str, seed: int, *, n: int | None = None, gateway: Signer | None = None, has_spectra: bool = True
) -> Iterator[Callable[[], Passage]]:
    """Return what makes each vehicle's passage through a portal.

    Parameters
    ----------
    traffic : str
        One of `TRAFFIC`.
    seed : int
        Seed of everything random.
    n : int, optional
        At most so many vehicles.
    gateway : Signer, optional
        Signs the readings of seals; without it they are unsigned, which is no evidence.
    has_spectra : bool
        Simulate the spectroscopic portal beside it as well.

    Yields
    ------
    callable
        Simulates one passage.

    Raises
    ------
    ConfigurationError
        If the traffic is unknown.
    """
    if traffic == "demo":
        pairs = zip(demo_traffic(seed, portal="rpm"), demo_traffic(seed, portal="srpm"), strict=True)
        for gross, spectral in islice(pairs, n):
            yield _portal_maker(gross.occupancy, spectral.occupancy, _vehicle(gross, gateway), has_spectra)
        return
    _check(traffic)
    for index in islice(count(), n):
        gross_recipe = draw_recipe(traffic, seed, index)
        spectral_recipe = draw_recipe(f"{traffic}-spectra", seed, index)
        vehicle = _drawn_vehicle(gross_recipe, gateway)
        yield _portal_maker(gross_recipe, spectral_recipe, vehicle, has_spectra)


def scanner_passages(
    traffic: str,
    seed: int,
    *,
    n: int | None = None,
    gateway: Signer | None = None,
    scanner: str = "dual",
    scale: float = 1.0,
) -> Iterator[Callable[[], Passage]]:
    """Return what makes each vehicle's passage through a scanner.

    Parameters
    ----------
    traffic : str
        One of `TRAFFIC`.
    seed : int
        Seed of everything random.
    n : int, optional
        At most so many vehicles.
    gateway : Signer, optional
        Signs the readings of seals.
    scanner : str
        Kind of scanner, as radiograph recipes name it.
    scale : float
        Pixel size over that of a full picture.

    Yields
    ------
    callable
        Simulates one passage.

    Raises
    ------
    ConfigurationError
        If the traffic is unknown.
    """
    if traffic == "demo":
        for container in islice(demo_traffic(seed, scale=scale), n):
            fields = {**container.radiograph, "scanner": scanner}
            yield _scanner_maker(fields, _vehicle(container, gateway))
        return
    _check(traffic)
    for index in islice(count(), n):
        vehicle = _drawn_vehicle(draw_recipe(traffic, seed, index), gateway)
        rng = np.random.default_rng(np.random.SeedSequence([seed, index, 0x5CA7]))
        is_quiet = traffic == "quiet" or rng.random() < 0.8
        kind = "loaded" if is_quiet else str(rng.choice(["empty", "dense", "shielded"]))
        fields = {"kind": kind, "scanner": scanner, "scale": scale, "seed": int(rng.integers(0, 2**31))}
        yield _scanner_maker(fields, vehicle)


def _check(traffic: str) -> None:
    if traffic not in TRAFFIC:
        raise ConfigurationError(f"unknown traffic {traffic!r}; known: {', '.join(TRAFFIC)}", value=traffic)


def _portal_maker(
    gross: OccupancyRecipe, spectral: OccupancyRecipe, vehicle: Vehicle, has_spectra: bool
) -> Callable[[], Passage]:
    def make() -> Passage:
        scan, _ = simulate_occupancy(gross)
        spectra = simulate_occupancy(spectral)[0] if has_spectra else None
        return Passage(vehicle, scan, str(uuid.uuid4()), spectra)

    return make


def _scanner_maker(fields: dict[str, Any], vehicle: Vehicle) -> Callable[[], Passage]:
    def make() -> Passage:
        scan, _ = simulate_radiograph(recipe_from_dict(fields))
        return Passage(vehicle, scan, str(uuid.uuid4()))

    return make


def _vehicle(container: ContainerRecipe, gateway: Signer | None) -> Vehicle:
    return Vehicle(
        container_id=container.container_id,
        manifest=container.manifest,
        targeting=(_targeting(container.container_id, container.targeting),),
        seal_events=_seal_events(container.container_id, container.seal, gateway),
    )


def _drawn_vehicle(recipe: OccupancyRecipe, gateway: Signer | None) -> Vehicle:
    container_id = recipe.container_id or "SIMU0000000"
    return Vehicle(
        container_id=container_id,
        manifest=Manifest(is_declared_empty=recipe.is_declared_empty, goods=recipe.goods),
        targeting=(_targeting(container_id, Level.LOW),),
        seal_events=_seal_events(container_id, "INTACT", gateway),
    )


def _targeting(container_id: str, level: Level) -> Targeting:
    return Targeting(
        container_id=container_id,
        level=level,
        administration="exercise customs",
        source="simulated advance data",
        at=_hours_ago(20.0),
    )


def _seal_events(
    container_id: str, state: Literal["INTACT", "BROKEN", "UNVERIFIED"], gateway: Signer | None
) -> tuple[SealEvent, ...]:
    seal_id = f"EX{container_id[4:]}"

    def event(kind: Literal["SEALED", "READ", "BROKEN"], hours_ago: float) -> SealEvent:
        read = SealEvent(
            container_id=container_id,
            seal_id=seal_id,
            event=kind,
            at=_hours_ago(hours_ago),
            place="exercise yard",
            reader=_GATEWAY,
        )
        return read if gateway is None or state == "UNVERIFIED" else gateway.seal(read)

    if state == "BROKEN":
        return (event("SEALED", 6.0), event("BROKEN", 1.0))
    return (event("SEALED", 6.0), event("READ", 0.5))


def _hours_ago(hours: float) -> str:
    # Whole hours of today: the portal's and the scanner's feed tell the same event the same way.
    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    return utc_string(now - timedelta(hours=hours)) or ""
