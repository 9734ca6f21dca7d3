"""Finds the link that a ``--port`` names."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from host.errors import ConfigError
from host.links.base import Link
from host.links.mqtt_address import is_mqtt

OWN_AGENT = Path(__file__).resolve().parents[2] / "build" / "firmware" / "posix" / "pc-agent"
"""What `make firmware` builds for this computer."""


def open_own_agent() -> Link:
    """Starts the agent for this computer as a process of its own.

    Raises:
        ConfigError: it is not built.
    """
    from host.links.process import ProcessLink

    return ProcessLink(OWN_AGENT)


def open_link(port: str, *, baud: int | None = None) -> Link:
    """Opens ``tcp://host:port``, ``mqtt[s]://broker/rack/board``, or else a serial port.

    ``baud`` is a serial port's; None: the usual one.

    Raises:
        ConfigError: the address cannot be read.
        LinkError: nothing is there, or another program has it.
    """
    if "://" not in port:
        from host.links.serial import DEFAULT_BAUD, SerialLink

        return SerialLink(port, baud or DEFAULT_BAUD)
    if is_mqtt(port):
        from host.links.mqtt import MqttLink
        from host.links.mqtt_address import parse_board

        return MqttLink(parse_board("--port", port))
    try:
        parts = urlsplit(port)
        host, number = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigError(f"--port {port}: {error}") from error
    if parts.scheme != "tcp" or not host or not number:
        raise ConfigError(
            f"--port {port}: expected a device such as /dev/ttyACM0, tcp://HOST:PORT, "
            "or mqtt[s]://[USER@]BROKER[:PORT]/RACK/BOARD"
        )
    from host.links.tcp import TcpLink

    return TcpLink(host, number)
