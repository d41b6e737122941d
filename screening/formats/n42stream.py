"""Live N42 between STX (02) and ETX (03), as portable spectrometers send it over TCP."""

from __future__ import annotations

__all__ = ["MAX_DOCUMENT_BYTES", "N42StreamReader", "encode"]

STX = b"\x02"
ETX = b"\x03"

MAX_DOCUMENT_BYTES = 16 * 1024 * 1024
"""A document beyond this is dropped up to the next STX."""


def encode(document: bytes) -> bytes:
    """Return a document between STX and ETX.

    Parameters
    ----------
    document : bytes
        XML; the two marks cannot occur in it.

    Returns
    -------
    bytes
        The frame.

    Raises
    ------
    ValueError
        If the document holds a mark.
    """
    if STX in document or ETX in document:
        raise ValueError("a document cannot hold STX or ETX")
    return STX + document + ETX


class N42StreamReader:
    """Cuts a byte stream into documents, with bounded memory.

    Parameters
    ----------
    max_bytes : int
        Limit on one document.

    Attributes
    ----------
    n_dropped : int
        Documents that were too long, or cut by a new STX.
    n_skipped : int
        Bytes outside documents.
    """

    def __init__(self, *, max_bytes: int = MAX_DOCUMENT_BYTES) -> None:
        self._max_bytes = max_bytes
        self._document: bytearray | None = None
        self.n_dropped = 0
        self.n_skipped = 0

    def feed(self, data: bytes) -> list[bytes]:
        """Return the documents that some bytes complete.

        Parameters
        ----------
        data : bytes
            What arrived.

        Returns
        -------
        list of bytes
            Without the marks.
        """
        documents: list[bytes] = []
        position = 0
        while position < len(data):
            if self._document is None:
                start = data.find(STX, position)
                self.n_skipped += (len(data) if start < 0 else start) - position
                if start < 0:
                    break
                self._document = bytearray()
                position = start + 1
                continue
            end, again = data.find(ETX, position), -1
            again = data.find(STX, position, len(data) if end < 0 else end)
            stop = again if again >= 0 else end if end >= 0 else len(data)
            if len(self._document) + stop - position > self._max_bytes:
                self.n_dropped += 1
                self._document = None
                position = stop
                continue
            self._document += data[position:stop]
            position = stop + 1
            if again >= 0:
                self.n_dropped += 1
                self._document = bytearray()
            elif end >= 0:
                documents.append(bytes(self._document))
                self._document = None
        return documents

    def close(self) -> None:
        """Forget half a document."""
        if self._document:
            self.n_dropped += 1
        self._document = None
