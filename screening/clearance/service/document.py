"""The OpenAPI document, generated from the list of operations and the schemas of the records.

It ships beside this file; a test compares the two. To write it anew after a change::

    python -c "from screening.clearance.service.document import write_document; write_document()"
"""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterable
from http import HTTPStatus
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec

from screening.clearance.desk.checking import WANTED
from screening.records import SEALED, ClearanceDecision, Level
from screening.records.schema import generate_schema

from .answers import DecisionEntry
from .operations import JSON, NDJSON, OPERATIONS, SSE, Operation
from .problems import PROBLEM_TYPE, ProblemDetails, phrase_of

__all__ = ["DOCUMENT", "generate_document", "write_document"]

DOCUMENT = Path(__file__).parent / "openapi.json"

_REF = "#/components/schemas/{name}"
_ANY_PROBLEMS = (400, 422, 429, 500, 503)
_TOKEN_PROBLEMS = (401, 403)
_POSTED = "PostedRecord"

_DESCRIPTION = """\
Clearance of a site: acquisition PCs post sealed records, officers and systems read cases and decisions.
Whoever reads needs a bearer token. Every answer says in the header Screening-Mode whether the service
runs an exercise. Records are canonical JSON (RFC 8785); their bytes are what was sealed, and go through
unchanged."""


def generate_document() -> dict[str, Any]:
    """Return the OpenAPI document.

    Returns
    -------
    dict
        OpenAPI 3.1.
    """
    schemas = _schemas()
    paths: dict[str, Any] = {}
    for operation in OPERATIONS:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _describe(operation)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "screening clearance",
            "version": version("screening"),
            "description": _DESCRIPTION.replace("\n", " "),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def write_document(path: Path = DOCUMENT) -> None:
    """Write the document.

    Parameters
    ----------
    path : Path
        Where to.
    """
    text = json.dumps(generate_document(), indent=1, ensure_ascii=False) + "\n"
    path.write_bytes(text.encode())


def _schemas() -> dict[str, Any]:
    """Return the schemas of all records: those of the package as they ship, and the service's own."""
    schemas: dict[str, Any] = {}
    for name in sorted({*WANTED, "clearance/1", "treehead/1"}):
        schema = generate_schema(name)
        # "$ref": "#/$defs/X" of a record's own document is a component here.
        schemas.update(json.loads(json.dumps(schema["$defs"]).replace("#/$defs/", "#/components/schemas/")))
    own: list[Any] = [operation.answer for operation in OPERATIONS if operation.answer is not None]
    own += [operation.body for operation in OPERATIONS if isinstance(operation.body, type)]
    _, found = msgspec.json.schema_components([*own, ProblemDetails], ref_template=_REF)
    for name, schema in found.items():
        if name not in schemas:
            schemas[name] = _one_line(schema)
    schemas[DecisionEntry.__name__]["properties"]["record"] = _ref(ClearanceDecision.__name__)
    # What the records themselves check when they are read.
    schemas["RiskFlag"]["anyOf"] = [
        {"properties": {"level": {"const": Level.LOW.value}}},
        {"properties": {"reasons": {"minItems": 1}}},
    ]
    # What is nested in a record is read without its kind, too; the canonical form has it all the same.
    schemas["Targeting"]["required"].remove("schema")
    listed = {**schemas["Revocation"], "required": schemas["Revocation"]["required"][:]}
    listed["required"].remove("schema")
    schemas["ListedRevocation"] = listed
    schemas["RevocationList"]["properties"]["revocations"]["items"] = _ref("ListedRevocation")
    posted = {name: SEALED[name].__name__ for name in sorted(WANTED)}
    schemas[_POSTED] = {
        "description": "A sealed record, in canonical form.",
        "oneOf": [_ref(name) for name in posted.values()],
        "discriminator": {
            "propertyName": "schema",
            "mapping": {schema: _REF.format(name=name) for schema, name in posted.items()},
        },
    }
    return schemas


def _describe(operation: Operation) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "parameters": [*_path_parameters(operation), *_query_parameters(operation), *_headers(operation)],
        "responses": _responses(operation),
    }
    if operation.body == "records":
        described["requestBody"] = {
            "required": True,
            "content": {
                JSON: {"schema": _ref(_POSTED)},
                NDJSON: {"schema": {"type": "string", "description": "Records, one a line."}},
            },
        }
    elif operation.body is not None:
        described["requestBody"] = {
            "required": True,
            "content": {JSON: {"schema": _ref(operation.body.__name__)}},
        }
    if operation.scopes is None:
        described["security"] = []
    else:
        described["security"] = [{"token": sorted(operation.scopes)}]
    return described


