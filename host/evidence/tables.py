"""The history's tables. What is asked for by value is a column; the record itself is kept whole."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, DateTime, ForeignKey, Index, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship

SCHEMA_VERSION = 1


class Base(DeclarativeBase):
    pass


class SchemaRow(Base):
    """One row: the version of these tables that the database was made with."""

    __tablename__ = "schema"

    version: Mapped[int] = mapped_column(primary_key=True)


class MeasurementRow(Base):
    __tablename__ = "measurement"
    __table_args__ = (Index("cell", "model_sha256", "board_id", "plan_crc32", "clock_hz"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
    model_sha256: Mapped[str] = mapped_column(String(64))
    precision: Mapped[str] = mapped_column(String(32))
    plan_crc32: Mapped[int] = mapped_column(BigInteger)
    board_id: Mapped[str] = mapped_column(String(64))
    domain: Mapped[str] = mapped_column(String(16))
    core: Mapped[str | None] = mapped_column(String(64), index=True)
    clock_hz: Mapped[int | None] = mapped_column(BigInteger)
    build: Mapped[str | None] = mapped_column(Text)
    source: Mapped[str] = mapped_column(String(16))
    fidelity: Mapped[str] = mapped_column(String(16))
    verdict: Mapped[str] = mapped_column(String(32))
    record: Mapped[dict[str, Any]] = mapped_column(JSON)
    ops: Mapped[list[OpRow]] = relationship(
        back_populates="measurement", order_by="OpRow.index", cascade="all, delete-orphan"
    )


class OpRow(Base):
    """Cycles of one op, and what of it they depend on."""

    __tablename__ = "op"

    measurement_id: Mapped[int] = mapped_column(
        ForeignKey("measurement.id", ondelete="CASCADE"), primary_key=True
    )
    index: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(32), index=True)
    macs: Mapped[int] = mapped_column(BigInteger)
    cycles: Mapped[int] = mapped_column(BigInteger)
    parameters: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    measurement: Mapped[MeasurementRow] = relationship(back_populates="ops")


class KeyRow(Base):
    """Which measurement a job ended in: one at most."""

    __tablename__ = "measurement_key"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    measurement_id: Mapped[int] = mapped_column(
        ForeignKey("measurement.id", ondelete="CASCADE"), unique=True
    )
    measurement: Mapped[MeasurementRow] = relationship()
