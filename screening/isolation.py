"""Run a parser of foreign bytes in a child process with memory and time budgets.

Libraries that read foreign binary formats are written in C and C++ and were not made for hostile
input. Here they run in a child: a crash, an endless loop or a memory bomb ends the child, and the
caller gets an error that names the file. One child serves a process's calls one after the other, and
is started again after any failure. Results come back as JSON and raw buffers, never as pickles, so a
child that was taken over can lie about the file and nothing else.
"""

from __future__ import annotations

import atexit
import contextlib
import importlib
import json
import os
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from screening.errors import FormatError, ResourceLimitError, UnrecognisedFormatError

__all__ = ["DEFAULT_MEMORY_BYTES", "DEFAULT_TIME_S", "run_isolated", "stop_child"]

DEFAULT_TIME_S = 30.0
DEFAULT_MEMORY_BYTES = 1 << 30

_LENGTH = struct.Struct("<Q")
_MAX_RESULT_BYTES = 4 << 30
_ERRORS = {kind.__name__: kind for kind in (FormatError, ResourceLimitError, UnrecognisedFormatError)}

_lock = threading.Lock()
_child: _Child | None = None


def run_isolated(
    target: str,
    data: bytes,
    *,
    name: str,
    time_s: float = DEFAULT_TIME_S,
    memory_bytes: int = DEFAULT_MEMORY_BYTES,
    arguments: Mapping[str, str | int | float | bool | None] | None = None,
) -> Any:
    """Call a function on some bytes in the child process.

    Parameters
    ----------
    target : str
        "package.module:function"; the function takes the bytes and returns dicts, lists, strings,
        numbers, bytes, None and NumPy arrays of plain dtypes.
    data : bytes
        What to parse.
    name : str
        File name, for messages.
    time_s : float
        Wall-clock budget, seconds; the import of the parser counts.
    memory_bytes : int
        Memory the call may take beyond what the child has, bytes; enforced where the system can.
    arguments : mapping, optional
        Keyword arguments of the function, plain values.

    Returns
    -------
    object
        What the function returned; tuples become lists.

    Raises
    ------
    FormatError
        If the parser refused the bytes or crashed on them.
    ResourceLimitError
        If it exceeded its time or memory.
    """
    request = {"target": target, "memory": memory_bytes, "arguments": dict(arguments or {})}
    with _lock:
        child = _running_child()
        timer = threading.Timer(time_s, child.kill_for_time)
        timer.daemon = True
        timer.start()
        try:
            header, buffers = child.ask(request, data)
        except (OSError, EOFError, ValueError) as error:
            child.kill()
            if child.is_out_of_time:
                raise ResourceLimitError(f"{name}: not read within {time_s:g} s") from None
            code = child.process.wait()
            raise FormatError(f"{name}: the parser crashed (status {code})", value=code) from error
        finally:
            timer.cancel()
        if child.is_out_of_time or header.get("exhausted"):
            child.kill()  # its memory may be fragmented or its state half-changed
    if "error" in header:
        kind = _ERRORS.get(str(header["error"]), FormatError)
        message = str(header.get("message", ""))
        raise kind(message if message.startswith(f"{name}:") else f"{name}: {message}")
    return _restored(header["result"], buffers)


def stop_child() -> None:
    """End the child process; the next call starts a new one."""
    with _lock:
        if _child is not None:
            _child.kill()


def _running_child() -> _Child:
    global _child
    if _child is None or _child.owner != os.getpid() or _child.process.poll() is not None:
        if _child is not None:
            _child.kill()
        _child = _Child()
    return _child


class _Child:
    """The child process, seen from the parent."""

    def __init__(self) -> None:
        self.owner = os.getpid()
        self.is_out_of_time = False
        environment = dict(os.environ)
        # -P keeps the working directory out of the import path: a parser must not import what lies there.
        folders = [str(Path(item).resolve()) for item in sys.path if item]
        folders.append(str(Path(__file__).resolve().parents[1]))
        environment["PYTHONPATH"] = os.pathsep.join(folders)
        for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
            environment[variable] = "1"
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-c", "from screening.isolation import serve; serve()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=environment,
        )

    def ask(self, header: dict[str, Any], data: bytes) -> tuple[dict[str, Any], list[bytes]]:
        stdin, stdout = self.process.stdin, self.process.stdout
        if stdin is None or stdout is None:
            raise EOFError
        _send(stdin, header, [data])
        return _receive(stdout)

    def kill_for_time(self) -> None:
        self.is_out_of_time = True
        self.process.kill()

    def kill(self) -> None:
        if self.owner != os.getpid():
            return
        self.process.kill()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                with contextlib.suppress(OSError):
                    pipe.close()
        self.process.wait()


