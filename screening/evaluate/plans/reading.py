"""Read a test plan: strict, and each complaint names the scenario, the field and the line."""

from __future__ import annotations

import re
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec

from screening.errors import ConfigurationError, FormatError

from .checks import check_showable, unknown
from .explaining import explained
from .schema import Plan

__all__ = ["example_names", "example_plan", "parse_plan", "read_plan", "read_plan_text"]

_HEADER = re.compile(r"^\s*\[\[\s*scenario\s*\]\]")
_PATH = re.compile(r" - at `\$(.*)`$")
_INDEX = re.compile(r"\.scenario\[(\d+)\]")


def read_plan(path: str | Path) -> Plan:
    """Read a test plan.

    Parameters
    ----------
    path : path-like
        A TOML file.

    Returns
    -------
    Plan
        The plan, checked.

    Raises
    ------
    ConfigurationError
        If there is no such file.
    FormatError
        If it is no TOML, holds an unknown key, a quantity without its unit or a value
        out of range, or asks for what so many trials can never show.
    """
    return parse_plan(read_plan_text(path), name=Path(path).name)


def read_plan_text(path: str | Path) -> str:
    """Return the text of a file.

    Parameters
    ----------
    path : path-like
        A file in UTF-8.

    Returns
    -------
    str
        Its text.

    Raises
    ------
    ConfigurationError
        If there is no such file.
    FormatError
        If it is not UTF-8.
    """
    try:
        return Path(path).read_bytes().decode("utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"test plan {path}: {error.strerror or error}; a file, or example:NAME with NAME one of "
            f"{', '.join(example_names())}",
            value=str(path),
        ) from None
    except UnicodeDecodeError as error:
        raise FormatError(f"{Path(path).name}: not UTF-8 at byte {error.start}", value=error.start) from None


def parse_plan(text: str, *, name: str = "plan") -> Plan:
    """Return the plan that a text holds; see :func:`read_plan`.

    Parameters
    ----------
    text : str
        TOML.
    name : str
        What it is called in messages.

    Returns
    -------
    Plan
        The plan, checked.

    Raises
    ------
    FormatError
        As :func:`read_plan`.
    """
    try:
        fields = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise FormatError(f"{name}: {error}", value=str(error)) from None
    try:
        plan = msgspec.convert(fields, Plan)
    except msgspec.ValidationError as error:
        raise FormatError(_located(str(error), text, name, fields), value=str(error)) from None
    seen: dict[str, int] = {}
    for index, scenario in enumerate(plan.scenario):
        where = f" - at `$.scenario[{index}]`"
        if scenario.name in seen:
            raise FormatError(
                _located(
                    f"name: {scenario.name!r} is that of scenario {seen[scenario.name] + 1} too{where}",
                    text,
                    name,
                ),
                value=scenario.name,
            )
        seen[scenario.name] = index
        try:
            check_showable(scenario, plan.confidence_of(scenario))
        except ValueError as error:
            raise FormatError(_located(f"{error}{where}", text, name), value=scenario.name) from None
    return plan


def example_names() -> tuple[str, ...]:
    """Return the names of the plans that are shipped as examples.

    Returns
    -------
    tuple of str
        Sorted.
    """
    folder = files("screening.evaluate.plans") / "examples"
    return tuple(sorted(one.name[:-5] for one in folder.iterdir() if one.name.endswith(".toml")))


def example_plan(name: str) -> str:
    """Return the text of a plan that is shipped as an example. None of them claims conformity.

    Parameters
    ----------
    name : str
        One of :func:`example_names`.

    Returns
    -------
    str
        TOML.

    Raises
    ------
    ConfigurationError
        If there is none of that name.
    """
    if name not in example_names():
        raise ConfigurationError(unknown("example plan", name, example_names()), value=name)
    return (files("screening.evaluate.plans") / "examples" / f"{name}.toml").read_text(encoding="utf-8")


def _located(message: str, text: str, name: str, fields: dict[str, Any] | None = None) -> str:
    """Return a message with the scenario, the field and the line it is about, and what is allowed there."""
    match = _PATH.search(message)
    path = match[1] if match else ""
    said = message[: match.start()] if match else message
    index = _INDEX.search(path)
    lines = text.splitlines()
    first, last, where = 0, len(lines), name
    if index is not None:
        number = int(index[1])
        starts = [k for k, line in enumerate(lines) if _HEADER.match(line)]
        if number < len(starts):
            first = starts[number]
            last = starts[number + 1] if number + 1 < len(starts) else len(lines)
        where = f"{name}, scenario {number + 1}"
        called = next(
            (m[1] for line in lines[first:last] if (m := re.match(r"\s*name\s*=\s*[\"'](.*)[\"']", line))), ""
        )
        where += f" ({called})" if called else ""
    field = _field_of(said, path[index.end() :] if index else path)
    line = next(
        (k + 1 for k in range(first, last) if field and re.search(rf"(^|[\s{{,]){field}\s*=", lines[k])),
        first + 1 if index is not None else 0,
    )
    where += f", line {line}" if line else ""
    return f"{where}: {said if fields is None else explained(said, path, fields)}"


def _field_of(said: str, rest: str) -> str:
    """Return the field that a complaint is about: named by ours first, by path or name in the library's."""
    own = re.match(r"([a-z_]+): ", said)
    if own:
        return own[1]
    unknown = re.search(r"unknown field `([^`]+)`", said)
    if unknown:
        return re.escape(unknown[1])
    names = re.findall(r"\.([A-Za-z_]+)", rest)
    return names[-1] if names else ""
