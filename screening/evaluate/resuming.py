"""What a resumed run keeps of an earlier one: answers that would be given again."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from screening.records import sha256_hex

from .answers import ANSWERS, AnswersHeader, StoredAnswer, read_answers
from .record import LeftOut
from .samples import Sample

__all__ = ["kept_answers"]


def kept_answers(
    store: Path, header: AnswersHeader, samples: Sequence[Sample], root: Path
) -> tuple[dict[tuple[str, str], StoredAnswer], list[LeftOut]]:
    """Return the answers of an earlier run that would be given again, with the truth as it is now.

    Parameters
    ----------
    store : Path
        ``answers.jsonl``; it need not be there.
    header : AnswersHeader
        Of this run: software, settings, detectors and their sources.
    samples : sequence of Sample
        What is asked about.
    root : Path
        Folder of the data set.

    Returns
    -------
    kept : dict of (str, str) to StoredAnswer
        By detector and sample.
    told : list of LeftOut
        How many, and from when; empty where there is no earlier run.

    Raises
    ------
    FormatError
        If the file cannot be read.
    """
    if not store.is_file():
        return {}, []
    when = datetime.fromtimestamp(store.stat().st_mtime, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    kept = _kept(store, header, samples, root)
    text = f"{len(kept)} of {len(samples) * len(header.detectors)} answers kept from {when}"
    return kept, [LeftOut(kind="not asked again", where=ANSWERS, text=text, n=len(kept), is_error=False)]


def _kept(
    store: Path, header: AnswersHeader, samples: Sequence[Sample], root: Path
) -> dict[tuple[str, str], StoredAnswer]:
    """Return the answers of an earlier run that would be given again, with the truth as it is now."""
    before = read_answers(store)
    same = {
        detector.name
        for detector in header.detectors
        if detector.version
        and detector in before.header.detectors
        and header.sources_sha256.get(detector.name, "") == before.header.sources_sha256.get(detector.name)
    }
    if (before.header.config_sha256, before.header.code_sha256) != (header.config_sha256, header.code_sha256):
        return {}
    now = {sample.id: sample for sample in samples}
    hashes: dict[str, str] = {}
    kept = {}
    for row in before.rows:
        sample = now.get(row.sample.id)
        is_same = sample is not None and (sample.path, sample.index) == (row.sample.path, row.sample.index)
        if row.detector not in same or sample is None or not is_same or not row.input_sha256:
            continue
        if sample.path not in hashes:
            with suppress(OSError):
                hashes[sample.path] = sha256_hex((root / sample.path).read_bytes())
        if hashes.get(sample.path) == row.input_sha256:
            found = row.sample
            truth = msgspec.structs.replace(sample, modality=found.modality, scan_id=found.scan_id)
            kept[row.detector, sample.id] = msgspec.structs.replace(row, sample=truth)
    return kept
