"""What made a report: versions, settings and machine, without names or paths of the place."""

from __future__ import annotations

import os
import platform
import time
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from screening import __version__, kernels
from screening.config import Settings, settings_sha256

from .record import Provenance

__all__ = ["machine", "provenance_of"]

_LIBRARIES = ("numpy", "scipy", "scikit-image", "onnxruntime", "h5py", "msgspec")


def provenance_of(settings: Settings, *, started: float, command: str = "") -> Provenance:
    """Return the provenance of a report that is about to be written.

    Parameters
    ----------
    settings : Settings
        Of the detectors.
    started : float
        ``time.perf_counter()`` when the work began.
    command : str
        As it was given, without paths.

    Returns
    -------
    Provenance
        Hashes of data and seeds come from the parts.
    """
    return Provenance(
        version=__version__,
        config_sha256=settings_sha256(settings),
        command=command,
        machine=machine(),
        made_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        elapsed_s=round(time.perf_counter() - started, 3),
    )


def machine() -> dict[str, str]:
    """Return what the machine is, as far as it explains a figure.

    Returns
    -------
    dict of str to str
        Processor, cores, system, Python and library versions; no host name.
    """
    found = {
        "processor": _processor(),
        "cores": str(os.cpu_count() or 0),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "kernels": kernels.isa(),
    }
    for name in _LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in text.splitlines() if line.startswith("model name")]
    return names[0] if names else platform.machine()
