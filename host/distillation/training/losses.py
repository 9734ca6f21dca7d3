"""What training makes small. A loss takes scores [n, elements] and the batch they came of."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import torch
from torch.nn import functional

from host.distillation.training.data import TrainingData
from host.distillation.training.module import head_of
from host.models.graph import Graph, OpKind


@attrs.frozen(eq=False)
class Batch:
    """Some samples of a :class:`TrainingData` as tensors."""

    inputs: tuple[torch.Tensor, ...]
    labels: torch.Tensor | None
    teacher: torch.Tensor | None

    @classmethod
    def of(cls, data: TrainingData) -> Batch:
        return cls(
            tuple(map(torch.from_numpy, data.inputs)),
            None if data.labels is None else torch.from_numpy(data.labels),
            None if data.teacher is None else torch.from_numpy(data.teacher),
        )


Loss = Callable[[torch.Tensor, Batch], torch.Tensor]


def label_loss(scores: torch.Tensor, batch: Batch) -> torch.Tensor:
    """Cross entropy of classes (of one output: binary); mean squared error of real numbers."""
    assert batch.labels is not None
    if batch.labels.ndim > 1:
        return functional.mse_loss(scores, batch.labels)
    if scores.shape[1] == 1:
        return functional.binary_cross_entropy_with_logits(scores[:, 0], batch.labels.float())
    return functional.cross_entropy(scores, batch.labels)


def teacher_loss(graph: Graph, temperature: float = 1.0) -> Loss:
    """The distance from the teacher's scores: soft cross entropy where the graph ends with SOFTMAX
    or LOGISTIC, at ``temperature`` and scaled by its square (Hinton et al. 2015); else mean
    squared error.
    """
    kinds = {head_of(graph, index).kind for index in graph.outputs}
    kind = kinds.pop() if len(kinds) == 1 and len(graph.outputs) == 1 else None
    square = temperature * temperature

    def loss(scores: torch.Tensor, batch: Batch) -> torch.Tensor:
        assert batch.teacher is not None
        if kind is OpKind.SOFTMAX:
            soft = torch.softmax(batch.teacher / temperature, 1)
            return functional.cross_entropy(scores / temperature, soft) * square
        if kind is OpKind.LOGISTIC:
            soft = torch.sigmoid(batch.teacher / temperature)
            return functional.binary_cross_entropy_with_logits(scores / temperature, soft) * square
        return functional.mse_loss(scores, batch.teacher)

    return loss


def mixed_loss(first: Loss, second: Loss, share: float) -> Loss:
    """``share`` of the first, the rest of the second."""

    def loss(scores: torch.Tensor, batch: Batch) -> torch.Tensor:
        return share * first(scores, batch) + (1.0 - share) * second(scores, batch)

    return loss
