"""Responses to photons from elsewhere than a distant source: from a source near by, and from all around.

The tables of :mod:`screening.physics.response` are for a parallel beam on the front face. A source one
centimetre before a small crystal sends most of its photons through corners and out of the sides, so that
its peaks at 662 keV are a third lower; a background comes from everywhere. ``tables/views.npz`` is written
by :func:`write_views` with the same Monte Carlo. A view is asked for by name: "csi-1cm3@near",
"nai-3x3@around".
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from screening.physics.response import RESPONSES, Response, response, stored_response
from screening.simulation.photons.detectors import DETECTORS, Detector, detector_setup
from screening.simulation.photons.responses import incident_energies_kev, tabulated

__all__ = ["AROUND", "NEAR", "NEAR_CM", "any_response", "write_views"]

#: Crystals small enough to be held against a source.
NEAR: tuple[str, ...] = (
    "csi-1cm3", "czt-1cm3", "hpge-planar-small", "csi-3x3cm", "labr3-1.5x1.5", "nai-1.5x1.5",
)  # fmt: skip

#: Crystals whose background is drawn: all but the plastic panel.
AROUND: tuple[str, ...] = tuple(name for name in RESPONSES if name != "pvt-panel")

#: Distance of a near source from the front of the housing, cm: a source with its holder on the case.
NEAR_CM = 1.0

_HISTORIES, _SEED = 300_000, 20261


def any_response(name: str) -> Response:
    """Return the response of a detector to a distant source, or one of its views.

    Parameters
    ----------
    name : str
        Name in :data:`screening.physics.response.RESPONSES`, or with "@near" or "@around" behind it.

    Returns
    -------
    Response
        Its table. Chances are per photon that would cross the front face; of a view from all around,
        ``face_area_cm2`` is a quarter of the whole surface: what an even flux of one photon/cm2 crosses.

    Raises
    ------
    ValueError
        If there is no such detector or view.
    """
    if "@" not in name:
        return response(name)
    plain, view = name.split("@", 1)
    known = {"near": NEAR, "around": AROUND}.get(view)
    if known is None or plain not in known:
        raise ValueError(
            f"unknown view {name!r}; known: @near of {', '.join(NEAR)}; @around of {', '.join(AROUND)}"
        )
    return _load(name)


def write_views(
    out_dir: Path,
    histories: int = _HISTORIES,
    seed: int = _SEED,
    progress: Callable[[str, int], None] | None = None,
) -> Path:
    """Simulate all views and write ``views.npz``.

    Parameters
    ----------
    out_dir : Path
        Folder to write to.
    histories : int, default 300000
        Photons per view and energy.
    seed : int, default 20261
        Seed.
    progress : callable, optional
        Called with each view's name and the histories at each energy.

    Returns
    -------
    Path
        The file.
    """
    arrays: dict[str, NDArray[np.generic]] = {}
    for name in (*(f"{one}@near" for one in NEAR), *(f"{one}@around" for one in AROUND)):
        plain, view = name.split("@")
        source = "point" if view == "near" else "isotropic"
        detector = DETECTORS[plain]
        setup = detector_setup(detector, source=source, distance_cm=NEAR_CM if view == "near" else 0.0)
        area = detector.face_area_cm2 if view == "near" else 0.25 * _surface_cm2(detector)
        arrays[f"{name}/numbers"] = np.array([area, detector.volume_cm3, histories])
        part = tabulated(setup, incident_energies_kev(detector), name, histories, seed)
        arrays.update({f"{name}/{key}": values for key, values in part.items()})
        if progress is not None:
            progress(name, histories)
    out_dir.mkdir(parents=True, exist_ok=True)
    path = out_dir / "views.npz"
    with path.open("wb") as stream:
        np.savez_compressed(stream, allow_pickle=False, **arrays)
    return path


def _surface_cm2(detector: Detector) -> float:
    """Return the area of the whole surface."""
    if detector.shape == "box":
        width, height, depth = detector.size_cm
        return 2.0 * (width * height + height * depth + depth * width)
    diameter, length = detector.size_cm
    return float(np.pi * diameter * (0.5 * diameter + length))


@cache
def _load(name: str) -> Response:
    plain, view = name.split("@")
    distant = response(plain)
    source = (
        f"point {NEAR_CM:g} cm before the housing" if view == "near" else "isotropic, through the front face"
    )
    path = files("screening.simulation.spectra") / "tables" / "views.npz"
    with path.open("rb") as stream, np.load(stream) as table:
        return stored_response(
            table, name, crystal=distant.crystal, description=distant.description, source=source
        )
