"""docs/performance.md says what the reports beside it hold, and nothing else."""

from __future__ import annotations

from pathlib import Path

from screening.evaluate.record import DetectorTested, Evaluation, Figure, Provenance, Section
from screening.evaluate.report.performance import performance_page, read_reports

ROOT = Path(__file__).parents[3]


def test_the_document_is_made_from_the_reports() -> None:
    page = ROOT / "docs" / "performance.md"
    reports = read_reports(ROOT / "docs" / "performance")
    assert page.read_text(encoding="utf-8") == performance_page(reports)


def test_headline_figures_come_first_and_long_sections_are_cut_with_a_word() -> None:
    figures = [
        Figure(
            section="a",
            metric="found",
            detector="d",
            value=0.5,
            low=0.4,
            high=0.6,
            n=100,
            k=50,
            is_headline=True,
        ),
        *(Figure(section="a", metric="found", detector="d", stratum=f"s{i}", value=0.1) for i in range(60)),
    ]
    report = Evaluation(
        title="t",
        provenance=Provenance(version="1", command="screening evaluate --preset x", seeds={"bench": 1}),
        sections=(Section(id="a", title="Section A", data="simulated"),),
        detectors=(DetectorTested(name="d"),),
        figures=tuple(figures),
    )
    page = performance_page({"x": report})
    assert "screening evaluate --preset x" in page
    assert "0.50" in page
    assert "60 more figures are in the report" in page
    assert "s59" not in page
