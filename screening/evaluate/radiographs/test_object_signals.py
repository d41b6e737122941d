"""Noise and sharpness of a simulated scanner, from steps, edges and pairs of wires."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from screening.evaluate.metrics.image_quality import (
    PAIR_DIP,
    contrast_to_noise,
    dynamic_range,
    mtf_of_edge,
    pair_dip,
    photon_transfer,
)
from screening.evaluate.metrics.observer import limit_of
from screening.evaluate.record import Curve, Figure, Series

from .test_object_scenes import DENSITY, Tile, add_wire, exposures, steel_cm

if TYPE_CHECKING:
    from screening.simulation.radiographs.scanner import Scanner
    from screening.simulation.radiographs.scene import Scene

__all__ = ["noise_figures", "pair_figures", "sharpness_figures"]

#: Steel behind which nothing is transmitted, cm.
OPAQUE_CM = 80.0
#: The edge: steel, cm, and its slant, degrees.
EDGE_CM, EDGE_DEGREES = 5.0, 4.0


def noise_figures(
    scanner: Scanner,
    steel: tuple[int, ...],
    n: int,
    seeds: np.random.SeedSequence,
    section: str,
    family: str,
) -> tuple[list[Figure], Curve]:
    """Return noise law, dynamic range, scatter floor, and signal to noise behind steel.

    Parameters
    ----------
    scanner : Scanner
        The instrument.
    steel : tuple of int
        Steps of the wedge, cm.
    n : int
        Exposures.
    seeds : numpy.random.SeedSequence
        Of the noise.
    section, family : str
        Section and stratum of the figures.

    Returns
    -------
    list of Figure
        One instance: the figures have no interval.
    Curve
        Signal to noise of a pixel against steel.
    """
    steps = (0.0, *(float(cm) for cm in steel), OPAQUE_CM)
    tiles = []
    for thickness in steps:

        def _build(scene: Scene, y: float, z: float, cm: float = thickness) -> None:
            steel_cm(scene, cm, y, z, (0.4, 0.3))

        tiles.append(Tile((thickness,), 0.3, (0.1, 0.1), _build))
    found = exposures(scanner, tiles, n, seeds)
    counts = {cm: found[cm,][:, 0] * scanner.air_counts[0] for cm in steps}
    mean = {cm: float(patch.mean()) for cm, patch in counts.items()}
    # from exposure to exposure, pixel by pixel: what stays the same is no noise
    variance = {cm: float(patch.var(axis=0, ddof=1).mean()) for cm, patch in counts.items()}
    law = photon_transfer([mean[cm] for cm in steps], [variance[cm] for cm in steps])
    extent, floor = dynamic_range(counts[0.0], counts[OPAQUE_CM])
    # quanta behind steel are larger than those of open beam, which the law does not know
    departs = f"the steps depart from it by {law.residual:.0%}"
    thin = min(steel)
    cnr = contrast_to_noise(counts[float(thin)][0], counts[0.0][0])

    def _figure(metric: str, value: float, unit: str, better: str, note: str = "") -> Figure:
        return Figure(
            section=section, metric=metric, stratum=family, value=value, unit=unit,
            method="none: one instance", better="higher" if better == "higher" else "lower", note=note,
        )  # fmt: skip

    figures = [
        _figure(
            "electronic noise",
            law.electronic_sigma,
            "counts",
            "lower",
            f"s_e of var = s_e^2 + g m + (c m)^2; {departs}",
        ),
        _figure("photon-transfer gain", law.gain, "counts", "lower", f"g of the same law; {departs}"),
        _figure("multiplicative noise", law.multiplicative, "", "lower", f"c of the same law; {departs}"),
        _figure(
            "dynamic range",
            extent,
            "",
            "higher",
            f"air over a pixel's noise behind {OPAQUE_CM:g} cm of steel",
        ),
        _figure("scatter floor", floor, "", "lower", f"signal behind {OPAQUE_CM:g} cm of steel over air"),
        _figure("contrast to noise", cnr, "", "higher", f"{thin:g} cm of steel against air, one exposure"),
    ]
    ratio = tuple(mean[cm] / float(np.sqrt(variance[cm])) for cm in steps)
    return figures, Curve(
        section=section,
        title=f"Signal to noise of a pixel behind steel, {family}",
        x_label="steel, cm",
        y_label="mean over standard deviation",
        y_scale="log",
        series=(Series(name="most penetrating energy", x=steps[:-1], y=ratio[:-1]),),
    )


def sharpness_figures(
    scanner: Scanner, n: int, seeds: np.random.SeedSequence, section: str, family: str
) -> tuple[list[Figure], Curve]:
    """Return where the modulation transfer falls to 50 and to 10 %, along the motion and across it.

    Parameters
    ----------
    scanner : Scanner
        The instrument.
    n : int
        Exposures; each gives a value, the figure is their mean.
    seeds : numpy.random.SeedSequence
        Of the noise.
    section, family : str
        Section and stratum of the figures.

    Returns
    -------
    list of Figure
        Line pairs a mm at the centre plane.
    Curve
        Transfer of the mean exposure.
    """
    angle = np.radians(EDGE_DEGREES)
    turn = np.array(
        [[1.0, 0.0, 0.0], [0.0, np.cos(angle), -np.sin(angle)], [0.0, np.sin(angle), np.cos(angle)]]
    )

    def _upright(scene: Scene, y: float, z: float) -> None:
        scene.box(
            "steel", DENSITY["steel"], (0.0, EDGE_CM / 100), (y - 0.3, y), (z - 0.3, z + 0.3), rotation=turn
        )

    def _level(scene: Scene, y: float, z: float) -> None:
        scene.box(
            "steel", DENSITY["steel"], (0.0, EDGE_CM / 100), (y - 0.3, y + 0.3), (z - 0.3, z), rotation=turn
        )

    found = exposures(
        scanner,
        [Tile(("motion",), 0.7, (0.3, 0.24), _upright), Tile(("across",), 0.7, (0.24, 0.3), _level)],
        n,
        seeds,
    )
    figures, series = [], []
    for name, label, pitch_m in (
        ("motion", "along the motion", scanner.pitch_m[1]),
        ("across", "across the motion", scanner.pitch_m[0]),
    ):
        patches = found[name,][:, 0]
        if name == "across":
            patches = patches.transpose(0, 2, 1)
        mean = mtf_of_edge(patches.mean(axis=0))
        per_mm = mean.frequency / (pitch_m * 1000.0)
        series.append(Series(name=label, x=tuple(per_mm.tolist()), y=tuple(mean.value.tolist())))
        each = [mtf_of_edge(patch) for patch in patches]
        for level, values in ((50, [one.at_50 for one in each]), (10, [one.at_10 for one in each])):
            known = np.array([value for value in values if value is not None]) / (pitch_m * 1000.0)
            figures.append(_mean_figure(known, len(values), section, f"MTF {level} %", f"{family}, {label}"))
    return figures, Curve(
        section=section,
        title=f"Modulation transfer, {family}",
        x_label="line pairs a mm at the centre plane",
        y_label="modulation transfer",
        series=tuple(series),
    )


def pair_figures(
    scanner: Scanner,
    diameters_mm: tuple[float, ...],
    n: int,
    seeds: np.random.SeedSequence,
    section: str,
    family: str,
) -> list[Figure]:
    """Return the finest pair of wires that is resolved, along the motion and across it.

    Parameters
    ----------
    scanner : Scanner
        The instrument.
    diameters_mm : tuple of float
        Of the wires; each pair has a gap of one diameter.
    n : int
        Exposures that the profile is the mean of.
    seeds : numpy.random.SeedSequence
        Of the noise.
    section, family : str
        Section and stratum of the figures.

    Returns
    -------
    list of Figure
        Diameters, mm.
    """
    tiles = []
    for size in diameters_mm:
        for is_level in (False, True):

            def _build(scene: Scene, y: float, z: float, d: float = size, level: bool = is_level) -> None:
                for side in (-d / 1000.0, d / 1000.0):
                    at = (y, z + side) if level else (y + side, z)
                    add_wire(scene, d, *at, 0.2, is_level=level)

            window = (0.012 * size + 0.06, 0.1) if is_level else (0.1, 0.012 * size + 0.06)
            tiles.append(Tile((size, is_level), 0.25, window, _build))
    found = exposures(scanner, tiles, n, seeds)
    figures = []
    for is_level, label, pitch_m in (
        (False, "along the motion", scanner.pitch_m[1]),
        (True, "across the motion", scanner.pitch_m[0]),
    ):
        is_resolved = []
        for size in diameters_mm:
            patch = found[size, is_level][:, 0].mean(axis=0)
            profile: NDArray[np.float64] = patch.mean(axis=1 if is_level else 0)
            half = size / 1000.0 / pitch_m
            centre = (profile.size - 1) / 2.0
            is_resolved.append(pair_dip(profile, centre - half, centre + half) >= PAIR_DIP)
        finest = limit_of(diameters_mm, is_resolved, is_harder_up=False)
        figures.append(
            Figure(
                section=section,
                metric="finest wire pair",
                stratum=f"{family}, {label}",
                value=finest,
                unit="mm",
                method="none: last step that is resolved",
                better="lower",
                note=f"diameter; steps of {min(diameters_mm):g} to {max(diameters_mm):g} mm"
                + ("" if finest is not None else ", none resolved"),
            )
        )
    return figures


def _mean_figure(values: NDArray[np.float64], n: int, section: str, metric: str, stratum: str) -> Figure:
    low = high = None
    method = "none: fewer than 5 exposures reach it"
    if values.size >= 5:
        half = float(stats.t.ppf(0.975, values.size - 1) * values.std(ddof=1) / np.sqrt(values.size))
        low, high = float(values.mean()) - half, float(values.mean()) + half
        method = f"Student's t over {values.size} exposures"
    return Figure(
        section=section,
        metric=metric,
        stratum=stratum,
        value=float(values.mean()) if values.size else None,
        low=low,
        high=high,
        n=n,
        unit="lp/mm",
        method=method,
        better="higher",
        note="" if values.size == n else f"{n - values.size} of {n} exposures do not fall so low",
    )
