"""The fan-beam tracer and polychromatic transport beside the same in NumPy; nothing here asserts a time.

``pytest tests/benchmarks/test_bench_fan.py --benchmark-only -s``
"""

from __future__ import annotations

import time

import numpy as np
import pytest

from screening.kernels import isa, reference_fan, trace_bodies, trace_mesh, transmit
from screening.kernels.fan import BALL, BOX, CYLINDER, UPRIGHT, FanRays
from screening.physics.attenuation import attenuation
from screening.radiography.curves import beam

N_ROW, N_COLUMN, N_BODY = 1024, 4096, 300
MATERIALS = ("steel", "wood", "aluminium", "lead")


def fastest(function, n_round):
    times = []
    for _ in range(n_round):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return min(times)


@pytest.fixture(scope="module")
def rays():
    pitch = 4.4 / N_ROW, 14.0 / N_COLUMN
    return FanRays(4.3 - pitch[0] * np.arange(N_ROW), pitch[1] * np.arange(N_COLUMN), pitch, 5.5, 1.7)


@pytest.fixture(scope="module")
def scene(rays):
    """A container's worth: 300 bodies of all kinds, most of the size of a drum or a pallet."""
    rng = np.random.default_rng(6)
    bodies, shapes = [], []
    for kind in rng.choice([UPRIGHT, UPRIGHT, BOX, CYLINDER, BALL], N_BODY):
        half = rng.uniform([0.05, 0.1, 0.1], [0.6, 0.6, 0.6])
        centre = rng.uniform([-0.6, 0.5, 1.2], [0.6, 13.5, 3.6])
        matrix = np.diag(1.0 / half)
        if kind != UPRIGHT:
            turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
            matrix = matrix @ turn.T
        reach = np.linalg.norm(half)
        rows = [(rays.row_z_m[0] - centre[2] + s * 1.6 * reach) / rays.pitch_m[0] for s in (-1, 1)]
        columns = [(centre[1] + s * reach) / rays.pitch_m[1] for s in (-1, 1)]
        row0, row1 = np.clip(np.rint(rows), 0, N_ROW).astype(int)
        col0, col1 = np.clip(np.rint(columns), 0, N_COLUMN).astype(int)
        n_ray = 8 if kind == UPRIGHT else 1
        bodies.append((kind, rng.integers(0, len(MATERIALS)), -1, n_ray, 1, row0, col0, row1, col1))
        shapes.append((rng.uniform(0.1, 2.0), *centre, *matrix.ravel()))
    return {"bodies": bodies, "shapes": shapes, "profiles": np.zeros((0, N_COLUMN)), "rays": rays}


def new_planes():
    return np.zeros((len(MATERIALS), N_ROW, N_COLUMN), np.float32)


def report(title, kernel, twin):
    """Print one line; times drift with the machine's load, so what counts is the ratio of one run."""
    print(  # noqa: T201 - a benchmark's answer
        f"\n{title}, {N_ROW} x {N_COLUMN} [{isa()}]: {kernel:.3f} s   NumPy {twin:.3f} s   "
        f"ratio {twin / kernel:.1f}"
    )


@pytest.fixture(scope="module")
def traced(scene):
    """Planes of the scene, and what tracing them took."""
    ours, twins = new_planes(), new_planes()
    trace_bodies(ours, **scene)
    reference_fan.trace_bodies(twins, **scene)
    np.testing.assert_allclose(ours, twins, rtol=1e-5, atol=1e-4)
    other = new_planes()
    kernel = fastest(lambda: trace_bodies(other, **scene), 3)
    return ours, kernel, fastest(lambda: reference_fan.trace_bodies(other, **scene), 1)


def test_trace_bodies_beside_numpy(benchmark, scene, traced):
    benchmark.pedantic(trace_bodies, (new_planes(),), scene, rounds=1)
    report(f"tracing {N_BODY} bodies", *traced[1:])


def test_transmit_beside_numpy(benchmark, traced):
    planes, kernel_tracing, twin_tracing = traced
    spectrum = beam("6MV", 60)
    mu = [attenuation(m, spectrum.energy_kev) for m in MATERIALS]
    inputs = {"mu_cm2_g": mu, "weight": spectrum.weight, "out": np.empty((N_ROW, N_COLUMN), np.float32)}
    seen = benchmark.pedantic(transmit, (planes,), inputs, rounds=1).copy()
    np.testing.assert_allclose(seen, reference_fan.transmit(planes, **inputs), rtol=1e-6)
    kernel = fastest(lambda: transmit(planes, **inputs), 3)
    twin = fastest(lambda: reference_fan.transmit(planes, **inputs), 1)
    covered = float((planes > 0).any(axis=0).mean())
    report(f"transport of 60 bins, {len(MATERIALS)} materials, {100 * covered:.0f} % covered", kernel, twin)
    report("both", kernel + kernel_tracing, twin + twin_tracing)


def test_trace_mesh_of_ten_thousand_triangles(benchmark, rays):
    n = 100
    angle, height = np.meshgrid(np.linspace(0, 2 * np.pi, n, endpoint=False), np.linspace(-0.4, 0.4, n // 2))
    radius = 0.5 * np.sqrt(1.0 - height**2)
    ring = np.stack([radius * np.cos(angle), 6.0 + radius * np.sin(angle), 2.0 + height], axis=-1)
    vertices = np.concatenate([ring.reshape(-1, 3), [[0.0, 6.0, 1.6], [0.0, 6.0, 2.4]]])
    triangles = []
    for k in range(n // 2 - 1):
        for i in range(n):
            a, b = k * n + i, k * n + (i + 1) % n
            triangles += [(a, b, b + n), (a, b + n, a + n)]
    last = (n // 2 - 1) * n
    for i in range(n):
        triangles += [(n * n // 2, (i + 1) % n, i), (n * n // 2 + 1, last + i, last + (i + 1) % n)]
    plane = np.zeros((N_ROW, N_COLUMN), np.float32)
    benchmark.pedantic(
        trace_mesh, (plane,),
        {"vertices_m": vertices, "triangles": triangles, "density_g_cm3": 1.0, "rays": rays,
         "window": (0, 0, N_ROW, N_COLUMN)},
        rounds=1,
    )  # fmt: skip
    assert plane.max() == pytest.approx(100.0, rel=0.02)
