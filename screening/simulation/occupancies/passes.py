"""Vehicle passes from physics: one recipe and one seed give one scan with its truth, bit for bit.

A vehicle rolls through a portal. Each interval's expected counts are the background less the vehicle's
shadow, and each source under the solid angle of each panel, behind the cargo on the way there; then counts
are drawn. Background, sources and surroundings are drawn apart, so that the same seed with and without a
source shares its background.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

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

from .counting import Streams, draw_pass, expected_nsigma, measured_background
from .electronics import Crystals, draw_crystals
from .expected import PassPlan, plan_pass
from .neutrons import draw_neutrons
from .recipe import OccupancyRecipe, truth_of

__all__ = ["simulate_occupancy"]

#: The day simulated traffic starts; each seed is one minute.
FIRST_DAY = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)


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
