"""Pictures of known statistics, made in NumPy alone: steps of absorber, a texture, and a stated noise."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from screening.records import Radiograph

SHAPE = (224, 352)
AIR = 50_000.0


def depth_plane(
    rng: np.random.Generator, roughness: float = 0.4, shape: tuple[int, int] = SHAPE
) -> NDArray[Any]:
    """Open beam above and beside boxes of drawn thickness, textured, with one opaque corner."""
    depth = np.zeros(shape)
    top = 40
    texture = ndimage.gaussian_filter(rng.standard_normal(shape), 3.0)
    texture *= roughness / texture.std()
    for column in range(32, shape[1] - 64, 64):
        depth[top:, column : column + 64] = rng.uniform(0.3, 3.5) * (
            1.0 + 0.25 * texture[top:, column : column + 64]
        )
    depth[-80:, 32:96] = 9.0
    return np.maximum(depth, 0.0)


def synthetic(
    seed: int,
    *,
    gain: float = 12.0,
    sigma: float = 25.0,
    line: float = 0.003,
    residue: float = 0.02,
    floor: float = 8e-4,
    ratio: float = 1.09,
    roughness: float = 0.4,
    dark: float = 0.0,
    energies: int = 2,
    shape: tuple[int, int] = SHAPE,
) -> Radiograph:
    """A picture by the photon-transfer law."""
    rng = np.random.default_rng([seed, 0xF00D])
    depth = depth_plane(rng, roughness, shape)
    rows = 1.0 + residue * rng.standard_normal(shape[0])
    raw = np.empty((*shape, energies), dtype=np.uint16)
    for k in range(energies):
        pulses = 1.0 + line * rng.standard_normal(shape[1])
        mean = AIR * rows[:, None] * pulses[None, :] * (np.exp(-depth * (ratio if k else 1.0)) + floor)
        noisy = mean + np.sqrt(sigma**2 + gain * mean) * rng.standard_normal(shape) + dark
        raw[:, :, k] = np.clip(np.rint(noisy), 0, 65535)
    return Radiograph(raw=raw, energies=("6MV", "4MV")[:energies], is_dark_subtracted=dark == 0.0)
