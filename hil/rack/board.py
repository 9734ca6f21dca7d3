"""One board of the rack on the broker: attached here, known there by its own words."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from hil.farm.file import FarmBoard
from hil.rack.attachment import Attachment, Greeted
from host.links.mqtt_address import BoardAddress, BrokerAddress
from host.session import LeaseWatch
from protocol.framing import Frame
from protocol.mqtt import LeaseNotice, Presence
from protocol.mqtt.board import BoardOnBroker

_LOG = logging.getLogger(__name__)


class OfferedBoard:
    """Offers a board from :meth:`serve`'s call until it is cancelled.

    Implements :class:`hil.rack.attachment.AttachmentObserver`.
    """

    def __init__(self, rack: str, board: FarmBoard, broker: BrokerAddress) -> None:
        """Needs a running event loop."""
        self.name = f"{rack}/{board.id}"
        self._rack, self._board = rack, board.id
        self._attachment = Attachment(board, self, asyncio.get_running_loop())
        self._leases = LeaseWatch()
        self._looked_for = asyncio.Event()
        self._on_broker = BoardOnBroker(
            BoardAddress(broker, rack, board.id),
            Presence(
                rack=rack, board=board.id, online=False, reason="not found yet", device=board.device
            ),
            receive=self._forward,
            lease=self._lease,
            offered_by="the rack's gateway",
            log=_LOG,
        )

    async def serve(self) -> None:
        """Attaches the board and keeps it on the broker, whichever of the two comes and goes."""
        self._attachment.start()
        try:
            # The last will, which is given with the connection, then says what board it was.
            await self._looked_for.wait()
            await self._on_broker.serve()
        finally:
            self._attachment.stop()  # of all boards, before the first of them is waited for
            await asyncio.to_thread(self._attachment.join)

    def attached(self, greeted: Greeted) -> None:
        self._leases = LeaseWatch(greeted.lease)
        offered, now = greeted.capabilities, datetime.now(UTC)
        _LOG.info("%s: online, %s", self.name, offered.board)
        self._on_broker.tell(
            Presence.of(self._rack, self._board, offered, greeted.boot_count, at=now)
        )
        self._looked_for.set()

    def detached(self, reason: str) -> None:
        known = self._on_broker.presence
        if known.online or known.reason != reason:
            _LOG.info("%s: offline: %s", self.name, reason)
            self._on_broker.tell_gone(reason)
        self._looked_for.set()

    def received(self, frame: Frame) -> None:
        self._leases.answer(frame)
        self._on_broker.answer(frame)

    async def _forward(self, frame: Frame) -> None:
        self._leases.request(frame)
        self._attachment.send(frame)

    def _lease(self) -> LeaseNotice | None:
        """A lease for others to see, by the clock on the wall."""
        lease = self._leases.lease
        if lease is None:
            return None
        return LeaseNotice(lease.holder, datetime.now(UTC) + timedelta(seconds=lease.left_s))
