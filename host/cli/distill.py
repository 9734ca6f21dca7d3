"""``host distill``: a float model into a smaller one that does the same."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from host.cli.options import (
    HistoryOption,
    LabelsOption,
    ModelArgument,
    ModelOption,
    NoHistoryOption,
    ProfileOutput,
    ReportJson,
    SamplesOption,
    one_model,
)
from host.errors import ConfigError

_PRUNING, _DISTILLATION = "Pruning", "Distillation"


class Mode(StrEnum):
    PRUNE = "prune"
    DISTILL = "distill"


class ImportanceName(StrEnum):
    L1 = "l1"
    L2 = "l2"
    TAYLOR = "taylor"


class StudentName(StrEnum):
    MOBILENETV3_SMALL = "mobilenetv3_small"
    DS_CNN = "ds_cnn"
    TINY_CNN = "tiny_cnn"
    MLP = "mlp"


def distill(
    model_argument: ModelArgument = None,
    model: ModelOption = None,
    teacher: Annotated[
        Path | None, typer.Option(metavar="MODEL", help="The same, as who teaches.")
    ] = None,
    mode: Annotated[
        Mode,
        typer.Option(
            help="Prune: take weights or channels out of the model. Distill: teach a student that "
            "fits the target."
        ),
    ] = Mode.PRUNE,
    target: Annotated[
        str, typer.Option(metavar="ID", help="The board that is measured on, or fitted.")
    ] = "pico",
    labels: LabelsOption = None,
    samples: SamplesOption = None,
    epochs: Annotated[
        int | None,
        typer.Option(
            min=0,
            max=10_000,
            help="Of training.  \\[default: 20 after pruning, 0 needs no torch; 60 for a student]",
        ),
    ] = None,
    learning_rate: Annotated[
        float | None,
        typer.Option(min=0, help="\\[default: 0.002 after pruning, 0.003 for a student]"),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Orders the samples, draws a student.")] = 0,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The pruned float model, a name ending in .onnx or .tflite; or the int8 student, "
            "a .tflite.",
        ),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="JSON", help="Writes the report here.")
    ] = None,
    profile: ProfileOutput = None,
    history: HistoryOption = None,
    no_history: NoHistoryOption = False,
    as_json: ReportJson = False,
    fine_tune_data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Samples with labels.npy beside them, or a folder of images a class.",
            rich_help_panel=_PRUNING,
        ),
    ] = None,
    sparsity: Annotated[
        float,
        typer.Option(
            metavar="SHARE",
            help="Of the weights, or with --structured of the channels.",
            rich_help_panel=_PRUNING,
        ),
    ] = 0.5,
    structured: Annotated[
        bool,
        typer.Option(
            "--structured",
            help="Remove whole channels: RAM and latency fall.",
            rich_help_panel=_PRUNING,
        ),
    ] = False,
    importance: Annotated[
        ImportanceName,
        typer.Option(
            help="Of channels: a norm of their filters, or the loss's first-order term.",
            rich_help_panel=_PRUNING,
        ),
    ] = ImportanceName.L1,
    operational_data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Samples as the device will see them; labels are used where they are.",
            rich_help_panel=_DISTILLATION,
        ),
    ] = None,
    student_arch: Annotated[
        StudentName | None,
        typer.Option(
            help="What the student is; its width and resolution follow from the target.",
            rich_help_panel=_DISTILLATION,
        ),
    ] = None,
    tolerance: Annotated[
        float,
        typer.Option(
            min=0,
            metavar="T",
            help="Largest mean error against the teacher on held-out data; exit code 3 beyond it.",
            rich_help_panel=_DISTILLATION,
        ),
    ] = 0.02,
    latency_budget_ms: Annotated[
        float | None,
        typer.Option(
            min=0, metavar="T", help="Of the slowest inference.", rich_help_panel=_DISTILLATION
        ),
    ] = None,
    temperature: Annotated[
        float,
        typer.Option(min=0.1, help="Softens the teacher's classes.", rich_help_panel=_DISTILLATION),
    ] = 4.0,
    soft_share: Annotated[
        float,
        typer.Option(
            min=0,
            max=1,
            help="The teacher's part of the loss, where there are labels.",
            rich_help_panel=_DISTILLATION,
        ),
    ] = 0.7,
    seeds: Annotated[
        int,
        typer.Option(
            min=1,
            max=100,
            help="Students, each taught and, for comparison, trained without the teacher.",
            rich_help_panel=_DISTILLATION,
        ),
    ] = 1,
) -> None:
    """Make a float model smaller, and say what that cost and gained."""
    from host.cli.distill_modes import Outputs, run_distillation, run_pruning

    path = one_model(model_argument, model or teacher)
    outputs = Outputs(
        file=output,
        report=report,
        profile=profile,
        as_json=as_json,
        history=history,
        keep=not no_history,
    )
    if mode is Mode.PRUNE:
        from host.compression.pruning import PruneRequest
        from host.distillation.pruning.by_channel import Importance

        pruning = PruneRequest(
            model=path,
            data=_needed(fine_tune_data, "--fine-tune-data"),
            labels=labels,
            samples=samples,
            sparsity=sparsity,
            structured=structured,
            importance=Importance(importance.value),
            epochs=20 if epochs is None else epochs,
            learning_rate=2e-3 if learning_rate is None else learning_rate,
            seed=seed,
            target=target,
        )
        run_pruning(pruning, outputs)
        return
    from host.compression.distilling import DistillRequest
    from host.distillation.students.teaching import TeachingOptions
    from host.targeting.verdict import Limits

    if student_arch is None:
        raise ConfigError(
            "no student: --student-arch NAME", hint=f"one of {', '.join(StudentName)}"
        )
    distillation = DistillRequest(
        teacher=path,
        architecture=str(student_arch),
        data=_needed(operational_data, "--operational-data"),
        target=target,
        labels=labels,
        samples=samples,
        limits=Limits(tolerance=tolerance, latency_budget_ms=latency_budget_ms),
        options=TeachingOptions(
            epochs=60 if epochs is None else epochs,
            learning_rate=3e-3 if learning_rate is None else learning_rate,
            temperature=temperature,
            soft_share=soft_share,
            seed=seed,
        ),
        seeds=seeds,
    )
    run_distillation(distillation, outputs)


def _needed(data: Path | None, option: str) -> Path:
    if data is None:
        raise ConfigError(
            f"no data: {option} DIR",
            hint="samples as for `host quantize --calibration`, with labels.npy beside them",
        )
    return data
