"""docs/plans.md holds the keys that the structs have, and its examples are allowed."""

from __future__ import annotations

import inspect
import re
import tomllib

import msgspec
import pytest

from screening.evaluate.plans import parse_plan
from screening.evaluate.plans.image_scenarios import ImageScenario, IndicatorScenario, MeasuredScenario
from screening.evaluate.plans.portal_scenarios import BenignScenario, Shield, Source, SourceScenario
from screening.evaluate.plans.quantities import UNITS
from screening.evaluate.plans.scenario import Scenario
from screening.evaluate.plans.schema import PlanHeader

TABLES = {
    "`[plan]`": PlanHeader,
    "Every scenario": Scenario,
    "Kind `source`": SourceScenario,
    "`sources`": Source,
    "`shielding`": Shield,
    "Kind `benign`": BenignScenario,
    "Kind `image`": ImageScenario,
    "Kind `indicator`": IndicatorScenario,
    "Kind `measured`": MeasuredScenario,
}


def described(struct):
    """Return what the docstring says of each field, in Markdown."""
    text = inspect.getdoc(struct).partition("Attributes\n----------\n")[2]
    found = {}
    for names, body in re.findall(r"^(\w[^\n]*?) : [^\n]*\n((?:    [^\n]*\n?)+)", text, re.MULTILINE):
        said = " ".join(body.split()).replace("``", "`")
        found |= {name.strip(): said for name in names.split(",")}
    return found


def value_of(kind):
    """Return what may stand behind a key."""
    types = [one for one in getattr(kind, "types", (kind,)) if not isinstance(one, msgspec.inspect.NoneType)]
    words = {
        "StrType": "text",
        "IntType": "number",
        "FloatType": "number",
        "DictType": "table",
        "ListType": "list",
        "VarTupleType": "list",
    }
    return " or ".join(
        ", ".join(f"`{value}`" for value in one.values)
        if hasattr(one, "values")
        else words[type(one).__name__]
        for one in types
    )


def default_of(field):
    """Return the default as TOML would give it; "needed" without one."""
    if field.required:
        return "needed"
    if field.default_factory is not msgspec.NODEFAULT:
        return ""
    value = field.default
    if value is None or value in ("", ()):
        return ""
    return f"`{list(value) if isinstance(value, tuple) else value}`".replace("'", '"')


def keys_table(struct):
    """Return the table of the keys of a struct that its base has not."""
    base = () if struct in (PlanHeader, Source, Shield, Scenario) else Scenario.__struct_fields__
    said = described(struct)
    lines = ["| key | value | default | what |", "|---|---|---|---|"]
    lines += [
        f"| `{field.name}` | {value_of(field.type)} | {default_of(field)} | {said[field.name]} |"
        for field in msgspec.inspect.type_info(struct).fields
        if field.name not in base
    ]
    return "\n".join(lines)


def units_table():
    lines = ["| quantity | units |", "|---|---|"]
    return "\n".join(
        [*lines, *(f"| {kind} | {', '.join(f'`{u}`' for u in units)} |" for kind, units in UNITS.items())]
    )


@pytest.fixture
def page(repository):
    return (repository / "docs" / "plans.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("title", list(TABLES))
def test_the_keys_are_those_of_the_structs(title, page):
    assert f"**{title}**\n\n{keys_table(TABLES[title])}\n" in page


def test_the_units_are_those_that_are_read(page):
    assert units_table() in page


def test_the_example_is_a_plan_with_a_scenario_of_each_kind(page):
    (text,) = re.findall(r"```toml\n(.*?)```", page, re.DOTALL)
    parse_plan(text)
    kinds = {one["kind"] for one in tomllib.loads(text)["scenario"]}
    assert kinds == {one.__struct_config__.tag for title, one in TABLES.items() if title.startswith("Kind")}
