"""What goes wrong: engines that crash or hang, uploads that lie, a store that is another's."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import ai_edge_litert.schema_py_generated as schema
import flatbuffers
import onnx
import psutil
import pytest

from agent.linux.refusal import Refusal
from protocol.errors import ErrorCode
from protocol.messages import (
    ALIVE_MESSAGE,
    ALL_OPS,
    MAX_ERROR_TEXT_BYTES,
    Engine,
    MessageType,
    ModelFormat,
)
from tests.agent.linux.linux_agent import (
    EXAMPLES,
    begin_model,
    files_in,
    linux_agent,
    report,
    upload_model,
)
from tests.firmware.agent.agent_process import AgentError, Client
from tests.firmware.agent.plans import lookup_plan
from tests.firmware.agent.test_session import refused
from tests.support.linux_agent import started_agent

ONNX = (EXAMPLES / "digits_mlp.onnx").read_bytes()
TFLITE = (EXAMPLES / "digits_mlp_int8.tflite").read_bytes()
HANG_S = 2.0


@pytest.fixture
def impatient(model_folder: Path) -> Iterator[Client]:
    """The holder of an agent that takes two seconds of silence for a hang."""
    with linux_agent("--store", str(model_folder), "--hang-s", str(HANG_S)) as agent:
        client = Client(agent)
        client.take()
        yield client


def process_of(client: Client, program: str) -> psutil.Process:
    """The child of the agent whose command line has ``program``."""
    children = psutil.Process(client.agent.process.pid).children()
    return next(child for child in children if any(program in word for word in child.cmdline()))


def long_run(client: Client, iterations: int = 1000) -> None:
    """Sends a RUN; its answer is not waited for."""
    fields = {"iterations": iterations, "input_source": 1, "seed": 1, "op_limit": ALL_OPS}
    client.agent.send(client.frame(MessageType.RUN, **fields).to_wire())


def test_a_crash_is_an_error_and_not_the_end(holder: Client) -> None:
    upload_model(holder, ONNX, ModelFormat.ONNX)
    process_of(holder, "worker").send_signal(signal.SIGSEGV)
    with refused(ErrorCode.ENGINE_FAILED) as refusal:
        holder.run()
    assert refusal.value.answer.text.endswith(b" was ended by signal SIGSEGV")
    holder.upload(lookup_plan())
    process_of(holder, "pc-agent").kill()
    with refused(ErrorCode.ENGINE_FAILED) as refusal:
        holder.run()
    assert refusal.value.answer.text.startswith(b"jump_rt 0.1.0 was ended by signal SIGKILL")
    with refused(ErrorCode.NO_PLAN):
        holder.run()
    upload_model(holder, ONNX, ModelFormat.ONNX)
    process_of(holder, "worker").kill()
    with refused(ErrorCode.ENGINE_FAILED):
        holder.run()
    with refused(ErrorCode.NO_PLAN):
        report(holder)
    holder.ask(MessageType.MODEL_END)
    assert holder.run().iterations == 1


def test_a_crash_in_mid_run(holder: Client) -> None:
    upload_model(holder, TFLITE, ModelFormat.TFLITE)
    worker = process_of(holder, "worker")
    worker.suspend()
    long_run(holder)
    time.sleep(0.2)
    worker.send_signal(signal.SIGABRT)
    worker.resume()
    request = holder.frame(MessageType.RUN, sequence=holder.sequence)
    with refused(ErrorCode.ENGINE_FAILED):
        holder.answer_to(request)
    holder.ask(MessageType.MODEL_END)
    assert holder.run().iterations == 1


def test_a_hang_shows_signs_of_life_and_ends(impatient: Client) -> None:
    upload_model(impatient, TFLITE, ModelFormat.TFLITE)
    process_of(impatient, "worker").suspend()
    started = time.monotonic()
    with refused(ErrorCode.ENGINE_FAILED) as refusal:
        impatient.run()
    assert refusal.value.answer.text.endswith(b" said nothing for 2 s")
    assert HANG_S <= time.monotonic() - started < HANG_S + 3
    alive = [ALIVE_MESSAGE.parse(frame.payload) for frame in impatient.alive]
    assert alive
    assert all((sign.op, sign.op_count) == (0, 0) for sign in alive)
    impatient.ask(MessageType.PING)
    impatient.ask(MessageType.MODEL_END)
    assert impatient.run().iterations == 1


def test_a_plan_that_hangs(impatient: Client) -> None:
    impatient.upload(lookup_plan())
    process_of(impatient, "pc-agent").suspend()
    with refused(ErrorCode.ENGINE_FAILED):
        impatient.run()
    impatient.upload(lookup_plan())
    assert impatient.run().iterations == 1


def test_while_a_model_runs_others_are_told_so(impatient: Client) -> None:
    """They are answered at once, a repetition later and once, and the lease does not run out."""
    impatient.take(duration_ms=1_000, holder=b"rack-7")
    upload_model(impatient, TFLITE, ModelFormat.TFLITE)
    worker = process_of(impatient, "worker")
    worker.suspend()
    long_run(impatient, iterations=2)
    run = impatient.frame(
        MessageType.RUN,
        sequence=impatient.sequence,
        iterations=2,
        input_source=1,
        seed=1,
        op_limit=ALL_OPS,
    )
    impatient.agent.send(run.to_wire())
    time.sleep(1.4)
    other = Client(impatient.agent, session=99)
    hello = other.frame(MessageType.HELLO, protocol_min=1, protocol_max=1, session=99)
    take = other.frame(MessageType.LEASE, action=1, duration_ms=5000, holder=bytes(16))
    impatient.agent.send(hello.to_wire() + take.to_wire())
    seen = []
    while len(seen) < 2:
        frame = impatient.agent.receive()
        if frame.session == other.session:
            seen.append(frame.type)
    assert seen == [MessageType.HELLO | 0x80, MessageType.ERROR]
    worker.resume()
    first = impatient.answer_to(run)
    assert impatient.answer_to(run) == first
    with refused(ErrorCode.BUSY):
        other.take()


def test_ten_gigabytes_are_refused_and_nothing_is_written(
    holder: Client, model_folder: Path
) -> None:
    before = files_in(model_folder)
    with refused(ErrorCode.MODEL_TOO_LARGE) as refusal:
        begin_model(holder, b"", ModelFormat.ONNX, size_bytes=10 * 10**9)
    assert (refusal.value.answer.needed, refusal.value.answer.available) == (0xFFFFFFFF, 1 << 30)
    with refused(ErrorCode.NO_UPLOAD):
        holder.ask(MessageType.MODEL_CHUNK, offset=0, data=b"x")
    with refused(ErrorCode.NO_UPLOAD):
        holder.ask(MessageType.MODEL_END)
    assert files_in(model_folder) == before


@pytest.mark.parametrize(
    "name",
    [
        b"../../etc/passwd",
        b"/tmp/model",
        b"a/b",
        b"a\\b",
        b"..",
        b".",
        b"",
        b"a\0b",
        b"a\nb",
        "right\u202eleft".encode(),
        b"\xff\xfe",
        b"n" * 65,
    ],
)
def test_a_name_is_a_label_and_never_a_path(
    holder: Client, model_folder: Path, name: bytes
) -> None:
    before = files_in(model_folder)
    with refused(ErrorCode.MODEL_NAME):
        begin_model(holder, ONNX, ModelFormat.ONNX, name=name)
    assert files_in(model_folder) == before


def test_a_wrong_hash_leaves_nothing(holder: Client, model_folder: Path) -> None:
    before = files_in(model_folder)
    with refused(ErrorCode.MODEL_HASH):
        upload_model(holder, ONNX, ModelFormat.ONNX, sha256=bytes(32))
    assert files_in(model_folder) == before
    with refused(ErrorCode.NO_UPLOAD):
        holder.ask(MessageType.MODEL_END)
    assert upload_model(holder, ONNX, ModelFormat.ONNX).input_count == 1


def test_more_than_was_announced_is_refused(holder: Client) -> None:
    begin_model(holder, ONNX, ModelFormat.ONNX, size_bytes=10)
    with refused(ErrorCode.BAD_RANGE):
        holder.ask(MessageType.MODEL_CHUNK, offset=0, data=bytes(11))
    assert holder.ask(MessageType.MODEL_CHUNK, offset=0, data=ONNX[:10]).next_offset == 10


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"model_format": 4}, ErrorCode.BAD_REQUEST),
        ({"model_format": ModelFormat.BUNDLE}, ErrorCode.UNSUPPORTED),
        ({"model_format": 1, "engine": 4}, ErrorCode.BAD_REQUEST),
        ({"model_format": ModelFormat.TFLITE, "engine": Engine.ONNXRUNTIME}, ErrorCode.UNSUPPORTED),
        ({"model_format": ModelFormat.ONNX, "engine": Engine.JUMP_RT}, ErrorCode.UNSUPPORTED),
    ],
)
def test_engines_read_what_they_offer(
    holder: Client, fields: dict[str, int], code: ErrorCode
) -> None:
    with refused(code):
        begin_model(holder, ONNX, **fields)  # type: ignore[arg-type]  # on purpose


@pytest.mark.parametrize("model_format", [ModelFormat.TFLITE, ModelFormat.ONNX])
def test_garbage_is_refused_by_the_engine(holder: Client, model_format: ModelFormat) -> None:
    for garbage in (b"", b"garbage" * 100, TFLITE[:600], ONNX[:600]):
        # An interpreter may refuse it or die of it.
        with pytest.raises(AgentError) as refusal:
            upload_model(holder, garbage, model_format)
        assert refusal.value.code in (ErrorCode.MODEL_REFUSED, ErrorCode.ENGINE_FAILED)
        with refused(ErrorCode.NO_PLAN):
            holder.run()
    holder.ask(MessageType.PING)


def with_custom_op(model: bytes, name: str) -> bytes:
    """``model`` with its first kind of op replaced by one that no runtime has."""
    unpacked = schema.ModelT.InitFromPackedBuf(model)
    code = unpacked.operatorCodes[0]
    code.builtinCode = code.deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    code.customCode = name
    builder = flatbuffers.Builder()
    builder.Finish(unpacked.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def test_what_an_engine_lacks_is_named(holder: Client, model_folder: Path) -> None:
    """By the engine's own message, on one line, without where the agent keeps the model."""
    network = onnx.load_from_string(ONNX)
    network.graph.node[0].op_type = "Frobnicate"
    unknown = network.SerializeToString()
    custom = with_custom_op(TFLITE, "Frobnicate")
    for model, model_format in ((unknown, ModelFormat.ONNX), (custom, ModelFormat.TFLITE)):
        with refused(ErrorCode.MODEL_REFUSED) as refusal:
            upload_model(holder, model, model_format)
        text = refusal.value.answer.text.decode()
        assert "Frobnicate" in text
        assert text.startswith(("onnxruntime 1.", "litert 2."))
        assert text.isprintable()
        assert str(model_folder) not in text


