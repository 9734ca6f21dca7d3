"""The ``host`` command and what becomes of the errors in it."""

from __future__ import annotations

import os
import signal
import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import version
from types import FrameType
from typing import Annotated

import typer

from host.cli.agents import agents
from host.cli.boards import boards
from host.cli.bundle import app as bundle
from host.cli.calibrate import calibrate
from host.cli.compress import compress
from host.cli.distill import distill
from host.cli.emulate import emulate
from host.cli.flash import flash
from host.cli.measure import measure
from host.cli.profile import profile
from host.cli.quantize import quantize
from host.cli.rack import rack
from host.cli.target import target
from host.commands import found_commands
from host.errors import ExitCode, JumpstationError

_DEBUG = "--debug"

app = typer.Typer(
    name="host",
    help="Finds the smallest board that a model runs on, by running it there.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
app.command()(measure)
app.command()(emulate)
app.command()(boards)
app.command()(agents)
app.add_typer(rack, name="rack")
app.command()(flash)
app.command()(profile)
app.command()(quantize)
app.command()(distill)
app.command()(compress)
app.command()(target)
app.add_typer(bundle, name="bundle")
app.command()(calibrate)
for _name, _group in found_commands().items():
    app.add_typer(_group, name=_name)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"host {version('jumpstation-hil')}")
        raise typer.Exit


@app.callback()
def _options(
    show_version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
    debug: Annotated[
        bool, typer.Option(_DEBUG, help="Show the traceback of an error (before the command).")
    ] = False,
) -> None:
    pass


def _terminate(number: int, _frame: FrameType | None) -> None:
    """Unwinds as Ctrl-C does, so that leases are released and emulators end."""
    raise SystemExit(128 + number)


def main(arguments: Sequence[str] | None = None, *, command: str | None = None) -> None:
    """Runs the command line and exits; the exit codes are those of host.errors.

    Args:
        arguments: without the program's name; ``None``: this process's own.
        command: the one command that a module is when it runs by itself; its usage then names
            that module.
    """
    for name in ("SIGTERM", "SIGHUP"):  # Windows has no SIGHUP
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), _terminate)
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    try:
        (group if command is None else group.commands[command])(arguments)
    except Exception as error:
        if _DEBUG in sys.argv[1:]:
            traceback.print_exc()
        sys.exit(_report(error))


def _report(error: Exception) -> ExitCode:
    """Says on stderr what went wrong and what to do next."""
    if isinstance(error, BrokenPipeError):
        # The reader of our output left, as `head` does; nobody is there to be told.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.BUG
    if isinstance(error, JumpstationError):
        print(f"error: {error}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        return error.exit_code
    print(f"error: this is a bug: {type(error).__name__}: {error}", file=sys.stderr)
    print(f"hint: `host {_DEBUG} ...` shows the traceback to report", file=sys.stderr)
    return ExitCode.BUG
