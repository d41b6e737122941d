"""Track P: vehicles pass one log of a portal, with sources behind nothing, steel or water."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .scene import INTERVAL_S, Pass, Run, Stratum

__all__ = ["PORTAL_NUCLIDES", "SHIELDINGS", "PortalTrack"]

#: Nuclides, and classes of shielding: 1 cm of steel, 20 cm of water.
PORTAL_NUCLIDES = (
    "Am-241",
    "Ba-133",
    "Co-57",
    "Co-60",
    "Cs-137",
    "Eu-152",
    "Ga-67",
    "I-131",
    "Ir-192",
    "Ra-226",
    "Tc-99m",
    "Th-232",
    "HEU",
    "WGPu",
    "DU",
)
SHIELDINGS: dict[str, tuple[tuple[str, float], ...]] = {
    "bare": (),
    "1 cm steel": (("steel", 7.85),),
    "20 cm water": (("water", 20.0),),
}

#: 8 km/h; from the source to the face, m; seconds that a vehicle occupies the portal; one false alarm in so
#: many.
_SPEED_M_S, _CLOSEST_M, _OCCUPIED_S, _OCCUPANCIES = 2.2, 2.5, 8.0, 1000.0
_VEHICLE_M, _BOX_M = _SPEED_M_S * _OCCUPIED_S, (4.3, 17.0)

#: Open background before the vehicle comes, seconds; occupancies of a shift, and its hours.
_LEAD_S, _N_VEHICLE, _SHIFT_H = 15.0, 100, 8.0

#: Seconds watched after the vehicle has left, so that a source at its end has passed 2 r0 / v before the end.
_AFTER_S = 1.5

#: Ranges of a site and of a vehicle: background of the log, counts/s; spread of the logarithm of potassium,
#: uranium and thorium and of radon; drift of all but cosmic rays in a shift; suppression; load, g/cm2.
_RATE_CPS, _MIX_SIGMA, _RADON_SIGMA, _DRIFT = (150.0, 500.0), 0.25, 0.5, 0.1
_SUPPRESSION, _LOAD_G_CM2, _LOADS = (0.05, 0.55), (5.0, 100.0), ("polyethylene", "water", "steel", "concrete")

#: Radius of a piece of uranium or plutonium, g/cm2: it holds back its own photons.
_RADIUS_G_CM2 = 10.0
_METALS = ("HEU", "WGPu", "DU")

#: Calibrations over which a template is averaged.
_N_CALIBRATION = 16


class PortalTrack:
    """Track P; see :class:`screening.evaluate.weak_source.scene.Track`.

    Parameters
    ----------
    nuclides : tuple of str
        Sources.
    shieldings : tuple of str
        Keys of SHIELDINGS.
    far : float
        Share of occupancies that may alarm.
    n_vehicle : int
        Occupancies of a shift.
    """

    name = "portal"
    is_by_occupancy = True

    def __init__(
        self,
        nuclides: tuple[str, ...] = PORTAL_NUCLIDES,
        shieldings: tuple[str, ...] = tuple(SHIELDINGS),
        far: float = 1.0 / _OCCUPANCIES,
        n_vehicle: int = _N_VEHICLE,
    ) -> None:
        from screening.simulation.occupancies.batch import sqrt_edges_kev

        self.strata = tuple(Stratum(nuclide, shielding) for nuclide in nuclides for shielding in shieldings)
        self.far = far
        self.edges_kev = sqrt_edges_kev()
        self._n_vehicle = n_vehicle

    def background(self, seed: int) -> list[Run]:
        """Draw the occupancies of a shift: one site, whose radon and ground change during it.

        Parameters
        ----------
        seed : int
            Of the shift.

        Returns
        -------
        list of Run
            One for each vehicle.
        """
        rng = np.random.default_rng(seed)
        site = _site(rng)
        seeds = rng.integers(0, 2**62, self._n_vehicle)
        return [
            self._occupancy(_recipe(site, (k + 0.5) / self._n_vehicle, int(one)), int(one))
            for k, one in enumerate(seeds)
        ]

    def source_pass(self, stratum: Stratum, seed: int) -> Pass:
        """Draw a vehicle at a site of its own with a source in its box, at the height of the log.

        Parameters
        ----------
        stratum : Stratum
            The source.
        seed : int
            Of the pass.

        Returns
        -------
        Pass
            Activities in MBq.
        """
        rng = np.random.default_rng([seed, 1])
        run = self._occupancy(_recipe(_site(rng), float(rng.random()), seed), seed)
        position_m = float(rng.uniform(_BOX_M[0] + 0.5, _BOX_M[1] - 0.5))
        source = np.zeros(run.counts.shape)
        source[run.first - _n_prior() :] = self._source(stratum, position_m, seed)
        closest_s = run.first * INTERVAL_S + position_m / _SPEED_M_S
        half_s = 2.0 * _CLOSEST_M / _SPEED_M_S
        return Pass(
            run,
            source,
            max(closest_s - half_s, run.first * INTERVAL_S),
            min(closest_s + half_s + 4.0, run.counts.shape[0] * INTERVAL_S),
        )

    def template(self, stratum: Stratum) -> NDArray[np.float64]:
        """Return the counts of an interval at the closest approach, averaged over calibrations.

        Parameters
        ----------
        stratum : Stratum
            The source.

        Returns
        -------
        ndarray of shape (n_bin,), float64
            For each MBq.
        """
        passing = [self._source(stratum, 0.5 * _VEHICLE_M, seed) for seed in range(_N_CALIBRATION)]
        total = np.sum(passing, axis=0)
        return np.asarray(total[total.sum(axis=1).argmax()] / _N_CALIBRATION)

    def profile(self) -> NDArray[np.float64]:
        """Return the shape of a pass within 2 r0 / v of the closest approach.

        Returns
        -------
        ndarray of shape (45,), float64
            1 in the middle.
        """
        return self._profile

    @cached_property
    def _profile(self) -> NDArray[np.float64]:
        n = int(2.0 * _CLOSEST_M / _SPEED_M_S / INTERVAL_S)
        # So that the closest approach falls on the middle of an interval.
        middle = (int(0.5 * _OCCUPIED_S / INTERVAL_S) + 0.5) * INTERVAL_S * _SPEED_M_S
        total = self._source(self.strata[0], middle, 0).sum(axis=1)
        peak = int(total.argmax())
        return np.asarray(total[peak - n : peak + n + 1] / total[peak])

    def _source(self, stratum: Stratum, position_m: float, seed: int) -> NDArray[np.float64]:
        from screening.simulation.occupancies import SourceRecipe, expected_pass

        source = SourceRecipe(
            label=stratum.nuclide,
            activity_mbq=1.0,
            position_m=position_m,
            height_m=1.8,
            shielding=SHIELDINGS[stratum.shielding],
            radius_g_cm2=_RADIUS_G_CM2 if stratum.nuclide in _METALS else 0.0,
        )
        recipe = _bare_recipe(sources=(source,))
        return expected_pass(recipe, seed, self.edges_kev).source[:, 0]

    def _occupancy(self, recipe: Any, seed: int) -> Run:
        from screening.simulation.occupancies import expected_pass

        mean = expected_pass(recipe, seed, self.edges_kev).background[:, 0]
        n_lead = round(_LEAD_S / INTERVAL_S)
        mean = np.concatenate([np.broadcast_to(mean[0], (n_lead, mean.shape[1])), mean])
        counts = np.random.default_rng([seed, 2]).poisson(mean).astype(np.uint16)
        return Run(counts, mean.astype(np.float32), n_lead + _n_prior())


def _n_prior() -> int:
    return round(1.0 / INTERVAL_S)


def _bare_recipe(**fields: Any) -> Any:
    from screening.simulation.occupancies import OccupancyRecipe

    return OccupancyRecipe(
        portal="srpm",
        n_panel=2,
        interval_s=INTERVAL_S,
        speed_m_s=_SPEED_M_S,
        vehicle_m=_VEHICLE_M,
        box_m=_BOX_M,
        lane_m=2.0 * _CLOSEST_M,
        has_ground=False,
        stuck_s=_AFTER_S,
        **fields,
    )


def _site(rng: np.random.Generator) -> dict[str, Any]:
    """Draw a site: its rate, its ground, its radon, the hour at which the shift begins, how it drifts."""
    return {
        "rate_cps": float(np.exp(rng.uniform(*np.log(_RATE_CPS)))),
        "mix": np.exp(_MIX_SIGMA * rng.standard_normal(3)),
        "radon": float(np.exp(_RADON_SIGMA * rng.standard_normal())),
        "hour": float(rng.uniform(0.0, 24.0)),
        "drift": float(rng.uniform(-_DRIFT, _DRIFT)),
    }


def _recipe(site: dict[str, Any], at: float, seed: int) -> Any:
    """Return a vehicle at some part (0 to 1) of a shift."""
    from screening.simulation.occupancies import CargoRecipe
    from screening.simulation.occupancies.background import diurnal_radon

    rng = np.random.default_rng([seed, 3])
    ground = 1.0 + site["drift"] * (at - 0.5)
    radon = site["radon"] * diurnal_radon((site["hour"] + _SHIFT_H * at) % 24.0)
    load = float(rng.uniform(*_LOAD_G_CM2))
    cargo = CargoRecipe(
        material=str(rng.choice(_LOADS)),
        density_g_cm3=load / (200.0 * 1.17),
        profile=tuple(rng.uniform(0.3, 1.7, 6).tolist()),
    )
    return _bare_recipe(
        background_cps=site["rate_cps"] * ground,
        background_mix=(*(site["mix"] * ground).tolist(), radon),
        suppression=float(rng.uniform(*_SUPPRESSION)),
        cargo=cargo,
    )
