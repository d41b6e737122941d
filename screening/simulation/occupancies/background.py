"""The background of a portal: what it is made of, what a load lets through of it, and how it drifts."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .conditions import RainRecipe
from .emission import Photons, emitted, through
from .response import NODES_G_CM2, THRESHOLD_KEV, PanelResponse, Table

__all__ = [
    "COMPONENTS",
    "RADON_SHARE",
    "BackgroundTable",
    "background_table",
    "component_shares",
    "diurnal_radon",
    "washout",
]

#: What a background is made of. The last two come through the air and from above.
COMPONENTS = ("potassium", "uranium", "thorium", "radon", "cosmic")

#: Activity of the ground, Bq/kg: the world's medians (UNSCEAR 2000, annex B, paragraph 12 and table 5).
_GROUND_BQ_KG = (("K-40", 400.0), ("Ra-226", 35.0), ("Th-232", 30.0))

#: Shares of radon in the air and of cosmic rays among the counts of an open portal.
RADON_SHARE, _COSMIC_SHARE = 0.06, 0.08

#: Cosmic muons and their showers lose next to nothing in a load of a few hundred g/cm2.
_COSMIC_KEPT = 0.97

#: Depths of the ground from which photons come, g/cm2 (middle and thickness of each layer), on a mean slant.
_DEPTHS_G_CM2 = ((0.5, 1.0), (2.5, 3.0), (7.0, 6.0), (15.0, 10.0), (30.0, 20.0), (55.0, 30.0))
_SLANT = 1.5

#: Fall of the cosmic continuum, keV, as crystals on the ground show it between 3 and 10 MeV and below.
_COSMIC_FALL_KEV = 2500.0


class BackgroundTable(NamedTuple):
    """Deposits of a background's components, each of one count above the threshold when nothing shades it.

    Attributes
    ----------
    table : Table
        Rows: every component open, then every component behind each of :data:`NODES_G_CM2`.
    share : ndarray of shape (n_component,), float64
        Their shares among the counts of the usual site.
    kept : ndarray of shape (n_component, n_node), float64
        Counts above the threshold behind a load over those of the open component.
    """

    table: Table
    share: NDArray[np.float64]
    kept: NDArray[np.float64]

    def row(self, component: int, node: int | None = None) -> int:
        """Return the row of a component, open (None) or behind a load.

        Parameters
        ----------
        component : int
            Index in :data:`COMPONENTS`.
        node : int or None
            Index in :data:`NODES_G_CM2`.

        Returns
        -------
        int
            Row of the table.
        """
        n = len(COMPONENTS)
        return component if node is None else n + component * NODES_G_CM2.size + node


@lru_cache(maxsize=128)
def background_table(response: PanelResponse, material: str) -> BackgroundTable:
    """Return the deposits of a background, open and behind loads of one material.

    Parameters
    ----------
    response : PanelResponse
        The panel.
    material : str
        Material of the load.

    Returns
    -------
    BackgroundTable
        The deposits.
    """
    fields = [_ground(label) for label, _ in _GROUND_BQ_KG] + [emitted("Ra-226")]
    threshold = THRESHOLD_KEV[response.portal][0]
    rows_open, behind, strength = [], [], []
    for field in fields:
        spectra = [response.deposits(field)]
        spectra += [response.deposits(through(field, material, float(node))) for node in NODES_G_CM2]
        table = Table(np.stack(spectra), response.edges_kev)
        above = table.above(threshold)
        strength.append(above[0])
        rows_open.append(spectra[0] / above[0])
        behind.append(np.stack(spectra[1:]) / above[0])
    middle = 0.5 * (response.edges_kev[1:] + response.edges_kev[:-1])
    cosmic = np.exp(-middle / _COSMIC_FALL_KEV) * np.diff(response.edges_kev)
    cosmic /= Table(cosmic[np.newaxis], response.edges_kev).above(threshold)[0]
    rows_open.append(cosmic)
    behind.append(np.stack([cosmic * (1.0 if node == 0 else _COSMIC_KEPT) for node in NODES_G_CM2]))
    ground = np.array([strength[k] * activity for k, (_, activity) in enumerate(_GROUND_BQ_KG)])
    share = np.concatenate(
        [ground / ground.sum() * (1.0 - RADON_SHARE - _COSMIC_SHARE), [RADON_SHARE, _COSMIC_SHARE]]
    )
    stack = Table(np.concatenate([np.stack(rows_open), *behind]), response.edges_kev)
    kept = stack.above(threshold)[len(COMPONENTS) :]
    return BackgroundTable(stack, share, kept.reshape(len(COMPONENTS), NODES_G_CM2.size))


def _ground(label: str) -> Photons:
    """Return the photons that come out of a ground which holds one decay of a label per gram everywhere."""
    total: Photons | None = None
    for depth, thickness in _DEPTHS_G_CM2:
        out = through(emitted(label), "concrete", depth * _SLANT)
        lines, scattered = out.lines * thickness, out.scattered * thickness
        if total is None:
            total = Photons(out.energy_kev, lines, scattered)
        else:
            total = Photons(out.energy_kev, total.lines + lines, total.scattered + scattered)
    assert total is not None  # noqa: S101 - there is a depth
    return total


def component_shares(table: BackgroundTable, mix: tuple[float, float, float, float]) -> NDArray[np.float64]:
    """Return the shares of a site's components.

    Parameters
    ----------
    table : BackgroundTable
        For the usual site's.
    mix : tuple of float
        Potassium, uranium, thorium and radon over the usual site's.

    Returns
    -------
    ndarray of shape (n_component,), float64
        Shares of the counts, of unit sum.
    """
    share = table.share * np.array([*mix, 1.0])
    return np.asarray(share / share.sum())


def washout(rain: RainRecipe | None, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what a shower adds to the background.

    The deposit A obeys dA/dt = R(t) - ln 2 A / T: it rises while it rains and decays with T, some 30 min.

    Parameters
    ----------
    rain : RainRecipe or None
        The shower.
    t_s : ndarray of shape (n,), float64
        Seconds after the vehicle's front reached the portal.

    Returns
    -------
    ndarray of shape (n,), float64
        Share of the background's counts.
    """
    if rain is None:
        return np.zeros(t_s.shape)
    decay = np.log(2.0) / rain.half_life_s
    since = np.maximum(t_s - rain.start_s, 0.0)
    fell = np.minimum(since, rain.duration_s)
    return np.asarray(rain.excess * -np.expm1(-decay * fell) * np.exp(-decay * (since - fell)))


def diurnal_radon(hour: float, amplitude: float = 0.5) -> float:
    """Return radon in the air over its daily mean.

    Parameters
    ----------
    hour : float
        Local hour, 0 to 24. It is highest before sunrise, when the air does not mix, and lowest in the
        afternoon.
    amplitude : float, default 0.5
        Half the difference between both, 0 to 1.

    Returns
    -------
    float
        Factor for `radon_factor`.

    Raises
    ------
    ValueError
        If the hour or the amplitude is outside its range.
    """
    if not 0.0 <= hour <= 24.0:
        raise ValueError(f"an hour is from 0 to 24, got {hour:g}")
    if not 0.0 <= amplitude <= 1.0:
        raise ValueError(f"an amplitude is from 0 to 1, got {amplitude:g}")
    return float(1.0 + amplitude * np.cos(2.0 * np.pi * (hour - 5.0) / 24.0))
