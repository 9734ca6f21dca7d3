"""The rack's gateway: every board of its racks on a broker."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from hil.farm.file import BoardKind, FarmBoard, Rack, load_farm
from hil.rack.board import OfferedBoard
from hil.rack.broker import embedded_broker
from host.errors import ConfigError
from host.links.mqtt_address import BrokerAddress, parse_broker
from host.links.mqtt_client import check

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
Announce = Callable[[str], None]
"""Told the broker's URL once everything is on its way."""


class Gateway:
    """Implements :class:`host.racks.RackServer`."""

    def serve(
        self,
        config: Path,
        *,
        mqtt: str | None,
        rack: str | None,
        broker_port: int | None,
        announce: Announce,
    ) -> None:
        farm = load_farm(config)
        racks = farm.racks if rack is None else (farm.rack(rack),)
        broker = None if mqtt is None else parse_broker("--mqtt", mqtt)
        _log_to_stderr()
        asyncio.run(_serve(_own_boards(config, racks), broker, broker_port, announce))


def _own_boards(config: Path, racks: Sequence[Rack]) -> list[tuple[str, FarmBoard]]:
    """Those that this machine reaches itself, with their racks; the others have a gateway."""
    boards = [
        (rack.id, board) for rack in racks for board in rack.boards if board.kind != BoardKind.MQTT
    ]
    if not boards:
        raise ConfigError(f"{config}: all boards are on a broker already: there is none to offer")
    return boards


async def _serve(
    boards: Sequence[tuple[str, FarmBoard]],
    given: BrokerAddress | None,
    broker_port: int | None,
    announce: Announce,
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        stack.enter_context(_until_signal())
        broker = (
            await stack.enter_async_context(embedded_broker(broker_port))
            if given is None
            else given
        )
        await check(broker)  # what fails now would fail for every board
        async with asyncio.TaskGroup() as group:
            for rack, board in boards:
                group.create_task(OfferedBoard(rack, board, broker).serve())
            announce(str(broker))


@contextlib.contextmanager
def _until_signal() -> Iterator[None]:
    """Ends the block where it stands when the process is asked to end.

    From the inside out: the boards say goodbye while the broker is still there.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    asked = False

    def end() -> None:
        nonlocal asked
        asked = True
        task.cancel()

    for number in _SIGNALS:
        loop.add_signal_handler(number, end)
    try:
        yield
    except asyncio.CancelledError:
        if not asked:
            raise
    finally:
        for number in _SIGNALS:
            loop.remove_signal_handler(number)


def _log_to_stderr() -> None:
    """Boards that come and go, one line each."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    logger = logging.getLogger("hil.rack")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
