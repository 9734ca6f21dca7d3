"""What is known of each epoch of a training, and who is told."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import attrs


@attrs.frozen
class Epoch:
    """``number`` 0 is before any training; it has no ``train_loss``."""

    number: int
    train_loss: float | None
    validation_loss: float
    validation_accuracy: float | None
    """Top-1, where the labels are classes."""


class EpochObserver(Protocol):
    """Is told of each epoch as it ends."""

    def epoch(self, epoch: Epoch, epochs: int) -> None: ...


@attrs.frozen
class EpochLines:
    """Implements :class:`EpochObserver`: a line an epoch."""

    progress: Callable[[str], None]

    def epoch(self, epoch: Epoch, epochs: int) -> None:
        accuracy = epoch.validation_accuracy
        share = "" if accuracy is None else f", accuracy {accuracy:.1%}"
        self.progress(
            f"epoch {epoch.number} of {epochs}: validation loss {epoch.validation_loss:.4g}{share}"
        )
