"""Options of commands that run a model on one board: which one, and how."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer


class DomainName(StrEnum):
    MCU = "mcu"
    MPU = "mpu"


class EngineName(StrEnum):
    JUMP_RT = "jump_rt"
    LITERT = "litert"
    ONNXRUNTIME = "onnxruntime"


class PlanStore(StrEnum):
    RAM = "ram"
    FLASH = "flash"


BoardOption = Annotated[
    str | None,
    typer.Option(
        metavar="ID",
        help="Board to emulate, or with --port the board expected there.  \\[default: pico]",
    ),
]
PortOption = Annotated[
    str | None,
    typer.Option(
        metavar="DEV",
        help="Where a board is: /dev/ttyACM0, tcp://HOST:PORT, or "
        "mqtt\\[s]://\\[USER@]BROKER/RACK/BOARD.",
    ),
]
PlanStoreOption = Annotated[
    PlanStore | None,
    typer.Option(help="Where the plan goes.  \\[default: ram if it fits, else flash]"),
]
FlashModelOption = Annotated[
    str | None,
    typer.Option(metavar="MODEL", help="Of an emulated Pico: xip or zero-wait.  \\[default: xip]"),
]
DomainOption = Annotated[
    DomainName | None,
    typer.Option(help="Of a board with several behind its port.  \\[default: what answers]"),
]
EngineOption = Annotated[
    EngineName | None,
    typer.Option(
        help="What runs the model on a board with Linux.  "
        "\\[default: jump_rt where the board takes plans]"
    ),
]
