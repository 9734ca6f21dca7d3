"""What the machine says of the model that runs on it."""

from __future__ import annotations

import attrs

from agent.linux.engines.loaded import LoadedModel
from agent.linux.engines.process import memory_bytes
from agent.linux.machine import Machine, Throttling
from protocol.report import Report


@attrs.frozen
class _Before:
    """The machine when the model was loaded."""

    temperature_c: float | None
    throttling: Throttling


class Reporter:
    """Compares the machine as it is with how it was when the model was loaded."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine
        self._before = self._look()

    def begin(self) -> None:
        """A model is about to be loaded."""
        self._before = self._look()

    def report(self, model: LoadedModel, pid: int) -> Report:
        """The report on ``model``, whose process is ``pid``."""
        resident_bytes, peak_bytes = memory_bytes(pid)
        now = self._look()
        return Report(
            engine=model.engine,
            rss_bytes=resident_bytes,
            peak_rss_bytes=peak_bytes,
            threads=model.threads,
            cpus=frozenset(model.cpus),
            governor=self._machine.governor(model.cpus),
            power_mode=self._machine.power_mode(),
            temperature_before=self._before.temperature_c,
            temperature_after=now.temperature_c,
            throttled=now.throttling.since(self._before.throttling),
        )

    def _look(self) -> _Before:
        return _Before(self._machine.temperature_c(), self._machine.throttling())
