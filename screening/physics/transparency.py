"""Calibration steps of a radiograph and the three scale factors that fit them.

The semiempirical transparency model: free-streaming transmission with the mass attenuation of each process
(photoelectric, Compton, pair production) rescaled by one factor per energy channel, fitted to steps of known
material and areal density (Lalor and Danagoulian, arXiv:2302.07131 and NIM A 1064 (2024) 169343).
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .beams import beam, beam_of, rescaled_attenuation
from .materials import SYMBOLS

__all__ = ["ScaleFit", "fit_scales", "semiz_figure"]


class ScaleFit(NamedTuple):
    """A fit of three scale factors.

    Attributes
    ----------
    scales : ndarray of shape (3,), float64
        Factors of photoelectric absorption, Compton scattering and pair production.
    measured : ndarray of shape (n_step,), float64
        -ln of the transmission that was measured.
    predicted : ndarray of shape (n_step,), float64
        That of the model.
    """

    scales: NDArray[np.float64]
    measured: NDArray[np.float64]
    predicted: NDArray[np.float64]

    @property
    def residual(self) -> NDArray[np.float64]:
        """Predicted over measured, less 1."""
        return self.predicted / self.measured - 1.0

    @property
    def worst(self) -> float:
        """Largest residual, without sign."""
        return float(np.abs(self.residual).max())

    @property
    def rms(self) -> float:
        """Root mean square of the residuals."""
        return float(np.sqrt((self.residual**2).mean()))


def fit_scales(
    atomic_number: ArrayLike,
    areal_density_g_cm2: ArrayLike,
    neg_log: ArrayLike,
    energy_kev: ArrayLike,
    weight: ArrayLike,
) -> ScaleFit:
    """Fit the three scale factors of a channel to calibration steps.

    Parameters
    ----------
    atomic_number : array_like of shape (n_step,), int
        Element of each step, 1 to 100.
    areal_density_g_cm2 : array_like of shape (n_step,)
        Its areal density, above 0.
    neg_log : array_like of shape (n_step,)
        Its measured -ln of the transmission, above 0.
    energy_kev : array_like of shape (n_energy,)
        Photon energies of the beam.
    weight : array_like of shape (n_energy,) or (n_step, n_energy)
        Weight of each energy in the air signal, one beam for all steps or one for each.

    Returns
    -------
    ScaleFit
        The factors, with least squares of the relative residuals.

    Raises
    ------
    ValueError
        If there are fewer than three steps, shapes do not match, or a value is outside its range.
    """
    from scipy.optimize import least_squares  # heavy, and few who need attenuation fit scales

    z = np.asarray(atomic_number, dtype=np.int64)
    density = np.asarray(areal_density_g_cm2, dtype=np.float64)
    measured = np.asarray(neg_log, dtype=np.float64)
    energy = np.asarray(energy_kev, dtype=np.float64)
    weights = np.asarray(weight, dtype=np.float64)
    if z.ndim != 1 or z.size < 3 or density.shape != z.shape or measured.shape != z.shape:
        raise ValueError(f"three or more steps are needed, of equal number; got {z.size} elements")
    if not (
        np.all((density > 0.0) & np.isfinite(density)) and np.all((measured > 0.0) & np.isfinite(measured))
    ):
        raise ValueError("areal densities and -ln of transmission must be finite and above 0")
    if not np.all((z >= 1) & (z <= 100)):
        raise ValueError(f"atomic number {int(z.min())} to {int(z.max())} is outside the range 1 to 100")
    if weights.shape not in ((energy.size,), (z.size, energy.size)):
        raise ValueError(f"weights of shape {weights.shape} match neither the energies nor steps by energies")
    if not (np.isfinite(weights).all() and (weights >= 0.0).all() and (weights.sum(axis=-1) > 0.0).all()):
        raise ValueError("weights of a beam must be finite, 0 or more, and not all 0")
    weights = np.broadcast_to(weights / weights.sum(axis=-1, keepdims=True), (z.size, energy.size))
    rows = [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)]
    parts = {
        int(k): np.stack([rescaled_attenuation(SYMBOLS[k], energy, row) for row in rows])
        for k in np.unique(z)
    }
    by_step = np.stack([parts[int(k)] for k in z])

    def _predict(scales: NDArray[np.float64]) -> NDArray[np.float64]:
        exponent = density[:, None] * np.einsum("p,spe->se", scales, by_step)
        return np.asarray(-np.log((np.exp(-exponent) * weights).sum(axis=1)))

    fit = least_squares(lambda scales: _predict(scales) / measured - 1.0, np.ones(3), bounds=(0.0, 10.0))
    return ScaleFit(fit.x, measured, _predict(fit.x))


def semiz_figure(folder: Path) -> dict[str, ScaleFit]:
    """Return the numbers of a figure: published calibration steps against three beams.

    Parameters
    ----------
    folder : Path
        The arrays published with semiZ: ``E.npy``, ``D.npy``, ``phi_6MeV.npy``, ``phi_9MeV.npy``,
        ``Z_calib.npy``, ``lmbda_calib.npy``, ``alpha_L_calib.npy``, ``alpha_H_calib.npy``; steps of carbon,
        iron and lead at 100 places over half a fan of 27 degrees.

    Returns
    -------
    dict of str to ScaleFit
        "6MV theirs" (their spectra and response), "6MV ours" (:func:`screening.physics.beam_of` at each
        angle), "6MV plain" (:func:`screening.physics.beam` everywhere), and so for 9 MV. Steps are in the
        order of places, three a place.

    Raises
    ------
    OSError
        If an array is missing.
    """
    energy_kev = np.maximum(np.load(folder / "E.npy") * 1e3, 5.0)
    response = np.load(folder / "D.npy")
    z = np.load(folder / "Z_calib.npy")
    density = np.load(folder / "lmbda_calib.npy")
    n_place, n_step = z.shape
    angles = np.degrees(np.arccos(np.minimum(100.0 / density[:, 0], 1.0)))
    found = {}
    for label, endpoint_kev, channel in (("6MV", 6000.0, "L"), ("9MV", 9000.0, "H")):
        measured = np.load(folder / f"alpha_{channel}_calib.npy")
        number = np.load(folder / f"phi_{label[0]}MeV.npy") * response
        beams = [beam_of(endpoint_kev, angle_degrees=float(angle)) for angle in angles]
        plain = beam(label)
        cases = {
            "theirs": (energy_kev, number),
            "ours": (beams[0].energy_kev, np.array([item.weight for item in beams])),
            "plain": (plain.energy_kev, np.repeat(plain.weight[None, :], n_place, axis=0)),
        }
        for name, (energy, weight) in cases.items():
            weights = np.repeat(weight, n_step, axis=0)
            fit = fit_scales(z.ravel(), density.ravel(), measured.ravel(), energy, weights)
            found[f"{label} {name}"] = fit
    return found
