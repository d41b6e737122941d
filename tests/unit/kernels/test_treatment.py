"""Each kernel has the whole treatment: stub, checked function, twin, property test, benchmark."""

from __future__ import annotations

import inspect
import re
from importlib import import_module

import pytest

import screening.kernels
from screening.kernels import reference

KERNELS = {
    "_counts": ["parse_counts"],
    "_lines": ["correct_lines"],
    "_spectra": ["rebin"],
    "_windows": ["count_windows"],
    "_zeros": ["classify_zeros"],
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
    tests = (repository / "tests" / "properties" / "kernels" / "test_agreement.py").read_text()
    benchmarks = (repository / "tests" / "benchmarks" / "test_bench_kernels.py").read_text()
    for name in KERNELS[module]:
        assert hasattr(import_module(f"screening.kernels.{module}"), name)
        checked, twin = getattr(screening.kernels, name), getattr(reference, name)
        assert set(inspect.signature(twin).parameters) == set(inspect.signature(checked).parameters)
        assert f"def test_{name}(" in tests
        assert f"def test_{name}_" in benchmarks


def test_no_directives_in_sources(repository):
    # One list, in setup.py: a line at a file's top would silently override it.
    for path in (repository / "screening" / "kernels").glob("*.pyx"):
        assert not re.search(r"^#\s*(cython|distutils):", path.read_text(), re.MULTILINE), path.name


def test_instruction_set_is_named():
    assert screening.kernels.isa() in {"x86-64-v4", "x86-64-v3", "baseline"}
