"""What breaks between a host and a board on a broker: it is survived, or its owner is named."""

from __future__ import annotations

import contextlib
import threading
import time
from pathlib import Path

import psutil
import pytest

from host.errors import LinkError
from host.links.open import open_link
from protocol.measurement import Verdict
from protocol.messages import MessageType
from tests.support.broker import Mosquitto
from tests.support.calling_off import CalledOff, calling_off
from tests.support.make import ROOT
from tests.support.mqtt_relay import BrokerCrash
from tests.support.pc_agent import running_agent
from tests.support.rack import GatewayProcess, Observer, measure
from tests.support.tapped_board import SMALL_FRAMES_BYTES, tapped_board

CNN = ROOT / "examples" / "digits_cnn_int8.tflite"
ITERATIONS = 4000
PATIENCE_S = 1.5


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


def test_a_signal_that_wakes_another_thread_ends_the_wait_for_an_answer(
    tmp_path: Path, broker: Mosquitto
) -> None:
    with (
        tapped_board(tmp_path, broker.url) as (gateway, _),
        contextlib.closing(open_link(gateway.port("desk"))) as link,
        calling_off() as signal_me,
    ):
        rack = psutil.Process(gateway.pid)
        rack.suspend()  # so that nothing that arrives ends the sleep
        signalling = in_background(signal_me)
        started = time.monotonic()
        try:
            with pytest.raises(CalledOff):
                link.read(60.0)
            assert time.monotonic() - started < 10
        finally:
            signalling.join()
            rack.resume()


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
