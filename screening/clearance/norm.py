"""What declared goods may explain of a radiation alarm: advice to a person, without any weight.

Natural radioactivity (NORM) is the usual cause of an innocent alarm, and it is also what somebody would
declare who hides a source in it. So an explanation never lowers a level: it says what an officer may
expect to measure.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from screening.records import Goods

__all__ = ["NormExplanation", "NormGoods", "explain_norm", "norm_goods", "series_of"]

_TABLE = Path(__file__).parent / "tables" / "norm_goods.csv"
_SERIES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "K": ("K-40",),
        "U": (
            "U-238",
            "Th-234",
            "Pa-234m",
            "U-234",
            "Th-230",
            "Ra-226",
            "Rn-222",
            "Pb-214",
            "Bi-214",
            "Pb-210",
        ),
        "Th": ("Th-232", "Ra-228", "Ac-228", "Th-228", "Ra-224", "Rn-220", "Pb-212", "Bi-212", "Tl-208"),
    }
)
_NUCLIDE = re.compile(r"([A-Za-z]{1,2})[- ]?([0-9]{1,3})(m?)", re.ASCII)


class NormGoods(NamedTuple):
    """A line of the table.

    Attributes
    ----------
    hs : str
        Heading of the Harmonised System, four digits.
    goods : str
        What they are.
    series : tuple of str
        "K", "U", "Th": the natural series they are known to hold.
    """

    hs: str
    goods: str
    series: tuple[str, ...]


class NormExplanation(NamedTuple):
    """What one line of declared goods may explain.

    Attributes
    ----------
    hs : str
        As declared.
    goods : str
        What the table calls them.
    explained, unexplained : tuple of str
        Nuclides that were named and fit the goods, and those that do not.
    text : str
        One line for a person.
    """

    hs: str
    goods: str
    explained: tuple[str, ...]
    unexplained: tuple[str, ...]
    text: str


@lru_cache(maxsize=1)
def norm_goods() -> Mapping[str, NormGoods]:
    """Return the goods that are known to hold natural radioactivity.

    Returns
    -------
    dict of str to NormGoods
        By heading, four digits.
    """
    lines = [line for line in _TABLE.read_text("utf-8").splitlines() if not line.startswith("#")]
    return MappingProxyType(
        {
            row["hs"]: NormGoods(row["hs"], row["goods"], tuple(row["series"].split()))
            for row in csv.DictReader(lines)
        }
    )


def series_of(nuclide: str) -> str | None:
    """Return the natural series a nuclide belongs to.

    Parameters
    ----------
    nuclide : str
        As an instrument names it ("K-40", "Ra226").

    Returns
    -------
    str or None
        "K", "U" or "Th"; None for any other.
    """
    found = _NUCLIDE.fullmatch(nuclide.strip())
    if found is None:
        return None
    name = f"{found[1].capitalize()}-{found[2]}{found[3]}"
    return next((series for series, members in _SERIES.items() if name in members), None)


def explain_norm(
    goods: Iterable[Goods], nuclides: Iterable[str], *, has_neutrons: bool = False
) -> tuple[NormExplanation, ...]:
    """Return what declared goods may explain of the nuclides that were named.

    Parameters
    ----------
    goods : iterable of Goods
        As declared.
    nuclides : iterable of str
        As instruments named them.
    has_neutrons : bool
        Neutrons were found: no natural radioactivity explains them, so nothing is explained at all.

    Returns
    -------
    tuple of NormExplanation
        One for each heading of the table that was declared, in order of the heading.
    """
    if has_neutrons:
        return ()
    named = tuple(sorted(set(nuclides)))
    found = {}
    for line in goods:
        known = norm_goods().get(line.hs[:4])
        if known is None or known.hs in found:
            continue
        explained = tuple(nuclide for nuclide in named if series_of(nuclide) in known.series)
        unexplained = tuple(nuclide for nuclide in named if nuclide not in explained)
        found[known.hs] = NormExplanation(
            line.hs, known.goods, explained, unexplained, _text(known, explained, unexplained)
        )
    return tuple(found[hs] for hs in sorted(found))


def _text(known: NormGoods, explained: tuple[str, ...], unexplained: tuple[str, ...]) -> str:
    holds = ", ".join(_SERIES[series][0] + ("" if series == "K" else " series") for series in known.series)
    said = f"declared {known.goods} (HS {known.hs}) may hold {holds}"
    if explained:
        said += f"; fits {', '.join(explained)}"
    if unexplained:
        said += f"; does not explain {', '.join(unexplained)}"
    return said
