"""Detectable activities and figures of merit of scores whose truth is known."""

from __future__ import annotations

from types import SimpleNamespace

import msgspec
import numpy as np
import pytest

from screening.evaluate.metrics.episodes import EpisodeStarts
from screening.evaluate.metrics.false_alarms import verify
from screening.evaluate.metrics.resampling import clusters_of, interval_of
from screening.evaluate.weak_source import analysis, passes
from screening.evaluate.weak_source.alarms import Alarms
from screening.evaluate.weak_source.gathered import Gathered, Passes
from screening.evaluate.weak_source.passes import ranges_of, short_of, unseen_of
from screening.evaluate.weak_source.pictures import drawn_detectors
from screening.evaluate.weak_source.plan import KNOWN, ORACLE, Plan
from screening.evaluate.weak_source.rows import part_of
from screening.evaluate.weak_source.scale import scale_of
from screening.evaluate.weak_source.scene import Stratum

N_PASS, N_RESAMPLE, SIGMA = 400, 300, 0.4
#: Activity in MBq at which each detector sees half of the passes, by source.
HALF = {"nmf": (2.0, 4.0), "pca": (2.5, 5.0), ORACLE: (1.0, 2.0), "nmf-templates": (1.6, 3.2)}


def _alarms(rng, far=0.125):
    """A threshold near 0 whose resamples stir by 0.02."""
    hours = np.full(60, 2.0)
    above = np.concatenate([rng.uniform(-1.0, 0.0, 300), rng.uniform(0.0, 1.0, 15)])
    starts = EpisodeStarts(above, np.full(above.size, -np.inf), rng.integers(0, 60, above.size), hours)
    resampled = 0.02 * rng.standard_normal(N_RESAMPLE)
    threshold = interval_of(0.0, resampled, clusters_of(None, 60))
    return Alarms(threshold, resampled, verify(starts, 0.0, far), starts, starts)


@pytest.fixture(scope="module")
def known():
    """Scores that are ln(A / A_half) + 0.4 z, with z shared by all activities and detectors of a pass."""
    rng = np.random.default_rng(17)
    strata = (Stratum("Co-60"), Stratum("Cs-137"))
    track = SimpleNamespace(name="street", strata=strata, far=0.125, is_by_occupancy=False)
    detectors = ["pca", "nmf", "nmf-templates", ORACLE]
    tenth = np.arange(-10, 16)
    passes = []
    for i in range(2):
        z = SIGMA * rng.standard_normal((N_PASS, 1, 1))
        half = np.array([HALF[name][i] for name in detectors])
        scores = np.log(10.0 ** (tenth[:, None] / 10.0) / half) + z
        passes.append(
            Passes(tenth, scores.astype(np.float32), np.full((N_PASS, len(detectors)), -9.0, np.float32))
        )
    alarms = {name: _alarms(rng) for name in ("pca", "nmf", "nmf-templates")}
    alarms |= {f"{ORACLE}@{stratum.name}": _alarms(rng) for stratum in strata}
    learned = {
        ORACLE: {
            "rate_cps": np.array(900.0), "variation": np.array(0.5), "variation_within": np.array(0.2),
            "eigenvalues": np.array([9.0, 2.0, 1.1]), "noise_edge": np.array(1.3), "hours": np.array(4.0),
        }
    }  # fmt: skip
    plan = Plan(what="street", form="full", seed=1, detectors=("pca", "nmf", "nmf-templates"))
    return Gathered(plan, track, scale_of("street", "full"), learned, {}, alarms, detectors, passes, {})


@pytest.fixture(scope="module")
def found(known):
    return analysis.reckon(known)


def test_hits_of_resamples_are_counted():
    rng = np.random.default_rng(3)
    scores = np.round(rng.standard_normal((9, 4)), 1)
    thresholds, weights = np.round(rng.standard_normal(20), 1), rng.integers(0, 4, (20, 9))
    expected = [(weights[b][:, None] * (scores > thresholds[b])).sum(axis=0) for b in range(20)]
    np.testing.assert_array_equal(analysis._resampled_hits(scores, thresholds, weights), expected)


