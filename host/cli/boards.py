"""``host boards``: the catalog, and what of it is here."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from host.boards.catalog import BoardStatus, Catalog, EmulatorStatus, ImageStatus
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
    for heading in ("board", "part", "emulator", "image", "programmer", "connected"):
        table.add_column(heading, overflow="fold")
    for board in catalog.boards:
        table.add_row(
            f"{board.id}\n{board.name}",
            board.part,
            _emulator(board.emulator),
            _image(board.image),
            _programmer(board),
            _connected(board),
        )
    console.print(table)
    for port in catalog.unknown_ports:
        console.print(f"{_port(port)} is no board of the catalog ({port.description})")


def _emulator(emulator: EmulatorStatus | None) -> str:
    if emulator is None:
        return "none"
    band = "" if emulator.error_band_pct is None else f" ±{emulator.error_band_pct:g} %"
    text = f"{emulator.name}\n{emulator.fidelity}{band}"
    return text if emulator.missing is None else f"{text}\nmissing: {emulator.missing}"


def _image(image: ImageStatus | None) -> str:
    if image is None:
        return "none"
    if not image.built:
        return "not built"
    return "built" if image.revision is None else f"built\n{image.revision}"


def _programmer(board: BoardStatus) -> str:
    if board.programmer is None:
        return "none"
    missing = board.programmer.missing
    return board.programmer.name if missing is None else f"{board.programmer.name}\n{missing}"


def _connected(board: BoardStatus) -> str:
    lines = [_port(port) for port in board.connected]
    for port in board.maybe_connected:
        others = " or ".join(f"{c.board} ({c.what})" for c in port.candidates)
        lines.append(f"{_port(port)} could be: {others}")
    return "\n".join(lines) or "no"


def _port(port: ConnectedPort) -> str:
    serial = "" if port.serial_number is None else f" serial {port.serial_number}"
    return f"{port.by_id or port.device} {port.vendor_id:04x}:{port.product_id:04x}{serial}"
