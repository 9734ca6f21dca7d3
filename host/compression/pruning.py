"""Prunes a model file, trains what is left, and says what that gained on a board."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs

from host.compression.footprint import PRECISION, footprint, plan_site
from host.compression.pruning_report import Accuracy, build_report
from host.distillation.calibration import spread
from host.distillation.pruning.by_channel import Importance, prune_channels
from host.distillation.pruning.by_weight import prune_weights
from host.distillation.pruning.fine_tuning import FineTuning
from host.distillation.pruning.outcome import PrunedGraph
from host.distillation.pruning.sensitivity import some_of
from host.distillation.quantization import quantize
from host.distillation.training.accuracy import evaluate
from host.distillation.training.data import Split, TrainingData, read_training_data
from host.errors import ConfigError, ModelError
from host.evidence import History
from host.models import load_model
from host.models.graph import DType, Graph
from host.models.onnx_writer import write_float_onnx
from host.models.tflite_writer import write_float_tflite

WRITERS: dict[str, Callable[[Graph], bytes]] = {
    ".onnx": write_float_onnx,
    ".tflite": write_float_tflite,
}
"""By the ending of the file's name."""

_CALIBRATION_SAMPLES = 256
"""Of the training part, that int8 ranges are learned from."""

Progress = Callable[[str], None]


@attrs.frozen(kw_only=True)
class PruneRequest:
    """``sparsity`` is the share of weights, or with ``structured`` of channels, that goes.

    ``data``: samples with labels, as :func:`read_training_data` reads them; ``samples`` how many of
    them. ``target``: the board on which the gain is measured.
    """

    model: Path
    data: Path
    labels: Path | None = None
    samples: int | None = None
    sparsity: float = 0.5
    structured: bool = False
    importance: Importance = Importance.L1
    epochs: int = 20
    learning_rate: float = 2e-3
    seed: int = 0
    target: str = "pico"


@attrs.frozen(eq=False)
class PruneResult:
    """The pruned float model, and plain JSON values of what became of it."""

    graph: Graph
    report: dict[str, Any]
    notes: tuple[str, ...]


def writer_for(output: Path) -> Callable[[Graph], bytes]:
    """
    Raises:
        ConfigError: files of that ending are not written.
    """
    writer = WRITERS.get(output.suffix.lower())
    if writer is None:
        raise ConfigError(f"--output {output}: the name must end in {' or '.join(WRITERS)}")
    return writer


def prune_model(
    request: PruneRequest, history: History | None = None, progress: Progress = lambda _: None
) -> PruneResult:
    """Prunes, fine-tunes, and compares before and after on the hold-out and on the board.

    The training part of the data trains; the validation part ranks layers and chooses the best
    epoch; the hold-out is seen by nothing but the accuracies reported. ``history`` keeps what is
    measured.

    Raises:
        ConfigError: request, model or data cannot be used, or do not fit each other; torch is not
            installed.
        ModelError: the model is quantized, or not supported; or training diverges.
    """
    _check(request)
    site = plan_site(request.target)
    graph = _float_graph(request.model)
    data = read_training_data(request.data, graph, labels=request.labels, samples=request.samples)
    if data.labels is None:
        raise ConfigError(
            f"{request.data}: holds no labels, without which pruning cannot be judged or trained",
            hint="put labels.npy beside the samples, name it with --labels, or make a folder a "
            "class",
        )
    split = data.split()
    tuning = FineTuning(
        split=split,
        epochs=request.epochs,
        learning_rate=request.learning_rate,
        seed=request.seed,
        progress=progress,
    )
    tuning.check()
    pruned = _pruned(request, graph, tuning)
    progress("judging on the hold-out")
    before, after = _Int8.of(graph, split), _Int8.of(pruned.graph, split)
    accuracy = Accuracy(
        metric="top-1" if data.is_classified else "mean absolute error",
        samples=len(split.hold_out),
        before=evaluate(graph, split.hold_out),
        after_pruning=evaluate(pruned.at_once, split.hold_out),
        after_fine_tuning=evaluate(pruned.graph, split.hold_out),
        int8_before=before.accuracy,
        int8_after=after.accuracy,
    )
    progress(f"measuring both on {site.device}")
    footprints = (
        footprint(before.tflite, request.model.stem, site, history),
        footprint(after.tflite, f"{request.model.stem}_pruned", site, history),
    )
    report = build_report(attrs.asdict(request), graph, pruned, accuracy, site, footprints)
    report["data"] = _described(data, split)
    notes = (*data.notes, *graph.notes)
    report["notes"] = list(notes)
    return PruneResult(pruned.graph, report, notes)


def _check(request: PruneRequest) -> None:
    if not 0.0 < request.sparsity < 1.0:
        raise ConfigError(f"--sparsity {request.sparsity:g}: a share between 0 and 1")
    if not request.data.exists():
        raise ConfigError(f"--fine-tune-data {request.data}: no such file or folder")


def _float_graph(model: Path) -> Graph:
    graph = load_model(model)
    if any(tensor.dtype is DType.INT8 for tensor in graph.tensors):
        raise ModelError(f"{model}: is quantized already; name the float model it came from")
    if len(graph.outputs) != 1:
        raise ModelError(f"{model}: has {len(graph.outputs)} outputs; models with one are pruned")
    return graph


def _pruned(request: PruneRequest, graph: Graph, tuning: FineTuning) -> PrunedGraph:
    samples = some_of(tuning.split.validation.inputs[0])
    if request.structured:
        return prune_channels(graph, request.sparsity, tuning, samples, request.importance)
    return prune_weights(graph, request.sparsity, tuning, samples)


@attrs.frozen(eq=False)
class _Int8:
    """The model as a board runs it."""

    tflite: bytes
    accuracy: float

    @classmethod
    def of(cls, graph: Graph, split: Split) -> _Int8:
        calibration = spread(split.train.inputs[0], _CALIBRATION_SAMPLES)
        quantized = quantize(graph, calibration, split.validation.inputs[0], PRECISION)
        return cls(quantized.tflite, evaluate(quantized.tflite, split.hold_out))


def _described(data: TrainingData, split: Split) -> dict[str, Any]:
    return {
        "source": data.source,
        "sha256": data.sha256,
        "train_count": len(split.train),
        "validation_count": len(split.validation),
        "hold_out_count": len(split.hold_out),
    }
