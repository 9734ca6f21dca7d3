"""The bundled golden sets: still what the bundled models and data give."""

from __future__ import annotations

import numpy as np
import pytest

from hil.golden import make_golden, replay
from hil.golden.night import SetWithModel, find_sets
from host.measurement.observer import Silent
from host.measurement.request import MeasureRequest
from tests.support.make import ROOT
from tests.support.pc_agent import build_pc_agent

EXAMPLES = ROOT / "examples"
SETS = {one.golden.name: one for one in find_sets(EXAMPLES / "golden")}


@pytest.mark.parametrize("one", SETS.values(), ids=SETS)
def test_a_bundled_set_is_what_its_command_makes(one: SetWithModel) -> None:
    kept = one.golden
    assert one.model.parent == EXAMPLES
    made = make_golden(
        one.model,
        EXAMPLES / "test" / kept.data,
        kept.name,
        samples=len(kept),
        float_model=EXAMPLES / f"{kept.name}.onnx",
        reject_threshold=kept.rule.reject_threshold,
    )
    hint = "examples/README.md has the command that makes it"
    assert made.model == kept.model, hint
    assert made.digests == kept.digests, hint
    np.testing.assert_array_equal(made.inputs[0], kept.inputs[0])
    np.testing.assert_array_equal(made.outputs[0], kept.outputs[0])
    assert made.float_output is not None
    assert kept.float_output is not None
    # Another C library's exp may round otherwise.
    np.testing.assert_allclose(made.float_output, kept.float_output, atol=1e-6)


@pytest.mark.parametrize("one", SETS.values(), ids=SETS)
def test_a_bundled_set_replays_on_this_computer(one: SetWithModel) -> None:
    build_pc_agent()
    result = replay(one.golden, MeasureRequest(model=one.model, board="pc"), Silent())
    assert result.passed, result
