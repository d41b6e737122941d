from __future__ import annotations

import pytest

from screening.reanalyse.compare import SEVERITY, answers_of, compare
from screening.records import FlagModality, Level, ReasonCode, ScreeningReport, UnreadInput

SCAN = "s1"
ALARM = (ReasonCode.RAD_GAMMA_NSIGMA, Level.HIGH, "over")
STALE = (ReasonCode.BKG_STALE, Level.UNKNOWN, "old")


@pytest.fixture
def answers(builders):
    def make(level=Level.LOW, reasons=(), **options):
        return answers_of([builders["flag"](SCAN, FlagModality.RAD_GROSS, level, reasons, **options)])

    return make


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        ({}, {}, "same"),
        ({}, {"version": "2.0"}, "provenance"),
        ({"raw": {"max_nsigma": "2.1"}}, {"raw": {"max_nsigma": "2.2"}}, "scores"),
        (
            {"level": Level.UNKNOWN, "reasons": (STALE,)},
            {"level": Level.UNKNOWN, "reasons": (STALE, ALARM)},
            "reasons",
        ),
        ({}, {"level": Level.HIGH, "reasons": (ALARM,)}, "level"),
    ],
)
def test_the_kind_of_a_change(answers, before, after, kind):
    found = compare(answers(**before), answers(**after))
    assert {name: n for name, n in found.counts.items() if n} == {kind: 1}
    assert [change.kind for change in found.changes] == ([] if kind == "same" else [kind])


def test_new_and_missing_answers_are_told(answers):
    assert compare({}, answers()).counts["new"] == 1
    assert compare(answers(), {}).counts["missing"] == 1


def test_what_became_low_is_counted_apart(answers):
    high, low = answers(level=Level.HIGH, reasons=(ALARM,)), answers()
    assert compare(high, low).lowered == 1
    assert compare(low, high).lowered == 0


def test_the_worst_changes_come_first(builders):
    def flags(levels):
        reasons = {Level.LOW: (), Level.HIGH: (ALARM,)}
        return answers_of(
            builders["flag"](f"s{i}", FlagModality.RAD_GROSS, level, reasons[level], version=version)
            for i, (level, version) in enumerate(levels)
        )

    before = flags([(Level.LOW, "1"), (Level.LOW, "1"), (Level.LOW, "1")])
    after = flags([(Level.LOW, "2"), (Level.HIGH, "2"), (Level.LOW, "1")])
    assert [change.kind for change in compare(before, after).changes] == ["level", "provenance"]


def test_a_scan_that_can_no_longer_be_analysed_is_unknown_not_missing(answers):
    report = ScreeningReport(
        path="a",
        scan_id=SCAN,
        modality="radiation",
        level=Level.UNKNOWN,
        flags=(),
        elapsed_ms=0,
        error=UnreadInput(code=ReasonCode.MODEL_ERROR, text="a: no"),
    )
    found = compare(answers(), {}, [report])
    assert found.counts["level"] == 1
    assert found.changes[0].after.codes == ("MODEL_ERROR",)


def test_the_documentation_names_every_kind(repository):
    text = (repository / "docs" / "reanalyse.md").read_text(encoding="utf-8")
    for kind in SEVERITY:
        assert f"| `{kind}` |" in text
