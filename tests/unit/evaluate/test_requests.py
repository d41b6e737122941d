from __future__ import annotations

from pathlib import Path

import pytest

from screening.errors import ConfigurationError
from screening.evaluate import Request, run_request


@pytest.mark.parametrize(
    ("named", "what"),
    [
        ({"stored": (Path("a/out"), Path("b/out"))}, "stored answers 'out'"),
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
