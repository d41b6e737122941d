"""Every code has a consequence, a line in the documentation, and leads to something else than ACCEPT."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from screening.clearance.keys import Failure
from screening.clearance.sharing import CONSEQUENCES, STRUCTURE
from screening.clearance.sharing.checks import failed


def test_the_table_in_the_documentation_is_the_one_in_the_code(repository: Path) -> None:
    text = (repository / "docs" / "sharing.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([A-Z_0-9]+)` \| ([^|]+) \| (reject|re-examine) \|$", text, re.MULTILINE)
    told = {code: consequence.upper().replace("-", "_") for code, _, consequence in rows}
    assert told == dict(CONSEQUENCES)
    assert {code: line for code, line, _ in rows if code in STRUCTURE} == dict(STRUCTURE)


def test_every_failure_of_a_signature_is_rejected() -> None:
    assert {CONSEQUENCES[code] for code in get_args(Failure)} == {"REJECT"}


def test_every_fault_of_the_file_is_rejected() -> None:
    assert {CONSEQUENCES[code] for code in STRUCTURE} == {"REJECT"}


def test_a_code_without_a_consequence_does_not_exist() -> None:
    with pytest.raises(ValueError, match="NO_SUCH_CODE"):
        failed("bundle", "NO_SUCH_CODE", "")
