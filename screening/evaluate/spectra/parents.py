"""Parents of simulated spectra: one instrument, place and source, drawn from at many levels.

As :func:`screening.simulation.spectra.simulate_spectrum` makes one spectrum, with the expected counts kept:
the draws at all levels share them, and the oracle is told them.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.evaluate.thinning import Spectrum, counts_in_window, static_scan
from screening.records import Scan

from .plan import ParentPlan, parent_seeds

__all__ = ["Parent", "SimulatedSample", "draw_sample", "make_parent", "other_sources"]

#: Generator settings: wider than training, as the test split of the model card.
CALIBRATION_ERROR = 1.5
HARSHNESS = 1.5

#: Rate of the background, counts/s; how much longer a separate background lasts; its scale error, normal
#: and cut; share of directions and steel of the vehicle that shades. As in the simulator.
_RATE_CPS = (30.0, 2000.0)
_LONGER = (2.0, 40.0)
_SCALE_SIGMA, _SCALE_RANGE = 0.15, (0.7, 1.3)
_SHADE_SHARE, _SHADE_STEEL = 0.5, (2.0, 40.0)

#: Most of the events that may be lost in pile-up.
_MOST_PILED = 0.3


class Parent(NamedTuple):
    """The expected counts that draws share.

    Attributes
    ----------
    plan : ParentPlan
        What it is.
    detector : screening.simulation.spectra.Detector
        The instrument.
    source : ndarray of shape (n_channel,), float64
        Of all sources, one count between 50 and 3,000 keV; zeros for a background.
    parts : tuple of ndarray of shape (n_channel,), float64
        The same, source by source, in the order of the truth.
    background : ndarray of shape (n_channel,), float64
        Beside the vehicle, one count in the same window.
    open_background : ndarray of shape (n_channel,), float64
        What a separate background sees, on the scale of `background`: the same spectrum, or the brighter one
        of the place without the vehicle.
    rate_cps : float
        Background rate in the window.
    longer, scale : float
        How much longer the separate background lasts, and how wrong its scale is.
    draws : numpy.random.SeedSequence
        Of the Poisson draws.
    """

    plan: ParentPlan
    detector: object
    source: NDArray[np.float64]
    parts: tuple[NDArray[np.float64], ...]
    background: NDArray[np.float64]
    open_background: NDArray[np.float64]
    rate_cps: float
    longer: float
    scale: float
    draws: np.random.SeedSequence

    @property
    def edges_kev(self) -> NDArray[np.float64]:
        """Channel edges, keV."""
        edges: NDArray[np.float64] = self.detector.edges_kev  # type: ignore[attr-defined]
        return edges


class SimulatedSample(NamedTuple):
    """One draw.

    Attributes
    ----------
    scan : Scan
        What detectors see.
    counts : ndarray of shape (n_channel,), float64
        Its counts.
    background : ndarray of shape (n_channel,), float64
        Expected background, exact.
    parts : tuple of ndarray of shape (n_channel,), float64
        Expected counts of each source, exact.
    """

    scan: Scan
    counts: NDArray[np.float64]
    background: NDArray[np.float64]
    parts: tuple[NDArray[np.float64], ...]


def make_parent(plan: ParentPlan, seed: int) -> Parent:
    """Simulate what the draws of a parent share.

    Parameters
    ----------
    plan : ParentPlan
        Which.
    seed : int
        Of the bench.

    Returns
    -------
    Parent
        The same for the same seed and number, bit for bit.
    """
    from screening.simulation.spectra import background_counts, draw_detector, source_counts
    from screening.simulation.spectra.channels import photon_counts
    from screening.simulation.spectra.site import draw_site, shaded, site_flux

    instrument, place, sources, draws = parent_seeds(seed, plan.number).spawn(4)
    detector = draw_detector(
        np.random.default_rng(instrument), plan.kind, calibration_error=CALIBRATION_ERROR, harshness=HARSHNESS
    )
    edges = detector.edges_kev
    # The site is drawn first by the background: the same stream gives it again, and with it its photons.
    open_place = background_counts(detector, np.random.default_rng(place))
    rng = np.random.default_rng(place)
    flux = site_flux(draw_site(rng))
    steel = float(np.exp(rng.uniform(*np.log(_SHADE_STEEL))))
    beside = shaded(flux, float(rng.uniform(0.0, _SHADE_SHARE)), steel)
    around = detector._replace(crystal=detector.crystal.around())
    area = around.crystal.face_area_cm2
    change = photon_counts(around, beside.scaled(area), scatter=0.0) - photon_counts(
        around, flux.scaled(area), scatter=0.0
    )
    background = np.maximum(open_place + change, 0.0)
    in_window = _in_window(background, edges)
    rate = float(np.exp(rng.uniform(*np.log(_RATE_CPS))))
    longer = float(np.exp(rng.uniform(*np.log(_LONGER))))
    scale = float(np.clip(rng.normal(1.0, _SCALE_SIGMA), *_SCALE_RANGE))
    is_open = bool(rng.random() < 0.5)
    source_rng = np.random.default_rng(sources)
    share = source_rng.dirichlet(np.full(max(len(plan.truth), 1), 4.0))
    shapes = [source_counts(detector, name, source_rng) for name in plan.truth]
    parts = [part * shape / _in_window(shape, edges) for part, shape in zip(share, shapes, strict=False)]
    return Parent(
        plan=plan,
        detector=detector,
        source=np.sum(parts, axis=0) if parts else np.zeros(background.size),
        parts=tuple(parts),
        background=background / in_window,
        open_background=(open_place if is_open else background) / in_window,
        rate_cps=rate,
        longer=longer,
        scale=scale,
        draws=draws,
    )


def draw_sample(parent: Parent, level: int) -> SimulatedSample:
    """Draw one spectrum of a parent.

    Parameters
    ----------
    parent : Parent
        From :func:`make_parent`.
    level : int
        Which of its plan's levels.

    Returns
    -------
    SimulatedSample
        The spectrum, with what was expected.
    """
    from screening.simulation.spectra import piled_up

    plan = parent.plan
    net, ratio = plan.levels[level]
    n_background = net if ratio is None else net / ratio
    live_s = max(n_background / parent.rate_cps, 0.05)
    background = n_background * parent.background
    parts = tuple(net * part for part in parent.parts)
    total = background + np.sum(parts, axis=0) if parts else background
    resolving_s = parent.detector.resolving_us * 1e-6  # type: ignore[attr-defined]
    share = min(float(total.sum()) / live_s * resolving_s, _MOST_PILED)
    words = [int(word) for word in parent.draws.generate_state(4)]
    rng = np.random.default_rng(np.random.SeedSequence([*words, level]))
    expected = np.maximum(piled_up(total, share), 0.0)
    counts = rng.poisson(expected).astype(np.float64)
    separate = None
    if plan.has_background:
        before = parent.open_background * n_background * parent.longer * parent.scale
        separate = Spectrum(rng.poisson(before).astype(np.float64), parent.edges_kev, live_s * parent.longer)
        if not separate.counts.sum() > 0:
            separate = None
    scan = static_scan(
        Spectrum(counts, parent.edges_kev, live_s), background=separate, detector=_MAKERS_NAME[plan.kind]
    )
    # What pile-up takes and adds belongs to background and sources by their share; sums of two events also
    # lie where neither has any counts, and are then the background's: together they are what was drawn.
    loss = np.divide(expected, total, out=np.ones_like(total), where=total > 0)
    parts = tuple(part * loss for part in parts)
    background = np.maximum(expected - np.sum(parts, axis=0), 0.0) if parts else expected
    return SimulatedSample(scan, counts, background, parts)


def other_sources(parent: Parent, labels: tuple[str, ...]) -> NDArray[np.float64]:
    """Return spectra of sources that are not there, each behind a shield of its own.

    Parameters
    ----------
    parent : Parent
        Whose instrument sees them.
    labels : tuple of str
        Which.

    Returns
    -------
    ndarray of shape (n_label, n_channel), float64
        Expected counts, one between 50 and 3,000 keV.
    """
    from screening.simulation.spectra import source_counts

    found = []
    for name in labels:
        words = [int(word) for word in parent.draws.generate_state(2)]
        rng = np.random.default_rng(np.random.SeedSequence([*words, *name.encode()]))
        shape = source_counts(parent.detector, name, rng)  # type: ignore[arg-type]
        found.append(shape / _in_window(shape, parent.edges_kev))
    return np.array(found)


#: What files of each class say of their detector.
_MAKERS_NAME = {"hpge": "HPGe", "czt": "CZT", "labr3": "LaBr3", "nai": "NaI", "csi": "CsI"}


def _in_window(counts: NDArray[np.float64], edges_kev: NDArray[np.float64]) -> float:
    return max(counts_in_window(Spectrum(counts, edges_kev, 1.0)), 1e-12)
