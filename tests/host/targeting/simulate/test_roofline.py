"""The roofline against figures worked out by hand, and its rule for what binds."""

from __future__ import annotations

import pytest

import devices
from host.errors import ConfigError
from host.targeting.simulate.projection import processors, project_ops, roof_of
from host.targeting.simulate.roofline import Bound, Demand, Roof, matrix_vector, project


@pytest.mark.parametrize(
    ("size", "weight_bytes", "moved_bytes", "micros"),
    [
        (4096, 2, 33_570_816, 559.5),  # float16
        (4096, 1, 16_789_504, 279.8),  # int8, with a float16 result
        (2048, 2, 8_396_800, 139.9),
        (2048, 1, 4_200_448, 70.0),
    ],
)
def test_matrix_vector_products_on_the_jetson_are_bound_by_memory(
    size: int, weight_bytes: int, moved_bytes: int, micros: float
) -> None:
    domain = devices.load("jetson_orin_nano").domains[0]
    precision = "float16" if weight_bytes == 2 else "int8"
    roof = roof_of(domain, precision, processors(domain, precision, ("onnxruntime",))[0])
    assert roof.memory_bytes_per_s == 60e9
    demand = matrix_vector(size, size, weight_bytes, vector_bytes=2)
    assert demand.bytes == moved_bytes
    projection = project(demand, roof)
    assert round(projection.seconds * 1e6, 1) == micros
    assert projection.bound is Bound.MEMORY
    assert demand.intensity < roof.critical_intensity


def test_memory_binds_only_where_it_takes_strictly_longer() -> None:
    roof = Roof(ops_per_s=8e9, memory_bytes_per_s=1e9)
    assert roof.critical_intensity == 8.0
    at_the_ridge = Demand(ops=8000.0, memory_bytes=1000.0)
    assert at_the_ridge.intensity == roof.critical_intensity
    assert project(at_the_ridge, roof).bound is Bound.COMPUTE
    assert project(Demand(ops=7999.0, memory_bytes=1000.0), roof).bound is Bound.MEMORY


def test_flash_and_ram_have_bandwidths_of_their_own() -> None:
    roof = Roof(ops_per_s=1e12, memory_bytes_per_s=1e9, flash_bytes_per_s=1e8)
    demand = Demand(ops=1.0, memory_bytes=1000.0, constant_bytes=1000.0)
    assert project(demand, roof).seconds == pytest.approx(1e-6 + 1e-5)


def test_a_power_mode_scales_clock_and_bandwidth_and_gives_energy() -> None:
    domain = devices.load("jetson_orin_nano").domains[0]
    gpu = processors(domain, "float16", ("onnxruntime",))[0]
    full = project_ops(domain, None, 1e9, "float16", on=gpu)
    assert full.energy_mj is None
    mode = next(mode for mode in domain.power_modes if mode.name == "15W")
    slow = project_ops(domain, None, 1e9, "float16", on=gpu, mode=mode)
    assert slow.seconds == pytest.approx(full.seconds / 0.6125)
    assert slow.energy_mj == pytest.approx(15.0 * slow.seconds * 1e3)
    assert slow.roof.memory_bytes_per_s == pytest.approx(60e9 * 0.667)


def test_what_is_not_executed_is_refused_with_what_is() -> None:
    domain = devices.load("pico").domains[0]
    with pytest.raises(ConfigError, match="does not execute float32; the nearest that it does"):
        processors(domain, "float32", ("tflite_micro",))


def test_an_accelerator_counts_where_a_backend_reaches_it() -> None:
    domain = devices.load("turbo").domains[0]
    core = domain.cores[0].name
    assert processors(domain, "int8", ("litert",)) == (core,)
    assert processors(domain, "int8", ("litert", "dxm1")) == (domain.accelerators[0].name, core)
