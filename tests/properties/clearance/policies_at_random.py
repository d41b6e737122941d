"""Policies drawn at random: tightenings that are sound by construction, and loosenings planted in them.

A policy is a plain document here, and `answer` says what it makes of a combination, written apart from
the package.
"""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from random import Random
from typing import Any

from screening.clearance.properties import DOMAINS

_SPEC = importlib.util.spec_from_file_location(
    "policies_oracle", Path(__file__).with_name("policies_oracle.py")
)
assert _SPEC is not None
assert _SPEC.loader is not None
oracle = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(oracle)

NAMES = oracle.NAMES
Document = dict[str, Any]

FLAT = {
    "id": "site",
    "version": "1",
    "max_flag_age_s": 3600,
    "max_targeting_age_s": 7200,
    "max_seal_reading_age_s": 1800,
    "validity_s": 86400,
}
NEEDED = ["TARGETING", "SEAL", "RADIATION"]
EXTRA = ["IMAGE", "SECONDARY_RAD", "DESTUFF", "ARRIVAL"]
REFERRALS = ["REFER_SECONDARY_RAD", "REFER_NII", "REFER_DESTUFF", "RESEAL"]

#: Readings that turn doubt into more doubt or danger, never against the order of another one, and leave
#: alone what an action done well leads to. Radiation is not among them: what is read as HIGH would be
#: worse than what is missing.
READINGS: dict[str, list[dict[str, str]]] = {
    "targeting": [
        {"MISSING": "HIGH"},
        {"UNKNOWN": "HIGH", "MISSING": "HIGH"},
        {"LOW": "UNKNOWN"},
        {"UNKNOWN": "MISSING"},
    ],
    "seal": [
        {"UNVERIFIED": "BROKEN"},
        {"FAULT": "BROKEN"},
        {"MISSING": "BROKEN"},
        {"UNVERIFIED": "FAULT", "MISSING": "UNVERIFIED"},
        {"UNVERIFIED": "BROKEN", "FAULT": "BROKEN", "MISSING": "BROKEN"},
    ],
    "severe": [{"false": "true"}],
    "adjudication": [
        {"INNOCENT_PAPER": "INCONCLUSIVE"},
        {"INNOCENT_PAPER": "MISSING"},
        {"INCONCLUSIVE": "ILLICIT"},
        {"INNOCENT_PAPER": "ILLICIT", "INCONCLUSIVE": "ILLICIT"},
    ],
    "image": [{"UNKNOWN": "HIGH"}],
    "remeasured": [{"NOT_LOW": "MISSING"}, {"MISSING": "NOT_LOW"}],
    "transit": [{"GAP": "TAMPER"}, {"MISSING": "GAP"}, {"MISSING": "TAMPER"}, {"GAP": "MISSING"}],
}

#: For each input, sets of values that hold with every value all worse ones.
UPWARDS: dict[str, list[list[str]]] = {
    "targeting": [["HIGH"], ["HIGH", "MISSING"], ["UNKNOWN", "HIGH", "MISSING"], ["MISSING"]],
    "seal": [["FAULT", "BROKEN"], ["UNVERIFIED", "BROKEN"], ["MISSING"], ["UNVERIFIED", "BROKEN", "MISSING"]],
    "radiation": [["HIGH"], ["HIGH", "MISSING"], ["UNKNOWN", "HIGH", "MISSING"], ["MISSING"]],
    "severe": [["true"]],
    "adjudication": [["INCONCLUSIVE", "ILLICIT"], ["MISSING"], ["INNOCENT_PAPER", "INCONCLUSIVE", "ILLICIT"]],
    "image": [["HIGH"], ["UNKNOWN", "HIGH"], ["SHIELDED"], ["HIGH", "SHIELDED"], ["MISSING"]],
    "destuff": [["FOUND"], ["MISSING"], ["FOUND", "MISSING"]],
    "remeasured": [["NOT_LOW"], ["MISSING"], ["NOT_LOW", "MISSING"]],
    "transit": [["GAP", "TAMPER"], ["MISSING"], ["GAP", "TAMPER", "MISSING"], ["NOT_MOVED", "MISSING"]],
}


