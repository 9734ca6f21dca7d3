"""Relays between a client and a broker that do to MQTT's packets what networks do."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from abc import ABC, abstractmethod
from typing import Self

from protocol.framing import Frame
from protocol.messages import MessageType
from tests.support.broker import Mosquitto

_PUBLISH_QOS_0 = 0x30
"""Control packet type 3 in the upper half; DUP 0, QoS 0, RETAIN 0 (MQTT 3.1.1, section 3.3.1)."""
_POLL_S = 0.1


class MqttRelay(ABC):
    """Listens on ``url`` from entry to exit."""

    def __init__(self, broker: Mosquitto) -> None:
        self.broker = broker
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"mqtt://127.0.0.1:{self._listener.getsockname()[1]}"
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []

    @abstractmethod
    def relayed(self, packet: bytes, *, to_broker: bool) -> bytes:
        """What takes the place of ``packet``; an OSError cuts the connection before it."""

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in list(self._threads):
            thread.join()
        self._listener.close()

    def _start(self, work: object, *arguments: object) -> None:
        assert callable(work)
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while not self._stopped.is_set():
            if not select.select([self._listener], [], [], _POLL_S)[0]:
                continue
            client, _ = self._listener.accept()
            try:
                broker = socket.create_connection(("127.0.0.1", self.broker.port))
            except OSError:
                client.close()
            else:
                self._start(self._relay, client, broker)

    def _relay(self, client: socket.socket, broker: socket.socket) -> None:
        pending = {client: b"", broker: b""}
        other = {client: broker, broker: client}
        with client, broker, contextlib.suppress(OSError):
            while not self._stopped.is_set():
                for source in select.select([client, broker], [], [], _POLL_S)[0]:
                    data = source.recv(65536)
                    if not data:
                        return
                    data = pending[source] + data
                    while (length := _packet_bytes(data)) is not None and length <= len(data):
                        packet, data = data[:length], data[length:]
                        other[source].sendall(self.relayed(packet, to_broker=source is client))
                    pending[source] = data


class DoublingRelay(MqttRelay):
    """Says every PUBLISH of QoS 0 twice, in both directions."""

    def __init__(self, broker: Mosquitto) -> None:
        super().__init__(broker)
        self.doubled = 0

    def relayed(self, packet: bytes, *, to_broker: bool) -> bytes:
        if packet[0] != _PUBLISH_QOS_0:
            return packet
        self.doubled += 1
        return packet + packet


class BrokerCrash(MqttRelay):
    """The broker dies once, with the ``number``-th frame of a kind on its way to it.

    That frame is lost for certain; the broker is back ``away_s`` later.
    """

    def __init__(self, broker: Mosquitto, kind: MessageType, *, number: int, away_s: float) -> None:
        super().__init__(broker)
        self._kind, self._frames_left, self._away_s = kind, number, away_s

    @property
    def happened(self) -> bool:
        return self._frames_left == 0

    def relayed(self, packet: bytes, *, to_broker: bool) -> bytes:
        if to_broker and packet[0] == _PUBLISH_QOS_0 and not self.happened:
            self._frames_left -= _published_frame(packet).type == self._kind
            if self.happened:
                self.broker.kill()
                self._start(self._start_again)
                raise ConnectionResetError
        return packet

    def _start_again(self) -> None:
        self._stopped.wait(self._away_s)
        self.broker.start()


def _packet_bytes(data: bytes) -> int | None:
    """Length of the first packet, header included (section 2.2.3: seven bits a byte)."""
    length = 0
    for index, byte in enumerate(data[1:5]):
        length |= (byte & 0x7F) << (7 * index)
        if not byte & 0x80:
            return length + 1 + index + 1
    return None


def _published_frame(packet: bytes) -> Frame:
    """The payload of a PUBLISH of QoS 0: after the topic (section 3.3.2.1), for such a one has no
    packet identifier."""
    topic_at = next(at for at in range(1, 5) if not packet[at] & 0x80) + 1
    topic_bytes = int.from_bytes(packet[topic_at : topic_at + 2], "big")
    return Frame.from_bytes(packet[topic_at + 2 + topic_bytes :])
