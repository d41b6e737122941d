"""Families of line scanners: the ranges that the properties of an instance are drawn from.

Training on some families and testing on another shows what was learned of one instrument. ``rail-dual``
follows the six measured scans of containers on rail wagons (docs/radiography.md); the others are spread
about it on purpose, over what public descriptions of such scanners say and beyond.
"""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["DEFAULT_FAMILY", "SCANNER_FAMILIES", "SCANNER_KINDS", "ScannerFamily"]

Range = tuple[float, float]

#: Scanner kinds and the energies they record, the most penetrating first.
SCANNER_KINDS: dict[str, tuple[str, ...]] = {
    "dual": ("6MV", "4MV"),
    "dual-9": ("9MV", "6MV"),
    "single": ("6MV",),
    "single-4": ("4MV",),
    "linac-9": ("9MV",),
    "vacis-cs": ("Cs-137",),
    "vacis-co": ("Co-60",),
}


class ScannerFamily(NamedTuple):
    """Ranges of one family; a pair is the least and the largest value drawn.

    Attributes
    ----------
    kinds : tuple of str
        Keys of :data:`SCANNER_KINDS` it is built as.
    source_distance_m, source_height_m : tuple of float
        Source to centre plane, and above the road or rail.
    skew : tuple of float
        Tangent of the angle between the fan and the plane across the motion. Squarely crossed, a wall shows
        the corrugation's half period; the six scans show the whole one, which takes 0.1 to 0.2.
    pitch_m : tuple of float
        Row pitch at the centre plane.
    aspect : tuple of float
        Column pitch over row pitch, apart from the speed the operator meant.
    air_counts : tuple of float
        Air signal.
    gain, electronic_sigma, multiplicative_noise : tuple of float
        Photon-transfer law var = s_e^2 + g m + (c m)^2. The noise measured in opaque places, 24 to 31 counts,
        holds that of their floor: sqrt(s_e^2 + 10 x 45) asks for s_e of 11 to 23.
    line_sigma : tuple of float
        Noise common to a line, relative; drawn by its logarithm.
    row_residue : tuple of float
        Spread of the gain from row to row and board to board, relative.
    board_rows : tuple of int
        Channels of a detector board.
    scatter_floor : tuple of float
        Signal of an opaque place over air; drawn by its logarithm.
    afterglow : tuple of float
        Share of the signal that comes late; drawn by its logarithm.
    afterglow_lines : tuple of float
        Its time constants, in lines; drawn by their logarithm.
    endpoint : tuple of float
        Endpoint of the beam over nominal.
    low_endpoint : tuple of float
        Endpoint of the low energy over that of the high one. The measured ratio of logarithms, 1.05 to
        1.11, asks for 0.76 to 0.83 in loads of steel and wood; 4 over 6 MV would give 1.15 in steel and
        1.19 in wood.
    endpoint_jitter : tuple of float
        Pulse to pulse, relative.
    tungsten_g_cm2, steel_g_cm2 : tuple of float
        Filtration: the target's own, and what was added.
    detectors : tuple of str
        Scintillators it is built with.
    detector_depth_cm : tuple of float
        Their length along the beam.
    blur_px : tuple of float
        Standard deviation of focal spot and detector aperture, pixels.
    wobble_rows : tuple of float
        Amplitude of the detector's sway, rows.
    speed_ripple : tuple of float
        Amplitude of the variation of speed, relative.
    n_dead, n_hot, n_drifting : tuple of int
        Rows of each fault over 680, besides the dead ones at the bottom.
    n_dead_bottom : tuple of int
        Dead rows at the bottom, over 680.
    isolated_rate, saturated_rate : tuple of float
        Failed and saturated pixels over all pixels.
    adc_step_share : float
        Share of instances whose converter is coarser in its upper range.
    mirrored_share : float
        Share that records the container from its other end.
    dark_subtracted_share : float
        Share that subtracts dark and clips at 0.
    """

    kinds: tuple[str, ...]
    source_distance_m: Range
    source_height_m: Range
    skew: Range
    pitch_m: Range
    aspect: Range
    air_counts: Range
    gain: Range
    electronic_sigma: Range
    multiplicative_noise: Range
    line_sigma: Range
    row_residue: Range
    board_rows: tuple[int, ...]
    scatter_floor: Range
    afterglow: Range
    afterglow_lines: Range
    endpoint: Range
    low_endpoint: Range
    endpoint_jitter: Range
    tungsten_g_cm2: Range
    steel_g_cm2: Range
    detectors: tuple[str, ...]
    detector_depth_cm: Range
    blur_px: Range
    wobble_rows: Range
    speed_ripple: Range
    n_dead: tuple[int, int]
    n_hot: tuple[int, int]
    n_drifting: tuple[int, int]
    n_dead_bottom: tuple[int, int]
    isolated_rate: Range
    saturated_rate: Range
    adc_step_share: float
    mirrored_share: float
    dark_subtracted_share: float


