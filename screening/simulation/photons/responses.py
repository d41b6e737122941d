"""Write the response tables that :mod:`screening.physics.response` reads."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from screening.kernels.photons import PhotonSetup, transport_photons
from screening.physics.detector import ELECTRON_REST_KEV
from screening.physics.response import ENERGY_RANGE_KEV, RESPONSES, deposit_edges_kev

from .detectors import DETECTORS, Detector, detector_setup
from .fluorescence import K_LINES
from .matter import body_material

__all__ = [
    "DEFAULT_HISTORIES",
    "DEFAULT_SEED",
    "incident_energies_kev",
    "run_seed",
    "tabulated",
    "write_responses",
]

#: What the shipped table was made with.
DEFAULT_HISTORIES, DEFAULT_SEED = 1_000_000, 20260

_SOURCE = (
    "parallel beam along the axis, evenly over the crystal's front face, in vacuum; per photon that would "
    "cross that face"
)


def run_seed(seed: int, name: str, k: int) -> int:
    """Return the seed of one run, so that leaving out others changes nothing.

    Parameters
    ----------
    seed : int
        Seed of the table.
    name : str
        What is simulated.
    k : int
        Number of the run.

    Returns
    -------
    int
        Seed of 64 bits.
    """
    sequence = np.random.SeedSequence([seed, zlib.crc32(name.encode()), k])
    return int(sequence.generate_state(1, np.uint64)[0])


def incident_energies_kev(detector: Detector) -> NDArray[np.float64]:
    """Return the incident energies of a detector's table.

    Equal steps of the logarithm, finer below 100 keV; where pieces of the axis open; and both sides of the
    crystal's K edges.

    Parameters
    ----------
    detector : Detector
        Crystal and housing.

    Returns
    -------
    ndarray of shape (n,), float64
        Energies, keV, increasing.
    """
    low, high = ENERGY_RANGE_KEV
    wanted = [*np.geomspace(low, 100.0, 20), *np.geomspace(100.0, high, 33)[1:]]
    rest = ELECTRON_REST_KEV
    fixed = [rest / 2, rest, 4 * rest / 3, 2 * rest]
    for symbol, _ in body_material(detector.crystal).composition:
        if symbol in K_LINES and K_LINES[symbol].edge_kev > low:
            fixed += [K_LINES[symbol].edge_kev * 0.988, K_LINES[symbol].edge_kev * 1.012]
    # Steps of less than 2.5 % beside a fixed energy say nothing new.
    kept = [e for e in wanted if e in (low, high) or min(abs(np.log(e / f)) for f in fixed) > 0.025]
    # Six digits: the same on every processor.
    return np.array([float(f"{e:.6g}") for e in sorted([*kept, *fixed])])


def tabulated(
    setup: PhotonSetup,
    energies_kev: NDArray[np.float64],
    name: str,
    histories: int,
    seed: int,
    progress: Callable[[str, float, int], None] | None = None,
) -> dict[str, NDArray[np.generic]]:
    """Simulate a set-up at some energies, and return what a table keeps of it.

    Parameters
    ----------
    setup : PhotonSetup
        Detector and source.
    energies_kev : ndarray of shape (n,), float64
        Incident energies, keV.
    name : str
        For the seeds of the runs, and for `progress`.
    histories : int
        Photons at each energy.
    seed : int
        Seed.
    progress : callable, optional
        Called with name, energy (keV) and histories after each run.

    Returns
    -------
    dict of str to ndarray
        ``incident_kev``; ``peaks`` and ``lost_kev`` (n, 6), float32; ``continuum`` (n, 192), float16, over
        its largest bin ``scale`` (n,), float32.
    """
    peaks, lost, continuum = [], [], []
    for k, energy in enumerate(energies_kev.tolist()):
        tally = transport_photons(
            setup, energy, deposit_edges_kev(energy), n_histories=histories, seed=run_seed(seed, name, k)
        )
        peaks.append(tally.peaks / histories)
        lost.append(tally.peak_kev)
        continuum.append(tally.histogram / histories)
        if progress is not None:
            progress(name, energy, histories)
    rows = np.array(continuum)
    scale = rows.max(axis=1)
    scale[scale == 0] = 1.0
    return {
        "incident_kev": energies_kev,
        "peaks": np.array(peaks, dtype=np.float32),
        # Rounded to 0.1 eV: the sum of a great many equal numbers carries noise in its last bits.
        "lost_kev": np.round(np.array(lost), 4).astype(np.float32),
        "continuum": (rows / scale[:, None]).astype(np.float16),
        "scale": scale.astype(np.float32),
    }


def write_responses(
    out_dir: Path,
    names: Iterable[str] | None = None,
    histories: int = DEFAULT_HISTORIES,
    seed: int = DEFAULT_SEED,
    progress: Callable[[str, float, int], None] | None = None,
) -> Path:
    """Simulate detectors and write ``responses.npz``.

    With the defaults this is the table the package ships, byte for byte.

    Parameters
    ----------
    out_dir : Path
        Folder to write to.
    names : iterable of str, optional
        Detectors; all of :data:`screening.physics.RESPONSES` if not given.
    histories : int, default 1000000
        Photons per detector and energy.
    seed : int, default 20260
        Seed.
    progress : callable, optional
        Called with detector, energy (keV) and histories after each run.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ValueError
        If a detector is unknown or `histories` is below 1.
    """
    wanted = tuple(RESPONSES if names is None else names)
    unknown = [name for name in wanted if name not in DETECTORS]
    if unknown:
        raise ValueError(f"unknown detector {unknown[0]!r}; known: {', '.join(DETECTORS)}")
    arrays = {}
    for name in wanted:
        detector = DETECTORS[name]
        part: dict[str, NDArray[np.generic]] = {
            "text": np.array([detector.crystal, detector.description, _SOURCE]),
            "numbers": np.array([detector.face_area_cm2, detector.volume_cm3, histories]),
        }
        energies = incident_energies_kev(detector)
        part |= tabulated(detector_setup(detector), energies, name, histories, seed, progress)
        arrays.update({f"{name}/{key}": value for key, value in part.items()})
    path = Path(out_dir) / "responses.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as stream:
        np.savez_compressed(stream, allow_pickle=False, **arrays)
    return path
