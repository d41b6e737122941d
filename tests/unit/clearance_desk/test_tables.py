"""Tables, versions, and what a database must be before anything is written to it."""

from __future__ import annotations

import shutil
import sqlite3
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import MetaData, create_engine, inspect, text, update
from sqlalchemy.schema import CreateIndex, CreateTable

from screening.clearance import default_policy
from screening.clearance.desk import Database, Desk, DeskRules
from screening.clearance.desk.schema import HEAD, MIGRATIONS, open_tables
from screening.clearance.desk.tables import METADATA
from screening.errors import ConfigurationError, StoreError

GOLDEN = Path(__file__).parents[2] / "golden"


def test_the_migrations_end_in_exactly_the_tables(place) -> None:
    database = Database(place)
    open_tables(database)
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found = compare_metadata(context, METADATA)
        assert [change for change in found if "alembic_version" not in str(change)] == []
    migrated, made = MetaData(), create_engine(database.engine.url)
    migrated.reflect(made, only=lambda name, _: name != "alembic_version")
    assert migrated.tables.keys() == METADATA.tables.keys()
    for name, table in METADATA.tables.items():
        there = inspect(made).get_indexes(name)
        assert {index["name"] for index in there} >= {index.name for index in table.indexes}
    made.dispose()
    database.close()


def test_on_sqlite_the_migrations_write_what_the_description_would(tmp_path) -> None:
    described = sqlite3.connect(tmp_path / "described")
    engine = create_engine("sqlite://")
    for table in METADATA.sorted_tables:
        described.execute(str(CreateTable(table).compile(engine)))
        for index in table.indexes:
            described.execute(str(CreateIndex(index).compile(engine)))
    database = Database(tmp_path / "migrated")
    open_tables(database)
    migrated = sqlite3.connect(tmp_path / "migrated")
    query = "SELECT name, sql FROM sqlite_master WHERE name NOT LIKE '%alembic%' AND sql IS NOT NULL"

    def statements(connection) -> dict[str, str]:
        return {name: "".join(sql.split()).replace('"', "") for name, sql in connection.execute(query)}

    found = statements(migrated), statements(described)
    described.close()
    migrated.close()
    engine.dispose()
    database.close()
    assert found[0] == found[1]


def test_the_newest_migration_is_the_version_that_is_opened() -> None:
    settings = Config()
    settings.set_main_option("script_location", str(MIGRATIONS))
    settings.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(settings).get_heads() == [HEAD]


def test_tables_of_a_newer_version_are_refused(place, open_desk) -> None:
    open_desk()
    database = Database(place)
    database.write(lambda c: c.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    with pytest.raises(StoreError, match="version 9999"):
        open_desk()
    database.close()


def test_several_may_open_a_new_database_at_once(place) -> None:
    def open_it(_: int) -> None:
        database = Database(place)
        open_tables(database)
        database.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(open_it, range(4)))


@pytest.mark.parametrize("content", [b"no database at all" * 100, None])
def test_another_file_is_refused_and_left_as_it_is(tmp_path, content) -> None:
    path = tmp_path / "other"
    if content is None:
        connection = sqlite3.connect(path)
        connection.execute("CREATE TABLE t (a)")
        connection.close()
    else:
        path.write_bytes(content)
    before = path.read_bytes()
    with pytest.raises(StoreError, match="other"):
        open_tables(Database(path))
    assert path.read_bytes() == before


def test_a_database_that_cannot_be_made_is_an_error_of_the_store(tmp_path) -> None:
    with pytest.raises(StoreError):
        open_tables(Database(tmp_path / "missing" / "desk"))


def test_the_first_version_still_opens(tmp_path, ops, keys, decide, bodies, sealing, now) -> None:
    path = tmp_path / "desk"
    shutil.copy(GOLDEN / "desk-v0001.sqlite", path)
    with Desk(
        Database(path), signer=ops, keys=keys, policy=default_policy(), rules=DeskRules(administration="CA")
    ) as desk:
        assert desk.ledger.size() == 5
        view = desk.case("CSQU3054383")
        assert (view.risk, view.action, view.n_records) == ("LOW", "CLEARED_FOR_DEPARTURE", 4)
        assert len(desk.outbox.claim("a", now=now)) == 1
        desk.take(bodies(sealing().event("BROKEN", age_s=0)), received_at=now)
        (decision,) = decide(desk)
        assert (decision.risk, decision.log_index) == ("HIGH", 6)


def test_sqlite_is_durable_and_says_what_it_is(tmp_path) -> None:
    database = Database(tmp_path / "desk")
    open_tables(database)
    with database.engine.connect() as connection:
        asked = ("journal_mode", "synchronous", "application_id", "busy_timeout")
        found = [connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in asked]
    assert found == ["wal", 2, 0x53435244, 30_000]
    database.close()


def test_postgresql_is_durable(postgres_url) -> None:
    database = Database(postgres_url)
    assert database.read(lambda c: c.execute(text("SHOW synchronous_commit")).scalar()) == "on"
    assert database.read(lambda c: c.execute(text("SHOW transaction_isolation")).scalar()) == "read committed"
    database.close()


def test_no_message_holds_a_password() -> None:
    url = "postgresql://desk:s3cret@127.0.0.1:1/site?sslmode=disable&sslpassword=s3cret"
    database = Database(url)
    assert "s3cret" not in database.name
    with pytest.raises(StoreError) as refused:
        database._run(lambda c: c.execute(text("SELECT 1")), is_writing=False)
    assert "s3cret" not in str(refused.value) + str(refused.value.value)
    with pytest.raises(ConfigurationError) as wrong:
        Database("postgresql://desk:s3cret@[::1/site")
    assert "s3cret" not in str(wrong.value)


def test_a_broken_connection_is_made_anew(postgres_url, open_desk, bodies, sealing, now) -> None:
    desk = open_desk(postgres_url)
    desk.take(bodies(sealing().event("SEALED")), received_at=now)
    other = Database(postgres_url)
    killing = text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    other.write(lambda c: c.execute(killing))
    assert desk.take(bodies(sealing().flag("RAD_GROSS")), received_at=now)[0].status == "ACCEPTED"
    killed = []

    def work(connection) -> int:
        if not killed:
            killed.append(True)
            other.write(lambda c: c.execute(killing))
        return connection.execute(text("SELECT 7")).scalar()

    assert desk._database.write(work) == 7
    other.close()


def test_transactions_in_each_others_way_are_run_again(postgres_url) -> None:
    database = Database(postgres_url)
    open_tables(database)
    ledger = METADATA.tables["ledger"]
    database.write(lambda c: c.execute(text("CREATE TABLE two (id int primary key, n int)")))
    database.write(lambda c: c.execute(text("INSERT INTO two VALUES (1, 0), (2, 0)")))

    def cross(first: int) -> None:
        def work(connection) -> None:
            for id_ in (first, 3 - first):
                connection.execute(text("UPDATE two SET n = n + 1 WHERE id = :id"), {"id": id_})
                connection.execute(text("SELECT pg_sleep(0.3)"))

        database.write(work)

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(cross, (1, 2)))
    assert database.read(lambda c: c.execute(text("SELECT sum(n) FROM two")).scalar()) == 4
    assert database.write(lambda c: c.execute(update(ledger).values(size=0)).rowcount) == 1
    database.close()
