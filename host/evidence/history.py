"""The history of measurements."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

import attrs
from sqlalchemy import select

from host.compiler.compiled import PlannedOp
from host.errors import ConfigError
from host.evidence.database import ENVIRONMENT_VARIABLE, Database
from host.evidence.tables import SCHEMA_VERSION, Base, KeyRow, MeasurementRow, OpRow, SchemaRow
from protocol.measurement import Fidelity, Measurement, Source


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

    def __init__(self, database: Database) -> None:
        self.database = database
        """For tables of others, which stand beside the history's."""

    @classmethod
    def open(cls, where: str | None = None) -> Self:
        """Opens the history, making it where it is not there yet.

        Args:
            where: as for :meth:`host.evidence.database.Database.open`.

        Raises:
            ConfigError: it cannot be opened, is no history, or another version's.
        """
        history = cls(Database.open(where))
        history._make_tables()
        return history

    @property
    def file(self) -> Path | None:
        """The SQLite file; None where another database keeps the history."""
        return self.database.file

    def close(self) -> None:
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def add(
        self,
        record: Measurement,
        plan_ops: Sequence[PlannedOp] | None = None,
        *,
        key: str | None = None,
    ) -> int:
        """Stores a measurement; when this returns its number, it is on the disk.

        Args:
            plan_ops: the plan's ops, so that a profile can teach the cost models.
            key: names the job that it is the result of. Of a second one under the same key nothing
                is stored, and the first one's number returned.
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
        with self.database.writing() as session:
            if key is not None:
                earlier = session.get(KeyRow, key)
                if earlier is not None:
                    return earlier.measurement_id
                session.add(KeyRow(key=key, measurement=row))
            session.add(row)
            session.flush()
            return row.id

    def find_key(self, key: str) -> Measurement | None:
        """The measurement that was stored under ``key``."""
        statement = select(MeasurementRow.record).join(KeyRow.measurement).where(KeyRow.key == key)
        with self.database.reading() as session:
            record = session.scalar(statement)
        return None if record is None else Measurement.from_dict(record)

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
        with self.database.reading() as session:
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
        with self.database.reading() as session:
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
        with self.database.reading() as session:
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
        with self.database.writing() as session:
            Base.metadata.create_all(session.connection())
            versions = list(session.scalars(select(SchemaRow.version)))
            if not versions:
                session.add(SchemaRow(version=SCHEMA_VERSION))
            elif versions != [SCHEMA_VERSION]:
                raise ConfigError(
                    f"history {self.database.url}: its tables are of version {versions[0]}, "
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
