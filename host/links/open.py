"""Finds the link that a ``--port`` names."""

from __future__ import annotations

from urllib.parse import urlsplit

from host.errors import ConfigError
from host.links.base import Link


def open_link(port: str) -> Link:
    """Opens ``tcp://host:port``, or anything else as a serial port or pseudo-terminal.

    Raises:
        ConfigError: the address cannot be read.
        LinkError: nothing is there, or another program has it.
    """
    if "://" not in port:
        from host.links.serial import SerialLink

        return SerialLink(port)
    try:
        parts = urlsplit(port)
        host, number = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigError(f"--port {port}: {error}") from error
    if parts.scheme != "tcp" or not host or not number:
        raise ConfigError(
            f"--port {port}: expected a device such as /dev/ttyACM0, or tcp://HOST:PORT"
        )
    from host.links.tcp import TcpLink

    return TcpLink(host, number)
