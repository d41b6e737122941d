"""Data sets made of measured spectra after a recipe: which files, what is true of them, which samples.

The recipe is a small TOML file, ``spectra.toml`` in the folder of measured files or beside it::

    version = "1"

    [[spectrum]]
    path = "co60.n42"
    truth = ["Co-60"]
    kind = "gross"              # or "subtracted": the device took the background off
    background = "empty.n42"    # or "own": the one within the file
    group = "CsI"
"""

from __future__ import annotations

import csv
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np

from screening.errors import ConfigurationError, FormatError, ScreeningError, StoreError
from screening.evaluate.identification import load_correspondence
from screening.evaluate.record import LeftOut
from screening.evaluate.thinning import CannotThinError, Spectrum, static_scan, thin_gross, thin_subtracted
from screening.records import Occupancy, Scan, sha256_hex

__all__ = [
    "RECIPE",
    "MeasuredParent",
    "ThinnedSample",
    "ThinningPlan",
    "make_samples",
    "read_recipe",
    "write_samples",
]

#: Name of the recipe in a folder of measured spectra.
RECIPE = "spectra.toml"


class MeasuredParent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One measured spectrum, as a recipe names it.

    Attributes
    ----------
    path : str
        File, relative to the folder.
    truth : tuple of str
        Labels that must be named; empty: a background.
    kind : {"gross", "subtracted"}
        Counts as measured, or with the background taken off by the device.
    background : str
        File of the background, relative to the folder; "own" for the one within the file; "" for none.
    group : str
        Instrument, for a breakdown.
    index : int
        Which scan of the file.
    """

    path: str
    truth: tuple[str, ...]
    kind: Literal["gross", "subtracted"]
    background: str = ""
    group: str = ""
    index: int = 0

    @property
    def name(self) -> str:
        """What draws of it share."""
        return self.path if self.index == 0 else f"{self.path}#{self.index}"


class _RecipeFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    version: Literal["1"]
    note: str = ""
    spectrum: tuple[MeasuredParent, ...]


class ThinningPlan(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which samples are made of each parent.

    Attributes
    ----------
    net_counts : tuple of float
        Counts of the source, in :data:`WINDOW_KEV`; of a background, all its counts.
    signal_to_background : tuple of float or None
        In the same window; None: "as is", nothing is added.
    n_draw : int
        Samples of each.
    seed : int
        Of everything random.
    has_background : bool
        A separate background comes along, drawn from the measured one with ten times the sample's live
        time, or less if there is no more of it.
    """

    net_counts: tuple[float, ...] = (300.0, 1000.0, 3000.0, 10_000.0)
    signal_to_background: tuple[float | None, ...] = (0.3, 1.0, 3.0)
    n_draw: int = 6
    seed: int = 0
    has_background: bool = False

    def __post_init__(self) -> None:
        given = [*self.net_counts, *(value for value in self.signal_to_background if value is not None)]
        if not all(0.0 < value < np.inf for value in given):
            raise ConfigurationError(
                f"counts and ratios must be positive and finite, got {given}", value=given
            )
        if self.n_draw < 1 or self.seed < 0:
            raise ConfigurationError(
                f"at least one draw and a seed of 0 or more are needed, got {self.n_draw} and {self.seed}",
                value=(self.n_draw, self.seed),
            )


