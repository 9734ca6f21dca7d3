"""Runs a loaded plan: warm-ups, timed iterations, and the check that every run agrees."""

from __future__ import annotations

import math
from collections.abc import Callable

import attrs

from host.measurement.inputs import Inputs
from host.session.session import RunResult, Session
from protocol.messages import InputSource

_WINDOW_S = 1.0
"""Timed iterations together last at least about this long where timing has noise."""
_MIN_ITERATIONS = 10
_MAX_ITERATIONS = 1000
_NOISY_WARMUP = 3
_DETERMINISTIC_WARMUP = 1
_DETERMINISTIC_ITERATIONS = 3
_BATCH_S = 0.5
"""A batch lasts at most about this long on the board, so that progress is seen and deadlines stay
short. Not on the host's clock: an emulated board's batches would be others on a busy host, and with
them what each run finds in the caches."""

RunObserver = Callable[[int, int], None]
"""Called with iterations done and to do, warm-ups included."""


@attrs.frozen
class Schedule:
    """How often to run. ``iterations`` None: as many as the first run's time suggests."""

    warmup: int
    iterations: int | None

    @classmethod
    def choose(cls, warmup: int | None, iterations: int | None, deterministic: bool) -> Schedule:
        """Fills in what was not asked for."""
        if warmup is None:
            warmup = _DETERMINISTIC_WARMUP if deterministic else _NOISY_WARMUP
        if iterations is None and deterministic:
            iterations = _DETERMINISTIC_ITERATIONS
        return cls(warmup, iterations)


@attrs.frozen
class Series:
    """What all runs together showed. ``ticks`` leaves the warm-ups out."""

    ticks: tuple[int, ...]
    warmup: int
    first_ticks: int
    input_crc32: int
    output_crc32: int
    unstable_at: int | None
    """First iteration, warm-ups counted, whose output was not the first's."""
    arena_high_water_bytes: int
    stack_high_water_bytes: int
    instructions: int = 0
    """Of the last iteration; 0 where the board does not count them."""

    def checked_against(self, result: RunResult) -> Series:
        """With ``result`` of one further run taken into the check that all runs agree."""
        if self.unstable_at is not None or result.output_crc32 == self.output_crc32:
            return self
        return attrs.evolve(self, unstable_at=self.warmup + len(self.ticks))


class Runner:
    """Runs one plan with one input, batch by batch."""

    def __init__(
        self, session: Session, *, macs: int, inputs: Inputs, inputs_overwritten: bool
    ) -> None:
        """``inputs_overwritten``: the plan's flag that a run destroys its inputs."""
        self._session = session
        self._macs = macs
        self._inputs = inputs
        self._sends = inputs.seed is None
        self._resend = inputs_overwritten
        self._fresh = False
        self._iteration_s = math.inf

    def run(self, iterations: int, *, profile: bool = False) -> RunResult:
        """One batch, of at most ``max_batch`` iterations."""
        if self._sends and not self._fresh:
            for index, data in enumerate(self._inputs.data):
                self._session.send_input(index, data)
            self._fresh = not self._resend
        result = self._session.run(
            iterations,
            macs=self._macs,
            source=InputSource.SENT if self._sends else InputSource.SEEDED,
            seed=self._inputs.seed or 0,
            profile=profile,
        )
        self._iteration_s = max(result.ticks) / self._session.capabilities.tick_hz
        return result

    @property
    def max_batch(self) -> int:
        """Iterations that the next batch may have."""
        if self._sends and self._resend:
            return 1
        if self._iteration_s >= _BATCH_S:
            return 1
        most = self._session.max_batch
        return min(most, int(_BATCH_S / self._iteration_s)) if self._iteration_s > 0 else most


def run_series(
    runner: Runner, schedule: Schedule, tick_hz: int, observer: RunObserver | None = None
) -> Series:
    """Runs warm-ups and iterations; the first run is alone in its batch and sets the pace."""
    results = [runner.run(1)]
    ticks = list(results[0].ticks)
    iterations = schedule.iterations or _enough(ticks[0] / tick_hz)
    total = schedule.warmup + iterations
    unstable_at: int | None = None
    while len(ticks) < total:
        if observer is not None:
            observer(len(ticks), total)
        result = runner.run(min(runner.max_batch, total - len(ticks)))
        if unstable_at is None:
            if result.output_crc32 != results[0].output_crc32:
                unstable_at = len(ticks)
            elif result.unstable_at is not None:
                unstable_at = len(ticks) + result.unstable_at
        ticks += result.ticks
        results.append(result)
    if observer is not None:
        observer(total, total)
    return Series(
        ticks=tuple(ticks[schedule.warmup :]),
        warmup=schedule.warmup,
        first_ticks=ticks[0],
        input_crc32=results[0].input_crc32,
        output_crc32=results[0].output_crc32,
        unstable_at=unstable_at,
        arena_high_water_bytes=max(result.arena_high_water_bytes for result in results),
        stack_high_water_bytes=max(result.stack_high_water_bytes for result in results),
        instructions=results[-1].instructions,
    )


def _enough(first_s: float) -> int:
    """Iterations that fill the window, within bounds."""
    wanted = math.ceil(_WINDOW_S / first_s) if first_s > 0 else _MAX_ITERATIONS
    return min(_MAX_ITERATIONS, max(_MIN_ITERATIONS, wanted))
