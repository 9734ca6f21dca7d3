"""``host boards``: the catalog, and what of it is here."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from host.boards.catalog import BoardStatus, Catalog, EmulatorStatus
    from host.boards.ports import ConnectedPort


def boards(
    as_json: Annotated[bool, typer.Option("--json", help="Print the same as JSON.")] = False,
) -> None:
    """List the boards: emulator, image, programmer, and what is connected."""
    import attrs

    from host.boards.catalog import survey

    catalog = survey()
    if as_json:
        print(json.dumps(attrs.asdict(catalog), indent=2))
    else:
        _print(catalog)
    sys.stdout.flush()


def _print(catalog: Catalog) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False, markup=False)
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("board", no_wrap=True)
    for heading in ("part", "emulator", "image, programmer", "connected"):
        table.add_column(heading, overflow="fold")
    for board in catalog.boards:
        table.add_row(
            board.id,
            board.part,
            _emulator(board.emulator),
            _image(board),
            _connected(board),
        )
    console.print(table)
    for port in catalog.unknown_ports:
        console.print(f"{_port(port)} is no board of the catalog ({port.description})")


def _emulator(emulator: EmulatorStatus | None) -> str:
    if emulator is None:
        return "-"
    band = "" if emulator.error_band_pct is None else f" ±{emulator.error_band_pct:g} %"
    text = f"{emulator.name}\n{emulator.fidelity}{band}"
    return text if emulator.missing is None else f"{text}\nmissing: {emulator.missing}"


def _image(board: BoardStatus) -> str:
    lines = []
    if board.image is not None:
        state = "built" if board.image.built else "not built"
        lines.append(f"{state} {board.image.revision or ''}".rstrip())
    if board.programmer is not None:
        lines.append(board.programmer.name)
        lines += [] if board.programmer.missing is None else [board.programmer.missing]
    return "\n".join(lines) or "-"


def _connected(board: BoardStatus) -> str:
    lines = [_port(port) for port in board.connected]
    for port in board.maybe_connected:
        others = " or ".join(f"{c.board} ({c.what})" for c in port.candidates)
        lines.append(f"{_port(port)} could be: {others}")
    return "\n".join(lines) or "-"


def _port(port: ConnectedPort) -> str:
    serial = "" if port.serial_number is None else f" serial {port.serial_number}"
    return f"{port.by_id or port.device} {port.vendor_id:04x}:{port.product_id:04x}{serial}"
