"""All compiled code: checked functions in front, one thread, the interpreter lock released.

Every kernel has a NumPy twin of the same name in :mod:`screening.kernels.reference`.
"""

from __future__ import annotations

from .counts import parse_counts
from .factors import FactorFit, fit_factors, log_ratios
from .fan import FanRays, trace_bodies, trace_mesh
from .lines import correct_lines, isa
from .photons import PhotonMaterials, PhotonSetup, PhotonTally, transport_photons
from .results import UNSEEN_NEG_LOG, UNSEEN_VARIANCE, CountWindows, LineCorrection
from .spectra import rebin
from .transport import transmit
from .windows import count_windows
from .zeros import classify_zeros

__all__ = [
    "UNSEEN_NEG_LOG",
    "UNSEEN_VARIANCE",
    "CountWindows",
    "FactorFit",
    "FanRays",
    "LineCorrection",
    "PhotonMaterials",
    "PhotonSetup",
    "PhotonTally",
    "classify_zeros",
    "correct_lines",
    "count_windows",
    "fit_factors",
    "isa",
    "log_ratios",
    "parse_counts",
    "rebin",
    "trace_bodies",
    "trace_mesh",
    "transmit",
    "transport_photons",
]
