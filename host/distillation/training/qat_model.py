"""Quantizes a model file with training, and reports what that did."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from host.distillation.quantizer import QuantizationResult
from host.distillation.training.accuracy import mean_error, top1
from host.distillation.training.data import TrainingData, read_training_data
from host.distillation.training.qat import (
    Learned,
    Outputs,
    QatOptions,
    outputs_of,
    train_quantized,
)
from host.models import load_model
from host.models.tflite_writer import write_float_tflite
from host.reference.oracle import ARITHMETIC

_MOST_JUDGED = 1000
"""Samples of the hold-out: more cost time and change no figure that is shown."""


@attrs.frozen(kw_only=True)
class QatRequest:
    """``labels`` None: ``labels.npy`` beside the samples, where that is. ``samples`` None: all."""

    model: Path
    data: Path
    labels: Path | None
    samples: int | None
    precision: str
    options: QatOptions


def quantize_aware(
    request: QatRequest, progress: Callable[[str], None] = lambda _: None
) -> QuantizationResult:
    """Quantization-aware training of a float model.

    Raises:
        ConfigError: model or training data cannot be read, or do not fit each other.
        ModelError: the model is quantized already, not supported, or the loss is not finite.
    """
    graph = load_model(request.model)
    data = read_training_data(request.data, graph, labels=request.labels, samples=request.samples)
    split = data.split()
    learned = train_quantized(graph, split, request.precision, request.options, progress)
    judged = split.hold_out.at(np.arange(min(len(split.hold_out), _MOST_JUDGED)))
    progress(f"judging by {len(judged)} other samples")
    outputs = outputs_of(graph, learned, judged)
    notes = (*data.notes, *graph.notes, *_notes(data, learned))
    report = {
        "model": str(request.model),
        "mode": "qat",
        "precision": request.precision,
        "ranges": learned.start.ranges,
        "training": {
            "source": data.source,
            "sha256": data.sha256,
            "train_count": len(split.train),
            "validation_count": len(split.validation),
            "hold_out_count": len(judged),
            "learned_from": _learned_from(data),
            **attrs.asdict(request.options),
            "best_epoch": learned.fit.best_epoch,
            "seconds": round(learned.fit.seconds, 1),
            "history": [attrs.asdict(epoch) for epoch in learned.fit.history],
        },
        "hold_out": {
            "float": _figures(outputs.exact, outputs.exact, judged),
            "ptq": _figures(outputs.ptq, outputs.exact, judged),
            "fake_quantized": _figures(outputs.fake_quantized, outputs.exact, judged),
            "exported": _figures(outputs.exported, outputs.exact, judged),
        },
        "agreement": _agreement(outputs),
        "error_mean": mean_error(outputs.exported, outputs.exact),
        "output_range": [float(outputs.exact.min()), float(outputs.exact.max())],
        "float_bytes": len(write_float_tflite(graph)),
        "quantized_bytes": len(learned.tflite),
        "notes": list(notes),
    }
    return QuantizationResult(learned.tflite, report, notes)


def _learned_from(data: TrainingData) -> str:
    return "float outputs" if data.labels is None else "labels and float outputs"


def _notes(data: TrainingData, learned: Learned) -> list[str]:
    notes = []
    if data.labels is None:
        notes.append(
            f"{data.source}: no labels.npy beside the samples: trained to give what the float "
            "model gives, and accuracy is not known"
        )
    if learned.fit.best_epoch == 0:
        notes.append(
            "no epoch did better on the validation part than post-training quantization, "
            "whose result this is"
        )
    return notes


def _figures(
    outputs: NDArray[np.float32], exact: NDArray[np.float32], data: TrainingData
) -> dict[str, float | None]:
    """``accuracy`` (top-1) where labels are classes, ``label_error`` where they are numbers;
    ``error_mean`` and ``same_class`` compare with the float model's outputs."""
    accuracy = error = same = None
    if data.labels is not None and data.is_classified:
        accuracy = top1(outputs, data.labels)
    elif data.labels is not None:
        error = mean_error(outputs, data.labels)
    if outputs.shape[1] > 1:
        same = top1(outputs, exact.argmax(axis=1))
    return {
        "accuracy": accuracy,
        "label_error": error,
        "error_mean": mean_error(outputs, exact),
        "same_class": same,
    }


def _agreement(outputs: Outputs) -> dict[str, Any]:
    """Of the trained module with the exported model, element by element."""
    return {
        "equal": outputs.agreement(0),
        "within_one_step": outputs.agreement(1),
        "samples": len(outputs.exported),
        "arithmetic": ARITHMETIC,
        "source": outputs.source,
    }
