"""Every built-in sink and an installed package of a third party pass the contract."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
import threading
import tomllib
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import pytest

from screening.clearance import KeyRing
from screening.clearance.settings import SinkSettings
from screening.clearance.sinks import SinkError, build_sinks, registered_sinks
from screening.clearance.sinks.contract import SinkContract, check_sink, sample_context, sample_messages
from screening.clearance.sinks.folder import FolderSink
from screening.clearance.sinks.n42 import N42Sink
from screening.clearance.sinks.sample_messages import sample_signer
from screening.clearance.sinks.webhook import WebhookSink, verify_webhook

HERE = Path(__file__).parent
FOLDER_SINKS = [(FolderSink, "json"), (N42Sink, "n42")]
if find_spec("pydicom") is not None:
    from screening.clearance.sinks.tdr import TdrSink

    FOLDER_SINKS.append((TdrSink, "dcs"))


def keys_in(folder):
    return [path.name.split(".")[1] for path in folder.iterdir() if not path.name.startswith(".")]


@contextlib.contextmanager
def not_mounted(folder):
    away = folder.with_name("away")
    folder.rename(away)
    try:
        yield
    finally:
        away.rename(folder)


@pytest.mark.parametrize(("sink", "suffix"), FOLDER_SINKS)
def test_sinks_that_write_files_keep_the_contract(sink, suffix, tmp_path):
    folder = tmp_path / "drop"
    folder.mkdir()
    made = sink(SinkSettings(name="drop", kind=suffix, options={"folder": str(folder)}), sample_context())
    check_sink(made, effects=lambda: keys_in(folder), down=lambda: not_mounted(folder))
    assert {path.suffix for path in folder.iterdir()} == {f".{suffix}"}


class Effects:
    """A receiver of a webhook that verifies every request and keeps keys."""

    def __init__(self):
        effects = self
        self.keys, self.is_down, lock = [], False, threading.Lock()
        ring = KeyRing([sample_signer().public])

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                from datetime import UTC, datetime

                body = self.rfile.read(int(self.headers["Content-Length"]))
                verify_webhook(dict(self.headers), body, ring, at=datetime.now(UTC))
                key = self.headers["Idempotency-Key"]
                with lock:
                    is_known = key in effects.keys
                    if not (is_known or effects.is_down):
                        effects.keys.append(key)
                self.send_response(503 if effects.is_down else 409 if is_known else 201)
                self.end_headers()

            def log_message(self, *args):
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    @contextlib.contextmanager
    def down(self):
        self.is_down = True
        try:
            yield
        finally:
            self.is_down = False


class TestWebhook(SinkContract):
    time_limit_s = 10.0

    @pytest.fixture(autouse=True)
    def _receiver(self):
        self.receiver = Effects()
        yield
        self.receiver.server.shutdown()
        self.receiver.thread.join()
        self.receiver.server.server_close()

    def sink(self):
        options = {
            "url": f"http://127.0.0.1:{self.receiver.server.server_address[1]}/",
            "hosts": ["127.0.0.1"],
            "networks": ["127.0.0.0/8"],
        }
        settings = SinkSettings(
            name="hook", kind="webhook", kinds=("clearance/1", "riskflag/1"), options=options
        )
        return WebhookSink(settings, sample_context())

    def effects(self):
        return self.receiver.keys

    def down(self):
        return self.receiver.down()


@pytest.fixture(scope="module")
def sample_package(tmp_path_factory):
    """The sample package, installed into a folder of its own as anyone would install it."""
    root = tmp_path_factory.mktemp("sample")
    source, target = root / "source", root / "site"
    shutil.copytree(HERE / "sample_package", source)
    if not _can_build_wheels():
        _unpacked(source, target)  # nothing to build it with, and no network to fetch it from
        return target
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation",
               "--no-index", "--disable-pip-version-check", "--target", str(target), str(source)]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return target


def _can_build_wheels():
    """Setuptools of a fresh environment may be older than its own wheel command."""
    if find_spec("setuptools") is None or find_spec("pip") is None:
        return False
    return find_spec("wheel") is not None or int(version("setuptools").partition(".")[0]) >= 71


def _unpacked(source, target):
    """Lay the package out as an installer would: the code, and beside it what it registers."""
    project = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    shutil.copytree(source / "sample_sinks", target / "sample_sinks")
    info = target / f"sample_sinks-{project['version']}.dist-info"
    info.mkdir()
    head = f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
    (info / "METADATA").write_text(head, encoding="utf-8")
    lines = []
    for group, entries in project["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {value}" for name, value in entries.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")


@pytest.fixture
def broker_sink(sample_package, monkeypatch, broker):
    monkeypatch.syspath_prepend(str(sample_package))
    settings = SinkSettings(name="yard", kind="broker", options={"server": broker.address})
    assert "broker" in registered_sinks()
    (sink,) = build_sinks([settings], sample_context())
    yield sink
    sys.modules.pop("sample_sinks", None)


def test_the_package_without_an_installer_registers_the_same(tmp_path, monkeypatch):
    _unpacked(HERE / "sample_package", tmp_path / "site")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    assert "broker" in registered_sinks()


def test_an_installed_broker_sink_keeps_the_contract(broker_sink, broker):
    check_sink(broker_sink, effects=broker.held, down=broker.down)


def test_a_broker_gets_the_sealed_record_under_kind_and_container(broker_sink, broker):
    message = sample_messages()[0]
    broker_sink.deliver(message)
    assert broker.published == [("clearance.clearance-1.CSQU3054383", message.key, message.body)]


@pytest.mark.parametrize(
    ("answer", "is_retryable"), [(b"-LATER\r\n", True), (b"", True), (b"-NO such subject\r\n", False)]
)
def test_a_broker_that_did_not_say_yes_does_not_have_it(broker_sink, broker, answer, is_retryable):
    broker.answer = answer
    with pytest.raises(SinkError) as caught:
        broker_sink.deliver(sample_messages()[0])
    assert caught.value.is_retryable == is_retryable


class Keeping:
    """A sink that keeps what it is given, to be spoiled in one respect."""

    name, kinds = "keeping", ("clearance/1",)

    def __init__(self):
        self.keys, self.lock, self.is_down = [], threading.Lock(), False

    def deliver(self, message):
        if self.is_down:
            raise SinkError("down", is_retryable=True)
        with self.lock:
            if message.key not in self.keys:
                self.keys.append(message.key)

    @contextlib.contextmanager
    def down(self):
        self.is_down = True
        yield
        self.is_down = False


class Twice(Keeping):
    def deliver(self, message):
        self.keys.append(message.key)


class Losing(Keeping):
    def deliver(self, message):
        """Say yes, and keep nothing."""


class Raw(Keeping):
    def deliver(self, message):
        message.body.decode()
        super().deliver(message)


class Despairing(Keeping):
    def deliver(self, message):
        try:
            super().deliver(message)
        except SinkError as error:
            raise SinkError(str(error), is_retryable=False) from None


class Hoping(Keeping):
    def deliver(self, message):
        if not message.body.startswith(b"{") or len(message.body) < 10:
            raise SinkError("perhaps later", is_retryable=True)
        super().deliver(message)


def spoiled(**attributes):
    sink = Keeping()
    for name, value in attributes.items():
        setattr(sink, name, value)
    return sink


def test_a_good_sink_passes():
    sink = Keeping()
    check_sink(sink, effects=lambda: sink.keys, down=sink.down)
    assert set(Counter(sink.keys).values()) == {1}


@pytest.mark.parametrize(
    ("sink", "promise"),
    [
        (Twice(), "one effect of the same key"),
        (Losing(), "taken, and nobody has it"),
        (Raw(), "taken or a SinkError, got UnicodeDecodeError"),
        (Despairing(), "a receiver that is down may come back"),
        (Hoping(), "will never be a record"),
        (spoiled(kinds="clearance/1"), "kinds are texts"),
        (spoiled(kinds=()), "kinds are texts"),
        (spoiled(name=""), "a name is a text"),
        (spoiled(kinds=("weather/1",)), "there is a sample of one of"),
        (object(), "a sink has a name"),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, str) else "",
)
def test_the_contract_finds_broken_promises(sink, promise):
    with pytest.raises(AssertionError, match=promise):
        check_sink(sink, effects=lambda: sink.keys, down=getattr(sink, "down", None))
