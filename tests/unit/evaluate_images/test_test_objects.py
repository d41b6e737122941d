"""Test objects in the beam of simulated scanners."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from screening.evaluate.radiographs import test_objects as objects
from screening.evaluate.radiographs.test_object_scenes import (
    DENSITY,
    Tile,
    add_arrow,
    exposures,
    made_scanner,
    steel_cm,
)
from screening.evaluate.radiographs.test_object_signals import noise_figures
from screening.evaluate.record import Part, Provenance, joined
from screening.physics.attenuation import attenuation


@pytest.fixture(scope="module")
def part() -> Part:
    return objects.image_quality_part("gamma", 3, True)


def scanner(**changes: object) -> objects.Scanner:
    made = made_scanner("gamma", "vacis-cs", np.random.default_rng(1))
    return made._replace(pitch_m=(0.012, 0.012), **changes)  # type: ignore[arg-type]


def test_patches_hold_what_the_attenuation_of_steel_says() -> None:
    tiles = [
        Tile((cm,), 0.3, (0.1, 0.1), lambda scene, y, z, t=cm: steel_cm(scene, t, y, z, (0.4, 0.3)))  # type: ignore[misc]
        for cm in (0.0, 4.0)
    ]
    found = exposures(scanner(), tiles, 4, np.random.SeedSequence(5))
    assert found[0.0,].mean() == pytest.approx(1.0, abs=0.01)
    mu = float(attenuation("iron", np.array([661.7]))[0])
    # what the scatter floor and the beam's hardening in the detector add is below a few per cent here
    assert -np.log(found[4.0,].mean()) == pytest.approx(mu * DENSITY["steel"] * 4.0, rel=0.05)


def test_arrows_point_four_ways() -> None:
    tiles = [
        Tile((d,), 0.3, (0.26, 0.26), lambda scene, y, z, k=d: add_arrow(scene, "lead", 2.0, k, y, z, 0.2))  # type: ignore[misc]
        for d in range(4)
    ]
    found = exposures(scanner(speed_ripple=0.0), tiles, 2, np.random.SeedSequence(6))
    depth = [1.0 - found[d,].mean(axis=(0, 1)) for d in range(4)]
    rows = np.arange(depth[0].shape[0]) - (depth[0].shape[0] - 1) / 2
    columns = np.arange(depth[0].shape[1]) - (depth[0].shape[1] - 1) / 2
    lean = [
        (float((one * rows[:, None]).sum() / one.sum()), float((one * columns).sum() / one.sum()))
        for one in depth
    ]
    assert lean[0][0] < -0.5  # the head is the heavier end; row 0 is at the top
    assert lean[2][0] > 0.5
    assert lean[1][1] > 0.5
    assert lean[3][1] < -0.5


def test_the_same_seed_gives_the_same_patches() -> None:
    tiles = [Tile(("a",), 0.2, (0.1, 0.1), lambda scene, y, z: steel_cm(scene, 2.0, y, z, (0.2, 0.2)))]
    first, second, other = (
        exposures(scanner(), tiles, 2, np.random.SeedSequence(seed))["a",] for seed in (7, 7, 8)
    )
    assert np.array_equal(first, second)
    assert not np.array_equal(first, other)


def test_the_noise_of_an_instance_is_found_again() -> None:
    made = scanner(is_dark_subtracted=False, multiplicative_noise=0.0, line_sigma=0.0, endpoint_jitter=0.0)
    figures, curve = noise_figures(made, (2, 4, 8), 12, np.random.SeedSequence(9), "s", "gamma")
    value = {figure.metric: figure.value for figure in figures}
    assert value["photon-transfer gain"] == pytest.approx(made.gain, rel=0.1)
    assert value["electronic noise"] == pytest.approx(made.electronic_sigma, rel=0.3)
    assert value["scatter floor"] == pytest.approx(made.scatter_floor, rel=0.5)
    ratio = curve.series[0].y
    assert list(ratio) == sorted(ratio, reverse=True)


def test_more_noise_sees_less_deep() -> None:
    def _limit(gain: float, sigma: float) -> float:
        noisy = scanner(gain=gain, electronic_sigma=sigma)
        quiet = scanner(gain=1e-3, electronic_sigma=1.0, line_sigma=0.0)
        setup = objects._Setup(noisy, quiet, True, True, np.random.SeedSequence(11))
        figures, _ = objects._penetration(setup, "s", "gamma")
        assert figures[0].value is not None
        return figures[0].value

    assert _limit(400.0, 200.0) < _limit(1.0, 3.0)


def test_the_part_is_whole_and_says_what_it_cannot(part: Part) -> None:
    made = joined([part], title="t", provenance=Provenance(version="0"))  # keys unique, sections there
    metrics = {figure.metric for figure in made.figures}
    assert {
        "penetration", "smallest wire", "contrast sensitivity", "MTF 50 %", "MTF 10 %", "finest wire pair",
        "scatter floor", "dynamic range", "photon-transfer gain",
    } <= metrics  # fmt: skip
    assert [item.kind for item in part.left_out] == ["one energy"]
    assert "Short form" in part.sections[0].data
    msgspec.json.decode(msgspec.json.encode(part), type=Part)
    shares = [y for curve in part.curves if "answers" in curve.y_label for one in curve.series for y in one.y]
    assert all(0.0 <= share <= 1.0 for share in shares if share is not None)
    (depth,) = [figure for figure in part.figures if figure.metric == "penetration"]
    # a Cs-137 source sees an arrow behind 6 cm of steel; no such beam shows one behind 26 cm
    assert depth.value is not None
    assert 6.0 <= depth.value < 26.0
    with pytest.raises(ValueError, match="family must be one of"):
        objects.image_quality_part("unheard-of", 1, True)


def test_two_energies_tell_steel_from_polyethylene() -> None:
    made = made_scanner("mobile-coarse", "dual", np.random.default_rng(2))
    setup = objects._Setup(made, made, False, True, np.random.SeedSequence(12))
    figures = objects._materials(setup, "s", "coarse")
    told = {figure.stratum: figure for figure in figures}
    assert told["coarse, polyethylene, 40 g/cm2"].value == 1.0
    assert told["coarse"].n == sum(figure.n or 0 for key, figure in told.items() if key != "coarse")
