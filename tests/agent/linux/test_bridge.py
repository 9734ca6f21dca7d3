"""One board, two domains: the Linux agent, and behind its serial line a microcontroller.

The microcontroller is the posix build on a pseudo-terminal, and for the whole way the UNO Q's own
firmware on its emulated STM32U585.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from host.emulators import find_emulator, open_emulator
from host.emulators.pseudo_terminal import serve_on_pty
from host.errors import BoardError
from host.links.open import open_link
from host.measurement.measure import MeasureRequest, run_measurement
from host.session import Session
from protocol.measurement import Source, Verdict
from protocol.messages import Domain, Store
from tests.agent.linux.linux_agent import EXAMPLES
from tests.agent.linux.test_measure import Silent
from tests.support.linux_agent import listening_agent
from tests.support.pc_agent import running_agent
from tests.support.small_plans import complement_plan

MCU_POOL_BYTES = 40_000


@pytest.fixture(scope="module")
def bridged() -> Iterator[str]:
    """The port of an agent whose microcontroller is a posix build with a small pool."""
    with (
        running_agent("--pool-bytes", str(MCU_POOL_BYTES), transport=("--pty",)) as line,
        listening_agent("--no-plans", "--bridge", line, "--board", "uno_q") as port,
    ):
        _await_bridge(port)
        yield port


def _await_bridge(port: str) -> None:
    ends = time.monotonic() + 20
    while True:
        with Session(open_link(port)) as session:
            try:
                session.connect(Domain.MCU)
            except BoardError as error:
                if "is reached in its domain mpu" in str(error):  # the posix build's own word
                    return
                if time.monotonic() > ends:
                    raise
        time.sleep(0.1)


def test_each_domain_is_reached_by_its_name(bridged: str) -> None:
    with Session(open_link(bridged)) as here, Session(open_link(bridged)) as behind:
        assert here.connect().board == "uno_q"
        with pytest.raises(BoardError):  # says `mpu`, as a posix build does
            behind.connect(Domain.MCU)
        assert (behind.capabilities.board, behind.capabilities.pool_bytes) == ("pc", MCU_POOL_BYTES)
        assert behind.capabilities.engines == ()
        # Each has a lease of its own.
        with here.lease(), behind.lease():
            plan = complement_plan()
            assert behind.upload(plan, Store.RAM).op_count == 1
            with pytest.raises(BoardError, match=r"BAD_STORE|UNSUPPORTED"):
                here.upload(plan, Store.RAM)


def test_two_hosts_share_the_microcontroller_by_its_own_lease(bridged: str) -> None:
    with Session(open_link(bridged)) as first, Session(open_link(bridged)) as second:
        for session in (first, second):
            with pytest.raises(BoardError):
                session.connect(Domain.MCU)
        with first.lease():
            with pytest.raises(BoardError, match="is in use by"), second.lease():
                pass
            assert first.ping() > 0
        with second.lease():
            assert second.ping() > 0


def test_an_agent_without_a_bridge_says_so() -> None:
    with listening_agent("--no-plans") as port, Session(open_link(port)) as session:
        with pytest.raises(BoardError, match="UNSUPPORTED"):
            session.connect(Domain.MCU)
        assert session.connect(Domain.MPU).domain == "mpu"


def test_a_line_that_is_down_is_answered_and_found_later(tmp_path: Path) -> None:
    line = tmp_path / "ttyHS1"
    with listening_agent("--no-plans", "--bridge", str(line)) as port:
        with Session(open_link(port)) as session, pytest.raises(BoardError, match="UNSUPPORTED"):
            session.connect(Domain.MCU)
        with running_agent(transport=("--pty",)) as found:
            line.symlink_to(found)
            _await_bridge(port)


@contextlib.contextmanager
def emulated_uno_q() -> Iterator[str]:
    """The UNO Q's microcontroller on a pseudo-terminal; gives its path."""
    emulator = find_emulator("uno_q")
    missing = emulator.missing()
    if missing or not emulator.default_firmware.is_file():
        pytest.skip(f"the emulated UNO Q is not there: {missing or 'its firmware is not built'}")
    link, stop, paths = open_emulator("uno_q"), threading.Event(), queue.Queue[str]()
    wire = threading.Thread(target=serve_on_pty, args=(link, paths.put, stop))
    wire.start()
    try:
        yield paths.get(timeout=20)
    finally:
        stop.set()
        wire.join()


def test_a_uno_q_is_measured_in_both_its_domains() -> None:
    model = EXAMPLES / "digits_mlp_int8.tflite"
    with (
        emulated_uno_q() as line,
        listening_agent("--bridge", line, "--board", "uno_q") as port,
    ):
        records = []
        for domain in (Domain.MCU, Domain.MPU):
            request = MeasureRequest(model=model, board="uno_q", port=port, domain=domain)
            records.append(run_measurement(request, Silent()).record)
    assert [(r.board.id, r.board.domain) for r in records] == [("uno_q", "mcu"), ("uno_q", "mpu")]
    assert [r.evidence.source for r in records] == [Source.EMULATED, Source.HARDWARE]
    assert {r.output.verdict for r in records} == {Verdict.EXACT}
    assert records[0].output.crc32 == records[1].output.crc32
