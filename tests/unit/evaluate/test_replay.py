from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

from screening.errors import ConfigurationError, FormatError
from screening.evaluate.detectors import Candidate, ReplayDetector, ReplayError
from screening.evaluate.detectors.contract import ordinary_scans
from screening.evaluate.detectors.nuclide_names import label_of
from screening.evaluate.detectors.replay_answers import read_answer
from screening.formats.n42 import read_n42
from screening.records import Level
from screening.sources import open_scan


@pytest.fixture(scope="module")
def scans():
    quiet, source, picture = ordinary_scans()
    return {"quiet": quiet, "source": source, "picture": picture}


@pytest.fixture
def program(tmp_path):
    def _made(code, arguments="{in} {out}", **options):
        path = tmp_path / "tool.py"
        path.write_text("import sys, os, time\n" + code, encoding="utf-8")
        return ReplayDetector(f"{sys.executable} -S -E '{path}' {arguments}", **options)

    return _made


def read(text, *, is_radiograph=False, full=None):
    return read_answer(text.encode(), name="a", is_radiograph=is_radiograph, full_confidence=full)


N42_2012 = """<?xml version="1.0"?><RadInstrumentData xmlns="http://physics.nist.gov/N42/2011/N42">
<AnalysisResults><AnalysisResultStatusCode>{status}</AnalysisResultStatusCode>{more}</AnalysisResults>
</RadInstrumentData>"""
NUCLIDE = (
    "<NuclideAnalysisResults><Nuclide><NuclideIdentifiedIndicator>{said}</NuclideIdentifiedIndicator>"
    "<NuclideName>{name}</NuclideName><NuclideIDConfidenceValue>{confidence}</NuclideIDConfidenceValue>"
    "</Nuclide></NuclideAnalysisResults>"
)
N42_2006 = """<N42InstrumentData xmlns="http://physics.nist.gov/Divisions/Div846/Gp4/ANSIN4242/2005/ANSIN4242">
<Measurement><AnalysisResults><NuclideAnalysis><Nuclide><NuclideName>Ba 133</NuclideName>
<NuclideIDConfidenceIndication>7</NuclideIDConfidenceIndication></Nuclide></NuclideAnalysis>
</AnalysisResults></Measurement></N42InstrumentData>"""


def nuclide(name, said="true", confidence=90):
    return N42_2012.format(status="Success", more=NUCLIDE.format(name=name, said=said, confidence=confidence))


def test_results_of_n42_2012_are_read():
    found = read(nuclide("Cesium-137"))
    assert (found.level, found.alarm, found.nuclides) == (Level.HIGH, True, ("Cs-137",))
    assert found.confidences == {"Cs-137": 0.9}
    medical = read(nuclide("99mTc"))
    assert (medical.level, medical.alarm, medical.nuclides) == (Level.UNKNOWN, True, ("Tc-99m",))
    natural = read(nuclide("K40"))
    assert (natural.level, natural.alarm) == (Level.LOW, False)
    refused = read(nuclide("Cs-137", said="false", confidence=10))
    assert (refused.level, refused.nuclides, refused.confidences) == (Level.LOW, (), {"Cs-137": 0.1})
    alarm = "<RadAlarm><RadAlarmCategoryCode>Neutron</RadAlarmCategoryCode></RadAlarm>"
    found = read(N42_2012.format(status="Success", more=alarm))
    assert (found.level, found.alarm, found.nuclides) == (Level.HIGH, True, ())
    own = "<AnalysisAlgorithmName>the instrument's own alarm</AnalysisAlgorithmName>" + alarm
    with pytest.raises(FormatError, match="no AnalysisResults"):  # it came with the scan
        read(N42_2012.format(status="Success", more=own))


def test_results_of_n42_2006_are_read_on_a_stated_scale():
    found = read(N42_2006, full=10.0)
    assert (found.nuclides, found.confidences) == (("Ba-133",), {"Ba-133": 0.7})


def test_what_our_own_writer_says_is_read_back():
    text = "<AnalysisResultDescription>level UNKNOWN; BKG_STALE: old</AnalysisResultDescription>"
    assert read(N42_2012.format(status="Success", more=text)).level is Level.UNKNOWN
    assert read(N42_2012.format(status="Failure", more="")).level is Level.UNKNOWN


