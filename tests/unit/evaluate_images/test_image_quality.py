"""Measures of image quality against pictures whose answer is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage, special, stats

from screening.evaluate.metrics import image_quality as iq


def test_the_noise_law_is_recovered() -> None:
    rng = np.random.default_rng(1)
    mean = np.geomspace(20, 5e4, 25)
    law = 20.0**2 + 11.0 * mean + (0.003 * mean) ** 2
    variance = law * rng.chisquare(4000, mean.size) / 4000
    got = iq.photon_transfer(mean, variance)
    assert got.electronic_sigma == pytest.approx(20.0, rel=0.05)
    assert got.gain == pytest.approx(11.0, rel=0.05)
    assert got.multiplicative == pytest.approx(0.003, rel=0.15)
    assert got.residual == pytest.approx(np.sqrt(2 / 4000), rel=0.5)
    with pytest.raises(ValueError, match="three patches"):
        iq.photon_transfer([1.0, 2.0], [1.0, 2.0])
    with pytest.raises(ValueError, match="positive"):
        iq.photon_transfer([1.0, 2.0, 3.0], [1.0, 0.0, 2.0])


def test_ratios_of_patches() -> None:
    rng = np.random.default_rng(2)
    air, thing, dark = rng.normal(1000, 20, 4000), rng.normal(900, 20, 4000), rng.normal(1, 2, 4000)
    assert iq.signal_to_noise(air) == pytest.approx(50, rel=0.05)
    assert iq.contrast_to_noise(thing, air) == pytest.approx(5, rel=0.05)
    extent, floor = iq.dynamic_range(air, dark)
    assert extent == pytest.approx(500, rel=0.05)
    assert floor == pytest.approx(1e-3, rel=0.1)
    assert iq.signal_to_noise(np.ones(5)) == np.inf


@pytest.mark.parametrize("d_prime", [0.5, 1.5, 3.0])
def test_a_matched_filter_in_white_noise_reaches_the_ideal_observer(d_prime: float) -> None:
    rng = np.random.default_rng(3)
    template = np.zeros((9, 9))
    template[3:6, 3:6] = 1.0
    template *= d_prime / np.linalg.norm(template)  # in white noise of 1, d' is the norm of the object
    learn = rng.normal(size=(2, 40_000, 9, 9))
    test = rng.normal(size=(2, 4000, 9, 9))
    seen_by = iq.observer([learn[0] + template], learn[1])
    got = iq.detectability(seen_by, test[0] + template, test[1])
    assert got.low - 0.05 < d_prime < got.high + 0.05
    right = iq.paired_choices(seen_by, test[0] + template, test[1])
    assert right.mean() == pytest.approx(stats.norm.cdf(d_prime / np.sqrt(2)), abs=0.025)


def test_whitening_helps_in_correlated_noise_and_reaches_the_ideal() -> None:
    rng = np.random.default_rng(4)
    white = rng.normal(size=(4, 3000, 7, 7))
    noise = white + 2.0 * rng.normal(size=(4, 3000, 1, 1))  # a level that is common to a patch
    template = np.zeros((7, 7))
    template[3, 3] = 2.0
    plain = iq.observer([noise[0] + template], noise[1])
    ideal = iq.observer([noise[0] + template], noise[1], is_whitened=True)
    a = iq.detectability(plain, noise[2] + template, noise[3]).d_prime
    b = iq.detectability(ideal, noise[2] + template, noise[3]).d_prime
    covariance = np.eye(49) + 4.0
    best = np.sqrt(template.ravel() @ np.linalg.solve(covariance, template.ravel()))
    assert b > 1.3 * a
    assert b == pytest.approx(best, rel=0.1)


def test_four_directions_are_told_apart_and_guessing_is_a_quarter() -> None:
    rng = np.random.default_rng(5)
    arrow = np.zeros((11, 11))
    arrow[2:9, 5] = arrow[2:4, 3:8] = 1.0
    turned = [np.rot90(arrow, k) for k in range(4)]
    learn = [rng.normal(size=(2000, 11, 11)) + one for one in turned]
    seen_by = iq.observer(learn, rng.normal(size=(2000, 11, 11)))
    clear = [iq.choices(seen_by, rng.normal(size=(200, 11, 11)) + one) == k for k, one in enumerate(turned)]
    seen, share = iq.is_seen(np.concatenate(clear), 4)
    assert seen
    assert share.value is not None
    assert share.value > 0.95
    nothing = [iq.choices(seen_by, rng.normal(size=(400, 11, 11))) == k for k in range(4)]
    seen, share = iq.is_seen(np.concatenate(nothing), 4)
    assert not seen
    assert share.value == pytest.approx(0.25, abs=0.03)


def test_the_rule_asks_for_the_lower_bound_and_limits_stop_at_the_first_miss() -> None:
    assert iq.middle(2) == 0.75
    assert iq.middle(4) == 0.625
    assert not iq.is_seen(np.arange(20) < 17, 2)[0]  # 17 of 20: lower bound 0.621
    assert iq.is_seen(np.arange(20) < 20, 2)[0]  # 0.832
    assert iq.limit_of([10, 20, 30, 40], [True, True, False, True]) == 20
    assert iq.limit_of([1, 2, 4], [False, True, True], is_harder_up=False) == 2
    assert iq.limit_of([1, 2], [False, False]) is None
    with pytest.raises(ValueError, match="two alternatives"):
        iq.middle(1)


def edge(sigma: float, degrees: float, shape: tuple[int, int] = (60, 64)) -> np.ndarray:
    """An edge blurred by a Gaussian and integrated over square pixels (by 8 x 8 parts)."""
    n = 8
    y, x = np.mgrid[: shape[0] * n, : shape[1] * n] / n + 0.5 / n - 0.5
    t = np.radians(degrees)
    distance = (x - shape[1] / 2) * np.cos(t) - (y - shape[0] / 2) * np.sin(t)
    fine = 0.5 * special.erfc(distance / sigma / np.sqrt(2))
    return fine.reshape(shape[0], n, shape[1], n).mean(axis=(1, 3))


@pytest.mark.parametrize(("sigma", "degrees"), [(0.5, 4.0), (0.8, -6.0), (1.2, 3.0)])
def test_transfer_of_a_known_blur(sigma: float, degrees: float) -> None:
    got = iq.mtf_of_edge(1000.0 * edge(sigma, degrees))
    assert got.angle_degrees == pytest.approx(degrees, abs=0.3)
    low = got.frequency <= 0.5
    t = np.radians(degrees)
    f = got.frequency[low]
    expected = np.exp(-2 * (np.pi * sigma * f) ** 2) * np.sinc(f * np.cos(t)) * np.sinc(f * np.sin(t))
    assert np.abs(got.value[low] - expected).max() < 0.02
    grid = np.linspace(0, 1, 2001)
    whole = np.exp(-2 * (np.pi * sigma * grid) ** 2) * np.sinc(grid)
    assert got.at_50 == pytest.approx(grid[np.argmax(whole < 0.5)], abs=0.01)
    assert got.at_10 == pytest.approx(grid[np.argmax(whole < 0.1)], abs=0.02)


def test_transfer_stands_noise_and_either_side_dark() -> None:
    rng = np.random.default_rng(6)
    clean = edge(0.8, 5.0)
    noisy = 1.0 - clean + rng.normal(0, 0.01, clean.shape)
    assert iq.mtf_of_edge(noisy).at_50 == pytest.approx(iq.mtf_of_edge(clean).at_50, abs=0.02)
    with pytest.raises(ValueError, match="8 rows"):
        iq.mtf_of_edge(np.ones((4, 40)))
    with pytest.raises(ValueError, match="no edge"):
        iq.mtf_of_edge(np.ones((40, 40)))


def test_two_wires_part_as_they_move_apart() -> None:
    def _profile(apart: float, sigma: float = 1.0) -> np.ndarray:
        fine = np.zeros(400)
        at = [20 - apart / 2, 20 + apart / 2]
        for middle in at:
            fine[round((middle + 0.5) * 10)] -= 1.0
        return 1.0 + ndimage.gaussian_filter(fine, sigma * 10)[:400].reshape(40, 10).mean(axis=1)

    dips = [iq.pair_dip(_profile(apart), 20 - apart / 2, 20 + apart / 2) for apart in (1.0, 2.6, 4.0, 8.0)]
    assert dips[0] == 0.0
    assert dips[-1] > 0.99
    assert dips == sorted(dips)
    # two equal Gaussians of sigma 1 at +-2: between them 2 exp(-2), at them 1 + exp(-8)
    assert dips[2] == pytest.approx(1 - 2 * np.exp(-2) / (1 + np.exp(-8)), abs=0.05)
    assert iq.pair_dip(_profile(0.1), 19.95, 20.05) == pytest.approx(0.0, abs=0.1)  # far below a pixel
    with pytest.raises(ValueError, match="do not lie"):
        iq.pair_dip(np.ones(10), 5.0, 12.0)


def test_materials_are_told_as_well_as_a_normal_law_allows() -> None:
    rng = np.random.default_rng(7)
    means = {"organic": [1.0, 1.20], "steel": [1.0, 1.22]}

    def _drawn(n: int) -> dict[tuple[str, float], np.ndarray]:
        return {(name, 20.0): rng.normal(mean, [0.05, 0.01], (n, 2)) for name, mean in means.items()}

    got = iq.material_table(_drawn(4000), _drawn(4000))
    for share in got.values():
        assert share.value == pytest.approx(stats.norm.cdf(0.5 * 0.02 / 0.01), abs=0.02)
    with pytest.raises(ValueError, match="two materials"):
        iq.material_table({("steel", 20.0): np.ones((9, 2))}, {("steel", 20.0): np.ones((9, 2))})
