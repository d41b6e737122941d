"""Photons through nested bodies: what a detector keeps, or what comes out of a shield.

Photoelectric absorption with K lines, incoherent scattering by Klein and Nishina with a scattering
function, coherent scattering with a form factor, pair production with both annihilation quanta. Electrons
stay where they are, except that those above 100 keV may leak out of the crystal along a straight path of
their range, and radiate (a thick-target spectrum) above 30 keV. L lines and Doppler broadening are left out.
"""

from __future__ import annotations

import operator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from . import _photons as _engine

__all__ = [
    "N_COLUMN",
    "N_LINE",
    "N_SLOT",
    "PEAKS",
    "SHAPES",
    "SOURCES",
    "PhotonMaterials",
    "PhotonSetup",
    "PhotonTally",
    "node_energies_kev",
    "transport_photons",
]

#: Shapes of the bodies, all of one shape in a set-up.
SHAPES = ("box", "cylinder", "sphere")

#: Where photons start; see :class:`PhotonSetup`.
SOURCES = ("point", "parallel", "isotropic", "centre", "surface")

#: What is counted apart from the histogram, in the order of :attr:`PhotonTally.peaks`.
PEAKS = ("full", "k-alpha", "k-beta", "single", "double", "511")

#: Columns of a material's table: attenuation (1/cm), cumulative shares (photoelectric, incoherent,
#: coherent), cumulative shares of photoelectric events with a K line (three elements), electron path (cm),
#: share of electrons that do not radiate.
N_COLUMN = 9

#: Elements of a material with K lines, and lines of each: alpha 1, alpha 2, beta 1 (with 3), beta 2.
N_SLOT, N_LINE = 3, 4

#: Photon energies a history may start with, keV.
ENERGY_RANGE_KEV = (2.0, 20000.0)

#: Nearest point source, in half widths of the crystal: nearer ones would start over without end.
LEAST_DISTANCE = 0.01

#: Least square of a form factor's scale: with less, all scatter is within rounding of straight on.
LEAST_FORM = 1e-12

_N_OCTAVE, _PER_OCTAVE = 15, 128


def node_energies_kev() -> NDArray[np.float64]:
    """Return the energies of the rows of a material's table.

    128 steps to an octave, equal within it: a row is found from the bits of an energy, without a logarithm.

    Returns
    -------
    ndarray of shape (1921,), float64
        1 keV to 2^15 keV.
    """
    octave = 2.0 ** np.arange(_N_OCTAVE)
    inside = 1.0 + np.arange(_PER_OCTAVE) / _PER_OCTAVE
    return np.append((octave[:, None] * inside).ravel(), 2.0**_N_OCTAVE)


class PhotonMaterials(NamedTuple):
    """What photons meet in each material.

    Attributes
    ----------
    table : ndarray of shape (n_material, 1921, 9), float32
        By the energies of :func:`node_energies_kev`; the columns are those of ``N_COLUMN``.
    binding : ndarray of shape (n_material,), float64
        Scale x0 of the incoherent scattering function x / (x + x0), 1/angstrom.
    form : ndarray of shape (n_material,), float64
        Square of the scale b of the form factor 1 / (1 + x^2 / b^2), 1/angstrom^2.
    line_kev : ndarray of shape (n_material, 3, 4), float64
        K line energies, keV; 0 where there is none.
    line_cum : ndarray of shape (n_material, 3, 4), float64
        Cumulative shares of the lines of an element.
    """

    table: NDArray[np.float32]
    binding: NDArray[np.float64]
    form: NDArray[np.float64]
    line_kev: NDArray[np.float64]
    line_cum: NDArray[np.float64]


class PhotonSetup(NamedTuple):
    """Nested bodies and a source.

    Attributes
    ----------
    materials : PhotonMaterials
        Tables of the materials.
    shape : str
        One of ``SHAPES``.
    bounds_cm : ndarray of shape (n_region, 4), float64
        From the innermost body out, each within the next: half width and half height (box) or radius and
        0, and the low and high end along z; a sphere has its radius alone, about the origin.
    material : ndarray of shape (n_region,), int32
        Material of the part of each body outside the one within, -1 for nothing.
    crystal : int
        Body whose deposits are scored; -1 scores the photons that come out of the outermost body instead.
    source : str
        "point": on the axis, `distance_cm` before the outermost body, at the crystal's front face (its low
        z end); "parallel": along z, evenly over that face; "isotropic": from the half-space before it, as
        an isotropic field crosses it; "centre": at the origin, in all directions; "surface": into the
        outermost body through its front, every cosine as likely (a point above a wide surface), and only
        what comes back through the front side is scored.
    distance_cm : float
        Distance of a point source, cm; it is at least a hundredth of the crystal's half width before it.
    """

    materials: PhotonMaterials
    shape: str
    bounds_cm: NDArray[np.float64]
    material: NDArray[np.int32]
    crystal: int
    source: str
    distance_cm: float = 0.0


