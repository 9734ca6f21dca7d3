"""``host target``: the smallest board that a model runs on."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from host.cli.options import (
    PORT_HINT,
    HistoryOption,
    ModelArgument,
    ModelOption,
    NoHistoryOption,
    board_at_port,
)
from host.errors import ConfigError


class EvidenceFloor(StrEnum):
    HARDWARE = "hardware"
    EMULATED = "emulated"
    ANY = "any"


def target(
    model_argument: ModelArgument = None,
    model: ModelOption = None,
    profile: Annotated[
        Path | None,
        typer.Option(metavar="JSON", help="What `host profile` wrote, instead of MODEL."),
    ] = None,
    calibration_data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Samples to profile MODEL with.")
    ] = None,
    tolerance: Annotated[
        float, typer.Option(min=0.0, help="Largest error of the precision used.")
    ] = 0.02,
    safety_margin: Annotated[
        float, typer.Option(min=1.0, help="RAM a board must have, over what is needed.")
    ] = 1.3,
    latency_budget_ms: Annotated[
        float | None, typer.Option(min=0.0, metavar="T", help="Judged on the worst case.")
    ] = None,
    ui: Annotated[bool, typer.Option("--ui", help="Needs a display and Linux.")] = False,
    evidence: Annotated[
        EvidenceFloor, typer.Option(help="The lowest that a decision may rest on.")
    ] = EvidenceFloor.ANY,
    include: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="A board outside of the tiers that may be chosen too."),
    ] = None,
    devices: Annotated[
        list[Path] | None,
        typer.Option(metavar="DIR", help="A folder with device profiles of your own."),
    ] = None,
    port: Annotated[
        list[str] | None,
        typer.Option(metavar="ID=DEV", help="A physical board and the serial port it is at."),
    ] = None,
    farm: Annotated[
        Path | None,
        typer.Option(
            metavar="YAML",
            help="A farm file whose boards are used too, physical ones first.  "
            "\\[default: hil/farm.yaml where there is one]",
        ),
    ] = None,
    no_farm: Annotated[bool, typer.Option("--no-farm", help="Leave all farms out.")] = False,
    every: Annotated[
        bool, typer.Option("--all", help="Try every board out, even if the answer is known.")
    ] = False,
    output: Annotated[
        Path | None, typer.Option(metavar="JSON", help="Writes the declaration here.")
    ] = None,
    history: HistoryOption = None,
    no_history: NoHistoryOption = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the declaration alone.")] = False,
) -> None:
    """Find the smallest board that a model runs on."""
    from host.cli.target_table import target_observer
    from host.evidence import History
    from host.files import check_writable, write_text
    from host.targeting.target_selector import TargetRequest, select_target
    from host.targeting.verdict import Limits

    check_writable(output)
    limits = Limits(
        tolerance=tolerance,
        safety_margin=safety_margin,
        latency_budget_ms=latency_budget_ms,
        ui=ui,
        evidence=str(evidence),
    )
    request = TargetRequest(
        model=model or model_argument,
        profile=profile,
        calibration_data=calibration_data,
        limits=limits,
        include=tuple(include or ()),
        catalogs=tuple(devices or ()),
        ports=_boards_at_ports(port or ()),
        farm=_farm_file(farm, no_farm),
        every=every,
    )
    with contextlib.ExitStack() as stack:
        kept = None if no_history else stack.enter_context(History.open(history))
        result = select_target(request, kept, stack.enter_context(target_observer()))
    if output is not None:
        write_text(output, result.to_json() + "\n")
    print(result.to_json() if as_json else result.text)
    raise typer.Exit(int(result.exit_code))


def _farm_file(given: Path | None, none: bool) -> Path | None:
    """Raises ConfigError where one is named and none wanted."""
    from host.farms import DEFAULT_FARM

    if none:
        if given is not None:
            raise ConfigError("--farm and --no-farm contradict each other")
        return None
    return DEFAULT_FARM if given is None and DEFAULT_FARM.is_file() else given


def _boards_at_ports(given: Sequence[str]) -> dict[str, str]:
    """Where each board is, by id.

    Raises:
        ConfigError: one is not of the form ID=DEV, or a board is at two ports.
    """
    ports: dict[str, str] = {}
    for text in given:
        board, port = board_at_port(f"--port {text}", text)
        if port is None:
            raise ConfigError(f"--port {text}: not of the form ID=DEV", hint=PORT_HINT)
        if board in ports:
            raise ConfigError(f"--port {text}: {board} is at {ports[board]} already")
        ports[board] = port
    return ports
