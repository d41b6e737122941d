from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest


@pytest.fixture
def broker():
    path = Path(__file__).with_name("fake_broker.py")
    spec = importlib.util.spec_from_file_location("fake_broker", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    made = module.FakeBroker()
    yield made
    made.stop()
