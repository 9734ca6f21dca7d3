"""What a board offers: a list of tag (1 byte), length (1 byte), value.

A reader skips tags it does not know. STORE appears once a store, ENGINE_OFFER once an engine.
"""

from __future__ import annotations

import zlib
from enum import IntEnum, IntFlag

import attrs
from construct import (
    Default,
    GreedyBytes,
    GreedyRange,
    Int8ul,
    Int16sl,
    Int16ul,
    Int32ul,
    Int64ul,
    Prefixed,
    Struct,
)


class Tag(IntEnum):
    FIRMWARE = 1
    BOARD = 2
    DOMAIN = 3
    UID = 4
    CORE = 5
    CLOCK_HZ = 6
    TICK_HZ = 7
    MAX_PAYLOAD_BYTES = 8
    STORE = 9
    POOL_BYTES = 10
    OP_SET = 11
    WEIGHT_LAYOUTS = 12
    FEATURES = 13
    BUILD = 14
    ENGINE = 15
    MAX_BATCH = 16
    MAX_NS_PER_MAC = 17
    PLAN_VERSION = 18
    STATIC_BYTES = 19
    STACK_BYTES = 20
    EMULATOR = 21
    ENGINE_OFFER = 22
    MODEL_BYTES = 23
    START_CHECK = 24


class Feature(IntFlag):
    PROFILE = 1 << 0
    CYCLE_COUNTER = 1 << 1
    STACK_HIGH_WATER = 1 << 2
    ARENA_HIGH_WATER = 1 << 3
    RESET = 1 << 4
    WATCHDOG_HARDWARE = 1 << 5
    WATCHDOG_SOFTWARE = 1 << 6


STORE_CAPABILITY = Struct(
    "store" / Int8ul,
    "window" / Int8ul,
    "written_by" / Default(Int8ul, 0) * "0 the session, 1 a programmer",
    "reserved" / Default(Int8ul, 0),
    "capacity_bytes" / Int32ul,
)
ENGINE_OFFER = Struct(
    "engine" / Int8ul,
    "formats" / Int8ul * "bit set: bit n is format n",
    "version" / GreedyBytes * "text",
)
START_CHECK = Struct(
    "store" / Int8ul,
    "reserved" / Default(Int8ul, 0),
    "code" / Int16sl * "0: the plan passed its self-test; else why it is not loaded",
    "plan_crc32" / Int32ul * "as in the plan's header",
)
_LIST = GreedyRange(Struct("tag" / Int8ul, "value" / Prefixed(Int8ul, GreedyBytes)))


class WrittenBy(IntEnum):
    """How a plan gets into a store."""

    SESSION = 0
    """PLAN_BEGIN, PLAN_CHUNK, PLAN_END."""
    PROGRAMMER = 1
    """With the firmware, right behind it, as one image; a session can only name what is there."""


@attrs.frozen
class StoreCapability:
    """A place for a plan: its id (messages.Store), upload window in chunks, and size."""

    store: int
    window: int
    capacity_bytes: int
    written_by: WrittenBy = WrittenBy.SESSION


@attrs.frozen
class EngineOffer:
    """An engine (messages.Engine) that the board loads models into by MODEL_BEGIN."""

    engine: int
    formats: frozenset[int]
    """Of messages.ModelFormat."""
    version: str


@attrs.frozen
class StartCheck:
    """What became of a plan with a self-test record behind it when the board started.

    ``code`` 0: it is loaded; else why not (errors.ErrorCode).
    """

    store: int
    code: int
    plan_crc32: int