class PhotonTally(NamedTuple):
    """What came of some histories.

    Attributes
    ----------
    n_histories : int
        Source photons followed.
    histogram : ndarray of shape (n_bin,), int64
        Histories by the energy they deposit in the crystal, or photons that came out after an interaction
        by their energy, without those in `peaks`.
    peaks : ndarray of shape (6,), int64
        Histories that deposit exactly: all energy; all but a K alpha line; all but a K beta line; all but
        one annihilation quantum; all but two; one annihilation quantum. For photons that come out: those of
        the source's energy (scattered coherently alone), K alpha, K beta and annihilation quanta at their
        places, the rest 0.
    peak_kev : ndarray of shape (6,), float64
        Mean energy lost in each of them (of the photons that come out: mean energy); 0 where there are none.
    n_scored : int
        Histories with any deposit, or photons that came out after an interaction.
    n_uncollided : int
        Histories whose photon left without an interaction.
    n_outside : int
        Scored but outside the bins.
    energy_kev : ndarray of shape (4,), float64
        Sums over all histories: of the source photons, left in any body, of the photons that came out, of
        the electrons that leaked from the crystal; the first is the sum of the others.
    """

    n_histories: int
    histogram: NDArray[np.int64]
    peaks: NDArray[np.int64]
    peak_kev: NDArray[np.float64]
    n_scored: int
    n_uncollided: int
    n_outside: int
    energy_kev: NDArray[np.float64]


def transport_photons(
    setup: PhotonSetup, energy_kev: float, edges_kev: NDArray[np.float64], *, n_histories: int, seed: int
) -> PhotonTally:
    """Follow photons of one energy until they are absorbed or have left.

    The same arguments give the same bytes on every processor: the random numbers are xoshiro256+ and
    the logarithm is the kernel's own.

    Parameters
    ----------
    setup : PhotonSetup
        Bodies and source.
    energy_kev : float
        Energy of the source photons, 2 to 20,000 keV.
    edges_kev : ndarray of shape (n_bin + 1,), float64
        Edges of the histogram, keV, not decreasing; a bin without a width stays empty.
    n_histories : int
        Source photons.
    seed : int
        Seed, 0 to 2^64 - 1.

    Returns
    -------
    PhotonTally
        Counts.

    Raises
    ------
    TypeError
        If an array has another dtype, or histories or seed are not whole numbers.
    ValueError
        If a shape does not fit, a body does not lie within the next, a name is unknown, or a number is
        not finite or outside its range.
    """
    low, high = ENERGY_RANGE_KEV
    if not low <= energy_kev <= high:
        raise ValueError(f"photon energy {energy_kev:g} keV is outside the range, {low:g} to {high:g} keV")
    n_histories, seed = operator.index(n_histories), operator.index(seed)
    if not 0 < n_histories <= 2**48:
        raise ValueError(f"n_histories must be 1 to 2^48, got {n_histories}")
    if not 0 <= seed < 2**64:
        raise ValueError(f"seed must be 0 to 2^64 - 1, got {seed}")
    _check_edges(edges_kev)
    _check_setup(setup)
    materials = setup.materials
    histogram, peaks, lost, n_scored, n_uncollided, n_outside, *energy = _engine.transport_photons(
        np.ascontiguousarray(materials.table),
        np.ascontiguousarray(materials.binding),
        np.ascontiguousarray(materials.form),
        np.ascontiguousarray(materials.line_kev),
        np.ascontiguousarray(materials.line_cum),
        np.ascontiguousarray(setup.bounds_cm),
        np.ascontiguousarray(setup.material),
        SHAPES.index(setup.shape),
        SOURCES.index(setup.source),
        setup.crystal,
        setup.distance_cm,
        energy_kev,
        np.ascontiguousarray(edges_kev),
        n_histories,
        seed,
    )
    peak_kev = lost / np.maximum(peaks, 1)
    return PhotonTally(
        n_histories, histogram, peaks, peak_kev, n_scored, n_uncollided, n_outside, np.array(energy)
    )


def _check_edges(edges: NDArray[np.float64]) -> None:
    if edges.dtype != np.float64:
        raise TypeError(f"edges_kev needs dtype float64, got {edges.dtype}")
    if edges.ndim != 1 or len(edges) < 2:
        raise ValueError(f"edges_kev needs shape (n_bin + 1,), got {edges.shape}")
    if not np.isfinite(edges).all() or (np.diff(edges) < 0).any():
        raise ValueError(f"edges_kev must be finite and not decrease, got {edges}")


