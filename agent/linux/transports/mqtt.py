"""Clients through a broker, any number at once: the lease decides among them."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime

from agent.linux.transports.base import Board
from protocol.framing import Frame
from protocol.mqtt import Presence
from protocol.mqtt.address import BoardAddress
from protocol.mqtt.board import BoardOnBroker
from protocol.mqtt.client import check

_LOG = logging.getLogger(__name__)


class MqttTransport:
    """Implements :class:`Transport`: the board is at ``address`` for as long as this serves."""

    def __init__(self, address: BoardAddress) -> None:
        self._address = address

    async def serve(self, board: Board) -> None:
        """Raises AddressError or BrokerError where the broker cannot be used at first."""
        await check(self._address.broker)

        async def receive(frame: Frame) -> None:
            # All clients come this way: who asks for too much loses it, and keeps nobody waiting.
            await board.submit(frame, send, wait=False)

        async def send(frame: Frame) -> None:
            if board.boot_count != on_broker.presence.boot_count:
                on_broker.tell(self._presence(board))
            on_broker.answer(frame)

        on_broker = BoardOnBroker(
            self._address,
            self._presence(board),
            receive=receive,
            lease=lambda: board.lease,
            offered_by="the agent",
            log=_LOG,
        )
        async with asyncio.TaskGroup() as group:
            group.create_task(on_broker.serve())
            await on_broker.announced.wait()
            print(f"READY {self._address}", flush=True)

    def _presence(self, board: Board) -> Presence:
        return Presence.of(
            self._address.rack,
            self._address.board,
            board.capabilities,
            board.boot_count,
            at=datetime.now(UTC),
        )
