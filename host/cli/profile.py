"""``host profile``: what a model needs of a board."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from host.cli.options import ModelArgument, ModelOption, one_model


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
    from host.files import write_text
    from host.targeting.profiler import profile_model

    path = one_model(model_argument, model)
    with progress_observer() as observer:
        profiled = profile_model(path, calibration_data, observer.stage)
        for note in profiled.notes:
            observer.note(note)
    if output is not None:
        write_text(output, profiled.vector.to_json() + "\n")
    if as_json:
        print(profiled.vector.to_json())
    else:
        print_vector(profiled.vector, path.name)
