"""``host measure``: one model on one board."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from host.cli.board_options import (
    BoardOption,
    DomainOption,
    EngineOption,
    FlashModelOption,
    PlanStoreOption,
    PortOption,
)
from host.cli.options import HistoryOption, NoHistoryOption
from host.errors import ConfigError


def measure(
    model_argument: Annotated[
        Path | None,
        typer.Argument(
            metavar="MODEL",
            help="A model file; without it the largest bundled example that fits.",
        ),
    ] = None,
    model: Annotated[
        Path | None, typer.Option(metavar="MODEL", help="The same, as an option.")
    ] = None,
    board: BoardOption = None,
    port: PortOption = None,
    baud: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Rate of a serial port.  \\[default: the board's firmware's]"
        ),
    ] = None,
    iterations: Annotated[
        int | None,
        typer.Option(min=1, max=1_000_000, help="Timed runs; by default chosen for the board."),
    ] = None,
    warmup: Annotated[
        int | None, typer.Option(min=0, max=1_000_000, help="Runs before them, not counted.")
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=0xFFFFFFFF, help="Draws the input.  \\[default: 0]"),
    ] = None,
    inputs: Annotated[
        list[Path] | None,
        typer.Option(
            "--input", metavar="NPY", help="Input from a .npy file; once an input of the model."
        ),
    ] = None,
    save_output: Annotated[
        Path | None, typer.Option(metavar="NPY", help="Writes the output to a .npy file.")
    ] = None,
    plan_store: PlanStoreOption = None,
    flash_model: FlashModelOption = None,
    link: Annotated[
        str | None,
        typer.Option(metavar="LINK", help="To an emulated Pico: uart or usb.  \\[default: uart]"),
    ] = None,
    domain: DomainOption = None,
    engine: EngineOption = None,
    threads: Annotated[
        int | None,
        typer.Option(
            min=1, max=255, help="Of litert and onnxruntime.  \\[default: the board's choice]"
        ),
    ] = None,
    profile: Annotated[
        bool, typer.Option("--profile", help="Adds the cycles of each op, from a further run.")
    ] = False,
    budget_ms: Annotated[
        float | None,
        typer.Option(min=0, metavar="T", help="Exit code 3 if the slowest run takes longer."),
    ] = None,
    history: HistoryOption = None,
    no_history: NoHistoryOption = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the measurement record alone.")
    ] = False,
) -> None:
    """Measure a model on a board: latency, memory, and whether its output is right."""
    from host.cli.progress import progress_observer
    from host.cli.render import print_measurement
    from host.evidence import History
    from host.measurement.measure import MeasureRequest, run_measurement
    from protocol.messages import Domain, Engine, Store

    if model is not None and model_argument is not None:
        raise ConfigError("MODEL and --model both name a model: give one")
    if seed is not None and inputs:
        raise ConfigError("--seed draws the input that --input gives: use one of them")
    request = MeasureRequest(
        model=model or model_argument,
        board=board,
        port=port,
        baud=baud,
        iterations=iterations,
        warmup=warmup,
        seed=seed or 0,
        inputs=tuple(inputs or ()),
        save_output=save_output,
        plan_store=Store[plan_store.name] if plan_store else None,
        flash_model=flash_model,
        link=link,
        domain=Domain[domain.name] if domain else Domain.ANY,
        engine=Engine[engine.name] if engine else None,
        threads=threads,
        profile=profile,
        budget_ms=budget_ms,
    )
    with contextlib.ExitStack() as stack:
        # Opened first: a history that cannot be written must not cost a measurement.
        kept = None if no_history else stack.enter_context(History.open(history))
        observer = stack.enter_context(progress_observer())
        outcome = run_measurement(request, observer)
        if kept is not None:
            kept.add(outcome.record, outcome.plan_ops)
    if as_json:
        print(outcome.record.to_json())
    else:
        print_measurement(outcome)
    raise typer.Exit(int(outcome.exit_code))
