"""Sealed records of containers that never were: the traffic of the tests and benchmarks of the desk."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from stdnum import iso6346

from screening.clearance import Signer
from screening.records import (
    Adjudication,
    AdvanceData,
    AdvanceRisk,
    CalibrationRef,
    Conclusion,
    Crossing,
    Destuffing,
    Device,
    FlagClock,
    FlagModality,
    FlagPipeline,
    FlagQuality,
    FlagScores,
    IdentityRuling,
    Journey,
    JourneyPoint,
    ModelRef,
    OperatingMode,
    Reason,
    ReasonCode,
    Remeasurement,
    Revocation,
    RiskFlag,
    SealEvent,
    SecondaryInspection,
    Subject,
    Targeting,
    TargetingAssessment,
    canonical_bytes,
    content_id,
    utc_string,
)
from screening.risk import LEVEL_OF_CODE, level_of

#: The moment that ages count back from.
NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
CONTAINER = "CSQU3054383"
MODEL = "a" * 64


def signer_of(letter: str = "o", scope: str = "ops") -> Signer:
    """Return a signer that is the same in every process."""
    return Signer(Ed25519PrivateKey.from_private_bytes(letter.encode() * 32), scope)


def container(number: int) -> str:
    """Return a valid container number."""
    body = f"CSQU{number:06d}"
    return body + str(iso6346.calc_check_digit(body))


class Sealing:
    """Seals records about one container, LOW unless told otherwise; ages count back from `now`."""

    def __init__(self, signer: Signer, box: str = CONTAINER, now: datetime = NOW) -> None:
        self.signer, self.box, self.now = signer, box, now

    def at(self, age_s: float) -> str:
        return str(utc_string(self.now - timedelta(seconds=age_s)))

    def flag(
        self, modality: str, *codes: str, age_s: float = 600, number: str | None = "", **changes: Any
    ) -> RiskFlag:
        reasons = tuple(
            Reason(code=ReasonCode(code), level=LEVEL_OF_CODE[ReasonCode(code)], text=code.lower())
            for code in codes
        )
        read = self.box if number == "" else number
        flag = RiskFlag(
            flag_id="",
            scan_id=f"scan-{self.box}-{modality[:3]}",
            site="TEST",
            lane="1",
            device=Device(),
            operating_mode=OperatingMode.EXERCISE if "EXERCISE" in codes else OperatingMode.OPS,
            subject=Subject(
                container_id=read, id_source="OCR", check_digit_ok=read == self.box, ocr_confidence="0.99"
            ),
            modality=FlagModality(modality),
            level=level_of(reasons),
            is_severe="RAD_NEUTRON" in codes,
            reasons=reasons,
            scores=FlagScores(),
            quality=FlagQuality(),
            calibration=CalibrationRef(id="cal-1"),
            background_age_s=30,
            clock=FlagClock(),
            pipeline=FlagPipeline(
                version="0.1.0",
                kernel_isa="baseline",
                models=(ModelRef(name="m", sha256=MODEL, card_sha256="b" * 64),),
                config_sha256="c" * 64,
                threshold_sha256="d" * 64,
            ),
            inputs=(),
            created_at=self.at(age_s),
        )
        flag = msgspec.structs.replace(flag, **changes)
        flag_id = content_id(flag, without=("flag_id", "key_id", "signature"))
        return self.signer.seal(msgspec.structs.replace(flag, flag_id=flag_id))

    def targeting(
        self, level: str = "LOW", age_s: float = 7200, administration: str = "CA"
    ) -> TargetingAssessment:
        targeting = Targeting(
            container_id=self.box,
            level=level,
            administration=administration,
            source="test",
            at=self.at(age_s),
        )
        return self.signer.seal(TargetingAssessment(targeting=targeting))

    def event(self, event: str, age_s: float = 1800, seal_id: str = "SEAL-1", **changes: Any) -> SealEvent:
        return self.signer.seal(
            SealEvent(container_id=self.box, seal_id=seal_id, event=event, at=self.at(age_s), **changes)
        )

    def conclusion(self, flag: RiskFlag, code: int = 4, age_s: float = 300, **changes: Any) -> Conclusion:
        adjudication = Adjudication(
            officer_ref="officer-1",
            flag_id=flag.flag_id,
            code=code,
            basis="MEASUREMENT",
            instrument="handheld 7",
            at=self.at(age_s),
            second_officer_ref="officer-2",
        )
        adjudication = msgspec.structs.replace(adjudication, **changes)
        return self.signer.seal(
            Conclusion(container_id=self.box, adjudication=adjudication, administration="CA")
        )

    def destuffing(self, outcome: str = "CLEAN", age_s: float = 240) -> Destuffing:
        return self.signer.seal(
            Destuffing(
                container_id=self.box,
                outcome=outcome,
                officer_ref="officer-1",
                second_officer_ref="officer-2",
                at=self.at(age_s),
            )
        )

    def remeasurement(self, *flags: RiskFlag, outcome: str = "LOW", age_s: float = 120) -> Remeasurement:
        return self.signer.seal(
            Remeasurement(
                container_id=self.box,
                outcome=outcome,
                instrument="handheld 7",
                officer_ref="officer-1",
                at=self.at(age_s),
                flag_ids=tuple(flag.flag_id for flag in flags),
            )
        )

    def secondary(
        self, *flags: RiskFlag, concerns: tuple[str, ...] = (), age_s: float = 400
    ) -> SecondaryInspection:
        return self.signer.seal(
            SecondaryInspection(
                container_id=self.box,
                concerns=concerns,
                method="HANDHELD",
                instrument="handheld 7",
                officer_ref="officer-1",
                at=self.at(age_s),
                flag_ids=tuple(flag.flag_id for flag in flags),
            )
        )

    def ruling(self, scan_id: str, box: str | None = None, age_s: float = 100) -> IdentityRuling:
        return self.signer.seal(
            IdentityRuling(
                scan_id=scan_id,
                container_id=box or self.box,
                officer_ref="officer-1",
                at=self.at(age_s),
                basis="seen on the picture",
            )
        )

    def crossing(self, point: str, age_s: float, place: str = "CAPRR") -> Crossing:
        return self.signer.seal(
            Crossing(container_id=self.box, point=point, place=place, at=self.at(age_s), administration="CA")
        )

    def journey(self, *points: tuple[str, float], arrives_in_s: float, age_s: float = 100) -> Journey:
        return self.signer.seal(
            Journey(
                container_id=self.box,
                seal_id="SEAL-1",
                origin="CAPRR",
                destination="USINT",
                departs_at=self.at(0),
                arrives_before=self.at(-arrives_in_s),
                points=tuple(
                    JourneyPoint(place=place, not_after=self.at(-within_s)) for place, within_s in points
                ),
                administration="CA",
                at=self.at(age_s),
            )
        )

    def advance(self, level: str = "LOW", age_s: float = 9000) -> AdvanceData:
        at = self.at(age_s)
        return self.signer.seal(
            AdvanceData(
                container_id=self.box,
                bill=f"BILL-{self.box}",
                at=at,
                administration="CA",
                risks=(AdvanceRisk(administration="CA", level=level, source="test", at=at),),
            )
        )

    def revocation(self, what: str, subject: str, age_s: float = 0) -> Revocation:
        return self.signer.seal(
            Revocation(what=what, subject=subject, at=self.at(age_s), reason="test", administration="CA")
        )

    def clean(self) -> list[Any]:
        """Return the records of a container that may leave."""
        return [self.targeting(), self.flag("RAD_GROSS"), self.flag("NEUTRON"), self.event("SEALED")]


#: What becomes of a container; most are clean.
_KINDS = (
    *["clean"] * 6, "gamma", "gamma explained", "neutron", "untargeted", "broken", "lost lines", "destuffed",
    "arrived", "arrived with a gap", "misread", "misread and ruled", "disputed", "second pass", "handheld",
    "image",
)  # fmt: skip


class Sent(NamedTuple):
    """A record, and when it was made."""

    at: datetime
    body: bytes


def traffic(n_containers: int, *, seed: int, first: int = 0, signer: Signer | None = None) -> list[Sent]:
    """Return the records of containers of every kind, in the order in which they were made."""
    rng = random.Random(seed)
    signer = signer or signer_of()
    sent = []
    for number in range(first, first + n_containers):
        sealing = Sealing(signer, container(number), NOW - timedelta(seconds=rng.uniform(0, 7200)))
        for record in _story(sealing, rng):
            at = NOW if record is None else _time_of(record)
            sent.append(Sent(at, canonical_bytes(record)))
    return sorted(sent)


def _time_of(record: Any) -> datetime:
    from screening.records import stated_at

    return datetime.fromisoformat(str(stated_at(record)))


def _story(make: Sealing, rng: random.Random) -> Iterator[Any]:
    kind = rng.choice(_KINDS)
    gross = make.flag("RAD_GROSS", *(["RAD_GAMMA_NSIGMA"] if kind.startswith(("gamma", "destuffed")) else []))
    yield make.event("SEALED")
    if kind != "untargeted":
        yield make.targeting(rng.choice(["LOW"] * 8 + ["UNKNOWN", "HIGH"]))
    if rng.random() < 0.5:
        yield make.targeting(rng.choice(["LOW"] * 8 + ["UNKNOWN"]), administration="US", age_s=7000)
    if rng.random() < 0.5:
        yield make.advance()
    if rng.random() < 0.3:
        yield make.crossing("ENTRY", 8000)
    if kind.startswith("misread") or kind == "disputed":
        wrong = make.box[:10] + str((int(make.box[10]) + 1) % 10)
        gross = make.flag("RAD_GROSS", number=wrong)
        yield make.flag("NEUTRON", number=wrong, scan_id=gross.scan_id)
        if kind == "misread and ruled":
            yield make.ruling(gross.scan_id)
        if kind == "disputed":
            yield make.ruling(gross.scan_id)
            yield make.ruling(gross.scan_id, container(999_999), age_s=90)
    else:
        yield make.flag("NEUTRON", *(["RAD_NEUTRON"] if kind == "neutron" else []))
    yield gross
    if kind == "second pass":
        yield make.flag("RAD_GROSS", "Q_SPEED", age_s=500, scan_id=f"second-{make.box}")
    if kind == "lost lines":
        yield make.flag("XRAY", "Q_LINES_LOST")
    if kind in ("image", "gamma explained"):
        yield make.flag("XRAY", age_s=450)
    if kind == "gamma explained":
        yield make.conclusion(gross)
    if kind == "broken":
        yield make.event("BROKEN", age_s=rng.uniform(10, 1700))
    if kind == "destuffed":
        yield make.destuffing()
        yield make.remeasurement()
    if kind.startswith("arrived"):
        yield make.crossing("DEPARTURE", 200)
        if kind == "arrived with a gap":
            yield make.event("GAP", age_s=150)
        yield make.event("ARRIVED", age_s=60, place="US")
    if kind == "handheld":
        found = make.flag("RAD_SPECTRAL", number=None, age_s=420, scan_id=f"hand-{make.box}")
        yield found
        yield make.secondary(found, concerns=(gross.flag_id,))


def shuffled(sent: list[Sent], *, seed: int, share_twice: float = 0.3) -> list[bytes]:
    """Return the records in any order, some of them twice."""
    rng = random.Random(seed)
    bodies = [one.body for one in sent]
    bodies += rng.sample(bodies, int(len(bodies) * share_twice))
    rng.shuffle(bodies)
    return bodies
