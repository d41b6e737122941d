"""Dropped files: whole or not at all, each once, and on disk."""

from __future__ import annotations

import errno
import os
import threading
import time
from pathlib import Path

import pytest

from screening.clearance.sinks import SinkContext, SinkError
from screening.clearance.sinks.folder import FolderSink, drop_file, file_name
from screening.errors import ConfigurationError


@pytest.fixture
def sink(make_settings):
    return FolderSink(make_settings(), SinkContext())


def test_the_file_is_the_record_under_its_kind_and_key(sink, messages, tmp_path):
    sink.deliver(messages[0])
    (file,) = tmp_path.iterdir()
    assert file.name == f"clearance-1.{messages[0].key}.json"
    assert file.read_bytes() == messages[0].body


def test_the_same_key_twice_is_one_file_that_is_left_alone(sink, messages, tmp_path):
    sink.deliver(messages[0])
    before = next(tmp_path.iterdir()).stat()
    sink.deliver(messages[0])
    (file,) = tmp_path.iterdir()
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_half_a_file_is_replaced_by_the_whole(sink, messages, tmp_path):
    path = tmp_path / f"clearance-1.{messages[0].key}.json"
    path.write_bytes(messages[0].body[:10])
    sink.deliver(messages[0])
    assert path.read_bytes() == messages[0].body


@pytest.mark.skipif(os.name == "nt", reason="a folder is not fsynced there")
def test_content_then_name_then_folder_reach_the_disk_in_that_order(sink, messages, tmp_path, monkeypatch):
    order = []
    real_sync, real_replace = os.fsync, os.replace

    def sync(descriptor):
        order.append("folder" if Path(f"/proc/self/fd/{descriptor}").is_dir() else "content")
        real_sync(descriptor)

    def replace(self, target):
        order.append("name")
        return real_replace(self, target)

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(type(tmp_path), "replace", replace)
    sink.deliver(messages[0])
    assert order == ["content", "name", "folder"]
    sink.deliver(messages[0])  # whoever renamed it may have died before the folder was synced
    assert order[3:] == ["folder"]


@pytest.mark.parametrize("step", ["content", "name"])
def test_a_disk_that_refuses_leaves_nothing_and_is_tried_again(sink, messages, tmp_path, monkeypatch, step):
    def refuse(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        if step == "content":
            patched.setattr(os, "fsync", refuse)
        else:
            patched.setattr(type(tmp_path), "replace", refuse)
        with pytest.raises(SinkError, match="No space left") as caught:
            sink.deliver(messages[0])
    assert caught.value.is_retryable
    assert list(tmp_path.iterdir()) == []
    sink.deliver(messages[0])
    assert len(list(tmp_path.iterdir())) == 1


def test_a_link_that_somebody_put_there_leads_nowhere(sink, messages, tmp_path, monkeypatch):
    """Whoever may write to the folder must not have records written over other files."""
    folder, elsewhere = tmp_path / "in", tmp_path / "precious"
    folder.mkdir()
    elsewhere.write_bytes(b"x")
    name = file_name(messages[0], "json")
    (folder / name).symlink_to(elsewhere)
    monkeypatch.setattr("secrets.token_hex", lambda n: "foreseen")
    (folder / f".{name}.foreseen.part").symlink_to(elsewhere)
    with pytest.raises(SinkError, match="exists"):
        drop_file(folder, name, messages[0].body)
    monkeypatch.undo()
    drop_file(folder, name, messages[0].body)
    assert elsewhere.read_bytes() == b"x"
    assert not (folder / name).is_symlink()
    assert (folder / name).read_bytes() == messages[0].body


def test_readers_never_see_half_a_file(tmp_path):
    data, seen, done = os.urandom(1 << 20), [], threading.Event()

    def read():
        while not done.is_set():
            seen.extend(len(path.read_bytes()) for path in tmp_path.glob("*.bin"))

    reader = threading.Thread(target=read)
    reader.start()
    for number in range(20):
        drop_file(tmp_path, f"{number}.bin", data)
    done.set()
    reader.join()
    assert set(seen) == {len(data)}


def test_what_a_killed_process_left_is_removed_once_it_is_old(make_settings, tmp_path):
    old, new = tmp_path / ".a.json.1-1.part", tmp_path / ".b.json.1-1.part"
    for path in (old, new):
        path.write_bytes(b"half")
    long_ago = time.time() - 7200
    os.utime(old, (long_ago, long_ago))
    FolderSink(make_settings(), SinkContext())
    assert [path.name for path in tmp_path.iterdir()] == [new.name]


def test_a_missing_folder_is_noticed_and_not_made(make_settings, tmp_path):
    with pytest.raises(ConfigurationError, match="is no folder"):
        FolderSink(make_settings(folder=str(tmp_path / "not mounted")), SinkContext())
    assert list(tmp_path.iterdir()) == []
