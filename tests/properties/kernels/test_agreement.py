"""Every compiled kernel agrees with its NumPy twin, on whatever is thrown at it, and from four threads."""

from __future__ import annotations

import string
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from screening.errors import FormatError
from screening.kernels import (
    _counts,
    _spectra,
    _windows,
    classify_zeros,
    correct_lines,
    count_windows,
    parse_counts,
    rebin,
    reference,
)
from screening.records import PixelState

SETTINGS = settings(max_examples=150, deadline=None, derandomize=True)


def same(one, other):
    assert type(one) is type(other)
    np.testing.assert_array_equal(one, other)
    assert one.dtype == other.dtype


# Windows ---------------------------------------------------------------------------------------------


@st.composite
def window_cases(draw):
    n_interval, n_group = draw(st.integers(0, 30)), draw(st.integers(0, 5))
    counts = draw(hnp.arrays(np.int64, (n_interval, n_group), elements=st.integers(-1, 2_000)))
    levels = st.one_of(st.floats(0, 5_000), st.sampled_from([0.0, -1.0, np.nan, np.inf, 5e-324, 4.0]))
    background = draw(hnp.arrays(np.float64, n_group, elements=levels))
    return counts, background, draw(st.integers(1, 8)), draw(st.floats(-3, 10))


@SETTINGS
@given(window_cases())
def test_count_windows(case):
    counts, background, window, n_sigma = case
    compiled = _windows.count_windows(counts, background, window=window, n_sigma=n_sigma)
    twin = reference.count_windows(counts, background, window=window, n_sigma=n_sigma)
    for one, other in zip(compiled, twin, strict=True):
        same(one, other)
    n_missing = (counts < 0).sum()
    assert np.isnan(compiled.nsigma).sum() >= min(n_missing, 1) * (len(compiled.nsigma) > 0)


# Channel data ----------------------------------------------------------------------------------------

tokens = st.one_of(
    st.integers(0, 9).map(str),
    st.integers(0, 2**32 - 1).map(str),
    st.sampled_from(["0", "0", "12.0", "3.", "0.0", "4294967296", "-1", "1.5", "x", "1e2", "+1", "."]),
    st.text(string.digits + ".-", min_size=1, max_size=12),
)
texts = st.lists(st.tuples(tokens, st.sampled_from([" ", "\n", "\t ", "\r\n"])), max_size=30).map(
    lambda parts: "".join(token + blank for token, blank in parts).encode()
)


def outcome(parse, *args, **kwargs):
    try:
        return parse(*args, **kwargs).tolist()
    except FormatError as error:
        return type(error), str(error), error.value


@settings(SETTINGS, max_examples=400)
@given(st.one_of(texts, st.binary(max_size=40)), st.none() | st.integers(1, 40), st.booleans())
def test_parse_counts(text, n_channel, counted_zeroes):
    compiled = outcome(_counts.parse_counts, text, n_channel, counted_zeroes=counted_zeroes)
    assert compiled == outcome(reference.parse_counts, text, n_channel, counted_zeroes=counted_zeroes)


@SETTINGS
@given(
    hnp.arrays(np.uint32, st.integers(1, 60), elements=st.one_of(st.just(0), st.integers(0, 2**32 - 1))),
    st.booleans(),
)
def test_parse_counts_reads_back_what_was_written(counts, is_zeroed):
    plain = " ".join(map(str, counts))
    counted = " ".join(
        f"0 {len(run)}" if value == 0 else " ".join(map(str, run)) for value, run in _runs(counts)
    )
    out = np.zeros(len(counts), np.uint32)
    same(parse_counts(plain.encode(), len(counts), counted_zeroes=False), counts)
    same(parse_counts(counted.encode(), None, counted_zeroes=True, out=out, is_zeroed=is_zeroed), counts)


def _runs(counts):
    start = 0
    for end in range(1, len(counts) + 1):
        if end == len(counts) or (counts[end] == 0) != (counts[start] == 0):
            yield int(counts[start] != 0), counts[start:end]
            start = end


