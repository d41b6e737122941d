"""Analysis children from the parent's side: start them, give them scans, end those that take too long.

A child is a fresh interpreter that speaks length-prefixed JSON over its standard input and output. A
crash or a hang costs the scan it was about, which is UNKNOWN, and nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import struct
import sys
from typing import Any

import msgspec

from screening import __version__
from screening.errors import ConfigurationError
from screening.records import ReasonCode, sha256_hex
from screening.risk import Provenance
from screening.stores import StoredScan

from .scan_entry import ScanEntry

__all__ = ["AnalysisAnswer", "AnalysisChild", "ChildReady", "ChildStart", "encode_message"]

_LENGTH = struct.Struct("<I")
MAX_MESSAGE = 64 << 20


class ChildStart(msgspec.Struct, frozen=True, kw_only=True):
    """First message to a child.

    Attributes
    ----------
    spool, archive : str
        Folders.
    config : str
        The site's settings, TOML.
    """

    spool: str
    archive: str
    config: str


class ChildReady(msgspec.Struct, frozen=True, kw_only=True):
    """A child's answer to its start.

    Attributes
    ----------
    provenance : Provenance or None
        What it analyses with.
    error : str or None
        Why it refuses the settings.
    """

    provenance: Provenance | None = None
    error: str | None = None


class AnalysisAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A child's answer to one scan.

    Attributes
    ----------
    report : msgspec.Raw
        screening/1 object; null when the analysis gave none.
    scan : StoredScan or None
        What the store keeps of the scan; None when the bytes could not be read.
    archive : str or None
        Name of the archive file; None if it could not be written.
    error : str or None
        Why there is no report, or no archive.
    reason : ReasonCode or None
        Reason code of that error.
    n_bytes : int
        Bytes of the scan, as received.
    sha256 : str or None
        Their hash.
    """

    report: msgspec.Raw = msgspec.Raw(b"null")
    scan: StoredScan | None = None
    archive: str | None = None
    error: str | None = None
    reason: ReasonCode | None = None
    n_bytes: int = 0
    sha256: str | None = None


def encode_message(message: Any) -> bytes:
    """Return a message with its length before it.

    Parameters
    ----------
    message : object
        Anything JSON can hold.

    Returns
    -------
    bytes
        Length (u32, little-endian), then JSON.
    """
    body = msgspec.json.encode(message)
    return _LENGTH.pack(len(body)) + body


class AnalysisChild:
    """One child; it starts when first needed, and again after it died.

    Parameters
    ----------
    start : ChildStart
        What it is told first.
    start_deadline_s, deadline_s : float
        Time it has to start, and for one scan, seconds.
    command : tuple of str, optional
        What to run; a test's stand-in for the child.

    Attributes
    ----------
    provenance : Provenance
        What the child analyses with, as far as it has told.
    """

    def __init__(
        self,
        start: ChildStart,
        *,
        start_deadline_s: float,
        deadline_s: float,
        command: tuple[str, ...] = (sys.executable, "-P", "-m", "screening.acquire.analyst"),
    ) -> None:
        self._start = start
        self._start_deadline_s = start_deadline_s
        self._deadline_s = deadline_s
        self._command = command
        self.provenance = Provenance(
            version=__version__,
            kernel_isa="none",
            config_sha256=sha256_hex(start.config.encode()),
            threshold_sha256=sha256_hex(b""),
        )
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Start the child, if it does not run.

        Raises
        ------
        ConfigurationError
            If the child refuses the settings.
        ChildProcessError
            If it ends before it is ready.
        TimeoutError
            If it is not ready in time.
        """
        if self._process is not None and self._process.returncode is None:
            return
        environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment,
        )
        try:
            async with asyncio.timeout(self._start_deadline_s):
                message = await self._exchange(encode_message(self._start))
                ready = msgspec.json.decode(message, type=ChildReady)
        except BaseException:
            await self.stop()
            raise
        if ready.provenance is not None:
            self.provenance = ready.provenance
        if ready.error is not None:
            await self.stop()
            raise ConfigurationError(ready.error, value=ready.error)

    async def analyse(self, entry: ScanEntry) -> AnalysisAnswer:
        """Have one scan analysed.

        Parameters
        ----------
        entry : ScanEntry
            The scan.

        Returns
        -------
        AnalysisAnswer
            The child's answer; TIMEOUT or MODEL_ERROR if it gave none.
        """
        try:
            await self.start()
            async with asyncio.timeout(self._deadline_s):
                return msgspec.json.decode(await self._exchange(encode_message(entry)), type=AnalysisAnswer)
        except TimeoutError:
            await self.stop()
            text = f"the analysis took longer than {self._deadline_s:g} s"
            return AnalysisAnswer(error=text, reason=ReasonCode.TIMEOUT)
        except (OSError, EOFError, msgspec.DecodeError, ConfigurationError) as error:
            await self.stop()
            text = f"the analysis process failed ({type(error).__name__}: {error})"
            return AnalysisAnswer(error=text, reason=ReasonCode.MODEL_ERROR)

    async def stop(self) -> None:
        """End the child; a second call does nothing."""
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()

    async def _exchange(self, message: bytes) -> bytes:
        process = self._process
        if process is None or process.stdin is None or process.stdout is None:
            raise ChildProcessError("the analysis process does not run")
        process.stdin.write(message)
        await process.stdin.drain()
        (length,) = _LENGTH.unpack(await process.stdout.readexactly(_LENGTH.size))
        if length > MAX_MESSAGE:
            raise ChildProcessError(f"the analysis process answered with {length} bytes")
        return await process.stdout.readexactly(length)
