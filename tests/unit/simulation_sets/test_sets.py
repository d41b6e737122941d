"""Sets on disk: the same bytes whatever the number of processes, and after a kill at any time."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from screening.errors import ConfigurationError, StoreError
from screening.evaluate.dataset import read_dataset
from screening.simulation import sets

KINDS = ("occupancies", "radiographs")

#: Enough passes that a run of them can be killed midway.
N_KILLED = 150


def content(folder: Path) -> dict[str, bytes]:
    """Every file of a folder, hidden ones and those below included."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def start(folder: Path, n: int, workers: int) -> subprocess.Popen[bytes]:
    code = (
        "from pathlib import Path; from screening.simulation import sets\n"
        "if __name__ == '__main__':\n"
        f"    sets.write_set('occupancies', Path({str(folder)!r}), 'mixed', {n}, 5, workers={workers})\n"
    )
    return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.DEVNULL)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    sets.write_set("occupancies", folder, "mixed", N_KILLED, 5)
    return folder


@pytest.mark.parametrize("workers", [1, 2])
def test_a_killed_run_is_finished_to_the_same_bytes(tmp_path: Path, whole: Path, workers: int) -> None:
    n = N_KILLED
    cut = tmp_path / "cut"
    process = start(cut, n, workers)
    deadline = time.monotonic() + 60
    while len(list(cut.glob("pass-*.json"))) < 10:
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    n_made = len(list(cut.glob("pass-*.json")))
    assert n_made < n
    assert not (cut / "labels.csv").exists()
    seen: list[tuple[int, int]] = []
    sets.write_set("occupancies", cut, "mixed", n, 5, progress=lambda done, of: seen.append((done, of)))
    assert seen[0][0] >= n_made, "what was there is counted first, and not made again"
    assert seen[-1] == (n, n)
    assert content(cut) == content(whole)


@pytest.mark.parametrize(
    ("name", "preset", "n"), [("occupancies", "faults", 9), ("radiographs", "samples", 3)]
)
def test_the_number_of_processes_changes_no_byte(tmp_path: Path, name: str, preset: str, n: int) -> None:
    seen: list[tuple[int, int]] = []
    sets.write_set(name, tmp_path / "one", preset, n, 2, has_maps=True)
    sets.write_set(
        name,
        tmp_path / "two",
        preset,
        n,
        2,
        workers=2,
        has_maps=True,
        progress=lambda done, of: seen.append((done, of)),
    )
    assert seen[-1] == (n, n)
    assert [done for done, _ in seen] == sorted({done for done, _ in seen})
    first = content(tmp_path / "one")
    assert first == content(tmp_path / "two")
    kinds = {path.rpartition(".")[2] for path in first}
    assert kinds == {"h5", "json", "csv"} | ({"npz"} if name == "radiographs" else set())


def test_what_a_kill_left_half_written_goes_away(tmp_path: Path) -> None:
    sets.write_set("occupancies", tmp_path / "whole", "quiet", 3, 1)
    cut = tmp_path / "cut"
    sets.write_set("occupancies", cut, "quiet", 3, 1)
    # killed between an archive and its truth, with half a file beside it
    (cut / "pass-00001.json").unlink()
    (cut / "pass-00002.h5").unlink()
    (cut / ".pass-00001.json.0123456789ab.tmp").write_text("{")
    (cut / "labels.csv").unlink()
    sets.write_set("occupancies", cut, "quiet", 3, 1, workers=2)
    assert content(cut) == content(tmp_path / "whole")


def test_a_kill_before_the_first_truth_can_be_resumed(tmp_path: Path) -> None:
    sets.write_set("occupancies", tmp_path / "whole", "quiet", 1, 1)
    cut = tmp_path / "cut"
    cut.mkdir()
    (cut / "pass-00000.h5").write_bytes((tmp_path / "whole" / "pass-00000.h5").read_bytes())
    with pytest.raises(ConfigurationError, match="another origin"):
        sets.write_set("occupancies", cut, "quiet", 1, 1)
    (cut / ".simulate").mkdir()  # what the killed run leaves
    sets.write_set("occupancies", cut, "quiet", 1, 1)
    assert content(cut) == content(tmp_path / "whole")


def test_a_set_can_be_extended_and_not_shrunk(tmp_path: Path) -> None:
    sets.write_set("occupancies", tmp_path / "once", "quiet", 4, 1)
    sets.write_set("occupancies", tmp_path / "twice", "quiet", 2, 1)
    sets.write_set("occupancies", tmp_path / "twice", "quiet", 4, 1)
    assert content(tmp_path / "once") == content(tmp_path / "twice")
    with pytest.raises(ConfigurationError, match="holds 4 scans"):
        sets.write_set("occupancies", tmp_path / "twice", "quiet", 2, 1)


