"""People: limbs, trunk and head of soft tissue with the bones in them, standing, sitting or lying.

Proportions and masses of segments are rounded from general anthropometry (about 1.55 to 1.90 m, 50 to
100 kg); densities of tissue are those of ICRU reports as :mod:`screening.physics` carries them.
"""

from __future__ import annotations

import numpy as np

from .shapes import moved
from .solids import Part, block, rod, spheroid

__all__ = ["lying", "sitting", "standing"]

Point = tuple[float, float, float]
_TISSUE = ("soft-tissue", 1.05)
_BONE = ("bone", 1.6)


def standing(rng: np.random.Generator) -> list[Part]:
    """Return a standing person.

    Parameters
    ----------
    rng : numpy.random.Generator
        Stature, build, how the arms hang.

    Returns
    -------
    list of Part
        About the feet's middle, facing growing y.
    """
    tall = rng.uniform(1.55, 1.9)
    arms = rng.uniform(0.0, 0.25)
    joints = {
        "hip": 0.52 * tall,
        "knee": [(s * 0.09, rng.normal(0.02, 0.02), 0.28 * tall) for s in (-1.0, 1.0)],
        "foot": [(s * 0.10, rng.normal(0.0, 0.05), 0.04) for s in (-1.0, 1.0)],
        "elbow": [(s * 0.25, 0.02 + arms * 0.3, 0.62 * tall) for s in (-1.0, 1.0)],
        "hand": [(s * 0.24, 0.05 + arms, 0.48 * tall) for s in (-1.0, 1.0)],
    }
    return _body(tall, rng, joints, lean=0.0)


def sitting(rng: np.random.Generator) -> list[Part]:
    """Return a person who sits on the floor with the knees drawn up.

    Parameters
    ----------
    rng : numpy.random.Generator
        Stature, build, how the trunk leans.

    Returns
    -------
    list of Part
        About the seat, facing growing y.
    """
    tall = rng.uniform(1.55, 1.9)
    joints = {
        "hip": 0.11,
        "knee": [(s * 0.12, 0.33 + rng.normal(0.0, 0.03), 0.24 * tall) for s in (-1.0, 1.0)],
        "foot": [(s * 0.12, 0.48 + rng.normal(0.0, 0.03), 0.05) for s in (-1.0, 1.0)],
        "elbow": [(s * 0.27, 0.15, 0.32) for s in (-1.0, 1.0)],
        "hand": [(s * 0.12, 0.36, 0.38) for s in (-1.0, 1.0)],
    }
    return _body(tall, rng, joints, lean=rng.uniform(-0.15, 0.25))


def lying(rng: np.random.Generator) -> list[Part]:
    """Return a person who lies along the motion.

    Parameters
    ----------
    rng : numpy.random.Generator
        Stature and build.

    Returns
    -------
    list of Part
        On the back, head towards growing y.
    """
    # z becomes y, and what faced y faces up
    turn = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.0, -1.0, 0.0]])
    return moved(standing(rng), (0.0, 0.0, 0.0), turn)


def _body(tall: float, rng: np.random.Generator, joints: dict[str, object], *, lean: float) -> list[Part]:
    build = rng.uniform(0.85, 1.12)
    hip_z = float(joints["hip"])  # type: ignore[arg-type]
    trunk = 0.30 * tall
    shoulder_z, shoulder_y = hip_z + trunk, trunk * lean
    middle_y = shoulder_y / 2.0
    parts = [
        # the three overlap: together they are about as dense as tissue
        spheroid("soft-tissue", 0.75, (0.0, 0.0, hip_z), (0.165 * build, 0.11 * build, 0.12)),
        spheroid(
            "soft-tissue",
            0.62,
            (0.0, middle_y, hip_z + 0.45 * trunk),
            (0.145 * build, 0.105 * build, 0.125 * tall),
        ),
        spheroid(
            "soft-tissue",
            0.75,
            (0.0, 0.8 * shoulder_y, hip_z + 0.8 * trunk),
            (0.175 * build, 0.11 * build, 0.1 * tall),
        ),
        # lungs: what they lack
        *(
            spheroid(
                "soft-tissue",
                -0.5,
                (s * 0.075, 0.8 * shoulder_y, hip_z + 0.78 * trunk),
                (0.055, 0.075, 0.115),
            )
            for s in (-1.0, 1.0)
        ),
        rod(*_BONE, (0.0, -0.07, hip_z), (0.0, shoulder_y - 0.07, shoulder_z + 0.05), 0.019),
        spheroid("bone", 0.55, (0.0, -0.01, hip_z), (0.13, 0.08, 0.07)),
        *(
            spheroid("bone", 0.35, (0.0, 0.8 * shoulder_y, hip_z + trunk * share), (0.15, 0.10, 0.006))
            for share in (0.55, 0.63, 0.71, 0.79, 0.87, 0.95)
        ),
    ]
    head = (0.0, shoulder_y + 0.03 + 0.1 * lean, shoulder_z + 0.19)
    parts += [
        rod(*_TISSUE, (0.0, shoulder_y, shoulder_z), (0.0, head[1] - 0.02, head[2] - 0.05), 0.055),
        spheroid(*_TISSUE, head, (0.075, 0.095, 0.115)),
        spheroid("bone", 1.1, head, (0.07, 0.09, 0.108)),
        spheroid("bone", -1.1, head, (0.062, 0.082, 0.1)),
    ]
    for k, side in enumerate((-1.0, 1.0)):
        hip = (side * 0.09, 0.0, hip_z)
        knee, foot = joints["knee"][k], joints["foot"][k]  # type: ignore[index]
        shoulder = (side * 0.19 * build, shoulder_y, shoulder_z - 0.04)
        elbow, hand = joints["elbow"][k], joints["hand"][k]  # type: ignore[index]
        parts += _limb(hip, knee, 0.075 * build, 0.014)
        parts += _limb(knee, foot, 0.05 * build, 0.013)
        parts += _limb(shoulder, elbow, 0.045 * build, 0.011)
        parts += _limb(elbow, hand, 0.036 * build, 0.010)
        parts.append(spheroid(*_TISSUE, (foot[0], foot[1] + 0.07, foot[2]), (0.045, 0.13, 0.04)))
        parts.append(spheroid(*_TISSUE, hand, (0.025, 0.05, 0.05)))
        parts.append(block("rubber", 0.7, (foot[0], foot[1] + 0.07, foot[2] - 0.035), (0.08, 0.26, 0.015)))
    return parts


def _limb(start: Point, end: Point, radius: float, bone: float) -> list[Part]:
    """Return a tapering limb: an ellipsoid along the bone, and the bone with its thick ends."""
    one = rod(*_TISSUE, start, end, radius)
    long = one.size[2]
    flesh = one._replace(shape="ellipsoid", size=(radius, radius, 0.56 * long))
    core = one._replace(density_g_cm3=0.35, size=(0.55 * radius, 0.55 * radius, long))
    return [
        flesh,
        core,
        rod(*_BONE, start, end, bone),
        spheroid("bone", 0.6, end, (2 * bone, 2 * bone, 2 * bone)),
    ]
