"""Measures what a model needs of a board, by running it: the requirement vector.

``python -m host.targeting.profiler`` is ``host profile``.
"""

from __future__ import annotations

import contextlib
import hashlib
import statistics
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import attrs
import numpy as np
from numpy.typing import NDArray

from host.compiler import CompiledPlan, compile_graph
from host.distillation.calibration import SYNTHETIC, choose_calibration
from host.distillation.inference import TfliteRunner
from host.distillation.layers import layer_errors
from host.distillation.quantization import PRECISIONS, quantize
from host.errors import ConfigError, ModelError
from host.measurement.measure import MeasureRequest, run_measurement
from host.measurement.observer import Silent
from host.models import load_model
from host.models.graph import DType, Graph
from host.models.tflite_importer import import_tflite
from host.models.tflite_writer import write_float_tflite
from host.targeting.accelerator import Unavailable, cpu_engine, dxm1_engine
from host.targeting.accuracy import compare
from host.targeting.flops import flops_of
from host.targeting.this_computer import cpu, process_peak_kb, tool_versions
from host.targeting.vector import RequirementVector

_PASSES = 50

Progress = Callable[[str], None]


@attrs.frozen(eq=False)
class Profiled:
    """The vector, and the quantized models behind it by precision."""

    vector: RequirementVector
    candidates: dict[str, bytes]
    notes: tuple[str, ...]


@attrs.frozen(kw_only=True)
class ProfileOptions:
    """What a profile takes in beside the calibration data.

    ``board``: whose arena's high-water mark counts, at ``port`` or emulated; None: the posix
    runtime's. ``accelerator``: whether a DX-M1 is timed.
    """

    board: str | None = None
    port: str | None = None
    accelerator: bool = False


def profile_model(
    model: Path,
    calibration_data: Path | None,
    progress: Progress = lambda _: None,
    options: ProfileOptions | None = None,
) -> Profiled:
    """Runs the model as float32, int8 and int4, and its plan in the posix runtime.

    Args:
        model: a float model, or an int8 one, whose errors then are not known.
        calibration_data: a file or folder; ``None``: ``calibration/`` beside the model where that
            is, else seeded random samples.

    Raises:
        ConfigError: model or calibration data cannot be read, or do not fit each other.
        ModelError: the model is not supported.
        BoardError, LinkError, DeadlineExceeded: the board of ``options`` could not be measured.
    """
    options = options or ProfileOptions()
    graph = load_model(model)
    if any(tensor.dtype is DType.INT8 for tensor in graph.tensors):
        return _profile_file(model, graph, options, progress)
    calibration = choose_calibration(model, graph, calibration_data)
    to_calibrate, hold_out = calibration.split()
    float_model = write_float_tflite(graph)
    progress("running the float model")
    expected = TfliteRunner(float_model).run_all(hold_out)
    quantized, errors = {}, {}
    for precision in PRECISIONS:
        progress(f"quantizing to {precision}")
        found = quantized[precision] = quantize(graph, to_calibrate, hold_out, precision)
        outputs = TfliteRunner(found.tflite).run_all(hold_out)
        errors[precision] = {**compare(expected, outputs), "ranges": found.ranges}
    candidates = {precision: found.tflite for precision, found in quantized.items()}
    details = {
        "calibration": {
            "source": _absolute(calibration.source),
            "count": len(calibration.samples),
            "sha256": calibration.sha256,
            "calibration_count": len(to_calibrate),
            "hold_out_count": len(hold_out),
            "calibration_sha256": _sha256(to_calibrate),
            "hold_out_sha256": _sha256(hold_out),
        },
        "errors": errors,
        "output_range": [float(expected.min()), float(expected.max())],
    }
    progress("comparing the layers")
    details["layers"] = layer_errors(graph, quantized["int8"], hold_out)
    details["candidates"] = {
        precision: hashlib.sha256(data).hexdigest() for precision, data in candidates.items()
    }
    run = _Run(model, graph, candidates, float_model, hold_out[0])
    notes = (*calibration.notes, *graph.notes)
    return Profiled(_vector(run, details, options, progress), candidates, notes)


def _profile_file(
    model: Path, graph: Graph, options: ProfileOptions, progress: Progress
) -> Profiled:
    """Of a model that is quantized already."""
    data = model.read_bytes()
    packed = any(tensor.dtype is DType.INT4 for tensor in graph.tensors)
    candidates = {"int4" if packed else "int8": data}
    note = f"{model}: is quantized already, so that its error against float32 is not known"
    vector = profile_quantized(model, graph.sha256, candidates, {}, progress, options)
    return Profiled(vector, candidates, (note,))


def profile_quantized(
    model: Path,
    sha256: str,
    candidates: dict[str, bytes],
    details: dict[str, Any],
    progress: Progress = lambda _: None,
    options: ProfileOptions | None = None,
) -> RequirementVector:
    """The vector of models that are quantized already.

    Args:
        model: the file that the vector is of, which may be yet to come; ``sha256`` its digest.
        candidates: by precision; int8 is one of them, or int4 the only one.
        details: what is known beside: ``errors`` by precision, ``output_range``, ``calibration``.

    Raises:
        ModelError: one is not supported.
        BoardError, LinkError, DeadlineExceeded: the board of ``options`` could not be measured.
    """
    main = candidates[_main(candidates)]
    graph = attrs.evolve(import_tflite(main, model.stem), sha256=sha256, source_format="tflite")
    sample = np.zeros(graph.tensors[graph.inputs[0]].shape, np.float32)
    hashes = {name: hashlib.sha256(data).hexdigest() for name, data in candidates.items()}
    run = _Run(model, graph, candidates, main, sample)
    return _vector(run, {**details, "candidates": hashes}, options or ProfileOptions(), progress)


