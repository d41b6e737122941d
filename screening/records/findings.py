"""What an analysis concluded of one scan, before any level is set.

The measurement records are the `measurements` of the public JSON (schema ``screening/1``): every
measured field may be null, and then a reason code among the findings says why.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec
from numpy.typing import NDArray

from .codes import Category, FlagModality, Material, ReasonCode, RegionKind

__all__ = [
    "Analysis",
    "AnomalyMeasurement",
    "Assessment",
    "ContainerBox",
    "CountMeasurement",
    "Finding",
    "Gate",
    "ImageQuality",
    "ImageRegion",
    "ModelRef",
    "NuclideMeasurement",
    "RadiationMeasurements",
    "RadiographMeasurements",
]


class Finding(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing an analysis found, good or bad.

    Attributes
    ----------
    code : ReasonCode
        Its code; the level of the code is set in :mod:`screening.risk`.
    text : str
        One line for a person, with the figures.
    params : dict of str to str
        The figures as decimal strings.
    evidence_ref : str or None
        Which product or region shows it ("regions/3", "spectrum/SUM").
    is_explained : bool
        An alarm with an innocent explanation found in the same scan (medical or NORM alone).
    is_severe : bool
        Neutrons, SNM, or an overload: the site's responder comes first.
    """

    code: ReasonCode
    text: str
    params: dict[str, str] = {}
    evidence_ref: str | None = None
    is_explained: bool = False
    is_severe: bool = False


