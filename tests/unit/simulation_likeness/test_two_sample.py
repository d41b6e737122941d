"""The test "real or simulated": blind where there is nothing to see, and right about what there is."""

from __future__ import annotations

import importlib.util
import json
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from screening.archive import write_scan
from screening.cli import app
from screening.errors import ConfigurationError
from screening.records import Device, Radiograph, Scan, ScanIdentity, file_scan_id, sha256_hex
from screening.simulation.likeness import TwoSampleResult, compare_files, two_sample
from screening.simulation.likeness.features import FEATURES, patch_features
from screening.simulation.likeness.files import _parents
from screening.simulation.likeness.pairs import count_pairs, pair_auroc, pair_interval
from screening.simulation.likeness.patches import SIDE, balanced, cut_patches
from screening.simulation.likeness.planes import picture_planes
from screening.simulation.radiographs import RadiographRecipe, simulate_radiograph

pytest.importorskip("sklearn")

_spec = importlib.util.spec_from_file_location("synthetic", Path(__file__).with_name("synthetic.py"))
assert _spec is not None
assert _spec.loader is not None
made = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(made)

N = 6
EFFORT: dict[str, Any] = {"n_patch": 12, "n_fold": 3, "n_repeat": 1, "n_permutation": 4}


def pictures(first_seed: int, **change: float) -> list[tuple[str, Radiograph]]:
    return [(f"{seed}", made.synthetic(seed, **change)) for seed in range(first_seed, first_seed + N)]


@pytest.fixture(scope="module")
def base() -> list[tuple[str, Radiograph]]:
    return pictures(100)


@pytest.fixture(scope="module")
def noisy(base: list[tuple[str, Radiograph]]) -> TwoSampleResult:
    return two_sample(base, pictures(200, gain=24.0), 1, **EFFORT)


def test_noise_is_found_and_named(noisy: TwoSampleResult) -> None:
    assert noisy.auroc > 0.8
    assert noisy.low is not None
    assert noisy.low > 0.6
    best = noisy.features[0]
    assert (best.name, best.group) == ("pixel_noise", "noise")
    # twice the gain is 0.3 on a scale of log10
    assert best.median_second - best.median_first == pytest.approx(0.3, abs=0.1)
    assert noisy.groups[0].group == "noise"
    assert "pixel_noise" in noisy.table()


def test_two_halves_of_one_family_cannot_be_told_apart(base: list[tuple[str, Radiograph]]) -> None:
    result = two_sample(base, pictures(300), 1, **EFFORT)
    assert result.low is not None
    assert result.high is not None
    assert result.low <= 0.5 <= result.high


@pytest.mark.parametrize(
    ("change", "name"),
    [
        ({"line": 0.03}, "line_noise"),
        ({"roughness": 1.6}, "gradient_median"),
        ({"ratio": 1.25}, "energy_ratio"),
    ],
)
def test_other_causes_are_named(
    base: list[tuple[str, Radiograph]], change: dict[str, float], name: str
) -> None:
    result = two_sample(base, pictures(400, **change), 1, **{**EFFORT, "n_permutation": 0})
    assert result.auroc > 0.7
    group = next(f.group for f in FEATURES if f.name == name)
    assert name in [f.name for f in result.features[:4]]
    assert next(g.auroc for g in result.groups if g.group == group) > 0.6


def test_two_scanner_families_are_told_apart() -> None:
    def simulated(family: str, first_seed: int) -> list[tuple[str, Radiograph]]:
        found = []
        for seed in range(first_seed, first_seed + 5):
            recipe = RadiographRecipe(
                cargo="boxes", length="20", carrier="road", scanner="dual", family=family, scale=2.5
            )
            payload = simulate_radiograph(recipe, seed)[0].payload
            assert isinstance(payload, Radiograph)
            found.append((f"{family}-{seed}", payload))
        return found

    effort = {**EFFORT, "n_patch": 24, "n_permutation": 0}
    result = two_sample(simulated("rail-dual", 10), simulated("portal", 20), 3, **effort)
    assert result.auroc > 0.75
    assert result.n_parents == (5, 5)


def test_the_same_seed_gives_the_same_answer(
    base: list[tuple[str, Radiograph]], noisy: TwoSampleResult
) -> None:
    again = two_sample(base, pictures(200, gain=24.0), 1, **EFFORT)
    assert json.dumps(again.to_plain()) == json.dumps(noisy.to_plain())


def test_depth_alone_tells_nothing(base: list[tuple[str, Radiograph]]) -> None:
    names = {f.name for f in FEATURES}
    assert not names & {"median", "mean", "depth"}
    stratum = np.array([0] * 30 + [1] * 30 + [2] * 5)
    is_second = np.array([False] * 10 + [True] * 20 + [False] * 20 + [True] * 10 + [True] * 5)
    kept = balanced(stratum, is_second, least=4, rng=np.random.default_rng(0))
    for value in (0, 1):
        chosen = kept[stratum[kept] == value]
        assert is_second[chosen].sum() * 2 == chosen.size == 20
    assert not (stratum[kept] == 2).any()


def test_no_picture_stands_on_both_sides() -> None:
    # parents that share a scene decide nothing about each other: with two parents there are two folds
    result = two_sample(
        pictures(500),
        pictures(600, gain=24.0),
        1,
        parents=(
            {f"{seed}": f"scene-{seed % 2}" for seed in range(500, 506)},
            {f"{seed}": f"scene-{seed % 2}" for seed in range(600, 606)},
        ),
        **{**EFFORT, "n_permutation": 0},
    )
    assert result.n_parents == (2, 2)
    assert result.low is None, "fewer than five parents give no interval"


