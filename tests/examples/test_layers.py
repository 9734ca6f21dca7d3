"""The training layers' gradients against central differences of their own forward pass."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from examples.training.layers import (
    AveragePool,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Flatten,
    Layer,
    Relu,
    same_padding,
    softmax,
)

STEP = 1e-6
SEED = 11


def layers() -> list[tuple[Layer, tuple[int, ...]]]:
    rng = np.random.default_rng(SEED)
    return [
        (Conv2D(rng, 3, 5, window=3, stride=1), (2, 6, 6, 3)),
        (Conv2D(rng, 3, 5, window=3, stride=2), (2, 6, 6, 3)),
        (Conv2D(rng, 3, 5, window=1, stride=1), (2, 6, 6, 3)),
        (DepthwiseConv2D(rng, 4, window=3, stride=2), (2, 6, 6, 4)),
        (AveragePool(window=2), (2, 4, 4, 3)),
        (Flatten(), (2, 3, 4, 1)),
        (Dense(rng, 6, 4), (3, 6)),
        (Relu(), (3, 6)),
    ]


@pytest.mark.parametrize(
    ("layer", "shape"), layers(), ids=lambda value: type(value).__name__.lower()
)
def test_backward_is_the_derivative_of_forward(layer: Layer, shape: tuple[int, ...]) -> None:
    rng = np.random.default_rng(SEED)
    # In float64, so that the differences are not lost in rounding.
    layer.parameters = [parameter.astype(np.float64) for parameter in layer.parameters]
    inputs = rng.standard_normal(shape)
    weighting = rng.standard_normal(layer.forward(inputs).shape)
    analytic = [layer.backward(weighting), *layer.gradients]

    def numeric(values: NDArray[np.float64]) -> NDArray[np.float64]:
        result = np.empty(values.shape)
        for index in np.ndindex(*values.shape):
            kept = values[index]
            loss = []
            for sign in (1, -1):
                values[index] = kept + sign * STEP
                loss.append(float((layer.forward(inputs) * weighting).sum()))
            values[index] = kept
            result[index] = (loss[0] - loss[1]) / (2 * STEP)
        return result

    for values, gradient in zip([inputs, *layer.parameters], analytic, strict=True):
        np.testing.assert_allclose(gradient, numeric(values), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("size", "window", "stride", "expected"),
    [(8, 3, 1, (1, 1)), (8, 3, 2, (0, 1)), (7, 3, 2, (1, 1)), (8, 1, 1, (0, 0)), (5, 2, 2, (0, 1))],
)
def test_same_padding_is_tensorflows(
    size: int, window: int, stride: int, expected: tuple[int, int]
) -> None:
    assert same_padding(size, window, stride) == expected


def test_softmax_survives_large_logits() -> None:
    result = softmax(np.array([[1000.0, 1000.0, -1000.0]], dtype=np.float32))
    np.testing.assert_allclose(result, [[0.5, 0.5, 0.0]])
