"""Training: the best epoch is kept, the same seed gives the same, what diverges is refused."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is an extra and not installed here: '.[train]'")

import torch

from host.distillation.training.accuracy import evaluate, top1
from host.distillation.training.data import Split, TrainingData
from host.distillation.training.epochs import Epoch
from host.distillation.training.fit import FitOptions, FitResult, fit, predict, predict_scores
from host.distillation.training.losses import Batch, label_loss, teacher_loss
from host.distillation.training.module import GraphModule
from host.errors import ModelError
from host.models import load_model
from host.models.graph import Graph
from tests.support.make import ROOT

EXAMPLES = ROOT / "examples"
GRAPH = load_model(EXAMPLES / "digits_mlp.onnx")
DATA = TrainingData(
    (np.load(EXAMPLES / "test" / "images.npy").reshape(360, 1, 64),),
    np.load(EXAMPLES / "test" / "labels.npy"),
)
SPLIT = DATA.split()


def untrained() -> Graph:
    module = GraphModule(GRAPH)
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in module.trained.values():
            parameter.normal_(0.0, 0.1)
    return module.to_graph()


UNTRAINED = untrained()


def trained(
    options: FitOptions, after_step: Callable[[GraphModule], None] | None = None
) -> tuple[GraphModule, FitResult]:
    module = GraphModule(UNTRAINED)
    result = fit(module, SPLIT.train, SPLIT.validation, options, label_loss, after_step=after_step)
    return module, result


def test_training_learns_and_keeps_its_best_epoch() -> None:
    module, result = trained(FitOptions(epochs=15, learning_rate=1e-2))
    losses = [epoch.validation_loss for epoch in result.history]
    assert [epoch.number for epoch in result.history] == list(range(16))
    assert result.best_epoch == int(np.argmin(losses)) > 0
    best = result.history[result.best_epoch]
    assert best.validation_accuracy > 0.8 > 0.3 > result.history[0].validation_accuracy
    scores = torch.from_numpy(predict_scores(module, SPLIT.validation))
    assert float(label_loss(scores, Batch.of(SPLIT.validation))) == pytest.approx(min(losses))
    # The graph that comes back is the one that was judged.
    assert evaluate(module.to_graph(), SPLIT.validation) == best.validation_accuracy
    outputs = predict(module, SPLIT.validation)
    assert top1(outputs, SPLIT.validation.labels) == best.validation_accuracy


def test_where_training_only_harms_nothing_is_changed() -> None:
    module = GraphModule(GRAPH)
    fit(module, SPLIT.train, SPLIT.validation, FitOptions(2, learning_rate=3.0), label_loss)
    for index, parameter in module.trained.items():
        np.testing.assert_array_equal(parameter.detach(), GRAPH.tensors[index].data)


def test_the_same_seed_gives_the_same_and_another_another() -> None:
    first, second, other = (trained(FitOptions(2, seed=seed))[1].history for seed in (1, 1, 2))
    assert first == second
    assert first[1:] != other[1:]


def test_a_loss_that_is_not_finite_is_refused() -> None:
    with pytest.raises(ModelError, match=r"not finite in epoch \d+; train with a lower"):
        trained(FitOptions(30, learning_rate=1e30))


def test_what_a_mask_zeroes_stays_zero() -> None:
    (first, *_) = sorted(GraphModule(UNTRAINED).trained)

    def masked(module: GraphModule) -> None:
        with torch.no_grad():
            module.trained[first][::2] = 0.0

    module, _ = trained(FitOptions(3, learning_rate=1e-2), masked)
    weights = module.to_graph().tensors[first].data
    assert not weights[::2].any()
    assert weights[1::2].all()


def test_an_observer_is_told_of_every_epoch() -> None:
    told: list[tuple[int, int]] = []

    class Observer:
        def epoch(self, epoch: Epoch, epochs: int) -> None:
            told.append((epoch.number, epochs))

    fit(GraphModule(GRAPH), SPLIT.train, SPLIT.validation, FitOptions(2), label_loss, Observer())
    assert told == [(0, 2), (1, 2), (2, 2)]


def test_a_teacher_without_labels_is_followed() -> None:
    """What the teacher says of samples is learned, though nobody has labelled them."""
    teacher = GraphModule(GRAPH)

    def taught(part: TrainingData) -> TrainingData:
        return TrainingData(part.inputs, teacher=predict_scores(teacher, part))

    split = Split(taught(SPLIT.train), taught(SPLIT.validation), taught(SPLIT.hold_out))
    module = GraphModule(UNTRAINED)
    options = FitOptions(15, learning_rate=1e-2)
    result = fit(module, split.train, split.validation, options, teacher_loss(GRAPH))
    assert all(epoch.validation_accuracy is None for epoch in result.history)
    alike = predict(module, DATA).argmax(axis=1) == predict(teacher, DATA).argmax(axis=1)
    assert alike.mean() > 0.8


def test_one_output_tells_two_classes_apart() -> None:
    outputs = np.array([[0.2], [0.5], [0.9]], np.float32)
    assert top1(outputs, np.array([0, 1, 0])) == pytest.approx(2 / 3)
