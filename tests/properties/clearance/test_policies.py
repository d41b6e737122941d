"""Policies drawn at random are taken or refused rightly, and a refusal names what really breaks.

The full thousand runs with the benchmarks; what is drawn, and how it is known to be sound or broken, is
in policies_at_random.py.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path
from random import Random

import msgspec
import numpy as np
import pytest

from screening.clearance.policy import Policy, parse_policy
from screening.clearance.site_rules import decide_under, read_as
from screening.clearance.whole_table import ACTIONS, SHAPE, base_table, lay_out, under_policy
from screening.errors import PolicyError
from screening.records import CaseInputs, Level

_SPEC = importlib.util.spec_from_file_location(
    "policies_at_random", Path(__file__).with_name("policies_at_random.py")
)
assert _SPEC is not None
assert _SPEC.loader is not None
drawn = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(drawn)

N_SOUND = N_BROKEN = 75
NAMES = drawn.NAMES


def unchecked(document) -> Policy:
    """The policy of a document, whether sound or not."""
    return msgspec.convert(document, type=Policy)


def inputs_of(state) -> CaseInputs:
    return CaseInputs(**dict(zip(NAMES, state, strict=True)))


def state_of(inputs: CaseInputs):
    return tuple(getattr(inputs, name) for name in NAMES)


@pytest.mark.parametrize("seed", range(5))
def test_policies_that_only_ask_for_more_are_taken(seed) -> None:
    rng = Random(seed)
    for _ in range(N_SOUND // 5):
        document = drawn.draw_sound(rng)
        policy = parse_policy(drawn.to_toml(document))
        table = drawn.as_table(document)
        for _ in range(40):
            state = drawn.draw_state(rng, mostly_good=rng.random() < 0.7)
            assert policy.decide(inputs_of(state))[:2] == table(state), (document, state)
            assert not drawn.oracle.violations(table, state, floor=drawn.oracle.base, strict=True), document


@pytest.mark.parametrize("seed", range(5))
def test_policies_with_a_loosening_are_refused_for_what_breaks(seed) -> None:
    rng = Random(100 + seed)
    kinds = set()
    for _ in range(N_BROKEN // 5):
        document, kind, _ = drawn.draw_broken(rng)
        kinds.add(kind)
        with pytest.raises(PolicyError) as caught:
            parse_policy(drawn.to_toml(document))
        assert caught.value.value, kind
        table = drawn.as_table(document)
        for broken in caught.value.value:
            state = state_of(broken.inputs)
            assert drawn.oracle.violations(table, state, floor=drawn.oracle.base, strict=True), (kind, broken)
            assert f"{broken.name}; for example {msgspec.json.encode(broken.inputs).decode()}" in str(
                caught.value
            )
    assert len(kinds) >= 5


def test_every_kind_of_loosening_is_found() -> None:
    rng = Random(7)
    wanted = set(drawn.PLANTS)
    for _ in range(500):
        document, kind, _ = drawn.draw_broken(rng)
        if kind in wanted:
            wanted.discard(kind)
            with pytest.raises(PolicyError, match="breaks: "):
                parse_policy(drawn.to_toml(document))
    assert not wanted


@pytest.mark.parametrize("seed", range(6))
def test_all_at_once_says_the_same_as_one_by_one(seed) -> None:
    """Broken policies included: what is checked is what would be decided, without the floor."""
    rng = Random(200 + seed)
    for document in (drawn.draw_sound(rng), drawn.draw_broken(rng)[0], drawn.draw_broken(rng)[0]):
        policy = unchecked(document)
        settings = {
            "reads": read_as(policy.reads, policy.required_steps),
            "rules": policy.rules,
            "required_steps": policy.required_steps,
        }
        whole = under_policy(base_table(), **settings)
        for flat in rng.sample(range(whole.risk.size), 400):
            state = tuple(
                values[i]
                for values, i in zip(drawn.DOMAINS.values(), np.unravel_index(flat, SHAPE), strict=True)
            )
            at_once = (whole.risk.flat[flat], ACTIONS[whole.action.flat[flat]])
            one = decide_under(inputs_of(state), **settings)
            assert (one.risk.rank, one.action) == at_once
            assert (str(one.risk), str(one.action)) == drawn.answer(document, state)


def test_all_at_once_says_the_same_over_every_combination() -> None:
    rng = Random(11)
    while True:
        document = drawn.draw_sound(rng)
        is_whole = {"required_steps", "reads", "rules"} <= set(document)
        if is_whole and {"SECONDARY_RAD", "IMAGE", "DESTUFF"} <= set(document["required_steps"]):
            break
    policy = parse_policy(drawn.to_toml(document))
    whole = under_policy(
        base_table(),
        reads=read_as(policy.reads, policy.required_steps),
        rules=policy.rules,
        required_steps=policy.required_steps,
    )
    one_by_one = lay_out(policy.decide)
    assert np.array_equal(whole.risk, one_by_one.risk)
    assert np.array_equal(whole.action, one_by_one.action)
    assert (whole.risk > base_table().risk).any()


@pytest.mark.parametrize("seed", range(3))
def test_a_policy_that_nobody_checked_still_never_falls_below_the_table(seed) -> None:
    rng = Random(300 + seed)
    for _ in range(20):
        document, _, witness = drawn.draw_broken(rng)
        policy = unchecked(document)
        for state in (witness, *(drawn.draw_state(rng, mostly_good=True) for _ in range(50))):
            risk, action, _ = policy.decide(inputs_of(state))
            base_risk, base_action = drawn.oracle.base(state)
            assert risk.rank >= Level(base_risk).rank
            assert (risk == "LOW") == (action in drawn.oracle.CLEARED)
            assert action == "HOLD" or base_action != "HOLD"
