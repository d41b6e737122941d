"""The engines every kernel test runs over."""

from __future__ import annotations

import importlib
from types import SimpleNamespace

import pytest

from screening.kernels import reference

HOMES = {
    "classify_zeros": "zeros",
    "correct_lines": "lines",
    "count_windows": "windows",
    "parse_counts": "counts",
    "rebin": "spectra",
}


@pytest.fixture(params=["compiled", "reference"])
def engine(request, monkeypatch):
    """The checked functions, over the compiled kernels or over their NumPy twins."""
    functions = {}
    for name, home in HOMES.items():
        module = importlib.import_module(f"screening.kernels.{home}")
        if request.param == "reference":
            monkeypatch.setattr(module, "_engine", reference)
        functions[name] = getattr(module, name)
    return SimpleNamespace(name=request.param, **functions)
