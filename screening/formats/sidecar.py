"""The TOML sidecar that declares a raw array to be a radiograph."""

from __future__ import annotations

import re
import tomllib
from datetime import datetime
from pathlib import PurePath
from typing import Any, Literal

import msgspec

from screening.errors import FormatError, ResourceLimitError
from screening.records import Device, OperatingMode

__all__ = ["Sidecar", "one_line", "parse_sidecar", "sidecar_name", "sidecar_text"]

_ENERGY = re.compile(r"\d{1,2}(\.\d+)?MV|[A-Z][a-z]?-\d{1,3}m?")


class Sidecar(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The TOML sidecar of a raw array; unknown keys are refused.

    Attributes
    ----------
    modality : {"radiograph"}
        What the array is.
    energies : tuple of str
        "6MV", "4MV", "Cs-137", "Co-60", in the order of the energy axis.
    axes : str
        Order of the array's axes: "row,column,energy" (row = detector, column = line), or any other
        order of the three; "row,column" with one energy.
    pitch_mm : tuple of two floats, or None
        Pixel pitch (row, column), mm.
    dark, air, reference, lost, line_ids, line_time_s : str or None
        Names of .npy files beside the array: dark and air by (row, energy), or as pictures to be
        averaged over their columns; the reference detector and the lost columns by (column, energy);
        line numbers and times by column.
    saturation : int
        Raw value at and above which a pixel is saturated.
    is_dark_subtracted : bool
        The device clipped at 0 after subtracting dark.
    electronic_sigma, gain, scatter_floor : float or None
        Photon-transfer constants, counts; signal of an opaque place over air.
    calibration_id, calibration_made_at : str or None
        Name and time (RFC 3339) of dark and air.
    container_id : str or None
        ISO 6346 number.
    declared_empty : bool or None
        What was declared of the container.
    speed_m_s : float or None
        Speed of the motion, m/s.
    motion : {"forward", "reverse", "unknown"}
        Its direction.
    t_start_utc, t_end_utc : datetime or None
        With a zone.
    site, lane : str or None
        Where it was taken.
    device : Device
        The scanner.
    operating_mode : OperatingMode
        Only Ops can clear cargo.
    """

    modality: Literal["radiograph"]
    energies: tuple[str, ...]
    axes: str
    pitch_mm: tuple[float, float] | None = None
    dark: str | None = None
    air: str | None = None
    reference: str | None = None
    lost: str | None = None
    line_ids: str | None = None
    line_time_s: str | None = None
    saturation: int = 65535
    is_dark_subtracted: bool = False
    electronic_sigma: float | None = None
    gain: float | None = None
    scatter_floor: float | None = None
    calibration_id: str | None = None
    calibration_made_at: str | None = None
    container_id: str | None = None
    declared_empty: bool | None = None
    speed_m_s: float | None = None
    motion: Literal["forward", "reverse", "unknown"] = "unknown"
    t_start_utc: datetime | None = None
    t_end_utc: datetime | None = None
    site: str | None = None
    lane: str | None = None
    device: Device = Device()
    operating_mode: OperatingMode = OperatingMode.OPS

    def __post_init__(self) -> None:
        if not self.energies or not all(_ENERGY.fullmatch(item) for item in self.energies):
            raise ValueError(f"energies needs names as 6MV, Cs-137 or Co-60, got {list(self.energies)}")
        order = self.axes.replace(" ", "").split(",")
        if sorted(order) not in (["column", "energy", "row"], ["column", "row"]):
            raise ValueError(f'axes needs an order of "row,column,energy", got {self.axes!r}')
        for time in (self.t_start_utc, self.t_end_utc):
            if time is not None and time.tzinfo is None:
                raise ValueError(f"a time needs a zone, got {time}")


def sidecar_name(name: str) -> str:
    """Return the name of an array's sidecar.

    Parameters
    ----------
    name : str
        File name of the array.

    Returns
    -------
    str
        The same name ending in ``.toml``.
    """
    return PurePath(name).with_suffix(".toml").name


def parse_sidecar(data: bytes, *, name: str) -> Sidecar:
    """Return a sidecar.

    Parameters
    ----------
    data : bytes
        TOML.
    name : str
        File name, for messages.

    Returns
    -------
    Sidecar
        What it says.

    Raises
    ------
    FormatError
        If it is no TOML, or a key is missing, unknown or wrong.
    """
    if len(data) > 1 << 20:
        raise ResourceLimitError(f"{name}: a sidecar of {len(data)} bytes", value=len(data))
    try:
        return msgspec.convert(tomllib.loads(data.decode("utf-8")), Sidecar)
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError, RecursionError) as error:
        raise FormatError(f"{name}: {one_line(error)}", value=str(error)) from None


def one_line(error: Exception) -> str:
    """Return an exception's message, cut to one short line.

    Parameters
    ----------
    error : Exception
        Anything a parser raised.

    Returns
    -------
    str
        At most 120 characters.
    """
    return (str(error).splitlines() or [type(error).__name__])[0][:120]


def sidecar_text(values: dict[str, Any]) -> str:
    """Return a sidecar as TOML.

    Parameters
    ----------
    values : dict
        Keys of Sidecar; None is left out, a nested dict becomes a table.

    Returns
    -------
    str
        TOML.
    """
    plain = {key: value for key, value in values.items() if value is not None and not isinstance(value, dict)}
    lines = [f"{key} = {_toml(value)}" for key, value in plain.items()]
    for key, value in values.items():
        if isinstance(value, dict):
            lines += ["", f"[{key}]"]
            lines += [f"{inner} = {_toml(item)}" for inner, item in value.items() if item is not None]
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, str):
        # A TOML basic string escapes as JSON does.
        return msgspec.json.encode(value).decode("utf-8").replace("\x7f", "\\u007f")
    return repr(value)
