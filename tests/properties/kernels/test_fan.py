"""The fan-beam tracer and polychromatic transport agree with their NumPy twins, whatever they are given."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import ConvexHull

from screening.kernels import reference_fan, trace_bodies, trace_mesh, transmit
from screening.kernels.fan import BALL, BOX, CYLINDER, UPRIGHT, FanRays

SETTINGS = settings(max_examples=60, deadline=None, derandomize=True)
N_ROW, N_COLUMN = 24, 31


def draw_rays(rng):
    pitch = rng.uniform(0.005, 0.05, 2)
    y = np.cumsum(rng.uniform(0.5, 1.5, N_COLUMN) * pitch[1])
    return FanRays(
        row_z_m=rng.uniform(1.0, 2.0) - pitch[0] * np.arange(N_ROW),
        column_y_m=y[::-1].copy() if rng.random() < 0.3 else y,
        pitch_m=(float(pitch[0]), float(pitch[1])),
        source_distance_m=rng.uniform(3.0, 9.0),
        source_height_m=rng.uniform(0.5, 2.5),
        skew=rng.choice([0.0, rng.uniform(-0.3, 0.3)]),
    )


def draw_turn(rng):
    turn = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    return turn * np.sign(np.linalg.det(turn))


def middle(rays):
    return np.array([0.0, rays.column_y_m.mean(), rays.row_z_m.mean()])


@SETTINGS
@given(st.integers(0, 2**32), st.integers(0, 12))
def test_trace_bodies(seed, n_body):
    rng = np.random.default_rng(seed)
    rays = draw_rays(rng)
    profiles = rng.uniform(0.0, 2.0, (2, N_COLUMN))
    size = min(N_ROW * rays.pitch_m[0], N_COLUMN * rays.pitch_m[1])
    bodies, shapes = [], []
    for kind in rng.choice([UPRIGHT, BOX, CYLINDER, BALL], n_body):
        half = size * 10 ** rng.uniform(-3.0, 0.3, 3)
        # straight bodies too: rays along their faces are the hard case
        matrix = np.diag(1.0 / half)
        if kind != UPRIGHT and rng.random() < 0.7:
            matrix = matrix @ draw_turn(rng).T
        centre = middle(rays) + rng.normal(0.0, 0.4 * size, 3)
        if rng.random() < 0.2:
            centre[2] = rays.source_height_m
        rows, columns = np.sort(rng.integers(0, N_ROW + 1, 2)), np.sort(rng.integers(0, N_COLUMN + 1, 2))
        which = rng.integers(-1, 2) if kind == UPRIGHT else -1
        n_ray, n_part = rng.integers(1, 9), 1 if kind == UPRIGHT else rng.integers(1, 5)
        bodies.append(
            (kind, rng.integers(0, 2), which, n_ray, n_part, rows[0], columns[0], rows[1], columns[1])
        )
        shapes.append((rng.uniform(-2.0, 20.0), *centre, *matrix.ravel()))
    inputs = {
        "bodies": np.reshape(bodies, (n_body, 9)), "shapes": np.reshape(shapes, (n_body, 13)),
        "profiles": profiles, "rays": rays,
    }  # fmt: skip
    ours = rng.uniform(0.0, 1.0, (2, N_ROW, N_COLUMN)).astype(np.float32)
    twin = ours.copy()
    trace_bodies(ours, **inputs)
    reference_fan.trace_bodies(twin, **inputs)
    np.testing.assert_allclose(ours, twin, rtol=2e-6, atol=2e-6 * max(float(np.abs(twin).max()), 1.0))


@settings(max_examples=12, deadline=None, derandomize=True)
@given(st.integers(0, 2**32))
def test_trace_mesh(seed):
    rng = np.random.default_rng(seed)
    rays = draw_rays(rng)
    rays = rays._replace(row_z_m=rays.row_z_m[:12], column_y_m=rays.column_y_m[:12])
    points = rng.normal(size=(14, 3))
    hull = ConvexHull(points)
    faces = hull.simplices.copy()
    for face, normal in zip(faces, hull.equations[:, :3], strict=True):
        a, b, c = points[face]
        if np.cross(b - a, c - a) @ normal < 0:
            face[[1, 2]] = face[[2, 1]]
    size = 12 * min(rays.pitch_m)
    inputs = {
        "vertices_m": 0.3 * size * points + middle(rays), "triangles": faces,
        "density_g_cm3": rng.uniform(-5.0, 19.0), "rays": rays, "window": (1, 0, 12, 11),
        "n_sub": int(rng.integers(1, 4)),
    }  # fmt: skip
    ours, twin = np.zeros((2, 12, 12), np.float32)
    trace_mesh(ours, **inputs)
    reference_fan.trace_mesh(twin, **inputs)
    # a ray through an edge may be given to either side of it, so a few may differ by a grazing chord
    scale = max(float(np.abs(twin).max()), 1e-3)
    np.testing.assert_allclose(ours, twin, atol=1e-4 * scale)


def test_a_mesh_of_a_box_is_the_box():
    rng = np.random.default_rng(4)
    for _ in range(20):
        rays = draw_rays(rng)
        half = rng.uniform(0.05, 0.3, 3)
        turn, centre = draw_turn(rng), middle(rays)
        corners = (
            np.array([(x, y, z) for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * half @ turn.T + centre
        )
        quads = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]
        faces = [(a, b, c) for a, b, c, _ in quads] + [(a, c, d) for a, _, c, d in quads]
        solid = np.zeros((1, N_ROW, N_COLUMN), np.float32)
        window = (0, 0, N_ROW, N_COLUMN)
        trace_bodies(
            solid, bodies=[(BOX, 0, -1, 2, 2, *window)], profiles=np.zeros((0, N_COLUMN)), rays=rays,
            shapes=[(1.0, *centre, *(np.diag(1.0 / half) @ turn.T).ravel())],
        )  # fmt: skip
        surface = np.zeros((N_ROW, N_COLUMN), np.float32)
        trace_mesh(surface, vertices_m=corners, triangles=faces, density_g_cm3=1.0, rays=rays, window=window)
        np.testing.assert_allclose(surface, solid[0], atol=2e-4)


@SETTINGS
@given(st.integers(0, 2**32), st.integers(0, 6), st.integers(1, 60), st.integers(0, 700))
def test_transmit(seed, n_material, n_bin, n_pixel):
    rng = np.random.default_rng(seed)
    planes = (10 ** rng.uniform(-4, 3, (n_material, n_pixel))).astype(np.float32)
    planes[rng.random(planes.shape) < rng.uniform(0, 1)] = 0.0
    planes[rng.random(planes.shape) < 0.02] = -0.5
    planes[:, rng.random(n_pixel) < 0.3] = 0.0
    mu = 10 ** rng.uniform(-2, 0.5, (n_material, n_bin))
    weight = rng.dirichlet(np.ones(n_bin))
    ours = transmit(planes, mu_cm2_g=mu, weight=weight)
    twin = reference_fan.transmit(planes, mu_cm2_g=mu, weight=weight)
    np.testing.assert_allclose(ours, twin, rtol=1e-6, atol=1e-38)
    is_air = ~(planes > 0).any(axis=0)
    assert (ours[is_air] == 1.0).all()


@pytest.mark.parametrize("value", [np.nan, np.inf, 3e38])
def test_what_is_not_a_number_is_opaque(value):
    planes = np.array([[0.0, value, 1.0], [1.0, 0.0, 0.0]], np.float32)
    seen = transmit(planes, mu_cm2_g=[[0.05], [0.05]], weight=[1.0])
    assert seen[1] < 1e-30
    np.testing.assert_allclose(seen[[0, 2]], np.exp(-0.05), rtol=1e-6)


def test_four_threads_get_what_one_gets():
    rng = np.random.default_rng(8)
    rays = draw_rays(rng)
    turn = np.diag([9.0, 8.0, 7.0]) @ draw_turn(rng).T
    bodies = [(kind, 0, -1, 2, 2, 0, 0, N_ROW, N_COLUMN) for kind in (BOX, CYLINDER, BALL)] * 30
    shapes = [(1.0, *middle(rays), *turn.ravel())] * len(bodies)

    def work(_):
        barrier.wait()
        planes = np.zeros((1, N_ROW, N_COLUMN), np.float32)
        trace_bodies(planes, bodies=bodies, shapes=shapes, profiles=np.zeros((0, N_COLUMN)), rays=rays)
        return transmit(planes, mu_cm2_g=[[0.05, 0.1]], weight=[0.5, 0.5]).tobytes()

    barrier = threading.Barrier(4, timeout=20)
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(work, range(4)))) == 1
