"""Each kernel beside what a user would pick today; run with ``pytest tests/benchmarks --benchmark-only -s``.

Times drift with the machine's load, so what counts is timed in turn within one test and printed as a
ratio. Nothing here asserts a time; what is asserted is that the work compared is the same.
"""

from __future__ import annotations

import time

import numpy as np
import pytest

from screening.kernels import (
    UNSEEN_NEG_LOG,
    UNSEEN_VARIANCE,
    LineCorrection,
    classify_zeros,
    correct_lines,
    count_windows,
    isa,
    parse_counts,
    rebin,
)
from screening.records import PixelState

N_ROW, N_COLUMN = 1024, 4096
SIGMA, GAIN, SATURATION = 20.0, 12.0, 65_000


def fastest(functions, n_round=25):
    """Least time of each function, in ms, run in turn so that a busy machine slows all alike."""
    times = {name: [] for name in functions}
    for function in functions.values():
        function()
    for _ in range(n_round):
        for name, function in functions.items():
            start = time.perf_counter()
            function()
            times[name].append(1e3 * (time.perf_counter() - start))
    return {name: min(values) for name, values in times.items()}


def report(title, times, ours):
    print(f"\n{title} [{isa()}]")  # noqa: T201 - a benchmark's answer
    for name, value in times.items():
        print(f"  {name:44s} {value:9.3f} ms   {value / times[ours]:7.2f} x {ours}")  # noqa: T201


@pytest.fixture(scope="module")
def picture():
    rng = np.random.default_rng(np.random.SeedSequence(20))
    depth = rng.uniform(0, 8, (N_ROW, N_COLUMN)).astype("f4")
    dark = rng.normal(600, 40, N_ROW).astype("f4")
    air = dark + rng.normal(48_000, 2_000, N_ROW).astype("f4")
    strength = rng.normal(1, 0.005, N_COLUMN).astype("f4")
    signal = (air - dark)[:, None] * strength * np.exp(-depth) + dark[:, None]
    signal += rng.normal(0, SIGMA, depth.shape)
    raw = np.clip(signal, 0, 65_535).astype(np.uint16)
    return raw, dark, air, strength


def new_planes():
    shape = (N_ROW, N_COLUMN)
    return LineCorrection(np.zeros(shape, "f4"), np.zeros(shape, "f4"), np.zeros(shape, "u1"))


def numpy_at_its_best(raw, dark, air, strength, n_block):
    """Return the same correction by NumPy: nothing allocated, blocks of rows that stay in the cache."""
    planes = new_planes()
    beam = (air - dark)[:, None]
    # As whole numbers, so that the comparison runs on half the bytes.
    least = np.ceil(dark + np.float32(SIGMA)).astype(np.uint16)[:, None]
    dark = dark[:, None]
    sigma, sigma2, gain, one = np.float32(SIGMA), np.float32(SIGMA**2), np.float32(GAIN), np.float32(1)
    saturation, censored = np.uint16(SATURATION), np.uint8(PixelState.CENSORED)
    signal, work = np.empty((n_block, N_COLUMN), "f4"), np.empty((n_block, N_COLUMN), "f4")
    flag, other = np.empty((n_block, N_COLUMN), bool), np.empty((n_block, N_COLUMN), bool)

    def run():
        for start in range(0, N_ROW, n_block):
            rows = slice(start, start + n_block)
            block, neg_log = raw[rows], planes.neg_log[rows]
            variance, state = planes.variance[rows], planes.state[rows]
            np.less(block, least[rows], out=flag)
            np.not_equal(block, 0, out=other)
            np.logical_and(flag, other, out=flag)
            np.multiply(flag.view(np.uint8), censored, out=state)
            # The reciprocal serves both planes, and -ln T is ln(A r / S): one division, no negation.
            np.subtract(block, dark[rows], out=signal)
            np.maximum(signal, sigma, out=signal)
            np.divide(one, signal, out=signal)
            np.multiply(signal, beam[rows], out=work)
            np.multiply(work, strength, out=work)
            np.log(work, out=neg_log)
            np.multiply(signal, sigma2, out=work)
            np.add(work, gain, out=work)
            np.multiply(work, signal, out=variance)
            np.greater_equal(block, saturation, out=flag)
            if flag.any():
                state[flag] |= np.uint8(PixelState.SATURATED)
                neg_log[flag] = UNSEEN_NEG_LOG
                variance[flag] = UNSEEN_VARIANCE
        return planes

    return run


