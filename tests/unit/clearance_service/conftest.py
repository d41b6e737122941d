"""The application over a desk in memory's place: a real one on a SQLite file, or one that answers as told."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from screening.clearance import Signer, generate_key
from screening.clearance.opening import open_desk
from screening.clearance.service.access import token_hash
from screening.clearance.service.serve import running_server
from screening.clearance.service.service import Service
from screening.clearance.settings import (
    ClearanceSettings,
    HttpSettings,
    LimitSettings,
    TokenScope,
    TokenSettings,
)
from screening.records import RiskFlag, canonical_bytes, content_id, parse_strict, utc_string

SCOPES: tuple[TokenScope, ...] = ("read", "officer", "admin", "send")
GOLDEN = Path(__file__).resolve().parents[2] / "golden"


@pytest.fixture
def site(tmp_path: Path) -> ClearanceSettings:
    """A site whose tokens are called as their scopes, and whose one lane is lane 1."""
    generate_key(tmp_path / "site.key", "ops")
    tokens = tuple(TokenSettings(name=s, sha256=token_hash(s), scopes=(s,)) for s in SCOPES)
    return ClearanceSettings(
        administration="CA",
        key_file=str(tmp_path / "site.key"),
        database=str(tmp_path / "clearance.sqlite"),
        trusted_keys=(str(tmp_path / "lane.key.pub"),),
        decide_interval_s=0.05,
        http=HttpSettings(
            port=0,
            tokens=tokens,
            send_needs_token=True,
            limits=LimitSettings(stream_s=0.3, body_timeout_s=0.5),
        ),
    )


@pytest.fixture
def lane(tmp_path: Path) -> Signer:
    """A lane's signer; its key seals flags of lane 1 alone."""
    signer = generate_key(tmp_path / "lane.key", "ops")
    path = tmp_path / "lane.key.pub"
    path.chmod(0o644)
    path.write_bytes(
        msgspec.json.encode(msgspec.structs.replace(signer.public, kinds=("riskflag/1",), lanes=("1",)))
    )
    return signer


@pytest.fixture
def seal_flag(lane: Signer) -> Callable[..., bytes]:
    def seal(number: int = 0, **changes: Any) -> bytes:
        from datetime import UTC, datetime

        template = parse_strict((GOLDEN / "clearance-1-riskflag-gamma.json").read_bytes(), RiskFlag)
        flag = msgspec.structs.replace(
            template,
            scan_id=f"{number:032x}",
            lane="1",
            created_at=utc_string(datetime.now(UTC)),
            key_id=None,
            signature=None,
        )
        flag = msgspec.structs.replace(flag, **changes)
        flag = msgspec.structs.replace(
            flag, flag_id=content_id(flag, without=("flag_id", "key_id", "signature"))
        )
        return canonical_bytes(lane.seal(flag))

    return seal


@pytest.fixture
def client(site: ClearanceSettings, lane: Signer) -> Iterator[httpx.Client]:
    """The whole service over a desk on SQLite, on a loopback port."""
    desk = open_desk(site)
    with running_server(Service(desk, site), site) as url, httpx.Client(base_url=url) as running:
        yield running
    desk.close()


class TellingDesk:
    """A desk that answers as a test tells it, and can fail."""

    def __init__(self) -> None:
        self.groups: list[list[bytes]] = []
        self.error: Exception | None = None

    def take(self, bodies: Sequence[bytes]) -> list[Any]:
        from screening.clearance.desk.views import Taken

        if self.error is not None:
            raise self.error
        self.groups.append(list(bodies))
        return [Taken(hashlib.sha256(body).hexdigest(), "ACCEPTED", None, "taken") for body in bodies]

    def decide_due(self, *, limit: int) -> list[Any]:
        return []

    def n_due(self) -> int:
        return 0

    def case(self, key: str) -> Any:
        if self.error is not None:
            raise self.error
        return None

    @property
    def ledger(self) -> Any:
        if self.error is not None:
            raise self.error
        return self

    def size(self) -> int:
        return 0


@pytest.fixture
def telling() -> TellingDesk:
    return TellingDesk()


@pytest.fixture
def told_client(site: ClearanceSettings, telling: TellingDesk) -> Iterator[httpx.Client]:
    """The service over a desk that answers as told."""
    with (
        running_server(Service(telling, site), site) as url,  # type: ignore[arg-type]
        httpx.Client(base_url=url) as running,
    ):
        yield running


@pytest.fixture
def bearer() -> Callable[[str], dict[str, str]]:
    return lambda scope: {"Authorization": f"Bearer {scope}"}
