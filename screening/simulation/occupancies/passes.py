"""Vehicle passes from physics: one recipe and one seed give one scan with its truth, bit for bit.

A vehicle rolls through a portal. Each interval's expected counts are the background less the vehicle's
shadow, and each source under the solid angle of each panel, behind the cargo on the way there; then counts
are drawn. Background, sources and surroundings are drawn apart, so that the same seed with and without a
source shares its background.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from screening.records import (
    Background,
    Device,
    Gap,
    Manifest,
    Occupancy,
    Scan,
    ScanIdentity,
    file_scan_id,
    sha256_hex,
)

from .draw import beam_counts, beam_events, draw_events, draw_gross, draw_spectrum
from .electronics import (
    Crystals,
    Events,
    channels,
    draw_crystals,
    histogram,
    kept_share,
    live_time,
    lose,
    pile_up,
)
from .expected import PassPlan, background_before, plan_pass
from .neutrons import draw_neutrons
from .recipe import OccupancyRecipe, truth_of
from .response import THRESHOLD_KEV

__all__ = [
    "Drawn",
    "Streams",
    "counted_events",
    "draw_all_events",
    "draw_pass",
    "draw_surroundings",
    "expected_nsigma",
    "finish_gross",
    "finish_spectra",
    "measured_background",
    "simulate_occupancy",
]

#: The day simulated traffic starts; each seed is one minute.
FIRST_DAY = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)


class Streams:
    """The random numbers of a pass, each kind from a stream of its own, begun when it is first used.

    Parameters
    ----------
    seed : int
        Seed, not negative.
    """

    def __init__(self, seed: int) -> None:
        self._seed = seed

    def _begin(self, kind: int) -> np.random.Generator:
        return np.random.default_rng(np.random.SeedSequence([self._seed, 0x0CC, kind]))

    @cached_property
    def shadow(self) -> np.random.Generator:
        """Texture of the load."""
        return self._begin(0)

    @cached_property
    def gamma(self) -> np.random.Generator:
        """The site's counts."""
        return self._begin(1)

    @cached_property
    def source(self) -> np.random.Generator:
        """Counts of sources in the vehicle."""
        return self._begin(2)

    @cached_property
    def background(self) -> np.random.Generator:
        """The background recorded before."""
        return self._begin(3)

    @cached_property
    def neutron(self) -> np.random.Generator:
        """Neutrons."""
        return self._begin(4)

    @cached_property
    def crystal(self) -> np.random.Generator:
        """Gains and calibrations."""
        return self._begin(5)

    @cached_property
    def surroundings(self) -> np.random.Generator:
        """Other lanes and x-ray machines."""
        return self._begin(6)

    @cached_property
    def loss(self) -> np.random.Generator:
        """Dead time and discriminator."""
        return self._begin(7)


class Drawn(NamedTuple):
    """What a portal counted.

    Attributes
    ----------
    counts : ndarray of shape (n_interval, n_panel), int64
        Gross counts.
    spectra : ndarray of shape (n_interval, n_panel, n_channel), uint32, or None
        Counts by channel.
    live_time_s : ndarray of shape (n_interval, n_panel), float64, or None
        Live time, where the portal states it.
    """

    counts: NDArray[np.int64]
    spectra: NDArray[np.uint32] | None
    live_time_s: NDArray[np.float64] | None