@pytest.mark.benchmark(group="correct_lines")
def test_correct_lines_beside_numpy_and_a_copy(picture, benchmark):
    raw, dark, air, strength = picture
    out = new_planes()

    def kernel(out=out):
        return correct_lines(
            raw, dark=dark, air=air, reference=strength, electronic_sigma=SIGMA, gain=GAIN,
            saturation=SATURATION, out=out,
        )  # fmt: skip

    by_numpy = {n: numpy_at_its_best(raw, dark, air, strength, n) for n in (4, 8, 16, 32, 64)}
    ours, theirs = kernel(), by_numpy[8]()
    np.testing.assert_array_equal(ours.state, theirs.state)
    np.testing.assert_allclose(ours.neg_log, theirs.neg_log, atol=2e-6)
    np.testing.assert_allclose(ours.variance, theirs.variance, rtol=2e-6)

    # The bytes the kernel moves: 8 MiB read, 36 MiB written.
    read, written = np.zeros_like(raw), np.zeros(28 << 20, np.uint8)
    source, target = np.ones(22 << 20, np.uint8), np.zeros(22 << 20, np.uint8)

    def copy_and_fill():
        np.copyto(read, raw)
        written.fill(1)

    times = fastest(
        {
            "kernel": kernel,
            "copy 8 MiB and write 28 MiB more": copy_and_fill,
            "copy 22 MiB (44 MiB moved)": lambda: np.copyto(target, source),
            **{f"NumPy at its best, blocks of {n} rows": run for n, run in by_numpy.items()},
        }
    )
    # Apart from the others: giving 36 MiB back to the system and taking them anew disturbs what follows.
    times |= fastest({"kernel, planes fresh from the system": lambda: kernel(None)}, n_round=9)
    report(f"fused correction, {N_ROW} x {N_COLUMN} uint16", times, "kernel")
    best = min(value for name, value in times.items() if name.startswith("NumPy"))
    copy = times["copy 8 MiB and write 28 MiB more"]
    print(  # noqa: T201
        f"  {best / times['kernel']:.2f} times faster than NumPy (bar 4), "
        f"{times['kernel'] / copy:.2f} times a copy (bar 2)"
    )
    benchmark(kernel)


@pytest.mark.benchmark(group="classify_zeros")
def test_classify_zeros_beside_a_median_filter(benchmark):
    ndimage = pytest.importorskip("scipy.ndimage")
    rng = np.random.default_rng(np.random.SeedSequence(21))
    raw = rng.normal(30_000, 600, (N_ROW, N_COLUMN)).astype(np.uint16)
    raw[300:500, 1000:2200] = np.clip(np.rint(rng.normal(8, 20, (200, 1200))), 0, None)  # opaque cargo
    for column in range(0, N_COLUMN, 20):
        raw[640:656, column : column + 10] = 0  # a module missing in packets
    raw[rng.random(raw.shape) < 1e-4] = 0
    raw[[7, 90, 91, 400]] = 0
    raw[800:900, 300:1300] = 0
    state = np.zeros(raw.shape, np.uint8)
    noise = {"electronic_sigma": SIGMA, "floor_counts": 45.0}
    result = classify_zeros(raw, state, **noise)
    assert (result[640:656, :10] == PixelState.DROPOUT).all()
    times = fastest({"kernel": lambda: classify_zeros(raw, state, **noise)}, n_round=15)
    strip = raw[:64]  # the filter alone takes seconds on the whole picture
    whole = N_ROW / len(strip)
    name = "scipy median_filter 7 x 7 (from a 16th)"
    times[name] = whole * fastest({"f": lambda: ndimage.median_filter(strip, 7)}, n_round=2)["f"]
    report(f"zeros told apart, {(raw == 0).mean():.1%} zeros", times, "kernel")
    benchmark(classify_zeros, raw, state, **noise)


