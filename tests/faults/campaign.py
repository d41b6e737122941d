"""Run a workload once for every place a disk may fail at, and look at what is left each time.

Run with the shim preloaded (see `faulty_disk.c`); `tests/system/test_clearance_faults.py` does so::

    LD_PRELOAD=faulty_disk.so python campaign.py FOLDER WORKLOAD KIND=N_RUN...

One process imports everything, and forks one child for each run and one to look at what it left. With
0 for N_RUN the disk fails at each of its changes in turn, otherwise at so many places spread over them,
or, written 1-40, at just these.
The kinds are those of the shim, and "again": the power is cut, and once more after the restart. Writes
one JSON object a line: first ``{"n_change": ...}``, the number of changes of a run without faults;
then for each run where it failed, how it ended, what had been acknowledged, and what was wrong after.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import shutil
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workloads import WORKLOADS, Workload

#: How many changes a full or failing disk lasts for.
LENGTH = 10
#: Kinds after which the process goes on; the power is cut when it has ended.
SURVIVED = ("full", "eio")


def in_child(work: Callable[[Callable[[str], None]], None]) -> tuple[int, list[str]]:
    """Fork, do something there, and return how it ended and the lines that it told."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        status = 1
        try:
            work(lambda line: os.write(writing, line.encode() + b"\n") and None)
            status = 0
        except BaseException as error:
            traceback.print_exc()
            os.write(writing, f"error {type(error).__name__}: {error}".splitlines()[0].encode() + b"\n")
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading, "rb") as lines:
        told = lines.read().decode().splitlines()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), told


def run_once(shim: ctypes.CDLL, workload: Workload, kind: str, folder: Path, at: int) -> dict[str, Any]:
    """Run the workload with the fault at one place; look at what is left."""
    folder.mkdir()
    found: dict[str, Any] = {"kind": kind, "at": at}
    # A restart may meet the next fault, early or late; the third one finds the disk whole.
    faults = [("cut", at), ("torn", at % 97 + 1)] if kind == "again" else [(kind, at)]
    told: list[str] = []
    for fault, place in faults:

        def work(tell: Callable[[str], None], fault: str = fault, place: int = place) -> None:
            if shim.fault_arm(os.fsencode(folder), fault.encode(), place, LENGTH, at) != 0:
                raise RuntimeError("the shim cannot be armed")
            try:
                workload.run(folder, lambda name: tell(f"did {name}"), lambda error: tell(f"fail {error}"))
            finally:
                tell(f"count {shim.fault_count()}")
            if fault in SURVIVED or kind == "again":
                shim.fault_cut()

        found["status"], lines = in_child(work)
        told += lines
    for name, word in (("did", "did "), ("errors", "fail "), ("defects", "error "), ("count", "count ")):
        found[name] = [line.removeprefix(word) for line in told if line.startswith(word)]

    def look(tell: Callable[[str], None]) -> None:
        start = time.monotonic()
        for problem in workload.look(folder, tuple(found["did"])):
            tell(f"problem {problem}")
        tell(f"ready {time.monotonic() - start}")

    _, after = in_child(look)
    found["problems"] = [line for line in after if not line.startswith("ready ")]
    found["ready_s"] = next((float(line.split()[1]) for line in after if line.startswith("ready ")), None)
    shutil.rmtree(folder)
    return found


def _tell(found: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(found) + "\n")
    sys.stdout.flush()


def main(folder: str, name: str, *kinds: str) -> None:
    """Run the campaign."""
    shim = ctypes.CDLL(None)
    shim.fault_count.restype = ctypes.c_long
    shim.fault_arm.argtypes = (ctypes.c_char_p, ctypes.c_char_p, ctypes.c_long, ctypes.c_long, ctypes.c_uint)
    workload = WORKLOADS[name]()
    gc.freeze()
    base = Path(folder).resolve()
    whole = run_once(shim, workload, "count", base / "whole", 0)
    if whole["status"] != 0 or whole["problems"] or whole["errors"]:
        raise SystemExit(f"without a fault: {whole}")
    total = int(whole["count"][0])
    _tell({"n_change": total, "n_did": len(whole["did"])})
    for kind, _, wanted in (text.partition("=") for text in kinds):
        first, dash, last = wanted.partition("-")
        n = min(int(first) or total, total)
        places = range(int(first), int(last) + 1) if dash else [1 + i * total // n for i in range(n)]
        for at in places:
            _tell(run_once(shim, workload, kind, base / kind, at))


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    main(*sys.argv[1:])
