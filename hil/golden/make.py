"""Makes a golden set: chooses samples, runs both references, decides."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hil.golden.decisions import DecisionKind, DecisionRule
from hil.golden.golden_set import (
    MAX_SAMPLES,
    MIN_SAMPLES,
    FloatReference,
    GoldenSet,
    ModelFile,
    Tolerance,
    as_real,
    sample_digests,
)
from host.compiler import compile_graph
from host.compiler.passes.cut_edges import cut_float_edges
from host.distillation.calibration import read_calibration
from host.errors import ConfigError, ModelError
from host.measurement.inputs import quantize
from host.models import load_model
from host.models.graph import DType, Graph, OpKind
from host.reference import ARITHMETIC, expected_outputs

DEFAULT_SAMPLES = 200
DEFAULT_TOLERANCE = 0.02


def make_golden(
    model: Path,
    data: Path,
    name: str,
    *,
    samples: int | None = None,
    float_model: Path | None = None,
    kind: DecisionKind | None = None,
    reject_threshold: float | None = None,
    tolerance: float = DEFAULT_TOLERANCE,
    progress: Callable[[str], None] = lambda _: None,
) -> GoldenSet:
    """Fixes samples of ``data`` and what an int8 ``model`` must make of them.

    Which samples does not depend on the order of the files: those with the lowest digests are
    taken, each once, in the data's order.

    Args:
        data: file or folder, as for calibration.
        samples: 100 to 500; None: 200, or as many as there are.
        float_model: what ``model`` was quantized from; without it there is no float reference.
        kind: None: the best class where a SOFTMAX or a reject threshold says that it is one.
        tolerance: of the mean absolute difference of a sample's output 0 from the float's.
        progress: told what is being done, and what is odd about the data.

    Raises:
        ConfigError: data, counts or options do not fit each other or the model.
        ModelError: a model cannot be read, is not int8, or its float is not float.
    """
    graph = load_model(model)
    plan = compile_graph(graph)
    rule = _rule(graph, kind, reject_threshold)
    given = read_calibration(data, graph)
    for note in given.notes:
        progress(f"note: {note}")
    (contract,) = plan.inputs  # read_calibration reads for one input
    quantized: NDArray[np.int8] = quantize(given.samples, contract).reshape(
        len(given.samples), *contract.shape
    )
    digests = sample_digests([quantized])
    chosen = _choose(digests, samples, data)
    inputs, float_samples = quantized[chosen], given.samples[chosen]
    progress(f"computing {len(chosen)} outputs with the boards' arithmetic")
    outputs, source = expected_outputs(graph, model.read_bytes(), [inputs])
    real_output = as_real(outputs[0], plan.outputs[0])
    float_reference, float_output = None, None
    if float_model is not None:
        progress(f"computing them with {float_model.name}")
        float_reference, float_output = _run_float(float_model, graph, float_samples)
        if float_output.shape != real_output.shape:
            raise ConfigError(
                f"{float_model}: output 0 has {float_output.shape[1]} elements, that of "
                f"{model.name} has {real_output.shape[1]}: it is another model's float"
            )
    return GoldenSet(
        name=name,
        model=ModelFile(name=model.name, sha256=graph.sha256),
        data=data.resolve().name,
        arithmetic=ARITHMETIC,
        source=source,
        rule=rule,
        tolerance=_tolerance(tolerance, real_output if float_output is None else float_output),
        float_reference=float_reference,
        input_contracts=plan.inputs,
        output_contracts=plan.outputs,
        digests=tuple(digests[index] for index in chosen),
        float_samples=float_samples,
        inputs=(inputs,),
        outputs=outputs,
        float_output=float_output,
    )


def _rule(graph: Graph, kind: DecisionKind | None, threshold: float | None) -> DecisionRule:
    if kind is None:
        output = cut_float_edges(graph).outputs[0]
        softmax = any(op.kind is OpKind.SOFTMAX and output in op.outputs for op in graph.ops)
        classes = softmax or threshold is not None
        kind = DecisionKind.TOP1 if classes else DecisionKind.VALUE
    if kind is DecisionKind.VALUE and threshold is not None:
        raise ConfigError("--reject-threshold is for classes: leave it out, or --decision top1")
    if threshold is not None and not np.isfinite(threshold):
        raise ConfigError(f"--reject-threshold {threshold}: give a finite score")
    return DecisionRule(kind=kind, reject_threshold=threshold)


def _choose(digests: tuple[str, ...], wanted: int | None, data: Path) -> list[int]:
    """Indices in the data's order."""
    if wanted is not None and not MIN_SAMPLES <= wanted <= MAX_SAMPLES:
        raise ConfigError(f"--samples {wanted}: a set has {MIN_SAMPLES} to {MAX_SAMPLES}")
    first: dict[str, int] = {}
    for index, digest in enumerate(digests):
        first.setdefault(digest, index)
    count = min(DEFAULT_SAMPLES, len(first)) if wanted is None else wanted
    if len(first) < max(count, MIN_SAMPLES):
        raise ConfigError(
            f"{data}: holds {len(first)} samples that differ once quantized; "
            f"{max(count, MIN_SAMPLES)} are needed",
            hint=f"give more data, or fewer --samples (at least {MIN_SAMPLES})",
        )
    return sorted(first[digest] for digest in sorted(first)[:count])


def _run_float(
    path: Path, graph: Graph, samples: NDArray[np.float32]
) -> tuple[FloatReference, NDArray[np.float32]]:
    # LiteRT takes a second to import.
    from host.distillation.inference import TfliteRunner
    from host.models.tflite_writer import write_float_tflite

    float_graph = load_model(path)
    if any(tensor.dtype is DType.INT8 for tensor in float_graph.tensors):
        raise ModelError(f"{path}: is quantized; --float-model takes what it was quantized from")
    shapes = [
        [g.tensors[index].shape for index in cut_float_edges(g).inputs]
        for g in (float_graph, graph)
    ]
    if shapes[0] != shapes[1]:
        raise ConfigError(
            f"{path}: takes {list(map(list, shapes[0]))}, the quantized model "
            f"{list(map(list, shapes[1]))}: it is another model's float"
        )
    output = TfliteRunner(write_float_tflite(float_graph)).run_all(samples)
    engine = f"litert {importlib.metadata.version('ai-edge-litert')}, reference kernels"
    file = ModelFile(name=path.name, sha256=float_graph.sha256)
    return FloatReference(model=file, engine=engine), output


def _tolerance(given: float, output: NDArray[np.float32]) -> Tolerance:
    if not 0 <= given < np.inf:
        raise ConfigError(f"--tolerance {given}: give a number that is not negative")
    low, high = float(output.min()), float(output.max())
    within_unit = low >= 0 and high <= 1
    return Tolerance(given=given, absolute=given if within_unit else given * (high - low))
