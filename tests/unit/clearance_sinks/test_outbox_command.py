"""The commands of the outbox: what is owed, what was given up, and owing it again."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from screening.clearance import KeyRing, default_policy
from screening.clearance.desk import Database, Desk, DeskRules, Outbox, SinkWants
from screening.cli import app
from screening.records import canonical_bytes


@pytest.fixture
def site(tmp_path, sealed_traffic):
    """A site whose yard was owed two decisions, of which it refused one."""
    signer = sealed_traffic.signer_of()
    desk = Desk(
        Database(tmp_path / "desk.sqlite"),
        signer=signer,
        keys=KeyRing([signer.public]),
        policy=default_policy(),
        rules=DeskRules(administration="CA", sinks=(SinkWants(name="yard"),)),
    )
    with desk:
        for number in (1, 2):
            alarm = sealed_traffic.Sealing(signer, sealed_traffic.container(number)).flag(
                "NEUTRON", "RAD_NEUTRON"
            )
            desk.take([canonical_bytes(alarm)], received_at=sealed_traffic.NOW)
        assert len(desk.decide_due(now=sealed_traffic.NOW)) == 2
        first = desk.outbox.claim("yard", now=datetime.now(UTC), limit=1, lease_s=1)[0]
        desk.outbox.bury(first.id, "refused: no such yard")
    config = tmp_path / "site.toml"
    config.write_text('[clearance]\nadministration = "CA"\nkey_file = "k"\ndatabase = "desk.sqlite"\n')
    return config, first


@pytest.fixture
def run():
    return lambda *arguments: CliRunner().invoke(app, ["clearance", "outbox", *map(str, arguments)])


def test_what_is_owed_is_counted_and_dead_letters_are_listed(site, run):
    config, first = site
    lines = run("list", "--config", config).output.splitlines()
    assert lines == [
        "yard: 1 pending, 0 delivered, 1 dead",
        f"dead {first.id}  yard  clearance/1  {first.container_id}  after 1 attempts: refused: no such yard",
    ]
    (line,) = run("list", "--config", config, "--json").output.splitlines()
    assert json.loads(line)["key"] == first.key
    assert run("list", "--config", config, "--sink", "other").output == ""


def test_a_dead_letter_is_owed_again(site, run):
    config, first = site
    result = run("replay", "--config", config, first.id)
    assert (result.exit_code, result.output) == (0, "1 owed again\n")
    assert run("list", "--config", config).output == "yard: 2 pending, 0 delivered, 0 dead\n"


def test_all_dead_letters_are_owed_again(site, run):
    config, _ = site
    assert run("replay", "--config", config, "--all", "--sink", "other").output == "0 owed again\n"
    assert run("replay", "--config", config, "--all").output == "1 owed again\n"


def test_more_dead_letters_than_one_page_are_all_owed_again(tmp_path, sealed_traffic, run, monkeypatch):
    signer = sealed_traffic.signer_of()
    rules = DeskRules(administration="CA", sinks=(SinkWants(name="yard"),))
    desk = Desk(
        Database(tmp_path / "desk.sqlite"),
        signer=signer,
        keys=KeyRing([signer.public]),
        policy=default_policy(),
        rules=rules,
    )
    with desk:
        for number in range(5):
            alarm = sealed_traffic.Sealing(signer, sealed_traffic.container(number)).flag(
                "NEUTRON", "RAD_NEUTRON"
            )
            desk.take([canonical_bytes(alarm)], received_at=sealed_traffic.NOW)
        desk.decide_due(now=sealed_traffic.NOW)
        for message in desk.outbox.claim("yard", now=datetime.now(UTC), limit=5, lease_s=1):
            desk.outbox.bury(message.id, "refused")
    config = tmp_path / "site.toml"
    config.write_text('[clearance]\nadministration = "CA"\nkey_file = "k"\ndatabase = "desk.sqlite"\n')
    monkeypatch.setattr("screening.cli.clearance.outbox._PAGE", 2)
    assert run("replay", "--config", config, "--all").output == "5 owed again\n"


def test_a_number_that_is_no_dead_letter_is_told(site, run):
    config, first = site
    result = run("replay", "--config", config, first.id + 1)
    assert result.exit_code == 1
    assert "1 of the numbers are no dead letters" in result.output


@pytest.mark.parametrize("arguments", [(), (1, "--all"), (1, "--sink", "yard")])
def test_numbers_or_all(site, run, arguments):
    assert run("replay", "--config", site[0], *arguments).exit_code == 2


def test_a_site_without_a_database_has_none_made_for_it(tmp_path, run):
    config = tmp_path / "site.toml"
    config.write_text('[clearance]\nadministration = "CA"\nkey_file = "k"\n')
    result = run("list", "--config", config)
    assert result.exit_code != 0
    assert not (tmp_path / "clearance.sqlite").exists()


def test_what_a_receiver_does_not_take_is_listed_with_why_and_when_it_is_tried_again(site, run, tmp_path):
    config, _ = site
    database = Database(tmp_path / "desk.sqlite")
    try:
        outbox = Outbox(database)
        (message,) = outbox.claim("yard", now=datetime.now(UTC))
        outbox.failed(message.id, "no answer: refused", datetime(2099, 1, 1, tzinfo=UTC))
    finally:
        database.close()
    assert run("list", "--config", config).output.splitlines()[1] == (
        "not taken by yard: 1, after up to 1 attempts; next try 2099-01-01T00:00:00.000Z; "
        "last met: no answer: refused"
    )
    assert "not taken" not in run("list", "--config", config, "--sink", "other").output
