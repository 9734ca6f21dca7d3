"""The smallest weights go, as many as asked, and sensitive layers lose fewer."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from host.distillation.pruning.magnitude import (
    apply_masks,
    magnitude_masks,
    prunable_layers,
    zero_share,
)
from host.distillation.pruning.schedule import steps_of
from host.distillation.pruning.sensitivity import LEVELS, Curve, allocate
from host.models import load_model
from host.models.graph import OpKind
from tests.support.make import ROOT

GRAPH = load_model(ROOT / "examples" / "digits_cnn.onnx")


def test_the_layers_are_those_with_weights() -> None:
    layers = prunable_layers(GRAPH)
    assert [layer.kind for layer in layers] == [
        OpKind.CONV_2D,
        OpKind.CONV_2D,
        OpKind.DEPTHWISE_CONV_2D,
        OpKind.CONV_2D,
        OpKind.FULLY_CONNECTED,
    ]
    assert sum(layer.weights for layer in layers) == 216 + 6912 + 288 + 2048 + 2560


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.999, 1.0])
def test_the_smallest_weights_of_each_layer_become_zero(share: float) -> None:
    layers = prunable_layers(GRAPH)
    masks = magnitude_masks(GRAPH, {layer.tensor: share for layer in layers})
    pruned = apply_masks(GRAPH, masks)
    for layer in layers:
        before, after = GRAPH.tensors[layer.tensor].data, pruned.tensors[layer.tensor].data
        assert before is not None
        assert after is not None
        gone = after != before
        assert gone.sum() == round(share * layer.weights)
        assert not after[gone].any()
        if 0 < gone.sum() < gone.size:
            assert np.abs(before[gone]).max() <= np.abs(before[~gone]).min()
        assert zero_share(pruned, layer) == pytest.approx(share, abs=1 / layer.weights)


def test_the_schedule_is_zhu_and_guptas() -> None:
    """Equation 1 of the paper with s_i = 0: s_f + (0 - s_f)(1 - t/n)^3; here a part of s_f."""
    found = [step.reached for step in steps_of(8)]
    assert found == pytest.approx([0.578125, 0.875, 0.984375, 1.0])
    assert np.diff([0, *found]).tolist() == sorted(np.diff([0, *found]).tolist(), reverse=True)


@pytest.mark.parametrize("epochs", range(30))
def test_the_steps_train_as_many_epochs_as_were_asked_for(epochs: int) -> None:
    steps = steps_of(epochs)
    assert sum(step.epochs for step in steps) == epochs
    assert steps[-1].reached == 1.0
    assert all(step.epochs >= 1 for step in steps) or epochs == 0
    assert steps[-1].epochs >= epochs / 2


def test_a_sensitive_layer_loses_less() -> None:
    tough = Curve("tough", 1000, (0.001, 0.002, 0.004, 0.1))
    frail = Curve("frail", 1000, (0.05, 0.2, 0.5, 0.9))
    shares = allocate([tough, frail], 0.5)
    assert shares[0] > 0.6
    assert shares[1] < 0.4
    assert sum(shares) / 2 == pytest.approx(0.5, abs=1e-3)


def test_a_curve_is_read_on_a_line_between_levels_and_never_falls() -> None:
    curve = Curve("c", 10, (0.1, 0.05, 0.3, 0.4))
    assert curve.share_at(0.05) == pytest.approx(0.125)
    assert curve.share_at(0.2) == pytest.approx(0.625)  # half of the way from 0.1 at 0.5
    assert curve.share_at(1.0) > LEVELS[-1]


@given(
    curves=st.lists(
        st.tuples(
            st.integers(1, 10_000),
            st.lists(st.floats(0, 1, width=32), min_size=4, max_size=4),
        ),
        min_size=1,
        max_size=8,
    ),
    share=st.floats(0.01, 0.99),
)
def test_all_lose_together_what_was_asked_for(
    curves: list[tuple[int, list[float]]], share: float
) -> None:
    parts = [Curve(str(i), size, tuple(errors)) for i, (size, errors) in enumerate(curves)]
    shares = allocate(parts, share)
    assert all(0 <= each <= 1 for each in shares)
    sizes = np.array([part.size for part in parts])
    reached = float((np.array(shares) * sizes).sum() / sizes.sum())
    assert reached == pytest.approx(share, abs=0.02)
