"""The process that has one model and runs it: ``python -m agent.linux.engines.worker``.

Speaks channel.py's messages on its standard streams; what a library prints goes to standard
error. Ends with its input.
"""

from __future__ import annotations

import contextlib
import gc
import os
import sys
import time
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import attrs
from numpy.typing import NDArray

from agent.linux.engines.channel import encode, receive
from agent.linux.engines.interpreter import Interpreter
from protocol.messages import NO_INDEX, Engine

_PROGRESS_S = 0.5
_OOM_SCORE = 500
"""Where memory runs out, the kernel is to end this process and not the agent."""


def load(engine: Engine, path: Path, threads: int) -> Interpreter:
    """Raises whatever the library raises."""
    match engine:
        case Engine.LITERT:
            from agent.linux.engines.litert import LiteRtInterpreter

            return LiteRtInterpreter(path, threads)
        case Engine.ONNXRUNTIME:
            from agent.linux.engines.onnx_runtime import OnnxRuntimeInterpreter

            return OnnxRuntimeInterpreter(path, threads)
    raise ValueError(f"{engine.name} is no interpreter")


class Worker:
    """Answers requests on one loaded model."""

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send
        self._model: Interpreter | None = None
        self._inputs: dict[int, NDArray[Any]] = {}

    def serve(self, values: dict[str, Any], body: bytes) -> bytes:
        match values["do"]:
            case "load":
                return self._load(values)
            case "input":
                index = values["index"]
                self._inputs[index] = self._loaded.inputs[index].array(body)
                return encode({})
            case "run":
                return self._run(values["iterations"], values["seed"])
            case "output":
                return encode({}, self._loaded.output(values["index"]).tobytes())
        raise ValueError(f"no such request: {values['do']}")

    @property
    def _loaded(self) -> Interpreter:
        assert self._model is not None  # the agent loads first
        return self._model

    def _load(self, values: dict[str, Any]) -> bytes:
        started_ns = time.perf_counter_ns()
        model = load(Engine(values["engine"]), Path(values["path"]), values["threads"])
        load_us = (time.perf_counter_ns() - started_ns) // 1000
        self._model = model
        # What loading left behind is not looked at again in mid-run.
        gc.collect()
        gc.freeze()
        return encode(
            {
                "load_us": load_us,
                "inputs": [attrs.asdict(entry) for entry in model.inputs],
                "outputs": [attrs.asdict(entry) for entry in model.outputs],
            }
        )

    def _run(self, iterations: int, seed: int | None) -> bytes:
        model = self._loaded
        if seed is None:
            inputs = tuple(self._inputs[index] for index in range(len(model.inputs)))
        else:
            inputs = tuple(entry.draw(seed, index) for index, entry in enumerate(model.inputs))
        ticks: list[int] = []
        first_crc32 = 0
        unstable_at = NO_INDEX
        told_at_s = time.monotonic()
        for iteration in range(iterations):
            model.set_inputs(inputs)
            began_ns = time.perf_counter_ns()
            model.invoke()
            ticks.append(time.perf_counter_ns() - began_ns)
            crc32 = 0
            for index in range(len(model.outputs)):
                crc32 = zlib.crc32(model.output(index).tobytes(), crc32)
            if iteration == 0:
                first_crc32 = crc32
            elif crc32 != first_crc32 and unstable_at == NO_INDEX:
                unstable_at = iteration
            if time.monotonic() - told_at_s > _PROGRESS_S:
                told_at_s = time.monotonic()
                self._send(encode({"progress": iteration + 1}))
        return encode(
            {
                "ticks": ticks,
                "input_crc32": zlib.crc32(b"".join(value.tobytes() for value in inputs)),
                "output_crc32": first_crc32,
                "unstable_at": unstable_at,
            }
        )


def main() -> None:
    requests, answers = _take_standard_streams()

    def send(message: bytes) -> None:
        answers.write(message)
        answers.flush()

    with contextlib.suppress(OSError):  # a sandbox may not allow it
        Path("/proc/self/oom_score_adj").write_text(str(_OOM_SCORE))
    worker = Worker(send)
    while (request := receive(requests)) is not None:
        try:
            answer = worker.serve(*request)
        except Exception as error:  # whatever a library raises is an answer
            answer = encode({"error": f"{type(error).__name__}: {error}"[:2000]})
        send(answer)


def _take_standard_streams() -> tuple[BinaryIO, BinaryIO]:
    """Standard input and output for ourselves; libraries that print do it to standard error."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.dup2(sys.stderr.fileno(), 1)
    return requests, answers


if __name__ == "__main__":
    main()
