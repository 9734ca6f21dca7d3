"""The six checks at their boundaries, the order, precisions, domains, and the closest."""

from __future__ import annotations

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from host.targeting.checks import (
    Status,
    check_backend,
    check_latency,
    check_quantization,
    check_ram,
    check_storage,
    check_ui,
)
from host.targeting.selection import select
from host.targeting.site import Device, Site, SiteBackend
from host.targeting.text import render
from host.targeting.vector import RequirementVector
from host.targeting.verdict import Limits, Selection, Trial
from protocol.measurement import Fidelity, Source
from tests.host.targeting.world import (
    CATALOG,
    FAST,
    LINUX,
    LITERT,
    MIDDLE,
    SMALL,
    TFLM,
    VECTOR,
    FixedBench,
    figure,
    site,
)

LATENCIES = {"small": 4000.0, "middle": 300.0, "fast": 150.0, "linux": 50.0}


def with_plans(vector: RequirementVector = VECTOR, **plans: int) -> RequirementVector:
    """``vector`` with a plan of so many bytes for each precision."""
    facts = {
        precision: {"plan_bytes": size, "arena_bytes": 148 * 1024, "ops": ["CONV_2D", "SOFTMAX"]}
        for precision, size in plans.items()
    }
    return attrs.evolve(vector, details={"plans": facts})


PLAIN = Limits()


def chosen(limits: Limits = PLAIN, vector: RequirementVector = VECTOR) -> Selection:
    return select(CATALOG, vector, limits, FixedBench(LATENCIES))


# The checks at their boundaries: equality passes.


@pytest.mark.parametrize(("ram_kb", "status"), [(208.0, "passed"), (207.9, "failed")])
def test_ram(ram_kb: float, status: str) -> None:
    vector = attrs.evolve(VECTOR, peak_ram_kb=100.0)
    assert check_ram(site("x", ram_kb), vector, "int8", margin=2.0).status == status


@pytest.mark.parametrize(("flash_kb", "status"), [(42.0, "passed"), (41.999, "failed")])
def test_storage(flash_kb: float, status: str) -> None:
    vector = with_plans(int8=10 * 1024)
    assert check_storage(site("x", 264, flash_kb=flash_kb), vector, "int8").status == status


@pytest.mark.parametrize(
    ("flash_kb", "tight"), [(42.0, True), (42.0 / 0.8501, True), (42.0 / 0.8499, False)]
)
def test_less_headroom_than_15_percent_is_tight(flash_kb: float, tight: bool) -> None:
    result = check_storage(site("x", 264, flash_kb=flash_kb), with_plans(int8=10 * 1024), "int8")
    assert (result.status, result.tight) == (Status.PASSED, tight)
    assert result.text.endswith(" (tight)") == tight


def test_storage_is_not_checked_without_a_plan() -> None:
    assert check_storage(site("x", 264), VECTOR, "int8").status == Status.NOT_CHECKED
    assert check_storage(LINUX.sites[1], VECTOR, "int8").status == Status.PASSED


@pytest.mark.parametrize(("error", "status"), [(0.02, "passed"), (0.0200001, "failed")])
def test_quantization(error: float, status: str) -> None:
    vector = attrs.evolve(VECTOR, int8_error_mean=error)
    assert check_quantization(vector, "int8", tolerance=0.02).status == status


@pytest.mark.parametrize(("worst_ms", "status"), [(50.0, "passed"), (50.001, "failed")])
def test_latency_is_judged_on_the_worst_case(worst_ms: float, status: str) -> None:
    typical = attrs.evolve(figure(10.0), max_ms=worst_ms)
    banded = attrs.evolve(figure(10.0), max_ms=20.0, low_ms=5.0, high_ms=worst_ms)
    for measured in (typical, banded):
        result = check_latency(measured, 50.0)
        assert result is not None
        assert result.status == status


def test_backend_needs_the_precision_and_every_op() -> None:
    vector = with_plans(int8=10)
    result, backend = check_backend(site("x", 264), vector, "int8")
    assert (result.status, backend) == ("passed", TFLM)
    result, backend = check_backend(site("x", 264), vector, "float32")
    assert (result.status, backend) == ("failed", None)
    few = SiteBackend(
        name="tflite_micro", engine="jump_rt", precisions=("int8",), ops=frozenset({"CONV_2D"})
    )
    result, backend = check_backend(site("x", 264, backends=(few,)), vector, "int8")
    assert (result.status, backend) == ("failed", None)
    assert result.text == "tflite_micro lacks SOFTMAX"
    result, backend = check_backend(site("x", 264, backends=(few, LITERT)), vector, "int8")
    assert (result.status, backend) == ("passed", LITERT)


