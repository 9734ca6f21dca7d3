"""Weights that stay zero while the others are trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray

from host.distillation.training.module import GraphModule


def held_at_zero(masks: Mapping[int, NDArray[np.bool_]]) -> Callable[[GraphModule], None]:
    """What :func:`~host.distillation.training.fit.fit` is to do after each step.

    Args:
        masks: by the parameter's tensor in the graph, in its layout; False where a weight is zero.
    """
    kept = {index: torch.from_numpy(mask) for index, mask in masks.items()}

    def apply(module: GraphModule) -> None:
        parameters = module.trained
        with torch.no_grad():
            for index, mask in kept.items():
                parameters[index].mul_(mask)

    return apply