def _responses(operation: Operation) -> dict[str, Any]:
    if operation.media == SSE:
        schema: dict[str, Any] = _EVENT
    elif operation.media != JSON:
        schema = {"type": "string"}
    elif operation.answer is None:
        schema = {"type": "object"}
    else:
        schema = _ref(operation.answer.__name__)
    responses: dict[str, Any] = {
        "200": {"description": "Done.", "content": {operation.media: {"schema": schema}}, "headers": _MODE}
    }
    problems = {*_ANY_PROBLEMS, *operation.problems}
    if operation.scopes is not None:
        problems.update(_TOKEN_PROBLEMS)
    for status in sorted(problems):
        content = {PROBLEM_TYPE: {"schema": _ref(ProblemDetails.__name__)}}
        headers = dict(_MODE)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            headers["Retry-After"] = {
                "required": True,
                "schema": {"type": "integer", "minimum": 1},
                "description": "Seconds.",
            }
        if status == HTTPStatus.UNAUTHORIZED:
            headers["WWW-Authenticate"] = {"required": True, "schema": {"type": "string"}}
        responses[str(status)] = {
            "description": phrase_of(status),
            "content": content,
            "headers": headers,
        }
    if operation.name == "get_health":
        # While a part fails, the state itself is the answer.
        responses["503"]["content"] = {JSON: {"schema": schema}}
    return responses


#: One event of the stream.
_EVENT = {
    "type": "object",
    "properties": {
        "id": {"type": "string", "pattern": "^[0-9]+$", "description": "Place in the ledger."},
        "event": {"const": "decision"},
        "data": {"type": "string", "description": "The canonical sealed decision."},
    },
}

_MODE: dict[str, Any] = {
    "Screening-Mode": {
        "required": True,
        "schema": {"enum": ["EXERCISE", "OPS"]},
        "description": "EXERCISE: nothing in the answer holds for cargo.",
    }
}


def _path_parameters(operation: Operation) -> Iterable[dict[str, Any]]:
    for name, kind in operation.path_types.items():
        yield {"name": name, "in": "path", "required": True, "schema": msgspec.json.schema(kind)}


def _query_parameters(operation: Operation) -> Iterable[dict[str, Any]]:
    hints = get_type_hints(operation.query, include_extras=True)
    for field in msgspec.structs.fields(operation.query):
        schema = _one_line(msgspec.json.schema(_without_unset(hints[field.name])))
        if field.default not in (msgspec.NODEFAULT, msgspec.UNSET):
            schema["default"] = field.default
        yield {
            "name": field.encode_name,
            "in": "query",
            "required": field.required,
            "schema": _inline(schema),
        }


def _headers(operation: Operation) -> Iterable[dict[str, Any]]:
    if operation.header is not None:
        name, kind = operation.header
        yield {"name": name, "in": "header", "required": False, "schema": msgspec.json.schema(kind)}


def _without_unset(kind: Any) -> Any:
    """Return a type without the value that stands for an absent parameter."""
    if get_origin(kind) is None or get_origin(kind) is Literal:
        return kind
    wanted = [part for part in get_args(kind) if part is not msgspec.UnsetType]
    return wanted[0] if len(wanted) == 1 and len(get_args(kind)) == 2 else kind


def _inline(schema: dict[str, Any]) -> dict[str, Any]:
    """Put a schema's only definition in the place of the reference to it."""
    definitions = schema.pop("$defs", {})
    name = schema.pop("$ref", "").rpartition("/")[2]
    return {**_one_line(definitions[name]), **schema} if name else schema


def _one_line(schema: dict[str, Any]) -> dict[str, Any]:
    if "description" in schema:
        schema = {**schema, "description": inspect.cleandoc(schema["description"]).partition("\n")[0]}
    if "enum" in schema:
        schema = {**schema, "enum": sorted(schema["enum"])}
    return schema


def _ref(name: str) -> dict[str, str]:
    return {"$ref": _REF.format(name=name)}
