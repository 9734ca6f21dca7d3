"""The protocol over MQTT: one frame, without COBS and delimiters, is one message.

Here are the topics and what is retained of a board. ``address``, ``client`` and ``board``, which
are not imported from here, are a Python program's way to a broker and a board's own side of it:
they belong to agents and gateways alike, whose behaviour there SPEC.md, "Over MQTT", lays down.
"""

from protocol.mqtt.presence import (
    HEARTBEAT_S,
    PRESENCE_SCHEMA,
    LeaseNotice,
    Presence,
    format_time,
    parse_time,
)
from protocol.mqtt.topics import QOS_FRAMES, QOS_PRESENCE, ROOT, BoardTopics, board_of, is_name

__all__ = [
    "HEARTBEAT_S",
    "PRESENCE_SCHEMA",
    "QOS_FRAMES",
    "QOS_PRESENCE",
    "ROOT",
    "BoardTopics",
    "LeaseNotice",
    "Presence",
    "board_of",
    "format_time",
    "is_name",
    "parse_time",
]
