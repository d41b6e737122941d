"""Making the tables of a desk, and bringing those of an earlier version up to date."""

from __future__ import annotations

import sqlite3
import uuid
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from screening.errors import StoreError

from .database import APPLICATION_ID, Database
from .dialects import insert_new
from .tables import ledger

__all__ = ["HEAD", "MIGRATIONS", "open_tables", "upgrade"]

#: The newest version of the tables; tests hold it against the migrations.
HEAD = "0001"
#: Where the steps from version to version are.
MIGRATIONS = Path(__file__).parent / "migrations"

_LOCK = 0x5343_5245


def open_tables(database: Database, *, ledger_id: str | None = None) -> None:
    """Make the tables, or bring them up to date; processes that do it at once do it one after the other.

    Parameters
    ----------
    database : Database
        Where.
    ledger_id : str or None
        Name of a ledger that is begun; None for a random one.

    Raises
    ------
    StoreError
        If the database is something else, or of a newer version: that is never guessed at.
    """
    if database.is_sqlite:
        _check_file(Path(database.name))
    if database.read(_version) != HEAD:
        database.write(lambda connection: upgrade(connection, database.name))
    row = {"id": 1, "ledger_id": ledger_id or uuid.uuid4().hex, "size": 0, "frontier": b""}
    database.write(
        lambda connection: connection.execute(insert_new(connection, ledger).on_conflict_do_nothing(), row)
    )


def upgrade(connection: Connection, name: str, revision: str = "head") -> None:
    """Run the migrations that a database lacks.

    Parameters
    ----------
    connection : Connection
        In a write transaction: all of them are run, or none.
    name : str
        The database, for a message.
    revision : str
        Up to which.

    Raises
    ------
    StoreError
        If the database is of a version that this program does not know.
    """
    # Loaded here: a desk that is up to date starts without it.
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory
    from alembic.util import CommandError

    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
    settings = Config()
    settings.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    settings.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(settings)
    present = _version(connection)
    if present is not None and present not in {step.revision for step in scripts.walk_revisions()}:
        raise StoreError(
            f"{name}: tables of version {present}; this program knows up to {HEAD}", value=present
        )
    try:
        with EnvironmentContext(
            settings,
            scripts,
            fn=lambda version, _: scripts._upgrade_revs(revision, version),  # noqa: SLF001 - as its own commands do
            destination_rev=revision,
        ) as environment:
            environment.configure(connection=connection)
            environment.run_migrations()
    except CommandError as error:
        raise StoreError(f"{name}: {error}", value=present) from None
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(f"PRAGMA application_id = {APPLICATION_ID}")


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _check_file(path: Path) -> None:
    """Refuse a file that is something else, before anything is written to it."""
    try:
        if not path.exists() or path.stat().st_size == 0:
            return
        # Not read-only: whoever died while making it may have left a journal to be rolled back first.
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=rw", uri=True)
        try:
            mark = connection.execute("PRAGMA application_id").fetchone()[0]
            n_tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        finally:
            connection.close()
    except (OSError, sqlite3.Error) as error:
        raise StoreError(f"{path.name}: {error}", value=str(path)) from None
    if mark != APPLICATION_ID and n_tables:
        raise StoreError(f"{path.name} is not the database of a desk", value=str(path))
