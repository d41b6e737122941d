"""A scan in pieces, as it arrives: a header, blocks of intervals or lines, a trailer.

Stream readers emit these; the pipeline is fed with them; :class:`ScanBuilder` puts a scan together.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from .occupancy import Occupancy
from .radiograph import Radiograph
from .scan import Gap, InputRef, ScanIdentity, ScanNote

__all__ = ["Block", "IntervalBlock", "LineBlock", "Scan", "ScanBuilder", "ScanHeader", "ScanTrailer", "split"]


class Scan(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One scan, whole.

    Attributes
    ----------
    identity : ScanIdentity
        Who, where, when.
    payload : Occupancy or Radiograph
        What was measured, raw.
    inputs : tuple of InputRef
        The bytes it came from.
    notes : tuple of ScanNote
        What the reader saw; a note with a reason code raises it.
    """

    identity: ScanIdentity
    payload: Occupancy | Radiograph
    inputs: tuple[InputRef, ...] = ()
    notes: tuple[ScanNote, ...] = ()

    @property
    def modality(self) -> Literal["radiation", "radiograph"]:
        """Which analysis the payload asks for."""
        return "radiation" if isinstance(self.payload, Occupancy) else "radiograph"


class ScanHeader(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What is known when a scan begins.

    Attributes
    ----------
    identity : ScanIdentity
        Who, where, when it began.
    modality : {"radiation", "radiograph"}
        What follows: IntervalBlocks or LineBlocks.
    fixed : dict
        Payload fields that hold for the whole scan (``panel_ids``, ``energies``, ``calibration``,
        ``background``, ``pitch_mm``, ...).
    """

    identity: ScanIdentity
    modality: Literal["radiation", "radiograph"]
    fixed: dict[str, Any]


class IntervalBlock(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Consecutive intervals of an occupancy; fields as in Occupancy, k intervals.

    Attributes
    ----------
    t_s, interval_s : ndarray of shape (k,), float64
        Start and length of each interval.
    gamma_counts : ndarray of shape (k, n_panel), int64
        Gross counts.
    live_time_s : ndarray of shape (k, n_panel), float64, or None
        Live times.
    spectra : ndarray of shape (k, n_panel, n_channel), uint32, or None
        Spectra.
    neutron_counts : ndarray of shape (m, n_neutron_panel), int64, or None
        Neutron counts on their own cadence.
    neutron_interval_s : ndarray of shape (m,), float64, or None
        Their intervals.
    is_occupied : ndarray of shape (k,), bool, or None
        Occupancy state.
    """

    t_s: NDArray[np.float64]
    interval_s: NDArray[np.float64]
    gamma_counts: NDArray[np.int64]
    live_time_s: NDArray[np.float64] | None = None
    spectra: NDArray[np.uint32] | None = None
    neutron_counts: NDArray[np.int64] | None = None
    neutron_interval_s: NDArray[np.float64] | None = None
    is_occupied: NDArray[np.bool_] | None = None


class LineBlock(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """Consecutive columns of a radiograph, lost lines in their place.

    Attributes
    ----------
    raw : ndarray of shape (n_row, k, n_energy), uint16
        Raw counts, 0 where lost.
    is_lost : ndarray of shape (k, n_energy), bool
        What was never received.
    line_ids : ndarray of shape (k,), int64
        Unwrapped line numbers.
    line_time_s : ndarray of shape (k,), float64
        Times after the scan's start; NaN where lost.
    reference : ndarray of shape (k, n_energy), float32, or None
        Reference detector.
    """

    raw: NDArray[np.uint16]
    is_lost: NDArray[np.bool_]
    line_ids: NDArray[np.int64]
    line_time_s: NDArray[np.float64]
    reference: NDArray[np.float32] | None = None


Block = IntervalBlock | LineBlock


class ScanTrailer(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """What is known only at the end.

    Attributes
    ----------
    t_end_utc : datetime or None
        End of the scan.
    fixed : dict
        Payload fields learned late (``speed_m_s``, ``is_complete``, ``is_tampered``, ``faults``,
        ``device_alarms``, ``motion``).
    gaps : tuple of Gap
        What is missing.
    inputs : tuple of InputRef
        The bytes received.
    notes : tuple of ScanNote
        What the reader saw.
    """

    t_end_utc: datetime | None = None
    fixed: dict[str, Any] = {}
    gaps: tuple[Gap, ...] = ()
    inputs: tuple[InputRef, ...] = ()
    notes: tuple[ScanNote, ...] = ()


class ScanBuilder:
    """Put a scan together from its pieces.

    Parameters
    ----------
    header : ScanHeader
        The beginning.
    """

    def __init__(self, header: ScanHeader) -> None:
        self.header = header
        self._blocks: list[Block] = []

    def add(self, block: Block) -> None:
        """Append a block.

        Parameters
        ----------
        block : IntervalBlock or LineBlock
            The next intervals or lines.

        Raises
        ------
        TypeError
            If the block is not of the header's modality.
        """
        wanted = IntervalBlock if self.header.modality == "radiation" else LineBlock
        if not isinstance(block, wanted):
            raise TypeError(
                f"a {self.header.modality} scan takes {wanted.__name__}, got {type(block).__name__}"
            )
        self._blocks.append(block)

    def build(self, trailer: ScanTrailer) -> Scan:
        """Return the whole scan.

        Parameters
        ----------
        trailer : ScanTrailer
            The end.

        Returns
        -------
        Scan
            The scan.

        Raises
        ------
        ValueError
            If no block was added, or the blocks do not fit together.
        """
        if not self._blocks:
            raise ValueError(f"scan {self.header.identity.scan_id} holds no data")
        fields = {**self.header.fixed, **trailer.fixed, "gaps": trailer.gaps}
        payload: Occupancy | Radiograph
        if self.header.modality == "radiation":
            payload = Occupancy(**fields, **_joined(self._blocks, axis=0))
        else:
            payload = Radiograph(**fields, **_joined(self._blocks, axis=0, raw_axis=1))
        identity = self.header.identity
        if trailer.t_end_utc is not None:
            identity = msgspec.structs.replace(identity, t_end_utc=trailer.t_end_utc)
        return Scan(identity=identity, payload=payload, inputs=trailer.inputs, notes=trailer.notes)


def _joined(blocks: list[Block], *, axis: int, raw_axis: int = 0) -> dict[str, Any]:
    joined: dict[str, Any] = {}
    for name in blocks[0].__struct_fields__:
        parts = [getattr(block, name) for block in blocks]
        present = [part for part in parts if part is not None]
        if not present:
            joined[name] = None
            continue
        if len(present) != len(parts) and not name.startswith("neutron"):
            raise ValueError(f"{name} is given in {len(present)} of {len(parts)} blocks")
        if len(present) == 1:
            joined[name] = present[0]
        else:
            joined[name] = np.concatenate(present, axis=raw_axis if name == "raw" else axis)
    return joined


def split(scan: Scan) -> tuple[ScanHeader, Block, ScanTrailer]:
    """Return a scan as one header, one block and one trailer.

    Parameters
    ----------
    scan : Scan
        A whole scan.

    Returns
    -------
    header : ScanHeader
        Its beginning.
    block : IntervalBlock or LineBlock
        Its data.
    trailer : ScanTrailer
        Its end.
    """
    payload = scan.payload
    fields = {name: getattr(payload, name) for name in payload.__struct_fields__}
    gaps = fields.pop("gaps")
    block: Block
    if isinstance(payload, Occupancy):
        block = IntervalBlock(**{name: fields.pop(name) for name in IntervalBlock.__struct_fields__})
    else:
        taken = {name: fields.pop(name) for name in LineBlock.__struct_fields__}
        n_column, n_energy = payload.raw.shape[1:]
        if taken["is_lost"] is None:
            taken["is_lost"] = np.zeros((n_column, n_energy), dtype=bool)
        if taken["line_ids"] is None:
            taken["line_ids"] = np.arange(n_column, dtype=np.int64)
        if taken["line_time_s"] is None:
            taken["line_time_s"] = np.full(n_column, np.nan)
        block = LineBlock(**taken)
    header = ScanHeader(identity=scan.identity, modality=scan.modality, fixed=fields)
    trailer = ScanTrailer(t_end_utc=scan.identity.t_end_utc, gaps=gaps, inputs=scan.inputs, notes=scan.notes)
    return header, block, trailer
