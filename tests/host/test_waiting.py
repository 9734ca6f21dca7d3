"""A wait ends with what it waits for, and with a signal that another thread got."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import Future

import pytest

from host.waiting import result_of, wait_until
from tests.support.make import ROOT

_ASLEEP = """
import signal, sys, threading, time
from concurrent.futures import Future
from host.waiting import result_of, wait_until

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
