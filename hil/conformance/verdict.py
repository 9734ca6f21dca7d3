"""What a check says of the agent."""

from __future__ import annotations


class Failed(Exception):
    """The agent does not do what SPEC.md says; the message is how."""


class Skipped(Exception):
    """The agent does not offer what the check needs."""


def expect(holds: object, otherwise: str) -> None:
    """Raises Failed unless ``holds``."""
    if not holds:
        raise Failed(otherwise)
