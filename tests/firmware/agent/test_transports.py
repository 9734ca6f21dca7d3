"""pc-agent's command line: TCP and pseudo-terminal, with resets and clients that leave."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psutil
import pytest
import serial

from protocol.framing import Frame, FrameDecoder
from protocol.messages import ANSWER_BIT, PING_ANSWER, MessageType
from tests.firmware.agent.agent_process import build_agent

LEASE_TAKE = bytes([1, 0, 0, 0]) + (60_000).to_bytes(4, "little") + b"test".ljust(16, b"\0")


@contextmanager
def agent(*arguments: str) -> Iterator[str]:
    """A pc-agent; gives the address it says it can be reached at."""
    process = subprocess.Popen([build_agent(), *arguments], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        ready, address = process.stdout.readline().split()
        assert ready == "READY"
        yield address
        assert process.poll() is None
    finally:
        process.kill()
        process.communicate(timeout=20)


def exchange(
    write: Callable[[bytes], object], read: Callable[[], bytes], kind: MessageType, payload: bytes
) -> bytes:
    """The payload of the answer to one request."""
    decoder = FrameDecoder()
    write(Frame(kind, 7, kind, payload).to_wire())
    frames: list[Frame] = []
    while not frames:
        data = read()
        assert data
        frames = decoder.feed(data)
    assert frames[0].type == kind | ANSWER_BIT
    return frames[0].payload


def boot_counts(write: Callable[[bytes], object], read: Callable[[], bytes]) -> list[int]:
    """What PING says before and after a reset over the same connection."""
    counts = []
    for _ in range(2):
        ping = exchange(write, read, MessageType.PING, b"")
        counts.append(PING_ANSWER.parse(ping).boot_count)
        exchange(write, read, MessageType.LEASE, LEASE_TAKE)
        exchange(write, read, MessageType.RESET, b"")
    return counts


def test_tcp_serves_one_client_after_the_other_through_resets() -> None:
    with agent("--tcp", "0") as port:
        first_boot = 1
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", int(port)), timeout=20) as client:
                seen = boot_counts(client.sendall, lambda c=client: c.recv(4096))
            assert seen == [first_boot, first_boot + 1]
            first_boot += 2


def test_a_client_that_leaves_in_mid_frame_disturbs_nobody() -> None:
    with agent("--tcp", "0") as port:
        for _ in range(3):
            with socket.create_connection(("127.0.0.1", int(port)), timeout=20) as client:
                client.sendall(Frame(MessageType.PING, 0, 1).to_wire()[:-4])
        with socket.create_connection(("127.0.0.1", int(port)), timeout=20) as client:
            answer = exchange(client.sendall, lambda: client.recv(4096), MessageType.PING, b"")
            assert PING_ANSWER.parse(answer).boot_count == 1


def test_a_pseudo_terminal_serves_pyserial() -> None:
    with agent("--pty") as path:
        # Opened twice: the terminal outlives a client.
        for first_boot in (1, 3):
            with serial.Serial(path, 921_600, timeout=20, exclusive=True) as line:
                seen = boot_counts(line.write, lambda: line.read(max(1, line.in_waiting)))
            assert seen == [first_boot, first_boot + 1]


def test_an_idle_agent_uses_hardly_any_cpu() -> None:
    process = subprocess.Popen([build_agent(), "--tcp", "0"], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        assert process.stdout.readline()
        watched = psutil.Process(process.pid)
        before_s = watched.cpu_times().user + watched.cpu_times().system
        time.sleep(1.0)
        after_s = watched.cpu_times().user + watched.cpu_times().system
    finally:
        process.kill()
        process.communicate(timeout=20)
    assert after_s - before_s < 0.1


@pytest.mark.parametrize(
    "arguments",
    [
        (),
        ("--stdio", "--pty"),
        ("--tcp",),
        ("--tcp", "65536"),
        ("--tcp", "one"),
        ("--stdio", "--pool-bytes", "1"),
        ("--stdio", "--flash-file"),
        ("--stdio", "--flash-file", "/no/such/folder/flash"),
        ("--unknown",),
    ],
)
def test_a_wrong_command_line_is_refused(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        [build_agent(), *arguments], capture_output=True, text=True, timeout=20, check=False
    )
    assert done.returncode == 2
    assert done.stderr.startswith("pc-agent: ")
    assert done.stdout == ""
