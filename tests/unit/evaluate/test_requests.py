from __future__ import annotations

from pathlib import Path

import pytest

from screening.errors import ConfigurationError, FormatError
from screening.evaluate import Request, run_request
from screening.evaluate.plans import example_plan


@pytest.mark.parametrize(
    ("named", "what"),
    [
        ({"stored": (Path("x/a/answers.jsonl"), Path("y/a/answers.jsonl"))}, "stored answers 'a'"),
        ({"plans": ("example:portal", "mine/portal.toml")}, "test plan 'portal'"),
        ({"presets": ("radiograph", "radiograph")}, "preset 'radiograph'"),
        ({"programmes": (Path("a/may"), Path("b/may"))}, "folder of records 'may'"),
    ],
)
def test_what_would_stand_under_one_name_is_refused_before_anything_is_measured(tmp_path, named, what):
    with pytest.raises(ConfigurationError, match=what):
        run_request(Request(**named), tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "named",
    [
        {},
        {"replays": ("cat {in}",)},
        {"presets": ("radiograph",), "measured": Path("spectra")},
        {"presets": ("identification",), "recipe": Path("spectra.toml")},
        {"presets": ("identification",), "workers": 0},
    ],
)
def test_what_does_not_go_together_is_refused(tmp_path, named):
    with pytest.raises(ConfigurationError):
        run_request(Request(**named), tmp_path / "out")


def test_plans_are_read_before_anything_is_measured(tmp_path):
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("[plan]\nnam = 'x'\n", encoding="utf-8")
    with pytest.raises(FormatError, match=r"wrong\.toml.*nam"):
        run_request(Request(presets=("weak-source-street",), plans=(str(wrong),)), tmp_path / "out")
    copy = tmp_path / "copy.toml"
    copy.write_text(example_plan("portal"), encoding="utf-8")
    with pytest.raises(ConfigurationError, match=r"plan named 'plan-"):
        run_request(Request(plans=("example:portal", str(copy))), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_detectors_of_series_are_asked_by_their_bench_alone():
    from screening.config import Settings
    from screening.evaluate.requests import _who_answer_scans

    named = ("pipeline", "gross-counts", "nmf", "pca", "peak-match")
    assert _who_answer_scans(named, Settings()) == ("pipeline", "gross-counts", "peak-match")
