"""The engine in Python against TensorFlow Lite Micro, and against the C runtime."""

from __future__ import annotations

import random
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from host.compiler import CompileOptions, compile_graph
from host.models.graph import DType, OpKind
from host.models.loader import load_model
from host.models.tflite_importer import import_tflite
from protocol.errors import ErrorCode
from tests.support.jr_runner import JrRunner, build_runner
from tests.support.layers import assert_layers_equal
from tests.support.make import ROOT
from tests.support.mutations import mutate, plan_fields
from tests.support.sample_plans import arena_bytes_of, sample_plans
from tests.support.single_op_models import STRATEGIES, single_op_models, weight_cases
from tests.support.tflm import Tflm

SERVER = Path(__file__).with_name("engine_server.py")
EXAMPLES_PER_KIND = 12
PLANS = sample_plans()
MUTATIONS = 3_000


@pytest.fixture(scope="module")
def engine() -> Iterator[JrRunner]:
    """The engine in Python, asked as the C runtime is."""
    with JrRunner([sys.executable, str(SERVER)]) as runner:
        yield runner


@pytest.fixture(scope="module")
def runtime() -> Iterator[JrRunner]:
    with JrRunner(build_runner()) as runner:
        yield runner


@pytest.fixture(scope="module")
def tflm() -> Iterator[Tflm]:
    with Tflm() as oracle:
        yield oracle


@pytest.mark.parametrize(("kind", "weights"), weight_cases(STRATEGIES))
def test_single_op_equals_tflm(engine: JrRunner, tflm: Tflm, kind: OpKind, weights: DType) -> None:
    @settings(
        max_examples=EXAMPLES_PER_KIND,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(data=st.data())
    def check(data: st.DataObject) -> None:
        model = data.draw(single_op_models(kind, weights))
        graph = import_tflite(model.tflite, "model")
        for options in (CompileOptions(preserve_all=True), CompileOptions()):
            compiled = compile_graph(graph, options)
            assert_layers_equal(engine, tflm, model.tflite, graph, compiled, list(model.inputs))

    check()


@pytest.mark.parametrize("name", PLANS)
def test_sample_plans_give_what_the_runtime_gives(
    engine: JrRunner, runtime: JrRunner, name: str
) -> None:
    plan, arena_bytes = PLANS[name], arena_bytes_of(PLANS[name])
    content = random.Random(name).randbytes(arena_bytes)
    results = []
    for runner in (engine, runtime):
        assert runner.load(plan, arena_bytes).code == 0
        runner.write_arena(0, content)
        results.append(runner.run())
    assert results[0] == results[1]


def test_reciprocals_are_the_runtimes(engine: JrRunner, runtime: JrRunner) -> None:
    sums = np.random.default_rng(5).integers(1, 1 << 32, 2_000, dtype=np.uint32)
    sums[:64] = [1 << bit for bit in range(32)] + [(1 << bit) - 1 or 1 for bit in range(1, 33)]
    assert (engine.reciprocals(sums) == runtime.reciprocals(sums)).all()


def test_hostile_plans_are_refused_as_the_runtime_refuses_them(
    engine: JrRunner, runtime: JrRunner
) -> None:
    """The same code and index, whatever is wrong; what passes gives the same bytes."""
    rng = random.Random(17)
    seeds = [(plan, plan_fields(plan), arena_bytes_of(plan)) for plan in PLANS.values()]
    codes: Counter[int] = Counter()
    for _ in range(MUTATIONS):
        plan, fields, arena_bytes = rng.choice(seeds)
        damaged = mutate(plan, fields, rng)
        room = arena_bytes + rng.choice([0, 0, 0, 1, 4096])
        answer, expected = engine.load(damaged, room), runtime.load(damaged, room)
        assert (answer.code, answer.index) == (expected.code, expected.index)
        codes[answer.code] += 1
        if answer.code == 0:
            assert engine.run() == runtime.run()
    assert codes[0] > MUTATIONS // 20
    assert len(codes) > len([code for code in ErrorCode if code.name.startswith("PLAN_")]) - 3


def test_a_whole_model_is_exact_layer_by_layer(engine: JrRunner, tflm: Tflm) -> None:
    path = ROOT / "examples" / "digits_cnn_int8.tflite"
    graph = load_model(path)
    compiled = compile_graph(graph)
    rng = np.random.default_rng(3)
    inputs = [rng.integers(-128, 128, c.shape).astype(np.int8) for c in compiled.inputs]
    assert assert_layers_equal(engine, tflm, path.read_bytes(), graph, compiled, inputs) > 1_000
