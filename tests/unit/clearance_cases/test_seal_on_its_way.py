"""What the readings of a seal say on the way: shocks, deviations, points of the journey."""

from __future__ import annotations

import pytest

from screening.records import Journey, JourneyPoint


@pytest.fixture
def journey(make):
    def journey(*points, silence=None, seal_id="S1", minutes=120, by="trusted"):
        made = Journey(
            container_id=make.box,
            seal_id=seal_id,
            origin="CAPRR",
            destination="USINL",
            departs_at=make.at(90),
            arrives_before=make.at(5),
            administration="CA",
            at=make.at(minutes),
            points=tuple(JourneyPoint(place=place) for place in points),
            max_silence_s=silence,
        )
        return make.seal(made, by)

    return journey


@pytest.fixture
def sealed(make):
    return make.event("SEALED", 100)


@pytest.fixture
def arrived(make):
    return make.event("ARRIVED", 10, place="USINL")


def test_a_shock_is_only_told_while_the_seal_reads_well(make, sealed, join, look) -> None:
    shock = make.event("SHOCK", 60)
    for well in ((shock,), (shock, make.event("READ", 50))):
        seen = look(join(sealed, *well))
        assert (seen.inputs.seal, [one.status for one in seen.seal.record.custody][1]) == (
            "VERIFIED",
            "SHOCK",
        )


@pytest.mark.parametrize(
    "after",
    [
        {"kind": "FAULT"},
        {"kind": "LOW_BATTERY"},
        {"kind": "GAP"},
        {"kind": "READ", "by": "stranger"},
        {"kind": "READ", "seal_id": "S9"},
    ],
)
def test_a_shock_with_a_reading_after_it_that_is_not_intact(after, make, sealed, join, look) -> None:
    kind = after.pop("kind")
    seen = look(join(sealed, make.event("SHOCK", 60), make.event(kind, 50, **after)))
    assert (seen.inputs.seal, "SEAL_FAULT" in seen.reason_codes) == ("FAULT", True)


def test_a_route_deviation_is_a_gap(make, sealed, arrived, join, look) -> None:
    seen = look(join(sealed, make.event("ROUTE_DEVIATION", 60, place="CAXXX"), arrived, stage="ARRIVAL"))
    assert (seen.inputs.transit, "SEAL_GAP" in seen.reason_codes) == ("GAP", True)
    assert seen.seal.record.gaps == 1


def test_a_missed_point_is_a_gap(make, sealed, arrived, journey, join, look) -> None:
    held = (sealed, arrived, journey("CAWNP"))
    assert look(join(*held, stage="ARRIVAL")).inputs.transit == "GAP"
    read = make.event("READ", 50, place="CAWNP")
    assert look(join(*held, read, stage="ARRIVAL")).inputs.transit == "INTACT"
    strange = make.event("READ", 50, place="CAWNP", by="stranger")
    assert look(join(*held, strange, stage="ARRIVAL")).inputs.transit == "GAP"


def test_a_long_silence_is_a_gap(make, sealed, arrived, journey, join, look) -> None:
    assert look(join(sealed, arrived, journey(silence=3600), stage="ARRIVAL")).inputs.transit == "GAP"
    read = make.event("READ", 55, place=None)
    case = join(sealed, read, arrived, journey(silence=3600), stage="ARRIVAL")
    assert look(case).inputs.transit == "INTACT"


def test_a_journey_holds_under_its_seal_and_a_trusted_key(sealed, arrived, journey, join, look) -> None:
    strange = join(sealed, arrived, journey("CAWNP", by="stranger"), stage="ARRIVAL")
    assert (strange.journey, look(strange).inputs.transit) == (None, "INTACT")
    set_last = journey(minutes=95)
    case = join(sealed, arrived, journey("CAWNP"), set_last, stage="ARRIVAL")
    assert (case.journey, look(case).inputs.transit) == (set_last, "INTACT")
    # One that is set when the box has left takes back nothing of what it was to keep to.
    after = join(sealed, arrived, journey("CAWNP"), journey(minutes=50), stage="ARRIVAL")
    assert look(after).inputs.transit == "GAP"
    # A journey laid down for a seal that was replaced before leaving is not forgotten.
    other = join(sealed, arrived, journey("CAWNP", seal_id="S0"), stage="ARRIVAL")
    assert look(other).inputs.transit == "GAP"


def test_after_a_missed_point_a_new_seal_takes_an_examination(make, sealed, journey, join, look) -> None:
    held = (
        sealed,
        journey("CAWNP"),
        make.event("ARRIVED", 60, place="USINL"),
        make.event("SEALED", 30, place="USINL", seal_id="S2"),
        make.event("ARRIVED", 10, place="USINL", seal_id="S2"),
    )
    assert look(join(*held, stage="ARRIVAL")).inputs.transit == "GAP"
    picture = make.flag("XRAY", minutes=45, site="USINL")
    case = join(*held, picture, stage="ARRIVAL")
    seen = look(case)
    # The way laid down for the first seal ended with it.
    assert (case.journey, seen.inputs.transit) == (None, "INTACT")
    assert (seen.inputs.seal, seen.inputs.image) == ("VERIFIED", "LOW")
    early = make.flag("XRAY", minutes=65, site="USINL")
    assert look(join(*held, early, stage="ARRIVAL")).inputs.transit == "GAP"
