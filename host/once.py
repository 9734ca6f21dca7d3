"""What is worth computing once, though several threads ask for it at the same time."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

V = TypeVar("V")


class OnceCache(Generic[V]):
    """Keeps the ``size`` values that were asked for last, by key.

    Whoever asks for a value that another thread computes waits for that; what raises is not kept.
    """

    def __init__(self, size: int) -> None:
        self._size = size
        self._lock = threading.Lock()
        self._values: OrderedDict[Hashable, V] = OrderedDict()
        self._in_work: dict[Hashable, threading.Lock] = {}

    def get(self, key: Hashable, compute: Callable[[], V]) -> V:
        """The value of ``key``; raises what ``compute`` raises."""
        with self._lock:
            if key in self._values:
                self._values.move_to_end(key)
                return self._values[key]
            turn = self._in_work.setdefault(key, threading.Lock())
        with turn:
            with self._lock:
                if key in self._values:  # computed while this thread waited
                    return self._values[key]
            try:
                value = compute()
            except BaseException:
                with self._lock:
                    self._in_work.pop(key, None)
                raise
            with self._lock:
                self._values[key] = value
                self._in_work.pop(key, None)
                if len(self._values) > self._size:
                    self._values.popitem(last=False)
            return value
