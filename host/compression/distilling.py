"""``host distill --mode distill``: a teacher's knowledge in a student that fits a board."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs

import devices
from host.compression.footprint import Footprint, footprint, plan_site
from host.compression.students import (
    PRECISION,
    Classroom,
    Student,
    compare_seeds,
)
from host.distillation.students.teaching import TeachingOptions
from host.distillation.teacher import Teacher
from host.distillation.training.data import read_training_data
from host.errors import ConfigError, ExitCode
from host.evidence import History
from host.targeting.sizing import judge_for
from host.targeting.verdict import Limits

Progress = Callable[[str], None]


@attrs.frozen(kw_only=True)
class DistillRequest:
    """``data`` are operational samples, with labels or without; ``samples`` how many of them.

    ``seeds``: how many students are taught, of which the best on validation data is kept; with
    more than one each is also trained without the teacher, for comparison. ``limits``: tolerance
    and latency budget.
    """

    teacher: Path
    architecture: str
    data: Path
    target: str
    labels: Path | None = None
    samples: int | None = None
    limits: Limits = attrs.field(factory=Limits)
    options: TeachingOptions = attrs.field(factory=TeachingOptions)
    seeds: int = 1


@attrs.frozen(eq=False)
class DistillResult:
    """``report``: plain JSON values; ``met``: whether the hold-out's error is within tolerance."""

    student: Student
    report: dict[str, Any]
    notes: tuple[str, ...]
    met: bool

    @property
    def exit_code(self) -> ExitCode:
        return ExitCode.DONE if self.met else ExitCode.NOT_MET


def distill_model(
    request: DistillRequest,
    progress: Progress = lambda _: None,
    history: History | None = None,
) -> DistillResult:
    """Finds the largest student that fits the board, teaches it, and measures it there.

    ``history`` keeps what is measured.

    Raises:
        ConfigError: request, teacher or data cannot be used, or do not fit each other; torch is
            not installed.
        ModelError: the teacher is not supported, or training diverges.
        NotMetError: no student of that architecture fits the board or its budget.
    """
    if not request.data.exists():
        raise ConfigError(f"--operational-data {request.data}: no such file or folder")
    site = plan_site(request.target)
    profile = devices.load(request.target)
    teacher = Teacher.read(request.teacher)
    if len(teacher.graph.outputs) != 1:
        raise ConfigError(f"{request.teacher}: has several outputs; a teacher has one")
    data = read_training_data(
        request.data, teacher.graph, labels=request.labels, samples=request.samples
    )
    room = Classroom.open(teacher, data.split(), progress)
    progress(f"looking for the largest {request.architecture} that fits {request.target}")
    fitted = room.fitted(request.architecture, judge_for(site, profile, request.limits))
    comparison = compare_seeds(room, fitted, request.options, request.seeds, progress)
    student = comparison.best
    figures = footprint(student.tflite, f"{request.architecture}_student", site, history)
    notes = (*data.notes, *teacher.graph.notes)
    report = {
        "mode": "distill",
        "teacher": _teacher(room),
        "student": _student(student),
        "target": {"id": site.device, "domain": site.domain, **figures.to_dict()},
        "data": {
            "source": data.source,
            "sha256": data.sha256,
            "labels": data.labels is not None,
            "train_count": len(room.split.train),
            "calibration_count": len(room.split.validation),
            "hold_out_count": len(room.split.hold_out),
        },
        "comparison": comparison.to_dict() if request.seeds > 1 else None,
        **_judged(room, student, figures, request.limits),
        "notes": list(notes),
    }
    return DistillResult(student, report, notes, met=bool(report["met"]))


def _judged(
    room: Classroom, student: Student, figures: Footprint, limits: Limits
) -> dict[str, Any]:
    error = room.hold_out.gated(student.worth)
    budget = limits.latency_budget_ms
    in_time = budget is None or (
        figures.latency is not None and figures.latency.judged_ms <= budget
    )
    return {
        "error": error,
        "tolerance": limits.tolerance,
        "latency_budget_ms": budget,
        "met": error <= limits.tolerance and in_time,
    }


def _teacher(room: Classroom) -> dict[str, Any]:
    graph = room.teacher.graph
    return {
        "model": str(room.teacher.path),
        "sha256": graph.sha256,
        "parameters": graph.parameters,
        "accuracy": room.hold_out.accuracy,
        "output_range": list(room.hold_out.output_range),
        "head": str(room.head),
    }


def _student(student: Student) -> dict[str, Any]:
    shape = student.fitted.shape
    return {
        "architecture": shape.architecture,
        "width": shape.width,
        "input_shape": list(shape.input_shape),
        "output_shape": list(shape.output_shape),
        "parameters": student.graph.parameters,
        "precision": PRECISION,
        "seed": student.seed,
        "best_epoch": student.best_epoch,
        "hold_out": student.worth,
        "hold_out_float": student.worth_float,
    }
