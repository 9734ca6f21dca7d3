"""Networks small enough for a board, to be taught by one that is not."""

from host.distillation.students.architectures import ARCHITECTURES, Head, StudentShape, build
from host.distillation.students.scaling import Fitted, Judge, Need, largest_that_fits

__all__ = [
    "ARCHITECTURES",
    "Fitted",
    "Head",
    "Judge",
    "Need",
    "StudentShape",
    "build",
    "largest_that_fits",
]