class Gate(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One quality gate. A gate that failed raises `code`.

    Attributes
    ----------
    name : str
        Name of the gate ("lost_lines").
    passed : bool
        Whether the value is within the limit.
    value, limit : str
        Measured value and limit, decimal strings; "none" when the value could not be measured.
    code : ReasonCode
        Code raised by a failure.
    """

    name: str
    passed: bool
    value: str
    limit: str
    code: ReasonCode


class ModelRef(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A model that took part, by name and hash.

    Attributes
    ----------
    name : str
        Name of the model.
    sha256 : str
        Hash of the bytes that were loaded.
    card_sha256 : str
        Hash of its card, which holds the thresholds.
    """

    name: str
    sha256: str
    card_sha256: str


class Assessment(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one modality says of one scan; it becomes one flag.

    Attributes
    ----------
    modality : FlagModality
        The modality.
    findings : tuple of Finding
        Findings in order of weight.
    gates : tuple of Gate
        Every gate that was applied, passed or not.
    scores : dict of str to str
        Named scores, decimal strings ("max_nsigma": "12.4").
    labels : tuple of str
        Labels behind the scores, most likely first.
    ood_score : str or None
        Out-of-distribution score, decimal string.
    """

    modality: FlagModality
    findings: tuple[Finding, ...] = ()
    gates: tuple[Gate, ...] = ()
    scores: dict[str, str] = {}
    labels: tuple[str, ...] = ()
    ood_score: str | None = None


class NuclideMeasurement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One identified nuclide.

    Attributes
    ----------
    nuclide : str
        "Cs-137"; groups and materials by their usual names ("HEU", "WGPu").
    categories : tuple of Category
        All categories it belongs to.
    confidence : float
        0 to 1; at least the card's reporting threshold.
    net_counts : float
        Fitted counts above background.
    """

    nuclide: str
    categories: tuple[Category, ...]
    confidence: float
    net_counts: float


class CountMeasurement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Gross counts against background.

    Attributes
    ----------
    background_cps : float or None
        Background rate the test used, counts/s over all panels; None without a background.
    max_cps : float or None
        Highest rate in the alarm window, counts/s over all panels.
    max_nsigma : float or None
        Largest (S - B) / sqrt(B) over the window and the sums tested; None without a background.
    alarm : bool or None
        Whether the rule alarmed; None if it could not be applied.
    contrast : float or None
        Highest over lowest window rate within the pass.
    """

    background_cps: float | None
    max_cps: float | None
    max_nsigma: float | None
    alarm: bool | None
    contrast: float | None = None


class AnomalyMeasurement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A score and the threshold it is held against."""

    score: float
    threshold: float


class RadiationMeasurements(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Measurements of one occupancy or spectrum.

    Attributes
    ----------
    nuclides : tuple of NuclideMeasurement
        Identified nuclides, most significant first. Empty: none named.
    gamma : CountMeasurement or None
        Gross gamma counts; None for a static spectrum without background.
    neutron : CountMeasurement or None
        Neutron counts; None without neutron detectors.
    detection_limit_mbq_cs137 : float or None
        Smallest Cs-137 activity at the lane's centre that would have alarmed, MBq.
    anomaly : AnomalyMeasurement or None
        Spectral anomaly or out-of-distribution score.
    resolution_662_percent : float or None
        FWHM at 662 keV estimated from the spectrum, percent.
    gain_correction : float or None
        Fitted gain over the file's own calibration.
    """

    nuclides: tuple[NuclideMeasurement, ...] = ()
    gamma: CountMeasurement | None = None
    neutron: CountMeasurement | None = None
    detection_limit_mbq_cs137: float | None = None
    anomaly: AnomalyMeasurement | None = None
    resolution_662_percent: float | None = None
    gain_correction: float | None = None


class ContainerBox(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A container's outer hull, half-open, in pixels of the input picture.

    Attributes
    ----------
    row0, col0, row1, col1 : int
        First row and column, and one past the last.
    complete : bool
        Both ends lie in the picture.
    """

    row0: int
    col0: int
    row1: int
    col1: int
    complete: bool


class ImageRegion(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A marked region, half-open box in pixels of the input picture.

    Attributes
    ----------
    kind : RegionKind
        What it is.
    row0, col0, row1, col1 : int
        Its box.
    score : float
        How sure, 0 to 1.
    areal_density_g_cm2 : float or None
        Steel-equivalent areal density (95 % lower bound where opaque), g/cm2.
    material : Material or None
        Material class; ``ambiguous`` without a calibration of that scanner.
    area_px : int or None
        Pixels in the region itself.
    is_lower_bound : bool
        The areal density is only a bound from below.
    """

    kind: RegionKind
    row0: int
    col0: int
    row1: int
    col1: int
    score: float
    areal_density_g_cm2: float | None = None
    material: Material | None = None
    area_px: int | None = None
    is_lower_bound: bool = False


class ImageQuality(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Quality of one radiograph.

    Attributes
    ----------
    air_sigma : float or None
        Relative noise of one air pixel after correction; None without air in the picture.
    dead_rows : tuple of int
        Rows without signal.
    lost_lines : int
        Lines never received.
    saturated_fraction : float
        Saturated pixels over live pixels.
    masked_fraction : float
        Masked pixels over all pixels.
    """

    air_sigma: float | None
    dead_rows: tuple[int, ...]
    lost_lines: int
    saturated_fraction: float
    masked_fraction: float


class RadiographMeasurements(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Measurements of one radiograph.

    Attributes
    ----------
    shape : tuple of int
        (rows, columns) of the input picture.
    containers : tuple of ContainerBox
        Every container found.
    opaque_fraction : float or None
        Opaque pixels over live pixels inside the hulls; None without a hull.
    hideable_fraction : float or None
        Share of the hulls in which the configured threat could hide unseen.
    empty_probability : float or None
        Probability that the container is empty; None if the picture cannot say.
    cargo_mass_kg : float or None
        Mass from the integral of areal density, a lower bound where opaque; None without a pitch.
    regions : tuple of ImageRegion
        Marked regions.
    quality : ImageQuality
        Picture quality.
    """

    shape: tuple[int, int]
    containers: tuple[ContainerBox, ...]
    opaque_fraction: float | None
    hideable_fraction: float | None
    empty_probability: float | None
    cargo_mass_kg: float | None
    regions: tuple[ImageRegion, ...]
    quality: ImageQuality


class Analysis(msgspec.Struct, frozen=True, kw_only=True, eq=False):
    """All that one analysis returns: no level yet.

    Attributes
    ----------
    modality : {"radiation", "radiograph"}
        Which analysis.
    assessments : tuple of Assessment
        One per flag modality.
    measurements : RadiationMeasurements or RadiographMeasurements
        For the public JSON.
    models : tuple of ModelRef
        Models that took part.
    products : dict of str to ndarray
        Maps and spectra behind the answer, for ``--products`` and reports.
    """

    modality: Literal["radiation", "radiograph"]
    assessments: tuple[Assessment, ...]
    measurements: RadiationMeasurements | RadiographMeasurements
    models: tuple[ModelRef, ...] = ()
    products: dict[str, NDArray[Any]] = {}
