from __future__ import annotations

import os
import subprocess
import sys
from importlib import import_module

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score, roc_curve

from screening.errors import ConfigurationError
from screening.evaluate.displays import (
    ConfusionDisplay,
    CurveDisplay,
    DetDisplay,
    DetectionCurveDisplay,
    FrocDisplay,
    PictureDisplay,
    ReliabilityDisplay,
    RocDisplay,
    SpectrumDisplay,
    drawing,
)
from screening.evaluate.metrics.froc import Froc

plt = pytest.importorskip("matplotlib.pyplot")


@pytest.fixture(autouse=True)
def _closed_figures():
    plt.switch_backend("agg")
    yield
    plt.close("all")


@pytest.fixture
def scores():
    rng = np.random.default_rng(np.random.SeedSequence(3))
    truth = rng.random(3000) < 0.4
    return rng.normal(1.5 * truth), truth


def drawn(display):
    """Draw to the last pixel: errors of a scale show only then."""
    display.figure_.canvas.draw()
    return display.ax_


def test_a_roc_holds_the_curve_of_its_scores(scores):
    display = RocDisplay.from_scores(*scores, name="d").plot(is_log=True)
    assert display.auc == pytest.approx(roc_auc_score(scores[1], scores[0]))
    ax = drawn(display)
    (line,) = ax.get_lines()
    np.testing.assert_array_equal(line.get_ydata(), display.roc.tpr)
    assert f"area {display.auc:.3f}" in ax.get_legend().get_texts()[0].get_text()


