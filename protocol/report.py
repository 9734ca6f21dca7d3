"""What a board with an operating system reports of the model it runs.

A list of tag (1 byte), length (1 byte), value, paged as CAPABILITIES are; a tag that
is not there is not known.
"""

from __future__ import annotations

from enum import IntEnum

import attrs
from construct import GreedyBytes, GreedyRange, Int8ul, Int16sl, Int64ul, Prefixed, Struct

from protocol.capabilities import from_bit_set, to_bit_set


class ReportTag(IntEnum):
    ENGINE = 1
    RSS_BYTES = 2
    PEAK_RSS_BYTES = 3
    THREADS = 4
    CPUS = 5
    GOVERNOR = 6
    POWER_MODE = 7
    TEMPERATURE_BEFORE = 8
    TEMPERATURE_AFTER = 9
    THROTTLED = 10
    BUNDLE = 11
    BUNDLE_NAME = 12
    BUNDLE_NOTE = 13


_LIST = GreedyRange(Struct("tag" / Int8ul, "value" / Prefixed(Int8ul, GreedyBytes)))


@attrs.frozen(kw_only=True)
class Report:
    """``rss_bytes`` and ``peak_rss_bytes`` are of the process that runs the model.

    Temperatures in degrees Celsius: when the model was loaded, and after its last run.
    ``throttled``: the clock was held down at any time between. ``bundle``: SHA-256 of the manifest
    of the bundle that runs, in hexadecimal; ``bundle_note``: why another one does not.
    """

    engine: str | None = None
    rss_bytes: int | None = None
    peak_rss_bytes: int | None = None
    threads: int | None = None
    cpus: frozenset[int] | None = None
    governor: str | None = None
    power_mode: str | None = None
    temperature_before: float | None = None
    temperature_after: float | None = None
    throttled: bool | None = None
    bundle: str | None = None
    bundle_name: str | None = None
    bundle_note: str | None = None

    def to_bytes(self) -> bytes:
        """Encodes the list, as an agent in Python sends it."""
        items: list[tuple[ReportTag, bytes]] = []
        for tag in ReportTag:
            value = getattr(self, tag.name.lower())
            if value is not None:
                items.append((tag, _encode(tag, value)))
        return bytes(_LIST.build([{"tag": tag, "value": value} for tag, value in items]))

    @classmethod
    def from_bytes(cls, data: bytes) -> Report:
        """Decodes a list; an entry cut short ends it, an unknown tag is skipped."""
        fields: dict[str, object] = {}
        for item in _LIST.parse(data):
            value: bytes = item.value
            match item.tag:
                case (
                    ReportTag.ENGINE
                    | ReportTag.GOVERNOR
                    | ReportTag.POWER_MODE
                    | ReportTag.BUNDLE
                    | ReportTag.BUNDLE_NAME
                    | ReportTag.BUNDLE_NOTE
                ):
                    fields[ReportTag(item.tag).name.lower()] = value.decode("utf-8", "replace")
                case ReportTag.RSS_BYTES | ReportTag.PEAK_RSS_BYTES | ReportTag.THREADS:
                    fields[ReportTag(item.tag).name.lower()] = int.from_bytes(value, "little")
                case ReportTag.CPUS:
                    fields["cpus"] = from_bit_set(value)
                case ReportTag.TEMPERATURE_BEFORE | ReportTag.TEMPERATURE_AFTER:
                    hundredths = int.from_bytes(value, "little", signed=True)
                    fields[ReportTag(item.tag).name.lower()] = hundredths / 100
                case ReportTag.THROTTLED:
                    fields["throttled"] = any(value)
                case _:
                    pass
        return cls(**fields)  # type: ignore[arg-type]  # built by tag above


def _encode(tag: ReportTag, value: object) -> bytes:
    match value:
        case str():
            return value.encode()[:255]
        case bool() | int() if tag in (ReportTag.THROTTLED, ReportTag.THREADS):
            return bytes(Int8ul.build(int(value)))
        case int():
            return bytes(Int64ul.build(value))
        case float():
            return bytes(Int16sl.build(round(value * 100)))
        case frozenset():
            return to_bit_set(value)
    raise TypeError(f"{tag.name} cannot be {value!r}")
