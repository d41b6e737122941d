"""From results to cases: record each scan's flags, and decide a container once its scans are in.

The decision itself is the clearance's; this module only brings it the evidence, at the right moment.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Collection, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import msgspec

from screening.clearance import KeyRing, Policy, Signer, conclude
from screening.errors import IntegrityError, PolicyError
from screening.records import (
    Case,
    ClearanceDecision,
    RiskFlag,
    ScreeningReport,
    SealEvent,
    Targeting,
    canonical_bytes,
)
from screening.stores import Message, ResultStore, StoredScan

from .scan_entry import ScanEntry
from .supervisor import AnalysisAnswer

__all__ = ["Casework", "Recorded"]


class Recorded(NamedTuple):
    """What came of recording a scan.

    Attributes
    ----------
    decision : ClearanceDecision or None
        What was decided; None while something is missing.
    problem : str or None
        Why nothing was decided although the case is complete.
    """

    decision: ClearanceDecision | None
    problem: str | None = None


class _OpenCase(msgspec.Struct, kw_only=True):
    """A container that came and is not decided yet."""

    container_id: str
    since: float
    first_segment: int
    lanes: set[str] = set()
    targeting: tuple[Targeting, ...] = ()
    seal_events: tuple[SealEvent, ...] = ()

    def take(self, entry: ScanEntry) -> None:
        self.lanes.add(entry.lane)
        self.since = max(self.since, entry.ended_ns / 1e9)
        self.first_segment = min(self.first_segment, entry.first.segment)
        self.targeting = tuple(dict.fromkeys((*self.targeting, *entry.targeting)))
        self.seal_events = tuple(dict.fromkeys((*self.seal_events, *entry.seal_events)))


class Casework:
    """Records results and decides cases.

    Parameters
    ----------
    store : ResultStore
        Where results are kept.
    signer : Signer or None
        Seals flags and signs decisions; None: flags stay unsealed and nothing is decided here.
    keys : KeyRing
        Keys whose seal readings count, beside the signer's own.
    policy : Policy
        The administration's policy.
    administration : str
        Who decides.
    required : frozenset of str
        Lanes that a case waits for.
    deadline_s : float
        How long it waits after its last scan, seconds.
    decisions : Path or None
        Folder for signed decisions as files, with the flags they name and the public keys that verify
        them; None: none.
    """

    def __init__(
        self,
        store: ResultStore,
        *,
        signer: Signer | None,
        keys: KeyRing,
        policy: Policy,
        administration: str,
        required: frozenset[str],
        deadline_s: float,
        decisions: Path | None = None,
    ) -> None:
        self._store = store
        self._signer = signer
        self._keys = keys if signer is None else KeyRing([*keys, signer.public])
        self._policy = policy
        self._administration = administration
        self._required = required
        self._deadline_s = deadline_s
        self._decisions = decisions
        self._cases: dict[str, _OpenCase] = {}

    def known(self, entries: dict[str, ScanEntry]) -> set[str]:
        """Return which spooled scans have a result, and take up the cases they left undecided.

        Parameters
        ----------
        entries : dict of str to ScanEntry
            Spooled scans by id.

        Returns
        -------
        set of str
            Their ids.
        """
        known = {scan_id for scan_id in entries if self._store.scan(scan_id) is not None}
        for scan_id in known:
            entry = entries[scan_id]
            if entry.container_id is None or self._is_decided(entry):
                continue
            self._case_of(entry, entry.container_id).take(entry)
        return known

    def record(self, entry: ScanEntry, report: ScreeningReport, answer: AnalysisAnswer) -> Recorded:
        """Record a scan's result, and the decision if the case is complete, in one transaction.

        Parameters
        ----------
        entry : ScanEntry
            The scan.
        report : ScreeningReport
            Its result.
        answer : AnalysisAnswer
            What else its analysis told.

        Returns
        -------
        Recorded
            What was decided, if anything was.

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
        case: _OpenCase | None = None
        decision, problem = None, None
        if entry.container_id is not None:
            # A copy: a transaction that fails must leave the case as it was.
            case = msgspec.structs.replace(self._case_of(entry, entry.container_id))
            case.lanes = set(case.lanes)
            case.take(entry)
            if self._required <= case.lanes:
                try:
                    decision = self._conclude(case, flags)
                except (PolicyError, IntegrityError) as error:
                    problem = str(error)  # the scan is recorded all the same, and nobody is cleared
        messages = [Message(kind=flag.schema, body=canonical_bytes(flag)) for flag in flags]
        if decision is not None:
            messages.append(Message(kind=decision.schema, body=canonical_bytes(decision)))
        self._store.record(scan=scan, flags=flags, decision=decision, messages=messages)
        if case is not None:
            self._cases[case.container_id] = case
            if decision is not None:
                self._finish(decision)
        return Recorded(decision, problem)

    def decide_overdue(
        self, now: float, *, coming: Collection[str | None] = frozenset()
    ) -> list[ClearanceDecision]:
        """Decide the cases that waited too long, on what there is.

        Parameters
        ----------
        now : float
            Seconds since 1970 UTC.
        coming : collection of str
            Containers with a scan that has no result yet: they go on waiting.

        Returns
        -------
        list of ClearanceDecision
            What was decided.

        Raises
        ------
        StoreError
            If the store cannot take it.
        """
        decided = []
        overdue = [
            case
            for case in self._cases.values()
            if now - case.since >= self._deadline_s and case.container_id not in coming
        ]
        for case in overdue:
            try:
                decision = self._conclude(case, ())
            except (PolicyError, IntegrityError):
                decision = None  # told when the last scan was recorded
            if decision is None:
                del self._cases[case.container_id]
                continue
            message = Message(kind=decision.schema, body=canonical_bytes(decision))
            self._store.record(decision=decision, messages=[message])
            self._finish(decision)
            decided.append(decision)
        return decided

    @property
    def first_segments(self) -> tuple[int, ...]:
        """First segment of each undecided case: a restart has to read from there."""
        return tuple(case.first_segment for case in list(self._cases.values()))

    def close(self) -> None:
        """Close the store."""
        self._store.close()

    def _case_of(self, entry: ScanEntry, container_id: str) -> _OpenCase:
        case = self._cases.get(container_id)
        if case is None:
            case = _OpenCase(
                container_id=container_id, since=entry.ended_ns / 1e9, first_segment=entry.first.segment
            )
            self._cases[container_id] = case
        return case

    def _is_decided(self, entry: ScanEntry) -> bool:
        if self._signer is None or entry.container_id is None:
            return True
        of_scan = {flag.flag_id for flag in self._store.flags_of_scan(entry.scan_id)}
        decisions = self._store.decisions(entry.container_id)
        return any(of_scan & {flag.flag_id for flag in decision.flags} for decision in decisions)

    def _sealed(self, flag: RiskFlag) -> RiskFlag:
        return flag if self._signer is None else self._signer.seal(flag)

    def _conclude(self, case: _OpenCase, new: Iterable[RiskFlag]) -> ClearanceDecision | None:
        if self._signer is None:
            return None
        # Every flag there is of the container: how long each of them counts is the policy's.
        flags = {flag.flag_id: flag for flag in self._store.flags_of_container(case.container_id)}
        flags |= {flag.flag_id: flag for flag in new}
        evidence = Case(
            container_id=case.container_id,
            flags=tuple(flags.values()),
            targeting=case.targeting,
            seal_events=case.seal_events,
            has_moved=False,  # a departure's lane: nothing scanned here has left yet
        )
        return conclude(
            evidence,
            policy=self._policy,
            administration=self._administration,
            at=datetime.fromtimestamp(time.time(), UTC),
            signer=self._signer,
            previous=self._store.latest_decision(case.container_id),
            keys=self._keys,
        )

    def _finish(self, decision: ClearanceDecision) -> None:
        self._cases.pop(decision.consignment.container_id, None)
        if self._decisions is None:
            return
        name = f"{decision.consignment.container_id}-{decision.decision_id[:12]}"
        evidence = self._decisions / f"{name}.flags"
        # Copies for people: the record is in the store, and a full disk must not undo it.
        with contextlib.suppress(OSError):
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
