"""Whatever a case holds: bad evidence never lowers its risk, and LOW rests on sealed, fresh evidence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from screening.clearance import KeyRing, Signer, decide, default_policy, weigh
from screening.clearance.table import Outcome
from screening.records import (
    Adjudication,
    CalibrationRef,
    Case,
    Device,
    FlagClock,
    FlagModality,
    FlagPipeline,
    FlagQuality,
    FlagScores,
    Level,
    OperatingMode,
    Reason,
    ReasonCode,
    RiskFlag,
    SealEvent,
    Subject,
    Targeting,
    content_id,
    utc_string,
)
from screening.risk import LEVEL_OF_CODE, level_of

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
BOX = "CSQU3054383"
SIGNER = Signer(Ed25519PrivateKey.from_private_bytes(b"o" * 32), "ops")
STRANGER = Signer(Ed25519PrivateKey.from_private_bytes(b"x" * 32), "ops")
KEYS = KeyRing([SIGNER.public])
POLICY = default_policy()


def ago(**passed: float) -> str:
    return str(utc_string(NOW - timedelta(**passed)))


def make_flag(modality: str, code: str | None, hours: float, signer: Signer | None) -> RiskFlag:
    reasons = (
        ()
        if code is None
        else (Reason(code=ReasonCode(code), level=LEVEL_OF_CODE[ReasonCode(code)], text="x"),)
    )
    flag = RiskFlag(
        flag_id="",
        scan_id=f"{modality} {code} {hours}",
        site=None,
        lane=None,
        device=Device(),
        operating_mode=OperatingMode.OPS,
        subject=Subject(container_id=BOX),
        modality=FlagModality(modality),
        level=level_of(reasons),
        is_severe=code == "RAD_NEUTRON",
        reasons=reasons,
        scores=FlagScores(),
        quality=FlagQuality(),
        calibration=CalibrationRef(),
        background_age_s=None,
        clock=FlagClock(),
        pipeline=FlagPipeline(
            version="0", kernel_isa="b", models=(), config_sha256="c", threshold_sha256="d"
        ),
        inputs=(),
        created_at=ago(hours=hours),
    )
    flag = msgspec.structs.replace(flag, flag_id=content_id(flag, without=("flag_id", "key_id", "signature")))
    return flag if signer is None else signer.seal(flag)


def make_event(kind: str, minutes: int, is_signed: bool) -> SealEvent:
    event = SealEvent(container_id=BOX, seal_id="S", event=kind, at=ago(minutes=minutes))
    return SIGNER.seal(event) if is_signed else event


PALETTE = [
    make_flag(modality, code, hours, signer)
    for modality, codes in {
        "RAD_GROSS": (None, "RAD_GAMMA_NSIGMA", "Q_SPEED"),
        "NEUTRON": (None, "RAD_NEUTRON"),
        "XRAY": (None, "IMG_SHIELDED", "IMG_DENSE", "IMG_ANOMALY"),
    }.items()
    for code in codes
    for hours in (0.5, 48)
    for signer in (SIGNER, STRANGER, None)
]
GOOD = [flag for flag in PALETTE if flag.key_id == SIGNER.key_id and flag.created_at == ago(hours=0.5)]

flags = st.lists(st.sampled_from(PALETTE), max_size=2, unique_by=lambda flag: flag.flag_id + str(flag.key_id))
good_flags = st.lists(st.sampled_from(GOOD), max_size=4, unique_by=lambda flag: flag.flag_id)
events = st.lists(
    st.builds(
        make_event,
        st.sampled_from(["SEALED", "READ", "ARRIVED", "GAP", "UNSEALED"]),
        st.integers(0, 90),
        st.booleans(),
    ),
    max_size=3,
)
sealed = make_event("SEALED", 100, True)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    held = (*draw(good_flags), *draw(flags))
    concluded = tuple(
        Adjudication(
            officer_ref="o1",
            flag_id=flag.flag_id,
            code=draw(st.sampled_from([3, 4, 6, 7, 11])),
            basis=draw(st.sampled_from(["PAPER", "MEASUREMENT"])),
            at=ago(minutes=5),
            instrument="riid",
            second_officer_ref=draw(st.sampled_from([None, "o2"])),
        )
        for flag in held
        if draw(st.booleans())
    )
    levels = draw(st.lists(st.sampled_from(list(Level)), max_size=2))
    return Case(
        container_id=BOX,
        flags=held,
        targeting=tuple(
            Targeting(container_id=BOX, level=level, administration=str(i), source="s", at=ago(hours=1))
            for i, level in enumerate(levels)
        ),
        seal_events=(sealed, *draw(events)),
        adjudications=concluded,
        destuff=draw(st.sampled_from([None, None, "CLEAN"])),
        remeasured=draw(st.sampled_from([None, "LOW", "NOT_LOW"])),
        has_moved=draw(st.sampled_from([False, False, True, None])),
    )


def outcome(case: Case) -> Outcome:
    return decide(weigh(case, now=NOW, policy=POLICY, keys=KEYS).inputs)


quick = settings(
    max_examples=150, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)


@quick
@given(cases(), st.sampled_from([flag for flag in PALETTE if flag.level is not Level.LOW]))
def test_one_more_doubt_or_alarm_never_lowers_the_risk(case: Case, flag: RiskFlag) -> None:
    more = msgspec.structs.replace(case, flags=(*case.flags, flag))
    assert outcome(more).risk.rank >= outcome(case).risk.rank


@quick
@given(cases(), st.sampled_from(PALETTE))
def test_taking_a_signature_off_never_lowers_the_risk_to_low(case: Case, flag: RiskFlag) -> None:
    case = msgspec.structs.replace(case, flags=(*case.flags, flag))
    bare = msgspec.structs.replace(flag, key_id=None, signature=None)
    stripped = msgspec.structs.replace(case, flags=tuple(bare if one == flag else one for one in case.flags))
    if outcome(case).risk is not Level.LOW:
        assert outcome(stripped).risk is not Level.LOW


@quick
@given(cases(), st.sampled_from(["BROKEN", "TAMPER"]), st.booleans())
def test_a_broken_seal_holds_whatever_was_concluded(case: Case, kind: str, is_signed: bool) -> None:
    event = make_event(kind, 1, is_signed)
    broken = msgspec.structs.replace(case, seal_events=(*case.seal_events, event))
    assert outcome(broken)[:2] == (Level.HIGH, "HOLD")


@quick
@given(cases(), st.sampled_from([1, 2, 10]))
def test_an_illicit_finding_holds(case: Case, code: int) -> None:
    found = Adjudication(officer_ref="o", flag_id="any", code=code, basis="PAPER", at=ago(minutes=1))
    assert outcome(msgspec.structs.replace(case, adjudications=(*case.adjudications, found))).action == "HOLD"


@quick
@given(cases())
def test_time_alone_never_clears(case: Case) -> None:
    later = decide(weigh(case, now=NOW + timedelta(days=10), policy=POLICY, keys=KEYS).inputs)
    assert later.risk is not Level.LOW
    assert later.risk.rank >= min(outcome(case).risk.rank, Level.UNKNOWN.rank)


@quick
@given(cases())
def test_low_rests_on_sealed_fresh_evidence(case: Case) -> None:
    if outcome(case).risk is Level.LOW:
        fresh = [f for f in case.flags if f.key_id == SIGNER.key_id and f.created_at == ago(hours=0.5)]
        assert any(f.modality is FlagModality.RAD_GROSS for f in fresh)
        assert case.targeting
        radiation = [f for f in case.flags if f.modality is not FlagModality.XRAY]
        assert all(f.key_id == SIGNER.key_id for f in radiation)
        pictures = [f for f in case.flags if f.modality is FlagModality.XRAY]
        assert case.destuff == "CLEAN" or all(f.level is Level.LOW for f in pictures)
        not_low = [f.flag_id for f in radiation if f.level is not Level.LOW]
        is_remeasured = case.destuff == "CLEAN" and case.remeasured == "LOW"
        assert is_remeasured or {a.flag_id for a in case.adjudications} >= set(not_low)


def test_the_cases_reach_every_kind_of_outcome() -> None:
    """Properties of cases that were never LOW would say nothing."""
    seen: set[str] = set()

    @settings(max_examples=400, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
    @given(cases())
    def collect(case: Case) -> None:
        seen.add(outcome(case).action)

    collect()
    assert {"CLEARED_FOR_DEPARTURE", "REFER_SECONDARY_RAD", "REFER_NII", "REFER_DESTUFF", "HOLD"} <= seen