def _check_setup(setup: PhotonSetup) -> None:
    for name, value, known in (("shape", setup.shape, SHAPES), ("source", setup.source, SOURCES)):
        if value not in known:
            raise ValueError(f"unknown {name} {value!r}; known: {', '.join(known)}")
    if not 0 <= setup.distance_cm <= 1e6 or (setup.source == "point" and setup.distance_cm == 0):
        raise ValueError(
            f"distance_cm must be 0 to 1e6 cm, above 0 for a point source, got {setup.distance_cm:g}"
        )
    n_material = _check_materials(setup.materials)
    bounds, material = setup.bounds_cm, setup.material
    for name, array, dtype in (("bounds_cm", bounds, np.float64), ("material", material, np.int32)):
        if array.dtype != dtype:
            raise TypeError(f"{name} needs dtype {np.dtype(dtype)}, got {array.dtype}")
    if bounds.ndim != 2 or bounds.shape[1] != 4 or len(bounds) < 1 or material.shape != (len(bounds),):
        raise ValueError(
            "bounds_cm and material need shapes (n_region, 4) and (n_region,), "
            f"got {bounds.shape} and {material.shape}"
        )
    if ((material < -1) | (material >= n_material)).any():
        raise ValueError(f"material must be -1 to {n_material - 1}, got {material}")
    if not -1 <= setup.crystal < len(bounds) or (setup.crystal >= 0 and material[setup.crystal] < 0):
        raise ValueError(f"crystal must be -1 or a body with a material, got {setup.crystal}")
    if setup.crystal < 0 and setup.source in ("point", "parallel", "isotropic"):
        raise ValueError(f"a {setup.source} source aims at a crystal, and there is none")
    if setup.shape == "sphere" and setup.source != "centre":
        raise ValueError(f"a sphere takes a source in its centre, got {setup.source!r}")
    _check_bounds(setup.shape, bounds)
    innermost = bounds[0]
    if setup.source == "centre" and setup.shape != "sphere" and not innermost[2] < 0.0 < innermost[3]:
        raise ValueError(
            f"a source in the centre needs z = 0 within the innermost body, "
            f"got {innermost[2]:g} to {innermost[3]:g} cm"
        )
    if setup.source == "point":
        face = bounds[setup.crystal]
        wide = float(face[:2].max() if setup.shape == "box" else face[0])
        away = float(face[2] - bounds[-1, 2]) + setup.distance_cm
        if away < LEAST_DISTANCE * wide:
            raise ValueError(
                f"a point source must be {LEAST_DISTANCE * wide:g} cm or more before a crystal of that half "
                f"width, {LEAST_DISTANCE:g} of it, got {away:g} cm"
            )


def _check_bounds(shape: str, bounds: NDArray[np.float64]) -> None:
    if not (np.abs(bounds) <= 1e9).all():
        raise ValueError("bounds_cm must be finite, within 1e9 cm")
    wide = bounds[:, :2] if shape == "box" else bounds[:, :1]
    if not (wide > 0).all() or (shape != "sphere" and not (bounds[:, 3] > bounds[:, 2]).all()):
        raise ValueError(f"every body needs an extent above 0, got bounds_cm {bounds.tolist()}")
    grows = (np.diff(wide, axis=0) >= 0).all()
    if shape != "sphere":
        grows = grows and (np.diff(bounds[:, 2]) <= 0).all() and (np.diff(bounds[:, 3]) >= 0).all()
    if not grows:
        raise ValueError(f"every body must lie within the next, got bounds_cm {bounds.tolist()}")


def _check_materials(materials: PhotonMaterials) -> int:
    n_material = len(materials.table)
    n_node = _N_OCTAVE * _PER_OCTAVE + 1
    shapes = {
        "table": (n_material, n_node, N_COLUMN),
        "binding": (n_material,),
        "form": (n_material,),
        "line_kev": (n_material, N_SLOT, N_LINE),
        "line_cum": (n_material, N_SLOT, N_LINE),
    }
    for name, shape in shapes.items():
        array = getattr(materials, name)
        dtype = np.float32 if name == "table" else np.float64
        if array.dtype != dtype:
            raise TypeError(f"{name} needs dtype {np.dtype(dtype)}, got {array.dtype}")
        if array.shape != shape or n_material < 1:
            raise ValueError(f"{name} needs shape {shape}, got {array.shape}")
        if not (np.isfinite(array).all() and (array >= 0).all()):
            raise ValueError(f"{name} must be finite and not negative")
    if not (materials.form >= LEAST_FORM).all():
        raise ValueError(f"form must be {LEAST_FORM:g} or more, got {float(materials.form.min()):g}")
    return n_material