def test_activities_are_recovered(found):
    for detector, halves in HALF.items():
        for half, curve in zip(halves, found.curves[detector], strict=True):
            assert curve.fit.is_fitted
            high, middle = curve.mda_mbq
            assert high.value == pytest.approx(half * np.exp(1.645 * SIGMA), rel=0.08)
            assert middle.value == pytest.approx(half, rel=0.06)
            assert high.low < half * np.exp(1.645 * SIGMA) < high.high
            assert curve.n_pass == N_PASS
        assert found.chance[detector].k == 0
        assert found.chance[detector].n == 2 * N_PASS


def test_figure_of_merit_and_gap(found):
    merit, resampled = analysis.figure_of_merit(found, "nmf", "pca")
    assert merit.value == pytest.approx(1 - 2.0 / 2.5, abs=0.01)
    assert merit.low < 0.2 < merit.high
    assert resampled.shape == (N_RESAMPLE,)
    back, _ = analysis.figure_of_merit(found, "pca", "nmf")
    assert 1 - back.value == pytest.approx(1 / (1 - merit.value))
    one, _ = analysis.figure_of_merit(found, ORACLE, "nmf", np.array([1]))
    assert one.value == pytest.approx(0.5, abs=0.02)
    closed = analysis.gap_closed(found, "nmf-templates", "nmf")
    assert closed.value == pytest.approx(np.log(2.0 / 1.6) / np.log(2.0), abs=0.03)
    # Passes are shared, so what differs is the threshold: 0.02 each way, not the noise of 400 passes.
    assert merit.high - merit.low < 0.12


def test_a_curve_that_cannot_be_fitted_is_a_failure(known):
    passes = [known.passes[0], known.passes[1]._replace(scores=known.passes[1].scores.copy())]
    passes[1].scores[:, :, 0] = -5.0  # the first detector never sees the second source
    broken = known._replace(passes=passes)
    found = analysis.reckon(broken)
    assert found.curves["pca"][1].mda_mbq[0].value is None
    merit, _ = analysis.figure_of_merit(found, "nmf", "pca")
    assert merit.value is None
    part = part_of(broken, found, [])
    assert [row.where for row in part.left_out] == ["pca, Cs-137"]
    by_key = {figure.key: figure for figure in part.figures}
    section = "weak-source-street"
    mean = by_key[section, "activity detected with probability 0.95, geometric mean", "pca", ""]
    assert mean.value is None
    assert "Cs-137" in mean.note
    assert by_key[section, "sources without a detection curve", "pca", ""].value == 1
    assert by_key[section, "sources without a detection curve", "nmf", ""].value == 0


def test_rows_say_what_was_measured(known, found):
    part = part_of(known, found, ["pipeline"])
    by_key = {figure.key: figure for figure in part.figures}
    assert len(by_key) == len(part.figures)
    section = "weak-source-street"
    row = by_key[section, "activity detected with probability 0.95", "nmf", "Cs-137"]
    assert row.unit == "MBq"
    assert row.low < row.value < row.high
    assert row.better == "lower"
    false = by_key[section, "false alarm rate on unseen background", "nmf", ""]
    assert false.value == pytest.approx(15 / 120)
    assert false.unit == "1/h"
    assert "0.125 allowed: holds" in false.note
    assert by_key[section, "principal components above noise", "", ""].value == 2
    tiers = {tested.name: tested.tier for tested in part.detectors}
    assert tiers == {"pca": "blind", "nmf": "blind", "nmf-templates": "informed", ORACLE: "oracle"}
    pairs = {(c.a, c.b, c.stratum): c for c in part.comparisons}
    assert pairs["nmf", "pca", ""].verdict == "a is better"
    assert pairs[ORACLE, "nmf", ""].effect == pytest.approx(0.5, abs=0.02)
    assert pairs["pca", "nmf", "Co-60"].effect == pytest.approx(-0.25, abs=0.03)
    assert not any({c.a, c.b} == {"nmf", "nmf-templates"} for c in part.comparisons)  # of two tiers
    assert [item.kind for item in part.left_out] == ["not a detector of series"]
    titles = [curve.title for curve in part.curves]
    assert titles[2:] == ["Detection of Co-60", "Detection of Cs-137"]
    assert KNOWN not in tiers


