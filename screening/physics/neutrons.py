"""Neutrons: what a panel of moderated helium-3 tubes counts of a source, and of the cosmic background.

Panel: the response to shielded sources comes from ``tables/neutron_response.npz``, a small Monte Carlo
(:mod:`screening.training.neutron_tables`). Its absolute scale is the published one: 2.5 counts per second
and nanogram of Cf-252 at 2 m, the source in 0.5 cm of lead and 2.5 cm of polyethylene (R. T. Kouzes et al.,
NIM A 623 (2010) 1035). The Monte Carlo alone gives 3.3 for a panel of 0.3 x 2 m; what it leaves out (tube
walls, dead ends, thresholds) lowers it. Neutrons scattered by ground and walls are not added.

Background: neutrons of cosmic rays fall off with the air above, exp(-depth / 131.3 g/cm2), M. S. Gordon et
al., IEEE Trans. Nucl. Sci. 51 (2004) 3427. Cargo of steel and lead makes more of them, in bursts: Kouzes et
al., NIM A 587 (2008) 89 (the effect at portals); burst sizes fall as n^-2.4 in lead (H. Cao and D. Koltick,
arXiv:2401.11280); counts in 0.1 s are not Poisson (A. Oliveri et al., APS DNP 2007, DA 60).
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .neutron_sources import FISSION_PER_GRAM

__all__ = [
    "NeutronPanel",
    "altitude_factor",
    "background_rate",
    "cosmic_counts",
    "gamma_counts",
    "panel_rate",
    "ship_factor",
]

#: Counts per second and nanogram of Cf-252 of the reference source at 2 m, and the neutrons it emits.
REFERENCE_CPS_PER_NG = 2.5
REFERENCE_DISTANCE_M = 2.0

#: Attenuation length of the neutron background in air, and the depth of air at sea level, g/cm2.
AIR_LENGTH_G_CM2 = 131.3
SEA_LEVEL_G_CM2 = 1033.2

#: Cosmic neutrons of all energies at sea level, 1/cm2/s (Gordon et al. 2004, New York, outdoors), and their
#: shares below 0.5 eV, to 16 MeV and above.
SEA_LEVEL_FLUX_CM2_S = 0.0134
_THERMAL_SHARE, _MODERATE_SHARE = 0.2, 0.45

#: Burst sizes: probability of n neutrons in a struck nucleus's cascade as n^-2.4, up to 100.
BURST_POWER = 2.4
LARGEST_BURST = 100

#: Counts per photon that meets a panel: pile-up of gamma rays above the neutron threshold.
GAMMA_SENSITIVITY_RANGE = (1e-8, 1e-6)


class NeutronPanel(NamedTuple):
    """A panel of helium-3 tubes in polyethylene.

    Attributes
    ----------
    width_m, height_m : float
        Face towards the lane.
    cps_per_ng : float
        Efficiency with the reference source at 2 m: this sets the scale.
    """

    width_m: float = 0.3
    height_m: float = 2.0
    cps_per_ng: float = REFERENCE_CPS_PER_NG


def panel_rate(
    neutrons_per_s: float,
    distance_m: float,
    *,
    along_m: float = 0.0,
    spectrum: str = "Cf-252",
    shield: str = "polyethylene",
    shield_cm: float = 0.0,
    panel: NeutronPanel | None = None,
) -> float:
    """Return what a panel counts of a source.

    Parameters
    ----------
    neutrons_per_s : float
        Neutrons emitted per second, 0 or more.
    distance_m : float
        Across the lane, from the panel's face to the source, 0.2 to 100 m.
    along_m : float, default 0
        Along the lane from the panel's middle, -100 to 100 m.
    spectrum : {"Cf-252", "Pu", "Am-Be"}
        Energies emitted.
    shield : {"polyethylene", "borated-polyethylene", "lead", "steel"}
        Material around the source.
    shield_cm : float, default 0
        Its thickness, 0 to 20 cm (lead 10).
    panel : NeutronPanel, optional
        The panel.

    Returns
    -------
    float
        Counts per second, background apart.

    Raises
    ------
    ValueError
        If an argument is unknown or outside its range.
    """
    if not (np.isfinite(neutrons_per_s) and neutrons_per_s >= 0.0):
        raise ValueError(f"emission {neutrons_per_s:g} n/s is not allowed: finite, 0 or more")
    panel = NeutronPanel() if panel is None else panel
    reference = _seen_share(REFERENCE_DISTANCE_M, 0.0, panel)
    # counts per neutron of the reference source at its distance
    scale = panel.cps_per_ng / (FISSION_PER_GRAM["Cf-252"] * 1e-9)
    relative = _relative_count(spectrum, shield, shield_cm)
    return neutrons_per_s * scale * relative * _seen_share(distance_m, along_m, panel) / reference


def _seen_share(distance_m: float, along_m: float, panel: NeutronPanel) -> float:
    """Return the share of all directions that meets a panel's face, the source at its middle height."""
    if not 0.2 <= distance_m <= 100.0:
        raise ValueError(f"distance {distance_m:g} m is outside the range 0.2 to 100 m")
    if not -100.0 <= along_m <= 100.0:
        raise ValueError(f"place along the lane {along_m:g} m is outside the range -100 to 100 m")
    for name, side_m in (("width", panel.width_m), ("height", panel.height_m)):
        if not 0.01 <= side_m <= 1000.0:
            raise ValueError(f"panel {name} {side_m:g} m is outside the range 0.01 to 1000 m")
    if not 0.0 < panel.cps_per_ng <= 100.0:
        raise ValueError(f"panel efficiency {panel.cps_per_ng:g} cps/ng is outside the range above 0 to 100")
    half = 0.5 * panel.height_m
    edges = (along_m - 0.5 * panel.width_m, along_m + 0.5 * panel.width_m)

    def corner(x: float) -> float:
        return float(np.arctan2(x * half, distance_m * np.sqrt(distance_m**2 + x**2 + half**2)))

    return 2.0 * (corner(edges[1]) - corner(edges[0])) / (4.0 * np.pi)


