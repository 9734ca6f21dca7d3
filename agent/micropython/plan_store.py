"""PLAN_BEGIN, PLAN_CHUNK and PLAN_END: a plan comes into the pool, go-back-N."""

from binascii import crc32

import arena
from engine import Engine
from jsp_protocol import (
    E_BAD_RANGE,
    E_BAD_STORE,
    E_NO_UPLOAD,
    E_STORE_TOO_SMALL,
    E_UPLOAD_CHECKSUM,
    PLAN_BEGIN_ANSWER,
    PLAN_BEGIN_REQUEST,
    PLAN_CHUNK_ANSWER,
    PLAN_CHUNK_REQUEST,
    PLAN_END_ANSWER,
    PLAN_HEADER,
    PLAN_MAGIC,
    STORE_RAM,
)
from refusal import Refusal
from run import LoadedPlan

STORE_WINDOW = 4
# What a plan in RAM must leave of the pool: a small arena.
_LEAST_ARENA_BYTES = 1024

_NONE, _RECEIVING, _STORED = range(3)


def ram_capacity_bytes(pool):
    """The largest plan that the pool takes."""
    return max(0, len(pool) - _LEAST_ARENA_BYTES)


class PlanStore:
    """The plan that is being sent, or was, at the start of the pool."""

    def __init__(self, pool):
        self.pool = memoryview(pool)
        self.capacity_bytes = ram_capacity_bytes(pool)
        self.state = _NONE
        self.size_bytes = 0
        self.crc32 = 0
        self.next_offset = 0

    def begin(self, size_bytes, crc):
        """Whether bytes are to come that are not there yet."""
        is_same = (self.size_bytes, self.crc32) == (size_bytes, crc)
        if self.state == _RECEIVING and is_same:
            return True
        self.size_bytes, self.crc32 = size_bytes, crc
        if self._has_all():
            self.state = _STORED
            self.next_offset = size_bytes
            return False
        self.state = _RECEIVING
        self.next_offset = 0
        return True

    def _has_all(self):
        """The bytes themselves decide."""
        if self.size_bytes < PLAN_HEADER.size:
            return False
        header = PLAN_HEADER.read(self.pool)
        return (
            header.magic == PLAN_MAGIC
            and header.total_bytes == self.size_bytes
            and self._stored_crc32() == self.crc32
        )

    def _stored_crc32(self):
        return crc32(self.plan())

    def plan(self):
        return self.pool[: self.size_bytes]

    def write(self, offset, data):
        if self.state == _NONE:
            raise Refusal(E_NO_UPLOAD)
        if offset == self.next_offset:
            left = self.size_bytes - self.next_offset
            if len(data) > left:
                raise Refusal(E_BAD_RANGE, needed=len(data), available=left)
            self.pool[offset : offset + len(data)] = data
            self.next_offset += len(data)

    def finish(self):
        """Raises Refusal unless what was announced is there, to the last bit."""
        if self.state == _NONE:
            raise Refusal(E_NO_UPLOAD)
        if self.next_offset != self.size_bytes:
            raise Refusal(E_BAD_RANGE, needed=self.size_bytes, available=self.next_offset)
        self.state = _STORED
        if self._stored_crc32() != self.crc32:
            raise Refusal(E_UPLOAD_CHECKSUM)


def begin(agent, request):
    wanted = request.read(PLAN_BEGIN_REQUEST)
    store = agent.store
    if wanted.store != STORE_RAM:
        raise Refusal(E_BAD_STORE)
    if wanted.size_bytes > store.capacity_bytes:
        raise Refusal(E_STORE_TOO_SMALL, needed=wanted.size_bytes, available=store.capacity_bytes)
    if store.begin(wanted.size_bytes, wanted.crc32):
        # Its bytes will be overwritten, or its arena's.
        agent.loaded = None
    return PLAN_BEGIN_ANSWER.write(
        next_offset=store.next_offset,
        window=STORE_WINDOW,
        chunk_bytes=agent.port.max_payload_bytes - PLAN_CHUNK_REQUEST.size,
    )


def chunk(agent, request):
    agent.store.write(request.read(PLAN_CHUNK_REQUEST).offset, request.data(PLAN_CHUNK_REQUEST))
    return PLAN_CHUNK_ANSWER.write(next_offset=agent.store.next_offset)


def end(agent, request):
    agent.loaded = None
    store = agent.store
    store.finish()
    free = arena.place(store.pool, store.size_bytes)
    engine = Engine(store.plan(), free)
    arena.fill(engine.arena)
    agent.loaded = LoadedPlan(engine)
    agent.profile = []
    return PLAN_END_ANSWER.write(
        arena_bytes=engine.header.arena_bytes,
        arena_available_bytes=len(free),
        op_count=engine.header.op_count,
        tensor_count=engine.header.tensor_count,
    )
