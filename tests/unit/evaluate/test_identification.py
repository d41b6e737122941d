from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screening.evaluate.identification import load_correspondence, score, severity
from screening.physics import NUCLIDES


@pytest.fixture(scope="module")
def table():
    return load_correspondence()


@pytest.mark.parametrize(
    ("required", "reported", "verdict"),
    [
        # every required label, nothing else
        (["Cs-137"], ["Cs-137"], "correct"),
        (["Cs-137", "Co-60"], ["Co-60", "Cs-137"], "correct"),
        # background of the instrument and the place is never wrong
        (["Cs-137"], ["Cs-137", "K-40", "La-138"], "correct"),
        ([], [], "correct"),
        ([], ["K-40", "Ra-226", "Th-232"], "correct"),
        # an accepted stand-in is as good; a neighbour is a part
        (["Th-232"], ["Th-228"], "correct"),
        (["Ra-226"], ["U-238"], "correct"),
        (["Ga-68"], ["annihilation"], "correct"),
        (["HEU"], ["HEU", "DU"], "correct"),
        (["WGPu"], ["RGPu"], "partial"),
        (["WGPu"], ["WGPu", "Am-241"], "correct"),
        (["HEU"], ["U-235"], "partial"),
        # one of two
        (["Cs-137", "Co-60"], ["Co-60"], "partial"),
        # an extra label that is no worse than the truth
        (["Cs-137"], ["Cs-137", "Co-60"], "partial"),
        (["Cs-137"], ["Cs-137", "I-131"], "partial"),
        # an extra label that is worse than the truth spoils the answer
        (["I-131"], ["I-131", "Cs-137"], "wrong"),
        (["Cs-137"], ["Cs-137", "HEU"], "wrong"),
        (["K-40"], ["K-40", "WGPu"], "wrong"),
        # nothing required, something else
        (["Cs-137"], ["Co-60"], "wrong"),
        ([], ["Cs-137"], "wrong"),
        # uranium is nuclear material, whatever of its series is in the ground
        ([], ["U-238"], "wrong"),
        (["Cs-137"], ["Cs-137", "U-238"], "wrong"),
        ([], ["Bi-214", "Pb-214"], "correct"),
        (["LEU"], ["LEU", "U-238"], "correct"),
        # silence
        (["Cs-137"], [], "missed"),
        (["Cs-137"], ["K-40"], "missed"),
    ],
)
def test_each_spectrum_is_in_one_class(table, required, reported, verdict):
    assert score(reported, required, table).verdict == verdict


def test_a_false_snm_is_told(table):
    assert score(["Cs-137", "HEU"], ["Cs-137"], table).is_false_snm
    assert not score(["HEU"], ["HEU"], table).is_false_snm
    assert not score(["U-235"], ["HEU"], table).is_false_snm


def test_precision_and_recall_as_rase_averages_them(table):
    found = score(["Cs-137", "Co-60"], ["Cs-137", "Ba-133"], table)
    assert (found.precision, found.recall, found.f) == (0.5, 0.5, 0.5)
    assert score([], [], table)[3:6] == (1.0, 1.0, 1.0)
    assert score([], ["Cs-137"], table)[3:6] == (0.0, 0.0, 0.0)


def test_severity_is_that_of_the_worst_category(table):
    names = ["K-40", "Tc-99m", "Cs-137", "DU", "HEU"]
    assert [severity(name, table) for name in names] == [0, 1, 2, 3, 4]
    assert severity("Xx-1", table) == 4


def test_the_table_speaks_of_labels_that_exist(table):
    rules = {name for rule in table.label.values() for name in (*rule.accepts, *rule.partial, *rule.allowed)}
    for name in {*rules, *table.always_allowed, *table.label}:
        assert table.knows(name), name
    assert not set(table.category) & set(NUCLIDES)


@given(
    st.sets(st.sampled_from(sorted(NUCLIDES)), max_size=4),
    st.sets(st.sampled_from(sorted(NUCLIDES)), max_size=4),
)
def test_naming_more_never_repairs_a_false_snm(required, reported):
    table = load_correspondence()
    before, after = score(reported, required, table), score({*reported, "HEU", "WGPu"}, required, table)
    assert after.is_answered
    if before.is_false_snm:
        assert after.is_false_snm
    if after.is_false_snm and not any("snm" in NUCLIDES[name].categories for name in required):
        assert after.verdict == "wrong"
