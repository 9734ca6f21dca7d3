"""The Cortex-M33's own kernels give what the portable ones give, bit for bit, on an emulated core.

The portable kernels are held against TFLM elsewhere (tests/firmware/runtime).
"""

from __future__ import annotations

import attrs
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from host.compiler import CompiledPlan, CompileOptions, compile_graph
from host.models.graph import DType, OpKind
from host.models.tflite_importer import import_tflite
from tests.support.m33_core import Job, build_image, run_jobs
from tests.support.single_op_models import INT4_STRATEGIES, SingleOpModel, single_op_models

MODELS_PER_KIND = 250
KINDS = (
    OpKind.CONV_2D,
    OpKind.DEPTHWISE_CONV_2D,
    OpKind.FULLY_CONNECTED,
    OpKind.ADD,
    OpKind.AVERAGE_POOL_2D,
)
SCALED_KINDS = (OpKind.CONV_2D, OpKind.DEPTHWISE_CONV_2D, OpKind.FULLY_CONNECTED)
CASES = [
    *(pytest.param(kind, DType.INT8, id=kind.value) for kind in KINDS),
    *(pytest.param(kind, DType.INT4, id=f"{kind.value}-int4") for kind in INT4_STRATEGIES),
]
SCALED_CASES = [case for case in CASES if case.values[0] in SCALED_KINDS]
STACK_LIMIT_BYTES = 1024


def models_of(kind: OpKind, count: int, weights: DType = DType.INT8) -> list[SingleOpModel]:
    """Drawn one by one, to run in one process."""
    drawn: list[SingleOpModel] = []

    @settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )
    @given(data=st.data())
    def draw(data: st.DataObject) -> None:
        drawn.append(data.draw(single_op_models(kind, weights)))

    draw()
    return drawn


def job_of(plan: CompiledPlan, model: SingleOpModel) -> Job:
    arena = bytearray(b"\x5a" * plan.arena_bytes)
    for index, values in zip(model.graph.inputs, model.inputs, strict=True):
        place = plan.tensor_map[index]
        arena[place.arena_offset : place.arena_offset + place.size_bytes] = values.tobytes()
    return Job(plan.data, bytes(arena))


def assert_twins(cases: list[tuple[SingleOpModel, CompiledPlan]]) -> None:
    """Runs every plan with both kinds of kernels, all plans of a kind in one process."""
    jobs = [job_of(plan, model) for model, plan in cases]
    portable = run_jobs(build_image("portable"), jobs)
    own = run_jobs(build_image("m33"), jobs)
    for (model, plan), expected, found in zip(cases, portable, own, strict=True):
        assert (expected.code, found.code) == (0, 0), model
        place = plan.tensor_map[model.graph.outputs[0]]
        where = slice(place.arena_offset, place.arena_offset + place.size_bytes)
        scratch = [op.scratch_bytes for op in plan.ops]
        assert found.arena[where] == expected.arena[where], f"{model}, scratch {scratch}"
        assert found.stack_bytes <= STACK_LIMIT_BYTES


@pytest.mark.parametrize(("kind", "weights"), CASES)
def test_own_kernels_equal_the_portable_ones(kind: OpKind, weights: DType) -> None:
    cases: list[tuple[SingleOpModel, CompiledPlan]] = []
    for model in models_of(kind, MODELS_PER_KIND, weights):
        graph = import_tflite(model.tflite, "model")
        # All scratch that makes it fast, in place where that can be, and the least that works.
        for options in (
            CompileOptions(preserve_all=True),
            CompileOptions(),
            CompileOptions(arena_limit_bytes=1),
        ):
            cases.append((model, compile_graph(graph, options)))
    assert_twins(cases)


@pytest.mark.parametrize(("kind", "weights"), SCALED_CASES)
@pytest.mark.parametrize("finer", [2.0**7, 2.0**12])
def test_multipliers_of_one_and_more(kind: OpKind, weights: DType, finer: float) -> None:
    """Which shift left, and which the fast requantization is not for."""
    cases: list[tuple[SingleOpModel, CompiledPlan]] = []
    for model in models_of(kind, 30, weights):
        tensors = list(model.graph.tensors)
        (output,) = model.graph.outputs
        quantization = tensors[output].quantization
        assert quantization is not None
        fine = attrs.evolve(quantization, scales=quantization.scales / np.float32(finer))
        tensors[output] = attrs.evolve(tensors[output], quantization=fine)
        cases.append((model, compile_graph(attrs.evolve(model.graph, tensors=tensors))))
    assert_twins(cases)
