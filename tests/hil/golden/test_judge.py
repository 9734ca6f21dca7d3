"""What a run comes to, of runs that no sound board gives."""

from __future__ import annotations

import zlib

import attrs
import numpy as np
import pytest
from numpy.typing import NDArray

from hil.golden.golden_set import GoldenSet
from hil.golden.judge import Judge
from hil.golden.runner import SampleRun
from tests.hil.golden.conftest import Kept

SAMPLE = 5


def run_of(golden: GoldenSet, output: NDArray[np.int8] | None = None) -> SampleRun:
    """Of SAMPLE; ``output`` None is the reference's own."""
    expected = zlib.crc32(golden.output_bytes(SAMPLE))
    return SampleRun(
        ticks=1,
        sent_crc32=1,
        input_crc32=1,
        output_crc32=expected if output is None else zlib.crc32(output.tobytes()),
        expected_crc32=expected,
        outputs=None if output is None else (output,),
    )


@pytest.fixture
def golden(small: Kept) -> GoldenSet:
    """With a float reference that is the quantized one, and a tolerance of one step."""
    scale = small.golden.output_contracts[0].scale
    return attrs.evolve(
        small.golden,
        float_output=small.golden.real_output,
        tolerance=attrs.evolve(small.golden.tolerance, absolute=scale),
    )


def changed(golden: GoldenSet, element: int, by: int) -> NDArray[np.int8]:
    output = golden.outputs[0][SAMPLE].copy()
    output.reshape(-1)[element] += by
    return output


def test_another_input_is_said_first(golden: GoldenSet) -> None:
    judge = Judge(golden, golden.output_contracts, True)
    run = attrs.evolve(run_of(golden, changed(golden, 4, 1)), input_crc32=2)
    verdict = judge.judge(SAMPLE, run)
    assert verdict.what == ("input", "output")
    assert "0x00000002, 0x00000001 was sent" in verdict.reason


def test_a_wrong_bit_is_a_mismatch_where_bits_are_binding_alone(golden: GoldenSet) -> None:
    run = run_of(golden, changed(golden, 4, 1))
    strict = Judge(golden, golden.output_contracts, True)
    assert strict.judge(SAMPLE, run).what == ("output",)
    tolerant = Judge(golden, golden.output_contracts, False)
    assert tolerant.judge(SAMPLE, run).what == ()
    assert strict.output_mismatches == tolerant.output_mismatches == 1


@pytest.mark.parametrize(("by", "violations"), [(5, 0), (6, 1)])
def test_the_tolerance_is_of_the_mean_over_a_sample(
    golden: GoldenSet, by: int, violations: int
) -> None:
    """Five elements: one that is five steps away is one step on average, and equality passes."""
    judge = Judge(golden, golden.output_contracts, False)
    verdict = judge.judge(SAMPLE, run_of(golden, changed(golden, 4, by)))
    assert verdict.what == ("tolerance",) * violations
    assert judge.tolerance_violations == violations
    assert judge.reference_violations == 0


def test_a_violation_of_the_reference_itself_is_not_the_boards(golden: GoldenSet) -> None:
    assert golden.float_output is not None
    far = attrs.evolve(golden, float_output=golden.float_output + np.float32(100))
    judge = Judge(far, far.output_contracts, True)
    assert judge.judge(SAMPLE, run_of(far)).what == ()
    assert judge.judge(SAMPLE, run_of(far, changed(far, 4, 1))).what == ("output",)
    assert judge.tolerance_violations == 2
    assert judge.reference_violations == len(far)


def test_class_and_reject_are_judged_apart(golden: GoldenSet) -> None:
    judge = Judge(golden, golden.output_contracts, True)
    nothing = np.full_like(golden.outputs[0][SAMPLE], -128)
    verdict = judge.judge(SAMPLE, run_of(golden, nothing))
    classes = golden.decisions.classes
    assert classes is not None
    wanted = {"output", "tolerance", "reject"} | ({"decision"} if classes[SAMPLE] else set())
    assert set(verdict.what) == wanted
    assert "rejected, the reference is accepted" in verdict.reason
