"""The OpenAPI document ships as it is generated, and speaks of everything the service does."""

from __future__ import annotations

import json

import jsonschema
import pytest

from screening.clearance.desk.checking import WANTED
from screening.clearance.service.document import DOCUMENT, generate_document
from screening.clearance.service.handlers import HANDLERS
from screening.clearance.service.operations import OPERATIONS
from screening.records import SEALED


def test_the_document_ships_as_it_is_generated() -> None:
    assert json.loads(DOCUMENT.read_text(encoding="utf-8")) == generate_document()


def test_every_operation_is_handled_and_described() -> None:
    assert {operation.name for operation in OPERATIONS} == set(HANDLERS)
    described = {
        entry["operationId"] for path in generate_document()["paths"].values() for entry in path.values()
    }
    assert described == set(HANDLERS)


def test_every_reference_leads_somewhere() -> None:
    document = generate_document()
    text = json.dumps(document)
    names = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert names <= set(document["components"]["schemas"])


@pytest.mark.parametrize("kind", sorted(WANTED))
def test_the_records_that_are_taken_are_the_ones_described(kind: str) -> None:
    schemas = generate_document()["components"]["schemas"]
    posted = schemas["PostedRecord"]["discriminator"]["mapping"]
    assert set(posted) == WANTED
    assert posted[kind].endswith(SEALED[kind].__name__)
    jsonschema.Draft202012Validator.check_schema(schemas[SEALED[kind].__name__])
