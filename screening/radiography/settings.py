"""Settings of the image analysis: plain numbers, in the units their names give."""

from __future__ import annotations

import msgspec

__all__ = ["RadiographySettings"]


class RadiographySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Thresholds and limits of the image analysis.

    Attributes
    ----------
    threat_diameter_mm : float
        Diameter of the configured threat, a lead-shielded or uranium sphere: no place where it could
        hide unseen is ever called clear.
    dense_min_areal_density_g_cm2 : float
        A dense region has at least this areal density, steel-equivalent ...
    dense_min_contrast_g_cm2 : float
        ... and exceeds its surroundings by at least this ...
    dense_min_diameter_mm, dense_max_diameter_mm : float
        ... and is of a size between these: larger bodies are cargo, not objects.
    max_lost_fraction : float
        Lost lines over lines.
    max_dead_row_fraction : float
        Dead rows over rows.
    max_saturated_fraction : float
        Saturated pixels over live pixels inside the container.
    max_masked_fraction : float
        Masked pixels over pixels of live rows and received lines: module drop-outs and the like.
    max_air_noise_ratio : float
        Air noise after correction over what the photon-transfer law allows.
    max_calibration_age_s : int
        Age at which a calibration is stale, unless the calibration brings its own limit.
    min_rows, min_columns : int
        Smallest picture that is analysed.
    """

    threat_diameter_mm: float = 100.0
    dense_min_areal_density_g_cm2: float = 80.0
    dense_min_contrast_g_cm2: float = 45.0
    dense_min_diameter_mm: float = 80.0
    dense_max_diameter_mm: float = 650.0
    max_lost_fraction: float = 0.01
    max_dead_row_fraction: float = 0.03
    max_saturated_fraction: float = 0.005
    max_masked_fraction: float = 0.05
    max_air_noise_ratio: float = 1.1
    max_calibration_age_s: int = 8 * 3600
    min_rows: int = 64
    min_columns: int = 64

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            value = getattr(self, name)
            if not value > 0:
                raise ValueError(f"{name} must be positive, got {value!r}")
        if self.dense_max_diameter_mm <= self.dense_min_diameter_mm:
            raise ValueError(
                f"dense_max_diameter_mm must exceed dense_min_diameter_mm, got {self.dense_max_diameter_mm!r}"
            )
