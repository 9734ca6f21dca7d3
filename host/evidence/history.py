"""The history of measurements, in SQLite or whatever else SQLAlchemy reaches by a URL."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import attrs
import platformdirs
from sqlalchemy import Connection, Engine, create_engine, event, select
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.orm import Session

from host.compiler.compiled import PlannedOp
from host.errors import ConfigError
from host.evidence.tables import SCHEMA_VERSION, Base, MeasurementRow, OpRow, SchemaRow
from protocol.measurement import Fidelity, Measurement, Source

ENVIRONMENT_VARIABLE = "JUMPSTATION_HISTORY"
"""URL or file of the history, where ``--history`` does not name one."""

_LOCK_WAIT_S = 30.0
_BEGIN = "sqlite_begin"


@attrs.frozen(kw_only=True)
class Query:
    """Which measurements; ``None`` is any. ``since``: made then or later."""

    model_sha256: str | None = None
    precision: str | None = None
    plan_crc32: int | None = None
    board_id: str | None = None
    domain: str | None = None
    core: str | None = None
    clock_hz: int | None = None
    build: str | None = None
    sources: tuple[Source, ...] | None = None
    fidelities: tuple[Fidelity, ...] | None = None
    since: datetime | None = None


@attrs.frozen
class OpSample:
    """What one op took on a board.

    ``parameters`` as in the plan's record, less offsets, and the sizes of the op's buffers;
    ``plan_bytes`` is the size of the whole plan.
    """

    kind: str
    macs: int
    cycles: int
    parameters: dict[str, Any]
    board_id: str
    core: str | None
    build: str | None
    emulator: str | None
    plan_store: str | None
    plan_bytes: int


@attrs.frozen(kw_only=True)
class LatencyPoint:
    """One measurement of many, as a trend needs it; names as in the measurement record."""

    at: datetime
    model: str
    precision: str
    board: str
    domain: str
    uid: str | None
    engine: str | None
    plan_store: str | None
    input_source: str
    input_seed: int | None
    source: Source
    emulator: str | None
    build: str | None
    median_ms: float
    arena_bytes: int | None


class History:
    """Adds and finds measurements. Several processes may have the same one open."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        # Locks at once: two that read first and then write would each wait for the other.
        self._writer = engine.execution_options(**{_BEGIN: "BEGIN IMMEDIATE"})

    @classmethod
    def open(cls, where: str | None = None) -> Self:
        """Opens the history, making it where it is not there yet.

        Args:
            where: a URL such as ``postgresql://rack/history``, or a SQLite file's path.
                ``None``: what JUMPSTATION_HISTORY says, else a file in the user's data folder.

        Raises:
            ConfigError: it cannot be opened, is no history, or another version's.
        """
        url = _url(where)
        try:
            engine = create_engine(url, connect_args=_connect_arguments(url))
        except (ArgumentError, ImportError) as error:
            raise ConfigError(f"history {url}: {error}") from error
        if engine.dialect.name == "sqlite":
            event.listen(engine, "connect", _set_up_sqlite)
            event.listen(engine, "begin", _begin_sqlite)
        history = cls(engine)
        with _named(url):
            history._make_tables()
        return history

    @property
    def file(self) -> Path | None:
        """The SQLite file; None where another database keeps the history."""
        name = self._engine.url.database
        return Path(name) if self._engine.dialect.name == "sqlite" and name else None

    def close(self) -> None:
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(self, record: Measurement, plan_ops: Sequence[PlannedOp] | None = None) -> int:
        """Stores a measurement; when this returns its number, it is on the disk.

        Args:
            plan_ops: the plan's ops, so that a profile can teach the cost models.
        """
        row = MeasurementRow(
            at=record.at,
            model_sha256=record.model.sha256,
            precision=record.candidate.precision,
            plan_crc32=record.candidate.plan_crc32,
            board_id=record.board.id,
            domain=record.board.domain,
            core=record.board.core,
            clock_hz=record.board.clock_hz,
            build=record.board.build,
            source=str(record.evidence.source),
            fidelity=str(record.evidence.fidelity),
            verdict=str(record.output.verdict),
            record=record.to_dict(),
            ops=[
                OpRow(
                    index=op.index,
                    kind=op.kind,
                    macs=op.macs,
                    cycles=op.cycles,
                    parameters=_work_of(plan_ops[op.index]) if plan_ops else None,
                )
                for op in record.ops or ()
            ],
        )
        with _named(self._engine.url), Session(self._writer) as session, session.begin():
            session.add(row)
            session.flush()
            return row.id

    def find(self, query: Query, limit: int | None = None) -> list[Measurement]:
        """Measurements, the latest first."""
        statement = select(MeasurementRow.record).order_by(MeasurementRow.id.desc()).limit(limit)
        for name in attrs.fields_dict(Query):
            value = getattr(query, name)
            if value is None:
                continue
            if name in ("sources", "fidelities"):
                column = MeasurementRow.source if name == "sources" else MeasurementRow.fidelity
                statement = statement.where(column.in_([str(entry) for entry in value]))
            elif name == "since":
                statement = statement.where(MeasurementRow.at >= value.astimezone(UTC))
            else:
                statement = statement.where(getattr(MeasurementRow, name) == value)
        with _named(self._engine.url), Session(self._engine) as session:
            return [Measurement.from_dict(record) for record in session.scalars(statement)]

    def latency_points(self, *, since: datetime | None = None) -> list[LatencyPoint]:
        """All measurements as points of trends, the oldest first; whole records would be slow."""
        record = MeasurementRow.record
        columns = {
            "model": record["model", "name"].as_string(),
            "precision": MeasurementRow.precision,
            "board": MeasurementRow.board_id,
            "domain": MeasurementRow.domain,
            "uid": record["board", "uid"].as_string(),
            "engine": record["board", "engine"].as_string(),
            "plan_store": record["memory", "plan_store"].as_string(),
            "input_source": record["input", "source"].as_string(),
            "input_seed": record["input", "seed"].as_integer(),
            "source": MeasurementRow.source,
            "emulator": record["evidence", "emulator"].as_string(),
            "build": MeasurementRow.build,
            "median_ms": record["latency_ms", "median"].as_float(),
            "arena_bytes": record["memory", "arena_bytes"].as_integer(),
        }
        statement = select(
            MeasurementRow.at, *(column.label(name) for name, column in columns.items())
        ).order_by(MeasurementRow.at, MeasurementRow.id)
        if since is not None:
            statement = statement.where(MeasurementRow.at >= since.astimezone(UTC))
        with _named(self._engine.url), Session(self._engine) as session:
            points = []
            for row in session.execute(statement):
                values = dict(row._mapping)
                # SQLite keeps no time zone; what goes in is UTC.
                values["at"] = values["at"].replace(tzinfo=UTC)
                values["source"] = Source(values["source"])
                points.append(LatencyPoint(**values))
            return points

    def op_samples(self, *, board_id: str | None = None, core: str | None = None) -> list[OpSample]:
        """Profiled ops whose parameters are known, the oldest first."""
        statement = (
            select(OpRow, MeasurementRow)
            .join(OpRow.measurement)
            .where(OpRow.parameters.is_not(None))
            .order_by(OpRow.measurement_id, OpRow.index)
        )
        if board_id is not None:
            statement = statement.where(MeasurementRow.board_id == board_id)
        if core is not None:
            statement = statement.where(MeasurementRow.core == core)
        with _named(self._engine.url), Session(self._engine) as session:
            return [
                OpSample(
                    kind=op.kind,
                    macs=op.macs,
                    cycles=op.cycles,
                    parameters=op.parameters,
                    board_id=measurement.board_id,
                    core=measurement.core,
                    build=measurement.build,
                    emulator=measurement.record["evidence"]["emulator"],
                    plan_store=measurement.record["memory"]["plan_store"],
                    plan_bytes=measurement.record["candidate"]["plan_bytes"],
                )
                for op, measurement in session.execute(statement)
                if op.parameters is not None
            ]

    def _make_tables(self) -> None:
        with Session(self._writer) as session, session.begin():
            Base.metadata.create_all(session.connection())
            versions = list(session.scalars(select(SchemaRow.version)))
            if not versions:
                session.add(SchemaRow(version=SCHEMA_VERSION))
            elif versions != [SCHEMA_VERSION]:
                raise ConfigError(
                    f"history {self._engine.url}: its tables are of version {versions[0]}, "
                    f"this program's of version {SCHEMA_VERSION}",
                    hint=f"name another history with --history or {ENVIRONMENT_VARIABLE}",
                )


def _work_of(op: PlannedOp) -> dict[str, Any]:
    """All of a plan's op that its time can depend on."""
    return {
        **op.parameters,
        "scratch_bytes": op.scratch_bytes,
        "input_bytes": list(op.input_bytes),
        "output_bytes": op.output_bytes,
        "constant_bytes": op.constant_bytes,
        "in_place": op.in_place,
    }


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


@contextlib.contextmanager
def _named(url: object) -> Iterator[None]:
    """Turns what a database raises into an error that names it."""
    try:
        yield
    except SQLAlchemyError as error:
        reason = getattr(error, "orig", None) or error
        raise ConfigError(
            f"history {url}: {reason}",
            hint=f"name another one with --history or {ENVIRONMENT_VARIABLE}",
        ) from error
