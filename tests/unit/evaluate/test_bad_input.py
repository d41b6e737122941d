"""All that can be wrong with a data set or a detector, in one report: each is named, nothing is dropped."""

from __future__ import annotations

from collections import Counter

import msgspec
import numpy as np
import pytest

from screening.archive import write_scan
from screening.evaluate import DetectorAnswer, evaluation_table, run
from screening.evaluate.detectors import Candidate
from screening.evaluate.detectors.contract import ordinary_scans
from screening.records import Level

LABELS = """\
path,index,id,modality,truth_nuclides,level,split,parent,seed
s0.h5,,good,radiation,none,LOW,test,a,1
s1.h5,,not a number,radiation,Cs-137,HIGH,test,b,2
s2.h5,,wrong shape,radiation,Cs-137,HIGH,test,c,3
s3.h5,,wrong type,radiation,Cs-137,HIGH,test,d,4
s4.h5,,label nobody knows,radiation,none,LOW,test,e,5
s5.h5,,in training,radiation,none,LOW,test,f,77
s6.h5,,shared parent,radiation,none,LOW,test,run 9,6
s7.h5,,its twin,radiation,none,LOW,train,run 9,7
p.h5,,outside,radiograph,,,test,g,8
p.h5,,labelled twice,radiograph,,,test,g,8
s0.h5,,good,radiation,none,LOW,test,a,1
s8.h5,,another modality,radiograph,none,LOW,test,h,9
s9.h5,,no such nuclide,radiation,Gizmo-1,LOW,test,i,10
s9.h5,,no such level,radiation,none,MAYBE,test,i,10
gone.h5,,gone,radiation,none,LOW,test,j,11
s0.h5,7,no such scan,radiation,none,LOW,test,k,12
"""


class Careless:
    """Answers from the place of the scan in the list."""

    name = "careless"
    trained_on = ("seed 77",)

    def answer(self, scan):
        quiet = {"level": Level.LOW, "alarm": False}
        odd = {
            "s1": {"alarm_score": float("nan")},
            "s2": {"alarm_score": np.zeros(3)},
            "s3": {"nuclides": "Cs-137"},
            "s4": {"nuclides": ("Gizmo-1",)},
            "p": {"candidates": (Candidate(row0=0, col0=0, row1=10_000, col1=5, score=1.0),)},
        }
        return DetectorAnswer(**{**quiet, **odd.get(scan.identity.scan_id, {})})


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory):
    root = tmp_path_factory.mktemp("bad")
    (root / "set").mkdir()
    quiet, _, picture = ordinary_scans()
    for number in range(11):
        identity = msgspec.structs.replace(quiet.identity, scan_id=f"s{number}")
        write_scan(root / "set" / f"s{number}.h5", msgspec.structs.replace(quiet, identity=identity))
    identity = msgspec.structs.replace(picture.identity, scan_id="p")
    write_scan(root / "set" / "p.h5", msgspec.structs.replace(picture, identity=identity))
    (root / "set" / "labels.csv").write_text(LABELS, encoding="utf-8")
    return root / "out", run(root / "set", root / "out", detectors=[Careless()])


def test_each_is_named_and_counted(evaluated):
    _, evaluation = evaluated
    assert Counter(item.kind for item in evaluation.left_out if item.is_error) == {
        "duplicate scan": 2,
        "unknown class": 2,
        "missing scan": 1,
        "scan without label": 1,
        "modality mismatch": 1,
        "not read": 1,
        "not a number": 1,
        "wrong shape": 1,
        "wrong type": 1,
        "unknown label": 1,
        "outside the picture": 1,
        "trained on": 1,
        "in two splits": 1,
    }
    assert evaluation.exit_status == 1


def test_each_says_where(evaluated):
    where = {item.kind: f"{item.where} {item.text}" for item in evaluated[1].left_out}
    assert "careless: not a number alarm_score is nan" in where["not a number"]
    assert "(3,)" in where["wrong shape"]
    assert "in training" in where["trained on"]
    assert "shared parent" in where["in two splits"]
    assert "Gizmo-1" in where["unknown label"]
    assert "gone.h5" in where["missing scan"]
    assert "no number 7" in where["not read"]


def test_every_row_is_somewhere(evaluated):
    _, evaluation = evaluated
    counts = {f.metric: f.value for f in evaluation.figures if f.section == "data" and not f.stratum}
    others = sum(item.n for item in evaluation.left_out if item.kind == "other split")
    lost = {"duplicate scan", "unknown class", "missing scan"}
    n_lost = sum(item.n for item in evaluation.left_out if item.kind in lost)
    assert counts["rows of the labels"] == counts["scans scored"] + others + n_lost
    (unknown,) = [f for f in evaluation.figures if f.metric == "answers UNKNOWN"]
    assert (unknown.k, unknown.n) == (5, counts["scans scored"])  # three answers, a box, an unread scan


def test_the_page_and_the_table_say_so(evaluated):
    out, evaluation = evaluated
    page, table = (out / "report.html").read_text(encoding="utf-8"), evaluation_table(evaluation)
    for kind in ("trained on", "in two splits", "not a number", "wrong shape", "duplicate scan"):
        assert kind in page
        assert kind in table
