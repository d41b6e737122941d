"""Reference detectors that name nuclides: line matching, and one fit of all templates at once.

Both take the detector's name in the file and its energy scale as they stand, as simple products do. What the
pipeline's own search for resolution, gain and evidence adds must show against them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.config import Settings
from screening.errors import ScreeningError
from screening.physics import NAMED, NUCLIDES, FwhmLaw
from screening.radiation.identify import KIN
from screening.radiation.identify_evidence import RARE
from screening.radiation.identify_fit import Fit, Problem, bins_per_fwhm, pose, solve
from screening.radiation.occupancy_spectra import PassSpectra, sum_spectra, valid_edges
from screening.radiation.spectrum import MeasuredSpectrum, live_range_kev, measured_spectrum
from screening.records import Level, Occupancy, ReasonCode, Scan

from .answer import DetectorAnswer

__all__ = ["LIBRARY", "PeakMatchDetector", "TemplateFitDetector", "nominal_law", "summed_spectra"]

#: Labels both references may name: those met at borders, as in the library of a simple product.
LIBRARY: tuple[str, ...] = tuple(name for name in NAMED if name not in RARE and name != "La-138")

#: Nominal FWHM at 662 keV over energy, by what the file says of its detector: the middle of what makers
#: quote for each kind. The first that is found in the name counts.
_NOMINAL: tuple[tuple[str, float], ...] = (
    ("hpge", 0.0028), ("czt", 0.015), ("cdte", 0.015), ("labr", 0.030), ("cebr", 0.040), ("nai", 0.075),
    ("csi", 0.085), ("ge", 0.0028),
)  # fmt: skip
_UNNAMED = 0.075

_LOWEST_KEV = 40.0


def nominal_law(detector: str | None) -> FwhmLaw:
    """Return the resolution that a detector of some name has as a rule.

    Parameters
    ----------
    detector : str or None
        As a file names it; sodium iodide is taken where it says nothing that is known.

    Returns
    -------
    FwhmLaw
        Square-root law; with 0.9 keV of noise for germanium.
    """
    name = (detector or "").lower()
    r662 = next((value for part, value in _NOMINAL if part in name), _UNNAMED)
    return FwhmLaw(r662, 0.5, 0.9 if r662 < 0.01 else 0.0)


def summed_spectra(scan: Scan) -> PassSpectra | DetectorAnswer | None:
    """Return a scan's spectra summed over intervals and, in energy, over crystals.

    Parameters
    ----------
    scan : Scan
        Any scan.

    Returns
    -------
    PassSpectra, DetectorAnswer or None
        The sums; the answer UNKNOWN where there are none to be had; None for a radiograph or a portal that
        only counts.
    """
    payload = scan.payload
    if not isinstance(payload, Occupancy) or payload.spectra is None:
        return None
    if not valid_edges(payload.energy_edges_kev):
        return DetectorAnswer(level=Level.UNKNOWN, codes=(ReasonCode.CAL_MISSING.value,))
    every = np.ones(payload.n_interval, dtype=np.bool_)
    summed = sum_spectra(payload, every, None, payload.background, 0.0)
    if not summed.foreground.counts.sum() > 0 or not summed.foreground.live_time_s > 0:
        return DetectorAnswer(level=Level.UNKNOWN, codes=(ReasonCode.Q_COVERAGE.value,))
    return summed


def _measured(summed: PassSpectra) -> tuple[MeasuredSpectrum, MeasuredSpectrum | None]:
    front, back = summed.foreground, summed.background
    spectrum = measured_spectrum(front.counts, summed.edges_kev, front.live_time_s)
    if back is None or not back.counts.sum() > 0:
        return spectrum, None
    return spectrum, measured_spectrum(back.counts, summed.edges_kev, back.live_time_s)


class _Lines(NamedTuple):
    """The lines of a label that are looked for: groups within one FWHM, their weights summing to 1."""

    energy_kev: NDArray[np.float64]
    weight: NDArray[np.float64]


class PeakMatchDetector:
    """A reference: peaks of the nominal width, matched with the lines of a library.

    A peak is where the counts within 0.6 FWHM stand more than `n_sigma` above what both sides, and the
    background scaled by live time, lead one to expect (the zero-area filter of Mariscotti, Nucl. Instrum.
    Methods 50 (1967) 309). A label is named when its strongest line and 60 % of its lines by intensity
    are among the peaks, the one that explains most first; each peak serves one label.

    Parameters
    ----------
    settings : Settings
        Not used; every detector takes it.
    n_sigma : float
        Significance of a peak.
    """

    name = "peak-match"
    version = "1"
    text = "peaks of the nominal width matched with the lines of a library"
    tier = "reference"
    capabilities = frozenset(("radiation", "nuclides"))

    def __init__(self, settings: Settings, *, n_sigma: float = 4.5) -> None:
        del settings
        self._n_sigma = n_sigma

    def answer(self, scan: Scan) -> DetectorAnswer | None:
        """Name nuclides by their lines; see DetectorUnderTest.

        Parameters
        ----------
        scan : Scan
            Any scan.

        Returns
        -------
        DetectorAnswer or None
            The labels; None of a scan without spectra.
        """
        summed = summed_spectra(scan)
        if not isinstance(summed, PassSpectra):
            return summed
        spectrum, background = _measured(summed)
        law = nominal_law(scan.identity.device.detector)
        low, high = live_range_kev(spectrum)
        energy, significance = self._peaks(spectrum, background, law, max(low, _LOWEST_KEV), high)
        named = self._matched(energy, significance, law, max(low, _LOWEST_KEV), high)
        return DetectorAnswer(level=Level.UNKNOWN, nuclides=named)

    def _peaks(
        self,
        spectrum: MeasuredSpectrum,
        background: MeasuredSpectrum | None,
        law: FwhmLaw,
        low: float,
        high: float,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        centre = law.axis(low, high, 5.0)
        width = law.fwhm_kev(centre)
        net, variance = _contrast(spectrum, centre, width)
        if background is not None:
            scale = spectrum.live_time_s / background.live_time_s
            its_net, its_variance = _contrast(background, centre, width)
            net, variance = net - scale * its_net, variance + scale**2 * its_variance
        score = net / np.sqrt(variance)
        is_top = np.zeros(score.size, dtype=bool)
        is_top[1:-1] = (score[1:-1] >= score[:-2]) & (score[1:-1] > score[2:]) & (score[1:-1] > self._n_sigma)
        order = np.flatnonzero(is_top)[np.argsort(-score[is_top], kind="stable")]
        kept: list[int] = []
        for k in order:
            if all(abs(centre[k] - centre[j]) > 0.8 * width[k] for j in kept):
                kept.append(int(k))
        return centre[kept], score[kept]

    def _matched(
        self,
        energy: NDArray[np.float64],
        significance: NDArray[np.float64],
        law: FwhmLaw,
        low: float,
        high: float,
    ) -> tuple[str, ...]:
        left = significance.copy()
        named: list[str] = []
        # The simplest first: of two labels that explain alike, the one with fewer lines is named.
        plain = sorted(LIBRARY, key=lambda name: (NUCLIDES[name].energy_kev.size, name))
        library = {name: _lines(name, law, low, high) for name in plain}
        while energy.size:
            best, found = "", 0.0
            for name, lines in library.items():
                score = 0.0 if name in named else _explained(lines, energy, left, law)[0]
                if score > 1.02 * found:
                    best, found = name, score
            if found < self._n_sigma:
                break
            named.append(best)
            left[_explained(library[best], energy, left, law)[1]] = 0.0
        return tuple(named)


def _contrast(
    spectrum: MeasuredSpectrum, centre: NDArray[np.float64], width: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return counts within 0.6 FWHM above those of both sides to 1.5 FWHM, and their variance."""
    marks = centre + width * np.array([-1.5, -0.6, 0.6, 1.5])[:, np.newaxis]
    left, middle, right = np.diff(np.interp(marks, spectrum.edges_kev, spectrum.cumulative), axis=0)
    ratio = 1.2 / 1.8
    sides = ratio * (left + right)
    return middle - sides, middle + ratio * sides + (0.02 * sides) ** 2 + 1.0


