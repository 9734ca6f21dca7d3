"""``host distill``: a float model into a smaller one that does the same."""

from __future__ import annotations

import contextlib
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from host.cli.options import HistoryOption, ModelArgument, ModelOption, one_model
from host.errors import ConfigError


class Mode(StrEnum):
    PRUNE = "prune"


class ImportanceName(StrEnum):
    L1 = "l1"
    L2 = "l2"
    TAYLOR = "taylor"


def distill(
    model_argument: ModelArgument = None,
    model: ModelOption = None,
    mode: Annotated[
        Mode, typer.Option(help="Prune: take weights or channels out of the model.")
    ] = Mode.PRUNE,
    sparsity: Annotated[
        float,
        typer.Option(metavar="SHARE", help="Of the weights, or with --structured of the channels."),
    ] = 0.5,
    structured: Annotated[
        bool,
        typer.Option("--structured", help="Remove whole channels: RAM and latency fall."),
    ] = False,
    importance: Annotated[
        ImportanceName,
        typer.Option(help="Of channels: a norm of their filters, or the loss's first-order term."),
    ] = ImportanceName.L1,
    fine_tune_data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Samples with labels.npy beside them, or a folder of images a class.",
        ),
    ] = None,
    labels: Annotated[
        Path | None, typer.Option(metavar="NPY", help="The samples' labels, where elsewhere.")
    ] = None,
    samples: Annotated[
        int | None, typer.Option(min=1, help="How many to use.  \\[default: all]")
    ] = None,
    epochs: Annotated[
        int, typer.Option(min=0, max=10_000, help="Of fine-tuning; 0: none, without torch.")
    ] = 20,
    learning_rate: Annotated[float, typer.Option(min=0, help="Of fine-tuning.")] = 2e-3,
    seed: Annotated[int, typer.Option(min=0, help="Orders the samples.")] = 0,
    target: Annotated[
        str, typer.Option(metavar="ID", help="The board on which the gain is measured.")
    ] = "pico",
    output: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="The float model: a name ending in .onnx or .tflite."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="JSON", help="Writes the report here.")
    ] = None,
    history: HistoryOption = None,
    no_history: Annotated[
        bool, typer.Option("--no-history", help="Do not keep the measurements.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report alone.")] = False,
) -> None:
    """Make a float model smaller, and say what that cost and gained."""
    import json

    from host.cli.progress import progress_observer
    from host.cli.render_pruning import print_pruning
    from host.distillation.pruning.by_channel import Importance
    from host.distillation.pruning.pruner import PruneRequest, prune_model, writer_for
    from host.evidence import History
    from host.files import check_writable, write_bytes, write_text

    path = one_model(model_argument, model)
    if fine_tune_data is None:
        raise ConfigError(
            "no data: --fine-tune-data DIR",
            hint="samples as for `host quantize --calibration`, with labels.npy beside them",
        )
    written = output or path.with_name(f"{path.stem}_pruned.onnx")
    writer = writer_for(written)
    check_writable(written, report)
    request = PruneRequest(
        model=path,
        data=fine_tune_data,
        labels=labels,
        samples=samples,
        sparsity=sparsity,
        structured=structured,
        importance=Importance(importance.value),
        epochs=epochs,
        learning_rate=learning_rate,
        seed=seed,
        target=target,
    )
    with contextlib.ExitStack() as stack:
        kept = None if no_history else stack.enter_context(History.open(history))
        observer = stack.enter_context(progress_observer())
        result = prune_model(request, kept, observer.stage)
        for note in result.notes:
            observer.note(note)
    write_bytes(written, writer(result.graph))
    text = json.dumps(result.report, indent=2)
    if report is not None:
        write_text(report, text + "\n")
    if as_json:
        print(text)
    else:
        print_pruning(result.report, written)