def test_a_det_is_straight_for_normal_scores(scores):
    display = DetDisplay.from_scores(*scores, name="d")
    fpr, tpr, _ = roc_curve(scores[1], scores[0], drop_intermediate=False)
    assert set(np.round(display.fpr, 12)) <= set(np.round(fpr, 12))
    assert set(np.round(display.fnr, 12)) <= set(np.round(1.0 - tpr, 12))
    ax = drawn(display.plot())
    line = ax.get_lines()[0]
    points = ax.transData.transform(line.get_xydata())
    middle = points[len(points) // 10 : -len(points) // 10]
    assert abs(np.corrcoef(middle.T)[0, 1]) > 0.995
    # Equal steps of the normal deviate are equal steps on paper.
    at = ax.transData.transform([(stats.norm.cdf(z), 0.5) for z in (-2.0, -1.0, 0.0)])[:, 0]
    assert np.diff(at)[0] == pytest.approx(np.diff(at)[1])


def test_displays_share_axes_and_stay_apart(scores):
    ax = RocDisplay.from_scores(*scores, name="a").plot().ax_
    RocDisplay.from_scores(-scores[0], scores[1], name="b").plot(ax)
    first, second = ax.get_lines()
    assert first.get_color() != second.get_color()
    assert first.get_marker() != second.get_marker()
    assert len(ax.get_legend().get_texts()) == 2


def test_a_froc_shows_either_kind_of_picture():
    curve = Froc(
        nlf=np.array([0.0, 0.1, 1.0]),
        nlf_with=np.array([0.0, 0.2, 2.0]),
        llf=np.array([0.0, 0.5, 0.9]),
        threshold=np.array([np.inf, 0.7, 0.1]),
    )
    clean, threats = (FrocDisplay.from_froc(curve, name="d").plot(with_threats=w) for w in (False, True))
    np.testing.assert_array_equal(drawn(clean).get_lines()[0].get_xdata(), curve.nlf)
    np.testing.assert_array_equal(drawn(threats).get_lines()[0].get_xdata(), curve.nlf_with)
    assert clean.ax_ is not threats.ax_


def test_a_detection_curve_marks_the_activity_its_fit_gives():
    activity = np.geomspace(10.0, 1000.0, 15)
    pd = stats.norm.cdf(np.log(activity / 100.0) / 0.5)
    n_detected = np.round(400 * pd).astype(int)
    display = DetectionCurveDisplay.from_counts(activity, n_detected, 400, name="d").plot()
    assert display.mda == pytest.approx(100.0 * np.exp(0.5 * stats.norm.ppf(0.95)), rel=0.03)
    assert display.mda == display.fit.mda(0.95)
    ax = drawn(display)
    assert f"0.95 at {display.mda:.4g} kBq" in "".join(
        text.get_text() for text in ax.get_legend().get_texts()
    )
    assert (display.low <= n_detected / 400).all()
    assert (display.high >= n_detected / 400).all()


def test_counts_without_a_curve_say_why():
    display = DetectionCurveDisplay.from_counts([10.0, 100.0, 1000.0], [0, 0, 0], 400, name="d").plot()
    assert display.mda is None
    (said,) = (text.get_text() for text in drawn(display).get_legend().get_texts())
    assert said == f"d, no curve: {display.fit.outcome}"


def test_reliability_is_a_straight_line_for_honest_answers():
    rng = np.random.default_rng(np.random.SeedSequence(4))
    stated = rng.random(20_000)
    display = ReliabilityDisplay.from_predictions(stated, rng.random(20_000) < stated, name="d").plot()
    drawn(display)
    inside = [
        p.low <= s <= p.high for s, p in zip(display.diagram.stated, display.diagram.observed, strict=True)
    ]
    assert sum(inside) >= 8


def test_confusion_counts_every_answer_once():
    truth, answer = ["Cs-137", "Cs-137", "Co-60", "none"], ["Cs-137", "Co-60", "Co-60", "Ba-133"]
    display = ConfusionDisplay.from_labels(truth, answer).plot()
    assert display.truths == ("Co-60", "Cs-137", "none")
    assert display.answers == ("Co-60", "Cs-137", "none", "Ba-133")
    assert display.counts.tolist() == [[1, 0, 0, 0], [1, 1, 0, 0], [0, 0, 0, 1]]
    assert sorted(text.get_text() for text in drawn(display).texts) == ["1", "1", "1", "1"]
    with pytest.raises(ValueError, match="2 truths and 1 answers"):
        ConfusionDisplay.from_labels(["a", "b"], ["a"])
    with pytest.raises(ValueError, match="counts"):
        ConfusionDisplay(np.zeros((1, 2), dtype=np.int64), ["a"], ["a"])


def test_any_curve_of_a_report_is_drawn(maker):
    for curve in maker.made(n_detector=2, n_curve=4, n_section=1, n_strata=0).curves:
        display = CurveDisplay.from_curve(curve).plot()
        ax = drawn(display)
        assert ax.get_title() == curve.title
        assert len(ax.get_legend().get_texts()) == len(curve.series)
        assert display.curve is curve


def test_samples_of_a_report_are_drawn(evaluation):
    with_spectrum, with_picture = evaluation.exhibits[:2]
    spectrum = SpectrumDisplay.from_exhibit(with_spectrum).plot()
    assert [text.get_text() for text in drawn(spectrum).get_legend().get_texts()] == [
        "measured",
        "background and Cs-137",
    ]
    picture = PictureDisplay.from_exhibit(with_picture).plot()
    assert [text.get_text() for text in drawn(picture).texts] == [
        "truth: steel, 2 kg",
        "hit: dense 0.93",
        "false alarm: dense 0.41",
        "missed: lead, 0.5 kg",
    ]
    with pytest.raises(ValueError, match="no picture"):
        PictureDisplay.from_exhibit(with_spectrum)
    with pytest.raises(ValueError, match="no spectrum"):
        SpectrumDisplay.from_exhibit(with_picture)
    with pytest.raises(ValueError, match="3 edges for 3 bins"):
        SpectrumDisplay.from_counts([0.0, 1.0, 2.0], [1.0, 2.0, 3.0])


def test_without_matplotlib_the_extra_is_named(monkeypatch):
    def _absent(name):
        raise ImportError(name)

    monkeypatch.setattr(drawing, "import_module", _absent)
    with pytest.raises(ConfigurationError, match="extra 'report'"):
        SpectrumDisplay.from_counts([0.0, 1.0], [1.0]).plot()


def test_matplotlib_loads_with_the_first_drawing_alone():
    code = "import sys, screening.evaluate.displays; print('matplotlib' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"


def test_the_worked_example_runs(repository, tmp_path):
    script = repository / "docs" / "examples" / "evaluate_detectors.py"
    run = subprocess.run(
        [sys.executable, "-W", "error", str(script), str(tmp_path)],
        capture_output=True,
        text=True,
        env={**os.environ, "MPLBACKEND": "agg"},
        check=False,
    )
    assert run.returncode == 0, run.stderr
    assert "13 sources, 95 % interval" in run.stdout
    assert "0 regressions" in run.stdout
    imread = import_module("matplotlib.image").imread
    for name in ("displays", "deviates", "picture"):
        assert imread(tmp_path / f"{name}.png").std() > 0.02  # something is drawn
