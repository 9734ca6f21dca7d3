"""The database behind the history: SQLite, or whatever else SQLAlchemy reaches by a URL."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import platformdirs
from sqlalchemy import Connection, Engine, MetaData, create_engine, event
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.orm import Session

from host.errors import ConfigError

ENVIRONMENT_VARIABLE = "JUMPSTATION_HISTORY"
"""URL or file of the history, where ``--history`` does not name one."""

_LOCK_WAIT_S = 30.0
_BEGIN = "sqlite_begin"


class Database:
    """Transactions of several tables' owners. Safe to use from several threads and processes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # Locks at once: two that read first and then write would each wait for the other.
        self._writer = engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})

    @classmethod
    def open(cls, where: str | None = None) -> Self:
        """Opens it, making the file where it is not there yet.

        Args:
            where: a URL such as ``postgresql://rack/history``, or a SQLite file's path.
                ``None``: what JUMPSTATION_HISTORY says, else a file in the user's data folder.

        Raises:
            ConfigError: the URL cannot be read.
        """
        url = _url(where)
        try:
            engine = create_engine(url, connect_args=_connect_arguments(url))
        except (ArgumentError, ImportError) as error:
            raise ConfigError(f"history {url}: {error}") from error
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _set_up_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        return cls(engine)

    @property
    def url(self) -> str:
        """For messages: without its password."""
        return str(self._engine.url)

    @property
    def file(self) -> Path | None:
        """The SQLite file; None where another database is used."""
        name = self._engine.url.database
        return Path(name) if self._engine.dialect.name == "sqlite" and name else None

    @contextlib.contextmanager
    def reading(self) -> Iterator[Session]:
        """Raises ConfigError, which names the database, where it fails."""
        with self._named(), Session(self._engine) as session:
            yield session

    @contextlib.contextmanager
    def writing(self) -> Iterator[Session]:
        """One transaction, on the disk when the block ends; raises as :meth:`reading`."""
        with self._named(), Session(self._writer) as session, session.begin():
            yield session

    def make_tables(self, tables: MetaData) -> None:
        """Those that are not there yet."""
        with self.writing() as session:
            tables.create_all(session.connection())

    def close(self) -> None:
        self._engine.dispose()

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        """Turns what a database raises into an error that names it."""
        try:
            yield
        except SQLAlchemyError as error:
            reason = getattr(error, "orig", None) or error
            raise ConfigError(
                f"history {self.url}: {reason}",
                hint=f"name another one with --history or {ENVIRONMENT_VARIABLE}",
            ) from error


def _url(where: str | None) -> str:
    where = where or os.environ.get(ENVIRONMENT_VARIABLE)
    if where is None:
        folder = platformdirs.user_data_path("jumpstation", appauthor=False)
        folder.mkdir(parents=True, exist_ok=True)
        where = str(folder / "history.sqlite")
    if "://" in where:
        return where
    return f"sqlite:///{Path(where).absolute()}"


def _connect_arguments(url: str) -> dict[str, Any]:
    return {"timeout": _LOCK_WAIT_S} if url.startswith("sqlite") else {}


def _set_up_sqlite(connection: Any, _record: object) -> None:
    # Transactions are begun by hand: the driver would begin one only before a change.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")  # what was reported survives a power cut
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get(_BEGIN, "BEGIN"))
