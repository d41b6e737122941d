"""The whole chain on this machine: emulated lane, live acquisition, analysis, decisions, one report.

Everything is an exercise: the key, the mode, the records, the report. Nothing here analyses, decides
or draws: it starts the same processes that a site runs, and watches their events.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import multiprocessing.connection
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from importlib.util import find_spec
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import msgspec

from screening import __version__
from screening.acquire.events import Event, read_events
from screening.acquire.view import LaneView
from screening.clearance import generate_exercise_key
from screening.errors import ConfigurationError, ScreeningError
from screening.reanalyse.report import Entry, entries_from_store, write_report
from screening.records import FlagModality, ReasonCode
from screening.simulation.emulators import EmulatorPorts, run_emulator
from screening.simulation.presets import demo_traffic
from screening.stores import ResultStore

__all__ = ["BANNER", "DemoOutcome", "run_demo"]

BANNER = "EXERCISE: simulated traffic, not valid for cargo"
N_CONTAINER = 16

_MARKER = "EXERCISE"
_READY_S = 60.0
_QUIET_S = 45.0  # without any event for so long the lane is stuck: the report is made of what there is
_RESTART_S = 1.5
_REFUSED = 2  # exit status of a service that cannot use its settings
_ACQUIRE = (sys.executable, "-P", "-m", "screening", "acquire", "--config")

# What the three instruments see of every container.
_SEEN = frozenset((FlagModality.RAD_GROSS, FlagModality.RAD_SPECTRAL, FlagModality.XRAY))
# Two panels of plastic beside four logs of NaI, then a dual-energy scanner; about 17 s of vehicle and
# gap at the portal and 33 s at the scanner, run faster.
_PORTAL = {"speed_factor": 12.0, "gap_s": 4.0}
_SCANNER = {"speed_factor": 28.0, "gap_s": 4.0, "scale": 1.33}


class DemoOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """What a demonstration left behind.

    Attributes
    ----------
    report : Path
        The report.
    decisions : tuple of Path
        The signed decision in force on each container; those it replaced lie beside it.
    keys : Path
        Folder of the public keys that verify them.
    n_container : int
        How many came.
    n_decided : int
        How many were decided.
    """

    report: Path
    decisions: tuple[Path, ...]
    keys: Path
    n_container: int
    n_decided: int

    @property
    def verify_command(self) -> str:
        """Command that verifies one of the decisions."""
        if not self.decisions:
            return ""
        decision = self.decisions[0]
        flags = decision.with_suffix(".flags")
        return f"screening clearance verify {decision} --keys {self.keys} --flags {flags} --exercise"


def run_demo(out: Path, *, seed: int = 1, n: int = N_CONTAINER, stream: TextIO | None = None) -> DemoOutcome:
    """Run the demonstration.

    Parameters
    ----------
    out : Path
        Folder for everything it leaves; the one of an earlier demonstration is replaced.
    seed : int
        Seed of the traffic.
    n : int
        How many containers, at most 16.
    stream : TextIO, optional
        Where to show the lane; standard output when omitted.

    Returns
    -------
    DemoOutcome
        Where the report and the decisions are.

    Raises
    ------
    ConfigurationError
        If the folder holds something else.
    ScreeningError
        If a part cannot be started.
    """
    if not 1 <= n <= N_CONTAINER:
        raise ConfigurationError(f"the demonstration has 1 to {N_CONTAINER} containers, got {n}", value=n)
    if find_spec("matplotlib") is None:  # told before the lane runs, not after
        raise ConfigurationError(
            "the report needs matplotlib: install the extra 'report'", value="matplotlib"
        )
    out = out.resolve()
    _prepare(out)
    with contextlib.ExitStack() as stack:
        settings = _start_lane(out, seed, n, stack)
        view = LaneView(stream or sys.stdout, title=f"{BANNER}. Seed {seed}", n_expected=n)
        with view, (out / "acquire.log").open("ab") as log:
            _watch(out, settings, n, view, log)
        n_decided = view.n_decided
    with ResultStore(out / "results.sqlite", read_only=True) as store:
        entries = [_told(entry, seed) for entry in entries_from_store(store, out / "archive")]
    report = write_report(
        out / "report.html",
        entries,
        title="Screening of containers in one lane",
        banner=BANNER,
        provenance={"version": __version__, "traffic": f"simulated, seed {seed}"},
    )
    return DemoOutcome(
        report=report,
        decisions=tuple(_decision_files(out / "decisions", entries)),
        keys=out / "decisions",
        n_container=len(entries),
        n_decided=n_decided,
    )


def _decision_files(folder: Path, entries: list[Entry]) -> Iterator[Path]:
    decided = [entry.decision for entry in entries if entry.decision is not None]
    for decision in sorted(decided, key=lambda one: one.consignment.container_id):
        path = folder / f"{decision.consignment.container_id}-{decision.decision_id[:12]}.json"
        if path.exists():
            yield path


def _told(entry: Entry, seed: int) -> Entry:
    """Return an entry with what was simulated, so that a reader can compare."""
    texts = {container.container_id: container.text for container in demo_traffic(seed)}
    text = texts.get(entry.container_id or "")
    return entry if text is None else msgspec.structs.replace(entry, notes=(f"Simulated: {text}",))


def _prepare(out: Path) -> None:
    marker = out / _MARKER
    if out.exists() and any(out.iterdir()):
        if not marker.exists():
            text = f"{out} holds something that is no earlier demonstration; name another folder"
            raise ConfigurationError(text, value=str(out))
        shutil.rmtree(out)
    out.mkdir(parents=True, exist_ok=True)
    marker.write_text(f"{BANNER}\n", encoding="utf-8")
    generate_exercise_key(out / "exercise.key")
    generate_exercise_key(out / "gateway.key")


def _start_lane(out: Path, seed: int, n: int, stack: contextlib.ExitStack) -> Path:
    """Start the emulators and write the settings of a site that is connected to them."""
    common: dict[str, Any] = {"traffic": "demo", "seed": seed, "n": n, "gateway_key": out / "gateway.key"}
    context = multiprocessing.get_context("spawn")
    ready = {kind: out / f"{kind}.ports" for kind in ("portal", "scanner")}
    children: list[BaseProcess] = []
    for kind, options in (("portal", _PORTAL), ("scanner", _SCANNER)):
        arguments = {**common, **options, "ready_file": ready[kind]}
        child = context.Process(target=_emulate, args=(kind, arguments), name=f"emulated {kind}", daemon=True)
        child.start()
        stack.callback(_end, child)
        children.append(child)
    ports = {kind: _ports(path, children) for kind, path in ready.items()}
    settings = out / "site.toml"
    settings.write_text(_settings(ports["portal"], ports["scanner"]), encoding="utf-8")
    return settings


def _emulate(kind: Any, options: dict[str, Any]) -> None:
    """Run an emulator in its own process; it ends with the demonstration, however that ends."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        sentinel = parent.sentinel

        def follow() -> None:
            multiprocessing.connection.wait([sentinel])
            os.kill(os.getpid(), signal.SIGTERM)

        threading.Thread(target=follow, daemon=True).start()
    run_emulator(kind, **options)


