"""Trains a module and keeps its best epoch."""

from __future__ import annotations

import contextlib
import copy
import math
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import attrs
import numpy as np
import torch
from numpy.typing import NDArray

from host.distillation.training.accuracy import top1
from host.distillation.training.data import TrainingData
from host.distillation.training.epochs import Epoch, EpochObserver
from host.distillation.training.losses import Batch, Loss
from host.distillation.training.module import GraphModule
from host.errors import ModelError

_PREDICTED_AT_ONCE = 256


@attrs.frozen
class FitOptions:
    """How a module is trained: Adam, its learning rate falling to 0 on a cosine."""

    epochs: int = 10
    batch_size: int = 32
    learning_rate: float = 1e-3
    seed: int = 0
    """Of the order of the samples; nothing else is drawn."""


@attrs.frozen
class FitResult:
    """``history`` starts with epoch 0; ``best_epoch`` is whose parameters the module now has."""

    best_epoch: int
    history: tuple[Epoch, ...]
    seconds: float


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Torch on one thread: steps of networks as small as these wait for each other on several
    (ten times as long on two), and sums over several have no fixed order."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@one_thread()
def fit(
    module: GraphModule,
    train: TrainingData,
    validation: TrainingData,
    options: FitOptions,
    loss: Loss,
    observer: EpochObserver | None = None,
    *,
    after_step: Callable[[GraphModule], None] | None = None,
    parameter_groups: Sequence[dict[str, Any]] | None = None,
) -> FitResult:
    """Trains ``module`` in place; in the end it has the parameters of the epoch with the least
    validation loss, which may be those it came with.

    Args:
        after_step: called after each step, to put masked weights back to zero for instance; once
            before the first, too, so that epoch 0 is judged alike.
        parameter_groups: as torch's optimizers take them; default: all parameters alike.

    Raises:
        ModelError: the loss is not finite.
    """
    started = time.monotonic()
    groups = parameter_groups or [{"params": list(module.parameters())}]
    optimizer = torch.optim.Adam(groups, lr=options.learning_rate)
    steps = options.epochs * math.ceil(len(train) / options.batch_size)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, max(steps, 1))
    rng = np.random.default_rng(options.seed)
    if after_step is not None:
        after_step(module)
    history = [_judged(module, validation, loss, 0, None)]
    best, kept = history[0], copy.deepcopy(module.state_dict())
    if observer is not None:
        observer.epoch(best, options.epochs)
    for number in range(1, options.epochs + 1):
        total = 0.0
        for batch in _batches(train, options.batch_size, rng.permutation(len(train))):
            optimizer.zero_grad()
            value = loss(module.scores(*batch.inputs), batch)
            value.backward()
            optimizer.step()
            schedule.step()
            if after_step is not None:
                after_step(module)
            total += float(value.detach()) * len(batch.inputs[0])
        history.append(_judged(module, validation, loss, number, total / len(train)))
        if not math.isfinite(total + history[-1].validation_loss):
            raise ModelError(
                f"{module.graph.name}: the loss is not finite in epoch {number}; "
                "train with a lower learning rate"
            )
        if history[-1].validation_loss < best.validation_loss:
            best, kept = history[-1], copy.deepcopy(module.state_dict())
        if observer is not None:
            observer.epoch(history[-1], options.epochs)
    module.load_state_dict(kept)
    return FitResult(best.number, tuple(history), time.monotonic() - started)


def predict(module: GraphModule, data: TrainingData) -> NDArray[np.float32]:
    """The first output of each sample, [n, elements]."""
    return _collected(data, lambda batch: module(*batch.inputs)[0])


def predict_scores(module: GraphModule, data: TrainingData) -> NDArray[np.float32]:
    """What losses are taken of, [n, elements of all outputs]: a teacher's part of the data."""
    return _collected(data, lambda batch: module.scores(*batch.inputs))


def _collected(data: TrainingData, compute: Callable[[Batch], torch.Tensor]) -> NDArray[np.float32]:
    with torch.no_grad():
        parts = [
            compute(batch).reshape(len(batch.inputs[0]), -1).numpy()
            for batch in _batches(data, _PREDICTED_AT_ONCE, np.arange(len(data)))
        ]
    return np.concatenate(parts)


def _batches(data: TrainingData, size: int, order: NDArray[np.int64]) -> Iterator[Batch]:
    for start in range(0, len(order), size):
        yield Batch.of(data.at(order[start : start + size]))


def _judged(
    module: GraphModule, data: TrainingData, loss: Loss, number: int, train_loss: float | None
) -> Epoch:
    scores = predict_scores(module, data)
    with torch.no_grad():
        value = float(loss(torch.from_numpy(scores), Batch.of(data)))
    accuracy = None
    if data.is_classified:
        assert data.labels is not None
        # Scores are before a LOGISTIC: its 0.5 is their 0.
        shifted = scores + np.float32(0.5) if scores.shape[1] == 1 else scores
        accuracy = top1(shifted, data.labels)
    return Epoch(number, train_loss, value, accuracy)
