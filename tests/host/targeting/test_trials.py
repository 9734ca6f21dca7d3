"""How devices are tried out: side by side, the cheapest first, and no longer than it takes."""

from __future__ import annotations

import threading
import time

import pytest

from host.errors import LinkError
from host.links.interruptible import Interrupted
from host.targeting.selection import select
from host.targeting.site import Site
from host.targeting.verdict import DeviceVerdict, Limits, Trial
from tests.host.targeting.world import CATALOG, FAST, LINUX, MIDDLE, SMALL, VECTOR, FixedBench
from tests.support.calling_off import CalledOff, calling_off

LATENCIES = {"small": 4000.0, "middle": 300.0, "fast": 150.0, "linux": 50.0}
PATIENCE_S = 10.0


class HeldBench(FixedBench):
    """Each trial of a held device lasts until it is let go, or called off."""

    def __init__(self, *held: str) -> None:
        super().__init__(LATENCIES)
        self._let_go = {device: threading.Event() for device in held}
        self._stop = threading.Event()
        self.called_off: list[str] = []
        self.most_at_once = 0
        self._at_once = 0

    def let_go(self, device: str) -> None:
        self._let_go[device].set()

    def stop(self) -> None:
        self._stop.set()

    def try_out(self, site: Site, precision: str) -> Trial:
        with self._lock:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            deadline = time.monotonic() + PATIENCE_S
            while (gate := self._let_go.get(site.device)) and not gate.wait(0.01):
                assert time.monotonic() < deadline, f"nobody let {site.device} go"
                if self._stop.is_set():
                    self.called_off.append(site.device)
                    raise Interrupted
            return super().try_out(site, precision)
        finally:
            with self._lock:
                self._at_once -= 1


class Seen:
    """An observer that lets a device go when it hears of another."""

    def __init__(self, bench: HeldBench | None = None) -> None:
        self._bench = bench
        self.assessed_ids: list[str] = []
        self.decided_ids: list[str] = []

    def assessed(self, verdict: DeviceVerdict) -> None:
        assert verdict.best.trial is None
        self.assessed_ids.append(verdict.device.id)

    def decided(self, verdict: DeviceVerdict) -> None:
        self.decided_ids.append(verdict.device.id)


def test_devices_are_tried_side_by_side() -> None:
    bench = HeldBench("middle", "fast")
    releaser = threading.Thread(target=_release_when, args=(bench, 2, ("middle", "fast")))
    releaser.start()
    select(CATALOG, VECTOR, Limits(), bench, parallel=2)
    releaser.join()
    assert bench.most_at_once == 2


def test_one_at_a_time_where_that_is_asked_for() -> None:
    bench = HeldBench()
    select(CATALOG, VECTOR, Limits(), bench, every=True, parallel=1)
    assert bench.most_at_once == 1
    assert bench.asked == ["middle.mcu", "fast.mcu", "linux.mcu"]


def _release_when(bench: HeldBench, at_once: int, held: tuple[str, ...]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while bench.most_at_once < at_once and time.monotonic() < deadline:
        time.sleep(0.005)
    for device in held:
        bench.let_go(device)


def test_what_is_not_needed_any_more_is_called_off() -> None:
    bench = HeldBench("linux")  # is never let go
    seen = Seen()
    selection = select(CATALOG, VECTOR, Limits(), bench, parallel=4, observer=seen)
    assert selection.target is not None
    assert selection.target.device is MIDDLE
    assert selection.next_tier is not None
    assert selection.next_tier.device is FAST
    assert bench.called_off in ([], ["linux"])  # it may not even have begun
    linux = next(v for v in selection.verdicts if v.device is LINUX)
    assert not linux.is_decided
    assert seen.assessed_ids == seen.decided_ids == ["small", "middle", "fast", "linux"]


def test_a_quick_trial_beyond_the_answer_changes_nothing() -> None:
    # linux answers at once, middle late: what is declared does not depend on that.
    bench = HeldBench("middle")
    releaser = threading.Thread(target=_release_after, args=(bench, "linux.mcu", "middle"))
    releaser.start()
    selection = select(CATALOG, VECTOR, Limits(), bench, parallel=4)
    releaser.join()
    assert "linux.mcu" in bench.asked
    assert not next(v for v in selection.verdicts if v.device is LINUX).is_decided


def _release_after(bench: HeldBench, asked: str, held: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while asked not in bench.asked and time.monotonic() < deadline:
        time.sleep(0.005)
    bench.let_go(held)


def test_all_are_tried_where_that_is_asked_for() -> None:
    bench = FixedBench(LATENCIES)
    selection = select(CATALOG, VECTOR, Limits(), bench, every=True, parallel=4)
    assert all(verdict.is_decided for verdict in selection.verdicts)
    assert sorted(bench.asked) == ["fast.mcu", "linux.mcu", "middle.mcu"]
    assert selection.verdicts[0].device is SMALL  # ruled out by its RAM: never asked


def test_a_signal_that_wakes_another_thread_calls_trials_off() -> None:
    with calling_off() as signal_me:

        class Signalled(HeldBench):
            def try_out(self, site: Site, precision: str) -> Trial:
                signal_me()
                return super().try_out(site, precision)

        bench = Signalled("middle")  # is never let go
        with pytest.raises(CalledOff):
            select(CATALOG, VECTOR, Limits(), bench, parallel=1)
    assert bench.called_off == ["middle"]


def test_a_failure_ends_the_other_trials() -> None:
    class Broken(HeldBench):
        def try_out(self, site: Site, precision: str) -> Trial:
            if site.device == "middle":
                raise LinkError("the cable is gone")
            return super().try_out(site, precision)

    bench = Broken("fast", "linux")
    with pytest.raises(LinkError, match="the cable is gone"):
        select(CATALOG, VECTOR, Limits(), bench, parallel=4)
    assert threading.active_count() == 1 or not [
        thread for thread in threading.enumerate() if "ThreadPoolExecutor" in thread.name
    ]
