"""Boards of a rack, seen and measured from anywhere on its broker."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
import pytest

from hil.rack import Gateway
from host.boards.agents import list_agents
from host.emulators import find_emulator, open_emulator
from host.emulators.pseudo_terminal import serve_on_pty
from host.errors import ConfigError, LinkError
from host.links.mqtt_address import parse_broker
from host.links.open import open_link
from host.session import Session
from protocol.measurement import Measurement, Verdict
from tests.host.cli.conftest import HostCommand
from tests.support.broker import Mosquitto, free_port
from tests.support.pc_agent import running_agent
from tests.support.rack import EXAMPLE, GatewayProcess, measure

VOLATILE = ("at", "latency_ms", "link")
"""Of a record: what two measurements of one board may differ in."""


def lasting(record: Measurement) -> dict[str, Any]:
    fields: dict[str, Any] = json.loads(record.to_json())
    if record.board.domain == "mpu":
        # The deepest may be a call of the C library, which differ with the transport.
        fields["memory"]["stack_bytes"] = fields["memory"]["stack_bytes"] is not None
    return {name: value for name, value in fields.items() if name not in VOLATILE}


@contextlib.contextmanager
def pico_on_terminal() -> Iterator[str]:
    """What ``host emulate`` does, in a thread."""
    paths: list[str] = []
    announced, stop = threading.Event(), threading.Event()
    link = open_emulator("pico", flash_model="zero-wait")

    def announce(path: str) -> None:
        paths.append(path)
        announced.set()

    thread = threading.Thread(target=serve_on_pty, args=(link, announce, stop))
    thread.start()
    assert announced.wait(20)
    yield paths[0]
    stop.set()
    thread.join()


@contextlib.contextmanager
def pico_on_socket() -> Iterator[str]:
    board = find_emulator("pico").start(flash_model="zero-wait")
    yield f"tcp://{board.host}:{board.port}"
    board.stop()


@contextlib.contextmanager
def agent_on_terminal() -> Iterator[str]:
    with running_agent(transport=["--pty"]) as path:
        yield path


@contextlib.contextmanager
def agent_on_socket() -> Iterator[str]:
    with running_agent() as port:
        yield f"tcp://127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("board", "serial", "tcp"),
    [
        ({"id": "a", "kind": "process"}, agent_on_terminal, agent_on_socket),
        (
            {"id": "a", "kind": "emulator", "emulator": "pico", "flash_model": "zero-wait"},
            pico_on_terminal,
            pico_on_socket,
        ),
    ],
    ids=["posix agent", "emulated pico"],
)
def test_the_same_record_over_serial_tcp_and_mqtt(
    tmp_path: Path, broker: Mosquitto, board: dict[str, str], serial: Any, tcp: Any
) -> None:
    records = []
    for reach in (serial, tcp):
        with reach() as port:
            records.append(measure(port))
    with GatewayProcess(tmp_path, [board], broker.url) as gateway:
        gateway.await_boards("a")
        records.append(measure(gateway.port("a")))
    assert [record.link.transport for record in records] == ["serial", "tcp", "mqtt"]
    assert all(record.output.verdict == Verdict.EXACT for record in records)
    assert lasting(records[0]) == lasting(records[1]) == lasting(records[2])
    if records[0].cycles is not None:
        assert len({record.latency_ms.median for record in records}) == 1


def test_the_embedded_broker_and_the_commands(tmp_path: Path, host: HostCommand) -> None:
    boards = [
        {"id": "desk", "kind": "process", "device": "pc"},
        {"id": "liar", "kind": "process", "device": "uno"},
        {"id": "none", "kind": "serial", "identity": {"usb_serial": "no such"}},
    ]
    with GatewayProcess(tmp_path, boards, None) as gateway:
        assert gateway.url.startswith("mqtt://127.0.0.1:")
        found = gateway.await_boards("desk")
        while len(found) < len(boards):
            found = gateway.await_boards("desk")
        done = host("measure", EXAMPLE, "--port", gateway.port("desk"), "--json")
        assert done.returncode == 0, done.stderr
        record = Measurement.from_json(done.stdout)
        assert record.link.transport == "mqtt"
        assert record.output.verdict == Verdict.EXACT

        listed = host("agents", "--mqtt", gateway.url, "--json")
        assert listed.returncode == 0, listed.stderr
        desk, liar, none = json.loads(listed.stdout)
        assert (desk["online"], liar["online"], none["online"]) == (True, False, False)
        assert (desk["device"], desk["uid"]) == (record.board.id, record.board.uid)
        assert (desk["firmware"], desk["engine"]) == (record.board.firmware, record.board.engine)
        assert "is a 'uno', but it is a 'pc'" in liar["reason"]
        assert "serial number no such" in none["reason"]
        age = datetime.now(UTC) - datetime.fromisoformat(desk["last_seen"])
        assert 0 <= age.total_seconds() < 60

        table = host("agents", "--mqtt", gateway.url).stdout
        assert "bench/desk" in table
        assert "online" in table

        with pytest.raises(LinkError, match=r"bench/none is offline \(no USB device"):
            measure(gateway.port("none"))
        unknown = host("measure", EXAMPLE, "--port", gateway.port("nobody"))
        assert unknown.returncode == 5
        assert "knows of no board bench/nobody" in unknown.stderr


def test_a_lease_is_seen_while_it_is_held(tmp_path: Path, broker: Mosquitto) -> None:
    with GatewayProcess(tmp_path, [{"id": "a", "kind": "process"}], broker.url) as gateway:
        gateway.await_boards("a")
        with Session(open_link(gateway.port("a"))) as session:
            session.connect()
            with session.lease():
                session.ping()
                lease = gateway.await_boards("a")["a"].lease
                assert lease is not None
                assert 0 < (lease.until - datetime.now(UTC)).total_seconds() <= 60
            session.ping()
            assert gateway.await_boards("a")["a"].lease is None


def test_a_gateway_that_is_asked_to_end(tmp_path: Path, broker: Mosquitto) -> None:
    gateway = GatewayProcess(tmp_path, [{"id": "a", "kind": "process"}], broker.url)
    with gateway:
        gateway.await_boards("a")
        agents = psutil.Process(gateway.pid).children(recursive=True)
        assert [agent.name() for agent in agents] == ["pc-agent"]
        assert gateway.stop() == 0
        assert not any(agent.is_running() for agent in agents)
        (gone,) = list_agents(parse_broker("--mqtt", broker.url))
        assert (gone.online, gone.reason) == (False, "the rack's gateway ended")
        assert gone.device == "pc"
        assert gone.last_seen is not None
        assert "Traceback" not in gateway.log
        assert "exception" not in gateway.log


def test_brokers_that_are_not_there(host: HostCommand, tmp_path: Path) -> None:
    url = f"mqtt://127.0.0.1:{free_port()}"
    with pytest.raises(LinkError, match=f"the broker {url} cannot be reached"):
        open_link(f"{url}/bench/a")
    with pytest.raises(LinkError, match="cannot be reached"):
        list_agents(parse_broker("--mqtt", url))
    served = host("rack", "serve", "--mqtt", url)
    assert served.returncode == 5
    assert f"error: the broker {url} cannot be reached" in served.stderr


def test_a_rack_that_is_not_in_the_file(host: HostCommand) -> None:
    served = host("rack", "serve", "--rack", "lab")
    assert served.returncode == 2
    assert "there is no rack 'lab' in the farm file (there: bench)" in served.stderr


def test_a_port_that_is_taken(host: HostCommand, broker: Mosquitto) -> None:
    served = host("rack", "serve", "--broker-port", broker.port)
    assert served.returncode == 2
    assert f"use port {broker.port}" in served.stderr
    assert f"--mqtt {broker.url}" in served.stderr


def test_a_board_that_a_programmer_writes_is_not_programmed_through_a_broker() -> None:
    from host.boards.reach import BoardOnPort

    with pytest.raises(ConfigError, match=r"uno cannot write its own flash"):
        BoardOnPort("mqtt://rack/bench/uno-1", None).program("uno", b"")


def test_boards_on_a_broker_are_not_offered_again(tmp_path: Path, broker: Mosquitto) -> None:
    elsewhere = {"id": "b", "kind": "mqtt", "identity": {"url": f"{broker.url}/lab/b"}}
    with GatewayProcess(tmp_path, [{"id": "a", "kind": "process"}, elsewhere], broker.url) as rack:
        assert set(rack.await_boards("a")) == {"a"}
    only = tmp_path / "only.yaml"
    only.write_text(json.dumps({"racks": [{"id": "lab", "boards": [elsewhere]}]}))
    with pytest.raises(ConfigError, match="there is none to offer"):
        Gateway().serve(only, mqtt=None, rack=None, broker_port=None, announce=print)
