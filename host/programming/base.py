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

    def holds(self, image: Path, port: str | None) -> bool:
        """Whether the board surely has ``image`` already, so that its flash can be spared.

        False also where this way to the board cannot read its flash.

        Raises:
            ConfigError, LinkError, DeadlineExceeded: as ``program`` does.
        """
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
        done = self._finished()
        if done.returncode != 0:
            raise self._failure(done)

    def agrees(self, otherwise: str) -> bool:
        """Runs it to its end, where it compares something.

        Args:
            otherwise: a word that it says where it fails because that is not equal.

        Raises:
            LinkError: it failed for another reason; with the end of what it said.
            DeadlineExceeded: it did not end in time and was ended.
        """
        done = self._finished()
        if done.returncode != 0 and otherwise not in done.stdout:
            raise self._failure(done)
        return done.returncode == 0

    @property
    def _name(self) -> str:
        return Path(self.command[0]).name

    def _finished(self) -> subprocess.CompletedProcess[str]:
        try:
            return subprocess.run(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                errors="replace",
                timeout=self.deadline_s,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise DeadlineExceeded(
                f"{self._name} did not end within {self.deadline_s:g} s",
                awaited=f"the end of {self._name}",
                waited_s=self.deadline_s,
                hint=self.hint,
            ) from error
        except OSError as error:
            raise LinkError(f"{self._name} cannot be started: {error}", hint=self.hint) from error

    def _failure(self, done: subprocess.CompletedProcess[str]) -> LinkError:
        words = [line.strip() for line in done.stdout.splitlines() if line.strip()]
        return LinkError(
            f"{self._name} failed (exit code {done.returncode}): "
            f"{'; '.join(words[-_LINES_SHOWN:]) or 'no reason'}",
            hint=self.hint,
        )
