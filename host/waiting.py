"""Waits of the main thread that a signal ends, whichever thread of the process it went to.

Python runs signal handlers in the main thread, between two of its instructions. A main thread that
sleeps in a lock wakes up for a signal only if that interrupts this very sleep: not if the system
gave it to another thread, and not if it came just before. So it wakes up now and then by itself.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, wait
from typing import TypeVar

_AWAKE_EVERY_S = 0.1

_Result = TypeVar("_Result")


def wait_until(happened_within: Callable[[float], bool]) -> None:
    """Waits until ``happened_within``, given how long it may wait (s), says that it happened."""
    while not happened_within(_AWAKE_EVERY_S):
        pass


def result_of(future: Future[_Result]) -> _Result:
    """What ``future`` returned or raises, as soon as it is done."""
    wait_until(lambda timeout_s: bool(wait([future], timeout_s).done))
    return future.result()
