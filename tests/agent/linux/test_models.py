"""Models in interpreters: uploaded, run, compared with the same engine in this process."""

from __future__ import annotations

import os
import zlib
from pathlib import Path

import numpy as np
import pytest

from protocol.capabilities import EngineOffer
from protocol.errors import ErrorCode
from protocol.generator import draw_float32_input, draw_input
from protocol.messages import NO_INDEX, Engine, InputSource, MessageType, ModelFormat
from tests.agent.linux.linux_agent import (
    EXAMPLES,
    SHARED_MODELS,
    begin_model,
    report,
    upload_model,
)
from tests.firmware.agent.agent_process import Client
from tests.firmware.agent.plans import look_up, lookup_plan
from tests.firmware.agent.test_session import refused

SENT = InputSource.SENT
DIGITS = (EXAMPLES / "digits_mlp.onnx").read_bytes()


@pytest.fixture
def resnet() -> bytes:
    path = SHARED_MODELS / "ic_resnet8_int8.tflite"
    if not path.is_file():
        pytest.skip(f"{path} is not here")
    return path.read_bytes()


def litert_output(model: bytes, data: bytes) -> bytes:
    """By LiteRT in this process, with one thread."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=model, num_threads=1)
    interpreter.allocate_tensors()
    details = interpreter.get_input_details()[0]
    value = np.frombuffer(data, details["dtype"]).reshape(details["shape"])
    interpreter.set_tensor(details["index"], value)
    interpreter.invoke()
    return bytes(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]).tobytes())


def onnx_output(model: bytes, data: bytes) -> bytes:
    import onnxruntime

    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    wanted = session.get_inputs()[0]
    shape = [size if isinstance(size, int) else 1 for size in wanted.shape]
    value = np.frombuffer(data, np.float32).reshape(shape)
    return bytes(session.run(None, {wanted.name: value})[0].tobytes())


def test_the_board_offers_its_engines(client: Client) -> None:
    offered = client.capabilities()
    assert (offered.board, offered.domain) == ("pc", "mpu")
    formats = {Engine(offer.engine): offer.formats for offer in offered.engines}
    assert formats == {
        Engine.LITERT: {ModelFormat.TFLITE},
        Engine.ONNXRUNTIME: {ModelFormat.ONNX},
        Engine.JUMP_RT: {ModelFormat.PLAN},
    }
    litert = offered.offer(Engine.LITERT)
    assert isinstance(litert, EngineOffer)
    assert litert.version.startswith("litert 2.")
    assert offered.model_bytes == 1 << 30


def test_resnet_gives_what_litert_gives_here(holder: Client, resnet: bytes) -> None:
    ended = upload_model(holder, resnet, ModelFormat.TFLITE, threads=1)
    assert (ended.input_count, ended.output_count) == (1, 1)
    assert ended.load_us > 100
    answer = holder.run(iterations=3, seed=7)
    data = draw_input(7, 0, 32 * 32 * 3)
    expected = litert_output(resnet, data)
    assert answer.input_crc32 == zlib.crc32(data)
    assert answer.output_crc32 == zlib.crc32(expected)
    assert answer.unstable_at == NO_INDEX
    assert len(answer.ticks) == 3
    # ResNet-8 has 12.5 million multiply-accumulates: more than 0.1 ms on any CPU.
    assert all(100_000 < ticks < 1_000_000_000 for ticks in answer.ticks)
    assert holder.output(0, len(expected)) == expected
    sent = bytes(reversed(data))
    holder.send_input(0, sent, chunk_bytes=1000)
    assert holder.run(input_source=SENT).output_crc32 == zlib.crc32(litert_output(resnet, sent))


def test_an_onnx_model_gives_what_onnxruntime_gives_here(holder: Client) -> None:
    upload_model(holder, DIGITS, ModelFormat.ONNX, Engine.ONNXRUNTIME, threads=1)
    answer = holder.run(iterations=2, seed=3)
    data = draw_float32_input(3, 0, 64)
    assert answer.input_crc32 == zlib.crc32(data)
    assert answer.output_crc32 == zlib.crc32(onnx_output(DIGITS, data))
    holder.send_input(0, data)
    assert holder.run(input_source=SENT).output_crc32 == answer.output_crc32


def test_a_plan_comes_as_a_model_too(holder: Client) -> None:
    plan = lookup_plan((64,), ops=2)
    ended = upload_model(holder, plan, ModelFormat.PLAN)
    assert (ended.input_count, ended.output_count) == (1, 1)
    answer = holder.run(seed=5)
    assert answer.output_crc32 == zlib.crc32(look_up(draw_input(5, 0, 64), 2))
    with refused(ErrorCode.PLAN_CHECKSUM):
        upload_model(holder, plan[:-1] + b"?", ModelFormat.PLAN)
    with refused(ErrorCode.NO_PLAN):
        holder.run()


def test_plans_and_models_take_each_others_place(holder: Client) -> None:
    upload_model(holder, DIGITS, ModelFormat.ONNX)
    holder.upload(lookup_plan((64,), ops=2))
    answer = holder.run(seed=5)
    assert answer.output_crc32 == zlib.crc32(look_up(draw_input(5, 0, 64), 2))
    # It is still on the disk, and has to be loaded again.
    assert begin_model(holder, DIGITS, ModelFormat.ONNX).next_offset == len(DIGITS)
    with refused(ErrorCode.NO_PLAN):
        holder.run()
    holder.ask(MessageType.MODEL_END)
    assert holder.run(seed=3).input_crc32 == zlib.crc32(draw_float32_input(3, 0, 64))


def test_inputs_are_checked_as_a_plans_are(holder: Client) -> None:
    upload_model(holder, DIGITS, ModelFormat.ONNX)
    with refused(ErrorCode.INPUT_STALE):
        holder.run(input_source=SENT)
    holder.send_input(0, bytes(255))
    with refused(ErrorCode.INPUT_STALE):
        holder.run(input_source=SENT)
    with refused(ErrorCode.BAD_RANGE):
        holder.ask(MessageType.INPUT, index=0, offset=255, data=b"xx")
    with refused(ErrorCode.BAD_INDEX):
        holder.ask(MessageType.INPUT, index=1, offset=0, data=b"x")
    assert holder.ask(MessageType.INPUT, index=0, offset=77, data=b"x").next_offset == 255
    holder.ask(MessageType.INPUT, index=0, offset=255, data=b"\0")
    holder.run(input_source=SENT)
    holder.release()
    other = Client(holder.agent, session=99)
    other.take()
    with refused(ErrorCode.INPUT_STALE):
        other.run(input_source=SENT)


def test_an_engine_without_ops_has_no_profile_and_no_arena(holder: Client) -> None:
    upload_model(holder, DIGITS, ModelFormat.ONNX)
    for kind in (MessageType.PROFILE, MessageType.ARENA):
        with refused(ErrorCode.UNSUPPORTED):
            holder.ask(kind)
    for fields in ({"flags": 1}, {"op_limit": 1}):
        with refused(ErrorCode.UNSUPPORTED):
            holder.run(**fields)
    with refused(ErrorCode.TOO_MANY_ITERATIONS):
        holder.run(iterations=1001)
    with refused(ErrorCode.BAD_REQUEST):
        holder.run(iterations=0)
    with refused(ErrorCode.BAD_INDEX):
        holder.ask(MessageType.OUTPUT, index=1, length=1, offset=0)
    with refused(ErrorCode.BAD_RANGE):
        holder.ask(MessageType.OUTPUT, index=0, length=1, offset=41)


def test_a_repeated_run_of_a_model_is_not_done_twice(holder: Client) -> None:
    upload_model(holder, DIGITS, ModelFormat.ONNX)
    run = holder.frame(MessageType.RUN, iterations=5, input_source=1, seed=1, op_limit=0xFFFF)
    first = holder.exchange(run)
    # Done twice, it would take another time.
    assert holder.exchange(run) == first


def test_the_report_names_engine_memory_and_cpus(holder: Client) -> None:
    begin_model(holder, DIGITS, ModelFormat.ONNX)
    with refused(ErrorCode.NO_PLAN):
        report(holder)
    upload_model(holder, DIGITS, ModelFormat.ONNX, threads=1)
    holder.run()
    seen = report(holder)
    assert seen.engine is not None
    assert seen.engine.startswith("onnxruntime 1.")
    assert seen.rss_bytes is not None
    assert seen.peak_rss_bytes is not None
    # An interpreter with NumPy and onnxruntime takes tens of megabytes.
    assert 20e6 < seen.rss_bytes <= seen.peak_rss_bytes < 1e9
    assert (seen.threads, len(seen.cpus or ())) == (1, 1)
    holder.upload(lookup_plan())
    holder.run()
    seen = report(holder)
    assert seen.engine == "jump_rt 0.1.0"
    assert 0 < (seen.rss_bytes or 0) < 40e6


def test_threads_are_pinned_to_as_many_cpus(holder: Client) -> None:
    cpus = len(os.sched_getaffinity(0))
    upload_model(holder, DIGITS, ModelFormat.ONNX, threads=2)
    seen = report(holder)
    assert (seen.threads, len(seen.cpus or ())) == (2, min(2, cpus))
    # Another number of threads is another way to load the same bytes.
    assert begin_model(holder, DIGITS, ModelFormat.ONNX, threads=1).next_offset == len(DIGITS)
    with refused(ErrorCode.NO_PLAN):
        holder.run()


def test_uploads_go_back_and_are_resumed(holder: Client, model_folder: Path) -> None:
    begun = begin_model(holder, DIGITS, ModelFormat.ONNX)
    assert begun.next_offset == 0
    chunk = {"offset": 0, "data": DIGITS[:1000]}
    assert holder.ask(MessageType.MODEL_CHUNK, **chunk).next_offset == 1000
    assert holder.ask(MessageType.MODEL_CHUNK, **chunk).next_offset == 1000
    late = {"offset": 5000, "data": b"late"}
    assert holder.ask(MessageType.MODEL_CHUNK, **late).next_offset == 1000
    with refused(ErrorCode.BAD_RANGE) as refusal:
        holder.ask(MessageType.MODEL_END)
    assert (refusal.value.answer.needed, refusal.value.answer.available) == (len(DIGITS), 1000)
    holder.release()
    other = Client(holder.agent, session=99)
    other.take()
    assert begin_model(other, DIGITS, ModelFormat.ONNX).next_offset == 1000
    upload_model(other, DIGITS, ModelFormat.ONNX)
    assert begin_model(other, DIGITS, ModelFormat.ONNX).next_offset == len(DIGITS)
    assert len([path for path in model_folder.iterdir() if path.name.startswith("model-")]) == 1
