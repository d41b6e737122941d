"""Documents for the tests of the formats."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture(scope="session")
def documents() -> ModuleType:
    """The hand-written N42 documents beside this file."""
    path = Path(__file__).with_name("n42_documents.py")
    spec = importlib.util.spec_from_file_location("n42_documents", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault("n42_documents", module)
    spec.loader.exec_module(module)
    return module
