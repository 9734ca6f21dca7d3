"""Agents with one mistake each: the suite must find it, or its "ok" would mean nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import attrs
import pytest

from hil.conformance.__main__ import main
from hil.conformance.runner import Verdict, run_checks
from tests.hil.conformance.agents import link_to, tcp
from tests.support.micropython_agent import AGENT, running_micropython_agent


@attrs.frozen
class Mutant:
    """``good`` in ``file`` of the MicroPython agent becomes ``bad``; ``area`` has who finds it."""

    file: str
    good: str
    bad: str
    area: str


MUTANTS = {
    "takes any CRC": Mutant(
        "framing.py",
        'crc32(view[:end]).to_bytes(CRC_BYTES, "little") != view[end:]',
        "False",
        "frames",
    ),
    "takes any version": Mutant("framing.py", "frame[0] != PROTOCOL_VERSION", "False", "frames"),
    "takes any length": Mutant(
        "framing.py", "header.length != end - HEADER_BYTES", "False", "frames"
    ),
    "takes frames that are too long": Mutant(
        "framing.py", "len(found[1]) > self._max_payload_bytes", "False", "frames"
    ),
    "keeps what came before a delimiter": Mutant(
        "framing.py",
        "stretch, too_long = self._stretch, self._too_long\n        self._stretch = bytearray()",
        "stretch, too_long = self._stretch, self._too_long",
        "frames",
    ),
    "answers echoes": Mutant("agent.py", "not header.type & ANSWER_BIT", "True", "frames"),
    "takes payloads of any length": Mutant(
        "agent.py", "len(request.payload) > size and not more_may_follow", "False", "handshake"
    ),
    "large pages": Mutant("handshake.py", "_PAGE_BYTES = 96", "_PAGE_BYTES = 97", "handshake"),
    "pages from the start only": Mutant(
        "handshake.py", "whole[offset : offset + _PAGE_BYTES]", "whole[:_PAGE_BYTES]", "handshake"
    ),
    "any version of the protocol": Mutant(
        "handshake.py",
        "if not wanted.protocol_min <= PROTOCOL_VERSION <= wanted.protocol_max",
        "if False",
        "handshake",
    ),
    "no lease needed": Mutant("agent.py", "if is_for_holder:", "if False:", "leases"),
    "a lease for nobody": Mutant("session.py", "if session == 0:", "if False:", "leases"),
    "leases without bounds": Mutant(
        "session.py",
        "min(max(request.duration_ms, MIN_LEASE_MS), MAX_LEASE_MS)",
        "request.duration_ms",
        "leases",
    ),
    "leases for good": Mutant("agent.py", "self.lease.expire()", "pass", "leases"),
    "leases not renewed": Mutant("agent.py", "self.lease.renew(request.session)", "pass", "leases"),
    "LEASE done twice": Mutant(
        "handshake.py", "agent.lease_outcome.replay(request, change)", "change()", "leases"
    ),
    "answers by number alone": Mutant(
        "session.py",
        "(self._session, self._sequence) == request.identity",
        "self._sequence == request.sequence",
        "leases",
    ),
    "stores any chunk": Mutant(
        "plan_store.py", "if offset == self.next_offset:", "if True:", "uploads"
    ),
    "never resumes": Mutant(
        "plan_store.py", "if self.state == _RECEIVING and is_same:", "if False:", "uploads"
    ),
    "believes the announced CRC": Mutant(
        "plan_store.py", "if self._stored_crc32() != self.crc32:", "if False:", "uploads"
    ),
    "loads anything": Mutant("plan_check.py", "raise Refusal(E_PLAN_CHECKSUM)", "pass", "uploads"),
    "keeps a plan that is overwritten": Mutant(
        "plan_store.py",
        "        agent.loaded = None\n    return",
        "        pass\n    return",
        "runs",
    ),
    "another generator": Mutant("generator.py", "state << 13", "state << 12", "runs"),
    "one input for all iterations": Mutant(
        "run.py",
        "        if wanted.input_source == INPUT_SEEDED:\n            _draw",
        "        if iteration == 0:\n            _draw",
        "runs",
    ),
    "no input is stale": Mutant("run.py", "if stale is not None:", "if False:", "runs"),
    "inputs outlive their session": Mutant(
        "handshake.py", "agent.loaded.forget_inputs()", "pass", "runs"
    ),
    "RUN done twice": Mutant(
        "run.py",
        "agent.run_outcome.replay(request, lambda: _run(agent, request))",
        "_run(agent, request)",
        "runs",
    ),
    "runs all ops": Mutant(
        "engine.py", "min(op_limit, self.header.op_count)", "self.header.op_count", "runs"
    ),
    "reads past the end": Mutant(
        "readback.py", "if wanted.offset > len(view):", "if False:", "runs"
    ),
    "a profile of other ticks": Mutant(
        "readback.py", "min(ticks, _MOST_TICKS)", "ticks * 3 + 9", "runs"
    ),
    "resets without counting": Mutant(
        "handshake.py",
        "boot_count=agent.port.boot_count,\n        lease",
        "boot_count=1,\n        lease",
        "resets",
    ),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A copy of the agent, to make mistakes in."""
    copy = tmp_path / "agent"
    shutil.copytree(AGENT, copy, ignore=shutil.ignore_patterns("__pycache__"))
    return copy


def make_mistake(folder: Path, mutant: Mutant) -> None:
    path = folder / mutant.file
    text = path.read_text()
    assert text.count(mutant.good) == 1, "the mutant is out of date"
    path.write_text(text.replace(mutant.good, mutant.bad))


@pytest.mark.parametrize("name", MUTANTS)
def test_a_mistake_is_found(folder: Path, name: str) -> None:
    mutant = MUTANTS[name]
    make_mistake(folder, mutant)
    with running_micropython_agent("cpython", "--agent", str(folder)) as port:
        for result in run_checks(link_to(tcp(port)), deadline_s=0.5, only=mutant.area):
            if result.verdict is Verdict.FAILED:
                assert result.reason
                return
    pytest.fail(f"nothing in {mutant.area!r} failed")


def test_the_command_fails_with_the_agent(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_mistake(folder, MUTANTS["large pages"])
    with running_micropython_agent("cpython", "--agent", str(folder)) as port:
        code = main(["--port", tcp(port), "--only", "handshake"])
    out = capsys.readouterr().out
    assert code == 5
    assert "FAILED  handshake   capabilities come in pages" in out
    assert "a page of 97 bytes" in out
    assert out.endswith("7 ok, 1 FAILED, 0 skipped\n")
