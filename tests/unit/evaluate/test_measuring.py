from __future__ import annotations

import importlib
import re
import sys
import time

import msgspec
import pytest

from screening.archive import write_scan
from screening.config import Settings
from screening.errors import ConfigurationError, FormatError
from screening.evaluate.answers import ANSWERS, read_answers
from screening.evaluate.dataset import read_dataset
from screening.evaluate.detectors import ReplayDetector
from screening.evaluate.detectors.contract import ordinary_scans
from screening.evaluate.fingerprints import code_sha256
from screening.evaluate.hosting import Host, host_spec
from screening.evaluate.labels import COLUMNS
from screening.evaluate.measuring import answers_of, evaluate_dataset
from screening.evaluate.report.provenance import machine
from screening.evaluate.stored import evaluate_stored
from screening.records import Level
from screening.simulation.sets import set_kind

MODULE = """
import os, threading, time
from screening.evaluate.detectors import DetectorAnswer
from screening.records import Level

class Wild:
    name = "wild"
    version = "1"

    def answer(self, scan):
        name = scan.identity.scan_id
        if name == "s1":
            time.sleep(600)
        if name == "s2":
            os._exit(7)
        if name == "s3":
            raise RuntimeError("no good")
        return DetectorAnswer(level=Level.LOW, alarm=False, alarm_score=float("nan") if name == "s4" else 1.0)

def missing():
    raise ImportError("not here")

class Fading:
    name = "fading"
    version = "1"

    def answer(self, scan):
        threading.Timer(0.2, os._exit, (9,)).start()
        return DetectorAnswer(level=Level.LOW)

class Broken:
    name = "broken"

    def __reduce__(self):
        return missing, ()

    def answer(self, scan):
        return None
"""


class Counting:
    """Says which scans it was asked about."""

    name = "counting"
    version = "1"

    def __init__(self):
        self.asked = []

    def answer(self, scan):
        self.asked.append(scan.identity.scan_id)


@pytest.fixture
def folder(tmp_path):
    quiet, source, _ = ordinary_scans()
    (tmp_path / "set").mkdir()
    for number in range(6):
        scan = source if number == 5 else quiet
        identity = msgspec.structs.replace(scan.identity, scan_id=f"s{number}")
        write_scan(tmp_path / "set" / f"s{number}.h5", msgspec.structs.replace(scan, identity=identity))
    rows = [f"s{number}.h5,{'Cs-137' if number == 5 else 'none'}" for number in range(6)]
    (tmp_path / "set" / "labels.csv").write_text("\n".join(["path,truth_nuclides", *rows]), encoding="utf-8")
    return tmp_path / "set"


