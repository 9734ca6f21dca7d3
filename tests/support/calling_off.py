"""A signal that the system gives to another thread than the one that handles it."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Callable, Iterator


class CalledOff(Exception):
    """What the signal's handler raises, in the main thread."""


@contextlib.contextmanager
def calling_off() -> Iterator[Callable[[], None]]:
    """Gives what a thread of the pool calls to have the signal come to itself."""

    def called_off(_number: int, _frame: object) -> None:
        raise CalledOff

    def signal_me() -> None:
        time.sleep(0.3)  # the main thread sleeps by now
        signal.pthread_kill(threading.get_ident(), signal.SIGUSR1)

    before = signal.signal(signal.SIGUSR1, called_off)
    try:
        yield signal_me
    finally:
        signal.signal(signal.SIGUSR1, before)
