"""The UNO's kernels on the emulated part: generated models of one op each, against TFLM."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, assume, given, settings
from hypothesis import strategies as st

from host.compiler import CompiledPlan, CompileOptions, compile_graph
from host.errors import ModelError
from host.models.graph import Graph, OpKind, Padding
from host.models.tflite_importer import import_tflite
from host.models.tflite_writer import write_float_tflite
from host.targeting.simulate.models import GraphBuilder
from tests.firmware.uno.images import ARENA_BYTES, OP_SET, Image
from tests.firmware.uno.kernel_board import KernelBoard, batches, kernel_image
from tests.support.layers import assert_layers_equal, random_inputs
from tests.support.single_op_models import SingleOpModel, single_op_models
from tests.support.tflm import Tflm

MODELS_PER_KIND = {OpKind.CONV_2D: 30, OpKind.DEPTHWISE_CONV_2D: 24}
KINDS = (
    OpKind.CONV_2D,
    OpKind.DEPTHWISE_CONV_2D,
    OpKind.FULLY_CONNECTED,
    OpKind.ADD,
    OpKind.AVERAGE_POOL_2D,
    OpKind.MAX_POOL_2D,
    OpKind.SOFTMAX,
    OpKind.LOGISTIC,
    OpKind.HARD_SWISH,
    OpKind.QUANTIZE,
    OpKind.RESHAPE,
)


@attrs.frozen
class Case:
    """A model, and its plan with the output apart from the inputs or, where it can, in place."""

    tflite: bytes
    graph: Graph
    plan: CompiledPlan
    inputs: tuple[np.ndarray, ...]


@pytest.fixture(scope="module")
def image() -> Image:
    return kernel_image()


@pytest.fixture(scope="module")
def tflm() -> Iterator[Tflm]:
    with Tflm() as oracle:
        yield oracle


@pytest.fixture
def check(image: Image, tflm: Tflm, tmp_path: Path) -> Callable[[list[Case]], None]:
    """Runs cases on as few boards as their plans fit."""

    def check(cases: list[Case]) -> None:
        left = iter(cases)
        for blocks in batches((case.plan.data for case in cases), image.store_bytes):
            with KernelBoard(image, blocks, tmp_path) as board:
                for _ in blocks:
                    case = next(left)
                    arguments = (case.tflite, case.graph, case.plan, list(case.inputs))
                    assert_layers_equal(board, tflm, *arguments)

    return check


def plans_of(graph: Graph) -> list[CompiledPlan]:
    """Plans that the board has kernels and room for; in place only where that differs."""
    plans = [
        compile_graph(graph, CompileOptions(op_set=OP_SET, preserve_all=apart))
        for apart in (True, False)
    ]
    fitting = [plan for plan in plans if plan.arena_bytes <= ARENA_BYTES]
    return fitting if plans[0].data != plans[1].data else fitting[:1]


def drawn(kind: OpKind, count: int) -> list[tuple[SingleOpModel, list[Case]]]:
    """Models that fit, the same ones each time."""
    found: dict[bytes, tuple[SingleOpModel, list[Case]]] = {}

    @settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(data=st.data())
    def draw(data: st.DataObject) -> None:
        model = data.draw(single_op_models(kind))
        graph = import_tflite(model.tflite, "model")
        try:
            plans = plans_of(graph)
        except ModelError:
            plans = []  # a constant operand, which takes an op that the UNO does not have
        assume(plans)
        cases = [Case(model.tflite, graph, plan, model.inputs) for plan in plans]
        found[model.tflite] = (model, cases)

    draw()
    assert len(found) > count // 2, "too few models fit"
    return list(found.values())


def traits(model: SingleOpModel, plans: list[CompiledPlan]) -> set[str]:
    """What of a kernel's ways a model takes."""
    attributes, tensors = model.graph.ops[0].attributes, model.graph.tensors
    source, output = model.graph.inputs[0], model.graph.outputs[0]
    places = [{plan.tensor_map[i].arena_offset for i in (source, output)} for plan in plans]
    constants = [t.data for t in tensors if t.data is not None and t.data.dtype == np.int8]
    found = {
        "in place": any(len(place) == 1 for place in places),
        "apart": any(len(place) == 2 for place in places),
        "padding": attributes.get("padding") is Padding.SAME,
        "stride": max(attributes.get("stride", (1, 1))) > 1,
        "dilation": max(attributes.get("dilation", (1, 1))) > 1,
        "broadcast": len({t.shape for t in tensors}) > 1,
        "groups": model.graph.ops[0].kind is OpKind.CONV_2D
        and tensors[source].shape[-1] != tensors[model.graph.ops[0].inputs[1] or 0].shape[-1],
        "batch": tensors[source].shape[0] > 1,
        "-128 times -128": any((data == -128).any() for data in constants)
        and any((values == -128).any() for values in model.inputs),
    }
    return {name for name, is_so in found.items() if is_so}


WANTED = {
    OpKind.CONV_2D: {"in place", "apart", "padding", "stride", "dilation", "groups", "batch"},
    OpKind.DEPTHWISE_CONV_2D: {"in place", "apart", "padding", "stride", "dilation", "batch"},
    OpKind.FULLY_CONNECTED: {"batch"},
    OpKind.ADD: {"in place", "apart", "broadcast"},
    OpKind.AVERAGE_POOL_2D: {"padding", "stride", "batch"},
    OpKind.MAX_POOL_2D: {"padding", "stride", "batch"},
    OpKind.SOFTMAX: {"in place", "apart"},
}
HAVE_WEIGHTS = (OpKind.CONV_2D, OpKind.DEPTHWISE_CONV_2D, OpKind.FULLY_CONNECTED)


@pytest.mark.parametrize("kind", KINDS, ids=[kind.value for kind in KINDS])
def test_single_op_equals_tflm(kind: OpKind, check: Callable[[list[Case]], None]) -> None:
    models = drawn(kind, MODELS_PER_KIND.get(kind, 12))
    check([case for _, cases in models for case in cases])
    met = set().union(*(traits(model, [c.plan for c in cases]) for model, cases in models))
    wanted = WANTED.get(kind, set()) | ({"-128 times -128"} if kind in HAVE_WEIGHTS else set())
    assert wanted <= met, "the models drawn miss a way of the kernel"


def test_fully_connected_of_more_inputs_than_a_sum_of_24_bits_holds(
    check: Callable[[list[Case]], None],
) -> None:
    cases = []
    for size, outputs in ((504, 3), (505, 8), (600, 8), (1008, 4), (1009, 5), (1400, 4)):
        build = GraphBuilder(size)
        tflite = write_float_tflite(
            build.build(build.fully_connected(build.input((1, size)), outputs))
        )
        graph = import_tflite(tflite, "model")
        for plan in plans_of(graph):
            cases.append(Case(tflite, graph, plan, tuple(random_inputs(plan, seed=size))))
    check(cases)
