"""One board on the broker: frames by the session in their header, and its presence.

Every board has a connection of its own, for a broker keeps one last will a connection.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from datetime import UTC, datetime

import aiomqtt
import attrs

from hil.rack import presence as tell
from hil.rack.attachment import Attachment, Greeted
from hil.rack.farm import FarmBoard
from host.errors import JumpstationError
from host.links.mqtt_address import BrokerAddress
from host.links.mqtt_client import broker_error, client_to, subscribe
from host.session import LeaseWatch
from protocol.framing import Frame, FramingError
from protocol.mqtt import (
    HEARTBEAT_S,
    QOS_FRAMES,
    QOS_PRESENCE,
    BoardTopics,
    Presence,
    format_time,
)

_LOG = logging.getLogger(__name__)
_RECONNECT_S = (0.25, 0.5, 1.0, 2.0)
_QUEUED_ANSWERS = 256
_GOODBYE_S = 2.0
_LEASE_CHECK_S = 1.0


class BoardOnBroker:
    """Offers a board from :meth:`serve`'s call until it is cancelled.

    Implements :class:`hil.rack.attachment.AttachmentObserver`.
    """

    def __init__(self, rack: str, board: FarmBoard, broker: BrokerAddress) -> None:
        """Needs a running event loop."""
        self.name = f"{rack}/{board.id}"
        self._broker = broker
        self._topics = BoardTopics(rack, board.id)
        self._attachment = Attachment(board, self, asyncio.get_running_loop())
        self._presence = Presence(
            rack=rack, board=board.id, online=False, reason="not found yet", device=board.device
        )
        self._leases = LeaseWatch()
        self._last_seen: datetime | None = None
        self._presence_changed = asyncio.Event()
        self._looked_for = asyncio.Event()
        self._answers: asyncio.Queue[Frame] = asyncio.Queue(_QUEUED_ANSWERS)

    async def serve(self) -> None:
        """Attaches the board and keeps it on the broker, whichever of the two comes and goes."""
        self._attachment.start()
        try:
            # The last will, which is given with the connection, then says what board it was.
            await self._looked_for.wait()
            await self._stay_connected()
        finally:
            self._attachment.stop()  # of all boards, before the first of them is waited for
            await asyncio.to_thread(self._attachment.join)

    # ------------------------------------------------------------- from the board

    def attached(self, greeted: Greeted) -> None:
        self._leases = LeaseWatch(greeted.lease)
        self._last_seen = datetime.now(UTC)
        _LOG.info("%s: online, %s", self.name, greeted.capabilities.board)
        self._set(tell.online(self._topics.rack, self._topics.board, greeted))

    def detached(self, reason: str) -> None:
        if self._presence.online or self._presence.reason != reason:
            _LOG.info("%s: offline: %s", self.name, reason)
            self._set(tell.offline(self._presence, reason, self._last_seen))

    def received(self, frame: Frame) -> None:
        self._last_seen = datetime.now(UTC)
        self._leases.answer(frame)
        # Without a broker, or when it takes too little, an answer is lost: it is asked for again.
        with contextlib.suppress(asyncio.QueueFull):
            self._answers.put_nowait(frame)
        self._tell_lease()

    # ------------------------------------------------------------- to the broker

    async def _stay_connected(self) -> None:
        failures = 0
        while True:
            try:
                async with client_to(
                    self._broker,
                    identifier=f"jumpstation-{self._topics.rack}-{self._topics.board}",
                    will=self._will(),
                ) as client:
                    failures = 0
                    await self._serve_on(client)
            except aiomqtt.MqttError as error:
                if not failures:
                    _LOG.warning("%s: %s", self.name, broker_error(self._broker, error))
            except JumpstationError as error:
                _LOG.warning("%s: %s", self.name, error)
            await asyncio.sleep(_RECONNECT_S[min(failures, len(_RECONNECT_S) - 1)])
            failures += 1

    async def _serve_on(self, client: aiomqtt.Client) -> None:
        await subscribe(client, self._broker, self._topics.request, QOS_FRAMES)
        while not self._answers.empty():
            self._answers.get_nowait()
        self._presence_changed.set()
        tasks = [
            asyncio.create_task(work(client))
            for work in (self._forward, self._publish_answers, self._publish_presence, self._beat)
        ]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        except asyncio.CancelledError:
            with contextlib.suppress(aiomqtt.MqttError, TimeoutError):
                async with asyncio.timeout(_GOODBYE_S):
                    await self._say_goodbye(client)
            raise
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _forward(self, client: aiomqtt.Client) -> None:
        """Requests, to the board."""
        async for message in client.messages:
            # A retained request would be done again at every reconnection.
            if message.retain or not isinstance(message.payload, bytes):
                continue
            try:
                frame = Frame.from_bytes(message.payload)
            except FramingError:
                continue
            self._leases.request(frame)
            self._attachment.send(frame)

    async def _publish_answers(self, client: aiomqtt.Client) -> None:
        while True:
            frame = await self._answers.get()
            await client.publish(self._topics.answer(frame.session), frame.to_bytes(), QOS_FRAMES)

    async def _publish_presence(self, client: aiomqtt.Client) -> None:
        while True:
            await self._presence_changed.wait()
            self._presence_changed.clear()
            await self._retain(client, self._presence)

    async def _beat(self, client: aiomqtt.Client) -> None:
        """Keeps ``seen`` and the lease up to date while the board is there."""
        checks = 0
        while True:
            if self._presence.online and checks % (HEARTBEAT_S // _LEASE_CHECK_S) == 0:
                now = format_time(datetime.now(UTC))
                await client.publish(self._topics.seen, now, QOS_PRESENCE, retain=True)
                if self._leases.lease is not None:
                    self._set(attrs.evolve(self._presence, lease=tell.notice(self._leases.lease)))
            self._tell_lease()
            checks += 1
            await asyncio.sleep(_LEASE_CHECK_S)

    async def _say_goodbye(self, client: aiomqtt.Client) -> None:
        gone = tell.offline(self._presence, "the rack's gateway ended", self._last_seen)
        await self._retain(client, gone if self._presence.online else self._presence)

    async def _retain(self, client: aiomqtt.Client, presence: Presence) -> None:
        await client.publish(self._topics.presence, presence.to_json(), QOS_PRESENCE, retain=True)

    def _tell_lease(self) -> None:
        """Publishes that the board was taken or freed; renewals are told with the heartbeat."""
        lease, told = self._leases.lease, self._presence.lease
        if (lease and lease.holder) != (told and told.holder) and self._presence.online:
            self._set(attrs.evolve(self._presence, lease=tell.notice(lease)))

    def _set(self, presence: Presence) -> None:
        self._presence = presence
        self._presence_changed.set()
        self._looked_for.set()

    def _will(self) -> aiomqtt.Will:
        gone = tell.offline(self._presence, "the rack's gateway is gone", self._last_seen)
        return aiomqtt.Will(self._topics.presence, gone.to_json(), QOS_PRESENCE, retain=True)
