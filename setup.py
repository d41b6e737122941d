"""Packages and extensions; the metadata is in pyproject.toml.

The kernels are built against the limited API, so that one wheel serves every Python from 3.11 on.
Two switches, both for developers: ``SCREENING_TRACE=1`` builds with line tracing (no limited API),
``SCREENING_SANITIZE=1`` with the address and undefined-behaviour sanitizers. Make such builds in a
copy of the tree: a leftover traced extension shadows the normal one.
"""

import os
import platform
import sys

from Cython.Build import cythonize
from setuptools import Extension, find_packages, setup

TRACE = os.environ.get("SCREENING_TRACE") == "1"
SANITIZE = os.environ.get("SCREENING_SANITIZE") == "1"
ABI3 = not TRACE and platform.python_implementation() == "CPython"

KERNELS = ("counts", "factors", "fan", "lines", "photons", "spectra", "transport", "windows", "zeros")
# Headers beside the one of the kernel's name.
HEADERS = {"photons": ("photon_bodies", "photon_physics", "photon_random", "photon_table")}

MSVC = sys.platform == "win32"
COMPILE_ARGS = (
    ["/O2"] if MSVC else ["-O3", "-fno-math-errno", "-fno-trapping-math", "-g0", "-Wall", "-Wextra"]
)
# Without fused multiply-add every instruction set gives the same bits. The line correction keeps it: it
# is a seventh faster for it, and is held to 1e-6 of its twin instead.
EXACT_ARGS = [] if MSVC else ["-ffp-contract=off"]
LINK_ARGS: list[str] = []
if SANITIZE and not MSVC:
    SANITIZERS = ["-fsanitize=address,undefined", "-fno-omit-frame-pointer", "-g", "-O1"]
    COMPILE_ARGS, LINK_ARGS = [*COMPILE_ARGS, *SANITIZERS], SANITIZERS

MACROS: list[tuple[str, str | None]] = []
if ABI3:
    MACROS += [("Py_LIMITED_API", "0x030B0000"), ("CYTHON_LIMITED_API", "1")]
if TRACE:
    MACROS += [("CYTHON_TRACE", "1"), ("CYTHON_TRACE_NOGIL", "1"), ("CYTHON_USE_SYS_MONITORING", "0")]

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": TRACE or SANITIZE,
    "wraparound": False,
    "cdivision": True,
    "initializedcheck": TRACE or SANITIZE,
    "freethreading_compatible": True,
    "linetrace": TRACE,
    "embedsignature": False,
}

EXTENSIONS = [
    Extension(
        f"screening.kernels._{name}",
        [f"screening/kernels/_{name}.pyx"],
        include_dirs=["screening/kernels"],
        depends=[f"screening/kernels/{header}.h" for header in (name, "portable", *HEADERS.get(name, ()))],
        define_macros=MACROS,
        extra_compile_args=COMPILE_ARGS if name == "lines" else [*COMPILE_ARGS, *EXACT_ARGS],
        extra_link_args=LINK_ARGS,
        py_limited_api=ABI3,
    )
    for name in KERNELS
]

setup(
    packages=[
        *find_packages(include=["screening", "screening.*"]),
        "screening.models",
        "screening.data_samples",
    ],
    ext_modules=cythonize(
        EXTENSIONS, compiler_directives=DIRECTIVES, build_dir=None if TRACE else "build/cython"
    ),
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if ABI3 else {},
)
