"""What the import contracts cannot see: imports inside .pyx, lazy imports, what loads at run time."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

FORBIDDEN_NAMES = {"utils", "util", "common", "helpers", "helper", "base", "manager", "misc"}


def modules(repository: Path) -> list[Path]:
    return sorted((repository / "screening").rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Every top-level package a file imports, lazily or not."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", "")) in {
            "import_module",
            "__import__",
        }:
            names |= {a.value for a in node.args if isinstance(a, ast.Constant) and isinstance(a.value, str)}
    return names


@pytest.mark.parametrize(("library", "home"), [("onnxruntime", "classifiers"), ("h5py", "archive")])
def test_a_library_is_imported_in_its_home_alone(repository: Path, library: str, home: str) -> None:
    users = {
        path.relative_to(repository / "screening").parts[0]
        for path in modules(repository)
        if any(name.split(".")[0] == library for name in imported(path))
    }
    assert users == {home}


def test_kernels_import_nothing_of_ours_but_records_and_errors(repository: Path) -> None:
    sources = sorted((repository / "screening" / "kernels").glob("*.pyx"))
    assert sources
    for path in sources:
        text = path.read_text(encoding="utf-8")
        for module in re.findall(r"^\s*(?:from|c?import)\s+(screening[\w.]*)", text, re.MULTILINE):
            assert module.startswith(("screening.kernels", "screening.records", "screening.errors")), (
                path.name,
                module,
            )


def test_simulation_and_training_are_imported_by_those_allowed_alone(repository: Path) -> None:
    allowed = {"simulation", "training", "operations", "evaluate", "cli", "cli.py"}
    for path in modules(repository):
        part = path.relative_to(repository / "screening").parts[0]
        if part not in allowed:
            wrong = {
                n for n in imported(path) if n.startswith(("screening.simulation", "screening.training"))
            }
            assert not wrong, (path.name, wrong)


def test_every_package_of_the_contract_exists_and_no_other(repository: Path) -> None:
    contracts = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))
    layers = contracts["tool"]["importlinter"]["contracts"][0]["layers"]
    named = {name.strip() for layer in layers for name in layer.split("|")}
    there = {
        path.stem if path.is_file() else path.name
        for path in (repository / "screening").iterdir()
        if path.suffix == ".py" or (path.is_dir() and (path / "__init__.py").is_file())
    }
    assert there - {"__init__", "__main__"} == named


def test_the_single_library_contracts_name_every_other_package(repository: Path) -> None:
    contracts = tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
        "importlinter"
    ]["contracts"]
    named = {name.strip() for layer in contracts[0]["layers"] for name in layer.split("|")}
    for contract in contracts[2:4]:
        home = {"onnxruntime": "classifiers", "h5py": "archive"}[contract["forbidden_modules"][0]]
        assert {m.removeprefix("screening.") for m in contract["source_modules"]} == named - {home}


def test_no_module_is_a_drawer_for_odds_and_ends(repository: Path) -> None:
    assert not [
        p for p in modules(repository) if p.stem in FORBIDDEN_NAMES or p.parent.name in FORBIDDEN_NAMES
    ]


def test_no_compiler_directive_stands_at_the_top_of_a_kernel(repository: Path) -> None:
    for path in (repository / "screening").rglob("*.pyx"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"^#\s*(cython|distutils):", text, re.MULTILINE), path.name


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("screening", ("numpy", "onnxruntime", "h5py", "scipy")),
        ("screening.cli", ("numpy", "onnxruntime", "h5py", "scipy", "screening.kernels")),
        ("screening.assembly", ("torch", "matplotlib", "screening.simulation", "screening.training")),
        ("screening.acquire", ("onnxruntime", "screening.kernels", "h5py", "screening.simulation")),
    ],
)
def test_what_an_import_does_not_load(module: str, absent: tuple[str, ...]) -> None:
    code = f"import sys, {module}; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    loaded = set(run.stdout.split())
    assert not loaded & set(absent)
