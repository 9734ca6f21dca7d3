"""Plans that no compiler writes: an error code each, never a byte beside plan or arena."""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import pytest

from host.compiler import compile_graph
from host.models.loader import load_model
from protocol.errors import ErrorCode
from tests.support.jr_runner import JrRunner, split_outputs
from tests.support.mutations import mutate, plan_fields
from tests.support.sample_plans import arena_bytes_of, sample_plans

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
PLANS = sample_plans() | {
    name: compile_graph(load_model(EXAMPLES / f"{name}.tflite")).data
    for name in ("digits_mlp_int8", "digits_cnn_int8")
}
MUTATIONS = 10_000
SEED = 20240601


@pytest.mark.parametrize("name", PLANS)
def test_the_samples_are_accepted_and_run(runner: JrRunner, name: str) -> None:
    plan = PLANS[name]
    assert runner.load(plan, arena_bytes_of(plan)).code == 0
    assert split_outputs(plan, runner.run())


def test_mutated_plans_are_refused_or_run_within_bounds(runner: JrRunner) -> None:
    """The runner's sanitizers are the judge: a finding ends it and fails this test."""
    rng = random.Random(SEED)
    seeds = [(plan, plan_fields(plan), arena_bytes_of(plan)) for plan in PLANS.values()]
    codes: Counter[int] = Counter()
    for _ in range(MUTATIONS):
        plan, fields, arena_bytes = rng.choice(seeds)
        damaged = mutate(plan, fields, rng)
        # Room to spare now and then, so that plans that ask for more get further.
        report = runner.load(damaged, arena_bytes + rng.choice([0, 0, 0, 1, 4096]))
        codes[report.code] += 1
        if report.code == 0:
            runner.run()
    # The mutations reach the checks of every stage, and some plans still pass. (An op with
    # another element type needs a size to match: test_plan_checks.py has that one.)
    assert codes[0] > MUTATIONS // 20
    # (PLAN_SELF_TEST is of a start with a record behind the plan, which is not what is checked.)
    plan_codes = {code for code in ErrorCode if code.name.startswith("PLAN_")}
    plan_codes -= {ErrorCode.PLAN_SELF_TEST}
    reached = {ErrorCode(code) for code in codes}
    assert reached >= plan_codes - {ErrorCode.PLAN_DTYPE} | {ErrorCode.ARENA_TOO_SMALL}
