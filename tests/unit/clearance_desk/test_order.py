"""The same records in any order, some twice, some late: the same last decision on every container."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from screening.records import ClearanceDecision, parse_strict

N_CONTAINERS = 100
END = timedelta(hours=1)


def last_words(desk) -> dict[str, tuple]:
    said = {}
    for view in desk.cases(limit=100_000):
        if view.n_records == 0:
            assert view.key.startswith("scan:")
            continue  # a ruling has moved its flags to a container
        if view.decision_id is None:
            said[view.key] = (None,)
            continue
        made = parse_strict(desk.decision(view.decision_id), ClearanceDecision)
        said[view.key] = (
            made.risk,
            made.action,
            made.reason_codes,
            made.flags,
            made.required_steps,
            made.inputs,
            made.adjudications,
            made.stage,
        )
    return said


@pytest.fixture(scope="module")
def sent(sealed_traffic):
    return sealed_traffic.traffic(N_CONTAINERS, seed=1)


def test_order_repetition_and_lateness_make_no_difference(
    open_desk, sent, decide, now, sealed_traffic, tmp_path
) -> None:
    in_order = open_desk(str(tmp_path / "in order"))
    for i in range(0, len(sent), 40):
        page = sent[i : i + 40]
        in_order.take([one.body for one in page], received_at=page[-1].at)
        decide(in_order, page[-1].at)
    decide(in_order, now + END)

    anyhow = open_desk()
    rng = random.Random(2)
    bodies = sealed_traffic.shuffled(sent, seed=3)
    while bodies:
        n = rng.randint(1, 60)
        page, bodies = bodies[:n], bodies[n:]
        assert all(one.status != "REFUSED" for one in anyhow.take(page, received_at=now))
        if rng.random() < 0.5:
            decide(anyhow, now)
    decide(anyhow, now + END)

    expected, found = last_words(in_order), last_words(anyhow)
    assert {key: found.get(key) for key in expected if found.get(key) != expected[key]} == {}
    assert found.keys() == expected.keys()
    risks = [words[0] for words in expected.values()]
    assert {"LOW", "UNKNOWN", "HIGH"} <= set(risks)
    assert len({words[1] for words in expected.values()}) >= 5