class ThinnedSample(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """One sample.

    Attributes
    ----------
    id : str
        Parent, counts, ratio and number of the draw.
    scan : Scan
        A static measurement.
    truth : tuple of str
        Labels that must be named.
    parent, group : str
        What it was drawn from, and its instrument.
    net_counts : float
        Asked for.
    signal_to_background : float or None
        Asked for; None: as is.
    """

    id: str
    scan: Scan
    truth: tuple[str, ...]
    parent: str
    group: str
    net_counts: float
    signal_to_background: float | None


def read_recipe(
    folder: Path, recipe: Path | None = None
) -> tuple[tuple[MeasuredParent, ...], tuple[LeftOut, ...]]:
    """Read which measured spectra a folder holds, and what is true of them.

    Parameters
    ----------
    folder : Path
        Folder of measured files.
    recipe : Path, optional
        The recipe; ``spectra.toml`` in the folder when omitted.

    Returns
    -------
    parents : tuple of MeasuredParent
        Those whose files are there and whose labels are known.
    left_out : tuple of LeftOut
        The others, by name.

    Raises
    ------
    FormatError
        If the recipe cannot be read, or names a spectrum twice.
    """
    path = folder / RECIPE if recipe is None else recipe
    try:
        found = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _RecipeFile)
    except OSError as error:
        raise FormatError(f"{path.name}: {error.strerror or error}", value=path.name) from None
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise FormatError(f"{path.name}: {error}", value=path.name) from None
    names = [parent.name for parent in found.spectrum]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise FormatError(f"{path.name}: {twice[0]} is named twice", value=twice[0])
    table = load_correspondence()
    kept, left_out = [], []
    for parent in found.spectrum:
        files = [parent.path, *([parent.background] if parent.background not in ("", "own") else [])]
        lost = [name for name in files if not _is_within(folder, name)]
        unknown = [label for label in parent.truth if not table.knows(label)]
        if lost:
            left_out.append(
                LeftOut(kind="missing scan", where=parent.name, text=f"{lost[0]}: no such file in the folder")
            )
        elif unknown:
            left_out.append(LeftOut(kind="unknown class", where=parent.name, text=f"nuclide {unknown[0]!r}"))
        else:
            kept.append(parent)
    return tuple(kept), tuple(left_out)


def _is_within(folder: Path, name: str) -> bool:
    target = (folder / name).resolve()
    return target.is_relative_to(folder.resolve()) and target.is_file()


def make_samples(
    folder: Path, parents: tuple[MeasuredParent, ...], plan: ThinningPlan
) -> tuple[list[ThinnedSample], list[LeftOut]]:
    """Make the samples of a plan.

    Each sample has a seed of its own from the plan's, its parent's name and its place in the plan: what
    is added to a recipe changes nothing of the rest.

    Parameters
    ----------
    folder : Path
        Folder of measured files.
    parents : tuple of MeasuredParent
        From :func:`read_recipe`.
    plan : ThinningPlan
        Which samples.

    Returns
    -------
    samples : list of ThinnedSample
        Those that could be made.
    left_out : list of LeftOut
        The others, one row for each parent, counts and ratio.
    """
    samples: list[ThinnedSample] = []
    left_out: list[LeftOut] = []
    for parent in parents:
        try:
            spectrum, background = _read(folder, parent)
        except ScreeningError as error:
            kind = error.kind if isinstance(error, CannotThinError) else "unreadable"
            left_out.append(LeftOut(kind=kind, where=parent.name, text=str(error)))
            continue
        for net, ratio in _levels(plan, parent):
            try:
                samples.extend(_draws(parent, spectrum, background, net, ratio, plan))
            except CannotThinError as error:
                left_out.append(
                    LeftOut(
                        kind=error.kind,
                        where=f"{parent.name}, {_level_text(net, ratio)}",
                        text=str(error),
                        n=plan.n_draw,
                        is_error=False,
                    )
                )
    return samples, left_out


def _levels(plan: ThinningPlan, parent: MeasuredParent) -> Iterator[tuple[float, float | None]]:
    for net in plan.net_counts:
        # A background has no signal: one level for each number of counts.
        for ratio in plan.signal_to_background if parent.truth else (None,):
            yield net, ratio


def _level_text(net: float, ratio: float | None) -> str:
    return f"{net:g} net counts, S/B {'as is' if ratio is None else f'{ratio:g}'}"


