"""The Cortex-M0+'s own kernels give what the portable ones give, bit for bit, on an emulated core.

The portable kernels are held against TFLM elsewhere (tests/firmware/runtime).
"""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from host.models.graph import DType, OpKind
from tests.support.m0plus_core import CoreRun, Job, build_image, run_jobs
from tests.support.single_op_models import weight_cases
from tests.support.twins import assert_twins, compiled_each_way, models_of

MODELS_PER_KIND = 120
KINDS = (
    OpKind.CONV_2D,
    OpKind.DEPTHWISE_CONV_2D,
    OpKind.FULLY_CONNECTED,
    OpKind.ADD,
)


def run(kernels: str, jobs: Sequence[tuple[bytes, bytes]]) -> list[CoreRun]:
    return run_jobs(build_image(kernels), [Job(plan, arena) for plan, arena in jobs])


@pytest.mark.parametrize(("kind", "weights"), weight_cases(KINDS))
def test_own_kernels_equal_the_portable_ones(kind: OpKind, weights: DType) -> None:
    models = models_of(kind, MODELS_PER_KIND, weights)
    assert_twins(compiled_each_way(models), "m0plus", run)
