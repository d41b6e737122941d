"""Write docs/performance.md from the reports in this folder."""

from __future__ import annotations

from pathlib import Path

from screening.evaluate.report.performance import write_performance

if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    write_performance(here, here.parent / "performance.md")
