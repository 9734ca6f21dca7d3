"""``host profile``: what a model needs of a board."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from host.cli.options import ModelArgument, ModelOption, board_at_port, one_model


class Accelerator(StrEnum):
    DXM1 = "dxm1"


def profile(
    model_argument: ModelArgument = None,
    model: ModelOption = None,
    calibration_data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Samples (.npy, .npz, .csv, images), a file or a folder.  "
            "\\[default: calibration/ beside the model, else random ones]",
        ),
    ] = None,
    measure: Annotated[
        str | None,
        typer.Option(
            metavar="ID[=DEV]",
            help="A board whose peak memory counts: emulated, or at the port DEV.  "
            "\\[default: the runtime on this computer]",
        ),
    ] = None,
    accelerator: Annotated[
        Accelerator | None,
        typer.Option(help="Times the model there too, if it and its runtime are here."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="JSON", help="Writes the requirement vector here.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the requirement vector alone.")
    ] = False,
) -> None:
    """Profile a model: operations, memory, latency here, and the errors of int8 and int4."""
    from host.cli.progress import progress_observer
    from host.cli.render_model import print_vector
    from host.files import check_writable, write_text
    from host.targeting.profiler import ProfileOptions, profile_model

    path = one_model(model_argument, model)
    check_writable(output)
    board, port = (
        (None, None) if measure is None else board_at_port(f"--measure {measure}", measure)
    )
    options = ProfileOptions(board=board, port=port, accelerator=accelerator is not None)
    with progress_observer() as observer:
        profiled = profile_model(path, calibration_data, observer.stage, options)
        for note in profiled.notes:
            observer.note(note)
    if output is not None:
        write_text(output, profiled.vector.to_json() + "\n")
    if as_json:
        print(profiled.vector.to_json())
    else:
        print_vector(profiled.vector, path.name)
