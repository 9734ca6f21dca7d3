"""What is retained of a board that is on a broker."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Self

import attrs

from protocol.capabilities import Capabilities
from protocol.messages import Store

PRESENCE_SCHEMA = "presence/1"
HEARTBEAT_S = 10
"""How often a board's agent or gateway says on ``seen`` that it is still there."""


@attrs.frozen
class LeaseNotice:
    """Who holds a board and until when, if nothing is asked of it before."""

    holder: str
    until: datetime


@attrs.frozen(kw_only=True)
class Presence:
    """What is retained of a board. Absent values are None, never a guess.

    The capabilities here are a summary for people and schedulers; a session relies on those that
    the board itself sends.
    """

    rack: str
    board: str
    online: bool
    reason: str | None = None
    """Why it is offline."""
    device: str | None = None
    """Its id in the catalog: capability BOARD."""
    domain: str | None = None
    core: str | None = None
    clock_hz: int | None = None
    uid: str | None = None
    firmware: str | None = None
    build: str | None = None
    engine: str | None = None
    emulator: str | None = None
    """What emulates it; empty on silicon."""
    boot_count: int | None = None
    capabilities: Mapping[str, Any] = attrs.field(factory=dict)
    lease: LeaseNotice | None = None
    last_seen: datetime | None = None

    @classmethod
    def of(
        cls, rack: str, board: str, offered: Capabilities, boot_count: int, at: datetime
    ) -> Self:
        """A board that is there, by its own words, heard ``at``."""
        return cls(
            rack=rack,
            board=board,
            online=True,
            device=offered.board or None,
            domain=offered.domain or None,
            core=offered.core or None,
            clock_hz=offered.clock_hz or None,
            uid=offered.uid or None,
            firmware=offered.firmware or None,
            build=offered.build or None,
            engine=offered.engine or None,
            emulator=offered.emulator,
            boot_count=boot_count,
            capabilities=_summary(offered),
            last_seen=at,
        )

    def gone(self, reason: str, last_seen: datetime | None) -> Presence:
        """The same board, offline; what it was stays known."""
        return attrs.evolve(self, online=False, reason=reason, lease=None, last_seen=last_seen)

    def known_at(self, seen: datetime | None) -> Presence:
        """The same, with what its ``seen`` topic says where that is later."""
        if seen is None or (self.last_seen is not None and self.last_seen >= seen):
            return self
        return attrs.evolve(self, last_seen=seen)

    def to_json(self) -> str:
        record = {"schema": PRESENCE_SCHEMA, **attrs.asdict(self)}
        return json.dumps(record, default=_to_text, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | bytes) -> Presence:
        """Reads what :meth:`to_json` wrote; fields it does not know are skipped.

        Raises:
            ValueError: it is no presence of this version.
        """
        record = json.loads(text)
        if not isinstance(record, dict) or record.get("schema") != PRESENCE_SCHEMA:
            raise ValueError(f"expected a record of schema {PRESENCE_SCHEMA!r}")
        known = {field.name for field in attrs.fields(cls)}
        fields = {name: value for name, value in record.items() if name in known}
        try:
            lease = fields.get("lease")
            if lease is not None:
                fields["lease"] = LeaseNotice(lease["holder"], parse_time(lease["until"]))
            if fields.get("last_seen") is not None:
                fields["last_seen"] = parse_time(fields["last_seen"])
            return cls(**fields)
        except (TypeError, KeyError) as error:
            raise ValueError(f"malformed presence: {error}") from error


def format_time(at: datetime) -> str:
    """ISO 8601 to the second, in UTC: ``2026-01-31T12:00:00Z``."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(text: str) -> datetime:
    """Raises ValueError for what is no time with a zone."""
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return at


def _to_text(value: object) -> str:
    if isinstance(value, datetime):
        return format_time(value)
    raise TypeError(f"{type(value).__name__} in a presence")


def _summary(offered: Capabilities) -> dict[str, object]:
    return {
        "pool_bytes": offered.pool_bytes,
        "max_payload_bytes": offered.max_payload_bytes,
        "max_batch": offered.max_batch,
        "model_bytes": offered.model_bytes,
        "stores": {_store(store.store): store.capacity_bytes for store in offered.stores},
        "features": [flag.name.lower() for flag in offered.features if flag.name],
        "engines": [offer.version for offer in offered.engines],
    }


def _store(store: int) -> str:
    try:
        return Store(store).name.lower()
    except ValueError:
        return str(store)
