"""The MicroPython engine behind the requests of tests/firmware/runtime/jr_run.c: L, W, A, R, S.

A process of its own, because the agent's modules have the flat names that a board wants.
"""

import struct
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path[:0] = [str(Path(__file__).resolve().parents[3] / "agent" / "micropython")]

from engine import Engine  # noqa: E402
from kernels.softmax import reciprocal  # noqa: E402
from refusal import Refusal  # noqa: E402

_FILL = b"\xa5"


class Server:
    """One plan and its arena."""

    def __init__(self):
        self.engine = None
        self.arena = memoryview(b"")

    def load(self, payload):
        (arena_bytes,) = struct.unpack_from("<I", payload)
        # More than any test asks for is not worth its memory.
        self.arena = memoryview(bytearray(_FILL * min(arena_bytes, 1 << 24)))
        try:
            self.engine = Engine(memoryview(payload[4:]), self.arena)
        except Refusal as refusal:
            return struct.pack(
                "<iIII", refusal.code, refusal.index, refusal.needed, refusal.available
            )
        return struct.pack("<iIII", 0, 0xFFFF, 0, 0)

    def run(self, payload):
        (op_limit,) = struct.unpack("<I", payload)
        outputs = bytearray()
        original = self.engine._op

        def watched(position, record):
            op = original(position, record)
            written.append(op)
            return op

        written = []
        self.engine._op = watched
        self.engine.run(op_limit, lambda index: outputs.extend(written[index].output()))
        self.engine._op = original
        return struct.pack("<I", len(outputs)) + bytes(outputs)

    def serve(self, command, payload):
        if command == b"L":
            return self.load(payload)
        if command == b"R":
            return self.run(payload)
        if command == b"S":
            sums = struct.unpack(f"<{len(payload) // 4}I", payload)
            return b"".join(struct.pack("<ii", *reciprocal(total)) for total in sums)
        offset, count = struct.unpack_from("<II", payload.ljust(8, b"\0"))
        if command == b"A":
            return bytes(self.arena[offset : offset + count])
        assert command == b"W"
        self.arena[offset : offset + len(payload) - 4] = payload[4:]
        return b""


def main():
    server = Server()
    while head := sys.stdin.buffer.read(5):
        (length,) = struct.unpack("<I", head[1:])
        sys.stdout.buffer.write(server.serve(head[:1], sys.stdin.buffer.read(length)))
        sys.stdout.buffer.flush()


main()