def _lines(name: str, law: FwhmLaw, low: float, high: float) -> _Lines:
    label = NUCLIDES[name]
    inside = (label.energy_kev > low) & (label.energy_kev < high)
    energy, weight = label.energy_kev[inside], label.intensity[inside]
    if energy.size == 0:
        return _Lines(energy, weight)
    # Full-energy peaks fall off about as 1 / E above 120 keV, in crystals of all sizes; below it windows,
    # capsules and cargo take most away.
    weight = weight * np.minimum(energy / 120.0, 1.0) ** 2 / np.maximum(energy / 120.0, 1.0)
    kept = weight > 0.02 * weight.max()
    energy, weight = energy[kept], weight[kept]
    centres: list[float] = []
    sums: list[float] = []
    for k in np.argsort(-weight, kind="stable"):
        near = [j for j, one in enumerate(centres) if abs(one - energy[k]) < float(law.fwhm_kev(energy[k]))]
        if near:
            sums[near[0]] += float(weight[k])
        else:
            centres.append(float(energy[k]))
            sums.append(float(weight[k]))
    strong = np.array(sums)
    main = strong > 0.1 * strong.max()
    return _Lines(np.array(centres)[main], strong[main] / strong[main].sum())


def _explained(
    lines: _Lines,
    energy: NDArray[np.float64],
    left: NDArray[np.float64],
    law: FwhmLaw,
) -> tuple[float, NDArray[np.int64]]:
    """Return how much of the peaks a label explains, 0 if its lines are not there, and which peaks."""
    nothing = np.zeros(0, dtype=np.int64)
    if lines.energy_kev.size == 0:
        return 0.0, nothing
    distance = np.abs(energy[np.newaxis] - lines.energy_kev[:, np.newaxis])
    reach = 0.5 * law.fwhm_kev(lines.energy_kev) + 0.5
    nearest = distance.argmin(axis=1)
    is_found = distance[np.arange(nearest.size), nearest] < reach
    share = float(lines.weight[is_found].sum())
    if not is_found[int(np.argmax(lines.weight))] or share < 0.6:
        return 0.0, nothing
    # Peaks that are taken already are at 0: a label must have some of its own.
    peaks = np.unique(nearest[is_found])
    return share * float(np.sqrt((left[peaks] ** 2).sum())), peaks


