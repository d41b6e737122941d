"""Split samples so that what belongs together stays together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Literal

import msgspec

from screening.errors import ConfigurationError

from .samples import SPLITS, Sample

__all__ = ["SplitKey", "leave_out", "split_by"]

SplitKey = Literal["parent", "seed", "site", "scanner", "cargo", "group", "id"]


def split_by(
    samples: Sequence[Sample],
    shares: Mapping[str, float],
    *,
    together: Sequence[SplitKey] = ("parent",),
    seed: int = 0,
) -> list[Sample]:
    """Return samples with a split each, drawn by hash.

    Parameters
    ----------
    samples : sequence of Sample
        In any order: a sample's split depends on what it shares with others and on the seed alone, so
        that samples added later move none.
    shares : mapping of str to float
        How much of each split, by groups, not by samples; in any unit.
    together : sequence of str
        What must not stand in two splits. Samples that share any of these stay together, and so do those
        linked through others. An empty value shares nothing.
    seed : int
        Of the drawing.

    Returns
    -------
    list of Sample
        In the same order.

    Raises
    ------
    ConfigurationError
        If a split or a key is unknown, a share is negative, or all are 0.

    Notes
    -----
    A group is known by its smallest member's value, so linking two groups by a new sample may move one of
    them: then it has to move, as the two have something in common.
    """
    strange = [name for name in shares if name not in SPLITS]
    total = sum(shares.values())
    if strange or min(shares.values(), default=-1.0) < 0 or not total > 0:
        raise ConfigurationError(
            f"shares of {', '.join(SPLITS)} are not negative and not all 0, got {dict(shares)}",
            value=dict(shares),
        )
    if not together or any(key not in Sample.__struct_fields__ for key in together):
        raise ConfigurationError(f"samples have no {', '.join(together) or 'key to keep together'}")
    owner = _Groups()
    for sample in samples:
        values = [f"{key} {value}" for key in together if (value := getattr(sample, key)) not in ("", None)]
        owner.link(f"sample {sample.id}", *values)
    names = {sample.id: owner.name(f"sample {sample.id}") for sample in samples}
    edges, reached = [], 0.0
    for name in SPLITS:
        if shares.get(name, 0.0) > 0:
            reached += shares[name] / total
            edges.append((reached, name))
    found = []
    for sample in samples:
        at = _uniform(names[sample.id], seed)
        split = next((name for edge, name in edges if at < edge), edges[-1][1])
        found.append(msgspec.structs.replace(sample, split=split))
    return found


def leave_out(samples: Sequence[Sample], key: SplitKey, value: str) -> list[Sample]:
    """Return samples with one scanner, site or cargo in the test alone.

    Parameters
    ----------
    samples : sequence of Sample
        The samples.
    key : str
        What is left out of training: "scanner".
    value : str
        Which.

    Returns
    -------
    list of Sample
        In the same order; split "test" for those with the value, "train" for all others.

    Raises
    ------
    ConfigurationError
        If no sample has it, or all have.
    """
    found = [
        msgspec.structs.replace(sample, split="test" if str(getattr(sample, key)) == value else "train")
        for sample in samples
    ]
    if len({sample.split for sample in found}) != 2:
        present = sorted({str(getattr(sample, key)) for sample in samples})
        raise ConfigurationError(
            f"{key} {value!r} cannot be left out; there are: {', '.join(present)}", value=value
        )
    return found


def _uniform(name: str, seed: int) -> float:
    return int.from_bytes(sha256(f"{seed}\0{name}".encode()).digest()[:8], "big") / 2.0**64


class _Groups:
    """Sets of names that are linked, each known by its smallest name that is no sample's."""

    def __init__(self) -> None:
        self._above: dict[str, str] = {}

    def link(self, *names: str) -> None:
        tops = {self.name(name) for name in names}
        # "parent ..." comes before "sample ...": a group keeps its name when a sample joins.
        best = min(tops, key=lambda name: (name.startswith("sample "), name))
        for top in tops:
            self._above[top] = best

    def name(self, name: str) -> str:
        top = name
        while self._above.setdefault(top, top) != top:
            top = self._above[top]
        while self._above[name] != top:
            name, self._above[name] = self._above[name], top
        return top
