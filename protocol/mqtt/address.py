"""Where a broker is and who one is there: ``mqtts://user@broker:8883/rack/board``."""

from __future__ import annotations

import netrc
import os
import ssl
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import attrs

from protocol.mqtt.failures import AddressError
from protocol.mqtt.topics import is_name

PASSWORD_VARIABLE = "JUMPSTATION_MQTT_PASSWORD"
_PORTS = {"mqtt": 1883, "mqtts": 8883}
_FILES = ("ca", "cert", "key")
_FORM = "mqtt[s]://[USER@]BROKER[:PORT]"
_NETRC_VARIABLE = "NETRC"
"""Names the file instead of ~/.netrc, as it does for curl."""


def is_mqtt(port: str) -> bool:
    """Whether a ``--port`` leads through a broker."""
    return port.partition("://")[0] in _PORTS


@attrs.frozen
class BrokerAddress:
    """A broker, and what one shows it. The paths are files in PEM form."""

    host: str
    port: int
    tls: bool
    user: str | None = None
    ca: Path | None = None
    """Who vouches for the broker, where this machine's own store does not."""
    cert: Path | None = None
    key: Path | None = None

    def __str__(self) -> str:
        user = "" if self.user is None else f"{self.user}@"
        host = f"[{self.host}]" if ":" in self.host else self.host  # an IPv6 address
        return f"{'mqtts' if self.tls else 'mqtt'}://{user}{host}:{self.port}"

    def password(self) -> str | None:
        """The user's, from the environment or else from the netrc file; None: neither has it.

        Raises:
            AddressError: the netrc file is malformed, or others may read it.
        """
        if self.user is None:
            return None
        if (given := os.environ.get(PASSWORD_VARIABLE)) is not None:
            return given
        try:
            entry = netrc.netrc(os.environ.get(_NETRC_VARIABLE)).authenticators(self.host)
        except FileNotFoundError:
            return None
        except (netrc.NetrcParseError, OSError) as error:
            raise AddressError(f"the password of {self} cannot be read: {error}") from error
        # "default" in that file is for whatever has no entry, under its own login.
        return entry[2] if entry is not None and entry[0] == self.user else None

    def tls_context(self) -> ssl.SSLContext | None:
        """None where the address is without TLS.

        Raises:
            AddressError: a file is not there, or is no certificate or key.
        """
        if not self.tls:
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca)
            if self.cert is not None:
                context.load_cert_chain(self.cert, self.key)
        except (OSError, ssl.SSLError) as error:
            files = ", ".join(str(file) for file in (self.ca, self.cert, self.key) if file)
            raise AddressError(f"{files}: {error.strerror or error}") from error
        return context


@attrs.frozen
class BoardAddress:
    """A board on a broker."""

    broker: BrokerAddress
    rack: str
    board: str

    def __str__(self) -> str:
        return f"{self.broker}/{self.rack}/{self.board}"


def parse_broker(option: str, url: str) -> BrokerAddress:
    """The broker of ``mqtts://user@broker``.

    Raises:
        AddressError: it cannot be read, holds a password, or names a board; says so of ``option``.
    """
    broker, path = _parse(option, url)
    if path:
        raise AddressError(f"{option} {url}: expected {_FORM} without a rack or board")
    return broker


def parse_board(option: str, url: str) -> BoardAddress:
    """The board of ``mqtts://user@broker/rack/board``.

    Raises:
        AddressError: it cannot be read, or holds a password; says so of ``option``.
    """
    broker, path = _parse(option, url)
    names = path.split("/")
    if len(names) != len(("rack", "board")) or not all(map(is_name, names)):
        raise AddressError(
            f"{option} {url}: expected {_FORM}/RACK/BOARD",
            hint="`host agents --mqtt URL` lists the boards of a broker",
        )
    return BoardAddress(broker, *names)


def _parse(option: str, url: str) -> tuple[BrokerAddress, str]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        (host or "").encode("idna")  # what name resolution would fail on
        files = dict(
            parse_qsl(parts.query, keep_blank_values=True, strict_parsing=True)
            if parts.query
            else ()
        )
    except ValueError as error:
        raise AddressError(f"{option} {url}: {error}") from error
    if parts.password is not None:
        raise AddressError(
            f"{option}: a password does not belong on a command line, where every user of the "
            "machine can read it",
            hint=f"set {PASSWORD_VARIABLE}, or write it to ~/.netrc",
        )
    if parts.scheme not in _PORTS or not host or parts.fragment:
        raise AddressError(f"{option} {url}: expected {_FORM}/RACK/BOARD")
    if unknown := sorted(set(files) - set(_FILES)):
        raise AddressError(f"{option} {url}: unknown {unknown[0]!r} (known: {', '.join(_FILES)})")
    tls = parts.scheme == "mqtts"
    if files and not tls:
        raise AddressError(f"{option} {url}: certificates are for mqtts://")
    if ("key" in files) and ("cert" not in files):
        raise AddressError(f"{option} {url}: a key without its certificate (cert=FILE)")
    broker = BrokerAddress(
        host=host,
        port=port or _PORTS[parts.scheme],
        tls=tls,
        user=None if parts.username is None else unquote(parts.username),
        **{name: Path(file) for name, file in files.items()},
    )
    return broker, parts.path.strip("/")
