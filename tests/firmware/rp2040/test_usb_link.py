"""Sessions over the USB port of the emulated Pico; the posix agent is the oracle."""

from __future__ import annotations

import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from hil.emulators.process import EmulatorProcess
from host.errors import BoardError, LinkError
from host.links.emulator import EmulatorLink
from host.links.tcp import TcpLink
from host.measurement.measure import MeasureRequest, run_measurement
from host.measurement.observer import Silent
from host.session import RunResult, Session
from protocol.errors import ErrorCode
from protocol.framing import Frame
from protocol.messages import InputSource, MessageType, Store
from tests.firmware.rp2040.images import Image
from tests.firmware.rp2040.test_agent import fully_connected_plan
from tests.firmware.rp2040.usb_port import UsbPort
from tests.firmware.shared.sessions import MAX_MACS, SEED
from tests.hil.dialogue import Control, read_bytes
from tests.support.make import ROOT
from tests.support.pc_agent import running_agent

LINKS = ("uart", "usb", "usb-rp2040js")
DATA_OUT, DATA_IN = 0x02, 0x82


@pytest.fixture
def board(agent_image: Image, start: Callable[..., EmulatorProcess]) -> EmulatorProcess:
    return start(agent_image, link="usb")


@pytest.fixture
def port(board: EmulatorProcess) -> Iterator[UsbPort]:
    with UsbPort(board) as port:
        yield port


def loaded_and_run(session: Session, plan: bytes, store: Store = Store.RAM) -> int:
    with session.lease():
        session.upload(plan, store)
        return run(session).output_crc32


def run(session: Session) -> RunResult:
    return session.run(1, macs=MAX_MACS, source=InputSource.SEEDED, seed=SEED)


@pytest.fixture(scope="module")
def plan() -> bytes:
    return fully_connected_plan(256, 128)


@pytest.fixture(scope="module")
def expected(plan: bytes) -> int:
    with running_agent() as port, Session(TcpLink("127.0.0.1", int(port))) as session:
        session.connect()
        return loaded_and_run(session, plan)


@pytest.mark.parametrize("link", LINKS)
def test_a_whole_measurement_over_each_link(agent_image: Image, link: str) -> None:
    model = ROOT / "examples" / "digits_mlp_int8.tflite"
    request = MeasureRequest(model=model, board="pico", link=link, flash_model="zero-wait")
    record = run_measurement(request, Silent()).record
    assert record.output.verdict == "exact"
    assert record.link.retransmits == 0
    assert record.evidence.fidelity == "cycle"


def test_a_flash_plan_over_usb(session: Session, plan: bytes, expected: int) -> None:
    """The host gets NAK while pages are programmed; nothing of USB runs meanwhile."""
    assert loaded_and_run(session, plan, Store.FLASH) == expected
    assert session.traffic.retransmits == 0


def test_usb_is_at_least_four_times_as_fast_as_the_uart(
    agent_image: Image, start: Callable[..., EmulatorProcess]
) -> None:
    """In emulated time: 921,600 baud is 92 KB/s, full-speed bulk up to 1,216 KB/s.

    The board's time goes on while a busy computer lets the host wait: the best of three counts.
    """
    plans = [fully_connected_plan(inputs, 256) for inputs in (256, 260, 264)]
    ms_per_byte = {}
    for link in ("uart", "usb"):
        board = start(agent_image, flash_model="zero-wait", link=link)
        with Session(EmulatorLink(board)) as session, Control(board) as control:
            session.connect()
            with session.lease():
                tries = []
                for plan in plans:
                    before = control.command("status")["emulatedMs"]
                    session.upload(plan, Store.RAM)
                    elapsed_ms = control.command("status")["emulatedMs"] - before
                    tries.append(elapsed_ms / len(plan))
                ms_per_byte[link] = min(tries)
    assert ms_per_byte["usb"] * 4 < ms_per_byte["uart"], ms_per_byte


def test_naks_and_lost_packets_are_made_good_below_the_protocol(
    session: Session, port: UsbPort, plan: bytes, expected: int
) -> None:
    port.do("faults", nak=0.1, loss=0.05)
    assert loaded_and_run(session, plan) == expected
    assert session.traffic.retransmits == 0
    report = port.do("report")
    assert report["naks"] > 30
    assert report["lost"] > 30
    assert report["repeated"] > 5, "no handshake was lost: DATA toggles were not put to the test"


def test_toggles_begin_anew_after_clear_halt(session: Session, port: UsbPort) -> None:
    """A ping is a packet each way: before each CLEAR_FEATURE the toggles stand differently."""
    for pings in (1, 2, 0, 3):
        for _ in range(pings):
            session.ping()
        assert port.do("clear-halt", endpoint=DATA_OUT)["stalled"] is False
        assert port.do("clear-halt", endpoint=DATA_IN)["stalled"] is False
    session.ping()
    assert session.traffic.retransmits == 0