# Rebinning -------------------------------------------------------------------------------------------


@st.composite
def rebin_cases(draw):
    edges = []
    for _ in range(2):
        widths = draw(hnp.arrays(np.float64, st.integers(1, 25), elements=st.floats(1e-3, 100)))
        edges.append(np.concatenate([[0.0], np.cumsum(widths)]) + draw(st.floats(-200, 200)))
    shape = draw(st.integers(0, 3)), len(edges[0]) - 1
    return draw(hnp.arrays(np.float64, shape, elements=st.floats(-1e6, 1e6))), *edges


@SETTINGS
@given(rebin_cases())
def test_rebin(case):
    counts, edges_in, edges_out = case
    compiled = _spectra.rebin(counts, edges_in, edges_out)
    scale = np.abs(counts).sum(axis=1, keepdims=True) + 1e-300
    assert (np.abs(compiled - reference.rebin(counts, edges_in, edges_out)) <= 1e-12 * scale).all()


@SETTINGS
@given(rebin_cases())
def test_rebin_conserves_counts_where_covered(case):
    counts, edges_in, edges_out = case
    wide = np.concatenate([[min(edges_in[0], edges_out[0]) - 1], edges_out, [edges_in[-1] + 1e4]])
    shared = rebin(counts, edges_in, wide)
    scale = np.abs(counts).sum(axis=1) + 1e-300
    assert (np.abs(shared.sum(axis=1) - counts.sum(axis=1)) <= 1e-12 * scale).all()


# Lines -----------------------------------------------------------------------------------------------

bits = st.sampled_from([0, 0, 0, *(int(state) for state in PixelState)])
odd = st.sampled_from([np.nan, np.inf, -np.inf, 0.0, -1.0, 1e-40, 1e30, 7e4])


@st.composite
def line_cases(draw):
    n_row, n_column = (
        draw(st.integers(1, 5)),
        draw(st.one_of(st.integers(1, 70), st.integers(250, 260), st.integers(510, 520))),
    )
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    raw = rng.choice([0, 1, 600, 65535], (n_row, n_column)).astype(np.uint16)
    spread = rng.random((n_row, n_column)) < 0.8
    raw[spread] = rng.integers(0, 65536, spread.sum())
    f4 = {"width": 32, "allow_subnormal": True}
    floats = {
        "dark": hnp.arrays(np.float32, n_row, elements=st.one_of(st.floats(-100, 2_000, width=32), odd)),
        "air": hnp.arrays(np.float32, n_row, elements=st.one_of(st.floats(0, 65535, **f4), odd)),
        "reference": st.none()
        | hnp.arrays(np.float32, n_column, elements=st.one_of(st.floats(0.125, 4, width=32), odd)),
        "row_mask": st.none() | hnp.arrays(np.uint8, n_row, elements=bits),
        "column_mask": st.none() | hnp.arrays(np.uint8, n_column, elements=bits),
    }
    return raw, {name: draw(strategy) for name, strategy in floats.items()} | {
        "electronic_sigma": draw(st.floats(0.5, 200)),
        "gain": draw(st.floats(0, 50)),
        "saturation": draw(st.integers(1, 65536)),
    }


@SETTINGS
@given(line_cases())
def test_correct_lines(case):
    raw, arguments = case
    compiled = correct_lines(raw, **arguments)
    twin = reference.correct_lines(raw, **arguments)
    same(compiled.state, twin.state)
    assert np.abs(compiled.neg_log - twin.neg_log).max() <= 1e-6
    assert (np.abs(compiled.variance - twin.variance) <= 1e-6 * twin.variance).all()
    assert np.isfinite(compiled.neg_log).all()
    assert np.isfinite(compiled.variance).all()


# Zeros -----------------------------------------------------------------------------------------------


