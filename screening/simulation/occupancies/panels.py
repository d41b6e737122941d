"""Spectra of a simulated portal's crystals: each source's counts per decay, and the background's shape."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from screening.physics import FwhmLaw, attenuation, nuclide, transmission
from screening.simulation.spectra import Detector, background_counts, expected_counts

__all__ = ["MAX_KEV", "PanelSpectra", "panel_spectra"]

#: Highest channel edge of a simulated spectrum, keV, before the crystal's own gain.
MAX_KEV = 3000.0

#: Spread of the crystals' gains (which the file's calibrations know), and what a calibration gets wrong.
_GAIN_SPREAD, _CALIBRATION_ERROR = 0.01, 0.002

#: Most downscattered photons for each that comes through a shield unscattered.
_MOST_DOWNSCATTER = 4.0


@dataclass(frozen=True, slots=True)
class PanelSpectra:
    """Responses of one portal's crystals.

    Attributes
    ----------
    detectors : tuple of Detector
        The crystals: 2 x 4 x 16 inch NaI logs, alike but for gain and calibration.
    edges_kev : ndarray of shape (n_panel, n_channel + 1), float64
        Channel edges as the portal states them.
    background : ndarray of shape (n_panel, n_channel), float64
        Shape of the background, each row of unit sum; one site for all crystals.
    """

    detectors: tuple[Detector, ...]
    edges_kev: NDArray[np.float64]
    background: NDArray[np.float64]
    _cache: dict[tuple[str, tuple[tuple[str, float], ...]], NDArray[np.float64]] = field(default_factory=dict)

    def source(self, label: str, shielding: tuple[tuple[str, float], ...] = ()) -> NDArray[np.float64]:
        """Return the counts of a source by crystal and channel.

        Parameters
        ----------
        label : str
            Key of :data:`screening.physics.NUCLIDES`.
        shielding : tuple of (str, float)
            Layers: material and areal density, g/cm2.

        Returns
        -------
        ndarray of shape (n_panel, n_channel), float64
            Counts per decay and unit of Omega / 4 pi.
        """
        key = (label, shielding)
        if key not in self._cache:
            source = nuclide(label)
            chosen = (source.energy_kev >= 10.0) & (source.energy_kev <= 10_000.0)
            energy, emitted = source.energy_kev[chosen], source.intensity[chosen]
            passed = emitted.copy()
            free_paths = np.zeros(energy.shape)
            for material, areal_density_g_cm2 in shielding:
                passed *= transmission(material, energy, areal_density_g_cm2)
                free_paths += attenuation(material, energy, process="incoherent") * areal_density_g_cm2
            depth = float((free_paths * passed).sum() / max(passed.sum(), 1e-300))
            self._cache[key] = np.stack(
                [
                    expected_counts(one, energy, passed, downscatter=min(depth, _MOST_DOWNSCATTER))
                    for one in self.detectors
                ]
            )
        return self._cache[key]


def panel_spectra(n_panel: int, n_channel: int, fwhm_662: float, rng: np.random.Generator) -> PanelSpectra:
    """Return the responses of a portal whose crystals differ a little in gain.

    Parameters
    ----------
    n_panel : int
        Crystals.
    n_channel : int
        Channels up to about 3 MeV.
    fwhm_662 : float
        Relative FWHM at 662 keV.
    rng : numpy.random.Generator
        For gains, calibration errors, and the site's background.

    Returns
    -------
    PanelSpectra
        The responses.
    """
    gains = 1.0 + _GAIN_SPREAD * rng.standard_normal(n_panel)
    errors = 1.0 + _CALIBRATION_ERROR * rng.standard_normal(n_panel)
    site = int(rng.integers(0, 2**31))
    detectors = tuple(
        Detector(
            kind="nai",
            crystal="nai",
            path_cm=5.08,
            law=FwhmLaw(fwhm_662),
            tail=0.01,
            window_g_cm2=0.5,
            fill=0.3,
            compton_scale=1.0,
            threshold_kev=35.0,
            threshold_width_kev=4.0,
            ceiling_kev=MAX_KEV * float(gain),
            nonproportionality=0.005,
            gain=float(error),
            offset_kev=0.0,
            quadratic=0.0,
            n_channel=n_channel,
            scatter=1.0,
            intrinsic=0.0,
        )
        for gain, error in zip(gains, errors, strict=True)
    )
    # The same stream for every crystal: they stand at one site.
    shapes = np.stack([background_counts(one, np.random.default_rng(site)) for one in detectors])
    return PanelSpectra(
        detectors=detectors,
        edges_kev=np.stack([one.edges_kev for one in detectors]),
        background=shapes / shapes.sum(axis=1, keepdims=True),
    )
