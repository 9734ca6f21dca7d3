"""HELLO, CAPABILITIES, LEASE, PING and RESET."""

from struct import pack

import engine
from jsp_protocol import (
    CAPABILITIES_ANSWER,
    CAPABILITIES_REQUEST,
    E_BAD_RANGE,
    E_BAD_REQUEST,
    E_UNSUPPORTED_VERSION,
    FEATURE_ARENA_HIGH_WATER,
    FEATURE_PROFILE,
    FEATURE_RESET,
    HELLO_ANSWER,
    HELLO_REQUEST,
    LAYOUT_ROWS4,
    LEASE_ANSWER,
    LEASE_REQUEST,
    PING_ANSWER,
    PLAN_VERSION_MAJOR,
    PLAN_VERSION_MINOR,
    PROTOCOL_VERSION,
    STORE_CAPABILITY,
    STORE_RAM,
    TAG_BOARD,
    TAG_BUILD,
    TAG_CLOCK_HZ,
    TAG_CORE,
    TAG_DOMAIN,
    TAG_EMULATOR,
    TAG_ENGINE,
    TAG_FEATURES,
    TAG_FIRMWARE,
    TAG_MAX_BATCH,
    TAG_MAX_NS_PER_MAC,
    TAG_MAX_PAYLOAD_BYTES,
    TAG_OP_SET,
    TAG_PLAN_VERSION,
    TAG_POOL_BYTES,
    TAG_STORE,
    TAG_TICK_HZ,
    TAG_UID,
    TAG_WEIGHT_LAYOUTS,
)
from kernels import KERNELS
from plan_store import STORE_WINDOW, ram_capacity_bytes
from refusal import Refusal
from run import MAX_BATCH

VERSION = "0.1.0"
TICK_HZ = 1_000_000
_PAGE_BYTES = 96
_LONGEST_VALUE = 255


def capability_list(port):
    """What the board offers: tag, length, value."""
    store = STORE_CAPABILITY.write(
        store=STORE_RAM, window=STORE_WINDOW, capacity_bytes=ram_capacity_bytes(port.pool)
    )
    op_set = sum(1 << kind for kind in KERNELS)
    features = FEATURE_PROFILE | FEATURE_ARENA_HIGH_WATER | FEATURE_RESET
    entries = (
        (TAG_FIRMWARE, VERSION.encode()),
        (TAG_BOARD, port.board.encode()),
        (TAG_DOMAIN, port.domain.encode()),
        (TAG_UID, port.uid),
        (TAG_CORE, port.core.encode()),
        (TAG_CLOCK_HZ, pack("<L", port.clock_hz)),
        (TAG_TICK_HZ, pack("<L", TICK_HZ)),
        (TAG_MAX_PAYLOAD_BYTES, pack("<H", port.max_payload_bytes)),
        (TAG_STORE, store),
        (TAG_POOL_BYTES, pack("<L", len(port.pool))),
        (TAG_OP_SET, pack("<L", op_set)),
        (TAG_WEIGHT_LAYOUTS, bytes((LAYOUT_ROWS4,))),
        (TAG_FEATURES, pack("<L", features)),
        (TAG_BUILD, port.build.encode()),
        # First word what interprets: nobody is to take its latency for the C runtime's.
        (TAG_ENGINE, f"{port.interpreter} jump_mp {engine.VERSION}".encode()),
        (TAG_MAX_BATCH, pack("<H", MAX_BATCH)),
        (TAG_MAX_NS_PER_MAC, pack("<L", port.max_ns_per_mac)),
        (TAG_PLAN_VERSION, bytes((PLAN_VERSION_MAJOR, PLAN_VERSION_MINOR))),
        (TAG_EMULATOR, port.emulator.encode()),
    )
    out = bytearray()
    for tag, value in entries:
        value = value[:_LONGEST_VALUE]
        out.extend(bytes((tag, len(value))))
        out.extend(value)
    return bytes(out)


def hello(agent, request):
    wanted = request.read(HELLO_REQUEST)
    if wanted.session == 0:
        raise Refusal(E_BAD_REQUEST)
    if not wanted.protocol_min <= PROTOCOL_VERSION <= wanted.protocol_max:
        raise Refusal(E_UNSUPPORTED_VERSION)
    return HELLO_ANSWER.write(
        protocol=PROTOCOL_VERSION,
        reset_cause=agent.port.reset_cause,
        capabilities_bytes=len(agent.capability_list),
        session=wanted.session,
        boot_count=agent.port.boot_count,
        lease_left_ms=agent.lease.left_ms(),
        holder=agent.lease.holder(),
    )


def capabilities(agent, request):
    offset = request.read(CAPABILITIES_REQUEST).offset
    whole = agent.capability_list
    if offset > len(whole):
        raise Refusal(E_BAD_RANGE)
    head = CAPABILITIES_ANSWER.write(total_bytes=len(whole), offset=offset)
    return head + whole[offset : offset + _PAGE_BYTES]


def lease(agent, request):
    def change():
        held_before = agent.lease.session
        agent.lease.change(request.session, request.read(LEASE_REQUEST))
        # What another session sent is not this one's input.
        if agent.loaded and agent.lease.session != held_before:
            agent.loaded.forget_inputs()
        return LEASE_ANSWER.write(
            duration_ms=agent.lease.duration_ms, boot_count=agent.port.boot_count
        )

    return agent.lease_outcome.replay(request, change)


def ping(agent, request):
    return PING_ANSWER.write(boot_count=agent.port.boot_count, uptime_ms=agent.port.uptime_ms())


def reset(agent, request):
    return b""
