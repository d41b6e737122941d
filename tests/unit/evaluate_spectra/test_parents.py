"""Parents of simulated spectra: numbered alike everywhere, apart from training, with the counts asked for."""

from __future__ import annotations

import json

import msgspec
import numpy as np
import pytest

from screening.evaluate.spectra.parents import draw_sample, make_parent, other_sources
from screening.evaluate.spectra.plan import (
    FULL,
    SHORT,
    BenchPlan,
    class_of,
    parent_plans,
    parent_seeds,
)
from screening.evaluate.thinning import Spectrum, counts_in_window
from screening.physics import NUCLIDES

PLAN = BenchPlan(
    kinds=("nai",),
    labels={"industrial": ("Cs-137",), "mixture": ("Cs-137+Co-60",)},
    n_round=2,
    n_background=2,
)


@pytest.fixture(scope="module")
def parents():
    return [make_parent(one, 3) for one in parent_plans(PLAN)]


def _inside(counts, parent):
    return counts_in_window(Spectrum(counts, parent.edges_kev, 1.0))


@pytest.mark.parametrize("plan", [FULL, SHORT])
def test_numbers_follow_rounds_and_survive_a_file(plan):
    ours = list(parent_plans(plan))
    assert [one.number for one in ours] == list(range(len(ours)))
    stored = json.loads(json.dumps(msgspec.to_builtins(plan), sort_keys=True))
    assert list(parent_plans(msgspec.convert(stored, BenchPlan))) == ours
    shorter = list(parent_plans(msgspec.structs.replace(plan, n_round=1)))
    assert ours[: len(shorter)] == shorter


def test_every_label_stands_in_its_class_and_is_known():
    for truth_class, labels in FULL.labels.items():
        for label in labels:
            truth = tuple(label.split("+"))
            assert class_of(truth) == truth_class
            assert all(name in NUCLIDES for name in truth)
    assert class_of(()) == "background"


def test_half_of_each_class_of_parents_bring_a_background():
    plans = list(parent_plans(FULL))
    for kind in FULL.kinds:
        share = np.mean([one.has_background for one in plans if one.kind == kind and one.truth])
        assert share == pytest.approx(0.5)
    for label in ("Cs-137", "HEU"):
        share = np.mean([one.has_background for one in plans if one.truth == (label,)])
        assert share == pytest.approx(0.5)


def test_no_stream_is_one_of_training():
    from screening.training.nuclides_card import card_split, training_streams

    trained = {tuple(stream.generate_state(4).tolist()) for stream in training_streams(1)}
    assert len(trained) == 2600 + 200 + 2 * 320
    mine = [parent_seeds(1, number) for number in range(400)]
    mine += [child for stream in mine for child in stream.spawn(4)]
    states = {tuple(stream.generate_state(4).tolist()) for stream in mine}
    assert len(states) == len(mine)
    assert not states & trained
    tested = [seed for part in ("sources", "backgrounds") for seed in card_split(1, part).seeds]
    assert not {tuple(seed.generate_state(4).tolist()) for seed in tested} & trained


def test_expected_counts_are_those_asked_for(parents):
    for parent in parents:
        for level, (net, ratio) in enumerate(parent.plan.levels):
            sample = draw_sample(parent, level)
            background = _inside(sample.background, parent)
            # pile-up moves some counts out of the window, three in ten at most
            wanted = net if ratio is None else net / ratio
            assert 0.65 * wanted < background < 1.01 * wanted
            if parent.plan.truth:
                source = _inside(np.sum(sample.parts, axis=0), parent)
                assert source / background == pytest.approx(ratio, rel=0.1)
            expected = float(sample.background.sum() + np.sum(sample.parts))
            assert sample.counts.sum() == pytest.approx(expected, abs=6 * np.sqrt(expected))


def test_the_same_seed_gives_the_same_spectrum_and_another_another(parents):
    one = next(iter(parent_plans(PLAN)))
    again = draw_sample(make_parent(one, 3), 2)
    np.testing.assert_array_equal(again.counts, draw_sample(parents[0], 2).counts)
    assert again.scan.identity.scan_id == draw_sample(parents[0], 2).scan.identity.scan_id
    assert not np.array_equal(draw_sample(make_parent(one, 4), 2).counts, again.counts)
    assert not np.array_equal(draw_sample(parents[0], 3).counts, again.counts)


def test_backgrounds_come_along_where_the_plan_says(parents):
    for parent in parents:
        background = draw_sample(parent, 0).scan.payload.background
        assert (background is not None) is parent.plan.has_background
        if background is not None:
            assert (
                2.0 <= background.live_time_s / draw_sample(parent, 0).scan.payload.live_time_s[0, 0] <= 40.0
            )


def test_a_separate_background_has_the_scale_of_the_one_it_stands_for(parents):
    same = [one for one in parents if np.allclose(one.open_background, one.background, rtol=1e-9, atol=0)]
    brighter = [one for one in parents if _inside(one.open_background, one) > 1.0 + 1e-6]
    # beside the vehicle, to the last count; or the whole place, of which the vehicle shades a part
    assert same
    assert brighter
    assert len(same) + len(brighter) == len(parents)
    assert all(_inside(one.open_background, one) < 2.0 for one in brighter)


def test_a_mixture_holds_all_its_sources(parents):
    mixed = next(parent for parent in parents if len(parent.plan.truth) == 2)
    assert len(mixed.parts) == 2
    assert all(part.sum() > 0 for part in mixed.parts)
    assert _inside(mixed.source, mixed) == pytest.approx(1.0)


def test_other_sources_do_not_depend_on_which_are_asked_for(parents):
    all_ = other_sources(parents[0], ("Am-241", "Co-60", "I-131"))
    np.testing.assert_array_equal(other_sources(parents[0], ("Co-60",))[0], all_[1])
    assert [_inside(one, parents[0]) for one in all_] == pytest.approx([1.0, 1.0, 1.0])
