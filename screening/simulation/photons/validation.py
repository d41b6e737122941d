"""Full-energy efficiency of NaI(Tl) beside reference points, as numbers and as a picture.

The reference points are those of a generic NaI 3 x 3 detector whose files are public (InterSpec, LGPL,
data/GenericGadrasDetectors/NaI 3x3; a fitted model, no measurement of one crystal). Its parameter file
describes no 3 x 3 inch crystal at 25 cm: it says 6.35 cm wide, 7.6 cm long, 0.5 g/cm2 of aluminium before
it, set back by 3 mm, the source at 122 cm. Both set-ups are simulated.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.kernels.photons import PhotonSetup, transport_photons

from .detectors import DETECTORS, Detector, Layer, detector_setup
from .responses import run_seed

__all__ = [
    "REFERENCE_EFFICIENCY",
    "EfficiencyFigure",
    "efficiency_figure",
    "full_energy_efficiency",
    "plot",
    "reference_setups",
]

#: Energy, keV, and full-energy efficiency per photon that meets the face.
REFERENCE_EFFICIENCY: tuple[tuple[float, float], ...] = (
    (59.54, 0.804),
    (122.06, 0.909),
    (356.01, 0.741),
    (661.66, 0.423),
    (1332.5, 0.243),
    (2614.5, 0.139),
)

_AS_STATED = Detector(
    "nai",
    "cylinder",
    (6.35, 7.6),
    (Layer("", 0.115, 0.115, 0.0), Layer("aluminium", 0.185, 0.05, 0.0)),
    "NaI(Tl), 6.35 cm across, 7.6 cm long, 0.5 g/cm2 of aluminium before it",
)


class EfficiencyFigure(NamedTuple):
    """Numbers of the picture.

    Attributes
    ----------
    energy_kev : ndarray of shape (n,), float64
        Energies of the curves, keV.
    curves : dict of str to ndarray of shape (n,)
        Full-energy efficiency by set-up.
    reference : ndarray of shape (6, 2), float64
        Energies, keV, and efficiencies of the reference.
    simulated : dict of str to ndarray of shape (6,)
        Simulated efficiency at the reference's energies, by set-up.
    sigma : dict of str to ndarray of shape (6,)
        Its standard error.
    """

    energy_kev: NDArray[np.float64]
    curves: dict[str, NDArray[np.float64]]
    reference: NDArray[np.float64]
    simulated: dict[str, NDArray[np.float64]]
    sigma: dict[str, NDArray[np.float64]]


def reference_setups() -> dict[str, PhotonSetup]:
    """Return the set-ups that are compared.

    Returns
    -------
    dict of str to PhotonSetup
        "as stated": what the reference's parameter file says; "3 x 3 at 25 cm", "3 x 3 at 40 cm": a 3 x 3
        inch crystal in its can (1.85 mm of magnesia powder, 0.5 mm aluminium), the source on the axis at
        that distance from the can.
    """
    real = DETECTORS["nai-3x3"]
    return {
        "as stated": detector_setup(_AS_STATED, source="point", distance_cm=122.0),
        "3 x 3 at 25 cm": detector_setup(real, source="point", distance_cm=25.0),
        "3 x 3 at 40 cm": detector_setup(real, source="point", distance_cm=40.0),
    }


def full_energy_efficiency(
    setup: PhotonSetup, energy_kev: float, *, histories: int, seed: int
) -> tuple[float, float]:
    """Return the share of photons aimed at the face that deposit all their energy.

    Parameters
    ----------
    setup : PhotonSetup
        Detector and source.
    energy_kev : float
        Energy, keV.
    histories : int
        Photons.
    seed : int
        Seed.

    Returns
    -------
    efficiency : float
        Share.
    sigma : float
        Its standard error.
    """
    edges = np.array([0.0, energy_kev])
    tally = transport_photons(setup, energy_kev, edges, n_histories=histories, seed=seed)
    share = int(tally.peaks[0]) / histories
    return share, float(np.sqrt(share * (1 - share) / histories))


def efficiency_figure(*, histories: int = 200_000, seed: int = 1) -> EfficiencyFigure:
    """Simulate the curves and the points of the comparison.

    Parameters
    ----------
    histories : int, default 200000
        Photons per energy.
    seed : int, default 1
        Seed.

    Returns
    -------
    EfficiencyFigure
        The numbers.
    """
    energy = np.round(np.geomspace(40.0, 3000.0, 24), 2)
    reference = np.array(REFERENCE_EFFICIENCY)
    curves, simulated, sigma = {}, {}, {}
    for name, setup in reference_setups().items():
        found = np.array(
            [
                full_energy_efficiency(setup, e, histories=histories, seed=run_seed(seed, name, k))
                for k, e in enumerate([*energy.tolist(), *reference[:, 0].tolist()])
            ]
        )
        curves[name] = found[: energy.size, 0]
        simulated[name], sigma[name] = found[energy.size :, 0], found[energy.size :, 1]
    return EfficiencyFigure(energy, curves, reference, simulated, sigma)


def plot(path: Path, figure: EfficiencyFigure | None = None) -> Path:
    """Draw the comparison; needs matplotlib (the extra ``report``).

    Parameters
    ----------
    path : Path
        Picture to write, .svg or .png.
    figure : EfficiencyFigure, optional
        Numbers; simulated if not given.

    Returns
    -------
    Path
        The picture.
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    numbers = efficiency_figure() if figure is None else figure
    # A fixed salt and no date, so that the same numbers give the same file.
    with mpl.rc_context({"svg.hashsalt": "efficiency", "svg.fonttype": "none"}):
        drawing = Figure(figsize=(7.0, 5.2), layout="constrained")
        upper, lower = drawing.subplots(2, 1, sharex=True, height_ratios=(3, 1.2))
        at = numbers.reference[:, 0]
        for (name, curve), marker in zip(numbers.curves.items(), "osd", strict=True):
            line = upper.plot(numbers.energy_kev, 100 * curve, label=name)[0]
            ratio = numbers.simulated[name] / numbers.reference[:, 1]
            lower.plot(at, ratio, marker, color=line.get_color(), markersize=5)
        upper.plot(at, 100 * numbers.reference[:, 1], "k+", markersize=11, label="reference")
        lower.axhspan(0.95, 1.05, color="0.9")
        lower.axhline(1.0, color="0.5", linewidth=0.8)
        upper.set(
            xscale="log", yscale="log", ylim=(10, 100), ylabel="full-energy efficiency, %", title="NaI(Tl)"
        )
        upper.legend(fontsize=9)
        lower.set(xlabel="photon energy, keV", ylabel="simulated / reference", ylim=(0.85, 1.1))
        for axes in (upper, lower):
            axes.grid(visible=True, which="both", alpha=0.2)
        path = Path(path)
        drawing.savefig(path, dpi=90, metadata={"Date": None} if path.suffix == ".svg" else None)
    return path
