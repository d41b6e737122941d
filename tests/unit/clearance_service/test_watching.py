"""A list that is laid into the folder of revocations counts while the service runs."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from screening.clearance import load_signer
from screening.clearance.desk.views import Taken
from screening.clearance.opening import open_desk
from screening.clearance.service.serve import running_server
from screening.clearance.service.service import Service
from screening.clearance.service.watching import ListWatch
from screening.clearance.settings import ClearanceSettings
from screening.clearance.sharing import extend_list, make_revocation, write_list
from screening.errors import StoreError


def test_a_list_that_comes_while_the_service_runs_is_taken_up(
    site: ClearanceSettings, tmp_path: Path, seal_flag: Callable[..., bytes]
) -> None:
    folder = tmp_path / "revoked"
    folder.mkdir()
    settings = msgspec.structs.replace(site, revocations=(str(folder),), case_deadline_s=0.05)
    signer = load_signer(tmp_path / "site.key")
    flag = msgspec.json.decode(seal_flag())
    with open_desk(settings) as desk, running_server(Service(desk, settings), settings) as url:
        headers = {"Authorization": "Bearer send", "Content-Type": "application/json"}
        assert httpx.post(f"{url}/v1/records", content=seal_flag(), headers=headers).status_code == 200
        _until(lambda: bool(desk.resting_on(flag["key_id"])))
        (rests,) = desk.resting_on(flag["key_id"])
        (folder / "half.json").write_bytes(b"{")
        at = datetime.now(UTC)
        lost = make_revocation(
            "KEY", flag["key_id"], reason="stolen", administration="CA", at=at, signer=signer
        )
        made = extend_list(None, [lost], administration="CA", at=at, next_update_s=3600, signer=signer)
        write_list(folder / "CA.json", made)
        key = desk.cases()[0].key
        _until(lambda: getattr(desk.case(key), "decision_id", rests) != rests)
        assert httpx.get(f"{url}/v1/health").json()["status"] == "GOOD"


def test_an_invalid_list_is_logged_once_until_it_changes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    handed: list[bytes] = []

    def take(bodies: Sequence[bytes]) -> list[Taken]:
        handed.extend(bodies)
        if bodies[0] == b"away":
            raise StoreError("away")
        status: Any = "ACCEPTED" if bodies[0] == b"good" else "REFUSED"
        return [Taken("0" * 64, status, None if status == "ACCEPTED" else "MALFORMED", "no record")]

    watch = ListWatch([str(tmp_path), str(tmp_path / "not-there.json")], take)
    (tmp_path / "a.json").write_bytes(b"spoilt")
    for _ in range(3):
        watch.look()
    assert handed == [b"spoilt"]
    (tmp_path / "a.json").write_bytes(b"good")
    for _ in range(3):
        watch.look()
    assert handed == [b"spoilt", b"good"]
    with caplog.at_level(logging.WARNING):
        assert [record.getMessage() for record in caplog.records] == [
            "revocation list a.json is not taken: MALFORMED: no record",
            "revocation list not-there.json: No such file or directory",
            "revocation list a.json is taken",
        ]
    # What the database could not keep is handed in again.
    (tmp_path / "a.json").write_bytes(b"away")
    for _ in range(2):
        with pytest.raises(StoreError):
            watch.look()
    assert handed[2:] == [b"away", b"away"]


def _until(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 15
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.02)
