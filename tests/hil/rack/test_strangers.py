"""Who else is on the broker: other clients, their leases, and what is no request at all."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from host.errors import BoardError
from host.links.mqtt_address import parse_broker
from host.links.mqtt_client import client_to
from host.links.open import open_link
from host.session import Session
from host.session.deadline import Deadline
from host.session.exchange import Exchange
from protocol.errors import ErrorCode
from protocol.framing import Frame
from protocol.measurement import Verdict
from protocol.messages import ALL_OPS, InputSource, LeaseAction, MessageType
from protocol.mqtt import QOS_FRAMES, BoardTopics
from tests.support.broker import Mosquitto
from tests.support.faulty_link import FaultyLink
from tests.support.make import ROOT
from tests.support.mqtt_relay import DoublingRelay
from tests.support.pc_agent import running_agent
from tests.support.rack import GatewayProcess, measure
from tests.support.tapped_board import SMALL_FRAMES_BYTES, tapped_board

CNN = ROOT / "examples" / "digits_cnn_int8.tflite"


def test_a_client_killed_while_it_holds_a_lease(tmp_path: Path, broker: Mosquitto) -> None:
    with tapped_board(tmp_path, broker.url) as (gateway, _):
        lease_s = 3
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
        with pytest.raises(BoardError, match=r"in use by somebody@else: .* [0-3] s left") as busy:
            measure(gateway.port("desk"))
        assert busy.value.code == ErrorCode.BUSY
        lease = gateway.await_boards("desk")["desk"].lease
        assert lease is not None
        assert lease.holder == "somebody@else"
        time.sleep(max(0.0, held_at + lease_s + 0.2 - time.monotonic()))
        assert measure(gateway.port("desk")).output.verdict == Verdict.EXACT
        time.sleep(0.2)
        assert gateway.await_boards("desk")["desk"].lease is None


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
