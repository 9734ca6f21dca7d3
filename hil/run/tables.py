"""The journal's tables, beside the history's. They are written by the program alone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, DateTime, Float, ForeignKey, Index, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class JournalBase(DeclarativeBase):
    pass


class RunRow(JournalBase):
    """A run. ``ended_at`` is empty until every job of it has an outcome."""

    __tablename__ = "farm_run"

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    begun_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), index=True)
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class JobRow(JournalBase):
    """A job. From ``status`` on, empty until it has an outcome; a measurement is the history's."""

    __tablename__ = "farm_job"
    __table_args__ = (Index("farm_cell", "board", "sha256", "precision"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    run_id: Mapped[str] = mapped_column(ForeignKey("farm_run.id"), index=True)
    position: Mapped[int]
    board: Mapped[str] = mapped_column(String(160))
    sha256: Mapped[str] = mapped_column(String(64))
    precision: Mapped[str] = mapped_column(String(32))
    job: Mapped[dict[str, Any]] = mapped_column(JSON)
    status: Mapped[str | None] = mapped_column(String(16))
    fault: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    reason: Mapped[str | None] = mapped_column(Text)
    took_s: Mapped[float | None] = mapped_column(Float)
    at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class AttemptRow(JournalBase):
    """A try that failed, written before there is another."""

    __tablename__ = "farm_attempt"

    job_id: Mapped[str] = mapped_column(ForeignKey("farm_job.id"), primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True)
    fault: Mapped[dict[str, Any]] = mapped_column(JSON)
    took_s: Mapped[float] = mapped_column(Float)
    power: Mapped[str | None] = mapped_column(Text)


class QuarantineRow(JournalBase):
    """A board that runs leave out until a person releases it."""

    __tablename__ = "farm_quarantine"

    board: Mapped[str] = mapped_column(String(160), primary_key=True)
    reason: Mapped[str] = mapped_column(Text)
    since: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    run_id: Mapped[str] = mapped_column(String(32))
