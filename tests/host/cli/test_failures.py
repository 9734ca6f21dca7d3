"""Bad input and bad boards: each a clear message, the right exit code, no traceback."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import attrs
import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from host.links.open import open_link
from host.session import Session
from protocol.framing import Frame
from protocol.messages import MessageType
from tests.host.cli.conftest import HostCommand, start_until
from tests.support.faulty_link import Faults, FaultyLink
from tests.support.pc_agent import ROOT, running_agent

EXAMPLES = ROOT / "examples"
MLP = EXAMPLES / "digits_mlp_int8.tflite"
CNN = EXAMPLES / "digits_cnn_int8.tflite"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--iterations", "0"], "iterations"),
        (["--plan-store", "tape"], "plan-store"),
        (["--no-such-option"], "no-such-option"),
        (["nothing.tflite"], "nothing.tflite: no such file"),
        ([MLP, "--model", MLP], "give one"),
        (["--board", "pdp11"], "known boards: uno, "),
        ([MLP, "--input", "nothing.npy"], "nothing.npy: no such file"),
        ([MLP, "--seed", "1", "--input", "x.npy"], "use one of them"),
        (["--port", "tcp://x:1", "--flash-model", "xip"], "--flash-model is for"),
        (["--port", "tcp://x:1", "--link", "usb"], "--link is for"),
        (["--port", "mqtt://rack"], "--port mqtt://rack"),
        ([MLP, "--save-output", "nowhere/y.npy"], "no such folder"),
        (["--flash-model", "instant"], "instant"),
        (["--board", "pc", "--flash-model", "xip"], "pc is not emulated"),
        (["--link", "carrier-pigeon"], "carrier-pigeon"),
    ],
)
def test_usage(host: HostCommand, arguments: list[object], message: str) -> None:
    done = host("measure", *arguments)
    assert done.returncode == 2
    assert message in done.stderr
    assert done.stdout == ""


def edited(change: Callable[[schema.ModelT], None]) -> bytes:
    """The MLP's file after ``change``."""
    model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(MLP.read_bytes()))
    change(model)
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    return bytes(builder.Output())


def use_an_unsupported_op(model: schema.ModelT) -> None:
    model.operatorCodes[0].builtinCode = schema.BuiltinOperator.SPACE_TO_DEPTH
    model.operatorCodes[0].deprecatedBuiltinCode = schema.BuiltinOperator.SPACE_TO_DEPTH


def make_uint8(model: schema.ModelT) -> None:
    for tensor in model.subgraphs[0].tensors:
        if tensor.type == schema.TensorType.INT8:
            tensor.type = schema.TensorType.UINT8


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            edited(use_an_unsupported_op),
            "is SPACE_TO_DEPTH, which is not supported; supported: ADD, ",
        ),
        (edited(make_uint8), "is uint8: quantize the model anew to int8"),
        (b"", "empty"),
        (b"\x00\x01\x02random bytes\xff" * 40, "no known model format"),
        (MLP.read_bytes()[:1500], "truncated or corrupt"),
        ((EXAMPLES / "digits_mlp_float.tflite").read_bytes(), "float32"),
    ],
    ids=["unsupported-op", "uint8", "empty", "random", "truncated", "float"],
)
def test_models_that_cannot_be_measured(
    host: HostCommand, agent_port: int, tmp_path: Path, content: bytes, message: str
) -> None:
    model = tmp_path / "m.tflite"
    model.write_bytes(content)
    done = host("measure", model, "--port", f"tcp://127.0.0.1:{agent_port}")
    assert done.returncode == 4
    assert done.stderr.startswith("error: ")
    assert message in done.stderr


def test_an_input_of_the_wrong_shape(host: HostCommand, agent_port: int, tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.zeros((8, 8), np.int8))
    done = host("measure", MLP, "--port", f"tcp://127.0.0.1:{agent_port}", "--input", path)
    assert done.returncode == 2
    assert "shape [8, 8] does not fit" in done.stderr
    assert "dtype int8" in done.stderr


def test_a_port_that_is_not_there(host: HostCommand) -> None:
    done = host("measure", MLP, "--port", "/dev/ttyNone7")
    assert done.returncode == 5
    assert "error: there is no port /dev/ttyNone7\nhint: " in done.stderr


