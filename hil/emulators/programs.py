"""What the emulators' classes share: their options checked, their programs found."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from host.errors import ConfigError

CHECKOUT = Path(__file__).resolve().parents[2]
_NODE_MODULES = Path(__file__).resolve().parent / "node_modules"


def pick(board: str, what: str, wanted: str | None, known: Sequence[str]) -> str:
    """The wanted one of the choices an emulator has, the first without a wish.

    Args:
        board: what the board is called in messages.
        what: what is chosen, such as ``"flash model"``.
        wanted: ``None`` for the default.
        known: empty where there is nothing to choose; then the answer is ``""``.

    Raises:
        ConfigError: ``wanted`` is not among ``known``.
    """
    if wanted is None:
        return known[0] if known else ""
    if not known:
        raise ConfigError(f"{what} {wanted!r}: the emulated {board} has no {what}s")
    if wanted not in known:
        choices = " or ".join(known) if len(known) < 3 else ", ".join(known)
        raise ConfigError(f"{what} {wanted!r}: the emulated {board} has {choices}")
    return wanted


def find_image(board: str, firmware: Path) -> Path:
    """``firmware``, which must be a file.

    Raises:
        ConfigError: it is none.
    """
    if not firmware.is_file():
        raise ConfigError(
            f"{firmware}: no such firmware image", hint=f"`make firmware` builds the {board}'s"
        )
    return firmware


def why_missing(find_program: Callable[[], object]) -> str | None:
    """The words of the ConfigError that ``find_program`` raises; ``None`` where it finds it."""
    try:
        find_program()
    except ConfigError as error:
        return str(error)
    return None


def node_command(board: str, main: Path, package: str) -> list[str]:
    """How to start an emulator that runs under Node.js and ends with this process.

    Args:
        board: what the board is called in messages.
        main: its program.
        package: the npm package it needs.

    Raises:
        ConfigError: no Node.js, or the package is not installed.
    """
    node = shutil.which("node")
    if node is None:
        raise ConfigError(
            f"the emulated {board} needs Node.js, and `node` is not on the path",
            hint="`make setup` installs it",
        )
    if not (_NODE_MODULES / package).is_dir():
        raise ConfigError(
            f"{_NODE_MODULES}: {package} is not installed",
            hint=f"run `npm ci` in {_NODE_MODULES.parent}, or `make setup`",
        )
    return [node, str(main), "--exit-with-parent"]