def _end(child: BaseProcess) -> None:
    child.terminate()
    child.join(10.0)


def _ports(path: Path, children: list[BaseProcess]) -> EmulatorPorts:
    deadline = time.monotonic() + _READY_S
    while not path.exists():
        if time.monotonic() > deadline or not all(child.is_alive() for child in children):
            raise ScreeningError(f"the emulator did not open its ports ({path.stem})", value=path.stem)
        time.sleep(0.05)
    return msgspec.json.decode(path.read_bytes(), type=EmulatorPorts)


def _settings(portal: EmulatorPorts, scanner: EmulatorPorts) -> str:
    return f"""\
# {BANNER}
[acquire]
site = "EXERCISE"
mode = "Exercise"
administration = "exercise customs"
key_file = "exercise.key"
trusted_keys = ["gateway.key.pub"]
decisions = "decisions"
case_deadline_s = 25.0

# The same desk for the clearance commands: audit, custody, export, decide.
[clearance]
administration = "exercise customs"
key_file = "exercise.key"
database = "cases.sqlite"
trusted_keys = ["gateway.key.pub"]
required_lanes = ["portal-gross", "portal-spectra", "scanner"]
case_deadline_s = 25.0
is_exercise = true

[[acquire.lanes]]
name = "portal-gross"
kind = "rpm"
port = {portal.port}
identity_port = {portal.identity_port}

[[acquire.lanes]]
name = "portal-spectra"
kind = "n42"
port = {portal.n42_port}
identity_port = {portal.identity_port}

[[acquire.lanes]]
name = "scanner"
kind = "linestream"
port = {scanner.port}
identity_port = {scanner.identity_port}
"""


class _Passages:
    """Which containers are through: decided on everything that the lanes see, or as overdue.

    A container that is held at the portal is decided before the scanner has seen it.
    """

    def __init__(self) -> None:
        self._through: set[str] = set()

    @property
    def n_through(self) -> int:
        return len(self._through)

    def take(self, event: Event) -> None:
        if event.event != "decided" or event.container_id is None:
            return
        is_overdue = ReasonCode.TIMEOUT in event.fields.get("codes", ())
        if is_overdue or _SEEN.issubset(event.fields.get("modalities", ())):
            self._through.add(event.container_id)


def _watch(out: Path, settings: Path, n: int, view: LaneView, log: BinaryIO) -> None:
    """Run the service, follow its events until every container is decided, then stop it.

    The service is an ordinary process: if it is killed it is started again, as a site's supervisor
    would, and goes on from its spool.
    """
    command = [*_ACQUIRE, str(settings)]
    passages = _Passages()
    with _service(command, log) as running:
        process, offset = running[0], 0
        last_event, restart_at = time.monotonic(), 0.0
        while passages.n_through < n and time.monotonic() - last_event < _QUIET_S:
            events, offset = read_events(out / "events.jsonl", offset)
            for event in events:
                view.show(event)
                passages.take(event)
                last_event = time.monotonic()
            if process.poll() == _REFUSED:
                raise ScreeningError(f"the acquisition refused its settings; see {log.name}", value=log.name)
            if process.poll() is not None:
                if restart_at == 0.0:
                    restart_at = time.monotonic() + _RESTART_S
                elif time.monotonic() >= restart_at:
                    # Somebody else may have started it meanwhile: the spool then refuses ours, and the
                    # events to follow are theirs.
                    process, restart_at = _start(command, log), 0.0
                    running.append(process)
            time.sleep(0.05)


@contextlib.contextmanager
def _service(command: list[str], log: BinaryIO) -> Iterator[list[subprocess.Popen[bytes]]]:
    running = [_start(command, log)]
    try:
        yield running
    finally:
        for process in running:
            if process.poll() is None:
                process.terminate()
        for process in running:
            try:
                process.wait(20.0)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _start(command: list[str], log: BinaryIO) -> subprocess.Popen[bytes]:
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # noqa: S603 - ours
