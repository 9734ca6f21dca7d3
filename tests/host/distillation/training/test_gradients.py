"""Gradients and held weights, against differences of the loss and against zero."""

from __future__ import annotations

import attrs
import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is an extra and not installed here: '.[train]'")

from host.distillation.training.data import TrainingData
from host.distillation.training.fit import FitOptions, fit
from host.distillation.training.gradients import gradients
from host.distillation.training.losses import Batch, label_loss
from host.distillation.training.masking import held_at_zero
from host.distillation.training.module import GraphModule
from host.models import load_model
from host.models.graph import Graph
from tests.support.make import ROOT

EXAMPLES = ROOT / "examples"
GRAPH = load_model(EXAMPLES / "digits_mlp.onnx")
IMAGES = np.load(EXAMPLES / "test" / "images.npy").reshape(-1, 1, 64)
LABELS = np.load(EXAMPLES / "test" / "labels.npy").astype(np.int64)
DATA = TrainingData((IMAGES[:64],), LABELS[:64])


def loss_of(graph: Graph) -> float:
    batch = Batch.of(DATA)
    return float(label_loss(GraphModule(graph).scores(*batch.inputs), batch).detach())


def moved(index: int, place: tuple[int, ...], by: float) -> Graph:
    tensors = list(GRAPH.tensors)
    data = tensors[index].data
    assert data is not None
    changed = data.copy()
    changed[place] += by
    tensors[index] = attrs.evolve(tensors[index], data=changed)
    return attrs.evolve(GRAPH, tensors=tensors)


def test_gradients_are_the_slope_of_the_loss() -> None:
    (found,) = gradients(GraphModule(GRAPH), DATA, label_loss, batch_size=64)
    for index, gradient in found.items():
        assert gradient.shape == GRAPH.tensors[index].shape
        place = tuple(int(i) for i in np.unravel_index(np.abs(gradient).argmax(), gradient.shape))
        slope = (loss_of(moved(index, place, 0.01)) - loss_of(moved(index, place, -0.01))) / 0.02
        assert gradient[place] == pytest.approx(slope, rel=0.05)


def test_each_batch_has_its_own() -> None:
    parts = list(gradients(GraphModule(GRAPH), DATA, label_loss, batch_size=40))
    assert len(parts) == 2
    (whole,) = gradients(GraphModule(GRAPH), DATA, label_loss, batch_size=64)
    for index, gradient in whole.items():
        mean = (40 * parts[0][index] + 24 * parts[1][index]) / 64
        np.testing.assert_allclose(mean, gradient, atol=1e-6)


def test_held_weights_are_zero_after_training_and_the_others_are_not() -> None:
    module = GraphModule(GRAPH)
    rng = np.random.default_rng(0)
    masks = {
        index: rng.random(GRAPH.tensors[index].shape) < 0.5
        for index in module.trained
        if len(GRAPH.tensors[index].shape) == 2
    }
    options = FitOptions(epochs=2, learning_rate=1e-3)
    fit(module, DATA, DATA, options, label_loss, after_step=held_at_zero(masks))
    trained = module.to_graph()
    assert len(masks) == 2
    for index, mask in masks.items():
        weights, before = trained.tensors[index].data, GRAPH.tensors[index].data
        assert weights is not None
        assert before is not None
        assert not weights[~mask].any()
        assert (weights[mask] != before[mask]).mean() > 0.5
