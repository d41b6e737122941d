"""The image analysis of one radiograph: what is there, what cannot be seen, and whether it can be told."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from screening.classifiers import Model
from screening.errors import ModelError
from screening.records import (
    Analysis,
    Assessment,
    ContainerBox,
    Finding,
    FlagModality,
    Gate,
    ImageQuality,
    Material,
    Radiograph,
    RadiographMeasurements,
    ReasonCode,
    Scan,
    decimal_string,
)

from .consistency import consistency_gates
from .density import cargo_mass_kg
from .empty import empty_baseline
from .hull import pixel_pitch
from .load import LoadAnswer, judge_load
from .planes import Plane, correct_plane, most_penetrating
from .quality import gates, image_quality, measure_air
from .regions import HullView, look_into, region_findings
from .see import containers_in, plane_density
from .settings import RadiographySettings

__all__ = ["RadiographAnalyser"]

#: Code of each material in the product map.
MATERIAL_CODES = {None: 0, Material.ORGANIC: 1, Material.LIGHT_METAL: 2, Material.STEEL: 3, Material.HEAVY: 4,
                  Material.AMBIGUOUS: 5}  # fmt: skip

#: Areal density from which a pixel of the product map is said to hold a material at all, g/cm2.
MATERIAL_FROM_G_CM2 = 5.0


class _Picture(NamedTuple):
    planes: tuple[Plane, ...]
    high: Plane
    boxes: tuple[ContainerBox, ...]
    density: NDArray[np.float32] | None
    density_variance: NDArray[np.float32]
    views: tuple[HullView, ...]
    pitch_mm: tuple[float, float] | None
    is_pitch_assumed: bool


class RadiographAnalyser:
    """Analyse radiographs.

    Parameters
    ----------
    settings : RadiographySettings, optional
        Thresholds and limits.
    empty_model : Model or None
        The loaded-or-empty model; None leaves that question unanswered, which is a finding.
    """

    def __init__(self, settings: RadiographySettings | None = None, empty_model: Model | None = None) -> None:
        self.settings = settings or RadiographySettings()
        self.empty_model = empty_model

    def analyse(self, scan: Scan) -> Analysis:
        """Return findings and measurements of a radiograph, without a level.

        Parameters
        ----------
        scan : Scan
            A scan whose payload is a Radiograph.

        Returns
        -------
        Analysis
            One assessment, XRAY. Whatever is missing or wrong is a finding or a failed gate.

        Raises
        ------
        TypeError
            If the scan is not a radiograph.
        """
        radiograph = scan.payload
        if not isinstance(radiograph, Radiograph):
            raise TypeError(f"an image analysis needs a Radiograph, got {type(radiograph).__name__}")
        refusal = self._refusal(radiograph)
        if refusal is not None:
            return refusal
        picture = self._see(radiograph)
        in_hull = np.zeros(radiograph.raw.shape[:2], dtype=bool)
        for box in picture.boxes:
            in_hull[box.row0 : box.row1, box.col0 : box.col1] = True
        air = measure_air(picture.high, picture.boxes)
        quality = image_quality(picture.planes, air, in_hull)
        applied = gates(radiograph, picture.boxes, quality, air, self.settings)
        applied += consistency_gates(
            radiograph, picture.boxes, max_lost_fraction=self.settings.max_lost_fraction
        )
        findings, regions = region_findings(picture.views)
        if radiograph.calibration is None:
            findings.append(
                Finding(
                    code=ReasonCode.CAL_MISSING,
                    text="no dark and air calibration: levels were estimated from the picture",
                )
            )
        elif picture.density is None:
            findings.append(
                Finding(
                    code=ReasonCode.CAL_MISSING,
                    text=f"no steel curve for the beam {picture.high.label!r}: no areal densities",
                    params={"energy": picture.high.label},
                )
            )
        usable = (
            radiograph.calibration is not None
            and all(gate.passed for gate in applied)
            and not any(view.hiding.any() for view in picture.views)
        )
        answer = self._judge(scan, picture, is_usable=usable)
        findings += answer.findings
        regions += answer.regions
        measurements = RadiographMeasurements(
            shape=(radiograph.raw.shape[0], radiograph.raw.shape[1]),
            containers=picture.boxes,
            opaque_fraction=_fraction(picture, "opaque"),
            hideable_fraction=_fraction(picture, "hiding"),
            empty_probability=answer.empty_probability,
            cargo_mass_kg=self._mass(picture),
            regions=tuple(regions),
            quality=quality,
        )
        labels = [f"beam {picture.high.label}", "material: uncalibrated"]
        if picture.is_pitch_assumed:
            labels.append("pitch: assumed")
        if radiograph.calibration is None:
            labels.append("levels: estimated from the picture")
        assessment = Assessment(
            modality=FlagModality.XRAY,
            findings=tuple(findings),
            gates=applied,
            scores={**answer.scores, **_scores(measurements)},
            labels=tuple(labels),
        )
        return Analysis(
            modality="radiograph",
            assessments=(assessment,),
            measurements=measurements,
            models=answer.models,
            products=_products(picture),
        )

    def _refusal(self, radiograph: Radiograph) -> Analysis | None:
        """Return the answer to a picture that is none: too small, or nothing in it."""
        n_row, n_column, n_energy = radiograph.raw.shape
        settings = self.settings
        lost = 0
        if n_energy == 0 or n_row < settings.min_rows or n_column < settings.min_columns:
            code = ReasonCode.Q_COVERAGE
            text = f"the picture is {n_row} x {n_column} pixels, too small to analyse"
        elif radiograph.is_lost is not None and radiograph.is_lost.any(axis=1).all():
            code, text = ReasonCode.Q_LINES_LOST, "no line was received"
            lost = n_column
        elif not any(np.ptp(radiograph.plane(k)) > 0 for k in range(n_energy)):
            code, text = ReasonCode.Q_DETECTOR_DEAD, "the picture is constant: the detector measured nothing"
        else:
            return None
        quality = ImageQuality(
            air_sigma=None, dead_rows=(), lost_lines=lost, saturated_fraction=0.0, masked_fraction=0.0
        )
        gate = Gate(name="picture", passed=False, value=f"{n_row}x{n_column}",
                    limit=f"{settings.min_rows}x{settings.min_columns}", code=code)  # fmt: skip
        measurements = RadiographMeasurements(
            shape=(n_row, n_column),
            containers=(),
            opaque_fraction=None,
            hideable_fraction=None,
            empty_probability=None,
            cargo_mass_kg=None,
            regions=(),
            quality=quality,
        )
        assessment = Assessment(
            modality=FlagModality.XRAY, findings=(Finding(code=code, text=text),), gates=(gate,)
        )
        return Analysis(modality="radiograph", assessments=(assessment,), measurements=measurements)

    def _see(self, radiograph: Radiograph) -> _Picture:
        planes = tuple(correct_plane(radiograph, k) for k in range(radiograph.raw.shape[2]))
        high = planes[most_penetrating(radiograph.energies)]
        boxes = containers_in(high, radiograph.pitch_mm)
        pitch, is_assumed = pixel_pitch(boxes, radiograph.pitch_mm)
        density, density_variance = plane_density(high)
        n_row, n_column = high.neg_log.shape
        whole = ContainerBox(row0=0, col0=0, row1=n_row, col1=n_column, complete=False)
        views = tuple(
            look_into(high, density, box, pitch, self.settings, is_container=bool(boxes))
            for box in boxes or (whole,)
        )
        return _Picture(planes, high, boxes, density, density_variance, views, pitch, is_assumed)

    def _judge(self, scan: Scan, picture: _Picture, *, is_usable: bool) -> LoadAnswer:
        manifest = scan.identity.manifest
        declared = None if manifest is None else manifest.is_declared_empty
        if picture.density is None or not picture.boxes:
            return LoadAnswer()
        try:
            return judge_load(
                self.empty_model,
                picture.density,
                picture.density_variance,
                picture.high.is_live,
                picture.boxes,
                declared_empty=declared,
                is_usable=is_usable,
            )
        except ModelError as error:
            return LoadAnswer(findings=(Finding(code=ReasonCode(error.reason), text=str(error)),))

    def _mass(self, picture: _Picture) -> float | None:
        if picture.density is None or picture.pitch_mm is None or not picture.boxes:
            return None
        unseen = ~picture.high.is_live
        total = 0.0
        for box in picture.boxes:
            hull = picture.density[box.row0 : box.row1, box.col0 : box.col1]
            total += cargo_mass_kg(picture.density, unseen, box, empty_baseline(hull), picture.pitch_mm)
        return total


def _fraction(picture: _Picture, name: str) -> float | None:
    """Return the share of opaque (over live) or hiding (over all) pixels of the hulls."""
    if not picture.boxes:
        return None
    marked = sum(int(getattr(view, name).sum()) for view in picture.views)
    if name == "hiding":
        return marked / max(sum(view.hiding.size for view in picture.views), 1)
    live = sum(view.n_live for view in picture.views)
    # a hull without one live pixel shows nothing at all
    return marked / live if live else 1.0


def _scores(measurements: RadiographMeasurements) -> dict[str, str]:
    named = {
        "opaque_fraction": measurements.opaque_fraction,
        "hideable_fraction": measurements.hideable_fraction,
        "empty_probability": measurements.empty_probability,
        "cargo_mass_kg": measurements.cargo_mass_kg,
    }
    return {name: decimal_string(value) for name, value in named.items() if value is not None}


def _products(picture: _Picture) -> dict[str, NDArray[np.generic]]:
    planes = picture.planes
    opaque = np.zeros(picture.high.state.shape, dtype=np.uint8)
    hiding = np.zeros_like(opaque)
    for view in picture.views:
        box = view.box
        opaque[box.row0 : box.row1, box.col0 : box.col1] |= view.opaque.astype(np.uint8)
        hiding[box.row0 : box.row1, box.col0 : box.col1] |= view.hiding.astype(np.uint8)
    boxes = [(b.row0, b.col0, b.row1, b.col1, int(b.complete)) for b in picture.boxes]
    products: dict[str, NDArray[np.generic]] = {
        "transmission": np.stack([np.exp(-plane.neg_log) for plane in planes], axis=2),
        "variance": np.stack([plane.variance for plane in planes], axis=2),
        "mask": np.stack([plane.state for plane in planes], axis=2),
        "opaque": opaque,
        "hiding": hiding,
        "boxes": np.array(boxes, dtype=np.int32).reshape(-1, 5),
    }
    if picture.density is not None:
        products["areal_density_g_cm2"] = picture.density
        material = picture.high.is_live & (picture.density > MATERIAL_FROM_G_CM2)
        products["material"] = material.astype(np.uint8) * np.uint8(MATERIAL_CODES[Material.AMBIGUOUS])
    return products
