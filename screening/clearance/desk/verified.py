"""Records as they lie in the database, verified once each and kept for the next time they are needed."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import NamedTuple

from screening.clearance.keys import KeyRing, VerificationError
from screening.clearance.seals import parse_time
from screening.clearance.signatures import verify_record
from screening.errors import IntegrityError
from screening.records import SEALED, Sealed, parse_strict, sha256_hex, stated_at

__all__ = ["StoredRecord", "VerifiedRecords"]

_CAPACITY = 32_768


class StoredRecord(NamedTuple):
    """A record of the database.

    Attributes
    ----------
    sha256 : str
        Hash of its bytes.
    record : Sealed
        As parsed.
    is_verified : bool
        Whether it is sealed by a key that is trusted here.
    """

    sha256: str
    record: Sealed
    is_verified: bool


class VerifiedRecords:
    """The records a process has verified; the oldest are forgotten.

    Parameters
    ----------
    keys : KeyRing
        The keys trusted.
    allow_exercise : bool
        Whether records under exercise keys count.
    capacity : int
        How many are kept.
    """

    def __init__(self, keys: KeyRing, *, allow_exercise: bool, capacity: int = _CAPACITY) -> None:
        self._keys, self._allow_exercise, self._capacity = keys, allow_exercise, capacity
        self._known: OrderedDict[str, StoredRecord] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, sha256: str, kind: str, body: bytes) -> StoredRecord:
        """Return a record.

        Parameters
        ----------
        sha256 : str
            The key it lies under.
        kind : str
            Its schema name.
        body : bytes
            Its bytes as they lie there.

        Returns
        -------
        StoredRecord
            The record, and whether it verifies.

        Raises
        ------
        IntegrityError
            If the bytes are not those that the key names: the row was changed.
        """
        if sha256_hex(body) != sha256:
            raise IntegrityError(
                f"record {sha256[:16]} of the database is not what was written", value=sha256
            )
        with self._lock:
            known = self._known.get(sha256)
            if known is not None:
                self._known.move_to_end(sha256)
                return known
        found = self._verified(sha256, kind, body)
        self._keep(found)
        return found

    def remember(self, sha256: str, record: Sealed) -> None:
        """Keep a record that was verified just now.

        Parameters
        ----------
        sha256 : str
            Hash of its bytes.
        record : Sealed
            The record.
        """
        self._keep(StoredRecord(sha256, record, True))

    def _keep(self, found: StoredRecord) -> None:
        with self._lock:
            self._known[found.sha256] = found
            if len(self._known) > self._capacity:
                self._known.popitem(last=False)

    def _verified(self, sha256: str, kind: str, body: bytes) -> StoredRecord:
        record = parse_strict(body, SEALED[kind])
        at = parse_time(stated_at(record))
        try:
            verify_record(body, SEALED[kind], self._keys, allow_exercise=self._allow_exercise, at=at)
        except VerificationError:
            return StoredRecord(sha256, record, False)
        return StoredRecord(sha256, record, True)
