"""Published models on an emulated Cortex-M33: every layer as the portable kernels have it, in no
more instructions than TFLM takes.

The limits are TensorFlow Lite Micro's with CMSIS-NN, gcc 12.2 at -O2, counted on the same emulator.
"""

from __future__ import annotations

import numpy as np
import pytest

from host.compiler import CompiledPlan, CompileOptions, compile_graph
from host.models.loader import load_model
from tests.support.m33_core import Job, build_image, run_jobs
from tests.support.models import published_model

INSTRUCTIONS = {
    "kws_dscnn_int8": 7_682_168,
    "ad01_int8": 583_404,
    "ic_resnet8_int8": 29_969_398,
    "hello_world_int8": None,
}
"""None: not counted."""


def job_of(plan: CompiledPlan, count: bool = False) -> Job:
    """Draws all of the arena, the inputs among it."""
    arena = np.random.default_rng(1).integers(0, 256, plan.arena_bytes)
    return Job(plan.data, arena.astype(np.uint8).tobytes(), count)


def tensors_of(plan: CompiledPlan, arena: bytes) -> dict[int, bytes]:
    return {
        index: arena[place.arena_offset : place.arena_offset + place.size_bytes]
        for index, place in plan.tensor_map.items()
    }


@pytest.mark.parametrize("name", INSTRUCTIONS)
def test_every_layer_equals_the_portable_kernels(name: str) -> None:
    graph = load_model(published_model(name))
    plan = compile_graph(graph, CompileOptions(preserve_all=True))
    (expected,) = run_jobs(build_image("portable"), [job_of(plan)])
    (found,) = run_jobs(build_image("m33"), [job_of(plan)])
    assert (expected.code, found.code) == (0, 0)
    assert tensors_of(plan, found.arena) == tensors_of(plan, expected.arena)


@pytest.mark.parametrize("name", INSTRUCTIONS)
def test_the_plan_as_boards_get_it(name: str) -> None:
    graph = load_model(published_model(name))
    plan = compile_graph(graph)
    (expected,) = run_jobs(build_image("portable"), [job_of(plan)])
    (found,) = run_jobs(build_image("m33"), [job_of(plan, count=True)])
    for output in graph.outputs:
        assert tensors_of(plan, found.arena)[output] == tensors_of(plan, expected.arena)[output]
    limit = INSTRUCTIONS[name]
    assert limit is None or sum(op.instructions for op in found.ops) <= limit
