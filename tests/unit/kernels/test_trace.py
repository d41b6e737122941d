"""The checks in front of the tracer and of transport name what they refuse."""

from __future__ import annotations

import numpy as np
import pytest

from screening.kernels import FanRays, trace_bodies, trace_mesh, transmit
from screening.kernels.fan import BOX, UPRIGHT

RAYS = FanRays(1.0 - 0.1 * np.arange(8), 0.1 * np.arange(9), (0.1, 0.1), 5.0, 0.5)
UNIT = (1.0, 0.0, 0.4, 0.5, 5.0, 0.0, 0.0, 0.0, 5.0, 0.0, 0.0, 0.0, 5.0)
TETRAHEDRON = np.array([(0.0, 0.2, 0.4), (0.1, 0.6, 0.4), (-0.1, 0.4, 0.8), (0.3, 0.4, 0.5)])
FACES = np.array([(0, 2, 1), (0, 1, 3), (1, 2, 3), (2, 0, 3)], np.int32)


def bodies(**changes):
    planes = changes.pop("planes", np.zeros((1, 8, 9), np.float32))
    inputs = {
        "bodies": [(BOX, 0, -1, 1, 1, 0, 0, 8, 9)], "shapes": [UNIT], "profiles": np.zeros((0, 9)),
        "rays": RAYS,
    }  # fmt: skip
    trace_bodies(planes, **(inputs | changes))
    return planes


def mesh(**changes):
    plane = changes.pop("plane", np.zeros((8, 9), np.float32))
    inputs = {
        "vertices_m": TETRAHEDRON, "triangles": FACES, "density_g_cm3": 1.0, "rays": RAYS,
        "window": (0, 0, 8, 9),
    }  # fmt: skip
    trace_mesh(plane, **(inputs | changes))
    return plane


def test_a_body_and_a_mesh_are_added_to_what_is_there():
    once = bodies()
    assert once.max() == pytest.approx(40.0, rel=0.01)
    np.testing.assert_allclose(bodies(planes=once.copy()), 2 * once)
    first = mesh()
    assert first.max() > 1.0
    assert first.min() >= -1e-4
    np.testing.assert_allclose(mesh(plane=first.copy()), 2 * first, atol=1e-5)


