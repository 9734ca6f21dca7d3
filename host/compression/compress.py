"""Brings a model onto one board, by the stages that it takes and no other.

In the order quantize, prune, distill: each stage starts from the float model, trains and quantizes,
and what comes out is measured on the target. The first candidate that passes is it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs

import devices
from host.compression.candidate import Attempt, Candidate, Stage
from host.compression.footprint import plan_device
from host.compression.stages import Workshop
from host.compression.students import Classroom
from host.compression.trial import Target
from host.distillation.students.teaching import TeachingOptions
from host.distillation.teacher import Teacher
from host.distillation.training.data import TrainingData, read_training_data
from host.errors import ConfigError, ModelError, NotMetError
from host.evidence import History
from host.models.graph import DType
from host.targeting.sizing import judge_for
from host.targeting.verdict import Limits

_CALIBRATION = "calibration"

Progress = Callable[[str], None]


@attrs.frozen(kw_only=True)
class CompressRequest:
    """``data``: samples, with labels or without; None: ``calibration/`` beside the model.

    ``stages``: those that may be run. ``architectures``: of students; empty: all. ``seeds``: how
    many students of one architecture are taught, with the teacher and without. ``epochs``: of
    fine-tuning and of quantization-aware training. ``output``: the weights' file.
    """

    model: Path
    target: str
    output: Path
    data: Path | None = None
    labels: Path | None = None
    samples: int | None = None
    limits: Limits = attrs.field(factory=Limits)
    stages: tuple[Stage, ...] = tuple(Stage)
    architectures: tuple[str, ...] = ()
    epochs: int = 10
    seeds: int = 1
    teaching: TeachingOptions = attrs.field(factory=TeachingOptions)


@attrs.frozen(eq=False)
class Compressed:
    """``attempts`` in the order in which they were made; the last one passed."""

    request: CompressRequest
    original: Teacher
    room: Classroom
    attempts: tuple[Attempt, ...]
    notes: tuple[str, ...]

    @property
    def chosen(self) -> Attempt:
        return self.attempts[-1]


def compress(
    request: CompressRequest,
    progress: Progress = lambda _: None,
    history: History | None = None,
) -> Compressed:
    """Tries candidates until one passes every check on the target.

    Raises:
        ConfigError: request, model or data cannot be used, or do not fit each other; torch is
            needed and not installed.
        ModelError: the model is not supported.
        NotMetError: no candidate passes; with what each one lacked.
    """
    device = plan_device(request.target)
    original = _float_model(request.model)
    data = _data(request, original)
    room = Classroom.open(original, data.split(), progress)
    target = Target(
        device=device,
        profiles=devices.load_all(),
        limits=request.limits,
        hold_out=room.hold_out,
        output=request.output,
        history=history,
        progress=progress,
    )
    workshop = Workshop(
        graph=original.graph,
        room=room,
        judge=judge_for(device.sites[0], devices.load(request.target), request.limits),
        teaching=request.teaching,
        epochs=request.epochs,
        seeds=request.seeds,
        progress=progress,
    )
    attempts: list[Attempt] = []
    for candidate in _candidates(request, workshop, attempts):
        progress(f"trying {candidate.what} on {device.id}")
        attempts.append(target.try_out(candidate))
        if attempts[-1].passed:
            notes = (*data.notes, *original.graph.notes)
            return Compressed(request, original, room, tuple(attempts), notes)
    raise NotMetError(
        f"nothing brings {request.model.name} onto {device.id}: "
        + "; ".join(map(_lacks, attempts)),
        hint="a larger --target, a looser --tolerance, or more --epochs and --data",
    )


def _candidates(
    request: CompressRequest, workshop: Workshop, attempts: list[Attempt]
) -> Iterator[Candidate]:
    """The next candidate, by what those before it lacked: ``attempts`` grows meanwhile."""
    stages = request.stages
    yield workshop.quantized()
    plain = attempts[-1]
    precision = plain.trainable
    if precision is not None and Stage.QAT in stages:
        yield workshop.trained(plain.candidate, precision)
    if plain.failed <= {"quantization"}:
        return  # it fits; fewer weights would make it worse
    if Stage.PRUNE in stages and "backend" not in plain.failed:
        pruned = workshop.pruned()
        if pruned is not None:
            yield pruned
            precision = attempts[-1].trainable
            if precision is not None and Stage.QAT in stages:
                yield workshop.trained(pruned, precision)
    if Stage.DISTILL in stages:
        yield from workshop.students(request.architectures)


def _lacks(attempt: Attempt) -> str:
    reasons = ", ".join(check.text for check in attempt.verdict.best.failed)
    return f"{attempt.candidate.what} ({attempt.precision}): {reasons}"


def _float_model(path: Path) -> Teacher:
    model = Teacher.read(path)
    if any(tensor.dtype is DType.INT8 for tensor in model.graph.tensors):
        raise ModelError(f"{path}: is quantized already; name the float model it came from")
    if len(model.graph.outputs) != 1 or len(model.graph.inputs) != 1:
        raise ModelError(f"{path}: models with one input and one output can be compressed")
    return model


def _data(request: CompressRequest, original: Teacher) -> TrainingData:
    path = request.data or request.model.parent / _CALIBRATION
    if not path.exists():
        raise ConfigError(
            f"no data: {path} is not there" if request.data else "no data: --data DIR",
            hint="samples as for `host quantize --calibration`, labels.npy beside them if you can",
        )
    if not math.isfinite(request.limits.tolerance):
        raise ConfigError(f"--tolerance {request.limits.tolerance}: not a finite number")
    return read_training_data(path, original.graph, labels=request.labels, samples=request.samples)
