"""Random instruments: crystal, housing, resolution, and every fault of their electronics."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.physics import FwhmLaw

from .crystal import Crystal

__all__ = ["DETECTOR_CLASSES", "SURFACES", "Detector", "draw_detector"]

#: Classes of detector: crystal, range of FWHM at 662 keV, the small and the large simulated response
#: between which sizes are drawn, share among draws. Together the widths span 0.19 % (coaxial germanium) to
#: 14 % (poor caesium iodide).
DETECTOR_CLASSES: dict[str, tuple[str, tuple[float, float], tuple[str, str], float]] = {
    "hpge": ("hpge", (0.0019, 0.0045), ("hpge-20", "hpge-50"), 0.2),
    "czt": ("czt", (0.008, 0.026), ("czt-1cm3", "czt-1cm3"), 0.13),
    "labr3": ("labr3", (0.022, 0.040), ("labr3-1.5x1.5", "labr3-3x3"), 0.2),
    "nai": ("nai", (0.060, 0.095), ("nai-1.5x1.5", "nai-3x3"), 0.27),
    "csi": ("csi", (0.060, 0.14), ("csi-1cm3", "csi-3x3cm"), 0.2),
}

#: Share of NaI instruments that are 2 x 4 x 16 inch logs, and of germanium ones that are small planars.
_LOG_SHARE, _PLANAR_SHARE = 0.3, 0.15

#: What throws photons back at a detector: surface and share among draws.
SURFACES: dict[str, float] = {"concrete": 0.6, "steel": 0.25, "water": 0.15}

#: Excess of light at 60 keV that is likely, by class: sign and largest size (relative to 662 keV). Sodium
#: and caesium iodide give more light at low energies, lanthanum bromide less (Moszynski et al. 2016); an
#: instrument's calibration takes out most of it, so 0 to 4 % is left.
_LIGHT: dict[str, tuple[float, float]] = {
    "hpge": (0.0, 0.0), "czt": (0.0, 0.01), "labr3": (-0.04, 0.01), "nai": (-0.005, 0.04),
    "csi": (-0.005, 0.04),
}  # fmt: skip

#: How far gains drift and differ, by class, over those of scintillators on photomultipliers: an instrument
#: whose drift would spoil its resolution is not built, or is stabilised.
_UNSTEADINESS = {"hpge": 0.02, "czt": 0.15, "labr3": 0.5, "nai": 1.0, "csi": 1.0}


class Detector(NamedTuple):
    """One instrument with all its faults.

    Attributes
    ----------
    kind : str
        Class of detector.
    crystal : Crystal
        What photons leave in it, from the Monte Carlo responses.
    law : FwhmLaw
        Resolution.
    tail : float
        Share of a peak in its exponential low-energy tail.
    tail_slope : float
        Decay of the tail, over the peak's standard deviation.
    housing : str
        Material of the housing.
    housing_mm : float
        Its thickness beyond the crystal's own can, mm.
    threshold_kev, threshold_width_kev, ceiling_kev : float
        Low-level discriminator, its width, and the highest energy recorded, keV.
    nonproportionality : float
        Relative excess of light at 60 keV.
    gain, offset_kev, quadratic : float
        Energy of the file = gain * E + offset + quadratic * (E / 1000 keV)^2.
    n_channel : int
        Channels.
    scatter : float
        Photons from the surroundings over those of one endless surface beside the detector.
    surface : str
        What that surface is.
    drift : float
        Change of gain during the measurement, relative.
    gain_spread : float
        Standard deviation of the gains of the crystals summed, relative.
    n_crystal : int
        Crystals summed.
    lanthanum : float
        The crystal's own La-138 over that of natural lanthanum: 1, or 0 where there is none.
    actinium_bq_cm3, quenching : float
        Ac-227 in the crystal, Bq/cm3, and its alphas' light over that of electrons.
    resolving_us : float
        Time in which two events count as one, microseconds.
    """

    kind: str
    crystal: Crystal
    law: FwhmLaw
    tail: float = 0.0
    tail_slope: float = 1.5
    housing: str = "aluminium"
    housing_mm: float = 0.0
    threshold_kev: float = 30.0
    threshold_width_kev: float = 4.0
    ceiling_kev: float = 3000.0
    nonproportionality: float = 0.0
    gain: float = 1.0
    offset_kev: float = 0.0
    quadratic: float = 0.0
    n_channel: int = 1024
    scatter: float = 1.0
    surface: str = "concrete"
    drift: float = 0.0
    gain_spread: float = 0.0
    n_crystal: int = 1
    lanthanum: float = 0.0
    actinium_bq_cm3: float = 0.0
    quenching: float = 0.34
    resolving_us: float = 1.0

    @property
    def edges_kev(self) -> NDArray[np.float64]:
        """Channel edges as the file gives them, keV."""
        return np.linspace(0.0, self.ceiling_kev, self.n_channel + 1)

    def true_kev(self, file_kev: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the deposited energy that is recorded at an energy of the file.

        Parameters
        ----------
        file_kev : ndarray of shape (n,), float64
            Energy of the file, keV, ascending.

        Returns
        -------
        ndarray of shape (n,), float64
            Deposited energy, keV, ascending.
        """
        energy = np.linspace(0.0, 5000.0, 1001)
        # The excess falls off over some hundred keV and is none at 662 keV, where scales are set.
        shape = np.exp(-(energy - 60.0) / 180.0) - np.exp(-(661.7 - 60.0) / 180.0)
        light = energy * (1.0 + self.nonproportionality * shape)
        recorded = self.gain * light + self.offset_kev + self.quadratic * (energy / 1000.0) ** 2
        # Below the first point the mapping goes on with the slope it starts with.
        slope = max(float(recorded[1] - recorded[0]), 1e-6) / 5.0
        below = (np.minimum(file_kev, recorded[0]) - recorded[0]) / slope
        return np.asarray(np.interp(file_kev, recorded, energy) + below)


