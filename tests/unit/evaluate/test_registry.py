from __future__ import annotations

import pytest

from screening.config import Settings
from screening.errors import ConfigurationError
from screening.evaluate.detectors import capabilities_of, load_detectors, registered_names
from screening.evaluate.detectors.registry import chosen_detectors, chosen_with_entries

MODULE = """
from screening.evaluate.detectors import GrossCountDetector

class Fine(GrossCountDetector):
    name = "fine"
    version = ""
    capabilities = ("alarm", "radiation")

class Quiet:
    name = "quiet"
    __slots__ = ()
    def __init__(self, settings): pass
    def answer(self, scan): return None

class Series:
    name = "series"
    def __init__(self, settings): pass
    def fit(self, train, validation, context): pass
    def score(self, counts): return counts

class Nameless(Quiet):
    name = ""

class Unbuildable:
    def __init__(self, settings): raise ValueError("no model here")

def nothing(settings):
    return object()
"""


@pytest.fixture
def register(tmp_path, monkeypatch):
    (tmp_path / "mine_detectors.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))

    def _registered(*lines, name="mine"):
        info = tmp_path / f"{name}-2.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 2\n")
        (info / "entry_points.txt").write_text("\n".join(["[screening.detectors]", *lines]) + "\n")

    return _registered


def test_detectors_of_others_come_through_the_same_door(register):
    register("fine = mine_detectors:Fine", "quiet = mine_detectors:Quiet", "series = mine_detectors:Series")
    assert {"pipeline", "gross-counts", "fine", "quiet", "series"} <= set(registered_names())
    loaded = {detector.name: detector for detector in load_detectors(None, Settings())}
    assert "series" not in loaded  # the weak-source bench asks it
    assert loaded["fine"].version == "mine 2"
    with pytest.raises(ConfigurationError, match="the weak-source bench asks it"):
        load_detectors(["series"], Settings())


def test_detectors_are_chosen_by_what_they_can(register):
    register("fine = mine_detectors:Fine", "quiet = mine_detectors:Quiet")
    found = [d.name for d in load_detectors(["fine", "quiet"], Settings(), capabilities=["nuclides"])]
    assert found == ["quiet"]  # it does not say
    assert len(load_detectors(["fine", "quiet"], Settings(), capabilities=["alarm"])) == 2
    with pytest.raises(ConfigurationError, match="no capability 'smell'"):
        load_detectors(["fine"], Settings(), capabilities=["smell"])
    assert capabilities_of(object()) is None


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("mine_detectors:Unbuildable", "cannot be built: ValueError: no model here"),
        ("mine_detectors:Missing", "cannot be built: AttributeError"),
        ("no_such_module:X", "cannot be built: ModuleNotFoundError"),
        ("mine_detectors:nothing", "has no name or answer"),
        ("mine_detectors:Nameless", "is named ''"),
    ],
)
def test_a_detector_that_is_none_is_named_with_the_cause(register, value, why):
    register(f"bad = {value}")
    with pytest.raises(ConfigurationError, match=why):
        load_detectors(["bad"], Settings())


def test_one_name_for_two_detectors_is_refused(register):
    register("gross-counts = mine_detectors:Fine")
    with pytest.raises(ConfigurationError, match="registered as mine_detectors:Fine and as screening"):
        load_detectors(["gross-counts"], Settings())


def test_detectors_and_names_go_together():
    class Mine:
        name = "mine"

        def answer(self, scan):
            return None

    mine = Mine()
    found = chosen_with_entries([mine, "gross-counts"], Settings())
    assert [(one.entry, one.detector.name) for one in found] == [
        (None, "mine"),
        ("gross-counts", "gross-counts"),
    ]
    with pytest.raises(ConfigurationError, match="'mine' is named twice"):
        chosen_detectors([mine, Mine()], Settings())
    with pytest.raises(ConfigurationError, match="has no name or answer"):
        chosen_detectors([object()], Settings())
