"""The Cortex-M33's own kernels give what the portable ones give, bit for bit, on an emulated core.

The portable kernels are held against TFLM elsewhere (tests/firmware/runtime).
"""

from __future__ import annotations

from collections.abc import Sequence

import attrs
import numpy as np
import pytest

from host.compiler import compile_graph
from host.models.graph import DType, OpKind
from tests.support.m33_core import CoreRun, Job, build_image, run_jobs
from tests.support.single_op_models import weight_cases
from tests.support.twins import Case, assert_twins, compiled_each_way, models_of

MODELS_PER_KIND = 250
KINDS = (
    OpKind.CONV_2D,
    OpKind.DEPTHWISE_CONV_2D,
    OpKind.FULLY_CONNECTED,
    OpKind.ADD,
    OpKind.AVERAGE_POOL_2D,
)
SCALED_KINDS = (OpKind.CONV_2D, OpKind.DEPTHWISE_CONV_2D, OpKind.FULLY_CONNECTED)
CASES = weight_cases(KINDS)
SCALED_CASES = [case for case in CASES if case.values[0] in SCALED_KINDS]


def run(kernels: str, jobs: Sequence[tuple[bytes, bytes]]) -> list[CoreRun]:
    return run_jobs(build_image(kernels), [Job(plan, arena) for plan, arena in jobs])


@pytest.mark.parametrize(("kind", "weights"), CASES)
def test_own_kernels_equal_the_portable_ones(kind: OpKind, weights: DType) -> None:
    models = models_of(kind, MODELS_PER_KIND, weights)
    assert_twins(compiled_each_way(models), "m33", run)


@pytest.mark.parametrize(("kind", "weights"), SCALED_CASES)
@pytest.mark.parametrize("finer", [2.0**7, 2.0**12])
def test_multipliers_of_one_and_more(kind: OpKind, weights: DType, finer: float) -> None:
    """Which shift left, and which the fast requantization is not for."""
    cases: list[Case] = []
    for model in models_of(kind, 30, weights):
        tensors = list(model.graph.tensors)
        (output,) = model.graph.outputs
        quantization = tensors[output].quantization
        assert quantization is not None
        fine = attrs.evolve(quantization, scales=quantization.scales / np.float32(finer))
        tensors[output] = attrs.evolve(tensors[output], quantization=fine)
        cases.append((model, compile_graph(attrs.evolve(model.graph, tensors=tensors))))
    assert_twins(cases, "m33", run)
