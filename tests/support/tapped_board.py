"""A board on a broker behind a gateway, and every frame between these two."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from protocol.framing import Frame
from protocol.messages import ANSWER_BIT, REQUESTS, MessageType
from tests.support.faulty_link import FaultyLink
from tests.support.pc_agent import running_agent
from tests.support.rack import GatewayProcess

SMALL_FRAMES_BYTES = 256
"""So that the plan takes some sixty chunks."""


class Tap:
    """The frames between gateway and board."""

    def __init__(self) -> None:
        self.requests: list[Frame] = []
        self.answers: list[Frame] = []

    def request(self, frame: Frame) -> list[Frame]:
        self.requests.append(frame)
        return [frame]

    def answer(self, frame: Frame) -> list[Frame]:
        self.answers.append(frame)
        return [frame]

    def iterations_done(self) -> int:
        """Of all runs that the board did; a repetition must be answered as before."""
        answers: dict[tuple[int, int], set[bytes]] = defaultdict(set)
        for frame in self.answers:
            if frame.type == MessageType.RUN | ANSWER_BIT:
                answers[frame.session, frame.sequence].add(frame.payload)
        assert all(len(payloads) == 1 for payloads in answers.values())
        wanted = {
            (frame.session, frame.sequence): REQUESTS[MessageType.RUN].parse(frame.payload)
            for frame in self.requests
            if frame.type == MessageType.RUN
        }
        return sum(wanted[key].iterations for key in answers)


@contextlib.contextmanager
def tapped_board(
    folder: Path, broker_url: str, max_payload_bytes: int | None = None, baud: int | None = None
) -> Iterator[tuple[GatewayProcess, Tap]]:
    """A posix agent on the broker, with a tap between it and its gateway."""
    tap = Tap()
    with (
        running_agent(max_payload_bytes=max_payload_bytes) as port,
        FaultyLink(("127.0.0.1", int(port))) as line,
    ):
        line.to_board.rewrite, line.to_host.rewrite = tap.request, tap.answer
        line.to_board.baud = baud
        address = line.url.removeprefix("tcp://")
        boards = [{"id": "desk", "kind": "tcp", "identity": {"address": address}}]
        with GatewayProcess(folder, boards, broker_url) as gateway:
            gateway.await_boards("desk")
            yield gateway, tap