class TemplateFitDetector:
    """A reference: one non-negative fit of all templates, and a cut on what each is worth.

    The pipeline's templates and continuum at the nominal resolution and the file's own energy scale, all
    labels of the library in one fit; a label is named when leaving it out, with those that share its lines,
    raises chi-squared by more than `threshold`. No search for gain or width, no evidence by lines, no
    rivals, no network.

    Parameters
    ----------
    settings : Settings
        Not used; every detector takes it.
    threshold : float
        Rise of chi-squared at which a label is named.
    """

    name = "template-nnls"
    version = "1"
    text = "one non-negative fit of all templates at nominal width and gain, with a likelihood-ratio cut"
    tier = "reference"
    capabilities = frozenset(("radiation", "nuclides"))

    #: Labels that are tried without, at most: those with most counts over their scatter.
    most_tried = 5

    def __init__(self, settings: Settings, *, threshold: float = 30.0) -> None:
        del settings
        self._threshold = threshold
        self._labels = tuple(NAMED.index(name) for name in LIBRARY)

    def answer(self, scan: Scan) -> DetectorAnswer | None:
        """Name nuclides by the fit; see DetectorUnderTest.

        Parameters
        ----------
        scan : Scan
            Any scan.

        Returns
        -------
        DetectorAnswer or None
            The labels; None of a scan without spectra.
        """
        summed = summed_spectra(scan)
        if not isinstance(summed, PassSpectra):
            return summed
        try:
            named, _, _ = self._fitted(summed, scan)
        except ScreeningError as error:
            return DetectorAnswer(level=Level.UNKNOWN, codes=(error.reason,), nuclides=())
        return DetectorAnswer(level=Level.UNKNOWN, nuclides=named)

    def explain(
        self, scan: Scan
    ) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]] | None:
        """Return the fit behind an answer, to look at.

        Parameters
        ----------
        scan : Scan
            Any scan.

        Returns
        -------
        tuple of (edges_kev, counts, model) or None
            Of shapes (n_bin + 1,), (n_bin,) and (n_bin,); None without spectra.
        """
        summed = summed_spectra(scan)
        if not isinstance(summed, PassSpectra):
            return None
        _, problem, fit = self._fitted(summed, scan)
        return problem.templates.axis_kev, problem.counts, fit.model

    def _fitted(self, summed: PassSpectra, scan: Scan) -> tuple[tuple[str, ...], Problem, Fit]:
        spectrum, background = _measured(summed)
        law = nominal_law(scan.identity.device.detector)
        low, high = live_range_kev(spectrum)
        axis = law.axis(low, high, bins_per_fwhm(law.r662))
        problem = pose(spectrum, law, axis, background=background)
        # A bare and a thickly shielded source: the fit may mix them.
        both: tuple[int, ...] = (0, problem.templates.n_variant // 2)
        variants = dict.fromkeys(self._labels, both)
        first = solve(problem, self._labels, variants=variants)
        fit = solve(problem, self._labels, variants=variants, start=first)
        present = [label for label in self._labels if fit.part(label, peaks_only=True).sum() > 0]
        kept = tuple(sorted(present, key=lambda label: -_strength(fit, label))[: 2 * self.most_tried])
        fit = solve(problem, kept, variants=variants, start=fit)
        worth: dict[int, float] = {}
        for label in kept:
            kin = _kin(label)
            if len(worth) == self.most_tried or any(other in kin for other in worth):
                continue  # of labels with the same lines the strongest stands for all
            rest = tuple(other for other in kept if other not in kin)
            worth[label] = solve(problem, rest, variants=variants, start=fit).chi2 - fit.chi2
        order = sorted(worth, key=lambda label: -worth[label])
        return tuple(NAMED[label] for label in order if worth[label] > self._threshold), problem, fit


def _kin(label: int) -> frozenset[int]:
    name = NAMED[label]
    return frozenset({label}).union(*({NAMED.index(one) for one in kin} for kin in KIN if name in kin))


def _strength(fit: Fit, label: int) -> float:
    """Return how far a label's peaks stand above scatter, all else taken as known."""
    part = fit.part(label, peaks_only=True)
    return float(np.sqrt((part**2 * fit.weight).sum()))