def word(value: Any) -> str:
    return "MISSING" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def words(state: tuple[Any, ...]) -> dict[str, str]:
    return {name: word(value) for name, value in zip(NAMES, state, strict=True)}


def value(name: str, text: str) -> Any:
    return next(v for v in DOMAINS[name] if word(v) == text)


def to_toml(document: Document) -> bytes:
    lines = [f"{key} = {json.dumps(document[key])}" for key in document if key not in ("reads", "rules")]
    for name, changes in document.get("reads", {}).items():
        lines += [f"[reads.{name}]", *(f"{a} = {json.dumps(b)}" for a, b in changes.items())]
    for rule in document.get("rules", []):
        when = ", ".join(f"{name} = {json.dumps(values)}" for name, values in rule["when"].items())
        lines += ["[[rules]]", f"when = {{ {when} }}", f'risk = "{rule["risk"]}"']
        lines += [f'action = "{rule["action"]}"']
    return "\n".join(lines).encode()


def answer(document: Document, state: tuple[Any, ...]) -> tuple[str, str]:
    """What a policy makes of a combination, without a floor under it."""
    seen = words(state)
    required = document.get("required_steps", NEEDED)
    result = None
    for rule in document.get("rules", []):
        if all(seen[name] in values for name, values in rule["when"].items()):
            result = (rule["risk"], rule["action"])
            break
    if result is None:
        read = {name: document.get("reads", {}).get(name, {}).get(text, text) for name, text in seen.items()}
        for step, name, good in (
            ("TARGETING", "targeting", "LOW"),
            ("SEAL", "seal", "VERIFIED"),
            ("RADIATION", "radiation", "LOW"),
        ):
            if step not in required and read[name] == "MISSING":
                read[name] = good
        result = oracle.base(tuple(value(name, text) for name, text in read.items()))
    if result[0] == "LOW" or result[1] == "RESEAL":
        is_opened = seen["destuff"] == "CLEAN"
        is_measured = seen["adjudication"] == "INNOCENT_MEASURED" or (
            is_opened and seen["remeasured"] == "LOW"
        )
        if "SECONDARY_RAD" in required and seen["radiation"] != "LOW" and not is_measured:
            return "UNKNOWN", "REFER_SECONDARY_RAD"
        if "IMAGE" in required and seen["image"] == "MISSING" and not is_opened:
            return "UNKNOWN", "REFER_NII"
        if "DESTUFF" in required and not is_opened:
            return "UNKNOWN", "REFER_DESTUFF"
    return result


def as_table(document: Document) -> Any:
    known: dict[tuple[Any, ...], tuple[str, str]] = {}

    def table(state: tuple[Any, ...]) -> tuple[str, str]:
        if state not in known:
            known[state] = answer(document, state)
        return known[state]

    return table


def draw_state(rng: Random, *, mostly_good: bool = False) -> tuple[Any, ...]:
    state = tuple(rng.choice(values) for values in DOMAINS.values())
    if not mostly_good:
        return state
    adjudication, image = rng.choice([None, "INNOCENT_PAPER"]), rng.choice([None, "LOW"])
    destuff, remeasured = rng.choice([None, "CLEAN"]), rng.choice([None, "LOW"])
    transit = rng.choice(["NOT_MOVED", "INTACT"])
    good = ("LOW", "VERIFIED", "LOW", False, adjudication, image, destuff, remeasured, transit)
    return tuple(v if rng.random() < 0.25 else g for v, g in zip(state, good, strict=True))


def draw_sound(rng: Random) -> Document:
    """A policy that only ever asks for more, and asks for nothing that cannot be done."""
    document: Document = dict(FLAT)
    steps = [step for step in EXTRA if rng.random() < 0.3]
    if steps or rng.random() < 0.5:
        document["required_steps"] = rng.sample(NEEDED + steps, len(NEEDED + steps))
    names = [name for name in READINGS if rng.random() < 0.35]
    if names:
        document["reads"] = {name: rng.choice(READINGS[name]) for name in names}
    rules = [draw_hold(rng) for _ in range(rng.choice([0, 0, 1, 2, 3]))]
    # What only refers stands behind what holds, so that it never takes a hold away.
    rules += [draw_referral(rng) for _ in range(rng.choice([0, 0, 1, 2]))]
    if rules:
        document["rules"] = rules
    return document


