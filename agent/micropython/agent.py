"""The agent: answers one frame after the other. It knows no board; see board.py."""

import handshake
import plan_store
import readback
import run
from framing import Decoder, encode
from jsp_protocol import (
    ANSWER_BIT,
    ARENA_REQUEST,
    CAPABILITIES_REQUEST,
    E_BAD_REQUEST,
    E_ENGINE_FAILED,
    E_UNKNOWN_TYPE,
    ERROR_ANSWER,
    HELLO_REQUEST,
    INPUT_REQUEST,
    LEASE_REQUEST,
    OUTPUT_REQUEST,
    PLAN_BEGIN_REQUEST,
    PLAN_CHUNK_REQUEST,
    PROFILE_REQUEST,
    RUN_REQUEST,
    TYPE_ARENA,
    TYPE_CAPABILITIES,
    TYPE_ERROR,
    TYPE_HELLO,
    TYPE_INPUT,
    TYPE_LEASE,
    TYPE_OUTPUT,
    TYPE_PING,
    TYPE_PLAN_BEGIN,
    TYPE_PLAN_CHUNK,
    TYPE_PLAN_END,
    TYPE_PROFILE,
    TYPE_RESET,
    TYPE_RUN,
)
from refusal import Refusal
from session import Lease, Outcome

# By type: the handler, the fixed part of the payload, whether more may follow it, and whether
# only the session with the lease may ask.
_ROUTES = {
    TYPE_HELLO: (handshake.hello, HELLO_REQUEST, True, False),
    TYPE_CAPABILITIES: (handshake.capabilities, CAPABILITIES_REQUEST, False, False),
    TYPE_LEASE: (handshake.lease, LEASE_REQUEST, False, False),
    TYPE_PLAN_BEGIN: (plan_store.begin, PLAN_BEGIN_REQUEST, False, True),
    TYPE_PLAN_CHUNK: (plan_store.chunk, PLAN_CHUNK_REQUEST, True, True),
    TYPE_PLAN_END: (plan_store.end, None, False, True),
    TYPE_INPUT: (run.take_input, INPUT_REQUEST, True, True),
    TYPE_RUN: (run.run, RUN_REQUEST, False, True),
    TYPE_PROFILE: (readback.profile, PROFILE_REQUEST, False, True),
    TYPE_OUTPUT: (readback.output, OUTPUT_REQUEST, False, True),
    TYPE_ARENA: (readback.arena, ARENA_REQUEST, False, True),
    TYPE_PING: (handshake.ping, None, False, False),
    TYPE_RESET: (handshake.reset, None, False, True),
}


class Request:
    """A frame from the host."""

    def __init__(self, header, payload):
        self.type = header.type
        self.session = header.session
        self.sequence = header.sequence
        self.identity = (header.session, header.sequence)
        self.payload = payload

    def read(self, layout):
        """The fixed part of the payload."""
        return layout.read(self.payload)

    def data(self, layout):
        """What follows the fixed part."""
        return self.payload[layout.size :]


class Agent:
    """All state of the agent. ``port`` is the board: bytes out, clocks, the pool, facts."""

    def __init__(self, port):
        self.port = port
        self.lease = Lease(port)
        self.lease_outcome = Outcome()
        self.run_outcome = Outcome()
        self.store = plan_store.PlanStore(port.pool)
        self.loaded = None  # a run.LoadedPlan
        self.profile = []  # ticks of each op in the last profiled iteration
        self.capability_list = handshake.capability_list(port)
        self._decoder = Decoder(port.max_payload_bytes)

    def feed(self, data):
        """Takes bytes as they arrive and answers each request that they complete."""
        self.lease.expire()
        for header, payload in self._decoder.feed(data):
            # An answer on its way back is a line's echo: to answer it would never end.
            if not header.type & ANSWER_BIT:
                self._serve(Request(header, payload))

    def send(self, kind, request, payload):
        self.port.write(encode(kind, request.session, request.sequence, payload))

    def _serve(self, request):
        try:
            answer = self._answer(request)
        except Refusal as refusal:
            self._send_error(request, refusal)
        except Exception as error:
            # Too little heap for a kernel, or a bug: the host gets a code, the agent goes on.
            self.port.log(error)
            self.loaded = None
            self._send_error(request, Refusal(E_ENGINE_FAILED))
        else:
            self.send(request.type | ANSWER_BIT, request, answer)
            if request.type == TYPE_RESET:
                self.port.reset()
        # Afterwards, however long it took: a lease does not run out under a request.
        self.lease.renew(request.session)

    def _answer(self, request):
        """The payload of the answer. Raises Refusal."""
        if request.type not in _ROUTES:
            raise Refusal(E_UNKNOWN_TYPE)
        handle, layout, more_may_follow, is_for_holder = _ROUTES[request.type]
        if is_for_holder:
            self.lease.check(request.session)
        size = layout.size if layout else 0
        if len(request.payload) < size or (len(request.payload) > size and not more_may_follow):
            raise Refusal(E_BAD_REQUEST)
        return handle(self, request)

    def _send_error(self, request, refusal):
        payload = ERROR_ANSWER.write(
            request_type=request.type,
            code=refusal.code,
            index=refusal.index,
            needed=refusal.needed,
            available=refusal.available,
            boot_count=self.port.boot_count,
            lease_left_ms=self.lease.left_ms(),
            holder=self.lease.holder(),
        )
        self.send(TYPE_ERROR, request, payload)
