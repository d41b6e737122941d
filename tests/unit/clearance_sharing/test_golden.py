"""A bundle of version 1 verifies for ever: it was written once, and no test writes it again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from screening.clearance import load_policy
from screening.clearance.sharing import accept, pack, read_trust, unpack, verify_bundle

AT = datetime(2026, 3, 5, 12, 30, tzinfo=UTC)


@pytest.fixture
def golden(repository: Path) -> Path:
    return repository / "tests" / "golden" / "bundle-1"


def test_it_verifies(golden: Path) -> None:
    report = verify_bundle((golden / "bundle.zip").read_bytes(), read_trust(golden / "trust"), AT)
    assert report.is_good, report.codes
    assert report.decision is not None
    assert (report.decision.consignment.container_id, report.decision.risk) == ("CSQU3054383", "LOW")


def test_it_is_accepted(golden: Path, parts) -> None:
    trust = read_trust(golden / "trust")
    policy = load_policy(golden / "policy.toml", trust.keys)
    judged = accept((golden / "bundle.zip").read_bytes(), trust, policy, parts.US, "US", AT)
    assert (judged.outcome, judged.reasons) == ("ACCEPT", ())


def test_it_is_written_again_as_it_is(golden: Path) -> None:
    data = (golden / "bundle.zip").read_bytes()
    assert pack(unpack(data)) == data
