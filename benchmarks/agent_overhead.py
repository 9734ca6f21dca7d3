"""Whether the Linux agent's latency is the model's: its median against the same model timed here.

``python -m benchmarks.agent_overhead`` starts an agent, has it run a model in LiteRT and one in
onnxruntime, and runs each in this process too: the same CPU, one thread, 200 runs each, by turns so
that both see the same machine. It prints, per model, both medians and how far apart they are
(wanted: at most 5 %).
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import attrs
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table

from host.links.open import open_link
from host.measurement.inputs import seeded_inputs
from host.reference.engines import inspect_model
from host.session import Session, upload_model
from protocol.messages import Engine, InputSource, ModelFormat
from tests.support.linux_agent import listening_agent
from tests.support.make import ROOT

RUNS = 200
WARMUP = 20
MOST_APART = 0.05
_PUBLISHED = ROOT.parent / "shared" / "models"
MODELS: tuple[tuple[Engine, ModelFormat, Path], ...] = (
    (Engine.LITERT, ModelFormat.TFLITE, _PUBLISHED / "ic_resnet8_int8.tflite"),
    (Engine.LITERT, ModelFormat.TFLITE, ROOT / "examples" / "digits_cnn_int8.tflite"),
    (Engine.ONNXRUNTIME, ModelFormat.ONNX, ROOT / "examples" / "digits_cnn.onnx"),
)


@attrs.frozen
class Comparison:
    """Medians in milliseconds."""

    model: str
    engine: str
    agent_ms: float
    here_ms: float

    @property
    def apart(self) -> float:
        return self.agent_ms / self.here_ms - 1

    @property
    def passed(self) -> bool:
        return abs(self.apart) <= MOST_APART


def compare(port: str, engine: Engine, model_format: ModelFormat, path: Path) -> Comparison:
    """Runs one model in both places, in turns."""
    contract = inspect_model(engine, path)
    inputs = seeded_inputs(contract.inputs, seed=1)
    arrays = [
        np.frombuffer(data, entry.dtype).reshape(entry.shape)
        for data, entry in zip(inputs.data, contract.inputs, strict=True)
    ]
    here: _Model = _LOADERS[engine](path, arrays)
    with Session(open_link(port)) as session:
        session.connect()
        with session.lease():
            upload_model(
                session,
                path.read_bytes(),
                name=path.name,
                model_format=model_format,
                engine=engine,
                threads=1,
            )

            def agent(runs: int) -> list[float]:
                done = session.run(runs, macs=0, source=InputSource.SEEDED, seed=1)
                return [ticks / session.capabilities.tick_hz * 1e3 for ticks in done.ticks]

            agent(WARMUP)
            _timed(here, WARMUP)
            theirs: list[float] = []
            ours: list[float] = []
            for _ in range(RUNS):
                # The last of three: the first finds the caches as the other side left them.
                theirs.append(agent(3)[-1])
                ours.append(_timed(here, 3)[-1])
    return Comparison(
        path.name, engine.name.lower(), statistics.median(theirs), statistics.median(ours)
    )


def _timed(here: _Model, runs: int) -> list[float]:
    """Milliseconds of each inference; what stands around it is there, and not timed."""
    times_ms = []
    for _ in range(runs):
        here.set_inputs()
        began_ns = time.perf_counter_ns()
        here.invoke()
        times_ms.append((time.perf_counter_ns() - began_ns) / 1e6)
        here.read_outputs()
    return times_ms


class _Model(Protocol):
    """A model in this process, with its inputs."""

    def set_inputs(self) -> None: ...

    def invoke(self) -> None: ...

    def read_outputs(self) -> list[bytes]: ...


class _LiteRt:
    def __init__(self, path: Path, inputs: Sequence[NDArray[Any]]) -> None:
        from ai_edge_litert.interpreter import Interpreter

        self._interpreter = Interpreter(model_path=str(path), num_threads=1)
        self._interpreter.allocate_tensors()
        details = self._interpreter.get_input_details()
        self._inputs = list(zip((entry["index"] for entry in details), inputs, strict=True))
        self._outputs = [entry["index"] for entry in self._interpreter.get_output_details()]
        self.invoke = self._interpreter.invoke

    def set_inputs(self) -> None:
        for index, value in self._inputs:
            self._interpreter.set_tensor(index, value)

    def read_outputs(self) -> list[bytes]:
        return [self._interpreter.get_tensor(index).tobytes() for index in self._outputs]


class _OnnxRuntime:
    def __init__(self, path: Path, inputs: Sequence[NDArray[Any]]) -> None:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(
            str(path), options, providers=["CPUExecutionProvider"]
        )
        names = [node.name for node in self._session.get_inputs()]
        self._feeds = dict(zip(names, inputs, strict=True))
        self._outputs: list[NDArray[Any]] = []

    def set_inputs(self) -> None:
        pass  # they go with the call

    def invoke(self) -> None:
        self._outputs = self._session.run(None, self._feeds)

    def read_outputs(self) -> list[bytes]:
        return [output.tobytes() for output in self._outputs]


_LOADERS: dict[Engine, Any] = {Engine.LITERT: _LiteRt, Engine.ONNXRUNTIME: _OnnxRuntime}


def main(arguments: list[str] | None = None) -> int:
    argparse.ArgumentParser(description=__doc__).parse_args(arguments)
    cpu = max(os.sched_getaffinity(0))
    table = Table(title=f"median of {RUNS} runs each by turns, one thread on CPU {cpu}")
    for name in ("model", "engine", "in this process", "agent", "apart", ""):
        table.add_column(name, justify="left" if name in ("model", "engine") else "right")
    passed = True
    with listening_agent("--no-plans", "--cpus", str(cpu)) as port:
        os.sched_setaffinity(0, {cpu})
        for engine, model_format, path in MODELS:
            if not path.is_file():
                print(f"{path.name} is not there: left out", file=sys.stderr)
                continue
            result = compare(port, engine, model_format, path)
            passed = passed and result.passed
            table.add_row(
                result.model,
                result.engine,
                f"{result.here_ms:.4f} ms",
                f"{result.agent_ms:.4f} ms",
                f"{result.apart:+.1%}",
                "" if result.passed else f"more than {MOST_APART:.0%}",
            )
    Console().print(table)
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
