"""Each figure stands under a heading that says what it is counted over."""

from __future__ import annotations

from datetime import UTC, datetime

from screening.clearance.measures import Expected, programme_measures
from screening.clearance.measures.runs import Run
from screening.records import Action, Level

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_only_steps_are_counted_over_what_was_announced() -> None:
    announced = [Expected("CSQU3054383", "T1"), Expected("MWCU6059784", "T1")]
    runs = [
        Run(
            container_id=number,
            list=name,
            arrived_at=AT,
            targeting=Level.LOW,
            decided_at=AT,
            action=Action.CLEARED_FOR_DEPARTURE,
        )
        for number, name in (("CSQU3054383", "T1"), ("TCLU4265727", "not announced"))
    ]
    found = {one.metric: one for one in programme_measures(announced, runs, now=AT)}
    over_announced = {one.metric for one in found.values() if "announced, recorded or not" in one.of}
    assert over_announced == {
        "targeted", "sealed", "radiation screened", "imaged where due", "arrival recorded", "every step done",
    }  # fmt: skip
    assert (found["targeted"].of, found["targeted"].k, found["targeted"].n) == (
        "of the 2 announced, recorded or not", 1, 2,
    )  # fmt: skip
    held = found["held"]
    assert (held.of, held.n) == ("of the 2 recorded, 1 of them not announced", 2)
    assert found["containers recorded and not announced"].k == 1
