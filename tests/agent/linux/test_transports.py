"""The command line's ways in: TCP with several clients, serial ports that come and go."""

from __future__ import annotations

import contextlib
import itertools
import os
import pty
import select
import signal
import socket
import subprocess
import sys
import time
import tty
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from protocol.framing import Frame, FrameDecoder
from protocol.messages import ANSWER_BIT, LEASE_REQUEST, REQUESTS, MessageType, Store
from tests.firmware.agent.plans import lookup_plan
from tests.support.linux_agent import listening_agent
from tests.support.pc_agent import build_pc_agent

SEQUENCE = itertools.count(1)
TAKE = LEASE_REQUEST.build({"action": 1, "duration_ms": 60_000, "holder": bytes(16)})


@contextlib.contextmanager
def agent(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A Linux agent without plans; gives what it prints after READY."""
    process = subprocess.Popen(
        [sys.executable, "-m", "agent.linux", "--no-plans", *arguments],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        ready, address = process.stdout.readline().split()
        assert ready == "READY"
        yield process, address
    finally:
        process.kill()
        process.communicate(timeout=20)


def exchange(
    write: Callable[[bytes], object],
    read: Callable[[], bytes],
    kind: MessageType,
    payload: bytes = b"",
    session: int = 7,
) -> int:
    """The type of the answer."""
    decoder = FrameDecoder()
    write(Frame(kind, session, next(SEQUENCE), payload).to_wire())
    frames: list[Frame] = []
    while not frames:
        data = read()
        assert data
        frames = decoder.feed(data)
    return frames[0].type


def client_of(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    return socket.create_connection((host, int(port)), timeout=20)


def test_tcp_serves_several_clients_and_one_lease() -> None:
    with (
        agent("--tcp", "127.0.0.1:0") as (process, address),
        client_of(address) as first,
        client_of(address) as second,
    ):
        taken = exchange(first.sendall, lambda: first.recv(4096), MessageType.LEASE, TAKE)
        assert taken == MessageType.LEASE | ANSWER_BIT
        refused = exchange(second.sendall, lambda: second.recv(4096), MessageType.LEASE, TAKE, 8)
        assert refused == MessageType.ERROR
        assert exchange(second.sendall, lambda: second.recv(4096), MessageType.PING) == (
            MessageType.PING | ANSWER_BIT
        )
        process.send_signal(signal.SIGTERM)
        assert process.wait(timeout=20) == 0


def test_a_client_that_leaves_in_mid_frame_disturbs_nobody() -> None:
    with agent("--tcp", "127.0.0.1:0") as (_, address):
        for _ in range(3):
            with client_of(address) as leaver:
                leaver.sendall(b"noise\0" + Frame(MessageType.PING, 0, 1).to_wire()[:-4])
        with client_of(address) as stayer:
            answered = exchange(stayer.sendall, lambda: stayer.recv(4096), MessageType.PING)
            assert answered == MessageType.PING | ANSWER_BIT


def upload(line: socket.socket, plan: bytes) -> None:
    """Loads ``plan``, which fits one chunk, in the session that ``exchange`` has."""
    announced = {"store": Store.RAM, "size_bytes": len(plan), "crc32": zlib.crc32(plan)}
    for kind, payload in (
        (MessageType.PLAN_BEGIN, REQUESTS[MessageType.PLAN_BEGIN].build(announced)),
        (MessageType.PLAN_CHUNK, bytes(4) + plan),
        (MessageType.PLAN_END, b""),
    ):
        answered = exchange(line.sendall, lambda: line.recv(4096), kind, payload)
        assert answered == kind | ANSWER_BIT


def test_a_client_that_takes_no_answers_does_not_keep_the_board() -> None:
    take = LEASE_REQUEST.build({"action": 1, "duration_ms": 1_000, "holder": bytes(16)})
    output = REQUESTS[MessageType.OUTPUT].build({"index": 0, "length": 8000, "offset": 0})
    with (
        listening_agent("--pc-agent", str(build_pc_agent())) as port,
        client_of(port.removeprefix("tcp://")) as deaf,
        client_of(port.removeprefix("tcp://")) as other,
    ):
        exchange(deaf.sendall, lambda: deaf.recv(4096), MessageType.LEASE, take)
        upload(deaf, lookup_plan((8000,), ops=1))
        # 16 MB of answers: more than the buffers on the way hold.
        for number in range(2000):
            deaf.sendall(Frame(MessageType.OUTPUT, 7, number, output).to_wire())
        ends = time.monotonic() + 30
        answered = 0
        while answered != MessageType.LEASE | ANSWER_BIT and time.monotonic() < ends:
            time.sleep(0.2)
            answered = exchange(
                other.sendall, lambda: other.recv(4096), MessageType.LEASE, TAKE, session=8
            )
        assert answered == MessageType.LEASE | ANSWER_BIT


def test_an_idle_agent_uses_hardly_any_cpu() -> None:
    with agent("--tcp", "127.0.0.1:0") as (process, _):
        watched = psutil.Process(process.pid)
        before_s = sum(watched.cpu_times()[:2])
        time.sleep(1.0)
        assert sum(watched.cpu_times()[:2]) - before_s < 0.1


@contextlib.contextmanager
def terminal(link: Path) -> Iterator[int]:
    """A pseudo-terminal whose other end is found at ``link``; gives this end."""
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    link.unlink(missing_ok=True)
    link.symlink_to(os.ttyname(theirs))
    os.close(theirs)
    try:
        yield ours
    finally:
        os.close(ours)


def read_within(descriptor: int, seconds: float) -> bytes:
    """What has come; empty where nothing has, or nobody has the other end open."""
    ready, _, _ = select.select([descriptor], [], [], seconds)
    if not ready:
        return b""
    try:
        return os.read(descriptor, 4096)
    except OSError:
        time.sleep(0.1)
        return b""


def answer_to_pings(line: int) -> int:
    """Repeated as a session does: a port that is being opened drops what it held."""
    decoder, frames, deadline = FrameDecoder(), [], time.monotonic() + 20
    while not frames and time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            os.write(line, Frame(MessageType.PING, 7, 1).to_wire())
        frames += decoder.feed(read_within(line, 0.3))
    return int(frames[0].type)


def test_a_serial_port_is_served_and_found_again(tmp_path: Path) -> None:
    link = tmp_path / "port"
    with contextlib.ExitStack() as stack:
        with terminal(link) as line:
            process, address = stack.enter_context(agent("--serial", str(link)))
            assert address == str(link)
            assert answer_to_pings(line) == MessageType.PING | ANSWER_BIT
        # Unplugged, and plugged in again.
        with terminal(link) as line:
            assert answer_to_pings(line) == MessageType.PING | ANSWER_BIT
        assert process.poll() is None


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--stdio", "--tcp", "127.0.0.1:0"),
        ("--tcp", "127.0.0.1"),
        ("--tcp", "127.0.0.1:none"),
        ("--serial", "/no/such/port"),
        ("--stdio", "--pc-agent", "/no/such/program"),
        ("--stdio", "--store", "/proc/no/such/folder"),
    ],
)
def test_a_wrong_command_line_is_refused(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "agent.linux", *arguments],
        capture_output=True,
        text=True,
        timeout=20,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 2
    assert "agent.linux: " in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""
