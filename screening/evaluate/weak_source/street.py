"""Track S: a log goes along a street, past bare sources in vacuum."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .scene import INTERVAL_S, Pass, Run, Stratum

__all__ = ["STREET_NUCLIDES", "StreetTrack"]

#: The nuclides of Bilton et al., J. Nucl. Eng. 2(2) (2021) 190.
STREET_NUCLIDES = (
    "Au-198",
    "Ba-133",
    "Br-82",
    "Co-57",
    "Co-60",
    "Cs-137",
    "Eu-152",
    "I-123",
    "I-131",
    "In-111",
    "Ir-192",
    "Mn-54",
    "Sb-124",
    "Sc-46",
    "Se-75",
    "Sn-113",
    "Tl-201",
)

#: Speed, m/s, and closest approach, m; one false alarm in so many hours; range of a run's length, s; length
#: of a run with a pass, and range of the closest approach in it.
_SPEED_M_S, _CLOSEST_M, _HOURS, _RUN_S, _PASS_S, _CLOSEST_S = (
    5.0,
    10.0,
    8.0,
    (120.0, 600.0),
    120.0,
    (75.0, 110.0),
)

#: Seconds about the closest approach in which the source is drawn: before, it is below 2 % of its largest.
_DRAWN_S = (-20.0, 10.0)


class StreetTrack:
    """Track S; see :class:`screening.evaluate.weak_source.scene.Track`.

    Parameters
    ----------
    nuclides : tuple of str
        Sources.
    far : float
        False alarms an hour.
    run_s : tuple of float
        Range of the lengths of runs, seconds.
    """

    name = "street"
    is_by_occupancy = False

    def __init__(
        self,
        nuclides: tuple[str, ...] = STREET_NUCLIDES,
        far: float = 1.0 / _HOURS,
        run_s: tuple[float, float] = _RUN_S,
    ) -> None:
        from screening.simulation.occupancies.batch import sqrt_edges_kev

        self.strata = tuple(Stratum(nuclide) for nuclide in nuclides)
        self.far = far
        self.edges_kev = sqrt_edges_kev()
        self._run_s = run_s

    def background(self, seed: int) -> list[Run]:
        """Draw one run.

        Parameters
        ----------
        seed : int
            Of the run.

        Returns
        -------
        list of Run
            One.
        """
        duration_s = float(np.random.default_rng(seed).uniform(*self._run_s))
        return [self._run(seed, round(duration_s, 1))]

    def source_pass(self, stratum: Stratum, seed: int) -> Pass:
        """Draw the background of a pass; the closest approach lies anywhere in its interval.

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
        from screening.simulation.occupancies import street_source

        closest_s = float(np.random.default_rng([seed, 1]).uniform(*_CLOSEST_S))
        run = self._run(seed, _PASS_S)
        since_s = np.asarray(np.arange(run.counts.shape[0]) * INTERVAL_S - closest_s, dtype=np.float64)
        source = np.zeros(run.counts.shape)
        near = (since_s >= _DRAWN_S[0]) & (since_s < _DRAWN_S[1])
        source[near] = street_source(
            stratum.nuclide,
            self.edges_kev,
            since_s[near],
            interval_s=INTERVAL_S,
            speed_m_s=_SPEED_M_S,
            closest_m=_CLOSEST_M,
        )
        half_s = 2.0 * _CLOSEST_M / _SPEED_M_S
        return Pass(run, source, closest_s - half_s, closest_s + half_s + 4.0)

    def template(self, stratum: Stratum) -> NDArray[np.float64]:
        """Return the counts of an interval at the closest approach.

        Parameters
        ----------
        stratum : Stratum
            The source.

        Returns
        -------
        ndarray of shape (n_bin,), float64
            For each MBq.
        """
        return np.asarray(self._passing(stratum.nuclide, np.array([-0.5 * INTERVAL_S]))[0])

    def profile(self) -> NDArray[np.float64]:
        """Return the shape of a pass within 2 r0 / v of the closest approach.

        Returns
        -------
        ndarray of shape (81,), float64
            1 in the middle.
        """
        n = round(2.0 * _CLOSEST_M / _SPEED_M_S / INTERVAL_S)
        since_s = np.asarray((np.arange(-n, n + 1) - 0.5) * INTERVAL_S, dtype=np.float64)
        total = self._passing(self.strata[0].nuclide, since_s).sum(axis=1)
        return np.asarray(total / total[n])

    def _passing(self, nuclide: str, since_s: NDArray[np.float64]) -> NDArray[np.float64]:
        from screening.simulation.occupancies import street_source

        return street_source(
            nuclide,
            self.edges_kev,
            since_s,
            interval_s=INTERVAL_S,
            speed_m_s=_SPEED_M_S,
            closest_m=_CLOSEST_M,
        )

    def _run(self, seed: int, duration_s: float) -> Run:
        from screening.simulation.occupancies import street_run

        drawn = street_run(
            seed, self.edges_kev, duration_s=duration_s, interval_s=INTERVAL_S, speed_m_s=_SPEED_M_S
        )
        return Run(drawn.counts, (drawn.amplitude @ drawn.shape).astype(np.float32))
