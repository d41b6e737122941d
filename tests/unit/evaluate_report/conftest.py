from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

_SPEC = importlib.util.spec_from_file_location("evaluate_report_made", Path(__file__).with_name("made.py"))
made = importlib.util.module_from_spec(_SPEC)
sys.modules[_SPEC.name] = made
_SPEC.loader.exec_module(made)


@pytest.fixture(scope="session")
def maker():
    """The module that makes reports of random numbers."""
    return made


@pytest.fixture(scope="session")
def evaluation():
    """A report with every kind of row in it."""
    return made.made()
