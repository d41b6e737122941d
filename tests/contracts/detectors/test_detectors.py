"""Every built-in detector, an installed package of a third party and an outside program pass the contract."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tomllib
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest

from screening.config import Settings
from screening.evaluate import DetectorAnswer, run
from screening.evaluate.detectors import (
    Candidate,
    GrossCountDetector,
    ReplayDetector,
    load_detectors,
    registered_names,
)
from screening.evaluate.detectors.contract import DetectorContract, check_detector, ordinary_scans
from screening.records import Level

HERE = Path(__file__).parent
PROGRAM = f"{sys.executable} {HERE / 'replay_program.py'} {{in}} {{out}}.n42"


@pytest.mark.parametrize("name", registered_names())
def test_built_in_detectors_keep_the_contract(name):
    (detector,) = load_detectors([name], Settings())
    check_detector(detector)


class TestGrossCounts(DetectorContract):
    def detector(self):
        return GrossCountDetector(Settings())


def test_an_outside_program_keeps_the_contract():
    scans = [scan for scan in ordinary_scans() if scan.modality == "radiation"]
    check_detector(ReplayDetector(PROGRAM, modalities=("radiation",)), scans=scans, awkward=scans[:1])


@pytest.fixture(scope="module")
def sample_package(tmp_path_factory):
    """The sample package, installed into a folder of its own as anyone would install it."""
    root = tmp_path_factory.mktemp("sample")
    source, target = root / "source", root / "site"
    shutil.copytree(HERE / "sample_package", source)
    if not _can_build_wheels():
        _unpacked(source, target)  # nothing to build it with, and no network to fetch it from
        return target
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation",
               "--no-index", "--disable-pip-version-check", "--target", str(target), str(source)]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return target


def _can_build_wheels():
    """Setuptools of a fresh environment may be older than its own wheel command."""
    if find_spec("setuptools") is None or find_spec("pip") is None:
        return False
    return find_spec("wheel") is not None or int(version("setuptools").partition(".")[0]) >= 71


def _unpacked(source, target):
    """Lay the package out as an installer would: the code, and beside it what it registers."""
    project = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    shutil.copytree(source / "sample_detectors", target / "sample_detectors")
    info = target / f"sample_detectors-{project['version']}.dist-info"
    info.mkdir()
    head = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (info / "METADATA").write_text(head, encoding="utf-8")
    lines = []
    for group, entries in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in entries.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_the_package_without_an_installer_registers_the_same(tmp_path, monkeypatch):
    _unpacked(HERE / "sample_package", tmp_path / "site")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    (detector,) = load_detectors(["energy-ratio"], Settings())
    sys.modules.pop("sample_detectors", None)
    assert detector.version == "sample-detectors 0.3.1"


@pytest.fixture
def installed(sample_package, monkeypatch):
    monkeypatch.syspath_prepend(str(sample_package))
    yield
    sys.modules.pop("sample_detectors", None)


@pytest.mark.usefixtures("installed")
def test_an_installed_package_keeps_the_contract():
    assert "energy-ratio" in registered_names()
    (detector,) = load_detectors(["energy-ratio"], Settings())
    assert detector.version == "sample-detectors 0.3.1"  # of its distribution, as it states none itself
    check_detector(detector)


@pytest.mark.usefixtures("installed")
def test_ours_a_package_and_a_program_are_evaluated_side_by_side(dataset, tmp_path):
    program = ReplayDetector(PROGRAM, name="line-program", modalities=("radiation",))
    evaluation = run(dataset, tmp_path, detectors=["gross-counts", "energy-ratio", program])
    assert [detector.name for detector in evaluation.detectors] == [
        "gross-counts",
        "energy-ratio",
        "line-program",
    ]
    found = {
        f.detector: f for f in evaluation.figures if f.metric == "alarm: sources detected" and not f.stratum
    }
    assert {name: (figure.k, figure.n) for name, figure in found.items()} == {
        "gross-counts": (3, 3),
        "energy-ratio": (3, 3),
        "line-program": (3, 3),
    }
    named = {f.metric: f.k for f in evaluation.figures if f.detector == "line-program" and not f.stratum}
    assert named["nuclides: correct"] == 6  # "Cesium-137" is Cs-137
    assert evaluation.exit_status == 0


@pytest.mark.usefixtures("installed")
def test_a_package_is_hosted_in_processes_of_its_own(dataset, tmp_path):
    one = run(dataset, tmp_path / "one", detectors=["energy-ratio"])
    two = run(dataset, tmp_path / "two", detectors=["energy-ratio"], workers=2, time_limit_s=60)
    assert [f for f in one.figures if f.section != "cost"] == [f for f in two.figures if f.section != "cost"]
    assert one.left_out == two.left_out


class Forgetful:
    name = "forgetful"
    capabilities = frozenset(("radiation", "alarm"))

    def __init__(self):
        self._n = 0

    def answer(self, scan):
        self._n += 1
        return DetectorAnswer(level=Level.LOW, alarm=False, alarm_score=float(self._n))


class Talkative:
    name = "talkative"
    capabilities = frozenset(("radiation", "alarm"))

    def answer(self, scan):
        return DetectorAnswer(level=Level.HIGH, alarm=True, nuclides=("Cs-137",)) if _is_pass(scan) else None


class Pointing:
    name = "pointing"

    def answer(self, scan):
        if _is_pass(scan):
            return None
        return DetectorAnswer(
            level=Level.HIGH, candidates=(Candidate(row0=0, col0=0, row1=10, col1=9999, score=1.0),)
        )


class Silent:
    name = "silent"

    def answer(self, scan):
        return None


def _is_pass(scan):
    return scan.modality == "radiation"


@pytest.mark.parametrize(
    ("detector", "promise"),
    [
        (Forgetful(), "the same scan gets the same answer|is declined"),
        (Talkative(), "nuclides answered, and nuclides is none of its capabilities"),
        (Pointing(), "outside the picture: candidate 0"),
        (Silent(), "at least one modality is answered"),
        (object(), "a detector has a name"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_the_contract_finds_broken_promises(detector, promise):
    with pytest.raises(AssertionError, match=promise):
        check_detector(detector)
