"""The MicroPython agent as a whole, on CPython and on MicroPython's WebAssembly port."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from hil.conformance.board import Board, Refused
from host.compiler import compile_graph
from host.links.tcp import TcpLink
from host.measurement.measure import MeasureRequest, run_measurement
from host.measurement.observer import Silent
from host.models.loader import load_model
from protocol.errors import ErrorCode
from protocol.generator import draw_input
from protocol.measurement import Fidelity, Verdict
from protocol.messages import ALIVE_MESSAGE, NO_INDEX, MessageType
from protocol.plan import PLAN_HEADER, PLAN_IO, PLAN_TENSOR
from tests.support.jr_runner import JrRunner, build_runner
from tests.support.make import ROOT
from tests.support.micropython_agent import AGENT, INTERPRETERS, running_micropython_agent
from tests.support.mutations import mutate, plan_fields
from tests.support.sample_plans import arena_bytes_of, sample_plans

EXAMPLES = ROOT / "examples"
PLANS = sample_plans()
HOSTILE_PLANS = 400


@pytest.fixture(scope="module", params=INTERPRETERS)
def port(request: pytest.FixtureRequest) -> Iterator[int]:
    """An agent's TCP port, on each interpreter."""
    with running_micropython_agent(request.param) as number:
        yield number


@pytest.fixture(scope="module")
def runtime() -> Iterator[JrRunner]:
    with JrRunner(build_runner()) as runner:
        yield runner


def board_on(port: int) -> Board:
    return Board(lambda: TcpLink("127.0.0.1", port), deadline_s=30)


@pytest.mark.parametrize("model", ["digits_mlp_int8", "digits_cnn_int8"])
def test_a_model_is_exact(port: int, model: str) -> None:
    request = MeasureRequest(
        model=EXAMPLES / f"{model}.tflite",
        port=f"tcp://127.0.0.1:{port}",
        iterations=2,
        warmup=0,
    )
    record = run_measurement(request, Silent()).record
    assert record.output.verdict == Verdict.EXACT
    # Its latency is not the C runtime's, and says so.
    assert record.board.engine is not None
    assert record.board.engine.startswith("micropython ")
    assert "jump_rt" not in record.board.engine
    assert record.latency_ms is not None
    assert record.latency_ms.median > 0


def test_what_emulates_it_is_named() -> None:
    with running_micropython_agent("micropython") as number:
        request = MeasureRequest(
            model=EXAMPLES / "digits_mlp_int8.tflite",
            port=f"tcp://127.0.0.1:{number}",
            iterations=1,
            warmup=0,
        )
        record = run_measurement(request, Silent()).record
    assert record.evidence.fidelity == Fidelity.ISA_PROXY
    assert "WebAssembly" in (record.evidence.emulator or "")
    assert record.board.engine == "micropython 1.27.0 jump_mp 0.1.0"


def with_inputs(plan: bytes, arena: bytes, seed: int) -> bytes:
    """``arena`` with the inputs that ``seed`` draws."""
    header = PLAN_HEADER.parse(plan)
    filled = bytearray(arena)
    for index in range(header.input_count):
        io = PLAN_IO.parse(plan[header.io_offset + index * PLAN_IO.sizeof() :])
        tensor = PLAN_TENSOR.parse(plan[header.tensors_offset + io.tensor * PLAN_TENSOR.sizeof() :])
        data = draw_input(seed, index, tensor.size_bytes)
        filled[tensor.arena_offset : tensor.arena_offset + len(data)] = data
    return bytes(filled)


def test_every_kernel_gives_what_the_runtime_gives(port: int, runtime: JrRunner) -> None:
    """The whole arena after each sample plan, with the same bytes in it before."""
    board = board_on(port)
    try:
        with board.lease() as session:
            for name, plan in PLANS.items():
                size = arena_bytes_of(plan)
                session.upload(plan)
                before = session.read(MessageType.ARENA, 0, size)
                session.run(seed=11)
                got = session.read(MessageType.ARENA, 0, size)
                assert runtime.load(plan, size).code == 0
                runtime.write_arena(0, with_inputs(plan, before, 11))
                runtime.run()
                expected = runtime.read_arena(0, size)
                assert outputs_of(plan, got) == outputs_of(plan, expected), name
    finally:
        board.link.close()