def _draws(
    parent: MeasuredParent,
    spectrum: Spectrum,
    background: Spectrum | None,
    net: float,
    ratio: float | None,
    plan: ThinningPlan,
) -> Iterator[ThinnedSample]:
    if parent.kind == "gross" and parent.truth and background is None:
        raise CannotThinError("background missing", "without a background the net counts are not known")
    thin = thin_gross if parent.kind == "gross" else thin_subtracted
    mark = f"{parent.name}/{net!r}/{ratio!r}"
    words = [int(word, 16) for word in _chunks(sha256_hex(mark.encode()))]
    for draw in range(plan.n_draw):
        rng = np.random.default_rng(np.random.SeedSequence([plan.seed, *words, draw]))
        sample = thin(spectrum, background, net_counts=net, signal_to_background=ratio, rng=rng)
        # A recording without background is one that the device took it off; it cannot be held against one.
        is_net = parent.kind == "subtracted" and ratio is None
        separate = None
        if plan.has_background and background is not None and not is_net:
            share = min(10.0 * sample.live_time_s / background.live_time_s, 1.0)
            drawn = rng.poisson(share * np.maximum(background.counts, 0.0)).astype(np.float64)
            separate = Spectrum(drawn, background.edges_kev, share * background.live_time_s)
        yield ThinnedSample(
            id=f"{parent.name}, {_level_text(net, ratio)}, draw {draw}",
            scan=static_scan(sample, background=separate, is_background_subtracted=is_net),
            truth=parent.truth,
            parent=parent.name,
            group=parent.group,
            net_counts=net,
            signal_to_background=ratio,
        )


def _chunks(digest: str) -> Iterator[str]:
    for start in range(0, 32, 8):
        yield digest[start : start + 8]


def _read(folder: Path, parent: MeasuredParent) -> tuple[Spectrum, Spectrum | None]:
    from screening.sources import open_scans

    scans = open_scans(folder / parent.path)
    if parent.index >= len(scans):
        raise FormatError(f"{parent.path}: holds {len(scans)} scans, no number {parent.index}")
    spectrum, own = _summed(scans[parent.index], parent.path)
    if parent.background == "own":
        if own is None:
            raise CannotThinError("background missing", f"{parent.path}: holds no background with a spectrum")
        return spectrum, own
    if not parent.background:
        return spectrum, None
    return spectrum, _summed(open_scans(folder / parent.background)[0], parent.background)[0]


def _summed(scan: Scan, name: str) -> tuple[Spectrum, Spectrum | None]:
    """Sum a measurement over intervals, and over crystals in energy."""
    from screening.radiation.occupancy_spectra import sum_spectra, valid_edges

    payload = scan.payload
    if not isinstance(payload, Occupancy) or payload.spectra is None:
        raise FormatError(f"{name}: holds no spectrum", value=name)
    if not valid_edges(payload.energy_edges_kev):
        raise CannotThinError("no calibration", f"{name}: has no valid energy calibration")
    every = np.ones(payload.n_interval, dtype=np.bool_)
    summed = sum_spectra(payload, every, None, payload.background, 0.0)
    front = Spectrum(summed.foreground.counts, summed.edges_kev, summed.foreground.live_time_s)
    back = summed.background
    return front, None if back is None else Spectrum(back.counts, summed.edges_kev, back.live_time_s)


def write_samples(out_dir: Path, samples: list[ThinnedSample]) -> Path:
    """Write samples as a data set that ``screening evaluate`` takes.

    Parameters
    ----------
    out_dir : Path
        Folder, made if needed; it must not hold labels yet.
    samples : list of ThinnedSample
        What to write.

    Returns
    -------
    Path
        The labels file; one N42 file a sample beside it.

    Raises
    ------
    StoreError
        If the folder holds labels already, or cannot be written.
    """
    from screening.formats.n42_write import write_n42

    labels = out_dir / "labels.csv"
    if labels.exists():
        raise StoreError(
            f"{out_dir.name} holds {labels.name} already: take a folder of its own", value=out_dir.name
        )
    try:
        out_dir.mkdir(parents=True, exist_ok=True)
        rows = []
        for number, sample in enumerate(samples):
            name = f"sample-{number:05d}.n42"
            (out_dir / name).write_bytes(write_n42(sample.scan))
            rows.append(
                {
                    "path": name,
                    "id": sample.id,
                    "modality": "radiation",
                    "truth_nuclides": ";".join(sample.truth) or "none",
                    "split": "test",
                    "parent": sample.parent,
                    "group": sample.group,
                }
            )
        with labels.open("w", encoding="utf-8", newline="") as stream:
            columns = ("path", "id", "modality", "truth_nuclides", "split", "parent", "group")
            writer = csv.DictWriter(stream, columns, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    except OSError as error:
        raise StoreError(
            f"{out_dir.name}: cannot be written ({error.strerror})", value=out_dir.name
        ) from None
    return labels
