"""Hashes of the code that gives answers: a version number does not change with every edit."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

__all__ = ["code_sha256", "detector_sha256"]

#: What is hashed of this software: Python, and what was compiled from C.
SUFFIXES = (".py", ".so", ".pyd")
OWN = __name__.partition(".")[0]
#: A detector's package larger than this is known by the files of its classes alone.
MAX_FILES = 200
MAX_BYTES = 5_000_000


@cache
def code_sha256() -> str:
    """Return one hash of the code of this software as it is installed.

    Returns
    -------
    str
        sha256 over names and bytes of its Python and compiled files; read once a process.
    """
    root = Path(__file__).resolve().parent.parent
    return _hashed(root, (path for path in root.rglob("*") if path.suffix in SUFFIXES))


def detector_sha256(detector: Any) -> str:
    """Return one hash of the source of a detector.

    Parameters
    ----------
    detector : object
        The detector.

    Returns
    -------
    str
        sha256 over the files that define its class and what that inherits from, and over the Python files
        beside them where they stand in a package of at most 200 files and 5 MB. Empty where a class has
        no file: then nobody knows whether it is what it was. Code of this software is told by
        :func:`code_sha256`.
    """
    pieces = []
    for kind in type(detector).__mro__:
        top = kind.__module__.partition(".")[0]
        if top == OWN or top in sys.stdlib_module_names:
            continue
        module = sys.modules.get(kind.__module__)
        file = getattr(module, "__file__", None)
        if not file or not Path(file).is_file():
            return ""
        pieces.append(_file_sha256(Path(file), is_in_package=bool(getattr(module, "__package__", ""))))
    return hashlib.sha256("\n".join(pieces).encode()).hexdigest()


def _file_sha256(file: Path, *, is_in_package: bool) -> str:
    if is_in_package:
        beside = [path for path in file.parent.rglob("*.py") if path.is_file()]
        if len(beside) <= MAX_FILES and sum(path.stat().st_size for path in beside) <= MAX_BYTES:
            return _hashed(file.parent, {*beside, file})
    return _hashed(file.parent, [file])


def _hashed(root: Path, files: Iterable[Path]) -> str:
    found = hashlib.sha256()
    for path in sorted(files):
        name, data = path.relative_to(root).as_posix().encode(), path.read_bytes()
        found.update(b"%d %d " % (len(name), len(data)) + name + data)
    return found.hexdigest()
