"""Quantization-aware training: starts where post-training quantization ends, and learns on."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np
from numpy.typing import NDArray

from host.distillation.calibration import MAX_SAMPLES, spread
from host.distillation.quantization import Quantized, quantize
from host.distillation.training.data import Split, TrainingData
from host.distillation.training.epochs import EpochLines
from host.distillation.training.fit import FitOptions, FitResult, fit, predict, predict_scores
from host.distillation.training.losses import Loss, label_loss, teacher_loss
from host.distillation.training.module import GraphModule
from host.distillation.training.quantized_module import QuantizedModule
from host.errors import ModelError
from host.models.graph import Graph
from host.models.tflite_importer import import_tflite
from host.models.tflite_writer import write_tflite
from host.reference.oracle import expected_outputs

RANGE_RATE = 10.0
"""How much faster ranges and scales learn: theirs are relative changes, and a few hundred steps
must get a scale of 4 bits some tens of percent away from where the largest weight put it."""

SOFT_SHARE = 0.7
"""The float model's part of the loss where there are labels too: what a board is chosen by is the
error against float, and labels that the float model has learned by heart say little more."""


@attrs.frozen(kw_only=True)
class QatOptions:
    """``learning_rate`` is a tenth of what training takes: the weights are nearly right already."""

    epochs: int = 10
    batch_size: int = 32
    learning_rate: float = 3e-4
    seed: int = 0


@attrs.frozen(eq=False)
class Learned:
    """``tflite`` is what ``module`` computes, as integers; ``start`` what it was learned from."""

    tflite: bytes
    module: QuantizedModule
    start: Quantized
    fit: FitResult


def train_quantized(
    graph: Graph,
    split: Split,
    precision: str,
    options: QatOptions,
    progress: Callable[[str], None] = lambda _: None,
) -> Learned:
    """Learns weights, weight scales and activation ranges, and keeps the best epoch.

    The loss is the distance from the float model's own scores (self-distillation); where the
    samples have labels, that from these is added.

    Args:
        split: ranges start from its training part; its validation part chooses between plain and
            clipped ones, and the epoch.

    Raises:
        ModelError: the model is quantized already, has no weights, or the quantizer refuses it.
    """
    teacher = GraphModule(graph)
    train, validation = (
        attrs.evolve(part, teacher=predict_scores(teacher, part))
        for part in (split.train, split.validation)
    )
    progress(f"quantizing to {precision} with {min(len(train), MAX_SAMPLES)} samples")
    start = quantize(graph, spread(train.inputs[0]), spread(validation.inputs[0]), precision)
    module = QuantizedModule(graph, import_tflite(start.tflite, graph.name))
    weights, ranges = list(module.trained.values()), module.range_parameters()
    if not weights:
        raise ModelError(f"{graph.name}: has no weights to train; --mode ptq is all it needs")
    fitted = fit(
        module,
        train,
        validation,
        FitOptions(options.epochs, options.batch_size, options.learning_rate, options.seed),
        _loss(graph, train),
        EpochLines(progress),
        parameter_groups=[
            {"params": weights},
            {"params": ranges, "lr": options.learning_rate * RANGE_RATE},
        ],
    )
    return Learned(write_tflite(module.to_quantized_graph()), module, start, fitted)


def _loss(graph: Graph, data: TrainingData) -> Loss:
    from_teacher = teacher_loss(graph)
    if data.labels is None:
        return from_teacher
    return lambda scores, batch: (
        SOFT_SHARE * from_teacher(scores, batch) + (1 - SOFT_SHARE) * label_loss(scores, batch)
    )


@attrs.frozen(eq=False)
class Outputs:
    """The first output of each judged sample, float32 [n, elements], by who computed it.

    ``ptq`` and ``exported`` are what integers stand for, as a board that is ``exact`` gives them;
    ``source``, ``tflite-micro`` or ``numpy``, says who computed these. ``step`` is the exported
    output's scale.
    """

    exact: NDArray[np.float32]
    ptq: NDArray[np.float32]
    fake_quantized: NDArray[np.float32]
    exported: NDArray[np.float32]
    step: float
    source: str

    def agreement(self, steps: float) -> float:
        """Share of elements at which the trained module and the exported model differ by at most
        so many steps of the output."""
        off = np.abs(self.fake_quantized - self.exported) / self.step
        return float((off <= steps + 1e-3).mean())


def outputs_of(graph: Graph, learned: Learned, data: TrainingData) -> Outputs:
    """What float, PTQ, the trained module and the exported model make of the samples.

    Raises:
        ModelError: an exported graph is not int8.
    """
    ptq, _, _ = run_int8(learned.start.tflite, data)
    exported, step, source = run_int8(learned.tflite, data)
    return Outputs(
        exact=predict(GraphModule(graph), data),
        ptq=ptq,
        fake_quantized=predict(learned.module, data),
        exported=exported,
        step=step,
        source=source,
    )


def run_int8(tflite: bytes, data: TrainingData) -> tuple[NDArray[np.float32], float, str]:
    """The first output as a board computes it, as real numbers [n, elements]; its scale; and who
    computed it, ``tflite-micro`` or ``numpy``.

    Raises:
        ModelError: the model is not int8.
    """
    graph = import_tflite(tflite, "exported")
    inputs = []
    for index, values in zip(graph.inputs, data.inputs, strict=True):
        quantization = graph.tensors[index].quantization
        assert quantization is not None
        steps = np.round(values / quantization.scales[0]) + quantization.zero_point
        inputs.append(np.clip(steps, -128, 127).astype(np.int8))
    outputs, source = expected_outputs(graph, tflite, inputs)
    quantization = graph.tensors[graph.outputs[0]].quantization
    assert quantization is not None
    steps = outputs[0].reshape(len(data), -1).astype(np.float32) - quantization.zero_point
    return steps * quantization.scales[0], quantization.scale, source
