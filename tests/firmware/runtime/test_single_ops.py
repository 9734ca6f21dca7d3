"""Hundreds of generated models of one op each: the runtime against TensorFlow Lite Micro."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from host.compiler import CompileOptions, compile_graph
from host.models.graph import DType, OpKind
from host.models.tflite_importer import import_tflite
from tests.support.jr_runner import JrRunner
from tests.support.layers import assert_layers_equal
from tests.support.single_op_models import STRATEGIES, single_op_models, weight_cases
from tests.support.tflm import Tflm

EXAMPLES_PER_KIND = 60


@pytest.fixture(scope="module")
def tflm() -> Iterator[Tflm]:
    with Tflm() as oracle:
        yield oracle


@pytest.mark.parametrize(("kind", "weights"), weight_cases(STRATEGIES))
def test_single_op_equals_tflm(runner: JrRunner, tflm: Tflm, kind: OpKind, weights: DType) -> None:
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
        # Outputs apart from their inputs, and in place where the planner can; int4 weights are
        # unpacked into scratch: also with the least of it.
        ways = [CompileOptions(preserve_all=True), CompileOptions()]
        if weights is DType.INT4:
            ways.append(CompileOptions(arena_limit_bytes=1))
        for options in ways:
            compiled = compile_graph(graph, options)
            assert_layers_equal(runner, tflm, model.tflite, graph, compiled, list(model.inputs))

    check()
