"""Crystals in their housings, as they are simulated for the response tables.

Sizes are those of common products; housings are typical, since makers' drawings differ. Every body is told
in a description that travels with the table.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from screening.kernels.photons import PhotonSetup

from .matter import photon_materials

__all__ = ["DETECTORS", "Detector", "Layer", "detector_setup"]


class Layer(NamedTuple):
    """A layer around what lies within.

    Attributes
    ----------
    material : str
        Its material, "" for a gap.
    front_cm, side_cm, back_cm : float
        Thickness before, beside and behind, cm.
    """

    material: str
    front_cm: float
    side_cm: float
    back_cm: float


class Detector(NamedTuple):
    """A crystal and its housing.

    Attributes
    ----------
    crystal : str
        Crystal material.
    shape : str
        "box" or "cylinder".
    size_cm : tuple of float
        Width, height and depth of a box; diameter and length of a cylinder. The front face is width by
        height, or the circle.
    layers : tuple of Layer
        From the crystal out.
    description : str
        What it stands for.
    hole_cm : tuple of float
        Diameter and depth of a hole from the back; zeros for none.
    """

    crystal: str
    shape: str
    size_cm: tuple[float, ...]
    layers: tuple[Layer, ...]
    description: str
    hole_cm: tuple[float, float] = (0.0, 0.0)

    @property
    def face_area_cm2(self) -> float:
        """Area of the crystal's front face, cm2."""
        if self.shape == "box":
            return self.size_cm[0] * self.size_cm[1]
        return float(np.pi * (self.size_cm[0] / 2) ** 2)

    @property
    def volume_cm3(self) -> float:
        """Volume of the crystal without its hole, cm3."""
        hole = float(np.pi * (self.hole_cm[0] / 2) ** 2 * self.hole_cm[1])
        return self.face_area_cm2 * self.size_cm[-1] - hole


def _inch(*sizes: float) -> tuple[float, ...]:
    return tuple(round(2.54 * size, 4) for size in sizes)


_NAI_CAN = (
    Layer("magnesia-powder", 0.185, 0.185, 0.0),
    Layer("silica-glass", 0.0, 0.0, 0.3),
    Layer("aluminium", 0.05, 0.05, 0.0),
)
_LABR3_CAN = (
    Layer("ptfe-sheet", 0.1, 0.1, 0.0),
    Layer("silica-glass", 0.0, 0.0, 0.5),
    Layer("aluminium", 0.05, 0.05, 0.0),
)
_POCKET = (
    Layer("ptfe-sheet", 0.05, 0.05, 0.05),
    Layer("silica-glass", 0.0, 0.0, 0.15),
    Layer("abs-plastic", 0.2, 0.2, 0.2),
)
_COAXIAL = (
    Layer("hpge", 0.07, 0.07, 0.0),
    Layer("", 0.4, 0.4, 0.4),
    Layer("aluminium", 0.1, 0.1, 0.1),
)