def simulate_occupancy(recipe: OccupancyRecipe, seed: int | None = None) -> tuple[Scan, dict[str, Any]]:
    """Simulate one pass.

    Parameters
    ----------
    recipe : OccupancyRecipe
        What to simulate.
    seed : int, optional
        Seed of everything random; the recipe's own when omitted.

    Returns
    -------
    scan : Scan
        The scan as a portal would have sent it.
    truth : dict
        ``container_id``, ``nuclides`` (labels), ``categories``, ``sources`` (list of dicts),
        ``suppression``, ``speed_m_s``, ``expected_nsigma`` (of the mean counts, on the sum of all
        panels), ``is_gamma_alarm_expected``, ``level_expected``, ``seed``.
    """
    seed = recipe.seed if seed is None else seed
    rngs = Streams(seed)
    plan = plan_pass(recipe, rngs.shadow)
    n_interval = plan.t_s.size
    crystals = None
    if recipe.portal == "srpm":
        crystals = draw_crystals(recipe.n_panel, recipe.n_channel, rngs.crystal)
    drawn = draw_pass(plan, crystals, rngs)
    start = FIRST_DAY + timedelta(minutes=seed % 500_000)
    background = _draw_background(plan, crystals, start, rngs.background)
    prior_s = plan.n_prior * recipe.interval_s
    neutron_counts, neutron_interval_s = draw_neutrons(
        recipe, plan.motion, prior_s, n_interval * recipe.interval_s, rngs.neutron
    )
    keep = _kept(recipe, n_interval)
    is_occupied = np.zeros(n_interval, dtype=bool)
    is_occupied[plan.n_prior : plan.n_prior + plan.n_occupied] = True
    stated_m_s = recipe.speed_m_s if not recipe.motion else plan.motion.mean_speed_m_s(recipe.vehicle_m)
    payload = Occupancy(
        kind="occupancy",
        interval_s=np.full(int(keep.sum()), recipe.interval_s),
        t_s=plan.t_s[keep],
        panel_ids=_panel_ids(recipe.n_panel),
        gamma_counts=drawn.counts[keep],
        live_time_s=None if drawn.live_time_s is None else drawn.live_time_s[keep],
        spectra=None if drawn.spectra is None else drawn.spectra if keep.all() else drawn.spectra[keep],
        energy_edges_kev=crystals.edges_kev if crystals is not None and recipe.has_calibration else None,
        neutron_counts=neutron_counts,
        neutron_interval_s=neutron_interval_s,
        background=background,
        is_occupied=is_occupied[keep],
        n_prior=plan.n_prior,
        speed_m_s=round(stated_m_s, 3) if recipe.has_speed else None,
        is_tampered=recipe.is_tampered,
        faults=recipe.faults,
        is_complete=recipe.has_end and recipe.stuck_s == 0.0,
        gaps=_gaps(recipe, n_interval),
    )
    digest = sha256_hex(msgspec.json.encode([msgspec.structs.replace(recipe, seed=0), seed]))
    identity = ScanIdentity(
        scan_id=file_scan_id(digest, 0),
        site=recipe.site,
        lane=recipe.lane,
        device=Device(
            make="simulated", model=recipe.portal, serial=f"SIM-{seed}", detector=_detector(recipe)
        ),
        container_id=recipe.container_id,
        id_source="OCR" if recipe.container_id else None,
        operating_mode=recipe.operating_mode,
        t_start_utc=start,
        t_end_utc=start + timedelta(seconds=round(n_interval * recipe.interval_s, 3)),
        manifest=Manifest(is_declared_empty=recipe.is_declared_empty, goods=recipe.goods),
    )
    return Scan(identity=identity, payload=payload), truth_of(recipe, seed, expected_nsigma(plan))


def draw_pass(plan: PassPlan, crystals: Crystals | None, rngs: Streams) -> Drawn:
    """Draw what a portal counts in a pass.

    Parameters
    ----------
    plan : PassPlan
        The pass.
    crystals : Crystals or None
        The logs; None for a portal of gross counts.
    rngs : Streams
        Random numbers.

    Returns
    -------
    Drawn
        The counts.
    """
    if crystals is None:
        counts = draw_surroundings(plan, rngs) + draw_gross(plan, plan.sources, rngs.source)
        return finish_gross(plan.recipe, counts, rngs.loss)
    return finish_spectra(plan, crystals, draw_all_events(plan, rngs), rngs.loss)