atexit.register(stop_child)


def _send(pipe: IO[bytes], header: dict[str, Any], buffers: list[bytes]) -> None:
    header = {**header, "sizes": [len(buffer) for buffer in buffers]}
    text = json.dumps(header).encode("utf-8")
    pipe.write(_LENGTH.pack(len(text)))
    pipe.write(text)
    for buffer in buffers:
        pipe.write(buffer)
    pipe.flush()


def _receive(pipe: IO[bytes]) -> tuple[dict[str, Any], list[bytes]]:
    (size,) = _LENGTH.unpack(_exactly(pipe, _LENGTH.size))
    if size > 1 << 28:
        raise ValueError(f"a header of {size} bytes")
    header = json.loads(_exactly(pipe, size))
    sizes = header["sizes"]
    if sum(sizes) > _MAX_RESULT_BYTES:
        raise ValueError(f"a result of {sum(sizes)} bytes")
    return header, [_exactly(pipe, item) for item in sizes]


def _exactly(pipe: IO[bytes], size: int) -> bytes:
    data = pipe.read(size)
    if len(data) != size:
        raise EOFError("the pipe ended")
    return data


def _flattened(value: Any, buffers: list[bytes]) -> Any:
    """Return a value with arrays and bytes replaced by references into `buffers`."""
    if isinstance(value, np.ndarray):
        if value.dtype.hasobject:
            raise TypeError(f"an array of dtype {value.dtype} cannot be passed on")
        buffers.append(np.ascontiguousarray(value).tobytes())
        return {"$array": len(buffers) - 1, "dtype": value.dtype.str, "shape": list(value.shape)}
    if isinstance(value, bytes):
        buffers.append(value)
        return {"$bytes": len(buffers) - 1}
    if isinstance(value, dict):
        return {str(key): _flattened(item, buffers) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_flattened(item, buffers) for item in value]
    if isinstance(value, np.generic):
        return value.item()
    return value


def _restored(value: Any, buffers: list[bytes]) -> Any:
    if isinstance(value, dict):
        if "$array" in value:
            return _array(buffers[value["$array"]], value["dtype"], value["shape"])
        if "$bytes" in value:
            return buffers[value["$bytes"]]
        return {key: _restored(item, buffers) for key, item in value.items()}
    if isinstance(value, list):
        return [_restored(item, buffers) for item in value]
    return value


def _array(buffer: bytes, dtype: str, shape: list[int]) -> NDArray[Any]:
    kind = np.dtype(dtype)
    if kind.hasobject:
        raise FormatError(f"an array of dtype {dtype} is not plain", value=dtype)
    return np.frombuffer(buffer, dtype=kind).reshape(shape)


def serve() -> None:
    """Answer requests from standard input until it ends; the child process runs this."""
    requests = sys.stdin.buffer
    # Libraries that print must not end up in the answers: keep the pipe, point 1 to nowhere.
    answers = os.fdopen(os.dup(1), "wb")
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    _limit_core_files()
    while True:
        try:
            header, (data,) = _receive(requests)
        except (EOFError, OSError):
            return
        answer, buffers = _answer(header, data)
        _send(answers, answer, buffers)


def _answer(header: dict[str, Any], data: bytes) -> tuple[dict[str, Any], list[bytes]]:
    try:
        module, _, function = str(header["target"]).partition(":")
        parse = getattr(importlib.import_module(module), function)
        with _memory_limit(int(header["memory"])):
            result = parse(data, **header["arguments"])
            buffers: list[bytes] = []
            return {"result": _flattened(result, buffers)}, buffers
    except MemoryError:
        message = f"reading it takes more than {header['memory']} bytes of memory"
        return {"error": "ResourceLimitError", "message": message, "exhausted": True}, []
    except RecursionError:
        return {"error": "ResourceLimitError", "message": "nested too deeply", "exhausted": True}, []
    except FormatError as error:
        return {"error": type(error).__name__, "message": str(error)}, []
    except Exception as error:
        first_line = str(error).strip().split("\n")[0][:300] or "no message"
        return {"error": "FormatError", "message": f"{type(error).__name__}: {first_line}"}, []


def _limit_core_files() -> None:
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@contextlib.contextmanager
def _memory_limit(memory_bytes: int) -> Iterator[None]:
    """Limit the address space to what is in use plus a budget, where the system can."""
    try:
        import resource

        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0])
        limit = pages * resource.getpagesize() + memory_bytes
        before = resource.getrlimit(resource.RLIMIT_AS)
        resource.setrlimit(resource.RLIMIT_AS, (limit, before[1]))
    except (ImportError, OSError, ValueError):
        yield
        return
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
