"""``host quantize``: a float model into one that small boards execute."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from host.cli.options import ModelArgument, ModelOption, ProfileOutput, ReportJson, one_model
from host.errors import ConfigError

if TYPE_CHECKING:
    from host.distillation.quantizer import QuantizationResult

    Run = Callable[[Callable[[str], None]], QuantizationResult]


class Mode(StrEnum):
    PTQ = "ptq"
    QAT = "qat"


class Precision(StrEnum):
    INT8 = "int8"
    INT4 = "int4"


def quantize(
    model_argument: ModelArgument = None,
    model: ModelOption = None,
    mode: Annotated[
        Mode, typer.Option(help="After training, or with training (needs the extra `train`).")
    ] = Mode.PTQ,
    precision: Annotated[
        Precision, typer.Option(help="Of the weights; activations are int8.")
    ] = Precision.INT8,
    calibration: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="ptq: samples (.npy, .npz, .csv, images), a file or a folder.  "
            "\\[default: calibration/ beside the model, else random ones]",
        ),
    ] = None,
    train_data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="qat: the same, with labels.npy beside them, or a folder of images a class. "
            "Without labels the float model's outputs are learned.",
        ),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(metavar="NPY", help="qat: the labels, where elsewhere.")
    ] = None,
    samples: Annotated[
        int | None, typer.Option(min=1, help="qat: how many to use.  \\[default: all]")
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, max=10_000, help="qat: the best is kept.")] = 10,
    learning_rate: Annotated[
        float, typer.Option(min=0, help="qat: a tenth of what the model was trained with.")
    ] = 3e-4,
    seed: Annotated[int, typer.Option(min=0, help="qat: orders the samples.")] = 0,
    output: Annotated[
        Path | None, typer.Option(metavar="TFLITE", help="Writes the quantized model here.")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="JSON", help="Writes the report here.")
    ] = None,
    profile: ProfileOutput = None,
    as_json: ReportJson = False,
) -> None:
    """Quantize a float model, and say what that does to it."""
    import json

    from host.cli.progress import progress_observer
    from host.cli.render_model import print_quantization
    from host.cli.render_training import print_training
    from host.compression.requirements import requirements_of
    from host.distillation.quantizer import quantize_model
    from host.files import check_writable, write_bytes, write_text

    path = one_model(model_argument, model)
    check_writable(output, report, profile)
    if mode is Mode.PTQ:
        _refuse(mode, {"--train-data": train_data, "--labels": labels, "--samples": samples})
        run: Run = partial(quantize_model, path, calibration, str(precision))
    else:
        _refuse(mode, {"--calibration": calibration})
        run = _training(path, train_data, labels, samples, precision, epochs, learning_rate, seed)
    with progress_observer() as observer:
        result = run(observer.stage)
        for note in result.notes:
            observer.note(note)
        target = output or path.with_name(f"{path.stem}_{precision}.tflite")
        write_bytes(target, result.tflite)
        if profile is not None:
            errors = {"mean": result.report["error_mean"]}
            ends = result.report["output_range"]
            vector = requirements_of(
                target, result.tflite, str(precision), errors, ends, observer.stage
            )
            write_text(profile, vector.to_json() + "\n")
    text = json.dumps(result.report, indent=2)
    if report is not None:
        write_text(report, text + "\n")
    if as_json:
        print(text)
    elif mode is Mode.QAT:
        print_training(result, target)
    else:
        print_quantization(result, target)


def _refuse(mode: Mode, options: dict[str, object]) -> None:
    """
    Raises:
        ConfigError: an option of the other mode was given.
    """
    for name, value in options.items():
        if value is not None:
            other = Mode.QAT if mode is Mode.PTQ else Mode.PTQ
            raise ConfigError(f"{name} belongs to --mode {other}; this is --mode {mode}")


def _training(
    path: Path,
    data: Path | None,
    labels: Path | None,
    samples: int | None,
    precision: Precision,
    epochs: int,
    learning_rate: float,
    seed: int,
) -> Run:
    from host.distillation.training import require_torch

    if data is None:
        raise ConfigError(
            "--mode qat trains: --train-data DIR is missing",
            hint="samples as for --calibration, with labels.npy beside them",
        )
    require_torch()

    from host.distillation.training.qat import QatOptions
    from host.distillation.training.qat_model import QatRequest, quantize_aware

    request = QatRequest(
        model=path,
        data=data,
        labels=labels,
        samples=samples,
        precision=str(precision),
        options=QatOptions(epochs=epochs, learning_rate=learning_rate, seed=seed),
    )
    return partial(quantize_aware, request)