def test_ui_asks_for_a_display_and_linux() -> None:
    assert check_ui(MIDDLE.sites[0], ui=False) is None
    for where, status in ((LINUX.sites[0], "failed"), (LINUX.sites[1], "passed")):
        result = check_ui(where, ui=True)
        assert result is not None
        assert result.status == status


# The choice.


def test_the_cheapest_that_does_it() -> None:
    selection = chosen()
    assert selection.met
    assert selection.target is not None
    assert selection.target.device is MIDDLE
    assert selection.next_tier is not None
    assert selection.next_tier.device is FAST
    small = next(v for v in selection.verdicts if v.device is SMALL)
    assert [check.name for check in small.best.failed] == ["ram"]
    assert small.best.failed[0].text.startswith("RAM with a margin of 1.3: needs 192.4 KB, has -6")


def test_a_budget_moves_the_target_up() -> None:
    selection = chosen(Limits(latency_budget_ms=200.0))
    assert selection.target is not None
    assert selection.target.device is FAST


def test_next_tier_is_left_out_where_nothing_is_faster() -> None:
    bench = FixedBench({**LATENCIES, "fast": 300.0, "linux": 300.0})
    selection = select(CATALOG, VECTOR, Limits(), bench)
    assert selection.met
    assert selection.next_tier is None


def test_ties_in_cost_go_by_id() -> None:
    twin = Device(id="a_twin", cost=MIDDLE.cost, sites=(site("a_twin", 264),))
    bench = FixedBench({**LATENCIES, "a_twin": 1.0})
    selection = select((*CATALOG, twin), VECTOR, Limits(), bench)
    assert selection.target is not None
    assert selection.target.device is twin


def test_the_smallest_domain_first_and_the_mpu_alone_with_ui() -> None:
    only = FixedBench(LATENCIES)
    plain = select((LINUX,), VECTOR, Limits(), only)
    assert plain.target is not None
    assert plain.target.best.site.domain == "mcu"
    assert only.asked == ["linux.mcu"]
    ui = chosen(Limits(ui=True))
    assert ui.target is not None
    assert (ui.target.device, ui.target.best.site.domain) == (LINUX, "mpu")


def test_int4_only_where_int8_does_not_fit() -> None:
    both = attrs.evolve(TFLM, precisions=("int8", "int4"))
    tight = Device(id="tight", cost=1, sites=(site("tight", 264, flash_kb=100, backends=(both,)),))
    bench = FixedBench({"tight": 1.0})
    vector = with_plans(attrs.evolve(VECTOR, int4_error_mean=0.01), int8=80_000, int4=45_000)
    selection = select((tight,), vector, Limits(), bench)
    assert selection.target is not None
    assert (selection.met, selection.target.best.precision) == (True, "int4")
    assert "  INT4 error: 1.00% (within tolerance)" in render(selection, vector, Limits(), "model")
    fits = with_plans(attrs.evolve(VECTOR, int4_error_mean=0.01), int8=60_000, int4=45_000)
    selection = select((tight,), fits, Limits(), bench)
    assert selection.target is not None
    assert selection.target.best.precision == "int8"
    coarse = with_plans(VECTOR, int8=80_000, int4=45_000)  # int4's error exceeds the tolerance
    assert not select((tight,), coarse, Limits(), bench).met


def test_a_float_where_int8_is_too_coarse() -> None:
    selection = chosen(vector=attrs.evolve(VECTOR, int8_error_mean=0.5))
    assert selection.target is not None
    assert selection.met
    assert (selection.target.device, selection.target.best.precision) == (LINUX, "float32")


def test_a_wrong_output_rules_a_board_out() -> None:
    bench = FixedBench(LATENCIES, wrong=frozenset({"middle"}))
    selection = select(CATALOG, VECTOR, Limits(), bench)
    assert selection.target is not None
    assert selection.target.device is FAST


def test_the_closest_has_the_fewest_failures_then_the_least_violation() -> None:
    selection = chosen(Limits(latency_budget_ms=10.0))
    assert not selection.met
    assert selection.target is not None
    assert selection.target.device is LINUX  # 50 ms is nearer to 10 than 150 or 300
    assert chosen(Limits(latency_budget_ms=10.0)).next_tier is None


def test_evidence_below_the_floor_decides_nothing() -> None:
    assert not chosen(Limits(evidence="hardware")).met
    proxy = FixedBench(LATENCIES, Source.EMULATED, Fidelity.ISA_PROXY)
    assert not select(CATALOG, VECTOR, Limits(latency_budget_ms=1e6), proxy).met


def test_a_failing_board_is_judged_by_its_latency_too() -> None:
    # small fails its RAM and, by what is foretold, the budget: two failures, not one.
    selection = chosen(Limits(latency_budget_ms=10.0))
    small = next(v for v in selection.verdicts if v.device is SMALL)
    assert [check.name for check in small.best.failed] == ["ram", "latency"]
    assert not small.passed


