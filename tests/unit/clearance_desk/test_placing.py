"""Which flags kept apart a declaration bears on, and which declared containers a reading may be of."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from screening.clearance import near_numbers
from screening.clearance.desk.placing import _blurred

NUMBERS = st.text("AC1?", min_size=1, max_size=5) | st.text("CSQU305438?", min_size=11, max_size=11)


@given(reading=NUMBERS, data=st.data())
def test_whatever_a_reading_may_be_of_shares_a_blurred_form_with_it(reading, data) -> None:
    other = list(reading)
    at = data.draw(st.integers(0, len(other) - 1))
    if data.draw(st.booleans()):
        other[at] = data.draw(st.sampled_from("AC19"))
    else:
        other[at : at + 2] = reversed(other[at : at + 2])
    declared = "".join(other)
    assert near_numbers(reading, [declared]) == (declared,)
    assert not _blurred(reading).isdisjoint(_blurred(declared))


def test_numbers_with_two_wrong_characters_share_none() -> None:
    assert _blurred("CSQU3054383").isdisjoint(_blurred("CSQU3054499"))


@pytest.mark.parametrize(
    "reading", ["CSQU305438?", "CSQU3054338", "XSQU3054383", "CSQU3054384", "CSQU3O54383"]
)
@pytest.mark.parametrize("is_declared_first", [True, False])
def test_a_doubtful_reading_puts_a_declared_container_in_doubt_whichever_comes_first(
    desk, sealing, bodies, decide, now, reading, is_declared_first
) -> None:
    far = sealing("MWCU6059784")
    taken = [
        [sealing().advance(), far.advance()],
        [sealing().flag("RAD_GROSS", "RAD_GAMMA_NSIGMA", number=reading)],
    ]
    for records in taken if is_declared_first else reversed(taken):
        desk.take(bodies(*records), received_at=now)
    decide(desk)
    assert (desk.case("CSQU3054383").risk, desk.case("MWCU6059784").risk) == ("HIGH", None)


def test_a_reading_longer_than_any_number_spoils_nothing_for_others(
    desk, sealing, bodies, decide, now
) -> None:
    long = sealing().flag("RAD_GROSS", "RAD_GAMMA_NSIGMA", number="C" * 128)
    assert {one.status for one in desk.take(bodies(long, *sealing().clean()), received_at=now)} == {
        "ACCEPTED"
    }
    assert sorted(decision.risk for decision in decide(desk)) == ["HIGH", "LOW"]