def test_foreign_folders_are_left_alone(tmp_path: Path) -> None:
    sets.write_set("occupancies", tmp_path / "passes", "quiet", 1, 1)
    before = content(tmp_path / "passes")
    with pytest.raises(ConfigurationError, match="no part of this set"):
        sets.write_set("radiographs", tmp_path / "passes", "samples", 1, 1)
    with pytest.raises(ConfigurationError, match="belongs to preset quiet"):
        sets.write_set("occupancies", tmp_path / "passes", "mixed", 1, 1)
    assert content(tmp_path / "passes") == before
    labelled = tmp_path / "labelled"
    labelled.mkdir()
    (labelled / "labels.csv").write_text("path\n")
    with pytest.raises(ConfigurationError, match=r"labels\.csv of another origin"):
        sets.write_set("occupancies", labelled, "quiet", 1, 1)
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(StoreError, match="file"):
        sets.write_set("occupancies", file, "quiet", 1, 1)


def test_a_recipe_of_another_version_is_not_mixed_in(tmp_path: Path) -> None:
    sets.write_set("occupancies", tmp_path, "quiet", 2, 1)
    path = tmp_path / "pass-00001.json"
    truth = json.loads(path.read_text())
    truth["recipe"]["speed_m_s"] = 9.0
    path.write_text(json.dumps(truth))
    with pytest.raises(ConfigurationError, match="another version"):
        sets.write_set("occupancies", tmp_path, "quiet", 3, 1)
    path.write_text("[]")
    with pytest.raises(StoreError, match="no truth"):
        sets.write_set("occupancies", tmp_path, "quiet", 3, 1)


def test_two_runs_in_one_folder_do_not_meet(tmp_path: Path) -> None:
    def meanwhile(done: int, of: int) -> None:
        with pytest.raises(StoreError, match="another run"):
            sets.write_set("occupancies", tmp_path, "quiet", 2, 1)

    sets.write_set("occupancies", tmp_path, "quiet", 2, 1, progress=meanwhile)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_full_disk_is_said_and_forgiven(tmp_path: Path, workers: int) -> None:
    folder = tmp_path / "set"
    sets.write_set("occupancies", folder, "quiet", 2, 1)
    # a folder in the archive's place refuses the rename as a full disk refuses the write, in any process
    (folder / "pass-00002.h5").mkdir()
    (folder / "pass-00002.h5" / "x").touch()
    with pytest.raises(StoreError, match=r"pass-00002\.h5: cannot be written"):
        sets.write_set("occupancies", folder, "quiet", 4, 1, workers=workers)
    (folder / "pass-00002.h5" / "x").unlink()
    (folder / "pass-00002.h5").rmdir()
    sets.write_set("occupancies", folder, "quiet", 4, 1)
    sets.write_set("occupancies", tmp_path / "whole", "quiet", 4, 1)
    assert content(folder) == content(tmp_path / "whole")


def test_no_space_for_a_truth_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(sets.os, "fsync", refuse)
    with pytest.raises(StoreError, match="No space left"):
        sets.write_set("occupancies", tmp_path, "quiet", 1, 1)
    assert not list(tmp_path.glob(".*.tmp"))


def test_bad_requests_name_what_is_known(tmp_path: Path) -> None:
    for name in KINDS:
        with pytest.raises(ConfigurationError, match=r"unknown preset 'loud'") as caught:
            sets.write_set(name, tmp_path / "x", "loud", 1, 1)
        assert all(preset in str(caught.value) for preset in sets.set_kind(name).presets)
    with pytest.raises(ConfigurationError, match="at least one"):
        sets.write_set("occupancies", tmp_path / "x", "quiet", 0, 1)
    with pytest.raises(ConfigurationError, match="seed"):
        sets.write_set("occupancies", tmp_path / "x", "quiet", 1, -1)
    with pytest.raises(ConfigurationError, match="workers"):
        sets.write_set("occupancies", tmp_path / "x", "quiet", 1, 1, workers=0)
    with pytest.raises(ConfigurationError, match="kind of set"):
        sets.write_set("barcodes", tmp_path / "x", "quiet", 1, 1)
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("name", KINDS)
def test_every_preset_draws_and_says_what_it_is(name: str) -> None:
    kind = sets.set_kind(name)
    for preset, text in kind.presets.items():
        assert text
        assert kind.draw(preset, 3, 0) == kind.draw(preset, 3, 0)
        assert kind.draw(preset, 3, 5) != kind.draw(preset, 4, 5)
        assert f"{preset} " in sets.known_presets(name)


@pytest.mark.parametrize(("name", "preset"), [("occupancies", "neutrons"), ("radiographs", "samples")])
def test_labels_are_what_the_evaluation_reads(tmp_path: Path, name: str, preset: str) -> None:
    sets.write_set(name, tmp_path, preset, 4, 3)
    data = read_dataset(tmp_path)
    assert not data.problems
    assert len(data.samples) == 4
