"""The text's form, letter for letter."""

from __future__ import annotations

import attrs
import pytest

from host.targeting.declaration import declaration
from host.targeting.latency import LatencyFigure, Method
from host.targeting.selection import select
from host.targeting.site import Site
from host.targeting.text import format_count, format_ms, render
from host.targeting.verdict import Limits, Trial
from protocol.measurement import Evidence, Fidelity, Source
from tests.host.targeting.world import CATALOG, VECTOR, FixedBench

MEASURED = LatencyFigure(
    median_ms=297.0,
    max_ms=297.0,
    low_ms=267.3,
    high_ms=326.7,
    method=Method.MEASURED,
    evidence=Evidence(source=Source.EMULATED, fidelity=Fidelity.CYCLE, error_band_pct=10),
    label="RP2040 @ 133MHz, emulated, cycle ±10%",
)
FORETOLD = LatencyFigure(
    median_ms=150.0,
    max_ms=150.0,
    low_ms=75.0,
    high_ms=300.0,
    method=Method.ROOFLINE,
    evidence=Evidence(source=Source.SIMULATED, fidelity=Fidelity.MODEL),
    label="ESP32 @ 240MHz, roofline",
)


class Bench:
    def try_out(self, site: Site, precision: str) -> Trial:
        return Trial(figure=MEASURED if site.device == "middle" else FORETOLD)

    def foretell(self, site: Site, precision: str) -> LatencyFigure:
        return FORETOLD

    def stop(self) -> None: ...


EXPECTED = """\
Target analysis complete.
  Model: plant_classifier_v2.onnx
  FLOPs: 15.2M
  Peak RAM: 148 KB
  INT8 error: 0.31% (within tolerance)

  Minimum viable target: middle
    Backend: tflite_micro (engine jump_rt)
    Precision: int8
    Measured latency: 297ms (RP2040 @ 133MHz, emulated, cycle ±10%)

  Next tier up if latency unacceptable: fast
    Estimated latency: ~150ms (ESP32 @ 240MHz, roofline, 75..300ms)"""


def test_the_form() -> None:
    selection = select(CATALOG, VECTOR, Limits(), Bench())
    assert render(selection, VECTOR, Limits(), "plant_classifier_v2.onnx") == EXPECTED


def test_a_target_that_is_not_met_comes_with_a_warning_and_each_violation() -> None:
    limits = Limits(latency_budget_ms=10.0)
    bench = FixedBench({"small": 4000.0, "middle": 300.0, "fast": 150.0, "linux": 50.0})
    text = render(select(CATALOG, VECTOR, limits, bench), VECTOR, limits, "m.onnx")
    assert "  Warning: no device meets the requirements; this one comes closest.\n" in text
    assert "  Closest target: linux\n" in text
    assert text.endswith("    Violated: worst case: needs 50 ms, has 10")
    assert "Next tier" not in text


def test_an_error_beyond_the_tolerance_is_called_so() -> None:
    vector = attrs.evolve(VECTOR, int8_error_mean=0.05)
    text = render(select(CATALOG, vector, Limits(), Bench()), vector, Limits(), "m.onnx")
    assert "  INT8 error: 5.00% (exceeds tolerance)\n" in text


def test_the_declaration_keeps_every_device_with_its_numbers() -> None:
    selection = select(CATALOG, VECTOR, Limits(), Bench())
    declared = declaration(selection, VECTOR, Limits())
    assert (declared["target"], declared["domain"], declared["met"]) == ("middle", "mcu", True)
    assert declared["targeting_version"] == "0.1.0"
    assert declared["evidence"]["method"] == "measured"
    assert [device["id"] for device in declared["devices"]] == ["small", "middle", "fast", "linux"]
    refused = declared["devices"][0]["sites"][0]["checks"][0]
    assert (refused["status"], refused["needed"]) == ("failed", pytest.approx(192.4))


@pytest.mark.parametrize(
    ("count", "text"), [(15_200_000, "15.2M"), (999, "999"), (1_000, "1K"), (123_456_789, "123M")]
)
def test_counts(count: int, text: str) -> None:
    assert format_count(count) == text


@pytest.mark.parametrize(
    ("value", "text"), [(297.4, "297ms"), (17.61, "17.6ms"), (0.05254, "0.0525ms")]
)
def test_milliseconds(value: float, text: str) -> None:
    assert format_ms(value) == text
