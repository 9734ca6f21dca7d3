"""Where a broker is and who one is there, with mistakes as a user of ``host`` is told them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from host.errors import ConfigError, LinkError
from protocol.mqtt import address
from protocol.mqtt.address import PASSWORD_VARIABLE, BoardAddress, BrokerAddress, is_mqtt
from protocol.mqtt.failures import AddressError, BrokerError

__all__ = [
    "PASSWORD_VARIABLE",
    "BoardAddress",
    "BrokerAddress",
    "explained",
    "is_mqtt",
    "parse_board",
    "parse_broker",
]


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Raises ConfigError or LinkError for what ``protocol.mqtt`` says of the same."""
    try:
        yield
    except AddressError as error:
        raise ConfigError(str(error), hint=error.hint) from error
    except BrokerError as error:
        raise LinkError(str(error), hint=error.hint) from error


def parse_broker(option: str, url: str) -> BrokerAddress:
    """The broker of ``mqtts://user@broker``.

    Raises:
        ConfigError: it cannot be read, holds a password, or names a board; says so of ``option``.
    """
    with explained():
        return address.parse_broker(option, url)


def parse_board(option: str, url: str) -> BoardAddress:
    """The board of ``mqtts://user@broker/rack/board``.

    Raises:
        ConfigError: it cannot be read, or holds a password; says so of ``option``.
    """
    with explained():
        return address.parse_board(option, url)
