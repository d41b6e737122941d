"""A container by rail from Prince Rupert to the border: cleared once, accepted twice, or not."""

# Run it: `python docs/examples/rail_journey.py`. It makes its keys, policies and databases in a temporary
# folder, needs no network but loopback, and takes a few seconds. Places and times are of the kind that occur;
# nothing in it is measured.

from __future__ import annotations

import json
import socket
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import msgspec

from screening.clearance import Policy, Signer, generate_key, load_policy, load_signer, sign_policy
from screening.clearance.desk import Desk
from screening.clearance.opening import load_keys, open_desk
from screening.clearance.settings import ClearanceSettings
from screening.clearance.sharing import Trust, pack
from screening.clearance.sharing.accept import Judgement, accept
from screening.clearance.sharing.export import Attachments, contents_of
from screening.clearance.sharing.revoke import extend_list
from screening.clearance.transit.custody import CustodyReport, custody_of
from screening.clearance.transit.gateway import GatewayServer
from screening.clearance.transit.readings import read_event, seal_reading
from screening.clearance.transit.taking import Taken
from screening.records import (
    AdvanceData,
    CalibrationRef,
    ClearanceDecision,
    Crossing,
    Device,
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
    RiskFlag,
    Sealed,
    Subject,
    Targeting,
    TargetingAssessment,
    canonical_bytes,
    content_id,
    utc_string,
)

BOX, SEAL, BILL = "CSQU3054383", "CSD-00417", "RUPERT-2231"
ORIGIN, BORDER = "Prince Rupert", "Ranier"
#: Where the seal is read on the way, hours after the sealing; Ranier, Minnesota, is the first yard beyond
#: the bridge from Fort Frances, Ontario.
STOPS = {"Prince George": 18.0, "Edmonton": 37.0, "Winnipeg": 66.0, "Fort Frances": 78.0}
ARRIVAL = 80.0

#: Four days by rail: evidence and decision have to last that long, and the seal is read once a day.
POLICY = """id = "{name}"
version = "1"
max_flag_age_s = 604800
max_targeting_age_s = 1209600
max_seal_reading_age_s = 86400
validity_s = 604800
"""


class Readings(NamedTuple):
    """One line of a reader's software: what the seal said, where, hours after the sealing."""

    h: float
    place: str
    status: str = "SEALED"
    seal: str = SEAL


class Outcome(NamedTuple):
    """What came of one journey."""

    departure: ClearanceDecision
    on_the_way: tuple[ClearanceDecision, ...]
    arrival: ClearanceDecision
    judgement: Judgement
    custody: CustodyReport


