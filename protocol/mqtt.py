"""The protocol over MQTT: topics, and what is retained of a board that is on a broker.

One frame, without COBS and delimiters, is one message. SPEC.md, "Over MQTT", says who publishes
and subscribes what, with which quality of service, and why.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import attrs

ROOT = "jumpstation/1"
QOS_FRAMES = 0
QOS_PRESENCE = 1
PRESENCE_SCHEMA = "presence/1"
HEARTBEAT_S = 10
"""How often a board's agent or gateway says on ``seen`` that it is still there."""

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}")


def is_name(text: str) -> bool:
    """Whether a rack or a board may be called so: no topic separator or wildcard can be in it."""
    return _NAME.fullmatch(text) is not None


@attrs.frozen
class BoardTopics:
    """The topics of one board. ``rack`` and ``board`` are names, or the wildcard ``+``."""

    rack: str
    board: str

    @property
    def request(self) -> str:
        """From hosts to the board."""
        return f"{self._base}/request"

    def answer(self, session: int) -> str:
        """From the board to the host of ``session``; that of HELLO's answer is 0."""
        return f"{self._base}/answer/{session:08x}"

    @property
    def presence(self) -> str:
        """Retained: a :class:`Presence`."""
        return f"{self._base}/presence"

    @property
    def seen(self) -> str:
        """Retained: when the board was last known to be there, ISO 8601 in UTC."""
        return f"{self._base}/seen"

    @property
    def _base(self) -> str:
        return f"{ROOT}/{self.rack}/{self.board}"


def board_of(topic: str) -> BoardTopics | None:
    """The board that a topic is of; None where it is no topic of ours."""
    parts = topic.removeprefix(f"{ROOT}/").split("/")
    if not topic.startswith(f"{ROOT}/") or len(parts) < len(("rack", "board", "kind")):
        return None
    return BoardTopics(parts[0], parts[1]) if all(map(is_name, parts[:2])) else None


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
