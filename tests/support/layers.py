"""Holds the runtime to TensorFlow Lite Micro, layer by layer."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from host.compiler import CompiledPlan
from host.models.graph import Graph
from protocol.plan import PLAN_HEADER, PLAN_IO, PLAN_TENSOR
from tests.support.jr_runner import JrRunner, split_outputs
from tests.support.tflm import Tflm


def random_inputs(compiled: CompiledPlan, seed: int) -> list[NDArray[np.int8]]:
    rng = np.random.default_rng(seed)
    return [rng.integers(-128, 128, c.shape).astype(np.int8) for c in compiled.inputs]


def run_layers(
    runner: JrRunner, compiled: CompiledPlan, inputs: list[NDArray[np.int8]]
) -> dict[int, bytes]:
    """Every op's output on the runtime, by tensor index of the plan.

    The arena has exactly the bytes that the plan asks for.
    """
    plan = compiled.data
    report = runner.load(plan, compiled.arena_bytes)
    assert report.code == 0, report
    header = PLAN_HEADER.parse(plan)
    for index, value in enumerate(inputs):
        io = PLAN_IO.parse(plan[header.io_offset + index * PLAN_IO.sizeof() :])
        tensor = PLAN_TENSOR.parse(plan[header.tensors_offset + io.tensor * PLAN_TENSOR.sizeof() :])
        assert tensor.size_bytes == value.nbytes
        runner.write_arena(tensor.arena_offset, value.tobytes())
    return dict(split_outputs(plan, runner.run()))


def assert_layers_equal(
    runner: JrRunner,
    tflm: Tflm,
    model: bytes,
    graph: Graph,
    compiled: CompiledPlan,
    inputs: list[NDArray[np.int8]],
) -> int:
    """Compares every tensor that an op of the plan writes; returns how many elements."""
    got = run_layers(runner, compiled, inputs)
    by_plan_tensor = {
        place.plan_tensor: index
        for index, place in compiled.tensor_map.items()
        if place.valid_after_op >= 0
    }
    assert set(got) <= set(by_plan_tensor), "a layer has no tensor of the model to compare with"
    sources = {index: graph.tensors[index].source_index for index in by_plan_tensor.values()}
    expected = tflm.tensors(model, inputs, [s for s in sources.values() if s is not None])
    compared = 0
    for plan_tensor, data in got.items():
        index = by_plan_tensor[plan_tensor]
        source = sources[index]
        assert source is not None
        wanted = expected[source].reshape(-1)
        actual = np.frombuffer(data, dtype=np.int8)
        assert actual.shape == wanted.shape
        different = np.flatnonzero(actual != wanted)
        assert different.size == 0, (
            f"{graph.tensors[index].name}: {different.size} of {wanted.size} elements differ, "
            f"first at {different[0]}: {actual[different[0]]}, TFLM has {wanted[different[0]]}"
        )
        compared += wanted.size
    return compared
