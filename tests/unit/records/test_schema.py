from __future__ import annotations

import copy
import json
import math
from typing import Any

import jsonschema
import msgspec
import pytest

from screening.records import (
    Acceptance,
    Adjudication,
    AdvanceData,
    AdvanceRisk,
    AnomalyMeasurement,
    CalibrationRef,
    Case,
    CaseInputs,
    Category,
    ClearanceDecision,
    Conclusion,
    Consignment,
    ContainerBox,
    CountMeasurement,
    Crossing,
    CustodyEvent,
    Destuffing,
    Device,
    FlagClock,
    FlagGate,
    FlagModality,
    FlagPipeline,
    FlagQuality,
    FlagRef,
    FlagScores,
    Goods,
    IdentityRuling,
    ImageQuality,
    ImageRegion,
    InputRef,
    Journey,
    JourneyPoint,
    Level,
    Material,
    ModelRef,
    NuclideMeasurement,
    OperatingMode,
    Party,
    PolicyRef,
    RadiationMeasurements,
    RadiographMeasurements,
    Reason,
    ReasonCode,
    RegionKind,
    Remeasurement,
    RequiredStep,
    Revocation,
    RevocationList,
    RiskFlag,
    ScreeningReport,
    SealEvent,
    SealState,
    SecondaryInspection,
    Subject,
    Targeting,
    TargetingAssessment,
    TreeHead,
    UnreadInput,
    Validity,
    Verified,
    canonical_bytes,
    parse_strict,
)
from screening.records.codes import Action
from screening.records.schema import RECORDS, SCHEMA_FOLDER, file_name, generate_schema, write_schemas

