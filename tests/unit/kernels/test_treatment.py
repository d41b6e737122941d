"""Each kernel has the whole treatment: stub, checked function, twin, property test, benchmark."""

from __future__ import annotations

import inspect
import re
from importlib import import_module

import pytest

import screening.kernels

KERNELS = {
    "_counts": ["parse_counts"],
    "_factors": ["fit_factors", "log_ratios"],
    "_fan": ["trace_bodies", "trace_mesh"],
    "_lines": ["correct_lines"],
    "_photons": ["transport_photons"],
    "_spectra": ["rebin"],
    "_transport": ["transmit"],
    "_windows": ["count_windows"],
    "_zeros": ["classify_zeros"],
}
#: Where the twins are that are not in ``reference``.
TWINS = {
    "_factors": "reference_factors",
    "_fan": "reference_fan",
    "_photons": "reference_photons",
    "_transport": "reference_fan",
}
#: Functions of a compiled module that compute nothing.
PLAIN = {"isa_level"}


def test_list_of_kernels_is_complete(repository):
    folder = repository / "screening" / "kernels"
    assert {path.stem for path in folder.glob("_*.pyx")} == set(KERNELS)


@pytest.mark.parametrize("module", sorted(KERNELS))
def test_treatment(module, repository):
    folder = repository / "screening" / "kernels"
    source = (folder / f"{module}.pyx").read_text()
    stub = (folder / f"{module}.pyi").read_text()
    assert (folder / f"{module[1:]}.h").is_file()
    defined = set(re.findall(r"^def (\w+)", source, re.MULTILINE))
    assert defined == set(re.findall(r"^def (\w+)", stub, re.MULTILINE))
    assert defined - PLAIN == set(KERNELS[module])
    tests = _texts(repository / "tests" / "properties" / "kernels")
    benchmarks = _texts(repository / "tests" / "benchmarks")
    reference = import_module(f"screening.kernels.{TWINS.get(module, 'reference')}")
    for name in KERNELS[module]:
        assert hasattr(import_module(f"screening.kernels.{module}"), name)
        checked, twin = getattr(screening.kernels, name), getattr(reference, name)
        assert set(inspect.signature(twin).parameters) == set(inspect.signature(checked).parameters)
        assert f"def test_{name}(" in tests
        assert f"def test_{name}_" in benchmarks


def _texts(folder):
    return "\n".join(path.read_text() for path in sorted(folder.glob("test_*.py")))


def test_no_directives_in_sources(repository):
    # One list, in setup.py: a line at a file's top would silently override it.
    for path in (repository / "screening" / "kernels").glob("*.pyx"):
        assert not re.search(r"^#\s*(cython|distutils):", path.read_text(), re.MULTILINE), path.name


def test_instruction_set_is_named():
    assert screening.kernels.isa() in {"x86-64-v4", "x86-64-v3", "baseline"}