def test_a_halted_port_works_again_when_the_halt_is_cleared(
    session: Session, port: UsbPort
) -> None:
    for endpoint in (DATA_OUT, DATA_IN):
        port.request(0x02, 3, 0, endpoint, 0)
        session.link.write(b"\0" * 3)
        time.sleep(0.1)
        assert port.do("clear-halt", endpoint=endpoint)["stalled"] is False
        session.ping()


def test_a_bus_reset_in_mid_upload_is_survived(
    session: Session, port: UsbPort, expected: int, plan: bytes
) -> None:
    port.do("faults", nak=0.9)  # slow enough to be met in the middle
    resets = threading.Thread(target=lambda: [port.do("reset") for _ in range(3)])
    with session.lease():
        resets.start()
        session.upload(plan, Store.RAM)
        resets.join()
        assert run(session).output_crc32 == expected
    assert port.do("report")["resets"] == 4
    assert session.traffic.retransmits > 0, "no reset met the upload"
    assert session.boot_count == 1


def test_unplugging_is_reported_and_leaves_the_board_as_it_is(
    board: EmulatorProcess, port: UsbPort
) -> None:
    with Session(TcpLink("127.0.0.1", board.port)) as session:
        session.connect()
        port.do("unplug")
        with pytest.raises(LinkError, match="closed"):
            session.ping()
    with socket.create_connection(("127.0.0.1", board.port)) as refused:
        assert refused.recv(1) == b"", "there is no port while nothing is plugged in"
    port.do("plug")
    with Session(EmulatorLink(board)) as again:
        again.connect()
        assert (again.reset_cause, again.boot_count) == ("power-on", 1)


def test_suspend_holds_the_link_and_resume_brings_it_back(session: Session, port: UsbPort) -> None:
    port.do("suspend")
    timer = threading.Timer(0.3, lambda: port.do("resume"))
    timer.start()
    session.ping()
    timer.join()
    assert session.boot_count == 1


@contextmanager
def raw_uart(board: EmulatorProcess) -> Iterator[socket.socket]:
    with socket.create_connection(("127.0.0.1", board.ports["uart"])) as uart:
        uart.settimeout(5.0)
        yield uart


def ping() -> bytes:
    return Frame(MessageType.PING, 0, 1).to_wire()


def answer_on(uart: socket.socket) -> bytes:
    """One frame, with the delimiters around it."""
    data = b""
    while len(data) < 2 or data[-1] != 0:
        data += uart.recv(4096)
    return data


def is_silent(uart: socket.socket) -> bool:
    return not select.select([uart], [], [], 0.3)[0]


def test_an_answer_goes_where_its_request_came_from(board: EmulatorProcess) -> None:
    with raw_uart(board) as uart, EmulatorLink(board) as usb:
        for _ in range(2):
            uart.sendall(ping())
            answer_on(uart)
            assert usb.read(0.1) == b""
            usb.write(ping())
            assert usb.read(5.0) != b""
            assert is_silent(uart)


def test_half_a_frame_on_one_link_does_not_spoil_the_other(board: EmulatorProcess) -> None:
    whole, half = ping(), ping()[:9]
    with raw_uart(board) as uart, EmulatorLink(board) as usb:
        for _ in range(3):
            usb.write(half)
            uart.sendall(whole)  # waits until USB has paused for 50 ms
            answer_on(uart)
            uart.sendall(half)
            usb.write(whole)
            assert usb.read(5.0) != b""


def test_frames_that_come_at_once_on_both_links_are_both_answered(board: EmulatorProcess) -> None:
    with raw_uart(board) as uart, EmulatorLink(board) as usb:
        answer = len(read_after(usb))
        for _ in range(20):
            uart.sendall(ping())
            usb.write(ping())
            assert len(read_bytes(usb, answer, 5.0)) == answer
            assert len(answer_on(uart)) == answer


def read_after(link: EmulatorLink) -> bytes:
    """A whole answer to one request."""
    link.write(ping())
    first = link.read(2.0)
    return first + link.read(0.2)


def test_the_second_client_is_told_that_the_board_is_taken(
    board: EmulatorProcess, session: Session
) -> None:
    with session.lease(), Session(TcpLink("127.0.0.1", board.ports["uart"])) as other:
        other.connect()
        with pytest.raises(BoardError) as refusal, other.lease():
            pass
        assert refusal.value.code == ErrorCode.BUSY
        session.ping()


@pytest.mark.parametrize("count", [1, 63, 64, 65, 127, 128, 192, 256])
def test_a_transfer_ends_with_a_short_packet(
    probe_image: Image, start: Callable[..., EmulatorProcess], count: int
) -> None:
    """The host, as Linux does, hands on what it has read at a short packet or after 128 bytes."""
    with EmulatorLink(start(probe_image, link="usb")) as link:
        link.write(b"z" + count.to_bytes(2, "little"))
        assert read_bytes(link, count, 2.0) == bytes(range(count))