@pytest.fixture
def wild(tmp_path, monkeypatch):
    (tmp_path / "wild_detectors.py").write_text(MODULE, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    import wild_detectors

    yield wild_detectors
    sys.modules.pop("wild_detectors")


def test_nothing_a_detector_does_ends_the_evaluation(folder, wild):
    answers = answers_of(folder, detectors=[wild.Wild()], settings=Settings(), time_limit_s=1.0)
    failures = {row.sample.scan_id or row.sample.path: row.failure for row in answers.rows}
    assert {name: failure and failure.kind for name, failure in failures.items()} == {
        "s0": None,
        "s1.h5": "out of time",
        "s2.h5": "process died",
        "s3": "detector failed",
        "s4": "not a number",
        "s5": None,
    }
    assert "status 7" in failures["s2.h5"].text
    assert [row.answer.codes for row in answers.rows if row.failure] == [
        ("TIMEOUT",),
        ("MODEL_ERROR",),
        ("MODEL_ERROR",),
        ("MODEL_ERROR",),
    ]
    assert all(row.peak_bytes > 1e6 for row in answers.rows if row.sample.scan_id)


class WordlessError(Exception):
    def __str__(self):
        raise RuntimeError("no words")


@pytest.mark.parametrize(
    "error", [SystemExit(0), GeneratorExit(), WordlessError(), ValueError("\udcff\nmore")]
)
def test_nothing_a_detector_raises_ends_the_evaluation(folder, tmp_path, error):
    class Raising(Counting):
        def answer(self, scan):
            raise error

    answers = answers_of(folder, detectors=[Raising()], settings=Settings(), work_dir=tmp_path / "work")
    assert {row.failure.kind for row in answers.rows} == {"detector failed"}
    assert {row.answer.level for row in answers.rows} == {Level.UNKNOWN}
    assert {row.failure.text.partition(":")[0] for row in answers.rows} == {type(error).__name__}
    assert read_answers(tmp_path / "work" / ANSWERS).rows == answers.rows


def test_a_process_that_dies_between_two_answers_costs_one(folder, wild):
    samples = read_dataset(folder).samples[:3]
    host = Host(host_spec(wild.Fading(), None, Settings(), folder))
    rows = []
    for sample in samples:
        rows.append(host.ask(sample, time_limit_s=5.0))
        time.sleep(0.6)
    host.close(kill=True)
    assert [row.failure and row.failure.kind for row in rows] == [None, "process died", None]
    assert "status 9" in rows[1].failure.text


def test_a_time_limit_holds_beside_an_outside_program(folder, wild, tmp_path):
    (tmp_path / "tool.py").write_text("print('label')", encoding="utf-8")
    program = ReplayDetector(f"{sys.executable} {tmp_path / 'tool.py'} {{in}}")
    answers = answers_of(folder, detectors=[wild.Wild(), program], settings=Settings(), time_limit_s=1.0)
    kinds = {(row.detector, row.sample.path): row.failure and row.failure.kind for row in answers.rows}
    assert kinds["wild", "s1.h5"] == "out of time"
    assert {kinds[program.name, f"s{number}.h5"] for number in range(6)} == {None}


def test_an_interrupted_evaluation_ends_outside_programs(folder, tmp_path):
    mark = tmp_path / "alive"
    (tmp_path / "tool.py").write_text(
        f"import time\nwhile True: open({str(mark)!r}, 'w').write(str(time.time())); time.sleep(0.05)",
        encoding="utf-8",
    )

    def _interrupt(*step):
        limit = time.monotonic() + 30
        while not mark.exists() and time.monotonic() < limit:
            time.sleep(0.05)
        raise KeyboardInterrupt

    program = ReplayDetector(f"{sys.executable} -S {tmp_path / 'tool.py'} {{in}}")
    with pytest.raises(KeyboardInterrupt):
        answers_of(
            folder,
            detectors=["gross-counts", program],
            settings=Settings(),
            workers=2,
            progress=_interrupt,
        )
    before = mark.read_text(encoding="utf-8")
    time.sleep(0.3)
    assert mark.read_text(encoding="utf-8") == before


def test_an_interrupted_evaluation_ends_its_processes_at_once(folder, wild):
    def _interrupt(*step):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):  # s1 sleeps for ten minutes
        answers_of(folder, detectors=[wild.Wild()], settings=Settings(), workers=2, progress=_interrupt)


def test_a_detector_that_cannot_be_sent_or_built_elsewhere_is_named(folder, wild):
    class Local(Counting):
        pass

    with pytest.raises(ConfigurationError, match=r"counting cannot be sent to a process of its own"):
        answers_of(folder, detectors=[Local()], settings=Settings(), workers=2)
    with pytest.raises(ConfigurationError, match=r"broken cannot be built.*not here"):
        answers_of(folder, detectors=[wild.Broken()], settings=Settings(), time_limit_s=5.0)


