"""Every compiled kernel lets other threads run while it works."""

from __future__ import annotations

import sys
import threading

import numpy as np
import pytest

from screening.kernels import (
    LineCorrection,
    _counts,
    _factors,
    _fan,
    _lines,
    _spectra,
    _transport,
    _windows,
    _zeros,
)


def _correct_lines():
    # Few columns: NumPy itself gives the lock away over arrays longer than 500.
    shape = (20_000, 256)
    raw = np.full(shape, 900, np.uint16)
    level = np.ones(shape[0], "f4")
    out = LineCorrection(np.empty(shape, "f4"), np.empty(shape, "f4"), np.empty(shape, "u1"))
    return lambda: _lines.correct_lines(
        raw, dark=level, air=50_000 * level, reference=None, row_mask=None, column_mask=None,
        electronic_sigma=20.0, gain=12.0, saturation=65535, out=out,
    )  # fmt: skip


def _classify_zeros():
    raw = np.full((2_000, 2_000), 900, np.uint16)
    raw[::3, ::3] = 0
    state = np.zeros(raw.shape, np.uint8)
    return lambda: _zeros.classify_zeros(raw, state, electronic_sigma=20.0, floor_counts=40.0)


def _parse_counts():
    text = b"17 " * 1_000_000
    return lambda: _counts.parse_counts(text, None, counted_zeroes=True)


def _count_windows():
    counts = np.full((300_000, 4), 7, np.int64)
    return lambda: _windows.count_windows(counts, np.full(4, 35.0), window=5, n_sigma=5.0)


def _rebin():
    counts = np.ones((300, 4_000))
    edges = np.arange(4_001.0)
    return lambda: _spectra.rebin(counts, edges, edges[::3].copy())


def _fit_factors():
    basis = np.random.default_rng(1).random((3, 128), np.float32)
    spectra = np.tile(np.float32(20.0) * basis.sum(axis=0), (5_000, 1))
    return lambda: _factors.fit_factors(
        spectra, basis, np.ones(3), templates=None, gate=3.0, tolerance=1e-9, max_steps=9
    )


def _log_ratios():
    counts, rows = np.full((20_000, 128), 2, np.uint16), np.ones((4, 128), np.float32)
    background = np.ones(counts.shape, np.float32)
    return lambda: _factors.log_ratios(counts, background, rows, np.ones(2, np.float32))


_RAYS = {
    "row_z_m": 2.0 - 1e-3 * np.arange(2_000), "column_y_m": 1e-3 * np.arange(2_000), "row_pitch_m": 1e-3,
    "column_pitch_m": 1e-3, "source_distance_m": 5.0, "source_height_m": 1.0, "skew": 0.0,
}  # fmt: skip


def _trace_bodies():
    planes = np.zeros((1, 2_000, 2_000), np.float32)
    bodies = np.array([(3, 0, -1, 2, 2, 0, 0, 2_000, 2_000)], np.int32)
    shapes = np.array([(1.0, 0.0, 1.0, 1.0, *np.eye(3).ravel())])
    return lambda: _fan.trace_bodies(
        planes, bodies=bodies, shapes=shapes, profiles=np.zeros((0, 2_000)), **_RAYS
    )


def _trace_mesh():
    plane = np.zeros((2_000, 2_000), np.float32)
    corners = np.array([(0.0, 0.1, 0.1), (0.1, 1.9, 0.2), (-0.1, 1.0, 1.9), (0.8, 1.0, 1.0)])
    faces = np.array([(0, 2, 1), (0, 1, 3), (1, 2, 3), (2, 0, 3)] * 2, np.int32)
    return lambda: _fan.trace_mesh(
        plane, vertices_m=corners, triangles=faces, density_g_cm3=1.0, n_sub=4,
        window=(0, 0, 2_000, 2_000), **_RAYS,
    )  # fmt: skip


def _transmit():
    planes, out = np.ones((2, 1_000_000), np.float32), np.empty(1_000_000, np.float32)
    mu, weight = np.full((2, 20), 0.05), np.full(20, 0.05)
    return lambda: _transport.transmit(planes, mu_cm2_g=mu, weight=weight, out=out)


@pytest.fixture
def cooperative():
    """No thread is made to give the lock away: it runs until it does so itself."""
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1_000)
    yield
    sys.setswitchinterval(interval)


@pytest.mark.parametrize(
    "prepare",
    [
        _classify_zeros, _correct_lines, _count_windows, _fit_factors, _log_ratios, _parse_counts, _rebin,
        _trace_bodies, _trace_mesh, _transmit,
    ],
)  # fmt: skip
@pytest.mark.usefixtures("cooperative")
def test_lock_is_released(prepare):
    kernel = prepare()
    for _ in range(50):  # the other thread may be woken too late; without a release it never is in time
        begun, ended = threading.Event(), []

        def work(begun=begun, ended=ended):
            begun.set()
            kernel()
            ended.append(True)

        worker = threading.Thread(target=work)
        worker.start()
        begun.wait()
        is_overlapping = not ended
        worker.join()
        if is_overlapping:
            return
    pytest.fail("the kernel never ran beside another thread")
