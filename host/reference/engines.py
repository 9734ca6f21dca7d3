"""What LiteRT and onnxruntime make of a model on this computer: the oracle of boards with them."""

from __future__ import annotations

import importlib.metadata
import json
import platform
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from host.compiler import TensorContract
from host.errors import ModelError
from host.reference import engine_process
from protocol.capabilities import Capabilities, machine_uid
from protocol.messages import Engine

_DEADLINE_S = 120.0
_PACKAGES = {Engine.LITERT: "ai-edge-litert", Engine.ONNXRUNTIME: "onnxruntime"}
_KERNELS = {Engine.LITERT: "xnnpack", Engine.ONNXRUNTIME: "mlas"}
"""Whose arithmetic it is."""


@attrs.frozen
class ModelContract:
    """A model as an engine sees it. ``precision`` is that of its weights."""

    precision: str
    inputs: tuple[TensorContract, ...]
    outputs: tuple[TensorContract, ...]


@attrs.frozen
class EngineOutput:
    """``crc32`` is over all outputs; ``is_binding``: a board with another one is wrong.

    Kernels round as the processor's instructions suggest, so that another machine, or another
    version of the engine, may differ in the last bit and be right. Equality proves as much as ever.
    """

    crc32: int
    arithmetic: str
    is_binding: bool


def inspect_model(engine: Engine, path: Path) -> ModelContract:
    """Has ``engine`` load the model.

    Raises:
        ModelError: it does not load it; with the engine's words.
    """
    contract, _ = _run(engine, path, None)
    return contract


def engine_output(
    engine: Engine,
    path: Path,
    contract: ModelContract,
    inputs: Sequence[bytes],
    board: Capabilities,
) -> EngineOutput:
    """What one inference gives here, for comparison with ``board``.

    Raises:
        ModelError: the engine does not run it.
    """
    outputs = engine_outputs(engine, path, contract, inputs)
    version = version_here(engine)
    offered = board.offer(engine)
    return EngineOutput(
        crc32=zlib.crc32(b"".join(outputs)),
        arithmetic=f"{_KERNELS[engine]} ({version}, {platform.machine()})",
        is_binding=offered is not None and offered.version == version and _is_here(board),
    )


def engine_outputs(
    engine: Engine, path: Path, contract: ModelContract, inputs: Sequence[bytes]
) -> tuple[bytes, ...]:
    """The bytes of each output of one inference here.

    Raises:
        ModelError: the engine does not run it.
    """
    arrays = [
        np.frombuffer(data, entry.dtype).reshape(entry.shape)
        for data, entry in zip(inputs, contract.inputs, strict=True)
    ]
    _, outputs = _run(engine, path, arrays)
    return tuple(output.tobytes() for output in outputs)


def version_here(engine: Engine) -> str:
    """As boards name it: ``litert 2.3.0``."""
    return f"{engine.name.lower()} {importlib.metadata.version(_PACKAGES[engine])}"


def _is_here(board: Capabilities) -> bool:
    """Whether the agent runs on this machine's own processor, and not on one emulated here."""
    try:
        own_uid = machine_uid(Path("/etc/machine-id").read_bytes())
    except OSError:
        return False
    return bool(own_uid) and (board.uid, board.core, board.emulator) == (
        own_uid,
        platform.machine(),
        "",
    )


def _run(
    engine: Engine, path: Path, inputs: Sequence[NDArray[Any]] | None
) -> tuple[ModelContract, list[NDArray[Any]]]:
    with tempfile.TemporaryDirectory() as directory:
        answer_path, request_path = Path(directory, "answer.npz"), Path(directory, "request.npz")
        command = [sys.executable, "-P", engine_process.__file__, engine.name.lower()]
        command += [str(path), str(answer_path)]
        if inputs is not None:
            arrays = {f"input_{index}": array for index, array in enumerate(inputs)}
            np.savez(request_path, allow_pickle=False, **arrays)
            command.append(str(request_path))
        try:
            subprocess.run(
                command,
                check=True,
                capture_output=True,
                text=True,
                stdin=subprocess.DEVNULL,
                timeout=_DEADLINE_S,
            )
        except subprocess.SubprocessError as error:
            raise _failure(engine, path, error) from error
        with np.load(answer_path) as answer:
            contract = json.loads(str(answer["contract"]))
            outputs = [answer[f"output_{index}"] for index in range(len(answer.files) - 1)]
    return (
        ModelContract(
            contract["precision"],
            tuple(map(_tensor_contract, contract["inputs"])),
            tuple(map(_tensor_contract, contract["outputs"])),
        ),
        outputs,
    )


def _tensor_contract(values: dict[str, Any]) -> TensorContract:
    shape = tuple(values["shape"])
    return TensorContract(
        name=values["name"],
        shape=shape,
        dtype=values["dtype"],
        scale=values["scale"],
        zero_point=values["zero_point"],
        size_bytes=int(np.prod(shape, dtype=np.int64)) * np.dtype(values["dtype"]).itemsize,
    )


def _failure(engine: Engine, path: Path, error: subprocess.SubprocessError) -> ModelError:
    name = engine.name.lower()
    if not isinstance(error, subprocess.CalledProcessError):
        return ModelError(f"{path.name}: {name} did not finish within {_DEADLINE_S:g} s here")
    if error.returncode == engine_process.REFUSED:
        words = (error.stderr or "").strip().splitlines()
        return ModelError(f"{path.name}: {name} does not load it: {words[-1] if words else ''}")
    return ModelError(
        f"{path.name}: {name} crashes on it here (exit {error.returncode})",
        hint="another engine (--engine), or a plan, may do better",
    )