def test_csv_of_labels():
    found = read("label,confidence,score\ncs137,0.8,5.5\nU235,0.4,\n")
    assert (found.nuclides, found.confidences) == (("Cs-137", "U-235"), {"Cs-137": 0.8, "U-235": 0.4})
    assert (found.level, found.alarm, found.alarm_score) == (Level.HIGH, True, 5.5)
    nothing = read("label,confidence\n")
    assert (nothing.level, nothing.alarm, nothing.nuclides) == (Level.LOW, False, ())
    assert read("alarm,level\nfalse,UNKNOWN\n").level is Level.UNKNOWN


def test_csv_of_boxes():
    text = "row0,col0,row1,col1,score,kind,has_threat\n1,2,5,6,0.5,weapon,\n,,,,0.9,,true\n"
    found = read(text, is_radiograph=True)
    assert found.candidates == (Candidate(row0=1, col0=2, row1=5, col1=6, score=0.5, kind="weapon"),)
    assert (found.threat_score, found.has_threat, found.level) == (0.9, True, Level.HIGH)
    assert read("row0,col0,row1,col1,score\n", is_radiograph=True).candidates == ()


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "the answer is empty"),
        (" , ,\n", "no header"),
        ("colour\nred\n", "no column 'colour'"),
        ("label,label\na,b\n", "a column twice"),
        ("label,confidence\nCs-137,2\n", "not within 0 to 1"),
        ("label,confidence\nCs-137,nan\n", "confidence is nan"),
        ("score\ninf\n", "score is inf"),
        ("score\nhigh\n", "no number"),
        ("alarm\nmaybe\n", "neither true nor false"),
        ("level\nSAFE\n", "none of LOW"),
        ("alarm\ntrue\nfalse\n", "in an earlier row"),
        ("row0,col0,row1,col1\n1,1,2,2\n", "a box without score"),
        ("row0,col0,row1,col1,score\n1.5,1,2,2,1\n", "no whole number"),
        ("label\na,b\n", "2 cells under 1 columns"),
        ("<a/>", "no AnalysisResults"),
        ("<!DOCTYPE a><a/>", "refused"),
        (nuclide("Cs-137", confidence=900), "not within 0 to 100"),
    ],
)
def test_an_answer_that_cannot_be_read_is_refused(text, why):
    with pytest.raises(FormatError, match=why):
        read(text)


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("Cs-137", "Cs-137"), ("CS 137", "Cs-137"), ("Caesium-137", "Cs-137"), ("137-Cs", "Cs-137"),
        ("Tc99m", "Tc-99m"), ("Technetium-99m", "Tc-99m"), ("Ag110m", "Ag-110m"), ("Pa234m1", "Pa-234m"),
        ("Cs-137 (industrial)", "Cs-137"), ("Highly Enriched Uranium", "HEU"), ("heu", "HEU"),
        ("wgpu", "WGPu"),
        ("Depleted Uranium", "DU"), ("511 keV", "annihilation"), ("k40", "K-40"), ("Pu239", "Pu-239"),
        ("Gizmo-1", "Gizmo-1"), ("Cs-999", "Cs-999"), ("Neutron source", "Neutron source"), ("", ""),
    ],
)  # fmt: skip
def test_names_of_others_are_read(name, label):
    assert label_of(name) == label


def test_a_program_sees_the_whole_scan(program, scans, tmp_path):
    kept = tmp_path / "kept"
    kept.mkdir()
    copy = (
        f"import shutil, pathlib\nsource = pathlib.Path(sys.argv[1])\n"
        f"for path in source.parent.iterdir(): shutil.copy(path, {str(kept)!r})\n"
        "open(sys.argv[2], 'w').write('alarm\\nfalse\\n')\n"
    )
    detector = program(copy)
    assert detector.answer(scans["source"]).alarm is False
    given, payload = read_n42((kept / "scan.n42").read_bytes(), name="a")[0].payload, scans["source"].payload
    assert (given.spectra == payload.spectra).all()
    assert (given.background.spectra == payload.background.spectra).all()
    assert detector.answer(scans["picture"]).alarm is False
    picture = open_scan(kept / "scan.npy").payload
    assert (picture.raw == scans["picture"].payload.raw).all()
    assert picture.pitch_mm == scans["picture"].payload.pitch_mm


