"""Lines out of a stream that may be cut anywhere, within a bounded memory."""

from __future__ import annotations

__all__ = ["LineSplitter"]


class LineSplitter:
    """Puts lines together from pieces of a stream, and holds at most one line of `limit` bytes.

    Parameters
    ----------
    limit : int
        Longest line, bytes, without its line feed. A longer one is passed over to its end.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._held = bytearray()
        self._is_passing_over = False

    @property
    def is_partial(self) -> bool:
        """Whether a line has begun and not ended."""
        return self._is_passing_over or bool(self._held)

    def feed(self, data: bytes) -> list[bytes | None]:
        """Return the lines that end in a piece of the stream.

        Parameters
        ----------
        data : bytes
            The piece.

        Returns
        -------
        list of bytes or None
            Lines without their line feed; None in the place of one that was too long.
        """
        lines: list[bytes | None] = []
        start = 0
        while (end := data.find(b"\n", start)) >= 0:
            self._hold(data, start, end)
            lines.append(self._release())
            start = end + 1
        self._hold(data, start, len(data))
        return lines

    def rest(self) -> list[bytes | None]:
        """Return what the stream held after its last line feed.

        Returns
        -------
        list of bytes or None
            One line, or none if it ended with a line feed.
        """
        return [self._release()] if self.is_partial else []

    def _hold(self, data: bytes, start: int, end: int) -> None:
        if self._is_passing_over:
            return
        if len(self._held) + end - start > self._limit:
            self._is_passing_over = True
            self._held.clear()
            return
        self._held += memoryview(data)[start:end]

    def _release(self) -> bytes | None:
        line = None if self._is_passing_over else bytes(self._held)
        self._held.clear()
        self._is_passing_over = False
        return line
