"""JSON Schemas of the records that leave the program, generated from their types.

The schemas ship beside the records; a test compares them with what is generated here. To write them
anew after a change of a record::

    python -c "from screening.records.schema import write_schemas; write_schemas()"
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from .case import Case
from .clearance import Targeting
from .findings import RadiationMeasurements, RadiographMeasurements
from .result import ScreeningReport
from .sealed import SEALED

__all__ = ["RECORDS", "SCHEMA_FOLDER", "file_name", "generate_schema", "write_schemas"]

#: Where the schemas ship.
SCHEMA_FOLDER = Path(__file__).parent / "schemas"

#: Record of each schema name.
RECORDS: Mapping[str, type[msgspec.Struct]] = MappingProxyType(
    {
        **SEALED,
        "case/2": Case,
        "screening/1": ScreeningReport,
        "targeting/1": Targeting,
    }
)

_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_REF = "#/$defs/{name}"


def generate_schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema of a record.

    Parameters
    ----------
    name : str
        Schema name ("riskflag/1").

    Returns
    -------
    dict
        JSON Schema, draft 2020-12.

    Raises
    ------
    KeyError
        If there is no such record.
    """
    record = RECORDS[name]
    # The two kinds of measurements ride along: the report's own field cannot be typed as their union,
    # which msgspec takes only of tagged records.
    (root, *_), definitions = msgspec.json.schema_components(
        (record, RadiationMeasurements, RadiographMeasurements) if record is ScreeningReport else (record,),
        ref_template=_REF,
    )
    if record is ScreeningReport:
        kinds = [_REF.format(name=kind.__name__) for kind in (RadiationMeasurements, RadiographMeasurements)]
        measurements = {"anyOf": [{"$ref": kind} for kind in kinds] + [{"type": "null"}], "default": None}
        definitions[record.__name__]["properties"]["measurements"] = measurements
    for definition in definitions.values():
        _tidy(definition)
    return {
        "$schema": _DIALECT,
        "$id": f"urn:screening:{name}",
        **root,
        "$defs": dict(sorted(definitions.items())),
    }


def file_name(name: str) -> str:
    """Return the file name of a schema.

    Parameters
    ----------
    name : str
        Schema name ("riskflag/1").

    Returns
    -------
    str
        "riskflag-1.json".
    """
    return name.replace("/", "-") + ".json"


def write_schemas(folder: Path = SCHEMA_FOLDER) -> list[Path]:
    """Write the schemas of all records.

    Parameters
    ----------
    folder : Path
        Where to; made if it does not exist.

    Returns
    -------
    list of Path
        The files.
    """
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for name in RECORDS:
        path = folder / file_name(name)
        path.write_bytes((json.dumps(generate_schema(name), indent=2, ensure_ascii=False) + "\n").encode())
        written.append(path)
    return written


def _tidy(definition: dict[str, Any]) -> None:
    """Keep the first line of a docstring, sort what has no order, and make every record say what it is."""
    if "description" in definition:
        definition["description"] = inspect.cleandoc(definition["description"]).partition("\n")[0]
    if "enum" in definition:
        definition["enum"] = sorted(definition["enum"])
    named = definition.get("properties", {}).get("schema", {}).get("enum")
    if named is not None:
        # The reader takes a record without it, but whoever writes one says what it is.
        definition["properties"]["schema"] = {"const": named[0]}
        definition["required"] = [*definition["required"], "schema"]
