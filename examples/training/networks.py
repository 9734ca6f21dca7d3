"""The two networks: how they are built and how they are trained."""

from __future__ import annotations

from collections.abc import Callable

import attrs
import numpy as np
from numpy.typing import NDArray

from examples.training.layers import (
    Array,
    AveragePool,
    Conv2D,
    Dense,
    DepthwiseConv2D,
    Flatten,
    Layer,
    Relu,
    softmax,
)

CLASSES = 10


@attrs.frozen
class Recipe:
    """How one network is made."""

    name: str
    build: Callable[[np.random.Generator], list[Layer]]
    flat_input: bool
    """The exported model takes [1, 64], not an image."""
    epochs: int
    learning_rate: float
    shift_pixels: int
    """Training images are moved by up to this many pixels either way."""
    seed: int = 7
    batch: int = 64


def build_mlp(rng: np.random.Generator) -> list[Layer]:
    """64-32-10: 2.4 k parameters and 96 bytes of int8 activations, for 2 KB of RAM."""
    return [Flatten(), Dense(rng, 64, 32), Relu(), Dense(rng, 32, CLASSES)]


def build_cnn(rng: np.random.Generator) -> list[Layer]:
    """Two full convolutions and a depthwise-separable one: 12 k parameters.

    Its two largest activations are 3.5 KB in int8, more than a 2 KB part has.
    """
    return [
        Conv2D(rng, 1, 24, window=3, stride=1),
        Relu(),
        Conv2D(rng, 24, 32, window=3, stride=1),
        Relu(),
        DepthwiseConv2D(rng, 32, window=3, stride=2),
        Relu(),
        Conv2D(rng, 32, 64, window=1, stride=1),
        Relu(),
        AveragePool(window=2),
        Flatten(),
        Dense(rng, 256, CLASSES),
    ]


MLP = Recipe("digits_mlp", build_mlp, True, epochs=150, learning_rate=2e-3, shift_pixels=0)
CNN = Recipe("digits_cnn", build_cnn, False, epochs=60, learning_rate=3e-3, shift_pixels=1)
RECIPES = (MLP, CNN)


def logits(layers: list[Layer], images: Array) -> Array:
    """The network's output [N, 10] before softmax."""
    values = images
    for layer in layers:
        values = layer.forward(values)
    return values


def predict(layers: list[Layer], images: Array) -> Array:
    """Class probabilities [N, 10]."""
    return softmax(logits(layers, images))


def _shifted(images: Array, rng: np.random.Generator, pixels: int) -> Array:
    """A copy with every image moved by its own draw; what leaves is lost, zeros enter."""
    _, height, width, _ = images.shape
    padded = np.pad(images, ((0, 0), (pixels, pixels), (pixels, pixels), (0, 0)))
    moves = rng.integers(0, 2 * pixels + 1, size=(len(images), 2))
    return np.stack(
        [
            image[row : row + height, column : column + width]
            for image, (row, column) in zip(padded, moves, strict=True)
        ]
    )


class _Adam:
    """Kingma and Ba 2015, with the usual constants."""

    def __init__(self, parameters: list[Array]) -> None:
        self._parameters = parameters
        self._first = [np.zeros_like(parameter) for parameter in parameters]
        self._second = [np.zeros_like(parameter) for parameter in parameters]
        self._steps = 0

    def step(self, gradients: list[Array], learning_rate: float) -> None:
        """Changes the parameters in place."""
        self._steps += 1
        beta1, beta2, epsilon = np.float32(0.9), np.float32(0.999), np.float32(1e-8)
        rate = np.float32(learning_rate * np.sqrt(1 - 0.999**self._steps) / (1 - 0.9**self._steps))
        for parameter, gradient, first, second in zip(
            self._parameters, gradients, self._first, self._second, strict=True
        ):
            first += (1 - beta1) * (gradient - first)
            second += (1 - beta2) * (gradient * gradient - second)
            parameter -= rate * first / (np.sqrt(second) + epsilon)


def train(
    recipe: Recipe, images: Array, labels: NDArray[np.int64], epochs: int | None = None
) -> list[Layer]:
    """Trains with softmax cross-entropy; the learning rate falls to 0 on a cosine.

    Deterministic for a given CPU and BLAS as long as BLAS runs one thread.
    """
    rng = np.random.default_rng(recipe.seed)
    layers = recipe.build(rng)
    optimizer = _Adam([parameter for layer in layers for parameter in layer.parameters])
    epochs = recipe.epochs if epochs is None else epochs
    one_hot = np.eye(CLASSES, dtype=np.float32)
    batches = -(-len(images) // recipe.batch)
    for epoch in range(epochs):
        order = rng.permutation(len(images))
        for batch, start in enumerate(range(0, len(images), recipe.batch)):
            chosen = order[start : start + recipe.batch]
            inputs = images[chosen]
            if recipe.shift_pixels:
                inputs = _shifted(inputs, rng, recipe.shift_pixels)
            gradient = (predict(layers, inputs) - one_hot[labels[chosen]]) / np.float32(len(chosen))
            for layer in reversed(layers):
                gradient = layer.backward(gradient)
            progress = (epoch * batches + batch) / (epochs * batches)
            optimizer.step(
                [each for layer in layers for each in layer.gradients],
                recipe.learning_rate * 0.5 * (1 + np.cos(np.pi * progress)),
            )
    return layers
