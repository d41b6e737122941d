"""An outside program as a detector under test: a scan goes in as a file, an answer comes out as one.

The program is started anew for each scan, without a shell, in a folder of its own, and ended with all it
started when its time is up or it writes too much. Whatever it does is a result.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Collection
from pathlib import Path

from screening.archive import write_scan
from screening.errors import ConfigurationError, FormatError, ModelError, ScreeningError
from screening.formats.n42_write import write_n42
from screening.records import Occupancy, ReasonCode, Scan, sha256_hex
from screening.sources.convert import convert

from .answer import DetectorAnswer
from .replay_answers import MAX_ANSWER_BYTES, read_answer

__all__ = ["ReplayDetector", "ReplayError"]

DEFAULT_TIME_S = 60.0
#: What a program may write in all, bytes: answer, standard output and error, and files of its own.
MAX_WRITTEN_BYTES = 256 * 1024 * 1024
_POLL_S = 0.02
_ROUNDS = 10
_TAIL_BYTES, _TAIL_CHARACTERS = 4096, 200
_MODALITIES = frozenset(("radiation", "radiograph"))


class ReplayError(ModelError):
    """An outside program that gave no answer.

    Parameters
    ----------
    message : str
        One line.
    kind : str
        Its class: "out of time", "program failed", "wrote too much", "unreadable answer".
    """

    def __init__(self, message: str, *, kind: str) -> None:
        super().__init__(message)
        self.kind = kind
        self.reason = ReasonCode.TIMEOUT.value if kind == "out of time" else ReasonCode.MODEL_ERROR.value


class ReplayDetector:
    """An outside program.

    Parameters
    ----------
    command : str
        The program and its arguments, split as a shell would and run without one. ``{in}`` stands for
        the scan's file: N42 (2012) for spectra and counts; for a radiograph a 16-bit array (``.npy``)
        beside a sidecar ``.toml`` and files of dark, air and reference (docs/formats.md). ``{out}``
        stands for the file of the answer; a suffix behind it is kept. Without ``{out}`` the answer is
        read from standard output.
    name : str, optional
        Of the detector; made of the program's name when omitted.
    time_limit_s : float
        Longest time for one scan.
    modalities : collection of str
        What it is asked about: "radiation", "radiograph".
    full_confidence : float, optional
        The number by which it says that it is certain; 100 in N42 and 1 in CSV when omitted.
    max_written_bytes : int
        What it may write for one scan.

    Raises
    ------
    ConfigurationError
        If there is no such program, the command has no ``{in}``, or a number is out of range.
    """

    text = "an outside program"

    def __init__(
        self,
        command: str,
        *,
        name: str = "",
        time_limit_s: float = DEFAULT_TIME_S,
        modalities: Collection[str] = ("radiation", "radiograph"),
        full_confidence: float | None = None,
        max_written_bytes: int = MAX_WRITTEN_BYTES,
    ) -> None:
        try:
            words = shlex.split(command)
        except ValueError as error:
            raise ConfigurationError(f"command {command!r}: {error}", value=command) from None
        if not words or not any("{in}" in word for word in words[1:]):
            raise ConfigurationError(
                f"command {command!r}: a program and {{in}} among its arguments are needed", value=command
            )
        if (
            not time_limit_s > 0
            or max_written_bytes < 1
            or (full_confidence is not None and not full_confidence > 0)
        ):
            raise ConfigurationError(
                f"limits of a program must be positive, got {time_limit_s} s, {max_written_bytes} bytes, "
                f"certainty {full_confidence}",
                value=time_limit_s,
            )
        if not modalities or not set(modalities) <= _MODALITIES:
            raise ConfigurationError(
                f"a program is asked about radiation or radiograph, got {', '.join(modalities) or 'nothing'}",
                value=tuple(modalities),
            )
        program = shutil.which(words[0])
        if program is None:
            raise ConfigurationError(f"no program {words[0]!r}", value=words[0])
        # It runs in a folder of its own: files named relative to ours must be found from there.
        files = [str(Path(word).resolve()) if _is_file(word) else word for word in words[1:]]
        self._words = [str(Path(program).resolve()) if _is_file(words[0]) else program, *files]
        self._has_out = any("{out}" in word for word in words)
        self._time_limit_s = time_limit_s
        self._modalities = frozenset(modalities)
        self._full_confidence = full_confidence
        self._max_written_bytes = max_written_bytes
        self.name = name or f"replay {_title(words)}"
        self.capabilities = self._modalities
        self.version = _version(self._words, full_confidence)

    def answer(self, scan: Scan) -> DetectorAnswer | None:
        """Run the program on a scan; see DetectorUnderTest.

        Parameters
        ----------
        scan : Scan
            Any scan.

        Returns
        -------
        DetectorAnswer or None
            What the program says; None of a modality it is not asked about.

        Raises
        ------
        ReplayError
            If it gave no answer: it failed, took too long, wrote too much or something unreadable.
        """
        if scan.modality not in self._modalities:
            return None
        with tempfile.TemporaryDirectory(prefix="screening-replay-", ignore_cleanup_errors=True) as folder:
            root = Path(folder)
            given, out, said = root / "in", root / "out", root / "said"
            for path in (given, out, said):
                path.mkdir()
            try:
                source = _write_input(scan, given, root)
            except ScreeningError as error:
                raise ReplayError(
                    f"the scan cannot be handed over: {error}", kind="not handed over"
                ) from error
            self._run(source, out, said)
            data, name = self._written(out, said)
            try:
                return read_answer(
                    data,
                    name=name,
                    is_radiograph=scan.modality == "radiograph",
                    full_confidence=self._full_confidence,
                )
            except FormatError as error:
                raise ReplayError(str(error), kind="unreadable answer") from error

    def _run(self, source: Path, out: Path, said: Path) -> None:
        words = [
            word.replace("{in}", str(source)).replace("{out}", str(out / "answer")) for word in self._words
        ]
        environment = {
            **os.environ,
            "TMPDIR": str(out.parent),
            "TEMP": str(out.parent),
            "TMP": str(out.parent),
        }
        with (said / "stdout").open("wb") as stdout, (said / "stderr").open("wb") as stderr:
            try:
                process = subprocess.Popen(  # noqa: S603 - the program the user asked for, without a shell
                    words,
                    stdin=subprocess.DEVNULL,
                    stdout=stdout,
                    stderr=stderr,
                    cwd=out.parent,
                    env=environment,
                    start_new_session=sys.platform != "win32",
                )
            except OSError as error:
                raise ReplayError(f"cannot be started: {error.strerror}", kind="program failed") from error
            try:
                self._wait(process, out.parent)
            finally:
                _end(process, str(out.parent))
        if process.returncode:
            tail = _tail(said / "stderr")
            raise ReplayError(
                f"ended with status {process.returncode}" + (f": {tail}" if tail else ""),
                kind="program failed",
            )

    def _wait(self, process: subprocess.Popen[bytes], folder: Path) -> None:
        limit = time.monotonic() + self._time_limit_s
        before = _size(folder)
        while process.poll() is None:
            remaining = limit - time.monotonic()
            if remaining <= 0:
                raise ReplayError(f"took more than {self._time_limit_s:g} s", kind="out of time")
            if _size(folder) - before > self._max_written_bytes:
                raise ReplayError(f"wrote more than {self._max_written_bytes} bytes", kind="wrote too much")
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(min(_POLL_S, remaining))

    def _written(self, out: Path, said: Path) -> tuple[bytes, str]:
        if not self._has_out:
            return _bytes(said / "stdout"), "standard output"
        found = sorted(path for path in out.iterdir() if path.name.startswith("answer"))
        if len(found) != 1:
            why = "no answer was written" if not found else f"{len(found)} answers were written"
            tail = _tail(said / "stderr")
            raise ReplayError(why + (f": {tail}" if tail else ""), kind="unreadable answer")
        if found[0].is_symlink() or not found[0].is_file():
            raise ReplayError("the answer is no file", kind="unreadable answer")
        return _bytes(found[0]), found[0].name


def _is_file(word: str) -> bool:
    try:
        return Path(word).is_file()
    except (OSError, ValueError):  # too long for a path, or with a character no path has
        return False


def _title(words: list[str]) -> str:
    # "python tool.py" is known by the script.
    files = [Path(word).name for word in words[1:] if _is_file(word)]
    return files[0] if files else Path(words[0]).name


def _version(words: list[str], full_confidence: float | None) -> str:
    """Return a hash of the command and of the files it names: a changed program is another detector."""
    parts = [*(Path(word).name if _is_file(word) else word for word in words), str(full_confidence)]
    for word in words:
        with contextlib.suppress(OSError):
            if _is_file(word):
                parts.append(sha256_hex(Path(word).read_bytes()))
    return sha256_hex("\0".join(parts).encode())[:12]


def _write_input(scan: Scan, folder: Path, root: Path) -> Path:
    if isinstance(scan.payload, Occupancy):
        path = folder / "scan.n42"
        path.write_bytes(write_n42(scan))
        return path
    archive = root / "scan.h5"
    write_scan(archive, scan)
    path = folder / "scan.npy"
    convert(archive, path)
    archive.unlink()
    return path


def _end(process: subprocess.Popen[bytes], mark: str) -> None:
    """End a program and all it started, also when it has ended itself and left others behind.

    What has left the program's session is known by `mark`, the folder in its environment, where the
    system shows that.
    """
    if sys.platform == "win32":
        if process.poll() is None:
            process.kill()
    else:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    needle = f"TMPDIR={mark}\0".encode()
    for _ in range(_ROUNDS):  # one that was just started may have been missed
        found = [pid for pid in _own_processes() if needle in _environment(pid)]
        for pid in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        if not found:
            return


def _own_processes() -> list[int]:
    with contextlib.suppress(OSError):
        numbers = [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]
        return [number for number in numbers if number != os.getpid()]
    return []


def _environment(pid: int) -> bytes:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/environ").read_bytes() + b"\0"
    return b""


def _size(folder: Path) -> int:
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                total += (Path(parent) / name).lstat().st_size
    return total


def _bytes(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MAX_ANSWER_BYTES + 1)


def _tail(path: Path) -> str:
    with contextlib.suppress(OSError), path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        lines = [line.strip() for line in file.read().decode("utf-8", "replace").splitlines() if line.strip()]
        return lines[-1][:_TAIL_CHARACTERS] if lines else ""
    return ""
