"""Links to what is there, and what is said of what is not."""

from __future__ import annotations

import os
import socket
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from host.errors import ConfigError, LinkError
from host.links.open import open_link
from host.links.process import ProcessLink
from protocol.framing import Frame
from protocol.messages import MessageType
from tests.support.pc_agent import build_pc_agent


@pytest.fixture
def terminal() -> Iterator[tuple[int, str]]:
    ours, theirs = os.openpty()
    tty.setraw(theirs)
    yield ours, os.ttyname(theirs)
    os.close(theirs)
    os.close(ours)


def test_serial_moves_bytes_both_ways(terminal: tuple[int, str]) -> None:
    ours, path = terminal
    link = open_link(path)
    everything = bytes(range(256))
    link.write(everything)
    assert os.read(ours, 1000) == everything
    os.write(ours, everything)
    received = b""
    while chunk := link.read(0.2):
        received += chunk
    assert received == everything
    assert (link.name, link.transport) == (path, "serial")
    link.close()
    link.close()


def test_a_taken_port_says_so_until_it_is_free(terminal: tuple[int, str]) -> None:
    _, path = terminal
    first = open_link(path)
    with pytest.raises(LinkError, match=f"{path} is taken by another program"):
        open_link(path)
    first.close()
    open_link(path).close()


def test_a_port_whose_other_end_goes_away() -> None:
    ours, theirs = os.openpty()
    link = open_link(os.ttyname(theirs))
    os.close(theirs)
    os.close(ours)
    with pytest.raises(LinkError, match="is gone"):
        link.read(1.0)
    link.close()


def test_a_port_that_is_not_there() -> None:
    with pytest.raises(LinkError, match="there is no port /dev/ttyNone7"):
        open_link("/dev/ttyNone7")


def test_a_file_that_is_no_port(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    with pytest.raises(LinkError, match="cannot open port"):
        open_link(str(path))


def test_tcp_says_when_the_other_end_closes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        link = open_link(f"tcp://127.0.0.1:{server.getsockname()[1]}")
        peer, _ = server.accept()
        assert link.read(0.01) == b""
        peer.sendall(b"abc")
        assert link.read(1.0) == b"abc"
        peer.close()
        with pytest.raises(LinkError, match="closed the connection"):
            link.read(1.0)
        link.close()


def test_tcp_to_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with pytest.raises(LinkError, match=f"cannot connect to tcp://127.0.0.1:{port}"):
        open_link(f"tcp://127.0.0.1:{port}")


@pytest.mark.parametrize("port", ["mqtt://rack", "tcp://rack", "tcp://:4000", "tcp://rack:port"])
def test_addresses_that_cannot_be_read(port: str) -> None:
    with pytest.raises(ConfigError, match="--port"):
        open_link(port)


def test_the_agent_of_this_computer_runs_while_its_link_is_open() -> None:
    link = ProcessLink(build_pc_agent())
    frame = Frame(MessageType.PING, 0, 1, b"")
    link.write(frame.to_wire())
    assert link.read(5.0)
    assert link.read(0.01) == b""
    link.close()
    link.close()
    with pytest.raises(LinkError, match="pc-agent ended"):
        link.read(1.0)


def test_an_agent_that_ends_says_why(tmp_path: Path) -> None:
    program = tmp_path / "agent"
    program.write_text("#!/bin/sh\necho out of order >&2\nexit 3\n")
    program.chmod(0o755)
    link = ProcessLink(program)
    with pytest.raises(LinkError, match="agent ended: out of order"):
        link.read(5.0)
    link.close()


def test_an_agent_that_is_not_built() -> None:
    with pytest.raises(ConfigError, match="is not built"):
        ProcessLink(Path("nowhere/pc-agent"))
