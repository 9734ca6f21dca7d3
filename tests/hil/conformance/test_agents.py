"""Every agent does what SPEC.md says, as somebody else's would have to."""

from __future__ import annotations

from pathlib import Path

import pytest

from hil.conformance.__main__ import main
from hil.conformance.check import CHECKS
from hil.conformance.runner import Verdict, run_checks
from tests.hil.conformance.agents import AGENTS, POOL_BYTES, link_to, running
from tests.support.broker import Mosquitto
from tests.support.linux_agent import agent_on_broker
from tests.support.pc_agent import build_pc_agent
from tests.support.rack import GatewayProcess


@pytest.mark.parametrize("agent", AGENTS)
def test_agent_conforms(agent: str) -> None:
    with running(agent) as port:
        results = list(run_checks(link_to(port), deadline_s=20))
    assert len(results) == len(CHECKS) > 50
    assert [(r.check.sentence, r.reason) for r in results if r.verdict is not Verdict.PASSED] == []


def test_a_board_on_a_broker_conforms(tmp_path: Path) -> None:
    """Through the gateway."""
    folder = tmp_path / "gateway"
    folder.mkdir()
    with Mosquitto(tmp_path) as broker, running("posix-small") as address:
        identity = {"address": address.removeprefix("tcp://")}
        boards = [{"id": "desk", "kind": "tcp", "identity": identity}]
        with GatewayProcess(folder, boards, broker.url) as gateway:
            gateway.await_boards("desk")
            check_on_broker(gateway.port("desk"))


def check_on_broker(port: str) -> None:
    """What a stream of bytes is needed for is skipped; the rest passes."""
    results = list(run_checks(link_to(port), deadline_s=20))
    assert {r.reason for r in results} == {"", "frames are whole messages here"}
    passed = [r for r in results if r.verdict is Verdict.PASSED]
    assert {r.check.area for r in results if r not in passed} == {"frames"}
    assert len(passed) > 45


def test_a_board_that_is_on_a_broker_by_itself_conforms(tmp_path: Path) -> None:
    plans = ("--pc-agent", str(build_pc_agent()), "--pool-bytes", POOL_BYTES)
    with (
        Mosquitto(tmp_path) as broker,
        agent_on_broker(f"{broker.url}/bench/desk", *plans) as port,
    ):
        check_on_broker(port)


def test_the_command_prints_a_line_a_check(capsys: pytest.CaptureFixture[str]) -> None:
    with running("cpython") as port:
        assert main(["--port", port, "--only", "handshake"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len([line for line in lines if line.startswith("ok ")]) == 8
    assert lines[-1] == "8 ok, 0 FAILED, 0 skipped"


def test_the_command_says_when_nobody_is_there(capsys: pytest.CaptureFixture[str]) -> None:
    with running("cpython") as port:
        pass
    assert main(["--port", port]) == 5
    assert "cannot connect" in capsys.readouterr().err
    assert main(["--port", "nonsense://here"]) == 2
