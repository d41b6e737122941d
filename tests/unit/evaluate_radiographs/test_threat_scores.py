"""Scores of threats: pooled matches, the threshold of the claim, figures and comparisons."""

from __future__ import annotations

import math
from typing import Any

import msgspec
import numpy as np
import pytest

from screening.evaluate.detectors import Candidate, DetectorAnswer
from screening.evaluate.metrics.matching import Region, Truth, match
from screening.evaluate.radiographs.compare import compare_threats
from screening.evaluate.radiographs.cost import cost_part
from screening.evaluate.radiographs.pictures import threat_recipe
from screening.evaluate.radiographs.rows import AnswerRow, PictureRow, TruthRow, answers_of, matched, restored
from screening.evaluate.radiographs.scored import scored_detectors, validated_threshold
from screening.evaluate.radiographs.threat_scenes import one_picture, stage
from screening.evaluate.radiographs.threats import threats_part
from screening.evaluate.record import Provenance, joined
from screening.records import Level
from screening.simulation.radiographs.threats import THREATS

HULL = [Region(0, 0, 60, 200)]
PLACE = (20, 40, 30, 50)


def _truth(contrast: float = 50.0, visible: float = 1.0, mass: float = 5.0) -> TruthRow:
    return TruthRow(
        row0=PLACE[0],
        col0=PLACE[1],
        row1=PLACE[2],
        col1=PLACE[3],
        label="source-pig",
        kind="source",
        visible=visible,
        contrast_g_cm2=contrast,
        background_g_cm2=20.0,
        mass_kg=mass,
        n_pixel=100,
        d_prime=40.0,
    )


def _picture(
    number: int,
    variant: str,
    scores: dict[str, tuple[float, float]],
    *,
    visible: float = 1.0,
    mass: float = 5.0,
) -> PictureRow:
    """Give every detector a candidate on the object and one elsewhere; a score of nan is no candidate."""
    truths = () if variant == "without" else (_truth(visible=visible, mass=mass),)
    asked = [
        Truth(row0=t.row0, col0=t.col0, row1=t.row1, col1=t.col1, visible=t.visible, mass_kg=t.mass_kg)
        for t in truths
    ]
    answers = []
    for name, (here, there) in scores.items():
        places = [(PLACE, here), ((5, 100, 15, 110), there)]
        candidates = tuple(
            Candidate(row0=p[0], col0=p[1], row1=p[2], col1=p[3], score=score)
            for p, score in places
            if not math.isnan(score)
        )
        row = AnswerRow(detector=name, ms=1.0, level="HIGH" if candidates else "LOW", points=True)
        answers.append(matched(row, candidates, asked, containers=HULL))
    return PictureRow(
        sample=f"test-{number:04d}-{variant}",
        scene=f"test-{number:04d}",
        variant=variant,
        strata={"scanner": "portal" if number % 2 else "gamma", "cargo": "cartons"},
        truths=truths,
        answers=tuple(answers),
        n_mpx=0.012,
    )


