"""Revocation lists that come while the service runs: looked for where the settings name them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TypeAlias

from screening.clearance.desk.views import Taken
from screening.clearance.opening import revocation_files

__all__ = ["ListWatch"]

log = logging.getLogger(__name__)

_Stamp: TypeAlias = tuple[int, int] | str


class ListWatch:
    """Hands a desk the lists that are new or were changed.

    Parameters
    ----------
    places : iterable of str
        Files, and folders of ``.json`` files.
    take : callable
        Takes sealed records.
    """

    def __init__(self, places: Iterable[str], take: Callable[[Sequence[bytes]], Sequence[Taken]]) -> None:
        self._places, self._take = tuple(places), take
        #: What each file was when it was last looked at: its time and size, or why it could not be read.
        self._seen: dict[Path, _Stamp] = {}

    def look(self) -> None:
        """Take what is new; what cannot be taken is logged once, until the file changes, and changes nothing.

        Raises
        ------
        StoreError
            If the database cannot be written; the file is looked at again then.
        """
        files = revocation_files(self._places)
        for gone in self._seen.keys() - set(files):
            del self._seen[gone]
        for file in files:
            try:
                stat = file.stat()
                stamp: _Stamp = (stat.st_mtime_ns, stat.st_size)
                if self._seen.get(file) == stamp:
                    continue
                body = file.read_bytes()
            except OSError as error:
                if self._seen.get(file) != str(error.strerror):
                    log.warning("revocation list %s: %s", file.name, error.strerror)
                self._seen[file] = str(error.strerror)
                continue
            taken = self._take([body])[0]
            self._seen[file] = stamp
            if taken.status == "REFUSED":
                log.warning("revocation list %s is not taken: %s: %s", file.name, taken.failure, taken.text)
            elif taken.status == "ACCEPTED":
                log.warning("revocation list %s is taken", file.name)