def draw_surroundings(plan: PassPlan, rngs: Streams) -> NDArray[np.int64]:
    """Draw all gross counts but those of the vehicle's sources, before any loss.

    Parameters
    ----------
    plan : PassPlan
        The pass.
    rngs : Streams
        Random numbers.

    Returns
    -------
    ndarray of shape (n_interval, n_panel), int64
        Counts.
    """
    recipe = plan.recipe
    counts = draw_gross(plan, (plan.background,), rngs.gamma)
    if plan.surroundings or recipe.beams:
        counts += draw_gross(plan, plan.surroundings, rngs.surroundings)
        since_s = plan.t_s - plan.t_s[plan.n_prior]
        pulses = beam_counts(recipe.beams, since_s, recipe.interval_s, recipe.n_panel)
        counts += rngs.surroundings.poisson(pulses)
    return counts


def draw_all_events(plan: PassPlan, rngs: Streams) -> list[Events]:
    """Draw the events of a spectroscopic pass, before the electronics.

    Parameters
    ----------
    plan : PassPlan
        The pass.
    rngs : Streams
        Random numbers.

    Returns
    -------
    list of Events
        Background, surroundings, sources.
    """
    recipe = plan.recipe
    parts = [draw_events(plan, (plan.background,), rngs.gamma)]
    if plan.surroundings or recipe.beams:
        since_s = plan.t_s - plan.t_s[plan.n_prior]
        parts.append(draw_events(plan, plan.surroundings, rngs.surroundings))
        parts.append(beam_events(recipe.beams, since_s, recipe.interval_s, recipe.n_panel, rngs.surroundings))
    if plan.sources:
        parts.append(draw_events(plan, plan.sources, rngs.source))
    return parts


def counted_events(
    plan: PassPlan, crystals: Crystals, parts: list[Events], rng: np.random.Generator
) -> tuple[Events, NDArray[np.int64]]:
    """Return what is left of events after pile-up, gain, discriminator and dead time.

    Parameters
    ----------
    plan : PassPlan
        The pass.
    crystals : Crystals
        The logs.
    parts : list of Events
        Events by deposit.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    events : Events
        By stated energy.
    before : ndarray of shape (n_interval, n_panel), int64
        Accepted events before dead time.
    """
    recipe, n_interval = plan.recipe, plan.t_s.size
    n_cell = n_interval * recipe.n_panel
    events = Events(
        np.concatenate([part.cell for part in parts]), np.concatenate([part.energy_kev for part in parts])
    )
    events = channels(pile_up(events, n_cell, recipe.interval_s, rng), crystals, plan.gain, rng)
    before = np.bincount(events.cell, minlength=n_cell).reshape(n_interval, recipe.n_panel)
    share = kept_share(recipe, before).ravel()
    counted = rng.random(events.cell.size) < share[events.cell]
    return Events(events.cell[counted], events.energy_kev[counted]), before


def finish_gross(recipe: OccupancyRecipe, counts: NDArray[np.int64], rng: np.random.Generator) -> Drawn:
    """Return the counts after losses and faults.

    Parameters
    ----------
    recipe : OccupancyRecipe
        The recipe.
    counts : ndarray of shape (n_interval, n_panel), int64
        Events without loss.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    Drawn
        The counts.
    """
    counts = lose(counts, kept_share(recipe, counts), rng)
    if recipe.stuck_panel is not None:
        counts[:, recipe.stuck_panel] = counts[0, recipe.stuck_panel]
    return Drawn(counts, None, None)


def finish_spectra(
    plan: PassPlan, crystals: Crystals, parts: list[Events], rng: np.random.Generator
) -> Drawn:
    """Return spectra after pile-up, gain, discriminator, losses and faults.

    Parameters
    ----------
    plan : PassPlan
        The pass.
    crystals : Crystals
        The logs.
    parts : list of Events
        Events by deposit.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    Drawn
        The counts.
    """
    recipe = plan.recipe
    events, before = counted_events(plan, crystals, parts, rng)
    spectra = histogram(events, crystals, plan.t_s.size)
    if recipe.stuck_panel is not None:
        spectra[:, recipe.stuck_panel] = spectra[0, recipe.stuck_panel]
    return Drawn(spectra.sum(axis=2, dtype=np.int64), spectra, live_time(recipe, before))


