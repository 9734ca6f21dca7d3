"""What a check is, and all of them."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from hil.conformance.board import Board


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
