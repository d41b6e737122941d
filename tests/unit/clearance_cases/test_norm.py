"""Declared goods explain to a person, and weigh nothing."""

from __future__ import annotations

import pytest

from screening.clearance import explain_norm
from screening.clearance.norm import norm_goods, series_of
from screening.records import AdvanceData, FlagScores, Goods

CHAPTERS = {
    "25": (1, 5, 8, 10, 16),
    "26": (12, 14, 15),
    "31": (3, 4, 5),
    "38": (24,),
    "68": (2, 6),
    "69": (2, 3, 7, 10, 11, 12),
    "70": (19,),
    "24": (1,),
    "08": (3,),
    "12": (1,),
    "18": (5,),
    "81": (1,),
    "28": (44,),
}
HEADINGS = {f"{chapter}{heading:02d}" for chapter, headings in CHAPTERS.items() for heading in headings}


def test_the_table_holds_the_goods_of_the_domain_notes() -> None:
    assert sorted(norm_goods()) == sorted(HEADINGS)
    assert all(
        row.goods and row.series and set(row.series) <= {"K", "U", "Th"} for row in norm_goods().values()
    )


@pytest.mark.parametrize(
    ("nuclide", "series"),
    [("K-40", "K"), ("K40", "K"), ("ra226", "U"), ("Bi-214", "U"), ("Tl-208", "Th"), ("Pa-234m", "U")],
)
def test_natural_series(nuclide, series) -> None:
    assert series_of(nuclide) == series


@pytest.mark.parametrize("nuclide", ["Cs-137", "Pu-239", "U-235", "Tc-99m", "K-42", "", "potassium"])
def test_nuclides_of_no_natural_series(nuclide) -> None:
    assert series_of(nuclide) is None


def test_what_fits_the_goods_and_what_does_not() -> None:
    (said,) = explain_norm([Goods(hs="310420")], ["K-40", "Cs-137", "Th-232"])
    assert (said.explained, said.unexplained) == (("K-40",), ("Cs-137", "Th-232"))
    assert said.text == (
        "declared potassic fertilisers (HS 3104) may hold K-40; fits K-40; does not explain Cs-137, Th-232"
    )


def test_goods_without_natural_radioactivity_explain_nothing() -> None:
    assert explain_norm([Goods(hs="8703")], ["K-40"]) == ()
    assert explain_norm([], ["K-40"]) == ()


def test_nothing_natural_explains_neutrons() -> None:
    assert explain_norm([Goods(hs="690721")], ["K-40"], has_neutrons=True) == ()


@pytest.fixture
def declared(make):
    made = AdvanceData(
        container_id=make.box,
        bill="B1",
        at=make.at(100),
        administration="CA",
        goods=(Goods(hs="690721"),),
    )
    return make.seal(made)


def test_the_advice_stands_beside_the_inputs(make, declared, join, look) -> None:
    alarm = make.flag("RAD_SPECTRAL", "RAD_NUCLIDE_NORM", scores=FlagScores(labels=("K-40",)))
    seen = look(join(alarm, declared))
    assert [one.explained for one in seen.advice] == [("K-40",)]
    assert look(join(make.flag("RAD_GROSS"), declared)).advice == ()
    assert look(join(alarm)).advice == ()


def test_neutrons_with_such_goods_stay_high(make, declared, join, look) -> None:
    alarm = make.flag("RAD_SPECTRAL", "RAD_NUCLIDE_NORM", scores=FlagScores(labels=("K-40",)))
    seen = look(join(alarm, make.flag("NEUTRON", "RAD_NEUTRON"), declared))
    assert (seen.inputs.radiation, seen.inputs.severe, seen.advice) == ("HIGH", True, ())
