"""The other sections: empties, what cannot be seen, the card, and pictures to look at."""

from __future__ import annotations

import io

import msgspec
import numpy as np
import pytest

from screening.classifiers import load_model
from screening.evaluate.radiographs.asking import Asked, asked_detectors
from screening.evaluate.radiographs.card import card_part
from screening.evaluate.radiographs.card_scenes import N_EMPTY, N_LOADED, CardRow, plan
from screening.evaluate.radiographs.compare import compare_empties
from screening.evaluate.radiographs.empties import empties_part
from screening.evaluate.radiographs.empty_exhibits import empty_exhibits
from screening.evaluate.radiographs.empty_scenes import KEYS, EmptyRow, HiddenRow
from screening.evaluate.radiographs.exhibits import HEIGHT_PX, grey_png, rendering
from screening.evaluate.radiographs.expected import share_within
from screening.evaluate.radiographs.hidden_loads import MASSES_KG
from screening.evaluate.radiographs.opaque import opaque_part
from screening.evaluate.radiographs.opaque_scenes import (
    Invariant,
    MaskedRow,
    OpaqueRow,
    SphereRow,
)
from screening.evaluate.radiographs.pictures import empty_recipe, load_recipe
from screening.evaluate.radiographs.rows import AnswerRow
from screening.evaluate.record import Part, Provenance, joined
from screening.simulation.radiographs import RadiographRecipe, simulate_radiograph


def _answer(score: float | None, call: bool | None, *, detector: str = "one", level: str = "") -> AnswerRow:
    codes = ("IMG_SHIELDED",) if level == "UNKNOWN" else ()
    return AnswerRow(detector=detector, ms=1.0, level=level, codes=codes, load_score=score, is_loaded=call)


def _row(
    number: int, answer: AnswerRow, *, is_loaded: bool = False, hidden: tuple[HiddenRow, ...] = ()
) -> EmptyRow:
    return EmptyRow(
        sample=f"{'load' if is_loaded else 'empty'}-{number:04d}",
        is_loaded=is_loaded,
        scanner="gamma",
        geometry="20 standard" if number % 2 else "40 high",
        cargo="",
        has_residue=number % 4 == 0,
        n_container=1,
        answers=(answer,),
        hidden=hidden,
    )


def _by_key(part: Part) -> dict[tuple[str, str, str], object]:
    joined([part], title="t", provenance=Provenance(version="0"))
    return {(f.metric, f.detector, f.stratum): f for f in part.figures}


def _hidden(midpoint_kg: float, rng: np.random.Generator) -> tuple[HiddenRow, ...]:
    """Return one load of each mass, found the surer the heavier it is."""
    rows = []
    for mass in MASSES_KG:
        is_found = bool(rng.random() < 1.0 / (1.0 + (midpoint_kg / mass) ** 3))
        rows.append(
            HiddenRow(
                material="steel",
                place="roof",
                shape="brick",
                mass_kg=mass,
                d_prime=20.0 * mass,
                answers=(_answer(2.0 if is_found else 0.0, None, level="HIGH" if is_found else "LOW"),),
            )
        )
    return tuple(rows)


def _empties(midpoint_kg: float = 5.0) -> tuple[list[EmptyRow], list[EmptyRow], list[EmptyRow]]:
    rng = np.random.default_rng(4)
    validation = [_row(k, _answer(float(rng.uniform(0.0, 1.0)), None, level="LOW")) for k in range(300)]
    test = [
        _row(k, _answer(float(rng.uniform(0.0, 1.0)), None, level="LOW"), hidden=_hidden(midpoint_kg, rng))
        for k in range(80)
    ]
    loads = [_row(k, _answer(3.0, None, level="HIGH"), is_loaded=True) for k in range(50)]
    return validation, test, loads


def test_a_detector_with_scores_is_asked_at_the_quantile_of_the_validation_empties() -> None:
    validation, _, _ = _empties()
    (one,), left = asked_detectors(validation, ["one"])
    assert not left
    scores = np.array([row.answers[0].load_score for row in validation])
    swept = np.array([not row.has_residue for row in validation])
    assert one.threshold is not None
    assert (scores[swept] >= one.threshold).sum() == int(0.007 * 225) == 1
    assert one.call((_answer(2.0, None),)) is True
    assert one.call((_answer(0.1, None),)) is False
    assert one.call((_answer(None, None),)) is None
    assert one.call(()) is None


