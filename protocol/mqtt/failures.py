"""What goes wrong on the way to a broker, by who has to do something about it."""

from __future__ import annotations


class AddressError(ValueError):
    """A URL, certificate or password cannot be used; ``hint`` says what to do next."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class BrokerError(ConnectionError):
    """The broker cannot be reached, or refuses; ``hint`` says what to check."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint
