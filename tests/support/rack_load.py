"""Many measurements by several hosts at once on the boards of one rack.

As a module it is one host: ``python -m tests.support.rack_load BROKER RACK BOARDS FIRST COUNT
THREADS`` does the measurements FIRST to FIRST + COUNT - 1, and prints what became of each as JSON.
A measurement has a plan, a seed and so a checksum of its own: whatever another client did
to the board in between would show.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import random
import subprocess
import sys
import threading
import time
import zlib
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import aiomqtt
import attrs

from host.errors import BoardError
from host.links.mqtt_address import BrokerAddress, parse_broker
from host.links.mqtt_client import client_to
from host.links.open import open_link
from host.session import Session
from protocol.errors import ErrorCode
from protocol.framing import Frame
from protocol.generator import draw_input
from protocol.messages import ANSWER_BIT, ANSWERS, InputSource, MessageType, Store
from protocol.mqtt import BoardTopics, board_of
from tests.support.make import ROOT
from tests.support.pc_agent import running_agent
from tests.support.rack import RACK, GatewayProcess
from tests.support.small_plans import complement, complement_plan

_ELEMENTS = 64
_PLAN_BYTES = 2000
_POOL_BYTES = 65536
_ITERATIONS = 3
_TRY_AGAIN_S = 0.05


@attrs.frozen
class Result:
    """A measurement that was done. Times are on the machine's monotonic clock."""

    number: int
    board: str
    taken_at: float
    released_at: float
    right: bool
    retransmits: int
    refusals: int
    """How often a board was held by somebody else before."""


def measure_once(broker: str, rack: str, boards: Sequence[str], number: int) -> Result:
    """One measurement, on the first of ``boards`` in random order that is free."""
    plan = complement_plan(_ELEMENTS, _PLAN_BYTES + 4 * number)
    data = draw_input(number, 0, _ELEMENTS)
    refusals = 0
    while True:
        board = random.choice(boards)
        with Session(open_link(f"{broker}/{rack}/{board}")) as session:
            session.connect()
            try:
                with session.lease():
                    taken_at = time.monotonic()
                    session.upload(plan, Store.RAM)
                    run = session.run(
                        _ITERATIONS, macs=_ELEMENTS, source=InputSource.SEEDED, seed=number
                    )
                    released_at = time.monotonic()
            except BoardError as error:
                if error.code != ErrorCode.BUSY:
                    raise
                refusals += 1
                time.sleep(_TRY_AGAIN_S)
                continue
            right = (run.input_crc32, run.output_crc32, len(run.ticks), run.unstable_at) == (
                zlib.crc32(data),
                zlib.crc32(complement(data)),
                _ITERATIONS,
                None,
            )
            retransmits = session.traffic.retransmits
            return Result(number, board, taken_at, released_at, right, retransmits, refusals)


def run_hosts(
    broker: str,
    boards: Sequence[str],
    *,
    hosts: int,
    measurements: int,
    threads: int,
    limit_s: float,
) -> list[Result]:
    """All measurements, shared out among ``hosts`` processes of ``threads`` clients each."""
    first = 0
    running: list[subprocess.Popen[str]] = []
    for host in range(hosts):
        count = measurements // hosts + (host < measurements % hosts)
        arguments = [broker, RACK, ",".join(boards), str(first), str(count), str(threads)]
        running.append(
            subprocess.Popen(
                [sys.executable, "-m", "tests.support.rack_load", *arguments],
                cwd=ROOT,
                stdout=subprocess.PIPE,
                text=True,
            )
        )
        first += count
    results: list[Result] = []
    ends_at = time.monotonic() + limit_s
    try:
        for process in running:
            out, _ = process.communicate(timeout=max(0.1, ends_at - time.monotonic()))
            assert process.returncode == 0
            results += [Result(**fields) for fields in json.loads(out)]
    finally:
        for process in running:
            process.kill()
            process.communicate()
    return results


@contextlib.contextmanager
def rack_of_agents(folder: Path, broker: str, count: int) -> Iterator[GatewayProcess]:
    """A gateway with ``count`` posix agents, all online."""
    with contextlib.ExitStack() as stack:
        boards = []
        for number in range(count):
            port = stack.enter_context(running_agent("--pool-bytes", str(_POOL_BYTES)))
            address = {"address": f"127.0.0.1:{port}"}
            boards.append({"id": f"board-{number}", "kind": "tcp", "identity": address})
        gateway = stack.enter_context(GatewayProcess(folder, boards, broker))
        gateway.await_boards(*(str(board["id"]) for board in boards))
        yield gateway


class AnswerTap:
    """Reads every answer on a broker, as an onlooker, from entry to exit."""

    def __init__(self, broker: str) -> None:
        self._broker = parse_broker("broker", broker)
        self.answers: list[tuple[str, Frame]] = []
        self._ready, self._stop = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._listen(self._broker)))

    def __enter__(self) -> AnswerTap:
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    async def _listen(self, broker: BrokerAddress) -> None:
        async with client_to(broker) as client:
            await client.subscribe(f"{BoardTopics('+', '+').request.rpartition('/')[0]}/answer/+")
            self._ready.set()
            listening = asyncio.create_task(self._take(client))
            while not self._stop.is_set():
                await asyncio.sleep(0.1)
            listening.cancel()
            await asyncio.gather(listening, return_exceptions=True)

    async def _take(self, client: aiomqtt.Client) -> None:
        async for message in client.messages:
            board = board_of(message.topic.value)
            assert board is not None
            self.answers.append((board.board, Frame.from_bytes(message.payload)))

    def runs_by_holders(self) -> dict[str, int]:
        """How many runs each board did; asserts that each was the holder's, who was alone."""
        holder: dict[str, int | None] = defaultdict(lambda: None)
        runs: dict[str, int] = defaultdict(int)
        told: set[tuple[str, int, int, int]] = set()
        for board, frame in self.answers:
            key = (board, frame.type, frame.session, frame.sequence)
            if key in told:  # a repetition is answered again
                continue
            told.add(key)
            if frame.type == MessageType.LEASE | ANSWER_BIT:
                granted = ANSWERS[MessageType.LEASE].parse(frame.payload)
                assert holder[board] in (None, frame.session), f"{board} was taken twice"
                holder[board] = frame.session if granted.duration_ms else None
            elif frame.type == MessageType.RUN | ANSWER_BIT:
                assert holder[board] == frame.session, f"{board} ran for who did not hold it"
                runs[board] += 1
        return runs


def overlapping(results: Sequence[Result]) -> list[tuple[Result, Result]]:
    """Measurements that held one board at the same time, as the clients' clocks have it."""
    by_board: dict[str, list[Result]] = defaultdict(list)
    for result in sorted(results, key=lambda result: result.taken_at):
        by_board[result.board].append(result)
    return [
        (earlier, later)
        for held in by_board.values()
        for earlier, later in itertools.pairwise(held)
        if later.taken_at < earlier.released_at
    ]


def main(broker: str, rack: str, boards: str, first: str, count: str, threads: str) -> None:
    """One host."""
    numbers = range(int(first), int(first) + int(count))
    with ThreadPoolExecutor(int(threads)) as pool:
        done = pool.map(
            lambda number: measure_once(broker, rack, boards.split(","), number), numbers
        )
        results: list[dict[str, Any]] = [attrs.asdict(result) for result in done]
    print(json.dumps(results))


if __name__ == "__main__":
    main(*sys.argv[1:])