def expected_nsigma(plan: PassPlan) -> float:
    """Return the largest (S - B) / sqrt(B) of the mean counts in one second, all panels summed.

    Parameters
    ----------
    plan : PassPlan
        The pass.

    Returns
    -------
    float
        Standard deviations of the open background.
    """
    recipe = plan.recipe
    rate = recipe.panel_background_cps * recipe.n_panel
    window = max(1, round(1.0 / recipe.interval_s))
    mean = plan.gross(plan.background).sum(axis=1)
    for part in plan.sources:
        mean = mean + plan.gross(part).sum(axis=1)
    sums = np.convolve(mean, np.ones(window), mode="valid")
    background = rate * window * recipe.interval_s
    return float((sums.max() - background) / np.sqrt(background))


def measured_background(
    plan: PassPlan, crystals: Crystals | None, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64] | None]:
    """Draw what a portal measured before a pass.

    Parameters
    ----------
    plan : PassPlan
        The pass.
    crystals : Crystals or None
        The logs; None for a portal of gross counts.
    rng : numpy.random.Generator
        Source of randomness.

    Returns
    -------
    gamma_cps, neutron_cps : ndarray of shape (n_panel,), float64
        Rates, counts/s.
    spectra : ndarray of shape (n_panel, n_channel), float64, or None
        Counts by channel.
    """
    recipe = plan.recipe
    live_s = recipe.background_live_s
    neutrons = rng.poisson(np.full(recipe.n_panel, recipe.neutron_background_cps * live_s)) / live_s
    before = background_before(plan)
    if crystals is None:
        threshold = THRESHOLD_KEV[recipe.portal][0]
        mean = before.weight[0] @ before.table.above(threshold)[before.rows]
        return rng.poisson(mean) / live_s, neutrons, None
    spectra = draw_spectrum(plan, before, crystals, rng).astype(np.float64)
    return spectra.sum(axis=1) / live_s, neutrons, spectra


def _draw_background(
    plan: PassPlan, crystals: Crystals | None, start: datetime, rng: np.random.Generator
) -> Background | None:
    """Draw what the portal recorded before the vehicle came."""
    recipe = plan.recipe
    live_s = recipe.background_live_s
    gamma, neutrons, spectra = measured_background(plan, crystals, rng)
    if recipe.background_age_s is None:
        return None
    return Background(
        gamma_cps=gamma,
        live_time_s=live_s,
        neutron_cps=neutrons if recipe.has_neutrons else None,
        spectra=spectra,
        energy_edges_kev=crystals.edges_kev if crystals is not None and recipe.has_calibration else None,
        t_end_utc=start - timedelta(seconds=recipe.background_age_s),
        origin="portal",
    )


def _kept(recipe: OccupancyRecipe, n_interval: int) -> NDArray[np.bool_]:
    keep = np.ones(n_interval, dtype=bool)
    first = n_interval // 2
    keep[first : first + recipe.lost_intervals] = False
    return keep


def _gaps(recipe: OccupancyRecipe, n_interval: int) -> tuple[Gap, ...]:
    if recipe.lost_intervals <= 0:
        return ()
    return (Gap(index=n_interval // 2, n_missing=recipe.lost_intervals, cause="connection"),)


def _panel_ids(n_panel: int) -> tuple[str, ...]:
    half = n_panel // 2
    return tuple(f"{side}{i + 1}" for side in "AB" for i in range(half))


def _detector(recipe: OccupancyRecipe) -> str:
    return "PVT" if recipe.portal == "rpm" else "NaI"