def test_sets_whose_files_have_the_same_names_keep_their_own_parents() -> None:
    first = [(f"scan-{k}.h5", picture) for k, (_, picture) in enumerate(pictures(500))]
    second = [(f"scan-{k}.h5", picture) for k, (_, picture) in enumerate(pictures(600))]
    parents = ({name: f"scene-{k // 3}" for k, (name, _) in enumerate(first)}, {})
    result = two_sample(first, second, 1, parents=parents, **{**EFFORT, "n_permutation": 0})
    assert result.n_parents == (2, 6)


def test_labels_tell_the_parents_of_several_scans_in_one_file(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_text("path,index,parent\na.h5,0,x\na.h5,1,y\nb.h5,0,z\n")
    found = _parents(tmp_path)
    assert (found["a.h5#0"], found["a.h5#1"], found["b.h5"]) == ("x", "y", "z")
    assert _parents(tmp_path / "none") == {}


def test_patches_do_not_overlap_and_skip_dead_rows() -> None:
    raw = made.synthetic(1).raw.copy()
    raw[-70:] = 0
    planes = picture_planes(raw)
    cut = cut_patches(raw, planes, 2, 50, np.random.default_rng(0))
    corners = {tuple(corner) for corner in cut.corner}
    assert len(corners) == cut.stratum.size > 0
    rows = sorted({row for row, _ in corners})
    assert all(b - a >= SIDE for a, b in pairwise(rows))
    assert max(rows) + SIDE <= raw.shape[0] - 70 + SIDE * 0.25
    table = patch_features(cut)
    assert table.shape == (cut.stratum.size, len(FEATURES))
    assert np.isfinite(table).mean() > 0.9
    few = cut_patches(raw, planes, 2, 3, np.random.default_rng(0))
    assert few.stratum.size == 3


def test_auroc_by_pairs() -> None:
    rng = np.random.default_rng(1)
    parent = np.repeat(np.arange(12), 10)
    is_second = parent >= 6
    score = rng.standard_normal(120) + is_second
    fold = np.zeros(120, dtype=int)
    counts = count_pairs(score, fold, parent, is_second)
    wins = (score[is_second][:, None] > score[~is_second][None, :]).mean()
    assert pair_auroc(counts) == pytest.approx(wins)
    low, high = pair_interval(counts, parent, is_second, rng)
    assert low is not None
    assert high is not None
    assert low < wins < high
    # only scores of one fold are compared
    apart = count_pairs(score, is_second.astype(int), parent, is_second)
    assert np.isnan(pair_auroc(apart))


def test_too_little_is_refused(base: list[tuple[str, Radiograph]]) -> None:
    with pytest.raises(ConfigurationError, match="both sets need pictures"):
        two_sample(base, [], 1)
    with pytest.raises(ConfigurationError, match="at least two pictures"):
        two_sample(base, base[:1], 1)


def test_one_energy_is_compared_with_two(base: list[tuple[str, Radiograph]]) -> None:
    single = [(f"{seed}", made.synthetic(seed, energies=1)) for seed in range(700, 704)]
    result = two_sample(base, single, 1, **{**EFFORT, "n_permutation": 0})
    assert result.n_energies == 1
    assert "energies" not in {g.group for g in result.groups}


def write(folder: Path, first_seed: int, n: int, **change: float) -> None:
    folder.mkdir()
    for seed in range(first_seed, first_seed + n):
        identity = ScanIdentity(scan_id=file_scan_id(sha256_hex(b"%d" % seed), 0), device=Device(make="test"))
        write_scan(folder / f"{seed}.h5", Scan(identity=identity, payload=made.synthetic(seed, **change)))


def test_files_are_compared_by_the_command(tmp_path: Path) -> None:
    from typer.testing import CliRunner

    write(tmp_path / "ours", 800, 4)
    write(tmp_path / "theirs", 900, 4, gain=30.0)
    out = tmp_path / "out"
    done = CliRunner().invoke(
        app,
        [
            "simulate",
            "likeness",
            str(tmp_path / "ours"),
            str(tmp_path / "theirs"),
            "--out",
            str(out),
            "--patches",
            "15",
        ],
    )
    assert done.exit_code == 0, done.output
    assert "AUROC" in done.output
    document = json.loads((out / "likeness.json").read_text(encoding="utf-8"))
    assert document["n_pictures"] == [4, 4]
    assert len(document["statistics"]["second"]) == 4
    assert document["statistics"]["second"][0]["gain"] == pytest.approx(30.0, rel=0.15)
    if importlib.util.find_spec("matplotlib"):
        assert (out / "likeness.png").stat().st_size > 10_000
    with pytest.raises(ConfigurationError, match="no such file"):
        compare_files(tmp_path / "ours", tmp_path / "nobody", out)


def test_a_network_judges_too(base: list[tuple[str, Radiograph]], monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    monkeypatch.setattr("screening.simulation.likeness.network.N_EPOCH", 2)
    effort = {**EFFORT, "n_permutation": 0, "n_patch": 10, "n_fold": 2}
    result = two_sample(base, pictures(200, gain=60.0), 1, has_network=True, **effort)
    assert result.network is not None
    assert 0.0 <= result.network.auroc <= 1.0
