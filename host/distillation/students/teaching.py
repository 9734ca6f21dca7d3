"""Trains a student on what its teacher says of the samples, and on labels where there are some."""

from __future__ import annotations

from typing import TYPE_CHECKING

import attrs
import numpy as np
from numpy.typing import NDArray

from host.distillation.students.architectures import Head, StudentShape, build
from host.distillation.teacher import Teacher
from host.distillation.training import require_torch
from host.distillation.training.data import Split, TrainingData
from host.distillation.training.epochs import EpochObserver
from host.models.graph import Graph, OpKind

if TYPE_CHECKING:
    from host.distillation.training.fit import FitResult

_LEAST_PROBABILITY = 1e-7
"""Below it a float32 softmax says nothing of the score behind it."""


@attrs.frozen(kw_only=True)
class TeachingOptions:
    """How a student learns.

    ``temperature`` softens the teacher's classes; ``soft_share`` is the teacher's part of the
    loss where there are labels too (Hinton et al. 2015). ``from_teacher`` False: labels alone, for
    comparison.
    """

    epochs: int = 60
    batch_size: int = 32
    learning_rate: float = 3e-3
    temperature: float = 4.0
    soft_share: float = 0.7
    seed: int = 0
    from_teacher: bool = True


@attrs.frozen(eq=False)
class Taught:
    """A float student of its best epoch on the validation part."""

    graph: Graph
    fit: FitResult


def head_for(teacher: Teacher) -> Head:
    """What the teacher's output means, by the op that it ends with."""
    return {OpKind.SOFTMAX: Head.SOFTMAX, OpKind.LOGISTIC: Head.LOGISTIC}.get(
        teacher.last_kind or OpKind.RESHAPE, Head.NUMBERS
    )


def lessons(teacher: Teacher, split: Split) -> Split:
    """The split with the teacher's scores beside every sample.

    Raises:
        ModelError: the teacher does not run.
        ConfigError: its outputs cannot be kept.
    """
    head = head_for(teacher)

    def taught(part: TrainingData) -> TrainingData:
        return attrs.evolve(part, teacher=scores_of(teacher.outputs(part.inputs[0]), head))

    return Split(taught(split.train), taught(split.validation), taught(split.hold_out))


def scores_of(outputs: NDArray[np.float32], head: Head) -> NDArray[np.float32]:
    """What went into the teacher's last function: of SOFTMAX but for a constant a sample, which no
    softmax of it sees. [n, elements]"""
    if head is Head.NUMBERS:
        return outputs
    likely = np.clip(outputs, _LEAST_PROBABILITY, 1.0 - _LEAST_PROBABILITY)
    scores = np.log(likely)
    return scores if head is Head.SOFTMAX else scores - np.log1p(-likely)


def reduced(part: TrainingData, input_shape: tuple[int, ...]) -> TrainingData:
    """The samples at a student's resolution: each pixel the mean of those that it stands for.

    Args:
        input_shape: the samples' own, or [1, h, w, c] whose edges divide theirs evenly.
    """
    samples = part.inputs[0]
    if samples.shape[1:] == input_shape:
        return part
    _, height, width, depth = input_shape
    by = samples.shape[2] // height
    blocks = samples.reshape(len(samples), 1, height, by, width, by, depth)
    return attrs.evolve(part, inputs=(blocks.mean(axis=(3, 5), dtype=np.float32),))


def teach(
    shape: StudentShape,
    train: TrainingData,
    validation: TrainingData,
    options: TeachingOptions,
    observer: EpochObserver | None = None,
) -> Taught:
    """Trains a fresh student.

    Args:
        train, validation: at the student's resolution, with the teacher's scores.

    Raises:
        ConfigError: torch is not installed.
        ModelError: the loss is not finite.
        ValueError: there is nothing to learn from.
    """
    require_torch()
    from host.distillation.training.fit import FitOptions, fit
    from host.distillation.training.losses import Loss, label_loss, mixed_loss, teacher_loss
    from host.distillation.training.module import GraphModule

    graph = build(shape, options.seed)
    labelled = train.labels is not None
    if not options.from_teacher and not labelled:
        raise ValueError("without labels there is the teacher alone to learn from")
    loss: Loss = label_loss
    if options.from_teacher:
        loss = teacher_loss(graph, options.temperature)
        if labelled:
            loss = mixed_loss(loss, label_loss, options.soft_share)
    module = GraphModule(graph)
    result = fit(
        module,
        train,
        validation,
        FitOptions(options.epochs, options.batch_size, options.learning_rate, options.seed),
        loss,
        observer,
    )
    return Taught(module.to_graph(), result)