def _relative_count(spectrum: str, shield: str, shield_cm: float) -> float:
    """Return counts per emitted neutron, relative to the reference source."""
    table = _response()
    spectra = sorted({key.split()[0] for key in table if " " in key})
    shields = sorted({key.split()[1] for key in table if " " in key})
    if spectrum not in spectra:
        raise ValueError(f"unknown neutron spectrum {spectrum!r}; known: {', '.join(spectra)}")
    if shield not in shields:
        raise ValueError(f"unknown neutron shield {shield!r}; known: {', '.join(shields)}")
    thickness = table[f"{spectrum} {shield} cm"]
    if not 0.0 <= shield_cm <= thickness[-1]:
        raise ValueError(
            f"{shield} of {shield_cm:g} cm is outside the table, 0 to {float(thickness[-1]):g} cm"
        )
    count = np.log(table[f"{spectrum} {shield} count"] / table["reference"])
    return float(np.exp(np.interp(shield_cm, thickness, count)))


def altitude_factor(*, altitude_m: float = 0.0, pressure_hpa: float | None = None) -> float:
    """Return the cosmic neutron background relative to sea level.

    Parameters
    ----------
    altitude_m : float, default 0
        Height above sea level, -500 to 6000 m; the standard atmosphere gives the pressure.
    pressure_hpa : float, optional
        Pressure of the air, 400 to 1100 hPa, instead.

    Returns
    -------
    float
        Factor: 1 at 1013.25 hPa, and 0.78 % more for each hPa less.

    Raises
    ------
    ValueError
        If the height or the pressure is outside its range.
    """
    if pressure_hpa is None:
        if not -500.0 <= altitude_m <= 6000.0:
            raise ValueError(f"altitude {altitude_m:g} m is outside the range -500 to 6000 m")
        pressure_hpa = 1013.25 * (1.0 - 2.25577e-5 * altitude_m) ** 5.25588
    elif not 400.0 <= pressure_hpa <= 1100.0:
        raise ValueError(f"pressure {pressure_hpa:g} hPa is outside the range 400 to 1100 hPa")
    depth = SEA_LEVEL_G_CM2 * (1.0 - pressure_hpa / 1013.25)
    return float(np.exp(depth / AIR_LENGTH_G_CM2))