@attrs.frozen
class Capabilities:
    """The decoded list; a tag the board did not send leaves its default."""

    firmware: str = ""
    board: str = ""
    domain: str = ""
    uid: str = ""
    core: str = ""
    clock_hz: int = 0
    tick_hz: int = 0
    max_payload_bytes: int = 0
    stores: tuple[StoreCapability, ...] = ()
    pool_bytes: int = 0
    op_set: frozenset[int] = frozenset()
    weight_layouts: tuple[int, ...] = ()
    features: Feature = attrs.field(default=Feature(0))
    build: str = ""
    engine: str = ""
    max_batch: int = 1
    max_ns_per_mac: int = 0
    plan_version: tuple[int, int] = (0, 0)
    static_bytes: int = 0
    stack_bytes: int = 0
    emulator: str = ""
    engines: tuple[EngineOffer, ...] = ()
    model_bytes: int = 0
    """Largest model that MODEL_BEGIN takes."""
    start_check: StartCheck | None = None

    def offer(self, engine: int) -> EngineOffer | None:
        return next((entry for entry in self.engines if entry.engine == engine), None)

    def store(self, store: int) -> StoreCapability | None:
        return next((entry for entry in self.stores if entry.store == store), None)

    def to_bytes(self) -> bytes:
        """Encodes the list, as an agent in Python sends it."""

        items: list[tuple[Tag, bytes]] = [
            (Tag.FIRMWARE, self.firmware.encode()),
            (Tag.BOARD, self.board.encode()),
            (Tag.DOMAIN, self.domain.encode()),
            (Tag.UID, bytes.fromhex(self.uid)),
            (Tag.CORE, self.core.encode()),
            (Tag.CLOCK_HZ, Int32ul.build(self.clock_hz)),
            (Tag.TICK_HZ, Int32ul.build(self.tick_hz)),
            (Tag.MAX_PAYLOAD_BYTES, Int16ul.build(self.max_payload_bytes)),
            *(
                (
                    Tag.STORE,
                    STORE_CAPABILITY.build(attrs.asdict(store)),
                )
                for store in self.stores
            ),
            (Tag.POOL_BYTES, Int32ul.build(self.pool_bytes)),
            (Tag.OP_SET, to_bit_set(self.op_set)),
            (Tag.WEIGHT_LAYOUTS, bytes(self.weight_layouts)),
            (Tag.FEATURES, Int32ul.build(int(self.features))),
            (Tag.BUILD, self.build.encode()),
            (Tag.ENGINE, self.engine.encode()),
            (Tag.MAX_BATCH, Int16ul.build(self.max_batch)),
            (Tag.MAX_NS_PER_MAC, Int32ul.build(self.max_ns_per_mac)),
            (Tag.PLAN_VERSION, bytes(self.plan_version)),
            (Tag.STATIC_BYTES, Int32ul.build(self.static_bytes)),
            (Tag.STACK_BYTES, Int32ul.build(self.stack_bytes)),
            (Tag.EMULATOR, self.emulator.encode()),
            *(
                (
                    Tag.ENGINE_OFFER,
                    ENGINE_OFFER.build(
                        {
                            "engine": offer.engine,
                            "formats": sum(1 << bit for bit in offer.formats),
                            "version": offer.version.encode(),
                        }
                    ),
                )
                for offer in self.engines
            ),
        ]
        if self.model_bytes:
            items.append((Tag.MODEL_BYTES, Int64ul.build(self.model_bytes)))
        if self.start_check is not None:
            items.append((Tag.START_CHECK, START_CHECK.build(attrs.asdict(self.start_check))))
        return bytes(_LIST.build([{"tag": tag, "value": value} for tag, value in items]))

    @classmethod
    def from_bytes(cls, data: bytes) -> Capabilities:
        """Decodes a list; an entry cut short ends it, an unknown tag is skipped."""
        fields: dict[str, object] = {}
        stores: list[StoreCapability] = []
        engines: list[EngineOffer] = []
        for item in _LIST.parse(data):
            value: bytes = item.value
            match item.tag:
                case (
                    Tag.FIRMWARE
                    | Tag.BOARD
                    | Tag.DOMAIN
                    | Tag.CORE
                    | Tag.BUILD
                    | Tag.ENGINE
                    | Tag.EMULATOR
                ):
                    fields[Tag(item.tag).name.lower()] = value.decode("utf-8", "replace")
                case (
                    Tag.CLOCK_HZ
                    | Tag.TICK_HZ
                    | Tag.MAX_PAYLOAD_BYTES
                    | Tag.POOL_BYTES
                    | Tag.MAX_BATCH
                    | Tag.MAX_NS_PER_MAC
                    | Tag.STATIC_BYTES
                    | Tag.STACK_BYTES
                    | Tag.MODEL_BYTES
                ):
                    fields[Tag(item.tag).name.lower()] = int.from_bytes(value, "little")
                case Tag.UID:
                    fields["uid"] = value.hex()
                case Tag.STORE if len(value) >= STORE_CAPABILITY.sizeof():
                    entry = STORE_CAPABILITY.parse(value)
                    stores.append(
                        StoreCapability(
                            entry.store,
                            entry.window,
                            entry.capacity_bytes,
                            WrittenBy(entry.written_by),
                        )
                    )
                case Tag.OP_SET:
                    fields["op_set"] = from_bit_set(value)
                case Tag.WEIGHT_LAYOUTS:
                    fields["weight_layouts"] = tuple(value)
                case Tag.FEATURES:
                    fields["features"] = Feature(int.from_bytes(value, "little"))
                case Tag.ENGINE_OFFER if len(value) >= len(("engine", "formats")):
                    offer = ENGINE_OFFER.parse(value)
                    engines.append(
                        EngineOffer(
                            offer.engine,
                            from_bit_set(bytes([offer.formats])),
                            offer.version.decode("utf-8", "replace"),
                        )
                    )
                case Tag.START_CHECK if len(value) >= START_CHECK.sizeof():
                    check = START_CHECK.parse(value)
                    fields["start_check"] = StartCheck(check.store, check.code, check.plan_crc32)
                case Tag.PLAN_VERSION if len(value) >= len(("major", "minor")):
                    fields["plan_version"] = (value[0], value[1])
                case _:
                    pass
        fields |= {"stores": tuple(stores), "engines": tuple(engines)}
        return cls(**fields)  # type: ignore[arg-type]  # built by tag above


def machine_uid(machine_id: bytes) -> str:
    """The UID of a computer, in hexadecimal, from its ``/etc/machine-id``; empty where it has none.

    A salted checksum, twice: the id itself is not to leave the machine. The posix build of the
    firmware has the same.
    """
    if not machine_id:
        return ""
    halves = (zlib.crc32(machine_id[:64], zlib.crc32(b"pc-agent", salt)) for salt in (0, 1))
    return b"".join(half.to_bytes(4, "little") for half in halves).hex()


def to_bit_set(bits: frozenset[int]) -> bytes:
    """Little-endian, as short as it goes."""
    value = sum(1 << bit for bit in bits)
    return value.to_bytes((value.bit_length() + 7) // 8, "little")


def from_bit_set(value: bytes) -> frozenset[int]:
    bits = int.from_bytes(value, "little")
    return frozenset(bit for bit in range(bits.bit_length()) if bits >> bit & 1)