#: By name.
DETECTORS: dict[str, Detector] = {
    "nai-2x4x16": Detector(
        "nai", "box", _inch(4, 16, 2), (*_NAI_CAN[:2], Layer("aluminium", 0.08, 0.08, 0.0)),
        "NaI(Tl) log, 2 x 4 x 16 inch, large face to the source; 1.85 mm of magnesia, 0.8 mm aluminium",
    ),
    "nai-3x3": Detector(
        "nai", "cylinder", _inch(3, 3), _NAI_CAN,
        "NaI(Tl), 3 x 3 inch; 1.85 mm of magnesia, 0.5 mm aluminium, 3 mm glass behind",
    ),
    "nai-1.5x1.5": Detector(
        "nai", "cylinder", _inch(1.5, 1.5), _NAI_CAN,
        "NaI(Tl), 1.5 x 1.5 inch; 1.85 mm of magnesia, 0.5 mm aluminium, 3 mm glass behind",
    ),
    "csi-1cm3": Detector(
        "csi", "box", (1.0, 1.0, 1.0), _POCKET,
        "CsI(Tl), 1 cm3; 0.5 mm PTFE, 2 mm plastic, 1.5 mm glass behind",
    ),
    "csi-3x3cm": Detector(
        "csi", "cylinder", (3.0, 3.0), _POCKET,
        "CsI(Tl), 3 cm across, 3 cm long; 0.5 mm PTFE, 2 mm plastic, 1.5 mm glass behind",
    ),
    "labr3-3x3": Detector(
        "labr3", "cylinder", _inch(3, 3), _LABR3_CAN,
        "LaBr3(Ce), 3 x 3 inch; 1 mm PTFE, 0.5 mm aluminium, 5 mm glass behind",
    ),
    "labr3-1.5x1.5": Detector(
        "labr3", "cylinder", _inch(1.5, 1.5), _LABR3_CAN,
        "LaBr3(Ce), 1.5 x 1.5 inch; 1 mm PTFE, 0.5 mm aluminium, 5 mm glass behind",
    ),
    "hpge-50": Detector(
        "hpge", "cylinder", (6.1, 6.2), _COAXIAL,
        "HPGe, p-type coaxial of about 50 %, active part 61 x 62 mm; 0.7 mm dead, 1 mm aluminium",
        (1.0, 4.8),
    ),
    "hpge-20": Detector(
        "hpge", "cylinder", (4.7, 4.8), _COAXIAL,
        "HPGe, p-type coaxial of about 20 %, active part 47 x 48 mm; 0.7 mm dead, 1 mm aluminium",
        (1.0, 3.6),
    ),
    "hpge-planar-small": Detector(
        "hpge", "cylinder", (2.5, 1.0),
        (Layer("", 0.3, 0.3, 0.3), Layer("aluminium", 0.05, 0.1, 0.1)),
        "HPGe, planar, 25 mm across, 10 mm thick, thin contact; 0.5 mm aluminium",
    ),
    "czt-1cm3": Detector(
        "czt", "box", (1.0, 1.0, 1.0), (Layer("", 0.1, 0.1, 0.1), Layer("aluminium", 0.05, 0.05, 0.1)),
        "CdZnTe, 1 cm3, all charge collected; 0.5 mm aluminium",
    ),
    "pvt-panel": Detector(
        "pvt", "box", (35.0, 170.0, 5.0),
        (Layer("abs-plastic", 0.05, 0.05, 0.05), Layer("", 1.0, 1.0, 1.0), Layer("steel", 0.1, 0.1, 0.1)),
        "PVT panel, 170 x 35 x 5 cm; black foil, 1 mm steel cabinet, no lead",
    ),
}  # fmt: skip


def detector_setup(detector: Detector, *, source: str = "parallel", distance_cm: float = 0.0) -> PhotonSetup:
    """Return the bodies of a detector for the transport kernel.

    Parameters
    ----------
    detector : Detector
        Crystal and housing.
    source : str, default "parallel"
        "parallel", "point" or "isotropic".
    distance_cm : float, default 0
        Of a point source from the housing's front, cm.

    Returns
    -------
    PhotonSetup
        Bodies from the inside out; the crystal's front face is at z = 0.

    Raises
    ------
    ValueError
        If a material is unknown.
    """
    names: list[str] = []

    def _index(material: str) -> int:
        if not material:
            return -1
        if material not in names:
            names.append(material)
        return names.index(material)

    depth = detector.size_cm[-1]
    half_y = detector.size_cm[1] / 2 if detector.shape == "box" else 0.0
    bounds, materials = [], []
    if detector.hole_cm[0] > 0:
        bounds.append([detector.hole_cm[0] / 2, 0.0, depth - detector.hole_cm[1], depth])
        materials.append(-1)
    crystal = len(bounds)
    bounds.append([detector.size_cm[0] / 2, half_y, 0.0, depth])
    materials.append(_index(detector.crystal))
    for layer in detector.layers:
        half_x, half_y, low, high = bounds[-1]
        wide_y = half_y + layer.side_cm if detector.shape == "box" else 0.0
        bounds.append([half_x + layer.side_cm, wide_y, low - layer.front_cm, high + layer.back_cm])
        materials.append(_index(layer.material))
    return PhotonSetup(
        photon_materials(tuple(names)),
        detector.shape,
        np.array(bounds),
        np.array(materials, dtype=np.int32),
        crystal,
        source,
        distance_cm,
    )
