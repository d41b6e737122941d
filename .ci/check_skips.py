"""Fail when a test was skipped that is not on the committed list, tests/allowed_skips.toml."""

import sys
import tomllib
import xml.etree.ElementTree as ET  # our own pytest wrote the file
from pathlib import Path


def main(report: str) -> int:
    """Compare the skipped tests of a JUnit report with the list."""
    allowed = tomllib.loads(Path("tests/allowed_skips.toml").read_text(encoding="utf-8")).get("skip", [])
    patterns = {(entry["test"], entry["reason"]) for entry in allowed}
    cases = list(ET.parse(report).getroot().iter("testcase"))  # noqa: S314
    skipped = []
    for case in cases:
        mark = case.find("skipped")
        if mark is not None:
            name = f"{case.get('classname')}::{case.get('name')}"
            reason = mark.get("message") or ""
            if not any(test in name and why in reason for test, why in patterns):
                skipped.append(f"{name}: {reason}")
    sys.stdout.write(f"{len(cases)} tests, {len(skipped)} skipped that are not on the list\n")
    for line in skipped:
        sys.stdout.write(f"  not allowed: {line}\n")
    return 1 if skipped or not cases else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1]))
