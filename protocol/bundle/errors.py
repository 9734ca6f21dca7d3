"""Why a bundle is refused."""

from __future__ import annotations

from enum import StrEnum


class Stage(StrEnum):
    """What is checked, in this order; each stage relies on those before it."""

    PARSE = "parse"
    SIZES = "sizes"
    SIGNATURE = "signature"
    HASHES = "hashes"
    COMPATIBILITY = "compatibility"
    SELF_TEST = "self-test"


class BundleError(ValueError):
    """A bundle that is not to be used; ``stage`` is the first that it did not pass."""

    def __init__(self, stage: Stage, reason: str) -> None:
        super().__init__(f"{stage}: {reason}")
        self.stage = stage
        self.reason = reason
