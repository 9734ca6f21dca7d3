"""INPUT and RUN."""

from binascii import crc32
from struct import pack

import arena
from generator import draw
from jsp_protocol import (
    ALIVE_MESSAGE,
    DTYPE_FLOAT32,
    E_BAD_INDEX,
    E_BAD_RANGE,
    E_BAD_REQUEST,
    E_INPUT_STALE,
    E_NO_PLAN,
    E_TOO_MANY_ITERATIONS,
    INPUT_ANSWER,
    INPUT_REQUEST,
    INPUT_SEEDED,
    INPUT_SENT,
    NO_INDEX,
    PLAN_INPUTS_OVERWRITTEN,
    RUN_ANSWER,
    RUN_PROFILE,
    RUN_REQUEST,
    TYPE_ALIVE,
)
from refusal import Refusal

MAX_BATCH = 16
_ALIVE_INTERVAL_MS = 1000


class LoadedPlan:
    """An engine with a plan, and how much of each input was sent."""

    def __init__(self, engine):
        self.engine = engine
        self.received_bytes = []
        self.forget_inputs()

    def forget_inputs(self):
        self.received_bytes = [0] * self.engine.header.input_count

    def first_stale_input(self):
        """The first input that is not wholly sent; None if all are."""
        for index, received in enumerate(self.received_bytes):
            if received != len(self.engine.input(index)):
                return index
        return None


class Clock:
    """Times ops, and says between them, with the counter stopped, that the board lives."""

    def __init__(self, agent, request):
        self.op_ticks = []
        self._agent = agent
        self._request = request
        self._signed_at = agent.port.millis()
        self._began = 0

    def start(self):
        self.op_ticks = []
        self._began = self._agent.port.ticks_us()

    def after_op(self, index):
        port = self._agent.port
        self.op_ticks.append(port.ticks_us_since(self._began))
        self.sign(index + 1)
        self._began = port.ticks_us()

    def sign(self, next_op):
        """Sends ALIVE when the last sign was a second ago."""
        port = self._agent.port
        if port.millis_since(self._signed_at) >= _ALIVE_INTERVAL_MS:
            count = self._agent.loaded.engine.header.op_count
            alive = ALIVE_MESSAGE.write(op=next_op, op_count=count)
            self._agent.send(TYPE_ALIVE, self._request, alive)
            self._signed_at = port.millis()


def take_input(agent, request):
    wanted = request.read(INPUT_REQUEST)
    if agent.loaded is None:
        raise Refusal(E_NO_PLAN)
    view = agent.loaded.engine.input(wanted.index)
    if view is None:
        raise Refusal(E_BAD_INDEX, wanted.index)
    received = agent.loaded.received_bytes
    if wanted.offset == 0:
        received[wanted.index] = 0
    if wanted.offset == received[wanted.index]:
        data = request.data(INPUT_REQUEST)
        left = len(view) - wanted.offset
        if len(data) > left:
            raise Refusal(E_BAD_RANGE, wanted.index, len(data), left)
        view[wanted.offset : wanted.offset + len(data)] = data
        received[wanted.index] += len(data)
    return INPUT_ANSWER.write(next_offset=received[wanted.index])


def run(agent, request):
    return agent.run_outcome.replay(request, lambda: _run(agent, request))


def _check(loaded, wanted):
    if loaded is None:
        raise Refusal(E_NO_PLAN)
    if (
        wanted.iterations == 0
        or wanted.flags & ~RUN_PROFILE
        or wanted.input_source not in (INPUT_SENT, INPUT_SEEDED)
    ):
        raise Refusal(E_BAD_REQUEST)
    if wanted.iterations > MAX_BATCH:
        raise Refusal(E_TOO_MANY_ITERATIONS, needed=wanted.iterations, available=MAX_BATCH)
    if wanted.input_source == INPUT_SENT:
        stale = loaded.first_stale_input()
        if stale is not None:
            raise Refusal(E_INPUT_STALE, stale)
        if wanted.iterations > 1 and loaded.engine.header.flags & PLAN_INPUTS_OVERWRITTEN:
            raise Refusal(E_INPUT_STALE, 0)


def _crc32_of(block, count):
    """Over all inputs, or all outputs, one after the other."""
    crc = 0
    for index in range(count):
        crc = crc32(block(index), crc)
    return crc


def _draw_inputs(engine, seed):
    for index in range(engine.header.input_count):
        draw(engine.input(index), seed, index, engine.input_dtype(index) == DTYPE_FLOAT32)


def _run(agent, request):
    wanted = request.read(RUN_REQUEST)
    loaded = agent.loaded
    _check(loaded, wanted)
    engine = loaded.engine
    header = engine.header
    clock = Clock(agent, request)
    ticks = b""
    input_crc32 = output_crc32 = 0
    unstable_at = NO_INDEX
    for iteration in range(wanted.iterations):
        clock.sign(0)
        if wanted.input_source == INPUT_SEEDED:
            _draw_inputs(engine, wanted.seed)
        if iteration == 0:
            input_crc32 = _crc32_of(engine.input, header.input_count)
        clock.start()
        engine.run(wanted.op_limit, clock.after_op)
        ticks += pack("<Q", sum(clock.op_ticks))
        crc = _crc32_of(engine.output, header.output_count)
        if iteration == 0:
            output_crc32 = crc
        elif crc != output_crc32 and unstable_at == NO_INDEX:
            unstable_at = iteration
    if wanted.input_source == INPUT_SEEDED or header.flags & PLAN_INPUTS_OVERWRITTEN:
        loaded.forget_inputs()
    if wanted.flags & RUN_PROFILE:
        agent.profile = clock.op_ticks
    answer = RUN_ANSWER.write(
        iterations=wanted.iterations,
        unstable_at=unstable_at,
        input_crc32=input_crc32,
        output_crc32=output_crc32,
        arena_high_water_bytes=arena.high_water_bytes(engine.arena),
    )
    return answer + ticks
