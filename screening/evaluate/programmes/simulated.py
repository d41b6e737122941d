"""Simulated trials of seals and records of a programme, with a stated model of errors.

They show that the figures recover what was put in, and what the tables look like. They say nothing of any
real device or port.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np

from screening.records import Action, Level

from .records import NOT_OPENED, ContainerRun, CustodyRead, ExpectedContainer, SealTrip
from .tables import CONTAINERS, CUSTODY, EXPECTED, TRIALS, write_table

__all__ = [
    "ProgrammeModel",
    "SealModel",
    "SimulatedProgramme",
    "SimulatedSeals",
    "simulate_programme",
    "simulate_seal_trials",
    "write_programme",
    "write_seal_trials",
]

_FIRST_DAY = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)


class SealModel(msgspec.Struct, frozen=True, kw_only=True):
    """What a simulated seal does wrong, and how often.

    Attributes
    ----------
    name : str
        Of the model.
    detection : dict of str to float
        Probability that an opening of each kind is reported.
    false_tampers_per_trip : float
        Mean of a Poisson number, on every trip, spread evenly over it.
    temperature_factor : dict of str to float
        Factor on it in each temperature; the strata.
    read_probability : dict of str to float
        Probability of a reading at each custody point.
    gap, low_battery, fault : float
        Probability of each on a trip; a seal with a fault reports no opening.
    report_delay_s : float
        Mean of the exponential time from an opening to its report.
    """

    name: str = "example"
    detection: dict[str, float] = msgspec.field(
        default_factory=lambda: {"doors": 0.95, "hinge": 0.80, "wall": 0.30}
    )
    false_tampers_per_trip: float = 0.03
    temperature_factor: dict[str, float] = msgspec.field(
        default_factory=lambda: {"cold": 2.0, "mild": 1.0, "hot": 1.5}
    )
    read_probability: dict[str, float] = msgspec.field(
        default_factory=lambda: {"sealing": 0.995, "port gate": 0.98, "border": 0.96}
    )
    gap: float = 0.05
    low_battery: float = 0.02
    fault: float = 0.01
    report_delay_s: float = 120.0


class SimulatedSeals(NamedTuple):
    """Trips and the readings that were due on them."""

    trips: tuple[SealTrip, ...]
    reads: tuple[CustodyRead, ...]


def simulate_seal_trials(
    n_trip: int,
    *,
    seed: int,
    models: tuple[SealModel, ...] = (SealModel(),),
    opened_share: float = 0.5,
    trips_per_device: int = 1,
) -> SimulatedSeals:
    """Simulate trips of seals, some of them opened on the way.

    Parameters
    ----------
    n_trip : int
        Trips of each model.
    seed : int
        Of everything random.
    models : tuple of SealModel
        The models.
    opened_share : float
        Probability that a trip is opened once, at a moment spread evenly over it.
    trips_per_device : int
        Trips that one device makes.

    Returns
    -------
    SimulatedSeals
        With their truth. An opening whose report would come after arrival is not reported.

    Raises
    ------
    ValueError
        If a number is out of range.
    """
    if n_trip < 1 or trips_per_device < 1 or not 0.0 <= opened_share <= 1.0:
        raise ValueError(f"no trials from {n_trip} trips, {trips_per_device} a device, {opened_share} opened")
    trips: list[SealTrip] = []
    reads: list[CustodyRead] = []
    for number, model in enumerate(models):
        rng = np.random.default_rng(np.random.SeedSequence([seed, number, 0x5EA1]))
        for index in range(n_trip):
            trip = _trip(model, f"{model.name}-{index:05d}", index // trips_per_device, opened_share, rng)
            trips.append(trip)
            spacing = (trip.arrived_at - trip.departed_at) / max(1, len(model.read_probability))
            for k, (point, p) in enumerate(model.read_probability.items()):
                at = trip.departed_at + k * spacing
                reads.append(
                    CustodyRead(
                        trip=trip.trip, seal=trip.seal, point=point, read_at=at if rng.random() < p else None
                    )
                )
    return SimulatedSeals(tuple(trips), tuple(reads))


def _trip(
    model: SealModel, name: str, device: int, opened_share: float, rng: np.random.Generator
) -> SealTrip:
    departed = _FIRST_DAY + timedelta(seconds=int(rng.integers(0, 200 * 86400)))
    long_s = int(rng.uniform(2.0, 6.0) * 86400)
    arrived = departed + timedelta(seconds=long_s)
    temperature = str(rng.choice(list(model.temperature_factor)))
    has_fault = bool(rng.random() < model.fault)
    reports: list[datetime] = []
    kind, opened_at = NOT_OPENED, None
    if rng.random() < opened_share:
        kind = str(rng.choice(list(model.detection)))
        opened_at = departed + timedelta(seconds=int(rng.integers(0, long_s)))
        is_seen = bool(rng.random() < model.detection[kind])
        told = opened_at + timedelta(seconds=int(rng.exponential(model.report_delay_s)))
        if is_seen and not has_fault and told <= arrived:
            reports.append(told)
    mean = model.false_tampers_per_trip * model.temperature_factor[temperature]
    # after an opening a further report is no false one: false tampers stop with it
    watched = ((opened_at or arrived) - departed).total_seconds()
    n_false = int(rng.poisson(mean * watched / long_s))
    reports += [departed + timedelta(seconds=int(rng.uniform(0.0, watched))) for _ in range(n_false)]
    return SealTrip(
        trip=name,
        seal=f"{model.name}-{device:05d}",
        model=model.name,
        route=str(rng.choice(["rail", "road", "sea"])),
        temperature=temperature,
        departed_at=departed,
        arrived_at=arrived,
        opening_kind=kind,
        opened_at=opened_at,
        reports=tuple(sorted(reports)),
        has_gap=bool(rng.random() < model.gap),
        has_low_battery=bool(rng.random() < model.low_battery),
        has_fault=has_fault,
    )


def write_seal_trials(folder: str | Path, simulated: SimulatedSeals) -> None:
    """Write simulated trials as :func:`.seals.run_seals` reads them.

    Parameters
    ----------
    folder : path-like
        Made if needed.
    simulated : SimulatedSeals
        Trips and readings.

    Raises
    ------
    StoreError
        If a table cannot be written.
    """
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    write_table(root / TRIALS, simulated.trips)
    write_table(root / CUSTODY, simulated.reads)


class ProgrammeModel(msgspec.Struct, frozen=True, kw_only=True):
    """What a simulated programme does, and how often it leaves something out.

    Attributes
    ----------
    step : dict of str to float
        Probability of each of the steps "targeting", "seal", "radiation", and of "image" where it is due.
    targeting : tuple of float
        Probabilities of LOW, UNKNOWN and HIGH on advance data.
    same_targeting : float
        Probability that the other administration takes this one's view; else it draws its own.
    radiation : tuple of float
        Probabilities of LOW, UNKNOWN and HIGH at the portal.
    decision_h : tuple of float
        Median, hours, and spread in the logarithm of the time to decide.
    destuff, accept : float
        Probability that an imaged box is emptied, and that a cleared one is accepted at the border.
    recorded : float
        Probability that an announced container is recorded at all.
    """

    step: dict[str, float] = msgspec.field(
        default_factory=lambda: {"targeting": 0.99, "seal": 0.97, "radiation": 0.995, "image": 0.95}
    )
    targeting: tuple[float, float, float] = (0.85, 0.10, 0.05)
    same_targeting: float = 0.7
    radiation: tuple[float, float, float] = (0.96, 0.03, 0.01)
    decision_h: tuple[float, float] = (6.0, 0.8)
    destuff: float = 0.2
    accept: float = 0.9
    recorded: float = 0.998


class SimulatedProgramme(NamedTuple):
    """Announced containers, what was recorded, and when the record was closed."""

    expected: tuple[ExpectedContainer, ...]
    containers: tuple[ContainerRun, ...]
    as_of: datetime


def simulate_programme(
    n_list: int, n_container: int, *, seed: int, model: ProgrammeModel | None = None, open_h: float = 48.0
) -> SimulatedProgramme:
    """Simulate the record of a programme.

    Parameters
    ----------
    n_list : int
        Vessels or trains.
    n_container : int
        Containers on each.
    seed : int
        Of everything random.
    model : ProgrammeModel, optional
        What it does.
    open_h : float
        Hours from one arrival to the next; the record is closed that long after the last one.

    Returns
    -------
    SimulatedProgramme
        With the decisions that had been made by then.
    """
    chosen = ProgrammeModel() if model is None else model
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0x9A06]))
    as_of = _FIRST_DAY + timedelta(hours=open_h * n_list)
    expected, found = [], []
    from screening.simulation.presets import container_number

    for k in range(n_list):
        name = f"train-{k:03d}"
        arrived = _FIRST_DAY + timedelta(hours=open_h * k)
        for i in range(n_container):
            number = container_number((k * n_container + i) % 1_000_000)
            expected.append(ExpectedContainer(container_id=number, list=name))
            one = _container(chosen, number, name, arrived, as_of, rng)
            if rng.random() < chosen.recorded:
                found.append(one)
    return SimulatedProgramme(tuple(expected), tuple(found), as_of)


def _container(
    model: ProgrammeModel,
    number: str,
    name: str,
    arrived: datetime,
    as_of: datetime,
    rng: np.random.Generator,
) -> ContainerRun:
    levels = (Level.LOW, Level.UNKNOWN, Level.HIGH)
    ours = levels[int(rng.choice(3, p=model.targeting))]
    theirs = ours if rng.random() < model.same_targeting else levels[int(rng.choice(3, p=model.targeting))]
    radiation = levels[int(rng.choice(3, p=model.radiation))]
    done = {step: bool(rng.random() < p) for step, p in model.step.items()}
    targeting = ours if done["targeting"] else None
    seen = radiation if done["radiation"] else None
    is_due = targeting is not Level.LOW or seen is not Level.LOW
    image = (Level.LOW if rng.random() < 0.7 else Level.UNKNOWN) if is_due and done["image"] else None
    median_h, spread = model.decision_h
    decided = arrived + timedelta(hours=round(median_h * float(np.exp(rng.normal(0.0, spread))), 3))
    is_decided = decided <= as_of
    is_destuffed = image is not None and bool(rng.random() < model.destuff)
    action = Action.CLEARED_FOR_DEPARTURE
    if seen is not Level.LOW:
        action = Action.REFER_SECONDARY_RAD
    elif is_destuffed:
        action = Action.REFER_DESTUFF
    elif is_due:
        action = Action.REFER_NII
    is_accepted = bool(rng.random() < model.accept)
    return ContainerRun(
        container_id=number,
        list=name,
        arrived_at=arrived,
        targeting=targeting,
        targeting_other=theirs,
        is_sealed=done["seal"],
        radiation=seen,
        image=image,
        decided_at=decided if is_decided else None,
        action=action if is_decided else None,
        is_destuffed=is_destuffed and is_decided,
        border=("ACCEPT" if is_accepted else "RE_EXAMINE") if is_decided else None,
    )


def write_programme(folder: str | Path, simulated: SimulatedProgramme) -> None:
    """Write a simulated record as :func:`.programme.run_programme` reads it.

    Parameters
    ----------
    folder : path-like
        Made if needed.
    simulated : SimulatedProgramme
        The record.

    Raises
    ------
    StoreError
        If a table cannot be written.
    """
    root = Path(folder)
    root.mkdir(parents=True, exist_ok=True)
    write_table(root / EXPECTED, simulated.expected)
    write_table(root / CONTAINERS, simulated.containers)