def _split(seed: int, n: int = 40) -> list[PictureRow]:
    """Return scenes in which the detector "good" separates threats from clutter, and "blind" does not."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(n):
        clutter = rng.uniform(0.0, 1.0, 4)
        none = float("nan")
        rows += [
            _picture(
                number, "with", {"good": (rng.uniform(0.95, 3.0), clutter[0]), "blind": (none, clutter[1])}
            ),
            _picture(number, "without", {"good": (none, clutter[0]), "blind": (none, clutter[2])}),
            _picture(number, "lookalike", {"good": (0.5, clutter[0]), "blind": (none, clutter[3])}),
        ]
    return rows


def test_a_match_comes_back_as_it_went() -> None:
    row = _picture(1, "with", {"one": (2.0, 1.0)})
    data = msgspec.msgpack.encode(row)
    back = msgspec.msgpack.decode(data, type=PictureRow)
    found = restored(back, back.answers[0])
    candidates = [
        Candidate(row0=20, col0=40, row1=30, col1=50, score=2.0),
        Candidate(row0=5, col0=100, row1=15, col1=110, score=1.0),
    ]
    straight = match(
        candidates, [Truth(row0=20, col0=40, row1=30, col1=50)], containers=HULL, scene="test-0001"
    )
    for name, value in msgspec.structs.asdict(straight).items():
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(getattr(found, name), value)
            assert getattr(found, name).dtype == value.dtype
    assert found.scene == "test-0001"


def test_what_was_not_matched_is_named() -> None:
    row = _picture(1, "with", {})
    with pytest.raises(ValueError, match="nobody"):
        restored(row, AnswerRow(detector="nobody", ms=1.0))


class _Broken:
    name = "broken"

    def answer(self, scan: object) -> None:
        raise RuntimeError("out of order")


class _Silent:
    name = "silent"

    def answer(self, scan: object) -> None:
        return None


def test_a_detector_that_fails_is_a_result() -> None:
    broken, silent = (row for row, _ in answers_of([_Broken(), _Silent()], ["broken", "silent"], None))  # type: ignore[list-item,arg-type]
    assert broken.error == "RuntimeError: out of order"
    assert broken.serves
    assert not broken.points
    assert not silent.serves


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ("low", "wrong type"),
        (DetectorAnswer(level="low"), "out of range"),
        (DetectorAnswer(level=Level.LOW, is_loaded="maybe"), "wrong type"),
        (DetectorAnswer(level=Level.LOW, load_score=float("nan")), "not a number"),
        (SystemExit(0), "SystemExit"),
    ],
)
def test_what_is_no_answer_is_a_failure_and_no_low(given: object, error: str) -> None:
    class _Wrong(_Silent):
        def answer(self, scan: object) -> Any:
            if isinstance(given, BaseException):
                raise given
            return given

    ((row, candidates),) = answers_of([_Wrong()], ["wrong"], None)  # type: ignore[list-item,arg-type]
    assert row.error.startswith(error)
    assert (row.serves, row.level, row.is_loaded, row.load_score, candidates) == (
        True,
        AnswerRow(detector="wrong", ms=0.0).level,
        None,
        None,
        (),
    )
    assert row.level != "LOW"


def test_the_threshold_lets_no_more_of_the_clean_containers_alarm_than_allowed() -> None:
    scored, _ = scored_detectors(_split(1), _split(2), ["good"])
    (good,) = scored
    clean = good.validation.container_score[good.validation.container_state == 0]
    assert (clean >= good.threshold).mean() <= 0.06
    assert (clean >= np.nextafter(good.threshold, -np.inf)).sum() == int(0.06 * clean.size) + 1
    assert validated_threshold(good.validation, 1.0) == -math.inf


def test_figures_are_unique_and_say_what_is_in_the_data() -> None:
    scored, left = scored_detectors(_split(1), _split(2), ["good", "blind"])
    part = threats_part(scored, left, seed=1)
    joined([part], title="t", provenance=Provenance(version="0"))
    by_key = {(f.metric, f.detector, f.stratum): f for f in part.figures}
    claim = by_key["containers with a threat that alarm (claim at 6 %)", "good", ""]
    assert claim.n == 40
    assert claim.value > 0.8
    assert by_key["threats found at the threshold of the claim", "blind", ""].value == 0.0
    assert by_key["threats found at the threshold of the claim", "good", "class: source"].n == 40
    assert by_key["distance of a hit from the middle of the object, median", "good", ""].value == 0.0
    assert by_key["innocent look-alikes marked", "good", ""].value == 0.0
    bound = by_key["containers with a threat that alarm (claim at 6 %)", "matched filter", ""]
    assert bound.value == pytest.approx(1.0)
    assert {curve.section for curve in part.curves} == {"threats"}
    assert "120 pictures" not in part.sections[0].data
    assert "80 pictures (40 without a threat)" in part.sections[0].data


def test_the_mass_found_with_half_has_an_interval_over_scenes() -> None:
    rng = np.random.default_rng(7)
    rows = []
    for number in range(200):
        mass = float(np.exp(rng.uniform(np.log(0.2), np.log(800.0))))
        is_found = rng.random() < 1.0 / (1.0 + (12.0 / mass) ** 1.5)
        with_it = _picture(number, "with", {"good": (2.0 if is_found else float("nan"), 0.1)}, mass=mass)
        rows += [with_it, _picture(number, "without", {"good": (float("nan"), rng.uniform(0.0, 1.0))})]
    scored, left = scored_detectors(_split(1), rows, ["good"])
    figures = {f.metric: f for f in threats_part(scored, left, seed=1).figures if f.detector == "good"}
    half = figures["mass of a threat found with 50 %"]
    assert half.low < 12.0 < half.high
    assert half.low < half.value < half.high
    assert half.method.endswith("bootstrap over 200 scenes") or half.method.endswith("bootstrap")
    few = [msgspec.structs.replace(row, scene=f"s{k % 4}") for k, row in enumerate(rows)]
    scored, left = scored_detectors(_split(1), few, ["good"])
    figures = {f.metric: f for f in threats_part(scored, left, seed=1).figures if f.detector == "good"}
    assert figures["mass of a threat found with 50 %"].value == half.value
    assert figures["mass of a threat found with 50 %"].low is None


def test_hidden_threats_are_not_asked_for() -> None:
    test = [
        *_split(2, 10),
        *(_picture(k, "with", {"good": (float("nan"), 0.1)}, visible=0.2) for k in range(10, 20)),
    ]
    scored, left = scored_detectors(_split(1, 10), test, ["good"])
    figures = {(f.metric, f.stratum): f for f in threats_part(scored, left, seed=1).figures}
    assert figures["threats found at the threshold of the claim", ""].n == 10
    hidden = figures["hidden threats covered by a region that gates", ""]
    assert (hidden.k, hidden.n) == (0, 10)


def test_the_better_detector_is_found_to_be_better() -> None:
    scored, _ = scored_detectors(_split(1), _split(2), ["good", "blind"])
    found = {one.metric: one for one in compare_threats(scored, seed=1)}
    assert len(found) == 2
    assert all(one.verdict == "a is better" for one in found.values())
    assert all(one.p_holm is not None and one.p_holm < 0.05 for one in found.values())
    same = compare_threats([scored[0], scored[0]._replace(name="twin")], seed=1)
    assert not {one.verdict for one in same} & {"a is better", "b is better"}


def test_detectors_are_compared_on_the_pictures_that_both_serve() -> None:
    test = _split(2)
    partly = [
        msgspec.structs.replace(row, answers=tuple(a for a in row.answers if a.detector == "good" or k < 60))
        for k, row in enumerate(test)
    ]
    scored, _ = scored_detectors(_split(1), partly, ["good", "blind"])
    found = compare_threats(scored, seed=1)
    assert found[0].n == 20
    assert scored[1].n_unserved == 40


def test_a_detector_that_points_nowhere_is_left_out_by_name() -> None:
    rows = [
        msgspec.structs.replace(
            row, answers=tuple(msgspec.structs.replace(a, points=False, error="broke") for a in row.answers)
        )
        for row in _split(1, 6)
    ]
    scored, left = scored_detectors(rows, rows, ["good"])
    assert not scored
    assert {(one.kind, one.where) for one in left} == {("not asked", "good"), ("detector failed", "good")}


def test_every_threat_comes_in_turn_and_any_cargo_in_every_fourth_scene() -> None:
    recipes = [threat_recipe(1, 2, k) for k in range(80)]
    names = [recipe.threats[0] for recipe in recipes]
    assert {names.count(name) for name in THREATS} == {4}
    dense = [recipe.threats[0] for recipe in recipes[3::4]]
    assert len(set(dense)) == len(dense) == 20
    validation = {threat_recipe(1, 1, k).seed for k in range(80)}
    assert not validation & {recipe.seed for recipe in recipes}


def test_one_picture_of_a_scene_is_the_one_that_was_answered() -> None:
    index = next(k for k in range(40) if threat_recipe(1, 2, k).family == "gamma")
    staged, _ = stage(1, "test", index, 1)
    by_name = {one.variant: one.scan for one in staged}
    assert set(by_name) == {"with", "without", "lookalike", "projected-0"}
    for name in ("with", "without", "projected-0"):
        again = one_picture(1, "test", index, name, 1)
        np.testing.assert_array_equal(again.payload.raw, by_name[name].payload.raw)
    assert len({scan.identity.scan_id for scan in by_name.values()}) == 4


def test_what_a_detector_does_not_serve_costs_nothing() -> None:
    row = _picture(1, "without", {"one": (float("nan"), 0.5)})
    slow = msgspec.structs.replace(row.answers[0], ms=30.0)
    silent = msgspec.structs.replace(row.answers[0], ms=0.01, serves=False)
    rows = [msgspec.structs.replace(row, answers=(slow,)) for _ in range(3)]
    rows += [msgspec.structs.replace(row, answers=(silent,)) for _ in range(5)]
    figures = {one.metric: one for one in cost_part(rows, []).figures}
    assert figures["time for a picture, median"].value == 30.0
    assert figures["time for a picture, median"].n == 3
    assert figures["time for a million pixels, median"].value == pytest.approx(30.0 / 0.012)
    assert all(one.better == "" for one in figures.values())
    assert not cost_part([], []).figures


def test_a_detector_that_serves_no_picture_of_a_split_is_left_out_by_name() -> None:
    served = _split(2, 6)
    unserved = [msgspec.structs.replace(row, answers=()) for row in _split(1, 6)]
    scored, left = scored_detectors(unserved, served, ["good"])
    assert not scored
    assert [(one.kind, one.where, one.is_error) for one in left] == [("not asked", "good", False)]