_RAIL_DUAL = ScannerFamily(
    kinds=("dual", "single"),
    source_distance_m=(4.5, 7.5),
    source_height_m=(1.3, 2.1),
    skew=(0.0, 0.2),
    pitch_m=(0.0060, 0.0072),
    aspect=(1.15, 1.4),
    air_counts=(47_500.0, 58_000.0),
    gain=(8.0, 11.0),
    electronic_sigma=(13.0, 21.0),
    multiplicative_noise=(0.0, 0.003),
    line_sigma=(0.002, 0.007),
    row_residue=(0.013, 0.05),
    board_rows=(16,),
    scatter_floor=(5.8e-4, 8.5e-4),
    afterglow=(0.001, 0.008),
    afterglow_lines=(0.4, 8.0),
    endpoint=(0.96, 1.04),
    low_endpoint=(0.765, 0.83),
    endpoint_jitter=(0.001, 0.006),
    tungsten_g_cm2=(2.0, 3.0),
    steel_g_cm2=(0.0, 2.0),
    detectors=("cadmium-tungstate",),
    detector_depth_cm=(2.5, 3.5),
    blur_px=(0.3, 0.6),
    wobble_rows=(0.0, 0.15),
    speed_ripple=(0.0, 0.02),
    n_dead=(0, 0),
    n_hot=(0, 1),
    n_drifting=(0, 3),
    n_dead_bottom=(7, 7),
    isolated_rate=(1e-5, 1.6e-4),
    saturated_rate=(2e-4, 7e-4),
    adc_step_share=0.3,
    mirrored_share=0.5,
    dark_subtracted_share=0.9,
)

