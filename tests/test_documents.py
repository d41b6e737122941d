"""Documents that can rot are held to the code."""

from __future__ import annotations

import ast
import doctest
import re
from pathlib import Path

import pytest

from screening.cli import app


def documents(repository: Path) -> list[Path]:
    return sorted(
        [*repository.glob("*.md"), *(repository / "docs").rglob("*.md"), *repository.glob("*/README.md")]
    )


def commands() -> list[str]:
    names = [c.name or c.callback.__name__ for c in app.registered_commands if c.callback is not None]
    for group in app.registered_groups:
        assert group.typer_instance is not None
        inner = group.typer_instance.registered_commands
        names += [f"{group.name} {c.name or c.callback.__name__}" for c in inner if c.callback is not None]
    return sorted(names)


def test_the_readme_holds_both_commands(repository: Path) -> None:
    text = (repository / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"<!-- command: (\w+) -->\s*```sh\n(.+)\n```", text)
    assert [name for name, _ in blocks] == ["demo", "test"]
    assert all("\n" not in command for _, command in blocks)


@pytest.mark.parametrize("command", commands())
def test_every_command_is_documented(command: str, repository: Path) -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in documents(repository))
    assert f"screening {command}" in text


def test_every_link_leads_somewhere(repository: Path) -> None:
    broken = []
    for path in documents(repository):
        for target in re.findall(r"\]\(([^)#]+?)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
            if not target.startswith(("http:", "https:", "mailto:")) and not (path.parent / target).exists():
                broken.append(f"{path.name}: {target}")  # noqa: PERF401
    assert not broken


def test_examples_in_the_documents_do_what_they_print(repository: Path) -> None:
    examined = 0
    for path in documents(repository):
        if ">>>" in path.read_text(encoding="utf-8"):
            result = doctest.testfile(str(path), module_relative=False, optionflags=doctest.ELLIPSIS)
            assert result.failed == 0, path.name
            examined += result.attempted
    assert examined


def test_decisions_are_numbered_without_holes(repository: Path) -> None:
    numbers = [int(p.name[:4]) for p in sorted((repository / "docs" / "decisions").glob("*.md"))]
    assert numbers == list(range(1, len(numbers) + 1))


def test_public_functions_say_what_they_return(repository: Path) -> None:
    silent = []
    for path in sorted((repository / "screening").rglob("*.py")):
        if "cli" in path.parts:
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        scopes = [
            tree,
            *(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name[0] != "_"),
        ]
        for function in (node for scope in scopes for node in scope.body):
            if not isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef) or function.name[0] == "_":
                continue
            decorators = {ast.unparse(decorator) for decorator in function.decorator_list}
            returned = "None" if function.returns is None else ast.unparse(function.returns)
            if returned in {"None", "NoReturn"} or decorators & {"property", "cached_property", "overload"}:
                continue
            if not re.search(
                r"^\s*(Returns|Yields)\n\s*-{6,}", ast.get_docstring(function) or "", re.MULTILINE
            ):
                silent.append(f"{path.name}:{function.name}")
    assert silent == []