def outputs_of(plan: bytes, arena: bytes) -> list[bytes]:
    """Of every tensor: what only scratch holds is each engine's own."""
    header = PLAN_HEADER.parse(plan)
    found = []
    for index in range(header.tensor_count):
        tensor = PLAN_TENSOR.parse(plan[header.tensors_offset + index * PLAN_TENSOR.sizeof() :])
        found.append(arena[tensor.arena_offset : tensor.arena_offset + tensor.size_bytes])
    return found


def test_a_long_run_says_that_it_lives() -> None:
    plan = compile_graph(load_model(EXAMPLES / "digits_cnn_int8.tflite")).data
    with running_micropython_agent("micropython") as number:
        board = board_on(number)
        tick_hz = board.capabilities.tick_hz
        with board.lease() as session:
            session.upload(plan)
            session.take(duration_ms=1_000)
            # Whatever the machine: a run of over two seconds.
            (ticks,) = session.run().ticks
            iterations = min(board.capabilities.max_batch, 3 * tick_hz // ticks + 1)
            answer = session.run(iterations)
            # The lease did not run out under the run.
            session.ask(MessageType.PLAN_END)
        board.link.close()
    assert sum(answer.ticks) > 2 * tick_hz
    assert session.alive
    for frame in session.alive:
        alive = ALIVE_MESSAGE.parse(frame.payload)
        assert alive.op <= alive.op_count == PLAN_HEADER.parse(plan).op_count


def test_a_kernel_that_fails_is_an_error_code_and_not_the_end(tmp_path: Path) -> None:
    """As one does that finds too little heap for a row of weights."""
    folder = tmp_path / "agent"
    shutil.copytree(AGENT, folder, ignore=shutil.ignore_patterns("__pycache__"))
    kernel = folder / "kernels" / "softmax.py"
    kernel.write_text(kernel.read_text().replace("output = op.output()", "raise MemoryError"))
    with running_micropython_agent("cpython", "--agent", str(folder)) as number:
        board = board_on(number)
        with board.lease() as session:
            session.upload(PLANS["softmax"])
            with pytest.raises(Refused) as refusal:
                session.run()
            assert refusal.value.code == ErrorCode.ENGINE_FAILED
            # What state its arena is in nobody knows.
            session.is_refused(ErrorCode.NO_PLAN, MessageType.RUN, iterations=1)
            session.upload(PLANS["reshape"])
            assert session.run().iterations == 1
        board.link.close()


def test_boots_are_counted_and_the_repl_is_within_reach(tmp_path: Path) -> None:
    folder = Path(__file__).parent
    nothing = tmp_path / "data.json"
    nothing.write_text("{}")
    done = subprocess.run(
        ["node", str(folder / "run_script.mjs"), str(folder / "check_board.py"), str(nothing)],
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stdout) == (0, "done\n"), done.stdout + done.stderr


def test_hostile_plans_get_the_runtimes_codes_on_micropython(runtime: JrRunner) -> None:
    """Where integers have 31 bits before they are large ones, as on a board."""
    rng = random.Random(23)
    seeds = [(plan, plan_fields(plan)) for plan in PLANS.values()]
    with running_micropython_agent("micropython") as number:
        board = board_on(number)
        codes = set()
        with board.lease() as session:
            for _ in range(HOSTILE_PLANS):
                plan = mutate(*rng.choice(seeds), rng)
                arena_bytes = (board.capabilities.pool_bytes - -(-len(plan) // 16) * 16) // 16 * 16
                expected = runtime.load(plan, arena_bytes)
                try:
                    session.upload(plan)
                    code, index = 0, NO_INDEX
                    session.run()
                except Refused as refusal:
                    code, index = refusal.code, refusal.answer.index
                assert (code, index) == (expected.code, expected.index)
                codes.add(code)
        board.link.close()
    assert len(codes) > 10