def test_long_reasons_are_cut() -> None:
    why = "é" * MAX_ERROR_TEXT_BYTES
    assert Refusal(ErrorCode.MODEL_REFUSED, "x" + why).text.decode() == "x" + "é" * 255
    assert Refusal(ErrorCode.MODEL_REFUSED, " a\n\t b ").text == b"a b"
    assert Refusal(ErrorCode.MODEL_HASH).text == b""


def test_a_reset_and_an_end_delete_what_was_sent(model_folder: Path) -> None:
    with linux_agent("--store", str(model_folder)) as agent:
        client = Client(agent)
        client.take()
        upload_model(client, ONNX, ModelFormat.ONNX)
        worker = process_of(client, "worker")
        client.ask(MessageType.RESET)
        assert client.hello().boot_count == 2
        client.take()
        with refused(ErrorCode.NO_PLAN):
            client.run()
        assert not [name for name in files_in(model_folder) if name.startswith("model-")]
        assert not worker.is_running()
        upload_model(client, ONNX, ModelFormat.ONNX)
        children = psutil.Process(agent.process.pid).children()
    assert not [child for child in children if child.is_running()]
    assert not [name for name in files_in(model_folder) if name.startswith("model-")]


def test_what_a_killed_agent_left_is_deleted_and_its_starts_are_counted(model_folder: Path) -> None:
    with linux_agent("--store", str(model_folder)) as agent:
        client = Client(agent)
        client.take()
        begin_model(client, ONNX, ModelFormat.ONNX)
        assert [name for name in files_in(model_folder) if name.startswith("model-")]
        (model_folder / "boot_count").write_text("7\n")
        left = model_folder / "model-left"
        os.link(next(model_folder.glob("model-*")), left)
    assert left.exists()
    with linux_agent("--store", str(model_folder)) as agent:
        assert Client(agent).hello().boot_count == 8
        assert not left.exists()


def test_two_agents_do_not_share_a_store(client: Client, model_folder: Path) -> None:
    client.hello()
    second = subprocess.run(
        [sys.executable, "-m", "agent.linux", "--stdio", "--store", str(model_folder)],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
    )
    assert second.returncode == 2
    assert "another agent uses this folder" in second.stderr


def test_a_client_that_stays_does_not_keep_the_agent_from_ending() -> None:
    with started_agent("--tcp", "127.0.0.1:0", "--no-plans") as (process, address):
        host, _, port = address.rpartition(":")
        with socket.create_connection((host, int(port))) as client:
            client.sendall(b"\0")
            process.terminate()
            assert process.wait(timeout=10) == 0