def test_residue_of_the_last_load_sets_no_threshold_and_is_no_false_alarm_of_swept_empties() -> None:
    rng = np.random.default_rng(1)

    def _empty(number: int) -> EmptyRow:
        residue = number % 4 == 0
        return _row(number, _answer(float(rng.uniform(2.0, 3.0) if residue else rng.uniform(0.0, 1.0)), None))

    validation, test = [_empty(k) for k in range(800)], [_empty(k) for k in range(400)]
    loads = [_row(k, _answer(2.5, None), is_loaded=True) for k in range(40)]
    (one,), _ = asked_detectors(validation, ["one"])
    assert one.threshold < 1.0
    figures = _by_key(empties_part(validation, test, test[:40], loads, ["one"], seed=1, is_short=True))
    assert figures["empties that alarm", "one", ""].value < 0.03
    assert figures["empties that alarm", "one", "residue of the last load"].value == 1.0
    assert figures["empties that alarm", "one", "full size"].n == 30
    found = {
        one.metric: one for one in compare_empties([one, one._replace(name="twin")], test, loads, seed=1)
    }
    assert found["swept empties that alarm"].n == 300


def test_hidden_loads_that_nothing_shows_count_against_the_bound() -> None:
    validation, test, loads = _empties(5.0)
    blind = [
        msgspec.structs.replace(
            row,
            hidden=tuple(
                msgspec.structs.replace(one, d_prime=0.0 if k < 20 else 20.0 * one.mass_kg)
                for one in row.hidden
            ),
        )
        for k, row in enumerate(test)
    ]
    figures = _by_key(empties_part(validation, blind, [], loads, ["one"], seed=1, is_short=True))
    bound = figures["smallest hidden mass (90 % found)", "noise bound", "steel, roof"]
    assert bound.value is None
    assert bound.n == 80 * len(MASSES_KG)
    assert f"{20 * len(MASSES_KG)} of {80 * len(MASSES_KG)}" in bound.note


def test_a_detector_that_scores_now_and_then_is_asked_for_its_own_call() -> None:
    rows = [_row(k, _answer(0.2 if k % 2 else None, False if k % 2 else None)) for k in range(20)]
    (one,), _ = asked_detectors(rows, ["one"])
    assert one == Asked("one", "one", None)
    none, left = asked_detectors([_row(k, _answer(None, None)) for k in range(20)], ["one"])
    assert not none
    assert left[0].kind == "not asked"


def test_the_smallest_hidden_mass_is_where_ninety_percent_are_found() -> None:
    validation, test, loads = _empties(5.0)
    figures = _by_key(empties_part(validation, test, [], loads, ["one"], seed=1, is_short=False))
    found = figures["smallest hidden mass (90 % found)", "one", "steel, roof"]
    # 1 / (1 + (5 / m)^3) is 0.9 at 5 * 9^(1/3) = 10.4 kg
    assert found.low < 10.4 < found.high
    assert found.value == pytest.approx(10.4, rel=0.25)
    bound = figures["smallest hidden mass (90 % found)", "noise bound", "steel, roof"]
    assert bound.value == pytest.approx(3.739 / 20.0, rel=0.01)
    assert figures["ordinary loads found", "one", ""].value == 1.0


def test_a_mass_that_is_not_reached_is_no_number() -> None:
    validation, test, loads = _empties(1000.0)
    figures = _by_key(empties_part(validation, test, [], loads, ["one"], seed=1, is_short=True))
    found = figures["smallest hidden mass (90 % found)", "one", "steel"]
    assert found.value is None
    assert "not reached within 0.5 to 50 kg" in found.note


