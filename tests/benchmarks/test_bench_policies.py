"""How long a policy takes to be checked over every combination, and a thousand of them."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from random import Random
from time import perf_counter, process_time

from pytest_benchmark.fixture import BenchmarkFixture

from screening.clearance.policy import parse_policy
from screening.clearance.properties import broken_properties
from screening.clearance.table import decide
from screening.clearance.whole_table import base_table, lay_out
from screening.errors import PolicyError

_SPEC = importlib.util.spec_from_file_location(
    "policies_at_random",
    Path(__file__).parents[1] / "properties" / "clearance" / "policies_at_random.py",
)
assert _SPEC is not None
assert _SPEC.loader is not None
drawn = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(drawn)

N_POLICY = 1000


def test_bench_one_policy(benchmark: BenchmarkFixture) -> None:
    rng = Random(5)
    documents = [drawn.draw_sound(rng) for _ in range(200)]
    data = drawn.to_toml(max(documents, key=lambda document: len(str(document))))
    base_table()
    assert benchmark(parse_policy, data).changes_the_table


def test_bench_base_table(benchmark: BenchmarkFixture) -> None:
    """What a process pays once, before its first policy."""

    def check() -> tuple[object, ...]:
        base_table.cache_clear()
        return broken_properties(base_table())

    assert benchmark.pedantic(check, rounds=5) == ()


def test_bench_a_thousand_policies(benchmark: BenchmarkFixture) -> None:
    """Half of them sound and half with a loosening; the base table laid out and checked anew."""
    rng = Random(20260301)
    sound = [drawn.draw_sound(rng) for _ in range(N_POLICY // 2)]
    broken = [drawn.draw_broken(rng) for _ in range(N_POLICY // 2)]
    kinds = {kind for _, kind, _ in broken}
    assert kinds == set(drawn.PLANTS)

    def run() -> tuple[list[object], list[str], float, float]:
        start, start_cpu = perf_counter(), process_time()
        assert broken_properties(lay_out(decide)) == ()
        refused = [document for document in sound if _refusal(document) is not None]
        wrong = [kind for document, kind, _ in broken if not _breaks_as_named(document)]
        return refused, wrong, perf_counter() - start, process_time() - start_cpu

    refused, wrong, elapsed_s, cpu_s = benchmark.pedantic(run, rounds=1)
    benchmark.extra_info.update(elapsed_s=elapsed_s, cpu_s=cpu_s)
    assert refused == []
    assert wrong == []
    # One thread: the processor's time is what the clock shows on a machine with nothing else to do.
    assert cpu_s < 60


def _refusal(document: object) -> PolicyError | None:
    try:
        parse_policy(drawn.to_toml(document))
    except PolicyError as error:
        return error
    return None


def _breaks_as_named(document: object) -> bool:
    """Whether it is refused, and every combination that the refusal names really breaks."""
    error = _refusal(document)
    if error is None or not isinstance(error.value, tuple):
        return False
    table = drawn.as_table(document)
    states = [tuple(getattr(one.inputs, name) for name in drawn.NAMES) for one in error.value]
    return all(
        drawn.oracle.violations(table, state, floor=drawn.oracle.base, strict=True) for state in states
    )
