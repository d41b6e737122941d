"""Vehicle passes from physics: one recipe and one seed give one scan with its truth, bit for bit.

A vehicle rolls through a portal. Each interval's expected counts are the background less the
vehicle's shadow, and each source under the solid angle of each panel, integrated over the interval;
then counts are drawn. Background and sources are drawn apart, so that the same seed with and
without a source shares its background.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
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

from .lane import (
    panel_positions,
    plastic_counts_per_decay,
    shadow_profile,
    solid_angle_share,
)
from .panels import PanelSpectra, panel_spectra
from .recipe import OccupancyRecipe, SourceRecipe, recipe_from_dict, truth_of

__all__ = ["OccupancyRecipe", "SourceRecipe", "recipe_from_dict", "simulate_occupancy"]

#: The day simulated traffic starts; each seed is one minute.
FIRST_DAY = datetime(2026, 1, 5, 6, 0, tzinfo=UTC)

#: Points in one interval over which the passing source is averaged.
_SUBSTEPS = 5

#: Face of one panel, m2: plastic of 170 x 35 cm, a NaI log's 4 x 16 inch, a neutron tube assembly.
_AREA_M2 = {"rpm": 0.595, "srpm": 0.0413}
_NEUTRON_AREA_M2, _NEUTRON_EFFICIENCY = 0.3, 0.08

#: Highest rate at which a simulated panel still counts what it should, counts/s.
_DEAD_TIME_S = {"rpm": 2e-7, "srpm": 3e-6}


class _Expected(NamedTuple):
    """Expected counts of a pass: share of background left, and each source's decays seen."""

    share: NDArray[np.float64]
    seen: list[NDArray[np.float64]]


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
    shadow_rng, gamma_rng, source_rng, background_rng, neutron_rng, crystal_rng = (
        np.random.default_rng(child) for child in np.random.SeedSequence([seed, 0x0CC]).spawn(6)
    )
    n_prior = max(1, round(1.0 / recipe.interval_s))
    n_occupied = int(np.ceil(recipe.vehicle_m / recipe.speed_m_s / recipe.interval_s))
    # Portals go on for a moment after the beam is free: without it, an end cannot be told from a cut.
    n_interval = n_prior + n_occupied + 1
    n_interval += -n_interval % max(1, round(1.0 / recipe.interval_s))
    t_s = np.round(np.arange(n_interval) * recipe.interval_s, 6)
    expected = _expected(recipe, t_s, n_prior, shadow_rng)
    response: PanelSpectra | None = None
    if recipe.portal == "srpm":
        response = panel_spectra(recipe.n_panel, recipe.n_channel, recipe.fwhm_662, crystal_rng)
    counts, spectra = _draw(recipe, expected, response, gamma_rng, source_rng)
    mean_source = _mean_source_counts(recipe, expected, response)
    nsigma = _expected_nsigma(recipe, expected, mean_source)
    start = FIRST_DAY + timedelta(minutes=seed % 500_000)
    background = _draw_background(recipe, response, start, background_rng)
    neutron_counts, neutron_interval_s = _draw_neutrons(recipe, t_s, n_prior, neutron_rng)
    live_s = None
    if spectra is not None:
        busy = counts / recipe.interval_s * _DEAD_TIME_S["srpm"]
        live_s = np.round(recipe.interval_s / (1.0 + busy), 6)
    keep = _kept(recipe, n_interval)
    is_occupied = np.zeros(n_interval, dtype=bool)
    is_occupied[n_prior : n_prior + n_occupied] = True
    payload = Occupancy(
        kind="occupancy",
        interval_s=np.full(int(keep.sum()), recipe.interval_s),
        t_s=t_s[keep],
        panel_ids=_panel_ids(recipe.n_panel),
        gamma_counts=counts[keep],
        live_time_s=None if live_s is None else live_s[keep],
        spectra=None if spectra is None else spectra[keep],
        energy_edges_kev=response.edges_kev if response is not None and recipe.has_calibration else None,
        neutron_counts=neutron_counts,
        neutron_interval_s=neutron_interval_s,
        background=background,
        is_occupied=is_occupied[keep],
        n_prior=n_prior,
        speed_m_s=round(recipe.speed_m_s, 3) if recipe.has_speed else None,
        is_tampered=recipe.is_tampered,
        faults=recipe.faults,
        is_complete=recipe.has_end,
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
    return Scan(identity=identity, payload=payload), truth_of(recipe, seed, nsigma)


def _expected(
    recipe: OccupancyRecipe, t_s: NDArray[np.float64], n_prior: int, rng: np.random.Generator
) -> _Expected:
    """Return the share of background left and the decays each panel sees, by interval."""
    t_first = t_s[n_prior] if n_prior < t_s.size else t_s[-1]
    offsets = (np.arange(_SUBSTEPS) + 0.5) / _SUBSTEPS * recipe.interval_s
    times = (t_s[:, np.newaxis] + offsets).ravel()
    # Metres behind the vehicle's front that are in the portal's plane.
    along = recipe.speed_m_s * (times - t_first)
    shade = shadow_profile(
        along, vehicle_m=recipe.vehicle_m, box_m=recipe.box_m, depth=recipe.suppression, rng=rng
    )
    panels = panel_positions(recipe.n_panel)
    seen = []
    for source in recipe.sources:
        n_part = 1 if source.spread_m <= 0 else 25
        places = source.position_m + source.spread_m * ((np.arange(n_part) + 0.5) / n_part - 0.5)
        share = np.zeros((times.size, recipe.n_panel))
        for place in places:
            share += solid_angle_share(
                along - place, source.across_m, source.height_m, panels, _AREA_M2[recipe.portal]
            )
        share *= source.activity_mbq * 1e6 / n_part * recipe.interval_s
        seen.append(share.reshape(t_s.size, _SUBSTEPS, -1).mean(axis=1))
    return _Expected(1.0 - shade.reshape(t_s.size, _SUBSTEPS).mean(axis=1), seen)


def _mean_source_counts(
    recipe: OccupancyRecipe, expected: _Expected, response: PanelSpectra | None
) -> NDArray[np.float64]:
    total = np.zeros((expected.share.size, recipe.n_panel))
    for source, seen in zip(recipe.sources, expected.seen, strict=True):
        if response is None:
            total += seen * plastic_counts_per_decay(source.label, source.shielding)
        else:
            total += seen * response.source(source.label, source.shielding).sum(axis=1)
    return total


def _draw(
    recipe: OccupancyRecipe,
    expected: _Expected,
    response: PanelSpectra | None,
    gamma_rng: np.random.Generator,
    source_rng: np.random.Generator,
) -> tuple[NDArray[np.int64], NDArray[np.uint32] | None]:
    """Draw counts: background and source apart, then the loss to dead time."""
    rate = recipe.panel_background_cps * recipe.interval_s
    alive = np.ones(recipe.n_panel)
    if recipe.dead_panel is not None:
        alive[recipe.dead_panel] = 0.0
    mean = expected.share[:, np.newaxis] * rate * alive
    if response is None:
        source = _mean_source_counts(recipe, expected, None) * alive
        counts = gamma_rng.poisson(mean) + source_rng.poisson(source)
        lost = 1.0 / (1.0 + counts / recipe.interval_s * _DEAD_TIME_S["rpm"])
        return np.floor(counts * lost).astype(np.int64), None
    drawn = gamma_rng.poisson(mean[:, :, np.newaxis] * response.background)
    total = np.zeros(drawn.shape)
    for source_recipe, seen in zip(recipe.sources, expected.seen, strict=True):
        total += (seen * alive)[:, :, np.newaxis] * response.source(
            source_recipe.label, source_recipe.shielding
        )
    if recipe.sources:
        drawn = drawn + source_rng.poisson(total)
        busy = drawn.sum(axis=2, keepdims=True) / recipe.interval_s * _DEAD_TIME_S["srpm"]
        if busy.max() > 0.02:
            drawn = source_rng.binomial(drawn, 1.0 / (1.0 + busy))
    spectra = drawn.astype(np.uint32)
    return spectra.sum(axis=2, dtype=np.int64), spectra


def _draw_background(
    recipe: OccupancyRecipe, response: PanelSpectra | None, start: datetime, rng: np.random.Generator
) -> Background | None:
    """Draw what the portal recorded before the vehicle came."""
    live_s = recipe.background_live_s
    n_panel = recipe.n_panel
    neutrons = rng.poisson(np.full(n_panel, recipe.neutron_background_cps * live_s)) / live_s
    mean = np.full(n_panel, recipe.panel_background_cps * live_s)
    spectra = None
    if response is None:
        gamma = rng.poisson(mean).astype(np.float64)
    else:
        spectra = rng.poisson(mean[:, np.newaxis] * response.background).astype(np.float64)
        gamma = spectra.sum(axis=1)
    if recipe.background_age_s is None:
        return None
    return Background(
        gamma_cps=gamma / live_s,
        live_time_s=live_s,
        neutron_cps=neutrons if recipe.has_neutrons else None,
        spectra=spectra,
        energy_edges_kev=response.edges_kev if response is not None and recipe.has_calibration else None,
        t_end_utc=start - timedelta(seconds=recipe.background_age_s),
        origin="portal",
    )


def _draw_neutrons(
    recipe: OccupancyRecipe, t_s: NDArray[np.float64], n_prior: int, rng: np.random.Generator
) -> tuple[NDArray[np.int64] | None, NDArray[np.float64] | None]:
    """Draw neutron counts, one reading a second."""
    if not recipe.has_neutrons:
        return None, None
    n_second = max(1, round(t_s.size * recipe.interval_s))
    middle = np.arange(n_second) + 0.5
    along = recipe.speed_m_s * (middle - t_s[min(n_prior, t_s.size - 1)])
    beside = (along >= recipe.box_m[0]) & (along <= recipe.box_m[1])
    mean = np.where(beside, recipe.ship_effect, 1.0)[:, np.newaxis] * np.full(
        recipe.n_panel, recipe.neutron_background_cps
    )
    panels = panel_positions(recipe.n_panel)
    for source in recipe.sources:
        if source.neutrons_per_s > 0:
            share = solid_angle_share(
                along - source.position_m, source.across_m, source.height_m, panels, _NEUTRON_AREA_M2
            )
            mean = mean + source.neutrons_per_s * _NEUTRON_EFFICIENCY * share
    return rng.poisson(mean).astype(np.int64), np.ones(n_second)


def _expected_nsigma(recipe: OccupancyRecipe, expected: _Expected, source: NDArray[np.float64]) -> float:
    """Return the largest (S - B) / sqrt(B) of the mean counts in one second, all panels summed."""
    rate = recipe.panel_background_cps * recipe.n_panel
    window = max(1, round(1.0 / recipe.interval_s))
    mean = expected.share * rate * recipe.interval_s + source.sum(axis=1)
    sums = np.convolve(mean, np.ones(window), mode="valid")
    background = rate * window * recipe.interval_s
    return float((sums.max() - background) / np.sqrt(background))


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
