"""The shipped boards: what data sheets say of them, and what their own agents do."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

import devices
from host.emulators import emulated_boards, find_emulator, open_emulator
from host.session.connection import Connection
from protocol.capabilities import Capabilities
from protocol.messages import Store
from protocol.plan import PlanOp

TIERS = [
    *("uno", "pico", "esp32", "uno_q"),
    *("jumpstation", "jumpstation_rk", "turbo", "turbo_rk"),
    *("orion_o6", "orion"),
]
RAM_IN_PARTS = {"esp32"}
"""Whose agent has one part of it for its pool, so that the profile promises more."""
OTHERS = {"esp32c3", "nucleo_u575zi_q", "nucleo_g0b1re", "jetson_orin_nano", "pc"}


def test_the_tiers_and_what_is_outside_of_them() -> None:
    profiles = devices.load_all()
    assert [p.id for p in profiles if p.rank is not None] == TIERS
    assert [p.rank for p in profiles if p.rank is not None] == list(range(1, 11))
    assert {p.id for p in profiles if p.candidate} == set(TIERS)
    assert {p.id for p in profiles if p.rank is None} == OTHERS


@pytest.mark.parametrize(
    ("board", "domain", "part", "cores", "clock_mhz", "ram_kb", "flash_kb"),
    [
        ("uno", "mcu", "ATmega328P", 1, 16, 2, 31.5),
        ("pico", "mcu", "RP2040", 2, 133, 264, 2048),
        ("esp32", "mcu", "ESP32", 2, 240, 520, 4096),
        ("uno_q", "mcu", "STM32U585", 1, 160, 786, 2048),
        ("uno_q", "mpu", "QRB2210", 4, 2000, 2 << 20, None),
        ("esp32c3", "mcu", "ESP32-C3", 1, 160, 400, 4096),
        ("nucleo_g0b1re", "mcu", "STM32G0B1RE", 1, 64, 144, 512),
        ("nucleo_u575zi_q", "mcu", "STM32U575", 1, 160, 786, 2048),
    ],
)
def test_the_data_sheets_figures(
    board: str,
    domain: str,
    part: str,
    cores: int,
    clock_mhz: float,
    ram_kb: float,
    flash_kb: float | None,
) -> None:
    found = devices.load(board).domain(domain)
    assert found is not None
    assert found.part == part
    assert found.cores[0].count is not None
    assert found.cores[0].count.value == cores
    assert found.cores[0].clock_hz is not None
    assert found.cores[0].clock_hz.value == clock_mhz * 1e6
    assert found.ram_mb is not None
    assert found.ram_mb.value * 1024 == ram_kb
    assert (None if found.flash_kb is None else found.flash_kb.value) == flash_kb


def test_vendors_peaks_are_those_of_the_accelerators() -> None:
    """TOPS = units x clock x multiply-accumulates a cycle x 2; 25 for a DX-M1, 6 for an RK3588."""
    for board, tops in (("jumpstation_rk", 6), ("turbo", 25), ("turbo_rk", 31)):
        profile = devices.load(board)
        accelerators = profile.domains[0].accelerators
        rates = [unit.dtypes["int8"].macs_per_cycle for unit in accelerators]
        total = sum(
            unit.count.value * unit.clock_hz.value * rate.value * 2 / 1e12
            for unit, rate in zip(accelerators, rates, strict=True)
            if rate is not None
        )
        assert total == pytest.approx(tops)
        assert profile.ai_compute is not None
        assert profile.ai_compute.value == tops


def _figures(data: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(data, dict):
        if "value" in data:
            yield path, data
        for key, value in data.items():
            yield from _figures(value, f"{path}.{key}")
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _figures(value, f"{path}[{index}]")


def test_nothing_that_was_not_measured_here_is_called_so() -> None:
    """Boards are measured in emulation alone so far."""
    for profile in devices.load_all():
        is_emulated = any(domain.emulator is not None for domain in profile.domains)
        for path, figure in _figures(json.loads(profile.path.read_text()), profile.id):
            assert figure["method"] != "measured" or is_emulated, path


def test_dtypes_are_realized_by_a_backend_and_precisions_by_a_unit() -> None:
    for profile in devices.load_all():
        for domain in profile.domains:
            units = [*domain.cores, *domain.accelerators]
            dtypes = [item for unit in units for item in unit.dtypes.items()]
            if not dtypes:  # the board itself says
                continue
            precisions = {name for backend in domain.backends for name in backend.precisions}
            assert {name for name, dtype in dtypes if dtype.realized} == precisions, profile.id
            assert all(d.macs_per_cycle is not None for _, d in dtypes if d.realized), profile.id
            reached = {unit.backend for unit in domain.accelerators} - {None}
            assert reached <= {backend.name for backend in domain.backends}, profile.id


def _offered(board: str) -> Capabilities:
    emulator = find_emulator(board)
    missing = emulator.missing()
    if missing is not None:
        pytest.skip(f"the emulated {board} cannot be started: {missing}")
    if not emulator.default_firmware.is_file():
        pytest.skip(f"{emulator.default_firmware} is not built: `make firmware` builds it")
    with Connection(open_emulator(board)) as connection:
        return connection.connect()


@pytest.mark.parametrize("board", emulated_boards())
def test_a_profile_promises_no_more_than_its_board_offers(board: str) -> None:
    offered = _offered(board)
    profile = devices.load(board)
    assert offered.board == board
    domain = profile.domain(offered.domain)
    assert domain is not None
    assert domain.emulator is not None
    assert offered.emulator.split()[0] == domain.emulator.name
    if domain.emulator.fidelity != "isa-proxy":  # which has no time
        assert domain.cores[0].clock_hz is not None
        assert offered.clock_hz == domain.cores[0].clock_hz.value
    kinds = {PlanOp(bit).name for bit in offered.op_set}
    assert {kind.name for kind in PlanOp} - domain.backends[0].omits == kinds
    if board not in RAM_IN_PARTS:
        assert domain.ram_mb is not None
        assert domain.reserved_kb is not None
        promised_kb = domain.ram_mb.value * 1024 - domain.reserved_kb.value
        assert promised_kb * 1024 <= offered.pool_bytes
    store = offered.store(Store.FLASH)
    if store is not None:  # else the host puts plans into RAM
        assert domain.flash_kb is not None
        assert domain.firmware_kb is not None
        promised_kb = domain.flash_kb.value - domain.firmware_kb.value
        assert promised_kb * 1024 <= store.capacity_bytes