def test_unknown_is_a_miss_and_is_printed_with_its_reason() -> None:
    unknown = _answer(None, None, level="UNKNOWN")
    validation = [_row(k, _answer(None, False, level="LOW")) for k in range(20)]
    test = [_row(k, unknown if k < 5 else _answer(None, k == 6, level="LOW")) for k in range(20)]
    loads = [_row(k, unknown, is_loaded=True) for k in range(10)]
    figures = _by_key(empties_part(validation, test, [], loads, ["one"], seed=1, is_short=True))
    assert figures["empties without an answer", "one", ""].k == 5
    assert figures["empties without an answer, by reason", "one", "IMG_SHIELDED"].k == 5
    assert figures["ordinary loads found", "one", ""].value == 0.0
    swept = figures["empties that alarm", "one", ""]
    assert (swept.k, swept.n) == (1, 15)
    assert figures["empties that alarm", "one", "residue of the last load"].n == 5


def _opaque_row(number: int, **fields: object) -> OpaqueRow:
    given: dict[str, object] = {
        "sample": f"load-{number:04d}",
        "scanner": "gamma",
        "cargo": "rounds",
        "cargo_kind": "rolls",
        "n_live": 1000,
        "n_true": 100,
        "n_said": 80,
        "n_both": 60,
        "is_shielded": True,
        "hides": True,
        "hides_share": 0.02,
        "has_hull": True,
        "invariants": (Invariant(name="cargo added", holds=True),),
        "spheres": (),
        "floor_is_shielded": True,
    }
    return OpaqueRow(**{**given, **fields})  # type: ignore[arg-type]


def test_what_lies_at_the_edge_of_a_hull_is_told_from_what_lies_in_it() -> None:
    hull = np.zeros((20, 20), dtype=bool)
    hull[5:15, 5:15] = True
    regions = np.zeros_like(hull)
    assert share_within(regions, hull) is None
    regions[13:18, 8:12] = True  # two of five rows
    assert share_within(regions, hull) == pytest.approx(0.4)
    regions[7:9, 7:9] = True
    assert share_within(regions, hull) == 1.0
    rows = [
        _opaque_row(k, invariants=(Invariant(name="noise raised", holds=False),), hiding_in_hull=share)
        for k, share in enumerate((0.4, 0.6, 1.0))
    ]
    figures = _by_key(opaque_part(rows, [], seed=1))
    noise = figures["turned from SHIELDED to clear: noise raised", "pipeline", ""]
    assert noise.k == 3  # all of them count
    assert "1 of 3 by regions of which less than half" in noise.note
    assert figures["turned from SHIELDED to clear: lines lost", "pipeline", ""].note == "0 asked"


def test_the_opaque_map_is_scored_by_pixel_and_invariants_are_counted() -> None:
    seen = SphereRow(is_blind=True, visible=0.1, is_covered=True, is_shielded=True, is_marked=False)
    rows = [_opaque_row(k, spheres=(seen,)) for k in range(9)]
    broken = (Invariant(name="cargo added", holds=False),)
    rows.append(
        _opaque_row(
            9,
            invariants=broken,
            hiding_in_hull=0.4,
            is_shielded=False,
            hides=False,
            hides_share=0.0,
            has_hull=False,
        )
    )
    masked = [
        MaskedRow(sample="full", scanner="gamma", n_good=10_000, n_masked=1, n_failed=50, n_found=49)
        for _ in range(6)
    ]
    part = opaque_part(rows, masked, seed=1)
    figures = _by_key(part)
    assert figures["opaque map, precision by pixel", "pipeline", ""].value == pytest.approx(0.75)
    assert figures["opaque map, recall by pixel", "pipeline", ""].value == pytest.approx(0.6)
    assert figures["opaque map, intersection over union", "pipeline", ""].value == pytest.approx(0.5)
    added = figures["turned from SHIELDED to clear: cargo added", "pipeline", ""]
    assert (added.k, added.n) == (1, 10)
    assert "1 of 1 by regions" in added.note
    assert figures["SHIELDED where the configured threat can hide", "pipeline", ""].n == 9
    key = "configured threat behind opaque cargo, covered by a region that gates"
    assert figures[key, "pipeline", ""].value == 1.0
    assert figures["good pixels masked on healthy full-size pictures", "pipeline", ""].value == pytest.approx(
        1e-4
    )
    assert [one.kind for one in part.left_out] == ["no hull"]