class Programme:
    """Two administrations, the gateways between them, and one journey at a time.

    Parameters
    ----------
    folder : Path
        For keys, policies and databases.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # the last reading is an hour ago: everything that is sealed lies in the past
        self.start = datetime.now(UTC) - timedelta(hours=ARRIVAL + 2)
        self.trusted = folder / "trusted"
        self.trusted.mkdir()
        self.ca, self.us = self._key("canada"), self._key("united-states")
        self.portal = self._key("portal", kinds=("riskflag/1",), sites=(ORIGIN,))
        self.gateways = {
            place: self._key(f"gateway-{place.replace(' ', '-')}", kinds=("sealevent/1",), sites=(place,))
            for place in (ORIGIN, *STOPS, BORDER)
        }
        self.policies = {name: self._policy(name, key) for name, key in (("ca", self.ca), ("us", self.us))}
        self.n_desk = 0

    def at(self, hours: float) -> datetime:
        """Return the time so many hours after the sealing."""
        return self.start + timedelta(hours=hours)

    def text(self, hours: float) -> str:
        """Return the same as records write it."""
        return str(utc_string(self.at(hours)))

    def travel(
        self,
        readings: Sequence[Readings],
        *,
        late: Sequence[Readings] = (),
    ) -> Outcome:
        """Let the container travel, and return what both administrations make of it.

        Parameters
        ----------
        readings : sequence of Readings
            What gateways read on the way.
        late : sequence of Readings
            What reaches the desk only after the arrival was decided.
        """
        with closing(self._desk()) as desk:
            self._take(desk, self._before_departure(), received=0.8)
            told = desk.decide_due(now=self.at(1.0))
            # the desk decides whatever is due, all the way long
            for one in sorted(readings):
                self._through_gateway(desk, [one], received=one.h + 0.1)
                if one.place == BORDER:
                    crossing = self._crossing("ARRIVAL", BORDER, ARRIVAL)
                    self._take(desk, [self.ca.seal(crossing)], received=one.h + 0.2)
                told += desk.decide_due(now=self.at(one.h + 0.5))
            if late:
                self._through_gateway(desk, late, received=ARRIVAL + 0.9)
                told += desk.decide_due(now=self.at(ARRIVAL + 1.0))
            judgement = self._judge(desk, told[-1])
            custody = custody_of(desk.records_of(BOX), now=self.at(ARRIVAL + 1.0))
        return Outcome(told[0], tuple(told[1:-1]), told[-1], judgement, custody)

    def _before_departure(self) -> list[Sealed]:
        """Advance data, both targetings, the portal's flags, the entry and the way to go."""
        declared = AdvanceData(
            container_id=BOX,
            bill=BILL,
            at=self.text(-72),
            administration="CA",
            conveyance="train 198",
            goods=(Goods(hs="9403", description="furniture", weight_kg=9800),),
            seal_ids=(SEAL,),
        )
        journey = Journey(
            container_id=BOX,
            seal_id=SEAL,
            origin=ORIGIN,
            destination=BORDER,
            departs_at=self.text(2),
            arrives_before=self.text(ARRIVAL + 48),
            administration="CA",
            at=self.text(0.6),
            points=tuple(
                JourneyPoint(place=place, not_after=self.text(h + 12), is_required=place != "Fort Frances")
                for place, h in STOPS.items()
            ),
            max_silence_s=36 * 3600,
        )
        return [
            self.ca.seal(declared),
            self.ca.seal(self._targeting("CA", -48)),
            self.us.seal(self._targeting("US", -47)),
            self.ca.seal(self._crossing("ENTRY", ORIGIN, -6)),
            self.portal.seal(self._flag(FlagModality.RAD_GROSS)),
            self.portal.seal(self._flag(FlagModality.NEUTRON)),
            *self._events([Readings(0, ORIGIN, "CLOSED"), Readings(0.5, ORIGIN)]),
            self.ca.seal(journey),
        ]

    def _targeting(self, administration: str, h: float) -> TargetingAssessment:
        return TargetingAssessment(
            targeting=Targeting(
                container_id=BOX,
                level=Level.LOW,
                administration=administration,
                source="targeting system",
                at=self.text(h),
            )
        )

    def _crossing(self, point: str, place: str, h: float) -> Crossing:
        return Crossing(
            container_id=BOX,
            point=point,  # type: ignore[arg-type]
            place=place,
            at=self.text(h),
            administration="CA",
            conveyance="train 198",
        )

    def _flag(self, modality: FlagModality) -> RiskFlag:
        flag = RiskFlag(
            flag_id="",
            scan_id="portal-1",
            site=ORIGIN,
            lane="1",
            device=Device(make="example", model="portal"),
            operating_mode=OperatingMode.OPS,
            subject=Subject(container_id=BOX, id_source="OCR", check_digit_ok=True, ocr_confidence="0.99"),
            modality=modality,
            level=Level.LOW,
            is_severe=False,
            reasons=(),
            scores=FlagScores(raw={"detection_limit_mbq": "0.4"}),
            quality=FlagQuality(),
            calibration=CalibrationRef(id="calibration-7", age_s=86400, max_age_s=31536000),
            background_age_s=60,
            clock=FlagClock(offset_ms=3, uncertainty_ms=10),
            pipeline=FlagPipeline(
                version="example",
                kernel_isa="baseline",
                models=(),
                config_sha256="0" * 64,
                threshold_sha256="0" * 64,
            ),
            inputs=(),
            created_at=self.text(-3),
        )
        return msgspec.structs.replace(
            flag, flag_id=content_id(flag, without=("flag_id", "key_id", "signature"))
        )

    def _lines(self, readings: Sequence[Readings]) -> list[bytes]:
        """Return what the gateways' PCs make of their readers' lines."""
        lines: list[bytes] = []
        for one in readings:
            said = {"container_id": BOX, "seal_id": one.seal, "at": self.text(one.h), "status": one.status}
            key = self.gateways[one.place]
            lines += seal_reading(
                json.dumps(said).encode(), key, place=one.place, reader="1", is_arrival=one.place == BORDER
            )
        return lines

    def _events(self, readings: Sequence[Readings]) -> list[Sealed]:
        return [read_event(line) for line in self._lines(readings)]

    def _through_gateway(self, desk: Desk, readings: Sequence[Readings], *, received: float) -> None:
        """Send readings the way a yard does: sealed lines over TCP, each acknowledged once it is on disk."""

        def take(bodies: Sequence[bytes]) -> Sequence[Taken]:
            return desk.take(bodies, received_at=self.at(received))

        stop = threading.Event()
        with GatewayServer(take) as server:
            thread = threading.Thread(target=server.serve, args=(stop,))
            thread.start()
            try:
                with (
                    socket.create_connection(server.address, timeout=30) as peer,
                    peer.makefile("rb") as answers,
                ):
                    for line in self._lines(readings):
                        peer.sendall(line + b"\n")
                        answer = json.loads(answers.readline())
                        if answer["status"] not in ("ACCEPTED", "KNOWN"):
                            raise SystemExit(f"a reading was not taken: {answer}")
            finally:
                stop.set()
                thread.join()

    def _judge(self, desk: Desk, decision: ClearanceDecision) -> Judgement:
        """Carry the decision over the border in a bundle, and let the second administration judge it."""
        now = datetime.now(UTC)
        policy = self.folder / "ca.toml"
        attached = Attachments(
            policy=policy.read_bytes(),
            policy_signature=policy.with_name("ca.toml.sig").read_bytes(),
            keys=load_keys([str(self.trusted)]),
        )
        bundle = pack(contents_of(desk, decision.decision_id, now, attached), signer=self.ca)
        revoked = extend_list(None, (), administration="US", at=now, next_update_s=86400, signer=self.us)
        trust = Trust(load_keys([str(self.trusted)]), revocation_lists=(canonical_bytes(revoked),))
        return accept(bundle, trust, self.policies["us"], self.us, "US", now)

    def _take(self, desk: Desk, records: Sequence[Sealed], *, received: float) -> None:
        bodies = [canonical_bytes(record) for record in records]
        for answer in desk.take(bodies, received_at=self.at(received)):
            if answer.status == "REFUSED":
                raise SystemExit(f"a record was not taken: {answer.text}")

    def _desk(self) -> Desk:
        self.n_desk += 1
        return open_desk(
            ClearanceSettings(
                administration="CA",
                key_file=str(self.folder / "canada.key"),
                database=str(self.folder / f"desk-{self.n_desk}.sqlite"),
                trusted_keys=(str(self.trusted),),
                policy=str(self.folder / "ca.toml"),
            )
        )

    def _key(self, name: str, *, kinds: tuple[str, ...] = (), sites: tuple[str, ...] = ()) -> Signer:
        """Make a key pair; its public half says what it is trusted for."""
        path = self.folder / f"{name}.key"
        public = msgspec.structs.replace(
            generate_key(path, "ops").public, kinds=kinds or ("*",), sites=sites, holder=name
        )
        (self.trusted / f"{name}.pub").write_bytes(canonical_bytes(public))
        return load_signer(path)

    def _policy(self, name: str, key: Signer) -> Policy:
        path = self.folder / f"{name}.toml"
        path.write_text(POLICY.format(name=name), encoding="utf-8")
        sign_policy(path, key)
        return load_policy(path, load_keys([str(self.trusted)]), at=datetime.now(UTC))