def background_rate(
    *, altitude_m: float = 0.0, pressure_hpa: float | None = None, panel: NeutronPanel | None = None
) -> float:
    """Return what a panel counts of the cosmic background, in the open.

    The flux meets the front face from all sides (a quarter of it crosses); above 16 MeV it counts as at
    16 MeV. Buildings and latitude change it by up to a factor of two either way.

    Parameters
    ----------
    altitude_m, pressure_hpa : float, optional
        As :func:`altitude_factor`.
    panel : NeutronPanel, optional
        The panel.

    Returns
    -------
    float
        Counts per second.

    Raises
    ------
    ValueError
        As :func:`altitude_factor`.
    """
    panel = NeutronPanel() if panel is None else panel
    table = _response()
    response = table["response"]
    shares = (_THERMAL_SHARE, _MODERATE_SHARE, 1.0 - _THERMAL_SHARE - _MODERATE_SHARE)
    counted = float(np.dot(shares, (response[0], response[1:].mean(), response[-1])))
    current = SEA_LEVEL_FLUX_CM2_S / 4.0 * panel.width_m * panel.height_m * 1e4
    # the Monte Carlo is scaled to the published efficiency
    modelled = FISSION_PER_GRAM["Cf-252"] * 1e-9 * _seen_share(REFERENCE_DISTANCE_M, 0.0, panel)
    scale = panel.cps_per_ng / (modelled * float(table["reference"]))
    return current * counted * scale * altitude_factor(altitude_m=altitude_m, pressure_hpa=pressure_hpa)


def ship_factor(steel_g_cm2: float) -> float:
    """Return by how much a load of steel multiplies the neutron background beside it.

    A load takes away neutrons from behind it and makes its own. The factor is taken as
    1 + 1.5 (1 - exp(-steel / 100)): near 1.5 for the 40 g/cm2 of a well-filled box and 2.5 at most. That is
    the order of what portals see of iron (Kouzes et al. 2008: up to a few times the background); single
    loads differ by as much as a factor of two in the excess.

    Parameters
    ----------
    steel_g_cm2 : float
        Mean areal density of steel across the load, 0 to 500 g/cm2.

    Returns
    -------
    float
        Rate over the background without the load, at least 1.

    Raises
    ------
    ValueError
        If the areal density is outside its range.
    """
    if not 0.0 <= steel_g_cm2 <= 500.0:
        raise ValueError(f"steel of {steel_g_cm2:g} g/cm2 is outside the range 0 to 500 g/cm2")
    return 1.0 + 1.5 * -float(np.expm1(-steel_g_cm2 / 100.0))


