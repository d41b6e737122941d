"""Events reach people, files and views; a view shows the worst of what is known."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from screening.acquire.events import EventLog, read_events
from screening.acquire.view import LaneView
from screening.records import ReasonCode


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _show(stream: io.StringIO, log_events: list[tuple[str, dict[str, object]]]) -> LaneView:
    view = LaneView(stream, title="EXERCISE", n_expected=2)
    with view:
        log = EventLog(listeners=(view.show,))
        for event, fields in log_events:
            about = {name: fields.pop(name) for name in ("lane", "scan_id", "container_id") if name in fields}
            log.emit(event, f"{event} it", **about, **fields)  # type: ignore[arg-type]
    return view


def _pass(levels: dict[str, str]) -> list[tuple[str, dict[str, object]]]:
    told: list[tuple[str, dict[str, object]]] = []
    for lane, level in levels.items():
        kind = "linestream" if lane == "X1" else "rpm"
        modality = "radiograph" if lane == "X1" else "radiation"
        about = {"lane": lane, "scan_id": f"scan-{lane}", "container_id": "BOX"}
        told.append(("stored", {**about, "kind": kind}))
        told.append(("analysed", {**about, "modality": modality, "level": level, "codes": ["Q_SPEED"]}))
    return told


@pytest.mark.parametrize("order", [("P1", "S1"), ("S1", "P1")])
def test_two_portals_show_the_worse_of_their_answers(order: tuple[str, str]) -> None:
    stream = _Terminal()
    levels = {"P1": "LOW", "S1": "HIGH"}
    _show(stream, _pass({lane: levels[lane] for lane in order}))
    last = stream.getvalue()[stream.getvalue().rfind("BOX") :]
    assert "HIGH" in last
    assert "LOW" not in last


def test_a_container_counts_once_however_often_it_is_decided() -> None:
    decided: tuple[str, dict[str, object]] = (
        "decided",
        {"container_id": "BOX", "risk": "UNKNOWN", "action": "REFER_NII", "codes": ["EXERCISE", "Q_SPEED"]},
    )
    stream = io.StringIO()
    view = _show(stream, [*_pass({"P1": "LOW"}), decided, ("decided", dict(decided[1]))])
    assert view.n_decided == 1
    shown = stream.getvalue()
    assert shown.startswith("EXERCISE")
    assert "(Q_SPEED)" in shown
    assert "\x1b" not in shown  # plain lines where there is no terminal


def test_events_are_read_from_where_the_last_reading_ended(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    assert read_events(path) == ([], 0)
    stream = io.StringIO()
    log = EventLog(path, stream=stream)
    log.emit("stored", "stored abc", lane="P1", scan_id="abc")
    first, offset = read_events(path)
    assert [(event.event, event.scan_id) for event in first] == [("stored", "abc")]
    log.emit("stopped", "stopped")
    log.close()
    with path.open("ab") as file:
        file.write(b'{"event": "sto')  # cut by a kill
    second, end = read_events(path, offset)
    assert [event.event for event in second] == ["stopped"]
    assert read_events(path, end) == ([], end)
    again = EventLog(path)
    again.emit("started", "started")
    again.close()
    third, _ = read_events(path, end)
    assert [event.event for event in third] == ["started"]
    assert "] stored abc" in stream.getvalue()
    assert "lane=P1" in stream.getvalue()


def test_a_line_that_is_no_event_is_passed_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b"{half\n")
    log = EventLog(path)
    log.emit("started", "started")
    log.close()
    events, _ = read_events(path)
    assert [event.event for event in events] == ["started"]
    assert "no event" in capsys.readouterr().err


def test_lines_give_the_reasons_of_answers_and_decisions() -> None:
    stream = io.StringIO()
    log = EventLog(stream=stream)
    log.emit("analysed", "analysed abc: HIGH", lane="P1", codes=[ReasonCode.RAD_NEUTRON, ReasonCode.EXERCISE])
    log.emit("decided", "decided BOX: LOW ACCEPT", codes=[])
    log.emit("stored", "stored abc", codes=["Q_SPEED"])
    analysed, decided, stored = stream.getvalue().splitlines()
    assert "analysed abc: HIGH (RAD_NEUTRON)" in analysed
    assert decided.endswith("decided BOX: LOW ACCEPT")
    assert "Q_SPEED" not in stored
