"""Maps by pixel against scikit-learn and scikit-image, and against cases worked by hand."""

from __future__ import annotations

import numpy as np
import pytest
from skimage.metrics import peak_signal_noise_ratio
from sklearn.metrics import average_precision_score, jaccard_score, roc_auc_score

from screening.evaluate.metrics import masks
from screening.evaluate.metrics.matching import Finding, Region, Truth, match


def test_overlap_of_masks_and_boxes() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.random((2, 30, 40)) < 0.4
    assert masks.mask_iou(a, b) == pytest.approx(jaccard_score(a.ravel(), b.ravel()))
    assert masks.mask_iou(np.zeros((3, 3)), np.zeros((3, 3))) == 1.0
    one, two = Region(0, 0, 10, 10), Region(5, 5, 15, 20)
    full = np.zeros((2, 20, 20), dtype=bool)
    full[0, 0:10, 0:10] = full[1, 5:15, 5:20] = True
    assert masks.box_iou(one, two) == pytest.approx(masks.mask_iou(full[0], full[1]))
    assert masks.box_iou(one, Region(10, 0, 12, 5)) == 0.0
    with pytest.raises(ValueError, match="not of one picture"):
        masks.mask_iou(a, b[:5])


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.uint8, np.uint16])
def test_pixels_agree_with_scikit_learn_over_several_pictures(dtype: type) -> None:
    rng = np.random.default_rng(2)
    maps = []
    for shape in ((40, 50), (31, 27), (60, 20)):
        truth = rng.random(shape) < 0.05
        score = np.clip(rng.normal(120 + 40 * truth, 40), 0, 255).astype(dtype)
        maps.append((score, truth))
    got = masks.pixel_scores(iter(maps))
    score = np.concatenate([one.ravel() for one, _ in maps]).astype(np.float64)
    truth = np.concatenate([there.ravel() for _, there in maps])
    assert got.auroc == pytest.approx(roc_auc_score(truth, score), abs=1e-12)
    assert got.average_precision == pytest.approx(average_precision_score(truth, score), abs=1e-12)
    assert (got.n_object, got.n_other) == (truth.sum(), (~truth).sum())


def test_pixels_that_cannot_be_scored_are_named() -> None:
    with pytest.raises(ValueError, match="needs pixels of objects"):
        masks.pixel_scores([(np.ones((3, 3)), np.zeros((3, 3)))])
    with pytest.raises(ValueError, match="1 scores of pixels"):
        masks.pixel_scores([(np.array([[1.0, np.nan]]), np.array([[1, 0]]))])
    with pytest.raises(ValueError, match="not of one picture"):
        masks.pixel_scores([(np.ones((3, 3)), np.zeros((3, 2)))])


def test_errors_of_pictures() -> None:
    rng = np.random.default_rng(3)
    truth = rng.random((20, 30)) * 5e4
    found = truth + rng.normal(0, 100, truth.shape)
    theirs = peak_signal_noise_ratio(truth, found, data_range=5e4)
    assert masks.peak_signal_to_noise(truth, found, peak=5e4) == pytest.approx(theirs)
    assert masks.peak_signal_to_noise(truth, truth, peak=5e4) == np.inf
    assert masks.mean_absolute_error([[0.0, 2.0]], [[1.0, -1.0]]) == 2.0
    with pytest.raises(ValueError, match="peak must be positive"):
        masks.peak_signal_to_noise(truth, found, peak=0.0)
    with pytest.raises(ValueError, match="cannot be compared"):
        masks.mean_absolute_error(truth, found[1:])


def test_offsets_are_of_hits_alone_in_pixels_and_mm() -> None:
    truth = Truth(row0=50, col0=50, row1=60, col1=60)
    candidates = [
        Finding(row0=53, col0=46, row1=63, col1=56, score=1.0),
        Finding(row0=5, col0=5, row1=9, col1=9, score=0.5),
    ]
    matched = match(candidates, [truth])
    assert masks.offsets(matched, candidates).tolist() == [5.0]  # 3 rows, 4 columns
    assert masks.offsets(matched, candidates, (4.0, 3.0)).tolist() == pytest.approx([np.hypot(12, 12)])
    with pytest.raises(ValueError, match="1 candidates"):
        masks.offsets(matched, candidates[:1])


def test_localisation_error_and_its_interval() -> None:
    rng = np.random.default_rng(4)
    distances = rng.rayleigh(3.0, 200)
    scenes = [f"{i // 2}" for i in range(200)]
    got = masks.localisation_error(distances, scenes, unit="mm")
    assert got.median == np.median(distances)
    assert got.low is not None
    assert got.high is not None
    # the median of a Rayleigh distribution is sigma sqrt(2 ln 2)
    assert got.low < 3.0 * np.sqrt(2 * np.log(2)) < got.high
    assert got.method == "bootstrap over 100 scenes"
    few = masks.localisation_error([1.0, 2.0, 9.0], ["a", "b", "c"])
    assert (few.median, few.low, few.method) == (2.0, None, "none: 3 scenes, 5 needed")
    assert masks.localisation_error([], []).median is None
    with pytest.raises(ValueError, match="not negative"):
        masks.localisation_error([-1.0], ["a"])


def test_equal_distances_have_no_interval_and_a_reason() -> None:
    found = masks.localisation_error(np.full(12, 2.0), [f"s{k}" for k in range(12)])
    assert (found.median, found.low, found.high) == (2.0, None, None)
    assert found.method == "none: all resamples equal"
