"""``host agents``: the boards on a broker."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from protocol.mqtt import Presence


def agents(
    mqtt: Annotated[
        str, typer.Option(metavar="URL", help="The broker: mqtt\\[s]://\\[USER@]BROKER\\[:PORT].")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print the same as JSON.")] = False,
) -> None:
    """List the boards on a broker: who is online, what it is, and who holds it."""
    from host.boards.agents import list_agents
    from host.links.mqtt_address import parse_broker

    found = list_agents(parse_broker("--mqtt", mqtt))
    if as_json:
        print(json.dumps([json.loads(presence.to_json()) for presence in found], indent=2))
    else:
        _print(found)
    sys.stdout.flush()


def _print(found: tuple[Presence, ...]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, markup=False)
    if not found:
        console.print("no board is or was on this broker, or none that this user may see")
        return
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("rack/board", no_wrap=True)
    for heading in ("state", "device", "firmware, engine", "lease", "last seen"):
        table.add_column(heading, overflow="fold")
    for presence in found:
        table.add_row(
            f"{presence.rack}/{presence.board}",
            "online" if presence.online else f"offline: {presence.reason or 'unknown'}",
            _device(presence),
            "\n".join(filter(None, (presence.firmware, presence.engine))) or "-",
            _lease(presence),
            _last_seen(presence),
        )
    console.print(table)


def _device(presence: Presence) -> str:
    core = " ".join(filter(None, (presence.core, presence.emulator and "(emulated)")))
    return "\n".join(filter(None, (presence.device, core))) or "-"


def _lease(presence: Presence) -> str:
    if presence.lease is None:
        return "-"
    left_s = (presence.lease.until - datetime.now(UTC)).total_seconds()
    return f"{presence.lease.holder}\n{max(0, left_s):.0f} s left"


def _last_seen(presence: Presence) -> str:
    if presence.last_seen is None:
        return "never"
    ago_s = max(0.0, (datetime.now(UTC) - presence.last_seen).total_seconds())
    for unit, seconds in (("d", 86400), ("h", 3600), ("min", 60)):
        if ago_s >= seconds:
            return f"{ago_s / seconds:.0f} {unit} ago"
    return f"{ago_s:.0f} s ago"