def draw_hold(rng: Random) -> dict[str, Any]:
    names = rng.sample(list(UPWARDS), rng.randint(2, 4))
    return {"when": {n: rng.choice(UPWARDS[n]) for n in names}, "risk": "HIGH", "action": "HOLD"}


def draw_referral(rng: Random) -> dict[str, Any]:
    """Refer some of the containers that the table would let go."""
    when: dict[str, list[str]] = {
        "radiation": ["LOW"],
        "adjudication": ["MISSING"],
        "destuff": ["MISSING"],
        "seal": ["VERIFIED"],
        "transit": rng.choice([["NOT_MOVED"], ["INTACT"], ["NOT_MOVED", "INTACT"]]),
    }
    if rng.random() < 0.5:
        return {
            "when": {**when, "targeting": ["LOW"], "image": ["MISSING"]},
            "risk": "UNKNOWN",
            "action": "REFER_NII",
        }
    targeting = rng.choice([*UPWARDS["targeting"], ["LOW", "UNKNOWN", "HIGH", "MISSING"]])
    return {
        "when": {**when, "targeting": targeting, "image": ["LOW"]},
        "risk": "UNKNOWN",
        "action": "REFER_DESTUFF",
    }


def draw_broken(rng: Random) -> tuple[Document, str, tuple[Any, ...]]:
    """A policy with one loosening planted, its kind, and a combination that shows it."""
    kind = rng.choice(sorted(PLANTS))
    while True:
        document = draw_sound(rng)
        witnesses = PLANTS[kind](rng, document)
        table = as_table(document)
        for state in witnesses:
            if oracle.violations(table, state, floor=oracle.base, strict=True):
                return document, kind, state


def _rule_at(rng: Random, document: Document, state: tuple[Any, ...], risk: str, action: str) -> list[Any]:
    """Put a rule in front that fits a combination, and perhaps others."""
    seen = words(state)
    names = rng.sample(list(seen), rng.randint(3, len(seen)))
    rule = {"when": {name: [seen[name]] for name in names}, "risk": risk, "action": action}
    document["rules"] = [rule, *document.get("rules", [])]
    return [state]


def _draw_where(rng: Random, fits: Any) -> tuple[Any, ...]:
    while True:
        state = draw_state(rng, mostly_good=rng.random() < 0.5)
        if fits(state, oracle.base(state)):
            return state


def _clears_what_the_table_does_not(rng: Random, document: Document) -> list[Any]:
    state = _draw_where(rng, lambda _, base: base[0] != "LOW")
    return _rule_at(rng, document, state, "LOW", rng.choice(["CLEARED_FOR_DEPARTURE", "ACCEPT"]))


def _lowers_high(rng: Random, document: Document) -> list[Any]:
    state = _draw_where(rng, lambda _, base: base[0] == "HIGH")
    return _rule_at(rng, document, state, "UNKNOWN", rng.choice(REFERRALS))


def _lets_go_what_is_held(rng: Random, document: Document) -> list[Any]:
    state = _draw_where(rng, lambda _, base: base[1] == "HOLD")
    return _rule_at(rng, document, state, "HIGH", rng.choice(REFERRALS))


def _contradicts_itself(rng: Random, document: Document) -> list[Any]:
    state = _draw_where(rng, lambda _, base: base[1] != "HOLD")
    risk, action = rng.choice(
        [("LOW", "HOLD"), ("LOW", "REFER_NII"), ("HIGH", "ACCEPT"), ("UNKNOWN", "CLEARED_FOR_DEPARTURE")]
    )
    return _rule_at(rng, document, state, risk, action)


def _reseals_what_has_moved(rng: Random, document: Document) -> list[Any]:
    state = _draw_where(rng, lambda state, base: base[0] != "HIGH" and state[-1] != "NOT_MOVED")
    return _rule_at(rng, document, state, "UNKNOWN", "RESEAL")