def _card_rows() -> list[CardRow]:
    card = load_model("empties").card
    printed = {one.metric: one for one in card.performance}
    rows = []
    for is_loaded, name in ((False, "false alarm rate on empties"), (True, "detection of ordinary loads")):
        one = printed[name]
        k = round(one.value * one.n)
        rows += [
            CardRow(
                part="test",
                is_loaded=is_loaded,
                index=i,
                family="gamma",
                container="standard",
                has_residue=False,
                material="",
                mass_kg=0.0,
                loaded=(1.0 if i < k else 0.0,),
                excess=(0.0,),
            )
            for i in range(one.n)
        ]
    return rows


def test_figures_of_the_card_are_held_against_what_is_measured() -> None:
    card = load_model("empties").card
    part = card_part(_card_rows(), card, is_whole=True)
    figures = _by_key(part)
    same = figures["false alarm rate on empties", "model empties", ""]
    assert same.note.startswith("as printed; card: 0.01 ")
    assert figures["detection of ordinary loads", "model empties", ""].note.startswith("as printed")
    # all rows are of one family and swept: the strata have other numbers of containers than the card
    other = figures["false alarm rate on empties, standard containers", "model empties", ""]
    assert other.note.startswith("NOT as printed")
    kinds = {one.kind for one in part.left_out}
    assert kinds == {"not made", "not as printed"}
    count = figures["figures of the card that come out as printed", "model empties", ""]
    assert count.n == len(card.performance)
    assert part.data["model empties"] == card.sha256


def test_the_plan_draws_as_many_containers_as_the_training_did() -> None:
    jobs = plan(1, 0.02)
    test = [job for job in jobs if job["part"] == "test"]
    assert {job["is_loaded"] for job in test} == {False, True}
    assert sum(job["part"] == "hidden" for job in jobs) == 15
    whole = [job for job in plan(1, 1.0) if job["part"] == "test"]
    pictures = {loaded: max(j["stop"] for j in whole if j["is_loaded"] == loaded) for loaded in (False, True)}
    assert pictures[False] < N_EMPTY
    assert pictures[True] < N_LOADED


def test_a_rendering_is_a_small_png() -> None:
    from skimage import io as image_io

    levels = np.arange(200, dtype=np.uint8).reshape(10, 20)
    np.testing.assert_array_equal(image_io.imread(io.BytesIO(grey_png(levels))), levels)
    recipe = RadiographRecipe(
        kind="empty", scanner="single", family="rail-dual", length="20", scale=1.5, seed=2
    )
    scan, _ = simulate_radiograph(recipe)
    png, step = rendering(scan)
    picture = image_io.imread(io.BytesIO(png))
    assert picture.shape[0] <= HEIGHT_PX
    assert step == 2
    assert picture.shape == tuple(n // step for n in scan.payload.raw.shape[:2])
    # air is bright, the container's floor is not
    assert picture[5].mean() > 220
    assert picture.min() < 120


def test_failures_on_empties_and_loads_are_shown() -> None:
    gamma = next(k for k in range(60) if empty_recipe(1, KEYS["test"], k)[1].family == "gamma")
    alarms, quiet = _answer(0.9, True, level="HIGH"), _answer(0.1, False, level="LOW")
    row = msgspec.structs.replace(_row(gamma, alarms), sample=f"empty-test-{gamma:04d}")
    load = next(k for k in range(90) if load_recipe(1, KEYS["loads"], k).family == "gamma")
    missed = msgspec.structs.replace(_row(load, quiet, is_loaded=True), sample=f"load-{load:04d}")
    found = empty_exhibits([Asked("one", "one", None)], [row, _row(1, quiet)], [missed], seed=1, n_each=3)
    assert [one.title for one in found] == ["an empty container alarms", "an ordinary load is not found"]
    assert "HIGH" in found[0].text
    assert "score 0.1" in found[1].text
    assert all(one.picture is not None and one.picture.png[:4] == b"\x89PNG" for one in found)


def test_a_detector_without_a_threshold_is_asked_for_its_own_call() -> None:
    asked = Asked("pipeline", "pipeline", None)
    quiet = _answer(0.85, False, detector="pipeline", level="LOW")
    assert asked.call((quiet,)) is False
    assert asked.call((msgspec.structs.replace(quiet, is_loaded=True),)) is True
    assert asked.call((msgspec.structs.replace(quiet, is_loaded=None),)) is None
