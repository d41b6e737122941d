"""From results to cases: record what was found, hand it to the clearance, and keep what it decided.

Scans and flags are recorded first, with the statements that the clearance is owed, in one transaction.
The clearance takes those statements from the store's outbox: a desk in this very process, or the
service of the site over HTTP. Either takes a statement once however often it is handed in, so a crash
between the two loses nothing and repeats nothing.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, Protocol

import msgspec

from screening.clearance import KeyRing, Signer
from screening.errors import IntegrityError
from screening.records import (
    EVIDENCE,
    ClearanceDecision,
    Evidence,
    RiskFlag,
    ScreeningReport,
    SealEvent,
    TargetingAssessment,
    canonical_bytes,
)
from screening.stores import Message, ResultStore, StoredScan

from .scan_entry import ScanEntry
from .supervisor import AnalysisAnswer

__all__ = ["Advanced", "Casework", "Clearance", "Refusal"]

#: What nobody needs to have signed to be believed: it never makes a case better.
_BAD_NEWS = frozenset(
    ("BROKEN", "TAMPER", "UNSEALED", "GAP", "FAULT", "LOW_BATTERY", "SHOCK", "ROUTE_DEVIATION")
)
_BATCH = 256


class Refusal(NamedTuple):
    """A statement that the clearance did not take.

    Attributes
    ----------
    kind : str
        Schema of the statement.
    failure : str
        Code of the refusal.
    text : str
        One line for a person.
    """

    kind: str
    failure: str
    text: str


class Advanced(NamedTuple):
    """What came of one look at the cases.

    Attributes
    ----------
    decisions : tuple of ClearanceDecision
        What was decided since the last look.
    refused : tuple of Refusal
        Statements that were not taken: they stay in the store, and nobody is cleared on them.
    """

    decisions: tuple[ClearanceDecision, ...]
    refused: tuple[Refusal, ...] = ()


class Clearance(Protocol):
    """Where statements go, and where decisions come from."""

    def take(self, bodies: Sequence[bytes]) -> Sequence[tuple[str, str]]:
        """Take sealed statements.

        Parameters
        ----------
        bodies : sequence of bytes
            Canonical sealed records.

        Returns
        -------
        sequence of (str, str)
            For each: the code of the refusal or "", and one line for a person.

        Raises
        ------
        StoreError
            If they cannot be taken now; they will be handed in again.
        """

    def decide(self, now: datetime, waiting: Collection[str]) -> None:
        """Decide what is due.

        Parameters
        ----------
        now : datetime
            Aware.
        waiting : collection of str
            Containers with a scan that has no result yet: they are not decided for being overdue.
        """

    def decisions_after(self, log_index: int) -> Sequence[ClearanceDecision]:
        """Return what was decided.

        Parameters
        ----------
        log_index : int
            The latest decision that is known, by its place in the ledger; -1 for none.

        Returns
        -------
        sequence of ClearanceDecision
            Those after it, in order.
        """

    def close(self) -> None:
        """Let go of what it holds."""


class Casework:
    """Records results, and brings the clearance its evidence.

    Parameters
    ----------
    store : ResultStore
        Where results are kept.
    signer : Signer or None
        Seals flags; None: they stay unsealed and go nowhere.
    clearance : Clearance or None
        Who decides; None: nobody here.
    keys : KeyRing
        The keys that verify the decisions, for those who are given them as files.
    decisions : Path or None
        Folder for signed decisions as files, with the flags they name and the public keys that verify
        them; None: none.
    """

    def __init__(
        self,
        store: ResultStore,
        *,
        signer: Signer | None,
        clearance: Clearance | None = None,
        keys: KeyRing | None = None,
        decisions: Path | None = None,
    ) -> None:
        self._store = store
        self._signer = signer
        self._clearance = clearance if signer is not None else None
        trusted = list(keys or ())
        self._keys = KeyRing(trusted if signer is None else [*trusted, signer.public])
        self._decisions = decisions
        latest = store.latest_recorded_decision()
        self._decided = -1 if latest is None or latest.log_index is None else latest.log_index

    def known(self, scan_ids: Iterable[str]) -> set[str]:
        """Return which spooled scans have a result.

        Parameters
        ----------
        scan_ids : iterable of str
            Their ids.

        Returns
        -------
        set of str
            Those that were recorded.
        """
        return {scan_id for scan_id in scan_ids if self._store.scan(scan_id) is not None}

    def record(self, entry: ScanEntry, report: ScreeningReport, answer: AnalysisAnswer) -> None:
        """Record a scan's result and what the clearance is owed of it, in one transaction.

        Parameters
        ----------
        entry : ScanEntry
            The scan.
        report : ScreeningReport
            Its result.
        answer : AnalysisAnswer
            What else its analysis told.

        Raises
        ------
        StoreError
            If the store cannot take it; nothing is recorded then.
        IntegrityError
            If another scan is recorded under the same identifier.
        """
        flags = tuple(self._sealed(flag) for flag in report.flags)
        scan = answer.scan or StoredScan(
            identity=entry.identity(), modality=entry.modality, notes=entry.notes
        )
        statements: list[Evidence] = [*flags, *self._statements(entry)]
        messages = [Message(kind=one.schema, body=canonical_bytes(one)) for one in statements]
        self._store.record(scan=scan, flags=flags, messages=messages)

    def advance(self, now: datetime, *, coming: Collection[str | None] = frozenset()) -> Advanced:
        """Hand in what the clearance is owed, and keep what it decided.

        Parameters
        ----------
        now : datetime
            Time of the decisions, aware.
        coming : collection of str
            Containers with a scan that has no result yet: they go on waiting.

        Returns
        -------
        Advanced
            New decisions and refusals.

        Raises
        ------
        StoreError
            If the store or the clearance cannot be reached: the next look goes on from there.
        """
        if self._clearance is None:
            return Advanced(())
        refused = self._hand_in(self._clearance)
        self._clearance.decide(now, frozenset(one for one in coming if one is not None))
        decided = tuple(self._clearance.decisions_after(self._decided))
        for decision in decided:
            self._store.record(decision=decision)
            self._decided = max(self._decided, decision.log_index or 0)
            self._write_files(decision)
        return Advanced(decided, refused)

    def close(self) -> None:
        """Close the store and the clearance."""
        if self._clearance is not None:
            self._clearance.close()
        self._store.close()

    def _hand_in(self, clearance: Clearance) -> tuple[Refusal, ...]:
        refused = []
        while owed := self._store.pending(_BATCH):
            wanted = [one for one in owed if one.message.kind in EVIDENCE]
            answers = clearance.take([one.message.body for one in wanted]) if wanted else ()
            refused += [
                Refusal(one.message.kind, failure, text)
                for one, (failure, text) in zip(wanted, answers, strict=True)
                if failure
            ]
            self._store.mark_relayed(one.id for one in owed)
        return tuple(refused)

    def _sealed(self, flag: RiskFlag) -> RiskFlag:
        return flag if self._signer is None else self._signer.seal(flag)

    def _statements(self, entry: ScanEntry) -> Iterable[Evidence]:
        """Return what the lane was told of the container, each sealed.

        A reading that its gateway signed goes as it is. The site puts its own name to bad news that
        nobody signed, and to nothing else: good news needs the one who saw it.
        """
        if self._signer is None:
            return
        for targeting in entry.targeting:
            yield self._signer.seal(TargetingAssessment(targeting=targeting))
        for event in entry.seal_events:
            if event.signature is not None:
                yield event
            elif event.event in _BAD_NEWS:
                yield self._countersigned(self._signer, event)

    @staticmethod
    def _countersigned(signer: Signer, event: SealEvent) -> SealEvent:
        return signer.seal(msgspec.structs.replace(event, key_id=None, signature=None))

    def _write_files(self, decision: ClearanceDecision) -> None:
        if self._decisions is None:
            return
        name = f"{decision.consignment.container_id}-{decision.decision_id[:12]}"
        evidence = self._decisions / f"{name}.flags"
        # Copies for people: the record is in the store, and a full disk must not undo it.
        with contextlib.suppress(OSError, IntegrityError):
            self._decisions.mkdir(parents=True, exist_ok=True)
            for key in self._keys:
                _write_whole(self._decisions / f"{key.key_id}.pub", msgspec.json.encode(key))
            evidence.mkdir(exist_ok=True)
            named = {ref.flag_id for ref in decision.flags}
            for flag in self._store.flags_of_container(decision.consignment.container_id):
                if flag.flag_id in named:
                    _write_whole(evidence / f"{flag.flag_id}.json", canonical_bytes(flag))
            _write_whole(self._decisions / f"{name}.json", canonical_bytes(decision))


def _write_whole(path: Path, data: bytes) -> None:
    """Write a file that nobody sees half of."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        temporary.write_bytes(data)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
