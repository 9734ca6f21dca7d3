"""A core's own kernels against the portable ones: the same plans, compared to the last bit."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from host.compiler import CompiledPlan, CompileOptions, compile_graph
from host.models.graph import DType, OpKind
from host.models.tflite_importer import import_tflite
from tests.support.single_op_models import SingleOpModel, single_op_models

STACK_LIMIT_BYTES = 1024
"""What the engine and any kernel take together at the most."""


class CoreRun(Protocol):
    """What became of a job; ``code`` is that of ``jr_load``."""

    @property
    def code(self) -> int: ...
    @property
    def arena(self) -> bytes: ...
    @property
    def stack_bytes(self) -> int: ...


Case = tuple[SingleOpModel, CompiledPlan]
Run = Callable[[str, Sequence[tuple[bytes, bytes]]], Sequence[CoreRun]]
"""Runs plans on arenas, all in one process; with "portable" kernels or those of a core's name."""


def models_of(kind: OpKind, count: int, weights: DType) -> list[SingleOpModel]:
    """Drawn one by one, to run in one process: to start one for each would take minutes."""
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


def compiled_each_way(models: Iterable[SingleOpModel]) -> list[Case]:
    """All scratch that makes it fast, in place where that can be, and the least that works."""
    options = (
        CompileOptions(preserve_all=True),
        CompileOptions(),
        CompileOptions(arena_limit_bytes=1),
    )
    return [
        (model, compile_graph(graph, option))
        for model in models
        for graph in [import_tflite(model.tflite, "model")]
        for option in options
    ]


def arena_of(plan: CompiledPlan, model: SingleOpModel) -> bytes:
    """The arena with the model's inputs in their places."""
    arena = bytearray(b"\x5a" * plan.arena_bytes)
    for index, values in zip(model.graph.inputs, model.inputs, strict=True):
        place = plan.tensor_map[index]
        arena[place.arena_offset : place.arena_offset + place.size_bytes] = values.tobytes()
    return bytes(arena)


def assert_twins(cases: Sequence[Case], own_kernels: str, run: Run) -> None:
    """Every plan gives the same output with both kinds of kernels, within the stack's limit."""
    jobs = [(plan.data, arena_of(plan, model)) for model, plan in cases]
    portable, own = run("portable", jobs), run(own_kernels, jobs)
    for (model, plan), expected, found in zip(cases, portable, own, strict=True):
        assert (expected.code, found.code) == (0, 0), model
        place = plan.tensor_map[model.graph.outputs[0]]
        where = slice(place.arena_offset, place.arena_offset + place.size_bytes)
        scratch = [op.scratch_bytes for op in plan.ops]
        assert found.arena[where] == expected.arena[where], f"{model}, scratch {scratch}"
        assert found.stack_bytes <= STACK_LIMIT_BYTES
