"""Threats put into measured pictures: a labelled data set from clean traffic.

Any radiograph that the sources read serves as a base, with or without calibration. Threats are projected in
thickness space, in every energy, the scatter floor kept and the missing noise drawn
(:mod:`screening.simulation.radiographs.projection`). Each base gives itself, its positives, and for each of
them an innocent look-alike at the same place; all of them are one scene.

What is not known of a measured picture is said: the geometry is assumed unless given, a base is taken to be
without threats because its owner says so, and what is opaque in it is what the analysis calls so.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from screening.errors import ConfigurationError
from screening.evaluate.samples import TruthBox
from screening.evaluate.truths import encode_mask, write_truths
from screening.records import Radiograph, Scan, file_scan_id, sha256_hex

if TYPE_CHECKING:
    from screening.simulation.radiographs.geometry import FanGeometry, Region
    from screening.simulation.radiographs.injection import Injected

__all__ = ["LABEL_COLUMNS", "InjectedScan", "inject_scan", "write_injected_set"]

LABEL_COLUMNS = (
    "path",
    "index",
    "id",
    "modality",
    "has_threat",
    "split",
    "parent",
    "group",
    "variant",
    "threat",
)


class InjectedScan(NamedTuple):
    """One picture of a scene.

    Attributes
    ----------
    name : str
        Within its scene: "base", "threat-0", "lookalike-0" and so on.
    scan : Scan
        The scan, with an identity of its own.
    threat : str
        What was projected; "" for the base.
    truths : tuple of TruthBox
        Where; a look-alike's is to be ignored. Empty for the base.
    """

    name: str
    scan: Scan
    threat: str
    truths: tuple[TruthBox, ...]


def inject_scan(
    scan: Scan,
    n: int,
    *,
    seed: int,
    threats: Sequence[str] | None = None,
    box: Region | None = None,
    geometry: FanGeometry | None = None,
    scatter_floor: Sequence[float] | float | None = None,
) -> list[InjectedScan]:
    """Project drawn threats into copies of a measured picture.

    Parameters
    ----------
    scan : Scan
        A scan whose payload is a Radiograph, without threats as far as is known.
    n : int
        How many positives, each with one threat.
    seed : int
        Of objects, places, orientations and noise; scans of different ids draw differently.
    threats : sequence of str, optional
        Keys of ``THREATS`` to draw from; all when omitted.
    box : Region, optional
        Where they may be; the largest hull that the analysis finds when omitted, else the picture's middle.
    geometry : FanGeometry, optional
        Source and pixels; assumed from the pitch when omitted.
    scatter_floor : float or sequence of float, optional
        Floor over air, for all energies or each; the calibration's when omitted, else what the darkest
        thousandth of the picture shows.

    Returns
    -------
    list of InjectedScan
        The base first, then each positive with its look-alike.

    Raises
    ------
    ConfigurationError
        If the scan is no radiograph, or its energies are unknown, or nothing fits.
    """
    from screening.simulation.radiographs.injection import draw_injections, prepare_target

    payload = scan.payload
    name = scan.identity.scan_id
    if not isinstance(payload, Radiograph):
        raise ConfigurationError(
            f"{name}: threats are put into radiographs, this is {scan.modality}", value=name
        )
    key = [int(sha256_hex(str(name).encode())[:8], 16), seed]
    rng = np.random.default_rng(np.random.SeedSequence(key))
    opaque, hull = _seen(scan)
    try:
        target = prepare_target(payload, scatter_floor=scatter_floor)
        pairs = draw_injections(
            payload, rng, n, box=box or hull, geometry=geometry, threats=threats, target=target
        )
    except ValueError as error:
        raise ConfigurationError(f"{name}: {error}", value=str(name)) from error
    found = [InjectedScan("base", scan, "", ())]
    for k, pair in enumerate(pairs):
        for kind, one in (("threat", pair.positive), ("lookalike", pair.lookalike)):
            variant = f"{kind}-{k}"
            found.append(
                InjectedScan(
                    variant,
                    _renamed(scan, f"{variant} {seed}", one.radiograph),
                    str(one.truth["label"]),
                    _truth(one, opaque, is_ignored=kind == "lookalike"),
                )
            )
    return found


def write_injected_set(
    paths: Sequence[str | Path],
    out_dir: str | Path,
    n: int,
    *,
    seed: int,
    threats: Sequence[str] | None = None,
    scatter_floor: Sequence[float] | float | None = None,
    group: str = "measured",
) -> Path:
    """Write a labelled data set of measured pictures with projected threats.

    Parameters
    ----------
    paths : sequence of path-like
        Files or folders of radiographs that any source reads.
    out_dir : path-like
        A folder of its own. Receives an archive of each picture, ``labels.csv`` and ``truth.json``.
    n : int
        Positives from each base picture.
    seed : int
        Of everything random.
    threats : sequence of str, optional
        Keys of ``THREATS``.
    scatter_floor : float or sequence of float, optional
        As of :func:`inject_scan`.
    group : str
        Put into the labels, for a breakdown.

    Returns
    -------
    Path
        The labels.

    Raises
    ------
    ConfigurationError
        If the folder holds a data set, no radiograph is among the files, two bases are one scan, or as for
        :func:`inject_scan`.
    FormatError
        If a file cannot be read.
    """
    from screening.archive import write_scan
    from screening.sources import open_scans

    out = Path(out_dir)
    labels = out / "labels.csv"
    if labels.exists():
        raise ConfigurationError(f"{out.name} holds a data set already", value=str(out))
    out.mkdir(parents=True, exist_ok=True)
    scans = [scan for path in paths for scan in open_scans(path)]
    bases = [scan for scan in scans if isinstance(scan.payload, Radiograph)]
    if not bases:
        raise ConfigurationError(f"no radiograph among {len(scans)} scans", value=[str(p) for p in paths])
    seen: set[str] = set()
    rows: list[dict[str, object]] = []
    truths: dict[str, list[TruthBox]] = {}
    for number, base in enumerate(bases):
        identity = str(base.identity.scan_id)
        if identity in seen:
            raise ConfigurationError(f"two base pictures are one scan, {identity}", value=identity)
        seen.add(identity)
        scene = f"base-{number:05d}"
        for one in inject_scan(base, n, seed=seed, threats=threats, scatter_floor=scatter_floor):
            name = f"{scene}-{one.name}"
            write_scan(out / f"{name}.h5", one.scan)
            truths[name] = list(one.truths)
            rows.append(
                {
                    "path": f"{name}.h5",
                    "index": 0,
                    "id": name,
                    "modality": "radiograph",
                    "has_threat": str(one.name.startswith("threat")).lower(),
                    "split": "test",
                    "parent": scene,
                    "group": group,
                    "variant": one.name.partition("-")[0],
                    "threat": one.threat,
                }
            )
    write_truths(out, truths)
    text = io.StringIO()
    writer = csv.DictWriter(text, LABEL_COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    labels.write_text(text.getvalue(), encoding="utf-8")  # last: a folder without labels is no data set
    return labels


def _seen(scan: Scan) -> tuple[NDArray[np.bool_], Region | None]:
    """Return what the analysis calls opaque or does not see, and the largest hull it finds."""
    from screening.radiography import RadiographAnalyser
    from screening.simulation.radiographs.geometry import Region

    payload = scan.payload
    if not isinstance(payload, Radiograph):
        raise TypeError(f"a radiograph was expected, got {scan.modality}")
    analysis = RadiographAnalyser().analyse(scan)
    opaque = analysis.products.get("opaque")
    plain = np.zeros(payload.raw.shape[:2], dtype=bool) if opaque is None else opaque > 0
    boxes = getattr(analysis.measurements, "containers", ())
    if not boxes:
        return plain, None
    best = max(boxes, key=lambda one: (one.row1 - one.row0) * (one.col1 - one.col0))
    return plain, Region(best.row0, best.col0, best.row1, best.col1)


def _renamed(scan: Scan, salt: str, radiograph: Radiograph) -> Scan:
    """Return the scan with another picture, and an id that follows from the old one."""
    digest = sha256_hex(f"{scan.identity.scan_id} {salt}".encode())
    identity = msgspec.structs.replace(scan.identity, scan_id=file_scan_id(digest, 0))
    return msgspec.structs.replace(scan, identity=identity, payload=radiograph)


def _truth(one: Injected, opaque: NDArray[np.bool_], *, is_ignored: bool) -> tuple[TruthBox, ...]:
    """Return the object's box; nothing where its parts in the picture are too thin to be one."""
    from screening.simulation.radiographs.lookalikes import LOOKALIKES
    from screening.simulation.radiographs.threats import THREATS

    rows, columns = np.flatnonzero(one.mask.any(axis=1)), np.flatnonzero(one.mask.any(axis=0))
    if not rows.size:
        return ()
    mask = one.mask[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    row0, col0 = int(one.truth["row0"] + rows[0]), int(one.truth["col0"] + columns[0])
    row1, col1 = row0 + mask.shape[0], col0 + mask.shape[1]
    known = THREATS.get(one.truth["label"]) or LOOKALIKES[one.truth["label"]]
    return (
        TruthBox(
            row0=row0,
            col0=col0,
            row1=row1,
            col1=col1,
            kind=known.family,
            visible=float(1.0 - opaque[row0:row1, col0:col1][mask].mean()),
            peak_g_cm2=round(float(one.truth["peak_g_cm2"]), 3),
            mask=encode_mask(mask),
            is_ignored=is_ignored,
        ),
    )
