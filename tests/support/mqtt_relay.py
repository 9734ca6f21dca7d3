"""A relay in front of a broker that says every PUBLISH of QoS 0 twice, in both directions."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from typing import Self

_PUBLISH_QOS_0 = 0x30
"""Control packet type 3 in the upper half; DUP 0, QoS 0, RETAIN 0 (MQTT 3.1.1, section 3.3.1)."""
_POLL_S = 0.1


class DoublingRelay:
    """Listens on ``port`` of the loopback address from entry to exit."""

    def __init__(self, broker: tuple[str, int]) -> None:
        self._broker = broker
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.doubled = 0
        self._stopped = threading.Event()
        self._threads: list[threading.Thread] = []

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
            if select.select([self._listener], [], [], _POLL_S)[0]:
                client, _ = self._listener.accept()
                self._start(self._relay, client, socket.create_connection(self._broker))

    def _relay(self, client: socket.socket, broker: socket.socket) -> None:
        pending = {client: b"", broker: b""}
        other = {client: broker, broker: client}
        with client, broker, contextlib.suppress(OSError):
            while not self._stopped.is_set():
                for source in select.select([client, broker], [], [], _POLL_S)[0]:
                    data = source.recv(65536)
                    if not data:
                        return
                    out, pending[source] = self._double(pending[source] + data)
                    other[source].sendall(out)

    def _double(self, data: bytes) -> tuple[bytes, bytes]:
        """Whole packets, and what is left of the last."""
        out = bytearray()
        while (length := _packet_bytes(data)) is not None and length <= len(data):
            packet, data = data[:length], data[length:]
            out += packet
            if packet[0] == _PUBLISH_QOS_0:
                out += packet
                self.doubled += 1
        return bytes(out), data


def _packet_bytes(data: bytes) -> int | None:
    """Length of the first packet, header included (section 2.2.3: seven bits a byte)."""
    length = 0
    for index, byte in enumerate(data[1:5]):
        length |= (byte & 0x7F) << (7 * index)
        if not byte & 0x80:
            return length + 1 + index + 1
    return None
