"""Verdicts of test plans are written in words."""

from __future__ import annotations

import pytest

from screening.evaluate.record import Figure
from screening.evaluate.report.numbers import figure_words


@pytest.mark.parametrize(("value", "word"), [(1.0, "pass"), (0.0, "fail"), (None, "inconclusive")])
def test_a_verdict_is_written_as_a_word(value: float | None, word: str) -> None:
    figure = Figure(section="plan", metric="scenario passed", value=value, unit="verdict")
    assert figure_words(figure).value == word


def test_a_share_of_one_is_still_a_number() -> None:
    assert figure_words(Figure(section="alarms", metric="detected", value=1.0)).value == "1"
