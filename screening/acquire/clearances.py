"""The two places a lane's statements may go: a desk in this process, or the service of the site."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from screening.errors import StoreError
from screening.records import ClearanceDecision, parse_strict

if TYPE_CHECKING:
    from screening.clearance.desk import Desk
    from screening.clearance.sinks import Relay

__all__ = ["DeskClearance", "ServiceClearance"]

_PAGE = 100


class DeskClearance:
    """The desk of this PC: cases, ledger and outbox in one file beside the results.

    Parameters
    ----------
    desk : Desk
        It belongs to this object from here on.
    relay : Relay or None
        Sends what receivers are owed; it runs until this object is closed.
    """

    def __init__(self, desk: Desk, relay: Relay | None = None) -> None:
        self._desk = desk
        self._relay = relay
        if relay is not None:
            relay.start()

    def take(self, bodies: Sequence[bytes]) -> Sequence[tuple[str, str]]:
        """Take sealed statements; see Clearance.

        Parameters
        ----------
        bodies : sequence of bytes
            Canonical sealed records.

        Returns
        -------
        sequence of (str, str)
            Code of the refusal or "", and one line.
        """
        return [(taken.failure or "", taken.text) for taken in self._desk.take(bodies)]

    def decide(self, now: datetime, waiting: Collection[str]) -> None:
        """Decide what is due; see Clearance.

        Parameters
        ----------
        now : datetime
            Aware.
        waiting : collection of str
            Containers that are not decided for being overdue.
        """
        while len(self._desk.decide_due(now=now, limit=_PAGE, waiting=waiting)) == _PAGE:
            pass

    def decisions_after(self, log_index: int) -> Sequence[ClearanceDecision]:
        """Return what was decided; see Clearance.

        Parameters
        ----------
        log_index : int
            The latest one known.

        Returns
        -------
        sequence of ClearanceDecision
            Those after it.
        """
        entries = self._desk.decisions_since(log_index + 1, _PAGE)
        return [parse_strict(entry.body, ClearanceDecision) for entry in entries]

    def close(self) -> None:
        """Stop the relay and close the desk."""
        if self._relay is not None:
            self._relay.stop()
        self._desk.close()


class ServiceClearance:
    """The clearance service of the site, where the lanes of several PCs meet.

    Parameters
    ----------
    url : str
        Address of the service.
    token_file : Path or None
        File with the bearer token that may send; None: the service takes signatures alone.
    ca_file : Path or None
        Certificates the service's own is verified with; None: those of the system.
    """

    def __init__(self, url: str, *, token_file: Path | None = None, ca_file: Path | None = None) -> None:
        self._url = url
        self._token_file = token_file
        self._ca_file = ca_file

    def take(self, bodies: Sequence[bytes]) -> Sequence[tuple[str, str]]:
        """Send sealed statements; see Clearance.

        Parameters
        ----------
        bodies : sequence of bytes
            Canonical sealed records.

        Returns
        -------
        sequence of (str, str)
            Code of the refusal or "", and one line.

        Raises
        ------
        StoreError
            If the service cannot be reached or does not answer: it is asked again.
        """
        from screening.clearance.service.client import post_records

        try:
            token = None if self._token_file is None else self._token_file.read_text("ascii").strip()
        except OSError as error:
            raise StoreError(f"token: {error.strerror}", value=str(self._token_file)) from None
        answers = post_records(self._url, bodies, token=token, ca_file=self._ca_file, attempts=1)
        return [(answer.failure or "", answer.text) for answer in answers]

    def decide(self, now: datetime, waiting: Collection[str]) -> None:
        """Do nothing: the service decides.

        Parameters
        ----------
        now : datetime
            Not used.
        waiting : collection of str
            Not used.
        """

    def decisions_after(self, log_index: int) -> Sequence[ClearanceDecision]:
        """Return nothing: the decisions are the service's.

        Parameters
        ----------
        log_index : int
            Not used.

        Returns
        -------
        sequence of ClearanceDecision
            None.
        """
        return ()

    def close(self) -> None:
        """Do nothing: nothing is held open."""
