"""``host farm scan``: writes into the farm file what is connected."""

from __future__ import annotations

import difflib
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from host.farms import DEFAULT_FARM

if TYPE_CHECKING:
    from hil.farm.scan import Scan
    from hil.farm.written import Change


def scan(
    config: Annotated[
        Path, typer.Option(metavar="YAML", help="The farm file; made where there is none.")
    ] = DEFAULT_FARM,
    rack: Annotated[
        str | None,
        typer.Option(
            metavar="ID",
            help="Where new boards are added.  \\[default: the only rack; bench in a new file]",
        ),
    ] = None,
    ask: Annotated[
        bool,
        typer.Option(
            "--ask",
            help="Greet also what sits behind a USB converter that others than boards have.",
        ),
    ] = False,
    mqtt: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Look at a broker in place of this machine: mqtt\\[s]://\\[USER@]BROKER\\[:PORT].",
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Write nothing; show what would change.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print what was found as JSON.")] = False,
) -> None:
    """Add the boards that are connected to the farm file; no line in it is changed.

    A port is greeted where its USB identity is a board's alone, which resets some boards. Boards
    that the file has already are left in peace.
    """
    from hil.farm.scan import scan as look
    from hil.farm.scan_broker import scan_broker
    from hil.farm.written import FarmText

    text = FarmText.read(config)
    where = text.rack(rack)
    if mqtt is None:
        found = look(text.farm, where, ask_all=ask, note=_note)
    else:
        found = scan_broker(text.farm, where, mqtt)
    change = text.with_boards(where, found.new)
    if not dry_run:
        change.write()
    if as_json:
        print(json.dumps(_as_json(found, change, dry_run), indent=2))
    else:
        _print(found, change, dry_run)


def _note(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _as_json(found: Scan, change: Change, dry_run: bool) -> dict[str, object]:
    import attrs

    return {
        "file": str(change.path),
        "written": change.is_one and not dry_run,
        "rack": change.rack,
        "boards": [board.values for board in change.boards],
        "ports": [attrs.asdict(finding) for finding in found.findings],
    }


def _print(found: Scan, change: Change, dry_run: bool) -> None:
    for finding in found.findings:
        name = f" {finding.board} ({finding.device})" if finding.board and finding.device else ""
        print(f"{finding.standing:<8} {finding.port}{name}: {finding.why}")
    if not found.findings:
        print("nothing is there")
    if not change.is_one:
        print(f"{change.path}: nothing to add")
    elif dry_run:
        name = str(change.path)
        lines = difflib.unified_diff(
            change.before.splitlines(keepends=True),
            change.after.splitlines(keepends=True),
            name,
            f"{name} (with what is connected)",
        )
        print("".join(lines), end="")
    else:
        count = len(change.boards)
        print(f"{change.path}: {count} board{'s' if count > 1 else ''} added to {change.rack}")
