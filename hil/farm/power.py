"""Takes a board's power away and gives it back: the reset that always works, where it is wired."""

from __future__ import annotations

import contextlib
import os
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
"""What giving power back has at least: a board is not left dark because taking it took long."""
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
    from 1); ``command`` has ``cycle``, or ``off`` and ``on``: lines for ``sh``.
    """

    kind: PowerKind
    location: str | None = None
    port: int | None = None
    cycle: str | None = None
    off: str | None = None
    on: str | None = None
    off_s: float = DEFAULT_OFF_S
    deadline_s: float = DEFAULT_DEADLINE_S

    def __str__(self) -> str:
        if self.kind == PowerKind.UHUBCTL:
            return f"port {self.port} of USB hub {self.location}"
        return f"`{self.cycle or self.off}`"


def power_cycle(power: Power, deadline: Deadline | None = None) -> None:
    """Has a board start from nothing; whether it comes back is for who asks it next.

    Args:
        power: what switches it.
        deadline: to be done by; its own ``deadline_s`` holds as well.

    Raises:
        ConfigError: the program that switches is not there.
        LinkError: it failed; with what it said last.
        DeadlineExceeded: it did not end in time, and was ended with all that it had started.
    """
    allowed_s = power.deadline_s
    if deadline is not None:
        allowed_s = min(allowed_s, deadline.remaining_s)
    within = Deadline(allowed_s)
    if power.kind == PowerKind.UHUBCTL:
        _run(power, _uhubctl(power), within)
    elif power.cycle is not None:
        _run(power, _shell(power.cycle), within)
    else:
        assert power.off is not None
        assert power.on is not None
        try:
            _run(power, _shell(power.off), within)
            time.sleep(min(power.off_s, within.remaining_s))
        finally:
            # Also where taking power away failed, or was interrupted: it may have done half of it.
            within.extend_to(_BACK_ON_S)
            _run(power, _shell(power.on), within)


def _uhubctl(power: Power) -> list[str]:
    program = shutil.which("uhubctl")
    if program is None:
        raise ConfigError(
            f"{power} cannot be switched: uhubctl is not on the path",
            hint="install it, such as `apt-get install uhubctl`, or change the board's `power`",
        )
    assert power.location is not None
    where = ["-l", power.location, "-p", str(power.port)]
    return [program, *where, "-a", "cycle", "-d", f"{power.off_s:g}"]


def _shell(line: str) -> list[str]:
    return ["sh", "-c", line]


def _run(power: Power, command: Sequence[str], deadline: Deadline) -> None:
    allowed_s = deadline.remaining_s
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
            raise DeadlineExceeded(
                f"switching {power} did not end within {allowed_s:.1f} s",
                awaited=f"the end of `{' '.join(command)}`",
                waited_s=allowed_s,
                hint="run it by hand: it may wait for a password or for a switch that is gone; "
                "`power.deadline_s` gives it longer",
            ) from error
        finally:
            _end(process)
        if code != 0:
            raise _failure(power, code, _last_words(output))


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends it where it runs still, with what it started."""
    if process.poll() is not None:
        return
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_ENDS_S)
            return


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
