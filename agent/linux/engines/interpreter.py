"""What an interpreter library is to the worker."""

from __future__ import annotations

import math
from typing import Any, Protocol

import attrs
import numpy as np
from numpy.typing import NDArray

from protocol.generator import draw_float32_input, draw_input


@attrs.frozen
class TensorSpec:
    """An input or output. ``dtype`` is NumPy's name; a dimension left open is 1."""

    name: str
    shape: tuple[int, ...]
    dtype: str

    @property
    def elements(self) -> int:
        return math.prod(self.shape)

    @property
    def size_bytes(self) -> int:
        return self.elements * np.dtype(self.dtype).itemsize

    @property
    def is_drawable(self) -> bool:
        """Whether a seed makes sense of it: integers take any bits, float32 has its own rule."""
        return self.dtype == "float32" or np.issubdtype(np.dtype(self.dtype), np.integer)

    def draw(self, seed: int, index: int) -> NDArray[Any]:
        """The seeded value of input ``index``."""
        if self.dtype == "float32":
            data = draw_float32_input(seed, index, self.elements)
        else:
            data = draw_input(seed, index, self.size_bytes)
        return self.array(data)

    def array(self, data: bytes) -> NDArray[Any]:
        """``data`` as this tensor."""
        return np.frombuffer(data, np.dtype(self.dtype).newbyteorder("<")).reshape(self.shape)


class Interpreter(Protocol):
    """A loaded model. Every method may raise whatever the library raises."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]: ...

    @property
    def outputs(self) -> tuple[TensorSpec, ...]: ...

    def set_inputs(self, values: tuple[NDArray[Any], ...]) -> None:
        """All inputs, in order; not timed."""

    def invoke(self) -> None:
        """One inference: what is timed."""

    def output(self, index: int) -> NDArray[Any]:
        """Of the last inference."""
        ...
