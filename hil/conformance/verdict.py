"""What a check says of the agent."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from hil.conformance.board import Board


class Failed(Exception):
    """The agent does not do what SPEC.md says; the message is how."""


class Skipped(Exception):
    """The agent does not offer what the check needs."""


@attrs.frozen
class Check:
    """One sentence that must hold of every agent."""

    area: str
    sentence: str
    run: Callable[[Board], None]


CHECKS: list[Check] = []
"""Every check, as the modules that hold them are imported."""


def check(area: str, sentence: str) -> Callable[[Callable[[Board], None]], Callable[[Board], None]]:
    """Makes a function a check."""

    def register(function: Callable[[Board], None]) -> Callable[[Board], None]:
        CHECKS.append(Check(area, sentence, function))
        return function

    return register


def expect(holds: object, otherwise: str) -> None:
    """Raises Failed unless ``holds``."""
    if not holds:
        raise Failed(otherwise)
