"""Keep reports beside this file, and write docs/performance.md from those that are here.

python docs/performance/make.py [NAME=REPORT_FOLDER ...]
"""

from __future__ import annotations

import sys
from pathlib import Path

from screening.evaluate.report.performance import keep_report, write_performance

if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    for word in sys.argv[1:]:
        name, _, report = word.partition("=")
        keep_report(Path(report), here, name)
    write_performance(here, here.parent / "performance.md")
