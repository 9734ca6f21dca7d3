"""Every agent does what SPEC.md says, as somebody else's would have to."""

from __future__ import annotations

import pytest

from hil.conformance.__main__ import main
from hil.conformance.runner import Verdict, run_checks
from hil.conformance.verdict import CHECKS
from tests.hil.conformance.agents import AGENTS, link_to, running


@pytest.mark.parametrize("agent", AGENTS)
def test_agent_conforms(agent: str) -> None:
    with running(agent) as port:
        results = list(run_checks(link_to(port), deadline_s=20))
    assert len(results) == len(CHECKS) > 50
    assert [(r.check.sentence, r.reason) for r in results if r.verdict is not Verdict.PASSED] == []


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
