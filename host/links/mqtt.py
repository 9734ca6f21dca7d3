"""A board on a broker: frames as MQTT messages, behind the byte stream that a session expects.

The client lives on an event loop in a thread of its own. Frames travel with QoS 0: what is lost
the session asks for again, and nothing that it no longer waits for is delivered late (SPEC.md,
"Over MQTT").
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from datetime import UTC, datetime

import aiomqtt

from host.errors import JumpstationError, LinkError
from host.links.base import Holder
from host.links.mqtt_address import BoardAddress
from host.links.mqtt_client import broker_error, client_to, subscribe
from host.waiting import AWAKE_EVERY_S
from protocol.framing import FrameDecoder, cobs_encode
from protocol.mqtt import (
    QOS_FRAMES,
    QOS_PRESENCE,
    BoardTopics,
    Presence,
    format_time,
    parse_time,
)
from protocol.mqtt.client import ANSWER_S

OUTAGE_S = 15.0
"""How long a broker or a board may be gone in mid-session before that is the end of it."""
_PRESENCE_S = 2.0
"""A broker sends what it retains right after the subscription."""
_RECONNECT_S = 0.25
_CLOSE_S = 2 * ANSWER_S
_NO_SESSION = 0


class MqttLink:
    """Implements :class:`host.links.base.SharedLink`.

    A broker that restarts, or a board whose gateway does, is waited for: writing takes as long.

    Raises:
        ConfigError: a certificate or the password cannot be read.
        LinkError: the broker cannot be reached or refuses; the board is unknown there or offline.
    """

    transport = "mqtt"

    def __init__(self, address: BoardAddress) -> None:
        self.name = str(address)
        self._address = address
        self._topics = BoardTopics(address.rack, address.board)
        self._decoder = FrameDecoder()
        self._changed = threading.Condition()
        # Below: what both threads use, under the condition.
        self._arrived = bytearray()
        self._presence: Presence | None = None
        self._seen: datetime | None = None
        self._client: aiomqtt.Client | None = None
        self._failure: JumpstationError | None = None
        self._down_since: float | None = time.monotonic()
        self._closed = False
        # Below: the event loop's own.
        self._sessions = {_NO_SESSION}
        self._loop = asyncio.new_event_loop()
        self._task: asyncio.Task[None] | None = None
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()
        try:
            self._await_first_presence()
        except BaseException:
            self.close()
            raise

    @property
    def holder(self) -> Holder | None:
        """Who holds the board by its presence; another client, if it is not this one."""
        with self._changed:
            lease = None if self._presence is None else self._presence.lease
        if lease is None:
            return None
        left_s = (lease.until - datetime.now(UTC)).total_seconds()
        return Holder(lease.holder, left_s) if left_s > 0 else None

    def read(self, timeout_s: float) -> bytes:
        ends_at = time.monotonic() + timeout_s
        with self._changed:
            while not self._arrived:
                self._check_open()
                outage_left_s = self._outage_left_s()
                if outage_left_s <= 0:
                    raise self._outage()
                left_s = ends_at - time.monotonic()
                if left_s <= 0:
                    return b""
                # However long an answer may take, an outage or a signal ends the wait for it.
                self._changed.wait(min(left_s, outage_left_s, AWAKE_EVERY_S))
            data = bytes(self._arrived)
            self._arrived.clear()
            return data

    def write(self, data: bytes) -> None:
        for frame in self._decoder.feed(data):
            self._await_board()
            sending = asyncio.run_coroutine_threadsafe(
                self._publish(frame.session, frame.to_bytes()), self._loop
            )
            # A connection that breaks now loses the frame, as a cable might: it is sent again.
            with contextlib.suppress(aiomqtt.MqttError):
                sending.result()

    def close(self) -> None:
        with self._changed:
            if self._closed:
                return
            self._closed = True
            self._changed.notify_all()
        self._loop.call_soon_threadsafe(self._stop)
        self._thread.join(_CLOSE_S)

    # ------------------------------------------------------- the session's thread

    def _await_first_presence(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._client or self._failure or self._closed)
            if self._failure is not None:
                raise self._failure
            self._check_open()
            self._changed.wait_for(lambda: self._presence is not None, _PRESENCE_S)
            if self._presence is None:
                user = self._address.broker.user
                raise LinkError(
                    f"the broker {self._address.broker} knows of no board "
                    f"{self._address.rack}/{self._address.board}"
                    f"{'' if user is None else f' that {user!r} may see'}",
                    hint="`host agents --mqtt URL` lists the boards of a broker",
                )
            if not self._presence.online:
                raise self._offline()

    def _await_board(self) -> None:
        with self._changed:
            while self._down_since is not None:
                self._check_open()
                left_s = self._outage_left_s()
                if left_s <= 0:
                    raise self._outage()
                self._changed.wait(left_s)
            self._check_open()

    def _check_open(self) -> None:
        if self._closed:
            raise LinkError(f"{self.name}: the link is closed")

    def _outage_left_s(self) -> float:
        if self._down_since is None:
            return OUTAGE_S
        return OUTAGE_S - (time.monotonic() - self._down_since)

    def _outage(self) -> JumpstationError:
        if self._client is None and self._failure is not None:
            return self._failure
        if self._presence is not None:
            return self._offline()
        return LinkError(
            f"the broker {self._address.broker} is back, but "
            f"{self._address.rack}/{self._address.board} is not",
            hint="check that the rack's gateway runs",
        )

    def _offline(self) -> LinkError:
        assert self._presence is not None
        presence = self._presence.known_at(self._seen)
        seen = presence.last_seen
        why = "" if presence.reason is None else f" ({presence.reason})"
        return LinkError(
            f"the board {presence.rack}/{presence.board} is offline{why}, "
            f"last seen {'never' if seen is None else format_time(seen)}",
            hint="check the board's cable and power, and that the rack's gateway runs",
        )

    # --------------------------------------------------------- the loop's thread

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._task = self._loop.create_task(self._stay_connected())
        try:
            with contextlib.suppress(asyncio.CancelledError):
                self._loop.run_until_complete(self._task)
        finally:
            with self._changed:
                self._closed = True
                self._changed.notify_all()
            self._loop.run_until_complete(self._loop.shutdown_default_executor())
            self._loop.close()

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    async def _stay_connected(self) -> None:
        connected_before = False
        while True:
            try:
                async with client_to(self._address.broker) as client:
                    await self._subscribe(client)
                    connected_before = True
                    with self._changed:
                        self._client = client
                        self._failure = None
                        self._changed.notify_all()
                    async for message in client.messages:
                        self._take(message)
            except aiomqtt.MqttError as error:
                self._lost(broker_error(self._address.broker, error))
            except JumpstationError as error:
                self._lost(error)
            if not connected_before:
                return
            await asyncio.sleep(_RECONNECT_S)

    async def _subscribe(self, client: aiomqtt.Client) -> None:
        broker = self._address.broker
        for session in self._sessions:
            await subscribe(client, broker, self._topics.answer(session), QOS_FRAMES)
        # In this order, so that whoever reads that the board is offline knows since when.
        await subscribe(client, broker, self._topics.seen, QOS_PRESENCE)
        await subscribe(client, broker, self._topics.presence, QOS_PRESENCE)

    async def _publish(self, session: int, frame: bytes) -> None:
        client = self._client
        if client is None:
            return
        if session not in self._sessions:
            # Before the request: its answer may be faster than a subscription after it.
            answers = self._topics.answer(session)
            await subscribe(client, self._address.broker, answers, QOS_FRAMES)
            self._sessions.add(session)
        await client.publish(self._topics.request, frame, QOS_FRAMES)

    def _take(self, message: aiomqtt.Message) -> None:
        payload: bytes = message.payload
        with self._changed:
            if message.topic.value == self._topics.presence:
                with contextlib.suppress(ValueError):  # not ours: as good as none
                    self._presence = Presence.from_json(payload)
                    self._update()
            elif message.topic.value == self._topics.seen:
                with contextlib.suppress(ValueError):
                    self._seen = parse_time(payload.decode("ascii", "replace"))
            elif not message.retain:
                self._arrived += b"\0" + cobs_encode(payload) + b"\0"
            self._changed.notify_all()

    def _update(self) -> None:
        """Whether frames get through has perhaps changed; called under the condition."""
        online = self._presence is not None and self._presence.online
        if online:
            self._down_since = None
        elif self._down_since is None:
            self._down_since = time.monotonic()

    def _lost(self, failure: JumpstationError) -> None:
        with self._changed:
            self._client = None
            self._failure = failure
            self._presence = None  # what is retained comes again with the connection
            self._update()
            self._changed.notify_all()
