"""Training a pruned graph further; torch is imported when that is asked for, and not before."""

from __future__ import annotations

from collections.abc import Callable

import attrs

from host.distillation.pruning.magnitude import Masks
from host.distillation.training import require_torch
from host.distillation.training.data import Split
from host.models.graph import Graph


@attrs.frozen(kw_only=True)
class FineTuning:
    """How a pruned graph is trained, on which data; ``epochs`` 0: not at all.

    Without labels it learns from the scores of the model as it was, which the samples then have.
    """

    split: Split
    epochs: int
    learning_rate: float
    seed: int
    progress: Callable[[str], None]

    def check(self) -> None:
        """
        Raises:
            ConfigError: torch is needed and not installed.
        """
        if self.epochs:
            require_torch()

    def train(self, graph: Graph, epochs: int, masks: Masks | None = None) -> Graph:
        """The graph of the epoch with the least validation loss; masked weights stay zero.

        Raises:
            ModelError: the loss is not finite.
        """
        if epochs == 0:
            return graph
        from host.distillation.training.epochs import EpochLines
        from host.distillation.training.fit import FitOptions, fit
        from host.distillation.training.losses import label_loss, teacher_loss
        from host.distillation.training.masking import held_at_zero
        from host.distillation.training.module import GraphModule

        module = GraphModule(graph)
        fit(
            module,
            self.split.train,
            self.split.validation,
            FitOptions(epochs=epochs, learning_rate=self.learning_rate, seed=self.seed),
            teacher_loss(graph) if self.split.train.labels is None else label_loss,
            EpochLines(self.progress),
            after_step=None if masks is None else held_at_zero(masks),
        )
        return module.to_graph()