def _goes_round_in_circles(rng: Random, document: Document) -> list[Any]:
    state = _draw_where(rng, lambda state, base: base[1] != "HOLD" and state[1] == "VERIFIED")
    return _rule_at(rng, document, state, "HIGH", "RESEAL")


def _prefers_worse_evidence(rng: Random, document: Document) -> list[Any]:
    name, chain = rng.choice([c for c in oracle.CHAINS if c[0] != "destuff"])
    i = rng.randrange(len(chain) - 1)
    state = _draw_where(rng, lambda state, base: base[0] != "HIGH" and state[NAMES.index(name)] == chain[i])
    seen = words(state)
    rule = {"when": {n: [seen[n]] for n in seen}, "risk": "HIGH", "action": "HOLD"}
    document["rules"] = [rule, *document.get("rules", [])]
    return [oracle.changed(state, **{name: chain[i + 1]})]


def _reads_danger_as_good(rng: Random, document: Document) -> list[Any]:
    name, bad, good = rng.choice(
        [
            ("seal", "BROKEN", "FAULT"), ("seal", "UNVERIFIED", "VERIFIED"), ("seal", "MISSING", "VERIFIED"),
            ("radiation", "MISSING", "LOW"), ("radiation", "UNKNOWN", "LOW"),
            ("radiation", "HIGH", "UNKNOWN"), ("severe", "true", "false"),
            ("adjudication", "INCONCLUSIVE", "INNOCENT_MEASURED"),
            ("adjudication", "INNOCENT_PAPER", "INNOCENT_MEASURED"), ("adjudication", "ILLICIT", "MISSING"),
            ("image", "SHIELDED", "LOW"), ("image", "SHIELDED", "HIGH"), ("image", "UNKNOWN", "MISSING"),
            ("destuff", "FOUND", "CLEAN"), ("destuff", "MISSING", "CLEAN"), ("remeasured", "NOT_LOW", "LOW"),
            ("transit", "GAP", "INTACT"), ("transit", "MISSING", "NOT_MOVED"), ("transit", "TAMPER", "GAP"),
            ("targeting", "HIGH", "LOW"), ("targeting", "MISSING", "LOW"),
        ]
    )  # fmt: skip
    document["reads"] = {**document.get("reads", {}), name: {bad: good}}
    return _with(rng, name, bad)


def _reads_good_as_never_enough(rng: Random, document: Document) -> list[Any]:
    name, good, bad = rng.choice(
        [
            ("seal", "VERIFIED", "UNVERIFIED"), ("transit", "INTACT", "GAP"), ("image", "LOW", "MISSING"),
            ("remeasured", "LOW", "NOT_LOW"), ("destuff", "CLEAN", "MISSING"),
            ("radiation", "LOW", "MISSING"),
        ]
    )  # fmt: skip
    document["reads"] = {**document.get("reads", {}), name: {good: bad}}
    return _with(rng, name, good)


def _leaves_a_step_out(rng: Random, document: Document) -> list[Any]:
    step, name = rng.choice([("TARGETING", "targeting"), ("SEAL", "seal"), ("RADIATION", "radiation")])
    steps = document.get("required_steps", NEEDED)
    document["required_steps"] = [other for other in steps if other != step]
    document.pop("reads", None)
    return _with(rng, name, "MISSING")


def _with(rng: Random, name: str, text: str) -> list[Any]:
    return [oracle.changed(draw_state(rng, mostly_good=True), **{name: value(name, text)}) for _ in range(60)]


PLANTS = {
    "clears what the table does not": _clears_what_the_table_does_not,
    "lowers HIGH": _lowers_high,
    "lets go what is held": _lets_go_what_is_held,
    "contradicts itself": _contradicts_itself,
    "reseals what has moved": _reseals_what_has_moved,
    "goes round in circles": _goes_round_in_circles,
    "prefers worse evidence": _prefers_worse_evidence,
    "reads danger as good": _reads_danger_as_good,
    "reads good as never enough": _reads_good_as_never_enough,
    "leaves a step out": _leaves_a_step_out,
}
