"""A case is a function of the set of its records, and bad news never lowers what follows from it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import sha256
from typing import Any, TypeVar

import msgspec
import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from screening.clearance import KeyRing, WeighedCase, decide, default_policy, join_case, weigh
from screening.clearance.table import DOMAINS
from screening.clearance.whole_table import WholeTable, lay_out
from screening.records import (
    Adjudication,
    AdvanceData,
    AdvanceRisk,
    CalibrationRef,
    Case,
    Conclusion,
    Crossing,
    Destuffing,
    Device,
    Evidence,
    FlagClock,
    FlagModality,
    FlagPipeline,
    FlagQuality,
    FlagScores,
    Goods,
    Journey,
    JourneyPoint,
    Level,
    OperatingMode,
    Reason,
    ReasonCode,
    Remeasurement,
    RiskFlag,
    SealEvent,
    SecondaryInspection,
    Subject,
    Targeting,
    TargetingAssessment,
    canonical_bytes,
    sha256_hex,
    utc_string,
)
from screening.risk import LEVEL_OF_CODE, level_of

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
BOX = "CSQU3054383"
POLICY = default_policy()
POLICIES = (
    POLICY,
    msgspec.structs.replace(POLICY, second_person="always", needs_secondary_record=True),
    msgspec.structs.replace(POLICY, norm_low=True, needs_advance_data=True),
)
R = TypeVar("R", bound=msgspec.Struct)

#: Minutes before NOW; few of them, so that times tie often. One is far in the future.
ticks = st.sampled_from([100, 90, 80, 70, 60, 50, 40, 30, 20, 10, 0, -30])
places = st.sampled_from(["CAPRR", "CAPRR", "CAWNP", None])
trust = st.sampled_from([True, True, True, True, True, False])


def at(minutes: int) -> str:
    return str(utc_string(NOW - timedelta(minutes=minutes)))


def sealed(record: R, is_trusted: bool = True) -> R:
    """Under the key that the test trusts, or under another; no curve is needed for that."""
    mark = sha256(canonical_bytes(record)).hexdigest()
    return msgspec.structs.replace(record, key_id="trusted" if is_trusted else "stranger", signature=mark)


def is_trusted(record: Evidence) -> bool:
    return record.key_id == "trusted"


def make_flag(
    modality: str,
    codes: Iterable[str],
    minutes: int,
    name: str = "",
    number: str | None = BOX,
    **changes: Any,
) -> RiskFlag:
    reasons = tuple(
        Reason(code=ReasonCode(code), level=LEVEL_OF_CODE[ReasonCode(code)], text="x") for code in codes
    )
    label = f"{modality} {[*codes]} {minutes} {name}"
    flag = RiskFlag(
        flag_id=sha256(label.encode()).hexdigest(),
        scan_id=f"scan {label}",
        site=changes.pop("site", "CAPRR"),
        lane=None,
        device=Device(),
        operating_mode=OperatingMode.OPS,
        subject=Subject(container_id=number),
        modality=FlagModality(modality),
        level=level_of(reasons),
        is_severe="RAD_NEUTRON" in codes,
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
        created_at=at(minutes),
    )
    return msgspec.structs.replace(flag, **changes)


def make_event(kind: str, minutes: int, place: str | None = None, seal_id: str = "S1") -> SealEvent:
    return SealEvent(container_id=BOX, seal_id=seal_id, event=kind, at=at(minutes), place=place)


def make_destuffing(outcome: str, minutes: int, second: str | None = None, place: str | None = None) -> Any:
    return Destuffing(
        container_id=BOX,
        outcome=outcome,
        officer_ref="o1",
        at=at(minutes),
        second_officer_ref=second,
        place=place,
    )


def conclude_on(flag_id: str, code: int, minutes: int, **changes: Any) -> Conclusion:
    made = Adjudication(
        officer_ref="o1",
        flag_id=flag_id,
        code=code,
        basis=changes.pop("basis", "MEASUREMENT"),
        at=at(minutes),
        instrument="riid",
        **changes,
    )
    return Conclusion(container_id=BOX, adjudication=made, administration="CA")


def assess(level: str, minutes: int, administration: str = "CA") -> TargetingAssessment:
    made = Targeting(
        container_id=BOX, level=Level(level), administration=administration, source="s", at=at(minutes)
    )
    return TargetingAssessment(targeting=made)


FLAGS = [
    (modality, codes)
    for modality, many in {
        "RAD_GROSS": ((), (), ("RAD_GAMMA_NSIGMA",), ("Q_SPEED",)),
        "NEUTRON": ((), ("RAD_NEUTRON",)),
        "XRAY": ((), (), ("IMG_SHIELDED",), ("IMG_DENSE",), ("IMG_ANOMALY",)),
        "SEAL": ((), ("SEAL_FAULT",)),
        "TARGETING": ((),),
    }.items()
    for codes in many
]
any_flags = st.builds(
    lambda kind, minutes, site, name: make_flag(*kind, minutes, name, site=site),
    st.sampled_from(FLAGS),
    ticks,
    places,
    st.sampled_from(["", "b"]),
)
any_events = st.builds(
    make_event,
    st.sampled_from(
        ["SEALED", "SEALED", "READ", "ARRIVED", "GAP", "BROKEN", "UNSEALED", "LOW_BATTERY", "FAULT", "SHOCK"]
    ),
    ticks,
    places,
    st.sampled_from(["S1", "S1", "S2"]),
)
any_destuffings = st.builds(
    make_destuffing,
    st.sampled_from(["CLEAN", "CLEAN", "CLEAN", "FOUND"]),
    ticks,
    st.sampled_from([None, "o1", "o2"]),
    places,
)
any_crossings = st.builds(
    lambda point, place, minutes: Crossing(
        container_id=BOX, point=point, place=place, at=at(minutes), administration="CA"
    ),
    st.sampled_from(["ENTRY", "DEPARTURE", "ARRIVAL", "EXIT"]),
    st.sampled_from(["CAPRR", "CAWNP"]),
    ticks,
)
any_assessments = st.builds(
    assess, st.sampled_from(["LOW", "LOW", "UNKNOWN", "HIGH"]), ticks, st.sampled_from(["CA", "US"])
)
any_journeys = st.builds(
    lambda seal_id, minutes, silence: Journey(
        container_id=BOX,
        seal_id=seal_id,
        origin="CAPRR",
        destination="USINL",
        departs_at=at(75),
        arrives_before=at(5),
        administration="CA",
        at=at(minutes),
        points=(JourneyPoint(place="CAWNP"),),
        max_silence_s=silence,
    ),
    st.sampled_from(["S1", "S2"]),
    ticks,
    st.sampled_from([None, 1800]),
)
any_declarations = st.builds(
    lambda minutes, administration, level, of: AdvanceData(
        container_id=BOX,
        bill="B",
        at=at(minutes),
        administration=administration,
        risks=(AdvanceRisk(administration=of, level=Level(level), source="s", at=at(minutes)),),
    ),
    ticks,
    st.sampled_from(["CA", "US"]),
    st.sampled_from(["LOW", "HIGH"]),
    st.sampled_from(["CA", "US"]),
)


LEAVES = (assess("LOW", 100), make_event("SEALED", 60, "CAPRR"), make_flag("RAD_GROSS", (), 30, "c"))
EXAMINED = (
    assess("LOW", 100),
    make_event("SEALED", 100),
    make_flag("RAD_GROSS", (), 90, "b"),
    make_event("GAP", 80),
    make_event("SEALED", 40, seal_id="S2"),
    make_flag("RAD_GROSS", (), 30, "c"),
)
BEGINNINGS: tuple[tuple[Evidence, ...], ...] = (
    (),
    LEAVES,
    (*LEAVES, make_event("ARRIVED", 10)),
    (*EXAMINED, make_flag("XRAY", (), 60)),
    (*EXAMINED, make_destuffing("CLEAN", 60, "o2")),
    (*EXAMINED, make_destuffing("CLEAN", 60, "o2"), make_event("ARRIVED", 10, seal_id="S2")),
    (*LEAVES, make_flag("NEUTRON", ("RAD_NEUTRON",), 90), make_destuffing("CLEAN", 70, "o2")),
)


@st.composite
def record_sets(draw: st.DrawFn) -> list[Evidence]:
    """What is held of a box: often all that a LOW takes, with something else in between."""
    held: list[Evidence] = [*draw(st.sampled_from(BEGINNINGS))]
    if draw(st.booleans()):
        held += [make_flag("XRAY", (), draw(ticks)), make_event("SEALED", draw(ticks), "CAPRR")]
    several = st.lists(
        st.one_of(
            any_flags,
            any_events,
            any_events,
            any_destuffings,
            any_crossings,
            any_assessments,
            any_journeys,
            any_declarations,
        ),
        max_size=4,
    )
    held = [sealed(record, draw(trust)) for record in (*held, *draw(several))]
    for flag in [one for one in held if isinstance(one, RiskFlag)]:
        if flag.level is Level.LOW or not draw(st.booleans()):
            continue
        evidence: tuple[str, ...] = ()
        if draw(st.booleans()):
            measured = sealed(
                SecondaryInspection(
                    container_id=BOX,
                    concerns=(flag.flag_id,),
                    method="HANDHELD",
                    instrument="riid",
                    officer_ref="o1",
                    at=at(draw(ticks)),
                    flag_ids=tuple(
                        one.flag_id for one in draw(st.lists(st.sampled_from(_flags(held)), max_size=1))
                    ),
                )
            )
            held.append(measured)
            evidence = (sha256_hex(canonical_bytes(measured)),)
        held.append(
            sealed(
                conclude_on(
                    flag.flag_id,
                    draw(st.sampled_from([4, 4, 7, 11])),
                    draw(ticks),
                    basis=draw(st.sampled_from(["MEASUREMENT", "PAPER"])),
                    evidence=evidence,
                    second_officer_ref=draw(st.sampled_from([None, "o2"])),
                ),
                draw(trust),
            )
        )
    if draw(st.booleans()) and _flags(held):
        measured_after = Remeasurement(
            container_id=BOX,
            outcome=draw(st.sampled_from(["LOW", "LOW", "NOT_LOW"])),
            instrument="riid",
            officer_ref="o1",
            at=at(draw(ticks)),
            flag_ids=(draw(st.sampled_from(_flags(held))).flag_id,),
        )
        held.append(sealed(measured_after, draw(trust)))
    return held


def _flags(held: Iterable[Evidence]) -> list[RiskFlag]:
    return [one for one in held if isinstance(one, RiskFlag)]


bad_flags = st.builds(
    lambda kind, minutes, number: make_flag(*kind, minutes, "bad", number),
    st.sampled_from(
        [
            ("RAD_GROSS", ("RAD_GAMMA_NSIGMA",)),
            ("NEUTRON", ("RAD_NEUTRON",)),
            ("RAD_SPECTRAL", ("RAD_NUCLIDE_SNM",)),
            ("XRAY", ("IMG_THREAT",)),
            ("SEAL", ("SEAL_BROKEN",)),
        ]
    ),
    ticks,
    st.sampled_from([BOX, BOX, None, "MWCU6059784"]),
)
doubts = st.builds(
    lambda kind, minutes: make_flag(*kind, minutes, "doubt"),
    st.sampled_from(
        [("XRAY", ("IMG_SHIELDED",)), ("XRAY", ("IMG_ANOMALY",)), ("RAD_GROSS", ("Q_COVERAGE",))]
    ),
    ticks,
)
bad_news = st.one_of(
    st.builds(
        make_event,
        st.sampled_from(
            ["TAMPER", "BROKEN", "GAP", "ROUTE_DEVIATION", "FAULT", "LOW_BATTERY", "SHOCK", "UNSEALED"]
        ),
        ticks,
        places,
        st.sampled_from(["S1", "S2"]),
    ),
    st.builds(
        lambda made: msgspec.structs.replace(made, at="some time"),
        st.builds(make_event, st.sampled_from(["TAMPER", "GAP"]), ticks),
    ),
    bad_flags,
    any_crossings,
    st.builds(make_destuffing, st.just("FOUND"), ticks),
    st.builds(conclude_on, st.just("any"), st.sampled_from([1, 2, 10]), ticks),
    st.builds(assess, st.just("HIGH"), ticks, st.sampled_from(["CA", "US", "XX"])),
)


def join(records: Iterable[Evidence], stage: Any = "DEPARTURE", apart: Iterable[Evidence] = ()) -> Case:
    return join_case(BOX, records, now=NOW, stage=stage, is_trusted=is_trusted, doubtful_scans=apart)


@lru_cache(maxsize=1)
def whole_table() -> WholeTable:
    return lay_out(decide)


def look(case: Case, policy: Any = POLICY) -> WeighedCase:
    return weigh(case, now=NOW, policy=policy, keys=KeyRing(), is_trusted=is_trusted)


def rank(case: Case, policy: Any = POLICY) -> int:
    return decide(look(case, policy).inputs).risk.rank


def examples(n: int) -> Callable[..., Any]:
    quiet = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much]
    return settings(max_examples=n, deadline=None, derandomize=True, suppress_health_check=quiet)


stages = st.sampled_from(["DEPARTURE", "ARRIVAL"])


@examples(80)
@given(record_sets(), st.randoms(use_true_random=False), stages)
def test_order_and_repetition_make_no_difference(records: list[Evidence], chance: Any, stage: Any) -> None:
    once = join(records, stage)
    again = [*records, *chance.choices(records, k=len(records))] if records else []
    chance.shuffle(again)
    case = join(again, stage)
    assert case == once
    assert canonical_bytes(case) == canonical_bytes(once)
    assert look(case) == look(once)


@examples(80)
@given(record_sets(), record_sets(), st.randoms(use_true_random=False))
def test_two_senders_interleave_as_they_like(one: list[Evidence], other: list[Evidence], chance: Any) -> None:
    left, right, mixed = list(one), list(other), []
    while left or right:
        mixed.append((left if left and (not right or chance.random() < 0.5) else right).pop(0))
    assert join(mixed) == join([*other, *one])


@examples(300)
@given(record_sets(), bad_news, trust, stages, st.sampled_from(POLICIES))
def test_bad_news_never_lowers_the_risk_whenever_it_comes(
    records: list[Evidence], news: Evidence, is_signed: bool, stage: Any, policy: Any
) -> None:
    # A flag that nobody signed says nothing, not even that it is HIGH; the desk refuses it.
    signed = sealed(news, is_signed or isinstance(news, RiskFlag))
    before, after = join(records, stage), join([*records, signed], stage)
    # An alarm is a screening too: where there was none, it may be answered by what is on record already.
    assume(not is_gamma(signed) or look(before, policy).inputs.radiation is not None)
    assert rank(after, policy) >= rank(before, policy)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("radiation", Level.LOW),
        ("image", "LOW"),
        ("destuff", "CLEAN"),
        ("remeasured", "LOW"),
        ("adjudication", "INNOCENT_MEASURED"),
        ("adjudication", "INNOCENT_PAPER"),
        ("adjudication", "INCONCLUSIVE"),
    ],
)
def test_what_was_low_before_the_trouble_may_be_dropped_under_every_combination(
    name: str, value: str
) -> None:
    """That is what a fold does that lets it count no more: the table must not make a gain of it."""
    risk = whole_table().risk
    axis, values = list(DOMAINS).index(name), DOMAINS[name]
    with_it, without = (np.take(risk, values.index(one), axis) for one in (value, None))
    assert (without >= with_it).all()


@examples(80)
@given(record_sets(), doubts, stages)
def test_a_doubt_never_clears(records: list[Evidence], doubt: Evidence, stage: Any) -> None:
    before, after = join(records, stage), join([*records, sealed(doubt)], stage)
    assume(not is_gamma(doubt) or look(before).inputs.radiation is not None)
    assert rank(after) > 0 or rank(before) == 0


@examples(80)
@given(record_sets(), bad_flags, stages)
def test_a_scan_kept_apart_makes_its_candidates_at_least_unknown(
    records: list[Evidence], flag: RiskFlag, stage: Any
) -> None:
    doubtful = sealed(flag)
    assert doubtful in join(records, stage, apart=[doubtful]).doubtful_scans
    after = decide(look(join(records, stage, apart=[doubtful])).inputs)
    is_answered = look(join(records, stage, apart=[doubtful])).inputs.remeasured == "LOW"
    is_opened = look(join(records, stage, apart=[doubtful])).inputs.destuff == "CLEAN"
    if not (is_answered or (is_opened and flag.modality is FlagModality.XRAY)):
        assert after.risk is not Level.LOW


@examples(60)
@given(record_sets(), st.lists(st.sampled_from(["2501", "690721", "2844", "8703"]), max_size=3), stages)
def test_declared_goods_weigh_nothing(records: list[Evidence], headings: list[str], stage: Any) -> None:
    def declared(goods: list[str]) -> Evidence:
        made = AdvanceData(
            container_id=BOX,
            bill="B",
            at=at(100),
            administration="XX",
            goods=tuple(Goods(hs=hs) for hs in goods),
        )
        return sealed(made)

    for policy in POLICIES:
        without, with_goods = (join([*records, declared(goods)], stage) for goods in ([], headings))
        assert look(with_goods, policy).inputs == look(without, policy).inputs
        assert look(with_goods, policy).reason_codes == look(without, policy).reason_codes


@examples(80)
@given(record_sets(), stages)
def test_a_low_rests_on_what_came_after_the_last_trouble(records: list[Evidence], stage: Any) -> None:
    case = join(records, stage)
    if rank(case) > 0:
        return
    trouble = [one for one in case.seal_events if one.event in ("GAP", "BROKEN", "TAMPER", "ROUTE_DEVIATION")]
    assert trouble == []
    floor = case.low_counts_after
    gamma = [one for one in case.flags if is_gamma(one)]
    assert any(floor is None or as_time(one.created_at) > as_time(floor) for one in gamma)
    assert all(is_trusted(one) for one in gamma)


def is_gamma(record: Evidence) -> bool:
    return isinstance(record, RiskFlag) and record.modality.startswith("RAD_")


def as_time(text: str | None) -> datetime:
    assert text is not None
    return datetime.fromisoformat(text)


def test_the_records_reach_what_the_properties_are_about() -> None:
    """Properties of cases that are never LOW, and never in a later epoch, would say nothing."""
    seen: set[tuple[str, bool]] = set()

    @examples(300)
    @given(record_sets(), stages)
    def collect(records: list[Evidence], stage: Any) -> None:
        case = join(records, stage)
        seen.add((decide(look(case).inputs).action, case.low_counts_after is not None))

    collect()
    reached = {action for action, _ in seen}
    assert reached >= {"CLEARED_FOR_DEPARTURE", "ACCEPT", "REFER_NII", "HOLD", "RESEAL"}
    assert ("CLEARED_FOR_DEPARTURE", True) in seen