#: Families by name. Leave one out of training to see what carries over.
SCANNER_FAMILIES: dict[str, ScannerFamily] = {
    "rail-dual": _RAIL_DUAL,
    "portal": _RAIL_DUAL._replace(
        kinds=("single", "dual", "linac-9", "dual-9"),
        source_distance_m=(5.5, 8.5),
        source_height_m=(0.5, 1.4),
        skew=(0.0, 0.12),
        pitch_m=(0.0030, 0.0055),
        aspect=(0.9, 1.1),
        air_counts=(30_000.0, 60_000.0),
        gain=(10.0, 18.0),
        electronic_sigma=(18.0, 30.0),
        line_sigma=(0.001, 0.004),
        row_residue=(0.01, 0.03),
        board_rows=(32,),
        scatter_floor=(3e-4, 9e-4),
        afterglow=(0.001, 0.01),
        low_endpoint=(0.66, 0.78),
        tungsten_g_cm2=(2.0, 3.5),
        steel_g_cm2=(0.0, 8.0),
        detectors=("cadmium-tungstate", "csi"),
        detector_depth_cm=(2.0, 4.0),
        blur_px=(0.4, 0.9),
        wobble_rows=(0.0, 0.1),
        speed_ripple=(0.0, 0.05),
        n_dead=(0, 3),
        n_hot=(0, 2),
        n_dead_bottom=(0, 0),
        adc_step_share=0.5,
        dark_subtracted_share=0.3,
    ),
    "mobile-coarse": _RAIL_DUAL._replace(
        kinds=("single-4", "dual", "single"),
        source_distance_m=(4.0, 5.5),
        source_height_m=(0.9, 3.2),
        pitch_m=(0.007, 0.012),
        aspect=(0.8, 1.3),
        air_counts=(20_000.0, 50_000.0),
        gain=(12.0, 20.0),
        electronic_sigma=(22.0, 35.0),
        multiplicative_noise=(0.001, 0.006),
        line_sigma=(0.004, 0.008),
        row_residue=(0.02, 0.06),
        board_rows=(16, 32),
        scatter_floor=(1e-3, 3e-3),
        afterglow=(0.005, 0.03),
        afterglow_lines=(0.5, 25.0),
        endpoint=(0.9, 1.05),
        low_endpoint=(0.70, 0.86),
        endpoint_jitter=(0.003, 0.012),
        detectors=("cadmium-tungstate", "csi", "gadolinium-oxysulfide"),
        detector_depth_cm=(1.0, 3.0),
        blur_px=(0.3, 0.8),
        wobble_rows=(0.3, 2.0),
        speed_ripple=(0.01, 0.08),
        n_dead=(0, 6),
        n_hot=(0, 4),
        n_drifting=(0, 8),
        n_dead_bottom=(0, 10),
        isolated_rate=(2e-5, 2e-4),
    ),
    "gantry-9mv": _RAIL_DUAL._replace(
        kinds=("linac-9", "dual-9"),
        source_distance_m=(5.0, 7.0),
        source_height_m=(2.0, 4.5),
        skew=(0.0, 0.1),
        pitch_m=(0.0040, 0.0065),
        aspect=(0.9, 1.2),
        air_counts=(40_000.0, 58_000.0),
        gain=(8.0, 15.0),
        electronic_sigma=(15.0, 25.0),
        scatter_floor=(4e-4, 1.5e-3),
        low_endpoint=(0.64, 0.76),
        tungsten_g_cm2=(2.0, 4.0),
        n_dead=(0, 2),
        n_dead_bottom=(0, 4),
        dark_subtracted_share=0.5,
    ),
    # photon counting keeps Poisson statistics, a source has no pulses and no endpoint
    "gamma": _RAIL_DUAL._replace(
        kinds=("vacis-cs", "vacis-co"),
        source_distance_m=(4.0, 6.5),
        source_height_m=(0.8, 2.0),
        skew=(0.0, 0.05),
        pitch_m=(0.006, 0.012),
        aspect=(0.85, 1.2),
        air_counts=(9_000.0, 16_000.0),
        gain=(1.0, 1.4),
        electronic_sigma=(2.0, 5.0),
        multiplicative_noise=(0.0, 0.002),
        line_sigma=(0.0002, 0.001),
        row_residue=(0.015, 0.05),
        scatter_floor=(5e-4, 2e-3),
        afterglow=(1e-4, 5e-4),
        endpoint=(1.0, 1.0),
        low_endpoint=(1.0, 1.0),
        endpoint_jitter=(0.0, 0.0),
        blur_px=(0.3, 0.7),
        wobble_rows=(0.0, 0.5),
        n_dead=(0, 3),
        n_dead_bottom=(7, 7),
        adc_step_share=0.0,
        dark_subtracted_share=0.5,
    ),
}

#: Family of a kind where none is named.
DEFAULT_FAMILY = {
    "dual": "rail-dual",
    "dual-9": "gantry-9mv",
    "single": "rail-dual",
    "single-4": "mobile-coarse",
    "linac-9": "gantry-9mv",
    "vacis-cs": "gamma",
    "vacis-co": "gamma",
}
