"""Matching and curves against a plain computation written apart, and against cases worked by hand."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest
from scipy import ndimage
from sklearn.metrics import average_precision_score, roc_auc_score

from screening.evaluate.detectors import Candidate
from screening.evaluate.metrics import froc as fr
from screening.evaluate.metrics.matching import Finding, Outcome, Region, Truth, box_iou, match
from screening.evaluate.metrics.pooling import Pooled, pool, select

SHAPE = (120, 160)


def found(row0: int, col0: int, row1: int, col1: int, score: float, **more: object) -> Finding:
    return Finding(row0=row0, col0=col0, row1=row1, col1=col1, score=score, **more)  # type: ignore[arg-type]


def truth(row0: int, col0: int, row1: int, col1: int, **more: object) -> Truth:
    return Truth(row0=row0, col0=col0, row1=row1, col1=col1, **more)  # type: ignore[arg-type]


def outcomes(candidates: list[Finding], truths: list[Truth], **more: object) -> list[Outcome]:
    return [Outcome(value) for value in match(candidates, truths, **more).outcome]  # type: ignore[arg-type]


# -- one picture, by hand


def test_centroid_may_lie_two_pixels_outside_and_no_more() -> None:
    small = truth(50, 50, 60, 60)  # rows and columns 50 to 59
    assert outcomes([found(57, 50, 66, 60, 1.0)], [small]) == [Outcome.HIT]  # centre row 61
    assert outcomes([found(58, 50, 67, 60, 1.0)], [small]) == [Outcome.FALSE_ALARM]  # centre row 62
    # diagonally the disc of 2 pixels reaches (1, 1) beyond the corner and not (2, 2)
    assert outcomes([found(56, 56, 65, 65, 1.0)], [small]) == [Outcome.HIT]
    assert outcomes([found(57, 57, 66, 66, 1.0)], [small]) == [Outcome.FALSE_ALARM]


def test_centroid_is_asked_against_the_mask_not_the_box() -> None:
    mask = np.zeros((20, 20), dtype=bool)
    mask[:, :4] = True  # 80 pixels at the left of a box of 400
    bar = truth(40, 40, 60, 60, mask=mask)
    assert outcomes([found(45, 41, 55, 49, 1.0)], [bar]) == [Outcome.HIT]  # centre column 44.5, reads 45
    assert outcomes([found(45, 42, 55, 50, 1.0)], [bar]) == [
        Outcome.FALSE_ALARM
    ]  # 46, in the box all the same


def test_area_is_between_a_quarter_and_four_times() -> None:
    object_ = truth(50, 50, 60, 60)  # 100 pixels
    assert outcomes([found(53, 53, 58, 58, 1.0)], [object_]) == [Outcome.HIT]  # 25
    assert outcomes([found(53, 53, 58, 57, 1.0)], [object_]) == [Outcome.FALSE_ALARM]  # 20
    assert outcomes([found(45, 45, 65, 65, 1.0)], [object_]) == [Outcome.HIT]  # 400
    assert outcomes([found(45, 45, 65, 66, 1.0)], [object_]) == [Outcome.FALSE_ALARM]  # 420


def test_big_truths_are_matched_by_their_boxes() -> None:
    big = truth(20, 20, 52, 52)
    third = found(20, 20, 52, 30, 1.0)  # IoU 320 / 1024 = 0.3125, centroid inside, area ratio 3.2
    assert box_iou(third, big) == pytest.approx(0.3125)
    assert outcomes([third], [big]) == [Outcome.HIT]
    assert outcomes([found(20, 20, 52, 29, 1.0)], [big]) == [Outcome.FALSE_ALARM]  # 0.28125
    long = truth(20, 20, 52, 51)  # one side of 31: by centroid and area
    assert outcomes([found(20, 20, 52, 29, 1.0)], [long]) == [Outcome.HIT]


def test_one_truth_takes_one_candidate_the_highest() -> None:
    object_ = truth(50, 50, 60, 60)
    matched = match([found(50, 50, 60, 60, 0.4), found(51, 51, 61, 61, 0.9)], [object_])
    assert [Outcome(value) for value in matched.outcome] == [Outcome.REPEATED, Outcome.HIT]
    assert matched.truth_score.tolist() == [0.9]
    assert matched.truth_of.tolist() == [0, 0]


def test_a_candidate_goes_to_the_truth_that_is_still_free() -> None:
    left, right = truth(50, 50, 60, 60), truth(50, 58, 60, 68)
    matched = match([found(50, 53, 60, 64, 0.9), found(50, 54, 60, 65, 0.8)], [left, right])
    assert [Outcome(value) for value in matched.outcome] == [Outcome.HIT, Outcome.HIT]
    assert sorted(matched.truth_of.tolist()) == [0, 1]


def test_hidden_truths_count_for_and_against_nobody() -> None:
    hidden, seen = truth(50, 50, 60, 60, visible=0.49), truth(20, 20, 30, 30, visible=0.5)
    candidates = [found(50, 50, 60, 60, 1.0), found(20, 20, 30, 30, 0.5), found(90, 90, 99, 99, 0.2)]
    matched = match(candidates, [hidden, seen], opaque=[Region(45, 45, 60, 57)])
    assert [Outcome(value) for value in matched.outcome] == [
        Outcome.ON_HIDDEN,
        Outcome.HIT,
        Outcome.FALSE_ALARM,
    ]
    assert matched.is_covered.tolist() == [True, False]  # 70 of 100 pixels; none
    only = match(candidates[:1], [hidden])
    assert only.container_state.tolist() == [-1]
    assert not only.is_clean


def test_ignored_regions_and_classes() -> None:
    inside, half_out = found(12, 12, 18, 18, 1.0), found(12, 17, 18, 27, 1.0)
    assert outcomes([inside, half_out], [], ignore=[Region(10, 10, 20, 20)]) == [
        Outcome.IGNORED,
        Outcome.FALSE_ALARM,
    ]
    two = [Region(10, 10, 20, 20), Region(10, 20, 20, 22)]  # together they hold 5 of its 10 columns
    assert outcomes([half_out], [], ignore=two) == [Outcome.IGNORED]
    gun = truth(50, 50, 60, 60, kind="pistol")
    assert outcomes([found(50, 50, 60, 60, 1.0, kind="pistol")], [gun]) == [Outcome.HIT]
    assert outcomes([found(50, 50, 60, 60, 1.0)], [gun]) == [Outcome.HIT]
    wrong = [found(50, 50, 60, 60, 1.0, kind="brick")]
    assert outcomes(wrong, [gun]) == [Outcome.FALSE_ALARM]
    assert outcomes(wrong, [gun], by_kind=False) == [Outcome.HIT]


def test_candidates_of_detectors_serve_as_they_are() -> None:
    candidate = Candidate(row0=50, col0=50, row1=60, col1=60, score=0.7)
    assert match([candidate], [truth(50, 50, 60, 60)]).truth_score.tolist() == [0.7]


def test_two_containers_are_two_cases() -> None:
    boxes = [Region(10, 0, 110, 70), Region(10, 80, 110, 160)]
    matched = match(
        [found(50, 20, 60, 30, 0.3), found(50, 100, 60, 110, 0.8), found(50, 75, 54, 78, 0.9)],
        [truth(50, 20, 60, 30)],
        containers=boxes,
    )
    assert matched.container_state.tolist() == [1, 0]
    assert matched.container_score.tolist() == [0.3, 0.9]  # between the boxes, nearer to the second


@pytest.mark.parametrize(
    ("candidates", "truths", "message"),
    [
        ([found(5, 5, 5, 9, 1.0)], [], "is empty"),
        ([found(5, 5, 7, 9, float("nan"))], [], "1 scores"),
        ([], [truth(5, 5, 9, 9, mask=np.ones((3, 4), dtype=bool))], "does not fit"),
        ([], [truth(5, 5, 9, 9, mask=np.zeros((4, 4), dtype=bool))], "has no pixel"),
    ],
)
def test_what_cannot_be_matched_is_named(
    candidates: list[Finding], truths: list[Truth], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        match(candidates, truths)


# -- many pictures, against plain loops over whole pictures


def drawn(seed: int, *, n_picture: int = 60, is_tied: bool = True) -> list[dict[str, object]]:
    """Pictures with objects and candidates about them and elsewhere."""
    rng = np.random.default_rng(seed)
    pictures: list[dict[str, object]] = []
    for i in range(n_picture):
        truths, candidates = [], []
        for _ in range(int(rng.integers(1, 4)) if i % 2 else 0):
            high, wide = rng.integers(4, 45, 2)
            row, column = rng.integers(0, SHAPE[0] - high), rng.integers(0, SHAPE[1] - wide)
            mask = rng.random((high, wide)) < 0.7
            mask[high // 2, wide // 2] = True
            truths.append(
                truth(
                    int(row), int(column), int(row + high), int(column + wide), mask=mask,
                    visible=float(rng.choice([0.3, 1.0], p=[0.2, 0.8])), kind=str(rng.choice(["a", "b"])),
                    mass_kg=float(rng.choice([1.0, 5.0])),
                )
            )  # fmt: skip
            for _ in range(int(rng.integers(0, 3))):
                d_row, d_column = rng.integers(-8, 9, 2)
                r0, c0 = max(0, int(row + d_row)), max(0, int(column + d_column))
                r1, c1 = min(SHAPE[0], r0 + int(high * 1.2)), min(SHAPE[1], c0 + int(wide * 1.2))
                if r1 > r0 and c1 > c0:
                    candidates.append(found(r0, c0, r1, c1, float(rng.normal(1.0))))
        for _ in range(int(rng.integers(0, 4))):
            row, column = int(rng.integers(0, 100)), int(rng.integers(0, 140))
            candidates.append(found(row, column, row + 12, column + 9, float(rng.normal(0.0))))
        if is_tied:
            candidates = [found(c.row0, c.col0, c.row1, c.col1, round(c.score, 1)) for c in candidates]
        pictures.append(
            {
                "candidates": candidates,
                "truths": truths,
                "scene": f"scene {i // 4}",
                "strata": {"scanner": "p" if i % 3 else "q"},
            }
        )
    return pictures


def matched_plainly(picture: dict[str, object]) -> tuple[list[float], list[float], list[float]]:
    """Scores of hits, of false alarms, of truths, with whole-picture masks and without the code under test.

    Ties within a picture are left to the caller: scores must differ.
    """
    candidates, truths = picture["candidates"], picture["truths"]
    hits, alarms = [], []
    scores = [-np.inf] * len(truths)  # type: ignore[arg-type]
    for candidate in sorted(candidates, key=lambda c: -c.score):  # type: ignore[call-overload]
        own = np.zeros(SHAPE, dtype=bool)
        own[candidate.row0 : candidate.row1, candidate.col0 : candidate.col1] = True
        row, column = ndimage.center_of_mass(own)
        options = []
        for j, there in enumerate(truths):  # type: ignore[arg-type]
            whole, boxed = np.zeros(SHAPE, dtype=bool), np.zeros(SHAPE, dtype=bool)
            whole[there.row0 : there.row1, there.col0 : there.col1] = there.mask
            boxed[there.row0 : there.row1, there.col0 : there.col1] = True
            iou = (own & boxed).sum() / (own | boxed).sum()
            sides = np.ptp(np.argwhere(boxed), axis=0) + 1
            if (sides >= 32).all():
                is_on = iou >= 0.3
            else:
                wide = ndimage.distance_transform_edt(~whole) <= 2.0
                ratio = own.sum() / whole.sum()
                is_on = wide[int(row + 0.5), int(column + 0.5)] and 0.25 <= ratio <= 4.0
            if is_on:
                options.append((there.visible < 0.5, scores[j] > -np.inf, -iou, j))
        free = [option for option in sorted(options) if not option[0] and not option[1]]
        if free:
            scores[free[0][3]] = candidate.score
            hits.append(candidate.score)
        elif not options:
            alarms.append(candidate.score)
    return hits, alarms, scores


def matched(pictures: list[dict[str, object]]) -> list[object]:
    return [match(**picture) for picture in pictures]  # type: ignore[arg-type]


def pooled_of(pictures: list[dict[str, object]]) -> Pooled:
    return pool(matched(pictures))  # type: ignore[arg-type]


@pytest.mark.parametrize("seed", range(5))
def test_matching_agrees_with_whole_pictures(seed: int) -> None:
    n_hit = 0
    for picture in drawn(seed, is_tied=False):
        hits, alarms, scores = matched_plainly(picture)
        ours = match(**picture)  # type: ignore[arg-type]
        assert sorted(ours.score[ours.outcome == Outcome.HIT]) == sorted(hits)
        assert sorted(ours.score[ours.outcome == Outcome.FALSE_ALARM]) == sorted(alarms)
        assert ours.truth_score.tolist() == scores
        n_hit += len(hits)
    assert n_hit > 20


def test_the_order_of_candidates_does_not_matter() -> None:
    rng = np.random.default_rng(3)
    for picture in drawn(11):
        ours = match(**picture)  # type: ignore[arg-type]
        order = rng.permutation(len(picture["candidates"]))  # type: ignore[arg-type]
        turned = [picture["candidates"][i] for i in order]  # type: ignore[index]
        shuffled = match(**{**picture, "candidates": turned})  # type: ignore[arg-type]
        assert np.array_equal(ours.truth_score, shuffled.truth_score)


@pytest.mark.parametrize("seed", range(3))
def test_curve_agrees_with_counting_at_every_threshold(seed: int) -> None:
    pictures = drawn(seed)
    matches = matched(pictures)
    curve = fr.froc(pool(matches))  # type: ignore[arg-type]
    n_seen = sum(not t.is_hidden for m in matches for t in m.truths)  # type: ignore[attr-defined]
    n_clean = sum(not picture["truths"] for picture in pictures)
    for at, threshold in enumerate(curve.threshold):
        hits = clean = other = 0
        for m in matches:
            hits += int(np.sum(m.truth_score >= threshold))  # type: ignore[attr-defined]
            is_alarm = m.outcome == Outcome.FALSE_ALARM  # type: ignore[attr-defined]
            alarms = int(np.sum(is_alarm & (m.score >= threshold)))  # type: ignore[attr-defined]
            clean += alarms if not m.truths else 0  # type: ignore[attr-defined]
            other += alarms if m.truths else 0  # type: ignore[attr-defined]
        assert curve.llf[at] == hits / n_seen
        assert curve.nlf[at] == clean / n_clean
        assert curve.nlf_with[at] == other / (len(pictures) - n_clean)
    assert np.unique(curve.threshold).size == curve.threshold.size  # ties share a point


def test_a_curve_worked_by_hand() -> None:
    # two clean pictures with false alarms at 4 and 1; three threats, found at 5 and 2, and a miss;
    # a false alarm at 3 on a picture with a threat
    away = (90, 90, 99, 99)
    matches = [
        match([found(*away, 4.0)], [], scene="a"),
        match([found(*away, 1.0)], [], scene="b"),
        match([found(50, 50, 60, 60, 5.0), found(*away, 3.0)], [truth(50, 50, 60, 60)], scene="c"),
        match([found(50, 50, 60, 60, 2.0)], [truth(50, 50, 60, 60)], scene="d"),
        match([], [truth(50, 50, 60, 60)], scene="e"),
    ]
    pooled = pool(matches)
    curve = fr.froc(pooled)
    assert curve.threshold.tolist() == [np.inf, 5.0, 4.0, 3.0, 2.0, 1.0]
    assert curve.nlf == pytest.approx([0, 0, 0.5, 0.5, 0.5, 1.0])
    assert curve.nlf_with == pytest.approx([0, 0, 0, 1 / 3, 1 / 3, 1 / 3])
    assert curve.llf == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3, 2 / 3, 2 / 3])
    assert [fr.llf_at(curve, level) for level in (0.0, 0.1, 0.5, 1.0, 9.0)] == pytest.approx(
        [1 / 3, 1 / 3, 2 / 3, 2 / 3, 2 / 3]
    )
    assert fr.normalised_area(curve) == pytest.approx(0.5 * (1 / 3) + 0.5 * (2 / 3))
    assert fr.normalised_area(curve, 2.0) == pytest.approx(0.25 * (1 / 3) + 0.75 * (2 / 3))
    assert fr.average_precision(pooled) == pytest.approx(1 / 3 * 1 + 1 / 3 * 2 / 4)
    score, has_threat = fr.container_scores(pooled)
    assert score.tolist() == [4.0, 1.0, 5.0, 2.0, fr.NO_CANDIDATE]
    assert has_threat.tolist() == [False, False, True, True, True]
    got = fr.summary(pooled, n_resample=200)
    assert got.container_auc.value == pytest.approx(roc_auc_score(has_threat, score))
    assert got.container_tpr.value == pytest.approx(1 / 3)  # at 0 of 2 clean containers
    assert (got.llf[0.5].n, got.llf[0.5].n_clean) == (3, 2)


@pytest.mark.parametrize("seed", range(3))
def test_average_precision_is_scikit_learns_where_they_mean_the_same(seed: int) -> None:
    pooled = pooled_of(drawn(seed))
    is_hit = pooled.candidate_truth >= 0
    n_seen = int(np.sum(~pooled.truth_is_hidden))
    theirs = average_precision_score(is_hit, pooled.score) * is_hit.sum() / n_seen
    assert fr.average_precision(pooled) == pytest.approx(theirs, abs=1e-12)


def test_summary_of_the_data_is_what_the_curve_says() -> None:
    pooled = pooled_of(drawn(5, n_picture=120))
    curve, got = fr.froc(pooled), fr.summary(pooled, n_resample=50)
    for level, estimate in got.llf.items():
        assert estimate.value == pytest.approx(fr.llf_at(curve, level), abs=1e-12)
    assert got.area.value == pytest.approx(fr.normalised_area(curve), abs=1e-12)
    assert got.precision.value == pytest.approx(fr.average_precision(pooled), abs=1e-12)
    score, has_threat = fr.container_scores(pooled)
    assert got.container_auc.value == pytest.approx(roc_auc_score(has_threat, score), abs=1e-12)


def test_a_resample_is_the_figure_of_the_pictures_drawn() -> None:
    """The weights of the bootstrap do what building the data anew from the drawn scenes would do."""
    pictures = drawn(7, n_picture=48)
    scenes = sorted({str(picture["scene"]) for picture in pictures})
    rng = np.random.default_rng(0)
    weights = rng.multinomial(len(scenes), np.full(len(scenes), 1 / len(scenes)), size=6).astype(float)
    ours = fr._resampled(pooled_of(pictures), weights, fr.FP_LEVELS, 0.06)
    for row, times in zip(ours, weights, strict=True):
        again = [
            picture
            for scene, n in zip(scenes, times, strict=True)
            for _ in range(int(n))
            for picture in pictures
            if picture["scene"] == scene
        ]
        pooled = pooled_of(again)
        curve = fr.froc(pooled)
        expected = [fr.llf_at(curve, level) for level in fr.FP_LEVELS]
        score, has_threat = fr.container_scores(pooled)
        thresholds = [np.inf, *np.unique(score)[::-1]]
        fpr = [float(np.mean(score[~has_threat] >= t)) for t in thresholds]
        tpr = [float(np.mean(score[has_threat] >= t)) for t in thresholds]
        expected += [
            fr.normalised_area(curve),
            fr.average_precision(pooled),
            float(roc_auc_score(has_threat, score)),
            max(y for x, y in zip(fpr, tpr, strict=True) if x <= 0.06),
        ]
        assert row == pytest.approx(expected, abs=1e-12)


def test_intervals_cover_the_truth() -> None:
    """Scenes that share their luck: a detection chance of each scene, uniform, so that its mean is 1/2."""
    rng = np.random.default_rng(21)
    object_, on_it = truth(50, 50, 60, 60), found(50, 50, 60, 60, 1.0)
    hit, miss, clean = (
        match(candidates, truths, scene="any")
        for candidates, truths in (([on_it], [object_]), ([], [object_]), ([], []))
    )
    n_covered, n_run = 0, 150
    for run in range(n_run):
        pictures = []
        for scene in range(60):
            is_found = rng.random(4) < rng.random()
            kinds = [*(hit if there else miss for there in is_found), clean]
            pictures += [msgspec.structs.replace(one, scene=f"{scene}") for one in kinds]
        got = fr.summary(pool(pictures), levels=(0.1,), n_resample=250, seed=run).llf[0.1]
        assert got.low is not None
        assert got.high is not None
        n_covered += got.low <= 0.5 <= got.high
    assert 0.88 <= n_covered / n_run <= 0.99  # 0.95, and what 150 runs, 250 resamples and 60 scenes blur


def test_few_scenes_have_no_interval_and_perfect_ones_an_exact_one() -> None:
    object_, on_it = truth(50, 50, 60, 60), found(50, 50, 60, 60, 1.0)

    def _pictures(n: int) -> list[object]:
        return [match(c, t, scene=f"{i}") for i in range(n) for c, t in (([on_it], [object_]), ([], []))]

    few = fr.summary(pool(_pictures(4))).llf[0.1]  # type: ignore[arg-type]
    assert (few.value, few.low, few.method) == (1.0, None, "none: 4 scenes, 5 needed")
    all_found = fr.summary(pool(_pictures(60)), n_resample=100).llf[0.1]  # type: ignore[arg-type]
    assert all_found.high == 1.0
    assert all_found.low == pytest.approx(0.9404, abs=1e-4)  # 0.025 ** (1 / 60)
    assert all_found.method == "clopper-pearson over 60 scenes"


def test_what_cannot_be_said_is_none() -> None:
    no_clean = fr.summary(pool([match([], [truth(5, 5, 9, 9)], scene="a")]))
    assert no_clean.llf[0.1].value is None
    assert no_clean.container_tpr.value is None
    assert no_clean.precision.value == 0.0
    clean = pool([match([found(5, 5, 9, 9, 1.0)], [], scene="a")])
    assert fr.summary(clean).precision.value is None
    with pytest.raises(ValueError, match="no truth that can be seen"):
        fr.froc(clean)
    with pytest.raises(ValueError, match="needs a scene"):
        pool([match([], [])])


def test_strata_of_pictures_and_of_truths() -> None:
    pictures = drawn(9, n_picture=80)
    pooled = pooled_of(pictures)
    scanner = pooled.picture_strata["scanner"] == "q"
    alone = pooled_of([picture for picture in pictures if picture["strata"] == {"scanner": "q"}])
    part = select(pooled, pictures=scanner)
    for ours, theirs in zip(fr.froc(part), fr.froc(alone), strict=True):
        assert np.array_equal(ours, theirs)
    assert fr.container_scores(part)[0].tolist() == fr.container_scores(alone)[0].tolist()

    only_a = select(pooled, truths=pooled.truth_kind == "a")
    curve, whole = fr.froc(only_a), fr.froc(pooled)
    n_a = np.sum((pooled.truth_kind == "a") & ~pooled.truth_is_hidden)
    for at, threshold in enumerate(curve.threshold):
        is_found = (pooled.truth_kind == "a") & (pooled.truth_score >= threshold)
        assert curve.llf[at] == np.sum(is_found) / n_a
    assert curve.nlf[-1] == whole.nlf[-1]  # all false alarms stay
    assert np.sum(only_a.container_state == 0) == np.sum(pooled.container_state == 0)
    assert np.sum(only_a.container_state == 1) < np.sum(pooled.container_state == 1)
    with pytest.raises(ValueError, match="choice of truths"):
        select(pooled, truths=np.ones(3, dtype=bool))


def test_results_are_broken_down_without_loss() -> None:
    matches = [
        match([], [truth(50, 50, 60, 60, kind=kind, contrast_g_cm2=contrast, background_g_cm2=behind)],
              scene=f"{i}", strata={"scanner": "p" if i else "q"})
        for i, (kind, contrast, behind) in enumerate(
            (("a", 5.0, 200.0), ("b", 10.0, 20.0), ("b", np.nan, 0.0))
        )
    ]  # fmt: skip
    matches.append(match([], [], scene="clean", strata={"scanner": "p"}))
    parts = dict(fr.strata(pool(matches)))
    assert {name: part.truth_picture.size for name, part in parts.items()} == {
        "class a": 1,
        "class b": 2,
        "contrast 0 to 10 g/cm2": 1,
        "contrast 10 to 30 g/cm2": 1,
        "behind 0 to 20 g/cm2": 1,
        "behind 20 to 60 g/cm2": 1,
        "behind 120 and more g/cm2": 1,
        "scanner p": 2,
        "scanner q": 1,
    }
    assert parts["class a"].picture_is_clean.sum() == 1
    assert parts["scanner q"].picture_is_clean.sum() == 0


def test_detection_by_mass_and_hidden_covered() -> None:
    pooled = pooled_of(drawn(13, n_picture=100))
    rows = fr.detection_by(pooled, pooled.mass_kg, (0.5, 2.0, 10.0), 0.5)
    for low, high, share in rows:
        inside = (pooled.mass_kg >= low) & (pooled.mass_kg < high) & ~pooled.truth_is_hidden
        assert share.n == inside.sum()
        assert share.k == np.sum(inside & (pooled.truth_score >= 0.5))
        assert share.k > 0
    assert sum(row[2].n for row in rows) == np.sum(~pooled.truth_is_hidden)

    hidden = truth(50, 50, 60, 60, visible=0.0)
    over = [match([], [hidden], scene=f"{i}", opaque=[Region(40, 40, 70, 70)]) for i in range(9)]
    bare = match([], [hidden, truth(5, 5, 9, 9)], scene="bare")
    share = fr.hidden_covered(pool([*over, bare]))
    assert (share.k, share.n) == (9, 10)


def test_silence_means_the_same_on_every_split() -> None:
    """A container without a candidate stays below a threshold that another split set just above silence."""

    def _clean(lowest: float) -> Pooled:
        marked = [match([found(5, 5, 9, 9, lowest)], [], scene=f"s{k}") for k in range(2)]
        return pool([*marked, *(match([], [], scene=f"q{k}") for k in range(8))])

    of_validation, _ = fr.container_scores(_clean(0.1))
    threshold = np.nextafter(np.sort(of_validation)[::-1][2], np.inf)  # the first clean one that is silent
    for lowest in (-5.0, 0.1, 0.4):
        score, _ = fr.container_scores(_clean(lowest))
        assert int(np.sum(score >= threshold)) == 2


def test_threats_of_few_scenes_have_no_interval() -> None:
    """Many clean scenes do not make up for threats that all come from one."""
    clean = [match([found(5, 5, 9, 9, 0.1)] if k < 5 else [], [], scene=f"c{k}") for k in range(40)]
    target = truth(20, 20, 30, 30)
    same = [match([found(20, 20, 30, 30, 0.9)] if k % 2 else [], [target], scene="one") for k in range(4)]
    got = fr.summary(pool([*clean, *same]), n_resample=100)
    for estimate in (*got.llf.values(), got.precision, got.container_tpr):
        assert estimate.low is None
        assert estimate.method.startswith("none: threats in 1 scene")
    assert got.llf[0.1].value == 0.5
