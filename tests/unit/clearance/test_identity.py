from __future__ import annotations

import pytest

from screening.clearance import check_container_id, compare_container_ids


def test_numbers_are_compared_in_compact_form() -> None:
    assert check_container_id(" csqu 305438 3 ") == ("CSQU3054383", True)
    assert check_container_id("CSQU3054384") == ("CSQU3054384", False)


@pytest.mark.parametrize(
    ("read", "declared", "codes"),
    [
        ("CSQU3054383", "csqu 305438 3", ()),
        ("CSQU3054383", "MWCU6059784", ("ID_MISMATCH",)),
        ("CSQU3054384", "CSQU3054384", ("ID_CHECKDIGIT",)),
        ("CSQU3054384", "CSQU3054383", ("ID_CHECKDIGIT", "ID_MISMATCH")),
        (None, "CSQU3054383", ("ID_MISMATCH",)),
        ("CSQU3054383", None, ("ID_MISMATCH",)),
    ],
)
def test_two_readings_of_one_number(read, declared, codes) -> None:
    assert compare_container_ids(read, declared) == codes


def test_the_check_digit_misses_errors_that_the_comparison_finds() -> None:
    number = "CSQU3054383"
    undetected = [
        wrong
        for i in range(4, 10)
        for digit in "0123456789"
        if (wrong := number[:i] + digit + number[i + 1 :]) != number and check_container_id(wrong).is_valid
    ]
    assert all(compare_container_ids(wrong, number) == ("ID_MISMATCH",) for wrong in undetected)
    assert len(undetected) <= 6