def test_nothing_to_trace_changes_nothing():
    assert not bodies(bodies=np.zeros((0, 9)), shapes=np.zeros((0, 13))).any()
    assert not mesh(triangles=np.zeros((0, 3), np.int32)).any()
    assert not mesh(window=(3, 3, 3, 9)).any()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"bodies": [(4, 0, -1, 1, 1, 0, 0, 8, 9)]}, "kind must be 0 to 3, got 4"),
        ({"bodies": [(BOX, 1, -1, 1, 1, 0, 0, 8, 9)]}, "plane must be 0 to 0"),
        ({"bodies": [(BOX, 0, 0, 1, 1, 0, 0, 8, 9)]}, "profile must be -1 to -1"),
        ({"bodies": [(BOX, 0, -1, 0, 1, 0, 0, 8, 9)]}, "n_ray must be 1 to 64"),
        ({"bodies": [(BOX, 0, -1, 1, 65, 0, 0, 8, 9)]}, "n_part must be 1 to 64"),
        ({"bodies": [(BOX, 0, -1, 1, 1, 0, 0, 9, 9)]}, "row must be 0 to 8"),
        ({"bodies": [(BOX, 0, -1, 1, 1, 0, -1, 8, 9)]}, "column must be 0 to 9"),
        ({"bodies": np.zeros((1, 8), int)}, "bodies needs shape"),
        # Would be plane 0 again in 32 bits.
        ({"bodies": [(BOX, 2**32, -1, 1, 1, 0, 0, 8, 9)]}, "plane must be 0 to 0, got 4294967296"),
        ({"shapes": [(UNIT[0], -1e3, *UNIT[2:])]}, "where the source is"),
        ({"shapes": [(*UNIT[:4], *[0.0] * 9)]}, "have an inverse"),
        ({"rays": RAYS._replace(column_y_m=np.append(RAYS.column_y_m[:-1], np.inf))}, "column_y_m must be"),
        ({"shapes": np.zeros((2, 13))}, "shapes needs shape"),
        ({"profiles": np.zeros((1, 8))}, "profiles needs shape"),
        ({"shapes": [(np.nan, *UNIT[1:])]}, "must be finite"),
        (
            {"bodies": [(UPRIGHT, 0, -1, 1, 1, 0, 0, 8, 9)], "shapes": [(*UNIT[:5], 1.0, *UNIT[6:])]},
            "diagonal",
        ),
        ({"rays": RAYS._replace(row_z_m=RAYS.row_z_m[::-1])}, "row_z_m must fall"),
        ({"rays": RAYS._replace(column_y_m=np.zeros(9))}, "column_y_m must rise or fall"),
        ({"rays": RAYS._replace(pitch_m=(0.0, 0.1))}, "row pitch must be positive"),
        ({"rays": RAYS._replace(source_distance_m=-1.0)}, "source distance must be positive"),
        ({"rays": RAYS._replace(source_height_m=np.nan)}, "must be finite"),
        ({"rays": RAYS._replace(skew=2.0)}, "skew must be -1 to 1, got 2.0"),
        ({"planes": np.zeros((1, 8, 8), np.float32)}, "planes need"),
        ({"planes": np.zeros((1, 9, 8), np.float32).transpose(0, 2, 1)}, "C-contiguous"),
    ],
)
def test_bodies_that_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        bodies(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"vertices_m": TETRAHEDRON[:, :2]}, "vertices_m needs shape"),
        ({"vertices_m": TETRAHEDRON - [9.0, 0.0, 0.0]}, "where the source is"),
        ({"triangles": FACES[:, :2]}, "triangles needs shape"),
        ({"triangles": FACES + 1}, "triangles must be 0 to 3"),
        ({"triangles": np.asarray(FACES, np.int64) + 2**32}, "triangles must be 0 to 3"),
        ({"density_g_cm3": np.inf}, "must be finite"),
        ({"n_sub": 0}, "n_sub must be 1 to 64"),
        ({"window": (0, 0, 8, 10)}, "window must lie in"),
    ],
)
def test_meshes_that_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        mesh(**changes)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"planes": np.zeros((65, 2), np.float32)}, "n_material <= 64"),
        ({"mu_cm2_g": [[0.1]]}, "mu_cm2_g needs shape"),
        ({"mu_cm2_g": [[-0.1, 0.1]]}, "mu_cm2_g must be finite and not negative"),
        ({"weight": [np.nan, 0.5]}, "weight must be finite"),
        ({"weight": []}, "weight needs shape"),
        ({"out": np.zeros(3, np.float32)}, "out needs to be"),
    ],
)
def test_transport_that_is_refused(changes, message):
    inputs = {"planes": np.ones((1, 2), np.float32), "mu_cm2_g": [[0.1, 0.2]], "weight": [0.5, 0.5]}
    inputs |= changes
    with pytest.raises(ValueError, match=message):
        transmit(inputs.pop("planes"), **inputs)


def test_wrong_types_are_refused():
    with pytest.raises(TypeError, match="bodies need whole numbers, got dtype float64"):
        bodies(bodies=[(BOX, 0.7, -1, 1, 1, 0, 0, 8, 9)])
    with pytest.raises(TypeError, match="triangles need whole numbers"):
        mesh(triangles=np.asarray(FACES) + 0.9)
    with pytest.raises(TypeError, match="float32"):
        bodies(planes=np.zeros((1, 8, 9)))
    with pytest.raises(TypeError, match="float32"):
        transmit(np.ones((1, 2)), mu_cm2_g=[[0.1]], weight=[1.0])
    with pytest.raises(TypeError, match="out needs dtype float32"):
        transmit(np.ones((1, 2), np.float32), mu_cm2_g=[[0.1]], weight=[1.0], out=np.zeros(2))
    plane = np.ones((1, 2), np.float32)
    with pytest.raises(ValueError, match="share memory"):
        transmit(plane, mu_cm2_g=[[0.1]], weight=[1.0], out=plane[0])


def test_no_material_is_air():
    assert (transmit(np.zeros((0, 3, 2), np.float32), mu_cm2_g=np.zeros((0, 1)), weight=[1.0]) == 1.0).all()
