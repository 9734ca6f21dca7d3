"""What every programmer is, and how a tool of another maker is run."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import attrs

from host.errors import DeadlineExceeded, LinkError

_LINES_SHOWN = 6


class Programmer(Protocol):
    """Writes an image into a board's flash."""

    @property
    def name(self) -> str:
        """What the device profile calls it."""
        ...

    def missing(self) -> str | None:
        """What this machine lacks to use it, as one clause; None where nothing."""
        ...

    def program(self, image: Path, port: str | None) -> None:
        """Writes ``image``; afterwards the board runs it, or is about to.

        Args:
            port: where the user says the board is; None where nothing was said.

        Raises:
            ConfigError: the tool, the port or the image is missing or unfit.
            LinkError: the board is not there, or refused.
            DeadlineExceeded: it took too long.
        """
        ...


@attrs.frozen
class Tool:
    """A program of another maker that talks to a board."""

    command: Sequence[str]
    deadline_s: float
    hint: str
    """What to check when it fails."""

    def run(self) -> None:
        """Runs it to its end.

        Raises:
            LinkError: it failed; with the end of what it said.
            DeadlineExceeded: it did not end in time and was ended.
        """
        name = Path(self.command[0]).name
        try:
            done = subprocess.run(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=self.deadline_s,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise DeadlineExceeded(
                f"{name} did not end within {self.deadline_s:.0f} s",
                awaited=f"the end of {name}",
                waited_s=self.deadline_s,
                hint=self.hint,
            ) from error
        except OSError as error:
            raise LinkError(f"{name} cannot be started: {error}", hint=self.hint) from error
        if done.returncode != 0:
            said = done.stdout.decode(errors="replace").split("\n")
            words = [line.strip() for line in said if line.strip()][-_LINES_SHOWN:]
            raise LinkError(
                f"{name} failed (exit code {done.returncode}): {'; '.join(words) or 'no reason'}",
                hint=self.hint,
            )
