"""What made a report: versions, machine, settings, shipped models."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from pathlib import Path

from screening import __version__
from screening.classifiers import parse_card, shipped_models
from screening.config import Settings, settings_sha256
from screening.evaluate.fingerprints import code_sha256
from screening.evaluate.record import Provenance
from screening.records import sha256_hex

__all__ = ["machine", "model_hashes", "provenance"]

#: Whose versions can change a figure.
LIBRARIES = ("numpy", "scipy", "scikit-image", "onnxruntime", "h5py", "msgspec")


def provenance(
    settings: Settings,
    command: Sequence[str] = (),
    *,
    data: Mapping[str, str] | None = None,
    seeds: Mapping[str, int] | None = None,
    made_utc: str = "",
    elapsed_s: float = 0.0,
) -> Provenance:
    """Return what made a report.

    Parameters
    ----------
    settings : Settings
        Handed to the detectors.
    command : sequence of str
        Its words; of a path only the name is kept.
    data : mapping of str to str, optional
        sha256 by name. The shipped models are added.
    seeds : mapping of str to int, optional
        By what they seed.
    made_utc : str
        When, ISO 8601; now when empty.
    elapsed_s : float
        How long it took.

    Returns
    -------
    Provenance
        For :func:`screening.evaluate.record.joined`.
    """
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return Provenance(
        version=__version__,
        config_sha256=settings_sha256(settings),
        command=" ".join(_without_path(word) for word in command),
        data={**{f"model {name}": value for name, value in model_hashes().items()}, **(data or {})},
        seeds=dict(seeds or {}),
        machine=machine(),
        made_utc=made_utc or now,
        elapsed_s=elapsed_s,
    )


def machine() -> dict[str, str]:
    """Return processor, cores, system and versions.

    Returns
    -------
    dict of str to str
        No host name, no user, no paths. "code" is one hash of the installed software's own code: versions
        do not change with every edit.
    """
    from screening import kernels

    found = {
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "Python": f"{platform.python_implementation()} {platform.python_version()}",
        "kernels": kernels.isa(),
        "code": code_sha256(),
    }
    for name in LIBRARIES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def model_hashes() -> dict[str, str]:
    """Return the sha256 of each shipped model.

    Returns
    -------
    dict of str to str
        By name and version, of the very bytes.
    """
    root = files("screening.models")
    found = {}
    for name in shipped_models():
        card = parse_card(root.joinpath(name, "card.toml").read_bytes(), name=name)
        found[f"{name} {card.version}"] = sha256_hex(root.joinpath(name, "model.onnx").read_bytes())
    return found


def _processor() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
        named = re.search(r"^model name\s*:\s*(.+)$", text, re.MULTILINE)
    except OSError:
        named = None
    return named.group(1).strip() if named else platform.processor() or platform.machine()


def _without_path(word: str) -> str:
    if " " in word:
        return " ".join(_without_path(piece) for piece in word.split(" "))
    option, equals, value = word.partition("=")
    if option.startswith("-") and equals:
        return f"{option}={_without_path(value)}"
    return re.split(r"[/\\]", word.rstrip("/\\"))[-1] if re.search(r"[/\\]", word) else word
