"""Heads are exported where earlier ones lie, and a folder without them is not taken for a first start."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from screening.clearance import generate_key
from screening.clearance.ledger import LedgerError, export_head, read_heads
from screening.clearance.opening import open_desk
from screening.clearance.settings import ClearanceSettings, read_clearance_settings
from screening.cli import app
from screening.errors import StoreError
from screening.records import SealEvent, canonical_bytes, utc_string


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = tmp_path / "site.toml"
    path.write_text('[clearance]\nadministration = "CA"\nkey_file = "site.key"\nheads = "heads"\n')
    generate_key(tmp_path / "site.key", "ops", kinds=("*",))
    return path


@pytest.fixture
def settings(config: Path) -> ClearanceSettings:
    return read_clearance_settings(config)


def _run(config: Path, command: str, *options: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["clearance", command, "--config", str(config), *options])
    return done.exit_code, done.output


def _broken(config: Path, number: int) -> str:
    from screening.clearance import load_signer

    event = SealEvent(
        container_id="CSQU3054383",
        seal_id=f"S-{number}",
        event="BROKEN",
        at=str(utc_string(datetime.now(UTC))),
    )
    file = config.with_name(f"{number}.json")
    file.write_bytes(canonical_bytes(load_signer(config.with_name("site.key")).seal(event)))
    return str(file)


@pytest.mark.parametrize("is_empty", [False, True], ids=["gone", "the empty place of a mount"])
def test_an_older_database_is_not_taken_up_when_the_heads_are_away(config: Path, is_empty: bool) -> None:
    assert _run(config, "decide", _broken(config, 1))[0] == 0
    database = config.with_name("clearance.sqlite")
    shutil.copy(database, config.with_name("older"))
    assert _run(config, "decide", _broken(config, 2))[0] == 0
    shutil.copy(config.with_name("older"), database)
    heads = config.with_name("heads")
    aside = heads.rename(config.with_name("aside"))
    if is_empty:
        heads.mkdir()
    for command in ("decide", "serve", "audit"):
        status, told = _run(config, command)
        assert (status, "nothing shows that it is not an older copy" in told) == (3, True), (command, told)
        assert heads.exists() == is_empty, "never made for a ledger that was begun before"
        assert not is_empty or not list(heads.iterdir())
    if is_empty:
        heads.rmdir()
    aside.rename(heads)
    status, told = _run(config, "decide")
    assert (status, "was signed over" in told) == (3, True)


def test_the_first_start_makes_the_folder_and_signs_that_there_is_nothing(
    settings: ClearanceSettings, config: Path
) -> None:
    open_desk(settings).close()
    (head,) = read_heads(config.with_name("heads"))
    assert head.size == 0
    open_desk(settings).close()
    assert len(read_heads(config.with_name("heads"))) == 1


def test_a_second_instance_finds_the_head_that_the_first_wrote_meanwhile(
    settings: ClearanceSettings, config: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert _run(config, "decide", _broken(config, 1))[0] == 0
    from screening.clearance import opening

    seen = [()]  # as the folder was before the first instance began
    read = opening.heads_of
    monkeypatch.setattr(opening, "heads_of", lambda folder: seen.pop() if seen else read(folder))
    open_desk(settings).close()
    assert not seen


def test_a_site_that_has_a_ledger_begins_to_export_by_hand(settings: ClearanceSettings, config: Path) -> None:
    said = config.read_text()
    config.write_text(said.replace('heads = "heads"\n', ""))
    assert _run(config, "decide", _broken(config, 1))[0] == 0
    config.write_text(said)
    assert _run(config, "decide")[0] == 3
    config.write_text(said.replace('heads = "heads"\n', ""))
    assert _run(config, "head", "--out", str(config.with_name("heads")))[0] == 0
    config.write_text(said)
    assert _run(config, "decide")[0] == 0


def test_no_head_is_written_into_the_empty_place_of_a_mount(
    settings: ClearanceSettings, config: Path
) -> None:
    heads = config.with_name("heads")
    with open_desk(settings) as desk:
        heads.rename(config.with_name("aside"))
        for _ in range(2):
            with pytest.raises(StoreError, match="none of the earlier heads"):
                export_head(heads, desk.head())
            assert not list(heads.glob("*")) if heads.exists() else True
            heads.mkdir(exist_ok=True)


def test_the_key_of_a_desk_is_changed_while_the_old_public_key_stays_trusted(
    settings: ClearanceSettings, config: Path
) -> None:
    """As docs/ledger.md says it."""
    assert _run(config, "decide", _broken(config, 1))[0] == 0
    generate_key(config.with_name("new.key"), "ops", kinds=("*",))
    config.write_text(config.read_text().replace("site.key", "new.key"))
    with pytest.raises(LedgerError) as caught:
        open_desk(read_clearance_settings(config))
    assert caught.value.failure == "BAD_HEAD"
    config.write_text(config.read_text() + 'trusted_keys = ["site.key.pub"]\n')
    assert _run(config, "decide", _broken(config, 2))[0] == 0
    status, told = _run(config, "audit")
    assert (status, told.endswith("good\n")) == (0, True), told
