"""Waits of the main thread that a signal ends, whichever thread of the process it went to.

Python runs signal handlers in the main thread, between two of its instructions. A main thread that
sleeps in a lock wakes up for a signal only if that interrupts this very sleep: not if the system
gave it to another thread, and not if it came just before. So it wakes up now and then by itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import TypeVar

AWAKE_EVERY_S = 0.1
"""For a loop of one's own: the longest sleep in a lock at a time."""

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def wait_until(happened_within: Callable[[float], bool]) -> None:
    """Waits until ``happened_within``, given how long it may wait (s), says that it happened."""
    while not happened_within(AWAKE_EVERY_S):
        pass


def result_of(future: Future[_Result]) -> _Result:
    """What ``future`` returned or raises, as soon as it is done."""
    wait_until(lambda timeout_s: bool(wait([future], timeout_s).done))
    return future.result()


def side_by_side(
    work: Callable[[_Item], _Result], items: Iterable[_Item], at_once: int
) -> list[_Result]:
    """What ``work`` returned for each item, in their order, so many in threads at once.

    Raises what one of them does, or a signal's handler; work that has begun is then waited for,
    and no further begun.
    """
    pool = ThreadPoolExecutor(at_once)
    try:
        return [result_of(future) for future in [pool.submit(work, item) for item in items]]
    finally:
        pool.shutdown(cancel_futures=True)