def draw_detector(
    rng: np.random.Generator,
    kind: str | None = None,
    *,
    calibration_error: float = 1.0,
    harshness: float = 1.0,
) -> Detector:
    """Return a random instrument.

    ============================  ==========================================================================
    what                          range and reason
    ============================  ==========================================================================
    size                          log-uniform in volume between two simulated crystals, 8 to 45 times
    FWHM at 662 keV               log-uniform in the class's range; 0.19 to 14 % over all classes
    exponent of the width         0.5 +- 0.08 within 0.3 to 0.7: what scintillators are measured at
    low-energy tail               0 to 6 % of the peak; 8 to 25 % in CZT, whose holes are trapped
    housing                       0.3 to 5 mm, aluminium (3 of 4) or steel, beyond the crystal's can
    surroundings                  0 to 2 surfaces of concrete, steel or water (a person, wet ground)
    discriminator                 15 to 80 keV log-uniform, soft over 1 to 6 keV
    highest energy                1.4 to 3.2 MeV
    gain, offset                  normal, 1.5 % and 3 keV, cut at 5 % and 15 keV; a twentieth in germanium
    non-proportionality           what calibration leaves of the crystal's own: up to 4 % at 60 keV
    drift in the measurement      one in three: up to 1 %; LaBr3 0.5, CZT 0.15, germanium 0.02 %
    crystals summed               one in five: 2 to 8, gains spread by 0.1 to 0.8 %, less as for the drift
    Ac-227 in LaBr3               0.001 to 0.05 Bq/cm3 log-uniform: between old and new crystals; light of its
                                  alphas 0.32 to 0.36 of electrons, as the humps of a measured one stand
    resolving time                0.2 to 5 microseconds: fast scintillators to shaped germanium
    ============================  ==========================================================================

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    kind : str, optional
        Class in ``DETECTOR_CLASSES``; drawn by share when omitted.
    calibration_error : float, default 1
        Scale of gain, offset and non-proportionality errors, 0 to 10.
    harshness : float, default 1
        Scale of tails, drift and the spread of gains, 0 to 10.

    Returns
    -------
    Detector
        The instrument.

    Raises
    ------
    ValueError
        If the class is unknown, or a scale is outside 0 to 10.
    """
    for name, value in (("calibration_error", calibration_error), ("harshness", harshness)):
        if not 0.0 <= value <= 10.0:
            raise ValueError(f"{name} is {value:g}; allowed: 0 to 10")
    if kind is None:
        names = list(DETECTOR_CLASSES)
        share = np.array([DETECTOR_CLASSES[name][3] for name in names])
        kind = names[int(rng.choice(len(names), p=share / share.sum()))]
    if kind not in DETECTOR_CLASSES:
        raise ValueError(f"unknown class of detector {kind!r}; known: {', '.join(DETECTOR_CLASSES)}")
    _, (r_low, r_high), (small, large), _ = DETECTOR_CLASSES[kind]
    is_germanium = kind == "hpge"
    crystal = Crystal(small, large, float(rng.uniform()) if small != large else 0.0)
    special = rng.random()
    if kind == "nai" and special < _LOG_SHARE:
        crystal = Crystal("nai-2x4x16", "nai-2x4x16", 0.0)
    elif is_germanium and special < _PLANAR_SHARE:
        crystal = Crystal("hpge-planar-small", "hpge-planar-small", 0.0)
    law = FwhmLaw(
        float(np.exp(rng.uniform(np.log(r_low), np.log(r_high)))),
        float(np.clip(rng.normal(0.5, 0.08), 0.3, 0.7)),
        float(rng.uniform(0.6, 1.2)) if is_germanium else 0.0,
    )
    error = calibration_error * (0.05 if is_germanium else 1.0)
    light_low, light_high = _LIGHT[kind]
    drifts, sums = rng.random() < 1 / 3, rng.random() < 1 / 5
    surfaces = list(SURFACES)
    return Detector(
        kind=kind,
        crystal=crystal,
        law=law,
        tail=float(
            min(harshness * (rng.uniform(0.08, 0.25) if kind == "czt" else rng.uniform(0.0, 0.06)), 0.6)
        ),
        tail_slope=float(rng.uniform(0.8, 2.0)),
        housing="aluminium" if rng.random() < 0.75 else "steel",
        housing_mm=float(np.exp(rng.uniform(np.log(0.3), np.log(5.0)))),
        threshold_kev=float(np.exp(rng.uniform(np.log(15.0), np.log(80.0)))),
        threshold_width_kev=float(rng.uniform(1.0, 6.0)),
        ceiling_kev=float(
            rng.choice([1400.0, 1600.0, 2100.0, 2800.0, 3000.0, 3200.0], p=[0.05, 0.05, 0.1, 0.2, 0.4, 0.2])
        ),
        nonproportionality=float(rng.uniform(light_low, light_high) * calibration_error),
        gain=float(1.0 + np.clip(rng.normal(0.0, 0.015), -0.05, 0.05) * error),
        offset_kev=float(np.clip(rng.normal(0.0, 3.0), -15.0, 15.0) * error),
        quadratic=float(rng.normal(0.0, 1.5) * error),
        n_channel=int(rng.choice([4096, 8192, 16384]))
        if is_germanium
        else int(rng.choice([512, 1024, 1024, 2048])),
        scatter=float(rng.uniform(0.0, 2.0)),
        surface=surfaces[int(rng.choice(len(surfaces), p=list(SURFACES.values())))],
        drift=float(harshness * rng.uniform(-0.01, 0.01) * _UNSTEADINESS[kind] * drifts),
        gain_spread=float(harshness * rng.uniform(0.001, 0.008) * _UNSTEADINESS[kind] * sums),
        n_crystal=int(rng.integers(2, 9)) if sums else 1,
        lanthanum=1.0 if kind == "labr3" else 0.0,
        actinium_bq_cm3=float(np.exp(rng.uniform(np.log(0.001), np.log(0.05)))) if kind == "labr3" else 0.0,
        quenching=float(rng.uniform(0.32, 0.36)),
        resolving_us=float(np.exp(rng.uniform(np.log(0.2), np.log(5.0)))),
    )
