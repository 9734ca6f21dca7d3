"""The runtime alone on an emulated UNO (kernel_probe.c), with many plans in its flash."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from host.links.emulator import EmulatorLink
from protocol.plan import ALIGNMENT_BYTES, PLAN_HEADER, PLAN_TENSOR
from tests.firmware.uno.images import ARENA_BYTES, Image, built
from tests.hil.dialogue import read_bytes
from tests.support.jr_runner import LoadReport, op_output_tensors
from tests.support.make import BUILD_DIR

_GUARD = bytes(range(0xE0, 0xF0))
_TRIPLE_BYTES = 12
MULTIPLY_HIGH, SHIFT_RIGHT, REQUANTIZE = b"H", b"S", b"Q"


def kernel_image() -> Image:
    """The port with kernel_probe.c and the runtime, built first if they are out of date."""
    main = Path(__file__).parent / "kernel_probe.c"
    return built(BUILD_DIR / "uno-kernel-probe", f"MAIN={main} $(JR_SOURCES)")


def batches(blocks: Iterable[bytes], room_bytes: int) -> list[list[bytes]]:
    """``blocks`` in order, in as few lists as their flash demands."""
    found: list[list[bytes]] = [[]]
    used = 0
    for block in blocks:
        size = -(-len(block) // ALIGNMENT_BYTES) * ALIGNMENT_BYTES
        if used + size > room_bytes:
            found.append([])
            used = 0
        found[-1].append(block)
        used += size
    return found


class KernelBoard:
    """One board with ``blocks`` (plans, or bytes to read) in its plan store."""

    def __init__(self, image: Image, blocks: Sequence[bytes], folder: Path) -> None:
        self._offsets: dict[bytes, int] = {}
        stored = bytearray()
        for block in blocks:
            stored += bytes(-len(stored) % ALIGNMENT_BYTES)
            self._offsets[block] = len(stored)
            stored += block
        self._process = image.with_plan(bytes(stored), folder).start()
        self._link = EmulatorLink(self._process)
        self._plan = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._link.close()
        self._process.stop()

    def _ask(
        self,
        command: bytes,
        answer: str,
        *,
        offset: int = 0,
        count: int = 0,
        value: int = 0,
        data: bytes = b"",
    ) -> tuple[int, ...]:
        value &= 0xFFFFFFFF
        self._link.write(struct.pack("<cHHI", command, offset, count, value) + data)
        size = struct.calcsize(answer)
        received = read_bytes(self._link, size)
        assert len(received) == size, (command, received)
        return struct.unpack(answer, received)

    def load(self, plan: bytes, arena_bytes: int) -> LoadReport:
        """Binds one of the blocks to an arena with a guard behind it."""
        self._plan, self._arena_bytes = plan, arena_bytes
        self.write_arena(arena_bytes, _GUARD)
        return LoadReport(
            *self._ask(
                b"L", "<iIII", offset=self._offsets[plan], count=len(plan), value=arena_bytes
            )
        )

    def write_arena(self, offset: int, data: bytes) -> None:
        assert self._ask(b"W", "<I", offset=offset, count=len(data), data=data) == (len(data),)

    def read_arena(self, offset: int, count: int) -> bytes:
        return bytes(self._ask(b"A", f"<{count}B", offset=offset, count=count))

    def run(self) -> bytes:
        """Runs the loaded plan; the bytes of every op's outputs, which must all lie apart."""
        self._ask(b"R", "<I")
        assert self.read_arena(self._arena_bytes, len(_GUARD)) == _GUARD, "wrote behind the arena"
        header = PLAN_HEADER.parse(self._plan)
        outputs = b""
        for index, size in op_output_tensors(self._plan):
            position = header.tensors_offset + index * PLAN_TENSOR.sizeof()
            tensor = PLAN_TENSOR.parse(self._plan[position:])
            outputs += self.read_arena(tensor.arena_offset, size)
        return outputs

    def crc32(self, crc: int, data: bytes) -> int:
        """Over ``data`` in RAM."""
        self.write_arena(0, data)
        return self._ask(b"C", "<I", count=len(data), value=crc)[0]

    def plan_crc32(self, crc: int, block: bytes, offset: int, count: int) -> int:
        """Over ``count`` bytes of a block, in flash."""
        offset += self._offsets[block]
        return self._ask(b"P", "<I", offset=offset, count=count, value=crc)[0]

    def dot_product(self, acc: int, x: NDArray[np.int8], weights: bytes) -> int:
        """``acc`` plus the sum of products with one of the blocks, as int32."""
        self.write_arena(0, x.tobytes())
        offset = self._offsets[weights]
        return self._ask(b"D", "<i", offset=offset, count=len(weights), value=acc)[0]

    def scale(self, function: bytes, triples: NDArray[np.int64]) -> NDArray[np.int64]:
        """A function of requantize.h on rows of value, multiplier and shift."""
        results = []
        for part in np.array_split(triples, -(-len(triples) * _TRIPLE_BYTES // ARENA_BYTES)):
            data = part.astype("<i4").tobytes()
            self.write_arena(0, data)
            self._ask(function, "<I", count=len(part))
            back = np.frombuffer(self.read_arena(0, len(data)), "<i4").reshape(-1, 3)
            results.append(back[:, 0].astype(np.int64))
        return np.concatenate(results)
