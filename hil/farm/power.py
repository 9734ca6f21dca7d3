"""Takes a board's power away and gives it back: the reset that always works, where it is wired."""

from __future__ import annotations

import contextlib
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from enum import StrEnum
from typing import IO

import attrs

from host.errors import ConfigError, DeadlineExceeded, LinkError
from host.session import Deadline

DEFAULT_OFF_S = 2.0
"""Long enough for the capacitors of a small board to drain."""
DEFAULT_DEADLINE_S = 30.0
_BACK_ON_S = 10.0
"""What giving power back has at least, beyond any deadline."""
_ENDS_S = 2.0
_LINES_SHOWN = 4
_NOT_EXECUTABLE, _NOT_FOUND = 126, 127
"""What a POSIX shell returns for a command that it cannot start (POSIX.1-2017, XCU 2.8.2)."""


class PowerKind(StrEnum):
    """What switches a board."""

    UHUBCTL = "uhubctl"
    COMMAND = "command"


@attrs.frozen(kw_only=True)
class Power:
    """How a board is switched.

    ``uhubctl`` has ``location`` and ``port`` (a USB hub with switched ports, and which of them,
    from 1); ``command`` has ``cycle_command``, or ``off_command`` and ``on_command``:
    lines for ``sh``.
    """

    kind: PowerKind
    location: str | None = None
    port: int | None = None
    cycle_command: str | None = None
    off_command: str | None = None
    on_command: str | None = None
    off_s: float = DEFAULT_OFF_S
    deadline_s: float = DEFAULT_DEADLINE_S

    def __str__(self) -> str:
        if self.kind == PowerKind.UHUBCTL:
            return f"port {self.port} of USB hub {self.location}"
        return f"`{self.cycle_command or self.off_command}`"


def power_cycle(power: Power, deadline: Deadline | None = None) -> None:
    """Has a board start from nothing; whether it comes back is for who asks it next.

    Once power is taken away it is given back, whatever else fails and whatever the time.

    Args:
        power: what switches it.
        deadline: to be done by; its own ``deadline_s`` holds as well.

    Raises:
        ConfigError: the program that switches is not there.
        LinkError: it failed; with what it said last.
        DeadlineExceeded: it did not end in time, and was ended with all that it had started.
    """
    within = Deadline(power.deadline_s)
    if deadline is not None and deadline.remaining_s < within.remaining_s:
        within = deadline
    if power.cycle_command is not None:
        _run(power, _shell(power.cycle_command), within.remaining_s)
        return
    off, on = _commands(power)
    try:
        _run(power, off, within.remaining_s - power.off_s)
        time.sleep(power.off_s)
    finally:
        # Also where taking power away failed, or was interrupted: half of it may be done.
        _run(power, on, max(within.remaining_s, _BACK_ON_S))


def _commands(power: Power) -> tuple[list[str], list[str]]:
    """What takes power away, and what gives it back."""
    if power.kind == PowerKind.COMMAND:
        assert power.off_command is not None
        assert power.on_command is not None
        return _shell(power.off_command), _shell(power.on_command)
    program = shutil.which("uhubctl")
    if program is None:
        raise ConfigError(
            f"{power} cannot be switched: uhubctl is not on the path",
            hint="install it, such as `apt-get install uhubctl`, or change the board's `power`",
        )
    assert power.location is not None
    # Not its own `cycle`: ended in the middle, that would leave the port without power.
    port = [program, "-l", power.location, "-p", str(power.port), "-a"]
    return [*port, "off"], [*port, "on"]


def _shell(line: str) -> list[str]:
    return ["sh", "-c", line]


def _run(power: Power, command: Sequence[str], allowed_s: float) -> None:
    if allowed_s <= 0:
        raise _late(power, command, 0.0)
    # A file, not a pipe: what a command leaves in the background would hold a pipe open.
    with tempfile.TemporaryFile() as output:
        try:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            raise ConfigError(f"{power} cannot be switched: {error}") from error
        try:
            code = process.wait(allowed_s)
        except subprocess.TimeoutExpired as error:
            raise _late(power, command, allowed_s) from error
        finally:
            _end(process)
        if code != 0:
            raise _failure(power, code, _last_words(output))


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends it where it runs still, with what it started."""
    if process.poll() is not None:
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        # To its group both times: what it started may outlast it.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_ENDS_S)


def _late(power: Power, command: Sequence[str], waited_s: float) -> DeadlineExceeded:
    line = shlex.join(command)
    return DeadlineExceeded(
        f"switching {power} did not end within {waited_s:.1f} s",
        awaited=f"the end of `{line}`",
        waited_s=waited_s,
        hint=f"run `{line}` by hand: it may wait for a password, or for a switch that is gone; "
        "`deadline_s` of the board's `power` gives it longer",
    )


def _failure(power: Power, code: int, words: str) -> ConfigError | LinkError:
    said = words or "it said nothing"
    if power.kind == PowerKind.COMMAND and code in (_NOT_EXECUTABLE, _NOT_FOUND):
        return ConfigError(
            f"{power} cannot be switched: {said}",
            hint="the board's `power` in the farm file names a command that is not here",
        )
    hint = (
        "`uhubctl` lists the hubs that it can switch: check location and port in the farm file, "
        "and that this user may switch them (its README has the udev rule)"
        if power.kind == PowerKind.UHUBCTL
        else "run the command of the board's `power` by hand"
    )
    return LinkError(f"switching {power} failed (exit code {code}): {said}", hint=hint)


def _last_words(output: IO[bytes]) -> str:
    output.seek(0)
    lines = output.read().decode("utf-8", "replace").splitlines()
    words = [line.strip() for line in lines if line.strip()]
    return "; ".join(words[-_LINES_SHOWN:])
