"""The catalog as targeting sees it: order, units, domains, ops."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import attrs
import pytest

import devices
from host.errors import ConfigError
from host.targeting.catalog import devices_for
from host.targeting.selection import choose_precision
from host.targeting.site import Device
from host.targeting.verdict import Limits
from protocol.plan import PlanOp
from tests.host.targeting.world import VECTOR

PROFILES = devices.load_all()
ORDER = (
    ("uno",),
    ("pico",),
    ("esp32",),
    ("uno_q",),
    ("jumpstation", "jumpstation_rk"),
    ("turbo", "turbo_rk"),
    ("orion_o6",),
    ("orion",),
)
"""The tiers; within one, any order is as good."""


def device(device_id: str) -> Device:
    return next(d for d in devices_for(PROFILES, (device_id,)) if d.id == device_id)


def test_cost_orders_the_tiers() -> None:
    costs = {device.id: device.cost for device in devices_for(PROFILES)}
    assert set(costs) == {device_id for tier in ORDER for device_id in tier}
    for cheaper, dearer in pairwise(ORDER):
        assert max(costs[d] for d in cheaper) < min(costs[d] for d in dearer), (cheaper, dearer)


def test_the_cheapest_first_then_by_id() -> None:
    found = devices_for(PROFILES)
    assert list(found) == sorted(found, key=lambda d: (d.cost, d.id))
    pico = next(profile for profile in PROFILES if profile.id == "pico")
    twins = [attrs.evolve(pico, id=name) for name in ("b", "a", "c")]
    assert [d.id for d in devices_for(twins)] == ["a", "b", "c"]


def test_others_are_there_when_named() -> None:
    assert "esp32c3" not in {d.id for d in devices_for(PROFILES)}
    named = devices_for(PROFILES, ("esp32c3", "pico"))
    assert {d.id for d in named} == {d.id for d in devices_for(PROFILES)} | {"esp32c3"}


def test_an_unknown_name_is_refused_with_the_known() -> None:
    with pytest.raises(ConfigError, match=r"unknown board 'esp32s3'") as caught:
        devices_for(PROFILES, ("esp32s3",))
    assert "esp32, esp32c3" in caught.value.hint


@pytest.mark.parametrize("field", ["ai_compute", "price_class", "reserved_kb", "firmware_kb"])
def test_a_figure_that_is_needed_is_named_with_its_file(tmp_path: Path, field: str) -> None:
    profile = json.loads((devices.CATALOG / "pico" / "profile.json").read_text(encoding="utf-8"))
    del profile[field]
    target = tmp_path / "pico" / "profile.json"
    target.parent.mkdir()
    target.write_text(json.dumps(profile), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        devices_for(devices.load_all(tmp_path))
    assert str(caught.value).startswith(f"{target}: {field}: ")


def test_a_figure_of_a_domain_is_named_with_it() -> None:
    uno_q = devices.load("uno_q")
    bare = attrs.evolve(uno_q.domains[1], reserved_kb=None)
    with pytest.raises(ConfigError, match=r"profile\.json: domains\[1\]\.reserved_kb: "):
        devices_for([attrs.evolve(uno_q, domains=(uno_q.domains[0], bare))])


def test_this_computer_is_no_board_to_choose() -> None:
    with pytest.raises(ConfigError, match=r"pc.profile\.json: ram_mb: not there"):
        devices_for(PROFILES, ("pc",))


def test_sizes_are_in_kib_and_leave_the_firmware_out() -> None:
    (pico,) = device("pico").sites
    assert (pico.domain, pico.part, pico.clock_hz) == ("mcu", "RP2040", 133e6)
    assert (pico.ram_kb, pico.flash_kb) == (264, 2048)
    assert pico.ram_kb - pico.reserved_kb == 256
    assert pico.flash_kb is not None
    assert pico.flash_kb - pico.firmware_kb == 1984
    assert not pico.has_ui
    (uno,) = device("uno").sites
    assert (uno.ram_kb - uno.reserved_kb) * 1024 == 1448


def test_domains_are_sites_the_smallest_first() -> None:
    mcu, mpu = device("uno_q").sites
    assert (mcu.domain, mcu.part, mcu.has_ui) == ("mcu", "STM32U585", False)
    assert (mpu.domain, mpu.part, mpu.has_ui) == ("mpu", "QRB2210", True)
    assert mpu.flash_kb is None
    assert mpu.firmware_kb == 0
    assert mcu.ram_kb < mpu.ram_kb


def test_a_display_begins_with_the_uno_q() -> None:
    with_ui = [d.id for d in devices_for(PROFILES) if any(site.has_ui for site in d.sites)]
    assert with_ui == [d.id for d in devices_for(PROFILES)][3:]


def test_ops_are_what_the_port_has_kernels_for() -> None:
    every = {kind.name for kind in PlanOp}
    (pico,), (uno,) = device("pico").sites, device("uno").sites
    assert pico.backends[0].ops == every
    assert uno.backends[0].ops is not None
    assert {"CONV_2D", "FULLY_CONNECTED", "SOFTMAX"} <= uno.backends[0].ops < every
    for name in ("turbo", "orion"):
        for backend in device(name).sites[0].backends:
            assert (backend.ops is None) == (backend.name != "tflite_micro")


def test_an_accelerators_backend_is_preferred() -> None:
    names = [backend.name for backend in device("turbo_rk").sites[0].backends]
    assert names[:2] == ["dxm1", "rknn"]


def test_what_148_kb_fit_into() -> None:
    """The vector of the documented example, which finds a Pico, then an ESP32.

    An ESP32 that is tried may still refuse: its data RAM lies in two parts, and what is reserved of
    it is counted over both.
    """
    fitting = [
        d.id
        for d in devices_for(PROFILES)
        if choose_precision(d.sites[0], VECTOR, Limits(tolerance=0.02)).passed
    ]
    assert fitting[:2] == ["pico", "esp32"]
    assert "uno" not in fitting