@st.composite
def zero_cases(draw):
    n_row, n_column = draw(st.integers(1, 48)), draw(st.integers(1, 60))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    raw = np.full((n_row, n_column), 40_000, np.uint16)
    for _ in range(draw(st.integers(0, 8))):
        row, column = draw(st.integers(0, n_row - 1)), draw(st.integers(0, n_column - 1))
        height, width = draw(st.integers(1, 24)), draw(st.integers(1, 24))
        value = draw(st.sampled_from([0, 0, 0, 40, 640, 641, 30_000]))
        raw[row : row + height, column : column + width] = value
    raw[rng.random(raw.shape) < draw(st.sampled_from([0.0, 0.01, 0.3]))] = 0
    raw[rng.random(n_row) < draw(st.sampled_from([0.0, 0.1]))] = 0
    state = np.zeros(raw.shape, np.uint8)
    state[:, rng.random(n_column) < draw(st.sampled_from([0.0, 0.1]))] = PixelState.LOST_LINE
    state[rng.random(n_row) < draw(st.sampled_from([0.0, 0.1]))] |= np.uint8(PixelState.DEAD_ROW)
    state[rng.random(raw.shape) < draw(st.sampled_from([0.0, 0.05]))] |= np.uint8(PixelState.SATURATED)
    return raw, state


@settings(SETTINGS, max_examples=300)
@given(zero_cases())
def test_classify_zeros(case):
    raw, state = case
    noise = {"electronic_sigma": 20.0, "floor_counts": 40.0}
    compiled = classify_zeros(raw, state, **noise)
    same(compiled, reference.classify_zeros(raw, state, **noise))
    is_zero = (raw == 0) & ((state & int(PixelState.unseen())) == 0)
    assert (compiled[is_zero] != 0).all()
    same(compiled[~is_zero], state[~is_zero])


@SETTINGS
@given(st.integers(0, 2**32 - 1), st.floats(0.0, 60.0), st.integers(17, 30), st.integers(4, 30))
def test_zeros_in_an_opaque_block_are_never_masked(seed, mean, n_column, n_row):
    # Dark-subtracted noise clipped at zero, in a block wider than a packet, up to the block's very edge.
    rng = np.random.default_rng(seed)
    raw = np.full((40, 40), 45_000, np.uint16)
    raw[5 : 5 + n_row, 5 : 5 + n_column] = np.clip(np.rint(rng.normal(mean, 20, (n_row, n_column))), 0, None)
    result = classify_zeros(raw, np.zeros(raw.shape, np.uint8), electronic_sigma=20.0, floor_counts=40.0)
    assert (result[raw == 0] == PixelState.CENSORED).all()


# Threads ---------------------------------------------------------------------------------------------


def jobs(seed):
    rng = np.random.default_rng(seed)
    raw = rng.integers(0, 60_000, (256, 1024)).astype(np.uint16)
    raw[rng.random(raw.shape) < 0.05] = 0
    state = np.zeros(raw.shape, np.uint8)
    text = " ".join(map(str, rng.integers(1, 500, 20_000))).encode()
    counts = rng.poisson(50, (4_000, 6)).astype(np.int64)
    edges = np.cumsum(rng.random(2_001))
    spectra = rng.random((40, 2_000))
    lines = {"dark": np.full(256, 500, "f4"), "air": np.full(256, 50_000, "f4")}
    return {
        "correct_lines": lambda: correct_lines(raw, **lines, electronic_sigma=20, gain=12, saturation=65535),
        "classify_zeros": lambda: [classify_zeros(raw, state, electronic_sigma=20, floor_counts=40)],
        "parse_counts": lambda: [parse_counts(text, None, counted_zeroes=False)],
        "count_windows": lambda: count_windows(counts, np.full(6, 250.0), 5, 4.0),
        "rebin": lambda: [rebin(spectra, edges, edges[::7].copy())],
    }


@pytest.mark.parametrize("name", sorted(jobs(0)))
def test_four_threads_at_once(name):
    work = [jobs(seed)[name] for seed in range(4)]
    alone = [job() for job in work]
    start = threading.Barrier(4)

    def run(job):
        start.wait()
        return [job() for _ in range(5)]

    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(run, work))
    for expected, results in zip(alone, together, strict=True):
        for result in results:
            for one, other in zip(result, expected, strict=True):
                same(one, other)
