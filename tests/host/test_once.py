"""Values that several threads ask for at the same time."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from host.once import OnceCache


def test_a_value_is_computed_once_for_all_threads() -> None:
    cache: OnceCache[int] = OnceCache(4)
    together, calls = threading.Barrier(8), []

    def compute() -> int:
        calls.append(1)
        threading.Event().wait(0.05)  # long enough for the others to ask meanwhile
        return 7

    def ask(_: int) -> int:
        together.wait(10)
        return cache.get("key", compute)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(ask, range(8))) == [7] * 8
    assert len(calls) == 1


def test_what_raises_is_computed_again() -> None:
    cache: OnceCache[int] = OnceCache(4)
    with pytest.raises(ZeroDivisionError):
        cache.get("key", lambda: 1 // 0)
    assert cache.get("key", lambda: 3) == 3


def test_the_value_that_was_asked_for_longest_ago_goes_first() -> None:
    cache: OnceCache[str] = OnceCache(2)
    for key in ("a", "b", "a", "c"):
        cache.get(key, lambda: "old")
    assert [cache.get(key, lambda: "new") for key in ("a", "c", "b")] == ["old", "old", "new"]
