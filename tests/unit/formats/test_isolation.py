"""Foreign parsers run in a child: whatever they do, the caller gets a clear error and goes on."""

from __future__ import annotations

import os
import threading
import time

import numpy as np
import pytest

from screening import isolation
from screening.errors import FormatError, ResourceLimitError, UnrecognisedFormatError
from screening.isolation import run_isolated, stop_child


@pytest.fixture(scope="module", autouse=True)
def parsers(tmp_path_factory):
    """A module of parsers that misbehave, importable in the child."""
    folder = tmp_path_factory.mktemp("parsers")
    (folder / "bad_parsers.py").write_text(
        """
import ctypes, os, sys, time
import numpy as np
from screening.errors import FormatError, ResourceLimitError, UnrecognisedFormatError

def echo(data, **arguments):
    return {"data": data, "n": len(data), "arguments": arguments, "none": None, "list": [1, 2.5, True, "x"],
            "array": np.arange(6, dtype=np.uint16).reshape(2, 3).T, "empty": np.zeros((0, 4)),
            "flags": np.array([True, False]), "scalar": np.float64(1.5), "pid": os.getpid()}

def crash(data):
    os.abort()

def segfault(data):
    ctypes.string_at(0)

def leave(data):
    os._exit(0)

def hang(data):
    time.sleep(60)

def devour(data):
    return np.ones(1 << 30, dtype=np.float64).sum()

def devour_in_python(data):
    found = []
    while True:
        found.append(bytearray(1 << 24))

def recurse(data):
    return recurse(data)

def refuse(data):
    raise FormatError("bad magic")

def unknown(data):
    raise UnrecognisedFormatError("nobody reads it")

def surprise(data):
    raise KeyError("first line\\nsecond line")

def chatter(data):
    print("noise on standard output" * 1000)
    os.write(1, b"more noise")
    sys.stderr.write("noise")
    return "quiet"

def evil(data):
    class Evil:
        def __reduce__(self):
            return (os.system, ("true",))
    return Evil()

def objects(data):
    return np.array([object()])
"""
    )
    import sys

    stop_child()
    sys.path.insert(0, str(folder))
    yield
    sys.path.remove(str(folder))
    stop_child()


def test_values_come_back_as_they_were():
    found = run_isolated("bad_parsers:echo", b"\x00\xff" * 10, name="f", arguments={"a": 1, "b": "x"})
    assert found["data"] == b"\x00\xff" * 10
    assert found["arguments"] == {"a": 1, "b": "x"}
    assert found["none"] is None
    assert found["list"] == [1, 2.5, True, "x"]
    np.testing.assert_array_equal(found["array"], [[0, 3], [1, 4], [2, 5]])
    assert found["array"].dtype == np.uint16
    assert found["empty"].shape == (0, 4)
    assert found["flags"].tolist() == [True, False]
    assert found["scalar"] == 1.5
    assert found["pid"] != os.getpid()


def test_one_child_serves_many_calls():
    pids = {run_isolated("bad_parsers:echo", b"", name="f")["pid"] for _ in range(15)}
    assert len(pids) == 1


@pytest.mark.parametrize("parser", ["crash", "segfault", "leave"])
def test_crash_is_an_error_that_names_the_file(parser):
    with pytest.raises(FormatError, match=r"^bad\.spc: the parser crashed \(status -?\d+\)$"):
        run_isolated(f"bad_parsers:{parser}", b"", name="bad.spc")
    assert run_isolated("bad_parsers:echo", b"ok", name="f")["n"] == 2


def test_time_budget():
    start = time.monotonic()
    with pytest.raises(ResourceLimitError, match=r"^slow\.spc: not read within 0\.5 s$"):
        run_isolated("bad_parsers:hang", b"", name="slow.spc", time_s=0.5)
    assert time.monotonic() - start < 5
    assert run_isolated("bad_parsers:echo", b"ok", name="f")["n"] == 2


@pytest.mark.parametrize("parser", ["devour", "devour_in_python"])
def test_memory_budget(parser):
    with pytest.raises(ResourceLimitError, match=r"^big\.spc: .*memory"):
        run_isolated(f"bad_parsers:{parser}", b"", name="big.spc", memory_bytes=256 << 20)
    assert run_isolated("bad_parsers:echo", b"ok", name="f")["n"] == 2


def test_recursion():
    with pytest.raises(ResourceLimitError, match=r"^deep\.spc: nested too deeply"):
        run_isolated("bad_parsers:recurse", b"", name="deep.spc")


def test_refusals_keep_their_kind_and_name_the_file():
    with pytest.raises(FormatError, match=r"^x\.spc: bad magic$"):
        run_isolated("bad_parsers:refuse", b"", name="x.spc")
    with pytest.raises(UnrecognisedFormatError, match=r"^x\.spc: nobody reads it$"):
        run_isolated("bad_parsers:unknown", b"", name="x.spc")
    with pytest.raises(FormatError) as caught:
        run_isolated("bad_parsers:surprise", b"", name="x.spc")
    assert "\n" not in str(caught.value)


def test_printing_does_not_spoil_the_answer():
    assert run_isolated("bad_parsers:chatter", b"", name="f") == "quiet"


@pytest.mark.parametrize("parser", ["evil", "objects", "nothing"])
def test_only_plain_values_cross(parser):
    with pytest.raises(FormatError, match=r"^x: "):
        run_isolated(f"bad_parsers:{parser}", b"", name="x")
    assert run_isolated("bad_parsers:echo", b"ok", name="f")["n"] == 2


def test_object_arrays_from_a_child_that_lies():
    with pytest.raises(FormatError, match="not plain"):
        isolation._restored({"$array": 0, "dtype": "|O", "shape": [1]}, [bytes(8)])


def test_threads_take_turns():
    results = []

    def work(i: int) -> None:
        results.append(run_isolated("bad_parsers:echo", bytes([i]) * 1000, name="f")["data"][0] == i)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 8


def test_large_data_pass_both_ways():
    data = bytes(20 << 20)
    assert run_isolated("bad_parsers:echo", data, name="f")["data"] == data