def test_a_resumed_evaluation_asks_only_what_is_missing(folder, tmp_path):
    work = tmp_path / "work"
    whole = evaluate_dataset(folder, detectors=[Counting()], settings=Settings(), work_dir=work)
    stored = (work / ANSWERS).read_bytes()
    lines = stored.splitlines(keepends=True)
    # Killed in the middle of the fourth line; and one file has changed since.
    (work / ANSWERS).write_bytes(b"".join(lines[:4]) + lines[4][:30])
    quiet, *_ = ordinary_scans()
    identity = msgspec.structs.replace(quiet.identity, scan_id="changed")
    write_scan(folder / "s1.h5", msgspec.structs.replace(quiet, identity=identity))
    again = Counting()
    part = evaluate_dataset(folder, detectors=[again], settings=Settings(), work_dir=work, is_resumed=True)
    assert again.asked == ["changed", "s3", "s4", "s5"]
    assert part.figures == whole.figures
    (resumed,) = [item for item in part.left_out if item.kind == "not asked again"]
    assert (resumed.n, resumed.is_error) == (2, False)
    assert re.fullmatch(r"2 of 6 answers kept from \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", resumed.text)
    assert not [item for item in whole.left_out if item.kind == "not asked again"]
    assert len(read_answers(work / ANSWERS).rows) == 6


@pytest.mark.parametrize("change", ["version", "settings", "no version", "not resumed", "our code"])
def test_answers_that_might_differ_are_given_again(folder, tmp_path, monkeypatch, change):
    answers_of(folder, detectors=[Counting()], settings=Settings(), work_dir=tmp_path / "work")
    again = Counting()
    if change in ("version", "no version"):
        again.version = "2" if change == "version" else ""
    if change == "our code":
        monkeypatch.setattr("screening.evaluate.measuring.code_sha256", lambda: "other")
    settings = (
        msgspec.convert({"radiation": {"n_sigma": 7.5}}, Settings) if change == "settings" else Settings()
    )
    answers_of(
        folder,
        detectors=[again],
        settings=settings,
        work_dir=tmp_path / "work",
        is_resumed=change != "not resumed",
    )
    assert len(again.asked) == 6


LISTENER = """
from screening.evaluate.detectors import DetectorAnswer
from screening.records import Level
{more}
class Listener:
    name = "listener"
    version = "1"
    def __init__(self):
        self.asked = []
    def answer(self, scan):
        self.asked.append(scan.identity.scan_id)
        return DetectorAnswer(level=Level.{level})
"""


@pytest.mark.parametrize("is_package", [False, True])
def test_an_edited_detector_of_the_same_version_is_asked_again(folder, tmp_path, monkeypatch, is_package):
    monkeypatch.syspath_prepend(str(tmp_path))
    home = tmp_path / "listening" if is_package else tmp_path
    home.mkdir(exist_ok=True)
    (home / "__init__.py").write_text("", encoding="utf-8")
    name = "listening.main" if is_package else "listening_main"

    def _asked(level="LOW", beside="1"):
        source = LISTENER.format(level=level, more="from . import beside" if is_package else "")
        (home / f"{name.rpartition('.')[2]}.py").write_text(source, encoding="utf-8")
        (home / "beside.py").write_text(f"x = {beside}", encoding="utf-8")
        importlib.invalidate_caches()
        for known in [k for k in sys.modules if k.startswith("listening")]:
            del sys.modules[known]
        detector = importlib.import_module(name).Listener()
        evaluate_dataset(
            folder, detectors=[detector], settings=Settings(), work_dir=tmp_path / "work", is_resumed=True
        )
        return len(detector.asked)

    assert [_asked(), _asked(), _asked("HIGH"), _asked("HIGH")] == [6, 0, 6, 0]
    assert _asked("HIGH", beside="22") == (6 if is_package else 0)


def test_a_class_without_a_file_is_asked_again(folder, tmp_path):
    made = type("Made", (Counting,), {"__module__": "nowhere"})
    for _ in range(2):
        detector = made()
        answers_of(
            folder, detectors=[detector], settings=Settings(), work_dir=tmp_path / "work", is_resumed=True
        )
        assert len(detector.asked) == 6


def test_the_code_is_known_by_one_hash():
    assert re.fullmatch("[0-9a-f]{64}", code_sha256())
    assert machine()["code"] == code_sha256()


