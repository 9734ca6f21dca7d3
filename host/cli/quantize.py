"""``host quantize``: a float model into one that small boards execute."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from host.cli.options import ModelArgument, ModelOption, one_model


class Mode(StrEnum):
    PTQ = "ptq"


class Precision(StrEnum):
    INT8 = "int8"
    INT4 = "int4"


def quantize(
    model_argument: ModelArgument = None,
    model: ModelOption = None,
    mode: Annotated[Mode, typer.Option(help="Post-training quantization.")] = Mode.PTQ,
    precision: Annotated[
        Precision, typer.Option(help="Of the weights; activations are int8.")
    ] = Precision.INT8,
    calibration: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Samples (.npy, .npz, .csv, images), a file or a folder.  "
            "\\[default: calibration/ beside the model, else random ones]",
        ),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="TFLITE", help="Writes the quantized model here.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="JSON", help="Writes the report here.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report alone.")] = False,
) -> None:
    """Quantize a float model, and say what that does to each layer."""
    import json

    from host.cli.progress import progress_observer
    from host.cli.render_model import print_quantization
    from host.distillation.quantizer import quantize_model
    from host.files import check_writable, write_bytes, write_text

    path = one_model(model_argument, model)
    check_writable(output, report)
    with progress_observer() as observer:
        result = quantize_model(path, calibration, str(precision), observer.stage)
        for note in result.notes:
            observer.note(note)
    target = output or path.with_name(f"{path.stem}_{precision}.tflite")
    write_bytes(target, result.tflite)
    text = json.dumps(result.report, indent=2)
    if report is not None:
        write_text(report, text + "\n")
    if as_json:
        print(text)
    else:
        print_quantization(result, target)
