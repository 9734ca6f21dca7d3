"""Every student at every width runs, says what it needs, and scales to what a board has."""

from __future__ import annotations

import numpy as np
import pytest

import devices
from host.compiler import compile_graph
from host.distillation.inference import TfliteRunner
from host.distillation.quantization import quantize
from host.distillation.students import (
    ARCHITECTURES,
    Head,
    Need,
    StudentShape,
    build,
    largest_that_fits,
)
from host.distillation.students.scaling import WIDTHS
from host.errors import ConfigError, ExitCode, NotMetError
from host.models.graph import Graph, OpKind
from host.models.tflite_importer import import_tflite
from host.models.tflite_writer import write_float_tflite
from host.targeting.catalog import devices_for
from host.targeting.sizing import judge_for
from host.targeting.verdict import Limits


def shape_of(architecture: str, **changes: object) -> StudentShape:
    given: dict[str, object] = {
        "architecture": architecture,
        "width": 0.25,
        "input_shape": (1, 16, 16, 1),
        "output_shape": (1, 10),
        "head": Head.SOFTMAX,
    }
    return StudentShape(**{**given, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("input_shape", [(1, 8, 8, 1), (1, 33, 20, 3)])
def test_runs_and_compiles(architecture: str, input_shape: tuple[int, ...]) -> None:
    graph = build(shape_of(architecture, input_shape=input_shape))
    samples = np.random.default_rng(1).normal(size=(4, *input_shape)).astype(np.float32)
    outputs = TfliteRunner(write_float_tflite(graph)).run_all(samples)
    assert outputs.shape == (4, 10)
    np.testing.assert_allclose(outputs.sum(axis=1), 1.0, atol=1e-5)
    assert np.ptp(outputs, axis=0).max() > 0, "the output depends on the input"
    quantized = quantize(graph, samples, samples[:2], "int8")
    assert compile_graph(import_tflite(quantized.tflite, "student")).macs > 0


@pytest.mark.parametrize("head", Head)
def test_ends_as_its_teacher(head: Head) -> None:
    shape = shape_of("mlp", input_shape=(1, 30), output_shape=(1, 3, 2), head=head)
    graph = build(shape)
    assert graph.tensors[graph.outputs[0]].shape == (1, 3, 2)
    last = [op.kind for op in graph.ops if op.kind is not OpKind.RESHAPE][-1]
    assert (
        last
        is {
            Head.SOFTMAX: OpKind.SOFTMAX,
            Head.LOGISTIC: OpKind.LOGISTIC,
            Head.NUMBERS: OpKind.FULLY_CONNECTED,
        }[head]
    )


def test_one_seed_one_network() -> None:
    shape = shape_of("ds_cnn")
    assert write_float_tflite(build(shape, 3)) == write_float_tflite(build(shape, 3))
    assert write_float_tflite(build(shape, 3)) != write_float_tflite(build(shape, 4))


def test_published_size() -> None:
    """Howard et al. 2019, table 4: MobileNetV3-Small 1.0 has 56 M MACs and 2.5 M parameters; the
    paper's counts leave out biases and the classifier has 1,000 classes."""
    shape = shape_of(
        "mobilenetv3_small", width=1.0, input_shape=(1, 224, 224, 3), output_shape=(1, 1000)
    )
    graph = build(shape)
    parameters = sum(t.elements for t in graph.tensors if t.data is not None)
    assert parameters == pytest.approx(2.54e6, rel=0.02)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_needs_grow_with_width(architecture: str) -> None:
    """What bisection rests on."""
    sizes = [
        sum(t.elements for t in build(shape_of(architecture, width=width)).tensors)
        for width in WIDTHS
    ]
    assert sizes == sorted(sizes)


def test_images_only() -> None:
    with pytest.raises(ConfigError, match="takes images"):
        build(shape_of("ds_cnn", input_shape=(1, 64)))
    with pytest.raises(ConfigError, match="unknown student"):
        build(shape_of("resnet"))


def judge_by(limit: int) -> object:
    def judge(graph: Graph) -> Need:
        elements = sum(t.elements for t in graph.tensors)
        violations = (f"{elements} elements",) if elements > limit else ()
        return Need(
            plan_bytes=elements,
            arena_bytes=0,
            macs=elements,
            latency_ms=None,
            violations=violations,
        )

    return judge


def test_takes_the_largest() -> None:
    """Against trying every width and resolution out."""
    shape = shape_of("tiny_cnn", input_shape=(1, 32, 32, 1))
    limit = 9_000
    judge = judge_by(limit)
    found = largest_that_fits(shape, judge)  # type: ignore[arg-type]
    every = [
        sum(
            t.elements
            for t in build(shape_of("tiny_cnn", width=width, input_shape=(1, e, e, 1))).tensors
        )
        for width in WIDTHS
        for e in (32, 16, 8)
    ]
    assert found.need.macs == max(size for size in every if size <= limit)
    assert found.shape.input_shape != shape.input_shape


def test_says_what_the_smallest_lacks() -> None:
    with pytest.raises(NotMetError, match=r"smallest \(width 0\.0625.*elements") as caught:
        largest_that_fits(shape_of("mlp"), judge_by(10))  # type: ignore[arg-type]
    assert caught.value.exit_code is ExitCode.NOT_MET


def test_fits_the_uno() -> None:
    profiles = devices.load_all()
    site = next(d for d in devices_for(profiles) if d.id == "uno").sites[0]
    profile = next(p for p in profiles if p.id == "uno")
    shape = shape_of("ds_cnn", input_shape=(1, 8, 8, 1))
    found = largest_that_fits(shape, judge_for(site, profile, Limits()))
    assert found.need.arena_bytes * 1.3 <= (site.ram_kb - site.reserved_kb) * 1024
    with pytest.raises(NotMetError, match="lacks MEAN, MUL"):
        largest_that_fits(
            shape_of("mobilenetv3_small", input_shape=(1, 8, 8, 1)),
            judge_for(site, profile, Limits()),
        )
    hurried = Limits(latency_budget_ms=found.need.latency_ms and found.need.latency_ms / 2)
    faster = largest_that_fits(shape, judge_for(site, profile, hurried))
    assert faster.need.macs < found.need.macs
