"""Who is told how a measurement goes on."""

from __future__ import annotations

from typing import Protocol


class Observer(Protocol):
    """Is told how a measurement goes on."""

    def stage(self, text: str) -> None:
        """What is being done now."""

    def note(self, text: str) -> None:
        """What the user should know of how the result came about."""

    def upload(self, done: int, total: int) -> None:
        """Bytes of the plan."""

    def runs(self, done: int, total: int) -> None:
        """Iterations, warm-ups included."""


class Silent:
    """Implements :class:`Observer`: nobody looks on. Others override what they want to hear."""

    def stage(self, text: str) -> None: ...
    def note(self, text: str) -> None: ...
    def upload(self, done: int, total: int) -> None: ...
    def runs(self, done: int, total: int) -> None: ...