def test_an_answer_may_come_over_standard_output(program, scans):
    assert program("print('alarm\\ntrue')", "{in}").answer(scans["quiet"]).alarm is True


def test_a_program_is_asked_of_its_modality_alone(program, scans):
    assert program("", modalities=("radiation",)).answer(scans["picture"]) is None


@pytest.mark.parametrize(
    ("code", "kind", "text"),
    [
        ("sys.exit('no model file')", "program failed", "ended with status 1: no model file"),
        ("os.abort()", "program failed", "ended with status -6"),
        ("pass", "unreadable answer", "no answer was written"),
        ("open(sys.argv[2], 'w').write('colour\\nred\\n')", "unreadable answer", "no column 'colour'"),
        ("[open(sys.argv[2] + str(i), 'w') for i in (1, 2)]", "unreadable answer", "2 answers"),
        ("os.symlink('/etc/passwd', sys.argv[2])", "unreadable answer", "the answer is no file"),
    ],
)
def test_a_program_that_fails_is_told(program, scans, code, kind, text):
    with pytest.raises(ReplayError, match=text) as caught:
        program(code).answer(scans["quiet"])
    assert caught.value.kind == kind
    assert caught.value.reason == "MODEL_ERROR"


def test_a_program_out_of_time_is_ended_with_all_it_started(program, scans, tmp_path):
    mark = tmp_path / "alive"
    code = (
        "import subprocess\n"
        f"subprocess.Popen([sys.executable, '-S', '-c', \"import time\\nwhile True: open({str(mark)!r}, 'w')"
        '.write(str(time.time())); time.sleep(0.05)"])\n'
        "time.sleep(600)\n"
    )
    with pytest.raises(ReplayError, match="took more than 1 s") as caught:
        program(code, time_limit_s=1.0).answer(scans["quiet"])
    assert (caught.value.kind, caught.value.reason) == ("out of time", "TIMEOUT")
    before = mark.read_text() if mark.exists() else ""
    time.sleep(0.3)
    assert (mark.read_text() if mark.exists() else "") == before


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows what a process was started with")
def test_what_a_program_left_in_a_session_of_its_own_is_ended(program, scans, tmp_path):
    mark = tmp_path / "alive"
    code = (
        "import subprocess, time, os\n"
        f"subprocess.Popen([sys.executable, '-S', '-c', \"import time\\nwhile True: open({str(mark)!r}, 'w')"
        '.write(str(time.time())); time.sleep(0.05)"], start_new_session=True)\n'
        f"while not os.path.exists({str(mark)!r}): time.sleep(0.05)\n"
        "print('label')\n"
    )
    assert program(code, "{in}").answer(scans["quiet"]).nuclides == ()
    before = mark.read_text()
    time.sleep(0.3)
    assert mark.read_text() == before


def test_a_program_that_floods_is_ended(program, scans):
    code = "while True: sys.stdout.write('x' * 100000)"
    with pytest.raises(ReplayError, match="wrote more than 1000000 bytes"):
        program(code, max_written_bytes=1_000_000).answer(scans["quiet"])


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("", {}),
        ("cat 'open quote {in}", {}),
        (f"{sys.executable} tool.py", {}),
        ("no-such-program-here {in}", {}),
        (f"{sys.executable} {{in}}", {"time_limit_s": 0}),
        (f"{sys.executable} {{in}}", {"modalities": ("smell",)}),
        (f"{sys.executable} {{in}}", {"full_confidence": -1.0}),
    ],
)
def test_a_command_that_cannot_work_is_refused(command, options):
    with pytest.raises(ConfigurationError):
        ReplayDetector(command, **options)


def test_a_changed_program_is_another_version(program, tmp_path):
    one, same, other = program("pass"), program("pass"), program("pass\n")
    assert one.version == same.version != other.version
    assert one.name == "replay tool.py"
    assert Path(tmp_path / "tool.py").is_file()
