"""Ready-made traffic: containers with all that the chain is shown on."""

from __future__ import annotations

from typing import Any, Literal

import msgspec
import numpy as np
from stdnum import iso6346

from screening.records import Level, Manifest

from .occupancies import OccupancyRecipe, SourceRecipe

__all__ = ["SIMULATED_OWNER", "ContainerRecipe", "container_number", "demo_traffic"]

#: Owner code of simulated containers: four letters, the last a U for freight containers.
SIMULATED_OWNER = "SIMU"


class ContainerRecipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One container with all the evidence that will be gathered on it.

    Attributes
    ----------
    name : str
        Short name of the case ("norm", "lost lines").
    text : str
        What it stands for, for a person.
    container_id : str
        ISO 6346 number.
    occupancy : OccupancyRecipe
        Its pass through the portal.
    radiograph : dict
        Fields of :class:`screening.simulation.radiographs.RadiographRecipe`.
    targeting : Level
        Risk on advance data.
    manifest : Manifest
        What was declared.
    seal : {"INTACT", "BROKEN", "UNVERIFIED"}
        State of its seal.
    """

    name: str
    text: str
    container_id: str
    occupancy: OccupancyRecipe
    radiograph: dict[str, Any]
    targeting: Level
    manifest: Manifest
    seal: Literal["INTACT", "BROKEN", "UNVERIFIED"] = "INTACT"


def container_number(serial: int, owner: str = SIMULATED_OWNER) -> str:
    """Return a container number with its check digit.

    Parameters
    ----------
    serial : int
        Serial number, 0 to 999999.
    owner : str
        Owner code and equipment category, four letters.

    Returns
    -------
    str
        Eleven characters, valid under ISO 6346.

    Raises
    ------
    ValueError
        If the serial number has more than six digits.
    """
    if not 0 <= serial <= 999_999:
        raise ValueError(f"a serial number has six digits, got {serial}")
    body = f"{owner}{serial:06d}"
    return f"{body}{iso6346.calc_check_digit(body)}"


def demo_traffic(
    seed: int, *, portal: Literal["rpm", "srpm"] = "srpm", scale: float = 4.0
) -> list[ContainerRecipe]:
    """Return the containers of the demonstration, in the order they arrive.

    Parameters
    ----------
    seed : int
        Seed of everything random; the cases themselves are always these.
    portal : {"rpm", "srpm"}
        Which portal they pass.
    scale : float
        Pixel size of their radiographs over a full picture's.

    Returns
    -------
    list of ContainerRecipe
        Sixteen containers: innocent ones, NORM, a patient, industrial sources bare and shielded,
        neutrons, empties, a dense object, lost lines, a pass without speed.
    """
    rng = np.random.default_rng(np.random.SeedSequence([seed, 0xDE30]))
    first = int(rng.integers(100_000, 900_000))
    cases = _cases()
    found = []
    for i, (name, text, fields, picture, manifest, targeting, seal) in enumerate(cases):
        number = container_number((first + 37 * i) % 1_000_000)
        case_seed = int(rng.integers(0, 2**31))
        depth = fields.pop("suppression", None)
        speed = fields.pop("speed_m_s", None)
        drawn_depth, drawn_speed = rng.uniform(0.24, 0.36), rng.uniform(1.8, 2.6)
        occupancy = OccupancyRecipe(
            portal=portal,
            container_id=number,
            seed=case_seed,
            suppression=round(float(drawn_depth), 3) if depth is None else depth,
            speed_m_s=round(float(drawn_speed), 2) if speed is None else speed,
            is_declared_empty=manifest.is_declared_empty,
            goods=manifest.goods,
            **fields,
        )
        radiograph = {
            "kind": "loaded",
            "lines_lost": 0.0,
            "scale": scale,
            **picture,
            "declared_empty": manifest.is_declared_empty,
            "container_id": number,
            "seed": case_seed % 2**31,
        }
        found.append(
            ContainerRecipe(
                name=name,
                text=text,
                container_id=number,
                occupancy=occupancy,
                radiograph=radiograph,
                targeting=targeting,
                manifest=manifest,
                seal=seal,
            )
        )
    return found


_Case = tuple[
    str,
    str,
    dict[str, Any],
    dict[str, Any],
    Manifest,
    Level,
    Literal["INTACT", "BROKEN", "UNVERIFIED"],
]


def _loaded(*goods: str) -> Manifest:
    return Manifest(is_declared_empty=False, goods=goods)


def _spread(label: str, activity_mbq: float, material: str, areal_density_g_cm2: float) -> SourceRecipe:
    """Return a load of NORM along the whole box, behind half of its own depth."""
    return SourceRecipe(
        label=label,
        activity_mbq=activity_mbq,
        position_m=10.4,
        spread_m=11.6,
        shielding=((material, areal_density_g_cm2),),
    )


def _cases() -> list[_Case]:
    """Return name, text, occupancy fields, radiograph fields, manifest, targeting and seal."""
    patient = (("tissue", 12.0),)
    return [
        (
            "textiles",
            "textiles, nothing to find",
            {},
            {"cargo": "textiles"},
            _loaded("6109"),
            Level.LOW,
            "INTACT",
        ),
        ("boxes", "cartons, nothing to find", {}, {"cargo": "boxes"}, _loaded("9403"), Level.LOW, "INTACT"),
        (
            "fertiliser",
            "potassium chloride, 24 t: NORM along the whole box",
            {"sources": (_spread("K-40", 380.0, "potassium-chloride", 25.0),), "suppression": 0.38},
            {"cargo": "sacks"},
            _loaded("3104"),
            Level.LOW,
            "INTACT",
        ),
        (
            "patient",
            "the driver was given Tc-99m",
            {
                "sources": (
                    SourceRecipe(label="Tc-99m", activity_mbq=20.0, position_m=1.6, shielding=patient),
                )
            },
            {"cargo": "boxes"},
            _loaded("8471"),
            Level.LOW,
            "INTACT",
        ),
        (
            "gauge",
            "an undeclared Cs-137 level gauge among machine parts",
            {
                "sources": (
                    SourceRecipe(
                        label="Cs-137", activity_mbq=4.0, position_m=12.0, shielding=(("steel", 8.0),)
                    ),
                )
            },
            {"cargo": "lumps"},
            _loaded("8479"),
            Level.LOW,
            "INTACT",
        ),
        (
            "orphan source",
            "Co-60 in scrap",
            {
                "sources": (
                    SourceRecipe(
                        label="Co-60", activity_mbq=3.0, position_m=7.5, shielding=(("steel", 10.0),)
                    ),
                ),
                "suppression": 0.42,
            },
            {"cargo": "lumps"},
            _loaded("7204"),
            Level.UNKNOWN,
            "INTACT",
        ),
        (
            "lead pig",
            "Cs-137 in 5 cm of lead: opaque in the picture",
            {
                "sources": (
                    SourceRecipe(
                        label="Cs-137", activity_mbq=1000.0, position_m=10.0, shielding=(("lead", 57.0),)
                    ),
                )
            },
            {"kind": "shielded"},
            _loaded("8413"),
            Level.UNKNOWN,
            "INTACT",
        ),
        (
            "neutrons",
            "a kilogram of plutonium behind lead and polyethylene: neutrons",
            {
                "sources": (
                    SourceRecipe(
                        label="WGPu",
                        activity_mbq=1.02e7,
                        position_m=9.0,
                        shielding=(("lead", 23.0), ("polyethylene", 10.0)),
                        neutrons_per_s=6e4,
                        radius_g_cm2=45.0,
                    ),
                )
            },
            {"kind": "shielded"},
            _loaded("8501"),
            Level.HIGH,
            "INTACT",
        ),
        (
            "empty",
            "an empty container, declared empty",
            {"suppression": 0.12},
            {"kind": "empty"},
            Manifest(is_declared_empty=True),
            Level.UNKNOWN,
            "INTACT",
        ),
        (
            "not empty",
            "declared empty, and loaded",
            {},
            {"kind": "loaded", "cargo": "half"},
            Manifest(is_declared_empty=True),
            Level.UNKNOWN,
            "INTACT",
        ),
        (
            "dense object",
            "a block of steel among light goods",
            {},
            {"kind": "dense"},
            _loaded("9404"),
            Level.UNKNOWN,
            "INTACT",
        ),
        (
            "lost lines",
            "a radiograph with lines that never arrived",
            {},
            {"cargo": "bales", "lines_lost": 0.06},
            _loaded("5201"),
            Level.UNKNOWN,
            "INTACT",
        ),
        (
            "no speed",
            "the portal measured no speed",
            {"has_speed": False},
            {"cargo": "boxes"},
            _loaded("4819"),
            Level.LOW,
            "INTACT",
        ),
        (
            "furniture",
            "furniture, referred on advance data, nothing to find",
            {},
            {"cargo": "boxes"},
            _loaded("9401"),
            Level.HIGH,
            "INTACT",
        ),
        (
            "broken seal",
            "a seal found broken",
            {},
            {"cargo": "textiles"},
            _loaded("6203"),
            Level.LOW,
            "BROKEN",
        ),
        (
            "sacks",
            "coffee in sacks, nothing to find",
            {},
            {"cargo": "bales"},
            _loaded("0901"),
            Level.LOW,
            "INTACT",
        ),
    ]
