"""Reference detectors for pictures: what can be coded in an afternoon, and what others have to beat.

They have a handful of parameters, no learning, no quality gates beyond a usable air level, and give the
same answer to the same picture every time. Air and dark are those of
:func:`screening.radiography.levels.resolve_levels`; everything else is their own.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from screening.config import Settings
from screening.records import Level, Radiograph, ReasonCode, Scan

from .answer import Candidate, DetectorAnswer
from .image_steps import Picture, attenuation_picture, blobs, box_interior, deepest, local_background

__all__ = ["DarkBlobDetector", "DualEnergyDetector", "LocalContrastDetector", "MeanAttenuationDetector"]

#: Most candidates a detector points at.
MAX_CANDIDATES = 50

UNUSABLE = DetectorAnswer(level=Level.UNKNOWN, codes=(ReasonCode.CAL_MISSING.value,))
NO_BOX = DetectorAnswer(level=Level.UNKNOWN, codes=(ReasonCode.Q_COVERAGE.value,))


class DarkBlobDetector:
    """Dense objects: connected places that are darker than the median about them.

    Parameters
    ----------
    settings : Settings
        Not used; every detector takes it.
    window_mm : float
        Side of the window of the local background.
    min_excess : float
        Least excess of -ln T; 0.5 is about 12 g/cm2 of steel in a beam of 6 MV.
    size_mm : tuple of float
        Least side of a square of the same area, and longest side of its box.
    threshold : float
        Score from which the picture is called a threat; the default is what one in sixteen pictures without
        threats reaches: 60 simulated loads of every family, at half size, of seeds that no bench uses.
    """

    name = "dark-blob"
    version = "1"
    text = "connected places darker than the local median of -ln T; score: excess times area"
    tier = "reference"
    capabilities = frozenset(("radiograph", "threat", "candidates"))

    def __init__(
        self,
        settings: Settings,
        *,
        window_mm: float = 600.0,
        min_excess: float = 0.5,
        size_mm: tuple[float, float] = (30.0, 600.0),
        threshold: float = 3600.0,
    ) -> None:
        del settings
        self._threshold = threshold
        self._window_mm = window_mm
        self._min_excess = min_excess
        self._size_mm = size_mm

    def answer(self, scan: Scan) -> DetectorAnswer | None:
        """Find dark places; see DetectorUnderTest.

        Parameters
        ----------
        scan : Scan
            Any scan.

        Returns
        -------
        DetectorAnswer or None
            Candidates with the integral of the excess over their area, cm2, as score; None of a scan that is
            no picture.
        """
        radiograph = scan.payload
        if not isinstance(radiograph, Radiograph):
            return None
        picture = attenuation_picture(radiograph, deepest(radiograph.energies)[0])
        if picture is None:
            return UNUSABLE
        inside = box_interior(picture)
        if inside is None:
            return NO_BOX
        excess = ndimage.gaussian_filter(picture.neg_log, 0.7) - local_background(picture, self._window_mm)
        is_dark = np.zeros(excess.shape, dtype=bool)
        is_dark[inside] = excess[inside] > self._min_excess
        labels, _ = ndimage.label(is_dark)
        pixel_cm2 = picture.pixel_mm[0] * picture.pixel_mm[1] / 100.0
        candidates = []
        for k, window in enumerate(ndimage.find_objects(labels), start=1):
            is_it = labels[window] == k
            rows, columns = window
            long_mm = max(
                (rows.stop - rows.start) * picture.pixel_mm[0],
                (columns.stop - columns.start) * picture.pixel_mm[1],
            )
            area_cm2 = np.count_nonzero(is_it) * pixel_cm2
            if area_cm2 < self._size_mm[0] ** 2 / 100.0 or long_mm > self._size_mm[1]:
                continue
            score = float(excess[window][is_it].sum()) * pixel_cm2
            box = (rows.start, columns.start, rows.stop, columns.stop)
            candidates.append(_candidate(picture, radiograph, box, score))
        return _pointing(candidates, self._threshold)


class LocalContrastDetector:
    """Things that differ from what lies around them, either way, at several sizes.

    Parameters
    ----------
    settings : Settings
        Not used; every detector takes it.
    sizes_mm : tuple of float
        Sizes of things looked for.
    min_score : float
        Least contrast, over the root mean square of noise and texture about the place.
    threshold : float
        Score from which the picture is called a threat; the default is what one in sixteen pictures without
        threats reaches: 60 simulated loads of every family, at half size, of seeds that no bench uses.
    """

    name = "local-contrast"
    version = "1"
    text = "differences of Gaussians of -ln T over noise and texture about, both signs, several sizes"
    tier = "reference"
    capabilities = frozenset(("radiograph", "threat", "candidates"))

    def __init__(
        self,
        settings: Settings,
        *,
        sizes_mm: tuple[float, ...] = (40.0, 80.0, 160.0, 320.0),
        min_score: float = 2.5,
        threshold: float = 4.33,
    ) -> None:
        del settings
        self._threshold = threshold
        self._sizes_mm = sizes_mm
        self._min_score = min_score

    def answer(self, scan: Scan) -> DetectorAnswer | None:
        """Find blobs; see DetectorUnderTest.

        Parameters
        ----------
        scan : Scan
            Any scan.

        Returns
        -------
        DetectorAnswer or None
            Candidates with their contrast over noise and texture as score; None of a scan that is no picture.
        """
        radiograph = scan.payload
        if not isinstance(radiograph, Radiograph):
            return None
        picture = attenuation_picture(radiograph, deepest(radiograph.energies)[0])
        if picture is None:
            return UNUSABLE
        inside = box_interior(picture)
        if inside is None:
            return NO_BOX
        return _blob_answer(
            picture,
            radiograph,
            picture.neg_log,
            picture.variance,
            inside,
            self._sizes_mm,
            self._min_score,
            self._threshold,
        )


class MeanAttenuationDetector:
    """Empty or loaded, by the mean of -ln T inside the box.

    Parameters
    ----------
    settings : Settings
        Not used; every detector takes it.
    threshold : float
        Mean of -ln T from which the box is loaded; walls and roof alone make 0.15 to 0.3.
    """

    name = "mean-attenuation"
    version = "1"
    text = "empty or loaded by the mean of -ln T inside the box"
    tier = "reference"
    capabilities = frozenset(("radiograph", "loaded"))

    def __init__(self, settings: Settings, *, threshold: float = 0.3) -> None:
        del settings
        self._threshold = threshold

    def answer(self, scan: Scan) -> DetectorAnswer | None:
        """Take the mean; see DetectorUnderTest.

        Parameters
        ----------
        scan : Scan
            Any scan.

        Returns
        -------
        DetectorAnswer or None
            The mean as score of load; HIGH if the manifest says empty and it is not. None of a scan that
            is no picture.
        """
        radiograph = scan.payload
        if not isinstance(radiograph, Radiograph):
            return None
        picture = attenuation_picture(radiograph, deepest(radiograph.energies)[0])
        if picture is None:
            return UNUSABLE
        inside = box_interior(picture)
        if inside is None:
            return NO_BOX
        hold = _middle(picture.neg_log[inside])
        score = float(hold.mean())
        is_loaded = score >= self._threshold
        manifest = scan.identity.manifest
        differs = is_loaded and manifest is not None and manifest.is_declared_empty is True
        return DetectorAnswer(
            level=Level.HIGH if differs else Level.LOW,
            codes=(ReasonCode.IMG_NOT_EMPTY.value,) if differs else (),
            load_score=score,
            is_loaded=is_loaded,
        )


class DualEnergyDetector:
    """Things of another material than what lies around them, by the two energies' attenuation.

    Parameters
    ----------
    settings : Settings
        Not used; every detector takes it.
    sizes_mm : tuple of float
        Sizes of things looked for.
    min_score : float
        Least contrast, over the root mean square of noise and texture about the place.
    max_depth : float
        -ln T of the less penetrating energy beyond which scatter decides the ratio: left out.
    threshold : float
        Score from which the picture is called a threat; the default is what one in sixteen pictures without
        threats reaches: 21 simulated loads of every family, at half size, of seeds that no bench uses.
    """

    name = "dual-energy-ratio"
    version = "1"
    text = "differences of Gaussians of the low energy's -ln T less what the high energy's leads to expect"
    tier = "reference"
    capabilities = frozenset(("radiograph", "threat", "candidates"))

    def __init__(
        self,
        settings: Settings,
        *,
        sizes_mm: tuple[float, ...] = (80.0, 160.0, 320.0),
        min_score: float = 2.5,
        max_depth: float = 5.0,
        threshold: float = 4.74,
    ) -> None:
        del settings
        self._threshold = threshold
        self._sizes_mm = sizes_mm
        self._min_score = min_score
        self._max_depth = max_depth

    def answer(self, scan: Scan) -> DetectorAnswer | None:
        """Find blobs of another ratio; see DetectorUnderTest.

        Parameters
        ----------
        scan : Scan
            Any scan.

        Returns
        -------
        DetectorAnswer or None
            Candidates with their contrast over noise and texture as score; None of a scan that is no
            picture of two energies.
        """
        radiograph = scan.payload
        if not isinstance(radiograph, Radiograph) or len(radiograph.energies) < 2:
            return None
        order = deepest(radiograph.energies)
        high = attenuation_picture(radiograph, order[0])
        low = attenuation_picture(radiograph, order[1])
        if high is None or low is None:
            return UNUSABLE
        inside = box_interior(high)
        if inside is None:
            return NO_BOX
        is_used = np.zeros(high.neg_log.shape, dtype=bool)
        is_used[inside] = True
        is_used &= (low.neg_log < self._max_depth) & (high.neg_log > 0.1) & high.is_live & low.is_live
        if np.count_nonzero(is_used) < 100:
            return _pointing([], self._threshold)
        # what the low energy should read behind this much of what the box mostly holds
        depth, mean = high.neg_log[is_used], low.neg_log[is_used]
        curve = np.polynomial.Polynomial.fit(depth, mean, 2)
        slope = curve.deriv()(high.neg_log)
        difference = np.where(is_used, low.neg_log - curve(high.neg_log), 0.0)
        variance = np.where(is_used, low.variance + slope**2 * high.variance, 0.0)
        return _blob_answer(
            high, radiograph, difference, variance, inside, self._sizes_mm, self._min_score, self._threshold
        )


def _middle(hold: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the hold without roof and floor: the floor's place is only roughly known."""
    n_row = hold.shape[0]
    return hold[n_row // 10 : n_row - n_row // 4]


def _blob_answer(
    picture: Picture,
    radiograph: Radiograph,
    values: NDArray[np.float64],
    variance: NDArray[np.float64],
    inside: tuple[slice, slice],
    sizes_mm: tuple[float, ...],
    min_score: float,
    threshold: float,
) -> DetectorAnswer:
    mean_mm = float(np.sqrt(picture.pixel_mm[0] * picture.pixel_mm[1]))
    scales = tuple(size / mean_mm / (2.0 * np.sqrt(2.0)) for size in sizes_mm)
    found = blobs(values, variance, inside, scales_px=scales, min_score=min_score, n_most=MAX_CANDIDATES)
    candidates = []
    for blob in found:
        half_row = blob.half_px * mean_mm / picture.pixel_mm[0]
        half_column = blob.half_px * mean_mm / picture.pixel_mm[1]
        box = (
            blob.row + 0.5 - half_row,
            blob.column + 0.5 - half_column,
            blob.row + 0.5 + half_row,
            blob.column + 0.5 + half_column,
        )
        candidates.append(_candidate(picture, radiograph, box, blob.score))
    return _pointing(candidates, threshold)


def _candidate(
    picture: Picture, radiograph: Radiograph, box: tuple[float, float, float, float], score: float
) -> Candidate:
    """Return a box of the working grid in pixels of the input."""
    n_row, n_column = radiograph.raw.shape[:2]
    high, wide = picture.block
    top = min(max(int(np.floor(box[0] * high)), 0), n_row - 1)
    left = min(max(int(np.floor(box[1] * wide)), 0), n_column - 1)
    return Candidate(
        row0=top,
        col0=left,
        row1=max(min(int(np.ceil(box[2] * high)), n_row), top + 1),
        col1=max(min(int(np.ceil(box[3] * wide)), n_column), left + 1),
        score=score,
    )


def _pointing(candidates: list[Candidate], threshold: float) -> DetectorAnswer:
    """Return an answer of candidates: the highest stands for the picture, none is no evidence."""
    ranked = sorted(candidates, key=lambda one: (-one.score, one.row0, one.col0))[:MAX_CANDIDATES]
    highest = ranked[0].score if ranked else 0.0
    has_threat = highest >= threshold
    return DetectorAnswer(
        level=Level.HIGH if has_threat else Level.LOW,
        codes=(ReasonCode.IMG_THREAT.value,) if has_threat else (),
        threat_score=highest,
        has_threat=has_threat,
        candidates=tuple(ranked),
    )