def cosmic_counts(
    rng: np.random.Generator,
    rate_cps: float,
    duration_s: float,
    steel_g_cm2: float = 0.0,
    n_panel: int = 2,
    *,
    interval_s: float = 0.1,
    detection: float = 0.02,
) -> NDArray[np.int64]:
    """Draw the neutron background beside a load of steel, in bursts.

    The background without the load is Poisson but for the bursts of what surrounds the panels, a twentieth
    of it. The excess of the load comes in cascades: the number of neutrons in one falls as n^-2.4 up to
    100, and each is counted in one of the panels with probability `detection`, all within a millisecond.
    The variance of the counts in any interval exceeds their mean by the factor
    1 + share in bursts x detection x <n (n - 1)> / <n>.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    rate_cps : float
        Background of one panel without a load, counts per second.
    duration_s : float
        Time, s.
    steel_g_cm2 : float, default 0
        Mean areal density of steel beside the panels, 0 to 500 g/cm2.
    n_panel : int, default 2
        Panels.
    interval_s : float, default 0.1
        Interval of the counts, s.
    detection : float, default 0.02
        Probability that any panel counts a neutron of a cascade in the load, above 0, at most 0.5.

    Returns
    -------
    ndarray of shape (n_interval, n_panel), int64
        Counts; whole intervals only.

    Raises
    ------
    ValueError
        If an argument is outside its range.
    """
    if not (np.isfinite(rate_cps) and rate_cps >= 0.0):
        raise ValueError(f"background rate {rate_cps:g} cps is not allowed: finite, 0 or more")
    if not (0.0 < interval_s <= duration_s < np.inf):
        raise ValueError(
            f"interval {interval_s:g} s must be above 0 and at most the duration {duration_s:g} s"
        )
    if n_panel < 1:
        raise ValueError(f"n_panel is {n_panel}; allowed: 1 or more")
    if not 0.0 < detection <= 0.5:
        raise ValueError(f"detection probability {detection:g} is outside the range above 0 to 0.5")
    n_interval = int(duration_s / interval_s + 1e-9)
    excess = (ship_factor(steel_g_cm2) - 1.0) * rate_cps
    in_bursts = excess + 0.05 * rate_cps
    counts = rng.poisson(0.95 * rate_cps * interval_s, (n_interval, n_panel)).astype(np.int64)
    sizes = np.arange(1, LARGEST_BURST + 1)
    share = sizes**-BURST_POWER
    share /= share.sum()
    mean = float(share @ sizes) * detection / n_panel
    n_cascade = rng.poisson(in_bursts * interval_s * n_interval / mean)
    neutrons = rng.choice(sizes, n_cascade, p=share)
    seen = rng.binomial(neutrons, detection)
    when = np.repeat(rng.integers(0, n_interval, n_cascade), seen)
    np.add.at(counts, (when, rng.integers(0, n_panel, when.size)), 1)
    return counts


def gamma_counts(
    rng: np.random.Generator, photons_per_s: NDArray[np.float64], interval_s: float, sensitivity: float = 1e-7
) -> NDArray[np.int64]:
    """Draw false neutron counts from gamma rays.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness.
    photons_per_s : ndarray of shape (...)
        Photons that meet a panel per second, in each interval.
    interval_s : float
        Interval, s.
    sensitivity : float, default 1e-7
        Counts per photon, 1e-8 to 1e-6; portals are asked for less than 1e-6 (Kouzes et al. 2010).

    Returns
    -------
    ndarray of shape (...), int64
        Counts.

    Raises
    ------
    ValueError
        If an argument is outside its range.
    """
    rate = np.asarray(photons_per_s, dtype=np.float64)
    low, high = GAMMA_SENSITIVITY_RANGE
    if not low <= sensitivity <= high:
        raise ValueError(f"gamma sensitivity {sensitivity:g} is outside the range {low:g} to {high:g}")
    if not (np.isfinite(interval_s) and interval_s > 0.0):
        raise ValueError(f"interval {interval_s:g} s is not allowed: finite and above 0")
    if not np.all(np.isfinite(rate) & (rate >= 0.0)):
        raise ValueError(f"photon rates must be finite and 0 or more, got {float(np.min(rate)):g} per second")
    return rng.poisson(rate * interval_s * sensitivity).astype(np.int64)


@cache
def _response() -> dict[str, NDArray[np.float64]]:
    path = files("screening.physics") / "tables" / "neutron_response.npz"
    with path.open("rb") as stream, np.load(stream) as table:
        return {key: table[key] for key in table.files}
