"""``host compress``: a float model onto one board."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from host.cli.options import (
    HistoryOption,
    LabelsOption,
    ModelArgument,
    ModelOption,
    ReportJson,
    SamplesOption,
    one_model,
)
from host.compression.candidate import Stage


def compress(
    target: Annotated[str, typer.Option(metavar="ID", help="The board that it is to run on.")],
    model_argument: ModelArgument = None,
    model: ModelOption = None,
    tolerance: Annotated[
        float,
        typer.Option(min=0, metavar="T", help="Largest mean error on held-out data, 0.02 is 2 %."),
    ] = 0.02,
    latency_budget_ms: Annotated[
        float | None, typer.Option(min=0, metavar="T", help="Of the slowest inference.")
    ] = None,
    safety_margin: Annotated[float, typer.Option(min=1, help="On the RAM it takes.")] = 1.3,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Samples, with labels.npy beside them if there are labels.  "
            "\\[default: calibration/ beside the model]",
        ),
    ] = None,
    labels: LabelsOption = None,
    samples: SamplesOption = None,
    stages: Annotated[
        list[Stage] | None,
        typer.Option("--stage", help="May be run; once a stage.  \\[default: all of them]"),
    ] = None,
    architectures: Annotated[
        list[str] | None,
        typer.Option(
            "--student-arch",
            metavar="NAME",
            help="mobilenetv3_small, ds_cnn, tiny_cnn or mlp; once a student.  "
            "\\[default: those that fit, the largest first]",
        ),
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, max=10_000, help="Of fine-tuning and of QAT.")] = 10,
    student_epochs: Annotated[int, typer.Option(min=1, max=10_000, help="Of a student.")] = 60,
    seeds: Annotated[
        int,
        typer.Option(
            min=1, max=100, help="Students of each kind, each taught and, beside it, not taught."
        ),
    ] = 1,
    seed: Annotated[int, typer.Option(min=0, help="The first one.")] = 0,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Where everything is written.  \\[default: MODEL_ID beside it]"
        ),
    ] = None,
    history: HistoryOption = None,
    as_json: ReportJson = False,
) -> None:
    """Quantize, prune or distil a float model until it runs on a board.

    Only the stages that the board calls for are run, in that order; every candidate is measured
    there, and the first that passes is kept, with a report of what each stage gained.
    """
    import json

    from host.cli.progress import progress_observer
    from host.cli.render_compression import print_compression
    from host.compression.compress import CompressRequest
    from host.compression.compress import compress as run
    from host.compression.results import check_folder, weights_file, write_results
    from host.distillation.students.teaching import TeachingOptions
    from host.evidence import History
    from host.targeting.verdict import Limits

    path = one_model(model_argument, model)
    folder = output or path.with_name(f"{path.stem}_{target}")
    check_folder(folder)
    request = CompressRequest(
        model=path,
        target=target,
        output=weights_file(folder, path, target),
        data=data,
        labels=labels,
        samples=samples,
        limits=Limits(
            tolerance=tolerance,
            safety_margin=safety_margin,
            latency_budget_ms=latency_budget_ms,
        ),
        stages=tuple(stages) if stages else tuple(Stage),
        architectures=tuple(architectures or ()),
        epochs=epochs,
        seeds=seeds,
        teaching=TeachingOptions(epochs=student_epochs, seed=seed),
    )
    with contextlib.ExitStack() as stack:
        kept = stack.enter_context(History.open(history))
        observer = stack.enter_context(progress_observer())
        compressed = run(request, observer.stage, kept)
        for note in compressed.notes:
            observer.note(note)
    report = write_results(compressed, folder)
    if as_json:
        print(json.dumps(report, indent=2))
    else:
        print_compression(report, folder)
