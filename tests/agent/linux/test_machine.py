"""What the agent reads of its machine, from a folder that looks like a board's root."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from agent.linux.machine import Machine, Throttling
from protocol.capabilities import Capabilities
from tests.firmware.agent.agent_process import AgentProcess, Client
from tests.support.pc_agent import build_pc_agent

CPU = "sys/devices/system/cpu"
ZONE = "sys/class/thermal/thermal_zone"
COOLER = "sys/class/thermal/cooling_device"


def machine(root: Path, files: dict[str, str]) -> Machine:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    return Machine(root)


def test_nothing_is_guessed(tmp_path: Path) -> None:
    bare = machine(tmp_path, {})
    assert (bare.uid, bare.clock_hz(0), bare.governor([0])) == ("", 0, None)
    assert (bare.power_mode(), bare.temperature_c()) == (None, None)
    assert bare.throttling().since(bare.throttling()) is None


def test_the_fastest_kind_of_core_is_chosen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As an RK3588: four Cortex-A55 and four Cortex-A76; the agent may use six."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 3, 4, 7})
    capacities = {cpu: 530 if cpu < 4 else 1024 for cpu in range(8)}
    board = machine(
        tmp_path, {f"{CPU}/cpu{cpu}/cpu_capacity": str(c) for cpu, c in capacities.items()}
    )
    assert board.fastest_cpus() == (7, 4)
    # Where the kernel does not say, the clock does; where that is not said either, all are alike.
    by_clock = {f"{CPU}/cpu{cpu}/cpufreq/cpuinfo_max_freq": "2400000" for cpu in (0, 1)}
    assert machine(tmp_path / "clocks", by_clock).fastest_cpus() == (1, 0)
    assert Machine(tmp_path / "none").fastest_cpus() == (7, 4, 3, 2, 1, 0)


def test_clock_and_governor(tmp_path: Path) -> None:
    board = machine(
        tmp_path,
        {
            f"{CPU}/cpu0/cpufreq/cpuinfo_max_freq": "2400000",
            f"{CPU}/cpu1/cpufreq/cpuinfo_max_freq": "5000000",
            f"{CPU}/cpu0/cpufreq/scaling_governor": "ondemand",
            f"{CPU}/cpu1/cpufreq/scaling_governor": "performance",
        },
    )
    assert board.clock_hz(0) == 2_400_000_000
    assert board.clock_hz(1) == 0, "5 GHz do not fit 32 bits"
    assert board.governor([1]) == "performance"
    assert board.governor([0, 1]) == "ondemand+performance"


def test_the_processors_temperature_is_its_hottest_zone(tmp_path: Path) -> None:
    zones = {
        f"{ZONE}0/type": "acpitz",
        f"{ZONE}0/temp": "90000",
        f"{ZONE}1/type": "cpu0-thermal",
        f"{ZONE}1/temp": "41250",
        f"{ZONE}2/type": "cpu1-thermal",
        f"{ZONE}2/temp": "43500",
        f"{ZONE}3/type": "soc-thermal",
        f"{ZONE}3/temp": "unreadable",
    }
    assert machine(tmp_path, zones).temperature_c() == 43.5
    only = {f"{ZONE}0/type": "acpitz", f"{ZONE}0/temp": "-3250"}
    assert machine(tmp_path / "one", only).temperature_c() == -3.25


def test_power_modes(tmp_path: Path) -> None:
    jetson = {
        "var/lib/nvpmodel/status": "pmode:0002",
        "etc/nvpmodel.conf": "< POWER_MODEL ID=0 NAME=MAXN >\n< POWER_MODEL ID=2 NAME=15W >",
    }
    assert machine(tmp_path, jetson).power_mode() == "15W"
    (tmp_path / "etc/nvpmodel.conf").unlink()
    assert Machine(tmp_path).power_mode() == "mode 2"
    laptop = {"sys/firmware/acpi/platform_profile": "balanced"}
    assert machine(tmp_path / "acpi", laptop).power_mode() == "balanced"


@pytest.mark.parametrize(
    ("sign", "cool", "hot"),
    [
        ("sys/devices/platform/soc/soc:firmware/get_throttled", "50000", "50004"),
        (f"{CPU}/cpu0/thermal_throttle/core_throttle_count", "17", "18"),
        (f"{COOLER}0/cur_state", "0", "2"),
    ],
    ids=["Raspberry Pi", "x86", "cooling device"],
)
def test_throttling(tmp_path: Path, sign: str, cool: str, hot: str) -> None:
    """That it was throttled earlier than the measurement is no sign of it in it."""
    board = machine(tmp_path, {sign: cool, f"{COOLER}0/type": "cpufreq-cpu0"})
    before = board.throttling()
    assert board.throttling().since(before) is False
    (tmp_path / sign).write_text(hot)
    assert board.throttling().since(before) is True


def test_a_fan_is_no_throttling(tmp_path: Path) -> None:
    fan = {f"{COOLER}0/type": "pwm-fan", f"{COOLER}0/cur_state": "3"}
    assert machine(tmp_path, fan).throttling() == Throttling(None, None)


def test_the_uid_is_the_one_of_the_c_agent() -> None:
    with AgentProcess(build_pc_agent()) as agent:
        offered: Capabilities = Client(agent).capabilities()
    assert Machine().uid == offered.uid