def test_a_raised_threshold_is_not_called_unseen(known, found):
    held = known.alarms["nmf"]
    raised = verify(held.unseen, 0.5, 0.125)
    raised = msgspec.structs.replace(raised, is_inflated=True)
    part = part_of(known._replace(alarms=known.alarms | {"nmf": held._replace(verified=raised)}), found, [])
    rows = {
        figure.metric: figure for figure in part.figures if figure.detector == "nmf" and not figure.stratum
    }
    unseen = rows["false alarm rate on unseen background"]
    again = rows["false alarm rate on the background that raised the threshold"]
    assert unseen.k == 15
    assert again.k == int((held.unseen.above > 0.5).sum()) < 15
    assert "too many alarms; raised to 0.5" in unseen.note
    assert "not verified" in again.note
    others = {figure.metric for figure in part.figures if figure.detector == "pca"}
    assert again.metric not in others


def test_pictures_show_few_detectors(known, found):
    part = part_of(known, found, [])
    assert drawn_detectors(known, found) == ["nmf", "nmf-templates", ORACLE]
    names = [series.name for series in part.curves[2].series]
    assert names == [
        "nmf", "nmf, fit", "nmf-templates", "nmf-templates, fit", ORACLE, f"{ORACLE}, fit",
    ]  # fmt: skip
    text = part.sections[0].text[-1]
    assert "1 Co-60, 2 Cs-137" in text
    assert "drawn of nmf, nmf-templates, oracle" in text


def test_ranges_follow_the_pilot_and_are_extended(known):
    tenth = np.arange(-10, 16, 3)
    pilot = Passes(tenth, known.passes[0].scores[:24, ::3], known.passes[0].without[:24])
    ranges = ranges_of(known, 0, pilot, 0)
    for detector, (low, high) in zip(known.detectors, ranges, strict=True):
        ends = 10 * np.log10(HALF[detector][0] * np.exp(SIGMA * np.array([-2.05, 2.33])))
        assert low <= ends[0] + 1.5
        assert high - 1 >= ends[1] - 1.5
        assert high - low < 18
    full = short_of(known, 0, known.passes[0], 0, np.zeros(4))
    assert full == [[0, 0]] * 4
    cut = known.passes[0]._replace(tenth=known.passes[0].tenth[:14], scores=known.passes[0].scores[:, :14])
    for (low, high), detector in zip(short_of(known, 0, cut, 0, np.zeros(4)), known.detectors, strict=True):
        end = 10 * np.log10(HALF[detector][0] * np.exp(2.33 * SIGMA))
        assert low == 4 or (low, high) == (0, 0)
        assert max(high, 4) >= end - 2


def test_strong_sources_are_asked_of_those_who_need_them(known):
    tenth = np.arange(-10, 16, 3)
    pilot = Passes(tenth, known.passes[0].scores[:24, ::3].copy(), known.passes[0].without[:24])
    assert unseen_of(known, 0, pilot, 0) == [[0, 0]] * 4
    before = ranges_of(known, 0, pilot, 0)
    pilot.scores[3, -2, 1] = -5.0  # nmf has not seen one
    assert unseen_of(known, 0, pilot, 2) == [[0, 0], [16, 26], [0, 0], [0, 0]]
    # Who was not asked at the strong ones has the range that the others say.
    longer = Passes(
        np.arange(-10, 25, 3),
        np.concatenate([known.passes[0].scores[:24, ::3], np.full((24, 3, 4), np.nan, np.float32)], axis=1),
        pilot.without,
    )
    assert ranges_of(known, 0, longer, 0) == before


def test_curves_are_extended_against_the_chance_they_are_fitted_with(known):
    """By luck passes of one source may alarm often without it; its curve must still reach 0.02."""
    one = known.passes[0]
    without = one.without.copy()
    without[:60] = 9.0
    late = Passes(one.tenth[12:], one.scores[:, 12:], without)
    assert all(low < 2 == high for low, high in short_of(known, 0, late, 0, np.zeros(4)))
    free = passes._chance(known, {0: late, 1: known.passes[1]})
    np.testing.assert_allclose(free, 60 / 800)
