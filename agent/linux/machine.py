"""What Linux says of the machine: CPUs, clocks, temperature, throttling, identity.

Read from sysfs and procfs below ``root``; what a board does not have is None. Paths are those
of the kernel's documentation (Documentation/ABI/testing/sysfs-devices-system-cpu,
admin-guide/pm/cpufreq.rst, driver-api/thermal/sysfs-api.rst).
"""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable
from pathlib import Path

import attrs

from protocol.capabilities import machine_uid

_CPU = Path("sys/devices/system/cpu")
_THERMAL = Path("sys/class/thermal")
_PI_THROTTLED = Path("sys/devices/platform/soc/soc:firmware/get_throttled")
_PI_THROTTLED_NOW = 0b1111
"""Under-voltage, frequency capped, throttled, soft temperature limit (Raspberry Pi vcgencmd)."""
_CPU_ZONES = re.compile(r"cpu|soc|pkg|core|big|little|tsens", re.IGNORECASE)
_CPU_COOLING = re.compile(r"cpufreq|processor|thermal-cpu", re.IGNORECASE)
_U32_MAX = 0xFFFFFFFF


@attrs.frozen
class Throttling:
    """``events`` counts since power-on; None where the board has neither sign."""

    events: int | None
    now: bool | None

    def since(self, before: Throttling) -> bool | None:
        """Whether the clock was held down at ``before``, at this reading, or between."""
        if self.events is None and self.now is None:
            return None
        return bool(self.now or before.now or (self.events or 0) > (before.events or 0))


class Machine:
    """This computer; ``root`` is another folder than ``/`` in tests."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._root = root

    @property
    def core(self) -> str:
        return platform.machine()

    @property
    def uid(self) -> str:
        """Hexadecimal; empty where it is not known."""
        return machine_uid(self._text(Path("etc/machine-id"), strip=False).encode())

    def fastest_cpus(self) -> tuple[int, ...]:
        """CPUs of the fastest kind that this process may use, the last first.

        The first CPU of most boards serves their interrupts.
        """
        allowed = sorted(os.sched_getaffinity(0), reverse=True)
        speed = {cpu: self._speed(cpu) for cpu in allowed}
        return tuple(cpu for cpu in allowed if speed[cpu] == max(speed.values()))

    def clock_hz(self, cpu: int) -> int:
        """The highest clock; 0 where it is not known or 32 bits do not hold it."""
        khz = self._number(_CPU / f"cpu{cpu}/cpufreq/cpuinfo_max_freq") or 0
        return khz * 1000 if khz * 1000 <= _U32_MAX else 0

    def governor(self, cpus: Iterable[int]) -> str | None:
        found = {self._text(_CPU / f"cpu{cpu}/cpufreq/scaling_governor") for cpu in cpus} - {""}
        return "+".join(sorted(found)) or None

    def power_mode(self) -> str | None:
        """A Jetson's nvpmodel, or the platform profile of ACPI."""
        status = re.search(r"pmode:0*(\d+)", self._text(Path("var/lib/nvpmodel/status")))
        if status:
            wanted = rf"POWER_MODEL\s+ID={status[1]}\s+NAME=(\S+)"
            named = re.search(wanted, self._text(Path("etc/nvpmodel.conf")))
            return named[1] if named else f"mode {status[1]}"
        return self._text(Path("sys/firmware/acpi/platform_profile")) or None

    def temperature_c(self) -> float | None:
        """The hottest zone of the processor; where none is named so, of all."""
        zones: list[tuple[bool, float]] = []
        for zone in sorted((self._root / _THERMAL).glob("thermal_zone*")):
            where = zone.relative_to(self._root)
            value = self._number(where / "temp")
            if value is not None:
                zones.append((bool(_CPU_ZONES.search(self._text(where / "type"))), value / 1000))
        return max(zones)[1] if zones else None

    def throttling(self) -> Throttling:
        counts = [
            self._number(path.relative_to(self._root))
            for path in (self._root / _CPU).glob("cpu*/thermal_throttle/core_throttle_count")
        ]
        events = [count for count in counts if count is not None]
        signs: list[bool] = []
        firmware = self._text(_PI_THROTTLED)
        if firmware:
            signs.append(bool(int(firmware, 16) & _PI_THROTTLED_NOW))
        for device in (self._root / _THERMAL).glob("cooling_device*"):
            where = device.relative_to(self._root)
            state = self._number(where / "cur_state")
            if state is not None and _CPU_COOLING.search(self._text(where / "type")):
                signs.append(state > 0)
        return Throttling(sum(events) if events else None, any(signs) if signs else None)

    def _speed(self, cpu: int) -> tuple[int, int]:
        """``cpu_capacity`` tells kinds of cores apart; else their highest clock does."""
        capacity = self._number(_CPU / f"cpu{cpu}/cpu_capacity") or 0
        return capacity, self._number(_CPU / f"cpu{cpu}/cpufreq/cpuinfo_max_freq") or 0

    def _text(self, path: Path, *, strip: bool = True) -> str:
        try:
            text = (self._root / path).read_text(errors="replace")
        except OSError:
            return ""
        return text.strip() if strip else text

    def _number(self, path: Path) -> int | None:
        try:
            return int(self._text(path))
        except ValueError:
            return None
