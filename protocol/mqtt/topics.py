"""Topics: who publishes and subscribes what is in SPEC.md, "Over MQTT"."""

from __future__ import annotations

import re

import attrs

ROOT = "jumpstation/1"
QOS_FRAMES = 0
QOS_PRESENCE = 1

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
