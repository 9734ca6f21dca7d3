"""A model made ready for one board: compiled for what the board offers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import attrs

from host.compiler import (
    CompiledPlan,
    CompileOptions,
    PlannedOp,
    TensorContract,
    compile_graph,
)
from host.errors import BoardError, ConfigError, ModelError
from host.measurement.placement import choose_store, largest_arena_bytes
from host.models.graph import Graph
from host.models.loader import load_model
from protocol.capabilities import Capabilities
from protocol.errors import ErrorCode
from protocol.messages import Store
from protocol.plan import PlanOp, WeightLayout

_EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@attrs.frozen
class Candidate:
    """A model, its plan for one board, and the store the plan goes to."""

    path: Path
    graph: Graph
    plan: CompiledPlan
    store: Store

    @property
    def data(self) -> bytes:
        """What is sent to the board."""
        return self.plan.data

    @property
    def crc32(self) -> int:
        return self.plan.crc32

    @property
    def inputs(self) -> tuple[TensorContract, ...]:
        return self.plan.inputs

    @property
    def outputs(self) -> tuple[TensorContract, ...]:
        return self.plan.outputs

    @property
    def inputs_overwritten(self) -> bool:
        return self.plan.inputs_overwritten

    @property
    def precision(self) -> str:
        return self.plan.precision

    @property
    def macs(self) -> int:
        return self.plan.macs

    @property
    def ops(self) -> tuple[PlannedOp, ...]:
        return self.plan.ops

    @property
    def sha256(self) -> str:
        """Of the model's file."""
        return self.graph.sha256

    @property
    def source_format(self) -> str:
        return self.graph.source_format


def prepare(path: Path, capabilities: Capabilities, store: Store | None) -> Candidate:
    """Reads and compiles a model; ``store`` None leaves the choice of the store.

    Raises:
        ConfigError: no such file.
        ModelError: it cannot be read or compiled.
        BoardError: plan or arena do not fit; with the bytes needed and available.
    """
    graph = load_model(path)
    options = options_for(capabilities)
    plan = compile_graph(graph, options)
    try:
        chosen = choose_store(capabilities, len(plan.data), plan.arena_bytes, store)
    except BoardError as error:
        if error.code != ErrorCode.ARENA_TOO_SMALL:
            raise
        # Beside a plan in RAM there is less room: slower kernels may still fit it.
        plan = compile_graph(graph, attrs.evolve(options, arena_limit_bytes=error.available))
        chosen = choose_store(capabilities, len(plan.data), plan.arena_bytes, store)
    return Candidate(path, graph, plan, chosen)


def bundled_examples() -> list[Path]:
    """The int8 models of this repository, by name.

    Raises:
        ConfigError: there are none here.
    """
    paths = sorted(_EXAMPLES.glob("*_int8.tflite"))
    if not paths:
        raise ConfigError(f"no bundled example in {_EXAMPLES}", hint="name a model")
    return paths


def prepare_largest_example(
    capabilities: Capabilities, store: Store | None, note: Callable[[str], None]
) -> Candidate:
    """The largest bundled int8 example that fits; ``note`` is told which, and which did not.

    Raises:
        ConfigError: there are no examples here.
        BoardError: none fits; the reason is the smallest one's.
    """
    paths = sorted(bundled_examples(), key=lambda path: -path.stat().st_size)
    for path in paths:
        try:
            candidate = prepare(path, capabilities, store)
        except (BoardError, ModelError) as error:
            if path == paths[-1]:
                raise
            note(f"{path.name} does not run on {capabilities.board}: {error}")
            continue
        note(f"no model named: {path.name} is the largest bundled example that fits")
        return candidate
    raise AssertionError("the loop returns or raises")


def options_for(capabilities: Capabilities) -> CompileOptions:
    """What the compiler may count on; ops and layouts it does not know are left out."""
    layouts = set(WeightLayout)
    return CompileOptions(
        op_set=frozenset(op for op in PlanOp if op in capabilities.op_set),
        weight_layouts=frozenset(
            WeightLayout(layout) for layout in capabilities.weight_layouts if layout in layouts
        ),
        plan_version=capabilities.plan_version[0],
        arena_limit_bytes=largest_arena_bytes(capabilities),
    )
