"""What a bench is asked, and how arrays are kept as bytes."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from screening.config import Settings

from .scale import Form

__all__ = ["KNOWN", "ORACLE", "Plan", "packed", "plan_of", "unpacked"]

#: Names of the observers who are told which source to look for.
KNOWN, ORACLE = "nmf-known-source", "oracle"


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a bench does: all that decides its figures.

    Attributes
    ----------
    what : str
        "street" or "portal".
    form : {"full", "tail", "short"}
        Form.
    seed : int
        Of everything random.
    detectors : tuple of str
        Which.
    settings : Settings
        For others' detectors.
    """

    what: str
    form: Form
    seed: int
    detectors: tuple[str, ...]
    settings: Settings = Settings()


def packed(**arrays: NDArray[Any]) -> bytes:
    """Return arrays as bytes.

    Parameters
    ----------
    **arrays : ndarray
        Arrays of numbers or text.

    Returns
    -------
    bytes
        An npz file.
    """
    held = io.BytesIO()
    members: dict[str, Any] = dict(arrays)
    np.savez_compressed(held, **members)
    return held.getvalue()


def unpacked(data: bytes) -> dict[str, NDArray[Any]]:
    """Return arrays from bytes.

    Parameters
    ----------
    data : bytes
        From `packed`.

    Returns
    -------
    dict of str to ndarray
        The arrays.
    """
    with np.load(io.BytesIO(data), allow_pickle=False) as held:
        return {name: held[name] for name in held.files}


def plan_of(work_dir: Path) -> Plan:
    """Return the plan that a working folder holds.

    Parameters
    ----------
    work_dir : Path
        Folder.

    Returns
    -------
    Plan
        The plan.
    """
    return msgspec.json.decode((work_dir / "plan.json").read_bytes(), type=Plan)
