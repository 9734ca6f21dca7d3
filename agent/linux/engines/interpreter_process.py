"""A model in an interpreter, in a worker process: what the agent sees of it."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from agent.linux.engines import channel, process
from agent.linux.engines.interpreter import TensorSpec
from agent.linux.engines.loaded import Alive
from agent.linux.refusal import Refusal
from protocol.errors import ErrorCode
from protocol.messages import (
    ALIVE_MESSAGE,
    ALL_OPS,
    INPUT_ANSWER,
    INPUT_REQUEST,
    OUTPUT_ANSWER,
    OUTPUT_REQUEST,
    RUN_ANSWER,
    RUN_REQUEST,
    Engine,
    InputSource,
    MessageType,
)

_ALIVE_S = 1.0
_ALIVE = ALIVE_MESSAGE.build({"op": 0, "op_count": 0})


class InterpreterProcess:
    """Implements :class:`LoadedModel`. Made by :meth:`load`."""

    def __init__(
        self,
        worker: asyncio.subprocess.Process,
        path: str,
        *,
        engine: str,
        threads: int,
        cpus: Sequence[int],
        hang_s: float,
        max_payload_bytes: int,
        max_batch: int,
    ) -> None:
        self.engine = engine
        self.threads = threads
        self.cpus = tuple(cpus)
        self._worker = worker
        self._path = path
        self._hang_s = hang_s
        self._max_payload_bytes = max_payload_bytes
        self._max_batch = max_batch
        self.inputs: tuple[TensorSpec, ...] = ()
        self.outputs: tuple[TensorSpec, ...] = ()
        self.load_us = 0
        self._received: list[bytearray] = []
        self._in_worker: set[int] = set()
        """Inputs that the worker has as they were sent."""

    @classmethod
    async def load(
        cls, kind: Engine, path: Path, alive: Alive, *, cpus: Sequence[int], **options: Any
    ) -> InterpreterProcess:
        """Starts a worker and has it load ``path``; ``options`` as the constructor's.

        Raises:
            Refusal: MODEL_REFUSED, or ENGINE_FAILED where the worker ended or hung over it.
        """
        command = [sys.executable, "-m", "agent.linux.engines.worker"]
        try:
            worker = await process.start(command, cpus)
        except OSError as error:
            raise Refusal(ErrorCode.ENGINE_FAILED, str(error)) from error
        loaded = cls(worker, str(path), cpus=cpus, **options)
        request = {"do": "load", "engine": kind, "path": str(path), "threads": loaded.threads}
        try:
            answer, _ = await loaded._ask(request, alive, refusal=ErrorCode.MODEL_REFUSED)
            loaded.inputs = tuple(map(_spec, answer["inputs"]))
            loaded.outputs = tuple(map(_spec, answer["outputs"]))
        except BaseException:
            await process.kill(worker)
            raise
        loaded.load_us = answer["load_us"]
        loaded._received = [bytearray() for _ in loaded.inputs]
        return loaded

    @property
    def pid(self) -> int | None:
        return self._worker.pid if self._worker.returncode is None else None

    async def serve(self, kind: MessageType, payload: bytes, alive: Alive) -> bytes:
        match kind:
            case MessageType.INPUT:
                return self._take_input(INPUT_REQUEST.parse(payload))
            case MessageType.RUN:
                return await self._run(RUN_REQUEST.parse(payload), alive)
            case MessageType.OUTPUT:
                return await self._output(OUTPUT_REQUEST.parse(payload), alive)
        raise Refusal(ErrorCode.UNSUPPORTED)

    async def forget_inputs(self) -> None:
        self._received = [bytearray() for _ in self.inputs]
        self._in_worker.clear()

    async def close(self) -> None:
        await process.stop(self._worker)

    def _take_input(self, request: Any) -> bytes:
        if request.index >= len(self.inputs):
            raise Refusal(ErrorCode.BAD_INDEX, index=request.index)
        received = self._received[request.index]
        if request.offset == 0:
            received.clear()
            self._in_worker.discard(request.index)
        if request.offset == len(received):
            left = self.inputs[request.index].size_bytes - len(received)
            if len(request.data) > left:
                raise Refusal(
                    ErrorCode.BAD_RANGE,
                    index=request.index,
                    needed=len(request.data),
                    available=left,
                )
            received += request.data
        return bytes(INPUT_ANSWER.build({"next_offset": len(received)}))

    async def _run(self, request: Any, alive: Alive) -> bytes:
        if request.iterations == 0 or request.input_source > InputSource.SEEDED:
            raise Refusal(ErrorCode.BAD_REQUEST)
        if request.flags or request.op_limit != ALL_OPS:
            raise Refusal(ErrorCode.UNSUPPORTED)
        if request.iterations > self._max_batch:
            raise Refusal(
                ErrorCode.TOO_MANY_ITERATIONS,
                needed=request.iterations,
                available=self._max_batch,
            )
        sent = request.input_source == InputSource.SENT
        for index, entry in enumerate(self.inputs):
            if sent and len(self._received[index]) != entry.size_bytes:
                raise Refusal(ErrorCode.INPUT_STALE, index=index)
            if not sent and not entry.is_drawable:
                raise Refusal(ErrorCode.UNSUPPORTED, index=index)
        if sent:
            for index in set(range(len(self.inputs))) - self._in_worker:
                data = bytes(self._received[index])
                await self._ask({"do": "input", "index": index}, alive, data)
                self._in_worker.add(index)
        else:
            await self.forget_inputs()
        seed = None if sent else request.seed
        answer, _ = await self._ask(
            {"do": "run", "iterations": request.iterations, "seed": seed}, alive
        )
        return bytes(
            RUN_ANSWER.build(
                {
                    "iterations": request.iterations,
                    "unstable_at": answer["unstable_at"],
                    "input_crc32": answer["input_crc32"],
                    "output_crc32": answer["output_crc32"],
                    "arena_high_water_bytes": 0,
                    "stack_high_water_bytes": 0,
                    "ticks": answer["ticks"],
                }
            )
        )

    async def _output(self, request: Any, alive: Alive) -> bytes:
        if request.index >= len(self.outputs):
            raise Refusal(ErrorCode.BAD_INDEX, index=request.index)
        _, data = await self._ask({"do": "output", "index": request.index}, alive)
        if request.offset > len(data):
            raise Refusal(
                ErrorCode.BAD_RANGE,
                index=request.index,
                needed=request.offset,
                available=len(data),
            )
        room = self._max_payload_bytes - len(OUTPUT_ANSWER.build({"offset": 0, "data": b""}))
        part = data[request.offset :][: min(room, request.length)]
        return bytes(OUTPUT_ANSWER.build({"offset": request.offset, "data": part}))

    async def _ask(
        self,
        values: dict[str, Any],
        alive: Alive,
        body: bytes = b"",
        *,
        refusal: ErrorCode = ErrorCode.ENGINE_FAILED,
    ) -> channel.Message:
        """The worker's answer; signs of life go out meanwhile.

        Raises:
            Refusal: ``refusal`` where the library raised; ENGINE_FAILED where the worker ended,
                or said nothing for longer than is allowed.
        """
        asked = asyncio.ensure_future(self._exchange(values, body))
        try:
            while not (await asyncio.wait({asked}, timeout=_ALIVE_S))[0]:
                await alive(_ALIVE)
            answer, data = asked.result()
        except (OSError, ValueError, asyncio.IncompleteReadError, TimeoutError) as error:
            how = await process.end_failed(self._worker, error, self._hang_s)
            raise Refusal(ErrorCode.ENGINE_FAILED, f"{self.engine} {how}") from error
        finally:
            asked.cancel()
        if "error" in answer:
            # Who asks knows the model by its name, not by where it is kept here.
            why = str(answer["error"]).replace(self._path, "the model")
            raise Refusal(refusal, f"{self.engine}: {why}")
        return answer, data

    async def _exchange(self, values: dict[str, Any], body: bytes) -> channel.Message:
        assert self._worker.stdin is not None
        self._worker.stdin.write(channel.encode(values, body))
        async with asyncio.timeout(self._hang_s):
            await self._worker.stdin.drain()
        while True:
            async with asyncio.timeout(self._hang_s):
                answer, data = await self._receive()
            if "progress" not in answer:
                return answer, data

    async def _receive(self) -> channel.Message:
        stream = self._worker.stdout
        assert stream is not None
        object_bytes, body_bytes = channel.lengths(await stream.readexactly(channel.HEAD.size))
        values = json.loads(await stream.readexactly(object_bytes))
        return values, await stream.readexactly(body_bytes)


def _spec(values: dict[str, Any]) -> TensorSpec:
    return TensorSpec(values["name"], tuple(values["shape"]), values["dtype"])
