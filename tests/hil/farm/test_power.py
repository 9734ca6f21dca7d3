"""Power control with real processes: a uhubctl that keeps a log, commands that fail or hang."""

from __future__ import annotations

import shlex
import time
from pathlib import Path

import psutil
import pytest

from hil.farm.power import Power, PowerKind, power_cycle
from host.errors import ConfigError, DeadlineExceeded, LinkError
from host.session import Deadline

UHUBCTL = Power(kind=PowerKind.UHUBCTL, location="1-1.4", port=2, off_s=0.2)


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A uhubctl alone on the path before all others; logs when it is called, and with what."""
    log = tmp_path / "calls"
    program = tmp_path / "bin" / "uhubctl"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\necho "$(date +%s.%N) $*" >> {shlex.quote(str(log))}\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:/usr/bin:/bin")
    return log


def command(**fields: str | float) -> Power:
    return Power(kind=PowerKind.COMMAND, **fields)  # type: ignore[arg-type]


def test_uhubctl_switches_the_port_off_and_on(stub: Path) -> None:
    power_cycle(UHUBCTL)
    calls = [line.split(maxsplit=1) for line in stub.read_text().splitlines()]
    assert [arguments for _, arguments in calls] == [
        "-l 1-1.4 -p 2 -a off",
        "-l 1-1.4 -p 2 -a on",
    ]
    (off_at, _), (on_at, _) = calls
    assert float(on_at) - float(off_at) >= UHUBCTL.off_s


def test_a_uhubctl_that_fails_says_what_it_said(stub: Path, tmp_path: Path) -> None:
    words = "No compatible devices detected at location 1-1.4!"
    (tmp_path / "bin" / "uhubctl").write_text(f"#!/bin/sh\necho '{words}'\nexit 1\n")
    with pytest.raises(LinkError, match=rf"port 2 of USB hub 1-1\.4 failed .*: {words}") as caught:
        power_cycle(UHUBCTL)
    assert "`uhubctl` lists the hubs" in caught.value.hint


def test_no_uhubctl(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ConfigError, match="uhubctl is not on the path") as caught:
        power_cycle(UHUBCTL)
    assert "apt-get install uhubctl" in caught.value.hint


def test_one_command_or_two(tmp_path: Path) -> None:
    log = tmp_path / "log"
    power_cycle(command(cycle_command=f"echo cycle >> {log}"))
    power_cycle(
        command(off_command=f"echo off >> {log}", on_command=f"echo on >> {log}", off_s=0.0)
    )
    assert log.read_text().split() == ["cycle", "off", "on"]


def test_a_command_that_fails_or_is_not_there() -> None:
    with pytest.raises(LinkError, match=r"`echo no plug; exit 3` failed \(exit code 3\): no plug"):
        power_cycle(command(cycle_command="echo no plug; exit 3"))
    with pytest.raises(ConfigError, match="not found") as caught:
        power_cycle(command(cycle_command="no-such-switch --off"))
    assert "names a command that is not here" in caught.value.hint


def test_a_hung_command_is_ended_with_its_children(tmp_path: Path) -> None:
    child = tmp_path / "child"
    line = f"sleep 60 & echo $! > {child}; trap '' TERM; wait; sleep 60"
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded, match=r"did not end within 0\.5 s") as caught:
        power_cycle(command(cycle_command=line, deadline_s=0.5))
    assert time.monotonic() - started < 5
    assert caught.value.waited_s == pytest.approx(0.5, abs=0.05)
    assert "`deadline_s` of the board's `power`" in caught.value.hint
    assert _is_gone(int(child.read_text()))


def _is_gone(pid: int) -> bool:
    """Ended, if by nobody waited for yet."""
    ends = time.monotonic() + 2
    while time.monotonic() < ends:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
        except psutil.NoSuchProcess:
            return True
        time.sleep(0.02)
    return False


def test_what_runs_on_in_the_background_is_not_waited_for(tmp_path: Path) -> None:
    started = time.monotonic()
    power_cycle(command(cycle_command="sleep 3 & exit 0"))
    assert time.monotonic() - started < 2


def test_power_comes_back_whatever_taking_it_did(tmp_path: Path) -> None:
    on = tmp_path / "on"
    with pytest.raises(LinkError, match="half done"):
        power_cycle(command(off_command="echo half done; exit 1", on_command=f"touch {on}"))
    assert on.exists()
    on.unlink()
    with pytest.raises(DeadlineExceeded):
        power_cycle(
            command(off_command="sleep 60", on_command=f"touch {on}", off_s=0.1, deadline_s=0.4)
        )
    assert on.exists()


def test_the_callers_deadline_counts_where_it_is_sooner() -> None:
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        power_cycle(command(cycle_command="sleep 60"), Deadline(0.3))
    assert time.monotonic() - started < 3
