"""A wait ends with what it waits for, and with a signal that another thread got."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future

import pytest

from host.waiting import result_of, side_by_side, wait_until
from tests.support.make import ROOT

_ASLEEP = """
import signal, sys, threading, time
from concurrent.futures import Future
from host.waiting import result_of, side_by_side, wait_until

def end(number, _frame):
    sys.exit(128 + number)

def elsewhere():
    time.sleep(0.3)  # the main thread sleeps by now
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

signal.signal(signal.SIGTERM, end)
threading.Thread(target=elsewhere).start()
{wait}
"""


@pytest.mark.parametrize(
    "wait",
    [
        "wait_until(lambda wait_s: threading.Event().wait(wait_s))",
        "result_of(Future())",
        "side_by_side(time.sleep, [3.0] * 20, 1)",
    ],
)
def test_a_signal_to_another_thread_ends_it(wait: str) -> None:
    code = _ASLEEP.format(wait=wait)
    process = subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=30, check=False)
    assert process.returncode == 128 + signal.SIGTERM


def test_what_happens_is_not_slept_through() -> None:
    happened = threading.Semaphore(0)
    threading.Timer(0.25, happened.release).start()
    wait_until(lambda wait_s: happened.acquire(timeout=wait_s))
    assert not happened.acquire(blocking=False)  # taken once


def test_a_result_is_returned_and_an_error_raised() -> None:
    done, late, failed, timed_out = (Future[int]() for _ in range(4))
    done.set_result(1)
    threading.Timer(0.25, late.set_result, [2]).start()
    failed.set_exception(KeyError("k"))
    timed_out.set_exception(TimeoutError("its own"))
    assert (result_of(done), result_of(late)) == (1, 2)
    with pytest.raises(KeyError):
        result_of(failed)
    started = time.monotonic()
    with pytest.raises(TimeoutError, match="its own"):
        result_of(timed_out)
    assert time.monotonic() - started < 5


def test_side_by_side_keeps_the_order_and_the_number_at_once() -> None:
    at_once, most, lock = 0, 0, threading.Lock()

    def work(item: int) -> int:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.02 * (5 - item))
        with lock:
            at_once -= 1
        return 10 * item

    assert side_by_side(work, range(5), 3) == [0, 10, 20, 30, 40]
    assert most == 3
    assert side_by_side(work, [], 3) == []


def test_after_a_failure_no_further_work_begins() -> None:
    begun = []

    def work(item: int) -> None:
        begun.append(item)
        if item == 1:
            raise KeyError(item)
        time.sleep(0.05)

    with pytest.raises(KeyError):
        side_by_side(work, range(100), 1)
    assert len(begun) < 10