def spectrum_texts(n_spectrum, n_channel):
    """Texts like a germanium portal's: counted zeroes, a few counts spread over many channels."""
    rng = np.random.default_rng(np.random.SeedSequence(22))
    rate = 0.055 * np.exp(-np.arange(n_channel) / 2_500) * n_channel / 2_500
    texts = []
    for _ in range(n_spectrum):
        counts = rng.poisson(rate)
        places = np.flatnonzero(counts)
        gaps = np.diff(np.concatenate([[-1], places, [n_channel]])) - 1
        words = []
        for gap, place in zip(gaps, [*places, -1], strict=True):
            if gap:
                words.append(f"0 {gap}")
            if place >= 0:
                words.append(str(counts[place]))
        texts.append(" ".join(words).encode())
    return texts


@pytest.mark.benchmark(group="parse_counts")
def test_parse_counts_beside_python_and_numpy(benchmark):
    n_spectrum, n_channel = 1064, 16_384
    texts = spectrum_texts(n_spectrum, n_channel)

    def kernel():
        spectra = np.zeros((n_spectrum, n_channel), np.uint32)
        for row, text in zip(spectra, texts, strict=True):
            parse_counts(text, n_channel, counted_zeroes=True, out=row, is_zeroed=True)
        return spectra

    def by_numpy():
        spectra = np.zeros((n_spectrum, n_channel), np.uint32)
        for row, text in zip(spectra, texts, strict=True):
            values = np.array(text.split(), dtype=np.int64)
            place = 0
            at = iter(values)
            for value in at:
                if value:
                    row[place] = value
                    place += 1
                else:
                    place += next(at)
        return spectra

    np.testing.assert_array_equal(kernel(), by_numpy())
    times = fastest({"kernel": kernel}, n_round=9) | fastest({"NumPy and a loop": by_numpy}, n_round=1)
    report(f"{n_spectrum} spectra, {sum(map(len, texts)) / 1e6:.1f} MB of text", times, "kernel")
    benchmark(kernel)


@pytest.mark.benchmark(group="count_windows")
@pytest.mark.parametrize("n_interval", [100, 34_720])
def test_count_windows_beside_numpy(benchmark, n_interval):
    rng = np.random.default_rng(np.random.SeedSequence(23))
    counts = rng.poisson(300, (n_interval, 7)).astype(np.int64)
    background = np.full(7, 1_500.0)

    def by_numpy():
        total = np.cumsum(np.concatenate([np.zeros((1, 7), np.int64), counts]), axis=0)
        total = total[5:] - total[:-5]
        root = np.sqrt(background)
        nsigma = (total - background) / root
        return nsigma, nsigma.max(axis=0), nsigma.argmax(axis=0), (total > background + 5 * root).sum(axis=0)

    def kernel():
        return count_windows(counts, background, 5, 5.0)

    for one, other in zip(kernel(), by_numpy(), strict=True):
        np.testing.assert_array_equal(one, other)
    times = fastest({"kernel": kernel, "NumPy, cumulative sums": by_numpy})
    report(f"windows of 5 over {n_interval} intervals of 7 groups", times, "kernel")
    benchmark(kernel)


@pytest.mark.benchmark(group="rebin")
def test_rebin_beside_interpolated_sums(benchmark):
    rng = np.random.default_rng(np.random.SeedSequence(24))
    counts = rng.poisson(0.3, (200, 16_384)).astype(float)
    edges_in, edges_out = np.linspace(0, 3_000, 16_385), np.linspace(np.sqrt(20), np.sqrt(3_000), 513) ** 2

    def by_numpy():
        total = np.zeros((len(counts), counts.shape[1] + 1))
        np.cumsum(counts, axis=1, out=total[:, 1:])
        return np.diff(np.array([np.interp(edges_out, edges_in, row) for row in total]), axis=1)

    def kernel():
        return rebin(counts, edges_in, edges_out)

    np.testing.assert_allclose(kernel(), by_numpy(), atol=1e-9)
    times = fastest({"kernel": kernel, "NumPy, interpolated sums": by_numpy}, n_round=9)
    report("200 spectra of 16,384 channels to 512", times, "kernel")
    benchmark(kernel)