def test_a_report_from_answers_that_are_not_all_there_says_so(folder, tmp_path):
    answers_of(folder, detectors=[Counting()], settings=Settings(), work_dir=tmp_path / "work")
    stored = tmp_path / "work" / ANSWERS
    lines = stored.read_bytes().splitlines(keepends=True)
    stored.write_bytes(b"".join(lines[:5]) + lines[5][:40])
    (missing,) = [item for item in evaluate_stored(stored).left_out if item.kind == "not asked"]
    assert (missing.where, missing.n, missing.is_error) == ("counting", 2, True)
    assert "4 of 6 scans" in missing.text
    stored.write_bytes(b"".join([*lines, lines[3]]))
    with pytest.raises(FormatError, match=r"line 8: counting answers s2\.h5#0 a second time"):
        evaluate_stored(stored)


def test_labels_may_change_under_stored_answers(folder, tmp_path):
    answers_of(folder, detectors=[Counting()], settings=Settings(), work_dir=tmp_path / "work")
    labels = folder / "labels.csv"
    labels.write_text(labels.read_text().replace("s0.h5,none", "s0.h5,Co-60"), encoding="utf-8")
    again = Counting()
    answers = answers_of(
        folder, detectors=[again], settings=Settings(), work_dir=tmp_path / "work", is_resumed=True
    )
    assert again.asked == []
    assert answers.rows[0].sample.truth_nuclides == ("Co-60",)


@pytest.mark.parametrize("text", [b"", b"{}\n", b'{"schema": "answers/9"}\n', b"\xff\n"])
def test_a_file_that_holds_no_answers_is_refused(tmp_path, text):
    (tmp_path / ANSWERS).write_bytes(text)
    with pytest.raises(FormatError, match=r"answers\.jsonl"):
        read_answers(tmp_path / ANSWERS)


@pytest.mark.parametrize("options", [{"workers": 0}, {"time_limit_s": 0.0}])
def test_numbers_out_of_range_are_refused(folder, options):
    with pytest.raises(ConfigurationError, match="must be positive"):
        answers_of(folder, detectors=[Counting()], settings=Settings(), **options)


def test_a_scan_that_is_not_the_labelled_one_is_told(folder):
    labels = folder / "labels.csv"
    lines = labels.read_text().splitlines()
    labels.write_text(
        "\n".join(
            [lines[0] + ",scan_id", lines[1] + ",s0", lines[2] + ",other", *(f"{x}," for x in lines[3:])]
        )
    )
    answers = answers_of(folder, detectors=[Counting()], settings=Settings())
    assert [(p.kind, p.where) for p in answers.header.problems] == [("scan id mismatch", "s1.h5")]


def test_a_simulated_set_is_made_and_measured(tmp_path):
    name = "simulated:occupancies/quiet?n=2&seed=5"
    part = evaluate_dataset(name, detectors=["gross-counts"], settings=Settings(), work_dir=tmp_path)
    (answered,) = [f for f in part.figures if f.metric == "alarm: answered"]
    assert answered.n == 2
    with pytest.raises(ConfigurationError, match="needs a folder"):
        evaluate_dataset(name, detectors=["gross-counts"], settings=Settings())


@pytest.mark.parametrize("is_simulated", [True, False])
def test_columns_that_the_simulator_writes_for_itself_are_not_told(folder, is_simulated):
    own = [name for name in set_kind("radiographs").columns if name not in COLUMNS]
    added = [*own, "colour"] if is_simulated else [own[0], "colour"]
    labels = folder / "labels.csv"
    head, *rows = labels.read_text().splitlines()
    lines = [",".join([head, *added]), *(",".join([row, *("" for _ in added)]) for row in rows)]
    labels.write_text("\n".join(lines))
    answers = answers_of(folder, detectors=[Counting()], settings=Settings())
    assert answers.header.ignored_columns == (("colour",) if is_simulated else (own[0], "colour"))
