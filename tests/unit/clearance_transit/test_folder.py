"""The watched folder: whole files only, and each ends where its outcome says."""

from __future__ import annotations

import json
import os
import threading
import time

import pytest

from screening.clearance.transit.folder import MAX_FILE_BYTES, take_folder, watch_folder
from screening.errors import StoreError


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def drop(folder, name, data):
    part = folder / f"{name}.part"
    part.write_bytes(data)
    part.rename(folder / name)


def test_a_whole_file_is_taken_and_moved(tmp_path, desk, lines):
    drop(tmp_path, "a.jsonl", b"\n".join(lines(3)))
    assert take_folder(tmp_path, desk.take) == (1, 0, 3)
    assert desk.bodies == lines(3)
    assert names(tmp_path / "done") == ["a.jsonl"]
    assert names(tmp_path / "taking") == names(tmp_path / "refused") == []


def test_a_file_under_another_name_is_still_being_written(tmp_path, desk, lines):
    (tmp_path / "a.jsonl.part").write_bytes(lines(1)[0])
    assert take_folder(tmp_path, desk.take) == (0, 0, 0)
    assert (tmp_path / "a.jsonl.part").exists()


def test_the_good_lines_of_a_bad_file_are_taken_and_the_reason_lies_beside_it(tmp_path, desk, lines):
    one, two = lines(2)
    drop(tmp_path, "a.jsonl", one + b"\ngarbage\n" + b"x" * 100_000 + b"\n" + two + b"\n")
    assert take_folder(tmp_path, desk.take) == (0, 1, 2)
    assert desk.bodies == [one, two]
    reasons = json.loads((tmp_path / "refused" / "a.jsonl.reason.json").read_bytes())
    assert [(reason["line"], reason["failure"]) for reason in reasons] == [(2, "MALFORMED"), (3, "TOO_LONG")]


def test_an_empty_file_is_no_message(tmp_path, desk):
    drop(tmp_path, "a.jsonl", b"\n\n")
    assert take_folder(tmp_path, desk.take) == (0, 1, 0)


def test_a_file_of_the_same_name_replaces_none(tmp_path, desk, lines):
    for line in lines(3):
        drop(tmp_path, "a.jsonl", line)
        take_folder(tmp_path, desk.take)
    assert names(tmp_path / "done") == ["a.1.jsonl", "a.2.jsonl", "a.jsonl"]


def test_a_file_left_by_a_crash_or_a_full_disk_is_read_again(tmp_path, desk, lines):
    drop(tmp_path, "a.jsonl", b"\n".join(lines(2)))
    desk.failing = 1
    with pytest.raises(OSError, match="space"):
        take_folder(tmp_path, desk.take)
    assert names(tmp_path / "taking") == ["a.jsonl"]
    assert take_folder(tmp_path, desk.take) == (1, 0, 2)


def test_the_same_events_again_are_known(tmp_path, desk, lines):
    for name in ("a.jsonl", "b.jsonl"):
        drop(tmp_path, name, b"\n".join(lines(2)))
    assert take_folder(tmp_path, desk.take) == (2, 0, 2)


@pytest.mark.parametrize("kind", ["link", "folder", "huge"])
def test_what_is_no_file_of_events_is_not_read(kind, tmp_path, desk, lines):
    secret = tmp_path / "elsewhere"
    secret.write_bytes(lines(1)[0])
    path = tmp_path / "in" / "a.jsonl"
    path.parent.mkdir()
    if kind == "link":
        path.symlink_to(secret)
    elif kind == "folder":
        path.mkdir()
    else:
        with path.open("wb") as file:
            file.truncate(MAX_FILE_BYTES + 1)
    assert take_folder(tmp_path / "in", desk.take) == (0, 1, 0)
    assert desk.bodies == []
    assert secret.read_bytes() == lines(1)[0]