def test_a_port_that_is_taken(host: HostCommand) -> None:
    with running_agent(transport=["--pty"]) as path:
        link = open_link(path)
        done = host("measure", MLP, "--port", path)
        link.close()
        assert done.returncode == 5
        assert f"port {path} is taken by another program\nhint: " in done.stderr
        assert host("measure", MLP, "--port", path).returncode == 0


def test_another_board_than_expected(host: HostCommand, agent_port: int) -> None:
    done = host("measure", MLP, "--port", f"tcp://127.0.0.1:{agent_port}", "--board", "pico")
    assert done.returncode == 5
    assert "is 'pc', not 'pico'" in done.stderr
    assert "uploading" not in done.stderr


@pytest.mark.parametrize(
    ("options", "arguments", "message"),
    [
        (
            ["--pool-bytes", "12288"],
            ["--plan-store", "ram"],
            "plan is 4,256 bytes too large for the ram store of pc: needs 15,520 bytes, has 11,264",
        ),
        (
            ["--pool-bytes", "16896"],
            [],
            "arena is 2,240 bytes too large for pc beside the plan in RAM: "
            "needs 3,584 bytes, has 1,344",
        ),
    ],
)
def test_a_board_too_small(
    host: HostCommand, options: list[str], arguments: list[str], message: str
) -> None:
    with running_agent(*options) as port:
        done = host("measure", CNN, "--port", f"tcp://127.0.0.1:{port}", *arguments)
    assert done.returncode == 5
    assert message in done.stderr
    assert "needs " in done.stderr
    assert " bytes, has " in done.stderr
    assert "uploading" not in done.stderr


def test_a_board_that_never_answers(host: HostCommand, agent_port: int) -> None:
    with FaultyLink(("127.0.0.1", agent_port), to_host=Faults(swallow_after_bytes=0)) as relay:
        started = time.monotonic()
        done = host("measure", MLP, "--port", relay.url)
    assert done.returncode == 6
    assert time.monotonic() - started < 20
    assert f"no answer from {relay.url} within 8.0 s to the greeting" in done.stderr
    assert "hint: " in done.stderr
    assert "power" in done.stderr


def test_a_board_that_resets_in_mid_run(host: HostCommand, agent_port: int) -> None:
    resets = 0

    def reset_before_second_run(frame: Frame) -> list[Frame]:
        nonlocal resets
        if frame.type != MessageType.RUN:
            return [frame]
        resets += 1
        if resets != 2:
            return [frame]
        reset = attrs.evolve(
            frame, type=MessageType.RESET, sequence=frame.sequence ^ 0x8000, payload=b""
        )
        return [reset, frame]

    with FaultyLink(
        ("127.0.0.1", agent_port), to_board=Faults(rewrite=reset_before_second_run)
    ) as relay:
        done = host("measure", MLP, "--port", relay.url)
    assert done.returncode == 5
    assert "the board reset in mid-run (cause software, boot count 1 → 2)" in done.stderr


def test_a_link_that_is_cut(host: HostCommand, agent_port: int) -> None:
    with FaultyLink(("127.0.0.1", agent_port), to_board=Faults(cut_after_bytes=3000)) as relay:
        done = host("measure", CNN, "--port", relay.url)
    assert done.returncode == 5
    assert f"error: {relay.url} closed the connection\nhint: " in done.stderr or (
        f"the connection to {relay.url} broke" in done.stderr
    )


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_releases_the_board(
    agent_port: int, number: signal.Signals, code: int
) -> None:
    slow = Faults(baud=150_000)
    with FaultyLink(("127.0.0.1", agent_port), to_board=slow, to_host=slow) as relay:
        process = start_until("uploading", "measure", CNN, "--port", relay.url)
        time.sleep(0.2)
        os.kill(process.pid, number)
        _, rest = process.communicate(timeout=20)
    assert process.returncode == code
    assert "Traceback" not in rest
    with Session(open_link(f"tcp://127.0.0.1:{agent_port}")) as session:
        session.connect()
        with session.lease():  # refused as busy if it were still held
            pass