T = "2026-03-01T12:00:00.000Z"
FLAG = RiskFlag(
    flag_id="a" * 64,
    scan_id="0190a000-0000-7000-8000-000000000001",
    site="TEST",
    lane=None,
    device=Device(make="m", detector="NaI"),
    operating_mode=OperatingMode.OPS,
    subject=Subject(container_id="CSQU3054383", id_source="OCR", check_digit_ok=True, ocr_confidence="0.9"),
    modality=FlagModality.RAD_GROSS,
    level=Level.HIGH,
    is_severe=False,
    reasons=(
        Reason(
            code=ReasonCode.RAD_GAMMA_NSIGMA,
            level=Level.HIGH,
            text="x",
            params={"n": "12.4"},
            niem_code="Gamma",
        ),
        Reason(code=ReasonCode.IMG_MANIFEST_MISMATCH, level=None, text="y"),
    ),
    scores=FlagScores(raw={"max_nsigma": "12.4"}, labels=("Cs-137",), ood_score="0.1"),
    quality=FlagQuality(gates=(FlagGate(name="speed", passed=True, value="2", limit="3"),), lost_records=0),
    calibration=CalibrationRef(),
    background_age_s=-5,
    clock=FlagClock(t_start=T, t_end=T),
    pipeline=FlagPipeline(
        version="0.1.0",
        kernel_isa="x86-64-v3",
        models=(ModelRef(name="n", sha256="b" * 64, card_sha256="c" * 64),),
        config_sha256="d" * 64,
        threshold_sha256="e" * 64,
    ),
    inputs=(InputRef(kind="scan", uri="x.n42", n_bytes=10, sha256="f" * 64),),
    created_at=T,
)
COUNTS = CountMeasurement(background_cps=200.0, max_cps=900.5, max_nsigma=12.4, alarm=True, contrast=None)
RADIATION = RadiationMeasurements(
    nuclides=(
        NuclideMeasurement(
            nuclide="Cs-137", categories=(Category.INDUSTRIAL,), confidence=0.98, net_counts=1234.0
        ),
    ),
    gamma=COUNTS,
    detection_limit_mbq_cs137=None,
    anomaly=AnomalyMeasurement(score=0.5, threshold=1.0),
)
PICTURE = RadiographMeasurements(
    shape=(512, 1024),
    containers=(ContainerBox(row0=0, col0=1, row1=2, col1=3, complete=True),),
    opaque_fraction=0.1,
    hideable_fraction=None,
    empty_probability=0.2,
    cargo_mass_kg=None,
    regions=(
        ImageRegion(
            kind=RegionKind.DENSE, row0=0, col0=0, row1=1, col1=1, score=0.5, material=Material.AMBIGUOUS
        ),
    ),
    quality=ImageQuality(
        air_sigma=0.01, dead_rows=(3, 4), lost_lines=0, saturated_fraction=0.0, masked_fraction=0.0
    ),
)
ADJUDICATION = Adjudication(
    officer_ref="o1", flag_id="a" * 64, code=4, basis="MEASUREMENT", at=T, instrument="RIID"
)
TARGETING = Targeting(container_id="CSQU3054383", level=Level.UNKNOWN, administration="CA", source="s", at=T)
EVENT = SealEvent(container_id="CSQU3054383", seal_id="S1", event="SEALED", at=T, key_id="k", signature="00")
REVOCATION = Revocation(what="MODEL", subject="f" * 64, at=T, reason="withdrawn", administration="CA")
EXAMPLES: dict[str, list[Any]] = {
    "riskflag/1": [FLAG],
    "screening/1": [
        ScreeningReport(
            path="x.n42",
            scan_id="s",
            modality="radiation",
            level=Level.HIGH,
            flags=(FLAG,),
            elapsed_ms=1.5,
            measurements=RADIATION,
        ),
        ScreeningReport(
            path="x.npy",
            scan_id="s",
            modality="radiograph",
            level=Level.LOW,
            flags=(),
            elapsed_ms=2.5,
            measurements=PICTURE,
        ),
        ScreeningReport(
            path="x.txt",
            scan_id=None,
            modality=None,
            level=Level.UNKNOWN,
            flags=(),
            elapsed_ms=0.1,
            error=UnreadInput(code=ReasonCode.INPUT_CORRUPT, text="x.txt: no"),
        ),
    ],
    "targeting/1": [TARGETING],
    "sealevent/1": [EVENT],
    "assessment/1": [TargetingAssessment(targeting=TARGETING, advance_sha256="a" * 64)],
    "conclusion/1": [Conclusion(container_id="CSQU3054383", adjudication=ADJUDICATION, administration="CA")],
    "secondary/1": [
        SecondaryInspection(
            container_id="CSQU3054383",
            concerns=("a" * 64,),
            method="HANDHELD",
            instrument="x y 1",
            officer_ref="o1",
            at=T,
            files=(InputRef(kind="n42", uri="x.n42", n_bytes=3, sha256="b" * 64),),
            nuclides=("K-40",),
        )
    ],
    "destuffing/1": [
        Destuffing(
            container_id="CSQU3054383",
            outcome="CLEAN",
            officer_ref="o1",
            second_officer_ref="o2",
            at=T,
            evidence=("c" * 64,),
        )
    ],
    "remeasurement/1": [
        Remeasurement(container_id="CSQU3054383", outcome="LOW", instrument="x y 1", officer_ref="o1", at=T)
    ],
    "identityruling/1": [
        IdentityRuling(
            scan_id="s", container_id="CSQU3054383", officer_ref="o1", at=T, basis="read again by eye"
        )
    ],
    "crossing/1": [
        Crossing(container_id="CSQU3054383", point="ENTRY", place="CAPRR", at=T, administration="CA")
    ],
    "journey/1": [
        Journey(
            container_id="CSQU3054383",
            seal_id="S1",
            origin="CAPRR",
            destination="USINL",
            departs_at=T,
            arrives_before=T,
            administration="CA",
            at=T,
            points=(JourneyPoint(place="CAWNP", not_after=T),),
            max_silence_s=86400,
        )
    ],
    "advancedata/1": [
        AdvanceData(
            container_id="CSQU3054383",
            bill="B1",
            at=T,
            administration="CA",
            parties=(Party(role="SHIPPER", hmac_sha256="d" * 64, country="JP"),),
            goods=(Goods(hs="690721", description="tiles", weight_kg=20000),),
            risks=(AdvanceRisk(administration="US", level=Level.LOW, source="s", at=T),),
        )
    ],
    "revocation/1": [REVOCATION],
    "revocationlist/1": [
        RevocationList(administration="CA", number=1, issued_at=T, next_update=T, revocations=(REVOCATION,))
    ],
    "treehead/1": [TreeHead(ledger_id="port", size=3, root="e" * 64, at=T)],
    "case/2": [
        Case(container_id="CSQU3054383"),
        Case(
            container_id="CSQU3054383",
            flags=(FLAG,),
            targeting=(TARGETING,),
            seal_events=(EVENT,),
            adjudications=(ADJUDICATION,),
            destuff="CLEAN",
            remeasured="LOW",
            has_moved=True,
        ),
    ],
    "clearance/1": [
        ClearanceDecision(
            decision_id="a" * 64,
            consignment=Consignment(container_id="CSQU3054383", seals=("S1",)),
            stage="ARRIVAL",
            risk=Level.HIGH,
            action=Action.HOLD,
            reason_codes=(ReasonCode.RAD_NEUTRON, ReasonCode.EXERCISE),
            inputs=CaseInputs(targeting=Level.LOW, image="SHIELDED", severe=True),
            policy=PolicyRef(id="p", version="1", sha256="b" * 64),
            required_steps=(RequiredStep(step="RADIATION", done=True, flag_ids=("a" * 64,)),),
            flags=(
                FlagRef(flag_id="a" * 64, sha256="c" * 64, modality=FlagModality.NEUTRON, level=Level.HIGH),
            ),
            seal=SealState(id="S1", custody=(CustodyEvent(t=T, status="SEALED"),)),
            validity=Validity(not_before=T, expires=T),
            is_exercise=True,
            decided_at=T,
            administration="CA",
            adjudications=(ADJUDICATION,),
            prev_hash="d" * 64,
        )
    ],
    "acceptance/1": [
        Acceptance(
            acceptance_id="a" * 64,
            decision_id="b" * 64,
            verified=Verified(
                signature=True,
                chain=True,
                models_allowed=False,
                calibration_valid=True,
                policy_equivalent=True,
            ),
            outcome="RE_EXAMINE",
            reasons=("model not allowed",),
            administration="US",
            at=T,
        )
    ],
}
EVERY = [(name, example) for name, examples in EXAMPLES.items() for example in examples]
SIGNED = [(name, example) for name, example in EVERY if name != "screening/1"]


