"""The service as processes: two instances on one PostgreSQL, killed and started; its document; stops."""

from __future__ import annotations

import importlib.util
import shutil
import socket
import ssl
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from screening.clearance import generate_key

_spec = importlib.util.spec_from_file_location(
    "clearance_campaign", Path(__file__).with_name("clearance_campaign.py")
)
assert _spec is not None
assert _spec.loader is not None
campaign: ModuleType = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(campaign)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Any]:
    """A site of which no process is left."""
    with campaign.Site(tmp_path, stream_s=3600.0) as made:
        yield made


def test_a_stop_is_clean_and_what_was_acknowledged_is_there_again(site: Any, tmp_path: Path) -> None:
    instance = site.start()
    sent = site.traffic(range(3), datetime.now(UTC))
    with campaign.RecordClient(instance.url, token=campaign.TOKEN) as client:
        taken = client.post([body for bodies in sent.values() for body in bodies])
    assert {one.status for one in taken} == {"ACCEPTED"}
    stream = _open_stream(instance)
    began = time.monotonic()
    assert instance.stop() == 0
    assert time.monotonic() - began < 10, "an open stream does not hold it up"
    assert stream.wait(10) == 0, "and ends as a whole"
    assert stream.stdout is not None
    stream.stdout.close()
    again = site.start()
    with campaign.RecordClient(again.url, token=campaign.TOKEN) as client:
        assert {one.status for one in client.post(sent["gamma"])} == {"KNOWN"}
    campaign.wait_until_settled(again, 3)
    assert again.stop() == 0
    assert (tmp_path / "errors.txt").read_text() == ""


def _open_stream(instance: Any) -> subprocess.Popen[bytes]:
    code = (
        "import sys, urllib.request as u;"
        "q = u.Request(sys.argv[1], headers={'Authorization': 'Bearer ' + sys.argv[2]});"
        "r = u.urlopen(q, timeout=20);"
        "r.readline(); print('open', flush=True); r.read()"
    )
    url = instance.url + "/v1/decisions/stream"
    stream = subprocess.Popen(
        [sys.executable, "-c", code, url, campaign.TOKEN], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert stream.stdout is not None
    assert stream.stdout.readline() == b"open\n"
    return stream


@pytest.mark.parametrize(
    ("scope", "options", "message"),
    [("exercise", (), "exercise key"), ("ops", ("--exercise",), "no exercise key")],
)
def test_a_key_of_the_other_scope_does_not_start(
    site: Any, tmp_path: Path, scope: str, options: tuple[str, ...], message: str
) -> None:
    (tmp_path / "site.key").unlink()
    (tmp_path / "site.key.pub").unlink()
    generate_key(tmp_path / "site.key", scope)  # type: ignore[arg-type]
    done = _serve(site.config, *options)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_an_exercise_that_was_asked_for_says_so(site: Any, tmp_path: Path) -> None:
    (tmp_path / "site.key").unlink()
    (tmp_path / "site.key.pub").unlink()
    generate_key(tmp_path / "site.key", "exercise")
    instance = site.start("--exercise")
    assert instance.greeting.startswith("EXERCISE")
    assert instance.get("/v1/health")["mode"] == "EXERCISE"
    assert instance.stop() == 0


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1"])  # noqa: S104
def test_anything_but_loopback_needs_tls(site: Any, host: str) -> None:
    text = site.config.read_text().replace("port = 0", f'port = 0\nhost = "{host}"')
    site.config.write_text(text)
    done = _serve(site.config)
    assert done.returncode == 2
    assert "loopback" in done.stderr


def _serve(config: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "screening", "clearance", "serve", "--config", str(config), *options],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_records_travel_over_tls(site: Any, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: no certificate can be made")
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout tls.key -out tls.pem"
    )
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1"
    subprocess.run([*command.split(), "-addext", names], check=True, capture_output=True, cwd=tmp_path)
    tls = 'port = 0\ntls_certificate = "tls.pem"\ntls_key = "tls.key"'
    site.config.write_text(site.config.read_text().replace("port = 0", tls))
    instance = site.start()
    assert instance.url.startswith("https://127.0.0.1:")
    port = int(instance.url.rsplit(":", 1)[1])
    silent = socket.create_connection(("127.0.0.1", port), timeout=20)
    flag = site.flag("gamma", campaign.container_number(1))
    post = campaign.post_records
    (taken,) = post(instance.url, [flag], campaign.TOKEN, ca_file=tmp_path / "tls.pem")
    assert taken.status == "ACCEPTED"
    with pytest.raises(campaign.ServiceUnavailableError, match="CERTIFICATE_VERIFY_FAILED"):
        post(instance.url, [flag], campaign.TOKEN, attempts=1)
    older = ssl.create_default_context(cafile=tmp_path / "tls.pem")
    older.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection(("127.0.0.1", port)) as plain,
        older.wrap_socket(plain, server_hostname="localhost") as secure,
    ):
        name, version, _ = secure.cipher() or ("", "", 0)
    assert (version, name.startswith("ECDHE-"), "GCM" in name or "POLY1305" in name) == (
        "TLSv1.2",
        True,
        True,
    )
    older.set_ciphers("ECDHE+SHA:eNULL:aNULL:@SECLEVEL=0")
    with socket.create_connection(("127.0.0.1", port)) as plain, pytest.raises(ssl.SSLError):
        older.wrap_socket(plain, server_hostname="localhost")
    with silent:  # whoever shakes no hand is not waited for
        assert silent.recv(1) == b""
    assert instance.stop() == 0


def test_two_instances_on_postgresql_lose_and_double_nothing_while_one_is_killed(
    tmp_path: Path, postgres_url: str
) -> None:
    campaign.run_kill_campaign(tmp_path, postgres_url, duration_s=15.0, kill_every_s=3.0, n_boxes=60)


@pytest.mark.parametrize(
    "options",
    [
        ["--exclude-operation-id", "post_records", "--phases", "coverage"],
        ["--phases", "fuzzing", "--max-examples", "4"],
    ],
    ids=["queries", "everything"],
)
def test_schemathesis_finds_nothing(tmp_path: Path, options: list[str]) -> None:
    """A bounded number of examples; the benchmarks hold the whole of it."""
    with campaign.Site(tmp_path, stream_s=0.05) as site:
        campaign.run_schemathesis(site, tmp_path, options)