def test_the_least_violation_decides_between_equally_many() -> None:
    near = Device(id="near", cost=9, sites=(site("near", 190),))
    far = Device(id="far", cost=1, sites=(site("far", 100),))
    selection = select((near, far), VECTOR, Limits(), FixedBench({"near": 1.0, "far": 1.0}))
    assert selection.target is not None
    assert (selection.met, selection.target.device) == (False, near)


def test_the_cheapest_decides_between_equally_close() -> None:
    dear = Device(id="a", cost=9, sites=(site("a", 100),))
    cheap = Device(id="b", cost=1, sites=(site("b", 100),))
    selection = select((dear, cheap), VECTOR, Limits(), FixedBench({"a": 1.0, "b": 1.0}))
    assert selection.target is not None
    assert selection.target.device is cheap


def test_no_device_at_all() -> None:
    selection = select((), VECTOR, Limits(), FixedBench({}))
    assert (selection.met, selection.target, selection.verdicts) == (False, None, ())


def test_a_board_that_executes_floats_alone() -> None:
    floats = SiteBackend(name="x", engine="x", precisions=("float32",))
    only = Device(id="only", cost=1, sites=(site("only", 1024, backends=(floats,)),))
    for error in (0.0031, 0.5):
        vector = attrs.evolve(VECTOR, int8_error_mean=error)
        selection = select((only,), vector, Limits(), FixedBench({"only": 1.0}))
        assert selection.met
        assert selection.verdicts[0].best.precision == "float32"


def test_what_kept_a_board_from_being_measured_stays_with_it() -> None:
    class Broken(FixedBench):
        def try_out(self, site: Site, precision: str) -> Trial:
            return attrs.evolve(super().try_out(site, precision), unmeasured="its emulator broke")

    best = select((MIDDLE,), VECTOR, Limits(), Broken(LATENCIES)).verdicts[0].best
    assert best.passed
    assert (best.checks[-1].name, best.checks[-1].status) == ("measurement", Status.NOT_CHECKED)
    assert best.checks[-1].text == "its emulator broke"


# A looser demand never yields a costlier board.

World = tuple[tuple[Device, ...], FixedBench]
positive = st.floats(0.01, 2000.0)
PRECISIONS = (("int8",), ("int8", "float32"), ("float32",), ("int8", "int4"))


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """A catalog of up to five devices that have nothing in common, and how fast they are."""
    devices, latencies = [], {}
    for number in range(draw(st.integers(1, 5))):
        backend = attrs.evolve(TFLM, precisions=draw(st.sampled_from(PRECISIONS)))
        place = site(f"d{number}", draw(st.floats(9.0, 2000.0)), backends=(backend,))
        devices.append(Device(id=place.device, cost=draw(st.integers(1, 3)), sites=(place,)))
        latencies[place.device] = draw(positive)
    return tuple(devices), FixedBench(latencies)


@settings(deadline=None)  # threads, which a busy machine lets wait
@given(world=worlds(), tight=positive, factor=st.floats(1.0, 100.0), error=st.floats(0, 0.2))
def test_a_looser_budget_never_costs_more(
    world: World, tight: float, factor: float, error: float
) -> None:
    vector = attrs.evolve(VECTOR, int8_error_mean=error)
    _no_costlier(
        world, vector, Limits(latency_budget_ms=tight), Limits(latency_budget_ms=tight * factor)
    )


@settings(deadline=None)  # threads, which a busy machine lets wait
@given(
    world=worlds(),
    tight=st.floats(0, 0.3),
    more=st.floats(0, 0.3),
    int8=st.floats(0, 0.3),
    int4=st.floats(0, 0.3),
)
def test_a_looser_tolerance_never_costs_more(
    world: World,
    tight: float,
    more: float,
    int8: float,
    int4: float,
) -> None:
    vector = attrs.evolve(VECTOR, int8_error_mean=int8, int4_error_mean=int4)
    _no_costlier(world, vector, Limits(tolerance=tight), Limits(tolerance=tight + more))


@settings(deadline=None)  # threads, which a busy machine lets wait
@given(
    world=worlds(), tight=st.floats(1.0, 5.0), part=st.floats(0.2, 1.0), peak=st.floats(0.5, 900.0)
)
def test_a_smaller_margin_never_costs_more(
    world: World, tight: float, part: float, peak: float
) -> None:
    vector = attrs.evolve(VECTOR, peak_ram_kb=peak)
    _no_costlier(world, vector, Limits(safety_margin=tight), Limits(safety_margin=tight * part))


def _no_costlier(
    world: World,
    vector: RequirementVector,
    tight: Limits,
    loose: Limits,
) -> None:
    devices, bench = world
    one, other = (select(devices, vector, limits, bench) for limits in (tight, loose))
    if one.met:
        assert other.met
        assert one.target is not None
        assert other.target is not None
        assert other.target.device.cost <= one.target.device.cost
