"""Settings of the radiation analysis: every limit that can turn a scan UNKNOWN, in one frozen record."""

from __future__ import annotations

import math
from typing import Literal

import msgspec

from screening.errors import ConfigurationError

__all__ = ["LaneGeometry", "NeutronSettings", "RadiationSettings"]


def _require_positive(name: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise ConfigurationError(f"{name} must be positive and finite", value=value)


def _require_probability(name: str, value: float) -> None:
    if not 0 < value < 1:
        raise ConfigurationError(f"{name} must lie between 0 and 1", value=value)


class LaneGeometry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Geometry and efficiency of one kind of panel, for the detection limit alone.

    Attributes
    ----------
    panel_area_m2 : float
        Sensitive face of one panel or crystal, m2.
    panel_distance_m : float
        From the lane's centre to the panels' faces, m.
    efficiency_662 : float
        Counts above the lower threshold per 662 keV photon that meets the face.
    """

    panel_area_m2: float
    panel_distance_m: float
    efficiency_662: float

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            _require_positive(name, getattr(self, name))


#: A plastic scintillator panel of 170 x 35 x 5 cm on either side of a 5 m lane. A 5 cm sheet of
#: polyvinyl toluene stops a third of 662 keV photons (0.085 cm2/g, NIST XCOM); about four fifths of
#: those leave more than a 50 keV threshold.
PLASTIC_PANEL = LaneGeometry(panel_area_m2=0.595, panel_distance_m=2.5, efficiency_662=0.27)

#: One 2 x 4 x 16 inch NaI(Tl) log, 4 x 16 inch face to the lane: 5.08 cm of 3.67 g/cm3 at
#: 0.0766 cm2/g (NIST XCOM, 662 keV) interact with 76 %; nearly all leave more than the threshold.
NAI_LOG = LaneGeometry(panel_area_m2=0.0413, panel_distance_m=2.5, efficiency_662=0.7)


class NeutronSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Settings of the neutron test.

    Attributes
    ----------
    min_window_s : float
        Shortest sum tested, seconds. Shorter sums hold too few counts for a useful size.
    false_alarm : float
        Probability of a false neutron alarm in one occupancy, over all windows tested.
    ship_effect : float
        Factor by which steel cargo may raise the neutron background without a source (cosmic
        spallation); part of the null hypothesis.
    short_background_s : float
        A background shorter than this (a gross-count portal does not say how long it averaged, so
        its record counts as one second) is joined by the rest of the pass.
    max_gamma_panel_cps : float
        Gamma rate of one panel above which gamma pile-up may count as neutrons.
    min_expected_dead : float
        A neutron panel that counts nothing where this many counts were expected is dead.
    max_suppression : float
        Largest share of the neutron background that a load is believed to keep off the tubes.
    dead_probability : float
        Tubes are dead if counts as few as theirs, under that suppression, are less likely.
    """

    min_window_s: float = 2.0
    false_alarm: float = 1e-4
    ship_effect: float = 1.5
    short_background_s: float = 20.0
    max_gamma_panel_cps: float = 50_000.0
    min_expected_dead: float = 15.0
    max_suppression: float = 0.3
    dead_probability: float = 1e-6

    def __post_init__(self) -> None:
        for name in ("min_window_s", "short_background_s", "max_gamma_panel_cps", "min_expected_dead"):
            _require_positive(name, getattr(self, name))
        for name in ("false_alarm", "max_suppression", "dead_probability"):
            _require_probability(name, getattr(self, name))
        if not self.ship_effect >= 1:
            raise ConfigurationError("ship_effect must be at least 1", value=self.ship_effect)


class RadiationSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All limits of the radiation analysis of one lane.

    Attributes
    ----------
    n_sigma : float
        Gamma alarm if a window holds more than B + n_sigma sqrt(B).
    window_s : float
        Length of the alarm window, seconds.
    panel_pairs : tuple of tuple of int, or None
        Panels that share a pillar; None pairs them in order: (0, 1), (2, 3), ...
    max_background_age_s : float
        Older backgrounds are stale (BKG_STALE).
    background_overlap_s : float
        How far a portal's own background may end inside the look-back of its occupancy, seconds.
    min_panel_cps, max_panel_cps : float
        Plausible background rate of one panel, counts/s.
    max_panel_ratio : float
        Largest plausible ratio between the background rates of two panels.
    min_panel_fraction : float
        A panel whose mean rate in the pass falls below this share of its background is dead.
    overload_panel_cps : float
        A panel above this rate may be losing counts (Q_SATURATED).
    min_live_fraction : float
        A panel whose live time falls below this share of real time is overloaded.
    max_suppression : float
        Largest dip of a one-window rate below background that vehicles explain; same estimator as
        the log it was taken from (700 occupancies: median 0.41, 90 % below 0.51, largest 0.58).
    collapse_fraction : float
        Rates below this share of background are a collapse, not a shadow.
    max_lost_fraction : float
        Largest share of intervals or panel readings that may be missing.
    max_gap_s : float
        Longest single gap, seconds.
    max_occupancy_s : float
        Longer occupancies are taken for a stuck beam (Q_OCCUPANCY).
    min_speed_m_s, max_speed_m_s : float
        Speeds the lane is approved for, m/s. (A slow pass is only suspicious of a wrong reading.)
    missing_speed : {"unknown", "bound"}
        Without a speed, "unknown" gives no detection limit and Q_SPEED; "bound" takes the fastest
        speed the occupancy's length allows for the longest vehicle.
    max_vehicle_m : float
        Longest vehicle, for that bound, metres.
    min_vehicle_m : float
        Shortest vehicle; an occupancy shorter than it takes to pass was cut (Q_OCCUPANCY), metres.
    max_detection_limit_mbq : float
        The site's limit on the Cs-137 detection limit, MBq; above it Q_COVERAGE.
    detection_probability : float
        Probability with which a source at the detection limit alarms.
    contrast_false_alarm : float
        False alarm probability per occupancy of the test without background.
    static_systematic : float
        Relative uncertainty of a static background, added to the counting error.
    min_foreground_counts : float
        Fewer counts than this say nothing of nuclides, either way.
    counts_tolerance : float
        Share by which gross counts and their spectra may differ.
    max_gain_difference : float
        Largest relative difference between the energy calibrations of a crystal in the pass and in
        its background (CAL_STALE).
    min_norm_extent : float
        Share of the pass at half the excess or more, from which radium is taken for NORM cargo: a
        point source at 2.5 m stays above half its peak over 3.8 m, a fifth of a lorry.
    gross_panel, spectral_panel : LaneGeometry
        Panels without and with spectra.
    neutron : NeutronSettings
        The neutron test.
    """

    n_sigma: float = 5.0
    window_s: float = 1.0
    panel_pairs: tuple[tuple[int, ...], ...] | None = None
    max_background_age_s: float = 900.0
    background_overlap_s: float = 2.0
    min_panel_cps: float = 5.0
    max_panel_cps: float = 20_000.0
    max_panel_ratio: float = 4.0
    min_panel_fraction: float = 0.25
    overload_panel_cps: float = 100_000.0
    min_live_fraction: float = 0.5
    max_suppression: float = 0.6
    collapse_fraction: float = 0.2
    max_lost_fraction: float = 0.02
    max_gap_s: float = 0.5
    max_occupancy_s: float = 300.0
    min_speed_m_s: float = 0.3
    max_speed_m_s: float = 3.6
    missing_speed: Literal["unknown", "bound"] = "unknown"
    max_vehicle_m: float = 26.0
    min_vehicle_m: float = 6.0
    max_detection_limit_mbq: float = 1.0
    detection_probability: float = 0.95
    contrast_false_alarm: float = 1e-4
    static_systematic: float = 0.05
    min_foreground_counts: float = 100.0
    counts_tolerance: float = 0.2
    max_gain_difference: float = 0.01
    min_norm_extent: float = 0.4
    gross_panel: LaneGeometry = PLASTIC_PANEL
    spectral_panel: LaneGeometry = NAI_LOG
    neutron: NeutronSettings = NeutronSettings()

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            if isinstance(getattr(self, name), int | float):
                _require_positive(name, getattr(self, name))
        for name in (
            "max_suppression",
            "collapse_fraction",
            "min_panel_fraction",
            "min_live_fraction",
            "max_lost_fraction",
            "detection_probability",
            "contrast_false_alarm",
            "max_gain_difference",
            "min_norm_extent",
        ):
            _require_probability(name, getattr(self, name))
