"""What a network would take on a site, before it is trained or run: plan, arena, latency."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from devices import Profile
from host.compiler import CompiledPlan, compile_graph
from host.distillation.quantization import quantize
from host.distillation.students.scaling import Judge, Need
from host.errors import ConfigError
from host.models.graph import Graph
from host.models.tflite_importer import import_tflite
from host.targeting.checks import (
    CheckResult,
    Status,
    check_backend,
    check_latency,
    check_ram,
    check_storage,
)
from host.targeting.flops import flops_of
from host.targeting.latency import LatencyFigure
from host.targeting.simulate import simulate
from host.targeting.site import Site
from host.targeting.vector import RequirementVector
from host.targeting.verdict import Limits

_PRECISION = "int8"


def judge_for(site: Site, profile: Profile, limits: Limits) -> Judge:
    """Says of float graphs what ``host target`` will say of them once they are int8.

    Ranges are learned from two random samples: sizes and ops depend on no value, and what the
    network is worth is another's question.
    """

    def judge(graph: Graph) -> Need:
        samples = np.random.default_rng(0).standard_normal(
            (2, *graph.tensors[graph.inputs[0]].shape)
        )
        drawn = samples.astype(np.float32)
        quantized = quantize(graph, drawn, drawn[:1], _PRECISION)
        plan = compile_graph(import_tflite(quantized.tflite, graph.name))
        vector = plan_vector(graph, plan)
        figure = _foretold(
            lambda: simulate(site, plan.ops, vector.flops, _PRECISION, profile=profile)
        )
        checks: list[CheckResult | None] = [
            check_ram(site, vector, _PRECISION, limits.safety_margin),
            check_storage(site, vector, _PRECISION),
            check_backend(site, vector, _PRECISION)[0],
            check_latency(figure, limits.latency_budget_ms),
        ]
        return Need(
            plan_bytes=len(plan.data),
            arena_bytes=plan.arena_bytes,
            macs=plan.macs,
            latency_ms=None if figure is None else figure.median_ms,
            violations=tuple(
                check.text for check in checks if check and check.status == Status.FAILED
            ),
        )

    return judge


def plan_vector(graph: Graph, plan: CompiledPlan, precision: str = _PRECISION) -> RequirementVector:
    """What a plan needs of memory and kernels; nothing has been run or timed.

    Args:
        graph: what the plan was compiled of, or the float graph behind it.
    """
    facts = {
        "plan_bytes": len(plan.data),
        "arena_bytes": plan.arena_bytes,
        "ops": sorted({op.kind.name for op in plan.ops}),
    }
    return RequirementVector(
        flops=flops_of(graph),
        peak_ram_kb=plan.arena_bytes / 1024,
        latency_cpu_ms=None,
        latency_dxm1_ms=None,
        throughput_fps=None,
        int8_error_mean=None,
        int4_error_mean=None,
        input_shape=graph.tensors[graph.inputs[0]].shape,
        output_shape=graph.tensors[graph.outputs[0]].shape,
        details={"plans": {precision: facts}},
    )


def _foretold(simulation: Callable[[], LatencyFigure]) -> LatencyFigure | None:
    try:
        return simulation()
    except ConfigError:  # the profile lacks what it takes
        return None
