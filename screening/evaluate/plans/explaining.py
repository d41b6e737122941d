"""Say of what a test plan must not hold what it may hold instead, and what was probably meant."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Any

import msgspec

from .schema import Plan

__all__ = ["explained"]

_STEP = re.compile(r"\.([A-Za-z_]+)|\[(\d+)\]")
_UNKNOWN = re.compile(r"unknown field `([^`]+)`")
_MISSING = re.compile(r"missing required field `([^`]+)`")
_VALUE = re.compile(r"Invalid (?:enum )?value (.+)$")


def explained(said: str, path: str, fields: dict[str, Any]) -> str:
    """Return a complaint of the decoder with the field in front and what is allowed behind.

    Parameters
    ----------
    said : str
        The complaint, without its path.
    path : str
        Where in the plan: ".scenario[0].portal"; "" for the plan itself.
    fields : dict
        The plan as TOML gives it.

    Returns
    -------
    str
        The complaint; one of our own checks, which begins with the name of its field, as it is.
    """
    if re.match(r"[a-z_]+: ", said):
        return said
    names = re.findall(r"\.([A-Za-z_]+)", path)
    if unknown := _UNKNOWN.search(said):
        struct = _struct_at(path, fields)
        known = [] if struct is None else _keys(struct)
        return f"{said}{_meant(unknown[1], known)}; {_place(struct, names)} has: {', '.join(known)}"
    if missing := _MISSING.search(said):
        is_kind = missing[1] == "kind"
        return f"{said}{'; allowed: ' + ', '.join(_kinds()) if is_kind else ''}"
    field = names[-1] if names else ""
    if value := _VALUE.match(said):
        allowed = _kinds() if field == "kind" else _choices(path, fields)
        if allowed:
            word = value[1].strip("'")
            return f"{field}: {word!r} is none of {', '.join(allowed)}{_meant(word, allowed)}"
    return f"{field}: {said}" if field else said


def _meant(word: str, known: Iterable[str]) -> str:
    close = get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""


def _place(struct: Any, names: list[str]) -> str:
    if struct is None:
        return "it"
    if struct.tag is not None:
        return f"a scenario of kind {struct.tag!r}"
    return f"{names[-1]!r}" if names else "a plan"


def _keys(struct: Any) -> list[str]:
    tag = [] if struct.tag_field is None else [struct.tag_field]
    return [*tag, *(one.encode_name for one in struct.fields)]


def _kinds() -> list[str]:
    plan = msgspec.inspect.type_info(Plan)
    return [str(one.tag) for one in _structs(next(f.type for f in plan.fields if f.name == "scenario"))]  # type: ignore[attr-defined]


def _structs(kind: Any) -> list[Any]:
    """Return the structs that a type may be, through lists and unions."""
    if hasattr(kind, "fields"):
        return [kind]
    inner = list(getattr(kind, "types", ()))
    inner += [kind.item_type] if hasattr(kind, "item_type") else []
    return [struct for one in inner for struct in _structs(one)]


def _struct_at(path: str, fields: dict[str, Any]) -> Any:
    """Return the struct at a path of the plan: of scenarios that of its kind."""
    kind: Any = msgspec.inspect.type_info(Plan)
    value: Any = fields
    for name, index in _STEP.findall(path):
        if name:
            kind = next((one.type for one in getattr(kind, "fields", ()) if one.encode_name == name), None)
            value = value.get(name) if isinstance(value, dict) else None
        else:
            value = value[int(index)] if isinstance(value, list) and int(index) < len(value) else None
        structs = [] if kind is None else _structs(kind)
        if len(structs) == 1:
            kind = structs[0]
        elif structs and isinstance(value, dict):
            kind = next((one for one in structs if one.tag == value.get(one.tag_field)), None)
    return kind if hasattr(kind, "fields") else None


def _choices(path: str, fields: dict[str, Any]) -> list[str]:
    """Return the words that the field at a path may be."""
    parent, _, name = path.rpartition(".")
    struct = _struct_at(parent, fields)
    kind = next((one.type for one in getattr(struct, "fields", ()) if one.encode_name == name), None)
    for one in (kind, *getattr(kind, "types", ())):
        if hasattr(one, "values"):
            return [str(value) for value in one.values]
    return []