def _main(candidates: Mapping[str, bytes]) -> str:
    """The precision that a model is profiled by: int8 where there is one."""
    return "int8" if "int8" in candidates else next(iter(candidates))


@attrs.frozen(eq=False)
class _Run:
    """What is run: the ``candidates`` by precision on boards, ``timed`` with ``sample`` here."""

    model: Path
    graph: Graph
    candidates: dict[str, bytes]
    timed: bytes
    sample: NDArray[np.float32]


def _vector(
    run: _Run, details: dict[str, Any], options: ProfileOptions, progress: Progress
) -> RequirementVector:
    model, graph = run.model, run.graph
    plans = _plans(run)
    main = _main(run.candidates)
    plan = plans[main]
    progress(
        f"running the plan in {'the posix runtime' if options.board is None else options.board}"
    )
    peak_bytes, peak = _peak_ram(run.candidates[main], plan, options)
    progress("timing the model on this computer")
    latency_ms = statistics.median(cpu_engine(run.timed).time_ms(run.sample, _PASSES))
    dxm1_ms, dxm1_reason = _dxm1_ms(run, options)
    errors = details.get("errors", {})
    return RequirementVector(
        flops=flops_of(graph),
        peak_ram_kb=peak_bytes / 1024,
        latency_cpu_ms=latency_ms,
        latency_dxm1_ms=dxm1_ms,
        throughput_fps=1000.0 / latency_ms,
        int8_error_mean=errors.get("int8", {}).get("mean"),
        int4_error_mean=errors.get("int4", {}).get("mean"),
        input_shape=_declared(graph, graph.inputs[0], graph.input_permutations),
        output_shape=_declared(graph, graph.outputs[0], graph.output_permutations),
        details={
            "model": {
                "path": str(model.resolve()),
                "sha256": graph.sha256,
                "framework": graph.source_format,
            },
            **details,
            "macs": plan.macs,
            **peak,
            "process_peak_kb": process_peak_kb(),
            "plans": {precision: _plan_facts(plan) for precision, plan in plans.items()},
            "ops": [
                {
                    "kind": op.kind.name,
                    "macs": op.macs,
                    "input_bytes": sum(op.input_bytes),
                    "output_bytes": op.output_bytes,
                    "constant_bytes": op.constant_bytes,
                    "scratch_bytes": op.scratch_bytes,
                }
                for op in plan.ops
            ],
            "latency_dxm1_reason": dxm1_reason,
            "cpu": {**cpu(), "engine": "LiteRT, one thread", "passes": _PASSES},
            "tools": tool_versions(),
        },
    )


def _plans(run: _Run) -> dict[str, CompiledPlan]:
    """By precision; the main one is always there, another where the runtime executes it."""
    name, main = run.model.stem, _main(run.candidates)
    plans = {main: compile_graph(import_tflite(run.candidates[main], name))}
    for precision, data in run.candidates.items():
        if precision not in plans:
            with contextlib.suppress(ModelError):
                plans[precision] = compile_graph(import_tflite(data, name))
    return plans


def _dxm1_ms(run: _Run, options: ProfileOptions) -> tuple[float | None, str | None]:
    """Median latency on a DX-M1, else the reason why there is none."""
    if not options.accelerator:
        return None, "not asked for: --accelerator dxm1 times it"
    try:
        return statistics.median(dxm1_engine(run.model).time_ms(run.sample, _PASSES)), None
    except Unavailable as error:
        return None, str(error)


def _absolute(source: str) -> str:
    """Of a path, so that the profile can be used from another folder."""
    return source if source == SYNTHETIC else str(Path(source).resolve())


def _plan_facts(plan: CompiledPlan) -> dict[str, Any]:
    return {
        "plan_bytes": len(plan.data),
        "arena_bytes": plan.arena_bytes,
        "ops": sorted({op.kind.name for op in plan.ops}),
    }


def _peak_ram(
    int8_model: bytes, plan: CompiledPlan, options: ProfileOptions
) -> tuple[int, dict[str, Any]]:
    """The arena's high-water mark where the plan ran, and what ``details`` say of it.

    It is the planner's where the posix runtime is not built and no board was named.
    """
    with tempfile.NamedTemporaryFile(suffix=".tflite") as file:
        file.write(int8_model)
        file.flush()
        request = MeasureRequest(
            model=Path(file.name),
            board=options.board or "pc",
            port=options.port,
            iterations=1,
            warmup=0,
        )
        try:
            record = run_measurement(request, Silent()).record
        except ConfigError:
            if options.board is not None:
                raise
            return plan.arena_bytes, {"peak_ram_source": "planner"}
    assert record.memory.arena_bytes is not None
    return record.memory.arena_bytes, {
        "peak_ram_source": "arena_measured",
        "peak_ram_board": {
            "id": record.board.id,
            "source": str(record.evidence.source),
            "fidelity": str(record.evidence.fidelity),
        },
    }


def _declared(graph: Graph, index: int, permutations: list[tuple[int, ...]]) -> tuple[int, ...]:
    """The shape of input or output 0 as the model's file has it."""
    shape = graph.tensors[index].shape
    return tuple(shape[axis] for axis in permutations[0]) if permutations else shape


def _sha256(samples: NDArray[np.float32]) -> str:
    return hashlib.sha256(samples.astype("<f4").tobytes()).hexdigest()


if __name__ == "__main__":
    from host.cli import main

    main(command="profile")
