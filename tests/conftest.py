"""Fixtures of all tests."""

from __future__ import annotations

import importlib.util
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def repository() -> Path:
    """The root of the checkout the tests run from."""
    return REPOSITORY


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Measured data kept beside the repository; a test that needs them skips elsewhere."""
    folder = REPOSITORY.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("measured data are not part of the repository")
    return folder


@pytest.fixture(scope="session")
def sealed_traffic() -> ModuleType:
    """The module that seals records for a desk: tests/sealed_traffic.py."""
    name = "sealed_traffic"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, REPOSITORY / "tests" / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
    return sys.modules[name]


class PostgresServer:
    """A PostgreSQL of this machine's own programs, in a folder of its own, on a loopback port."""

    def __init__(self, programs: Path, *, is_durable: bool = False) -> None:
        self._programs = programs
        # Its server runs as another user where the tests run as root, and sockets need short paths.
        self._folder = Path(tempfile.mkdtemp(prefix="screening-pg-", dir="/tmp"))
        self._as_user = os.geteuid() == 0
        if self._as_user:
            shutil.chown(self._folder, "postgres", "postgres")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self._run("initdb", "-D", str(self._data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync")
        # max_connections: a site's two instances and the tests beside them, no more.
        options = f"-p {self.port} -k {self._folder} -c listen_addresses=127.0.0.1 -c max_connections=60"
        if not is_durable:
            # Nothing here cuts the power of the server, and the disk is shared with everything else.
            options += " -c fsync=off -c full_page_writes=off"
        self._log = self._folder / "log"
        self._run(
            "pg_ctl", "-D", str(self._data), "-l", str(self._log), "-w", "-t", "60", "-o", options, "start"
        )

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def database(self) -> str:
        """Make an empty database and return its address."""
        import psycopg

        name = f"t_{secrets.token_hex(6)}"
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}"')
        return self._address(name)

    def drop(self, url: str) -> None:
        """Remove a database, whoever is still connected to it."""
        import psycopg

        name = url.rsplit("/", 1)[1]
        with psycopg.connect(self._address("postgres"), autocommit=True) as connection:
            connection.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')

    def stop(self) -> None:
        with suppress(subprocess.SubprocessError):
            self._run("pg_ctl", "-D", str(self._data), "-m", "immediate", "-w", "stop")
        for _ in range(20):
            shutil.rmtree(self._folder, ignore_errors=True)
            if not self._folder.exists():
                return
            time.sleep(0.1)

    def _address(self, name: str) -> str:
        return f"postgresql://postgres@127.0.0.1:{self.port}/{name}"

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        # In files, not pipes: the server would keep a pipe open after pg_ctl has ended.
        with tempfile.TemporaryFile() as said:
            done = subprocess.run(
                command,
                stdout=said,
                stderr=said,
                stdin=subprocess.DEVNULL,
                timeout=120,
                cwd="/",
                check=False,
                user="postgres" if self._as_user else None,
                group="postgres" if self._as_user else None,
                extra_groups=[] if self._as_user else None,
                env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C"},
            )
            said.seek(0)
            if done.returncode:
                raise RuntimeError(f"{program}: {said.read().decode(errors='replace')[-2000:]}")


def _postgres_programs() -> Path:
    """Return the folder of the newest PostgreSQL programs, or skip, naming what is missing."""
    found = [
        path.parent
        for path in Path("/usr/lib/postgresql").glob("*/bin/initdb")
        if (path.parent / "pg_ctl").exists() and path.parent.parent.name.isdigit()
    ]
    if not found:
        pytest.skip("PostgreSQL is not installed: no /usr/lib/postgresql/*/bin/initdb (package postgresql)")
    if os.geteuid() == 0:
        import pwd

        try:
            pwd.getpwnam("postgres")
        except KeyError:
            pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
    pytest.importorskip("psycopg", reason="the extra 'site' (psycopg) is not installed")
    return max(found, key=lambda path: int(path.parent.name))


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A PostgreSQL server for the session."""
    server = PostgresServer(_postgres_programs())
    yield server
    server.stop()


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> Iterator[str]:
    """The address of an empty PostgreSQL database, for one test."""
    url = postgres_server.database()
    yield url
    postgres_server.drop(url)
