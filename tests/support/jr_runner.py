"""The runtime under sanitizers, as a process that serves plans (tests/firmware/runtime)."""

from __future__ import annotations

import contextlib
import os
import struct
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from protocol.plan import PLAN_HEADER, PLAN_OP_HEADER, PLAN_TENSOR
from tests.support.make import BUILD_DIR, ROOT, make

SOURCE_DIR = ROOT / "tests" / "firmware" / "runtime"
ALL_OPS = 0xFFFF


class RunnerError(AssertionError):
    """The runner ended: a sanitizer's finding, which is the message."""


@dataclass(frozen=True)
class LoadReport:
    """What ``jr_load`` answered; ``code`` is 0 or a negative JSP_E_* code."""

    code: int
    index: int
    needed: int
    available: int


def build_runner(narrow: bool = False) -> Path:
    """Builds the runner if it is out of date; safe in parallel test processes."""
    make(SOURCE_DIR)
    return BUILD_DIR / "tests" / "runtime" / ("jr-run-narrow" if narrow else "jr-run")


class JrRunner:
    """One runner process. Every call raises :class:`RunnerError` if it ended."""

    def __init__(self, program: Path | Sequence[str]) -> None:
        self._process = subprocess.Popen(
            [str(program)] if isinstance(program, Path) else program,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "UBSAN_OPTIONS": "print_stacktrace=1"},
        )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._to, self._from = self._process.stdin, self._process.stdout

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the runner; leaks count as findings."""
        if self._process.poll() is None:
            self._to.close()
            stderr = self._process.stderr.read() if self._process.stderr else b""
            self._from.close()
            if self._process.wait(timeout=30) != 0:
                raise RunnerError(stderr.decode(errors="replace"))
        if self._process.stderr:
            self._process.stderr.close()

    def _send(self, command: bytes, payload: bytes) -> None:
        try:
            self._to.write(command + struct.pack("<I", len(payload)) + payload)
            self._to.flush()
        except BrokenPipeError:
            self._report_death()

    def _read(self, count: int) -> bytes:
        data = self._from.read(count)
        if len(data) != count:
            self._report_death()
        return data

    def _report_death(self) -> None:
        self._process.kill()
        stderr = self._process.stderr.read() if self._process.stderr else b""
        self._process.wait(timeout=30)
        for stream in (self._to, self._from):
            with contextlib.suppress(BrokenPipeError):
                stream.close()
        raise RunnerError(stderr.decode(errors="replace"))

    def load(self, plan: bytes, arena_bytes: int) -> LoadReport:
        self._send(b"L", struct.pack("<I", arena_bytes) + plan)
        return LoadReport(*struct.unpack("<iIII", self._read(16)))

    def write_arena(self, offset: int, data: bytes) -> None:
        self._send(b"W", struct.pack("<I", offset) + data)

    def read_arena(self, offset: int, count: int) -> bytes:
        self._send(b"A", struct.pack("<II", offset, count))
        return self._read(count)

    def run(self, op_limit: int = ALL_OPS) -> bytes:
        """Runs the loaded plan; the bytes of every op's outputs, in order."""
        self._send(b"R", struct.pack("<I", op_limit))
        (count,) = struct.unpack("<I", self._read(4))
        return self._read(count)

    def requantize(
        self, values: NDArray[np.int64], multipliers: NDArray[np.int64], shifts: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        triples = np.stack([values, multipliers, shifts], axis=1).astype("<i4")
        self._send(b"Q", triples.tobytes())
        return np.frombuffer(self._read(4 * len(triples)), dtype="<i4").astype(np.int64)

    def reciprocals(self, sums: NDArray[np.uint32]) -> NDArray[np.int64]:
        """Mantissa (Q0.31) and exponent of every sum: int64 [len(sums), 2]."""
        self._send(b"S", sums.astype("<u4").tobytes())
        pairs = np.frombuffer(self._read(8 * len(sums)), dtype="<i4")
        return pairs.astype(np.int64).reshape(-1, 2)

    def crc32(self, crc: int, data: bytes) -> int:
        self._send(b"C", struct.pack("<I", crc) + data)
        (result,) = struct.unpack("<I", self._read(4))
        return int(result)


def op_output_tensors(plan: bytes) -> list[tuple[int, int]]:
    """Of every op, in order: its output tensor's index and size in bytes."""
    header = PLAN_HEADER.parse(plan)
    found: list[tuple[int, int]] = []
    offset = header.ops_offset
    for _ in range(header.op_count):
        op = PLAN_OP_HEADER.parse(plan[offset:])
        indices = struct.unpack_from(
            f"<{op.input_count + op.output_count}H", plan, offset + PLAN_OP_HEADER.sizeof()
        )
        for index in indices[op.input_count :]:
            position = header.tensors_offset + index * PLAN_TENSOR.sizeof()
            found.append((index, PLAN_TENSOR.parse(plan[position:]).size_bytes))
        offset += op.record_bytes
    return found


def split_outputs(plan: bytes, outputs: bytes) -> list[tuple[int, bytes]]:
    """What :meth:`JrRunner.run` returned, as (tensor index, bytes) op by op."""
    found: list[tuple[int, bytes]] = []
    position = 0
    for index, size in op_output_tensors(plan):
        found.append((index, outputs[position : position + size]))
        position += size
    return found
