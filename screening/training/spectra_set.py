"""Simulated spectra as network features, many draws from each simulated source and instrument."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.physics import NAMED, FwhmLaw
from screening.radiation.nuclide_model import N_FEATURE, network_features
from screening.radiation.spectrum import live_range_kev, measured_spectrum
from screening.simulation.spectra import (
    DETECTOR_CLASSES,
    Detector,
    background_counts,
    draw_detector,
    source_counts,
)

__all__ = ["LABELS", "FeatureSet", "GeneratorSettings", "make_features"]

#: Outputs of the network, in order.
LABELS: tuple[str, ...] = NAMED

#: Labels drawn more often than the rest: those met at borders.
FREQUENT = [
    "Cs-137", "Co-60", "Co-57", "Ba-133", "Am-241", "Ir-192", "I-131", "Tc-99m", "Tl-201", "Ga-67",
    "In-111", "I-123", "Eu-152", "annihilation", "Ra-226", "Th-232", "K-40", "HEU", "WGPu", "DU",
    "Np-237", "Se-75", "Mn-54", "Na-22", "Lu-177", "Xe-133", "RGPu", "LEU", "U-233",
]  # fmt: skip

SOURCES_PER_DETECTOR = 4
DRAWS_PER_DETECTOR = 14


class GeneratorSettings(NamedTuple):
    """How wide the simulator draws.

    Attributes
    ----------
    calibration_error, harshness : float
        As in :func:`screening.simulation.spectra.draw_detector`.
    kinds : tuple of str
        Classes of detector drawn from.
    """

    calibration_error: float = 1.0
    harshness: float = 1.0
    kinds: tuple[str, ...] = tuple(DETECTOR_CLASSES)


class FeatureSet(NamedTuple):
    """Features with their truth.

    Attributes
    ----------
    features : ndarray of shape (n, n_feature), float32
        Network input.
    truth : ndarray of shape (n, n_label), uint8
        1 where the label is present and contributes at least 3 % of the counts.
    """

    features: NDArray[np.float32]
    truth: NDArray[np.uint8]


def make_features(n_detector: int, settings: GeneratorSettings, seed: np.random.SeedSequence) -> FeatureSet:
    """Simulate instruments, sources and draws.

    Parameters
    ----------
    n_detector : int
        Instruments; each gives ``DRAWS_PER_DETECTOR`` spectra.
    settings : GeneratorSettings
        How wide to draw.
    seed : numpy.random.SeedSequence
        Seed.

    Returns
    -------
    FeatureSet
        ``n_detector * DRAWS_PER_DETECTOR`` spectra.
    """
    features = np.zeros((n_detector * DRAWS_PER_DETECTOR, N_FEATURE), dtype=np.float32)
    truth = np.zeros((features.shape[0], len(LABELS)), dtype=np.uint8)
    for index, child in enumerate(seed.spawn(n_detector)):
        rng = np.random.default_rng(child)
        shares = np.array([DETECTOR_CLASSES[kind][3] for kind in settings.kinds])
        kind = settings.kinds[int(rng.choice(len(shares), p=shares / shares.sum()))]
        detector = draw_detector(
            rng, kind, calibration_error=settings.calibration_error, harshness=settings.harshness
        )
        background = background_counts(detector, rng)
        background /= max(background.sum(), 1e-12)
        names = [_draw_label(rng) for _ in range(SOURCES_PER_DETECTOR)]
        sources = []
        for name in names:
            counts = source_counts(detector, name, rng)
            sources.append(counts / max(counts.sum(), 1e-12))
        for draw in range(DRAWS_PER_DETECTOR):
            row = index * DRAWS_PER_DETECTOR + draw
            present = _mixture(rng, len(names))
            features[row], shares_of = _draw(rng, detector, background, sources, present)
            for k, share in zip(present, shares_of, strict=True):
                if share > 0.03 and sources[k].any():
                    truth[row, LABELS.index(names[k])] = 1
    return FeatureSet(features, truth)


def _draw_label(rng: np.random.Generator) -> str:
    pool = FREQUENT if rng.random() < 0.5 else LABELS
    return str(pool[int(rng.integers(len(pool)))])


def _mixture(rng: np.random.Generator, n_source: int) -> list[int]:
    number = int(rng.choice([0, 1, 2], p=[0.12, 0.68, 0.2]))
    return [int(k) for k in rng.choice(n_source, size=number, replace=False)]


def _draw(
    rng: np.random.Generator,
    detector: Detector,
    background: NDArray[np.float64],
    sources: list[NDArray[np.float64]],
    present: list[int],
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    net = float(np.exp(rng.uniform(np.log(150.0), np.log(200_000.0))))
    ratio = float(np.exp(rng.uniform(np.log(0.15), np.log(30.0))))
    expected = background * (net / ratio if present else net)
    shares = rng.dirichlet(np.full(len(present), 2.5)) if present else np.zeros(0)
    for share, k in zip(shares, present, strict=True):
        expected = expected + net * share * sources[k]
    counts = rng.poisson(expected).astype(np.float64)
    if present and rng.random() < 0.2:
        # A device that subtracted its background, rounded and clipped.
        counts = np.maximum(np.round(counts - background * (net / ratio) * float(rng.normal(1.0, 0.05))), 0.0)
    if counts.sum() <= 0:
        counts[counts.size // 2] = 1.0
    spectrum = measured_spectrum(counts, detector.edges_kev, 1.0)
    # The features see what a fit would have found: resolution and calibration with errors left in.
    law = FwhmLaw(
        float(np.clip(detector.law.r662 * np.exp(rng.normal(0.0, 0.12)), 0.0015, 0.18)),
        0.5,
        0.9 if detector.kind == "hpge" else 0.0,
    )
    gain = float(1.0 / detector.gain + rng.normal(0.0, 0.1 * detector.law.r662 + 2e-4))
    offset = float(-detector.offset_kev + rng.normal(0.0, 1.0 if detector.kind != "hpge" else 0.1))
    features = network_features(spectrum, law, live_range_kev(spectrum), gain=gain, offset_kev=offset)
    return features, shares