def test_a_second_watcher_is_refused(tmp_path, desk, lines):
    stop = threading.Event()
    thread = threading.Thread(
        target=watch_folder, args=(tmp_path, desk.take), kwargs={"stop": stop, "poll_s": 0.02}
    )
    thread.start()
    try:
        drop(tmp_path, "a.jsonl", lines(1)[0])
        end = time.monotonic() + 10
        while not (tmp_path / "done" / "a.jsonl").exists():
            assert time.monotonic() < end
            time.sleep(0.01)
        with pytest.raises(StoreError, match="another process"):
            take_folder(tmp_path, desk.take)
    finally:
        stop.set()
        thread.join()
    assert desk.bodies == lines(1)


def test_a_watcher_survives_a_desk_that_fails_for_a_while(tmp_path, desk, lines):
    stop = threading.Event()
    desk.failing = 3
    drop(tmp_path, "a.jsonl", lines(1)[0])
    thread = threading.Thread(
        target=watch_folder, args=(tmp_path, desk.take), kwargs={"stop": stop, "poll_s": 0.01}
    )
    thread.start()
    end = time.monotonic() + 10
    while not desk.bodies and time.monotonic() < end:
        time.sleep(0.01)
    stop.set()
    thread.join()
    assert desk.bodies == lines(1)
    assert desk.failing == 0


@pytest.mark.parametrize("place", ["taking", "done", "refused", ".lock"])
def test_a_link_in_the_place_of_a_folder_leads_nowhere(place, tmp_path, desk, lines):
    """Whoever may drop files could otherwise have anything that the watcher may move moved."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").write_bytes(b"x")
    watched = tmp_path / "in"
    watched.mkdir()
    (watched / place).symlink_to(elsewhere if place != ".lock" else elsewhere / "made")
    drop(watched, "a.jsonl", lines(1)[0])
    with pytest.raises(StoreError, match=place):
        take_folder(watched, desk.take)
    assert names(elsewhere) == ["precious"]
    assert (watched / "a.jsonl").exists()


def test_a_link_that_comes_later_is_passed_by(tmp_path, desk, lines):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "precious").write_bytes(b"x")
    watched = tmp_path / "in"
    stop, taken = threading.Event(), []

    def take(bodies):
        (watched / "done").rename(watched / "moved")
        (watched / "done").symlink_to(elsewhere)
        taken.extend(bodies)
        stop.set()
        return desk.take(bodies)

    watched.mkdir()
    drop(watched, "a.jsonl", lines(1)[0])
    watch_folder(watched, take, stop=stop, poll_s=0.01)
    assert taken == lines(1)
    assert names(elsewhere) == ["precious"]
    assert names(watched / "moved") == ["a.jsonl"]


def test_a_name_as_long_as_names_can_be_stops_nothing(tmp_path, desk, lines):
    drop(tmp_path, "a" * 243 + ".jsonl", b"garbage")
    drop(tmp_path, "b.jsonl", lines(1)[0])
    assert take_folder(tmp_path, desk.take) == (1, 1, 1)
    assert sum(name.endswith(".reason.json") for name in names(tmp_path / "refused")) == 1
    assert len(names(tmp_path / "refused")) == 2


def test_a_file_that_cannot_be_read_holds_up_no_other(tmp_path, desk, lines, monkeypatch, caplog):
    opened = os.open

    def refuse(path, *arguments, **options):
        if path == "a.jsonl":
            raise PermissionError(13, "Permission denied")
        return opened(path, *arguments, **options)

    monkeypatch.setattr(os, "open", refuse)
    for name in ("a.jsonl", "b.jsonl"):
        drop(tmp_path, name, lines(1)[0])
    assert take_folder(tmp_path, desk.take) == (1, 0, 1)
    assert "a.jsonl: cannot be read (Permission denied)" in caplog.text
    monkeypatch.undo()
    assert take_folder(tmp_path, desk.take) == (1, 0, 0)