def journeys(programme: Programme) -> dict[str, Outcome]:
    """Return what comes of the journey as planned, and of three on which something went wrong."""
    planned = [*(Readings(h, place) for place, h in STOPS.items()), Readings(ARRIVAL, BORDER)]
    without_edmonton = [one for one in planned if one.place != "Edmonton"]
    # somebody puts another seal on in Winnipeg, and from there on every reading is good
    new_seal = [one if one.h < 66.0 else one._replace(seal="CSD-09999") for one in planned]
    new_seal.insert(2, Readings(65.5, "Winnipeg", "CLOSED", "CSD-09999"))
    return {
        "as planned": programme.travel(planned),
        "Edmonton did not read the seal": programme.travel(without_edmonton),
        "a tamper is reported late": programme.travel(planned, late=[Readings(50.0, "Winnipeg", "TAMPERED")]),
        "a new seal on the moved box": programme.travel(new_seal),
    }


def main() -> None:
    """Print every journey."""
    say = sys.stdout.write
    with tempfile.TemporaryDirectory() as folder:
        for name, outcome in journeys(Programme(Path(folder))).items():
            say(f"== {name}\n")
            for decision in (outcome.departure, *outcome.on_the_way, outcome.arrival):
                reasons = " ".join(decision.reason_codes) or "no reasons"
                say(f"CA, {decision.stage.lower()}: {decision.risk}, {decision.action} ({reasons})\n")
            for line in outcome.custody.lines():
                say(f"    {line}\n")
            said = " ".join(outcome.judgement.reasons) or "no reasons"
            own = outcome.judgement.own
            own_word = "nothing to weigh" if own is None else f"{own.risk}, {own.action}"
            say(f"US, from the bundle: {outcome.judgement.outcome} ({said}); own outcome {own_word}\n\n")


if __name__ == "__main__":
    main()
