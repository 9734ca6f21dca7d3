"""Loads a bundle's model in a process of its own and has it answer its test vectors."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from agent.linux.board import MAX_BATCH, MAX_PAYLOAD_BYTES, Settings
from agent.linux.engines.interpreter_process import InterpreterProcess
from agent.linux.engines.loaded import Alive, LoadedModel
from agent.linux.engines.plan_process import PlanProcess
from agent.linux.model_store import FILE_PREFIX
from agent.linux.refusal import Refusal
from protocol.bundle import Bundle, BundleError, Stage
from protocol.bundle.self_test import (
    check_exact,
    check_inputs,
    check_outputs,
    expected_outputs,
    size_bytes,
)
from protocol.capabilities import Capabilities
from protocol.errors import ErrorCode
from protocol.messages import (
    ALL_OPS,
    NO_INDEX,
    OUTPUT_ANSWER,
    OUTPUT_REQUEST,
    RUN_ANSWER,
    RUN_REQUEST,
    Engine,
    InputSource,
    MessageType,
)

_ITERATIONS = 2
"""More than one, so that an output that changes shows."""
_PIECE_BYTES = 4096


async def start(
    bundle: Bundle, settings: Settings, board: Capabilities, alive: Alive
) -> LoadedModel:
    """Loads the model and runs its self-test.

    Raises:
        BundleError: of the stage SELF_TEST: the engine does not load it, or it answers wrongly.
        OSError: the disk is full.
    """
    try:
        model = await _load(bundle, settings, board, alive)
    except Refusal as refusal:
        raise _failed(f"the engine does not load the model: {refusal}") from refusal
    try:
        await _test(bundle, model, alive)
    except Refusal as refusal:
        await model.close()
        raise _failed(f"the engine does not run the model: {refusal}") from refusal
    except BaseException:
        await model.close()
        raise
    return model


async def _load(
    bundle: Bundle, settings: Settings, board: Capabilities, alive: Alive
) -> LoadedModel:
    engine = Engine[bundle.manifest.requires.engine.upper()]
    with _as_file(bundle.weights, settings.store) as path:
        if engine == Engine.JUMP_RT:
            if settings.pc_agent is None:
                raise Refusal(ErrorCode.UNSUPPORTED, "no program runs plans here")
            plans = PlanProcess(
                settings.pc_agent,
                cpus=settings.cpus,
                hang_s=settings.hang_s,
                pool_bytes=settings.pool_bytes,
            )
            try:
                await plans.upload(path, alive)
            except BaseException:
                await plans.close()
                raise
            return plans
        offer = board.offer(engine)
        assert offer is not None  # the bundle fits this board
        return await InterpreterProcess.load(
            engine,
            path,
            alive,
            cpus=settings.cpus[: max(1, settings.threads)],
            engine=offer.version,
            threads=settings.threads,
            hang_s=settings.hang_s,
            max_payload_bytes=MAX_PAYLOAD_BYTES,
            max_batch=MAX_BATCH,
        )


@contextlib.contextmanager
def _as_file(data: bytes, folder: Path) -> Iterator[Path]:
    """The bytes that were hashed, in a file that nobody else writes, while an engine loads them."""
    with tempfile.NamedTemporaryFile(dir=folder, prefix=FILE_PREFIX) as file:
        file.write(data)
        file.flush()
        yield Path(file.name)


async def _test(bundle: Bundle, model: LoadedModel, alive: Alive) -> None:
    expected = expected_outputs(bundle)
    for index, vector in enumerate(bundle.manifest.self_test.vectors):
        request = {
            "iterations": _ITERATIONS,
            "flags": 0,
            "input_source": InputSource.SEEDED,
            "seed": vector.seed,
            "op_limit": ALL_OPS,
        }
        payload = RUN_REQUEST.build(request)
        ran = RUN_ANSWER.parse(await model.serve(MessageType.RUN, payload, alive))
        if expected is None:
            check_exact(bundle, index, ran.input_crc32, ran.output_crc32)
            if ran.unstable_at != NO_INDEX:
                raise _failed(f"vector {index}: the output changes from run to run")
            continue
        check_inputs(bundle, index, ran.input_crc32)
        outputs = [
            await _read_output(model, number, size_bytes(tensor), alive)
            for number, tensor in enumerate(bundle.manifest.model.outputs)
        ]
        check_outputs(bundle, index, outputs, expected[index])


async def _read_output(model: LoadedModel, index: int, size: int, alive: Alive) -> bytes:
    data = bytearray()
    while len(data) < size:
        request = {"index": index, "length": min(_PIECE_BYTES, size - len(data))}
        payload = OUTPUT_REQUEST.build({**request, "offset": len(data)})
        page = OUTPUT_ANSWER.parse(await model.serve(MessageType.OUTPUT, payload, alive))
        if not page.data:
            break  # what is missing fails the comparison
        data += page.data
    return bytes(data)


def _failed(reason: str) -> BundleError:
    return BundleError(Stage.SELF_TEST, reason)
