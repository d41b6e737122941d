from __future__ import annotations

import re

import msgspec
import pytest

from screening.evaluate.record import (
    Comparison,
    DetectorTested,
    Evaluation,
    Figure,
    LeftOut,
    Provenance,
    Section,
)
from screening.evaluate.report import evaluation_page, evaluation_table, markdown_table


def test_columns_where_they_fit_and_blocks_where_they_do_not(maker):
    made = maker.made(n_detector=2, n_section=1)
    wide = evaluation_table(made, width=160)
    head = next(line for line in wide.splitlines() if "pipeline" in line)
    assert "gross-counts" in head
    narrow = evaluation_table(made, width=60)
    assert max(map(len, narrow.splitlines())) <= 62
    assert next(line for line in narrow.splitlines() if "pipeline" in line).startswith("    pipeline")


def test_headline_figures_alone_unless_all_are_asked_for(evaluation):
    assert "latency" not in evaluation_table(evaluation, width=160)
    assert "latency" in evaluation_table(evaluation, width=160, is_whole=True)
    plain = msgspec.structs.replace(
        evaluation,
        figures=(Figure(section="part-0", metric="latency", detector="nmf", value=3.0, unit="ms"),),
    )
    assert "latency, ms" in evaluation_table(plain, width=160)


def test_what_was_left_out_is_counted(evaluation):
    lines = evaluation_table(evaluation, width=100).splitlines()
    assert lines[lines.index("  missing scan: 2 (error)") + 1] == "    first: row 12: gone.h5 is not there"
    assert "  other split: 120" in lines


def test_a_star_marks_what_is_better(evaluation):
    win = Comparison(
        section="part-0",
        metric="false alarm rate",
        a="nmf",
        b="gross-counts",
        effect=1.0,
        verdict="a is better",
    )
    text = evaluation_table(msgspec.structs.replace(evaluation, comparisons=(win,)), width=100)
    table, _, legend = text.partition("*: better than every detector of its tier")
    assert table.count("*") == 1
    assert "0.131*" in table
    assert "*" not in legend


def test_a_label_steers_no_terminal(maker):
    made = msgspec.structs.replace(maker.made(n_section=1), title="a\x1b[31mb\nc")
    first = evaluation_table(made, width=100).splitlines()[0]
    assert first == "a\ufffd[31mb\ufffdc"


def test_markdown_has_a_row_for_each_metric_and_a_column_for_each_detector():
    figures = [
        Figure(section="s", metric="Pd", detector="x", value=0.95, low=0.9, high=0.98, k=95, n=100),
        Figure(section="s", metric="Pd", detector="y|z", stratum="a<b", value=None),
        Figure(section="t", metric="MDA", detector="x", value=210.0, unit="kBq"),
    ]
    text = markdown_table(figures, (DetectorTested(name="y|z"), DetectorTested(name="x")))
    assert text.splitlines() == [
        "| figure | y\\|z | x |",
        "|---|---|---|",
        "| Pd |  | 0.950 [0.900, 0.980] (95 of 100) |",
        "| Pd: a&lt;b | none |  |",
        "| MDA, kBq |  | 210 |",
    ]
    assert "| t: MDA, kBq |" in markdown_table(figures, with_section=True)


@pytest.mark.parametrize("width", [40, 80, 200])
def test_no_line_ends_in_blanks(evaluation, width):
    assert all(line == line.rstrip() for line in evaluation_table(evaluation, width=width).splitlines())


def with_failure(evaluation, **fields):
    item = LeftOut(
        **{"kind": "detector failed", "where": "nmf: s7", "text": "ValueError: no peak " * 30, **fields}
    )
    return msgspec.structs.replace(evaluation, left_out=(item,))


def test_the_first_failure_is_named_with_its_detector(evaluation):
    lines = evaluation_table(with_failure(evaluation), width=80).splitlines()
    at = lines.index("  detector failed: 1 (error)")
    assert lines[at + 1].startswith("    nmf: s7: ValueError: no peak")
    assert [line.startswith("    ") for line in lines[at + 1 :]] == [True] * 3
    kept = with_failure(evaluation, kind="not asked again", text="2 of 6 answers kept", is_error=False)
    assert "  not asked again: nmf: s7: 2 of 6 answers kept" in evaluation_table(kept, width=80).splitlines()


@pytest.mark.parametrize(("n", "is_shown"), [(20, True), (21, False)])
def test_few_scenarios_are_named_with_their_verdicts(maker, n, is_shown):
    made = maker.made(n_detector=1, n_section=1)
    verdicts = [
        Figure(
            section="part-0",
            metric="scenario passed",
            detector="pipeline",
            stratum=f"lane {i:02d}",
            value=(1.0, 0.0, None)[i % 3],
            unit="verdict",
        )
        for i in range(n)
    ]
    made = msgspec.structs.replace(made, figures=(*made.figures, *verdicts))
    text = evaluation_table(made, width=120)
    found = re.findall(r"scenario passed: (lane \d\d) +(\w+)", text)
    expected = [(f"lane {i:02d}", ("pass", "fail", "inconclusive")[i % 3]) for i in range(n)]
    assert found == (expected if is_shown else [])


def test_what_is_never_claimed_is_a_dash_with_its_reason():
    section = Section(id="s", title="S")
    none = Figure(
        section="s", metric="alarm", detector="d", method="none: no claim", is_headline=True, note="no alarm"
    )
    made = Evaluation(
        title="t", provenance=Provenance(version="1"), sections=(section,), detectors=(), figures=(none,)
    )
    text = evaluation_table(made, width=100)
    assert re.search(r"alarm +–$", text, re.MULTILINE)
    assert "–: the detector makes no such claim on any sample" in text
    assert "<td>–<sup>a</sup></td>" in evaluation_page(made)
