"""Seals and programmes as detectors under test."""

from __future__ import annotations

from .agreement import Agreement, cohen_kappa
from .folders import run_records
from .programme import programme_part, run_programme
from .records import ContainerRun, CustodyRead, ExpectedContainer, SealTrip
from .seals import run_seals, seal_part
from .simulated import (
    ProgrammeModel,
    SealModel,
    SimulatedProgramme,
    SimulatedSeals,
    simulate_programme,
    simulate_seal_trials,
    write_programme,
    write_seal_trials,
)
from .waiting import waiting_quantile

__all__ = [
    "Agreement",
    "ContainerRun",
    "CustodyRead",
    "ExpectedContainer",
    "ProgrammeModel",
    "SealModel",
    "SealTrip",
    "SimulatedProgramme",
    "SimulatedSeals",
    "cohen_kappa",
    "programme_part",
    "run_programme",
    "run_records",
    "run_seals",
    "seal_part",
    "simulate_programme",
    "simulate_seal_trials",
    "waiting_quantile",
    "write_programme",
    "write_seal_trials",
]
