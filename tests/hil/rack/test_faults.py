"""What breaks between a host and a board on a broker: it is survived, or its owner is named."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from host.errors import BoardError, LinkError
from host.links.mqtt_address import parse_broker
from host.links.mqtt_client import client_to
from host.links.open import open_link
from host.session import Session
from host.session.deadline import Deadline
from host.session.exchange import Exchange
from protocol.errors import ErrorCode
from protocol.framing import Frame
from protocol.measurement import Verdict
from protocol.messages import (
    ALL_OPS,
    ANSWER_BIT,
    REQUESTS,
    InputSource,
    LeaseAction,
    MessageType,
)
from protocol.mqtt import QOS_FRAMES, BoardTopics
from tests.support.broker import Mosquitto
from tests.support.faulty_link import FaultyLink
from tests.support.make import ROOT
from tests.support.mqtt_relay import BrokerCrash, DoublingRelay
from tests.support.pc_agent import running_agent
from tests.support.rack import GatewayProcess, Observer, await_boards, measure

CNN = ROOT / "examples" / "digits_cnn_int8.tflite"
SMALL_FRAMES_BYTES = 256
"""So that the plan takes some sixty chunks."""
ITERATIONS = 4000
PATIENCE_S = 1.5


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


@pytest.fixture
def short_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("host.links.mqtt.OUTAGE_S", PATIENCE_S)


def in_background(action: object, *arguments: object) -> threading.Thread:
    assert callable(action)
    thread = threading.Thread(target=action, args=arguments)
    thread.start()
    return thread


def test_a_broker_restarted_in_mid_upload(tmp_path: Path, broker: Mosquitto) -> None:
    with (
        tapped_board(tmp_path, broker.url, SMALL_FRAMES_BYTES, baud=115_200) as (_, tap),
        BrokerCrash(broker, MessageType.PLAN_CHUNK, number=20, away_s=0.5) as crash,
    ):
        record = measure(f"{crash.url}/bench/desk", model=CNN, iterations=10, warmup=0)
        assert record.output.verdict == Verdict.EXACT
        assert crash.happened
        assert record.link.retransmits > 0
        assert tap.iterations_done() == 10


def test_a_broker_restarted_in_mid_run(tmp_path: Path, broker: Mosquitto) -> None:
    with tapped_board(tmp_path, broker.url) as (gateway, tap):
        restarts: list[threading.Thread] = []

        def restart_soon() -> None:
            # From another thread, so that it happens while the board runs.
            restarts.append(in_background(lambda: (time.sleep(0.1), broker.restart(0.5))))

        record = measure(
            gateway.port("desk"),
            Observer(in_run=restart_soon),
            model=CNN,
            iterations=ITERATIONS,
            warmup=0,
        )
        restarts[0].join()
        assert record.output.verdict == Verdict.EXACT
        assert record.latency_ms.n == ITERATIONS
        assert tap.iterations_done() == ITERATIONS


def test_a_gateway_killed_and_restarted_in_mid_run(tmp_path: Path, broker: Mosquitto) -> None:
    with tapped_board(tmp_path, broker.url) as (gateway, tap):
        restarts: list[threading.Thread] = []

        def restart() -> None:
            gateway.kill()
            gateway.start()

        record = measure(
            gateway.port("desk"),
            Observer(in_run=lambda: restarts.append(in_background(restart))),
            model=CNN,
            iterations=ITERATIONS,
            warmup=0,
        )
        restarts[0].join()
        assert record.output.verdict == Verdict.EXACT
        assert tap.iterations_done() == ITERATIONS


@pytest.mark.usefixtures("short_patience")
def test_a_broker_that_does_not_come_back(tmp_path: Path, broker: Mosquitto) -> None:
    with tapped_board(tmp_path, broker.url) as (gateway, _):
        killed_at: list[float] = []

        def kill() -> None:
            killed_at.append(time.monotonic())
            broker.kill()

        with pytest.raises(LinkError, match=rf"the broker {broker.url} cannot be reached"):
            measure(gateway.port("desk"), Observer(in_run=kill), iterations=ITERATIONS)
        assert time.monotonic() - killed_at[0] < 30


@pytest.mark.usefixtures("short_patience")
@pytest.mark.parametrize("lost", ["broker", "gateway"])
def test_an_outage_ends_the_wait_for_an_answer(
    tmp_path: Path, broker: Mosquitto, lost: str
) -> None:
    """However long the answer may take, as that of a long run."""
    with (
        tapped_board(tmp_path, broker.url) as (gateway, _),
        contextlib.closing(open_link(gateway.port("desk"))) as link,
    ):
        (broker if lost == "broker" else gateway).kill()
        started = time.monotonic()
        with pytest.raises(LinkError, match=r"cannot be reached|is offline"):
            link.read(60.0)
        assert time.monotonic() - started < 30


@pytest.mark.usefixtures("short_patience")
def test_a_gateway_that_does_not_come_back(tmp_path: Path, broker: Mosquitto) -> None:
    with tapped_board(tmp_path, broker.url) as (gateway, _):
        with pytest.raises(LinkError, match=r"bench/desk is offline \(the rack's gateway is gone"):
            measure(gateway.port("desk"), Observer(in_run=gateway.kill), iterations=ITERATIONS)
        with pytest.raises(LinkError, match=r"is offline .* last seen 20"):
            open_link(gateway.port("desk"))


@pytest.mark.usefixtures("short_patience")
def test_a_board_unplugged_and_back_under_another_name(tmp_path: Path, broker: Mosquitto) -> None:
    socket = tmp_path / "usb-board-if00"  # as udev keeps it in /dev/serial/by-id
    boards = [{"id": "desk", "kind": "serial", "identity": {"path": str(socket)}}]
    with GatewayProcess(tmp_path, boards, broker.url) as gateway, contextlib.ExitStack() as plugged:
        first = plugged.enter_context(running_agent(transport=["--pty"]))
        socket.symlink_to(first)
        before = gateway.await_boards("desk")["desk"]
        assert measure(gateway.port("desk")).output.verdict == Verdict.EXACT

        def unplug() -> None:
            socket.unlink()
            plugged.close()

        with pytest.raises(
            LinkError, match=r"bench/desk is offline \(.*(is gone|nothing is plugged in)"
        ):
            measure(gateway.port("desk"), Observer(in_run=unplug), iterations=ITERATIONS)
        gateway.await_boards("desk", online=False)

        # The name it had is taken by something else meanwhile.
        with contextlib.ExitStack() as other:
            if not Path(first).exists():
                other.enter_context(running_agent(transport=["--pty"]))
            second = other.enter_context(running_agent(transport=["--pty"]))
            assert second != first
            socket.symlink_to(second)
            after = gateway.await_boards("desk")["desk"]
            assert (after.uid, after.device) == (before.uid, before.device)
            assert measure(gateway.port("desk")).output.verdict == Verdict.EXACT


def test_a_client_killed_while_it_holds_a_lease(tmp_path: Path, broker: Mosquitto) -> None:
    with tapped_board(tmp_path, broker.url) as (gateway, _):
        lease_s = 6
        script = textwrap.dedent(f"""
            import time
            from host.links.open import open_link
            from host.session import Session
            session = Session(open_link({gateway.port("desk")!r}))
            session.connect()
            session.call(12, {{}}, "a ping")
            session.call(3, {{"action": 1, "duration_ms": {lease_s * 1000},
                             "holder": b"somebody@else".ljust(16, bytes(1))}}, "the lease")
            print("HELD", flush=True)
            time.sleep(600)
        """)
        with subprocess.Popen(
            [sys.executable, "-c", script], cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as client:
            assert client.stdout is not None
            assert client.stdout.readline() == "HELD\n"
            held_at = time.monotonic()
            client.send_signal(signal.SIGKILL)
        with pytest.raises(BoardError, match=r"in use by somebody@else: .* [0-6] s left") as busy:
            measure(gateway.port("desk"))
        assert busy.value.code == ErrorCode.BUSY
        lease = gateway.await_boards("desk")["desk"].lease
        assert lease is not None
        assert lease.holder == "somebody@else"
        time.sleep(max(0.0, held_at + lease_s + 0.2 - time.monotonic()))
        assert measure(gateway.port("desk")).output.verdict == Verdict.EXACT
        await_boards(broker.url, lambda found: found["desk"].lease is None)


def test_a_board_that_runs_for_another_answers_nobody_but_is_busy(
    tmp_path: Path, broker: Mosquitto, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("host.session.connection._CONNECT_S", 1.0)
    with (
        running_agent() as port,
        FaultyLink(("127.0.0.1", int(port))) as line,
    ):
        address = {"address": line.url.removeprefix("tcp://")}
        boards = [{"id": "desk", "kind": "tcp", "identity": address}]
        with GatewayProcess(tmp_path, boards, broker.url) as gateway:
            gateway.await_boards("desk")
            with Session(open_link(gateway.port("desk"))) as session:
                session.connect()
                with session.lease():
                    line.to_board.swallow_after_bytes = 0  # as deaf as in a run
                    with pytest.raises(BoardError, match=r"in use by \S+: .* s left") as busy:
                        measure(gateway.port("desk"))
                    assert busy.value.code == ErrorCode.BUSY


def test_doubled_messages_do_nothing_twice(tmp_path: Path, broker: Mosquitto) -> None:
    with (
        tapped_board(tmp_path, broker.url, SMALL_FRAMES_BYTES) as (_, tap),
        DoublingRelay(broker) as relay,
    ):
        record = measure(f"{relay.url}/bench/desk", model=CNN, iterations=50, warmup=0)
        assert record.output.verdict == Verdict.EXACT
        assert relay.doubled > 100
        runs = [frame for frame in tap.requests if frame.type == MessageType.RUN]
        assert len(runs) == 2 * len({frame.sequence for frame in runs})
        assert tap.iterations_done() == 50


def test_what_is_no_request_never_reaches_the_board(tmp_path: Path, broker: Mosquitto) -> None:
    retained = Frame(MessageType.PING, 0xBAD, 1).to_bytes()
    spoiled = bytearray(Frame(MessageType.PING, 0xBAD, 2).to_bytes())
    spoiled[-1] ^= 1

    async def publish() -> None:
        async with client_to(parse_broker("", broker.url)) as client:
            topic = BoardTopics("bench", "desk").request
            await client.publish(topic, retained, QOS_FRAMES, retain=True)
            for payload in (b"", b"hello", bytes(spoiled), bytes(100_000)):
                await client.publish(topic, payload, QOS_FRAMES)

    with tapped_board(tmp_path, broker.url) as (gateway, tap):
        asyncio.run(publish())
        assert gateway.stop() == 0
        gateway.start()  # is sent the retained one again
        gateway.await_boards("desk")
        assert measure(gateway.port("desk")).output.verdict == Verdict.EXACT
        # Once, when it was published and not yet retained.
        assert [f.sequence for f in tap.requests if f.session == 0xBAD] == [1]


def test_a_frame_from_a_client_without_the_lease(tmp_path: Path, broker: Mosquitto) -> None:
    run = {
        "iterations": 1,
        "flags": 0,
        "input_source": InputSource.SEEDED,
        "seed": 0,
        "op_limit": ALL_OPS,
    }
    with tapped_board(tmp_path, broker.url) as (gateway, _):
        stranger_link = open_link(gateway.port("desk"))
        stranger = Exchange(stranger_link)
        stranger.session = 77
        for holder, refusal in ((False, ErrorCode.NO_SESSION), (True, ErrorCode.BUSY)):
            with Session(open_link(gateway.port("desk"))) as session:
                session.connect()
                with session.lease() if holder else contextlib.nullcontext():
                    with pytest.raises(BoardError) as refused:
                        stranger.call(
                            MessageType.RUN, run, deadline=Deadline(5.0), awaiting="a refusal"
                        )
                    assert refused.value.code == refusal
                    with pytest.raises(BoardError) as refused:
                        stranger.call(
                            MessageType.LEASE,
                            {"action": LeaseAction.RELEASE, "duration_ms": 0, "holder": bytes(16)},
                            deadline=Deadline(5.0),
                            awaiting="a refusal",
                        )
                    assert refused.value.code == refusal
        stranger_link.close()
