"""What a worker process does: analyse one file and return its answers as JSON lines."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import msgspec

from screening.assembly import analyse, build_pipeline
from screening.config import Settings
from screening.pipeline import Pipeline

__all__ = ["TARGET", "analyse_file"]

TARGET = f"{__name__}:analyse_file"


def analyse_file(root: str, path: str, settings: str, products: str | None = None) -> bytes:
    """Analyse every scan of a file.

    Parameters
    ----------
    root : str
        The archive.
    path : str
        The file, relative to the archive.
    settings : str
        Settings as JSON.
    products : str, optional
        Folder for maps and spectra.

    Returns
    -------
    bytes
        One ``screening/1`` object per line and scan; an unreadable file gives one that says why.
    """
    folder = Path(root)
    file = folder / path if folder.is_dir() else folder
    reports = analyse(
        file, pipeline=_pipeline(settings), products=Path(products) if products is not None else None
    )
    return b"\n".join(
        # The name in the archive and no clock: two runs over the same archive compare byte by byte.
        msgspec.json.encode(msgspec.structs.replace(report, path=path, elapsed_ms=0.0))
        for report in reports
    )


@lru_cache(maxsize=1)
def _pipeline(settings: str) -> Pipeline:
    return build_pipeline(msgspec.json.decode(settings, type=Settings))
