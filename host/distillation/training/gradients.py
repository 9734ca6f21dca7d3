"""What the loss says of each parameter, without training anything."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from host.distillation.training.data import TrainingData
from host.distillation.training.losses import Batch, Loss
from host.distillation.training.module import GraphModule


def gradients(
    module: GraphModule, data: TrainingData, loss: Loss, batch_size: int = 32
) -> Iterator[dict[int, NDArray[np.float32]]]:
    """Of each batch, the loss's gradient: by the parameter's tensor in the graph, in its layout."""
    for start in range(0, len(data), batch_size):
        batch = Batch.of(data.at(np.arange(start, min(start + batch_size, len(data)))))
        module.zero_grad()
        loss(module.scores(*batch.inputs), batch).backward()
        yield {
            index: parameter.grad.numpy().copy()
            for index, parameter in module.trained.items()
            if parameter.grad is not None
        }