def shipped(name: str) -> dict[str, Any]:
    return json.loads((SCHEMA_FOLDER / file_name(name)).read_bytes())


def complaints(name: str, document: Any) -> list[str]:
    validator = jsonschema.Draft202012Validator(shipped(name))
    return [error.message for error in validator.iter_errors(document)]


def test_the_shipped_schemas_are_those_of_the_records(tmp_path) -> None:
    written = write_schemas(tmp_path)
    assert {path.name for path in written} == {path.name for path in SCHEMA_FOLDER.glob("*.json")}
    for path in written:
        assert path.read_bytes() == (SCHEMA_FOLDER / path.name).read_bytes(), path.name


@pytest.mark.parametrize("name", RECORDS)
def test_every_schema_is_one_and_says_which(name) -> None:
    schema = shipped(name)
    jsonschema.Draft202012Validator.check_schema(schema)
    root = schema["$defs"][RECORDS[name].__name__]
    assert root["properties"]["schema"] == {"const": name}
    assert "schema" in root["required"]
    for definition in schema["$defs"].values():
        assert definition.get("additionalProperties") is False or "enum" in definition, definition["title"]


def test_every_record_has_examples() -> None:
    assert set(EXAMPLES) == set(RECORDS)


@pytest.mark.parametrize(("name", "record"), EVERY)
def test_records_are_valid_under_their_schema(name, record) -> None:
    document = json.loads(msgspec.json.encode(record))
    assert complaints(name, document) == []
    assert complaints(name, {**document, "schema": "other/1"})
    assert complaints(name, {**document, "unheard_of": 1})
    assert complaints(name, {key: value for key, value in document.items() if key != "schema"})


def test_measurements_are_exactly_one_of_the_two_kinds() -> None:
    document = json.loads(msgspec.json.encode(EXAMPLES["screening/1"][0]))
    for spoil in ({"unheard_of": 1}, {"gamma": 1}, {"shape": [1, 2]}):
        changed = copy.deepcopy(document)
        changed["measurements"].update(spoil)
        assert complaints("screening/1", changed), spoil
    assert complaints("screening/1", {**document, "measurements": []})
    assert complaints("screening/1", {**document, "level": "MEDIUM"})


def test_a_schema_is_generated_by_name_only() -> None:
    with pytest.raises(KeyError):
        generate_schema("riskflag/2")


@pytest.mark.parametrize(("name", "record"), SIGNED)
def test_signed_records_go_through_their_canonical_form(name, record) -> None:
    data = canonical_bytes(record)
    assert parse_strict(data, RECORDS[name]) == record
    assert canonical_bytes(parse_strict(data, RECORDS[name])) == data
    assert (
        json.dumps(json.loads(data), sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        == data
    )


@pytest.mark.parametrize(("name", "record"), EVERY)
def test_records_go_through_json(name, record) -> None:
    back = msgspec.json.decode(msgspec.json.encode(record), type=RECORDS[name])
    if name == "screening/1":
        assert msgspec.json.encode(back) == msgspec.json.encode(record)
    else:
        assert back == record


@pytest.mark.parametrize(("name", "record"), EVERY)
def test_records_are_frozen(name, record) -> None:
    for field in record.__struct_fields__:
        with pytest.raises(AttributeError):
            setattr(record, field, None)


def test_a_report_may_hold_what_a_signed_record_may_not() -> None:
    assert math.isclose(json.loads(msgspec.json.encode(RADIATION))["nuclides"][0]["confidence"], 0.98)
